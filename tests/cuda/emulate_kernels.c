/*
 * emulate_kernels.c - the kernel files, compiled as C.
 *
 * In:       cuda/ (the .cu files).  Out: one function a kernel of cuda/jobs.h, for emulated_launch.
 * Not here: anything else.
 */
#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O2") /* -O3 makes two loops of one, by lanes: an exchange in them would have two places */
#endif

#include "tests/cuda/emulate_kernels.h"

#include "cuda/rows.cu"
#include "cuda/heads.cu"
#include "cuda/gemm.cu"
#include "cuda/attn.cu"
#include "cuda/mass.cu"
#include "cuda/decode.cu"
