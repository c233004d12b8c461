/*
 * vocab_bpe.c - byte-level BPE: every byte is a token, and a list of merges says which neighbours join, in order of rank.
 *
 * In:       tokenizer.ggml.pre, tokenizer.ggml.merges; text.  Out: a table of pairs; ids.
 * Not here: cutting text into pieces (pretok.c), the order of joins (vocab_merge.c).
 *
 * Files spell bytes as visible characters: 33..126, 161..172 and 174..255 stand for themselves, the other 68 bytes are the
 * characters from U+0100 on. Text never passes through that alphabet: tokens and merges are turned into bytes once, at open.
 */
#include <string.h>
#include "unicode.h"
#include "vocab_parts.h"

enum { ALPHABET = sizeof((struct sp_vocab *)0)->alphabet / sizeof((struct sp_vocab *)0)->alphabet[0] };

static void make_alphabet(struct sp_vocab *v) {
  unsigned next = 0x100;
  for (unsigned byte = 0; byte < 256; byte++) {
    bool visible = (byte >= '!' && byte <= '~') || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    v->alphabet[visible ? byte : next++] = (uint16_t)(byte + 1);
  }
}

/* A spelling with characters outside the alphabet stands for itself. */
static size_t unescape(const struct sp_vocab *v, const char *spelling, size_t bytes, char *out) {
  size_t n = 0;
  for (size_t at = 0; at < bytes;) {
    uint32_t c;
    at += sp_utf8_next(spelling + at, bytes - at, &c);
    if (c >= ALPHABET || v->alphabet[c] == 0) {
      memcpy(out, spelling, bytes);
      return bytes;
    }
    out[n++] = (char)(v->alphabet[c] - 1);
  }
  return n;
}

/* The high half of a product holds bits of both ids. */
static size_t slot_of(const struct sp_vocab *v, still_token left, still_token right) {
  uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
  return (size_t)((pair * 0x9e3779b97f4a7c15u) >> 32) & v->merge_mask; /* 2^64 / golden ratio: neighbours land far apart */
}

/* The slot of a pair, or the empty one where it belongs; NULL when too many others stand in its way. */
static struct sp_merge *find_merge(const struct sp_vocab *v, still_token left, still_token right) {
  size_t at = slot_of(v, left, right);
  for (size_t probes = 0; probes < SP_PROBES_MOST; probes++, at = (at + 1) & v->merge_mask) {
    struct sp_merge *merge = &v->merges[at];
    if (merge->left < 0 || (merge->left == left && merge->right == right)) return merge;
  }
  return NULL;
}

/* Reads merge `rank`, "left right". *used: both halves and what they make are tokens, so that text can hold them. */
static still_status add_merge(struct sp_vocab *v, struct sp_string line, size_t rank, char *scratch, bool *used) {
  const char *space = line.bytes > 1 ? memchr(line.text + 1, ' ', line.bytes - 1) : NULL;
  if (!space)
    return sp_fail(&v->ctx->error, STILL_EFORMAT,
                   "tokenizer.ggml.merges[%zu] \"%.*s\" is not two tokens with a space between; convert the model again", rank,
                   (int)(line.bytes < 80 ? line.bytes : 80), line.text);
  size_t half = (size_t)(space - line.text);
  size_t n = v->kind->unescape(v, line.text, half, scratch);
  size_t both = n + v->kind->unescape(v, space + 1, line.bytes - half - 1, scratch + n);
  still_token left = sp_vocab_find(v, scratch, n), right = sp_vocab_find(v, scratch + n, both - n);
  still_token made = sp_vocab_find(v, scratch, both);
  *used = left >= 0 && right >= 0 && made >= 0;
  if (!*used) return STILL_OK;
  struct sp_merge *merge = find_merge(v, left, right);
  if (!merge)
    return sp_fail(&v->ctx->error, STILL_EFORMAT,
                   "tokenizer.ggml.merges[%zu]: more than %d merges fall on one place of the table; "
                   "the file was made to be slow, do not use it",
                   rank, SP_PROBES_MOST);
  if (merge->left < 0) *merge = (struct sp_merge){left, right, made, (uint32_t)rank}; /* of two equal lines, the first counts */
  return STILL_OK;
}

/* Lines that name unknown tokens are left out: text can never hold such a pair. */
static still_status read_merges(struct sp_vocab *v, const struct sp_key *key, char *scratch) {
  size_t count = sp_key_count(key), unused = 0;
  for (size_t rank = 0; rank < count; rank++) {
    struct sp_string line;
    bool used;
    if (!sp_key_string(key, rank, &line))
      return sp_fail(&v->ctx->error, STILL_EFORMAT, "tokenizer.ggml.merges is not an array of strings; convert the model again");
    SP_TRY(add_merge(v, line, rank, scratch, &used));
    unused += !used;
  }
  if (unused)
    sp_log(v->ctx, STILL_LOG_WARN, "%zu of %zu merges name tokens that the vocabulary lacks; they are left out", unused, count);
  return STILL_OK;
}

