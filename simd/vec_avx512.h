/*
 * vec_avx512.h - the verbs of vector.inc and its siblings in AVX-512 (F, BW, DQ, VL).
 *
 * In, Out:  vf is 16 fp32, vu is 16 uint32, both one zmm register; vb is 16 bytes; bit sets of 16 lanes are a uint32_t, lane 0
 *           in bit 0.
 * Not here: arithmetic of models. vec_avx2.h has the same verbs in pairs of ymm registers; a body written in verbs runs on both.
 *
 * Names: v* on vf, u* on vu, b* on vb. *_n touches the first n elements only, 0 <= n <= 16; lanes past them load as 0.
 */
#ifndef SP_VEC_AVX512_H
#define SP_VEC_AVX512_H

#if !defined __AVX512F__ || !defined __AVX512BW__ || !defined __AVX512DQ__ || !defined __AVX512VL__
#error "this file needs -mavx512f -mavx512bw -mavx512dq -mavx512vl"
#endif

#include <immintrin.h>
#include "exp2.h"
#include "inline.h"
#include "kernels.h"

typedef __m512 vf;
typedef __m512i vu;
typedef __m128i vb;

SP_INLINE __mmask16 first_n(size_t n) {
  return (__mmask16)((1u << n) - 1);
}

/* ---- memory ---- */
SP_INLINE vf vload(const float *p) { return _mm512_loadu_ps(p); }
SP_INLINE void vstore(float *p, vf v) { _mm512_storeu_ps(p, v); }
SP_INLINE vf vload_n(const float *p, size_t n) { return _mm512_maskz_loadu_ps(first_n(n), p); }
SP_INLINE void vstore_n(float *p, vf v, size_t n) { _mm512_mask_storeu_ps(p, first_n(n), v); }
SP_INLINE vu uload(const uint32_t *p) { return _mm512_loadu_si512(p); }
SP_INLINE void ustore(uint32_t *p, vu u) { _mm512_storeu_si512(p, u); }
SP_INLINE vu uload_n(const uint32_t *p, size_t n) { return _mm512_maskz_loadu_epi32(first_n(n), p); }
SP_INLINE void ustore_n(uint32_t *p, vu u, size_t n) { _mm512_mask_storeu_epi32(p, first_n(n), u); }

/* n <= 8 floats, each in two neighbouring lanes: p0 p0 p1 p1 .. */
SP_INLINE vf vload_twice_n(const float *p, size_t n) {
  const __m512i twice = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
  return _mm512_permutexvar_ps(twice, vload_n(p, n));
}

/* ---- arithmetic ---- */
SP_INLINE vf vset(float x) { return _mm512_set1_ps(x); }
SP_INLINE vf vadd(vf a, vf b) { return _mm512_add_ps(a, b); }
SP_INLINE vf vsub(vf a, vf b) { return _mm512_sub_ps(a, b); }
SP_INLINE vf vmul(vf a, vf b) { return _mm512_mul_ps(a, b); }
SP_INLINE vf vdiv(vf a, vf b) { return _mm512_div_ps(a, b); }
SP_INLINE vf vmax(vf a, vf b) { return _mm512_max_ps(a, b); }
SP_INLINE vf vfma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
SP_INLINE vf vfms(vf a, vf b, vf c) { return _mm512_fmsub_ps(a, b, c); }             /* a * b - c */
SP_INLINE vf vfma_alternate(vf a, vf b, vf c) { return _mm512_fmaddsub_ps(a, b, c); } /* a * b - c in even lanes, + c in odd */
SP_INLINE vf vswap_pairs(vf a) { return _mm512_permute_ps(a, 0xb1); }                 /* lanes 1 0 3 2 .. */

SP_INLINE vu uset(uint32_t x) { return _mm512_set1_epi32((int)x); }
SP_INLINE vu uand(vu a, vu b) { return _mm512_and_si512(a, b); }
SP_INLINE vu uor(vu a, vu b) { return _mm512_or_si512(a, b); }
SP_INLINE vu uxor(vu a, vu b) { return _mm512_xor_si512(a, b); }
SP_INLINE vu uadd(vu a, vu b) { return _mm512_add_epi32(a, b); }
SP_INLINE vu umul(vu a, vu b) { return _mm512_mullo_epi32(a, b); }
SP_INLINE vu umax(vu a, vu b) { return _mm512_max_epu32(a, b); }
SP_INLINE vu usign(vu a) { return _mm512_srai_epi32(a, 31); } /* all ones where bit 31 is set, else 0 */
SP_INLINE vu vbits(vf a) { return _mm512_castps_si512(a); }
SP_INLINE uint32_t ugreater(vu a, vu b) { return _mm512_cmpgt_epu32_mask(a, b); }
SP_INLINE uint32_t uequal(vu a, vu b) { return _mm512_cmpeq_epi32_mask(a, b); }

/* exp2.h with two instructions that AVX-512 has for it, and the same bits: vreduceps gives f = x - rint(x), vscalefps p * 2^n.
 * exp2_down_ps is for x <= 0, where the upper bound cannot be met. */
