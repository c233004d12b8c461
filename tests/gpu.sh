#!/bin/sh
# gpu.sh - the command where there is no usable driver, where there is one, and where it fails: exit codes, the line, the digests.
#
# In:       tests/cuda/still: the command, with a stand-in for device code in builds without; drivers that lack something; the
#           driver of tests/cuda.
# Not here: every fault (gpu_faults.sh).
. "$SRC/tests/tap.sh"

. "$SRC/tests/cuda/driver.sh"
cd "$work" || exit 1
# shellcheck disable=SC2086
$EMULATOR "$BUILD/tests/mktiny" --layers 2 --ff 256 --vocab 270 -o model.gguf || { echo 'Bail out! mktiny failed'; exit 1; }
mkdir none old
: >none/libcuda.so.1 # an empty file hides the machine's own driver, if there is one
echo 'int cuInit(unsigned flags) { return (int)flags; }' >old.c
# shellcheck disable=SC2086
$CC $CFLAGS -shared -fPIC -o old/libcuda.so.1 old.c

# with DRIVER WORDS ARGUMENT...: the command with that driver, which is told the words; also on CPUs alone it must give its best.
with() {
  with_driver=$1 with_words=$2
  shift 2
  # shellcheck disable=SC2086
  STILLPOINT_FAKE_CUDA=$with_words LD_LIBRARY_PATH=$with_driver $EMULATOR "$BUILD/tests/cuda/still" "$@"
}
# digest DRIVER WORDS DEVICE OPTION...: exit code, then the lines that a machine cannot change; the log goes to the file "log"
digest() {
  digest_driver=$1 digest_words=$2 digest_device=$3
  shift 3
  with "$digest_driver" "$digest_words" digest -m model.gguf -p 'A text of some fifty tokens, one a byte, to be halted.' --min-tokens 0 --start 0.5 --device "$digest_device" "$@" \
    2>log >out
  echo "exit $?"
  grep -E '^(scores|kept|logits|greedy)' out
}
wanted=$(digest "$work/none" '' none)
ok "a digest on the CPU" test "$(echo "$wanted" | wc -l)" -ge 4
equal "no driver: auto is the CPU" "$wanted" "$(digest "$work/none" '' auto)"
equal "and no word of it" '' "$(cat log)"
equal "an old driver: auto is the CPU" "$wanted" "$(digest "$work/old" '' auto)"
equal "no driver, cuda asked for: exit code 9" 'exit 9' "$(digest "$work/none" '' cuda)"
ok "with the reason" grep -q 'no NVIDIA driver (libcuda.so.1) on this machine; --device none goes without a GPU' log
equal "an old driver, cuda asked for: exit code 9" 'exit 9' "$(digest "$work/old" '' cuda)"
ok "with what it lacks" grep -q 'libcuda.so.1 lacks cu[A-Za-z0-9_]*; it is too old or no driver' log
equal "no such GPU: exit code 9" 'exit 9' "$(digest "$driver" '' cuda:3)"
ok "with how many there are" grep -q 'there is no GPU 3: the driver has 1' log

equal "a GPU: the same digests" "$wanted" "$(digest "$driver" '' cuda)"
equal "and no word of it" '' "$(cat log)"
equal "--device none leaves it alone" "$wanted" "$(digest "$driver" 'launch=1 sticky' none)"
for words in launch=30 'launch=30 sticky' alloc=40 sync=4; do
  equal "$words: the same digests" "$wanted" "$(digest "$driver" "$words" auto)"
  equal "$words: one line, which says so" 1 "$(grep -c 'GPU 0 (Emulated GPU 0): .* on the CPU' log)"
  equal "$words: and no other" 1 "$(grep -c . log)"
done

# part of the layers
# planned ARGUMENT...: a member of the plan that inspect prints
planned() {
  member=$1
  shift
  with "$driver" '' inspect --json -m model.gguf "$@" |
    tr ',' '\n' | sed -n "s/.*\"$member\": *\([0-9][0-9]*\).*/\1/p"
}
for part in --gpu-layers=1 --gpu-memory="$(planned device --gpu-layers=1)"; do
  equal "$part: the same digests" "$wanted" "$(digest "$driver" '' cuda $part)"
  equal "$part: and no word of it" '' "$(cat log)"
done
equal "--gpu-layers 0: no driver is asked" "$wanted" "$(digest "$work/none" '' cuda --gpu-layers=0)"
equal "too little memory for what was asked: exit code 9" 'exit 9' "$(digest "$driver" '' cuda --gpu-layers=2 --gpu-memory=1M)"
ok "with how much it takes" grep -q '2 of 2 layers with a session of [0-9]* tokens take [0-9]* MiB there and 1 MiB are free' log
equal "inspect plans the GPU's layers" 1 "$(planned device_layers --gpu-layers=1)"
ok "and their bytes" test "$(planned device --gpu-layers=1)" -lt "$(planned device)"
equal "none without a GPU" 0 "$(planned device --device=none)"
ok "in words, too" sh -c "LD_LIBRARY_PATH='$driver' $EMULATOR '$BUILD/tests/cuda/still' inspect -m model.gguf | grep -q 'on the GPU'"

# stillpoint cpu
none "cpu names the GPU" "$(with "$driver" '' cpu | grep 'Emulated GPU 0' >/dev/null || echo absent)"
ok "cpu says why none is used" sh -c "LD_LIBRARY_PATH='$work/none' $EMULATOR '$BUILD/tests/cuda/still' cpu | grep -q 'no NVIDIA driver'"
tap_end
