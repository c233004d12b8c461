/*
 * gpu_lane.c - device memory of a session.
 *
 * In:       shapes.  Out: struct sp_lane.
 * Not here: what its buffers are used for (gpu_layer.c).
 */
#include "gpu_lane.h"

#include <string.h>

enum { WARPS = 8 };

/* ---- the stream ------------------------------------------------------------------------------------------------- */

still_status sp_lane_status(struct sp_lane *lane, int error, const char *what) {
  return sp_gpu_status(lane->model, lane->ctx, error, what);
}

still_status sp_lane_launch(struct sp_lane *lane, enum sp_gpu_kernel kernel, const void *job, size_t x, size_t y) {
  return sp_lane_status(lane, sp_gpu_launch(&lane->model->gpu, lane->stream, kernel, job, x, y), "a kernel did not start");
}

size_t sp_lane_blocks(size_t rows) { return (rows + WARPS - 1) / WARPS; }

still_status sp_lane_rows(struct sp_lane *lane, enum sp_gpu_kernel kernel, const void *job, size_t rows) {
  return sp_lane_launch(lane, kernel, job, sp_lane_blocks(rows), 1);
}

still_status sp_lane_sync(struct sp_lane *lane) {
  return sp_lane_status(lane, sp_gpu_sync(&lane->model->gpu, lane->stream), "a kernel failed");
}

still_status sp_lane_put(struct sp_lane *lane, void *to, const void *from, size_t bytes) {
  return sp_lane_status(lane, sp_gpu_put(&lane->model->gpu, lane->stream, to, from, bytes), "an upload failed");
}

still_status sp_lane_get(struct sp_lane *lane, void *to, const void *from, size_t bytes) {
  SP_TRY(sp_lane_status(lane, sp_gpu_get(&lane->model->gpu, lane->stream, to, from, bytes), "a download failed"));
  return sp_lane_sync(lane);
}

still_status sp_lane_copy(struct sp_lane *lane, void *to, const void *from, size_t bytes) {
  return sp_lane_status(lane, sp_gpu_copy(&lane->model->gpu, lane->stream, to, from, bytes), "a copy failed");
}

static still_status zero(struct sp_lane *lane, void *at, size_t bytes) {
  return sp_lane_status(lane, sp_gpu_fill(&lane->model->gpu, lane->stream, at, 0, bytes), "memory could not be cleared");
}

static still_status take(struct sp_lane *lane, void **at, size_t bytes, const char *what) {
  lane->memory++;
  return sp_lane_status(lane, sp_gpu_alloc(&lane->model->gpu, at, bytes), what);
}

/* Freed only when the stream is done with it. */
static void release(struct sp_lane *lane, void *at) {
  if (at) sp_gpu_sync(&lane->model->gpu, lane->stream);
  sp_gpu_free(&lane->model->gpu, at);
}

/* ---- buffers whose size the config and the chunk decide ------------------------------------------------------------ */

struct buffer {
  void **at;
  size_t bytes;
};

enum { MOST_BUFFERS = 32 };

static size_t longest_of(const struct sp_config *c) {
  size_t longest = c->n_ff > c->n_embd ? c->n_ff : c->n_embd, heads = (size_t)c->n_heads * c->head_dim;
  return longest > heads ? longest : heads;
}

static size_t chunk_buffers(struct sp_lane *lane, const struct sp_config *c, struct buffer *b) {
  size_t rows = sp_round_up(lane->cap, SP_GPU_ROWS), e = c->n_embd, n = 0, k = sp_round_up(longest_of(c), SP_GPU_DEPTH);
  size_t heads = c->n_heads, wide = (size_t)(c->n_heads + 2 * c->n_kv_heads) * c->head_dim, d = c->head_dim;
  b[n++] = (struct buffer){(void **)&lane->x, rows * e * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->u, rows * e * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->f, rows * e * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->qkv, rows * wide * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->heads, rows * heads * d * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->h, rows * c->n_ff * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->position, rows * sizeof(uint32_t)};
  b[n++] = (struct buffer){(void **)&lane->index, rows * sizeof(uint32_t)};
  b[n++] = (struct buffer){(void **)&lane->place, rows * sizeof(uint32_t)};
  b[n++] = (struct buffer){(void **)&lane->block, rows * sizeof(struct sp_gpu_block)};
  b[n++] = (struct buffer){(void **)&lane->tokens, rows * sizeof(int32_t)};
  b[n++] = (struct buffer){(void **)&lane->q, rows * k};
  b[n++] = (struct buffer){(void **)&lane->q8, rows * heads * lane->dk};
  b[n++] = (struct buffer){(void **)&lane->scale, rows * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->sq, rows * heads * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->m, rows * heads * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->l, rows * heads * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->bad, (c->n_layers + 1) * SP_GPU_PLACES * sizeof(uint32_t)};
  return n;
}

