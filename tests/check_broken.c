/*
 * check_broken.c - the GGUF reader on files that are cut, flipped, flawed or hostile, and on split models whose parts do not fit.
 *
 * In:       files made by tiny.c.  Out: TAP.
 * Not here: sound files (check_gguf.c), random mutations (fuzz/fuzz_gguf.c).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/gguf_parts.h"
#include "tests/attempt.h"

/* ---- broken files, one flaw each ------------------------------------------------------------------------------ */

static void array_head(struct tiny_gguf *g, unsigned type, uint64_t count) { tiny_key_array(g, "list", type, count); }

enum { ROOM = 4096 }; /* bytes of data in each file below */

static void flaw_bool(struct tiny_gguf *g) { attempt_key(g, "flag", SP_GGUF_BOOL, 2, 1); }
static void flaw_type(struct tiny_gguf *g) { attempt_key(g, "odd", 13, 0, 8); }
static void flaw_string(struct tiny_gguf *g) { attempt_key(g, "text", SP_GGUF_STRING, UINT64_MAX, 8); }
static void flaw_string_cut(struct tiny_gguf *g) { attempt_key(g, "text", SP_GGUF_STRING, 2 * ROOM, 8); }
static void flaw_array_type(struct tiny_gguf *g) { array_head(g, 99, 1); }
static void flaw_array_nested(struct tiny_gguf *g) { array_head(g, SP_GGUF_ARRAY, 1); }
static void flaw_array_count(struct tiny_gguf *g) { array_head(g, SP_GGUF_U64, (uint64_t)1 << 61); } /* * 8 wraps to 0 */
static void flaw_array_strings(struct tiny_gguf *g) { array_head(g, SP_GGUF_STRING, (uint64_t)1 << 61); }
static void flaw_key_empty(struct tiny_gguf *g) { attempt_key(g, "", SP_GGUF_U8, 0, 1); }
static void flaw_key_control(struct tiny_gguf *g) { attempt_key(g, "a\033[2J", SP_GGUF_U8, 0, 1); }
static void flaw_key_twice(struct tiny_gguf *g) {
  tiny_key_u32(g, "again", 1);
  tiny_key_u32(g, "again", 2);
}
static void flaw_key_long(struct tiny_gguf *g) {
  char name[258] = {0};
  attempt_key(g, memset(name, 'a', 257), SP_GGUF_U8, 0, 1);
}
static void flaw_key_nul(struct tiny_gguf *g) {
  tiny_put(&g->keys, 3, 8);
  tiny_raw(&g->keys, "a\0b", 3);
  tiny_put(&g->keys, SP_GGUF_U8, 4);
  tiny_put(&g->keys, 0, 1);
  g->n_keys++;
}
static void flaw_alignment(struct tiny_gguf *g) { tiny_key_u32(g, "general.alignment", 24); }
static void flaw_alignment_zero(struct tiny_gguf *g) { tiny_key_u32(g, "general.alignment", 0); }
static void flaw_alignment_huge(struct tiny_gguf *g) { tiny_key_u32(g, "general.alignment", 1u << 31); }
static void flaw_alignment_kind(struct tiny_gguf *g) { tiny_key_string(g, "general.alignment", "32"); }
static void flaw_split(struct tiny_gguf *g) {
  attempt_key(g, "split.no", SP_GGUF_U16, 3, 2);
  attempt_key(g, "split.count", SP_GGUF_U16, 3, 2);
}
static void flaw_keys(struct tiny_gguf *g) { g->n_keys = UINT64_MAX; }
static void flaw_keys_many(struct tiny_gguf *g) { g->n_keys = 17; } /* fewer than the bytes could hold, more than there are */
static void flaw_tensors(struct tiny_gguf *g) { g->n_tensors = (uint64_t)1 << 59; }
static void flaw_no_dims(struct tiny_gguf *g) { tiny_info(g, "w", 0, 0, NULL, 0); }
static void flaw_five_dims(struct tiny_gguf *g) { tiny_info(g, "w", 0, 5, (uint64_t[]){1, 1, 1, 1, 1}, 0); }
static void flaw_zero_dim(struct tiny_gguf *g) { attempt_tensor(g, "w", 0, 32, 0, 0); }
static void flaw_wrap(struct tiny_gguf *g) { tiny_info(g, "w", 0, 4, (uint64_t[]){1u << 16, 1u << 16, 1u << 16, 1u << 16}, 0); }
static void flaw_wrap_row(struct tiny_gguf *g) { attempt_tensor(g, "w", 0, (uint64_t)1 << 62, 1, 0); } /* * 4 wraps to 0 */
static void flaw_block(struct tiny_gguf *g) { attempt_tensor(g, "w", 2, 33, 1, 0); }
static void flaw_offset(struct tiny_gguf *g) { attempt_tensor(g, "w", 0, 32, 1, 16); }
static void flaw_offset_wrap(struct tiny_gguf *g) { attempt_tensor(g, "w", 0, 32, 1, UINT64_MAX - 31); }
static void flaw_end(struct tiny_gguf *g) { attempt_tensor(g, "w", 0, ROOM / 4 + 8, 1, 0); }
static void flaw_type_unknown(struct tiny_gguf *g) { attempt_tensor(g, "w", 99, 32, 1, 0); }
static void flaw_type_other(struct tiny_gguf *g) { attempt_tensor(g, "w", 16, 256, 1, 0); }
static void flaw_tensor_empty(struct tiny_gguf *g) { attempt_tensor(g, "", 0, 32, 1, 0); }
static void flaw_overlap(struct tiny_gguf *g) {
  attempt_tensor(g, "far", 0, 32, 1, 1024); /* not in order of offset */
  attempt_tensor(g, "first", 0, 32, 2, 0);
  attempt_tensor(g, "second", 0, 32, 1, 224);
  attempt_tensor(g, "third", 0, 32, 2, 128);
}
static void flaw_same_place(struct tiny_gguf *g) {
  attempt_tensor(g, "one", 0, 32, 1, 0);
  attempt_tensor(g, "other", 0, 32, 1, 0);
}
static void flaw_tensor_twice(struct tiny_gguf *g) {
  attempt_tensor(g, "w", 0, 32, 1, 0);
  attempt_tensor(g, "w", 0, 32, 1, 128);
}

