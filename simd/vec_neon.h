/*
 * vec_neon.h - the verbs of vector.inc and its siblings in Advanced SIMD as ARMv8.0 has it.
 *
 * In, Out:  vf is 16 fp32, vu is 16 uint32, each four registers (lanes 0..3, 4..7, ..), because sums have 16 lanes; vb is 16
 *           bytes; bit sets of 16 lanes are a uint32_t, lane 0 in bit 0.
 * Not here: arithmetic of models. vec_avx2.h and vec_avx512.h have the same verbs; a body written in verbs runs on all.
 *
 * Names: v* on vf, u* on vu, b* on vb. *_n touches the first n elements only, 0 <= n <= 16; lanes past them load as 0.
 * Four registers in step are also what cores that issue in order need to hide a latency of four cycles.
 */
#ifndef SP_VEC_NEON_H
#define SP_VEC_NEON_H

#include <arm_neon.h>
#include <string.h>
#include "exp2.h"
#include "inline.h"
#include "kernels.h"

enum { QUADS = 4 }; /* registers of 16 lanes */
typedef struct {
  float32x4_t q[QUADS];
} vf;
typedef struct {
  uint32x4_t q[QUADS];
} vu;
typedef uint8x16_t vb;

#define FOR_QUADS(i) UNROLL for (size_t i = 0; i < QUADS; i++)

/* A verb of one, two or three operands from the instruction for one register. */
#define VERB_1(type, name, x_type, of)  \
  SP_INLINE type name(x_type x) {       \
    type z;                             \
    FOR_QUADS(i) z.q[i] = of(x.q[i]);   \
    return z;                           \
  }
#define VERB_2(type, name, of)                   \
  SP_INLINE type name(type x, type y) {          \
    type z;                                      \
    FOR_QUADS(i) z.q[i] = of(x.q[i], y.q[i]);    \
    return z;                                    \
  }

/* ---- memory ---- */
SP_INLINE vf vload(const float *p) {
  vf v;
  FOR_QUADS(i) v.q[i] = vld1q_f32(p + 4 * i);
  return v;
}
SP_INLINE void vstore(float *p, vf v) { FOR_QUADS(i) vst1q_f32(p + 4 * i, v.q[i]); }
SP_INLINE vu uload(const uint32_t *p) {
  vu u;
  FOR_QUADS(i) u.q[i] = vld1q_u32(p + 4 * i);
  return u;
}
SP_INLINE void ustore(uint32_t *p, vu u) { FOR_QUADS(i) vst1q_u32(p + 4 * i, u.q[i]); }

/* Parts of 16 elements go through an array: there are no masked loads and stores. */
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
  float part[SP_LANES];
  vstore(part, v);
  memcpy(p, part, n * sizeof *p);
}
SP_INLINE vu uload_n(const uint32_t *p, size_t n) {
  if (n == SP_LANES) return uload(p);
  uint32_t part[SP_LANES] = {0};
  memcpy(part, p, n * sizeof *p);
  return uload(part);
}
SP_INLINE void ustore_n(uint32_t *p, vu u, size_t n) {
  if (n == SP_LANES) {
    ustore(p, u);
    return;
  }
  uint32_t part[SP_LANES];
  ustore(part, u);
  memcpy(p, part, n * sizeof *p);
}

/* n <= 8 floats, each in two neighbouring lanes: p0 p0 p1 p1 .. */
SP_INLINE vf vload_twice_n(const float *p, size_t n) {
  float part[8] = {0};
  memcpy(part, p, n * sizeof *p);
  float32x4_t a = vld1q_f32(part), b = vld1q_f32(part + 4);
  return (vf){{vzip1q_f32(a, a), vzip2q_f32(a, a), vzip1q_f32(b, b), vzip2q_f32(b, b)}};
}

/* ---- arithmetic ---- */
SP_INLINE float32x4_t fma_of(float32x4_t x, float32x4_t y, float32x4_t z) { return vfmaq_f32(z, x, y); }
SP_INLINE float32x4_t swap_of(float32x4_t x) { return vrev64q_f32(x); }
SP_INLINE uint32x4_t sign_of(uint32x4_t x) { return vreinterpretq_u32_s32(vshrq_n_s32(vreinterpretq_s32_u32(x), 31)); }
/* The sum of the four int8 in each lane. */
SP_INLINE uint32x4_t sum_of_bytes(uint32x4_t x) {
  return vreinterpretq_u32_s32(vpaddlq_s16(vpaddlq_s8(vreinterpretq_s8_u32(x))));
}

