/*
 * rows.cu - kernels on rows of fp32: embedding, panels, rotation and quantisation, gathering, sums.
 *
 * In, Out:  as jobs.h says.
 * Not here: heads (heads.cu), products (gemm.cu, attn.cu), decode (decode.cu).
 *
 * A warp takes a file's row 256 elements at a time, eight neighbours a thread: the rotation of a block of 256 is three stages
 * inside a thread and five between threads. Rows of activations it takes 1024 at a time, so that three stages between threads are
 * enough.
 */
#include "cuda/blocks.h"
#include "cuda/rows.h"

/* ---- rotation of a file's rows ----------------------------------------------------------------------------------------- */

/* Blocks of `block` elements, 32 at least, among the warp's 256. */
DEVICE void rotate(float v[8], uint32_t block) {
  UNROLL
  for (int h = 1; h < 8; h *= 2) {
    UNROLL
    for (int i = 0; i < 8; i++)
      if ((i & h) == 0) butterfly(&v[i], &v[i + h]);
  }
  for (uint32_t mask = 1; 8 * mask < block; mask *= 2) {
    UNROLL
    for (int i = 0; i < 8; i++) v[i] = butterfly_across(v[i], mask);
  }
}

/* ---- sums in 16 lanes -------------------------------------------------------------------------------------------------- */

enum { AT_ONCE = 16 }; /* elements that a thread reads at once */

/* Lanes, SP_LANES threads, of the sum of squares of a row: of u and, if it is given, f added to it. */
DEVICE float row_squares(const float *u, const float *f, uint32_t k) {
  float sum = 0, x[AT_ONCE];
  uint32_t e = THREAD % SP_LANES;
  for (; e + (AT_ONCE - 1) * SP_LANES < k; e += AT_ONCE * SP_LANES) {
    UNROLL
    for (uint32_t i = 0; i < AT_ONCE; i++) x[i] = u[e + SP_LANES * i];
    UNROLL
    for (uint32_t i = 0; i < AT_ONCE; i++)
      if (f) x[i] += f[e + SP_LANES * i];
    UNROLL
    for (uint32_t i = 0; i < AT_ONCE; i++) sum = fma_rn(x[i], x[i], sum);
  }
  for (; e < k; e += SP_LANES) {
    float last = f ? u[e] + f[e] : u[e];
    sum = fma_rn(last, last, sum);
  }
  return sum;
}

/* Half a warp a row. */
KERNEL(sp_gpu_sum_squares, sp_gpu_sumsq, 256) {
  uint32_t r = BLOCK * (256 / SP_LANES) + THREAD / SP_LANES;
  uint64_t at = (uint64_t)r * j.k;
  float sum = fold_16(row_squares(j.u + at, j.f ? j.f + at : NULL, r < j.n ? j.k : 0));
  if (r < j.n && THREAD % SP_LANES == 0) j.sums[r] = sum;
}

/* ---- rows for the GEMM ----------------------------------------------------------------------------------------------- */

enum {
  PIECE = 1024, /* elements that a warp takes together: four of each 32 a thread, of one of four blocks of 256 */
  RUNS = 8,     /* such fours */
  HELD = 2      /* pieces that a warp holds between finding a row's largest and storing it */
};

struct piece {
  float x[RUNS][4]; /* elements from + 32 run, and their three neighbours */
  uint32_t from;
};

/* The first of the thread's elements. */
DEVICE uint32_t piece_place(void) { return THREAD % WARP / 8 * CHUNK + THREAD % 8 * 4; }

/* Of elements from `first` on; zeros from k on. */
DEVICE void load_piece(struct piece *p, const float *x, uint32_t first, uint32_t k) {
  p->from = first + piece_place();
  const struct float_four *own = (const struct float_four *)(x + p->from);
  UNROLL
  for (uint32_t run = 0; run < RUNS; run++) {
    struct float_four four = {{0, 0, 0, 0}};
    if (p->from + 32 * run < k) four = own[8 * run];
    UNROLL
    for (int i = 0; i < 4; i++) p->x[run][i] = four.x[i];
  }
}

