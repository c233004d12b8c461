/*
 * vocab.c - opens a vocabulary, answers questions about its tokens, and takes text apart at its special tokens.
 *
 * In:       tokenizer.ggml.* keys; text.  Out: ids; bytes.
 * Not here: how text between special tokens becomes ids (vocab_bpe.c, vocab_spm.c), the search for them (vocab_special.c).
 *
 * Tokens are kept as the bytes they stand for, one after the other, with an index by hash from bytes to id. Control tokens are
 * not in that index: no text can become one by joining.
 */
#include <string.h>
#include "vocab_parts.h"

enum { TOKENS_MOST = 1 << 21, TEXT_MOST = 1 << 30 }; /* symbols are numbered in 32 bits, with room to grow scratch by half */

void *sp_vocab_take(struct sp_vocab *v, size_t count, size_t size) {
  v->memory += count * size;
  return sp_arena_alloc(&v->arena, count, size, "vocabulary");
}

/* ---- the index ---- */

/* FNV-1a, folded: spellings are short. */
static size_t slot_of(const struct sp_vocab *v, const char *text, size_t bytes) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (size_t i = 0; i < bytes; i++) hash = (hash ^ (uint8_t)text[i]) * 0x100000001b3u;
  return (size_t)(hash ^ hash >> 32) & v->slot_mask;
}

/* The slot of these bytes, or the empty one where they belong; NULL when too many others stand in its way. */
static still_token *find_slot(const struct sp_vocab *v, const char *text, size_t bytes) {
  size_t at = slot_of(v, text, bytes), n;
  for (size_t probes = 0; probes < SP_PROBES_MOST; probes++, at = (at + 1) & v->slot_mask) {
    still_token *slot = &v->slots[at];
    if (*slot == 0) return slot;
    const char *other = sp_vocab_text(v, *slot - 1, &n);
    if (n == bytes && memcmp(other, text, n) == 0) return slot;
  }
  return NULL;
}

still_token sp_vocab_find(const struct sp_vocab *v, const char *text, size_t bytes) {
  const still_token *slot = find_slot(v, text, bytes);
  return slot ? *slot - 1 : -1;
}

/* Enters all tokens of one type. Of two equal ones of a type the later counts, as in the field; of two types the one entered
 * first. */
static still_status index_type(struct sp_vocab *v, enum sp_token_type type) {
  for (uint32_t id = 0; id < v->size; id++) {
    size_t bytes;
    const char *text = sp_vocab_text(v, (still_token)id, &bytes);
    if (v->type[id] != type || bytes == 0) continue;
    still_token *slot = find_slot(v, text, bytes);
    if (!slot)
      return sp_fail(&v->ctx->error, STILL_EFORMAT,
                     "tokenizer.ggml.tokens[%u]: more than %d spellings fall on one place of the table; "
                     "the file was made to be slow, do not use it",
                     id, SP_PROBES_MOST);
    if (*slot == 0 || v->type[*slot - 1] == type) *slot = (still_token)id + 1;
  }
  return STILL_OK;
}

/* At most half full. Normal tokens go first: where a user-defined one is spelled alike, joining gives the normal one. */
static still_status make_index(struct sp_vocab *v) {
  size_t slots = 16;
  while (slots < 2 * (size_t)v->size) slots *= 2;
  v->slots = sp_vocab_take(v, slots, sizeof *v->slots);
  if (!v->slots) return STILL_ENOMEM;
  v->slot_mask = slots - 1;
  SP_TRY(index_type(v, SP_TOKEN_NORMAL));
  return index_type(v, SP_TOKEN_USER);
}

/* ---- opening ---- */

