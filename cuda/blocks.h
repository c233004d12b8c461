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
  uint32_t q[2]; /* int8, four a word */
  float scale, min;
};

/* All types have blocks of an even number of bytes, and rows begin at an even address. */
DEVICE uint32_t word16(const uint8_t *p) { return *(const uint16_t *)p; }
DEVICE uint32_t word32(const uint8_t *p) { return word16(p) | word16(p + 2) << 16; }
DEVICE float half_of(const uint8_t *p) { return half_float(word16(p)); }

/* Eight bytes at p, which is even, or for `bytes8` a multiple of 8. */
DEVICE void even8(uint32_t w[2], const uint8_t *p) { w[0] = word32(p), w[1] = word32(p + 4); }
DEVICE void bytes8(uint32_t w[2], const uint8_t *p) {
  struct int_two two = *(const struct int_two *)p;
  w[0] = (uint32_t)two.x[0], w[1] = (uint32_t)two.x[1];
}

/* Of each byte, all at once: bits of it; less a number, where the byte is below 128 and the difference fits int8. */
DEVICE void take_bits(uint32_t w[2], int from, uint32_t mask) {
  UNROLL
  for (int i = 0; i < 2; i++) w[i] = w[i] >> from & mask * 0x01010101u;
}
DEVICE void subtract(uint32_t w[2], uint32_t less) {
  UNROLL
  for (int i = 0; i < 2; i++) w[i] = (w[i] + (128 - less) * 0x01010101u) ^ 0x80808080u;
}
/* Bits `from` .. of each byte of `high` become those from `to` on. */
DEVICE void add_bits(uint32_t w[2], const uint32_t high[2], int from, uint32_t mask, int to) {
  UNROLL
  for (int i = 0; i < 2; i++) w[i] |= (high[i] >> from & mask * 0x01010101u) << to;
}

CONSTANT int8_t iq4_levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

DEVICE void take_levels(uint32_t w[2]) {
  UNROLL
  for (int i = 0; i < 2; i++) {
    uint32_t levels = 0;
    UNROLL
    for (int n = 0; n < 32; n += 8) levels |= (uint32_t)(uint8_t)iq4_levels[w[i] >> n & 15] << n;
    w[i] = levels;
  }
}

/* ---- blocks of 32: i is the index in the block -------------------------------------------------------------------- */

/* Weights i .. i + 7 are nibbles of bytes i mod 16 .., low ones below 16. */
DEVICE void nibbles8(uint32_t q[2], const uint8_t *qs, int i) {
  even8(q, qs + i % 16);
  take_bits(q, i / 16 * 4, 15);
}

/* Bit n of `high` is the fifth bit of weight n: four bits go to the lowest of four bytes. */
DEVICE void fifth8(uint32_t q[2], uint32_t high, int i) {
  UNROLL
  for (int n = 0; n < 2; n++) q[n] |= ((high >> (i + 4 * n) & 15) * 0x00204081u & 0x01010101u) << 4;
}

DEVICE void read_q8_0(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p);
  even8(e->q, p + 2 + i);
}

DEVICE void read_q4_0(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p);
  nibbles8(e->q, p + 2, i);
  subtract(e->q, 8);
}

DEVICE void read_q4_1(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p);
  e->min = half_of(p + 2);
  nibbles8(e->q, p + 4, i);
}

DEVICE void read_q5_0(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p);
  nibbles8(e->q, p + 6, i);
  fifth8(e->q, word32(p + 2), i);
  subtract(e->q, 16);
}

DEVICE void read_q5_1(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p);
  e->min = half_of(p + 2);
  nibbles8(e->q, p + 8, i);
  fifth8(e->q, word32(p + 4), i);
}

DEVICE void read_iq4_nl(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p);
  nibbles8(e->q, p + 2, i);
  take_levels(e->q);
}

/* ---- blocks of 256 -------------------------------------------------------------------------------------------------- */

/* Q4_K and Q5_K, whose blocks are aligned to 16: two floats and 12 bytes with eight scales and minima of 6 bits, of which j is
 * taken: the first four in bytes 0 .. 3 and 4 .. 7; of the last four the low bits in 8 .. 11, the high ones above the first. */
