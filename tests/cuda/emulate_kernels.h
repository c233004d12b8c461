/*
 * emulate_kernels.h - the kernels of cuda/jobs.h as C functions.
 *
 * In:       nothing.  Out: declarations; emulate_kernels.c defines them.
 * Not here: how they are run (emulate.h).
 */
#ifndef EMULATE_KERNELS_H
#define EMULATE_KERNELS_H

#include "cuda/jobs.h"

#define DECLARE(name, job, threads) void name(const void *job_of_launch);
SP_GPU_KERNELS(DECLARE)
#undef DECLARE

#endif
