#!/bin/sh
# cli.sh - the command from outside: options, exit codes, streams, JSON, completions, and every example of its manual pages.
#
# In:       stillpoint, a tiny model that tests/mktiny makes. Its answers mean nothing, but they are the same everywhere.
# Not here: bad files in breadth (bad-input.sh), real models (model.sh), numbers (the oracle).
. "$SRC/tests/tap.sh"

stillpoint() {
  # shellcheck disable=SC2086
  $EMULATOR "$BUILD/stillpoint" "$@"
}
# shellcheck disable=SC2086
mktiny() { $EMULATOR "$BUILD/tests/mktiny" "$@"; }

cd "$work" || exit 1
mktiny -o model.gguf || { echo 'Bail out! mktiny failed'; exit 1; }
awk 'BEGIN { for (i = 1; i <= 36; i++) printf "Line %d of the report says that item %d was weighed and found to be in order.\n", i, i * 7 % 31 }' >report.txt
head -n 3 report.txt >short.txt
commands=$(stillpoint --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -vx -e help -e completion)

# code WANTED COMMAND...: the exit code, and a sentence on stderr that begins with the command's name when it is not 0.
code() {
  code_wanted=$1
  shift
  "$@" >code.out 2>code.err </dev/null
  code_found=$?
  [ "$code_found" = "$code_wanted" ] || { echo "exit code $code_found instead of $code_wanted"; cat code.err; return 1; }
  [ "$code_wanted" = 0 ] || grep -qE '^stillpoint( [a-z]+)?: .' code.err || { echo 'no sentence'; cat code.err; return 1; }
}
# stopped SIGNAL SECONDS ARGUMENT...: the command, with the signal after that time. In the foreground: else timeout signals its
# group as well, and a second signal kills the command where it stands.
stopped() {
  stopped_by=$1 stopped_after=$2
  shift 2
  # shellcheck disable=SC2086
  timeout --foreground --preserve-status -s "$stopped_by" "$stopped_after" $EMULATOR "$BUILD/stillpoint" "$@"
}
# same FILE FILE, and both hold something
same() { [ -s "$1" ] && cmp "$1" "$2"; }

# ---- help, version, usage

ok "fourteen commands" test "$(echo "$commands" | wc -w)" = 14
for command in $commands; do
  ok "$command --help" code 0 stillpoint "$command" --help
  none "$command --help stays within 80 columns" "$(awk 'length($0) > 80' code.out)"
done
ok "--version" sh -c "$EMULATOR '$BUILD/stillpoint' --version | grep -qE '^stillpoint [0-9]+\.[0-9]+'"
ok "no command is an error" code 1 stillpoint nonsense
ok "unknown option" code 1 stillpoint run -m model.gguf --nonsense x
ok "a value is missing" code 1 stillpoint run -m
ok "a value out of range" code 1 stillpoint run -m model.gguf --ratio 2 x
ok "a value that is no number" code 1 stillpoint run -m model.gguf -n many x
ok "an unknown choice" code 1 stillpoint run -m model.gguf --policy guess x
ok "two operands" code 1 stillpoint run -m model.gguf x y
ok "no model" code 1 stillpoint run x
ok "ids that are none" code 1 stillpoint run -m model.gguf --tokens 1,b

# ---- exit codes by status

mktiny --arch mamba -o other.gguf
head -c 3000 model.gguf >cut.gguf
: >empty.gguf
ok "empty prompt: 2" code 2 stillpoint run -m model.gguf -p ''
ok "token out of the vocabulary: 2" code 2 stillpoint run -m model.gguf --tokens 1,999999
ok "too little memory: 3" code 3 stillpoint run -m model.gguf --memory-limit 64K -f report.txt
ok "no such model: 4" code 4 stillpoint run -m nowhere.gguf x
ok "no such text: 4" code 4 stillpoint run -m model.gguf -f nowhere.txt
ok "cut file: 5" code 5 stillpoint run -m cut.gguf x
ok "empty file: 5" code 5 stillpoint inspect empty.gguf
ok "unknown architecture: 6" code 6 stillpoint run -m other.gguf x
ok "and it is named" grep -q mamba code.err
ok "prompt longer than the context: 7" code 7 stillpoint run -m model.gguf --ctx 64 -f report.txt
if stillpoint cpu | grep -q '^avx2 '; then other=neon; else other=avx2; fi
ok "an instruction set of another processor: 9" code 9 stillpoint run -m model.gguf --isa $other x
if [ -w /dev/full ]; then
  ok "a full disk: 4" sh -c "$EMULATOR '$BUILD/stillpoint' tokenize -m model.gguf -f report.txt >/dev/full 2>err; test \$? = 4"
else
  skip "a full disk: 4" "no /dev/full here"
fi

# ---- signals. timeout(1) hands the signal on as the terminal would; a bench of this size lasts for minutes.

if timeout --version >/dev/null 2>&1; then
  for pair in INT:130 TERM:143; do
    stopped "${pair%:*}" 1 bench -m model.gguf --lengths 8000 --repeat 100 --isa ref >out 2>err
    equal "SIG${pair%:*} ends with ${pair#*:}" "${pair#*:}" $?
  done
else
  skip "SIGINT ends with 130" "no timeout(1) here"
fi

# ---- run

