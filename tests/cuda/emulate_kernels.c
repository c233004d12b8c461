/*
 * emulate_kernels.c - the kernel files, compiled as C.
 *
 * In:       cuda/ (the .cu files).  Out: one function a kernel of cuda/jobs.h, for emulated_launch.
 * Not here: anything else.
 */
#include "tests/cuda/emulate_kernels.h"

#include "cuda/rows.cu"
#include "cuda/gemm.cu"
#include "cuda/attn.cu"
#include "cuda/mass.cu"
#include "cuda/decode.cu"
