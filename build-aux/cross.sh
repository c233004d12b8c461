# cross.sh - the stages of ./test that build for other processors and run there under an emulator; sourced by ./test.
#
# In:       dir, source_dir, build, check_here, say and the counters of ./test; foreign of debian.sh.
# Out:      stage_arm, stage_arm_all, stage_arm_asan, stage_cross.
# Not here: speed. An emulator shows equality, and that nothing runs which a processor lacks.

# A level, a processor of the emulator whose best it is, and the tests that `arm` runs there; `arm-all` runs all.
arm_table="neon cortex-a53  tests/kern tests/check_quant
dot  cortex-a76  tests/kern tests/check_quant
i8mm max,sve=off tests/kern tests/check_quant tests/check_config tests/check_state tests/check_text tests/check_vocab \
  tests/install.sh"
arm_root=/usr/aarch64-linux-gnu

arm_emulator() { echo "qemu-aarch64-static -L $arm_root -cpu $1"; }

# counts WHAT COMMAND...: a case of its own.
counts() {
  what=$1
  shift
  if "$@" >"$dir/counts.out" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAIL: $what"
    tail -n 20 "$dir/counts.out"
  fi
}

# Check of Debian, for Arm; its own library is static, and so shall be the one that it needs.
arm_check() {
  [ -e "$dir/root-arm64/usr/include/check.h" ] && return
  foreign arm64 "$dir/root-arm64" check libsubunit-dev || return 1
  rm -f "$dir"/root-arm64/usr/lib/aarch64-linux-gnu/libsubunit.so*
}

# arm_build NAME OPTION...
arm_build() {
  arm_check || { failed=$((failed + 1)); return 1; }
  arm_name=$1
  shift
  PKG_CONFIG_SYSROOT_DIR="$dir/root-arm64" PKG_CONFIG_LIBDIR="$dir/root-arm64/usr/lib/aarch64-linux-gnu/pkgconfig" \
    build "$arm_name" --host=aarch64-linux-gnu --with-openblas=no --with-numa=no --with-png=no --with-cuda=no "$@"
}

# What the emulator lets a processor execute, so that a level's run proves that nothing above it did.
arm_refuses() { # arm_refuses CPU INSTRUCTION yes|no
  printf 'int main(void) { __asm__ volatile("%s v0.4s, v1.16b, v2.16b" ::: "v0"); return 0; }\n' "$2" >"$dir/one.c"
  aarch64-linux-gnu-gcc -march=armv8.2-a+dotprod+i8mm "$dir/one.c" -o "$dir/one" || return 1
  $(arm_emulator "$1") "$dir/one"
  [ $? -eq "$([ "$3" = yes ] && echo 132 || echo 0)" ]
}
arm_processors() {
  say "arm: processors of the emulator"
  counts "cortex-a53 has no sdot" arm_refuses cortex-a53 sdot yes
  counts "cortex-a53 has no smmla" arm_refuses cortex-a53 smmla yes
  counts "cortex-a76 has sdot" arm_refuses cortex-a76 sdot no
  counts "cortex-a76 has no smmla" arm_refuses cortex-a76 smmla yes
  counts "max has smmla" arm_refuses max,sve=off smmla no
}

digests() { sh "$source_dir/tests/digests.sh" "$@"; }

# digests_equal BUILD EMULATOR LEVEL MODELS [OPTION...]: as the reference has them in the build `check`, which makes them once.
digests_equal() {
  there=$1 emulator=$2 level=$3 models=$4
  shift 4
  [ -s "$models.digests" ] || { digests "$models" "$dir/text" "$dir/check" ref "$@" >"$dir/wanted.digests" &&
    mv "$dir/wanted.digests" "$models.digests"; } || return 1
  EMULATOR=$emulator digests "$models" "$dir/text" "$there" "$level" "$@" >"$dir/found.digests" &&
    diff "$models.digests" "$dir/found.digests"
}

