/*
 * attn.cu - integer flash attention of many rows on tensor cores (numerics, section 3, step 3).
 *
 * In, Out:  struct sp_gpu_attend; three kernels by the padded head_dim.
 * Not here: one row (decode.cu), rotation and quantisation (rows.cu).
 *
 * Four warps have 64 queries of one head, each 16. A thread of the 32 holds, of queries g = lane / 4 and g + 8, the keys
 * 8 i + 2 t and + 1 (t = lane % 4): so the sixteen lanes of a denominator are four in each of four threads, and fold by two
 * exchanges. The probabilities leave in the order in which the second product's left side is read, because values are stored in
 * that order.
 */
#include "cuda/device.h"
#include "simd/kernels.h"

enum { GROUPS = SP_TILE / 8 }; /* of 8 keys */
#define ROW_OF(dk) ((dk) < 128 ? (dk) : 128) /* bytes of a row of queries and keys in shared memory */

/* Right sides of products in shared memory, and sums as floats. Elsewhere than on Hopper, where conversions are quick, sums start
 * at MAGIC_BITS. */
#ifdef GROUPS_MULTIPLY
typedef uint64_t operand;
DEVICE operand operand_of(const uint8_t *tile, uint32_t row_bytes) { return group_tile(tile, row_bytes); }
DEVICE operand further(operand o, uint32_t bytes) { return group_further(o, bytes); }
DEVICE float sum_of(int acc) { return (float)acc; }
#define ATTEND_BESIDE(dk) ((dk) == 64 ? 4 : (dk) == 128 ? 3 : 1) /* blocks on a multiprocessor: what registers allow */
#else
typedef const uint8_t *operand;
DEVICE operand operand_of(const uint8_t *tile, uint32_t row_bytes) { return (void)row_bytes, tile; }
DEVICE operand further(operand o, uint32_t bytes) { return o + bytes; }
DEVICE float sum_of(int acc) { return as_float((uint32_t)acc) - MAGIC; }
#define group_publish()
#define ATTEND_BESIDE(dk) 1
#endif

#define NO_ROW 0xffffffffu
#define MOST_NEGATIVE (-0x7fffffff - 1)

/* The block of list rows that is this block's; those without places come with the longest lists first. */
DEVICE uint32_t block_of(const struct sp_gpu_attend *j) {
  return j->place ? j->block[BLOCK].index : (j->at + j->n - 1) / SP_GPU_BLOCK - BLOCK;
}

/* Which row of the chunk each of its list rows is. */
DEVICE void find_rows(uint32_t *row_of, const struct sp_gpu_attend *j, uint32_t block) {
  uint32_t list = block * SP_GPU_BLOCK + THREAD;
  bool mine = !j->place && list >= j->at && list < j->at + j->n;
  if (THREAD < SP_GPU_BLOCK) row_of[THREAD] = mine ? list - j->at : NO_ROW;
  sync_block();
  if (!j->place) return;
  struct sp_gpu_block own = j->block[BLOCK];
  if (THREAD < own.n) row_of[j->place[own.first + THREAD] % SP_GPU_BLOCK] = own.first + THREAD;
  sync_block();
}

/* One of the two queries that a thread has a part of. */
struct query {
  float sq, m, l;
  float t, den, step;   /* of the tile: maximum, denominator, a / 255 */
  float alpha, beta;
  uint32_t limit;       /* keys that it sees */
};

/* 16 bytes c of row r, of `per` (4, 8, 16) a row and `rows` rows; the same c of eight neighbours lies in different banks. Rows of
 * 256 bytes lie as two tiles of 128. */
DEVICE uint32_t tile_place(uint32_t rows, uint32_t r, uint32_t c, uint32_t per) {
  if (per == 4) return (r * 4 + (c ^ (r >> 1 & 3))) << 4;
  return ((c / 8 * rows + r) * 8 + (c % 8 ^ (r & 7))) << 4;
}

/* The four threads that share a query. */
DEVICE int quad_highest(int x) {
  UNROLL
  for (int mask = 1; mask < 4; mask *= 2) {
    int other = (int)bits_across((uint32_t)x, mask);
    x = x > other ? x : other;
  }
  return x;
}
DEVICE float quad_largest(float x) {
  x = larger(x, across(x, 1));
  return larger(x, across(x, 2));
}

/* The largest score of both queries, t. Bits of floats order as integers do unless all have a sign; then they are looked at as
 * floats, one by one and not two by two. */
