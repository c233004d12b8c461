/*
 * kern.h - what tests/kern.c and tests/kern_bench.c share.
 *
 * In:       nothing.  Out: the micro-benchmark.
 * Not here: cases of the self-test (src/selftest.h).
 */
#ifndef KERN_H
#define KERN_H

/* Prints GOP/s or GB/s of each kernel at real shapes, one line per kernel and shape, one column per usable level; one thread.
 * `only`: a kernel's name, or NULL for all. Returns 0, or 1 when memory runs out. */
int kern_bench(const char *only);

#endif
