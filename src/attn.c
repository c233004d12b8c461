/*
 * attn.c - attention on a chunk, in three runs of the team: rotate, store and pack; attend; (by linear.c) project.
 *
 * In:       q, k, v of the chunk.  Out: one row of heads for each, then U.
 * Not here: the integer flash attention itself (the attn kernel; numerics, section 3, step 3).
 *
 * Lanes: the queries of a block that share a KV head are numbered head * rows + row and fill the lanes of groups of 16. A full
 * block gives one group a head; a single row (decode) packs its heads into as few groups as can be.
 */
#include "attn.h"

#include <math.h>
#include <string.h>

struct attend {
  struct sp_work *work;
  unsigned layer;
};

static size_t queries_per_kv(const struct sp_config *c) { return c->n_heads / c->n_kv_heads; }

/* First group of a KV head of a block in packed, sq, m, l, limit. */
static size_t group_at(const struct sp_config *c, size_t block, size_t kv_head) {
  return block * c->n_heads + kv_head * queries_per_kv(c);
}

static size_t row_length(const struct sp_config *c) { return (size_t)(c->n_heads + 2 * c->n_kv_heads) * c->head_dim; }

static size_t groups_of(const struct sp_config *c, const struct sp_block *b) {
  return (b->rows * queries_per_kv(c) + SP_LANES - 1) / SP_LANES;
}

/* ---- rotate, store, pack -------------------------------------------------------------------------------------- */

static void rotate_heads(struct sp_work *w, float *x, size_t heads, const float *norm, size_t position) {
  const struct sp_config *c = w->engine->config;
  const struct sp_kernels *k = w->engine->kernels;
  for (size_t h = 0; norm && h < heads; h++)
    k->rmsnorm(x + h * c->head_dim, x + h * c->head_dim, norm, c->head_dim, c->norm_eps);
  size_t at = position * w->rope.half;
  k->rope(x, heads, c->head_dim, c->rope.n_rot, w->rope.c + at, w->rope.s + at, c->rope.style);
}

/* k and v stay as they are in the chunk: the probe reads them after. */
static void store_kv(struct sp_work *w, unsigned layer, const struct sp_block *b) {
  const struct sp_config *c = w->engine->config;
  size_t d = c->head_dim, at = layer * c->n_kv_heads * d;
  struct sp_kv_rows rows = {.first = b->list, .n = b->rows, .ld = row_length(c)};
  for (rows.head = 0; rows.head < c->n_kv_heads; rows.head++, at += d) {
    rows.k = w->qkv + b->first * rows.ld + (c->n_heads + rows.head) * d;
    rows.v = rows.k + c->n_kv_heads * d;
    rows.shift = w->engine->shift + at;
    rows.factor = w->engine->inverse_balance + at;
    unsigned long bad = sp_kv_put(w->engine->kernels, &w->kv[layer], &rows);
    for (size_t r = 0; bad; r++, bad >>= 1)
      if (bad & 1) sp_work_bad(w, b->first + r);
  }
}

/* One query into lane `lane` counted from group `group`. balance is that of its KV head. */
static bool pack_query(struct sp_work *w, size_t group, size_t lane, const float *q, const float *balance) {
  const struct sp_config *c = w->engine->config;
  const struct sp_kernels *k = w->engine->kernels;
  size_t d = c->head_dim, dk = sp_round_up(d, 64), b = sp_rotation_block(d);
  static const float none[256];
  float x[256];
  uint8_t bytes[256];
  k->centre(x, q, none, balance, d);
  memset(bytes, k->query_flip, dk);
  float scale = k->quantise(bytes, x, x, d, b, k->query_flip);
  group += lane / SP_LANES;
  lane %= SP_LANES;
  uint8_t *to = w->packed + group * SP_LANES * dk + lane * 4;
  for (size_t i = 0; i < dk; i += 4) memcpy(to + i * SP_LANES, bytes + i, 4);
  w->sq[group * SP_LANES + lane] = scale * (1.0f / (float)b) * (float)(1.4426950408889634 / sqrt((double)d));
  return scale >= 0;
}

