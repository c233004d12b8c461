#!/bin/sh
# gpu_faults.sh - whole prefills on the driver of tests/cuda, sound and failing: tests/cuda/check_gpu with that driver to be found.
. "$SRC/tests/cuda/driver.sh"
# shellcheck disable=SC2086
STILLPOINT_FAKE_CUDA= LD_LIBRARY_PATH="$driver${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" exec $EMULATOR "$BUILD/tests/cuda/check_gpu"
