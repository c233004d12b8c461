#!/bin/sh
# digests.sh - what a build computes, as checksums: scores, kept rows, logits and tokens of every model of a directory, dense,
# halted, and with halted passages that wake. Two builds that print the same lines agree bit for bit. Not a test by itself: ./test compares builds of other
# processors with it.
#
#   digests.sh --models DIRECTORY BUILD                tiny models of each architecture, made by the build's own mktiny
#   digests.sh DIRECTORY TEXT BUILD LEVEL [OPTION...]  the checksums; EMULATOR runs the program
set -eu

if [ "$1" = --models ]; then
  "$3/tests/mktiny" --arch llama --type mix -o "$2/llama.gguf"
  "$3/tests/mktiny" --arch qwen2 --type Q4_K --untied --head-dim 32 --embd 256 --heads 8 --kv-heads 2 -o "$2/qwen2.gguf"
  "$3/tests/mktiny" --arch qwen3 --type mix --embd-type Q8_0 --head-dim 80 -o "$2/qwen3.gguf"
  exit
fi

models=$1 text=$2 build=$3 level=$4
shift 4
for model in "$models"/*.gguf; do
  for kind in dense halted woken; do
    case $kind in
      dense) how=--dense ;;
      halted) how='--ratio 0.5 --min-tokens 16 --wake 0' ;;
      woken) how='--ratio 0.5 --min-tokens 16 --wake 0.001' ;;
    esac
    # shellcheck disable=SC2086 # lists of words
    ${EMULATOR:-} "$build/stillpoint" digest -q -m "$model" -f "$text" --isa "$level" $how "$@" |
      awk -v what="$(basename "$model") $kind" '
        $1 ~ /^(scores|kept|logits|greedy|all)$/ { print what, $1, $2; n++ } END { if (n != 5) exit 1 }'
  done
done
