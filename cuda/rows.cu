/*
 * rows.cu - kernels on rows of fp32: embedding, panels, rotation and quantisation, heads, gathering, sums.
 *
 * In, Out:  as jobs.h says.
 * Not here: products (gemm.cu, attn.cu), decode (decode.cu).
 *
 * A warp takes a row, 256 elements at a time, eight neighbours a thread: the rotation of a block of 256 is three stages inside a
 * thread and five between threads. Nothing of a row is kept from one pass to the next; a cache holds it.
 */
#include "cuda/blocks.h"

/* x: aligned to 16 bytes */
DEVICE void load_eight(float v[8], const float *x) {
  struct float_four low = *(const struct float_four *)x, high = *(const struct float_four *)(x + 4);
  UNROLL
  for (int i = 0; i < 8; i++) v[i] = i < 4 ? low.x[i] : high.x[i - 4];
}

/* ---- rotation -------------------------------------------------------------------------------------------------------- */

DEVICE void butterfly(float *u, float *v) {
  float sum = *u + *v;
  *v = *u - *v;
  *u = sum;
}

/* Blocks of `block` elements, 32 at least, among the warp's 256. */
DEVICE void rotate(float v[8], uint32_t block, int lane) {
  UNROLL
  for (int h = 1; h < 8; h *= 2) {
    UNROLL
    for (int i = 0; i < 8; i++)
      if ((i & h) == 0) butterfly(&v[i], &v[i + h]);
  }
  for (uint32_t h = 8; h < block; h *= 2) {
    int mask = (int)h / 8;
    float sign = (lane & mask) != 0 ? -1 : 1; /* exact: the sum and the difference of two threads */
    UNROLL
    for (int i = 0; i < 8; i++) v[i] = fma_rn(v[i], sign, across(v[i], mask));
  }
}

DEVICE uint32_t largest_of(const float v[8]) {
  uint32_t most = 0;
  UNROLL
  for (int i = 0; i < 8; i++) most = larger_bits(most, size_bits(v[i]));
  return most;
}

/* Eight integers of x * scale, to q, aligned to 8. */
DEVICE void store_bytes(int8_t *q, const float v[8], float scale) {
  uint32_t word[2] = {0, 0};
  UNROLL
  for (int i = 0; i < 8; i++) word[i / 4] |= byte_of(v[i], scale) << 8 * (i % 4);
  ((uint32_t *)q)[0] = word[0];
  ((uint32_t *)q)[1] = word[1];
}

/* ---- sums in 16 lanes -------------------------------------------------------------------------------------------------- */

/* Of one row; u and, if it is given, f added to it. Every thread gets the sum. */
DEVICE float row_squares(const float *u, const float *f, uint32_t k, int lane) {
  float sum = 0;
  for (uint32_t i = (uint32_t)lane; lane < SP_LANES && i < k; i += SP_LANES) {
    float x = f ? u[i] + f[i] : u[i];
    sum = fma_rn(x, x, sum);
  }
  return as_float(bits_from(as_bits(fold_16(sum)), 0));
}

DEVICE float norm_factor(float sum, uint32_t n, float eps) { return div_rn(1, sqrt_rn(div_rn(sum, (float)n) + eps)); }

KERNEL(sp_gpu_sum_squares, sp_gpu_sumsq, 256) {
  uint32_t r = row_of_warp();
  int lane = THREAD % WARP;
  if (r >= j.n) return;
  const float *f = j.f ? j.f + (uint64_t)r * j.k : NULL;
  float sum = row_squares(j.u + (uint64_t)r * j.k, f, j.k, lane);
  if (lane == 0) j.sums[r] = sum;
}

/* ---- rows for the GEMM ----------------------------------------------------------------------------------------------- */

/* Elements i .. i + 7 of a row, normed and rotated; zeros past its end. */
DEVICE void turned_row(float v[8], const struct sp_gpu_quantise *j, const float *x, uint32_t i, float r, int lane) {
  float w[8];
  UNROLL
  for (int e = 0; e < 8; e++) v[e] = 0;
  if (i < j->k) load_eight(v, x + i);
  if (j->norm && i < j->k) {
    load_eight(w, j->norm + i);
    UNROLL
    for (int e = 0; e < 8; e++) v[e] = (v[e] * r) * w[e];
  }
  rotate(v, j->block, lane);
}

