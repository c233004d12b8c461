/*
 * cpu.h - what the processor can do and the system lets it do.
 *
 * In:       nothing.  Out: a set of features; those called STATE are the system's: without them the registers may not be touched,
 *           whatever the processor says, so a level needs both.
 * Not here: levels and their tables (pick.c).
 */
#ifndef SP_CPU_H
#define SP_CPU_H

#include <stdint.h>

/* X(NAME, what is said when it is missing), in the order in which a lack is named. */
#define SP_CPU_LIST(X)                                                    \
  X(AVX, "no AVX")                                                        \
  X(AVX_STATE, "the system does not save AVX registers")                  \
  X(AVX2, "no AVX2")                                                      \
  X(FMA, "no FMA")                                                        \
  X(F16C, "no F16C")                                                      \
  X(AVXVNNI, "no AVX-VNNI")                                               \
  X(AVX512F, "no AVX-512F")                                               \
  X(AVX512_STATE, "the system does not save AVX-512 registers")           \
  X(AVX512DQ, "no AVX-512DQ")                                             \
  X(AVX512CD, "no AVX-512CD")                                             \
  X(AVX512BW, "no AVX-512BW")                                             \
  X(AVX512VL, "no AVX-512VL")                                             \
  X(AVX512VNNI, "no AVX-512 VNNI")                                        \
  X(AMX_TILE, "no AMX")                                                   \
  X(AMX_INT8, "no AMX for int8")                                          \
  X(AMX_STATE, "the system does not let this process use AMX tiles")      \
  X(ASIMD, "no Advanced SIMD")                                            \
  X(DOTPROD, "no dot product (FEAT_DotProd)")                             \
  X(I8MM, "no products of int8 matrices (FEAT_I8MM)")

enum sp_cpu_feature {
#define SP_CPU_ENUM(name, missing) SP_CPU_##name,
  SP_CPU_LIST(SP_CPU_ENUM)
#undef SP_CPU_ENUM
  SP_CPU_FEATURES
};

#define SP_CPU_BIT(name) ((uint32_t)1 << SP_CPU_##name)

/* Asks the processor anew at each call (some microseconds, more in a virtual machine), so there is no state to share. Where the
 * processor has AMX, it also asks the system for permission to use tiles, which holds for the process and its children. */
uint32_t sp_cpu_features(void);
/* The sentence fragment for the first feature of `needs` that `has` lacks; NULL if none. Static. */
const char *sp_cpu_lacks(uint32_t has, uint32_t needs);

#endif