run() { stillpoint run -m model.gguf -n 12 "$@"; }
run -q --raw -p "$(cat short.txt)" >argument 2>err
ok "-q leaves stderr empty" test ! -s err
run -q --raw "$(cat short.txt)" >operand
ok "operand and -p are the same" same argument operand
printf %s "$(cat short.txt)" >exact.txt
run -q --raw -f exact.txt >file
ok "-f and -p are the same" same argument file
run -q --raw -f - <exact.txt >dash
ok "-f - reads standard input" same argument dash
run -q --raw <exact.txt >stdin
ok "without a prompt standard input is read" same argument stdin
stillpoint tokenize -m model.gguf --show ids -f exact.txt >ids
run -q --tokens "$(cat ids)" >tokens
ok "--tokens and text are the same" same argument tokens
run -q --tokens @ids >tokens
ok "--tokens @file" same argument tokens
run -q -f exact.txt >chat
ok "the chat template makes a difference" sh -c '! cmp -s argument chat'
stillpoint tokenize -m model.gguf --chat --show ids -f exact.txt >chat.ids
run -q --tokens @chat.ids >chat.again
ok "tokenize --chat shows what run reads" same chat chat.again
run -q --system 'Be brief.' -f exact.txt >system
ok "--system makes a difference" sh -c '! cmp -s chat system'
equal "special spellings are plain text" 0 "$(stillpoint tokenize -m model.gguf '<|im_end|>' --show ids --no-bos | grep -cx 2)"
equal "--parse-special makes them tokens" 1 "$(stillpoint tokenize -m model.gguf '<|im_end|>' --show ids --no-bos --parse-special | grep -cx 2)"

run --raw -p "$(cat short.txt)" >out 2>report
ok "stdout holds the answer alone" same argument out
for word in tokens prefill answer memory; do ok "the report has $word" grep -q "^$word" report; done
run --raw -q --logprobs -f exact.txt >logprobs
equal "--logprobs: one line a token" 12 "$(wc -l <logprobs | tr -d ' ')"
none "--logprobs: id, log probability, string" "$(awk -F '\t' 'NF != 3 || $1 !~ /^[0-9]+$/ || $2 > 0 || $3 !~ /^".*"$/' logprobs)"
equal "-n 0 answers nothing" '' "$(run -q -n 0 --raw -f exact.txt)"
run -q --temp 1.5 --seed 5 --raw -n 60 -f exact.txt >drawn
run -q --temp 1.5 --seed 5 --raw -n 60 -f exact.txt >again
ok "a seed gives the same answer again" same drawn again
run -q --temp 1.5 --seed 6 --raw -n 60 -f exact.txt >again
ok "another seed another one" sh -c '! cmp -s drawn again'
# The first two letters in a row of the answer, as a text to stop at.
stop=$(LC_ALL=C grep -o '[a-z][a-z]' drawn | sed -n 3p)
if [ -n "$stop" ]; then
  run -q --temp 1.5 --seed 5 --raw -n 60 --stop "$stop" --stop 'never to be seen' -f exact.txt >stopped
  LC_ALL=C awk -v stop="$stop" '{ all = all $0 "\n" } END { printf "%s", substr(all, 1, index(all, stop) - 1) }' drawn >wanted
  # The command ends an answer that lacks a newline with one.
  [ -z "$(tail -c 1 wanted)" ] || echo >>wanted
  ok "--stop ends the answer before the text" same wanted stopped
else
  skip "--stop ends the answer before the text" "this model drew no two letters in a row"
fi

# ---- ask and chat

# A penalty on what occurred, or every answer of this model would be the same.
ask() { stillpoint ask -m model.gguf -n 12 --repeat-penalty 4 "$@"; }
ask -q report.txt -p 'What was weighed?' >what 2>err </dev/null
ok "ask -q leaves stderr empty" test ! -s err
ask -q report.txt -p 'Who was there?' >who
ask -q report.txt -p 'What was weighed?' -p 'Who was there?' >both
ok "two questions have two answers" sh -c '! cmp -s what who'
{ cat what; echo; cat who; } >wanted
ok "no question sees another" same wanted both
printf 'What was weighed?\n\nWho was there?' >questions
ask -q -f report.txt --questions questions >asked
ok "--questions: one a line, without the empty ones" same both asked
ask -q -f report.txt <questions >asked
ok "without questions standard input is read" same both asked
run -q --repeat-penalty 4 -f exact.txt -p 'Who was there?' >ran
ask -q exact.txt -p 'Who was there?' >asked
ok "ask and run give the same answer" same ran asked
run -q --repeat-penalty 4 --raw -f exact.txt -p ' Who was there?' >ran
ask -q --raw exact.txt -p ' Who was there?' >asked
ok "with --raw as well" same ran asked
ask report.txt --save text.state >out 2>report </dev/null
ok "a text may be saved without a question" test -s text.state -a ! -s out
ok "the report has it" grep -q '^saved  *in text.state' report
ask -q --load text.state -p 'Who was there?' >asked
ok "a state answers as its text does" same who asked
ask -q --load text.state -p 'Who was there?' --threads 3 --chunk 63 --panels 1 --mmap 0 >asked
ok "for any threads, chunk, panels" same who asked
ask -q --load text.state -p 'Who was there?' --ratio 0.3 --policy delta >asked
ask -q report.txt -p 'Who was there?' --ratio 0.3 --policy delta >wanted
ok "and under another policy" same wanted asked
ok "which is another answer" sh -c '! cmp -s who asked'
ask --load text.state -p 'Who was there?' >out 2>report
ok "the report says how much was kept" grep -qE '^question 1 .* kept \(33\.[0-9] %\), gate at layer 2' report
ok "a state for a lower start layer: 6" code 6 stillpoint ask -m model.gguf --load text.state --start 0.2 -p x
ok "with the start that it has" grep -qF -- '--start 0.4167' code.err
ask -q --load text.state -p 'Who was there?' --start 0.6 >asked
ask -q report.txt -p 'Who was there?' --start 0.6 >wanted
ok "for a higher one its rows climb" same wanted asked
mktiny --seed 2 -o sibling.gguf
ok "a state of another model: 6" code 6 stillpoint ask -m sibling.gguf --load text.state -p x
head -c 4000 text.state >cut.state
ok "a cut state: 5" code 5 stillpoint ask -m model.gguf --load cut.state -p x
ok "no such state: 4" code 4 stillpoint ask -m model.gguf --load no.state -p x
ok "no state: 5" code 5 stillpoint ask -m model.gguf --load model.gguf -p x
ok "a device is no place for a state: 4" code 4 stillpoint ask -m model.gguf report.txt --save /dev/null
ok "a file that may not grow: 4" code 4 sh -c "ulimit -f 4; exec $EMULATOR '$BUILD/stillpoint' ask -m model.gguf report.txt --save text.state"
ok "and what was there stays" code 0 stillpoint ask -m model.gguf --load text.state -p x
ok "a question that is too long: 7" code 7 stillpoint ask -m model.gguf --load text.state --ctx 1600 -p "$(cat short.txt)"
ok "no text: 1" code 1 stillpoint ask -m model.gguf -p x
ok "a text and a state: 1" code 1 stillpoint ask -m model.gguf report.txt --load text.state -p x
ok "questions twice: 1" code 1 stillpoint ask -m model.gguf report.txt --questions questions -p x
ok "an empty text: 2" code 2 stillpoint ask -m model.gguf -f /dev/null -p x