SP_INLINE vf vset(float x) {
  const float32x4_t q = vdupq_n_f32(x);
  return (vf){{q, q, q, q}};
}
SP_INLINE vu uset(uint32_t x) {
  const uint32x4_t q = vdupq_n_u32(x);
  return (vu){{q, q, q, q}};
}
VERB_2(vf, vadd, vaddq_f32)
VERB_2(vf, vsub, vsubq_f32)
VERB_2(vf, vmul, vmulq_f32)
VERB_2(vf, vdiv, vdivq_f32)
VERB_2(vf, vmax, vmaxq_f32)
SP_INLINE vf vfma(vf x, vf y, vf z) {
  FOR_QUADS(i) z.q[i] = fma_of(x.q[i], y.q[i], z.q[i]);
  return z;
}
/* x * y - z */
SP_INLINE vf vfms(vf x, vf y, vf z) {
  FOR_QUADS(i) z.q[i] = fma_of(x.q[i], y.q[i], vnegq_f32(z.q[i]));
  return z;
}
/* x * y - z in even lanes, + z in odd */
SP_INLINE vf vfma_alternate(vf x, vf y, vf z) {
  const uint32x4_t even = vreinterpretq_u32_u64(vdupq_n_u64(0x80000000u));
  FOR_QUADS(i) {
    float32x4_t signed_z = vreinterpretq_f32_u32(veorq_u32(vreinterpretq_u32_f32(z.q[i]), even));
    z.q[i] = fma_of(x.q[i], y.q[i], signed_z);
  }
  return z;
}
VERB_1(vf, vswap_pairs, vf, swap_of) /* lanes 1 0 3 2 .. */

VERB_2(vu, uand, vandq_u32)
VERB_2(vu, uor, vorrq_u32)
VERB_2(vu, uxor, veorq_u32)
VERB_2(vu, umax, vmaxq_u32)
VERB_1(vu, usign, vu, sign_of) /* all ones where bit 31 is set, else 0 */
VERB_1(vu, vbits, vf, vreinterpretq_u32_f32)

