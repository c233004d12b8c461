#!/bin/sh
# cli_trace.sh - `stillpoint trace` and `plot` from outside: lines, text, pages, pictures.
#
# In:       stillpoint, a tiny model that tests/mktiny makes. Its answers mean nothing, but they are the same everywhere.
# Not here: scores themselves (the oracle).
. "$SRC/tests/command.sh"

# ---- trace and plot

# Text that a page, a picture or a terminal must not take for its own, and characters of several tokens.
printf 'Mark </pre><script>alert("x")</script> & %s\033[31mred\033[0m %s\n' "it's" "$(printf '\303\274\342\202\254\360\237\220\213')" >odd.txt
cat report.txt odd.txt report.txt >traced.txt
stillpoint trace -m model.gguf -f traced.txt --out one.trace --html one.html >out 2>report
ok "trace --out prints nothing" test ! -s out -a -s one.trace -a -s one.html
ok "trace: the report has the gate" grep -qE '^gate +layer 2, [0-9]+ came' report
stillpoint trace -m model.gguf --every 2 --ratio 0.5 -q <traced.txt >several.trace 2>err
ok "trace -q leaves stderr empty" test ! -s err
stillpoint trace -m model.gguf -q -f short.txt >dense.trace
untimed() { sed 's/"seconds": [^,}]*//; s/"tokens_per_second": [^,}]*//; s/"threads": [^,}]*//g; s/"chunk": [^,}]*//' "$1"; }
stillpoint trace -m model.gguf --every 2 --ratio 0.5 -q --threads 3 --chunk 63 <traced.txt >again.trace
untimed several.trace >first
untimed again.trace >second
ok "trace: threads and chunks change times alone" same first second
for name in one several dense; do
  stillpoint trace -q $name.trace >again.trace
  ok "trace: what is read is what was written ($name)" same $name.trace again.trace
done
stillpoint trace -q one.trace --json --show none >again.trace
ok "trace --json" same one.trace again.trace
stillpoint trace -q one.trace --show text >text
stillpoint trace -q dense.trace --show text >all
ok "trace --show text: marks where there is no terminal" grep -qF '[-' text
ok "and none where nothing was halted" sh -c '! grep -qF "[-" all'
none "and no control character comes through" "$(LC_ALL=C grep -c "$(printf '\033')" text | grep -vx 0)"
stillpoint plot one.trace >one.svg
stillpoint plot several.trace --out several.svg
stillpoint plot dense.trace --out dense.SVG --json >plot.json
stillpoint plot -m model.gguf -f traced.txt -q >again.svg
ok "plot: a trace and a model give the same scores" test "$(grep -c '<rect' one.svg)" = "$(grep -c '<rect' again.svg)"
stillpoint plot several.trace --out picture.png 2>err
has_png=$?
if [ $has_png = 6 ]; then
  ok "without libpng a PNG is refused with a reason" grep -q 'without libpng' err
fi
if command -v python3 >/dev/null 2>&1; then
  ok "trace: each line is what the manual says" python3 -c 'import json, sys