KERNEL(sp_gpu_quantise_rows, sp_gpu_quantise, 256) {
  uint32_t row = row_of_warp(), most = 0;
  int lane = THREAD % WARP;
  if (row >= j.n) return;
  const float *x = j.x + (uint64_t)row * j.k;
  int8_t *q = j.q + (uint64_t)row * j.kp;
  float r = 1, v[8];
  if (j.norm) r = norm_factor(row_squares(x, NULL, j.k, lane), j.k, j.eps);
  for (uint32_t i = 0; i < j.k; i += CHUNK) {
    turned_row(v, &j, x, i + 8 * (uint32_t)lane, r, lane);
    most = larger_bits(most, largest_of(v));
  }
  most = warp_largest(most);
  float a = as_float(most), scale = scale_of(a, 127);
  for (uint32_t i = 0; i < j.k; i += CHUNK) {
    uint32_t e = i + 8 * (uint32_t)lane;
    turned_row(v, &j, x, e, r, lane);
    if (e < j.k) store_bytes(q + e, v, scale);
  }
  if (lane > 0) return;
  j.scale[row] = step_of(a, 127) * div_rn(1, (float)j.block);
  if (most >= FINITE_BITS) lowest(j.bad, row);
}

/* ---- the file's rows ------------------------------------------------------------------------------------------------- */

DEVICE const uint8_t *file_row(const struct sp_gpu_weight *w, uint32_t r) { return w->rows + r * w->row_bytes; }

KERNEL(sp_gpu_embed_rows, sp_gpu_embed, 256) {
  uint32_t i = row_of_warp();
  if (i >= j.n) return;
  const uint8_t *row = file_row(&j.weight, (uint32_t)j.tokens[i]);
  float *x = j.x + (uint64_t)i * j.weight.k, v[8];
  for (uint32_t e = 8 * (THREAD % WARP); e < j.weight.k; e += CHUNK) {
    dequant_eight(v, j.weight.type, row, e);
    UNROLL
    for (int n = 0; n < 8; n++) x[e + n] = v[n];
  }
}

DEVICE void turned_weights(float v[8], const struct sp_gpu_panel *j, const uint8_t *row, uint32_t i, int lane) {
  UNROLL
  for (int e = 0; e < 8; e++) v[e] = 0;
  if (i < j->weight.k) dequant_eight(v, j->weight.type, row, i);
  rotate(v, j->block, lane);
}

KERNEL(sp_gpu_build_panel, sp_gpu_panel, 256) {
  uint32_t r = row_of_warp(), most = 0, k = j.weight.k;
  int lane = THREAD % WARP;
  if (r >= j.weight.n) return;
  const uint8_t *row = file_row(&j.weight, r);
  uint32_t to = j.first + (j.pairs ? r / 8 * 16 + r % 8 : r);
  int8_t *q = j.panel + (uint64_t)to * j.kp;
  float v[8];
  for (uint32_t i = 0; i < k; i += CHUNK) {
    turned_weights(v, &j, row, i + 8 * (uint32_t)lane, lane);
    most = larger_bits(most, largest_of(v));
  }
  most = warp_largest(most);
  float a = as_float(most), scale = scale_of(a, 127);
  for (uint32_t i = 0; i < j.kp; i += CHUNK) {
    uint32_t e = i + 8 * (uint32_t)lane;
    turned_weights(v, &j, row, e, lane);
    if (e < j.kp) store_bytes(q + e, v, scale); /* past k: zeros */
  }
  if (lane > 0) return;
  j.scale[to] = step_of(a, 127);
  if (most >= FINITE_BITS) lowest(j.bad, r);
}

/* ---- heads of a row --------------------------------------------------------------------------------------------------- */

enum { PARTS = CHUNK / WARP };

/* A head in a warp: x[i] of a thread is element 32 i + lane, and zero past the end. */
struct head {
  float x[PARTS];
  uint32_t d;
  int lane;
};
#define EACH_PART(h, i, e) \
  UNROLL                   \
  for (uint32_t i = 0, e = (uint32_t)(h)->lane; i < PARTS; i++, e += WARP)

/* Sum of squares: a thread of the first 16, a lane of the sum, has its neighbour 16 further tell it every second element. */
DEVICE float head_squares(const struct head *h) {
  float sum = 0;
  UNROLL
  for (uint32_t i = 0; i < PARTS; i++) {
    float other = across(h->x[i], 16);
    if (i * WARP + (uint32_t)h->lane < h->d) sum = fma_rn(h->x[i], h->x[i], sum);
    if (i * WARP + (uint32_t)h->lane + 16 < h->d) sum = fma_rn(other, other, sum);
  }
  return as_float(bits_from(as_bits(fold_16(sum)), 0));
}

