/*
 * selftest_cases.c - for each kernel: a random shape that its contract allows, the same input for both tables, what must be
 * equal.
 *
 * In:       selftest.h.  Out: t->difference.
 * Not here: contracts (simd/kernels.h); the cases follow them to the letter, gaps between rows and bytes that "may hold anything"
 *           included.
 *
 * Each case takes all its memory first, leaves if there is none, fills it, runs the reference and then the level. A slot without
 * a case does not compile.
 */
#include "selftest.h"

#include <math.h>
#include <string.h>

static float *hold_floats(struct sp_trial *t, size_t n) {
  return sp_hold(t, n, sizeof(float), sizeof(float));
}

static struct sp_twin hold_float_twin(struct sp_trial *t, size_t n) {
  return sp_hold_twin(t, n, sizeof(float), sizeof(float));
}

static bool coin(struct sp_trial *t) {
  return (sp_draw(t) & 1) != 0;
}

/* ---- vectors of fp32 ---------------------------------------------------------------------------------------- */

static void try_rmsnorm(struct sp_trial *t) {
  size_t n = sp_draw_length(t);
  struct sp_twin y = hold_float_twin(t, n), x = hold_float_twin(t, n);
  float *w = hold_floats(t, n);
  if (t->no_memory) return;
  sp_draw_floats(t, x.ref, n);
  sp_same(t, &x, n * sizeof(float));
  sp_draw_range(t, w, n, -2, 2);
  if (coin(t)) y = x; /* in place */
  sp_shape(t, "n %zu%s", n, y.ref == x.ref ? ", in place" : "");
  sp_kernels_ref.rmsnorm(y.ref, x.ref, w, n, 1e-6f);
  t->level->rmsnorm(y.level, x.level, w, n, 1e-6f);
  sp_compare(t, "y", y.ref, y.level, n, sizeof(float));
}

static void try_add(struct sp_trial *t) {
  size_t n = sp_draw_length(t);
  struct sp_twin y = hold_float_twin(t, n);
  float *x = hold_floats(t, n);
  if (t->no_memory) return;
  sp_draw_floats(t, y.ref, n);
  sp_same(t, &y, n * sizeof(float));
  sp_draw_floats(t, x, n);
  sp_shape(t, "n %zu", n);
  sp_kernels_ref.add(y.ref, x, n);
  t->level->add(y.level, x, n);
  sp_compare(t, "y", y.ref, y.level, n, sizeof(float));
}

static void try_centre(struct sp_trial *t) {
  size_t n = sp_draw_length(t);
  struct sp_twin y = hold_float_twin(t, n), x = hold_float_twin(t, n);
  float *c = hold_floats(t, n), *w = hold_floats(t, n);
  if (t->no_memory) return;
  sp_draw_floats(t, x.ref, n);
  sp_same(t, &x, n * sizeof(float));
  sp_draw_floats(t, c, n);
  sp_draw_floats(t, w, n);
  if (coin(t)) y = x;
  sp_shape(t, "n %zu%s", n, y.ref == x.ref ? ", in place" : "");
  sp_kernels_ref.centre(y.ref, x.ref, c, w, n);
  t->level->centre(y.level, x.level, c, w, n);
  sp_compare(t, "y", y.ref, y.level, n, sizeof(float));
}

static void try_sumsq(struct sp_trial *t) {
  size_t n = sp_draw_length(t);
  float *x = hold_floats(t, n);
  if (t->no_memory) return;
  sp_draw_floats(t, x, n);
  sp_shape(t, "n %zu", n);
  float ref = sp_kernels_ref.sumsq(x, n), level = t->level->sumsq(x, n);
  sp_compare(t, "sum", &ref, &level, 1, sizeof ref);
}

static void try_swiglu(struct sp_trial *t) {
  size_t n = sp_draw_length(t);
  struct sp_twin y = hold_float_twin(t, n), gate = hold_float_twin(t, n);
  float *up = hold_floats(t, n);
  if (t->no_memory) return;
  if (coin(t)) {
    sp_draw_floats(t, gate.ref, n);
  } else {
    sp_draw_range(t, gate.ref, n, -100, 100); /* where exp2 leaves the range of fp32 on both sides */
  }
  sp_same(t, &gate, n * sizeof(float));
  sp_draw_floats(t, up, n);
  if (coin(t)) y = gate;
  sp_shape(t, "n %zu%s", n, y.ref == gate.ref ? ", in place" : "");
  sp_kernels_ref.swiglu(y.ref, gate.ref, up, n);
  t->level->swiglu(y.level, gate.level, up, n);
  sp_compare(t, "y", y.ref, y.level, n, sizeof(float));
}

