#!/bin/sh
# cli_pages.sh - completions and manual pages: each option is there, each example runs.
#
# In:       stillpoint, a tiny model that tests/mktiny makes. Its answers mean nothing, but they are the same everywhere.
# Not here: mdoc (man.sh), the programs in examples/ (examples.sh).
many_prompts=yes
. "$SRC/tests/command.sh"

commands=$(stillpoint --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -vx -e help -e completion)

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
