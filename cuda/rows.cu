/*
 * rows.cu - kernels on rows of fp32: embedding, panels, rotation and quantisation, heads, gathering, sums.
 *
 * In, Out:  as jobs.h says.
 * Not here: products (gemm.cu, attn.cu), decode (decode.cu).
 *
 * A warp takes a file's row 256 elements at a time, eight neighbours a thread: the rotation of a block of 256 is three stages
 * inside a thread and five between threads. Rows of activations it takes 1024 at a time, so that three stages between threads are
 * enough.
 */
#include "cuda/blocks.h"

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

/* Eight integers of x * scale, to q, aligned to 8: half of 16 bytes that stay together. */
DEVICE void store_bytes(int8_t *q, const float v[8], float scale) {
  uint32_t word[2] = {0, 0};
  UNROLL
  for (int i = 0; i < 8; i++) word[i / 4] |= byte_of(v[i], scale) << 8 * (i % 4);
  ((uint32_t *)q)[0] = word[0];
  ((uint32_t *)q)[1] = word[1];
}

/* ---- sums in 16 lanes -------------------------------------------------------------------------------------------------- */

/* Of one row; u and, if it is given, f added to it. A thread of the first 16 is a lane of the sum, and its neighbour 16 further
 * tells it every second element. Every thread gets the sum. */
