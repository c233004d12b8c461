/*
 * fatbin.h - the device code of the kernels, as nvcc made it.
 *
 * In:       nothing.  Out: bytes for the driver's loader.
 * Not here: their meaning.
 */
#ifndef SP_FATBIN_H
#define SP_FATBIN_H

#include "cuda/gpu.h"

struct sp_fatbin {
  const void *data; /* NULL: this build has none, and sp_fatbin_missing says why */
};
extern const struct sp_fatbin sp_fatbin[SP_GPU_MODULES];
extern const char *const sp_fatbin_missing;

#endif
