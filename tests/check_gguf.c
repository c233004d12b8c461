/*
 * check_gguf.c - the GGUF reader on sound files: values, hooks, bounds on time and memory.
 *
 * In:       files made by tiny.c.  Out: TAP.
 * Not here: broken files (check_broken.c), what keys mean (check_config.c), random mutations (fuzz/fuzz_gguf.c).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/gguf_parts.h"
#include "tests/attempt.h"

/* ---- sound files ---------------------------------------------------------------------------------------------- */

START_TEST(sound_models_open) {
  static const char *const names[] = {"llama", "qwen2", "qwen3"};
  for (int which = 0; which < 3; which++) {
    struct tiny_spec s = attempt_spec(which);
    struct tiny_bytes file;
    char path[32];
    tiny_make(&s, 0, &file);
    int fd = tiny_share(&file, path);
    for (int map = 0; map < 2; map++)
      ck_assert_msg(attempt_with(NULL, path, map, true) == STILL_OK, "%s: %s", names[which], tried.error.text);
    close(fd);
    tiny_free(&file);
  }
}
END_TEST

START_TEST(every_type_opens) {
  struct tiny_spec s;
  tiny_preset(&s);
  s.layers = 1;
  for (unsigned type = 0; type <= SP_TYPES; type++) {
    struct tiny_bytes file;
    s.type = (enum sp_type)type;
    tiny_make(&s, 0, &file);
    ck_assert_msg(attempt_bytes(&file, true) == STILL_OK, "%s: %s", tiny_type_name(s.type), tried.error.text);
  }
}
END_TEST

