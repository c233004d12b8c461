/*
 * k_i8mm.c - the table of level "i8mm": Advanced SIMD with products of int8 matrices (smmla, usmmla) and sdot.
 *
 * In:       the bodies in *.inc, written in the verbs of vec_neon.h.  Out: sp_kernels_i8mm, the only global symbol of this
 *           object.
 * Not here: contracts (kernels.h), the choice of a level (cpu.c, pick.c).
 *
 * Compiled with flags of its own (simd.mk); nothing here may be called on a machine that cpu.c does not find able.
 */
#if !defined __ARM_FEATURE_MATMUL_INT8 || !defined __ARM_FEATURE_DOTPROD
#error "this file needs +i8mm+dotprod"
#endif
#define HAVE_I8MM 1

#include "vec_neon.h"
#include "lanes_neon.h"
#include "vector.inc"
#include "mul_i8mm.inc"
#include "gemm_neon.inc"
#include "attn.inc"
#include "blocks.inc"

const struct sp_kernels sp_kernels_i8mm = {
  .isa = "i8mm",
  VECTOR_SLOTS,
  GEMM_SLOTS,
  ATTN_SLOTS,
  BLOCK_SLOTS,
};