for path, gates in ("one.trace", [2]), ("several.trace", [2, 4]), ("dense.trace", []):
    lines = [json.loads(line) for line in open(path, encoding="utf-8")]
    head, end, by = lines[0], lines[-1], {}
    for line in lines: by.setdefault(line["type"], []).append(line)
    tokens, alive, text = by["token"], list(range(head["tokens"])), b""
    assert head["schema"] == "stillpoint.trace/1" and head["type"] == "head" and end["type"] == "end"
    assert len(tokens) == head["tokens"] and [t["at"] for t in tokens] == alive
    assert len(by.get("gate", [])) == head["gates"] and [g["layer"] for g in by.get("gate", [])] == gates
    assert len(by["layer"]) == head["layer_lines"] and bool(head["why_dense"]) == (not gates)
    for n, gate in enumerate(by.get("gate", [])):
        came = [t["at"] for t in tokens if len(t["scores"]) > n]
        assert came == alive and len(alive) == gate["rows"] and gate["gate"] == n
        alive = [t["at"] for t in tokens if len(t["kept"]) > n and t["kept"][n]]
        assert len(alive) == gate["kept"]
        assert min(tokens[i]["scores"][n] for i in alive[4:-64]) >= gate["tau"]
    assert end["kept"] == len(alive)
    for t in tokens:
        piece = bytes.fromhex("".join(t["hex"])) if "hex" in t else t["text"].encode()
        assert t["byte"] == len(text) and t["bytes"] == len(piece)
        text += piece
    assert len(text) == head["bytes"] and open("short.txt" if not gates else "traced.txt", "rb").read().strip() in text
    phases = {p["phase"]: p["seconds"] for p in by["phase"]}
    assert sorted(phases) == ["gate", "load", "lower", "panels", "upper"]
    for phase in "lower", "upper":
        told = sum(l["seconds"] for l in by["layer"] if l["phase"] == phase)
        assert told <= phases[phase] * 1.01 + 1e-6, (path, phase, told, phases)
    upper = [l for l in by["layer"] if l["phase"] == "upper"]
    assert [l["layer"] for l in upper] == list(range(2, 6)) and [l["layer"] for l in by["layer"] if l["phase"] == "lower"] == [0, 1, 2]
    assert upper[-1]["rows"] == len(alive)'
  ok "trace --html: one page, everything escaped, a span for each piece of text" python3 -c 'import html.parser, json
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text, self.inside, self.shown, self.dim = [], "", False, 0, 0
    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        a = dict(attributes)
        if tag == "pre": self.inside = True
        if tag == "span" and self.inside:
            assert a["class"] in ("h", "k") and a["title"].startswith("token ") and "score" in a["title"]
            self.shown += 1
            self.dim += a["class"] == "h"
    def handle_endtag(self, tag):
        if tag == "pre": self.inside = False
    def handle_data(self, data):
        if self.inside: self.text += data
source = open("one.html", encoding="utf-8").read()
page = Page()
page.feed(source)
assert "script" not in page.tags and page.tags.count("pre") == 1 and page.tags.count("html") == 1
assert "</pre><script>alert(\"x\")</script> & it\x27s\ufffd[31mred\ufffd[0m \u00fc\u20ac\U0001f40b" in page.text
assert "src=" not in source and "href=" not in source and "http:" not in source and "https:" not in source
end = [json.loads(line) for line in open("one.trace")][-1]
assert 0 < page.dim < page.shown and "%d of " % end["kept"] in source'
  ok "plot: sound XML, nothing outside the picture, a gate line for each gate" python3 -c 'import xml.etree.ElementTree as tree
for path, gates in ("one.svg", 1), ("several.svg", 2), ("dense.SVG", 0):
    root = tree.parse(path).getroot()
    width, height = float(root.get("width")), float(root.get("height"))
    rects = [[float(r.get(k)) for k in ("x", "y", "width", "height")] for r in root if r.tag.endswith("rect")]
    words = ["".join(t.itertext()) for t in root if t.tag.endswith("text")]
    assert all(x >= 0 and y >= 0 and w >= 0 and h >= 0 and x + w <= width + 1e-3 and y + h <= height + 1e-3 for x, y, w, h in rects)
    assert all(0 <= float(t.get("y")) <= height and 0 <= float(t.get("x")) <= width for t in root if t.tag.endswith("text"))
    assert words.count("gate") == gates and sum(w.startswith("tau ") for w in words) == gates
    assert sum(w.startswith("scores at the gate of layer") for w in words) == gates'
  # The map of one.svg once more from the trace: the columns that are dark above the gate.
  ok "plot: the map shows what the trace says" python3 -c 'import json, xml.etree.ElementTree as tree
