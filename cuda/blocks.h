/*
 * blocks.h - eight weights of a file's row, whatever its type: what simd/ref_blocks.c says, for the device.
 *
 * In:       a row, the index of the first weight, a multiple of 8.  Out: eight integers with their scale and minimum, or floats.
 * Not here: what is done with them (rows.cu, decode.cu).
 */
#ifndef SP_BLOCKS_H
#define SP_BLOCKS_H

#include "cuda/device.h"
#include "simd/kernels.h"

/* weight i = scale * q[i] + min; eight neighbours share scale and minimum in every type. */
struct eight {
  int q[8];
  float scale, min;
};

DEVICE uint32_t word16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
DEVICE uint32_t word32(const uint8_t *p) { return word16(p) | word16(p + 2) << 16; }

DEVICE float half_of(const uint8_t *p) {
  uint32_t h = word16(p), sign = (h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 1023;
  if (exponent == 31) return as_float(sign | 0x7f800000 | (mantissa != 0 ? 1u << 22 : 0) | mantissa << 13);
  if (exponent == 0) {
    float x = (float)mantissa * 0x1p-24f;
    return sign != 0 ? -x : x;
  }
  return as_float(sign | (exponent + 127 - 15) << 23 | mantissa << 13);
}

CONSTANT int8_t iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* ---- blocks of 32: i is the index in the block -------------------------------------------------------------------- */

/* Weights i .. i + 7 are nibbles of bytes i mod 16 .., low ones below 16; bit n of `high` is the fifth bit of weight n. */
DEVICE void nibbles8(int q[8], const uint8_t *qs, int i, uint32_t high, int offset) {
  UNROLL
  for (int n = 0; n < 8; n++) q[n] = ((qs[i % 16 + n] >> i / 16 * 4 & 15) | (int)(high >> (i + n) & 1) << 4) - offset;
}

DEVICE void levels8(int q[8], const uint8_t *qs, int i) {
  nibbles8(q, qs, i, 0, 0);
  UNROLL
  for (int n = 0; n < 8; n++) q[n] = iq4_levels[q[n]];
}

DEVICE void read_q8_0(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p);
  UNROLL
  for (int n = 0; n < 8; n++) e->q[n] = (int8_t)p[2 + i + n];
}

DEVICE void read_q4_0(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p);
  nibbles8(e->q, p + 2, i, 0, 8);
}

DEVICE void read_q4_1(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p);
  e->min = half_of(p + 2);
  nibbles8(e->q, p + 4, i, 0, 0);
}

DEVICE void read_q5_0(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p);
  nibbles8(e->q, p + 6, i, word32(p + 2), 16);
}

DEVICE void read_q5_1(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p);
  e->min = half_of(p + 2);
  nibbles8(e->q, p + 8, i, word32(p + 4), 0);
}

DEVICE void read_iq4_nl(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p);
  levels8(e->q, p + 2, i);
}

/* ---- blocks of 256 -------------------------------------------------------------------------------------------------- */

/* Scale and minimum j of the 12 bytes that Q4_K and Q5_K share. */
DEVICE void scales_4k(struct eight *e, const uint8_t *p, int j) {
  const uint8_t *s = p + 4;
  int scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
  int min = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | (s[j] >> 6) << 4;
  e->scale = half_of(p) * (float)scale;
  e->min = -(half_of(p + 2) * (float)min);
}

DEVICE void read_q4_k(struct eight *e, const uint8_t *p, int i) {
  scales_4k(e, p, i / 32);
  const uint8_t *qs = p + 16 + i / 64 * 32 + i % 32;
  UNROLL
  for (int n = 0; n < 8; n++) e->q[n] = qs[n] >> i / 32 % 2 * 4 & 15;
}

DEVICE void read_q5_k(struct eight *e, const uint8_t *p, int i) {
  scales_4k(e, p, i / 32);
  const uint8_t *qs = p + 48 + i / 64 * 32 + i % 32, *fifth = p + 16 + i % 32;
  UNROLL
  for (int n = 0; n < 8; n++) e->q[n] = (qs[n] >> i / 32 % 2 * 4 & 15) | (fifth[n] >> i / 32 & 1) << 4;
}

