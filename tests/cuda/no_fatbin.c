/*
 * no_fatbin.c - stands in for the device code where the build has none: the fake driver asks for an image and does not look at
 * it.
 *
 * In:       nothing.  Out: sp_fatbin, before the linker looks for the library's.
 * Not here: code for a real GPU.
 */
#ifdef HAVE_CONFIG_H
#include "build.h"
#endif
#include "cuda/fatbin.h"

#ifndef HAVE_CUDA_KERNELS
const struct sp_fatbin sp_fatbin[SP_GPU_MODULES] = {{"0"}, {"1"}, {"2"}, {"3"}, {"4"}, {"5"}};
const char *const sp_fatbin_missing = "";
#endif