SP_INLINE __m512 exp2_down_ps(__m512 x) {
  __mmask16 normal = _mm512_cmp_ps_mask(x, _mm512_set1_ps(SP_EXP2_LOW), _CMP_GE_OQ);
  __m512 f = _mm512_reduce_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), n = _mm512_sub_ps(x, f);
  __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(SP_EXP2_C5), f, _mm512_set1_ps(SP_EXP2_C4));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(SP_EXP2_C3));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(SP_EXP2_C2));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(SP_EXP2_C1));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1));
  return _mm512_maskz_scalef_ps(normal, p, n);
}

SP_INLINE __m512 exp2_ps(__m512 x) {
  return exp2_down_ps(_mm512_min_ps(x, _mm512_set1_ps(SP_EXP2_HIGH)));
}

SP_INLINE vf vexp2(vf x) { return exp2_ps(x); }

/* ---- across lanes ---- */

/* The end of a sum in lanes16. */
SP_INLINE float vfold(vf v) {
  __m256 a = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
  __m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
  b = _mm_add_ps(b, _mm_movehl_ps(b, b));
  return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}

SP_INLINE uint32_t ulargest(vu u) {
  __m256i a = _mm256_max_epu32(_mm512_castsi512_si256(u), _mm512_extracti64x4_epi64(u, 1));
  __m128i b = _mm_max_epu32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
  b = _mm_max_epu32(b, _mm_shuffle_epi32(b, 0x4e));
  return (uint32_t)_mm_cvtsi128_si32(_mm_max_epu32(b, _mm_shuffle_epi32(b, 0xb1)));
}

/* The sum of the four int8 in each lane. */
SP_INLINE vu usum_bytes(vu x) {
  return _mm512_madd_epi16(_mm512_maddubs_epi16(_mm512_set1_epi8(1), x), _mm512_set1_epi16(1));
}

/* Lane i of x[j] becomes lane j of x[i]: first 4 x 4 blocks inside the quarters of registers, then the quarters. */
SP_INLINE void uturn(vu x[SP_LANES]) {
  vu y[SP_LANES];
  UNROLL for (size_t i = 0; i < SP_LANES; i += 2) {
    y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
    y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
  }
  UNROLL for (size_t i = 0; i < SP_LANES; i += 4) {
    x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
    x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
    x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
    x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
  }
  UNROLL for (size_t i = 0; i < 4; i++) {
    vu a = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88), b = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xdd);
    vu c = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88), d = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xdd);
    x[i] = _mm512_shuffle_i32x4(a, c, 0x88);
    x[i + 4] = _mm512_shuffle_i32x4(b, d, 0x88);
    x[i + 8] = _mm512_shuffle_i32x4(a, c, 0xdd);
    x[i + 12] = _mm512_shuffle_i32x4(b, d, 0xdd);
  }
}

/* Stages h = 1, 2, .. < b of the Walsh-Hadamard transform inside a register, b <= 16. Where lane bit h is clear a lane becomes
 * u + v, else u - v: that is partner + self * (1 or -1). A product with 1 or -1 is exact, so the fma rounds once, as add does. */
SP_INLINE vf vrotate(vf x, size_t b) {
  const __m512 one = _mm512_set1_ps(1);
  if (b > 1) x = _mm512_fmadd_ps(x, _mm512_mask_sub_ps(one, 0xaaaa, _mm512_setzero_ps(), one), _mm512_permute_ps(x, 0xb1));
  if (b > 2) x = _mm512_fmadd_ps(x, _mm512_mask_sub_ps(one, 0xcccc, _mm512_setzero_ps(), one), _mm512_permute_ps(x, 0x4e));
  if (b > 4) x = _mm512_fmadd_ps(x, _mm512_mask_sub_ps(one, 0xf0f0, _mm512_setzero_ps(), one), _mm512_shuffle_f32x4(x, x, 0xb1));
  if (b > 8) x = _mm512_fmadd_ps(x, _mm512_mask_sub_ps(one, 0xff00, _mm512_setzero_ps(), one), _mm512_shuffle_f32x4(x, x, 0x4e));
  return x;
}

/* 16 fp32 within -128 .. 127, rounded to nearest even (the mode that every caller runs in), as bytes. */
SP_INLINE vb vbytes(vf v) {
  return _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(v));
}

SP_INLINE vb bset(uint8_t x) { return _mm_set1_epi8((char)x); }
SP_INLINE vb bxor(vb x, vb y) { return _mm_xor_si128(x, y); }
SP_INLINE void bstore(uint8_t *p, vb x) { _mm_storeu_si128((__m128i *)(void *)p, x); }
SP_INLINE void bstore_n(uint8_t *p, vb bytes, size_t n) {
  _mm_mask_storeu_epi8(p, first_n(n), bytes);
}

/* Writes first + i for each bit i of `set`, ascending; returns how many. Writes no more than that. */
SP_INLINE size_t uput_set(uint32_t *out, uint32_t first, uint32_t set) {
  const __m512i iota = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  size_t n = (size_t)__builtin_popcount(set);
  __m512i packed = _mm512_maskz_compress_epi32((__mmask16)set, _mm512_add_epi32(iota, _mm512_set1_epi32((int)first)));
  _mm512_mask_storeu_epi32(out, first_n(n), packed); /* a compressing store is slow on some processors */
  return n;
}

#endif