static const struct flaw {
  const char *what;
  void (*make)(struct tiny_gguf *g);
  still_status status;
  const char *words[2]; /* that the sentence must have */
} flaws[] = {
  {"bool of 2", flaw_bool, STILL_EFORMAT, {"key flag", "bool"}},
  {"key type", flaw_type, STILL_EFORMAT, {"key odd", "type 13"}},
  {"string of 2^64 bytes", flaw_string, STILL_EFORMAT, {"key text", "18446744073709551615"}},
  {"string past the end", flaw_string_cut, STILL_EFORMAT, {"key text", "wants 8192"}},
  {"array type", flaw_array_type, STILL_EFORMAT, {"key list", "type 99"}},
  {"array of arrays", flaw_array_nested, STILL_EUNSUPPORTED, {"key list", "array of arrays"}},
  {"array count", flaw_array_count, STILL_EFORMAT, {"key list", "2305843009213693952"}},
  {"string count", flaw_array_strings, STILL_EFORMAT, {"key list", "2305843009213693952"}},
  {"key without name", flaw_key_empty, STILL_EFORMAT, {"key", "empty"}},
  {"control bytes in a name", flaw_key_control, STILL_EFORMAT, {"key", "printable"}},
  {"NUL in a name", flaw_key_nul, STILL_EFORMAT, {"key", "printable"}},
  {"long name", flaw_key_long, STILL_EFORMAT, {"key", "257"}},
  {"key twice", flaw_key_twice, STILL_EFORMAT, {"key again", "twice"}},
  {"alignment 24", flaw_alignment, STILL_EFORMAT, {"general.alignment", "24"}},
  {"alignment 0", flaw_alignment_zero, STILL_EFORMAT, {"general.alignment", "0"}},
  {"alignment 2^31", flaw_alignment_huge, STILL_EFORMAT, {"general.alignment", "2147483648"}},
  {"alignment as text", flaw_alignment_kind, STILL_EFORMAT, {"general.alignment", "string"}},
  {"part 4 of 3", flaw_split, STILL_EFORMAT, {"split.no 3", "split.count 3"}},
  {"2^64 keys", flaw_keys, STILL_EFORMAT, {"keys", "18446744073709551615"}},
  {"more keys than there are", flaw_keys_many, STILL_EFORMAT, {"key", "name"}},
  {"2^59 tensors", flaw_tensors, STILL_EFORMAT, {"tensors", "576460752303423488"}},
  {"no dimensions", flaw_no_dims, STILL_EFORMAT, {"tensor w", "0 dimensions"}},
  {"five dimensions", flaw_five_dims, STILL_EFORMAT, {"tensor w", "5 dimensions"}},
  {"no rows", flaw_zero_dim, STILL_EFORMAT, {"tensor w", "no elements"}},
  {"2^64 elements", flaw_wrap, STILL_EFORMAT, {"tensor w", "larger"}},
  {"2^64 bytes in a row", flaw_wrap_row, STILL_EFORMAT, {"tensor w", "too many"}},
  {"half a block", flaw_block, STILL_EFORMAT, {"tensor w", "Q4_0"}},
  {"misaligned", flaw_offset, STILL_EFORMAT, {"tensor w", "alignment"}},
  {"offset 2^64", flaw_offset_wrap, STILL_EFORMAT, {"tensor w", "ends at"}},
  {"past the end", flaw_end, STILL_EFORMAT, {"tensor w", "ends at"}},
  {"unknown type", flaw_type_unknown, STILL_EUNSUPPORTED, {"tensor w", "number 99"}},
  {"type not read here", flaw_type_other, STILL_EUNSUPPORTED, {"tensor w", "IQ2_XXS (number 16)"}},
  {"tensor without name", flaw_tensor_empty, STILL_EFORMAT, {"tensor", "empty"}},
  {"overlap", flaw_overlap, STILL_EFORMAT, {"tensor third", "overlaps tensor first"}},
  {"same place", flaw_same_place, STILL_EFORMAT, {"tensor o", "overlaps tensor o"}},
  {"tensor twice", flaw_tensor_twice, STILL_EFORMAT, {"tensor w", "twice"}},
};
enum { FLAWS = sizeof flaws / sizeof flaws[0] };

