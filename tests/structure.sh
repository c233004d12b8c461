#!/bin/sh
# structure.sh - the rules of HACKING that a machine can check: who includes whom, sizes, names in objects.
#
# The reading order is the order of files in src/src.mk: a file includes only headers that stand before it (or its own), plus the
# two doors, simd/kernels.h and src/backend.h.
. "$SRC/tests/tap.sh"
cd "$SRC" || exit 1

sources=$(find src simd cuda include tests $(ls -d examples 2>/dev/null) -name '*.[ch]' -o -name '*.inc' | grep -v '_data\.inc$' | sort)
library=$(find src simd cuda -name '*.[ch]' -o -name '*.inc' | grep -v '^src/cli/' | sort)
listed=$(cat Makefile.am ./*/*.mk src/cli/cli.mk)

# ---- includes

# Lines "rank header": the place of each header of src/ in the reading order.
grep -o 'src/[a-z0-9_]*\.[a-z]*' src/src.mk | sed 's,^src/,,' | awk '{ print NR, $1 }' >"$work/order"

# A header earlier than the includer's .c (or, for x.h, than x.h itself).
against_the_order() {
  for file in src/*.[ch]; do
    sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file" | while read -r header; do
      echo "$(basename "$file") ${header#src/}"
    done
  done | awk '
    NR == FNR { rank[$2] = $1; next }
    $2 == "simd/kernels.h" || $2 == "backend.h" || $2 == "stillpoint.h" || $2 == "build.h" || $2 ~ /_data\.inc$/ { next }
    $2 == "cuda/gpu.h" && ($1 == "gpu_model.h") { next }
    !($2 in rank) { print "src/" $1 " includes " $2 ", which src.mk does not list"; next }
    { own = $1; sub(/\.c$/, ".h", own); mine = rank[$1]; if (rank[own] > mine) mine = rank[own] }
    rank[$2] > mine { print "src/" $1 " includes " $2 ", which comes later in src.mk" }' "$work/order" -
}
none "src/ includes only what stands before it in src.mk" "$(against_the_order)"

# included_by DIRECTORY: lines "file header" of its quoted includes, without the directory in front.
included_by() {
  find "$1" -maxdepth 1 \( -name '*.[ch]' -o -name '*.inc' \) -exec sed -n "s,^#include \"\($1/\)\{0\,1\}\([^\"]*\)\".*,\2,p" {} + | sort -u
}
none "simd/ knows nothing of src/" "$(included_by simd | while read -r header; do [ -e "simd/$header" ] || echo "$header"; done | grep -vx build.h)"
# Kernel files also see exp2's constants and the kernels' enums, and in the tests the emulator.
none "cuda/ knows only itself, build.h, simd/exp2.h and simd/kernels.h" \
  "$(included_by cuda | while read -r header; do [ -e "cuda/$header" ] || echo "$header"; done |
    grep -vxE 'build.h|simd/exp2.h|simd/kernels.h|tests/cuda/emulate.h')"
# inspect shows files that the library refuses; cpu shows the team and the driver; bench where the time went;
# calibrate the keys that a calibration decides and the version of the arithmetic.
none "the command sees the public header, inspect also gguf.h and quant.h, cpu numa.h, team.h and door.h, bench session.h, calibrate settings.h" \
  "$(for file in src/cli/*.[ch]; do
       sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file" | while read -r header; do
         case "$file $header" in
           *" stillpoint.h" | *" build.h") ;;
           */cmd_inspect.c\ src/gguf.h | */cmd_inspect.c\ src/quant.h | */cmd_cpu.c\ src/numa.h | */cmd_cpu.c\ src/team.h | */cmd_cpu.c\ cuda/door.h | \
             */cmd_bench.c\ src/session.h | */calibrate_file.c\ src/settings.h) ;;
           *) [ -e "src/cli/$header" ] || echo "$file includes $header" ;;
         esac
       done
     done)"

# Each outside world behind one file.
while read -r header file; do
  none "<$header> is included by $file alone" "$(grep -lE "^ *# *include *<$header>" $sources | grep -vx "$file")"
