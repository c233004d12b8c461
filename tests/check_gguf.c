/*
 * check_gguf.c - the GGUF reader against sound, odd, broken and hostile files.
 *
 * In:       files made by tiny.c.  Out: TAP.
 * Not here: what keys mean (check_config.c), random mutations (fuzz/fuzz_gguf.c).
 *
 * Every open goes through attempt(), which also checks what holds for all of them: a status goes with a sentence, nothing is left
 * allocated, and a refused file gives no handle.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "src/config.h"
#include "src/gguf_parts.h"
#include "tests/tiny.h"

static struct sp_ctx ctx;
static volatile uint64_t sink; /* keeps reads of data alive */

/* Reads every value and both ends of every tensor's data, as a user of the file would. */
static void walk(const struct sp_gguf *g) {
  int64_t whole = 0;
  double real = 0;
  struct sp_string string;
  for (size_t i = 0; i < sp_gguf_keys(g); i++) {
    const struct sp_key *key = sp_gguf_key_at(g, i);
    size_t n = sp_key_count(key);
    ck_assert_ptr_eq(key, sp_gguf_key(g, sp_key_name(key)));
    for (size_t j = 0; j < n; j += j + 1 < n && n > 64 ? n / 64 : 1) {
      if (sp_key_int(key, j, &whole)) sink += (uint64_t)whole;
      if (sp_key_real(key, j, &real)) sink += real > 0;
      if (sp_key_string(key, j, &string) && string.bytes)
        sink += (uint8_t)string.text[0] + (uint8_t)string.text[string.bytes - 1];
    }
    ck_assert(!sp_key_int(key, n, &whole) && !sp_key_real(key, n, &real) && !sp_key_string(key, n, &string));
  }
  for (size_t i = 0; i < sp_gguf_tensors(g); i++) {
    const struct sp_tensor *t = sp_gguf_tensor_at(g, i);
    ck_assert_ptr_eq(t, sp_gguf_tensor(g, t->name));
    sink += t->data[0] + t->data[t->bytes - 1];
  }
}

/* Opens, walks, reads the config and closes. The sentence stays in ctx.error. */
static still_status attempt_with(const still_hooks *hooks, const char *path, bool map, bool with_config) {
  struct sp_gguf *g = (struct sp_gguf *)&ctx;
  struct sp_config config;
  sp_ctx_init(&ctx, hooks);
  still_status status = sp_gguf_open(&ctx, path, map, &g);
  if (status == STILL_OK) {
    walk(g);
    if (with_config) status = sp_config_read(&ctx, g, &config);
    sp_gguf_close(g);
  } else {
    ck_assert_ptr_null(g);
  }
  ck_assert_uint_eq(atomic_load(&ctx.bytes), 0);
  if (status != STILL_OK) {
    ck_assert_int_eq(ctx.error.status, status);
    ck_assert_uint_gt(strlen(ctx.error.text), 20);
    ck_assert_msg(strchr(ctx.error.text, ';') || strstr(ctx.error.text, "cancelled") || strstr(ctx.error.text, "memory"),
                  "a sentence without a way to go on: %s", ctx.error.text);
  }
  return status;
}

static still_status attempt(const char *path, bool map) { return attempt_with(NULL, path, map, false); }

/* The same on bytes; releases them. */
static still_status attempt_bytes(struct tiny_bytes *file, bool map) {
  char path[32];
  int fd = tiny_share(file, path);
  still_status status = attempt(path, map);
  close(fd);
  tiny_free(file);
  return status;
}

/* Three models of about 25 kB: every architecture, both vocabularies, whole and scaled RoPE, GGUF 2 and 3. */
static struct tiny_spec small_spec(int which) {
  struct tiny_spec s;
  tiny_preset(&s);
  s.layers = 1, s.embd = 32, s.heads = 2, s.kv_heads = 1, s.head_dim = 16, s.ff = 32, s.vocab = 270;
  s.type = s.embd_type = SP_Q4_0;
  if (which == 1) s.arch = "qwen2", s.tokenizer = "qwen2", s.tied = false, s.scaling = TINY_ROPE_YARN, s.type = SP_Q5_1;
  if (which == 2) s.arch = "qwen3", s.tokenizer = "spm", s.vocab = 300, s.scaling = TINY_ROPE_FREQS;
  if (which == 2) s.version = 2, s.alignment = 64;
  return s;
}

/* ---- sound files ---------------------------------------------------------------------------------------------- */

