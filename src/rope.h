/*
 * rope.h - rotary position embedding: frequencies with their scalings, tables of cos and sin.
 *
 * In:       sp_rope_config, positions.  Out: fp32 tables that are the same bits on every machine.
 * Not here: turning rows (the kernels' rope slot).
 *
 * Own pow, sin and cos in double, from +, -, *, / and fma alone, so that no C library has a say in the result.
 */
#ifndef SP_ROPE_H
#define SP_ROPE_H

#include "config.h"

enum { SP_ROPE_MOST = 128 }; /* pairs of a head: head_dim <= 256 */

struct sp_rope {
  size_t half;      /* pairs: n_rot / 2 */
  size_t positions; /* rows of the tables */
  float *c, *s;     /* [positions][half] */
};

/* Angle per position of each pair, and the factor on cos and sin (1 unless YaRN). */
void sp_rope_frequencies(const struct sp_rope_config *config, double frequency[SP_ROPE_MOST], double *magnitude);
/* Makes the tables reach to `positions`; what they held stays. */
still_status sp_rope_grow(struct sp_ctx *ctx, const struct sp_rope_config *config, struct sp_rope *rope, size_t positions);
void sp_rope_free(struct sp_ctx *ctx, struct sp_rope *rope);

/* The element that element i of a head is turned with; i itself if it is not turned. */
size_t sp_rope_partner(const struct sp_rope_config *config, size_t i);

/* x > 0. Relative error below 2^-52. */
double sp_rope_pow(double x, double y);
/* |x| <= 2^30. Absolute error below 2^-52. */
void sp_rope_sincos(double x, double *sine, double *cosine);

#endif