done <<'END'
omp.h src/team.c
numa.h src/numa.c
cblas.h simd/blas.c
dlfcn.h cuda/door.c
png.h src/cli/draw_png.c
END
none "no intrinsics and no assembly in src/" \
  "$(grep -nE '(imm|x86|xmm|emm|cpu)intrin\.h|cpuid\.h|arm_neon\.h|arm_sve\.h|\b_mm(256|512)?_|__builtin_ia32|\b__?asm(__)?\b|\basm\b|vector_size' src/*.[ch] src/cli/*.[ch])"
none "simd/ neither locks, spawns nor logs" "$(grep -nE 'pthread|#pragma omp|omp\.h|stdio\.h|stdatomic\.h|threads\.h' simd/*.[ch] simd/*.inc |
  grep -v '^simd/blas\.c')"

# ---- sizes, in lines and columns

none "files have at most 600 lines, private headers 150" \
  "$(for file in $sources; do
       most=600
       case $file in include/*) ;; simd/kernels.h | simd/vec_*.h | simd/lanes_*.h | cuda/blocks.h | cuda/device.h | cuda/jobs.h) ;; *.h) most=150 ;; esac
       lines=$(wc -l <"$file")
       [ "$lines" -le $most ] || echo "$file: $lines lines"
     done)"
none "lines have at most 130 columns" "$(awk 'length($0) > 130 { print FILENAME ":" FNR ": " length($0) }' $sources cuda/*.cu)"
none "no tabs, no trailing blanks" "$(grep -nE "$(printf '\t')| +\$" $sources)"
# A function begins at column 0 with its name and ends with "}" there.
awk '
  FNR == 1 { start = 0 }
  /^[a-zA-Z_].*\(/ && !/;[ ]*(\/[*].*)?$/ && !/^(typedef|enum|struct [a-z_]+ \{|union|else|case|default)/ { start = FNR; name = $0 }
  /^}/ && start { print FNR - start + 1, FILENAME, name; start = 0 }
' $(printf '%s\n' $sources | grep '\.c$') | sort -n >"$work/functions"
none "functions have at most 60 lines (kernels excepted)" "$(awk '$1 > 60 && $2 !~ /^simd\//' "$work/functions")"
note "functions: $(wc -l <"$work/functions"), median $(awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }' "$work/functions") lines"
ok "some functions were found" test "$(wc -l <"$work/functions")" -gt 50

# ---- files

none "each source file is listed in a makefile" \
  "$(for file in $library $(find src/cli -name '*.[ch]'); do
       case $listed in *"$file"*) ;; *) echo "$file" ;; esac
     done)"
none "each file begins with a comment that names it" \
  "$(for file in $sources; do head -n 2 "$file" | grep -qF "$(basename "$file")" || echo "$file"; done)"

# ---- names in objects; sanitizers add their own

objects=$BUILD/.libs/libspcore.a
if [ -n "${ASAN_FLAGS:-}" ]; then
  skip "objects: forbidden calls" "sanitized objects call their runtime"
  skip "objects: instruction sets" "sanitized objects carry its symbols"
else
  # fortified names too: __printf_chk
  # Handles are made before their hooks are at hand (model, session), or have none (settings, sample).
  none "the library neither prints, ends the process nor allocates past arena.c" \
    "$($NM -A -u "$objects" | awk '{ print $1, $NF }' | sed 's/^[^:]*:\([^:]*\):/\1/' |
       grep -E ' (__)?(v?f?printf|f?puts|f?putc|putchar|perror|abort|exit|_exit|_Exit|quick_exit|raise|assert_fail|malloc|calloc|realloc|strdup|system|popen|stdout|stderr)(_chk)?$' |
       grep -vxE '(arena|settings|sample|model|session)\.o (malloc|calloc)' || true)"
  found=
  for lib in "$BUILD"/.libs/libspk_*.a; do
    [ -e "$lib" ] || continue
    found="$found$($NM -g --defined-only "$lib" | awk -v lib="$(basename "$lib")" '
      NF == 3 && $2 ~ /[a-zA-Z]/ { n++; names = names " " $3; if ($2 ~ /[VvWwu]/) weak = weak " " $3 }
      END { if (n != 1) print lib ": " n " global names:" names; if (weak) print lib ": weak:" weak }')"
  done
  none "each instruction set's object has one global name and no weak one" "$found"
fi
tap_end
