/*
 * kern.h - what tests/kern.c and tests/kern_bench.c share.
 *
 * In:       nothing.  Out: the micro-benchmark; the emulated level.
 * Not here: cases of the self-test (src/selftest.h).
 */
#ifndef KERN_H
#define KERN_H

#include "simd/kernels.h"

/* Prints GOP/s or GB/s of each kernel at real shapes, one line per kernel and shape, one column per usable level; one thread.
 * `only`: a kernel's name, or NULL for all. Returns 0, or 1 when memory runs out. */
int kern_bench(const char *only);

/* Level "amx" over tiles that are emulated, where the compiler builds level "vnni"; it runs where that one does. */
extern const struct sp_kernels kern_amx;
bool kern_amx_in_use(void); /* this thread's tiles are configured */

#endif
