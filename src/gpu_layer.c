/*
 * gpu_layer.c - half a layer at a time on a GPU, as layer.c has it: launches, in order, on the lane's stream.
 *
 * In:       the chunk's hidden rows (lane->x).  Out: the same rows, one half further; what the watch asks for.
 * Not here: the kernels (cuda/), the order of halves (backend_cuda.c).
 */
#include "gpu_lane.h"

#include <math.h>
#include <string.h>

/* ---- rows that are not finite -------------------------------------------------------------------------------------- */

static size_t bad_words(const struct sp_lane *lane) { return ((size_t)lane->engine->config->n_layers + 1) * SP_GPU_PLACES; }

static uint32_t *bad_at(struct sp_lane *lane, unsigned layer, enum sp_gpu_where where) {
  return lane->bad + layer * SP_GPU_PLACES + where;
}

still_status sp_gpu_clear_bad(struct sp_lane *lane) {
  return sp_lane_status(lane, sp_gpu_fill(&lane->model->gpu, lane->stream, lane->bad, 0xff, bad_words(lane) * sizeof(uint32_t)),
                        "memory could not be cleared");
}

/* The sentence of sp_work_check. */
static still_status refuse(struct sp_lane *lane, size_t word) {
  static const char *const where[SP_GPU_PLACES] = {"attention", "attention", "the output projection", "the feed-forward",
                                                   "the down projection"};
  unsigned layers = lane->engine->config->n_layers, layer = (unsigned)(word / SP_GPU_PLACES);
  bool head = layer == layers; /* one more than there are: the final norm */
  return sp_fail(&lane->ctx->error, STILL_ENUMERIC,
                 "layer %u: the input of %s of the token at position %u is not finite; the model file "
                 "may be damaged",
                 head ? layers - 1 : layer, head ? "the output matrix after it" : where[word % SP_GPU_PLACES],
                 lane->position_host[lane->bad_host[word] + (head ? lane->head_first : 0)]);
}

still_status sp_gpu_check_bad(struct sp_lane *lane) {
  size_t words = bad_words(lane);
  SP_TRY(sp_lane_get(lane, lane->bad_host, lane->bad, words * sizeof(uint32_t)));
  for (size_t i = 0; i < words; i++)
    if (lane->bad_host[i] < lane->n) return refuse(lane, i);
  return STILL_OK;
}

/* ---- prefill: rows and products -------------------------------------------------------------------------------------- */

/* x [n][k] as rotated int8 rows in lane->q. */
static still_status prepare(struct sp_lane *lane, const struct sp_gpu_product *p, const float *x, const float *norm,
                            uint32_t *bad) {
  struct sp_gpu_quantise job = {.x = x, .norm = norm, .q = lane->q, .scale = lane->scale, .bad = bad, .n = (uint32_t)lane->n,
                                .k = p->k, .block = p->block, .eps = lane->engine->config->norm_eps};
  enum sp_gpu_kernel kernel = norm ? SP_GPU_sp_gpu_norm_rows : SP_GPU_sp_gpu_quantise_rows;
  return sp_lane_rows(lane, kernel, &job, lane->n * SP_GPU_SHARE(p->k));
}

static still_status multiply(struct sp_lane *lane, const struct sp_gpu_product *p, float *y, float *sum, enum sp_gpu_mode mode) {
  uint32_t width = mode == SP_GPU_PAIRS ? p->n / 2 : p->n;
  struct sp_gpu_gemm job = {.x = lane->q, .w = p->w, .sx = lane->scale, .sw = p->scale, .bias = p->bias, .y = y, .sum = sum,
                            .rows = (uint32_t)lane->n, .n = p->n, .kp = p->kp, .ldy = width, .mode = mode};
  size_t tiles;
  enum sp_gpu_kernel kernel = sp_gpu_multiplier(&lane->model->gpu, lane->n, p->n, &tiles);
  return sp_lane_launch(lane, kernel, &job, tiles, 1);
}

/* ---- attention --------------------------------------------------------------------------------------------------------- */

