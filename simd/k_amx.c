/*
 * k_amx.c - the table of level "amx": AVX-512 with VNNI, and the int8 tiles of AMX for GEMM and attention.
 *
 * In:       the bodies in *.inc, written in the verbs of vec_avx512.h and tiles_amx.h.  Out: sp_kernels_amx, the only global
 *           symbol of this object.
 * Not here: contracts (kernels.h), the choice of a level and the system's permission (cpu.c, pick.c).
 *
 * Compiled with flags of its own (simd.mk); nothing here may be called on a machine that cpu.c does not find able.
 */
#ifndef __AVX512VNNI__
#error "this file needs -mavx512vnni; what it needs of AMX it writes in assembly"
#endif
#define HAVE_VNNI 1 /* vpdpbusd on zmm registers */
#define HAVE_AMX 1

#include <string.h>
#include "vec_avx512.h"
#include "lanes_x86.h"
#include "tiles_amx.h"
#include "vector.inc"
#include "gemm_amx.inc"
#include "attn.inc"
#include "blocks.inc"

const struct sp_kernels sp_kernels_amx = {
  .isa = "amx",
  VECTOR_SLOTS,
  GEMM_SLOTS,
  ATTN_SLOTS,
  BLOCK_SLOTS,
};
