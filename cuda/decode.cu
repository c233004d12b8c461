/*
 * decode.cu - one row against the file's own blocks, and against the cache (numerics, section 4).
 *
 * In, Out:  struct sp_gpu_act, sp_gpu_dot, sp_gpu_attend_row.
 * Not here: rows of a prefill (rows.cu, gemm.cu, attn.cu).
 */
#include "cuda/blocks.h"

/* ---- activations in blocks of 32: four threads of a warp have one, eight elements each ----------------------------------- */

/* Sum of squares in lanes16 of a row: all threads fetch, the first 16 add; those get it. Pieces are whole lanes. */
DEVICE float act_squares(const float *x, uint32_t k) {
  SHARED float piece[SP_GPU_PIECE];
  float sum = 0;
  for (uint32_t first = 0; first < k; first += SP_GPU_PIECE) {
    uint32_t n = k - first < SP_GPU_PIECE ? k - first : SP_GPU_PIECE;
    sync_block();
    for (uint32_t i = THREAD; i < n; i += WARPS * WARP) piece[i] = x[first + i];
    sync_block();
    for (uint32_t i = THREAD; THREAD < SP_LANES && i < n; i += SP_LANES) sum = fma_rn(piece[i], piece[i], sum);
  }
  return fold_16(sum);
}

/* What the norm multiplies a row by; each block that has a piece of it finds it by itself. */
DEVICE float act_factor(const struct sp_gpu_act *j, const float *x) {
  SHARED float factor;
  float squares = act_squares(x, j->k);
  if (THREAD == 0) factor = div_rn(1, sqrt_rn(div_rn(squares, (float)j->k) + j->eps));
  sync_block();
  return factor;
}

DEVICE void act_eight(const struct sp_gpu_act *j, uint64_t at, uint32_t i, const float v[8], uint32_t *bad) {
  uint32_t most = 0;
  int total = 0;
  UNROLL
  for (int e = 0; e < 8; e++) most = larger_bits(most, size_bits(v[e]));
  most = larger_bits(most, bits_across(most, 1));
  most = larger_bits(most, bits_across(most, 2));
  float a = as_float(most), scale = scale_of(a, 127);
  UNROLL
  for (int e = 0; e < 8; e++) {
    int8_t q = (int8_t)byte_of(v[e], scale);
    total += q;
    if (i >= j->k) continue;
    j->q[at + i + e] = q;
    j->copy[at + i + e] = v[e];
  }
  total += (int)bits_across((uint32_t)total, 1);
  *bad = larger_bits(*bad, most);
  if (i >= j->k) return;
  if (i % 32 == 0) j->d[(at + i) / 32] = step_of(a, 127);
  if (i % 16 == 0) j->sum[(at + i) / 16] = (int16_t)total;
}

KERNEL(sp_gpu_act_rows, sp_gpu_act, 256) {
  uint32_t row = BLOCK_Y, i = BLOCK * SP_GPU_PIECE + THREAD / WARP * CHUNK + THREAD % WARP * 8, bad = 0;
  uint64_t at = (uint64_t)row * j.k;
  float r = j.norm ? act_factor(&j, j.x + at) : 1, v[8];
  UNROLL
  for (int e = 0; e < 8; e++) {
    v[e] = i < j.k ? j.x[at + i + e] : 0;
    if (j.norm && i < j.k) v[e] = (v[e] * r) * j.norm[i + e];
  }
  act_eight(&j, at, i, v, &bad);
  if (warp_largest(bad) >= FINITE_BITS && THREAD % WARP == 0) lowest(j.bad, row);
}

/* ---- products with the file's rows ----------------------------------------------------------------------------------------- */

/* Types of floats: element i to lane i mod 16, and the first 16 threads are the lanes. */
DEVICE float dot_floats(const struct sp_gpu_weight *w, const uint8_t *row, const float *x, int lane) {
  float sum = 0;
  for (uint32_t i = (uint32_t)lane; lane < SP_LANES && i < w->k; i += SP_LANES)
    sum = fma_rn(x[i], value_of(w->type, row, i), sum);
  return fold_16(sum);
}

enum { AHEAD = 4 }; /* chunks that are fetched before the first of them is used */

/* What a thread has of a chunk: eight weights and activations, and the sums of the activations of its block of 32. */
struct part {
  struct eight e;
  struct int_two q;
  float d;
  int sums;
};

