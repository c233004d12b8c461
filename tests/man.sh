#!/bin/sh
# man.sh - manual pages pass mandoc's lint, and name only pages that exist.
. "$SRC/tests/tap.sh"
cd "$SRC/man" || exit 1

set -- *.[1-9]
[ -e "$1" ] || skip_all "no manual pages here"
for page; do
  if [ "${MANDOC:-no}" = no ]; then
    skip "$page is clean mdoc" "no mandoc here"
  else
    ok "$page is clean mdoc" "$MANDOC" -T lint -W warning "$page"
  fi
done
none "references lead to pages that exist" \
  "$(sed -n 's/^\.Xr \(stillpoint[a-z_-]*\) \([0-9]\).*/\1.\2/p; s/^\.Xr \(still_[a-z_]*\) \([0-9]\).*/\1.\2/p' "$@" | sort -u |
     while read -r page; do [ -e "$page" ] || grep -qs "^\.Nm ${page%.*}" ./*."${page##*.}" || echo "$page"; done)"
none "each public function is on a page of section 3" \
  "$(while read -r name; do grep -q "^\.Nm $name\( ,\)*\$" ./*.3 || echo "$name"; done <"$SRC/tests/symbols.list")"
tap_end