START_TEST(flawed_files_are_refused) {
  const struct flaw *flaw = &flaws[_i];
  for (int map = 0; map < 2; map++) {
    struct tiny_gguf g;
    struct tiny_bytes file;
    tiny_gguf_begin(&g, 3, 32);
    flaw->make(&g);
    tiny_zeros(&g.data, ROOM);
    tiny_gguf_end(&g, &file);
    still_status status = attempt_bytes(&file, map);
    ck_assert_msg(status == flaw->status, "%s: %s (%s)", flaw->what, still_status_name(status), tried.error.text);
    bool placed = strstr(tried.error.text, "byte ") || strstr(tried.error.text, "key");
    ck_assert_msg(placed, "neither an offset nor a key: %s", tried.error.text);
    for (int i = 0; i < 2; i++)
      ck_assert_msg(strstr(tried.error.text, flaw->words[i]), "%s: no \"%s\" in: %s", flaw->what, flaw->words[i],
                    tried.error.text);
  }
}
END_TEST

static const struct {
  const char *bytes;
  size_t size;
  still_status status;
  const char *word;
} heads[] = {
  {"", 0, STILL_EFORMAT, "empty"},
  {"GGU", 3, STILL_EFORMAT, "wants 4 bytes"},
  {"GGUF", 4, STILL_EFORMAT, "wants 4 bytes"},
  {"GGUF\1\0\0\0", 8, STILL_EUNSUPPORTED, "version 1"},
  {"GGUF\4\0\0\0", 8, STILL_EUNSUPPORTED, "version 4"},
  {"GGUF\0\0\0\0", 8, STILL_EUNSUPPORTED, "version 0"},
  {"GGUF\0\0\0\3", 8, STILL_EUNSUPPORTED, "big-endian"},
  {"lmgg\1\0\0\0", 8, STILL_EFORMAT, "GGML format"},
  {"tjgg\3\0\0\0", 8, STILL_EFORMAT, "GGJT format"},
  {"PK\3\4....", 8, STILL_EFORMAT, "ZIP"},
  {"<!DOCTYPE html>", 15, STILL_EFORMAT, "web page"},
  {"version https://git-lfs", 23, STILL_EFORMAT, "Git LFS"},
  {"\177ELF\2\1\1\0", 8, STILL_EFORMAT, "7f 45 4c 46"},
};

