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

#endif