static void try_exp2(struct sp_trial *t) {
  size_t n = sp_draw_length(t);
  struct sp_twin y = hold_float_twin(t, n), x = hold_float_twin(t, n);
  if (t->no_memory) return;
  float *in = x.ref;
  if (coin(t)) {
    sp_draw_floats(t, in, n);
  } else {
    sp_draw_range(t, in, n, -130, 130);
  }
  for (size_t i = sp_draw_size(t, 0, 20); i < n; i += 23) in[i] = -INFINITY;
  for (size_t i = sp_draw_size(t, 0, 20); i < n; i += 29) in[i] = rintf(fminf(in[i], 200)) + (coin(t) ? 0.5f : 0);
  sp_same(t, &x, n * sizeof(float));
  if (coin(t)) y = x;
  sp_shape(t, "n %zu%s", n, y.ref == x.ref ? ", in place" : "");
  sp_kernels_ref.exp2(y.ref, x.ref, n);
  t->level->exp2(y.level, x.level, n);
  sp_compare(t, "y", y.ref, y.level, n, sizeof(float));
}

static void try_rope(struct sp_trial *t) {
  size_t heads = sp_draw_size(t, 1, 5), half = sp_draw_size(t, 1, 64);
  size_t stride = 2 * half + (coin(t) ? sp_draw_size(t, 1, 64) : 0);
  struct sp_twin x = hold_float_twin(t, heads * stride);
  float *c = hold_floats(t, half), *s = hold_floats(t, half);
  if (t->no_memory) return;
  sp_draw_floats(t, x.ref, heads * stride);
  sp_same(t, &x, heads * stride * sizeof(float));
  sp_draw_range(t, c, half, -1, 1);
  sp_draw_range(t, s, half, -1, 1);
  enum sp_rope_style style = coin(t) ? SP_ROPE_HALF : SP_ROPE_PAIR;
  sp_shape(t, "heads %zu, stride %zu, rot %zu, style %d", heads, stride, 2 * half, (int)style);
  sp_kernels_ref.rope(x.ref, heads, stride, 2 * half, c, s, style);
  t->level->rope(x.level, heads, stride, 2 * half, c, s, style);
  sp_compare(t, "x", x.ref, x.level, heads * stride, sizeof(float));
}

/* ---- quantisation ------------------------------------------------------------------------------------------- */

/* One NaN or infinity somewhere, in one of eight trials. */
static bool spoil(struct sp_trial *t, float *x, size_t n) {
  if (sp_draw(t) % 8 != 0) return false;
  static const float bad[3] = {NAN, INFINITY, -INFINITY};
  x[sp_draw_size(t, 0, n - 1)] = bad[sp_draw(t) % 3];
  return true;
}

static void try_quantise(struct sp_trial *t) {
  size_t b = (size_t)1 << sp_draw_size(t, 0, 8), blocks = sp_draw_size(t, 1, b < 16 ? 40 : 9), n = b * blocks;
  float *x = hold_floats(t, n);
  struct sp_twin y = hold_float_twin(t, n), q = sp_hold_twin(t, n, 1, 1);
  if (t->no_memory) return;
  sp_draw_floats(t, x, n);
  bool spoilt = spoil(t, x, n), in_place = coin(t);
  memcpy(y.ref, x, n * sizeof(float));
  sp_same(t, &y, n * sizeof(float));
  uint8_t flip = coin(t) ? 0x80 : 0;
  sp_shape(t, "n %zu, b %zu, flip %d%s%s", n, b, flip, in_place ? ", in place" : "", spoilt ? ", not finite" : "");
  float ref = sp_kernels_ref.quantise(q.ref, y.ref, in_place ? y.ref : x, n, b, flip);
  float level = t->level->quantise(q.level, y.level, in_place ? y.level : x, n, b, flip);
  sp_compare(t, "scale", &ref, &level, 1, sizeof ref);
  if (spoilt) return; /* q is undefined then */
  sp_compare(t, "y", y.ref, y.level, n, sizeof(float));
  sp_compare(t, "q", q.ref, q.level, n, 1);
}