START_TEST(other_files_are_named) {
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
    struct tiny_bytes file = {0};
    tiny_raw(&file, heads[i].bytes, heads[i].size);
    still_status status = attempt_bytes(&file, true);
    ck_assert_msg(status == heads[i].status && strstr(tried.error.text, heads[i].word), "%zu: %s: %s", i,
                  still_status_name(status), tried.error.text);
  }
}
END_TEST

START_TEST(only_regular_files_open) {
  char fifo[] = "check_gguf_fifo.tmp";
  ck_assert_int_eq(attempt(".", true), STILL_EIO);
  ck_assert_ptr_nonnull(strstr(tried.error.text, "directory"));
  ck_assert_int_eq(attempt("/dev/null", true), STILL_EIO);
  ck_assert_int_eq(attempt("no such file", false), STILL_EIO);
  ck_assert_ptr_nonnull(strstr(tried.error.text, "no such file"));
  unlink(fifo);
  ck_assert_int_eq(mkfifo(fifo, 0600), 0);
  still_status status = attempt(fifo, true); /* must not wait for a writer */
  unlink(fifo);
  ck_assert_int_eq(status, STILL_EIO);
}
END_TEST

/* ---- every prefix, every header byte -------------------------------------------------------------------------- */

/* One file, cut shorter and shorter. Every prefix lacks at least the last byte of the last tensor, so all are refused. */
START_TEST(every_prefix_is_refused) {
  struct tiny_spec s = attempt_spec(_i / 2);
  struct tiny_bytes file;
  char path[32];
  tiny_make(&s, 0, &file);
  int fd = tiny_share(&file, path);
  ck_assert_int_eq(attempt(path, _i % 2), STILL_OK);
  for (size_t size = file.size; size-- > 0;) {
    ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
    still_status status = attempt(path, _i % 2);
    ck_assert_msg(status == STILL_EFORMAT, "%zu of %zu bytes: %s", size, file.size, tried.error.text);
  }
  close(fd);
  tiny_free(&file);
}
END_TEST

/* Where the data of the first tensor begins. */
static size_t header_bytes(const char *path) {
  struct sp_gguf *g;
  size_t least = SIZE_MAX;
  sp_ctx_init(&tried, NULL);
  ck_assert_int_eq(sp_gguf_open(&tried, path, true, &g), STILL_OK);
  for (size_t i = 0; i < sp_gguf_tensors(g); i++)
    if (sp_gguf_tensor_at(g, i)->offset < least) least = (size_t)sp_gguf_tensor_at(g, i)->offset;
  sp_gguf_close(g);
  return least;
}

