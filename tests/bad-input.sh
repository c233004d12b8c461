#!/bin/sh
# bad-input.sh - the command on files and requests that cannot work: a documented exit code, a sentence that names the trouble and a
# way to go on, and never a signal.
#
# In:  $BUILD/stillpoint, $BUILD/tests/mktiny; STILLPOINT_MODEL, if set, a real model to cut at 200 places.
# Out: TAP. The library's own view of the same trouble, byte by byte, is tests/check_gguf.c.
. "$SRC/tests/tap.sh"

# Built programs may be libtool's wrappers, so they are run through libtool when there is one.
program() {
  # shellcheck disable=SC2086
  ${LIBTOOL:+"$LIBTOOL" --mode=execute} ${EMULATOR:-} "$@"
}
mktiny() { program "$BUILD/tests/mktiny" "$@" >/dev/null; }
stillpoint() { program "$BUILD/stillpoint" "$@"; }

shape='--layers 2 --embd 64 --heads 2 --kv-heads 1 --head-dim 32 --ff 96 --vocab 320 --ctx 4096 --type Q4_0'
make() { # make NAME OPTIONS...: $work/NAME.gguf, and $file names it
  file=$work/$1.gguf
  shift
  # shellcheck disable=SC2086
  mktiny $shape "$@" -o "$file"
}

# one_sentence FILE: what the command said on standard error begins with its name and is no report of a sanitizer.
one_sentence() {
  grep -q '^stillpoint' "$1" && ! grep -qE 'Sanitizer|runtime error:|Assertion|terminate called' "$1"
}

# fails CODE WORD COMMAND...: the exit code is CODE, and the sentence holds WORD.
fails() {
  wanted=$1 word=$2
  shift 2
  stillpoint "$@" </dev/null >"$work/out" 2>"$work/err"
  code=$?
  [ $code = "$wanted" ] && one_sentence "$work/err" && grep -qF -- "$word" "$work/err" && return
  printf 'stillpoint %s\nexit code %s, wanted %s; wanted the word "%s"; it said:\n' "$*" $code "$wanted" "$word"
  cat "$work/err"
  return 1
}

# both WHAT CODE WORD [OPTION...]: $file is refused by inspect and by run alike.
both() {
  what=$1 code=$2 word=$3
  shift 3
  ok "inspect: $what" fails "$code" "$word" inspect "$file"
  ok "run: $what" fails "$code" "$word" run -m "$file" --raw -n 1 -p hello
}

make good
good=$file
ok "a sound model works" stillpoint run -m "$good" -q --raw -n 2 -p hello
ok "inspect of a sound model works" stillpoint inspect "$good"

# ---- what is no model file

file=$work/nothing.gguf
both "no such file" 4 "No such file"
file=$work
both "a directory" 4 "a directory"
file=/dev/null
both "a device" 4 "not a regular file"
file=$work/empty.gguf
: >"$file"
both "an empty file" 5 "is empty"
file=$work/text.gguf
echo "this is no model at all, only a line of text" >"$file"
both "text" 5 "not that of a GGUF file"
file=$work/page.gguf
echo "<!DOCTYPE html><title>404 Not Found</title>" >"$file"
both "a web page" 5 "web page"