static void try_act8(struct sp_trial *t) {
  size_t k = 32 * sp_draw_size(t, 1, 40);
  float *x = hold_floats(t, k);
  struct sp_twin q = sp_hold_twin(t, k, 1, 1), d = hold_float_twin(t, k / 32), sum = sp_hold_twin(t, k / 16, 2, 2);
  if (t->no_memory) return;
  for (size_t i = 0; i < k; i += 32) sp_draw_floats(t, x + i, 32);
  bool spoilt = spoil(t, x, k);
  sp_shape(t, "k %zu%s", k, spoilt ? ", not finite" : "");
  bool ref = sp_kernels_ref.act8(q.ref, d.ref, sum.ref, x, k), level = t->level->act8(q.level, d.level, sum.level, x, k);
  sp_compare(t, "finite", &ref, &level, 1, sizeof ref);
  if (spoilt) return;
  sp_compare(t, "q", q.ref, q.level, k, 1);
  sp_compare(t, "d", d.ref, d.level, k / 32, sizeof(float));
  sp_compare(t, "sum", sum.ref, sum.level, k / 16, 2);
}

/* ---- integer GEMM ------------------------------------------------------------------------------------------- */

/* Mostly short; sometimes long enough for the sums of unsigned levels to pass 2^31 (beyond 66311). */
static size_t draw_depth(struct sp_trial *t) {
  static const size_t of_models[8] = {576, 896, 960, 1536, 2048, 4864, 8960, 131072};
  uint64_t r = sp_draw(t);
  if (r % 32 == 0) return of_models[sp_draw(t) % 8];
  return r % 2 == 0 ? sp_draw_size(t, 1, 300) : 32 * sp_draw_size(t, 1, 30);
}

static void hold_panel(struct sp_trial *t, struct sp_panel *p, size_t n, size_t k) {
  p->n = n;
  p->k = k;
  p->np = sp_round_up(n, SP_PANEL_COLS);
  p->kp = sp_round_up(k, SP_PANEL_DEPTH);
  p->w = sp_hold(t, p->np * p->kp, 1, SP_ALIGN);
  p->wsum = sp_hold(t, p->np, sizeof *p->wsum, SP_ALIGN);
  p->sw = sp_hold(t, p->np, sizeof *p->sw, SP_ALIGN);
  if (t->no_memory) return;
  memset(p->w, 0, p->np * p->kp);
  memset(p->wsum, 0, p->np * sizeof *p->wsum);
  memset(p->sw, 0, p->np * sizeof *p->sw);
}

/* Quantised rows as panel_columns takes them, 16 at a time: zeros past k, and in rows from n on. */
static void draw_columns(struct sp_trial *t, const struct sp_panel *p, size_t c, int8_t *q) {
  memset(q, 0, SP_LANES * p->kp);
  for (size_t i = 0; i < SP_LANES && c + i < p->n; i++) sp_draw_int8(t, q + i * p->kp, p->k);
}

/* A layout is the level's own, so what was laid is read by its own gemm: one row times all columns, each table's panel by its
 * table. */
static void multiply_panels(struct sp_trial *t, const struct sp_panel *ref, const struct sp_panel *level, int8_t *x,
                            uint8_t *flipped, struct sp_twin y) {
  float one = 1;
  sp_draw_int8(t, x, ref->kp);
  for (size_t i = 0; i < ref->kp; i++) flipped[i] = (uint8_t)((uint8_t)x[i] ^ t->level->row_flip);
  struct sp_gemm job = {.x = (const uint8_t *)x, .ldx = ref->kp, .sx = &one, .w = ref, .cols = ref->n, .y = y.ref, .ldy = ref->n,
                        .rows = 1};
  sp_kernels_ref.gemm(&job);
  job.x = flipped, job.w = level, job.y = y.level;
  t->level->gemm(&job);
  sp_compare(t, "what gemm reads", y.ref, y.level, ref->n, sizeof(float));
}

