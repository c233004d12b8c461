#!/bin/sh
# fuzz.sh - the fuzz targets without a fuzzer: seeded mutants, so that the targets stay whole and the readers meet odd bytes in
# every run. In a build with --enable-asan a wrong access is a failure.
. "$SRC/tests/tap.sh"

# mutants TARGET COUNT: each target says in its last line what became of them.
mutants() {
  # shellcheck disable=SC2086
  $EMULATOR "$BUILD/tests/fuzz/$1" mutants "$2" 1 >"$work/$1" 2>&1
}
ok "mutants of model files" mutants fuzz_gguf 20000
note "$(tail -n 1 "$work/fuzz_gguf")"
ok "mutants of calibrations" mutants fuzz_calibration 200000
note "$(tail -n 1 "$work/fuzz_calibration")"
ok "odd text, templates and messages" mutants fuzz_text 5000
note "$(tail -n 1 "$work/fuzz_text")"
ok "mutants of texts and chat templates" mutants fuzz_text 20000
note "$(tail -n 1 "$work/fuzz_text")"
tap_end
