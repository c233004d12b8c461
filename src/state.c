/*
 * state.c - writes and reads states.
 *
 * In:       a timeline.  Out: a file, and the other way round.
 * Not here: the bytes of a row (behind backend.h), atomic files (file.c).
 *
 * The format, version 1; all numbers are 32 bits, little-endian:
 *
 *   8 bytes   0x89 "STILL" CR LF: a transfer that changes line ends shows
 *   8 words   version of the format; arithmetic (enum sp_numerics) and its version; halves of layers that the rows went through;
 *             1 if sums of the policy block are there; tokens; rows, of the first tokens; bytes of a row
 *   32 bytes  digest of the model (sp_gguf_digest)
 *   words     the tokens
 *   bytes     the rows (struct sp_image)
 *   32 bytes  SHA-256 of all before
 */
#include "state.h"

#include <string.h>

enum { FORMAT = 1, MAGIC = 8, DIGEST = 32, STEP = 4 << 20 }; /* STEP: bytes between two looks at the cancel flag */
enum { W_FORMAT, W_NUMERICS, W_VERSION, W_TO, W_BLOCK, W_TOKENS, W_ROWS, W_ROW_BYTES, WORDS };
enum { HEADER = MAGIC + 4 * WORDS + DIGEST };

static const uint8_t magic[MAGIC + 1] = "\x89STILL\r\n";

static bool is_whole(const struct sp_timeline *t, unsigned to) { return to == 2 * t->engine->config->n_layers; }

/* Rows that went through halves [0, to): what is written of them. */
static struct sp_image image_of(const struct sp_timeline *t, unsigned to, bool block, size_t rows) {
  const struct sp_config *c = t->engine->config;
  struct sp_image image = {.parked = !is_whole(t, to), .block = block, .layers = (to + 1) / 2, .rows = rows};
  image.row_bytes = image.layers * sp_kv_image_bytes(c, t->engine->weights->float_path);
  if (image.parked) image.row_bytes += (c->n_embd + (block ? 2 : 1)) * sizeof(float);
  return image;
}

/* ---- save ----------------------------------------------------------------------------------------------------- */

struct writer {
  struct sp_timeline *t;
  struct sp_new_file file;
  struct sp_sha256 sha;
  struct sp_image image;
  uint8_t *buffer; /* [buffer_rows] rows, and the tokens on their way */
  size_t buffer_rows;
  uint64_t done, total;
};

static still_status put(struct writer *w, const void *data, size_t bytes) {
  sp_sha256_add(&w->sha, data, bytes);
  w->done += bytes;
  SP_TRY(sp_file_write(w->t->ctx, &w->file, data, bytes));
  return sp_progress(w->t->ctx, STILL_PHASE_LOAD, w->done, w->total, 1);
}

static still_status put_header(struct writer *w, const uint8_t model[DIGEST]) {
  const struct sp_timeline *t = w->t;
  uint8_t header[HEADER];
  uint32_t words[WORDS] = {FORMAT, t->engine->weights->float_path ? SP_NUMERICS_FLOAT : SP_NUMERICS_INT8, SP_NUMERICS_VERSION,
                           t->stage[0].to, w->image.block, (uint32_t)t->n, (uint32_t)w->image.rows,
                           (uint32_t)w->image.row_bytes};
  memcpy(header, magic, MAGIC);
  sp_file_words(header + MAGIC, words, WORDS);
  memcpy(header + MAGIC + 4 * WORDS, model, DIGEST);
  return put(w, header, HEADER);
}

static still_status put_tokens(struct writer *w) {
  size_t most = w->buffer_rows * w->image.row_bytes / 4;
  for (size_t i = 0, n; i < w->t->n; i += n) {
    n = w->t->n - i < most ? w->t->n - i : most;
    sp_file_words(w->buffer, w->t->tokens + i, n);
    SP_TRY(put(w, w->buffer, 4 * n));
  }
  return STILL_OK;
}

static still_status put_rows(struct writer *w) {
  for (size_t i = 0, n; i < w->image.rows; i += n) {
    n = w->image.rows - i < w->buffer_rows ? w->image.rows - i : w->buffer_rows;
    SP_TRY(w->t->backend->save(w->t->lane, &w->image, i, n, w->buffer));
    SP_TRY(put(w, w->buffer, n * w->image.row_bytes));
  }
  return STILL_OK;
}

static still_status put_all(struct writer *w, const uint8_t model[DIGEST]) {
  uint8_t sha[DIGEST];
  sp_sha256_begin(&w->sha);
  sp_phase_begin(w->t->ctx);
  SP_TRY(put_header(w, model));
  SP_TRY(put_tokens(w));
  SP_TRY(put_rows(w));
  sp_sha256_end(&w->sha, sha);
  return sp_file_write(w->t->ctx, &w->file, sha, DIGEST);
}