static void try_panel_columns(struct sp_trial *t) {
  size_t n = sp_draw_size(t, 1, 130), k = draw_depth(t) % 9000 + 1;
  struct sp_panel ref, level;
  hold_panel(t, &ref, n, k);
  hold_panel(t, &level, n, k);
  int8_t *q = sp_hold(t, SP_LANES * ref.kp, 1, SP_ALIGN), *x = sp_hold(t, ref.kp, 1, SP_ALIGN);
  uint8_t *flipped = sp_hold(t, ref.kp, 1, SP_ALIGN);
  struct sp_twin y = hold_float_twin(t, n);
  if (t->no_memory) return;
  sp_shape(t, "n %zu, k %zu", n, k);
  for (size_t c = SP_LANES * sp_draw_size(t, 0, (n - 1) / SP_LANES); c < n; c += SP_LANES * sp_draw_size(t, 1, 4)) {
    draw_columns(t, &ref, c, q);
    sp_kernels_ref.panel_columns(&ref, c, q);
    t->level->panel_columns(&level, c, q);
  }
  for (size_t c = 0; c < n; c++) ref.sw[c] = level.sw[c] = 1;
  multiply_panels(t, &ref, &level, x, flipped, y);
  sp_compare(t, "wsum", ref.wsum, level.wsum, ref.np, sizeof *ref.wsum);
}

/* Fills two panels, each by its own table, so that a level may have a layout of its own. */
static void fill_panels(struct sp_trial *t, struct sp_panel *ref, struct sp_panel *level, int8_t *q) {
  for (size_t c = 0; c < ref->np; c += SP_LANES) {
    draw_columns(t, ref, c, q);
    sp_kernels_ref.panel_columns(ref, c, q);
    t->level->panel_columns(level, c, q);
  }
  sp_draw_range(t, ref->sw, ref->n, 0, 0.01f);
  memcpy(level->sw, ref->sw, ref->n * sizeof *ref->sw);
}

static void try_gemm(struct sp_trial *t) {
  size_t k = draw_depth(t), n = sp_draw_size(t, 1, k > 2000 ? 70 : 200), most = sp_draw(t) % 4 == 0 ? 150 : 30;
  size_t rows = sp_draw_size(t, 1, k > 2000 ? 3 : most);
  size_t col0 = SP_PANEL_COLS * sp_draw_size(t, 0, (n - 1) / SP_PANEL_COLS), cols = sp_draw_size(t, 1, n - col0);
  size_t ldx = sp_round_up(k, SP_PANEL_DEPTH) + SP_PANEL_DEPTH * sp_draw_size(t, 0, 1), ldy = cols + sp_draw_size(t, 0, 1) * 5;
  struct sp_panel ref, level;
  hold_panel(t, &ref, n, k);
  hold_panel(t, &level, n, k);
  int8_t *q = sp_hold(t, SP_LANES * ref.kp, 1, SP_ALIGN), *x = sp_hold(t, rows * ldx, 1, SP_ALIGN);
  uint8_t *flipped = sp_hold(t, rows * ldx, 1, SP_ALIGN);
  float *sx = hold_floats(t, rows), *bias = hold_floats(t, n);
  struct sp_twin y = hold_float_twin(t, (rows - 1) * ldy + cols);
  if (t->no_memory) return;
  fill_panels(t, &ref, &level, q);
  sp_draw_int8(t, x, rows * ldx);
  for (size_t i = 0; i < rows * ldx; i++) flipped[i] = (uint8_t)((uint8_t)x[i] ^ t->level->row_flip);
  sp_draw_floats(t, sx, rows);
  sp_draw_range(t, bias, n, -3, 3);
  struct sp_gemm job = {.x = (const uint8_t *)x, .ldx = ldx, .sx = sx, .w = &ref, .col0 = col0, .cols = cols,
                        .bias = coin(t) ? bias : NULL, .y = y.ref, .ldy = ldy, .rows = rows};
  sp_shape(t, "rows %zu, columns %zu+%zu of %zu, k %zu, ldx %zu, ldy %zu%s", rows, col0, cols, n, k, ldx, ldy,
           job.bias != NULL ? ", bias" : "");
  sp_kernels_ref.gemm(&job);
  job.x = flipped, job.w = &level, job.y = y.level;
  t->level->gemm(&job);
  sp_compare(t, "y", y.ref, y.level, (rows - 1) * ldy + cols, sizeof(float));
}

/* ---- integer flash attention -------------------------------------------------------------------------------- */

static size_t draw_head_dim(struct sp_trial *t) {
  static const size_t usual[] = {16, 32, 48, 64, 64, 80, 96, 112, 128, 128, 192, 256};
  return sp_draw(t) % 8 == 0 ? sp_draw_size(t, 16, 256) : usual[sp_draw(t) % (sizeof usual / sizeof usual[0])];
}

