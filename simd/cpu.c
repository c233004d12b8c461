/*
 * cpu.c - asks the processor, and asks whether the system saves the registers.
 *
 * In:       cpuid, xgetbv.  Out: cpu.h.
 * Not here: choosing (pick.c).
 *
 * On architectures without a branch below the set is empty and the reference runs. An Arm level will ask getauxval(AT_HWCAP)
 * here.
 */
#include <stddef.h>
#include "simd/cpu.h"

const char *sp_cpu_lacks(uint32_t has, uint32_t needs) {
  static const char *const missing[SP_CPU_FEATURES] = {
#define TEXT(name, text) text,
    SP_CPU_LIST(TEXT)
#undef TEXT
  };
  for (unsigned i = 0; i < SP_CPU_FEATURES; i++) {
    if ((needs & ~has) >> i & 1) return missing[i];
  }
  return NULL;
}

#if defined __x86_64__ || defined __i386__
#include <cpuid.h>

enum { EAX, EBX, ECX, EDX };

/* Registers after cpuid(leaf, sub); zeros if the processor has no such leaf. */
static void ask(unsigned leaf, unsigned sub, unsigned out[4]) {
  if (!__get_cpuid_count(leaf, sub, &out[EAX], &out[EBX], &out[ECX], &out[EDX])) out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0;
}

/* XCR0: which registers the system saves. As bytes, because the intrinsic would need a flag for the whole file. */
static uint32_t saved_registers(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

/* Where a feature's bit stands. */
struct place {
  uint8_t feature, leaf, sub, reg, bit;
};

static const struct place places[] = {
  {SP_CPU_AVX, 1, 0, ECX, 28},       {SP_CPU_FMA, 1, 0, ECX, 12},       {SP_CPU_F16C, 1, 0, ECX, 29},
  {SP_CPU_AVX2, 7, 0, EBX, 5},       {SP_CPU_AVXVNNI, 7, 1, EAX, 4},    {SP_CPU_AVX512F, 7, 0, EBX, 16},
  {SP_CPU_AVX512DQ, 7, 0, EBX, 17},  {SP_CPU_AVX512CD, 7, 0, EBX, 28},  {SP_CPU_AVX512BW, 7, 0, EBX, 30},
  {SP_CPU_AVX512VL, 7, 0, EBX, 31},  {SP_CPU_AVX512VNNI, 7, 0, ECX, 11},
};

uint32_t sp_cpu_features(void) {
  enum { OSXSAVE = 27, YMM = 0x06, ZMM = 0xe6 }; /* XCR0: xmm and ymm; and opmask, upper halves of zmm0-15, zmm16-31 */
  unsigned basic[4], extended[4], sub1[4] = {0};
  ask(1, 0, basic);
  ask(7, 0, extended);
  if (extended[EAX] >= 1) ask(7, 1, sub1); /* eax of leaf 7 is its last sub-leaf */
  uint32_t saved = basic[ECX] >> OSXSAVE & 1 ? saved_registers() : 0, has = 0;
  if ((saved & YMM) == YMM) has |= SP_CPU_BIT(AVX_STATE);
  if ((saved & ZMM) == ZMM) has |= SP_CPU_BIT(AVX512_STATE);
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    const struct place *p = &places[i];
    const unsigned *regs = p->leaf == 1 ? basic : p->sub == 1 ? sub1 : extended;
    if (regs[p->reg] >> p->bit & 1) has |= (uint32_t)1 << p->feature;
  }
  return has;
}
#else

uint32_t sp_cpu_features(void) {
  return 0;
}
#endif
