#!/bin/sh
# cli_ask.sh - `stillpoint ask` and `chat` from outside: questions, states, turns, JSON.
#
# In:       stillpoint, a tiny model that tests/mktiny makes. Its answers mean nothing, but they are the same everywhere.
# Not here: sessions and states themselves (check_session.c, check_save.c).
. "$SRC/tests/command.sh"

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

# ---- JSON

if command -v python3 >/dev/null 2>&1; then
  ok "ask --json" json stillpoint.ask/1 ask -m model.gguf --load text.state -n 3 -p one -p two
  equal "its questions" two "$(json_get '["questions"][1]["asked"]')"
  ok "its plan has parked rows" test "$(json_get '["plan"]["parked"]')" -gt 1000000
  ok "chat --json" json stillpoint.chat/1 chat -m model.gguf -n 3 -p one -p two -p three
  equal "its turns" 3 "$(python3 -c 'import json; print(len(json.load(open("json.out"))["turns"]))')"
else
  skip "ask --json" "no python3 here"
fi
tap_end
