/*
 * rows.h - what kernels on rows and on heads share: stages of the rotation, sizes, int8, the norm's factor.
 *
 * In:       elements that a thread has.  Out: the same, turned; bytes.
 * Not here: which thread has what (rows.cu, heads.cu).
 */
#ifndef SP_ROWS_H
#define SP_ROWS_H

#include "cuda/device.h"
#include "simd/kernels.h"

DEVICE void butterfly(float *u, float *v) {
  float sum = *u + *v;
  *v = *u - *v;
  *u = sum;
}

/* The same with a thread whose number differs in one bit, `mask`. */
DEVICE float butterfly_across(float x, uint32_t mask) {
  float sign = (THREAD & mask) != 0 ? -1 : 1; /* exact: a product by one of these */
  return fma_rn(x, sign, across(x, (int)mask));
}

DEVICE uint32_t largest_of(const float v[8]) {
  uint32_t most = 0;
  UNROLL
  for (int i = 0; i < 8; i++) most = larger_bits(most, size_bits(v[i]));
  return most;
}

/* Eight integers of x * scale, |.| <= 127, to q, aligned to 8. */
DEVICE void store_bytes(int8_t *q, const float v[8], float scale) {
  *(struct int_two *)q = (struct int_two){{(int)four_bytes(v, scale), (int)four_bytes(v + 4, scale)}};
}

DEVICE float norm_factor(float sum, uint32_t n, float eps) { return div_rn(1, sqrt_rn(div_rn(sum, (float)n) + eps)); }

/* Where key `i` stands among the 128 bytes of a channel of its tile of values. */
DEVICE uint32_t value_place(uint32_t i) {
  return i % SP_TILE / 16 * 16 + i % 8 / 2 * 4 + i % 16 / 8 * 2 + i % 2;
}

#endif