lines = [json.loads(line) for line in open("one.trace")]
kept = [t["kept"][0] for t in lines if t["type"] == "token"]
n, columns, left = len(kept), 960, 84
assert n > columns
share = [sum(kept[c * n // columns:(c + 1) * n // columns]) / ((c + 1) * n // columns - c * n // columns) for c in range(columns)]
rects = [[float(r.get(k)) for k in ("x", "y", "width", "height")] + [r.get("fill")] for r in tree.parse("one.svg").getroot() if r.tag.endswith("rect")]
upper = [r for r in rects if r[1] == 84 and 84 <= r[0] < left + columns and abs(r[3] - 300 * 3.5 / 6) < 0.01]
shown = [None] * columns
for x, y, w, h, fill in upper:
    for c in range(round(x) - left, round(x + w) - left): shown[c] = fill
for c in range(columns):
    assert (shown[c] == "#2166ac") == (share[c] == 1) and (shown[c] == "#e4e4e4") == (share[c] == 0), (c, share[c], shown[c])'
  ok "plot --json" python3 -c 'import json
j = json.load(open("plot.json"))
assert j["schema"] == "stillpoint.plot/1" and j["format"] == "svg" and j["gates"] == [] and j["kept"] == j["tokens"]'
  if [ $has_png = 0 ]; then
    stillpoint plot several.trace --format png >stdout.png
    ok "plot: a PNG on standard output as well" same picture.png stdout.png
    for map in map.svg map.png; do
      stillpoint eval -m model.gguf --sets one --lengths 1200,1500 --questions 1 -n 2 --min-tokens 500 --out results.jsonl --plot $map >out
    done
    # The picture is taken apart: chunks with their checksums, rows with their filters undone, colours counted.
    ok "plot: the PNG is sound, two dots a unit, with the colours of the SVG" python3 -c 'import struct, xml.etree.ElementTree as tree, zlib
def dots(path):
    data = open(path, "rb").read()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed, last = 8, b"", b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        assert zlib.crc32(kind + body) == struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0]
        if kind == b"IHDR": width, height, depth, colour = struct.unpack(">IIBB", body[:10])
        if kind == b"IDAT": packed += body
        at, last = at + 12 + size, kind
    assert last == b"IEND" and (depth, colour) == (8, 2)
    raw, before, rows = zlib.decompress(packed), bytes(3 * width), []
    assert len(raw) == height * (1 + 3 * width)
    for y in range(height):
        kind, line = raw[y * (3 * width + 1)], bytearray(raw[y * (3 * width + 1) + 1:(y + 1) * (3 * width + 1)])
        if kind == 2:
            line = bytes((above + more) & 255 for above, more in zip(before, line)) if any(line) else before
        elif kind == 1:
            for i in range(3, len(line)): line[i] = (line[i] + line[i - 3]) & 255
        elif kind:
            for i in range(len(line)):
                a, b, c = (line[i - 3] if i > 2 else 0), before[i], (before[i - 3] if i > 2 else 0)
                p = a + b - c
                near = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
                line[i] = (line[i] + ((a + b) // 2 if kind == 3 else near)) & 255
        before = bytes(line)
        rows.append(before)
    return width, height, rows
width, height, rows = dots("picture.png")
root = tree.parse("several.svg").getroot()
assert (width, height) == (2 * int(root.get("width")), 2 * int(root.get("height")))
for fill, least in ("#2166ac", 100000), ("#b2182b", 4000), ("#e4e4e4", 20000):
    want = bytes.fromhex(fill[1:])
    assert sum(1 for row in rows for i in range(0, len(row), 3) if row[i:i + 3] == want) > least, fill
assert any(set(row[3 * 24:3 * 200]) > {0, 255} or b"\0\0\0" in row[3 * 24:3 * 200] for row in rows[30:60])
assert dots("map.png")[0] > 800'
  else
    skip "plot: a PNG" "built without libpng"
  fi
  # A terminal of its own: dimmed, and not with NO_COLOR.
  on_terminal() {
    python3 -c 'import os, pty, subprocess, sys
os.environ["TERM"] = "xterm"
terminal, its_end = pty.openpty()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=its_end)
os.close(its_end)
try:
    while data := os.read(terminal, 65536): sys.stdout.buffer.write(data)
except OSError: pass  # the end, on Linux
sys.exit(child.wait())' "$@"
  }
  # shellcheck disable=SC2086
  on_terminal $EMULATOR "$BUILD/stillpoint" trace -q one.trace --show text >dimmed
  # shellcheck disable=SC2086
  NO_COLOR=1 on_terminal $EMULATOR "$BUILD/stillpoint" trace -q one.trace --show text >undimmed
  ok "trace --show text dims on a terminal" grep -q "$(printf '\033\[2m')" dimmed
  tr -d '\r' <undimmed >plain
  ok "and marks with NO_COLOR" same text plain
  # shellcheck disable=SC2086
  on_terminal $EMULATOR "$BUILD/stillpoint" plot one.trace --format png >out
  equal "a PNG to a terminal is refused" 1 $?
else
  skip "trace and plot: their forms" "no python3 here"
fi
tap_end
