/*
 * ref_blocks.c - the blocks of model files in plain C: what their bytes mean, and the dot product of decode over them.
 *
 * In:       rows of a weight matrix as they lie in the file, any alignment; activations as sp_act.
 * Out:      fp32 weights (dequant); products of rows and activations in the fixed order of kernels.h (dot).
 * Not here: speed. This file is the specification; every ISA level equals it bit for bit.
 *
 * A quantised type cuts a row into blocks of 32 or 256 weights. Whatever the bytes look like, a block says
 *
 *     weight i = scale[j] * q[i] + min[j],   j = i / sub,   q a small integer, sub = 16 or 32,
 *
 * scale[j] = d * (a small integer), d an fp16 of 11 significant bits. Integer and q together have at most 12 (7 + 5 in Q6_K,
 * 5 + 7 in IQ4_XS), so scale[j] and scale[j] * q[i] are exact in fp32 and only the sum with min rounds: a level may use fma.
 * Types without a minimum do not add one: -0 stays -0. All numbers are little-endian.
 */
#include <math.h>
#include <string.h>
#include "ref.h"

enum { MOST_WEIGHTS = 256, MOST_SUBS = 16 };

struct block {
  int8_t q[MOST_WEIGHTS];
  float scale[MOST_SUBS], min[MOST_SUBS];
};

static uint32_t word16(const uint8_t *p) {
  return p[0] | (uint32_t)p[1] << 8;
}

static uint32_t word32(const uint8_t *p) {
  return word16(p) | word16(p + 2) << 16;
}

static float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* fp16: sign, 5 bits of exponent (bias 15), 10 bits of mantissa.
 * Exact for every finite value; NaNs come out quiet, as from F16C. */
