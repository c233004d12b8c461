/*
 * ref.h - the tables of all levels, and the reference kernels by name for levels that have nothing better for a slot.
 *
 * In:       nothing.  Out: declarations only; ref.c and ref_blocks.c define them.
 * Not here: contracts (kernels.h).
 */
#ifndef SP_REF_H
#define SP_REF_H

#include "simd/kernels.h"

#define SP_REF_SLOT(result, name, parameters) result sp_ref_##name parameters;
SP_SLOT_LIST(SP_REF_SLOT)
#undef SP_REF_SLOT

extern const sp_dequant_fn sp_ref_dequant[SP_TYPES];
extern const sp_dot_fn sp_ref_dot[SP_TYPES];

/* The tables of the other levels; each exists only if its level was built (build.h: HAVE_ISA_*). */
extern const struct sp_kernels sp_kernels_avx2, sp_kernels_avxvnni, sp_kernels_avx512, sp_kernels_vnni, sp_kernels_amx;
extern const struct sp_kernels sp_kernels_neon, sp_kernels_dot, sp_kernels_i8mm;

#endif