DEVICE void read_q6_k(struct eight *e, const uint8_t *p, int i) {
  int s = i / 32 % 4;
  const uint8_t *low = p + i / 128 * 64 + s % 2 * 32 + i % 32, *high = p + 128 + i / 128 * 32 + i % 32;
  e->scale = half_of(p + 208) * (float)(int8_t)p[192 + i / 16];
  UNROLL
  for (int n = 0; n < 8; n++) e->q[n] = ((low[n] >> s / 2 * 4 & 15) | (high[n] >> 2 * s & 3) << 4) - 32;
}

DEVICE int pair_of(const uint8_t *qs, int i) { return qs[i / 128 * 32 + i % 32] >> (i / 32 % 4 * 2) & 3; }

DEVICE void read_q2_k(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p + 80) * (float)(p[i / 16] & 15);
  e->min = -(half_of(p + 82) * (float)(p[i / 16] >> 4));
  UNROLL
  for (int n = 0; n < 8; n++) e->q[n] = pair_of(p + 16, i + n);
}

DEVICE void read_q3_k(struct eight *e, const uint8_t *p, int i) {
  const uint8_t *s = p + 96;
  int j = i / 16, low = j < 8 ? s[j] & 15 : s[j - 8] >> 4, high = s[8 + j % 4] >> (j / 4 * 2) & 3;
  e->scale = half_of(p + 108) * (float)((low | high << 4) - 32);
  UNROLL
  for (int n = 0; n < 8; n++) e->q[n] = (pair_of(p + 32, i + n) | (p[(i + n) % 32] >> (i / 32) & 1) << 2) - 4;
}

DEVICE void read_iq4_xs(struct eight *e, const uint8_t *p, int i) {
  int j = i / 32, low = p[4 + j / 2] >> (j % 2 * 4) & 15, high = word16(p + 2) >> (2 * j) & 3;
  e->scale = half_of(p) * (float)((low | high << 4) - 32);
  levels8(e->q, p + 8 + 16 * j, i % 32);
}

/* ---- any type --------------------------------------------------------------------------------------------------------- */

DEVICE bool type_is_float(uint32_t type) { return type == SP_F32 || type == SP_F16 || type == SP_BF16; }

/* Of the types with 16 weights a scale; all others have 32. */
DEVICE bool type_has_16(uint32_t type) {
#define HAS_16(TYPE, name, weights, bytes, sub, has_min) (sub == 16 && type == TYPE) ||
  return SP_BLOCK_LIST(HAS_16) false;
#undef HAS_16
}

DEVICE bool type_has_min(uint32_t type) {
#define HAS_MIN(TYPE, name, weights, bytes, sub, has_min) (has_min && type == TYPE) ||
  return SP_BLOCK_LIST(HAS_MIN) false;
#undef HAS_MIN
}

DEVICE void read_eight(struct eight *e, uint32_t type, const uint8_t *row, uint32_t i) {
  switch (type) {
#define READ(TYPE, name, weights, bytes, sub, has_min)                  \
  case TYPE:                                                            \
    read_##name(e, row + i / (weights) * (uint64_t)(bytes), (int)(i % (weights))); \
    break;
    SP_BLOCK_LIST(READ)
#undef READ
  }
}

DEVICE float value_of(uint32_t type, const uint8_t *row, uint32_t i) {
  return type == SP_F32   ? as_float(word32(row + 4ull * i))
         : type == SP_F16 ? half_of(row + 2ull * i)
                          : as_float(word16(row + 2ull * i) << 16);
}

/* Eight weights in fp32. */
DEVICE void dequant_eight(float y[8], uint32_t type, const uint8_t *row, uint32_t i) {
  struct eight e;
  if (type_is_float(type)) {
    UNROLL
    for (int n = 0; n < 8; n++) y[n] = value_of(type, row, i + n);
    return;
  }
  read_eight(&e, type, row, i);
  UNROLL
  for (int n = 0; n < 8; n++) y[n] = e.scale * (float)e.q[n];
  if (!type_has_min(type)) return;
  UNROLL
  for (int n = 0; n < 8; n++) y[n] += e.min;
}

#endif
