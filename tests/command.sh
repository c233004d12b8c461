# command.sh - what the scripts share that test the command from outside; to be sourced: . "$SRC/tests/command.sh"
#
# In:  as tap.sh; many_prompts=yes where the usual tiny model would take long, above all under an emulator.
# Out: the current directory is $work, with model.gguf, report.txt, short.txt and exact.txt; the functions below.
. "$SRC/tests/tap.sh"

stillpoint() {
  # shellcheck disable=SC2086
  $EMULATOR "$BUILD/stillpoint" "$@"
}
# shellcheck disable=SC2086
mktiny() { $EMULATOR "$BUILD/tests/mktiny" "$@"; }

cd "$work" || exit 1
tiny=
[ -z "${many_prompts:-}" ] || tiny="--type Q8_0 --embd 64 --heads 2 --kv-heads 1 --head-dim 32 --ff 128"
# shellcheck disable=SC2086 # a list of options
mktiny $tiny -o model.gguf || { echo 'Bail out! mktiny failed'; exit 1; }
awk 'BEGIN { for (i = 1; i <= 36; i++) printf "Line %d of the report says that item %d was weighed and found to be in order.\n", i, i * 7 % 31 }' >report.txt
head -n 3 report.txt >short.txt
printf %s "$(cat short.txt)" >exact.txt # without a newline at its end

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
# run OPTION...: twelve tokens of an answer
run() { stillpoint run -m model.gguf -n 12 "$@"; }
# json SCHEMA ARGUMENT...: the command's JSON, in json.out, has that schema; json_get INDEX: a value of it. Both want python3.
json() {
  json_schema=$1
  shift
  stillpoint "$@" --json >json.out 2>json.err
  python3 -c 'import json, sys; sys.exit(json.load(open("json.out"))["schema"] != sys.argv[1])' "$json_schema"
}
json_get() { python3 -c 'import json, sys; print(eval("j" + sys.argv[1], {"j": json.load(open("json.out"))}))' "$1"; }
