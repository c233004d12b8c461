#!/bin/sh
# cli.sh - the command from outside: options, exit codes, streams, JSON.
#
# In:       stillpoint, a tiny model that tests/mktiny makes. Its answers mean nothing, but they are the same everywhere.
# Not here: ask and chat (cli_ask.sh), eval and calibrate (cli_eval.sh), trace and plot (cli_trace.sh), pages and completions
# (cli_pages.sh), bad files in breadth (bad-input.sh), real models (model.sh), numbers (the oracle).
. "$SRC/tests/command.sh"

commands=$(stillpoint --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -vx -e help -e completion)

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

run -q --raw -p "$(cat short.txt)" >argument 2>err
ok "-q leaves stderr empty" test ! -s err
run -q --raw "$(cat short.txt)" >operand
ok "operand and -p are the same" same argument operand
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

# ---- JSON

if command -v python3 >/dev/null 2>&1; then
  ok "run --json" json stillpoint.run/1 run -m model.gguf -f report.txt -n 3 --logprobs
  equal "its tokens" 3 "$(python3 -c 'import json; print(len(json.load(open("json.out"))["tokens"]))')"
  equal "its end" length "$(json_get '["finish"]')"
  equal "its settings" 0.4 "$(json_get '["settings"]["start"]')"
  ok "its kept rows" test "$(json_get '["prefill"]["kept"]')" -lt "$(json_get '["prefill"]["tokens"]')"
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
tap_end
