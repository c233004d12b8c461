/*
 * lanes_x86.h - single registers for GEMM and attention: int8 products by fours, and the fp32 around them.
 *
 * In:       vec_<isa>.h, included before, decides the width: 16 lanes with AVX-512, 8 with AVX2. HAVE_VNNI says that vpdpbusd
 *           is there.
 * Out:      ivec, LANES int32 or LANES x 4 int8; fvec, LANES fp32; `side`, an operand prepared for products; dot(). DOT_FLIP:
 *           0x80 if rows, queries and P enter a product as unsigned bytes (true value + 128), else 0.
 * Not here: the verbs on 16 elements whatever the width (vec_<isa>.h).
 *
 * With VNNI, acc + the sum of four u8 x s8 is one instruction; 128 * (sum of the signed side) is taken away by the
 * accumulator's first value, and int32 that wraps around comes back: arithmetic modulo 2^32. Without, vpmaddubsw takes |a|
 * and b with the sign of a, and vpmaddwd adds the pairs. vpmaddubsw saturates at 32767; the largest pair is 2 * 128 * 127 =
 * 32512 (128 = |P - 128| in attention, all else is within 127), so it never does.
 *
 * vpdpbusd is a line of assembly because gcc 12 copies and spills accumulators around the intrinsic: a block of 6 x 64 lost
 * half its speed to that.
 */
#ifndef SP_LANES_X86_H
#define SP_LANES_X86_H

#ifdef SP_VEC_AVX512_H

enum { LANES = 16 };
typedef __m512i ivec;
typedef __m512 fvec;

SP_INLINE ivec iv_load(const void *p) { return _mm512_loadu_si512(p); }
SP_INLINE void iv_store(void *p, ivec x) { _mm512_storeu_si512(p, x); }
SP_INLINE ivec iv_set(int32_t x) { return _mm512_set1_epi32(x); }
SP_INLINE ivec iv_xor(ivec a, ivec b) { return _mm512_xor_si512(a, b); }
SP_INLINE ivec iv_sub(ivec a, ivec b) { return _mm512_sub_epi32(a, b); }
SP_INLINE ivec iv_round(fvec x) { return _mm512_cvtps_epi32(x); } /* to nearest even, the mode that every caller runs in */

SP_INLINE fvec fv_load(const float *p) { return _mm512_loadu_ps(p); }
SP_INLINE fvec fv_load_n(const float *p, size_t n) { return _mm512_maskz_loadu_ps(first_n(n), p); }
SP_INLINE void fv_store(float *p, fvec x) { _mm512_storeu_ps(p, x); }
SP_INLINE void fv_store_n(float *p, fvec x, size_t n) { _mm512_mask_storeu_ps(p, first_n(n), x); }
SP_INLINE fvec fv_set(float x) { return _mm512_set1_ps(x); }
SP_INLINE fvec fv_of(ivec x) { return _mm512_cvtepi32_ps(x); }
SP_INLINE fvec fv_add(fvec a, fvec b) { return _mm512_add_ps(a, b); }
SP_INLINE fvec fv_sub(fvec a, fvec b) { return _mm512_sub_ps(a, b); }
SP_INLINE fvec fv_mul(fvec a, fvec b) { return _mm512_mul_ps(a, b); }
SP_INLINE fvec fv_div(fvec a, fvec b) { return _mm512_div_ps(a, b); }
SP_INLINE fvec fv_max(fvec a, fvec b) { return _mm512_max_ps(a, b); } /* a > b ? a : b */
SP_INLINE fvec fv_fma(fvec a, fvec b, fvec c) { return _mm512_fmadd_ps(a, b, c); }

/* x where size >= low, else 0. */
SP_INLINE fvec fv_unless_below(fvec size, float low, fvec x) {
  return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(size, fv_set(low), _CMP_GE_OQ), x);
}

/* yes in the lanes whose limit is above key, else no. */
SP_INLINE fvec fv_seen(ivec limit, int32_t key, fvec yes, fvec no) {
  return _mm512_mask_blend_ps(_mm512_cmpgt_epi32_mask(limit, iv_set(key)), no, yes);
}