chat() { stillpoint chat -m model.gguf -n 12 --repeat-penalty 4 "$@"; }
chat -q -f report.txt -p 'What was weighed?' -p 'Who was there?' >both
run -q --repeat-penalty 4 -f report.txt -p 'What was weighed?' >ran
ok "the first turn is run's" sh -c 'head -c "$(wc -c <ran)" both | cmp - ran'
chat -q -f report.txt <questions >asked
ok "messages from standard input are the same" same both asked
run -q --repeat-penalty 4 -f report.txt -p 'Who was there?' >wanted
ok "the second turn sees the first" sh -c 'tail -c "$(wc -c <wanted)" both | { ! cmp -s - wanted; }'
chat -f report.txt -p 'What was weighed?' -p 'Who was there?' >out 2>report
equal "each turn is gated anew" 2 "$(grep -cE '^turn [12] .* kept \(33\.[0-9] %\), gate at layer 2' report)"
chat -q -p one -p two >both
ok "a short chat stays dense" sh -c "$EMULATOR '$BUILD/stillpoint' chat -m model.gguf -n 12 -p one -p two 2>&1 >/dev/null | grep -q '^turn 2 .*min-tokens'"
equal "no message, no answer" '' "$(chat </dev/null 2>&1)"

# ---- progress

run --raw -f report.txt --progress always -n 1 >out 2>err
ok "progress always prints lines in a pipe" grep -q '^upper layers: 100 %' err
none "without control characters" "$(LC_ALL=C grep -n '[[:cntrl:]]' err)"
run --raw -f report.txt -n 1 >out 2>err
none "progress auto prints none in a pipe" "$(grep '%  ' err)"

# ---- digest

digest() { stillpoint digest -m model.gguf -f report.txt -q "$@" >digest.out && awk "\$1 == \"${part:-all}\" { print \$2 }" digest.out; }
all=$(digest)
equal "a digest is 64 digits" 64 "$(printf %s "$all" | wc -c | tr -d ' ')"
equal "digest: threads change nothing" "$all" "$(digest --threads 3)"
equal "digest: chunks change nothing" "$all" "$(digest --chunk 63)"
equal "digest: panels change nothing" "$all" "$(digest --panels 1)"
for numa in off spread replicate; do equal "digest: numa $numa changes nothing" "$all" "$(digest --numa $numa --threads 2)"; done
equal "digest: reading instead of mapping changes nothing" "$all" "$(digest --mmap 0)"
for isa in $(stillpoint cpu | awk '$3 == "yes" { print $1 }'); do equal "digest: $isa" "$all" "$(digest --isa "$isa")"; done
ok "digest: other tokens change it" test "$all" != "$(digest --system x)"
ok "digest: another ratio changes it" test "$all" != "$(digest --ratio 0.5)"
part=logits
equal "digest: ratio 0 gives the logits of a dense run" "$(digest --dense)" "$(digest --ratio 0)"
ok "digest: halting changes the logits" test "$(digest --dense)" != "$(digest)"
part=kept
equal "digest: a dense run keeps no list" e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 "$(digest --dense)"

# ---- tokenize, inspect, selftest

stillpoint tokenize -m model.gguf --show ids -f report.txt >ids
stillpoint tokenize -m model.gguf --show text --tokens @ids >text
ok "tokenize there and back" same report.txt text
equal "tokenize counts" "$(tr , '\n' <ids | wc -l | tr -d ' ')" "$(stillpoint tokenize -m model.gguf --show count -f report.txt)"
stillpoint inspect --keys --tensors model.gguf >out
ok "inspect lists keys" grep -q 'general.architecture = "llama"' out
ok "inspect lists tensors" grep -q 'blk.0.attn_q.weight$' out
ok "inspect plans memory" grep -q '^  KV cache ' out
ok "inspect shows a file that is refused" code 6 stillpoint inspect --keys other.gguf
ok "up to where it is refused" grep -q 'general.architecture = "mamba"' code.out
ok "selftest of the reference" code 0 stillpoint selftest --isa ref --quiet
ok "cpu shows nodes where threads are bound" \
  sh -c "$EMULATOR '$BUILD/stillpoint' cpu --device none --numa spread --threads 2 | grep -qE '^  node [0-9]+ +[0-9]+ processors, [12] threads'"
ok "cpu always has the reference" sh -c "$EMULATOR '$BUILD/stillpoint' cpu --device none | grep -qE '^ref +yes +yes'"

# ---- perplexity and bench

stillpoint perplexity -m model.gguf -f short.txt >out
ok "perplexity gives a loss" grep -qE '^loss +[0-9]+\.[0-9]+ \+- ' out
stillpoint perplexity -m model.gguf -f short.txt --against int8 >out
ok "against itself nothing differs" grep -qE '^KL divergence +\+0\.000000' out
ok "and the same is liked best" grep -qE '^same first choice +100\.000 %' out
stillpoint bench -m model.gguf --lengths 32,1100 --depths 16 -n 2 --repeat 1 --kinds >out
ok "bench --kinds: parts of a hundred" awk '/linear +attention/ { n = NF } n && /^ +[0-9]+ +(dense|halted)/ { sum = 0
  for (i = 3; i <= NF; i++) sum += $i
  if (sum < 99.9 || sum > 100.1) exit 1
  rows++ } END { exit rows != 4 }' out
