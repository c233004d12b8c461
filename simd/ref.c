/*
 * ref.c - every kernel in plain C: the executable form of stillpoint-numerics(7).
 *
 * In, Out:  as kernels.h says, slot by slot.
 * Not here: the blocks of model files (ref_blocks.c); speed. Nothing in this file is tuned, and nothing should be: it is read to
 *           learn what a kernel does, and every other level is tested for equality with it.
 *
 * Compiled with -ffp-contract=off: a fused multiply-add happens where fmaf stands and nowhere else. What the numerics page leaves
 * open is fixed here: the order within a sum is the order of the loop that makes it.
 */
#include <math.h>
#include <string.h>
#include "ref.h"
#include "exp2.h"

static float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static uint32_t to_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}

static size_t round_up(size_t n, size_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

/* ---- vectors of fp32 ---------------------------------------------------------------------------------------- */

/* The end of every sum in lanes16. */
static float fold(float lane[SP_LANES]) {
  for (size_t half = SP_LANES / 2; half > 0; half /= 2) {
    for (size_t i = 0; i < half; i++) lane[i] += lane[i + half];
  }
  return lane[0];
}

static float power_of_two(float x) {
  float y = x < SP_EXP2_HIGH ? x : SP_EXP2_HIGH;
  if (y < SP_EXP2_LOW) return 0;
  float n = rintf(y), f = y - n;
  float p = fmaf(SP_EXP2_C5, f, SP_EXP2_C4);
  p = fmaf(p, f, SP_EXP2_C3);
  p = fmaf(p, f, SP_EXP2_C2);
  p = fmaf(p, f, SP_EXP2_C1);
  p = fmaf(p, f, 1);
  return from_bits(to_bits(p) + ((uint32_t)(int32_t)n << 23));
}

float sp_ref_sumsq(const float *x, size_t n) {
  float lane[SP_LANES] = {0};
  for (size_t i = 0; i < n; i++) lane[i % SP_LANES] = fmaf(x[i], x[i], lane[i % SP_LANES]);
  return fold(lane);
}

void sp_ref_rmsnorm(float *y, const float *x, const float *w, size_t n, float eps) {
  float r = 1 / sqrtf(sp_ref_sumsq(x, n) / (float)n + eps);
  for (size_t i = 0; i < n; i++) y[i] = (x[i] * r) * w[i];
}

void sp_ref_add(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] += x[i];
}

void sp_ref_exp2(float *y, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = power_of_two(x[i]);
}

void sp_ref_swiglu(float *y, const float *gate, const float *up, size_t n) {
  for (size_t i = 0; i < n; i++) {
    float silu = gate[i] / (1 + power_of_two(-gate[i] * SP_LOG2E));
    y[i] = silu * up[i];
  }
}

void sp_ref_rope(float *x, size_t n_heads, size_t stride, size_t rot, const float *c, const float *s, enum sp_rope_style style) {
  size_t half = rot / 2;
  for (size_t h = 0; h < n_heads; h++, x += stride) {
    for (size_t i = 0; i < half; i++) {
      size_t a = style == SP_ROPE_HALF ? i : 2 * i, b = style == SP_ROPE_HALF ? i + half : 2 * i + 1;
      float x0 = x[a], x1 = x[b];
      x[a] = fmaf(x0, c[i], -(x1 * s[i]));
      x[b] = fmaf(x1, c[i], x0 * s[i]);
    }
  }
}

void sp_ref_centre(float *y, const float *x, const float *c, const float *w, size_t n) {
  for (size_t i = 0; i < n; i++) y[i] = (x[i] - c[i]) * w[i];
}

/* ---- rotate and quantise ------------------------------------------------------------------------------------ */

/* Unnormalised Walsh-Hadamard transform of b elements, b a power of two. */
static void rotate(float *x, size_t b) {
  for (size_t h = 1; h < b; h *= 2) {
    for (size_t i = 0; i < b; i += 2 * h) {
      for (size_t j = i; j < i + h; j++) {
        float u = x[j], v = x[j + h];
        x[j] = u + v;
        x[j + h] = u - v;
      }
    }
  }
}

/* max |x|, or infinity if x holds a NaN or an infinity. */
static float largest(const float *x, size_t n) {
  float a = 0;
  for (size_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) return INFINITY;
    if (fabsf(x[i]) > a) a = fabsf(x[i]);
  }
  return a;
}

/* A NaN or an infinity that enters the transform leaves it in every element of its block, so looking afterwards is enough. */
float sp_ref_quantise(uint8_t *q, float *y, const float *x, size_t n, size_t b, uint8_t flip) {
  memmove(y, x, n * sizeof *y);
  for (size_t i = 0; i < n; i += b) rotate(y + i, b);
  float a = largest(y, n);
  if (isinf(a)) return -1;
  bool zero = a < SP_LEAST_ROW;
  float scale = zero ? 0 : 127 / a;
  for (size_t i = 0; i < n; i++) q[i] = (uint8_t)((uint8_t)(int8_t)rintf(y[i] * scale) ^ flip);
  return zero ? 0 : a / 127;
}