still_status sp_state_save(struct sp_timeline *t, const uint8_t model[32], const char *path) {
  if (t->n == 0) return sp_fail(&t->ctx->error, STILL_ESTATE, "the session holds no tokens that could be saved; prefill a text");
  struct writer w = {.t = t};
  w.image = image_of(t, t->stage[0].to, t->stage[0].to % 2 && sp_policies[t->settings->policy].block, t->finished);
  w.buffer_rows = 1 + STEP / w.image.row_bytes;
  w.total = HEADER + 4 * (uint64_t)t->n + (uint64_t)w.image.rows * w.image.row_bytes;
  w.buffer = sp_alloc(t->ctx, w.buffer_rows, w.image.row_bytes, "a state that is saved");
  if (!w.buffer) return STILL_ENOMEM;
  still_status status = sp_file_create(t->ctx, path, &w.file);
  if (status == STILL_OK) status = sp_file_end(t->ctx, &w.file, put_all(&w, model));
  sp_free(t->ctx, w.buffer, w.buffer_rows, w.image.row_bytes);
  return status;
}

/* ---- load ----------------------------------------------------------------------------------------------------- */

static still_status refuse(struct sp_timeline *t, still_status status, const char *what) {
  return sp_fail(&t->ctx->error, status, "the state %s", what);
}

/* The checksum, over all bytes but itself. */
static still_status check_sum(struct sp_timeline *t, const struct sp_file *file) {
  size_t bytes = file->size - DIGEST;
  struct sp_sha256 sha;
  uint8_t found[DIGEST];
  sp_sha256_begin(&sha);
  sp_phase_begin(t->ctx);
  for (size_t at = 0, n; at < bytes; at += n) {
    n = bytes - at < STEP ? bytes - at : STEP;
    sp_sha256_add(&sha, file->data + at, n);
    SP_TRY(sp_progress(t->ctx, STILL_PHASE_LOAD, at + n, bytes, 1));
  }
  sp_sha256_end(&sha, found);
  if (memcmp(found, file->data + bytes, DIGEST) == 0) return STILL_OK;
  return refuse(t, STILL_EFORMAT, "is damaged: its checksum is that of other bytes; save it again");
}

static still_status check_origin(struct sp_timeline *t, const uint32_t word[WORDS], const uint8_t *found,
                                 const uint8_t model[DIGEST]) {
  bool floats = t->engine->weights->float_path;
  if (memcmp(found, model, DIGEST) != 0)
    return refuse(t, STILL_EUNSUPPORTED, "was saved with another model file; give that one, or save it again with this one");
  if (word[W_NUMERICS] != (floats ? SP_NUMERICS_FLOAT : SP_NUMERICS_INT8))
    return refuse(t, STILL_EUNSUPPORTED, floats ? "was saved with --numerics int8; take that, or save it again"
                                                : "was saved with --numerics float; take that, or save it again");
  if (word[W_VERSION] == SP_NUMERICS_VERSION) return STILL_OK;
  return sp_fail(&t->ctx->error, STILL_EUNSUPPORTED,
                 "the state holds numbers of version %u of the arithmetic and this library computes version %u; save it again",
                 (unsigned)word[W_VERSION], SP_NUMERICS_VERSION);
}

/* Rows must wait where this timeline has its gate, or below it: from there they climb. Without a gate, rows that went to the top
 * do as well. */
static still_status check_gate(struct sp_timeline *t, const uint32_t word[WORDS]) {
  struct sp_stage stage[SP_MOST_STAGES];
  const char *why;
  unsigned layers = t->engine->config->n_layers;
  bool dense = t->settings->policy == SP_POLICY_DENSE, block = sp_policies[t->settings->policy].block;
  sp_timeline_stages(t->engine->config, t->settings, true, 1, stage, &why);
  if (word[W_TO] != stage[0].to && is_whole(t, word[W_TO]) && !dense)
    return refuse(t, STILL_EUNSUPPORTED, "was saved by a dense session, whose rows wait nowhere; take --dense, or save it again");
  if (word[W_TO] > stage[0].to && !is_whole(t, word[W_TO]))
    return sp_fail(&t->ctx->error, STILL_EUNSUPPORTED,
                   "the rows of the state wait at layer %u, above the start layer %u of this session; take --start %.4f, or "
                   "save it again",
                   (unsigned)word[W_TO] / 2, stage[0].to / 2, (word[W_TO] / 2 + 0.5) / layers);
  if (block && word[W_TO] == stage[0].to && word[W_TO] % 2 && !word[W_BLOCK])
    return refuse(t, STILL_EUNSUPPORTED,
                  "lacks what the policy block scores by, which cannot be had from parked rows; save it under that policy");
  return STILL_OK;
}