/* Blocks of 32 at least. */
DEVICE void rotate_piece(struct piece *p, uint32_t block) {
  UNROLL
  for (uint32_t run = 0; run < RUNS; run++) {
    float *x = p->x[run];
    butterfly(&x[0], &x[1]), butterfly(&x[2], &x[3]);
    butterfly(&x[0], &x[2]), butterfly(&x[1], &x[3]);
  }
  UNROLL
  for (uint32_t mask = 1; mask < 8; mask *= 2) {
    UNROLL
    for (int i = 0; i < 4 * RUNS; i++) p->x[i / 4][i % 4] = butterfly_across(p->x[i / 4][i % 4], mask);
  }
  UNROLL
  for (uint32_t h = 1; h < RUNS; h *= 2) {
    if (32 * h >= block) break;
    UNROLL
    for (uint32_t i = 0; i < 4 * RUNS; i++)
      if ((i / 4 & h) == 0) butterfly(&p->x[i / 4][i % 4], &p->x[i / 4 + h][i % 4]);
  }
}

/* Norm, if there is one, and rotation. Returns the largest. */
DEVICE uint32_t turn_piece(struct piece *p, const struct sp_gpu_quantise *j, bool normed, uint32_t first, float r) {
  uint32_t most = 0;
  if (normed) {
    struct piece w;
    load_piece(&w, j->norm, first, j->k);
    UNROLL
    for (int i = 0; i < 4 * RUNS; i++) p->x[i / 4][i % 4] = (p->x[i / 4][i % 4] * r) * w.x[i / 4][i % 4];
  }
  rotate_piece(p, j->block);
  UNROLL
  for (int i = 0; i < 4 * RUNS; i++) most = larger_bits(most, size_bits(p->x[i / 4][i % 4]));
  return most;
}

DEVICE void store_piece(const struct sp_gpu_quantise *j, const struct piece *p, uint32_t row, float scale) {
  uint64_t rows = padded(j->n);
  int8_t *at[2] = {j->q + SP_GPU_PLACE(rows, row, p->from), j->q + SP_GPU_PLACE(rows, row, p->from + 32)};
  UNROLL
  for (uint32_t run = 0; run < RUNS; run++)
    if (p->from + 32 * run < j->k)
      *(uint32_t *)(at[run % 2] + run / 2 * rows * SP_GPU_DEPTH) = four_bytes(p->x[run], scale);
}

/* The norm's factor of each of the block's rows, of which every warp holds its pieces. They pass through shared memory, where
 * half a warp adds a row's in their order: memory is read once. */
DEVICE float held_factor(const struct piece held[HELD], const struct sp_gpu_quantise *j, uint32_t share, uint32_t step) {
  SHARED float raw[WARPS * PIECE + WARPS * SP_LANES]; /* every second row's begin in the other half of the banks */
  SHARED float factor[WARPS];
  uint32_t warp = THREAD / WARP, row = THREAD / SP_LANES, mine = warp * PIECE + warp / share * SP_LANES;
  float sum = 0;
  UNROLL
  for (uint32_t p = 0; p < HELD; p++) {
    if (p * step >= j->k) break;
    struct float_four *to = (struct float_four *)(raw + mine + piece_place());
    if (p > 0) sync_block(); /* what was there is read */
    UNROLL
    for (uint32_t run = 0; run < RUNS; run++)
      UNROLL
      for (int i = 0; i < 4; i++) to[8 * run].x[i] = held[p].x[run][i];
    sync_block();
    if (row < WARPS / share) {
      const float *x = raw + row * (share * PIECE + SP_LANES) + THREAD % SP_LANES;
      uint32_t n = j->k - p * step < step ? j->k - p * step : step; /* and zeros up to a whole batch */
      for (uint32_t e = 0; e < n; e += AT_ONCE * SP_LANES) {
        UNROLL
        for (uint32_t i = 0; i < AT_ONCE; i++) sum = fma_rn(x[e + SP_LANES * i], x[e + SP_LANES * i], sum);
      }
    }
  }
  sum = fold_16(sum);
  if (row < WARPS / share && THREAD % SP_LANES == 0) factor[row] = norm_factor(sum, j->k, j->eps);
  sync_block();
  return factor[warp / share];
}

