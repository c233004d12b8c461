#!/bin/sh
# gpu_kernels.sh - the GPU's kernels against the reference, bit for bit, run thread by thread by the driver of tests/cuda.
#
# Not here: a real GPU (bench/gpu), whole prefills (gpu_faults.sh).
driver=$BUILD/tests/cuda/.libs
if [ ! -e "$driver/libcuda.so.1" ]; then
  echo '1..0 # SKIP this build has no shared libraries, of which the driver of the tests is one'
  exit 0
fi
if ! grep -q "^#define HAVE_CUDA 1" "$BUILD/build.h"; then
  echo "1..0 # SKIP built without CUDA (configure --with-cuda=no)"
  exit 0
fi
# shellcheck disable=SC2086
STILLPOINT_FAKE_CUDA= LD_LIBRARY_PATH="$driver${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec $EMULATOR "$BUILD/tests/cuda/kernels" --rounds 4
