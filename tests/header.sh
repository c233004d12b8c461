#!/bin/sh
# header.sh - stillpoint.h compiles alone, twice included, without a warning, as C99, C11 and C++17.
. "$SRC/tests/tap.sh"

cat >"$work/use.c" <<'END'
#include <stillpoint.h>
#include <stillpoint.h>
int main(void) {
  still_report report = {0};
  report.size = sizeof report;
  return still_version() == 0 || report.size == 0;
}
END
cp "$work/use.c" "$work/use.cc"
sed -i 's/= {0}/= {}/' "$work/use.cc"
warnings="-Wall -Wextra -Wshadow -Wundef -pedantic-errors -Werror"

for std in c99 c11; do
  # shellcheck disable=SC2086 # CC may carry options
  ok "the header is $std" $CC -std=$std $warnings -I"$SRC/include" -fsyntax-only "$work/use.c"
done
cxx=
case $CC in *clang*) cxx=$(command -v clang++ || true) ;; esac
[ -n "$cxx" ] || cxx=$(command -v c++ || command -v g++ || true)
if [ -n "$cxx" ]; then
  ok "the header is c++17" "$cxx" -std=c++17 $warnings -I"$SRC/include" -fsyntax-only "$work/use.cc"
else
  skip "the header is c++17" "no C++ compiler here"
fi
tap_end
