#!/usr/bin/env python3
"""plot.py - draws the prefill figures of peers.py: tokens per second against prompt length, one panel a model.

In:       the JSON file of peers.py, perhaps a name for the picture.  Out: SVG, on standard output without that name.
Not here: measuring. Nothing is needed beyond Python itself.

Both axes are logarithmic; a point is a median, the thin line through it the range. Who has no figure at a length has no point.
"""

import json
import math
import statistics
import sys

WIDE, HIGH, LEFT, TOP, RIGHT, BOTTOM = 300, 220, 52, 40, 14, 74
LEGEND = 130  # of a name
COLOURS = {"stillpoint halted": "#b2182b", "stillpoint dense": "#ef8a62", "openvino": "#2166ac", "llama.cpp": "#4d9221"}
OTHERS = ["#762a83", "#666666", "#b8860b"]


def series(model):
    """{side: [(length, rates)]} of warm prefills."""
    found = {}
    for row in model["figures"]:
        if row["kind"] == "prefill" and not row["side"].endswith("cold"):
            found.setdefault(row["side"], []).append((row["size"], row["tokens_per_second"]))
    return {side: sorted(points) for side, points in sorted(found.items())}


def colours(sides):
    spare = iter(OTHERS * len(sides))
    return {side: COLOURS.get(side) or next(spare) for side in sides}


class Scale:
    """Logarithmic from [low, high] to [from, to]."""

    def __init__(self, values, start, end):
        self.low, self.high, self.start, self.end = math.log(min(values)), math.log(max(values)), start, end

    def __call__(self, value):
        return self.start + (math.log(value) - self.low) / ((self.high - self.low) or 1) * (self.end - self.start)


def decades(values):
    """1, 2 and 5 times powers of ten that hold all values."""
    marks = [m * 10 ** e for e in range(7) for m in (1, 2, 5)]
    low = max([m for m in marks if m <= min(values)], default=1)
    high = min([m for m in marks if m >= max(values)], default=max(values))
    return [m for m in marks if low <= m <= high]


def text(x, y, words, anchor="middle", more=""):
    words = words.replace("&", "&amp;").replace("<", "&lt;")
    return '<text x="%.1f" y="%.1f" text-anchor="%s"%s>%s</text>' % (x, y, anchor, more, words)


def panel(model, left, colour):
    sides = series(model)
    lengths = sorted({n for points in sides.values() for n, _ in points})
    marks = decades([rate for points in sides.values() for _, rates in points for rate in rates])
    x, y = Scale(lengths, left + 12, left + WIDE - 12), Scale(marks, TOP + HIGH, TOP)
    yield text(left + WIDE / 2, TOP - 12, model["model"].replace(".gguf", ""), more=' font-weight="bold"')
    for mark in marks:
        yield '<path d="M%d %.1fh%d" stroke="#ddd"/>' % (left, y(mark), WIDE)
        yield text(left - 6, y(mark) + 4, "%d" % mark, "end")
    for n in lengths:
        yield text(x(n), TOP + HIGH + 16, "%d" % n)
    for side, points in sides.items():
        line = " ".join("%.1f,%.1f" % (x(n), y(statistics.median(rates))) for n, rates in points)
        yield '<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>' % (line, colour[side])
        for n, rates in points:
            middle = y(statistics.median(rates))
            yield '<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>' % (x(n), middle, colour[side])
            yield '<path d="M%.1f %.1fV%.1f" stroke="%s"/>' % (x(n), y(min(rates)), y(max(rates)), colour[side])


def picture(result):
    models = [model for model in result["models"] if series(model)]
    wide, high = LEFT + len(models) * (WIDE + LEFT) - LEFT + RIGHT, TOP + HIGH + BOTTOM
    names = sorted({side for model in models for side in series(model)})
    wide = max(wide, LEFT + LEGEND * len(names))
    colour = colours(names)
    yield ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" '
           'font-family="sans-serif" font-size="11">' % (wide, high, wide, high))
    yield '<rect width="100%" height="100%" fill="white"/>'
    for i, model in enumerate(models):
        yield from panel(model, LEFT + i * (WIDE + LEFT), colour)
    yield text(wide / 2, TOP + HIGH + 36, "prefill, tokens per second, by length of the prompt")
    for i, side in enumerate(names):
        at = LEFT + i * (wide - LEFT) / len(names)
        yield '<path d="M%.1f %dh16" stroke="%s" stroke-width="3"/>' % (at, TOP + HIGH + 54, colour[side])
        yield text(at + 20, TOP + HIGH + 58, side, "start")
    yield "</svg>"


def main():
    if len(sys.argv) not in (2, 3) or sys.argv[1].startswith("-"):
        sys.exit("usage: plot.py peers.json [out.svg]")
    with open(sys.argv[1], encoding="utf-8") as file:
        drawing = "\n".join(picture(json.load(file))) + "\n"
    with (open(sys.argv[2], "w", encoding="utf-8") if len(sys.argv) == 3 else sys.stdout) as out:
        out.write(drawing)


if __name__ == "__main__":
    main()
