/*
 * inline.h - how the bodies of kernels are written down.
 *
 * Out:      SP_INLINE before a function, UNROLL before a loop whose bounds are constants.
 * Not here: instructions.
 */
#ifndef SP_INLINE_H
#define SP_INLINE_H

#define SP_INLINE static inline __attribute__((always_inline, unused))

/* Loops over registers must vanish, or the registers become an array in memory. */
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#endif