static still_status choose_kind(struct sp_vocab *v, const struct sp_gguf *g) {
  static const struct sp_kind *const kinds[] = {&sp_kind_bpe, &sp_kind_spm};
  struct sp_string model = {"", 0};
  SP_TRY(sp_gguf_string(g, "tokenizer.ggml.model", &model));
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strlen(kinds[i]->model) == model.bytes && memcmp(kinds[i]->model, model.text, model.bytes) == 0) v->kind = kinds[i];
  if (v->kind) return STILL_OK;
  return sp_fail(&v->ctx->error, STILL_EUNSUPPORTED,
                 "tokenizer.ggml.model \"%.*s\" is a tokeniser that this version does not know; it "
                 "knows gpt2 (byte-level BPE) and llama (SentencePiece-style BPE)",
                 (int)(model.bytes < 80 ? model.bytes : 80), model.text);
}

/* A key that must be an array of at most v->size elements; NULL with the sentence set if it is not there or otherwise. */
static const struct sp_key *token_array(struct sp_vocab *v, const struct sp_gguf *g, const char *name) {
  const struct sp_key *key = sp_gguf_key(g, name);
  if (key && sp_key_type(key) == SP_GGUF_ARRAY && sp_key_count(key) > 0 && sp_key_count(key) <= v->size) return key;
  sp_fail(&v->ctx->error, STILL_EFORMAT, "%s has %zu elements where the model has %u tokens; convert the model again", name,
          key ? sp_key_count(key) : 0, v->size);
  return NULL;
}

/* Files of the first converters have no types: all tokens are normal there until read_ends looks at them. */
static still_status read_types(struct sp_vocab *v, const struct sp_gguf *g) {
  v->type = sp_vocab_take(v, v->size, 1);
  v->end = sp_vocab_take(v, v->size, 1);
  if (!v->type || !v->end) return STILL_ENOMEM;
  memset(v->type, SP_TOKEN_NORMAL, v->size);
  if (!sp_gguf_key(g, "tokenizer.ggml.token_type")) return STILL_OK;
  const struct sp_key *key = token_array(v, g, "tokenizer.ggml.token_type");
  if (!key) return v->ctx->error.status;
  for (size_t i = 0; i < sp_key_count(key); i++) {
    int64_t type;
    if (!sp_key_int(key, i, &type) || type < 0 || type >= SP_TOKEN_TYPES)
      return sp_fail(&v->ctx->error, STILL_EFORMAT,
                     "tokenizer.ggml.token_type[%zu] is no type from 0 to %d; convert the model again", i, SP_TOKEN_TYPES - 1);
    v->type[i] = (uint8_t)type;
  }
  return STILL_OK;
}

/* The spellings' bytes all together. They must be strings, and their sum must fit the 32-bit offsets of v->start. */
static still_status sum_spellings(struct sp_vocab *v, const struct sp_key *key, size_t *total) {
  *total = 0;
  for (size_t i = 0; i < sp_key_count(key); i++) {
    struct sp_string s;
    if (!sp_key_string(key, i, &s) || s.bytes > UINT32_MAX - *total)
      return sp_fail(&v->ctx->error, STILL_EFORMAT,
                     "tokenizer.ggml.tokens[%zu] is no string, or all together pass 4 GiB; convert the "
                     "model again",
                     i);
    *total += s.bytes;
  }
  return STILL_OK;
}

/* "<0x0A>", the spelling of a byte's token -> 10; -1: another spelling. */
static int byte_of(struct sp_string s) {
  static const char digits[] = "0123456789ABCDEF";
  if (s.bytes != 6 || memcmp(s.text, "<0x", 3) != 0 || s.text[5] != '>') return -1;
  const char *high = memchr(digits, s.text[3], 16), *low = memchr(digits, s.text[4], 16);
  return high && low ? (int)(high - digits) * 16 + (int)(low - digits) : -1;
}

/* The bytes that a spelling of this type stands for, to out; their number. Control and user-defined tokens are spelled as they
 * are. */
static size_t put_token(const struct sp_vocab *v, uint8_t type, struct sp_string s, char *out) {
  int byte = type == SP_TOKEN_BYTE ? byte_of(s) : -1;
  if (type == SP_TOKEN_NORMAL) return v->kind->unescape(v, s.text, s.bytes, out);
  if (byte < 0) {
    memcpy(out, s.text, s.bytes);
    return s.bytes;
  }
  out[0] = (char)byte;
  return 1;
}

