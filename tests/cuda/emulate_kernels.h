/*
 * emulate_kernels.h - the kernels of cuda/jobs.h as C functions.
 *
 * In:       nothing.  Out: declarations; emulate_kernels.c and emulate_groups.c define them.
 * Not here: how they are run (emulate.h).
 */
#ifndef EMULATE_KERNELS_H
#define EMULATE_KERNELS_H

#include "cuda/jobs.h"

#define DECLARE(name, job, threads) void name(const void *job_of_launch);
SP_GPU_KERNELS(DECLARE)
#undef DECLARE

/* Those that have a branch of their own for compute capability 9.0. */
#define EMULATED_GROUPS(X) X(sp_gpu_multiply) X(sp_gpu_multiply_low) X(sp_gpu_attend_64) X(sp_gpu_attend_128) X(sp_gpu_attend_256)
#define DECLARE(name) void name##_groups(const void *job_of_launch);
EMULATED_GROUPS(DECLARE)
#undef DECLARE

#endif
