#!/bin/sh
# install.sh - what a packager does: install into a DESTDIR, find the library by pkg-config, link a program against the shared and
# the static library, run both, uninstall, and find nothing left.
. "$SRC/tests/tap.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL

dest=$work/dest
pc=$(sed -n 's/^libdir=//p' "$BUILD/stillpoint.pc" | sed "s,\${exec_prefix},$(sed -n 's/^exec_prefix=//p' "$BUILD/stillpoint.pc"),")
pc=$(echo "$pc" | sed "s,\${prefix},$(sed -n 's/^prefix=//p' "$BUILD/stillpoint.pc"),")
prefix=$(sed -n 's/^prefix=//p' "$BUILD/stillpoint.pc")
lib=$dest$pc

ok "make install into a DESTDIR" $MAKE -s -C "$BUILD" install DESTDIR="$dest"
for file in "$prefix/bin/stillpoint" "$prefix/include/stillpoint.h" "$pc/pkgconfig/stillpoint.pc" "$prefix/share/man/man1/stillpoint.1"; do
  ok "installed: ${file#"$prefix"/}" test -s "$dest$file"
done
ok "one header is installed" test "$(find "$dest" -name '*.h' | wc -l)" -eq 1

# pkg-config puts the sysroot before every directory that it prints, also before those of OpenBLAS: so ask it without, and put our
# own in front.
flags() {
  PKG_CONFIG_PATH="$lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}" ${PKG_CONFIG:-pkg-config} "$@" stillpoint |
    sed "s,-I$prefix/include,-I$dest$prefix/include,; s,-L$pc,-L$lib,"
}
equal "pkg-config knows the version" "$(sed -n 's/^Version: //p' "$BUILD/stillpoint.pc")" "$(flags --modversion)"

run() { # a program that was linked by hand
  # shellcheck disable=SC2086
  LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" $EMULATOR "$@"
}
model=$work/tiny.gguf
ok "a tiny model" $LIBTOOL --mode=execute $EMULATOR "$BUILD/tests/mktiny" -o "$model"

# shellcheck disable=SC2046,SC2086 # flags are lists
if [ -e "$lib/libstillpoint.so" ]; then
  ok "a program links the shared library" $CC $CFLAGS $ASAN_FLAGS "$SRC/examples/complete.c" $(flags --cflags --libs) -o "$work/shared"
  ok "and runs" run "$work/shared" "$model" "The house" 4
else
  skip "a program links the shared library" "configured with --disable-shared"
fi
# shellcheck disable=SC2046,SC2086
if [ -e "$lib/libstillpoint.a" ]; then
  ok "a program links the static library" $CC $CFLAGS $ASAN_FLAGS "$SRC/examples/complete.c" \
    $(flags --static --cflags --libs | sed 's,-lstillpoint,-l:libstillpoint.a,') -o "$work/static"
  ok "and runs" run "$work/static" "$model" "The house" 4
  ok "without the shared one" sh -c "readelf -d '$work/static' >'$work/needed' && ! grep -q libstillpoint '$work/needed'"
else
  skip "a program links the static library" "configured with --disable-static"
fi

ok "make uninstall" $MAKE -s -C "$BUILD" uninstall DESTDIR="$dest"
none "leaves no file behind" "$(find "$dest" ! -type d)"
tap_end
