/*
 * k_avx2.c - the table of level "avx2": AVX2, FMA and F16C, no 8-bit dot product.
 *
 * In:       the bodies in *.inc, written in the verbs of vec_avx2.h.  Out: sp_kernels_avx2, the only global symbol of this
 *           object.
 * Not here: contracts (kernels.h), the choice of a level (cpu.c, pick.c).
 *
 * Compiled with flags of its own (simd.mk); nothing here may be called on a machine that cpu.c does not find able.
 */
#include <string.h>
#include "vec_avx2.h"
#include "lanes_x86.h"
#include "vector.inc"
#include "gemm_x86.inc"
#include "attn.inc"
#include "blocks.inc"

const struct sp_kernels sp_kernels_avx2 = {
  .isa = "avx2",
  VECTOR_SLOTS,
  GEMM_SLOTS,
  ATTN_SLOTS,
  BLOCK_SLOTS,
};