/* Spellings -> bytes. Tokens past the end of the array have none. */
static still_status read_tokens(struct sp_vocab *v, const struct sp_gguf *g) {
  size_t total, used = 0;
  const struct sp_key *key = token_array(v, g, "tokenizer.ggml.tokens");
  if (!key) return v->ctx->error.status;
  SP_TRY(sum_spellings(v, key, &total));
  v->text = sp_vocab_take(v, total, 1);
  v->start = sp_vocab_take(v, (size_t)v->size + 1, sizeof *v->start);
  if (!v->text || !v->start) return STILL_ENOMEM;
  for (size_t i = 0; i < v->size; i++) {
    struct sp_string s = {"", 0};
    if (i < sp_key_count(key)) sp_key_string(key, i, &s);
    v->start[i] = (uint32_t)used;
    used += put_token(v, v->type[i], s, v->text + used);
  }
  v->start[v->size] = (uint32_t)used;
  return STILL_OK;
}

/* A key that names a token. Absent: `preset`. Numbers that are no token are ignored, as files carry -1 for "none". */
static still_status read_id(struct sp_vocab *v, const struct sp_gguf *g, const char *name, still_token preset, still_token *id) {
  int64_t value = preset;
  SP_TRY(sp_gguf_int(g, name, &value));
  bool sound = value >= 0 && value < v->size;
  if (!sound && value != preset) sp_log(v->ctx, STILL_LOG_WARN, "%s is no token of the vocabulary; it is left out", name);
  *id = sound ? (still_token)value : -1;
  return STILL_OK;
}

/* Which tokens end an answer: those that the file names, and control tokens with a known spelling. A named one whose spelling is
 * known is a control token, whatever its type says: early converters did not mark them. */
static still_status read_ends(struct sp_vocab *v, const struct sp_gguf *g) {
  static const char *const names[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                      "tokenizer.ggml.eom_token_id"};
  bool typed = sp_gguf_key(g, "tokenizer.ggml.token_type") != NULL;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    still_token id;
    SP_TRY(read_id(v, g, names[i], i == 0 ? v->kind->eos : -1, &id));
    if (i == 0) v->eos = id;
    if (id >= 0) v->end[id] = 1;
  }
  for (uint32_t id = 0; id < v->size; id++) {
    size_t bytes;
    const char *text = sp_vocab_text(v, (still_token)id, &bytes);
    bool known = sp_special_is_end(text, bytes);
    if (known && (v->end[id] || !typed)) v->type[id] = SP_TOKEN_CONTROL;
    if (known && v->type[id] == SP_TOKEN_CONTROL) v->end[id] = 1;
  }
  return STILL_OK;
}

static still_status read_ids(struct sp_vocab *v, const struct sp_gguf *g) {
  SP_TRY(read_id(v, g, "tokenizer.ggml.bos_token_id", v->kind->bos, &v->bos));
  SP_TRY(read_id(v, g, "tokenizer.ggml.unknown_token_id", v->kind->unknown, &v->unknown));
  return read_ends(v, g);
}

/* The order matters: types tell how to read spellings, spellings which tokens end an answer, and both what the index holds. */
static still_status open_all(struct sp_vocab *v, const struct sp_gguf *g) {
  SP_TRY(choose_kind(v, g));
  if (v->kind->prepare) v->kind->prepare(v);
  SP_TRY(read_types(v, g));
  SP_TRY(read_tokens(v, g));
  SP_TRY(read_ids(v, g));
  SP_TRY(make_index(v));
  SP_TRY(sp_special_open(v));
  SP_TRY(v->kind->open(v, g));
  int64_t adds_bos = v->adds_bos;
  SP_TRY(sp_gguf_int(g, "tokenizer.ggml.add_bos_token", &adds_bos));
  v->adds_bos = adds_bos != 0 && v->bos >= 0;
  return STILL_OK;
}

