/*
 * k_avxvnni.c - the table of level "avxvnni": AVX2 with AVX-VNNI, for processors that have no AVX-512.
 *
 * In:       the bodies in *.inc, written in the verbs of vec_avx2.h.  Out: sp_kernels_avxvnni, the only global symbol of this
 *           object.
 * Not here: contracts (kernels.h), the choice of a level (cpu.c, pick.c).
 *
 * Compiled with flags of its own (simd.mk); nothing here may be called on a machine that cpu.c does not find able.
 */
#ifndef __AVXVNNI__
#error "this file needs -mavxvnni"
#endif
#define HAVE_VNNI 1 /* vpdpbusd on ymm registers, VEX-encoded */

#include <string.h>
#include "vec_avx2.h"
#include "lanes_x86.h"
#include "vector.inc"
#include "gemm_x86.inc"
#include "attn.inc"
#include "blocks.inc"

const struct sp_kernels sp_kernels_avxvnni = {
  .isa = "avxvnni",
  VECTOR_SLOTS,
  GEMM_SLOTS,
  ATTN_SLOTS,
  BLOCK_SLOTS,
};