START_TEST(every_header_byte_may_be_wrong) {
  struct tiny_spec s = attempt_spec(_i);
  struct tiny_bytes file;
  char path[32];
  size_t opened = 0, refused = 0;
  tiny_make(&s, 0, &file);
  int fd = tiny_share(&file, path);
  size_t end = header_bytes(path);
  for (size_t at = 0; at < end; at++) {
    uint8_t was = file.data[at], values[] = {0x00, 0x7f, 0x80, 0xff, (uint8_t)(was + 1), (uint8_t)(was - 1)};
    for (size_t v = 0; v < sizeof values; v++) {
      ck_assert_int_eq(pwrite(fd, &values[v], 1, (off_t)at), 1);
      if (attempt_with(NULL, path, true, true) == STILL_OK) opened++;
      else refused++;
    }
    ck_assert_int_eq(pwrite(fd, &was, 1, (off_t)at), 1);
  }
  ck_assert_uint_gt(opened, 0);
  ck_assert_uint_gt(refused, end / 10);
  close(fd);
  tiny_free(&file);
}
END_TEST

/* ---- split models --------------------------------------------------------------------------------------------- */

struct folder { /* three parts on disk, in a folder of their own */
  char path[64], first[128];
  struct tiny_spec spec;
};

static void part_path(const struct folder *f, unsigned part, char *out, size_t bytes) {
  snprintf(out, bytes, "%s/m-%05u-of-00003.gguf", f->path, part + 1);
}

static void folder_open(struct folder *f) {
  char stem[80];
  snprintf(f->path, sizeof f->path, "check_gguf_%ld.tmp", (long)getpid());
  ck_assert_int_eq(mkdir(f->path, 0700), 0);
  f->spec = attempt_spec(2);
  f->spec.parts = 3;
  snprintf(stem, sizeof stem, "%s/m.gguf", f->path);
  tiny_write(&f->spec, stem, f->first, sizeof f->first);
}

static void folder_close(const struct folder *f) {
  char path[128];
  for (unsigned i = 0; i < 3; i++) {
    part_path(f, i, path, sizeof path);
    unlink(path);
  }
  rmdir(f->path);
}

static void part_save(const struct folder *f, const struct tiny_spec *spec, unsigned as) {
  struct tiny_bytes file;
  char path[128];
  tiny_make(spec, as, &file);
  part_path(f, as, path, sizeof path);
  tiny_save(&file, path);
  tiny_free(&file);
}

START_TEST(parts_are_one_model) {
  struct folder f;
  struct tiny_spec whole_spec;
  struct tiny_bytes whole;
  struct sp_gguf *g, *h;
  char path[32];
  folder_open(&f);
  whole_spec = f.spec;
  whole_spec.parts = 1;
  tiny_make(&whole_spec, 0, &whole);
  int fd = tiny_share(&whole, path);
  sp_ctx_init(&tried, NULL);
  still_status status = sp_gguf_open(&tried, f.first, true, &g);
  ck_assert_msg(status == STILL_OK, "%s", tried.error.text);
  ck_assert_int_eq(sp_gguf_open(&tried, path, true, &h), STILL_OK);
  folder_close(&f); /* mapped files stay */
  ck_assert_uint_eq(sp_gguf_tensors(g), sp_gguf_tensors(h));
  ck_assert_uint_eq(sp_gguf_keys(g), sp_gguf_keys(h) + 3);
  ck_assert_uint_gt(sp_gguf_bytes(g), sp_gguf_bytes(h));
  unsigned parts = 0;
  for (size_t i = 0; i < sp_gguf_tensors(h); i++) {
    const struct sp_tensor *t = sp_gguf_tensor_at(h, i), *u = sp_gguf_tensor(g, t->name);
    ck_assert(u && u->bytes == t->bytes && u->type == t->type && !memcmp(u->data, t->data, t->bytes));
    parts |= 1u << u->part;
  }
  ck_assert_uint_eq(parts, 7);
  sp_gguf_close(g);
  sp_gguf_close(h);
  close(fd);
  tiny_free(&whole);
}
END_TEST