/* All lanes of a KV head's groups: idle ones hold a zero query that sees what the last row sees. */
static void clear_groups(struct sp_work *w, const struct sp_block *b, size_t group) {
  size_t n = groups_of(w->engine->config, b) * SP_LANES, dk = sp_round_up(w->engine->config->head_dim, 64);
  memset(w->packed + group * SP_LANES * dk, w->engine->kernels->query_flip, n * dk);
  for (size_t i = 0; i < n; i++) {
    w->sq[group * SP_LANES + i] = 0;
    w->limit[group * SP_LANES + i] = (uint32_t)(b->list + b->rows);
  }
}

static void pack_block(void *job, size_t task, int thread) {
  (void)thread;
  const struct attend *a = job;
  struct sp_work *w = a->work;
  const struct sp_config *c = w->engine->config;
  const struct sp_layer *layer = &w->engine->weights->layers[a->layer];
  const struct sp_block *b = &w->block[task];
  size_t d = c->head_dim, per = queries_per_kv(c);
  const float *balance = w->engine->balance + a->layer * c->n_kv_heads * d;
  for (size_t h = 0; h < c->n_kv_heads && !w->float_path; h++) clear_groups(w, b, group_at(c, task, h));
  for (size_t r = 0; r < b->rows; r++) {
    size_t row = b->first + r;
    float *q = w->qkv + row * row_length(c), *k = q + c->n_heads * d;
    rotate_heads(w, q, c->n_heads, layer->q_norm, w->position[row]);
    rotate_heads(w, k, c->n_kv_heads, layer->k_norm, w->position[row]);
    bool finite = true;
    for (size_t h = 0; h < c->n_heads && !w->float_path; h++) {
      size_t group = group_at(c, task, h / per), lane = h % per * b->rows + r;
      finite &= pack_query(w, group, lane, q + h * d, balance + h / per * d);
      w->limit[group * SP_LANES + lane] = (uint32_t)(b->list + r + 1);
    }
    if (!finite) sp_work_bad(w, row);
  }
  store_kv(w, a->layer, b);
}

/* ---- attend --------------------------------------------------------------------------------------------------- */

/* What the gate wants of this query: its bytes, scale, maximum and denominator. */
static void record_query(struct sp_work *w, const struct attend *a, size_t list, size_t head, size_t group, size_t lane) {
  const struct sp_watch *watch = &w->watch;
  if (!watch->query || a->layer < watch->first_layer || a->layer > watch->layer || list < watch->window_from) return;
  const struct sp_config *c = w->engine->config;
  size_t dk = sp_round_up(c->head_dim, 64);
  size_t to = ((a->layer - watch->first_layer) * w->record.window + list - watch->window_from) * c->n_heads + head;
  group += lane / SP_LANES;
  lane %= SP_LANES;
  const uint8_t *from = w->packed + group * SP_LANES * dk + lane * 4;
  for (size_t i = 0; i < dk; i += 4) memcpy(w->record.q + to * dk + i, from + i * SP_LANES, 4);
  w->record.sq[to] = w->sq[group * SP_LANES + lane];
  w->record.m[to] = w->m[group * SP_LANES + lane];
  w->record.l[to] = w->l[group * SP_LANES + lane];
}

static void attend_int8(struct sp_work *w, const struct attend *a, const struct sp_block *b, size_t block, size_t h, float *o) {
  const struct sp_config *c = w->engine->config;
  const struct sp_kv *kv = &w->kv[a->layer];
  size_t d = c->head_dim, per = queries_per_kv(c), group = group_at(c, block, h), lane0 = group * SP_LANES, row0 = h * kv->rows;
  size_t lanes = groups_of(c, b) * SP_LANES;
  float **y = (float **)(void *)(o + lanes * kv->dv);
  for (size_t i = 0; i < lanes; i++)
    y[i] = i < b->rows * per ? w->heads + ((b->first + i % b->rows) * c->n_heads + h * per + i / b->rows) * d : NULL;
  w->engine->kernels->attn(&(struct sp_attn){
      .k = sp_kv_k(kv, h, 0), .v = sp_kv_v(kv, h), .sk = kv->sk + row0, .sv = kv->sv + row0, .ksum = kv->ksum + row0, .d = d,
      .tiles = b->list / SP_TILE + 1, .groups = lanes / SP_LANES, .q = w->packed + lane0 * kv->dk, .sq = w->sq + lane0,
      .limit = w->limit + lane0, .o = o, .y = y, .m = w->m + lane0, .l = w->l + lane0});
  for (size_t i = 0; i < b->rows * per; i++) record_query(w, a, b->list + i % b->rows, h * per + i / b->rows, group, i);
}

