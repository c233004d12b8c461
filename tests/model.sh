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
tap_end