DEVICE void scales_4k(struct eight *e, const uint8_t *p, int j) {
  struct int_four head = *(const struct int_four *)p;
  uint32_t shift = (uint32_t)j % 4 * 8, floats = (uint32_t)head.x[0];
  uint32_t first = (uint32_t)head.x[1] >> shift, second = (uint32_t)head.x[2] >> shift, third = (uint32_t)head.x[3] >> shift;
  uint32_t scale = j < 4 ? first & 63 : (third & 15) | (first >> 6 & 3) << 4;
  uint32_t min = j < 4 ? second & 63 : (third >> 4 & 15) | (second >> 6 & 3) << 4;
  e->scale = half_float(floats & 0xffff) * (float)scale;
  e->min = -(half_float(floats >> 16) * (float)min);
}

DEVICE void read_q4_k(struct eight *e, const uint8_t *p, int i) {
  scales_4k(e, p, i / 32);
  bytes8(e->q, p + 16 + i / 64 * 32 + i % 32);
  take_bits(e->q, i / 32 % 2 * 4, 15);
}

DEVICE void read_q5_k(struct eight *e, const uint8_t *p, int i) {
  uint32_t fifth[2];
  scales_4k(e, p, i / 32);
  bytes8(e->q, p + 48 + i / 64 * 32 + i % 32);
  bytes8(fifth, p + 16 + i % 32);
  take_bits(e->q, i / 32 % 2 * 4, 15);
  add_bits(e->q, fifth, i / 32, 1, 4);
}

DEVICE void read_q6_k(struct eight *e, const uint8_t *p, int i) {
  int s = i / 32 % 4;
  uint32_t high[2];
  e->scale = half_of(p + 208) * (float)(int8_t)p[192 + i / 16];
  even8(e->q, p + i / 128 * 64 + s % 2 * 32 + i % 32);
  even8(high, p + 128 + i / 128 * 32 + i % 32);
  take_bits(e->q, s / 2 * 4, 15);
  add_bits(e->q, high, 2 * s, 3, 4);
  subtract(e->q, 32);
}

/* Two bits of each weight. */
DEVICE void pairs8(uint32_t q[2], const uint8_t *qs, int i) {
  even8(q, qs + i / 128 * 32 + i % 32);
  take_bits(q, i / 32 % 4 * 2, 3);
}

DEVICE void read_q2_k(struct eight *e, const uint8_t *p, int i) {
  e->scale = half_of(p + 80) * (float)(p[i / 16] & 15);
  e->min = -(half_of(p + 82) * (float)(p[i / 16] >> 4));
  pairs8(e->q, p + 16, i);
}

DEVICE void read_q3_k(struct eight *e, const uint8_t *p, int i) {
  const uint8_t *s = p + 96;
  uint32_t third[2];
  int j = i / 16, low = j < 8 ? s[j] & 15 : s[j - 8] >> 4, high = s[8 + j % 4] >> (j / 4 * 2) & 3;
  e->scale = half_of(p + 108) * (float)((low | high << 4) - 32);
  pairs8(e->q, p + 32, i);
  even8(third, p + i % 32);
  add_bits(e->q, third, i / 32, 1, 2);
  subtract(e->q, 4);
}

DEVICE void read_iq4_xs(struct eight *e, const uint8_t *p, int i) {
  int j = i / 32, low = p[4 + j / 2] >> (j % 2 * 4) & 15;
  uint32_t high = word16(p + 2) >> (2 * j) & 3;
  e->scale = half_of(p) * (float)((low | (int)high << 4) - 32);
  bytes8(e->q, p + 8 + 16 * j + i % 16);
  take_bits(e->q, i % 32 / 16 * 4, 15);
  take_levels(e->q);
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
  for (int n = 0; n < 8; n++) y[n] = e.scale * (float)(int8_t)(e.q[n / 4] >> n % 4 * 8);
  if (!type_has_min(type)) return;
  UNROLL
  for (int n = 0; n < 8; n++) y[n] += e.min;
}

#endif
