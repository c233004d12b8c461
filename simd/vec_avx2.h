/*
 * vec_avx2.h - the verbs of vector.inc and its siblings in AVX2, FMA and F16C.
 *
 * In, Out:  vf is 16 fp32, vu is 16 uint32, each a pair of ymm registers (lanes 0..7, 8..15), because sums have 16 lanes;
 *           vb is 16 bytes; bit sets of 16 lanes are a uint32_t, lane 0 in bit 0.
 * Not here: arithmetic of models. vec_avx512.h has the same verbs in single zmm registers; a body written in verbs runs on both.
 *
 * Names: v* on vf, u* on vu, b* on vb. *_n touches the first n elements only, 0 <= n <= 16; lanes past them load as 0.
 */
#ifndef SP_VEC_AVX2_H
#define SP_VEC_AVX2_H

#if !defined __AVX2__ || !defined __FMA__ || !defined __F16C__
#error "this file needs -mavx2 -mfma -mf16c"
#endif

#include <immintrin.h>
#include <string.h>
#include "exp2.h"
#include "inline.h"
#include "kernels.h"

typedef struct {
  __m256 a, b;
} vf;
typedef struct {
  __m256i a, b;
} vu;
typedef __m128i vb;

/* Lanes first .. first + 7 that are below n. */
SP_INLINE __m256i below_n(size_t n, int first) {
  __m256i lane = _mm256_add_epi32(_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0), _mm256_set1_epi32(first));
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), lane);
}

