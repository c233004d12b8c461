/*
 * linear.h - linear layers on prepared rows, by one of three arithmetics (work.h: enum sp_path).
 *
 * In:       fp32 rows.  Out: y = x W^T + bias in fp32.
 * Not here: which layer, which rows.
 */
#ifndef SP_LINEAR_H
#define SP_LINEAR_H

#include "work.h"

/* Takes row r of `in` from x [in->k]; scratch [in->k], may be x. False if a number is not finite. Thread-safe for different
 * rows. */
bool sp_input_row(const struct sp_engine *engine, struct sp_input *in, size_t r, const float *x, float *scratch);

/* y[r * ldy + c] for rows [row0, row0 + rows) of the input and outputs [col0, col0 + cols); col0 % 64 == 0. Inside a task. */
void sp_linear_block(const struct sp_engine *engine, const struct sp_weight *w, const struct sp_input *in, size_t row0,
                     size_t rows, size_t col0, size_t cols, float *y, size_t ldy);

void sp_linear_count(struct sp_engine *engine, enum sp_path path, size_t blocks); /* so many calls of sp_linear_block */

/* Prepares `in` with the team: its row r from row first + r of x [chunk][k], by RMSNorm if norm is given. */
still_status sp_linear_input(struct sp_work *work, struct sp_input *in, size_t first, size_t rows, const float *x, size_t k,
                             const float *norm);

struct sp_output {
  const struct sp_weight *weight;
  float *y;
  size_t ldy;
  float *sum; /* y is added to it, [rows][ldy], while a cache still holds it; or NULL */
};
/* Some linear layers on the same input, cut into tasks together. */
still_status sp_linear(struct sp_work *work, const struct sp_input *in, const struct sp_output *out, size_t n_out);

#endif
