/*
 * exp2.h - the constants of the one exp2 that every level computes.
 *
 * In:       nothing.  Out: macros.
 * Not here: code; ref.c and the vec_<isa>.h files each write the same eight operations:
 *
 *   y = min(x, 128);  n = rint(y);  f = y - n            exact: |f| <= 1/2
 *   p = fma(C5, f, C4);  p = fma(p, f, C3);  C2;  C1;  p = fma(p, f, 1)
 *   result = p * 2^n by adding n to the exponent of p;  +0 instead if x < -126
 *
 * Why that is always right: p is in [0.70, 1.42], below 1 only if f < 0, so p * 2^n is a normal number for n = -126 (x >= -126
 * means f >= 0, p >= 1) up to n = 128 with f < 0 (p < 1). x >= 128 gives n = 128, f = 0, p = 1: exponent field 255, mantissa 0,
 * which is +infinity: just what silu of a large negative number wants. x = 0 gives 1. -infinity is below -126. No NaN comes in.
 *
 * The coefficients are a minimax fit of the relative error with the constant term held at 1, rounded to fp32 and then searched a
 * few ulps around for the least error of the fp32 evaluation: 1.953 ulp at most over every float of [-1/2, 1/2] (tests/kern
 * proves it against double). One degree more would give 0.93 ulp; the softmax does not notice, the speed of attention does.
 */
#ifndef SP_EXP2_H
#define SP_EXP2_H

#define SP_EXP2_C5 0x1.5bb9e6p-10f
#define SP_EXP2_C4 0x1.3cea82p-7f
#define SP_EXP2_C3 0x1.c6b75ap-5f
#define SP_EXP2_C2 0x1.ebf9c8p-3f
#define SP_EXP2_C1 0x1.62e42ap-1f
#define SP_EXP2_LOW (-126.0f) /* results below 2^-126 are 0 */
#define SP_EXP2_HIGH 128.0f   /* +infinity from here on */

/* Adding 1.5 * 2^23 to |x| < 2^22 rounds x to an integer, to nearest even, and leaves it in the low bits of the sum: y + MAGIC -
 * MAGIC is n, and bits(y + MAGIC) << 23 is n where the exponent stands (the bits of MAGIC itself fall off the top). */
#define SP_EXP2_MAGIC 0x1.8p+23f

#define SP_LOG2E 0x1.715476p+0f /* log2(e) in fp32; silu(x) = x / (1 + exp2(-x * log2(e))) */

/* Rows whose largest value is below this count as zero. 127 / a stays finite above it, with room. */
#define SP_LEAST_ROW 0x1p-100f

#endif
