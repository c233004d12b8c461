/*
 * peak.c - the loops of peak.h in assembly, so that no compiler can leave anything out or spill.
 *
 * In:       rounds.  Out: nothing; twelve independent results a round, more than latency times issue width.
 * Not here: whether a machine has the instructions (sp_isa_missing says it).
 *
 * Registers 0 to 11 take results; the others hold operands, all 0, which takes no less time than other numbers.
 */
#include "peak.h"

#ifdef HAVE_CONFIG_H
#include "build.h"
#endif

#define TWELVE(X) X("0") X("1") X("2") X("3") X("4") X("5") X("6") X("7") X("8") X("9") X("10") X("11")
#define CLEAR "vzeroall\n"
#define VECTORS                                                                                                           \
  "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
      "xmm14", "xmm15"
#define LOOP(name, body) \
  static void name(size_t rounds) { __asm__ volatile(CLEAR "1:\n" body "dec %0\njnz 1b\nvzeroupper" : "+r"(rounds) : : VECTORS); }

#define FMA256(r) "vfmadd231ps %%ymm12, %%ymm13, %%ymm" r "\n"
#define FMA512(r) "vfmadd231ps %%zmm12, %%zmm13, %%zmm" r "\n"
#define DOT256(r) "%{vex%} vpdpbusd %%ymm12, %%ymm13, %%ymm" r "\n"
#define DOT512(r) "vpdpbusd %%zmm12, %%zmm13, %%zmm" r "\n"
/* Without VNNI a product is three instructions: pairs of bytes, pairs of those, the sum. */
#define PAIRS256(r) \
  "vpmaddubsw %%ymm12, %%ymm13, %%ymm14\nvpmaddwd %%ymm14, %%ymm13, %%ymm15\nvpaddd %%ymm15, %%ymm" r ", %%ymm" r "\n"
#define PAIRS512(r) \
  "vpmaddubsw %%zmm12, %%zmm13, %%zmm14\nvpmaddwd %%zmm14, %%zmm13, %%zmm15\nvpaddd %%zmm15, %%zmm" r ", %%zmm" r "\n"

#ifdef HAVE_ISA_AVX2
LOOP(fma256, TWELVE(FMA256))
LOOP(pairs256, TWELVE(PAIRS256))
#endif
#ifdef HAVE_ISA_AVXVNNI
LOOP(dot256, TWELVE(DOT256))
#endif
#ifdef HAVE_ISA_AVX512
LOOP(fma512, TWELVE(FMA512))
LOOP(pairs512, TWELVE(PAIRS512))
#endif
#ifdef HAVE_ISA_VNNI
LOOP(dot512, TWELVE(DOT512))
#endif

#ifdef HAVE_ISA_AMX
/* Four tiles of 16 x 16 sums, in turn, of 16 x 64 times 64 x 16. */
static void tiles(size_t rounds) {
  static const unsigned char shapes[64] __attribute__((aligned(64))) = {
      [0] = 1, [16] = 64, [18] = 64, [20] = 64, [22] = 64, [24] = 64, [26] = 64, [48] = 16, 16, 16, 16, 16, 16};
  __asm__ volatile("ldtilecfg %1\ntilezero %%tmm0\ntilezero %%tmm1\ntilezero %%tmm2\ntilezero %%tmm3\ntilezero %%tmm4\n"
                   "tilezero %%tmm5\n1:\ntdpbssd %%tmm5, %%tmm4, %%tmm0\ntdpbssd %%tmm5, %%tmm4, %%tmm1\n"
                   "tdpbssd %%tmm5, %%tmm4, %%tmm2\ntdpbssd %%tmm5, %%tmm4, %%tmm3\ndec %0\njnz 1b\ntilerelease"
                   : "+r"(rounds)
                   : "m"(shapes)
                   : "cc");
}
#endif

static const struct peak table[] = {
#ifdef HAVE_ISA_AVX2
    {"avx2", "int8 vpmaddubsw, 256 bits", 1, 12 * 64, pairs256},
    {"avx2", "fp32 fma, 256 bits", 0, 12 * 16, fma256},
#endif
#ifdef HAVE_ISA_AVXVNNI
    {"avxvnni", "int8 vpdpbusd, 256 bits", 1, 12 * 64, dot256},
#endif
#ifdef HAVE_ISA_AVX512
    {"avx512", "int8 vpmaddubsw, 512 bits", 1, 12 * 128, pairs512},
    {"avx512", "fp32 fma, 512 bits", 0, 12 * 32, fma512},
#endif
#ifdef HAVE_ISA_VNNI
    {"vnni", "int8 vpdpbusd, 512 bits", 1, 12 * 128, dot512},
#endif
#ifdef HAVE_ISA_AMX
    {"amx", "int8 tdpbssd, tiles", 1, 4 * 2 * 16 * 16 * 64, tiles},
#endif
    {"ref", "nothing", 0, 0, NULL}, /* a table needs a row */
};

const struct peak *peaks(size_t *count) {
  *count = sizeof table / sizeof table[0] - 1;
  return table;
}
