/*
 * backend_cuda.h - the GPU's filling of backend.h.
 *
 * In:       nothing.  Out: the table; an engine whose `gpu` is open can use it.
 * Not here: which backend a model gets (device.h).
 */
#ifndef SP_BACKEND_CUDA_H
#define SP_BACKEND_CUDA_H

#include "backend.h"

extern const struct sp_backend sp_backend_cuda;

/* `run` in two: the first only begins, and the device goes on by itself; the second waits for it. */
still_status sp_cuda_begin(struct sp_lane *lane, const struct sp_pass *pass);
still_status sp_cuda_end(struct sp_lane *lane, const struct sp_pass *pass);
/* The hidden rows of its chunk, as they stand, to the host: x [n][n_embd], until the next come. Room for them first, once. */
still_status sp_cuda_reserve_fetch(struct sp_lane *lane, size_t rows);
still_status sp_cuda_fetch(struct sp_lane *lane, const float **x);

#endif