DEVICE float row_squares(const float *u, const float *f, uint32_t k, int lane) {
  enum { BATCH = 16 }; /* elements that are read at once */
  float sum = 0, x[BATCH];
  for (uint32_t first = 0; first < k; first += BATCH * WARP) {
    UNROLL
    for (uint32_t i = 0, e = first + (uint32_t)lane; i < BATCH; i++, e += WARP) x[i] = e >= k ? 0 : f ? u[e] + f[e] : u[e];
    UNROLL
    for (uint32_t i = 0; i < BATCH; i++) {
      float other = across(x[i], 16);
      sum = fma_rn(x[i], x[i], sum);
      sum = fma_rn(other, other, sum);
    }
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

enum {
  PIECE = 1024, /* elements that a warp takes together: four of each 32 a thread, of one of four blocks of 256 */
  RUNS = 8,     /* such fours */
  HELD = 2      /* pieces that a warp holds between finding a row's largest and storing it */
};

struct piece {
  float x[RUNS][4]; /* elements from + 32 run, and their three neighbours */
  uint32_t from;
};

/* Zeros past the end. */
DEVICE void load_piece(struct piece *p, const float *x, uint32_t first, uint32_t k) {
  p->from = first + THREAD % WARP / 8 * CHUNK + THREAD % 8 * 4;
  UNROLL
  for (uint32_t run = 0; run < RUNS; run++) {
    struct float_four four = {{0, 0, 0, 0}};
    if (p->from + 32 * run < k) four = *(const struct float_four *)(x + p->from + 32 * run);
    UNROLL
    for (int i = 0; i < 4; i++) p->x[run][i] = four.x[i];
  }
}

DEVICE void norm_piece(struct piece *p, const float *norm, uint32_t k, float r) {
  UNROLL
  for (uint32_t run = 0; run < RUNS; run++) {
    if (p->from + 32 * run >= k) continue;
    struct float_four w = *(const struct float_four *)(norm + p->from + 32 * run);
    UNROLL
    for (int i = 0; i < 4; i++) p->x[run][i] = (p->x[run][i] * r) * w.x[i];
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
  for (int mask = 1; mask < 8; mask *= 2) {
    float sign = (THREAD & (uint32_t)mask) != 0 ? -1 : 1; /* exact: the sum and the difference of two threads */
    UNROLL
    for (int i = 0; i < 4 * RUNS; i++) p->x[i / 4][i % 4] = fma_rn(p->x[i / 4][i % 4], sign, across(p->x[i / 4][i % 4], mask));
  }
  UNROLL
  for (uint32_t h = 1; h < RUNS; h *= 2) {
    if (32 * h >= block) break;
    UNROLL
    for (uint32_t i = 0; i < 4 * RUNS; i++)
      if ((i / 4 & h) == 0) butterfly(&p->x[i / 4][i % 4], &p->x[i / 4 + h][i % 4]);
  }
}

/* Returns the largest. */
DEVICE uint32_t turn_piece(struct piece *p, const struct sp_gpu_quantise *j, float r) {
  uint32_t most = 0;
  if (j->norm) norm_piece(p, j->norm, j->k, r);
  rotate_piece(p, j->block);
  UNROLL
  for (int i = 0; i < 4 * RUNS; i++) most = larger_bits(most, size_bits(p->x[i / 4][i % 4]));
  return most;
}

DEVICE void store_piece(const struct sp_gpu_quantise *j, const struct piece *p, uint32_t row, float scale) {
  uint64_t rows = padded(j->n);
  uint64_t at[2] = {SP_GPU_PLACE(rows, row, p->from), SP_GPU_PLACE(rows, row, p->from + 32)};
  UNROLL
  for (uint32_t run = 0; run < RUNS; run++) {
    const float *x = p->x[run];
    uint32_t low = pick_bytes(byte_of(x[0], scale), byte_of(x[1], scale), 0x0040);
    uint32_t high = pick_bytes(byte_of(x[2], scale), byte_of(x[3], scale), 0x0040);
    uint32_t word = pick_bytes(low, high, 0x5410);
    if (p->from + 32 * run < j->k) *(uint32_t *)(j->q + at[run % 2] + run / 2 * rows * SP_GPU_DEPTH) = word;
  }
}

/* A row has `share` warps of a block, which take its pieces by turns. What they cannot hold they make twice. */
KERNEL_BESIDE(sp_gpu_quantise_rows, sp_gpu_quantise, 256, 2) {
  SHARED float factor[WARPS];
  SHARED uint32_t largest[WARPS];
  int lane = THREAD % WARP;
  uint32_t share = SP_GPU_SHARE(j.k), row = row_of_warp() / share, warp = THREAD / WARP, first = warp / share * share;
  uint32_t k = row < j.n ? j.k : 0, from = (warp - first) * PIECE, step = share * PIECE, most = 0;
  const float *x = j.x + (uint64_t)row * j.k;
  struct piece held[HELD];
  float r = 1;
  if (j.norm) {
    if (warp == first) r = norm_factor(row_squares(x, NULL, k, lane), j.k, j.eps);
    if (lane == 0) factor[warp] = r;
    sync_block();
    r = factor[first];
  }
  for (uint32_t i = from + HELD * step; i < k; i += step) {
    load_piece(&held[0], x, i, k);
    most = larger_bits(most, turn_piece(&held[0], &j, r));
  }
  UNROLL
  for (uint32_t p = 0; p < HELD; p++) load_piece(&held[p], x, from + p * step, k);
  UNROLL
  for (uint32_t p = 0; p < HELD; p++)
    if (from + p * step < k) most = larger_bits(most, turn_piece(&held[p], &j, r));
  most = warp_largest(most);
  if (share > 1) {
    if (lane == 0) largest[warp] = most;
    sync_block();
    for (uint32_t i = first; i < first + share; i++) most = larger_bits(most, largest[i]);
  }
  float a = as_float(most), scale = scale_of(a, 127);
  UNROLL
  for (uint32_t p = 0; p < HELD; p++)
    if (from + p * step < k) store_piece(&j, &held[p], row, scale);
  for (uint32_t i = from + HELD * step; i < k; i += step) {
    load_piece(&held[0], x, i, k);
    turn_piece(&held[0], &j, r);
    store_piece(&j, &held[0], row, scale);
  }
  if (k == 0 || warp != first || lane > 0) return;
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
    if (e < j.kp) store_bytes(j.panel + SP_GPU_PLACE(j.np, to, e), v, scale); /* past k: zeros */
  }
  if (lane > 0) return;
  j.scale[to] = step_of(a, 127);
  if (most >= FINITE_BITS) lowest(j.bad, r);
}

/* ---- heads of a row --------------------------------------------------------------------------------------------------- */

enum { OWN = 8 }; /* neighbours of a head that a thread has; so of 64 elements four heads share a warp, of 128 two */

struct head {
  float x[OWN];          /* elements at .. at + 7, zero past the end */
  uint32_t d, dk, at;
  bool whole;            /* threads' elements are aligned, and in one half each */
};

/* The thread's elements of a row of d; p is where the first of them lies. */
DEVICE void load_own(float v[OWN], const struct head *h, const float *p) {
  struct float_four low = {{0, 0, 0, 0}}, high = low;
  if (h->whole && h->at < h->d) low = *(const struct float_four *)p, high = *(const struct float_four *)(p + 4);
  UNROLL
  for (uint32_t i = 0; i < OWN; i++) v[i] = i < 4 ? low.x[i] : high.x[i - 4];
  if (h->whole) return;
  UNROLL
  for (uint32_t i = 0; i < OWN; i++)
    if (h->at + i < h->d) v[i] = p[i];
}

/* Sum of squares: the dk / 8 threads of the head have its sixteen lanes, or two each of them, or one twice. */
DEVICE float head_squares(const struct head *h, const float *x) {
  uint32_t threads = h->dk / OWN, lane = THREAD % WARP % (threads < SP_LANES ? threads : SP_LANES);
  float low = 0, high = 0;
  for (uint32_t i = lane; i < h->d; i += SP_LANES) {
    low = fma_rn(x[i], x[i], low);
    if (threads < SP_LANES && i + 8 < h->d) high = fma_rn(x[i + 8], x[i + 8], high);
  }
  low += threads < SP_LANES ? high : across(low, 8);
  low += across(low, 4);
  low += across(low, 2);
  return low + across(low, 1);
}

/* RoPE of the elements, any halves: each asks memory for the one it is turned with. */
DEVICE void turn_any(struct head *h, const struct sp_gpu_heads *j, const float *from, const float *norm, float r, const float *c,
                     const float *s) {
  UNROLL
  for (uint32_t i = 0; i < OWN; i++) {
    uint32_t e = h->at + i;
    if (e >= h->d || e >= 2 * j->half) continue;
    bool second = j->pairs ? e % 2 != 0 : e >= j->half;
    uint32_t at = j->pairs ? e / 2 : second ? e - j->half : e, mate = j->pairs ? e ^ 1 : second ? e - j->half : e + j->half;
    float other = norm ? (from[mate] * r) * norm[mate] : from[mate];
    h->x[i] = second ? fma_rn(h->x[i], c[at], other * s[at]) : fma_rn(h->x[i], c[at], -(other * s[at]));
  }
}

/* The same where all elements of a thread are in one half. */
DEVICE void turn_halves(struct head *h, const struct sp_gpu_heads *j, const float *from, const float *norm, float r,
                        const float *c, const float *s) {
  float other[OWN], w[OWN], cosine[OWN], sine[OWN];
  bool second = h->at >= j->half;
  uint32_t at = second ? h->at - j->half : h->at, mate = second ? at : at + j->half;
  if (h->at >= h->d || h->at >= 2 * j->half) return;
  load_own(other, h, from + mate);
  load_own(cosine, h, c + at);
  load_own(sine, h, s + at);
  if (norm) load_own(w, h, norm + mate);
  UNROLL
  for (uint32_t i = 0; i < OWN; i++) {
    float turned = (norm ? (other[i] * r) * w[i] : other[i]) * sine[i];
    h->x[i] = fma_rn(h->x[i], cosine[i], second ? turned : -turned);
  }
}

/* RMSNorm, then RoPE, of a head that still lies in memory at `from`. */
DEVICE void turn_head(struct head *h, const struct sp_gpu_heads *j, const float *from, const float *norm, uint32_t row) {
  const float *c = j->c + (uint64_t)j->position[row] * j->half, *s = j->s + (uint64_t)j->position[row] * j->half;
  bool any = j->q_norm || j->k_norm; /* heads of a warp exchange together */
  float r = any ? norm_factor(head_squares(h, from), h->d, j->eps) : 1, w[OWN];
  if (norm) {
    load_own(w, h, norm + h->at);
    UNROLL
    for (uint32_t i = 0; i < OWN; i++) h->x[i] = (h->x[i] * r) * w[i];
  }
  if (j->pairs || !h->whole)
    turn_any(h, j, from, norm, r, c, s);
  else
    turn_halves(h, j, from, norm, r, c, s);
}

DEVICE void centre_head(struct head *h, const float *shift, const float *factor) {
  float away[OWN], by[OWN];
  load_own(by, h, factor + h->at);
  if (shift) load_own(away, h, shift + h->at);
  UNROLL
  for (uint32_t i = 0; i < OWN; i++) h->x[i] = (h->x[i] - (shift ? away[i] : 0)) * by[i];
}

DEVICE void rotate_head(struct head *h, uint32_t block) {
  UNROLL
  for (uint32_t step = 1; step < OWN; step *= 2) {
    if (step >= block) break;
    UNROLL
    for (uint32_t i = 0; i < OWN; i++)
      if ((i & step) == 0) butterfly(&h->x[i], &h->x[i + step]);
  }
  for (uint32_t mask = 1; OWN * mask < block; mask *= 2) {
    float sign = (THREAD & mask) != 0 ? -1 : 1;
    UNROLL
    for (uint32_t i = 0; i < OWN; i++) h->x[i] = fma_rn(h->x[i], sign, across(h->x[i], (int)mask));
  }
}

DEVICE uint32_t head_largest(const struct head *h) {
  uint32_t most = largest_of(h->x);
  for (uint32_t mask = 1; OWN * mask < h->dk; mask *= 2) most = larger_bits(most, bits_across(most, (int)mask));
  return most;
}

/* Where key `i` stands among the 128 bytes of a channel of its tile. */
DEVICE uint32_t value_place(uint32_t i) {
  return i % SP_TILE / 16 * 16 + i % 8 / 2 * 4 + i % 16 / 8 * 2 + i % 2;
}

DEVICE void store_query(const struct sp_gpu_heads *j, const struct head *h, uint32_t row, uint32_t head, float a) {
  uint64_t at = (uint64_t)row * j->heads + head;
  store_bytes(j->q + at * j->dk + h->at, h->x, scale_of(a, 127));
  if (h->at == 0) j->sq[at] = step_of(a, 127) * div_rn(1, (float)j->block) * j->scale;
}

DEVICE uint32_t list_row(const struct sp_gpu_heads *j, uint32_t row) { return j->place ? j->place[row] : j->at + row; }

DEVICE void store_key(const struct sp_gpu_heads *j, const struct head *h, uint32_t row, uint32_t head, float a) {
  uint64_t at = (uint64_t)head * j->cap + list_row(j, row);
  store_bytes(j->k + at * j->dk + h->at, h->x, scale_of(a, 127));
  if (h->at == 0) j->sk[at] = step_of(a, 127);
}

DEVICE void store_value(const struct sp_gpu_heads *j, const struct head *h, uint32_t row, uint32_t head, float a) {
  uint32_t at = list_row(j, row);
  float scale = scale_of(a, 127);
  int8_t *v = j->v + ((uint64_t)head * j->cap + at / SP_TILE * SP_TILE) * j->dk + value_place(at);
  UNROLL
  for (uint32_t i = 0; i < OWN; i++)
    if (h->at + i < h->d) v[(h->at + i) * SP_TILE] = (int8_t)byte_of(h->x[i], scale);
  if (h->at == 0) j->sv[(uint64_t)head * j->cap + at] = step_of(a, 127);
}

/* A warp has queries and keys or values, never both. A thread without a head takes the last one's part, and stores nothing. */
KERNEL(sp_gpu_prepare_heads, sp_gpu_heads, 256) {
  uint32_t beside = CHUNK / j.dk, turned = (j.heads + j.kv_heads + beside - 1) / beside, task = row_of_warp();
  uint32_t row = task / SP_GPU_TASKS(j.heads, j.kv_heads, j.dk), group = task % SP_GPU_TASKS(j.heads, j.kv_heads, j.dk);
  bool value = group >= turned;
  uint32_t first = value ? j.heads + j.kv_heads + (group - turned) * beside : group * beside;
  uint32_t last = j.heads + (value ? 2 : 1) * j.kv_heads - 1, own = first + THREAD % WARP / (j.dk / OWN);
  uint32_t part = own < last ? own : last;
  bool query = part < j.heads;
  uint32_t head = query ? part : part - j.heads - (value ? j.kv_heads : 0), kv = query ? part / (j.heads / j.kv_heads) : head;
  if (row >= j.n) return;
  struct head h = {.d = j.d, .dk = j.dk, .at = OWN * (THREAD % (j.dk / OWN)), .whole = j.d % OWN == 0 && j.half % OWN == 0};
  float *from = j.qkv + ((uint64_t)row * (j.heads + 2 * j.kv_heads) + part) * j.d;
  load_own(h.x, &h, from + h.at);
  if (!value) {
    turn_head(&h, &j, from, query ? j.q_norm : j.k_norm, row);
    if (j.keep) sync_warp(); /* all have read */
    UNROLL
    for (uint32_t i = 0; i < OWN; i++)
      if (j.keep && own == part && h.at + i < h.d) from[h.at + i] = h.x[i];
    centre_head(&h, query ? NULL : j.shift + kv * j.d, (query ? j.balance : j.inverse_balance) + kv * j.d);
    rotate_head(&h, j.block);
  }
  uint32_t most = head_largest(&h);
  if (own != part) return;
  if (query)
    store_query(&j, &h, row, head, as_float(most));
  else if (value)
    store_value(&j, &h, row, head, as_float(most));
  else
    store_key(&j, &h, row, head, as_float(most));
  if (h.at == 0 && most >= FINITE_BITS) lowest(j.bad, row);
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