/* Four registers of integers 0..255 to one of bytes: lane i holds a_i, b_i, c_i, d_i from low to high. A masked shuffle moves
 * the low byte of each int32 up and merges it in one step. */
SP_INLINE ivec iv_pack(ivec a, ivec b, ivec c, ivec d) {
  const __m512i low = _mm512_set4_epi32(0x0c0c0c0c, 0x08080808, 0x04040404, 0);
  a = _mm512_mask_shuffle_epi8(a, 0x2222222222222222u, b, low);
  a = _mm512_mask_shuffle_epi8(a, 0x4444444444444444u, c, low);
  return _mm512_mask_shuffle_epi8(a, 0x8888888888888888u, d, low);
}

#else

enum { LANES = 8 };
typedef __m256i ivec;
typedef __m256 fvec;

SP_INLINE ivec iv_load(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
SP_INLINE void iv_store(void *p, ivec x) { _mm256_storeu_si256((__m256i *)p, x); }
SP_INLINE ivec iv_set(int32_t x) { return _mm256_set1_epi32(x); }
SP_INLINE ivec iv_xor(ivec a, ivec b) { return _mm256_xor_si256(a, b); }
SP_INLINE ivec iv_sub(ivec a, ivec b) { return _mm256_sub_epi32(a, b); }
SP_INLINE ivec iv_round(fvec x) { return _mm256_cvtps_epi32(x); } /* to nearest even, the mode that every caller runs in */

SP_INLINE fvec fv_load(const float *p) { return _mm256_loadu_ps(p); }
SP_INLINE fvec fv_load_n(const float *p, size_t n) { /* not by a masked load, see vload_n */
  float part[LANES] = {0};
  memcpy(part, p, n * sizeof *p);
  return fv_load(n == LANES ? p : part);
}
SP_INLINE void fv_store(float *p, fvec x) { _mm256_storeu_ps(p, x); }
SP_INLINE void fv_store_n(float *p, fvec x, size_t n) { _mm256_maskstore_ps(p, below_n(n, 0), x); }
SP_INLINE fvec fv_set(float x) { return _mm256_set1_ps(x); }
SP_INLINE fvec fv_of(ivec x) { return _mm256_cvtepi32_ps(x); }
SP_INLINE fvec fv_add(fvec a, fvec b) { return _mm256_add_ps(a, b); }
SP_INLINE fvec fv_sub(fvec a, fvec b) { return _mm256_sub_ps(a, b); }
SP_INLINE fvec fv_mul(fvec a, fvec b) { return _mm256_mul_ps(a, b); }
SP_INLINE fvec fv_div(fvec a, fvec b) { return _mm256_div_ps(a, b); }
SP_INLINE fvec fv_max(fvec a, fvec b) { return _mm256_max_ps(a, b); } /* a > b ? a : b */
SP_INLINE fvec fv_fma(fvec a, fvec b, fvec c) { return _mm256_fmadd_ps(a, b, c); }

/* x where size >= low, else 0. */
SP_INLINE fvec fv_unless_below(fvec size, float low, fvec x) {
  return _mm256_and_ps(_mm256_cmp_ps(size, fv_set(low), _CMP_GE_OQ), x);
}

/* yes in the lanes whose limit is above key, else no. */
SP_INLINE fvec fv_seen(ivec limit, int32_t key, fvec yes, fvec no) {
  return _mm256_blendv_ps(no, yes, _mm256_castsi256_ps(_mm256_cmpgt_epi32(limit, iv_set(key))));
}

/* Four registers of integers 0..255 to one of bytes: lane i holds a_i, b_i, c_i, d_i from low to high. */
SP_INLINE ivec iv_pack(ivec a, ivec b, ivec c, ivec d) {
  ivec ab = _mm256_or_si256(a, _mm256_slli_epi32(b, 8));
  ivec cd = _mm256_or_si256(_mm256_slli_epi32(c, 16), _mm256_slli_epi32(d, 24));
  return _mm256_or_si256(ab, cd);
}

#endif

SP_INLINE fvec fv_exp2(fvec x) { return exp2_ps(x); }
SP_INLINE fvec fv_exp2_down(fvec x) { return exp2_down_ps(x); } /* x <= 0 */

/* The same four bytes in every lane. */
SP_INLINE ivec iv_quad(const void *p) {
  int32_t x;
  memcpy(&x, p, sizeof x);
  return iv_set(x);
}

#ifdef HAVE_VNNI
enum { P_BIAS = 0 }; /* a product takes P of attention as it is */
#else
enum { P_BIAS = 128 }; /* it takes P - 128, and 128 * (sum of V) is added */
#endif

/* ---- products: dot(acc, side_of(a), b) = acc + a0 b0 + a1 b1 + a2 b2 + a3 b3 in each lane --------------------------- */

#ifdef HAVE_VNNI

#ifdef HAVE_AMX
enum { DOT_FLIP = 0 }; /* tiles multiply signed bytes; dot() serves nobody there */
#else
enum { DOT_FLIP = 0x80 };
#endif
typedef ivec side; /* a as unsigned bytes */

SP_INLINE side side_of(ivec a) { return a; }

SP_INLINE ivec dot(ivec acc, side a, ivec b) {
#ifdef SP_VEC_AVX512_H
  __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(a), "v"(b));
#else
  __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(acc) : "x"(a), "x"(b)); /* without the prefix it is AVX-512's */