bool sp_ref_act8(int8_t *q, float *d, int16_t *sum, const float *x, size_t k) {
  enum { BLOCK = 32, SUM = 16 };
  for (size_t i = 0; i < k; i += BLOCK) {
    float a = largest(x + i, BLOCK);
    if (isinf(a)) return false;
    bool zero = a < SP_LEAST_ROW;
    float scale = zero ? 0 : 127 / a;
    d[i / BLOCK] = zero ? 0 : a / 127;
    for (size_t j = i; j < i + BLOCK; j += SUM) {
      int total = 0;
      for (size_t e = j; e < j + SUM; e++) {
        q[e] = (int8_t)rintf(x[e] * scale);
        total += q[e];
      }
      sum[j / SUM] = (int16_t)total;
    }
  }
  return true;
}

/* ---- integer GEMM ------------------------------------------------------------------------------------------- */

/* Where element k of column c stands in a panel: [np/64][kp/4][64][4]. */
static size_t panel_at(const struct sp_panel *w, size_t c, size_t k) {
  return ((c / SP_PANEL_COLS * (w->kp / 4) + k / 4) * SP_PANEL_COLS + c % SP_PANEL_COLS) * 4 + k % 4;
}

void sp_ref_panel_columns(const struct sp_panel *panel, size_t c, const int8_t *q) {
  for (size_t last = c + SP_LANES; c < last; c++, q += panel->kp) {
    int32_t sum = 0; /* |sum| <= 127 * 131072 < 2^24 */
    for (size_t k = 0; k < panel->kp; k++) {
      panel->w[panel_at(panel, c, k)] = q[k];
      sum += q[k];
    }
    panel->wsum[c] = -128 * sum;
  }
}

/* The sum fits: 127 * 127 * 131072 < 2^31. This level's row_flip is 0. */
void sp_ref_gemm(const struct sp_gemm *job) {
  const struct sp_panel *w = job->w;
  for (size_t r = 0; r < job->rows; r++) {
    const int8_t *x = (const int8_t *)job->x + r * job->ldx;
    for (size_t c = job->col0; c < job->col0 + job->cols; c++) {
      int32_t acc = 0;
      for (size_t k = 0; k < w->k; k++) acc += x[k] * w->w[panel_at(w, c, k)];
      float y = (float)acc * (job->sx[r] * w->sw[c]);
      if (job->bias != NULL) y = y + job->bias[c];
      job->y[r * job->ldy + (c - job->col0)] = y;
    }
  }
}

/* ---- integer flash attention -------------------------------------------------------------------------------- */

/* One query of a group: its bytes stand 4 by 4, 16 queries interleaved. This level's query_flip is 0. */
static int32_t query_dot(const uint8_t *q, size_t lane, const int8_t *k, size_t d) {
  int32_t dot = 0;
  for (size_t i = 0; i < d; i++) dot += (int8_t)q[(i / 4 * SP_LANES + lane) * 4 + i % 4] * k[i];
  return dot;
}

/* What a query makes of a tile: scores s, their maximum t, then weights P with scale a / 255, and the denominator. */
struct tile {
  float s[SP_TILE], t, den, scale;
  int32_t P[SP_TILE];
};

/* The first `seen` keys of a tile, seen >= 1. */
static void score_tile(struct tile *w, const struct sp_attn *job, const uint8_t *q, size_t lane, float sq, size_t tile,
                       size_t seen) {
  size_t dk = round_up(job->d, 64), first = tile * SP_TILE;
  w->t = -INFINITY;
  for (size_t j = 0; j < seen; j++) {
    int32_t dot = query_dot(q, lane, job->k + (first + j) * dk, job->d);
    w->s[j] = (float)dot * (sq * job->sk[first + j]);
    if (w->s[j] > w->t) w->t = w->s[j];
  }
  w->t += 0.0f; /* -0 counts as +0: the order of the maximum is free */
}

static void weigh_tile(struct tile *w, const float *sv, size_t seen) {
  float lanes[SP_LANES] = {0}, weight[SP_TILE], a = 0;
  for (size_t j = 0; j < seen; j++) {
    float p = power_of_two(w->s[j] - w->t);
    lanes[j % SP_LANES] += p;
    weight[j] = p * sv[j];
    if (weight[j] > a) a = weight[j];
  }
  w->den = fold(lanes);
  bool zero = a < SP_LEAST_ROW; /* then o = 0, while den still counts */
  float scale = zero ? 0 : 255 / a;
  w->scale = zero ? 0 : a / 255;
  for (size_t j = 0; j < SP_TILE; j++) w->P[j] = j < seen ? (int32_t)rintf(weight[j] * scale) : 0;
}