static size_t other_buffers(struct sp_lane *lane, const struct sp_config *c, struct buffer *b) {
  size_t k = longest_of(c), n = 0, constants = (size_t)c->n_layers * c->n_kv_heads * c->head_dim * sizeof(float);
  b[n++] = (struct buffer){(void **)&lane->act_x, SP_FILE_ROWS * k * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->act_q, SP_FILE_ROWS * k};
  b[n++] = (struct buffer){(void **)&lane->act_d, SP_FILE_ROWS * k / 32 * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->act_sum, SP_FILE_ROWS * k / 16 * sizeof(int16_t)};
  b[n++] = (struct buffer){(void **)&lane->logits, SP_FILE_ROWS * (size_t)c->n_vocab * sizeof(float)};
  b[n++] = (struct buffer){(void **)&lane->now, sizeof *lane->now};
  b[n++] = (struct buffer){(void **)&lane->lists, c->n_layers * sizeof *lane->lists};
  b[n++] = (struct buffer){(void **)&lane->moved, SP_GPU_MOVED * c->n_layers * sp_kv_image_bytes(c, false)};
  b[n++] = (struct buffer){(void **)&lane->shift, constants};
  b[n++] = (struct buffer){(void **)&lane->balance, constants};
  b[n++] = (struct buffer){(void **)&lane->inverse_balance, constants};
  return n;
}

static size_t buffers(struct sp_lane *lane, struct buffer b[MOST_BUFFERS]) {
  size_t n = chunk_buffers(lane, lane->engine->config, b);
  return n + other_buffers(lane, lane->engine->config, b + n);
}

uint64_t sp_gpu_lane_bytes(const struct sp_engine *engine, size_t chunk) {
  struct sp_lane lane = {.engine = (struct sp_engine *)engine, .cap = chunk, .dk = SP_GPU_HEAD(engine->config->head_dim)};
  struct buffer b[MOST_BUFFERS];
  uint64_t bytes = 0;
  for (size_t i = 0, n = buffers(&lane, b); i < n; i++) bytes += sp_gpu_taken(b[i].bytes);
  return bytes;
}

static still_status upload_constants(struct sp_lane *lane) {
  const struct sp_engine *e = lane->engine;
  size_t bytes = (size_t)e->config->n_layers * e->config->n_kv_heads * e->config->head_dim * sizeof(float);
  SP_TRY(sp_lane_put(lane, lane->shift, e->shift, bytes));
  SP_TRY(sp_lane_put(lane, lane->balance, e->balance, bytes));
  SP_TRY(sp_lane_put(lane, lane->inverse_balance, e->inverse_balance, bytes));
  return sp_lane_sync(lane);
}

static still_status fill(struct sp_lane *lane) {
  struct buffer b[MOST_BUFFERS];
  const struct sp_config *c = lane->engine->config;
  struct sp_driver *driver = &lane->model->gpu.driver;
  lane->kv = sp_calloc(lane->ctx, c->n_layers, sizeof *lane->kv, "a session");
  lane->bad_host = sp_calloc(lane->ctx, (c->n_layers + 1) * SP_GPU_PLACES, sizeof(uint32_t), "a session");
  lane->position_host = sp_calloc(lane->ctx, lane->cap, sizeof(uint32_t), "a session");
  lane->block_host = sp_calloc(lane->ctx, lane->cap, sizeof *lane->block_host, "a session");
  lane->steps = sp_calloc(lane->ctx, SP_GPU_STEPS, sizeof *lane->steps, "a session");
  if (!lane->kv || !lane->bad_host || !lane->position_host || !lane->block_host || !lane->steps) return STILL_ENOMEM;
  SP_TRY(sp_lane_status(lane, driver->stream(&lane->stream, 1), "no stream"));
  for (int i = 0; i < 2; i++) SP_TRY(sp_lane_status(lane, driver->event(&lane->behind[i], 2), "no event"));
  for (size_t i = 0, n = buffers(lane, b); i < n; i++)
    SP_TRY(take(lane, b[i].at, b[i].bytes, "no memory for the rows of a chunk"));
  SP_TRY(upload_constants(lane));
  return sp_gpu_model_ends(lane->model, lane->ctx);
}

still_status sp_gpu_lane_open(struct sp_gpu_model *model, struct sp_ctx *ctx, size_t chunk, struct sp_lane **out) {
  struct sp_lane *lane = sp_calloc(ctx, 1, sizeof *lane, "a session");
  if (!lane) return STILL_ENOMEM;
  lane->model = model;
  lane->engine = model->engine;
  lane->ctx = ctx;
  lane->cap = chunk;
  lane->dk = SP_GPU_HEAD(model->engine->config->head_dim);
  still_status status = fill(lane);
  if (status == STILL_OK)
    *out = lane;
  else
    sp_gpu_lane_close(lane);
  return status;
}

