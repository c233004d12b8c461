#!/bin/sh
# examples.sh - the example programs, linked with the public library, run on a tiny model.
. "$SRC/tests/tap.sh"
export STILLPOINT_ISA="${STILLPOINT_ISA:-auto}"

# run PROGRAM ARGUMENT...: a program of the build tree, through libtool
run() {
  # shellcheck disable=SC2086
  $LIBTOOL --mode=execute $EMULATOR "$BUILD/$@"
}

model=$work/tiny.gguf
ok "a tiny model" run tests/mktiny -o "$model"

ok "complete runs" run examples/complete "$model" "The house" 8
equal "complete gives the same text twice" "$(run examples/complete "$model" "The house" 8)" \
  "$(run examples/complete "$model" "The house" 8)"
ok "complete says why it fails" sh -c "! $LIBTOOL --mode=execute $EMULATOR '$BUILD/examples/complete' '$work/absent' x 2>'$work/why' &&
  grep -q absent '$work/why'"

yes 'The quick brown fox jumps over the lazy dog, and the dog does not mind.' | head -n 60 >"$work/document"
run examples/questions "$model" "$work/document" "Who jumps?" "Who minds?" >"$work/answers" 2>"$work/errors"
equal "questions ends well" 0 $?
ok "questions answers both" grep -qx "Who minds?" "$work/answers"
# 4320 bytes and a byte-level vocabulary: well over the 1024 tokens from which the default halts.
equal "a third of the tokens and no more is kept" "2 reports" \
  "$(sed -n 's/^  \([0-9]*\) of \([0-9]*\) tokens kept.*/\1 \2/p' "$work/answers" |
     awk '$2 > 1024 && $1 >= $2 / 3 && $1 <= $2 / 3 + 2 { n++ } END { print n + 0, "reports" }')"
ok "the progress hook was called" grep -qE 'questions: [1-9][0-9]* progress calls' "$work/errors"
tap_end
