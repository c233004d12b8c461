#!/bin/sh
# gpu_kernels.sh - the GPU's kernels against the reference, bit for bit, run thread by thread by the driver of tests/cuda.
#
# Not here: a real GPU (bench/gpu), whole prefills (gpu_faults.sh).
. "$SRC/tests/cuda/driver.sh"
# shellcheck disable=SC2086
STILLPOINT_FAKE_CUDA= LD_LIBRARY_PATH="$driver${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec $EMULATOR "$BUILD/tests/cuda/kernels" --rounds 4