/* Each trouble is made in a fresh folder; which file to open, and what must be said. */
static void trouble_middle(struct folder *f) { part_path(f, 1, f->first, sizeof f->first); }
static void trouble_missing(struct folder *f) {
  char path[128];
  part_path(f, 2, path, sizeof path);
  unlink(path);
}
static void trouble_name(struct folder *f) { /* the first part under another name */
  char path[128];
  snprintf(path, sizeof path, "%s", f->first);
  snprintf(f->first, sizeof f->first, "%s/model.gguf", f->path);
  rename(path, f->first);
}
static void trouble_swapped(struct folder *f) { /* part 3 in the place of part 2 */
  char from[128], to[128];
  part_path(f, 2, from, sizeof from);
  part_path(f, 1, to, sizeof to);
  rename(from, to);
}
static void trouble_count(struct folder *f) { /* one part of a model that was split otherwise */
  struct tiny_spec s = f->spec;
  s.parts = 4;
  part_save(f, &s, 1);
}
static void extra_tensor(struct tiny_gguf *g, void *user) {
  float zero = 0;
  uint64_t one = 1;
  tiny_tensor(g, user, 0, 1, &one, &zero, sizeof zero);
}
static void trouble_total(struct folder *f) { /* the first part counts a tensor more than there are */
  struct tiny_spec s = f->spec;
  s.without = "output_norm.weight"; /* of the last part */
  part_save(f, &s, 2);
}
static void trouble_twice(struct folder *f) { /* a tensor of the last part in the first as well, the total being right */
  struct tiny_spec s = f->spec;
  s.extra = extra_tensor;
  s.user = (void *)"output_norm.weight";
  part_save(f, &s, 0);
}
static void trouble_cut(struct folder *f) {
  char path[128];
  part_path(f, 1, path, sizeof path);
  ck_assert_int_eq(truncate(path, 1000), 0);
}

static const struct {
  void (*make)(struct folder *f);
  still_status status;
  const char *words[2];
} troubles[] = {
  {trouble_middle, STILL_EARG, {"is part 2 of 3", "-00001-of-00003.gguf"}},
  {trouble_missing, STILL_EIO, {"m-00003-of-00003.gguf", "No such file"}},
  {trouble_name, STILL_EARG, {"model.gguf", "-00001-of-00003.gguf"}},
  {trouble_swapped, STILL_EFORMAT, {"m-00002-of-00003.gguf", "part 3 of 3"}},
  {trouble_count, STILL_EFORMAT, {"m-00002-of-00003.gguf", "part 2 of 4"}},
  {trouble_total, STILL_EFORMAT, {"split.tensors.count", "get the parts again"}},
  {trouble_twice, STILL_EFORMAT, {"output_norm.weight", "twice"}},
  {trouble_cut, STILL_EFORMAT, {"m-00002-of-00003.gguf", "byte"}},
};
enum { TROUBLES = sizeof troubles / sizeof troubles[0] };

START_TEST(parts_that_do_not_fit_are_refused) {
  struct folder f;
  folder_open(&f);
  troubles[_i].make(&f);
  still_status status = attempt(f.first, true);
  unlink(f.first);
  folder_close(&f);
  ck_assert_msg(status == troubles[_i].status, "%s: %s", still_status_name(status), tried.error.text);
  for (int i = 0; i < 2; i++)
    ck_assert_msg(strstr(tried.error.text, troubles[_i].words[i]), "no \"%s\" in: %s", troubles[_i].words[i], tried.error.text);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("broken");
  TCase *broken = tcase_create("broken"), *parts = tcase_create("parts");
  tcase_add_loop_test(broken, flawed_files_are_refused, 0, FLAWS);
  tcase_add_test(broken, other_files_are_named);
  tcase_add_test(broken, only_regular_files_open);
  tcase_add_loop_test(broken, every_prefix_is_refused, 0, 6);
  tcase_add_loop_test(broken, every_header_byte_may_be_wrong, 0, 3);
  tcase_add_test(parts, parts_are_one_model);
  tcase_add_loop_test(parts, parts_that_do_not_fit_are_refused, 0, TROUBLES);
  suite_add_tcase(suite, broken);
  suite_add_tcase(suite, parts);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
