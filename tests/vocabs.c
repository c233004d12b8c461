/*
 * vocabs.c - vocabularies made for tests.
 *
 * In:       tokens, merges, keys.  Out: an open vocabulary.
 * Not here: tests.
 */
#include "vocabs.h"

#include <check.h>
#include <string.h>
#include <unistd.h>

/* GPT-2's visible character for a byte, as UTF-8. Returns the bytes written, 1 or 2. */
static size_t spell(char *out, uint8_t byte) {
  unsigned c = 256;
  for (unsigned b = 0; b < 256; b++) {
    bool visible = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
    if (b == byte && visible) c = b;
    if (b == byte) break;
    c += !visible;
  }
  if (c < 0x80) return out[0] = (char)c, 1;
  out[0] = (char)(0xc0 | c >> 6);
  out[1] = (char)(0x80 | (c & 0x3f));
  return 2;
}

static size_t spell_all(char *out, const char *bytes, size_t n) {
  size_t used = 0;
  for (size_t i = 0; i < n; i++) used += spell(out + used, (uint8_t)bytes[i]);
  out[used] = '\0';
  return used;
}

still_token vocabs_add(struct vocabs *b, const char *spelling, enum vocabs_type type, float score) {
  uint32_t bits;
  memcpy(&bits, &score, sizeof bits);
  tiny_string(&b->texts, spelling);
  tiny_put(&b->types, type, 4);
  tiny_put(&b->scores, bits, 4);
  return (still_token)b->n++;
}

still_token vocabs_add_bytes(struct vocabs *b, const char *bytes, size_t n) {
  char spelling[512];
  ck_assert_uint_lt(n, 200);
  spell_all(spelling, bytes, n);
  return vocabs_add(b, spelling, NORMAL, 0);
}

void vocabs_add_all_bytes(struct vocabs *b) {
  for (unsigned byte = 0; byte < 256; byte++) vocabs_add_bytes(b, &(char){(char)byte}, 1);
}

void vocabs_line(struct vocabs *b, const char *line) {
  tiny_string(&b->merges, line);
  b->n_merges++;
}

void vocabs_merge(struct vocabs *b, const char *left, size_t n_left, const char *right, size_t n_right) {
  char line[512];
  size_t n = spell_all(line, left, n_left);
  line[n++] = ' ';
  spell_all(line + n, right, n_right);
  vocabs_line(b, line);
}

static void put_array(struct tiny_gguf *g, const struct vocabs *b, const char *name, unsigned type, unsigned n,
                      struct tiny_bytes *elements) {
  if (!b->without || strcmp(b->without, name) != 0) {
    tiny_key_array(g, name, type, n);
    tiny_raw(&g->keys, elements->data, elements->size);
  }
  tiny_free(elements);
}

still_status vocabs_open(struct vocabs_open *o, struct vocabs *b, const char *model, const char *pre) {
  static const uint64_t ne[] = {32};
  static const float zeros[32];
  struct tiny_gguf g;
  struct tiny_bytes file = {0};
  char path[32];
  tiny_gguf_begin(&g, 3, 32);
  tiny_key_string(&g, "tokenizer.ggml.model", model);
  if (pre) tiny_key_string(&g, "tokenizer.ggml.pre", pre);
  put_array(&g, b, "tokenizer.ggml.tokens", SP_GGUF_STRING, b->n, &b->texts);
  put_array(&g, b, "tokenizer.ggml.token_type", SP_GGUF_I32, b->n, &b->types);
  put_array(&g, b, "tokenizer.ggml.scores", SP_GGUF_F32, b->n, &b->scores);
  put_array(&g, b, "tokenizer.ggml.merges", SP_GGUF_STRING, b->n_merges, &b->merges);
  if (b->extra) b->extra(&g);
  tiny_tensor(&g, "nothing", 0, 1, ne, zeros, sizeof zeros);
  tiny_gguf_end(&g, &file);
  int fd = tiny_share(&file, path);
  tiny_free(&file);
  o->vocab = NULL;
  sp_ctx_init(&o->ctx, NULL);
  ck_assert_msg(sp_gguf_open(&o->ctx, path, false, &o->gguf) == STILL_OK, "%s", o->ctx.error.text);
  close(fd);
  still_status status = sp_vocab_open(&o->ctx, o->gguf, b->n, &o->vocab);
  ck_assert_msg((status == STILL_OK) == (o->vocab != NULL), "a status without a vocabulary, or the other way round");
  *b = (struct vocabs){0};
  return status;
}

void vocabs_close(struct vocabs_open *o) {
  sp_vocab_close(o->vocab);
  sp_gguf_close(o->gguf);
  ck_assert_uint_eq(atomic_load(&o->ctx.bytes), 0);
}