DEVICE void find_most(const float s[GROUPS][4], struct query q[2]) {
  int top[2] = {MOST_NEGATIVE, MOST_NEGATIVE};
  UNROLL
  for (uint32_t i = 0; i < 2 * GROUPS; i++)
    top[i % 2] = highest_of_three(top[i % 2], (int)as_bits(s[i / 2][i % 2 * 2]), (int)as_bits(s[i / 2][i % 2 * 2 + 1]));
  UNROLL
  for (uint32_t half = 0; half < 2; half++) top[half] = quad_highest(top[half]);
  float most[2] = {as_float((uint32_t)top[0]), as_float((uint32_t)top[1])};
  if (any_of_warp(top[0] < 0 || top[1] < 0)) {
    most[0] = most[1] = -as_float(FINITE_BITS);
    UNROLL
    for (uint32_t i = 0; i < 4 * GROUPS; i++) most[i / 2 % 2] = larger(most[i / 2 % 2], s[i / 4][i % 4]);
    UNROLL
    for (uint32_t half = 0; half < 2; half++) most[half] = quad_largest(most[half]);
  }
  UNROLL
  for (uint32_t half = 0; half < 2; half++) q[half].t = most[half] + 0.0f; /* -0 counts as +0 */
}

/* Makes all scores x = s - from[half] no less than SP_EXP2_LOW - 1, which exp2_open wants. In most tiles they are anyway: of
 * floats with a sign, the bits of the smallest are the largest integer. */
DEVICE void keep_open(float s[GROUPS][4], const struct query q[2], float from[2]) {
  uint32_t low[2] = {0, 0};
  bool deep = false;
  UNROLL
  for (uint32_t i = 0; i < 2 * GROUPS; i++)
    low[i % 2] = largest_of_three(low[i % 2], as_bits(s[i / 2][i % 2 * 2]), as_bits(s[i / 2][i % 2 * 2 + 1]));
  UNROLL
  for (uint32_t half = 0; half < 2; half++) {
    from[half] = q[half].t;
    deep = deep || ((int)low[half] < 0 ? as_float(low[half]) : 0) - q[half].t < SP_EXP2_LOW - 1;
  }
  if (!any_of_warp(deep)) return;
  UNROLL
  for (uint32_t i = 0; i < 4 * GROUPS; i++) s[i / 4][i % 4] = larger(s[i / 4][i % 4] - q[i / 2 % 2].t, SP_EXP2_LOW - 1);
  from[0] = from[1] = 0;
}

/* Scores of both queries, of keys 8 i + 2 t + e: s[i][2 half + e]. Keys past a query's limit get -infinity. */
DEVICE void score(float s[GROUPS][4], const struct query q[2], const float *sk, uint32_t first, bool last) {
  uint32_t t = THREAD % 4 * 2;
  UNROLL
  for (uint32_t i = 0; i < GROUPS; i++) {
    struct float_two scale = *(const struct float_two *)(sk + 8 * i + t);
    UNROLL
    for (uint32_t e = 0; e < 4; e++) s[i][e] *= q[e / 2].sq * scale.x[e % 2];
  }
  if (!last) return;
  UNROLL
  for (uint32_t i = 0; i < 4 * GROUPS; i++)
    if (first + i / 4 * 8 + t + i % 2 >= q[i / 2 % 2].limit) s[i / 4][i % 4] = -as_float(FINITE_BITS);
}

/* The denominator from a thread's four lanes of its sixteen: folded by 8, 4, 2, 1. */
DEVICE float fold_quad(const float lanes[4]) {
  float low = lanes[0] + lanes[2], high = lanes[1] + lanes[3];
  low += across(low, 2);
  high += across(high, 2);
  low += across(low, 1);
  high += across(high, 1);
  return low + high;
}

/* From scores to weights p * sv, in place, the denominators, and the largest weights: those are not negative, so their bits order
 * as they do. A p that is not normal is none: it counts as zero. A weight that is not normal would become the byte 0 anyway, or
 * the whole tile's step is 0. */
DEVICE void weigh(float s[GROUPS][4], struct query q[2], const float *sv, float most[2]) {
  uint32_t t = THREAD % 4 * 2, bits[2] = {0, 0};
  float lanes[2][4] = {{0, 0, 0, 0}, {0, 0, 0, 0}}, from[2];
  keep_open(s, q, from);
  UNROLL
  for (uint32_t i = 0; i < GROUPS; i++) {
    struct float_two scale = *(const struct float_two *)(sv + 8 * i + t);
    UNROLL
    for (uint32_t half = 0; half < 2; half++) {
      UNROLL
      for (uint32_t e = 0; e < 2; e++) {
        float p = exp2_open(s[i][2 * half + e] - from[half]);
        lanes[half][i % 2 * 2 + e] = add_normal(lanes[half][i % 2 * 2 + e], p);
        s[i][2 * half + e] = multiply_normal(p, scale.x[e]);
      }
      bits[half] = largest_of_three(bits[half], as_bits(s[i][2 * half]), as_bits(s[i][2 * half + 1]));
    }
  }
  UNROLL
  for (uint32_t half = 0; half < 2; half++) {
    q[half].den = fold_quad(lanes[half]);
    most[half] = quad_largest(as_float(bits[half]));
  }
}