/* Queries in the interleaved form, for a level's flip, and unflipped for the reference. Lanes out of use are zeros. */
static void draw_queries(struct sp_trial *t, uint8_t *q, uint8_t *flipped, float *sq, size_t d, size_t groups) {
  size_t dk = sp_round_up(d, 64), bytes = groups * dk * SP_LANES;
  float spread[1];
  sp_draw_range(t, spread, 1, -16, -6); /* scores from nearly equal to nearly one-hot */
  memset(q, 0, bytes);
  for (size_t i = 0; i < groups * SP_LANES; i++) {
    sq[i] = 0;
    if (sp_draw(t) % 8 == 0) continue;
    sp_draw_range(t, &sq[i], 1, 0, exp2f(spread[0]));
    int8_t row[256];
    sp_draw_int8(t, row, d);
    uint8_t *lane = q + i / SP_LANES * dk * SP_LANES + i % SP_LANES * 4;
    for (size_t c = 0; c < d; c++) lane[c / 4 * SP_LANES * 4 + c % 4] = (uint8_t)row[c];
  }
  for (size_t i = 0; i < bytes; i++) flipped[i] = q[i] ^ t->level->query_flip;
}

/* n keys that are seen, then whatever up to the end of the tile. */
static void draw_keys(struct sp_trial *t, int8_t *k, float *sk, int32_t *ksum, size_t d, size_t n, size_t all) {
  size_t dk = sp_round_up(d, 64);
  for (size_t j = 0; j < all; j++) {
    memset(k + j * dk, 0, dk);
    sp_draw_int8(t, k + j * dk, d);
    int32_t sum = 0;
    for (size_t c = 0; c < d; c++) sum += k[j * dk + c];
    ksum[j] = -128 * sum;
  }
  sp_draw_range(t, sk, n, 0, 0.02f);
  sp_draw_bytes(t, sk + n, (all - n) * sizeof *sk);
  sp_draw_bytes(t, ksum + n, (all - n) * sizeof *ksum);
}

/* Limits of the lanes, all in the last tile; returns the highest. */
static uint32_t draw_limits(struct sp_trial *t, uint32_t *limit, size_t lanes, size_t tiles) {
  size_t most = sp_draw_size(t, 1, SP_TILE), least = coin(t) ? most : sp_draw_size(t, 1, most);
  uint32_t highest = 0;
  for (size_t i = 0; i < lanes; i++) {
    limit[i] = (uint32_t)((tiles - 1) * SP_TILE + sp_draw_size(t, least, most));
    if (limit[i] > highest) highest = limit[i];
  }
  return highest;
}

/* An attention job for the reference; *flipped are the level's queries. Outputs are the caller's. */
static struct sp_attn draw_attention(struct sp_trial *t, size_t d, size_t tiles, size_t groups, uint8_t **flipped) {
  size_t dk = sp_round_up(d, 64), dv = sp_round_up(d, 16), keys = tiles * SP_TILE, lanes = groups * SP_LANES;
  int8_t *k = sp_hold(t, keys * dk, 1, SP_ALIGN), *v = sp_hold(t, keys * dv, 1, SP_ALIGN);
  float *sk = hold_floats(t, keys), *sv = hold_floats(t, keys), *sq = hold_floats(t, lanes);
  int32_t *ksum = sp_hold(t, keys, sizeof *ksum, sizeof *ksum);
  uint8_t *q = sp_hold(t, lanes * dk, 1, SP_ALIGN);
  uint32_t *limit = sp_hold(t, lanes, sizeof *limit, sizeof *limit);
  *flipped = sp_hold(t, lanes * dk, 1, SP_ALIGN);
  struct sp_attn job = {.k = k, .v = v, .sk = sk, .sv = sv, .ksum = ksum, .d = d, .tiles = tiles, .groups = groups,
                        .q = q, .sq = sq, .limit = limit};
  if (t->no_memory) return job;
  size_t seen = draw_limits(t, limit, lanes, tiles);
  draw_queries(t, q, *flipped, sq, d, groups);
  draw_keys(t, k, sk, ksum, d, seen, keys);
  sp_draw_int8(t, v, keys * dv);
  sp_draw_bytes(t, sv + seen, (keys - seen) * sizeof *sv);
  sp_draw_range(t, sv, seen, 0, 0.02f);
  if (sp_draw(t) % 4 == 0) memset(sv, 0, (seen < SP_TILE ? seen : SP_TILE) * sizeof *sv); /* a tile whose values are all zero */
  return job;
}

static float **hold_rows(struct sp_trial *t, size_t n) { return sp_hold(t, n, sizeof(float *), sizeof(float *)); }

