#!/bin/sh
# cli_eval.sh - `stillpoint calibrate` and `eval` from outside: tables, files of results, how they go on, JSON.
#
# In:       stillpoint, a tiny model that tests/mktiny makes. Its answers mean nothing, but they are the same everywhere.
# Not here: the search (check_search.c), questions and figures (check_eval.c, check_eval_figures.c).
many_prompts=yes
. "$SRC/tests/command.sh"

# ---- calibrate: a tiny model knows nothing; what it does not know it does not lose

for part in one two three four; do sed "s/report/part $part of the report/" report.txt; done >parts.txt
search() {
  stillpoint calibrate -m model.gguf -f parts.txt --lengths 700 --texts 1 --per-text 2 --answers 2 --places 3 --continuation 4 \
    --final-texts 2 --final-places 4 --eps 100 --points 100 --starts 0.2,0.5 --ratios 0.5,0.75 --pools 7,31 "$@"
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
stillpoint eval -m model.gguf --lengths 700 --questions 2 --per-text 2 --sets one,many,chain --out unseen.jsonl >/dev/null
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
search --out two.calibration --results search.jsonl --wakes 0.1,0.3 --json >out
equal "calibrate --wakes: the higher comes first" "wake 0.3" "$(grep '^wake' two.calibration | sort -u)"
ok "calibrate --json: what wakes" grep -q '"wake": 0.3' out
ok "calibrate --wakes: in ascending order" code 1 stillpoint calibrate -m model.gguf -f parts.txt --wakes 0.3,0.1 --out never
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
  stopped INT 2 calibrate -m model.gguf -f parts.txt --lengths 1500 --continuation 32 --isa ref --out never 2>err >out
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

# ---- JSON

if command -v python3 >/dev/null 2>&1; then
  ok "eval --json" json stillpoint.eval/1 eval -m model.gguf --lengths 1200 --questions 2 --per-text 1 -n 2 --sets one,table,loss -f report.txt \
    --places 2 --continuation 4
  equal "its rows" "one 2 table 2 all 4 loss 2" "$(python3 -c 'import json
print(*(word for r in json.load(open("json.out"))["rows"] for word in (r["set"], r["n"])))')"
  equal "its cells" 10 "$(python3 -c 'import json; print(len(json.load(open("json.out"))["cells"]))')"
else
  skip "eval --json" "no python3 here"
fi
tap_end