/* RMSNorm, then RoPE, of a head that still lies in memory at `from`: an element asks for the one it is turned with. */
DEVICE void turn_head(struct head *h, const struct sp_gpu_heads *j, const float *from, const float *norm, uint32_t row) {
  const float *c = j->c + (uint64_t)j->position[row] * j->half, *s = j->s + (uint64_t)j->position[row] * j->half;
  float r = norm ? norm_factor(head_squares(h), h->d, j->eps) : 1;
  EACH_PART(h, i, e) {
    if (e >= h->d) continue;
    if (norm) h->x[i] = (h->x[i] * r) * norm[e];
    if (e >= 2 * j->half) continue;
    bool second = j->pairs ? e % 2 != 0 : e >= j->half;
    uint32_t at = j->pairs ? e / 2 : second ? e - j->half : e, mate = j->pairs ? e ^ 1 : second ? e - j->half : e + j->half;
    float other = norm ? (from[mate] * r) * norm[mate] : from[mate];
    h->x[i] = second ? fma_rn(h->x[i], c[at], other * s[at]) : fma_rn(h->x[i], c[at], -(other * s[at]));
  }
}

DEVICE void centre_head(struct head *h, const float *shift, const float *factor) {
  EACH_PART(h, i, e)
    if (e < h->d) h->x[i] = (h->x[i] - (shift ? shift[e] : 0)) * factor[e];
}

DEVICE void rotate_head(struct head *h, uint32_t block) {
  for (uint32_t step = 1; step < block && step < WARP; step *= 2) {
    float sign = ((uint32_t)h->lane & step) != 0 ? -1 : 1;
    UNROLL
    for (uint32_t i = 0; i < PARTS; i++) h->x[i] = fma_rn(h->x[i], sign, across(h->x[i], (int)step));
  }
  UNROLL
  for (uint32_t step = 1; step < PARTS; step *= 2) {
    if (step * WARP >= block) break;
    UNROLL
    for (uint32_t i = 0; i < PARTS; i++)
      if ((i & step) == 0) butterfly(&h->x[i], &h->x[i + step]);
  }
}

/* Where key `i` stands among the 128 bytes of a channel of its tile. */
DEVICE uint32_t value_place(uint32_t i) {
  return i % SP_TILE / 16 * 16 + i % 8 / 2 * 4 + i % 16 / 8 * 2 + i % 2;
}

DEVICE void store_head(int8_t *q, const struct head *h, uint32_t dk, float scale) {
  EACH_PART(h, i, e)
    if (e < dk) q[e] = (int8_t)byte_of(h->x[i], scale);
}

DEVICE void store_query(const struct sp_gpu_heads *j, const struct head *h, uint32_t row, uint32_t head, float a) {
  store_head(j->q + ((uint64_t)row * j->heads + head) * j->dk, h, j->dk, scale_of(a, 127));
  if (h->lane == 0) j->sq[(uint64_t)row * j->heads + head] = step_of(a, 127) * div_rn(1, (float)j->block) * j->scale;
}

DEVICE uint32_t list_row(const struct sp_gpu_heads *j, uint32_t row) { return (j->now ? *j->now : j->at) + row; }

DEVICE void store_key(const struct sp_gpu_heads *j, const struct head *h, uint32_t row, uint32_t head, float a) {
  uint64_t at = (uint64_t)head * j->cap + list_row(j, row);
  store_head(j->k + at * j->dk, h, j->dk, scale_of(a, 127));
  if (h->lane == 0) j->sk[at] = step_of(a, 127);
}

DEVICE void store_value(const struct sp_gpu_heads *j, const struct head *h, uint32_t row, uint32_t head, float a) {
  uint32_t at = list_row(j, row);
  float scale = scale_of(a, 127);
  int8_t *v = j->v + ((uint64_t)head * j->cap + at / SP_TILE * SP_TILE) * j->dk + value_place(at);
  EACH_PART(h, i, e)
    if (e < h->d) v[(uint64_t)e * SP_TILE] = (int8_t)byte_of(h->x[i], scale);
  if (h->lane == 0) j->sv[(uint64_t)head * j->cap + at] = step_of(a, 127);
}