static void try_attn(struct sp_trial *t) {
  size_t d = draw_head_dim(t), tiles = sp_draw_size(t, 1, 4), groups = sp_draw_size(t, 1, d > 128 ? 2 : 4);
  uint8_t *flipped;
  struct sp_attn job = draw_attention(t, d, tiles, groups, &flipped);
  size_t lanes = groups * SP_LANES;
  struct sp_twin y = hold_float_twin(t, lanes * d);
  struct sp_twin m = hold_float_twin(t, lanes), l = hold_float_twin(t, lanes);
  float **y_ref = hold_rows(t, lanes), **y_level = hold_rows(t, lanes);
  job.o = sp_hold(t, lanes * sp_round_up(d, 16), sizeof(float), SP_ALIGN);
  if (t->no_memory) return;
  sp_shape(t, "d %zu, tiles %zu, groups %zu", d, tiles, groups);
  for (size_t i = 0; i < lanes; i++) { /* in an order that is not that of the lanes, and some to nowhere */
    bool idle = sp_draw(t) % 8 == 0;
    y_ref[i] = idle ? NULL : (float *)y.ref + (lanes - 1 - i) * d;
    y_level[i] = idle ? NULL : (float *)y.level + (lanes - 1 - i) * d;
  }
  job.m = m.ref, job.l = l.ref, job.y = y_ref;
  sp_kernels_ref.attn(&job);
  job.m = m.level, job.l = l.level, job.y = y_level, job.q = flipped;
  t->level->attn(&job);
  sp_compare(t, "m", m.ref, m.level, lanes, sizeof(float));
  sp_compare(t, "l", l.ref, l.level, lanes, sizeof(float));
  sp_compare(t, "y", y.ref, y.level, lanes * d, sizeof(float));
}

/* The maxima and denominators that `mass` wants come from the reference's attention over the same tile. */
static void try_mass(struct sp_trial *t) {
  size_t d = draw_head_dim(t), groups = sp_draw_size(t, 1, 4), lanes = groups * SP_LANES;
  uint8_t *flipped;
  struct sp_attn attn = draw_attention(t, d, 1, groups, &flipped);
  float *m = hold_floats(t, lanes), *l = hold_floats(t, lanes);
  uint32_t *limit = sp_hold(t, lanes, sizeof *limit, sizeof *limit);
  attn.o = sp_hold(t, lanes * sp_round_up(d, 16), sizeof(float), SP_ALIGN);
  float **nowhere = hold_rows(t, lanes);
  struct sp_twin total = hold_float_twin(t, SP_TILE);
  if (t->no_memory) return;
  memset(nowhere, 0, lanes * sizeof *nowhere);
  attn.m = m, attn.l = l, attn.y = nowhere;
  sp_kernels_ref.attn(&attn);
  for (size_t i = 0; i < lanes; i++) limit[i] = sp_draw(t) % 4 == 0 ? 0 : attn.limit[i];
  sp_draw_range(t, total.ref, SP_TILE, 0, 9);
  sp_same(t, &total, SP_TILE * sizeof(float));
  struct sp_mass job = {.k = attn.k, .sk = attn.sk, .ksum = attn.ksum, .d = d, .groups = groups, .q = attn.q, .sq = attn.sq,
                        .m = m, .l = l, .limit = limit, .total = total.ref, .heads = sp_draw(t) % 2 == 0};
  sp_shape(t, "d %zu, groups %zu%s", d, groups, job.heads ? ", heads" : "");
  sp_kernels_ref.mass(&job);
  job.q = flipped, job.total = total.level;
  t->level->mass(&job);
  sp_compare(t, "total", total.ref, total.level, SP_TILE, sizeof(float));
}

/* ---- the gate ----------------------------------------------------------------------------------------------- */

/* Scores: no NaN, and no -0 where the contract excludes it. */
static void draw_scores(struct sp_trial *t, float *x, size_t n, bool minus_zero) {
  sp_draw_floats(t, x, n);
  for (size_t i = 0; i < n && !minus_zero; i++) x[i] = x[i] == 0 ? 0 : x[i];
}