static float half(const uint8_t *p) {
  uint32_t h = word16(p), sign = (h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
  if (exponent == 31) return from_bits(sign | 0x7f800000 | (mantissa != 0 ? 1u << 22 : 0) | mantissa << 13);
  if (exponent == 0) { /* zero or subnormal: mantissa * 2^-24 */
    float x = (float)mantissa * 0x1p-24f;
    return sign != 0 ? -x : x;
  }
  return from_bits(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
}

/* ---- blocks of 32 weights: one scale, weight i in the low nibble of byte i, weight i + 16 in its high nibble ------- */

/* q[0..31] = nibbles of 16 bytes, plus `high` bit i of which is bit 4 of q[i], minus offset. */
static void nibbles32(int8_t *q, const uint8_t *qs, uint32_t high, int offset) {
  for (int i = 0; i < 32; i++) {
    int low = i < 16 ? qs[i] & 15 : qs[i - 16] >> 4;
    q[i] = (int8_t)((low | (int)(high >> i & 1) << 4) - offset);
  }
}

/* Q8_0, 34 bytes: fp16 d; 32 int8. */
static void read_q8_0(struct block *b, const uint8_t *p) {
  b->scale[0] = half(p);
  memcpy(b->q, p + 2, 32);
}

/* Q4_0, 18 bytes: fp16 d; 16 bytes of nibbles, q = nibble - 8. */
static void read_q4_0(struct block *b, const uint8_t *p) {
  b->scale[0] = half(p);
  nibbles32(b->q, p + 2, 0, 8);
}

/* Q4_1, 20 bytes: fp16 d; fp16 min; 16 bytes of nibbles. */
static void read_q4_1(struct block *b, const uint8_t *p) {
  b->scale[0] = half(p);
  b->min[0] = half(p + 2);
  nibbles32(b->q, p + 4, 0, 0);
}

/* Q5_0, 22 bytes: fp16 d; 32 bits, bit i the fifth bit of weight i; 16 bytes of nibbles; q = 5 bits - 16. */
static void read_q5_0(struct block *b, const uint8_t *p) {
  b->scale[0] = half(p);
  nibbles32(b->q, p + 6, word32(p + 2), 16);
}

/* Q5_1, 24 bytes: fp16 d; fp16 min; 32 fifth bits; 16 bytes of nibbles. */
static void read_q5_1(struct block *b, const uint8_t *p) {
  b->scale[0] = half(p);
  b->min[0] = half(p + 2);
  nibbles32(b->q, p + 8, word32(p + 4), 0);
}

/* The 16 levels of IQ4_NL and IQ4_XS: a nibble is an index. */
static const int8_t iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

static void levels32(int8_t *q, const uint8_t *qs) {
  nibbles32(q, qs, 0, 0);
  for (int i = 0; i < 32; i++) q[i] = iq4_levels[q[i]];
}

/* IQ4_NL, 18 bytes: fp16 d; 16 bytes of nibbles, q = levels[nibble]. */
static void read_iq4_nl(struct block *b, const uint8_t *p) {
  b->scale[0] = half(p);
  levels32(b->q, p + 2);
}

/* ---- blocks of 256 weights: an fp16 scale of small integer scales -------------------------------------------------- */

/* Q4_K and Q5_K: fp16 d; fp16 dmin; 12 bytes that hold eight 6-bit scales and eight 6-bit minimums:
 * bytes 0..3 low 6 bits: scales 0..3; bytes 4..7 low 6 bits: minimums 0..3; bytes 8..11: low nibbles of scales 4..7 and, above,
 * of minimums 4..7, whose upper two bits are the upper two of bytes 0..3 and 4..7. */
static void read_scales_4k(struct block *b, const uint8_t *p) {
  float d = half(p), dmin = half(p + 2);
  const uint8_t *s = p + 4;
  for (int j = 0; j < 4; j++) {
    b->scale[j] = d * (float)(s[j] & 63);
    b->min[j] = -(dmin * (float)(s[j + 4] & 63));
    b->scale[j + 4] = d * (float)((s[j + 8] & 15) | (s[j] >> 6) << 4);
    b->min[j + 4] = -(dmin * (float)(s[j + 8] >> 4 | (s[j + 4] >> 6) << 4));
  }
}

/* Q4_K, 144 bytes: 16 of scales; 128 of nibbles: weight 64 c + i (i < 32) in the low nibble of byte 32 c + i, weight
 * 64 c + 32 + i in its high nibble. */
static void read_q4_k(struct block *b, const uint8_t *p) {
  read_scales_4k(b, p);
  for (int i = 0; i < 256; i++) {
    int byte = p[16 + i / 64 * 32 + i % 32];
    b->q[i] = (int8_t)(i / 32 % 2 == 0 ? byte & 15 : byte >> 4);
  }
}

/* Q5_K, 176 bytes: 16 of scales; 32 of fifth bits: bit j of byte i belongs to weight 32 j + i; 128 of nibbles as in Q4_K. */
static void read_q5_k(struct block *b, const uint8_t *p) {
  read_scales_4k(b, p);
  for (int i = 0; i < 256; i++) {
    int byte = p[48 + i / 64 * 32 + i % 32], fifth = p[16 + i % 32] >> (i / 32) & 1;
    b->q[i] = (int8_t)((i / 32 % 2 == 0 ? byte & 15 : byte >> 4) | fifth << 4);
  }
}

/* Q6_K, 210 bytes: 128 of nibbles; 64 of upper pairs of bits; 16 int8 scales; fp16 d; q = 6 bits - 32.
 * Each half of 128 weights has 64 bytes of nibbles and 32 of pairs: weight 32 s + i (s = 0..3) takes the low (s < 2) or high
 * nibble of byte 32 (s mod 2) + i and bits 2 s, 2 s + 1 of byte i. */
static void read_q6_k(struct block *b, const uint8_t *p) {
  float d = half(p + 208);
  for (int j = 0; j < 16; j++) b->scale[j] = d * (float)(int8_t)p[192 + j];
  for (int i = 0; i < 256; i++) {
    const uint8_t *low = p + i / 128 * 64, *high = p + 128 + i / 128 * 32;
    int s = i / 32 % 4, byte = low[s % 2 * 32 + i % 32];
    b->q[i] = (int8_t)(((s < 2 ? byte & 15 : byte >> 4) | (high[i % 32] >> (2 * s) & 3) << 4) - 32);
  }
}

/* Two bits a weight, 32 bytes for each half of 128: weight 32 s + i of the half is bits 2 s, 2 s + 1 of byte i. */
static int pair_of(const uint8_t *qs, int i) {
  return qs[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3;
}

/* Q2_K, 84 bytes: 16 bytes, scale in the low nibble and minimum in the high one; 64 of pairs; fp16 d; fp16 dmin. */
static void read_q2_k(struct block *b, const uint8_t *p) {
  float d = half(p + 80), dmin = half(p + 82);
  for (int j = 0; j < 16; j++) {
    b->scale[j] = d * (float)(p[j] & 15);
    b->min[j] = -(dmin * (float)(p[j] >> 4));
  }
  for (int i = 0; i < 256; i++) b->q[i] = (int8_t)pair_of(p + 16, i);
}

/* Q3_K, 110 bytes: 32 of third bits: bit j of byte i belongs to weight 32 j + i; 64 of pairs; 12 of scales; fp16 d;
 * q = 3 bits - 4. Sixteen 6-bit scales, each minus 32: nibbles in bytes 0..7 (scales 8..15 in the high ones), the upper two bits
 * of scale j in byte 8 + j mod 4 from bit 2 (j / 4) on. */
static void read_q3_k(struct block *b, const uint8_t *p) {
  const uint8_t *s = p + 96;
  float d = half(p + 108);
  for (int j = 0; j < 16; j++) {
    int low = j < 8 ? s[j] & 15 : s[j - 8] >> 4, high = s[8 + j % 4] >> (j / 4 * 2) & 3;
    b->scale[j] = d * (float)((low | high << 4) - 32);
  }
  for (int i = 0; i < 256; i++) b->q[i] = (int8_t)((pair_of(p + 32, i) | (p[i % 32] >> (i / 32) & 1) << 2) - 4);
}

/* IQ4_XS, 136 bytes: fp16 d; 16 bits, the upper pairs of the scales; 4 bytes, their nibbles; 128 of nibbles, 16 bytes for each 32
 * weights as in IQ4_NL. Eight 6-bit scales, each minus 32. */
static void read_iq4_xs(struct block *b, const uint8_t *p) {
  float d = half(p);
  uint32_t high = word16(p + 2);
  for (int j = 0; j < 8; j++) {
    int low = p[4 + j / 2] >> (j % 2 * 4) & 15;
    b->scale[j] = d * (float)((low | (int)(high >> (2 * j) & 3) << 4) - 32);
    levels32(b->q + 32 * j, p + 8 + 16 * j);
  }
}

/* ---- rows of blocks --------------------------------------------------------------------------------------------------- */

struct layout {
  void (*read)(struct block *b, const uint8_t *p);
  size_t weights, bytes, sub;
  bool has_min;
};

static void dequant_blocks(const struct layout *t, float *y, const uint8_t *row, size_t k) {
  struct block b;
  for (size_t i = 0; i < k; i += t->weights, row += t->bytes) {
    t->read(&b, row);
    for (size_t n = 0; n < t->weights; n++) {
      y[i + n] = b.scale[n / t->sub] * (float)b.q[n];
      if (t->has_min) y[i + n] += b.min[n / t->sub];
    }
  }
}

static float fold(float lane[SP_LANES]) {
  for (int half_of = SP_LANES / 2; half_of > 0; half_of /= 2)
    for (int i = 0; i < half_of; i++) lane[i] += lane[i + half_of];
  return lane[0];
}

/* Adds one block to the SP_LANES lanes. first: index in the row of the block's first weight. */
static void dot_block(const struct layout *t, const struct block *b, const struct sp_act *act, size_t first, float *lane) {
  for (size_t n = 0; n < t->weights; n += t->sub) {
    size_t i = first + n, j = i / t->sub;
    int32_t dot = 0, sum = 0;
    for (size_t e = 0; e < t->sub; e++) dot += b->q[n + e] * act->q[i + e];
    for (size_t e = 0; e < t->sub; e += 16) sum += act->sum[(i + e) / 16];
    float dx = act->d[i / 32], *to = &lane[j % SP_LANES];
    *to = fmaf((float)dot, b->scale[n / t->sub] * dx, *to);
    if (t->has_min) *to = fmaf((float)sum, b->min[n / t->sub] * dx, *to);
  }
}

static void dot_blocks(const struct layout *t, const struct sp_dot *job) {
  struct block b;
  for (size_t r = 0; r < job->n_rows; r++) {
    for (size_t x = 0; x < job->n_x; x++) {
      const uint8_t *p = job->rows + r * job->row_bytes;
      float lane[SP_LANES] = {0};
      for (size_t i = 0; i < job->k; i += t->weights, p += t->bytes) {
        t->read(&b, p);
        dot_block(t, &b, &job->act[x], i, lane);
      }
      job->y[x * job->ldy + r] = fold(lane);
    }
  }
}

#define BLOCK_FUNCTIONS(type, name, weights, bytes, sub, has_min)                              \
  static const struct layout layout_##name = {read_##name, weights, bytes, sub, has_min};      \
  static void dequant_##name(float *y, const uint8_t *row, size_t k) {                         \
    dequant_blocks(&layout_##name, y, row, k);                                                 \
  }                                                                                            \
  static void dot_##name(const struct sp_dot *job) {                                           \
    dot_blocks(&layout_##name, job);                                                           \
  }
SP_BLOCK_LIST(BLOCK_FUNCTIONS)

/* ---- float types: a weight is a number of its own, the activation stays fp32 -------------------------------------------- */

static float value_f32(const uint8_t *row, size_t i) {
  return from_bits(word32(row + 4 * i));
}

static float value_f16(const uint8_t *row, size_t i) {
  return half(row + 2 * i);
}

static float value_bf16(const uint8_t *row, size_t i) { /* the upper half of an fp32 */
  return from_bits(word16(row + 2 * i) << 16);
}

static void dequant_values(float (*value)(const uint8_t *, size_t), float *y, const uint8_t *row, size_t k) {
  for (size_t i = 0; i < k; i++) y[i] = value(row, i);
}

static void dot_values(float (*value)(const uint8_t *, size_t), const struct sp_dot *job) {
  for (size_t r = 0; r < job->n_rows; r++) {
    for (size_t x = 0; x < job->n_x; x++) {
      const uint8_t *row = job->rows + r * job->row_bytes;
      float lane[SP_LANES] = {0};
      for (size_t i = 0; i < job->k; i++) lane[i % SP_LANES] = fmaf(job->act[x].x[i], value(row, i), lane[i % SP_LANES]);
      job->y[x * job->ldy + r] = fold(lane);
    }
  }
}

/* X(TYPE, name, bytes) */
#define VALUE_LIST(X) X(SP_F32, f32, 4) X(SP_F16, f16, 2) X(SP_BF16, bf16, 2)

#define VALUE_FUNCTIONS(type, name, bytes)                             \
  static void dequant_##name(float *y, const uint8_t *row, size_t k) { \
    dequant_values(value_##name, y, row, k);                           \
  }                                                                    \
  static void dot_##name(const struct sp_dot *job) {                   \
    dot_values(value_##name, job);                                     \
  }
VALUE_LIST(VALUE_FUNCTIONS)

/* ---- the table's entries -------------------------------------------------------------------------------------------------- */

#define DEQUANT_ENTRY(type, name, ...) [type] = dequant_##name,
#define DOT_ENTRY(type, name, ...) [type] = dot_##name,

const sp_dequant_fn sp_ref_dequant[SP_TYPES] = {VALUE_LIST(DEQUANT_ENTRY) SP_BLOCK_LIST(DEQUANT_ENTRY)};
const sp_dot_fn sp_ref_dot[SP_TYPES] = {VALUE_LIST(DOT_ENTRY) SP_BLOCK_LIST(DOT_ENTRY)};