/* Types in blocks. A sub-block of 16 or 32 weights lies in 2 or 4 neighbouring threads; sub-block s goes to lane s mod 16, which
 * is one group's: of 32 weights there are 8 in a chunk, so that a group has two lanes, s and s + 8, and takes turns. Past the end
 * a thread fetches what it has already, and adds nothing: loads that depend on nothing are all under way at once. */
DEVICE float dot_blocks(const struct sp_gpu_dot *j, const uint32_t type, const uint8_t *row, uint32_t k, uint64_t at, int lane) {
  const bool small = type_has_16(type), has_min = type_has_min(type);
  const int8_t *q = j->q + at;
  const float *d = j->d + at / 32;
  const int16_t *sums = j->qsum + at / 16;
  uint32_t own = 8 * (uint32_t)lane, low = own < k ? own : 0;
  float lanes[2] = {0, 0};
  for (uint32_t first = 0; first < k; first += AHEAD * CHUNK) {
    struct part part[AHEAD];
    UNROLL
    for (uint32_t c = 0; c < AHEAD; c++) {
      struct part *p = &part[c];
      uint32_t i = first + c * CHUNK + own < k ? first + c * CHUNK + own : low;
      read_eight(&p->e, type, row, i);
      p->q = *(const struct int_two *)(q + i);
      p->d = d[i / 32];
      p->sums = !has_min ? 0 : small ? sums[i / 16] : sums[i / 32 * 2] + sums[i / 32 * 2 + 1];
    }
    UNROLL
    for (uint32_t c = 0; c < AHEAD; c++) {
      const struct part *p = &part[c];
      int dot = dot4(p->e.q[0], (uint32_t)p->q.x[0], dot4(p->e.q[1], (uint32_t)p->q.x[1], 0));
      dot += (int)bits_across((uint32_t)dot, 1);
      if (!small) dot += (int)bits_across((uint32_t)dot, 2);
      float *to = &lanes[small ? 0 : c % 2], sum = fma_rn((float)dot, p->e.scale * p->d, *to);
      if (has_min) sum = fma_rn((float)p->sums, p->e.min * p->d, sum);
      if (first + c * CHUNK + own < k) *to = sum;
    }
  }
  float sum = small ? lanes[0] + across(lanes[0], 16) : lanes[0] + lanes[1]; /* fold by 8, then 4, 2, 1 groups of threads */
  for (int mask = small ? 8 : 16; mask >= (small ? 2 : 4); mask /= 2) sum += across(sum, mask);
  return sum;
}

/* Row r of a weight times activations from element `at` on, with its type known to the compiler. */
DEVICE float dot_row(const struct sp_gpu_dot *j, const struct sp_gpu_weight *w, uint32_t r, uint64_t at, int lane) {
  const uint8_t *row = w->rows + r * w->row_bytes;
  switch (w->type) {
#define DOT(TYPE, name, weights, bytes, sub, has_min) \
  case TYPE: return dot_blocks(j, TYPE, row, w->k, at, lane);
    SP_BLOCK_LIST(DOT)
#undef DOT
    default: return dot_floats(w, row, j->x + at, lane);
  }
}

DEVICE float biased(float y, const float *bias, uint32_t r) { return bias ? y + bias[r] : y; }

KERNEL_BESIDE(sp_gpu_dot_rows, sp_gpu_dot, 256, 3) {
  uint32_t r = row_of_warp(), own = r, i = 0;
  int lane = THREAD % WARP;
  while (!j.pairs && i < 2 && own >= j.weight[i].n) own -= j.weight[i++].n;
  if (own >= j.weight[i].n) return;
  struct sp_gpu_weight w = j.weight[i];
  for (uint32_t x = 0; x < j.n_x; x++) {
    uint64_t from = (uint64_t)x * w.k, to = (uint64_t)x * j.ldy + r;
    float y = biased(dot_row(&j, &w, own, from, lane), j.bias[i], own);
    if (j.pairs) y = swiglu(y, biased(dot_row(&j, &j.weight[1], r, from, lane), j.bias[1], r));
    if (lane != 0) continue;
    if (j.y) j.y[to] = y;
    if (j.sum) j.sum[to] += y;
  }
}

/* ---- attention of one row -------------------------------------------------------------------------------------------------- */

