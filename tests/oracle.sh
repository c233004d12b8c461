#!/bin/sh
# oracle.sh - the library against the NumPy rendering of the numeric contract (tests/oracle), bit for bit, on tiny models.
#
# In:       stillpoint, tests/mktiny, a Python 3 with NumPy: $PYTHON, python3 or the system's. Without one the script is skipped.
#           The best instruction set of this machine is compared everywhere, the others in turn; or $STILLPOINT_ISA alone.
# Not here: equality among threads and chunks (check_bits); quality on real models (tests/model).
. "$SRC/tests/tap.sh"

[ -z "${ASAN_FLAGS:-}" ] || skip_all 'the arithmetic is that of a build without sanitizers, which this compares with the oracle'
for python in ${PYTHON:-} python3 /usr/bin/python3 ''; do
  [ -z "$python" ] || "$python" -c 'import numpy' 2>/dev/null && break
done
[ -n "$python" ] || skip_all 'no Python 3 with NumPy is here (Debian: apt-get install python3-numpy)'
note "$("$python" -c 'import numpy, platform; print("Python", platform.python_version(), "NumPy", numpy.__version__)')"

# shellcheck disable=SC2086
levels=${STILLPOINT_ISA:-$($EMULATOR "$BUILD/stillpoint" cpu | awk '$3 == "yes" { print $1 }' | paste -sd , -)}
note "instruction sets: $levels"

# -B: the source directory may be read-only. run.py prints the TAP.
"$python" -B "$SRC/tests/oracle/run.py" --emulator "$EMULATOR" --isa "$levels" --stillpoint "$BUILD/stillpoint" \
  --mktiny "$BUILD/tests/mktiny" --probe "$SRC/src/probe.h" --work "$work"