/* Both products' left side: bytes of P of query `half`, for keys 32 b .. 32 b + 31, into a[2 u + half]. */
DEVICE void pack(uint32_t p[4][4], float s[GROUPS][4], float scale, uint32_t half) {
  UNROLL
  for (uint32_t i = 0; i < GROUPS; i += 2) {
    const float four[4] = {s[i][2 * half], s[i][2 * half + 1], s[i + 1][2 * half], s[i + 1][2 * half + 1]};
    p[i / 4][i / 2 % 2 * 2 + half] = four_bytes(four, scale);
  }
}

/* One tile: scores to P, and the recurrence of m and l. */
DEVICE void take_tile(float s[GROUPS][4], uint32_t p[4][4], struct query q[2], const float *sk, const float *sv, uint32_t first,
                      bool last) {
  float most[2];
  score(s, q, sk, first, last);
  find_most(s, q);
  weigh(s, q, sv, most);
  UNROLL
  for (uint32_t half = 0; half < 2; half++) {
    struct query *own = &q[half];
    own->step = step_of(most[half], 255);
    pack(p, s, scale_of(most[half], 255), half);
    float higher = own->t > own->m ? own->t : own->m;
    own->alpha = exp2_below(own->m - higher);
    own->beta = exp2_below(own->t - higher);
    own->l = fma_rn(own->l, own->alpha, own->den * own->beta);
    own->m = higher;
  }
}

/* O = fma(O, alpha, (sum * (a / 255)) * beta) of four elements, two of each query. */
DEVICE void add_sums(float o[4], const int acc[4], const struct query q[2]) {
  UNROLL
  for (uint32_t e = 0; e < 4; e++) o[e] = fma_rn(o[e], q[e / 2].alpha, sum_of(acc[e]) * q[e / 2].step * q[e / 2].beta);
}

/* 16 bytes a thread and turn, of rows of `per` times 16: a turn of 128 threads is whole rows, and ends in the same column. */
DEVICE void load_rows(uint8_t *to, const int8_t *from, uint32_t rows, uint32_t per) {
  to += tile_place(rows, THREAD / per, THREAD % per, per);
  from += 16 * THREAD;
  UNROLL
  for (uint32_t i = 0; i < rows * per / 128; i++) copy_16(to + i * (per == 16 ? 1024 : 2048), from + 2048 * i);
}

/* Tile `tile` of keys, values and scales to shared memory. */
DEVICE void load_tile(uint8_t *to, const struct sp_gpu_attend *j, uint32_t kv, uint32_t tile, uint32_t dk) {
  uint64_t row = (uint64_t)kv * j->cap + (uint64_t)tile * SP_TILE;
  load_rows(to, j->k + row * dk, SP_TILE, dk / 16);
  to += SP_TILE * dk;
  load_rows(to, j->v + row * dk, dk, SP_TILE / 16);
  to += SP_TILE * dk;
  if (THREAD < 32)
    copy_16(to + 16 * THREAD, j->sk + row + 4 * THREAD);
  else if (THREAD < 64)
    copy_16(to + 16 * THREAD, j->sv + row + 4 * (THREAD - 32));
}

#ifdef GROUPS_MULTIPLY
/* The block's queries, those of rows that are not there as zeros. */
DEVICE void load_queries(uint8_t *to, const struct sp_gpu_attend *j, const uint32_t *row_of, uint32_t head, uint32_t dk) {
  uint32_t per = dk / 16;
  for (uint32_t i = THREAD; i < SP_GPU_BLOCK * per; i += 128) {
    uint32_t row = row_of[i / per], c = i % per;
    uint8_t *at = to + tile_place(SP_GPU_BLOCK, i / per, c, per);
    if (row != NO_ROW)
      copy_16(at, j->q + ((uint64_t)row * j->heads + head) * dk + 16 * c);
    else
      *(struct float_four *)at = (struct float_four){{0, 0, 0, 0}};
  }
}
#else
/* The 4 bytes of queries that a thread gives to step b of the first product. */
DEVICE uint32_t query_word(const struct sp_gpu_attend *j, uint32_t row, uint32_t head, uint32_t dk, uint32_t at) {
  return row != NO_ROW ? *(const uint32_t *)(j->q + ((uint64_t)row * j->heads + head) * dk + at) : 0;
}
#endif

DEVICE struct query begin_query(const struct sp_gpu_attend *j, uint32_t row, uint32_t list, uint32_t head) {
  struct query q = {.sq = row != NO_ROW ? j->sq[(uint64_t)row * j->heads + head] : 0, .m = -as_float(FINITE_BITS),
                    .limit = list + 1};
  return q;
}

#define DK 64
#define CHANNELS 64
#define GROUP_VALUES group_u8_64
#define NAME(x) x##_64
#include "cuda/attn_body.h"

#define DK 128
#define CHANNELS 128
#define GROUP_VALUES group_u8_128
#define NAME(x) x##_128
#include "cuda/attn_body.h"

#define DK 256
#define CHANNELS 128
#define GROUP_VALUES group_u8_128
#define NAME(x) x##_256
#include "cuda/attn_body.h"
