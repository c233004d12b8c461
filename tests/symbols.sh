#!/bin/sh
# symbols.sh - the shared library shows the names of symbols.list, which are those of the header, and nothing else.
#
# A name that disappears from the list is a break of the ABI: see PACKAGERS before editing it.
. "$SRC/tests/tap.sh"

grep -o 'STILL_API [^;]*' "$SRC/include/stillpoint.h" | grep -o 'still_[a-z0-9_]* *(' | tr -d ' (' | sort -u >"$work/header"
ok "the list is what the header declares" diff "$SRC/tests/symbols.list" "$work/header"

library=$BUILD/.libs/libstillpoint.so
if [ ! -e "$library" ]; then
  skip "the library shows the list" "configured with --disable-shared"
elif [ -n "${ASAN_FLAGS:-}" ]; then
  skip "the library shows the list" "sanitizers add names of their own"
else
  # "name@@STILLPOINT_0"; the version node itself is an absolute symbol.
  $NM -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort >"$work/shown"
  ok "the library shows the list" diff "$SRC/tests/symbols.list" "$work/shown"
fi
tap_end