/* ---- memory ---- */
SP_INLINE vf vload(const float *p) { return (vf){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
SP_INLINE void vstore(float *p, vf v) {
  _mm256_storeu_ps(p, v.a);
  _mm256_storeu_ps(p + 8, v.b);
}
/* Not by masked loads: they may name memory that does not exist, but an emulator in the field (qemu-user 7) reads it all the
 * same. */
SP_INLINE vf vload_n(const float *p, size_t n) {
  if (n == SP_LANES) return vload(p);
  float part[SP_LANES] = {0};
  memcpy(part, p, n * sizeof *p);
  return vload(part);
}
SP_INLINE void vstore_n(float *p, vf v, size_t n) {
  if (n == SP_LANES) {
    vstore(p, v);
    return;
  }
  _mm256_maskstore_ps(p, below_n(n, 0), v.a);
  _mm256_maskstore_ps(p + 8, below_n(n, 8), v.b);
}
SP_INLINE vu uload(const uint32_t *p) {
  return (vu){_mm256_loadu_si256((const __m256i *)(const void *)p), _mm256_loadu_si256((const __m256i *)(const void *)(p + 8))};
}
SP_INLINE void ustore(uint32_t *p, vu u) {
  _mm256_storeu_si256((__m256i *)(void *)p, u.a);
  _mm256_storeu_si256((__m256i *)(void *)(p + 8), u.b);
}
SP_INLINE vu uload_n(const uint32_t *p, size_t n) {
  if (n == SP_LANES) return uload(p);
  uint32_t part[SP_LANES] = {0};
  memcpy(part, p, n * sizeof *p);
  return uload(part);
}
SP_INLINE void ustore_n(uint32_t *p, vu u, size_t n) {
  _mm256_maskstore_epi32((int *)p, below_n(n, 0), u.a);
  _mm256_maskstore_epi32((int *)p + 8, below_n(n, 8), u.b);
}

/* n <= 8 floats, each in two neighbouring lanes: p0 p0 p1 p1 .. */
SP_INLINE vf vload_twice_n(const float *p, size_t n) {
  float part[8] = {0};
  if (n < 8) memcpy(part, p, n * sizeof *p);
  __m256 v = _mm256_loadu_ps(n < 8 ? part : p);
  return (vf){_mm256_permutevar8x32_ps(v, _mm256_set_epi32(3, 3, 2, 2, 1, 1, 0, 0)),
              _mm256_permutevar8x32_ps(v, _mm256_set_epi32(7, 7, 6, 6, 5, 5, 4, 4))};
}

/* ---- arithmetic ---- */
SP_INLINE vf vset(float x) { return (vf){_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
SP_INLINE vf vadd(vf x, vf y) { return (vf){_mm256_add_ps(x.a, y.a), _mm256_add_ps(x.b, y.b)}; }
SP_INLINE vf vsub(vf x, vf y) { return (vf){_mm256_sub_ps(x.a, y.a), _mm256_sub_ps(x.b, y.b)}; }
SP_INLINE vf vmul(vf x, vf y) { return (vf){_mm256_mul_ps(x.a, y.a), _mm256_mul_ps(x.b, y.b)}; }
SP_INLINE vf vdiv(vf x, vf y) { return (vf){_mm256_div_ps(x.a, y.a), _mm256_div_ps(x.b, y.b)}; }
SP_INLINE vf vmax(vf x, vf y) { return (vf){_mm256_max_ps(x.a, y.a), _mm256_max_ps(x.b, y.b)}; }
SP_INLINE vf vfma(vf x, vf y, vf z) { return (vf){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)}; }
/* x * y - z */
SP_INLINE vf vfms(vf x, vf y, vf z) { return (vf){_mm256_fmsub_ps(x.a, y.a, z.a), _mm256_fmsub_ps(x.b, y.b, z.b)}; }
/* x * y - z in even lanes, + z in odd */
SP_INLINE vf vfma_alternate(vf x, vf y, vf z) {
  return (vf){_mm256_fmaddsub_ps(x.a, y.a, z.a), _mm256_fmaddsub_ps(x.b, y.b, z.b)};
}
SP_INLINE vf vswap_pairs(vf x) { return (vf){_mm256_permute_ps(x.a, 0xb1), _mm256_permute_ps(x.b, 0xb1)}; } /* lanes 1 0 3 2 .. */

SP_INLINE vu uset(uint32_t x) { return (vu){_mm256_set1_epi32((int)x), _mm256_set1_epi32((int)x)}; }
SP_INLINE vu uand(vu x, vu y) { return (vu){_mm256_and_si256(x.a, y.a), _mm256_and_si256(x.b, y.b)}; }
SP_INLINE vu uor(vu x, vu y) { return (vu){_mm256_or_si256(x.a, y.a), _mm256_or_si256(x.b, y.b)}; }
SP_INLINE vu uxor(vu x, vu y) { return (vu){_mm256_xor_si256(x.a, y.a), _mm256_xor_si256(x.b, y.b)}; }
SP_INLINE vu uadd(vu x, vu y) { return (vu){_mm256_add_epi32(x.a, y.a), _mm256_add_epi32(x.b, y.b)}; }
SP_INLINE vu umul(vu x, vu y) { return (vu){_mm256_mullo_epi32(x.a, y.a), _mm256_mullo_epi32(x.b, y.b)}; }
SP_INLINE vu umax(vu x, vu y) { return (vu){_mm256_max_epu32(x.a, y.a), _mm256_max_epu32(x.b, y.b)}; }
/* all ones where bit 31 is set, else 0 */
SP_INLINE vu usign(vu x) { return (vu){_mm256_srai_epi32(x.a, 31), _mm256_srai_epi32(x.b, 31)}; }
SP_INLINE vu vbits(vf x) { return (vu){_mm256_castps_si256(x.a), _mm256_castps_si256(x.b)}; }

SP_INLINE uint32_t set_of(__m256i a, __m256i b) {
  return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(a)) | (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(b)) << 8;
}
SP_INLINE uint32_t uequal(vu x, vu y) { return set_of(_mm256_cmpeq_epi32(x.a, y.a), _mm256_cmpeq_epi32(x.b, y.b)); }
/* AVX2 compares signed numbers: turn bit 31 over on both sides. */
SP_INLINE uint32_t ugreater(vu x, vu y) {
  vu top = uset(0x80000000u), s = uxor(x, top), t = uxor(y, top);
  return set_of(_mm256_cmpgt_epi32(s.a, t.a), _mm256_cmpgt_epi32(s.b, t.b));
}

/* exp2.h, step by step, for one register. exp2_down_ps is for x <= 0, where the upper bound cannot be met. */
SP_INLINE __m256 exp2_down_ps(__m256 x) {
  const __m256 magic = _mm256_set1_ps(SP_EXP2_MAGIC);
  __m256 normal = _mm256_cmp_ps(x, _mm256_set1_ps(SP_EXP2_LOW), _CMP_GE_OQ);
  __m256 t = _mm256_add_ps(x, magic), f = _mm256_sub_ps(x, _mm256_sub_ps(t, magic));
  __m256 p = _mm256_fmadd_ps(_mm256_set1_ps(SP_EXP2_C5), f, _mm256_set1_ps(SP_EXP2_C4));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(SP_EXP2_C3));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(SP_EXP2_C2));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(SP_EXP2_C1));
  p = _mm256_fmadd_ps(p, f, _mm256_set1_ps(1));
  __m256i power = _mm256_slli_epi32(_mm256_castps_si256(t), 23);
  return _mm256_and_ps(normal, _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), power)));
}

SP_INLINE __m256 exp2_ps(__m256 x) {
  return exp2_down_ps(_mm256_min_ps(x, _mm256_set1_ps(SP_EXP2_HIGH)));
}

SP_INLINE vf vexp2(vf x) { return (vf){exp2_ps(x.a), exp2_ps(x.b)}; }

/* ---- across lanes ---- */

/* The end of a sum in lanes16. */
SP_INLINE float vfold(vf v) {
  __m256 a = _mm256_add_ps(v.a, v.b);
  __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  b = _mm_add_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

SP_INLINE uint32_t ulargest(vu u) {
  __m256i a = _mm256_max_epu32(u.a, u.b);
  __m128i b = _mm_max_epu32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  b = _mm_max_epu32(b, _mm_shuffle_epi32(b, 0x4e));
  return (uint32_t)_mm_cvtsi128_si32(_mm_max_epu32(b, _mm_shuffle_epi32(b, 0xb1)));
}

/* The sum of the four int8 in each lane. */
SP_INLINE __m256i sum_of_bytes(__m256i x) {
  return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_set1_epi8(1), x), _mm256_set1_epi16(1));
}
SP_INLINE vu usum_bytes(vu x) { return (vu){sum_of_bytes(x.a), sum_of_bytes(x.b)}; }