/* One key of each scalar type at its extremes, and what each getter makes of it. */
START_TEST(scalars_convert) {
  static const struct {
    unsigned type;
    uint64_t bits;
    unsigned width;
    bool is_int;
    int64_t whole;
    double real;
  } cases[] = {
    {SP_GGUF_U8, 0xff, 1, true, 255, 255},
    {SP_GGUF_I8, 0x80, 1, true, -128, -128},
    {SP_GGUF_U16, 0xffff, 2, true, 65535, 65535},
    {SP_GGUF_I16, 0x8000, 2, true, -32768, -32768},
    {SP_GGUF_U32, 0xffffffff, 4, true, 4294967295, 4294967295.0},
    {SP_GGUF_I32, 0x80000000, 4, true, -2147483647 - 1, -2147483648.0},
    {SP_GGUF_U64, INT64_MAX, 8, true, INT64_MAX, 0x1p63},
    {SP_GGUF_I64, UINT64_MAX, 8, true, -1, -1},
    {SP_GGUF_BOOL, 1, 1, true, 1, 1},
    {SP_GGUF_F32, 0xbfc00000, 4, false, 0, -1.5},
    {SP_GGUF_F64, 0x3fb999999999999a, 8, false, 0, 0.1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct tiny_gguf w;
    struct tiny_bytes file;
    struct sp_gguf *g;
    struct sp_string string = {NULL, 0};
    int64_t whole = 77;
    double real = 77;
    char path[32];
    tiny_gguf_begin(&w, 3, 32);
    tiny_key(&w, "it", cases[i].type);
    tiny_put(&w.keys, cases[i].bits, cases[i].width);
    tiny_gguf_end(&w, &file);
    int fd = tiny_share(&file, path);
    sp_ctx_init(&tried, NULL);
    ck_assert_int_eq(sp_gguf_open(&tried, path, true, &g), STILL_OK);
    ck_assert_int_eq(sp_key_type(sp_gguf_key(g, "it")), cases[i].type);
    ck_assert_int_eq(sp_gguf_int(g, "it", &whole), cases[i].is_int ? STILL_OK : STILL_EFORMAT);
    ck_assert_int_eq(whole, cases[i].is_int ? cases[i].whole : 77);
    ck_assert_int_eq(sp_gguf_real(g, "it", &real), STILL_OK);
    ck_assert_double_eq(real, cases[i].real);
    ck_assert_int_eq(sp_gguf_string(g, "it", &string), STILL_EFORMAT);
    ck_assert_uint_eq(sp_gguf_version(g), 3);
    ck_assert_ptr_nonnull(strstr(tried.error.text, "key it"));
    ck_assert_int_eq(sp_gguf_int(g, "other", &whole), STILL_OK); /* absent: untouched */
    ck_assert_ptr_null(sp_gguf_key(g, "other"));
    sp_gguf_close(g);
    close(fd);
    tiny_free(&file);
  }
}
END_TEST

START_TEST(integers_too_large_are_not_integers) {
  struct tiny_gguf w;
  struct tiny_bytes file;
  struct sp_gguf *g;
  int64_t whole = 77;
  double real = 77;
  char path[32];
  tiny_gguf_begin(&w, 3, 32);
  tiny_key(&w, "large", SP_GGUF_U64);
  tiny_put(&w.keys, (uint64_t)INT64_MAX + 1, 8);
  tiny_key_array(&w, "bools", SP_GGUF_BOOL, 2);
  tiny_put(&w.keys, 0x0201, 2);
  tiny_gguf_end(&w, &file);
  int fd = tiny_share(&file, path);
  sp_ctx_init(&tried, NULL);
  ck_assert_int_eq(sp_gguf_open(&tried, path, true, &g), STILL_OK);
  ck_assert_int_eq(sp_gguf_int(g, "large", &whole), STILL_EFORMAT);
  ck_assert(sp_key_int(sp_gguf_key(g, "bools"), 0, &whole) && whole == 1);
  ck_assert(!sp_key_int(sp_gguf_key(g, "bools"), 1, &whole));
  ck_assert_int_eq(sp_gguf_int(g, "bools", &whole), STILL_EFORMAT); /* an array is no scalar */
  ck_assert_int_eq(sp_gguf_real(g, "bools", &real), STILL_EFORMAT);
  sp_gguf_close(g);
  close(fd);
  tiny_free(&file);
}
END_TEST

START_TEST(arrays_keep_their_elements) {
  enum { N = 1000 };
  struct tiny_gguf w;
  struct tiny_bytes file;
  struct sp_gguf *g;
  char path[32], text[32];
  tiny_gguf_begin(&w, 3, 32);
  tiny_key_array(&w, "strings", SP_GGUF_STRING, N);
  for (int i = 0; i < N; i++) {
    snprintf(text, sizeof text, "%.*s%d", i % 5, "xxxxx", i);
    tiny_string(&w.keys, i == 17 ? "" : text);
  }
  tiny_key_array(&w, "shorts", SP_GGUF_I16, N);
  for (int i = 0; i < N; i++) tiny_put(&w.keys, (uint64_t)(-i), 2);
  tiny_key_array(&w, "none", SP_GGUF_STRING, 0);
  tiny_gguf_end(&w, &file);
  int fd = tiny_share(&file, path);
  sp_ctx_init(&tried, NULL);
  ck_assert_int_eq(sp_gguf_open(&tried, path, false, &g), STILL_OK);
  ck_assert_uint_eq(sp_key_count(sp_gguf_key(g, "none")), 0);
  ck_assert_int_eq(sp_key_array_type(sp_gguf_key(g, "none")), SP_GGUF_STRING);
  for (size_t i = N; i-- > 0;) {
    struct sp_string s;
    int64_t whole;
    snprintf(text, sizeof text, "%.*s%zu", (int)(i % 5), "xxxxx", i);
    ck_assert(sp_key_string(sp_gguf_key(g, "strings"), i, &s));
    ck_assert_uint_eq(s.bytes, i == 17 ? 0 : strlen(text));
    ck_assert_int_eq(memcmp(s.text, text, s.bytes), 0);
    ck_assert(sp_key_int(sp_gguf_key(g, "shorts"), i, &whole) && whole == -(int64_t)i);
  }
  sp_gguf_close(g);
  close(fd);
  tiny_free(&file);
}
END_TEST

/* ---- files as bytes ------------------------------------------------------------------------------------------- */

START_TEST(mapped_and_read_are_the_same_bytes) {
  struct tiny_spec s = attempt_spec(0);
  struct tiny_bytes file;
  struct sp_file mapped, copied;
  char path[32];
  tiny_make(&s, 0, &file);
  int fd = tiny_share(&file, path);
  sp_ctx_init(&tried, NULL);
  ck_assert_int_eq(sp_file_open(&tried, path, true, &mapped), STILL_OK);
  ck_assert_int_eq(sp_file_open(&tried, path, false, &copied), STILL_OK);
  ck_assert(mapped.size == file.size && copied.size == file.size && mapped.mapped && !copied.mapped);
  sp_file_will_need(&mapped, 100, SIZE_MAX); /* hints, whatever they say */
  sp_file_will_need(&mapped, SIZE_MAX, 1);
  sp_file_will_need(&copied, 0, 1);
  ck_assert_int_eq(memcmp(mapped.data, file.data, file.size), 0);
  ck_assert_int_eq(memcmp(copied.data, file.data, file.size), 0);
  sp_file_close(&tried, &mapped);
  sp_file_close(&tried, &copied);
  ck_assert_uint_eq(atomic_load(&tried.bytes), 0);
  close(fd);
  tiny_free(&file);
}
END_TEST

static int shorten(void *user, const still_progress *p) {
  (void)p;
  return ftruncate(*(int *)user, 1000);
}

/* The first report of a long read comes before its end; by then the file has been cut. */
START_TEST(a_file_that_shrinks_is_noticed) {
  still_hooks hooks = {.size = sizeof hooks, .progress = shorten};
  struct tiny_bytes nothing = {0};
  struct sp_file file;
  char path[32];
  int fd = tiny_share(&nothing, path);
  ck_assert_int_eq(ftruncate(fd, 40 << 20), 0);
  hooks.user = &fd;
  sp_ctx_init(&tried, &hooks);
  ck_assert_int_eq(sp_file_open(&tried, path, false, &file), STILL_EIO);
  ck_assert_ptr_nonnull(strstr(tried.error.text, "is being changed"));
  ck_assert_ptr_null(file.data);
  ck_assert_uint_eq(atomic_load(&tried.bytes), 0);
  close(fd);
}
END_TEST

/* ---- bounds on time and memory -------------------------------------------------------------------------------- */

/* n tensors of 8 bytes with the shortest names; the most that a file can say in the fewest bytes. */
static void make_tensors(struct tiny_bytes *file, size_t n, unsigned part, unsigned parts) {
  struct tiny_gguf g;
  char name[32];
  tiny_gguf_begin(&g, 3, 8);
  attempt_key(&g, "split.no", SP_GGUF_U16, part, 2);
  attempt_key(&g, "split.count", SP_GGUF_U16, parts, 2);
  for (size_t i = 0; i < n; i++) {
    snprintf(name, sizeof name, "%zx", i + part * n);
    tiny_info(&g, name, 0, 1, &(uint64_t){2}, 8 * (n - 1 - i)); /* the worst order for the sort by offset */
  }
  tiny_zeros(&g.data, 8 * n);
  tiny_gguf_end(&g, file);
}

/* Processor time, so that a busy machine fails no test. */
static double timed(const char *path, bool map, still_status *status) {
  clock_t start = clock();
  *status = attempt(path, map);
  return (double)(clock() - start) / CLOCKS_PER_SEC;
}

START_TEST(the_most_tensors_open_fast_and_small) {
  struct tiny_bytes file;
  char path[32];
  still_status status;
  make_tensors(&file, SP_GGUF_MOST_TENSORS, 0, 0);
  int fd = tiny_share(&file, path);
  for (int map = 0; map < 2; map++) {
    double seconds = timed(path, map, &status);
    ck_assert_msg(status == STILL_OK, "%s", tried.error.text);
    ck_assert_msg(seconds < 2, "%g s", seconds);
    size_t peak = atomic_load(&tried.peak), most = 2 * file.size + (1 << 20) + (map ? 0 : file.size);
    ck_assert_msg(peak <= most, "%zu bytes for a file of %zu", peak, file.size);
  }
  close(fd);
  tiny_free(&file);
}
END_TEST

START_TEST(too_many_tensors_are_refused_fast) {
  struct tiny_bytes file;
  char path[32];
  still_status status;
  make_tensors(&file, 1 << 20, 0, 1); /* 50 MB */
  int fd = tiny_share(&file, path);
  double seconds = timed(path, true, &status);
  ck_assert_int_eq(status, STILL_EUNSUPPORTED);
  ck_assert_ptr_nonnull(strstr(tried.error.text, "1048576 tensors"));
  ck_assert_msg(seconds < 0.1, "%g s", seconds);
  close(fd);
  tiny_free(&file);
}
END_TEST

START_TEST(too_many_tensors_over_parts_are_refused) {
  char folder[64], path[2][128];
  snprintf(folder, sizeof folder, "check_gguf_%ld.tmp", (long)getpid());
  ck_assert_int_eq(mkdir(folder, 0700), 0);
  for (unsigned part = 0; part < 2; part++) {
    struct tiny_bytes file;
    snprintf(path[part], sizeof path[part], "%s/m-%05u-of-00002.gguf", folder, part + 1);
    make_tensors(&file, SP_GGUF_MOST_TENSORS / 2 + 1, part, 2);
    tiny_save(&file, path[part]);
    tiny_free(&file);
  }
  still_status status = attempt(path[0], true);
  for (unsigned part = 0; part < 2; part++) unlink(path[part]);
  rmdir(folder);
  ck_assert_msg(status == STILL_EUNSUPPORTED && strstr(tried.error.text, "16386 tensors"), "%s", tried.error.text);
}
END_TEST

START_TEST(many_strings_open_fast_and_small) {
  enum { N = 4000000 }; /* empty strings: 32 MB */
  struct tiny_gguf g;
  struct tiny_bytes file;
  char path[32];
  still_status status;
  tiny_gguf_begin(&g, 3, 32);
  tiny_key_array(&g, "list", SP_GGUF_STRING, N);
  tiny_zeros(&g.keys, 8 * (size_t)N);
  tiny_gguf_end(&g, &file);
  int fd = tiny_share(&file, path);
  double seconds = timed(path, true, &status);
  ck_assert_msg(status == STILL_OK, "%s", tried.error.text);
  ck_assert_msg(seconds < 2, "%g s", seconds);
  ck_assert_uint_le(atomic_load(&tried.peak), 2 * file.size + (1 << 20));
  close(fd);
  tiny_free(&file);
}
END_TEST

/* A header in front of 1 TiB of holes: nothing may walk through it. */
static void write_sparse(int fd, int which) {
  struct tiny_gguf g;
  struct tiny_bytes file;
  tiny_gguf_begin(&g, 3, 32);
  if (which == 1) attempt_tensor(&g, "w", 0, (uint64_t)1 << 20, 1 << 10, 0); /* sound: 4 GiB of zeros */
  if (which == 2) tiny_key_array(&g, "list", SP_GGUF_BOOL, (uint64_t)1 << 39);
  if (which == 3) tiny_key_array(&g, "list", SP_GGUF_STRING, (uint64_t)1 << 36);
  if (which == 4) tiny_key_array(&g, "list", SP_GGUF_STRING, SP_GGUF_MOST_STRINGS);
  if (which == 5) attempt_key(&g, "text", SP_GGUF_STRING, (uint64_t)1 << 39, 8);
  if (which == 6) g.n_keys = SP_GGUF_MOST_KEYS;
  if (which == 7) g.n_tensors = SP_GGUF_MOST_TENSORS;
  tiny_gguf_end(&g, &file);
  if (which > 0) ck_assert_int_eq(pwrite(fd, file.data, file.size, 0), (ssize_t)file.size);
  tiny_free(&file);
}

enum { SPARSE = 8 };

/* An emulator keeps a note of every page that is mapped, 2^28 of them: half a minute that is not ours. */
static double patience(void) {
  const char *emulator = getenv("EMULATOR");
  return emulator != NULL && *emulator != '\0' ? 1000 : 1;
}

START_TEST(a_sparse_terabyte_is_quick) {
  struct tiny_bytes nothing = {0};
  char path[32];
  still_status status;
  int fd = tiny_share(&nothing, path);
  write_sparse(fd, _i);
  if (ftruncate(fd, (off_t)1 << 40) != 0) {
    printf("# SKIP case %d: this system keeps no sparse terabyte\n", _i);
    close(fd);
    return;
  }
  double seconds = timed(path, true, &status);
  if (status == STILL_EIO) { /* under valgrind, for one */
    printf("# SKIP case %d: %s\n", _i, tried.error.text);
    close(fd);
    return;
  }
  bool sound = _i == 1 || _i == 2 || _i == 4 || _i == 5;
  ck_assert_msg((status == STILL_OK) == sound, "%d: %s", _i, tried.error.text);
  ck_assert_msg(seconds < (_i == 4 ? 2 : 0.1) * patience(), "%d: %g s", _i, seconds); /* 4 is 32 MiB of strings */
  ck_assert_uint_le(atomic_load(&tried.peak), (size_t)20 << 20);
  close(fd);
}
END_TEST

/* Names that all walk the same way through the index: with 65 of them the file is refused instead of being slow. */
START_TEST(names_made_to_collide_are_refused) {
  struct tiny_gguf g;
  struct tiny_bytes file;
  char name[32];
  size_t found = 0, mask = 255; /* 66 to 128 keys have 256 slots */
  tiny_gguf_begin(&g, 3, 32);
  for (unsigned i = 0; found < 2 + SP_NAMES_MOST; i++) {
    snprintf(name, sizeof name, "key%u", i);
    uint64_t h = sp_names_hash(name);
    if ((h & mask) != 5 || ((h >> 32 | 1) & mask) != 77) continue;
    tiny_key_u32(&g, name, i);
    found++;
  }
  tiny_gguf_end(&g, &file);
  ck_assert_int_eq(attempt_bytes(&file, true), STILL_EFORMAT);
  ck_assert_ptr_nonnull(strstr(tried.error.text, "index"));
}
END_TEST

/* ---- hooks ---------------------------------------------------------------------------------------------------- */

struct counting { /* fails the n-th allocation; cancels at the n-th report */
  size_t calls, fail_at, reports, cancel_at;
  uint64_t last;
};

static void *count_alloc(void *user, size_t bytes, size_t align) {
  struct counting *c = user;
  return ++c->calls == c->fail_at ? NULL : aligned_alloc(align, bytes);
}

static void count_release(void *user, void *memory, size_t bytes) {
  (void)user, (void)bytes;
  free(memory);
}

static int count_progress(void *user, const still_progress *p) {
  struct counting *c = user;
  ck_assert_int_eq(p->phase, STILL_PHASE_LOAD);
  ck_assert(p->done <= p->total && p->done >= c->last);
  c->last = p->done;
  return ++c->reports == c->cancel_at;
}

static still_status attempt_counting(struct counting *c, const char *path, bool map) {
  still_hooks hooks = {.size = sizeof hooks, .user = c, .alloc = count_alloc, .release = count_release,
                       .progress = count_progress};
  c->calls = c->reports = 0;
  c->last = 0;
  return attempt_with(&hooks, path, map, false);
}

START_TEST(each_allocation_may_fail) {
  struct tiny_spec s = attempt_spec(1);
  struct tiny_bytes file;
  struct counting c = {0};
  char path[32];
  tiny_make(&s, 0, &file);
  int fd = tiny_share(&file, path);
  for (int map = 0; map < 2; map++) {
    still_status status = STILL_ENOMEM;
    for (c.fail_at = 1; status != STILL_OK; c.fail_at++) {
      status = attempt_counting(&c, path, map);
      ck_assert_msg(status == STILL_OK || status == STILL_ENOMEM, "%zu: %s", c.fail_at, tried.error.text);
    }
    ck_assert_uint_gt(c.calls, 4);
    ck_assert_uint_eq(c.calls + 2, c.fail_at); /* the run that succeeded made all its allocations */
  }
  close(fd);
  tiny_free(&file);
}
END_TEST

START_TEST(each_report_may_cancel) {
  struct tiny_spec s = attempt_spec(1);
  struct tiny_bytes file;
  struct counting c = {0};
  char path[32];
  tiny_make(&s, 0, &file);
  int fd = tiny_share(&file, path);
  for (int map = 0; map < 2; map++) {
    still_status status = STILL_ECANCELLED;
    for (c.cancel_at = 1; status != STILL_OK; c.cancel_at++) {
      status = attempt_counting(&c, path, map);
      ck_assert_msg(status == STILL_OK || status == STILL_ECANCELLED, "%zu: %s", c.cancel_at, tried.error.text);
    }
    ck_assert_uint_gt(c.reports, 20); /* at least one for each key */
    ck_assert_uint_eq(c.last, file.size);
  }
  close(fd);
  tiny_free(&file);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("gguf");
  TCase *sound = tcase_create("sound"), *bounds = tcase_create("bounds"), *hooks = tcase_create("hooks");
  tcase_add_test(sound, sound_models_open);
  tcase_add_test(sound, every_type_opens);
  tcase_add_test(sound, scalars_convert);
  tcase_add_test(sound, integers_too_large_are_not_integers);
  tcase_add_test(sound, arrays_keep_their_elements);
  tcase_add_test(sound, mapped_and_read_are_the_same_bytes);
  tcase_add_test(bounds, the_most_tensors_open_fast_and_small);
  tcase_add_test(bounds, too_many_tensors_are_refused_fast);
  tcase_add_test(bounds, too_many_tensors_over_parts_are_refused);
  tcase_add_test(bounds, many_strings_open_fast_and_small);
  tcase_add_loop_test(bounds, a_sparse_terabyte_is_quick, 0, SPARSE);
  tcase_add_test(bounds, names_made_to_collide_are_refused);
  tcase_add_test(hooks, a_file_that_shrinks_is_noticed);
  tcase_add_test(hooks, each_allocation_may_fail);
  tcase_add_test(hooks, each_report_may_cancel);
  suite_add_tcase(suite, sound);
  suite_add_tcase(suite, bounds);
  suite_add_tcase(suite, hooks);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
