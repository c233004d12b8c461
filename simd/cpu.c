/*
 * cpu.c - asks the processor, and asks whether the system saves the registers.
 *
 * In:       cpuid and xgetbv; on Arm what the system tells of the processor.  Out: cpu.h.
 * Not here: choosing (pick.c).
 *
 * On architectures without a branch below the set is empty and the reference runs.
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
#include <stdbool.h>
#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>
#endif

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
  {SP_CPU_AVX512VL, 7, 0, EBX, 31},  {SP_CPU_AVX512VNNI, 7, 0, ECX, 11}, {SP_CPU_AMX_TILE, 7, 0, EDX, 24},
  {SP_CPU_AMX_INT8, 7, 0, EDX, 25},
};

/* Tiles are 8 KB a thread, which Linux (5.16 on) saves only for a process that has asked. It refuses where a signal stack is too
 * small for them; without the question the first tile instruction is a SIGILL. */
static bool tiles_permitted(void) {
#if defined __linux__ && defined __x86_64__
  enum { GET = 0x1022, REQUEST = 0x1023, TILE_DATA = 18 }; /* ARCH_GET_XCOMP_PERM, ARCH_REQ_XCOMP_PERM, number of the state */
  uint64_t permitted = 0;
  if (syscall(SYS_arch_prctl, REQUEST, TILE_DATA) != 0 || syscall(SYS_arch_prctl, GET, &permitted) != 0) return false;
  return (permitted >> TILE_DATA & 1) != 0;
#else
  return false;
#endif
}

uint32_t sp_cpu_features(void) {
  enum { OSXSAVE = 27 };
  /* XCR0: xmm and ymm; with opmask and both parts of zmm; tiles and their shapes */
  enum { YMM = 0x06, ZMM = 0xe6, TILES = 0x60000 };
  unsigned basic[4], extended[4], sub1[4] = {0};
  ask(1, 0, basic);
  ask(7, 0, extended);
  if (extended[EAX] >= 1) ask(7, 1, sub1); /* eax of leaf 7 is its last sub-leaf */
  uint32_t saved = basic[ECX] >> OSXSAVE & 1 ? saved_registers() : 0, has = 0;
  if ((saved & YMM) == YMM) has |= SP_CPU_BIT(AVX_STATE);
  if ((saved & ZMM) == ZMM) has |= SP_CPU_BIT(AVX512_STATE);
  if ((saved & TILES) == TILES && (extended[EDX] >> 24 & 1) != 0 && tiles_permitted()) has |= SP_CPU_BIT(AMX_STATE);
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    const struct place *p = &places[i];
    const unsigned *regs = p->leaf == 1 ? basic : p->sub == 1 ? sub1 : extended;
    if (regs[p->reg] >> p->bit & 1) has |= (uint32_t)1 << p->feature;
  }
  return has;
}
#elif defined __aarch64__ && defined __linux__
#include <sys/auxv.h>

/* The system names what it saves and the processor has. Bits are written out: older headers lack the names. */
uint32_t sp_cpu_features(void) {
  enum { ASIMD = 1, DOTPROD = 20, I8MM = 13 }; /* HWCAP_ASIMD, HWCAP_ASIMDDP, HWCAP2_I8MM */
  unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
  uint32_t has = 0;
  if (first >> ASIMD & 1) has |= SP_CPU_BIT(ASIMD);
  if (first >> DOTPROD & 1) has |= SP_CPU_BIT(DOTPROD);
  if (second >> I8MM & 1) has |= SP_CPU_BIT(I8MM);
  return has;
}
#else

uint32_t sp_cpu_features(void) {
  return 0;
}
#endif