/* Lanes of all ones or zeros to bits: halves of halves to bytes, one bit each, summed. */
SP_INLINE uint32_t set_of(const uint32x4_t x[QUADS]) {
  static const uint8_t bits[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  uint16x8_t low = vcombine_u16(vmovn_u32(x[0]), vmovn_u32(x[1])), high = vcombine_u16(vmovn_u32(x[2]), vmovn_u32(x[3]));
  uint8x16_t one_each = vandq_u8(vcombine_u8(vmovn_u16(low), vmovn_u16(high)), vld1q_u8(bits));
  return (uint32_t)vaddv_u8(vget_low_u8(one_each)) | (uint32_t)vaddv_u8(vget_high_u8(one_each)) << 8;
}
SP_INLINE uint32_t uequal(vu x, vu y) {
  FOR_QUADS(i) x.q[i] = vceqq_u32(x.q[i], y.q[i]);
  return set_of(x.q);
}
SP_INLINE uint32_t ugreater(vu x, vu y) {
  FOR_QUADS(i) x.q[i] = vcgtq_u32(x.q[i], y.q[i]);
  return set_of(x.q);
}

/* exp2.h, step by step. vexp2_down is for x <= 0, where the upper bound cannot be met. */
SP_INLINE vf vexp2_down(vf x) {
  const float32x4_t magic = vdupq_n_f32(SP_EXP2_MAGIC);
  vf t, f, p;
  FOR_QUADS(i) {
    t.q[i] = vaddq_f32(x.q[i], magic);
    f.q[i] = vsubq_f32(x.q[i], vsubq_f32(t.q[i], magic));
  }
  p = vfma(vset(SP_EXP2_C5), f, vset(SP_EXP2_C4));
  p = vfma(p, f, vset(SP_EXP2_C3));
  p = vfma(p, f, vset(SP_EXP2_C2));
  p = vfma(p, f, vset(SP_EXP2_C1));
  p = vfma(p, f, vset(1));
  FOR_QUADS(i) {
    uint32x4_t normal = vcgeq_f32(x.q[i], vdupq_n_f32(SP_EXP2_LOW));
    uint32x4_t bits = vaddq_u32(vreinterpretq_u32_f32(p.q[i]), vshlq_n_u32(vreinterpretq_u32_f32(t.q[i]), 23));
    p.q[i] = vreinterpretq_f32_u32(vandq_u32(normal, bits));
  }
  return p;
}

SP_INLINE vf vexp2(vf x) {
  FOR_QUADS(i) x.q[i] = vminq_f32(x.q[i], vdupq_n_f32(SP_EXP2_HIGH));
  return vexp2_down(x);
}

/* ---- across lanes ---- */

/* The end of a sum in lanes16. */
SP_INLINE float vfold(vf v) {
  float32x4_t a = vaddq_f32(vaddq_f32(v.q[0], v.q[2]), vaddq_f32(v.q[1], v.q[3]));
  float32x2_t b = vadd_f32(vget_low_f32(a), vget_high_f32(a));
  return vget_lane_f32(b, 0) + vget_lane_f32(b, 1);
}

SP_INLINE uint32_t ulargest(vu u) { return vmaxvq_u32(vmaxq_u32(vmaxq_u32(u.q[0], u.q[1]), vmaxq_u32(u.q[2], u.q[3]))); }

/* Lane i of x[j] becomes lane j of x[i], 4 x 4. */
SP_INLINE void turn_four(uint32x4_t *a, uint32x4_t *b, uint32x4_t *c, uint32x4_t *d) {
  uint32x4_t ac0 = vzip1q_u32(*a, *c), ac1 = vzip2q_u32(*a, *c), bd0 = vzip1q_u32(*b, *d), bd1 = vzip2q_u32(*b, *d);
  *a = vzip1q_u32(ac0, bd0);
  *b = vzip2q_u32(ac0, bd0);
  *c = vzip1q_u32(ac1, bd1);
  *d = vzip2q_u32(ac1, bd1);
}

/* Lane i of x[j] becomes lane j of x[i]. */
SP_INLINE void uturn(vu x[SP_LANES]) {
  UNROLL for (size_t i = 0; i < SP_LANES; i += 4) {
    FOR_QUADS(j) turn_four(&x[i].q[j], &x[i + 1].q[j], &x[i + 2].q[j], &x[i + 3].q[j]);
  }
  UNROLL for (size_t i = 0; i < SP_LANES; i++) {
    UNROLL for (size_t j = i / 4 + 1; j < QUADS; j++) {
      uint32x4_t *other = &x[4 * j + i % 4].q[i / 4], mine = x[i].q[j];
      x[i].q[j] = *other;
      *other = mine;
    }
  }
}

/* partner + self * (1 or -1): the product is exact, so the fma rounds once, as add does. */
SP_INLINE float32x4_t rotate_quad(float32x4_t x, size_t b) {
  static const float by_one[4] = {1, -1, 1, -1}, by_two[4] = {1, 1, -1, -1};
  if (b > 1) x = fma_of(x, vld1q_f32(by_one), vrev64q_f32(x));
  if (b > 2) x = fma_of(x, vld1q_f32(by_two), vextq_f32(x, x, 2));
  return x;
}

/* Stages h = 1, 2, .. < b of the Walsh-Hadamard transform inside 16 lanes, b <= 16. */
SP_INLINE vf vrotate(vf x, size_t b) {
  FOR_QUADS(i) x.q[i] = rotate_quad(x.q[i], b);
  if (b > 4) {
    x = (vf){{vaddq_f32(x.q[0], x.q[1]), vsubq_f32(x.q[0], x.q[1]), vaddq_f32(x.q[2], x.q[3]), vsubq_f32(x.q[2], x.q[3])}};
  }
  if (b > 8) {
    x = (vf){{vaddq_f32(x.q[0], x.q[2]), vaddq_f32(x.q[1], x.q[3]), vsubq_f32(x.q[0], x.q[2]), vsubq_f32(x.q[1], x.q[3])}};
  }
  return x;
}

/* ---- bytes ---- */
SP_INLINE vb bset(uint8_t x) { return vdupq_n_u8(x); }
SP_INLINE vb bxor(vb x, vb y) { return veorq_u8(x, y); }
SP_INLINE void bstore(uint8_t *p, vb x) { vst1q_u8(p, x); }
SP_INLINE void bstore_n(uint8_t *p, vb x, size_t n) {
  uint8_t all[16];
  vst1q_u8(all, x);
  memcpy(p, all, n);
}

/* 16 fp32 within -128 .. 127, rounded to nearest even, as bytes. */
SP_INLINE vb vbytes(vf v) {
  int16x8_t low = vcombine_s16(vmovn_s32(vcvtnq_s32_f32(v.q[0])), vmovn_s32(vcvtnq_s32_f32(v.q[1])));
  int16x8_t high = vcombine_s16(vmovn_s32(vcvtnq_s32_f32(v.q[2])), vmovn_s32(vcvtnq_s32_f32(v.q[3])));
  return vreinterpretq_u8_s8(vcombine_s8(vmovn_s16(low), vmovn_s16(high)));
}

/* Writes first + i for each bit i of `set`, ascending; returns how many. Writes no more than that. */
SP_INLINE size_t uput_set(uint32_t *out, uint32_t first, uint32_t set) {
  size_t n = 0;
  for (; set != 0; set &= set - 1) out[n++] = first + (uint32_t)__builtin_ctz(set);
  return n;
}

#endif
