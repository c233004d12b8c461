/*
 * k_neon.c - the table of level "neon": Advanced SIMD of ARMv8.0, no 8-bit dot product.
 *
 * In:       the bodies in *.inc, written in the verbs of vec_neon.h.  Out: sp_kernels_neon, the only global symbol of this
 *           object.
 * Not here: contracts (kernels.h), the choice of a level (cpu.c, pick.c).
 *
 * Compiled with flags of its own (simd.mk); nothing here may be called on a machine that cpu.c does not find able.
 */
#include "vec_neon.h"
#include "lanes_neon.h"
#include "vector.inc"
#include "mul_neon.inc"
#include "gemm_neon.inc"
#include "attn.inc"
#include "blocks.inc"

const struct sp_kernels sp_kernels_neon = {
  .isa = "neon",
  VECTOR_SLOTS,
  GEMM_SLOTS,
  ATTN_SLOTS,
  BLOCK_SLOTS,
};