/* q, k and v of the rows: turned, centred, rotated, int8; k and v into the cache, from row lane->at on or to their places. */
static still_status prepare_heads(struct sp_lane *lane, unsigned l, size_t n, const uint32_t *place) {
  const struct sp_config *c = lane->engine->config;
  const struct sp_gpu_layer *layer = &lane->model->layers[l];
  const struct sp_gpu_kv *kv = &lane->kv[l];
  size_t constants = (size_t)l * c->n_kv_heads * c->head_dim;
  struct sp_gpu_heads job = {
      .qkv = lane->qkv, .position = lane->position, .c = lane->rope_c,
      .s = lane->rope_s, .q_norm = layer->q_norm, .k_norm = layer->k_norm,
      .shift = lane->shift + constants, .balance = lane->balance + constants,
      .inverse_balance = lane->inverse_balance + constants,
      .q = lane->q8, .k = kv->k, .v = kv->v, .sq = lane->sq, .sk = kv->sk, .sv = kv->sv,
      .bad = bad_at(lane, l, SP_GPU_AT_HEADS), .place = place, .n = (uint32_t)n, .at = (uint32_t)lane->at,
      .cap = (uint32_t)kv->rows, .heads = c->n_heads,
      .kv_heads = c->n_kv_heads, .d = c->head_dim,
      .block = (uint32_t)sp_rotation_block(c->head_dim), .half = (uint32_t)lane->rope.half,
      .eps = c->norm_eps, .scale = (float)(1.4426950408889634 / sqrt((double)c->head_dim)),
      .pairs = c->rope.style == SP_ROPE_PAIR, .keep = lane->probe != NULL};
  return sp_lane_rows(lane, SP_GPU_PREPARE(lane->dk), &job, SP_GPU_TASKS(n, c->n_heads, c->n_kv_heads, lane->dk));
}

static still_status sum_probe(struct sp_lane *lane, unsigned l) {
  const struct sp_config *c = lane->engine->config;
  size_t n = (size_t)c->n_kv_heads * c->head_dim, all = c->n_layers * n;
  float *at = lane->probe + l * n;
  struct sp_gpu_probe job = {.qkv = lane->qkv, .key = at, .key_squared = at + all, .query_squared = at + 2 * all,
                             .n = (uint32_t)lane->n, .heads = c->n_heads, .kv_heads = c->n_kv_heads, .d = c->head_dim};
  return sp_lane_launch(lane, SP_GPU_sp_gpu_probe_sums, &job, (n + 127) / 128, 1);
}

static still_status attend(struct sp_lane *lane, unsigned l) {
  const struct sp_config *c = lane->engine->config;
  const struct sp_gpu_kv *kv = &lane->kv[l];
  size_t blocks = (lane->at + lane->n - 1) / SP_GPU_BLOCK - lane->at / SP_GPU_BLOCK + 1;
  struct sp_gpu_attend job = {.q = lane->q8, .k = kv->k, .v = kv->v, .sq = lane->sq, .sk = kv->sk, .sv = kv->sv,
                              .y = lane->heads, .m = lane->m, .l = lane->l, .n = (uint32_t)lane->n, .at = (uint32_t)lane->at,
                              .cap = (uint32_t)kv->rows, .heads = c->n_heads, .kv_heads = c->n_kv_heads, .d = c->head_dim};
  if (lane->n_blocks) job.place = lane->place, job.block = lane->block, blocks = lane->n_blocks;
  return sp_lane_launch(lane, SP_GPU_ATTEND(lane->dk), &job, blocks, c->n_heads);
}

/* Queries, maxima and denominators of the window's rows, as they lie in the chunk. */
static still_status record_queries(struct sp_lane *lane, unsigned l, size_t at) {
  const struct sp_watch *w = &lane->watch;
  size_t heads = lane->engine->config->n_heads, first = at > w->window_from ? at : w->window_from, end = at + lane->n;
  if (!w->query || l < w->first_layer || l > w->layer || first >= end) return STILL_OK;
  size_t from = (first - at) * heads, to = ((l - w->first_layer) * lane->record_window + first - w->window_from) * heads;
  size_t n = (end - first) * heads;
  SP_TRY(sp_lane_copy(lane, lane->record_q + to * lane->dk, lane->q8 + from * lane->dk, n * lane->dk));
  SP_TRY(sp_lane_copy(lane, lane->record_sq + to, lane->sq + from, n * sizeof(float)));
  SP_TRY(sp_lane_copy(lane, lane->record_m + to, lane->m + from, n * sizeof(float)));
  return sp_lane_copy(lane, lane->record_l + to, lane->l + from, n * sizeof(float));
}