/* Blocks with the longest lists first, so that no thread is left with one at the end. */
static void attend_block(void *job, size_t task, int thread) {
  const struct attend *a = job;
  size_t kv_heads = a->work->engine->config->n_kv_heads, block = a->work->n_blocks - 1 - task / kv_heads;
  const struct sp_block *b = &a->work->block[block];
  float *scratch = sp_work_scratch(a->work, thread);
  if (a->work->float_path)
    sp_attn_float(a->work, b, a->layer, task % kv_heads, scratch);
  else
    attend_int8(a->work, a, b, block, task % kv_heads, scratch);
}

/* The probe's keys and queries after rotation, in the order of positions, then of heads. */
static void sum_probe(struct sp_work *w, unsigned layer) {
  const struct sp_config *c = w->engine->config;
  const struct sp_probe_sums *sums = w->probe;
  size_t d = c->head_dim, n = c->n_kv_heads * d, per = queries_per_kv(c), at = layer * n;
  for (size_t r = 0; r < w->n; r++) {
    const float *q = w->qkv + r * row_length(c), *k = q + c->n_heads * d;
    for (size_t i = 0; i < n; i++) {
      sums->key[at + i] += k[i];
      sums->key_squared[at + i] = fmaf(k[i], k[i], sums->key_squared[at + i]);
    }
    for (size_t i = 0; i < c->n_heads * d; i++) {
      float *sum = &sums->query_squared[at + i / d / per * d + i % d];
      *sum = fmaf(q[i], q[i], *sum);
    }
  }
}

still_status sp_attention(struct sp_work *w, struct sp_input *in, unsigned layer) {
  struct sp_engine *e = w->engine;
  const struct sp_config *c = e->config;
  const struct sp_weight *weights = e->weights->layers[layer].w;
  struct attend a = {.work = w, .layer = layer};
  size_t q = (size_t)c->n_heads * c->head_dim, kv = (size_t)c->n_kv_heads * c->head_dim, length = row_length(c);
  const struct sp_output qkv[] = {{&weights[SP_WQ], w->qkv, length, NULL}, {&weights[SP_WK], w->qkv + q, length, NULL},
                                  {&weights[SP_WV], w->qkv + q + kv, length, NULL}};
  SP_TRY(sp_linear(w, in, qkv, 3));
  sp_lap(w->ctx, SP_TIME_LINEAR);
  SP_TRY(sp_team_run(&e->weights->team, w->ctx, w->n_blocks, pack_block, &a));
  sp_lap(w->ctx, SP_TIME_PREPARE);
  SP_TRY(sp_work_check(w, layer, "attention"));
  if (w->probe) sum_probe(w, layer);
  SP_TRY(sp_team_run_turns(&e->weights->team, w->ctx, w->n_blocks * c->n_kv_heads, c->n_kv_heads, attend_block, &a));
  sp_lap(w->ctx, SP_TIME_ATTENTION);
  sp_count(e, SP_SLOT_rope, 2 * w->n);
  sp_count(e, SP_SLOT_attn, w->float_path ? 0 : w->n_blocks * c->n_kv_heads);
  SP_TRY(sp_linear_input(w, in, 0, w->n, w->heads, q, NULL));
  SP_TRY(sp_work_check(w, layer, "the output projection"));
  SP_TRY(sp_linear(w, in, &(struct sp_output){&weights[SP_WO], w->u, c->n_embd, w->x}, 1));
  sp_lap(w->ctx, SP_TIME_LINEAR);
  return STILL_OK;
}
