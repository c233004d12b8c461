/*
 * fatbin.c - embeds the files that nvcc made of the kernels; the assembler reads them, so they are no C text.
 *
 * In:       cuda/rows.fatbin and its siblings, in a directory that the assembler searches.  Out: their bytes.
 * Not here: what is in them.
 */
#ifdef HAVE_CONFIG_H
#include "build.h"
#endif
#include "cuda/fatbin.h"

#ifdef HAVE_CUDA_KERNELS

#define MODULES(X) X(rows) X(heads) X(gemm) X(attn) X(mass) X(decode)

#define EMBED(name)                                                                                        \
  __asm__(".pushsection .rodata\n.balign 64\n.hidden sp_fatbin_" #name "\n.globl sp_fatbin_" #name        \
          "\nsp_fatbin_" #name ":\n.incbin \"cuda/" #name ".fatbin\"\n.byte 0\n.popsection");              \
  extern const char sp_fatbin_##name[] __attribute__((visibility("hidden")));
MODULES(EMBED)

#define ENTRY(name) {sp_fatbin_##name},
const struct sp_fatbin sp_fatbin[SP_GPU_MODULES] = {MODULES(ENTRY)};
const char *const sp_fatbin_missing = "";

#else

const struct sp_fatbin sp_fatbin[SP_GPU_MODULES] = {{0}};
#ifdef HAVE_CUDA
const char *const sp_fatbin_missing = "built without GPU kernels (no nvcc when it was configured)";
#else
const char *const sp_fatbin_missing = "built without CUDA (configure --with-cuda=no)";
#endif

#endif
