/*
 * states.c - files and small sessions for the tests of states.
 *
 * In:       settings.  Out: sessions, files.
 * Not here: expectations.
 */
#include "tests/states.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const states_settings = "min-tokens=0 start=0.5 suffix=2 prefix=1 window=2";
char states_folder[64];

void states_folder_open(void) {
  snprintf(states_folder, sizeof states_folder, "check_state_XXXXXX");
  ck_assert_ptr_nonnull(mkdtemp(states_folder));
}

const char *states_path(const char *name) {
  static char paths[2][512];
  static int next;
  char *path = paths[next++ % 2];
  snprintf(path, sizeof paths[0], "%s/%s", states_folder, name);
  return path;
}

/* Files in the folder; with `unlinks` there are none after. */
static int count_files(bool unlinks) {
  DIR *d = opendir(states_folder);
  int n = 0;
  for (struct dirent *e; d && (e = readdir(d)) != NULL;) {
    if (e->d_name[0] == '.') continue;
    n++;
    if (unlinks) unlink(states_path(e->d_name));
  }
  if (d) closedir(d);
  return n;
}

int states_files(void) { return count_files(false); }

void states_folder_close(void) {
  count_files(true);
  rmdir(states_folder);
}

struct tiny_bytes states_read(const char *path) {
  struct tiny_bytes b = {0};
  char part[65536];
  FILE *file = fopen(path, "rb");
  ck_assert_msg(file != NULL, "%s", path);
  for (size_t n; (n = fread(part, 1, sizeof part, file)) > 0;) tiny_raw(&b, part, n);
  fclose(file);
  return b;
}

bool states_same(const char *path, const struct tiny_bytes *wanted) {
  struct tiny_bytes found = states_read(path);
  bool same = found.size == wanted->size && !memcmp(found.data, wanted->data, found.size);
  tiny_free(&found);
  return same;
}

void states_write(const char *path, const uint8_t *data, size_t size) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ck_assert_int_eq(write(fd, data, size), (ssize_t)size);
  close(fd);
}

struct tiny_spec states_spec(void) {
  struct tiny_spec s;
  tiny_preset(&s);
  s.layers = 2, s.embd = 32, s.heads = 2, s.kv_heads = 1, s.head_dim = 16, s.ff = 32, s.vocab = STATES_VOCAB, s.type = SP_Q8_0;
  return s;
}

struct opened states_open(void) {
  struct tiny_spec s = states_spec();
  return run_open(&s, "threads=1");
}

still_session *states_saved(still_model *model, const char *with, struct tiny_bytes *state) {
  still_session *s = run_session(model, with);
  still_token *tokens = run_tokens(STATES_TOKENS, STATES_VOCAB, 1);
  ck_assert_int_eq(still_append(s, tokens, STATES_TOKENS, NULL), STILL_OK);
  ck_assert_msg(still_session_save(s, states_path("state")) == STILL_OK, "%s", still_session_error(s));
  *state = states_read(states_path("state"));
  free(tokens);
  return s;
}

void states_sentence(const still_session *s) {
  ck_assert_msg(strlen(still_session_error(s)) > 20 && strchr(still_session_error(s), ';'), "%s", still_session_error(s));
}