/* Sums of squares of U, or of U + F, where the gate wants them: as measure_update of layer.c. */
static still_status measure(struct sp_lane *lane, unsigned half, size_t at) {
  const struct sp_watch *w = &lane->watch;
  bool both = half % 2 == 1;
  if (!(w->delta && half == 2 * w->layer) && !(w->block && half == 2 * w->layer + 1)) return STILL_OK;
  enum sp_sum sum = w->later ? SP_SUM_LATER : both ? SP_SUM_BLOCK : SP_SUM_DELTA;
  struct sp_gpu_sumsq job = {.u = lane->u, .f = both ? lane->f : NULL, .sums = lane->sum[sum] + at, .n = (uint32_t)lane->n,
                             .k = lane->engine->config->n_embd};
  return sp_lane_rows(lane, SP_GPU_sp_gpu_sum_squares, &job, SP_GPU_UP(lane->n, 2));
}

static still_status attention(struct sp_lane *lane, unsigned l) {
  const struct sp_gpu_layer *layer = &lane->model->layers[l];
  const struct sp_watch *w = &lane->watch;
  bool wanted = (w->delta || w->block) && l == w->layer;
  SP_TRY(prepare(lane, &layer->product[SP_GPU_QKV], lane->x, layer->attn_norm, bad_at(lane, l, SP_GPU_AT_INPUT)));
  SP_TRY(multiply(lane, &layer->product[SP_GPU_QKV], lane->qkv, NULL, SP_GPU_PLAIN));
  SP_TRY(prepare_heads(lane, l, lane->n, lane->n_blocks ? lane->place : NULL));
  if (lane->probe) SP_TRY(sum_probe(lane, l));
  SP_TRY(attend(lane, l));
  SP_TRY(record_queries(lane, l, lane->at));
  SP_TRY(prepare(lane, &layer->product[SP_GPU_OUT], lane->heads, NULL, bad_at(lane, l, SP_GPU_AT_OUTPUT)));
  return multiply(lane, &layer->product[SP_GPU_OUT], wanted ? lane->u : NULL, lane->x, SP_GPU_PLAIN);
}

static still_status feed_forward(struct sp_lane *lane, unsigned l) {
  const struct sp_gpu_layer *layer = &lane->model->layers[l];
  bool wanted = lane->watch.block && l == lane->watch.layer;
  SP_TRY(prepare(lane, &layer->product[SP_GPU_GATE_UP], lane->x, layer->ffn_norm, bad_at(lane, l, SP_GPU_AT_FFN)));
  SP_TRY(multiply(lane, &layer->product[SP_GPU_GATE_UP], lane->h, NULL, SP_GPU_PAIRS));
  SP_TRY(prepare(lane, &layer->product[SP_GPU_DOWN], lane->h, NULL, bad_at(lane, l, SP_GPU_AT_DOWN)));
  return multiply(lane, &layer->product[SP_GPU_DOWN], wanted ? lane->f : NULL, lane->x, SP_GPU_PLAIN);
}

still_status sp_gpu_half(struct sp_lane *lane, unsigned half) {
  SP_TRY(half % 2 == 0 ? attention(lane, half / 2) : feed_forward(lane, half / 2));
  return measure(lane, half, lane->at);
}

/* ---- decode: one row against the file's blocks ------------------------------------------------------------------------ */

/* Rows [0, n) of x [n][k] in blocks of 32. */
static still_status take_rows(struct sp_lane *lane, const float *x, size_t n, size_t k, const float *norm, uint32_t *bad) {
  struct sp_gpu_act job = {.x = x, .norm = norm, .copy = lane->act_x, .q = lane->act_q, .d = lane->act_d, .sum = lane->act_sum,
                           .bad = bad, .n = (uint32_t)n, .k = (uint32_t)k, .eps = lane->engine->config->norm_eps};
  return sp_lane_launch(lane, SP_GPU_sp_gpu_act_rows, &job, (k + SP_GPU_PIECE - 1) / SP_GPU_PIECE, n);
}

/* What stands in lane->act_*, times rows of a file. */
static struct sp_gpu_dot dot_of(const struct sp_lane *lane, size_t n, float *y, float *sum) {
  return (struct sp_gpu_dot){.x = lane->act_x, .q = lane->act_q, .d = lane->act_d, .qsum = lane->act_sum, .y = y, .sum = sum,
                             .n_x = (uint32_t)n};
}

