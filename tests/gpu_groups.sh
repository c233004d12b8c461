#!/bin/sh
# gpu_groups.sh - the same as gpu_kernels.sh, of GEMM and attention in their branch for compute capability 9.0.
#
# Not here: a real GPU (bench/gpu), which alone has its asynchrony.
. "$SRC/tests/cuda/driver.sh"
# shellcheck disable=SC2086
STILLPOINT_FAKE_CUDA=groups LD_LIBRARY_PATH="$driver${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec $EMULATOR "$BUILD/tests/cuda/kernels" \
  --rounds 3 --seed 2