/* A row has `share` warps of a block, which take its pieces by turns. What they cannot hold they make twice. */
DEVICE void quantise(const struct sp_gpu_quantise *j, bool normed) {
  SHARED uint32_t largest[WARPS];
  int lane = THREAD % WARP;
  uint32_t share = SP_GPU_SHARE(j->k), row = row_of_warp() / share, warp = THREAD / WARP, first = warp / share * share;
  uint32_t k = row < j->n ? j->k : 0, from = (warp - first) * PIECE, step = share * PIECE, most = 0;
  const float *x = j->x + (uint64_t)row * j->k;
  struct piece held[HELD];
  float r = 1;
  if (normed && j->k > HELD * step) r = norm_factor(fold_16(row_squares(x, NULL, k)), j->k, j->eps);
  for (uint32_t i = from + HELD * step; i < k; i += step) {
    load_piece(&held[0], x, i, k);
    most = larger_bits(most, turn_piece(&held[0], j, normed, i, r));
  }
  UNROLL
  for (uint32_t p = 0; p < HELD; p++) load_piece(&held[p], x, from + p * step, k);
  if (normed && j->k <= HELD * step) r = held_factor(held, j, share, step);
  UNROLL
  for (uint32_t p = 0; p < HELD; p++)
    if (from + p * step < k) most = larger_bits(most, turn_piece(&held[p], j, normed, from + p * step, r));
  most = warp_largest(most);
  if (share > 1) {
    if (lane == 0) largest[warp] = most;
    sync_block();
    for (uint32_t i = first; i < first + share; i++) most = larger_bits(most, largest[i]);
  }
  float a = as_float(most), scale = scale_of(a, 127);
  UNROLL
  for (uint32_t p = 0; p < HELD; p++)
    if (from + p * step < k) store_piece(j, &held[p], row, scale);
  for (uint32_t i = from + HELD * step; i < k; i += step) {
    load_piece(&held[0], x, i, k);
    turn_piece(&held[0], j, normed, i, r);
    store_piece(j, &held[0], row, scale);
  }
  if (k == 0 || warp != first || lane > 0) return;
  j->scale[row] = step_of(a, 127) * div_rn(1, (float)j->block);
  if (most >= FINITE_BITS) lowest(j->bad, row);
}

KERNEL_BESIDE(sp_gpu_quantise_rows, sp_gpu_quantise, 256, 2) { quantise(&j, false); }
KERNEL_BESIDE(sp_gpu_norm_rows, sp_gpu_quantise, 256, 2) { quantise(&j, true); }

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

DEVICE void turned_weights(float v[8], const struct sp_gpu_panel *j, const uint8_t *row, uint32_t i) {
  UNROLL
  for (int e = 0; e < 8; e++) v[e] = 0;
  if (i < j->weight.k) dequant_eight(v, j->weight.type, row, i);
  rotate(v, j->block);
}

KERNEL(sp_gpu_build_panel, sp_gpu_panel, 256) {
  uint32_t r = row_of_warp(), lane = THREAD % WARP, most = 0, k = j.weight.k;
  if (r >= j.weight.n) return;
  const uint8_t *row = file_row(&j.weight, r);
  uint32_t to = j.first + (j.pairs ? r / 8 * 16 + r % 8 : r);
  float v[8];
  for (uint32_t i = 0; i < k; i += CHUNK) {
    turned_weights(v, &j, row, i + 8 * lane);
    most = larger_bits(most, largest_of(v));
  }
  most = warp_largest(most);
  float a = as_float(most), scale = scale_of(a, 127);
  for (uint32_t i = 0; i < j.kp; i += CHUNK) {
    uint32_t e = i + 8 * lane;
    turned_weights(v, &j, row, e);
    if (e < j.kp) store_bytes(j.panel + SP_GPU_PLACE(j.np, to, e), v, scale); /* past k: zeros */
  }
  if (lane > 0) return;
  j.scale[to] = step_of(a, 127);
  if (most >= FINITE_BITS) lowest(j.bad, r);
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
    *cache = as_float(file[0] | (uint32_t)file[1] << 8 | (uint32_t)file[2] << 16 | (uint32_t)file[3] << 24);
  else
    for (int i = 0; i < 4; i++) file[i] = (uint8_t)(bits >> 8 * i);
}

/* A warp a row and KV head. */
KERNEL(sp_gpu_image_rows, sp_gpu_image, 256) {
  uint32_t task = row_of_warp(), i = task / j.kv_heads, head = task % j.kv_heads, row = j.at + i;
  if (i >= j.n) return;
  const struct sp_gpu_kv kv = j.kv[BLOCK_Y];
  uint64_t at = head * kv.rows + row;
  uint8_t *file = j.bytes + i * j.stride + BLOCK_Y * j.layer + head * (2 * j.d + 8);
  int8_t *v = kv.v + (head * kv.rows + row / SP_TILE * SP_TILE) * j.dk + value_place(row);
  for (uint32_t e = THREAD % WARP; e < j.d; e += WARP) {
    move_byte(&kv.k[at * j.dk + e], file + e, j.restore);
    move_byte(v + (uint64_t)e * SP_TILE, file + j.d + e, j.restore);
  }
  if (THREAD % WARP != 0) return;
  move_scale(&kv.sk[at], file + 2 * j.d, j.restore);
  move_scale(&kv.sv[at], file + 2 * j.d + 4, j.restore);
}