static void try_pool_max(struct sp_trial *t) {
  size_t n = sp_draw_length(t), radius = coin(t) ? sp_draw_size(t, 0, 20) : sp_draw_size(t, 0, 256);
  float *x = hold_floats(t, n);
  struct sp_twin y = hold_float_twin(t, n);
  if (t->no_memory) return;
  draw_scores(t, x, n, false);
  sp_shape(t, "n %zu, radius %zu", n, radius);
  sp_kernels_ref.pool_max(y.ref, x, n, radius);
  t->level->pool_max(y.level, x, n, radius);
  sp_compare(t, "y", y.ref, y.level, n, sizeof(float));
}

static void try_order_keys(struct sp_trial *t) {
  size_t n = sp_draw_length(t);
  float *x = hold_floats(t, n);
  struct sp_twin key = sp_hold_twin(t, n, 4, 4);
  if (t->no_memory) return;
  draw_scores(t, x, n, true);
  if (coin(t)) x[sp_draw_size(t, 0, n - 1)] = coin(t) ? INFINITY : -INFINITY;
  sp_shape(t, "n %zu", n);
  sp_kernels_ref.order_keys(key.ref, x, n);
  t->level->order_keys(key.level, x, n);
  sp_compare(t, "key", key.ref, key.level, n, 4);
}

/* n keys: all different, or of one byte only, or few values with many ties. */
static void draw_keys32(struct sp_trial *t, uint32_t *key, size_t n) {
  sp_draw_bytes(t, key, n * sizeof *key);
  uint32_t and = (uint32_t)sp_draw(t), base = (uint32_t)sp_draw(t);
  unsigned kind = (unsigned)(sp_draw(t) % 4);
  for (size_t i = 0; i < n && kind != 0; i++) {
    key[i] = kind == 1 ? base : kind == 2 ? key[i] & and : (base & 0xffffff00u) | (key[i] & 3);
  }
}

static void try_radix_kth(struct sp_trial *t) {
  size_t n = sp_draw_length(t), k = sp_draw_size(t, 1, n);
  uint32_t *key = sp_hold(t, n, 4, 4);
  if (t->no_memory) return;
  draw_keys32(t, key, n);
  sp_shape(t, "n %zu, k %zu", n, k);
  uint32_t ref = sp_kernels_ref.radix_kth(key, n, k), level = t->level->radix_kth(key, n, k);
  sp_compare(t, "kth", &ref, &level, 1, sizeof ref);
}

static void try_keep_mask(struct sp_trial *t) {
  size_t n = sp_draw_length(t), words = (n + 63) / 64, ties = coin(t) ? sp_draw_size(t, 0, n) : sp_draw_size(t, 0, 5);
  uint32_t *key = sp_hold(t, n, 4, 4);
  struct sp_twin mask = sp_hold_twin(t, words, 8, 8);
  if (t->no_memory) return;
  draw_keys32(t, key, n);
  uint32_t kth = key[sp_draw_size(t, 0, n - 1)];
  if (sp_draw(t) % 8 == 0) kth = coin(t) ? 0 : 0xffffffffu;
  sp_shape(t, "n %zu, kth 0x%08x, ties %zu", n, kth, ties);
  sp_kernels_ref.keep_mask(mask.ref, key, n, kth, ties);
  t->level->keep_mask(mask.level, key, n, kth, ties);
  sp_compare(t, "mask", mask.ref, mask.level, words, 8);
}

static void try_compress(struct sp_trial *t) {
  size_t n = sp_draw_length(t), words = (n + 63) / 64, set = 0;
  uint64_t *mask = sp_hold(t, words, 8, 8);
  if (t->no_memory) return;
  sp_draw_bytes(t, mask, words * 8);
  unsigned kind = (unsigned)(sp_draw(t) % 4); /* no bits, all bits, one in eight, half */
  for (size_t i = 0; i < words; i++) {
    if (kind < 2) mask[i] = kind == 0 ? 0 : ~(uint64_t)0;
    if (kind == 2) mask[i] &= sp_draw(t) & sp_draw(t);
  }
  for (size_t i = 0; i < n; i++) set += mask[i / 64] >> i % 64 & 1;
  struct sp_twin index = sp_hold_twin(t, set, 4, 4); /* no room for one more */
  if (t->no_memory) return;
  sp_shape(t, "n %zu, %zu bits set", n, set);
  size_t ref = sp_kernels_ref.compress(index.ref, mask, n), level = t->level->compress(index.level, mask, n);
  sp_compare(t, "count", &ref, &level, 1, sizeof ref);
  sp_compare(t, "index", index.ref, index.level, set, 4);
}

/* ---- blocks of model files ---------------------------------------------------------------------------------- */