still_status sp_vocab_open(struct sp_ctx *ctx, const struct sp_gguf *g, uint32_t n_vocab, struct sp_vocab **out) {
  *out = NULL;
  if (n_vocab == 0 || n_vocab > TOKENS_MOST)
    return sp_fail(&ctx->error, STILL_EUNSUPPORTED, "a vocabulary of %u tokens; this version takes 1 to %d", n_vocab,
                   TOKENS_MOST);
  struct sp_vocab *v = sp_calloc(ctx, 1, sizeof *v, "vocabulary");
  if (!v) return STILL_ENOMEM;
  v->ctx = ctx;
  v->size = n_vocab;
  v->memory = sizeof *v;
  sp_arena_init(&v->arena, ctx);
  still_status status = open_all(v, g);
  if (status != STILL_OK) {
    sp_vocab_close(v);
    return status;
  }
  *out = v;
  return STILL_OK;
}

void sp_vocab_close(struct sp_vocab *v) {
  if (!v) return;
  sp_arena_free(&v->arena);
  sp_free(v->ctx, v, 1, sizeof *v);
}

/* ---- text to ids ---- */

/* Special tokens cut the text; what is between them goes to the kind. */
static still_status encode(struct sp_encoder *e, size_t bytes, const uint8_t *trusted) {
  const struct sp_vocab *v = e->v;
  bool after_special = true; /* the start counts as one */
  for (size_t at = 0; at < bytes;) {
    still_token special;
    size_t n, next = sp_special_next(v, e->text, bytes, trusted, at, &special);
    if (next > at) SP_TRY(v->kind->encode(e, e->text + at, next - at, after_special));
    at = next;
    after_special = special >= 0;
    if (special < 0) continue;
    sp_vocab_text(v, special, &n);
    sp_encoder_put(e, special);
    at += n;
  }
  return STILL_OK;
}

still_status sp_vocab_encode(struct sp_ctx *ctx, const struct sp_vocab *v, const char *text, size_t bytes, const uint8_t *trusted,
                             bool add_bos, still_token *tokens, size_t capacity, size_t *n) {
  struct sp_encoder e = {.ctx = ctx, .v = v, .text = text, .out = tokens, .capacity = capacity};
  *n = 0;
  if (bytes > TEXT_MOST)
    return sp_fail(&ctx->error, STILL_ELIMIT, "a text of %zu bytes; at most %d can be tokenised at once, split it", bytes,
                   TEXT_MOST);
  if (add_bos && v->adds_bos) sp_encoder_put(&e, v->bos);
  still_status status = encode(&e, bytes, trusted);
  sp_encoder_close(&e);
  if (status == STILL_OK) *n = e.n;
  return status;
}

/* ---- questions ---- */

bool sp_vocab_piece(const struct sp_vocab *v, still_token token, const char **piece, size_t *bytes) {
  if (token < 0 || (uint32_t)token >= v->size) return false;
  *piece = sp_vocab_text(v, token, bytes);
  return true;
}

bool sp_vocab_is_special(const struct sp_vocab *v, still_token token) {
  return token >= 0 && (uint32_t)token < v->size && (v->type[token] == SP_TOKEN_CONTROL || v->type[token] == SP_TOKEN_UNKNOWN);
}

bool sp_vocab_is_end(const struct sp_vocab *v, still_token token) {
  return token >= 0 && (uint32_t)token < v->size && v->end[token];
}

still_token sp_vocab_bos(const struct sp_vocab *v) { return v->bos; }
still_token sp_vocab_eos(const struct sp_vocab *v) { return v->eos; }
bool sp_vocab_adds_bos(const struct sp_vocab *v) { return v->adds_bos; }
uint32_t sp_vocab_size(const struct sp_vocab *v) { return v->size; }
size_t sp_vocab_memory(const struct sp_vocab *v) { return v->memory; }
