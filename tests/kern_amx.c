/*
 * kern_amx.c - the kernels of level "amx" over emulated tiles, for kern.c.
 *
 * In:       a processor with AVX-512 and VNNI, as simd/k_amx.c; tiles are of amx_emulation.h.
 * Out:      kern_amx, kern_amx_in_use().
 * Not here: comparison with the reference (kern.c).
 */
#define sp_kernels_amx kern_amx
#include "amx_emulation.h"
#include "kern.h"
#include "simd/k_amx.c"

bool kern_amx_in_use(void) { return tiles_in_use(); }