/* Elements of a row, a multiple of the type's block, and of 32 where activations are quantised. */
static size_t draw_row(struct sp_trial *t) {
  size_t block = sp_quants[t->type].block;
  if (block == 1) return sp_draw_length(t);
  return block * sp_draw_size(t, 1, sp_draw(t) % 8 == 0 ? 9216 / block : 1280 / block);
}

/* Any bytes whose scales and values are finite. Values of wide float types stay below 2^65, so that sums of products are finite,
 * too. */
static void draw_weights(struct sp_trial *t, uint8_t *row, size_t bytes) {
  size_t block = sp_quants[t->type].bytes;
  for (size_t i = 0; i < bytes; i += block) {
    do {
      sp_draw_bytes(t, row + i, block);
      if (t->type == SP_F32 || t->type == SP_BF16) row[i + block - 1] &= 0xdf; /* 64 off the exponent */
    } while (sp_quant_not_finite(t->type, row + i, block) >= 0);
  }
}

static void try_dequant(struct sp_trial *t) {
  size_t k = draw_row(t), bytes = 0;
  if (!sp_quant_row_bytes(t->type, k, &bytes)) return;
  uint8_t *row = sp_hold(t, bytes, 1, 1);
  struct sp_twin y = hold_float_twin(t, k);
  if (t->no_memory) return;
  draw_weights(t, row, bytes);
  sp_shape(t, "k %zu", k);
  sp_kernels_ref.dequant[t->type](y.ref, row, k);
  t->level->dequant[t->type](y.level, row, k);
  sp_compare(t, "y", y.ref, y.level, k, sizeof(float));
}

/* An activation row, in the form that the type reads; the reference quantises it. */
static struct sp_act draw_activation(struct sp_trial *t, size_t k) {
  float *x = hold_floats(t, k);
  struct sp_act act = {.x = x};
  if (t->no_memory) return act;
  sp_draw_range(t, x, k, -3, 3);
  if (sp_draw(t) % 8 == 0) memset(x, 0, k * sizeof *x);
  if (sp_quants[t->type].block == 1) return act;
  int8_t *q = sp_hold(t, k, 1, 1);
  float *d = hold_floats(t, k / 32);
  int16_t *sum = sp_hold(t, k / 16, sizeof *sum, sizeof *sum);
  if (t->no_memory) return act;
  sp_kernels_ref.act8(q, d, sum, x, k);
  return (struct sp_act){.x = x, .q = q, .d = d, .sum = sum};
}

static void try_dot(struct sp_trial *t) {
  enum { MOST_X = 5 };
  size_t k = draw_row(t), n_rows = sp_draw_size(t, 1, 9), n_x = sp_draw_size(t, 1, MOST_X), bytes = 0;
  if (!sp_quant_row_bytes(t->type, k, &bytes)) return;
  size_t gap = coin(t) ? 0 : sp_draw_size(t, 0, 7), row_bytes = bytes + gap, ldy = n_rows + sp_draw_size(t, 0, 2);
  uint8_t *rows = sp_hold(t, (n_rows - 1) * row_bytes + bytes, 1, 1);
  struct sp_act act[MOST_X];
  for (size_t i = 0; i < n_x; i++) act[i] = draw_activation(t, k);
  struct sp_twin y = hold_float_twin(t, (n_x - 1) * ldy + n_rows);
  if (t->no_memory) return;
  for (size_t r = 0; r < n_rows; r++) draw_weights(t, rows + r * row_bytes, bytes);
  struct sp_dot job = {.rows = rows, .row_bytes = row_bytes, .n_rows = n_rows, .k = k, .act = act, .n_x = n_x, .y = y.ref,
                       .ldy = ldy};
  sp_shape(t, "rows %zu of %zu bytes, k %zu, activations %zu, ldy %zu", n_rows, row_bytes, k, n_x, ldy);
  sp_kernels_ref.dot[t->type](&job);
  job.y = y.level;
  t->level->dot[t->type](&job);
  sp_compare(t, "y", y.ref, y.level, (n_x - 1) * ldy + n_rows, sizeof(float));
}

const sp_trial_fn sp_trial_cases[SP_SLOTS] = {
#define CASE(result, name, parameters) [SP_SLOT_##name] = try_##name,
  SP_SLOT_LIST(CASE)
#undef CASE
  [SP_SLOT_dequant] = try_dequant,
  [SP_SLOT_dot] = try_dot,
};
