/*
 * k_dot.c - the table of level "dot": Advanced SIMD with the dot product (sdot).
 *
 * In:       the bodies in *.inc, written in the verbs of vec_neon.h.  Out: sp_kernels_dot, the only global symbol of this
 *           object.
 * Not here: contracts (kernels.h), the choice of a level (cpu.c, pick.c).
 *
 * Compiled with flags of its own (simd.mk); nothing here may be called on a machine that cpu.c does not find able.
 */
#ifndef __ARM_FEATURE_DOTPROD
#error "this file needs +dotprod"
#endif

#include "vec_neon.h"
#include "lanes_neon.h"
#include "vector.inc"
#include "mul_dot.inc"
#include "gemm_neon.inc"
#include "attn.inc"
#include "blocks.inc"

const struct sp_kernels sp_kernels_dot = {
  .isa = "dot",
  VECTOR_SLOTS,
  GEMM_SLOTS,
  ATTN_SLOTS,
  BLOCK_SLOTS,
};