START_TEST(sound_models_open) {
  static const char *const names[] = {"llama", "qwen2", "qwen3"};
  for (int which = 0; which < 3; which++) {
    struct tiny_spec s = small_spec(which);
    struct tiny_bytes file;
    char path[32];
    tiny_make(&s, 0, &file);
    int fd = tiny_share(&file, path);
    for (int map = 0; map < 2; map++)
      ck_assert_msg(attempt_with(NULL, path, map, true) == STILL_OK, "%s: %s", names[which], ctx.error.text);
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
    ck_assert_msg(attempt_bytes(&file, true) == STILL_OK, "%s: %s", tiny_type_name(s.type), ctx.error.text);
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
    sp_ctx_init(&ctx, NULL);
    ck_assert_int_eq(sp_gguf_open(&ctx, path, true, &g), STILL_OK);
    ck_assert_int_eq(sp_key_type(sp_gguf_key(g, "it")), cases[i].type);
    ck_assert_int_eq(sp_gguf_int(g, "it", &whole), cases[i].is_int ? STILL_OK : STILL_EFORMAT);
    ck_assert_int_eq(whole, cases[i].is_int ? cases[i].whole : 77);
    ck_assert_int_eq(sp_gguf_real(g, "it", &real), STILL_OK);
    ck_assert_double_eq(real, cases[i].real);
    ck_assert_int_eq(sp_gguf_string(g, "it", &string), STILL_EFORMAT);
    ck_assert_ptr_nonnull(strstr(ctx.error.text, "key it"));
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
  char path[32];
  tiny_gguf_begin(&w, 3, 32);
  tiny_key(&w, "large", SP_GGUF_U64);
  tiny_put(&w.keys, (uint64_t)INT64_MAX + 1, 8);
  tiny_key_array(&w, "bools", SP_GGUF_BOOL, 2);
  tiny_put(&w.keys, 0x0201, 2);
  tiny_gguf_end(&w, &file);
  int fd = tiny_share(&file, path);
  sp_ctx_init(&ctx, NULL);
  ck_assert_int_eq(sp_gguf_open(&ctx, path, true, &g), STILL_OK);
  ck_assert_int_eq(sp_gguf_int(g, "large", &whole), STILL_EFORMAT);
  ck_assert(sp_key_int(sp_gguf_key(g, "bools"), 0, &whole) && whole == 1);
  ck_assert(!sp_key_int(sp_gguf_key(g, "bools"), 1, &whole));
  ck_assert_int_eq(sp_gguf_int(g, "bools", &whole), STILL_EFORMAT); /* an array is no scalar */
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
  char path[32], text[16];
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
  sp_ctx_init(&ctx, NULL);
  ck_assert_int_eq(sp_gguf_open(&ctx, path, false, &g), STILL_OK);
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

/* ---- broken files, one flaw each ------------------------------------------------------------------------------ */

static void one_key(struct tiny_gguf *g, const char *name, unsigned type, uint64_t bits, unsigned width) {
  tiny_key(g, name, type);
  tiny_put(&g->keys, bits, width);
}

static void one_tensor(struct tiny_gguf *g, const char *name, uint32_t type, uint64_t k, uint64_t n, uint64_t offset) {
  tiny_info(g, name, type, 2, (uint64_t[]){k, n}, offset);
}

static void array_head(struct tiny_gguf *g, unsigned type, uint64_t count) { tiny_key_array(g, "list", type, count); }

enum { ROOM = 4096 }; /* bytes of data in each file below */

static void flaw_bool(struct tiny_gguf *g) { one_key(g, "flag", SP_GGUF_BOOL, 2, 1); }
static void flaw_type(struct tiny_gguf *g) { one_key(g, "odd", 13, 0, 8); }
static void flaw_string(struct tiny_gguf *g) { one_key(g, "text", SP_GGUF_STRING, UINT64_MAX, 8); }
static void flaw_string_cut(struct tiny_gguf *g) { one_key(g, "text", SP_GGUF_STRING, 2 * ROOM, 8); }
static void flaw_array_type(struct tiny_gguf *g) { array_head(g, 99, 1); }
static void flaw_array_nested(struct tiny_gguf *g) { array_head(g, SP_GGUF_ARRAY, 1); }
static void flaw_array_count(struct tiny_gguf *g) { array_head(g, SP_GGUF_U64, (uint64_t)1 << 61); } /* * 8 wraps to 0 */
static void flaw_array_strings(struct tiny_gguf *g) { array_head(g, SP_GGUF_STRING, (uint64_t)1 << 61); }
static void flaw_key_empty(struct tiny_gguf *g) { one_key(g, "", SP_GGUF_U8, 0, 1); }
static void flaw_key_control(struct tiny_gguf *g) { one_key(g, "a\033[2J", SP_GGUF_U8, 0, 1); }
static void flaw_key_twice(struct tiny_gguf *g) {
  tiny_key_u32(g, "again", 1);
  tiny_key_u32(g, "again", 2);
}
static void flaw_key_long(struct tiny_gguf *g) {
  char name[258] = {0};
  one_key(g, memset(name, 'a', 257), SP_GGUF_U8, 0, 1);
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
static void flaw_keys(struct tiny_gguf *g) { g->n_keys = UINT64_MAX; }
static void flaw_keys_many(struct tiny_gguf *g) { g->n_keys = 17; } /* fewer than the bytes could hold, more than there are */
static void flaw_tensors(struct tiny_gguf *g) { g->n_tensors = (uint64_t)1 << 59; }
static void flaw_no_dims(struct tiny_gguf *g) { tiny_info(g, "w", 0, 0, NULL, 0); }
static void flaw_five_dims(struct tiny_gguf *g) { tiny_info(g, "w", 0, 5, (uint64_t[]){1, 1, 1, 1, 1}, 0); }
static void flaw_zero_dim(struct tiny_gguf *g) { one_tensor(g, "w", 0, 32, 0, 0); }
static void flaw_wrap(struct tiny_gguf *g) { tiny_info(g, "w", 0, 4, (uint64_t[]){1u << 16, 1u << 16, 1u << 16, 1u << 16}, 0); }
static void flaw_wrap_row(struct tiny_gguf *g) { one_tensor(g, "w", 0, (uint64_t)1 << 62, 1, 0); } /* * 4 wraps to 0 */
static void flaw_block(struct tiny_gguf *g) { one_tensor(g, "w", 2, 33, 1, 0); }
static void flaw_offset(struct tiny_gguf *g) { one_tensor(g, "w", 0, 32, 1, 16); }
static void flaw_offset_wrap(struct tiny_gguf *g) { one_tensor(g, "w", 0, 32, 1, UINT64_MAX - 31); }
static void flaw_end(struct tiny_gguf *g) { one_tensor(g, "w", 0, ROOM / 4 + 8, 1, 0); }
static void flaw_type_unknown(struct tiny_gguf *g) { one_tensor(g, "w", 99, 32, 1, 0); }
static void flaw_type_other(struct tiny_gguf *g) { one_tensor(g, "w", 16, 256, 1, 0); }
static void flaw_tensor_empty(struct tiny_gguf *g) { one_tensor(g, "", 0, 32, 1, 0); }
static void flaw_overlap(struct tiny_gguf *g) {
  one_tensor(g, "far", 0, 32, 1, 1024); /* not in order of offset */
  one_tensor(g, "first", 0, 32, 2, 0);
  one_tensor(g, "second", 0, 32, 1, 224);
  one_tensor(g, "third", 0, 32, 2, 128);
}
static void flaw_same_place(struct tiny_gguf *g) {
  one_tensor(g, "one", 0, 32, 1, 0);
  one_tensor(g, "other", 0, 32, 1, 0);
}
static void flaw_tensor_twice(struct tiny_gguf *g) {
  one_tensor(g, "w", 0, 32, 1, 0);
  one_tensor(g, "w", 0, 32, 1, 128);
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
    ck_assert_msg(status == flaw->status, "%s: %s (%s)", flaw->what, still_status_name(status), ctx.error.text);
    bool placed = strstr(ctx.error.text, "byte ") || strstr(ctx.error.text, "general.alignment");
    ck_assert_msg(placed, "no offset: %s", ctx.error.text);
    for (int i = 0; i < 2; i++)
      ck_assert_msg(strstr(ctx.error.text, flaw->words[i]), "%s: no \"%s\" in: %s", flaw->what, flaw->words[i], ctx.error.text);
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
    ck_assert_msg(status == heads[i].status && strstr(ctx.error.text, heads[i].word), "%zu: %s: %s", i, still_status_name(status),
                  ctx.error.text);
  }
}
END_TEST

START_TEST(only_regular_files_open) {
  char fifo[] = "check_gguf_fifo.tmp";
  ck_assert_int_eq(attempt(".", true), STILL_EIO);
  ck_assert_ptr_nonnull(strstr(ctx.error.text, "directory"));
  ck_assert_int_eq(attempt("/dev/null", true), STILL_EIO);
  ck_assert_int_eq(attempt("no such file", false), STILL_EIO);
  ck_assert_ptr_nonnull(strstr(ctx.error.text, "no such file"));
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
  struct tiny_spec s = small_spec(_i / 2);
  struct tiny_bytes file;
  char path[32];
  tiny_make(&s, 0, &file);
  int fd = tiny_share(&file, path);
  ck_assert_int_eq(attempt(path, _i % 2), STILL_OK);
  for (size_t size = file.size; size-- > 0;) {
    ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
    still_status status = attempt(path, _i % 2);
    ck_assert_msg(status == STILL_EFORMAT, "%zu of %zu bytes: %s", size, file.size, ctx.error.text);
  }
  close(fd);
  tiny_free(&file);
}
END_TEST

/* Where the data of the first tensor begins. */
static size_t header_bytes(const char *path) {
  struct sp_gguf *g;
  size_t least = SIZE_MAX;
  sp_ctx_init(&ctx, NULL);
  ck_assert_int_eq(sp_gguf_open(&ctx, path, true, &g), STILL_OK);
  for (size_t i = 0; i < sp_gguf_tensors(g); i++)
    if (sp_gguf_tensor_at(g, i)->offset < least) least = (size_t)sp_gguf_tensor_at(g, i)->offset;
  sp_gguf_close(g);
  return least;
}

START_TEST(every_header_byte_may_be_wrong) {
  struct tiny_spec s = small_spec(_i);
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
  f->spec = small_spec(2);
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
  sp_ctx_init(&ctx, NULL);
  still_status status = sp_gguf_open(&ctx, f.first, true, &g);
  ck_assert_msg(status == STILL_OK, "%s", ctx.error.text);
  ck_assert_int_eq(sp_gguf_open(&ctx, path, true, &h), STILL_OK);
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
  ck_assert_msg(status == troubles[_i].status, "%s: %s", still_status_name(status), ctx.error.text);
  for (int i = 0; i < 2; i++)
    ck_assert_msg(strstr(ctx.error.text, troubles[_i].words[i]), "no \"%s\" in: %s", troubles[_i].words[i], ctx.error.text);
}
END_TEST

/* ---- bounds on time and memory -------------------------------------------------------------------------------- */

/* n tensors of 8 bytes with the shortest names; the most that a file can say in the fewest bytes. */
static void make_tensors(struct tiny_bytes *file, size_t n) {
  struct tiny_gguf g;
  char name[16];
  tiny_gguf_begin(&g, 3, 8);
  for (size_t i = 0; i < n; i++) {
    snprintf(name, sizeof name, "%zx", i);
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
  make_tensors(&file, SP_GGUF_MOST_TENSORS);
  int fd = tiny_share(&file, path);
  for (int map = 0; map < 2; map++) {
    double seconds = timed(path, map, &status);
    ck_assert_msg(status == STILL_OK, "%s", ctx.error.text);
    ck_assert_msg(seconds < 2, "%g s", seconds);
    size_t peak = atomic_load(&ctx.peak), most = 2 * file.size + (1 << 20) + (map ? 0 : file.size);
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
  make_tensors(&file, 1 << 20); /* 50 MB */
  int fd = tiny_share(&file, path);
  double seconds = timed(path, true, &status);
  ck_assert_int_eq(status, STILL_EUNSUPPORTED);
  ck_assert_ptr_nonnull(strstr(ctx.error.text, "1048576 tensors"));
  ck_assert_msg(seconds < 0.1, "%g s", seconds);
  close(fd);
  tiny_free(&file);
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
  ck_assert_msg(status == STILL_OK, "%s", ctx.error.text);
  ck_assert_msg(seconds < 2, "%g s", seconds);
  ck_assert_uint_le(atomic_load(&ctx.peak), 2 * file.size + (1 << 20));
  close(fd);
  tiny_free(&file);
}
END_TEST

/* A header in front of 1 TiB of holes: nothing may walk through it. */
static void write_sparse(int fd, int which) {
  struct tiny_gguf g;
  struct tiny_bytes file;
  tiny_gguf_begin(&g, 3, 32);
  if (which == 1) one_tensor(&g, "w", 0, (uint64_t)1 << 20, 1 << 10, 0); /* sound: 4 GiB of zeros */
  if (which == 2) tiny_key_array(&g, "list", SP_GGUF_BOOL, (uint64_t)1 << 39);
  if (which == 3) tiny_key_array(&g, "list", SP_GGUF_STRING, (uint64_t)1 << 36);
  if (which == 4) tiny_key_array(&g, "list", SP_GGUF_STRING, SP_GGUF_MOST_STRINGS);
  if (which == 5) one_key(&g, "text", SP_GGUF_STRING, (uint64_t)1 << 39, 8);
  if (which == 6) g.n_keys = SP_GGUF_MOST_KEYS;
  if (which == 7) g.n_tensors = SP_GGUF_MOST_TENSORS;
  tiny_gguf_end(&g, &file);
  if (which > 0) ck_assert_int_eq(pwrite(fd, file.data, file.size, 0), (ssize_t)file.size);
  tiny_free(&file);
}

START_TEST(a_sparse_terabyte_is_quick) {
  struct tiny_bytes nothing = {0};
  char path[32];
  still_status status;
  int fd = tiny_share(&nothing, path);
  write_sparse(fd, _i);
  if (ftruncate(fd, (off_t)1 << 40) != 0) {
    printf("# SKIP 1 of 1: this system keeps no sparse terabyte\n");
    return;
  }
  double seconds = timed(path, true, &status);
  bool sound = _i == 1 || _i == 2 || _i == 4 || _i == 5;
  ck_assert_msg((status == STILL_OK) == sound, "%d: %s", _i, ctx.error.text);
  ck_assert_msg(seconds < 0.1 + 0.4 * (_i == 4), "%d: %g s", _i, seconds); /* 4 reads 32 MiB that it asked for */
  ck_assert_uint_le(atomic_load(&ctx.peak), (size_t)20 << 20);
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
  ck_assert_ptr_nonnull(strstr(ctx.error.text, "index"));
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
  struct tiny_spec s = small_spec(1);
  struct tiny_bytes file;
  struct counting c = {0};
  char path[32];
  tiny_make(&s, 0, &file);
  int fd = tiny_share(&file, path);
  for (int map = 0; map < 2; map++) {
    still_status status = STILL_ENOMEM;
    for (c.fail_at = 1; status != STILL_OK; c.fail_at++) {
      status = attempt_counting(&c, path, map);
      ck_assert_msg(status == STILL_OK || status == STILL_ENOMEM, "%zu: %s", c.fail_at, ctx.error.text);
    }
    ck_assert_uint_gt(c.calls, 4);
    ck_assert_uint_eq(c.calls + 2, c.fail_at); /* the run that succeeded made all its allocations */
  }
  close(fd);
  tiny_free(&file);
}
END_TEST

START_TEST(each_report_may_cancel) {
  struct tiny_spec s = small_spec(1);
  struct tiny_bytes file;
  struct counting c = {0};
  char path[32];
  tiny_make(&s, 0, &file);
  int fd = tiny_share(&file, path);
  for (int map = 0; map < 2; map++) {
    still_status status = STILL_ECANCELLED;
    for (c.cancel_at = 1; status != STILL_OK; c.cancel_at++) {
      status = attempt_counting(&c, path, map);
      ck_assert_msg(status == STILL_OK || status == STILL_ECANCELLED, "%zu: %s", c.cancel_at, ctx.error.text);
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
  TCase *sound = tcase_create("sound"), *broken = tcase_create("broken");
  TCase *parts = tcase_create("parts"), *bounds = tcase_create("bounds");
  tcase_add_test(sound, sound_models_open);
  tcase_add_test(sound, every_type_opens);
  tcase_add_test(sound, scalars_convert);
  tcase_add_test(sound, integers_too_large_are_not_integers);
  tcase_add_test(sound, arrays_keep_their_elements);
  tcase_add_loop_test(broken, flawed_files_are_refused, 0, FLAWS);
  tcase_add_test(broken, other_files_are_named);
  tcase_add_test(broken, only_regular_files_open);
  tcase_add_loop_test(broken, every_prefix_is_refused, 0, 6);
  tcase_add_loop_test(broken, every_header_byte_may_be_wrong, 0, 3);
  tcase_add_test(parts, parts_are_one_model);
  tcase_add_loop_test(parts, parts_that_do_not_fit_are_refused, 0, TROUBLES);
  tcase_add_test(bounds, the_most_tensors_open_fast_and_small);
  tcase_add_test(bounds, too_many_tensors_are_refused_fast);
  tcase_add_test(bounds, many_strings_open_fast_and_small);
  tcase_add_loop_test(bounds, a_sparse_terabyte_is_quick, 0, 8);
  tcase_add_test(bounds, names_made_to_collide_are_refused);
  tcase_add_test(bounds, each_allocation_may_fail);
  tcase_add_test(bounds, each_report_may_cancel);
  tcase_set_timeout(broken, 120);
  suite_add_tcase(suite, sound);
  suite_add_tcase(suite, broken);
  suite_add_tcase(suite, parts);
  suite_add_tcase(suite, bounds);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
