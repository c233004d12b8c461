#!/bin/sh
# model.sh - a real model, end to end: `make check-model` with STILLPOINT_MODEL=file.gguf. Made for SmolLM2-135M; any model will do.
. "$SRC/tests/tap.sh"

model=${STILLPOINT_MODEL:-}
[ -n "$model" ] || skip_all "STILLPOINT_MODEL names no model file"
[ -r "$model" ] || { echo "Bail out! STILLPOINT_MODEL=$model cannot be read"; exit 1; }

stillpoint() {
  # shellcheck disable=SC2086
  $LIBTOOL --mode=execute $EMULATOR "$BUILD/stillpoint" "$@"
}
text=/usr/share/common-licenses/GPL-3
[ -r "$text" ] || { text=$work/text; yes 'The quick brown fox jumps over the lazy dog; line after line it does so.' | head -n 300 >"$text"; }

ok "inspect" stillpoint inspect "$model"
ok "run answers" sh -c "$LIBTOOL --mode=execute $EMULATOR '$BUILD/stillpoint' run -m '$model' -q -n 24 --temperature 0 \
  -p 'What is the capital of France? Answer with one word.' >'$work/answer'"
note "$(head -c 300 "$work/answer")"
ok "and knows the capital of France" grep -q Paris "$work/answer"

# The same tokens survive wherever it runs: one SHA-256 over scores, kept rows, logits and 16 tokens.
head -c 9000 "$text" >"$work/document"
digest() { stillpoint digest -m "$model" -f "$work/document" -q "$@" | tail -n 1; }
halted=$(digest)
ok "digest of a halted prefill" test -n "$halted"
note "$halted"
stillpoint cpu | awk '$2 ~ /^(yes|no)$/ && $3 ~ /^(yes|no)$/ { print $1, $3 }' >"$work/levels"
ok "cpu lists the levels" grep -q '^ref yes$' "$work/levels"
while read -r level usable; do
  if [ "$usable" = yes ]; then
    equal "the same on $level" "$halted" "$(digest --isa "$level" </dev/null)"
  else
    skip "the same on $level" "not on this machine"
  fi
done <"$work/levels"
for threads in 1 3; do equal "the same with $threads threads" "$halted" "$(digest --threads $threads)"; done
for chunk in 63 512; do equal "the same in chunks of $chunk" "$halted" "$(digest --chunk $chunk)"; done
dense=$(digest --dense)
ok "a dense prefill differs" test "$dense" != "$halted"

# A machine of 512 MB: 2048 tokens within the least limit that is not refused, and with all that the process maps, the file too,
# in 512 MiB of addresses. OpenBLAS reserves some for each of its threads, so it has one.
small() {
  sh -c 'ulimit -v 524288; exec "$@"' sh env OPENBLAS_NUM_THREADS=1 timeout 300 python3 -c "$measure" "$BUILD/stillpoint" "$@"
}
measure='import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024, file=sys.stderr)
sys.exit(status)'
if [ -n "$EMULATOR" ] || [ "$(wc -c <"$model")" -gt 134217728 ]; then
  skip "2048 tokens in 512 MiB" "the file takes more than 128 MiB, or an emulator has memory of its own"
else
  head -c 14000 "$text" >"$work/long"
  stillpoint tokenize -m "$model" -f "$work/long" --json >"$work/long.json"
  python3 -c 'import json, sys; print(*json.load(sys.stdin)["tokens"][:2048], sep=",")' <"$work/long.json" >"$work/ids"
  equal "2048 tokens" 2048 "$(tr ',' '\n' <"$work/ids" | wc -l)"
  set -- digest -q -m "$model" --tokens "@$work/ids" --ctx 2064 --threads 2
  least=$(stillpoint inspect "$model" --ctx 2064 --threads 2 --panels 1 --json | sed -n 's/.*"total": *\([0-9]*\).*/\1/p')
  small "$@" --memory-limit "$least" >"$work/small" 2>"$work/peak"
  wanted=$(stillpoint "$@" | sed -n 's/^all *//p')
  equal "2048 tokens in 512 MiB, with the least memory limit" "${wanted:-a digest}" "$(sed -n 's/^all *//p' "$work/small")"
  peak=$(sed -n 's/^peak //p' "$work/peak")
  file=$(wc -c <"$model")
  note "memory limit $((least >> 20)) MiB; the process's peak $((peak >> 20)) MiB, $((file >> 20)) of them the mapped file"
  ok "the peak is what was planned, and the file" test "$peak" -le $((least + file + (16 << 20)))
  stillpoint "$@" --memory-limit $((least - 1)) >/dev/null 2>&1
  equal "a byte less is refused" 3 $?
fi
tap_end