ok "continuation of a dense prefill" code 0 stillpoint perplexity -m model.gguf -f report.txt --chunk-tokens 1200 --continuation 4 --ratio 0
ok "halting nothing costs nothing" grep -qE '^cost of halting +\+0\.000000 ' code.out
ok "a window that the text does not fill" code 2 stillpoint perplexity -m model.gguf -f short.txt --continuation 4

# ---- calibrate: a tiny model knows nothing; what it does not know it does not lose

for part in one two three four; do sed "s/report/part $part of the report/" report.txt; done >parts.txt
search() {
  stillpoint calibrate -m model.gguf -f parts.txt --lengths 1200 --texts 1 --per-text 2 --answers 2 --places 3 --continuation 4 \
    --final-texts 2 --final-places 4 --eps 100 --points 100 --starts 0.2,0.5 --ratios 0.5,0.75 --pools 3,7,31 "$@"
}
search --out one.calibration --results search.jsonl --threads 1 >table
ok "calibrate: a row for each quality" test "$(grep -cE '^(strict|balanced|fast) ' table)" = 3
equal "calibrate: the file begins with its format" "stillpoint-calibration 1" "$(head -n 1 one.calibration)"
equal "calibrate: and holds three qualities" "balanced fast strict" "$(sed -n 's/^quality //p' one.calibration | sort | tr '\n' ' ' | sed 's/ $//')"
search --out two.calibration --threads 2 >/dev/null
ok "calibrate: the same bytes for a seed" same one.calibration two.calibration
search --out three.calibration --seed 2 --results other.jsonl >/dev/null
keys_of() { sed -n 's/^{"key": "\([0-9a-f]*\)", "set": "\(one\|many\|chain\)".*/\1/p' "$1" | sort; }
keys_of search.jsonl >mine
keys_of other.jsonl >others
ok "calibrate: another seed asks other questions" test -s mine -a -s others -a -z "$(comm -12 mine others)"
stillpoint eval -m model.gguf --lengths 1200 --questions 2 --per-text 2 --sets one,many,chain --out unseen.jsonl >/dev/null
keys_of unseen.jsonl >others
ok "calibrate: a seed asks eval other questions" test -s others -a -z "$(comm -12 mine others)"
head -n 25 search.jsonl >part.jsonl
printf '{"key": "torn' >>part.jsonl
search --out two.calibration --results part.jsonl --json >out
ok "calibrate: goes on where a run ended" same one.calibration two.calibration
equal "calibrate: and runs no more than is missing" "$(wc -l <search.jsonl | tr -d ' ')" "$(wc -l <part.jsonl | tr -d ' ')"
ok "calibrate --json: schema" grep -q '"schema": "stillpoint.calibrate/1"' out
ok "calibrate --json: what was reused" grep -qE '"reused": (2[5-9]|[3-9][0-9]|[1-9][0-9][0-9])' out
search --out two.calibration --results search.jsonl --exhaustive >out
ok "calibrate --exhaustive: the same file" same one.calibration two.calibration
equal "calibrate --exhaustive: compares each quality" 3 "$(grep -c "the search's choice has " out)"
ok "calibrate: within so wide bounds something halts" grep -q '^policy query' one.calibration
equal "calibrate: and was confirmed on questions of its own" "questions 12" "$(grep '^questions' one.calibration | sort -u)"
search --out two.calibration --results search.jsonl --eps 0.02 --points 1 >out
equal "calibrate: a sample too small to confirm anything says dense" 2 "$(sed '/^quality fast/,$d' two.calibration | grep -c '^policy dense')"
search --out two.calibration --results search.jsonl --timed >out
ok "calibrate --timed: stands in the file" grep -qE '^(speed-up [0-9.]+|policy dense)$' two.calibration
cp one.calibration model.calibration
stillpoint inspect -m model.gguf --quality fast >out
ok "what calibrate writes is found beside the model" grep -q '(calibration model.calibration, quality fast)' out
stillpoint inspect -m model.gguf --quality fast --json >out
ok "inspect --json: who decided" grep -q '"settings_from": "calibration model.calibration, quality fast"' out
ok "inspect --json: the file" grep -q '"calibration": "model.calibration"' out
stillpoint run -m model.gguf --raw -n 1 -f report.txt --quality fast >/dev/null 2>out
ok "run: the report says who decided" grep -q '^settings  *calibration model.calibration, quality fast$' out
stillpoint run -m model.gguf --raw -n 1 -f report.txt --ratio 0.5 >/dev/null 2>out
ok "run: a caller decides" grep -q '^settings  *caller$' out
stillpoint run -m model.gguf --raw -n 1 -f report.txt --calibration none --json 2>/dev/null >out
ok "run --calibration none: presets" grep -q '"settings_from": "presets"' out
stillpoint run -m model.gguf --raw -n 1 -f report.txt --calibration none --quality strict >/dev/null 2>out
ok "run: strict without a calibration is dense" grep -q 'all kept: no calibration of this model proves' out
mkdir installed
mv model.calibration "installed/$(sed -n 's/^model //p' one.calibration).calibration"
STILLPOINT_CALIBRATION_DIR=$PWD/installed
stillpoint bench -m model.gguf --lengths 64 --depths 64 -n 1 --repeat 1 >out
ok "a calibration is found under the digest of its model" grep -q "^gate: .*installed/.*quality balanced" out
STILLPOINT_CALIBRATION_DIR=/nonexistent
stillpoint bench -m model.gguf --lengths 64 --depths 64 -n 1 --repeat 1 >out
ok "and not elsewhere" grep -q '^gate: .*(presets)$' out
if command -v timeout >/dev/null 2>&1; then
  stopped INT 2 calibrate -m model.gguf -f parts.txt --lengths 1500 --isa ref --out never 2>err >out
  equal "calibrate: SIGINT ends with 130" 130 $?
  ok "calibrate: and says how to go on" grep -q -e '--results FILE' err
  ok "calibrate: and writes nothing" test ! -e never
