/*
 * k_avx512.c - the table of level "avx512": AVX-512 F, BW, DQ, VL, CD, no 8-bit dot product.
 *
 * In:       the bodies in *.inc, written in the verbs of vec_avx512.h.  Out: sp_kernels_avx512, the only global symbol of this object.
 * Not here: contracts (kernels.h), the choice of a level (cpu.c, pick.c).
 *
 * Compiled with flags of its own (simd.mk); nothing here may be called on a machine that cpu.c does not find able.
 */
#include <string.h>
#include "vec_avx512.h"
#include "ref.h"
#include "vector.inc"

const struct sp_kernels sp_kernels_avx512 = {
  .isa = "avx512",
  .row_flip = 0,
  .query_flip = 0,
  VECTOR_SLOTS,
  .gemm = sp_ref_gemm,
  .panel_column = sp_ref_panel_column,
  .attn = sp_ref_attn,
  .mass = sp_ref_mass,
  .act8 = sp_ref_act8,
  .dequant = sp_ref_dequant,
  .dot = sp_ref_dot,
};