#endif
  return acc;
}

#elif defined SP_VEC_AVX512_H

enum { DOT_FLIP = 0 };
typedef struct {
  ivec size;          /* |a| */
  __mmask64 negative; /* bytes of a below 0 */
} side;

/* The comparison is written in assembly because compilers make it vpmovb2m, which costs a quarter of a GEMM's speed (on the
 * processors measured it waits for the same port as the products). */
SP_INLINE side side_of(ivec a) {
  side s = {.size = _mm512_abs_epi8(a)};
  __asm__("vpcmpgtb %2, %1, %0" : "=Yk"(s.negative) : "v"(_mm512_setzero_si512()), "v"(a));
  return s;
}

SP_INLINE ivec dot(ivec acc, side a, ivec b) {
  b = _mm512_mask_sub_epi8(b, a.negative, _mm512_setzero_si512(), b);
  return _mm512_add_epi32(acc, _mm512_madd_epi16(_mm512_maddubs_epi16(a.size, b), _mm512_set1_epi16(1)));
}

#else

enum { DOT_FLIP = 0 };
typedef struct {
  ivec size, sign; /* |a|, a */
} side;

SP_INLINE side side_of(ivec a) { return (side){_mm256_abs_epi8(a), a}; }

SP_INLINE ivec dot(ivec acc, side a, ivec b) {
  b = _mm256_sign_epi8(b, a.sign);
  return _mm256_add_epi32(acc, _mm256_madd_epi16(_mm256_maddubs_epi16(a.size, b), _mm256_set1_epi16(1)));
}

#endif

/* Sum of n int8; whatever follows them up to a multiple of 32 is read but not counted. vpsadbw against 0 adds eight bytes, of
 * x + 128 to have them unsigned. */
SP_INLINE int32_t sum_bytes(const int8_t *x, size_t n) {
  const __m256i flip = _mm256_set1_epi8((char)0x80), iota = _mm256_setr_epi8(
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31);
  __m256i sum = _mm256_setzero_si256();
  for (size_t i = 0; i < n; i += 32) {
    const size_t left = n - i < 32 ? n - i : 32;
    __m256i counted = _mm256_cmpgt_epi8(_mm256_set1_epi8((char)left), iota);
    __m256i u = _mm256_and_si256(counted, _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(const void *)(x + i)), flip));
    sum = _mm256_add_epi64(sum, _mm256_sad_epu8(u, _mm256_setzero_si256()));
  }
  __m128i two = _mm_add_epi64(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  return _mm_cvtsi128_si32(_mm_add_epi64(two, _mm_unpackhi_epi64(two, two))) - 128 * (int32_t)n;
}

#endif
