/*
 * emulate_groups.c - the kernels that differ on compute capability 9.0, compiled as C in the branch for that.
 *
 * In:       cuda/ (the .cu files).  Out: functions as emulate_kernels.c has them, named ..._groups.
 * Not here: all other kernels.
 */
#if defined __GNUC__ && !defined __clang__
#pragma GCC optimize("O2") /* as emulate_kernels.c */
#endif

#define EMULATE_GROUPS 1
#include "tests/cuda/emulate_kernels.h"

#include "cuda/gemm.cu"
#include "cuda/attn.cu"