/* Bytes of the longest line: room to unescape any of them. */
static size_t longest(const struct sp_key *key) {
  size_t most = 0;
  struct sp_string line;
  for (size_t i = 0; i < sp_key_count(key); i++)
    if (sp_key_string(key, i, &line) && line.bytes > most) most = line.bytes;
  return most;
}

/* The table is at most half full, so an absent pair is found absent after a few slots. */
static still_status make_merges(struct sp_vocab *v, const struct sp_gguf *g) {
  const struct sp_key *key = sp_gguf_key(g, "tokenizer.ggml.merges");
  if (!key || sp_key_type(key) != SP_GGUF_ARRAY || sp_key_count(key) >= SP_NO_MERGE)
    return sp_fail(&v->ctx->error, STILL_EFORMAT,
                   "tokenizer.ggml.merges is missing or no array: without merges text cannot become "
                   "tokens; convert the model again");
  size_t slots = 16;
  while (slots < 2 * sp_key_count(key)) slots *= 2;
  v->merges = sp_vocab_take(v, slots, sizeof *v->merges);
  if (!v->merges) return STILL_ENOMEM;
  v->merge_mask = slots - 1;
  for (size_t i = 0; i < slots; i++) v->merges[i].left = -1;
  size_t scratch_bytes = longest(key);
  char *scratch = sp_alloc(v->ctx, scratch_bytes, 1, "merges");
  still_status status = scratch ? read_merges(v, key, scratch) : STILL_ENOMEM;
  sp_free(v->ctx, scratch, scratch_bytes, 1);
  return status;
}

/* A byte without a token is no fault of the file: texts with that byte are refused, others work. */
static still_status open_bpe(struct sp_vocab *v, const struct sp_gguf *g) {
  struct sp_string pre = {"", 0};
  SP_TRY(sp_gguf_string(g, "tokenizer.ggml.pre", &pre));
  v->rules = sp_pretok_find(pre.text, pre.bytes);
  if (!v->rules)
    return sp_fail(&v->ctx->error, STILL_EUNSUPPORTED,
                   "tokenizer.ggml.pre \"%.*s\" is a pre-tokeniser that this version does not know; "
                   "it knows gpt-2, smollm, llama-bpe, qwen2 and their aliases",
                   (int)(pre.bytes < 80 ? pre.bytes : 80), pre.text);
  if (pre.bytes == 0) sp_log(v->ctx, STILL_LOG_WARN, "the file names no pre-tokeniser (tokenizer.ggml.pre); gpt-2's is used");
  v->adds_bos = v->rules->adds_bos;
  for (unsigned byte = 0; byte < 256; byte++) v->byte[byte] = sp_vocab_find(v, &(char){(char)byte}, 1);
  return make_merges(v, g);
}

static void pair_bpe(const struct sp_vocab *v, const char *text, struct sp_symbol *symbols, uint32_t left) {
  (void)text;
  struct sp_symbol *symbol = &symbols[left];
  const struct sp_merge *merge = find_merge(v, symbol->id, symbols[symbol->next].id);
  if (!merge || merge->left < 0) return;
  symbol->key = merge->rank;
  symbol->made = merge->made;
}

/* Bytes to symbols, joined, to ids. */
static still_status encode_piece(struct sp_encoder *e, const char *piece, size_t bytes) {
  const struct sp_vocab *v = e->v;
  still_token whole = v->rules->whole_pieces ? sp_vocab_find(v, piece, bytes) : -1;
  if (whole >= 0) {
    sp_encoder_put(e, whole);
    return STILL_OK;
  }
  SP_TRY(sp_encoder_reserve(e, bytes));
  for (uint32_t i = 0; i < bytes; i++) {
    uint8_t byte = (uint8_t)piece[i];
    if (v->byte[byte] < 0)
      return sp_fail(&e->ctx->error, STILL_EARG,
                     "byte 0x%02x at offset %zu of the text has no token in this vocabulary; take it out", byte,
                     (size_t)(piece - e->text) + i);
    e->symbols[i] = (struct sp_symbol){.id = v->byte[byte], .next = i + 1, .before = i - 1};
  }
  sp_encoder_join(e, piece, bytes);
  for (uint32_t i = 0; i < bytes; i = e->symbols[i].next) sp_encoder_put(e, e->symbols[i].id);
  return STILL_OK;
}

static still_status encode_bpe(struct sp_encoder *e, const char *text, size_t bytes, bool after_special) {
  (void)after_special;
  for (size_t at = 0, n; at < bytes; at += n) {
    n = sp_pretok_next(e->v->rules, text + at, bytes - at);
    SP_TRY(encode_piece(e, text + at, n));
  }
  return STILL_OK;
}


const struct sp_kind sp_kind_bpe = {
  .model = "gpt2", .adds_bos = false, .bos = -1, .eos = -1, .unknown = -1,
  .prepare = make_alphabet, .unescape = unescape, .open = open_bpe, .pair = pair_bpe, .encode = encode_bpe,
};