KERNEL(sp_gpu_prepare_heads, sp_gpu_heads, 256) {
  uint32_t all = j.heads + 2 * j.kv_heads, task = row_of_warp(), row = task / all, part = task % all;
  if (row >= j.n) return;
  struct head h = {.d = j.d, .lane = (int)(THREAD % WARP)};
  bool query = part < j.heads, value = part >= j.heads + j.kv_heads;
  uint32_t head = query ? part : (part - j.heads) % j.kv_heads, kv = query ? part / (j.heads / j.kv_heads) : head, most = 0;
  float *from = j.qkv + ((uint64_t)row * all + part) * j.d;
  EACH_PART(&h, i, e) h.x[i] = e < j.d ? from[e] : 0;
  if (!value) {
    turn_head(&h, &j, from, query ? j.q_norm : j.k_norm, row);
    if (j.keep) sync_warp(); /* all have read */
    EACH_PART(&h, i, e)
      if (j.keep && e < j.d) from[e] = h.x[i];
    centre_head(&h, query ? NULL : j.shift + kv * j.d, (query ? j.balance : j.inverse_balance) + kv * j.d);
    rotate_head(&h, j.block);
  }
  UNROLL
  for (uint32_t i = 0; i < PARTS; i++) most = larger_bits(most, size_bits(h.x[i]));
  most = warp_largest(most);
  if (query)
    store_query(&j, &h, row, head, as_float(most));
  else if (value)
    store_value(&j, &h, row, head, as_float(most));
  else
    store_key(&j, &h, row, head, as_float(most));
  if (h.lane == 0 && most >= FINITE_BITS) lowest(j.bad, j.first + row);
}

/* ---- the probe, gathering, states --------------------------------------------------------------------------------------- */

KERNEL(sp_gpu_probe_sums, sp_gpu_probe, 128) {
  uint32_t i = BLOCK * 128 + THREAD, wide = (j.heads + 2 * j.kv_heads) * j.d, per = j.heads / j.kv_heads;
  if (i >= j.kv_heads * j.d) return;
  float key = j.key[i], keys = j.key_squared[i], queries = j.query_squared[i];
  for (uint32_t r = 0; r < j.n; r++) {
    const float *q = j.qkv + (uint64_t)r * wide, *k = q + j.heads * j.d;
    key += k[i];
    keys = fma_rn(k[i], k[i], keys);
    for (uint32_t h = i / j.d * per; h < (i / j.d + 1) * per; h++) {
      float x = q[h * j.d + i % j.d];
      queries = fma_rn(x, x, queries);
    }
  }
  j.key[i] = key;
  j.key_squared[i] = keys;
  j.query_squared[i] = queries;
}

KERNEL(sp_gpu_gather_rows, sp_gpu_gather, 256) {
  uint32_t i = row_of_warp();
  if (i >= j.n) return;
  const float *x = j.x + (uint64_t)j.index[i] * j.k;
  float *y = j.y + (uint64_t)i * j.k;
  for (uint32_t e = THREAD % WARP; e < j.k; e += WARP) y[e] = x[e];
}

DEVICE void move_byte(int8_t *cache, uint8_t *file, bool restore) {
  if (restore)
    *cache = (int8_t)*file;
  else
    *file = (uint8_t)*cache;
}

/* The file's bytes of a scale need not be aligned to 4. */
DEVICE void move_scale(float *cache, uint8_t *file, bool restore) {
  uint32_t bits = as_bits(*cache);
  if (restore)
    *cache = as_float(word32(file));
  else
    for (int i = 0; i < 4; i++) file[i] = (uint8_t)(bits >> 8 * i);
}

/* A warp a row and KV head. */
KERNEL(sp_gpu_image_rows, sp_gpu_image, 256) {
  uint32_t task = row_of_warp(), i = task / j.kv_heads, head = task % j.kv_heads, row = j.at + i;
  if (i >= j.n) return;
  uint64_t at = (uint64_t)head * j.cap + row;
  uint8_t *file = j.bytes + i * j.stride + head * (2 * j.d + 8);
  int8_t *v = j.v + ((uint64_t)head * j.cap + row / SP_TILE * SP_TILE) * j.dk + value_place(row);
  for (uint32_t e = THREAD % WARP; e < j.d; e += WARP) {
    move_byte(&j.k[at * j.dk + e], file + e, j.restore);
    move_byte(v + (uint64_t)e * SP_TILE, file + j.d + e, j.restore);
  }
  if (THREAD % WARP != 0) return;
  move_scale(&j.sk[at], file + 2 * j.d, j.restore);
  move_scale(&j.sv[at], file + 2 * j.d + 4, j.restore);
}
