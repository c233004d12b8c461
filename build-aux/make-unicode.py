#!/usr/bin/env python3
"""Writes src/unicode_data.inc: which code points are letters, numbers or white space.

In:       the Unicode Character Database that Python carries (the package unicodedata2, where installed, carries a newer one).
Out:      one run per line group on standard output: first code point << 2 | class, ascending; a run lasts until the next one.
Not here: anything at build time. The table is committed; run this by hand when the reference tokenisers move to a newer Unicode:
          python3 build-aux/make-unicode.py > src/unicode_data.inc
"""

import sys

try:
    import unicodedata2 as unicodedata
except ImportError:
    import unicodedata

OTHER, LETTER, NUMBER, SPACE = range(4)  # enum sp_class of unicode.h

# The property White_Space, which `\s` of the published patterns means. str.isspace() would add U+001C..1F.
WHITE_SPACE = {*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}


def class_of(code):
    if code in WHITE_SPACE:
        return SPACE
    return {"L": LETTER, "N": NUMBER}.get(unicodedata.category(chr(code))[0], OTHER)


def runs():
    before = None
    for code in range(0x110000):
        now = class_of(code)
        if now != before:
            yield code << 2 | now
        before = now


def main():
    table = list(runs())
    print(f"/* Made by build-aux/make-unicode.py from Unicode {unicodedata.unidata_version}: {len(table)} runs. Not edited by hand. */")
    for i in range(0, len(table), 14):
        print(" ".join(f"0x{run:06x}," for run in table[i : i + 14]))


if __name__ == "__main__":
    sys.exit(main())