else
  skip "calibrate: SIGINT ends with 130" "no timeout(1) here"
fi

# ---- eval: a tiny model knows no answers, but it says the same twice

measure() { stillpoint eval -m model.gguf --lengths 1200,1500 --questions 3 --per-text 2 -n 6 --min-tokens 500 "$@"; }
# figures FILE: its table without what was timed
figures() { sed '/^  length  prefills/,$d' "$1"; }
measure --sets many,count >whole
ok "eval: a row for each length and set, and their sums" test "$(grep -cE '^ +(1200|1500|all) +(many|count|all) +[0-9]+ ' whole)" = 9
ok "eval: bound and time" grep -qE '^ +1200 +4 +3[0-9]\.[0-9] % +1\.[0-9]+ ' whole
measure --sets many,count --out results.jsonl --threads 1 >first
equal "eval: a result for each question in both modes" 24 "$(wc -l <results.jsonl | tr -d ' ')"
ok "eval: threads change nothing" test "$(figures whole | sed 1d)" = "$(figures first | sed 1d)"
# A run that ended in the middle of its 12th result.
head -n 11 results.jsonl >cut.jsonl
sed -n 12p results.jsonl | head -c 100 >>cut.jsonl
measure --sets many,count --out cut.jsonl >again
ok "eval: goes on where a run ended" test "$(figures whole)" = "$(figures again)"
results() { sed 's/, "seconds": [^,}]*//' "$1" | sort; }
ok "eval: and ends with the same results" test "$(results results.jsonl)" = "$(results cut.jsonl)"
cp results.jsonl before.jsonl
measure --sets many,count --out results.jsonl >again
ok "eval: what is there is not run again" same before.jsonl results.jsonl
measure --sets many --ratio 0.5 --out results.jsonl >again
equal "eval: another setting shares the dense results" 30 "$(wc -l <results.jsonl | tr -d ' ')"
measure --sets many --seed 2 --out results.jsonl >again
equal "eval: another seed shares none" 42 "$(wc -l <results.jsonl | tr -d ' ')"
stillpoint eval -m model.gguf --sets loss,agree --lengths 1200 --places 3 --continuation 8 --ratio 0 -f report.txt >out
ok "eval: halting nothing costs nothing" grep -qE '^ +1200 +loss +3 .* \+0\.0000 \[\+0\.0000, \+0\.0000\]$' out
ok "eval: and continues alike" grep -qE '^ +1200 +agree +3 +- +1\.000 \[1\.000, 1\.000\] ' out
stillpoint perplexity -m model.gguf --chunk-tokens 1208 --continuation 8 --chunks 1 -f report.txt >out2
stillpoint eval -m model.gguf --sets loss --lengths 1200 --places 1 --continuation 8 -f report.txt --out loss.jsonl >out
equal "eval: loss is that of perplexity --continuation" "$(awk '$1 == "loss" { printf "%.6f", $2 }' out2)" \
  "$(sed -n '2s/.*"loss": \([^,]*\),.*/\1/p' loss.jsonl | awk '{ printf "%.6f", $1 }')"
measure --sets one --hay report.txt --hay report.txt --plot map.svg >out
ok "eval --hay: the text is there" grep -q '^ *1500 ' out
if command -v python3 >/dev/null 2>&1; then
  # Nothing outside the picture, a cell and two texts for each length, depth and panel: 2 x 5 x 3, six of them empty.
  ok "eval --plot: cells within the picture" python3 -c 'import sys, xml.etree.ElementTree as tree
root = tree.parse("map.svg").getroot()
width, height = float(root.get("width")), float(root.get("height"))
rects = [r for r in root if r.tag.endswith("rect")][1:]
cells = [r for r in rects if r.get("stroke")]
inside = all(0 <= float(r.get("x")) and float(r.get("x")) + float(r.get("width")) <= width and
             0 <= float(r.get("y")) and float(r.get("y")) + float(r.get("height")) <= height for r in rects)
places = {(r.get("x"), r.get("y")) for r in cells}
sys.exit(not (inside and len(cells) == len(places) == 2 * 5 * 3))'
else
  skip "eval --plot" "no python3 here"
fi
mktiny --without tokenizer.chat_template -o plain.gguf
stillpoint eval -m plain.gguf --sets one --lengths 1200 --questions 1 -n 2 >out
ok "eval: without a chat template prompts are plain" grep -q 'plain prompts' out
if timeout --version >/dev/null 2>&1; then
  stopped INT 2 eval -m model.gguf --lengths 7000 --questions 100 --isa ref --out stopped.jsonl >out 2>err
  equal "eval: SIGINT ends with 130" 130 $?
  ok "eval: and says how to go on" grep -q 'the same command goes on from there' err
else
  skip "eval: SIGINT ends with 130" "no timeout(1) here"
fi

# ---- trace and plot

# Text that a page, a picture or a terminal must not take for its own, and characters of several tokens.
printf 'Mark </pre><script>alert("x")</script> & %s\033[31mred\033[0m %s\n' "it's" "$(printf '\303\274\342\202\254\360\237\220\213')" >odd.txt
cat report.txt odd.txt report.txt >traced.txt
stillpoint trace -m model.gguf -f traced.txt --out one.trace --html one.html >out 2>report
ok "trace --out prints nothing" test ! -s out -a -s one.trace -a -s one.html
ok "trace: the report has the gate" grep -qE '^gate +layer 2, [0-9]+ came' report
stillpoint trace -m model.gguf --every 2 --ratio 0.5 -q <traced.txt >several.trace 2>err
ok "trace -q leaves stderr empty" test ! -s err
stillpoint trace -m model.gguf -q -f short.txt >dense.trace
untimed() { sed 's/"seconds": [^,}]*//; s/"tokens_per_second": [^,}]*//; s/"threads": [^,}]*//g; s/"chunk": [^,}]*//' "$1"; }
stillpoint trace -m model.gguf --every 2 --ratio 0.5 -q --threads 3 --chunk 63 <traced.txt >again.trace
untimed several.trace >first
untimed again.trace >second
ok "trace: threads and chunks change times alone" same first second
for name in one several dense; do
  stillpoint trace -q $name.trace >again.trace
  ok "trace: what is read is what was written ($name)" same $name.trace again.trace