# Tiny models and a text; SmolLM2 where it can be had.
digest_models() {
  if [ ! -e "$dir/check/stillpoint" ]; then build check || return 1; fi
  [ -e "$dir/text" ] && return
  make -s -C "$dir/check" tests/mktiny >/dev/null 2>&1 && mkdir -p "$dir/tiny" "$dir/smollm2" &&
    digests --models "$dir/tiny" "$dir/check" >/dev/null || return 1
  if model=$(python3 "$source_dir/build-aux/fetch-model.py" smollm2-135m); then
    ln -sf "$model" "$dir/smollm2/smollm2.gguf"
  else
    echo "SKIPPED: digests of SmolLM2, which could not be fetched"
    skipped=$((skipped + 1))
  fi
  head -c 300 "$source_dir/README" >"$dir/text"
}

arm_chooses() { $(arm_emulator "$1") ./stillpoint cpu | grep -q "^$2 *yes *yes *yes"; } # arm_chooses CPU LEVEL

# The tests of the build here but for these, which are left to `arm-all`: said, and counted as skipped.
left_out() {
  # shellcheck disable=SC2086 # a list of words
  left=$(make -s --eval='list: ; @printf "%s\n" $(TESTS)' list | grep -vxF "$(printf '%s\n' $1)")
  # shellcheck disable=SC2086
  set -- $left
  echo "skipped, left to arm-all: $# of the tests: $*"
  skipped=$((skipped + $#))
}

# arm_run BUILD all|some: digests and tests at each level.
arm_run() {
  digest_models || { failed=$((failed + 1)); return 1; }
  cd "$dir/$1" || return 1
  while read -r level cpu tests <&3; do
    say "$1: $level"
    counts "$cpu chooses $level" arm_chooses "$cpu" "$level"
    counts "tiny models: $level equals x86" digests_equal "$dir/$1" "$(arm_emulator "$cpu")" "$level" "$dir/tiny"
    [ ! -e "$dir/smollm2/smollm2.gguf" ] ||
      counts "SmolLM2: $level equals x86" digests_equal "$dir/$1" "$(arm_emulator "$cpu")" "$level" "$dir/smollm2" -n 2
    if [ "$2" = all ]; then
      check_here $least_cases check EMULATOR="$(arm_emulator "$cpu")"
    else
      # Of the programs these tests and, for tests/install.sh, the one that makes models.
      check_here 50 check check_PROGRAMS=tests/mktiny check_LTLIBRARIES= EMULATOR="$(arm_emulator "$cpu")" TESTS="$tests"
      left_out "$tests"
    fi
  done 3<<EOF
$arm_table
EOF
}

# One kind of library: each takes a minute to compile.
stage_arm() { arm_build arm --disable-static && arm_processors && arm_run arm some; }

stage_arm_all() { arm_build arm-all && arm_processors && arm_run arm-all all; }

# Without the leak checker, which was not tried under an emulator. gcc 12 takes minutes over the kernels: one library is enough.
stage_arm_asan() {
  arm_build arm-asan --disable-shared --enable-asan --disable-werror CFLAGS='-O1 -g' && ASAN_OPTIONS=detect_leaks=0 \
    check_here $least_cases check EMULATOR="$(arm_emulator max,sve=off)" TESTS="tests/kern tests/check_quant $arm_asan"
}
arm_asan='tests/check_text tests/check_state tests/check_save tests/check_config'

# Other processors: the reference alone, with the same digests.
stage_cross() {
  digest_models || { failed=$((failed + 1)); return 1; }
  for pair in riscv64:riscv64-linux-gnu arm:arm-linux-gnueabihf; do
    cpu=${pair%%:*} triple=${pair#*:}
    build "cross-$cpu" --host="$triple" --disable-shared --with-openblas=no --with-numa=no --with-png=no || continue
    counts "$cpu equals x86" digests_equal "$dir/cross-$cpu" "qemu-$cpu-static -L /usr/$triple" ref "$dir/tiny"
  done
  say "cross: a big-endian processor is refused"
  mkdir -p "$dir/cross-s390x" && cd "$dir/cross-s390x" || return 1
  "$dir/source/configure" --host=s390x-linux-gnu >configure.out 2>&1
  counts "configure refuses s390x with a sentence" grep -q 'is big-endian: GGUF files are little-endian' configure.out
}
