/*
 * check_save.c - a state that is saved is there whole or not at all: without room, without memory, when the process is killed.
 *
 * In:       tiny models; STILLPOINT_KILLS, if set, how many processes are killed while they save (20).  Out: TAP.
 * Not here: reading states (check_state.c).
 */
#include <check.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/states.h"

enum { KILLS = 20 };

/* ---- places that cannot be written ----------------------------------------------------------------------------- */

static void cannot_save(still_session *s, const char *path, const char *word) {
  ck_assert_int_eq(still_session_save(s, path), STILL_EIO);
  ck_assert_msg(strstr(still_session_error(s), word), "%s", still_session_error(s));
  states_sentence(s);
}

START_TEST(places) {
  struct opened o = states_open();
  struct tiny_bytes state;
  struct stat info;
  still_session *s = states_saved(o.model, states_settings, &state);
  ck_assert_int_eq(stat(states_path("state"), &info), 0);
  ck_assert_int_eq(info.st_mode & 0777, 0600); /* it holds the text */
  cannot_save(s, states_path("no/such"), "spelling");
  cannot_save(s, states_folder, "directory");
  cannot_save(s, "/dev/full", "device");
  cannot_save(s, "", "spelling");
  ck_assert_int_eq(still_session_load(s, states_path("nothing")), STILL_EIO);
  ck_assert_int_eq(still_session_load(s, states_folder), STILL_EIO);
  ck_assert_int_eq(still_session_load(s, "/dev/null"), STILL_EIO);
  ck_assert_uint_eq(still_session_tokens(s, NULL, 0), STATES_TOKENS);
  ck_assert_int_eq(states_files(), 1);
  still_session *empty = run_session(o.model, states_settings);
  ck_assert_int_eq(still_session_save(empty, states_path("state")), STILL_ESTATE);
  ck_assert(states_same(states_path("state"), &state));
  still_session_close(empty);
  tiny_free(&state);
  still_session_close(s);
  run_close(&o);
}
END_TEST

START_TEST(files_that_must_not_grow) {
  struct opened o = states_open();
  struct tiny_bytes state;
  still_session *s = states_saved(o.model, states_settings, &state);
  struct rlimit before, limit;
  signal(SIGXFSZ, SIG_IGN);
  getrlimit(RLIMIT_FSIZE, &before);
  for (size_t size = 0; size < state.size; size += 50) {
    limit = (struct rlimit){size, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    still_status status = still_session_save(s, states_path("state"));
    setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(status, STILL_EIO);
    ck_assert_ptr_nonnull(strstr(still_session_error(s), "ulimit"));
    ck_assert(states_same(states_path("state"), &state));
    ck_assert_int_eq(states_files(), 1);
  }
  ck_assert_int_eq(still_session_save(s, states_path("state")), STILL_OK);
  tiny_free(&state);
  still_session_close(s);
  run_close(&o);
}
END_TEST

static bool map_identity(const char *path, unsigned id) {
  FILE *file = fopen(path, "w");
  bool good = file && fprintf(file, "%u %u 1", id, id) > 0;
  return file && fclose(file) == 0 && good;
}

/* A disk of 64 KiB, where the system lets a user have one. */
static bool mount_small_disk(void) {
  unsigned user = geteuid(), group = getegid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  FILE *file = fopen("/proc/self/setgroups", "w"); /* a group may be mapped only after this */
  bool good = file && fputs("deny", file) >= 0;
  good = file && fclose(file) == 0 && good;
  return good && map_identity("/proc/self/uid_map", user) && map_identity("/proc/self/gid_map", group) &&
         mount("tmpfs", states_folder, "tmpfs", 0, "size=64k") == 0;
}

START_TEST(full_disk) {
  if (!mount_small_disk()) {
    printf("# SKIP a full disk: no file system of one's own can be mounted here\n");
    return;
  }
  struct opened o = states_open();
  struct tiny_bytes state;
  still_session *s = states_saved(o.model, states_settings, &state);
  still_token *tokens = run_tokens(400, STATES_VOCAB, 3);
  ck_assert_int_eq(still_append(s, tokens, 400, NULL), STILL_OK);
  cannot_save(s, states_path("state"), "make room");
  ck_assert(states_same(states_path("state"), &state));
  ck_assert_int_eq(states_files(), 1);
  free(tokens);
  tiny_free(&state);
  still_session_close(s);
  run_close(&o);
  umount(states_folder);
}
END_TEST

/* ---- death while saving ---------------------------------------------------------------------------------------- */

/* In a child that has not used the library before: two states take turns at one place until the end. */
static void save_for_ever(bool once) {
  struct opened o = states_open();
  still_session *s[2] = {run_session(o.model, states_settings), run_session(o.model, states_settings)};
  still_token *tokens = run_tokens(1000, STATES_VOCAB, 4);
  for (int i = 0; i < 2; i++) {
    if (still_append(s[i], tokens + i, 600, NULL) != STILL_OK) _exit(1);
    if (once && still_session_save(s[i], states_path(i ? "one" : "zero")) != STILL_OK) _exit(1);
  }
  if (once) _exit(0);
  for (int i = 0;; i = !i)
    if (still_session_save(s[i], states_path("state")) != STILL_OK) _exit(1);
}

static pid_t start_saving(bool once) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) save_for_ever(once);
  return child;
}