done
stillpoint trace -q one.trace --json --show none >again.trace
ok "trace --json" same one.trace again.trace
stillpoint trace -q one.trace --show text >text
stillpoint trace -q dense.trace --show text >all
ok "trace --show text: marks where there is no terminal" grep -qF '[-' text
ok "and none where nothing was halted" sh -c '! grep -qF "[-" all'
none "and no control character comes through" "$(LC_ALL=C grep -c "$(printf '\033')" text | grep -vx 0)"
stillpoint plot one.trace >one.svg
stillpoint plot several.trace --out several.svg
stillpoint plot dense.trace --out dense.SVG --json >plot.json
stillpoint plot -m model.gguf -f traced.txt -q >again.svg
ok "plot: a trace and a model give the same scores" test "$(grep -c '<rect' one.svg)" = "$(grep -c '<rect' again.svg)"
stillpoint plot several.trace --out picture.png 2>err
has_png=$?
if [ $has_png = 6 ]; then
  ok "without libpng a PNG is refused with a reason" grep -q 'without libpng' err
fi
if command -v python3 >/dev/null 2>&1; then
  ok "trace: each line is what the manual says" python3 -c 'import json, sys
for path, gates in ("one.trace", [2]), ("several.trace", [2, 4]), ("dense.trace", []):
    lines = [json.loads(line) for line in open(path, encoding="utf-8")]
    head, end, by = lines[0], lines[-1], {}
    for line in lines: by.setdefault(line["type"], []).append(line)
    tokens, alive, text = by["token"], list(range(head["tokens"])), b""
    assert head["schema"] == "stillpoint.trace/1" and head["type"] == "head" and end["type"] == "end"
    assert len(tokens) == head["tokens"] and [t["at"] for t in tokens] == alive
    assert len(by.get("gate", [])) == head["gates"] and [g["layer"] for g in by.get("gate", [])] == gates
    assert len(by["layer"]) == head["layer_lines"] and bool(head["why_dense"]) == (not gates)
    for n, gate in enumerate(by.get("gate", [])):
        came = [t["at"] for t in tokens if len(t["scores"]) > n]
        assert came == alive and len(alive) == gate["rows"] and gate["gate"] == n
        alive = [t["at"] for t in tokens if len(t["kept"]) > n and t["kept"][n]]
        assert len(alive) == gate["kept"]
        assert min(tokens[i]["scores"][n] for i in alive[4:-64]) >= gate["tau"]
    assert end["kept"] == len(alive)
    for t in tokens:
        piece = bytes.fromhex("".join(t["hex"])) if "hex" in t else t["text"].encode()
        assert t["byte"] == len(text) and t["bytes"] == len(piece)
        text += piece
    assert len(text) == head["bytes"] and open("short.txt" if not gates else "traced.txt", "rb").read().strip() in text
    phases = {p["phase"]: p["seconds"] for p in by["phase"]}
    assert sorted(phases) == ["gate", "load", "lower", "panels", "upper"]
    for phase in "lower", "upper":
        told = sum(l["seconds"] for l in by["layer"] if l["phase"] == phase)
        assert told <= phases[phase] * 1.01 + 1e-6, (path, phase, told, phases)
    upper = [l for l in by["layer"] if l["phase"] == "upper"]
    assert [l["layer"] for l in upper] == list(range(2, 6)) and [l["layer"] for l in by["layer"] if l["phase"] == "lower"] == [0, 1, 2]
    assert upper[-1]["rows"] == len(alive)'
  ok "trace --html: one page, everything escaped, a span for each piece of text" python3 -c 'import html.parser, json
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text, self.inside, self.shown, self.dim = [], "", False, 0, 0
    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        a = dict(attributes)
        if tag == "pre": self.inside = True
        if tag == "span" and self.inside:
            assert a["class"] in ("h", "k") and a["title"].startswith("token ") and "score" in a["title"]
            self.shown += 1
            self.dim += a["class"] == "h"
    def handle_endtag(self, tag):
        if tag == "pre": self.inside = False
    def handle_data(self, data):
        if self.inside: self.text += data
source = open("one.html", encoding="utf-8").read()
page = Page()
page.feed(source)
assert "script" not in page.tags and page.tags.count("pre") == 1 and page.tags.count("html") == 1
assert "</pre><script>alert(\"x\")</script> & it\x27s\ufffd[31mred\ufffd[0m \u00fc\u20ac\U0001f40b" in page.text
assert "src=" not in source and "href=" not in source and "http:" not in source and "https:" not in source
end = [json.loads(line) for line in open("one.trace")][-1]
assert 0 < page.dim < page.shown and "%d of " % end["kept"] in source'
  ok "plot: sound XML, nothing outside the picture, a gate line for each gate" python3 -c 'import xml.etree.ElementTree as tree
for path, gates in ("one.svg", 1), ("several.svg", 2), ("dense.SVG", 0):
    root = tree.parse(path).getroot()
    width, height = float(root.get("width")), float(root.get("height"))
    rects = [[float(r.get(k)) for k in ("x", "y", "width", "height")] for r in root if r.tag.endswith("rect")]
    words = ["".join(t.itertext()) for t in root if t.tag.endswith("text")]
    assert all(x >= 0 and y >= 0 and w >= 0 and h >= 0 and x + w <= width + 1e-3 and y + h <= height + 1e-3 for x, y, w, h in rects)
    assert all(0 <= float(t.get("y")) <= height and 0 <= float(t.get("x")) <= width for t in root if t.tag.endswith("text"))
    assert words.count("gate") == gates and sum(w.startswith("tau ") for w in words) == gates
    assert sum(w.startswith("scores at the gate of layer") for w in words) == gates'
  # The map of one.svg once more from the trace: the columns that are dark above the gate.
  ok "plot: the map shows what the trace says" python3 -c 'import json, xml.etree.ElementTree as tree