/* One query, all its tiles in order. o has stride SP_LANES. */
static void attend(const struct sp_attn *job, size_t group, size_t lane) {
  size_t dk = round_up(job->d, 64), dv = round_up(job->d, 16), at = group * SP_LANES + lane;
  const uint8_t *q = job->q + group * dk * SP_LANES;
  float *o = job->o + group * dv * SP_LANES + lane, m = -INFINITY, l = 0;
  for (size_t c = 0; c < dv; c++) o[c * SP_LANES] = 0;
  for (size_t tile = 0; tile < job->tiles; tile++) {
    size_t left = job->limit[at] - tile * SP_TILE, seen = left < SP_TILE ? left : SP_TILE;
    struct tile w;
    score_tile(&w, job, q, lane, job->sq[at], tile, seen);
    weigh_tile(&w, job->sv + tile * SP_TILE, seen);
    float higher = w.t > m ? w.t : m, alpha = power_of_two(m - higher), beta = power_of_two(w.t - higher);
    l = fmaf(l, alpha, w.den * beta);
    for (size_t c = 0; c < dv; c++) {
      const int8_t *v = job->v + (tile * dv + c) * SP_TILE;
      int32_t sum = 0; /* at most 128 * 255 * 127 */
      for (size_t j = 0; j < SP_TILE; j++) sum += w.P[j] * v[j];
      o[c * SP_LANES] = fmaf(o[c * SP_LANES], alpha, (float)sum * w.scale * beta);
    }
    m = higher;
  }
  for (size_t c = 0; job->y[at] && c < job->d; c++) job->y[at][c] = o[c * SP_LANES] / l;
  job->m[at] = m;
  job->l[at] = l;
}

void sp_ref_attn(const struct sp_attn *job) {
  for (size_t i = 0; i < job->groups * SP_LANES; i++) attend(job, i / SP_LANES, i % SP_LANES);
}

void sp_ref_mass(const struct sp_mass *job) {
  size_t dk = round_up(job->d, 64);
  for (size_t j = 0; j < SP_TILE; j++) {
    float h = job->heads ? job->total[j] : 0;
    for (size_t i = 0; i < job->groups * SP_LANES; i++) {
      if (j >= job->limit[i]) continue; /* + 0 changes nothing: h >= +0 */
      const uint8_t *q = job->q + i / SP_LANES * dk * SP_LANES;
      int32_t dot = query_dot(q, i % SP_LANES, job->k + j * dk, job->d);
      float s = (float)dot * (job->sq[i] * job->sk[j]);
      h += power_of_two(s - job->m[i]) / job->l[i];
    }
    job->total[j] = job->heads ? h : job->total[j] + h;
  }
}

/* ---- the gate ----------------------------------------------------------------------------------------------- */

void sp_ref_pool_max(float *y, const float *x, size_t n, size_t radius) {
  for (size_t i = 0; i < n; i++) {
    size_t first = i < radius ? 0 : i - radius, last = n - 1 - i < radius ? n - 1 : i + radius;
    float most = x[first];
    for (size_t j = first + 1; j <= last; j++) {
      if (x[j] > most) most = x[j];
    }
    y[i] = most;
  }
}

void sp_ref_order_keys(uint32_t *key, const float *x, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = to_bits(x[i] + 0.0f); /* -0 + +0 = +0 */
    key[i] = bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
  }
}

/* From the highest byte to the lowest: the byte of the k-th largest among the keys that agree with the bytes chosen so far. */
uint32_t sp_ref_radix_kth(const uint32_t *key, size_t n, size_t k) {
  uint32_t chosen = 0, known = 0; /* `known`: mask of the bytes that are chosen */
  for (unsigned shift = 32; shift > 0;) {
    shift -= 8;
    size_t count[256] = {0}, byte = 255;
    for (size_t i = 0; i < n; i++) {
      if ((key[i] & known) == chosen) count[key[i] >> shift & 255]++;
    }
    for (; count[byte] < k; byte--) k -= count[byte];
    chosen |= (uint32_t)byte << shift;
    known |= 255u << shift;
  }
  return chosen;
}

void sp_ref_keep_mask(uint64_t *mask, const uint32_t *key, size_t n, uint32_t kth, size_t ties) {
  for (size_t i = 0; i < (n + 63) / 64; i++) mask[i] = 0;
  for (size_t i = 0; i < n; i++) {
    bool tie = key[i] == kth && ties > 0;
    if (tie) ties--;
    if (tie || key[i] > kth) mask[i / 64] |= (uint64_t)1 << i % 64;
  }
}

size_t sp_ref_compress(uint32_t *index, const uint64_t *mask, size_t n) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) {
    if ((mask[i / 64] >> i % 64 & 1) != 0) index[count++] = (uint32_t)i;
  }
  return count;
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

const struct sp_kernels sp_kernels_ref = {
  .isa = "ref",
  .row_flip = 0,
  .query_flip = 0,
#define SP_SLOT(result, name, parameters) .name = sp_ref_##name,
  SP_SLOT_LIST(SP_SLOT)
#undef SP_SLOT
  .dequant = sp_ref_dequant,
  .dot = sp_ref_dot,
};
