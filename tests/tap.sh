# tap.sh - Test Anything Protocol for shell scripts; to be sourced: . "$SRC/tests/tap.sh"
#
# In:  the variables that tests.mk exports (SRC, BUILD, CC, ...), checks as commands.
# Out: TAP on standard output, a fresh directory $work that is removed at the end, the plan as the last line.
# A script that dies before tap_end has no plan, which the driver counts as an error.

: "${SRC:?run this by make check}" "${BUILD:?run this by make check}"
tap_count=0
work=$(mktemp -d "${TMPDIR:-/tmp}/stillpoint-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ok DESCRIPTION COMMAND...: passes if the command succeeds. What it prints appears as diagnostics when it does not.
ok() {
  tap_count=$((tap_count + 1))
  tap_what=$1
  shift
  if "$@" >"$work/tap.out" 2>&1; then
    echo "ok $tap_count - $tap_what"
  else
    echo "not ok $tap_count - $tap_what"
    sed 's/^/# /' "$work/tap.out" | head -n 40
  fi
}

# equal DESCRIPTION WANTED FOUND
equal() { ok "$1" tap_same "$2" "$3"; }
tap_same() {
  [ "$1" = "$2" ] && return
  printf 'wanted: %s\nfound:  %s\n' "$1" "$2"
  return 1
}

# none DESCRIPTION TEXT: passes if the text, a list of things found wrong, is empty.
none() { ok "$1" tap_nothing "$2"; }
tap_nothing() { [ -z "$1" ] || { printf '%s\n' "$1"; return 1; }; }

# skip DESCRIPTION REASON: a case that this machine cannot run; counted and printed.
skip() {
  tap_count=$((tap_count + 1))
  echo "ok $tap_count - $1 # SKIP $2"
}

# skip_all REASON: the whole script.
skip_all() {
  echo "1..0 # SKIP $1"
  exit 0
}

note() { printf '%s\n' "$*" | sed 's/^/# /'; }
tap_end() { echo "1..$tap_count"; }
