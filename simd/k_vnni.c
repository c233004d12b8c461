/*
 * k_vnni.c - the table of level "vnni": AVX-512 with VNNI.
 *
 * In:       the bodies in *.inc, written in the verbs of vec_avx512.h.  Out: sp_kernels_vnni, the only global symbol of this object.
 * Not here: contracts (kernels.h), the choice of a level (cpu.c, pick.c).
 *
 * Compiled with flags of its own (simd.mk); nothing here may be called on a machine that cpu.c does not find able.
 */
#ifndef __AVX512VNNI__
#error "this file needs -mavx512vnni"
#endif
#define HAVE_VNNI 1 /* vpdpbusd on zmm registers */

#include <string.h>
#include "vec_avx512.h"
#include "ref.h"
#include "vector.inc"

const struct sp_kernels sp_kernels_vnni = {
  .isa = "vnni",
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
