/*
 * lanes_neon.h - sixteen lanes for attention on Arm: int32 and the fp32 around them.
 *
 * In:       vec_neon.h, included before.
 * Out:      ivec, LANES int32 or LANES x 4 bytes in four registers; fvec, the vf of vec_neon.h; their verbs. DOT_FLIP, P_BIAS:
 *           what products take, see below.
 * Not here: products: mul_neon.inc, mul_dot.inc, mul_i8mm.inc have them, as the levels differ in nothing else.
 *
 * All levels multiply signed by signed bytes, so rows and queries come as they are (DOT_FLIP 0). P of attention is unsigned: i8mm
 * has usmmla for it; the others take P - 128 and add 128 * (sum of V).
 */
#ifndef SP_LANES_NEON_H
#define SP_LANES_NEON_H

enum { LANES = 16, DOT_FLIP = 0 };
#ifdef HAVE_I8MM
enum { P_BIAS = 0 };
#else
enum { P_BIAS = 128 };
#endif

typedef struct {
  int32x4_t q[QUADS];
} ivec;
typedef vf fvec;

SP_INLINE ivec iv_load(const void *p) {
  ivec x;
  FOR_QUADS(i) x.q[i] = vreinterpretq_s32_u8(vld1q_u8((const uint8_t *)p + 16 * i));
  return x;
}
SP_INLINE void iv_store(void *p, ivec x) { FOR_QUADS(i) vst1q_u8((uint8_t *)p + 16 * i, vreinterpretq_u8_s32(x.q[i])); }
SP_INLINE ivec iv_set(int32_t x) {
  const int32x4_t q = vdupq_n_s32(x);
  return (ivec){{q, q, q, q}};
}
VERB_2(ivec, iv_xor, veorq_s32)
VERB_2(ivec, iv_sub, vsubq_s32)
VERB_1(ivec, iv_round, fvec, vcvtnq_s32_f32) /* to nearest even */

/* Four registers of integers 0..255 to one of bytes: lane i holds a_i, b_i, c_i, d_i from low to high. */
SP_INLINE ivec iv_pack(ivec a, ivec b, ivec c, ivec d) {
  FOR_QUADS(i) a.q[i] = vsliq_n_s32(vsliq_n_s32(a.q[i], b.q[i], 8), vsliq_n_s32(c.q[i], d.q[i], 8), 16);
  return a;
}

/* What the loops in assembly take: all. */
#define ALL_VECTORS                                                                                                            \
  "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", \
    "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31"

/* The sum of each register's four lanes. */
SP_INLINE int32x4_t join(const int32x4_t x[4]) { return vpaddq_s32(vpaddq_s32(x[0], x[1]), vpaddq_s32(x[2], x[3])); }

VERB_1(fvec, fv_of, ivec, vcvtq_f32_s32)
SP_INLINE fvec fv_load(const float *p) { return vload(p); }
SP_INLINE void fv_store(float *p, fvec x) { vstore(p, x); }
SP_INLINE fvec fv_set(float x) { return vset(x); }
SP_INLINE fvec fv_add(fvec a, fvec b) { return vadd(a, b); }
SP_INLINE fvec fv_sub(fvec a, fvec b) { return vsub(a, b); }
SP_INLINE fvec fv_mul(fvec a, fvec b) { return vmul(a, b); }
SP_INLINE fvec fv_div(fvec a, fvec b) { return vdiv(a, b); }
SP_INLINE fvec fv_max(fvec a, fvec b) { return vmax(a, b); }
SP_INLINE fvec fv_fma(fvec a, fvec b, fvec c) { return vfma(a, b, c); }
SP_INLINE fvec fv_exp2(fvec x) { return vexp2(x); }
SP_INLINE fvec fv_exp2_down(fvec x) { return vexp2_down(x); } /* x <= 0 */

/* x where size >= low, else 0. */
SP_INLINE fvec fv_unless_below(fvec size, float low, fvec x) {
  FOR_QUADS(i) {
    uint32x4_t kept = vandq_u32(vcgeq_f32(size.q[i], vdupq_n_f32(low)), vreinterpretq_u32_f32(x.q[i]));
    x.q[i] = vreinterpretq_f32_u32(kept);
  }
  return x;
}

/* yes in the lanes whose limit is above key, else no. */
SP_INLINE fvec fv_seen(ivec limit, int32_t key, fvec yes, fvec no) {
  FOR_QUADS(i) yes.q[i] = vbslq_f32(vcgtq_s32(limit.q[i], vdupq_n_s32(key)), yes.q[i], no.q[i]);
  return yes;
}

/* Sum of n int8; whatever follows them up to a multiple of 16 is read but not counted. */
SP_INLINE int32_t sum_bytes(const int8_t *x, size_t n) {
  static const uint8_t iota[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  int32x4_t sum = vdupq_n_s32(0);
  for (size_t i = 0; i < n; i += 16) {
    const uint8x16_t counted = vcltq_u8(vld1q_u8(iota), vdupq_n_u8((uint8_t)(n - i < 16 ? n - i : 16)));
    sum = vpadalq_s16(sum, vpaddlq_s8(vandq_s8(vld1q_s8(x + i), vreinterpretq_s8_u8(counted))));
  }
  return vaddvq_s32(sum);
}

#endif
