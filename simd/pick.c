/*
 * pick.c - the list of levels and the choice among them.
 *
 * In:       a name, or "auto".  Out: a table that this machine can run, or NULL and a reason.
 * Not here: the environment (settings.c reads STILLPOINT_ISA), what a feature is (cpu.c).
 */
#ifdef HAVE_CONFIG_H
#include "build.h"
#endif
#include <string.h>
#include "simd/cpu.h"
#include "simd/ref.h"

#define NEEDS_AVX2 (SP_CPU_BIT(AVX_STATE) | SP_CPU_BIT(AVX) | SP_CPU_BIT(AVX2) | SP_CPU_BIT(FMA) | SP_CPU_BIT(F16C))
#define NEEDS_AVX512                                                                                                    \
  (NEEDS_AVX2 | SP_CPU_BIT(AVX512_STATE) | SP_CPU_BIT(AVX512F) | SP_CPU_BIT(AVX512DQ) | SP_CPU_BIT(AVX512CD) | \
   SP_CPU_BIT(AVX512BW) | SP_CPU_BIT(AVX512VL))

#ifdef HAVE_ISA_AVX2
#define TABLE_AVX2 &sp_kernels_avx2
#else
#define TABLE_AVX2 NULL
#endif
#ifdef HAVE_ISA_AVXVNNI
#define TABLE_AVXVNNI &sp_kernels_avxvnni
#else
#define TABLE_AVXVNNI NULL
#endif
#ifdef HAVE_ISA_AVX512
#define TABLE_AVX512 &sp_kernels_avx512
#else
#define TABLE_AVX512 NULL
#endif
#ifdef HAVE_ISA_VNNI
#define TABLE_VNNI &sp_kernels_vnni
#else
#define TABLE_VNNI NULL
#endif
#ifdef HAVE_ISA_AMX
#define TABLE_AMX &sp_kernels_amx
#else
#define TABLE_AMX NULL
#endif

#ifdef HAVE_ISA_NEON
#define TABLE_NEON &sp_kernels_neon
#else
#define TABLE_NEON NULL
#endif
#ifdef HAVE_ISA_DOT
#define TABLE_DOT &sp_kernels_dot
#else
#define TABLE_DOT NULL
#endif
#ifdef HAVE_ISA_I8MM
#define TABLE_I8MM &sp_kernels_i8mm
#else
#define TABLE_I8MM NULL
#endif

/* Weakest first. A level of another architecture has its own branch here and its flags in simd.mk. */
static const struct sp_isa_level levels[] = {
  {"ref", &sp_kernels_ref},
#if defined __x86_64__ || defined __i386__
  {"avx2", TABLE_AVX2},
  {"avxvnni", TABLE_AVXVNNI},
  {"avx512", TABLE_AVX512},
  {"vnni", TABLE_VNNI},
  {"amx", TABLE_AMX},
#elif defined __aarch64__
  {"neon", TABLE_NEON},
  {"dot", TABLE_DOT},
  {"i8mm", TABLE_I8MM},
#endif
};

/* Features that the level of the same number needs. */
static const uint32_t needs[] = {
  0,
#if defined __x86_64__ || defined __i386__
  NEEDS_AVX2,
  NEEDS_AVX2 | SP_CPU_BIT(AVXVNNI),
  NEEDS_AVX512,
  NEEDS_AVX512 | SP_CPU_BIT(AVX512VNNI),
  NEEDS_AVX512 | SP_CPU_BIT(AVX512VNNI) | SP_CPU_BIT(AMX_TILE) | SP_CPU_BIT(AMX_INT8) | SP_CPU_BIT(AMX_STATE),
#elif defined __aarch64__
  SP_CPU_BIT(ASIMD),
  SP_CPU_BIT(ASIMD) | SP_CPU_BIT(DOTPROD),
  SP_CPU_BIT(ASIMD) | SP_CPU_BIT(DOTPROD) | SP_CPU_BIT(I8MM),
#endif
};

enum { LEVELS = sizeof levels / sizeof levels[0] };
_Static_assert(sizeof needs / sizeof needs[0] == LEVELS, "a level lacks its list of features");

const struct sp_isa_level *sp_isa_levels(size_t *count) {
  *count = LEVELS;
  return levels;
}

const char *sp_isa_missing(size_t level) {
  if (level >= LEVELS) return "no such level";
  if (levels[level].table == NULL) return "not built";
  return sp_cpu_lacks(sp_cpu_features(), needs[level]);
}

const struct sp_kernels *sp_kernels_pick(const char *name, const char **why) {
  bool automatic = strcmp(name, "auto") == 0;
  for (size_t i = LEVELS; i-- > 0;) {
    if (!automatic && strcmp(name, levels[i].name) != 0) continue;
    *why = sp_isa_missing(i);
    if (*why == NULL) return levels[i].table;
    if (!automatic) return NULL;
  }
  *why = "no such level"; /* "auto" ends at ref at the latest */
  return NULL;
}