# patched NAME OFFSET OCTAL-BYTES: the sound model with other bytes at an offset.
patched() {
  file=$work/$1.gguf
  cp "$good" "$file"
  # shellcheck disable=SC2059
  printf "$3" | dd of="$file" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
patched magic 0 'GGUX'
both "wrong magic" 5 "47 47 55 58"
patched version1 4 '\001'
both "GGUF version 1" 6 "version 1"
patched version9 4 '\011'
both "GGUF version 9" 6 "version 9"
patched big-endian 4 '\000\000\000\003'
both "big-endian" 6 "big-endian"
patched tensors 8 '\377\377\377\377\377\377\377\377'
both "absurd number of tensors" 5 "18446744073709551615 tensors"
patched keys 16 '\377\377\377\377\377\377\377\177'
both "absurd number of keys" 5 "9223372036854775807 keys"
patched name 24 '\377\377\377\377\377\377\377\377'
both "absurd length of a name" 5 "key at byte 32"

# ---- model files with one flaw

make overlap --flaw overlap
both "overlapping tensors" 5 "overlaps tensor"
make type-unknown --flaw type-unknown
both "unknown type" 6 "number 99"
make type-other --flaw type-other
both "type that is not read here" 6 "IQ2_XXS"
make twice-key --flaw twice-key
both "key twice" 5 "key general.name"
make twice-tensor --flaw twice-tensor
both "tensor twice" 5 "tensor output_norm.weight"
make gemma2 --arch gemma2
both "unknown architecture" 6 '"gemma2"'
for key in general.architecture llama.block_count llama.attention.layer_norm_rms_epsilon tokenizer.ggml.tokens; do
  make missing --without $key
  both "no $key" 5 "$key"
done
for tensor in token_embd.weight blk.1.ffn_down.weight output_norm.weight; do
  make missing --without $tensor
  both "no $tensor" 5 "$tensor"
done
make parts --parts 3
rm "$work/parts-00003-of-00003.gguf"
file=$work/parts-00001-of-00003.gguf
both "a part is missing" 4 "parts-00003-of-00003.gguf"
file=$work/parts-00002-of-00003.gguf
both "not the first part" 2 "name the first part"

# A NaN is seen when weights are prepared; the header is sound.
for type in Q4_0 F16 F32; do
  make nan --type $type --flaw nan
  ok "run: NaN in $type weights" fails 8 "blk.0.ffn_down.weight" run -m "$file" --raw -n 1 -p hello
done

# ---- cut files

# survives FILE: inspect refuses it with a documented code and a sentence.
survives() {
  stillpoint inspect "$1" >"$work/out" 2>"$work/err"
  code=$?
  [ $code = 5 ] && one_sentence "$work/err" && return
  echo "exit code $code at $(wc -c <"$1") bytes; it said:"
  cat "$work/err"
  return 1
}

# cut_everywhere FILE PLACES: a copy gets shorter and shorter; half of the places are in the first tenth, where the header is.
cut_everywhere() {
  half=$(($2 / 2)) cuts=0
  for part in 1 10; do
    span=$(($(wc -c <"$1") / part)) i=$half
    head -c $span "$1" >"$work/cut.gguf"
    while [ $i -gt 0 ]; do
      i=$((i - 1)) cuts=$((cuts + 1))
      truncate -s $((span / half * i)) "$work/cut.gguf"
      survives "$work/cut.gguf" || return 1
    done
  done
  [ $cuts = $((2 * half)) ]
}
ok "a made model cut at 40 places" cut_everywhere "$good" 40
if [ -n "${STILLPOINT_MODEL:-}" ]; then
  ok "a real model cut at 200 places" cut_everywhere "$STILLPOINT_MODEL" 200
else
  skip "a real model cut at 200 places" "STILLPOINT_MODEL names no model file"
fi

# ---- requests

ok "empty prompt" fails 2 "empty" run -m "$good" --raw -p ''
ok "empty file as prompt" fails 2 "empty" run -m "$good" --raw -f /dev/null
ok "an id that is no token" fails 2 "320" run -m "$good" --raw --tokens 1,320
ok "ids that are no numbers" fails 1 "tokens" run -m "$good" --raw --tokens 1,x
long=$(yes 'a long prompt' | head -n 50)
ok "prompt longer than the context" fails 7 "context" run -m "$good" --raw --ctx 64 -p "$long"
yes 'line after line of a text that is far too long for so little memory' | head -n 2000 >"$work/long.txt"
ok "memory limit smaller than the model" fails 3 "0 tokens fit" run -m "$good" --raw --memory-limit 100000 -p hello
ok "context larger than the memory limit" fails 3 "tokens fit" \
  run -m "$good" --raw --ctx 16777216 --memory-limit 8000000 -f "$work/long.txt"
ok "context out of range" fails 1 "ctx" run -m "$good" --raw --ctx 1073741824 -p hello
ok "ratio out of range" fails 1 "ratio" run -m "$good" --raw --ratio 1.5 -p hello
ok "unknown instruction set" fails 1 "isa" run -m "$good" --raw --isa nonesuch -p hello
ok "unknown option" fails 1 "--help" run -m "$good" --nonesuch
ok "no model" fails 1 "-m FILE" run -p hello
make template --without tokenizer.chat_template
ok "no chat template" fails 6 "--raw" run -m "$file" -p hello
ok "prompt file that is not there" fails 4 "No such file" run -m "$good" --raw -f "$work/none.txt"
# ---- eval

evaluate() {
  wanted_code=$1 wanted_word=$2
  shift 2
  fails "$wanted_code" "$wanted_word" eval -m "$good" --lengths 1200 --questions 1 -n 1 "$@"
}
echo 'A short text. It says little.' >"$work/short.txt"
echo 'notes of mine' >"$work/notes.txt"
ok "eval: unknown set" evaluate 1 '"two" is none' --sets one,two
ok "eval: no set at all" evaluate 1 '"" is none' --sets ''
ok "eval: loss without a text" evaluate 1 "-f FILE" --sets loss
ok "eval: a text that nothing uses" evaluate 1 "--hay FILE" --sets one -f "$work/long.txt"
ok "eval: dense against dense" evaluate 1 "--policy" --policy dense
ok "eval: depth above a hundred" evaluate 1 "100" --depths 50,101
ok "eval: a depth twice" evaluate 1 "once" --depths 50,50
ok "eval: eleven questions a text" evaluate 1 "per-text" --per-text 11
ok "eval: no lengths" evaluate 1 "lengths" --lengths ,
ok "eval: ratio out of range" evaluate 1 "ratio" --ratio 1
ok "eval: unknown policy" evaluate 1 "policy" --policy guess
ok "eval: length without room for the facts" evaluate 2 "--lengths" --lengths 60
ok "eval: length of too few lines" evaluate 2 "needs 100" --sets count --lengths 400
ok "eval: hay too short" evaluate 2 "--hay" --hay "$work/short.txt"
ok "eval: text too short" evaluate 2 "--places" --sets loss -f "$work/short.txt"
ok "eval: no such hay" evaluate 4 "No such file" --hay "$work/none.txt"
ok "eval: hay that is no text" evaluate 5 "NUL byte" --hay "$good"
ok "eval: results in a directory that is not there" evaluate 4 "No such file" --out "$work/none/results"
ok "eval: results in a file of something else" evaluate 5 "--out" --out "$work/notes.txt"
ok "which stays as it is" grep -qx 'notes of mine' "$work/notes.txt"
ok "eval: plot in a directory that is not there" evaluate 4 "No such file" --plot "$work/none/map.svg"
ok "eval: prompts longer than the context" evaluate 7 "context of 1000" --ctx 1000
ok "eval: no room to answer in the context" evaluate 7 "context" --ctx 1201

# ---- trace and plot

sound=$work/sound.trace
stillpoint trace -m "$good" --min-tokens 0 --suffix 8 --raw -p "$long" --out "$sound" -q || echo 'Bail out! no trace'
traced() { # traced WHAT CODE WORD: $file is refused by both
  ok "trace: $1" fails "$2" "$3" trace "$file"
  ok "plot: $1" fails "$2" "$3" plot "$file"
}
file=$work/none.trace
traced "no such file" 4 "No such file"
file=$work/empty.gguf
traced "an empty file" 5 "is no trace"
file=$work/notes.txt
traced "a text" 5 "is no trace"
file=$good
traced "a model" 5 "is no trace"
file=$work/late.trace
sed '1s,trace/1,trace/7,' "$sound" >"$file"
traced "a later schema" 6 "stillpoint.trace/7"
# changed NAME SCRIPT WHAT WORD: the sound trace with one flaw.
changed() {
  file=$work/$1.trace
  sed "$2" "$sound" >"$file"
  cmp -s "$file" "$sound" && echo "not ok - $1 changed nothing"
  traced "$3" 5 "$4"
}
changed cut '$d' "cut before its end" "before its trace does"
changed torn '5s/.\{20\}$//' "a torn line" "line 5"
changed gone '5d' "a line is missing" "out of order"
changed twice '5p' "a line twice" "out of order"
changed more '$p' "more behind the end" "behind the end"
changed head '1d' "no head" "is no trace"
changed tokens '1s/"tokens": [0-9]*/"tokens": 99999999999/' "absurd number of tokens" "counts"
changed gates '1s/"gates": 1/"gates": 64/' "absurd number of gates" "counts"
changed layers '1s/"layers": 2/"layers": 0/' "no layers" "counts"
changed layer '2s/"layer": [0-9]*/"layer": 77/' "a gate above the last layer" "contradicts"
changed scores '5s/"scores": \[/"scores": [1, /' "a score too many" "verdicts"
changed verdict '5s/"kept": \[[a-z]*/"kept": [true, true, true/' "verdicts of gates that are not there" "verdicts"
changed bytes '5s/"bytes": [0-9]*/"bytes": 4000000000/' "absurd length of a token" "does not follow"
changed id '5s/"id": [0-9]*/"id": 1e300/' "an id that is none" "id"
changed nested '5s/"text"/"more": [[[{"a": [1, 2]}]], "text"/' "brackets that do not fit" "line 5"
printf 'x%.0s' $(seq 100000) >"$work/x"
printf '{"schema": "stillpoint.trace/1", "a": ' >"$work/deep.trace"
tr x '[' <"$work/x" >>"$work/deep.trace"
file=$work/deep.trace
traced "a hundred thousand brackets" 5 "line 1"
{ cat "$sound"; printf '\0'; } >"$work/nul.trace"
file=$work/nul.trace
traced "a NUL byte" 5 "NUL"
ok "trace: a trace and a model" fails 1 "trace already" trace -m "$good" "$sound"
ok "trace: what to show" fails 1 "show" trace "$sound" --show picture
ok "trace: text and --json" fails 1 "--json" trace "$sound" --show text --json
ok "trace: no model" fails 1 "-m FILE" trace -p hello
ok "trace: a directory that is not there" fails 4 "No such file" trace "$sound" --out "$work/none/trace"
ok "trace: a page in a directory that is not there" fails 4 "No such file" trace "$sound" --html "$work/none/page"
ok "trace: ratio out of range" fails 1 "ratio" trace -m "$good" -p hello --ratio 1
ok "plot: unknown format" fails 1 "format" plot "$sound" --format gif
ok "plot: --json without a file" fails 1 "--out" plot "$sound" --json
ok "plot: a directory that is not there" fails 4 "No such file" plot "$sound" --out "$work/none/map.svg"
cp "$sound" "$work/kept.trace"
ok "trace: a prompt that is refused leaves the file" fails 7 "context" trace -m "$good" --raw --ctx 64 -p "$long" --out "$work/kept.trace"
ok "as it was" cmp "$sound" "$work/kept.trace"
# ---- calibrations

calibrate() {
  wanted_code=$1 wanted_word=$2
  shift 2
  fails "$wanted_code" "$wanted_word" calibrate -m "$good" -f "$text" --lengths 1200 --per-text 1 --answers 1 \
    --out "$work/out.calibration" "$@"
}
text=$work/long.txt
ok "calibrate: no model" fails 1 "-m FILE" calibrate
ok "calibrate: no text" fails 1 "-f FILE" calibrate -m "$good"
ok "calibrate: starts that are none" calibrate 1 "--starts" --starts 0.3,x
ok "calibrate: ratios that descend" calibrate 1 "--ratios" --ratios 0.5,0.4
ok "calibrate: a ratio of one" calibrate 1 "--ratios" --ratios 1
ok "calibrate: an even pool" calibrate 1 "odd" --pools 4
ok "calibrate: a bound that is none" calibrate 1 "--eps" --eps -1
ok "calibrate: points above a hundred" calibrate 1 "--points" --points 101
ok "calibrate: more answers than questions" calibrate 1 "--per-text" --answers 2
ok "calibrate: eleven questions a text" calibrate 1 "--per-text" --per-text 11
ok "calibrate: a setting of the gate that it does not search" calibrate 1 "--policy" --policy delta
ok "calibrate: hay too short" calibrate 2 "--hay" --hay "$work/short.txt"
text=$work/short.txt
ok "calibrate: text too short" calibrate 2 "give more" --hay "$work/short.txt"
ok "calibrate: text too short for its places" calibrate 2 "--places" --hay "$work/long.txt"
text=$work/long.txt
ok "calibrate: length without room for the facts" calibrate 2 "--lengths" --lengths 60
ok "calibrate: prompts longer than the context" calibrate 7 "context of 4096" --lengths 4090
ok "calibrate: results of something else" calibrate 5 "--out" --results "$work/notes.txt"
ok "calibrate: no such place" calibrate 4 "--out" --out "$work/none/out.calibration"
ok "which is known before the work" test ! -e "$work/out.calibration"

answer() { # answer CODE WORD OPTION...
  wanted_code=$1 wanted_word=$2
  shift 2
  fails "$wanted_code" "$wanted_word" run -m "$good" --raw -n 1 -p hello "$@"
}
digest=00112233445566778899aabbccddeeff
gate='policy query\nstart 0.4\nratio 0.5\ntau -1\ntau-only 0\nevery 0\nwindow 64\ngate-layers 4\npool 31\nwake 0.2\nmin-tokens 10'
# shellcheck disable=SC2059 # the format holds the ends of lines
printf "stillpoint-calibration 1\nmodel $digest$digest\nnumerics 1\nquality strict\npolicy dense\nquality balanced\n$gate\nquality fast\n$gate\n" \
  >"$work/other.calibration"
sed 's/^ratio.*/ratio 2/' "$work/other.calibration" >"$work/wrong.calibration"
sed 's/ 1$/ 9/' "$work/other.calibration" >"$work/later.calibration"
ok "calibration that is not there" answer 4 "No such file" --calibration "$work/none.calibration"
ok "calibration that is a directory" answer 4 "a directory" --calibration "$work"
ok "calibration that is a model" answer 5 "calibration" --calibration "$good"
ok "calibration of another model" answer 6 "another model" --calibration "$work/other.calibration"
ok "calibration of another model, inspected" fails 6 "another model" inspect "$good" --calibration "$work/other.calibration"
ok "calibration with a wrong value" answer 5 "line 9" --calibration "$work/wrong.calibration"
ok "calibration of a later format" answer 6 "format 9" --calibration "$work/later.calibration"
ok "unknown quality" answer 1 "quality" --quality best
cp "$work/other.calibration" "$work/good.calibration"
ok "calibration of another model beside this one" answer 6 "--calibration none" --quality fast
ok "which may be left alone" stillpoint run -m "$good" -q --raw -n 1 -p hello --calibration none
ok "or overruled" stillpoint run -m "$good" -q --raw -n 1 -p hello --dense
rm "$work/good.calibration"
mkdir "$work/installed"
hex=$(stillpoint inspect "$good" | sed -n 's/^digest  *//p')
ok "the digest of the model is known" test -n "$hex"
cp "$work/other.calibration" "$work/installed/$hex.calibration"
STILLPOINT_CALIBRATION_DIR=$work/installed
ok "an installed one that holds another model" answer 6 "another model"
STILLPOINT_CALIBRATION_DIR=/nonexistent

if [ -c /dev/full ]; then
  full_picture() {
    for name in svg png; do
      stillpoint plot "$sound" --format $name --out /dev/full 2>"$work/err"
      code=$?
      [ $name = png ] && [ $code = 6 ] && continue
      [ $code = 4 ] && one_sentence "$work/err" || { echo "$name: exit code $code"; cat "$work/err"; return 1; }
    done
  }
  ok "a disk is full before the picture is" full_picture
  full() { stillpoint inspect "$good" >/dev/full 2>"$work/err"; [ $? = 4 ] && one_sentence "$work/err"; }
  ok "standard output is full" full
else
  skip "standard output is full" "no /dev/full"
fi
tap_end
