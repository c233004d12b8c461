/*
 * vocab_spm.c - SentencePiece-style BPE: characters join to tokens, the best score first; what is no token falls back to bytes.
 *
 * In:       tokenizer.ggml.scores, add_space_prefix; text.  Out: the order of scores; ids.
 * Not here: the order of joins (vocab_merge.c), user-defined tokens, which are found before (vocab_special.c).
 *
 * Files spell a space as U+2581, the mark before words; tokens are turned back at open, and text is joined with plain spaces. A
 * U+2581 in text is a space to such a vocabulary.
 */
#include <math.h>
#include <string.h>
#include "unicode.h"
#include "vocab_parts.h"

static const char word_mark[] = "\xe2\x96\x81"; /* U+2581 */
enum { MARK = 3 };

/* Copies text, the word mark as a space. Returns the bytes written, never more than `bytes`. */
static size_t spaces(const char *text, size_t bytes, char *out) {
  size_t n = 0;
  for (size_t at = 0; at < bytes; n++) {
    bool mark = bytes - at >= MARK && memcmp(text + at, word_mark, MARK) == 0;
    out[n] = mark ? ' ' : text[at];
    at += mark ? MARK : 1;
  }
  return n;
}

static size_t unescape(const struct sp_vocab *v, const char *spelling, size_t bytes, char *out) {
  (void)v;
  return spaces(spelling, bytes, out);
}

/* A number that grows as the score falls: the bits of a float, ordered, turned round. Equal scores give equal keys. */
static uint32_t key_of(float score) {
  uint32_t bits;
  score += 0.0f; /* -0 is +0 */
  memcpy(&bits, &score, sizeof bits);
  return ~(bits >> 31 ? ~bits : bits | 0x80000000u);
}

/* Scores become keys, so that the merge engine compares numbers of one kind. */
static still_status read_scores(struct sp_vocab *v, const struct sp_gguf *g) {
  const struct sp_key *key = sp_gguf_key(g, "tokenizer.ggml.scores");
  size_t count = key ? sp_key_count(key) : 0;
  if (count == 0 || count > v->size)
    return sp_fail(&v->ctx->error, STILL_EFORMAT, "tokenizer.ggml.scores has %zu entries for %u tokens; convert the model again",
                   count, v->size);
  v->key = sp_vocab_take(v, v->size, sizeof *v->key);
  if (!v->key) return STILL_ENOMEM;
  for (size_t i = 0; i < v->size; i++) {
    double score = -1e30; /* of tokens without one: joined last */
    if (i < count && (!sp_key_real(key, i, &score) || !isfinite((float)score)))
      return sp_fail(&v->ctx->error, STILL_EFORMAT, "tokenizer.ggml.scores[%zu] is not a finite number; convert the model again",
                     i);
    v->key[i] = key_of((float)score);
  }
  return STILL_OK;
}

/* Tokens of bytes; their text is that one byte. */
static void find_bytes(struct sp_vocab *v) {
  for (unsigned byte = 0; byte < 256; byte++) v->byte[byte] = -1;
  for (uint32_t id = 0; id < v->size; id++) {
    size_t bytes;
    const char *text = sp_vocab_text(v, (still_token)id, &bytes);
    if (v->type[id] == SP_TOKEN_BYTE && bytes == 1) v->byte[(uint8_t)text[0]] = (still_token)id;
  }
}

static still_status open_spm(struct sp_vocab *v, const struct sp_gguf *g) {
  int64_t prefix = 1;
  SP_TRY(sp_gguf_int(g, "tokenizer.ggml.add_space_prefix", &prefix));
  v->space_prefix = prefix != 0;
  v->adds_bos = v->kind->adds_bos;
  find_bytes(v);
  return read_scores(v, g);
}

/* Two symbols stand side by side in the text, so what they make is spelled there; any token will do. */
static void pair_spm(const struct sp_vocab *v, const char *text, struct sp_symbol *symbols, uint32_t left) {
  uint32_t end = symbols[symbols[left].next].next;
  still_token made = end - left <= SP_SPELLING_MOST ? sp_vocab_find(v, text + left, end - left) : -1;
  if (made < 0) return;
  symbols[left].key = v->key[made];
  symbols[left].made = made;
}

/* The bytes of a symbol that is no token. */
static still_status put_bytes(struct sp_encoder *e, const char *text, size_t bytes) {
  const struct sp_vocab *v = e->v;
  for (size_t i = 0; i < bytes; i++)
    if (v->byte[(uint8_t)text[i]] < 0) {
      uint32_t c;
      sp_utf8_next(text, bytes, &c);
      if (v->unknown < 0 || c == SP_NOT_UTF8)
        return sp_fail(&e->ctx->error, STILL_EARG,
                       "byte 0x%02x of the text has no token in this vocabulary; take the character out", (uint8_t)text[i]);
      sp_encoder_put(e, v->unknown);
      return STILL_OK;
    }
  for (size_t i = 0; i < bytes; i++) sp_encoder_put(e, v->byte[(uint8_t)text[i]]);
  return STILL_OK;
}

/* Characters to symbols; one that is no token can still become one together with its neighbours. */
static still_status encode_spaced(struct sp_encoder *e, const char *text, size_t bytes) {
  SP_TRY(sp_encoder_reserve(e, bytes));
  struct sp_symbol *symbols = e->symbols;
  for (uint32_t at = 0, before = 0, n; at < bytes; before = at, at += n) {
    uint32_t c;
    n = (uint32_t)sp_utf8_next(text + at, bytes - at, &c);
    symbols[at] = (struct sp_symbol){.id = sp_vocab_find(e->v, text + at, n), .next = at + n, .before = before};
  }
  sp_encoder_join(e, text, bytes);
  for (uint32_t at = 0; at < bytes; at = symbols[at].next)
    if (symbols[at].id >= 0)
      sp_encoder_put(e, symbols[at].id);
    else
      SP_TRY(put_bytes(e, text + at, symbols[at].next - at));
  return STILL_OK;
}

/* The text is copied once, for the space in front and the marks in it. */
static still_status encode_spm(struct sp_encoder *e, const char *text, size_t bytes, bool after_special) {
  if (bytes + 1 > e->spaced_room) {
    sp_free(e->ctx, e->spaced, e->spaced_room, 1);
    e->spaced_room = bytes + 1;
    e->spaced = sp_alloc(e->ctx, e->spaced_room, 1, "tokenising");
    if (!e->spaced) return STILL_ENOMEM;
  }
  size_t n = e->v->space_prefix && after_special;
  e->spaced[0] = ' ';
  return encode_spaced(e, e->spaced, n + spaces(text, bytes, e->spaced + n));
}

const struct sp_kind sp_kind_spm = {
  .model = "llama", .adds_bos = true, .bos = 1, .eos = 2, .unknown = 0,
  .unescape = unescape, .open = open_spm, .pair = pair_spm, .encode = encode_spm,
};