/* Sizes against the file, ids against the vocabulary: a checksum proves that nothing changed, not that it was ever sound. */
static still_status check_shape(struct sp_timeline *t, const uint32_t word[WORDS], struct sp_state *state) {
  unsigned to = word[W_TO];
  bool known = to <= 2 * t->engine->config->n_layers && (to % 2 || is_whole(t, to)) && word[W_BLOCK] <= to % 2;
  state->to = to;
  state->n = word[W_TOKENS];
  if (known) state->image = image_of(t, to, word[W_BLOCK], word[W_ROWS]);
  size_t rest = state->file.size - HEADER - DIGEST, rows = 0;
  known = known && state->n > 0 && state->n <= 1 << 24 && word[W_ROWS] <= state->n && word[W_ROW_BYTES] == state->image.row_bytes;
  if (!known || !sp_mul(word[W_ROWS], state->image.row_bytes, &rows) || rest != 4 * state->n + rows)
    return refuse(t, STILL_EFORMAT, "contradicts itself: its rows are not as long as those of its model; save it again");
  state->tokens = state->file.data + HEADER;
  state->rows = state->tokens + 4 * state->n;
  for (size_t i = 0; i < state->n; i++) {
    uint32_t id;
    sp_file_words(&id, state->tokens + 4 * i, 1);
    if (id >= t->engine->config->n_vocab)
      return refuse(t, STILL_EFORMAT, "contradicts itself: a token is none of the vocabulary; save it again");
  }
  return STILL_OK;
}

static still_status check(struct sp_timeline *t, const uint8_t model[DIGEST], struct sp_state *state) {
  const struct sp_file *file = &state->file;
  uint32_t word[WORDS];
  if (file->size < MAGIC || memcmp(file->data, magic, MAGIC) != 0)
    return refuse(t, STILL_EFORMAT, "is none: the file does not begin as states do; name one that was saved");
  if (file->size < HEADER + DIGEST) return refuse(t, STILL_EFORMAT, "ends within its header; save it again");
  sp_file_words(word, file->data + MAGIC, WORDS);
  SP_TRY(check_sum(t, file));
  if (word[W_FORMAT] != FORMAT)
    return sp_fail(&t->ctx->error, STILL_EUNSUPPORTED, "the state has format %u and this library reads format %d; save it again",
                   (unsigned)word[W_FORMAT], FORMAT);
  SP_TRY(check_origin(t, word, file->data + MAGIC + 4 * WORDS, model));
  SP_TRY(check_shape(t, word, state));
  return check_gate(t, word);
}

still_status sp_state_open(struct sp_timeline *t, const uint8_t model[32], const char *path, struct sp_state *state) {
  *state = (struct sp_state){0};
  SP_TRY(sp_file_open(t->ctx, path, t->settings->mmap != 0, &state->file));
  still_status status = check(t, model, state);
  if (status != STILL_OK) sp_state_close(t, state);
  return status;
}

void sp_state_close(struct sp_timeline *t, struct sp_state *state) { sp_file_close(t->ctx, &state->file); }

/* The rows, in a lane of their own. */
static still_status restore(struct sp_timeline *t, const struct sp_state *state, struct sp_lane *lane) {
  const struct sp_image *image = &state->image;
  size_t step = 1 + STEP / image->row_bytes;
  SP_TRY(t->backend->reserve(lane, 0, image->layers, image->rows, state->n));
  if (image->parked) SP_TRY(t->backend->reserve_park(lane, 0, image->rows));
  for (size_t i = 0, n; i < image->rows; i += n) {
    n = image->rows - i < step ? image->rows - i : step;
    SP_TRY(t->backend->restore(lane, image, i, n, state->rows + i * image->row_bytes));
    SP_TRY(sp_progress(t->ctx, STILL_PHASE_LOAD, i + n, image->rows, 1));
  }
  return STILL_OK;
}

still_status sp_state_take(struct sp_timeline *t, const struct sp_state *state) {
  struct sp_lane *lane = NULL;
  SP_TRY(sp_timeline_lane(t, &lane));
  still_status status = restore(t, state, lane);
  if (status != STILL_OK) {
    t->backend->end(lane);
    return status;
  }
  if (t->lane) t->backend->end(t->lane);
  t->lane = lane;
  sp_timeline_rewind(t, 0);
  sp_file_words(t->tokens, state->tokens, state->n);
  t->n = state->n;
  t->finished = state->image.rows;
  t->parked = state->image.parked;
  t->stage[0].to = state->to;
  return STILL_OK;
}