/* Lane i of x[j] becomes lane j of x[i], 8 x 8: first 4 x 4 blocks inside the halves of registers, then the halves. */
SP_INLINE void turn_eight(__m256i x[8]) {
  __m256i y[8];
  UNROLL for (size_t i = 0; i < 8; i += 2) {
    y[i] = _mm256_unpacklo_epi32(x[i], x[i + 1]);
    y[i + 1] = _mm256_unpackhi_epi32(x[i], x[i + 1]);
  }
  UNROLL for (size_t i = 0; i < 8; i += 4) {
    x[i] = _mm256_unpacklo_epi64(y[i], y[i + 2]);
    x[i + 1] = _mm256_unpackhi_epi64(y[i], y[i + 2]);
    x[i + 2] = _mm256_unpacklo_epi64(y[i + 1], y[i + 3]);
    x[i + 3] = _mm256_unpackhi_epi64(y[i + 1], y[i + 3]);
  }
  UNROLL for (size_t i = 0; i < 4; i++) {
    __m256i low = _mm256_permute2x128_si256(x[i], x[i + 4], 0x20);
    x[i + 4] = _mm256_permute2x128_si256(x[i], x[i + 4], 0x31);
    x[i] = low;
  }
}

/* Lane i of x[j] becomes lane j of x[i]. */
SP_INLINE void uturn(vu x[SP_LANES]) {
  __m256i block[2][2][8]; /* by the half of x, then of its lanes */
  UNROLL for (size_t i = 0; i < SP_LANES; i++) {
    block[i / 8][0][i % 8] = x[i].a;
    block[i / 8][1][i % 8] = x[i].b;
  }
  UNROLL for (size_t i = 0; i < 4; i++) turn_eight(block[i / 2][i % 2]);
  UNROLL for (size_t i = 0; i < SP_LANES; i++) x[i] = (vu){block[0][i / 8][i % 8], block[1][i / 8][i % 8]};
}

SP_INLINE __m256 rotate_half(__m256 x, size_t b) {
  if (b > 1) x = _mm256_fmadd_ps(x, _mm256_set_ps(-1, 1, -1, 1, -1, 1, -1, 1), _mm256_permute_ps(x, 0xb1));
  if (b > 2) x = _mm256_fmadd_ps(x, _mm256_set_ps(-1, -1, 1, 1, -1, -1, 1, 1), _mm256_permute_ps(x, 0x4e));
  if (b > 4) x = _mm256_fmadd_ps(x, _mm256_set_ps(-1, -1, -1, -1, 1, 1, 1, 1), _mm256_permute2f128_ps(x, x, 1));
  return x;
}

/* Stages h = 1, 2, .. < b of the Walsh-Hadamard transform inside a register pair, b <= 16. Where lane bit h is clear a lane
 * becomes u + v, else u - v: that is partner + self * (1 or -1), and a product with 1 or -1 is exact, so the fma rounds once, as
 * add does. */
SP_INLINE vf vrotate(vf x, size_t b) {
  x.a = rotate_half(x.a, b);
  x.b = rotate_half(x.b, b);
  if (b > 8) x = (vf){_mm256_add_ps(x.a, x.b), _mm256_sub_ps(x.a, x.b)};
  return x;
}

/* 16 fp32 within -128 .. 127, rounded to nearest even (the mode that every caller runs in), as bytes. */
SP_INLINE vb vbytes(vf v) {
  __m256i words = _mm256_packs_epi32(_mm256_cvtps_epi32(v.a), _mm256_cvtps_epi32(v.b)); /* a0-3 b0-3 a4-7 b4-7 */
  words = _mm256_permute4x64_epi64(words, 0xd8);
  return _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
}

SP_INLINE vb bset(uint8_t x) { return _mm_set1_epi8((char)x); }
SP_INLINE vb bxor(vb x, vb y) { return _mm_xor_si128(x, y); }
SP_INLINE void bstore(uint8_t *p, vb x) { _mm_storeu_si128((__m128i *)(void *)p, x); }
SP_INLINE void bstore_n(uint8_t *p, vb bytes, size_t n) {
  uint8_t all[16];
  bstore(all, bytes);
  memcpy(p, all, n);
}

/* Writes first + i for each bit i of `set`, ascending; returns how many. Writes no more than that. AVX2 has no compress, and a
 * table of 256 permutations with masked stores is not faster than this loop. */
SP_INLINE size_t uput_set(uint32_t *out, uint32_t first, uint32_t set) {
  size_t n = 0;
  for (; set != 0; set &= set - 1) out[n++] = first + (uint32_t)__builtin_ctz(set);
  return n;
}

#endif