/* The largest of 128 threads; shared [4]. */
DEVICE float block_largest(float x, float *shared) {
  UNROLL
  for (int mask = 16; mask > 0; mask /= 2) x = larger(x, across(x, mask));
  sync_block();
  if (THREAD % WARP == 0) shared[THREAD / WARP] = x;
  sync_block();
  return larger(larger(shared[0], shared[1]), larger(shared[2], shared[3]));
}

/* Sum of P V of channel c of a tile: both in the order of the cache. */
DEVICE int sum_values(const uint32_t *p, const int8_t *v) {
  int sum = 0;
  UNROLL
  for (int i = 0; i < SP_TILE / 4; i++) sum = dot4_u8(p[i], ((const uint32_t *)v)[i], sum);
  return sum;
}

KERNEL(sp_gpu_attend_tiles, sp_gpu_attend_row, 128) {
  SHARED float part[4], p[SP_TILE];
  SHARED uint32_t q[64], bytes[SP_TILE / 4];
  uint32_t tile = BLOCK, head = BLOCK_Y, kv = head / (j.heads / j.kv_heads), key = tile * SP_TILE + THREAD, words = j.dk / 4;
  uint64_t at = (uint64_t)kv * j.cap + key, out = (uint64_t)head * j.tiles + tile;
  uint32_t last = *j.now;
  if (tile > last / SP_TILE) return;
  const uint32_t *k = (const uint32_t *)(j.k + at * j.dk);
  if (THREAD < words) q[THREAD] = ((const uint32_t *)(j.q + head * j.dk))[THREAD];
  sync_block();
  int dot = 0;
  for (uint32_t w = 0; w < words; w++) dot = dot4(q[w], k[w], dot);
  bool sees = key <= last;
  float s = sees ? (float)dot * (j.sq[head] * j.sk[at]) : -as_float(FINITE_BITS);
  float t = block_largest(s, part) + 0.0f;
  float probability = exp2_below(s - t), weight = probability * (sees ? j.sv[at] : 0);
  p[THREAD] = probability;
  float a = block_largest(larger(weight, 0), part); /* waits for p, too */
  uint32_t place = THREAD / 16 * 16 + THREAD % 8 / 2 * 4 + THREAD % 16 / 8 * 2 + THREAD % 2; /* as in jobs.h: sp_gpu_heads */
  ((uint8_t *)bytes)[place] = (uint8_t)byte_of(weight, scale_of(a, 255));
  if (THREAD < WARP) {
    float den = 0;
    for (uint32_t i = THREAD; THREAD < SP_LANES && i < SP_TILE; i += SP_LANES) den += p[i];
    den = fold_16(den);
    if (THREAD == 0) j.t[out] = t;
    if (THREAD == 0) j.den[out] = den;
  }
  sync_block();
  const int8_t *v = j.v + ((uint64_t)kv * j.cap + (uint64_t)tile * SP_TILE) * j.dk;
  for (uint32_t c = THREAD; c < j.d; c += 128) j.o[out * j.dk + c] = (float)sum_values(bytes, v + c * SP_TILE) * step_of(a, 255);
}

/* Every thread goes through the recurrence of m and l by itself, for its own channel. */
KERNEL(sp_gpu_attend_fold, sp_gpu_attend_row, 256) {
  uint32_t head = BLOCK, c = THREAD, tiles = *j.now / SP_TILE + 1;
  float m = -as_float(FINITE_BITS), l = 0, o = 0, t[AHEAD], den[AHEAD], sum[AHEAD];
  if (c >= j.d) return;
  for (uint32_t first = 0; first < tiles; first += AHEAD) {
    UNROLL
    for (uint32_t i = 0; i < AHEAD; i++) {
      uint64_t at = (uint64_t)head * j.tiles + (first + i < tiles ? first + i : first);
      t[i] = j.t[at], den[i] = j.den[at], sum[i] = j.o[at * j.dk + c];
    }
    UNROLL
    for (uint32_t i = 0; i < AHEAD; i++) {
      if (first + i >= tiles) continue;
      float higher = t[i] > m ? t[i] : m, alpha = exp2_below(m - higher), beta = exp2_below(t[i] - higher);
      l = fma_rn(l, alpha, den[i] * beta);
      o = fma_rn(o, alpha, sum[i] * beta);
      m = higher;
    }
  }
  j.y[head * j.d + c] = div_rn(o, l);
  if (c == 0) j.m[head] = m, j.l[head] = l;
}