void sp_gpu_lane_close(struct sp_lane *lane) {
  struct sp_gpu *gpu = &lane->model->gpu;
  struct buffer b[MOST_BUFFERS];
  unsigned layers = lane->engine->config->n_layers;
  if (lane->stream) sp_gpu_sync(gpu, lane->stream);
  for (int i = 0; lane->steps && i < SP_GPU_STEPS; i++) sp_gpu_forget(gpu, lane->steps[i].graph);
  for (size_t i = 0, n = buffers(lane, b); i < n; i++) sp_gpu_free(gpu, *b[i].at);
  for (unsigned l = 0; lane->kv && l < layers; l++) sp_gpu_free(gpu, lane->kv[l].k);
  for (int i = 0; i < SP_PARKS; i++) sp_gpu_free(gpu, lane->park[i]);
  for (int i = 0; i < SP_SUMS; i++) sp_gpu_free(gpu, lane->sum[i]);
  void *others[] = {lane->rope_c, lane->rope_s, lane->tile_t, lane->record_q, lane->record_sq, lane->per, lane->probe};
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) sp_gpu_free(gpu, others[i]);
  for (int i = 0; i < 2; i++)
    if (lane->behind[i]) gpu->driver.event_end(lane->behind[i]);
  if (lane->stream) gpu->driver.stream_end(lane->stream);
  sp_gpu_host_free(gpu, lane->landing);
  sp_rope_free(lane->ctx, &lane->rope);
  sp_free(lane->ctx, lane->kv, layers, sizeof *lane->kv);
  sp_free(lane->ctx, lane->block_host, lane->cap, sizeof *lane->block_host);
  sp_free(lane->ctx, lane->steps, SP_GPU_STEPS, sizeof *lane->steps);
  sp_free(lane->ctx, lane->bad_host, (layers + 1) * SP_GPU_PLACES, sizeof(uint32_t));
  sp_free(lane->ctx, lane->position_host, lane->cap, sizeof(uint32_t));
  sp_free(lane->ctx, lane, 1, sizeof *lane);
}

/* ---- what grows --------------------------------------------------------------------------------------------------- */

uint64_t sp_gpu_kv_bytes(const struct sp_config *c, size_t rows) {
  return (uint64_t)c->n_kv_heads * sp_round_up(rows, SP_TILE) * (2 * SP_GPU_HEAD(c->head_dim) + 2 * sizeof(float));
}

static void lay_out(struct sp_gpu_kv *kv, void *memory, size_t heads, size_t dk) {
  kv->k = memory;
  kv->v = kv->k + heads * kv->rows * dk;
  kv->sk = (float *)(void *)(kv->v + heads * kv->rows * dk);
  kv->sv = kv->sk + heads * kv->rows;
}

/* The four arrays of a head move to where a larger cache has them. Everything else is zero: no scale is ever a NaN. */
static still_status move_kv(struct sp_lane *lane, const struct sp_gpu_kv *from, const struct sp_gpu_kv *to) {
  for (size_t h = 0; h < lane->engine->config->n_kv_heads && from->rows; h++) {
    SP_TRY(sp_lane_copy(lane, to->k + h * to->rows * lane->dk, from->k + h * from->rows * lane->dk, from->rows * lane->dk));
    SP_TRY(sp_lane_copy(lane, to->v + h * to->rows * lane->dk, from->v + h * from->rows * lane->dk, from->rows * lane->dk));
    SP_TRY(sp_lane_copy(lane, to->sk + h * to->rows, from->sk + h * from->rows, from->rows * sizeof(float)));
    SP_TRY(sp_lane_copy(lane, to->sv + h * to->rows, from->sv + h * from->rows, from->rows * sizeof(float)));
  }
  return sp_lane_sync(lane);
}

still_status sp_gpu_kv_reserve(struct sp_lane *lane, unsigned layer, size_t rows) {
  struct sp_gpu_kv *kv = &lane->kv[layer], to = {.rows = sp_round_up(kv->rows ? rows + rows / 8 : rows, SP_TILE)};
  size_t heads = lane->engine->config->n_kv_heads, bytes = sp_gpu_kv_bytes(lane->engine->config, to.rows);
  void *memory;
  if (rows <= kv->rows) return STILL_OK;
  SP_TRY(take(lane, &memory, bytes, "no memory for the KV cache"));
  lay_out(&to, memory, heads, lane->dk);
  still_status status = zero(lane, memory, bytes);
  if (status == STILL_OK) status = move_kv(lane, kv, &to);
  release(lane, status == STILL_OK ? kv->k : memory);
  if (status == STILL_OK) *kv = to;
  return status;
}

