/*
 * k_vnni.c - the table of level "vnni": AVX-512 with VNNI.
 *
 * In:       the bodies in *.inc, written in the verbs of vec_avx512.h.  Out: sp_kernels_vnni, the only global symbol of this
 *           object.
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
#include "lanes_x86.h"
#include "vector.inc"
#include "gemm_x86.inc"
#include "attn.inc"
#include "blocks.inc"

const struct sp_kernels sp_kernels_vnni = {
  .isa = "vnni",
  VECTOR_SLOTS,
  GEMM_SLOTS,
  ATTN_SLOTS,
  BLOCK_SLOTS,
};