lines = [json.loads(line) for line in open("one.trace")]
kept = [t["kept"][0] for t in lines if t["type"] == "token"]
n, columns, left = len(kept), 960, 84
assert n > columns
share = [sum(kept[c * n // columns:(c + 1) * n // columns]) / ((c + 1) * n // columns - c * n // columns) for c in range(columns)]
rects = [[float(r.get(k)) for k in ("x", "y", "width", "height")] + [r.get("fill")] for r in tree.parse("one.svg").getroot() if r.tag.endswith("rect")]
upper = [r for r in rects if r[1] == 84 and 84 <= r[0] < left + columns and abs(r[3] - 300 * 3.5 / 6) < 0.01]
shown = [None] * columns
for x, y, w, h, fill in upper:
    for c in range(round(x) - left, round(x + w) - left): shown[c] = fill
for c in range(columns):
    assert (shown[c] == "#2166ac") == (share[c] == 1) and (shown[c] == "#e4e4e4") == (share[c] == 0), (c, share[c], shown[c])'
  ok "plot --json" python3 -c 'import json
j = json.load(open("plot.json"))
assert j["schema"] == "stillpoint.plot/1" and j["format"] == "svg" and j["gates"] == [] and j["kept"] == j["tokens"]'
  if [ $has_png = 0 ]; then
    stillpoint plot several.trace --format png >stdout.png
    ok "plot: a PNG on standard output as well" same picture.png stdout.png
    measure --sets one --out results.jsonl --plot map.png >out
    # The picture is taken apart: chunks with their checksums, rows with their filters undone, colours counted.
    ok "plot: the PNG is sound, two dots a unit, with the colours of the SVG" python3 -c 'import struct, xml.etree.ElementTree as tree, zlib
def dots(path):
    data = open(path, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, last = 8, b"", b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0]
        if kind == b"IHDR": width, height, depth, colour = struct.unpack(">IIBB", body[:10])
        if kind == b"IDAT": packed += body
        at, last = at + 12 + size, kind
    assert last == b"IEND" and (depth, colour) == (8, 2)
    raw, before, rows = zlib.decompress(packed), bytes(3 * width), []
    assert len(raw) == height * (1 + 3 * width)
    for y in range(height):
        kind, line = raw[y * (3 * width + 1)], bytearray(raw[y * (3 * width + 1) + 1:(y + 1) * (3 * width + 1)])
        if kind == 2:
            line = bytes((above + more) & 255 for above, more in zip(before, line)) if any(line) else before
        elif kind == 1:
            for i in range(3, len(line)): line[i] = (line[i] + line[i - 3]) & 255
        elif kind:
            for i in range(len(line)):
                a, b, c = (line[i - 3] if i > 2 else 0), before[i], (before[i - 3] if i > 2 else 0)
                p = a + b - c
                near = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
                line[i] = (line[i] + ((a + b) // 2 if kind == 3 else near)) & 255
        before = bytes(line)
        rows.append(before)
    return width, height, rows
width, height, rows = dots("picture.png")
root = tree.parse("several.svg").getroot()
assert (width, height) == (2 * int(root.get("width")), 2 * int(root.get("height")))
for fill, least in ("#2166ac", 100000), ("#b2182b", 4000), ("#e4e4e4", 20000):
    want = bytes.fromhex(fill[1:])
    assert sum(1 for row in rows for i in range(0, len(row), 3) if row[i:i + 3] == want) > least, fill
assert any(set(row[3 * 24:3 * 200]) > {0, 255} or b"\0\0\0" in row[3 * 24:3 * 200] for row in rows[30:60])
assert dots("map.png")[0] > 800'
  else
    skip "plot: a PNG" "built without libpng"
  fi
  # A terminal of its own: dimmed, and not with NO_COLOR.
  on_terminal() {
    python3 -c 'import os, pty, subprocess, sys
os.environ["TERM"] = "xterm"
terminal, its_end = pty.openpty()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=its_end)
os.close(its_end)
try:
    while data := os.read(terminal, 65536): sys.stdout.buffer.write(data)
except OSError: pass  # the end, on Linux
sys.exit(child.wait())' "$@"
  }
  # shellcheck disable=SC2086
  on_terminal $EMULATOR "$BUILD/stillpoint" trace -q one.trace --show text >dimmed
  # shellcheck disable=SC2086
  NO_COLOR=1 on_terminal $EMULATOR "$BUILD/stillpoint" trace -q one.trace --show text >undimmed
  ok "trace --show text dims on a terminal" grep -q "$(printf '\033\[2m')" dimmed
  tr -d '\r' <undimmed >plain
  ok "and marks with NO_COLOR" same text plain
  # shellcheck disable=SC2086
  on_terminal $EMULATOR "$BUILD/stillpoint" plot one.trace --format png >out
  equal "a PNG to a terminal is refused" 1 $?
else
  skip "trace and plot: their forms" "no python3 here"
fi

# ---- JSON

if command -v python3 >/dev/null 2>&1; then
  json() {
    json_schema=$1
    shift
    stillpoint "$@" --json >json.out 2>json.err
    python3 -c 'import json, sys; sys.exit(json.load(open("json.out"))["schema"] != sys.argv[1])' "$json_schema"
  }
  json_get() { python3 -c 'import json, sys; print(eval("j" + sys.argv[1], {"j": json.load(open("json.out"))}))' "$1"; }
  ok "run --json" json stillpoint.run/1 run -m model.gguf -f report.txt -n 3 --logprobs
  equal "its tokens" 3 "$(python3 -c 'import json; print(len(json.load(open("json.out"))["tokens"]))')"
  equal "its end" length "$(json_get '["finish"]')"
  equal "its settings" 0.4 "$(json_get '["settings"]["start"]')"
  ok "its kept rows" test "$(json_get '["prefill"]["kept"]')" -lt "$(json_get '["prefill"]["tokens"]')"
  ok "ask --json" json stillpoint.ask/1 ask -m model.gguf --load text.state -n 3 -p one -p two
  equal "its questions" two "$(json_get '["questions"][1]["asked"]')"
  ok "its plan has parked rows" test "$(json_get '["plan"]["parked"]')" -gt 1000000
  ok "chat --json" json stillpoint.chat/1 chat -m model.gguf -n 3 -p one -p two -p three
  equal "its turns" 3 "$(python3 -c 'import json; print(len(json.load(open("json.out"))["turns"]))')"
  ok "tokenize --json" json stillpoint.tokenize/1 tokenize -m model.gguf "$(printf 'quo"te\\ \001\ttab')"
  equal "escapes come back" 'quo"te\ '"$(printf '\001\ttab')" "$(json_get '["pieces"]' | python3 -c 'import ast, sys; print("".join(ast.literal_eval(sys.stdin.read())))')"
  ok "inspect --json" json stillpoint.inspect/1 inspect model.gguf
  equal "its tensors" "$(stillpoint inspect model.gguf | awk '$1 == "tensors" { print $2 + 0 }')" \
    "$(python3 -c 'import json; print(len(json.load(open("json.out"))["tensors"]))')"
  ok "inspect --json of a broken file" json stillpoint.inspect/1 inspect cut.gguf
  equal "its status" STILL_EFORMAT "$(json_get '["status"]')"
  ok "perplexity --json" json stillpoint.perplexity/1 perplexity -m model.gguf -f short.txt -f short.txt
  equal "its files" 2 "$(python3 -c 'import json; print(len(json.load(open("json.out"))["files"]))')"
  ok "bench --json" json stillpoint.bench/1 bench -m model.gguf --lengths 32,1100 --depths 16 -n 2 --repeat 2
  equal "its rows" 4 "$(python3 -c 'import json; print(len(json.load(open("json.out"))["prefill"]))')"
  ok "its kinds of work add up to the time of the last" python3 -c 'import json, sys
for row in json.load(open("json.out"))["prefill"]:
    kinds = row["kinds"]
    whole, told, wait = row["seconds"][-1], sum(kinds.values()), 0.02  # of a process that lost its processor before the clock was read
    print(told, whole)
    if kinds["linear"] <= 0 or kinds["attention"] <= 0 or not 0.9 * whole - wait < told < 1.01 * whole: sys.exit(1)'
  ok "eval --json" json stillpoint.eval/1 eval -m model.gguf --lengths 1200 --questions 2 --per-text 1 -n 2 --sets one,table,loss -f report.txt \
    --places 2 --continuation 4
  equal "its rows" "one 2 table 2 all 4 loss 2" "$(python3 -c 'import json
print(*(word for r in json.load(open("json.out"))["rows"] for word in (r["set"], r["n"])))')"
  equal "its cells" 10 "$(python3 -c 'import json; print(len(json.load(open("json.out"))["cells"]))')"
  ok "cpu --json" json stillpoint.cpu/1 cpu
  ok "selftest --json" json stillpoint.selftest/1 selftest --isa ref
  ok "digest --json" json stillpoint.digest/1 digest -m model.gguf -f report.txt
  equal "its checksum" "$all" "$(json_get '["all"]')"
  equal "which is that of the four others" "$all" "$(python3 -c 'import hashlib, json
j = json.load(open("json.out"))
print(hashlib.sha256(b"".join(bytes.fromhex(j[k]["sha256"]) for k in ("scores", "kept", "logits", "greedy"))).hexdigest())')"
else
  skip "JSON" "no python3 here"
fi

# ---- completions and examples

for shell in bash zsh fish; do
  stillpoint completion $shell >"completion.$shell"
  ok "completions/stillpoint.$shell is what the command prints" cmp "completion.$shell" "$SRC/completions/stillpoint.$shell"
  if command -v $shell >/dev/null 2>&1; then
    ok "$shell reads it" $shell -n "completion.$shell"
  else
    skip "$shell reads it" "no $shell here"
  fi
done
complete_bash() {
  # shellcheck disable=SC2016
  bash -c '. ./completion.bash; COMP_WORDS=(stillpoint "$@"); COMP_CWORD=$#; _stillpoint; echo "${COMPREPLY[*]}"' bash "$@"
}
if command -v bash >/dev/null 2>&1; then
  equal "bash completes a command" perplexity "$(complete_bash perp)"
  equal "bash completes an option" --repeat-penalty "$(complete_bash run --repeat-p)"
  equal "bash completes a value" 'delta dense' "$(complete_bash run --policy de)"
else
  skip "bash completes" "no bash here"
fi

for command in $commands; do
  none "the manual knows each option of $command" "$(stillpoint "$command" --help | sed -n 's/^ .* --\([a-z-]*\).*/\1/p' | while read -r option; do
    grep -qE "Fl (. , )?-$option( |\$)" "$SRC/man/stillpoint-$command.1" "$SRC/man/stillpoint-run.1" "$SRC/man/stillpoint.1" || echo "--$option"
  done)"
done
stillpoint run --help | sed -n '/^Prefill/,/^Common/s/^ .* --\([a-z-]*\).*/\1/p' >keys
sed -n 's/^\.It Cm \([a-z-]*\) No .*/\1/p' "$SRC/man/stillpoint-settings.5" >described
sort keys >keys.sorted
sort described >described.sorted
ok "stillpoint-settings(5) has the keys of the library, and no others" same described.sorted keys.sorted

for page in "$SRC"/man/stillpoint.1 "$SRC"/man/stillpoint-*.1; do
  sed -n 's/^\.Dl //p' "$page" >examples
  ok "$(basename "$page") has examples" test -s examples
  while read -r line; do
    case $line in
      *float*) stillpoint perplexity -m model.gguf -f short.txt --numerics float >out 2>&1
        [ $? != 6 ] || { skip "$line" "built without OpenBLAS"; continue; } ;;
    esac
    ok "$line" eval "$line </dev/null"
  done <examples
done
tap_end