enum { ROPE_STEP = 1024, TILES_STEP = 4 }; /* decode asks for one more each time */

uint64_t sp_gpu_rope_bytes(const struct sp_config *c, size_t positions) {
  return (uint64_t)sp_round_up(positions, ROPE_STEP) * (c->rope.n_rot / 2) * 2 * sizeof(float);
}

still_status sp_gpu_rope_reserve(struct sp_lane *lane, size_t positions) {
  void *c, *s;
  if (positions <= lane->rope.positions && lane->rope_c) return STILL_OK;
  SP_TRY(sp_rope_grow(lane->ctx, &lane->engine->config->rope, &lane->rope, sp_round_up(positions, ROPE_STEP)));
  size_t bytes = lane->rope.positions * lane->rope.half * sizeof(float);
  SP_TRY(take(lane, &c, bytes, "no memory for the RoPE tables"));
  release(lane, lane->rope_c);
  lane->rope_c = c;
  SP_TRY(take(lane, &s, bytes, "no memory for the RoPE tables"));
  release(lane, lane->rope_s);
  lane->rope_s = s;
  SP_TRY(sp_lane_put(lane, c, lane->rope.c, bytes));
  SP_TRY(sp_lane_put(lane, s, lane->rope.s, bytes));
  return sp_lane_sync(lane);
}

still_status sp_gpu_floats_reserve(struct sp_lane *lane, float **at, size_t *rows, size_t wanted, size_t width,
                                   const char *what) {
  void *memory;
  if (wanted <= *rows) return STILL_OK;
  SP_TRY(take(lane, &memory, wanted * width * sizeof(float), what));
  still_status status = sp_lane_copy(lane, memory, *at, *rows * width * sizeof(float));
  release(lane, status == STILL_OK ? *at : memory);
  if (status != STILL_OK) return status;
  *at = memory;
  *rows = wanted;
  return STILL_OK;
}

static still_status reserve_queries(struct sp_lane *lane, size_t layers, size_t window) {
  size_t rows = layers * window * lane->engine->config->n_heads;
  void *q, *floats;
  release(lane, lane->record_q);
  release(lane, lane->record_sq);
  lane->record_q = NULL, lane->record_sq = NULL;
  lane->record_layers = lane->record_window = 0;
  SP_TRY(take(lane, &q, rows * lane->dk, "no memory for the gate's queries"));
  lane->record_q = q;
  SP_TRY(take(lane, &floats, 3 * rows * sizeof(float), "no memory for the gate's queries"));
  lane->record_sq = floats;
  lane->record_m = lane->record_sq + rows;
  lane->record_l = lane->record_m + rows;
  lane->record_layers = layers;
  lane->record_window = window;
  return STILL_OK;
}

still_status sp_gpu_record_reserve(struct sp_lane *lane, const struct sp_watch *watch) {
  static const char what[] = "no memory for the gate's scores";
  size_t layers = watch->layer - watch->first_layer + 1, window = watch->rows - watch->window_from;
  enum sp_sum delta = watch->later ? SP_SUM_LATER : SP_SUM_DELTA, block = watch->later ? SP_SUM_LATER : SP_SUM_BLOCK;
  if (watch->delta) SP_TRY(sp_gpu_floats_reserve(lane, &lane->sum[delta], &lane->sum_rows[delta], watch->rows, 1, what));
  if (watch->block) SP_TRY(sp_gpu_floats_reserve(lane, &lane->sum[block], &lane->sum_rows[block], watch->rows, 1, what));
  if (!watch->query || (layers <= lane->record_layers && window == lane->record_window)) return STILL_OK;
  return reserve_queries(lane, layers, window);
}

uint64_t sp_gpu_tiles_bytes(const struct sp_config *c, size_t tiles) {
  return (uint64_t)c->n_heads * sp_round_up(tiles, TILES_STEP) * (2 + SP_GPU_HEAD(c->head_dim)) * sizeof(float);
}

still_status sp_gpu_tiles_reserve(struct sp_lane *lane, size_t tiles) {
  size_t heads = lane->engine->config->n_heads, most = sp_round_up(tiles, TILES_STEP);
  void *memory;
  if (tiles <= lane->attend_tiles) return STILL_OK;
  SP_TRY(take(lane, &memory, sp_gpu_tiles_bytes(lane->engine->config, most), "no memory for the attention of a row"));
  release(lane, lane->tile_t);
  lane->tile_t = memory;
  lane->tile_den = lane->tile_t + heads * most;
  lane->tile_o = lane->tile_den + heads * most;
  lane->attend_tiles = most;
  return STILL_OK;
}