START_TEST(killed_at_any_moment) {
  const char *wish = getenv("STILLPOINT_KILLS");
  int kills = wish ? atoi(wish) : KILLS, state;
  uint64_t seed = 9;
  ck_assert_int_eq(waitpid(start_saving(true), &state, 0) > 0 && WIFEXITED(state) && WEXITSTATUS(state) == 0, 1);
  struct tiny_bytes zero = states_read(states_path("zero")), one = states_read(states_path("one"));
  states_write(states_path("state"), zero.data, zero.size);
  struct stat begun, now;
  stat(states_path("state"), &begun);
  for (int i = 0; i < kills; i++) {
    pid_t child = start_saving(false);
    do stat(states_path("state"), &now); /* from the first new file on */
    while (now.st_ino == begun.st_ino && waitpid(child, &state, WNOHANG) == 0);
    struct timespec pause = {.tv_nsec = (long)(tiny_random(&seed) % 10000000)};
    nanosleep(&pause, NULL);
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, &state, 0), child);
    ck_assert(WIFSIGNALED(state));
    bool whole = states_same(states_path("state"), &zero) || states_same(states_path("state"), &one);
    ck_assert_msg(whole, "kill %d left another file", i);
    stat(states_path("state"), &begun);
  }
  tiny_free(&zero);
  tiny_free(&one);
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------------------------- */

struct memory {
  long fail_at, allocations, live;
};

static void *failing_alloc(void *user, size_t bytes, size_t align) {
  struct memory *m = user;
  if (++m->allocations == m->fail_at) return NULL;
  void *memory = aligned_alloc(align, bytes);
  if (memory) m->live += (long)bytes;
  return memory;
}

static void counted_release(void *user, void *memory, size_t bytes) {
  ((struct memory *)user)->live -= (long)bytes;
  free(memory);
}

/* Fails allocation 1, 2, 3, ... of a save and a load, files mapped and read. */
START_TEST(every_allocation_may_fail) {
  struct opened o = states_open();
  struct tiny_bytes state;
  still_session_close(states_saved(o.model, states_settings, &state));
  still_settings *t = run_settings(states_settings);
  still_set_int(t, "mmap", _i);
  still_token *tokens = run_tokens(STATES_TOKENS + 3, STATES_VOCAB, 2);
  struct run wanted = run_prefill(o.model, states_settings, tokens, STATES_TOKENS + 3);
  bool saving = true;
  for (long failing = 1, done = 0; done < 2; failing++) {
    struct memory m = {0};
    still_hooks hooks = {.size = sizeof hooks, .user = &m, .alloc = failing_alloc, .release = counted_release};
    still_session *s;
    ck_assert_int_eq(still_session_open(o.model, t, &hooks, &s, NULL), STILL_OK);
    ck_assert_int_eq(still_prefill(s, tokens, STATES_TOKENS + 3, NULL), STILL_OK);
    m.fail_at = m.allocations + failing;
    still_status status = saving ? still_session_save(s, states_path("other")) : still_session_load(s, states_path("state"));
    m.fail_at = 0;
    ck_assert_msg(status == STILL_OK || status == STILL_ENOMEM, "allocation %ld: %s", failing, still_session_error(s));
    if (saving || status != STILL_OK) {
      struct run now = run_take(s, o.model);
      run_same(&wanted, &now, "after a failure");
      run_free(&now);
    }
    ck_assert_int_eq(states_files(), saving && status != STILL_OK ? 1 : 2);
    if (status == STILL_OK) { /* all allocations of the save, then of the load */
      ck_assert_int_gt(failing, 2);
      saving = false;
      failing = 0;
      done++;
    }
    still_session_close(s);
    ck_assert_msg(m.live == 0, "allocation %ld: %ld bytes leaked", failing, m.live);
    ck_assert_int_lt(failing, 1000);
  }
  run_free(&wanted);
  still_settings_free(t);
  free(tokens);
  tiny_free(&state);
  run_close(&o);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("save");
  TCase *tc = tcase_create("files");
  tcase_add_checked_fixture(tc, states_folder_open, states_folder_close);
  tcase_add_test(tc, places);
  tcase_add_test(tc, files_that_must_not_grow);
  tcase_add_test(tc, full_disk);
  tcase_add_test(tc, killed_at_any_moment);
  tcase_add_loop_test(tc, every_allocation_may_fail, 0, 2);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
