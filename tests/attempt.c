/*
 * attempt.c - opening a model file in a test.
 *
 * In:       a path or bytes.  Out: a status.
 * Not here: tests.
 */
#include "attempt.h"

#include <check.h>
#include <string.h>
#include <unistd.h>

struct sp_ctx tried;
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

/* Opens, walks, reads the config and closes. The sentence stays in tried.error. */
still_status attempt_with(const still_hooks *hooks, const char *path, bool map, bool with_config) {
  struct sp_gguf *g = (struct sp_gguf *)&tried; /* anything but NULL, which a refusal must set */
  struct sp_config config;
  sp_ctx_init(&tried, hooks);
  still_status status = sp_gguf_open(&tried, path, map, &g);
  if (status == STILL_OK) {
    walk(g);
    if (with_config) status = sp_config_read(&tried, g, &config);
    sp_gguf_close(g);
  } else {
    ck_assert_ptr_null(g);
  }
  ck_assert_uint_eq(atomic_load(&tried.bytes), 0);
  if (status != STILL_OK) {
    ck_assert_int_eq(tried.error.status, status);
    ck_assert_uint_gt(strlen(tried.error.text), 20);
    bool helps = strchr(tried.error.text, ';') || status == STILL_ECANCELLED;
    ck_assert_msg(helps, "a sentence without a way to go on: %s", tried.error.text);
  }
  return status;
}

still_status attempt(const char *path, bool map) { return attempt_with(NULL, path, map, false); }

still_status attempt_bytes(struct tiny_bytes *file, bool map) {
  char path[32];
  int fd = tiny_share(file, path);
  still_status status = attempt(path, map);
  close(fd);
  tiny_free(file);
  return status;
}

struct tiny_spec attempt_spec(int which) {
  struct tiny_spec s;
  tiny_preset(&s);
  s.layers = 1, s.embd = 32, s.heads = 2, s.kv_heads = 1, s.head_dim = 16, s.ff = 32, s.vocab = 270;
  s.type = s.embd_type = SP_Q4_0;
  if (which == 1) s.arch = "qwen2", s.tokenizer = "qwen2", s.tied = false, s.scaling = TINY_ROPE_YARN, s.type = SP_Q5_1;
  if (which == 2) s.arch = "qwen3", s.tokenizer = "spm", s.vocab = 300, s.scaling = TINY_ROPE_FREQS;
  if (which == 2) s.version = 2, s.alignment = 64;
  return s;
}

void attempt_key(struct tiny_gguf *g, const char *name, unsigned type, uint64_t bits, unsigned width) {
  tiny_key(g, name, type);
  tiny_put(&g->keys, bits, width);
}

void attempt_tensor(struct tiny_gguf *g, const char *name, uint32_t type, uint64_t k, uint64_t n, uint64_t offset) {
  tiny_info(g, name, type, 2, (uint64_t[]){k, n}, offset);
}