/* Weights first .. last of a layer, side by side; or of two, with `pairs`, silu(first) * last. */
static still_status dot_weights(struct sp_lane *lane, unsigned l, int first, int last, bool pairs, float *y, float *sum) {
  const struct sp_gpu_layer *layer = &lane->model->layers[l];
  struct sp_gpu_dot job = dot_of(lane, 1, y, sum);
  size_t rows = 0;
  job.pairs = pairs;
  for (int i = first; i <= last; i++) {
    job.weight[i - first] = layer->w[i];
    job.bias[i - first] = layer->bias[i];
    if (i == first || !pairs) rows += layer->w[i].n;
  }
  return sp_lane_rows(lane, SP_GPU_sp_gpu_dot_rows, &job, rows);
}

static still_status attend_row(struct sp_lane *lane, unsigned l) {
  const struct sp_config *c = lane->engine->config;
  const struct sp_gpu_kv *kv = &lane->kv[l];
  struct sp_gpu_attend_row job = {.q = lane->q8, .k = kv->k, .v = kv->v, .sq = lane->sq, .sk = kv->sk, .sv = kv->sv,
                                  .t = lane->tile_t,
                                  .den = lane->tile_den, .o = lane->tile_o, .y = lane->heads, .m = lane->m, .l = lane->l,
                                  .now = lane->now, .cap = (uint32_t)kv->rows, .heads = c->n_heads, .kv_heads = c->n_kv_heads,
                                  .d = c->head_dim, .dk = (uint32_t)lane->dk, .tiles = (uint32_t)lane->attend_tiles};
  SP_TRY(sp_lane_launch(lane, SP_GPU_sp_gpu_attend_tiles, &job, lane->attend_tiles, c->n_heads));
  return sp_lane_launch(lane, SP_GPU_sp_gpu_attend_fold, &job, c->n_heads, 1);
}

static still_status attention_row(struct sp_lane *lane, unsigned l, size_t at) {
  const struct sp_config *c = lane->engine->config;
  const struct sp_gpu_layer *layer = &lane->model->layers[l];
  SP_TRY(take_rows(lane, lane->x, 1, c->n_embd, layer->attn_norm, bad_at(lane, l, SP_GPU_AT_INPUT)));
  SP_TRY(dot_weights(lane, l, SP_WQ, SP_WV, false, lane->qkv, NULL));
  SP_TRY(prepare_heads(lane, l, 1, lane->now));
  SP_TRY(attend_row(lane, l));
  SP_TRY(record_queries(lane, l, at));
  SP_TRY(take_rows(lane, lane->heads, 1, (size_t)c->n_heads * c->head_dim, NULL, bad_at(lane, l, SP_GPU_AT_OUTPUT)));
  return dot_weights(lane, l, SP_WO, SP_WO, false, NULL, lane->x);
}

static still_status feed_forward_row(struct sp_lane *lane, unsigned l) {
  const struct sp_config *c = lane->engine->config;
  const struct sp_gpu_layer *layer = &lane->model->layers[l];
  SP_TRY(take_rows(lane, lane->x, 1, c->n_embd, layer->ffn_norm, bad_at(lane, l, SP_GPU_AT_FFN)));
  SP_TRY(dot_weights(lane, l, SP_WGATE, SP_WUP, true, lane->h, NULL));
  SP_TRY(take_rows(lane, lane->h, 1, c->n_ff, NULL, bad_at(lane, l, SP_GPU_AT_DOWN)));
  return dot_weights(lane, l, SP_WDOWN, SP_WDOWN, false, NULL, lane->x);
}

still_status sp_gpu_step(struct sp_lane *lane, unsigned half, size_t at) {
  return half % 2 == 0 ? attention_row(lane, half / 2, at) : feed_forward_row(lane, half / 2);
}

still_status sp_gpu_head(struct sp_lane *lane, size_t first, size_t n) {
  const struct sp_config *c = lane->engine->config;
  lane->head_first = first;
  SP_TRY(take_rows(lane, lane->x + first * c->n_embd, n, c->n_embd, lane->model->final_norm, bad_at(lane, c->n_layers, 0)));
  struct sp_gpu_dot job = dot_of(lane, n, lane->logits, NULL);
  job.weight[0] = lane->model->output;
  job.ldy = lane->model->output.n;
  return sp_lane_rows(lane, SP_GPU_sp_gpu_dot_rows, &job, lane->model->output.n);
}
