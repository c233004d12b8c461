#!/usr/bin/env python3
"""peers.py - Stillpoint beside other engines on one machine, one model file, one text: a single interleaved run.

In:       --model (repeatable), --stillpoint, --text; each --peer NAME=PYTHON[:FOLDER]: a Python that has the engine, perhaps
          from FOLDER. A NAME that begins with "openvino" is OpenVINO GenAI, any other llama.cpp. `peers` installs and names both.
Out:      options and builds of all sides; prefill (warm, and ours cold: with panels being built) and decode in tokens per second,
          as medians, ranges and ratios; peak memory; with --json all single figures. The last line of a model holds its bars.
Not here: quality (tests/model), the engines themselves (peers_llama.py, peers_openvino.py), pictures (plot.py).

At each size and in each round all sides take one turn, in an order that alternates, so that a machine that slows down does so for
all. Ours is a fresh process per turn (its figures are warm ones all the same, see stillpoint-bench(1)); a peer keeps its model
loaded. Peers differ in the last bits and do not halt: what is compared is the time to the first token of the same prompt.
"""

import argparse
import datetime
import json
import os
import signal
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
import common

HERE = os.path.dirname(os.path.abspath(__file__))
MiB = 1 << 20

# Dense prefill against the best peer, by our instruction set and length; decode by depth, where the deep one follows a halted
# prefill. Depths within a few tokens of 8192 count as 8192: a context must hold the answer as well.
PREFILL_BARS = {"amx": {512: 2.5, 2048: 2.5, 8192: 3.0, 16384: 3.0}, "vnni": {512: 1.6, 2048: 1.6, 8192: 1.8, 16384: 1.8}}
PREFILL_BARS["avxvnni"] = PREFILL_BARS["vnni"]
DECODE_BARS = {32: ("dense", 1.0), 8192: ("halted", 1.3)}


class Absent(Exception):
    """A peer that cannot be measured, and why."""


class Peer:
    """A resident peers_llama.py or peers_openvino.py."""

    def __init__(self, options, model, name, python, folder, batch, context):
        self.name, self.predict = name, options.predict
        size, micro = batch.split(":")
        words = ["--model", model, "--text", options.text, "--threads", str(options.threads)]
        script = "peers_openvino.py" if name.startswith("openvino") else "peers_llama.py"
        if script == "peers_llama.py":
            words += ["--context", str(context), "--batch", size, "--ubatch", micro] + ["--repack"] * (name in options.repack)
        environment = dict(os.environ, **({"PYTHONPATH": folder} if folder else {}))
        try:
            self.process = subprocess.Popen([python, os.path.join(HERE, script)] + words, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        except OSError as error:
            raise Absent("not installed: %s" % error) from error
        self.build = self.answer()
        for word, text in (("missing", "not installed: %s"), ("refused", "refuses this model file: %s")):
            if word in self.build:
                self.process.wait()
                raise Absent(text % self.build[word])

    def answer(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        raise Absent("its process ended with %s" % self.process.wait())

    def ask(self, unit, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.answer()[unit]

    def measure(self, kind, size, add):
        tokens = size if kind == "prefill" else self.predict
        add(self.name, kind, size, tokens / self.ask("seconds", op=kind, depth=size, tokens=tokens))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Ours:
    name = "stillpoint"

    def __init__(self, options, model):
        self.stillpoint, self.predict = options.stillpoint, options.predict
        self.words = ["--threads", options.threads] + options.option
        self.bench = ["--model", model, "--file", options.text, "--repeat", 1] + self.words
        self.model, self.path = common.shape(options.stillpoint, model, self.words), model

    def measure(self, kind, size, add):
        words = ["--lengths", size, "--depths", 0]
        if kind == "decode":
            words = ["--lengths", 16, "--depths", size, "--predict", self.predict]
        result = common.call(self.stillpoint, "bench", *self.bench, *words)
        for row in result[kind]:
            if row["mode"] == "dense" or not row["prefill"]["dense"]:
                add("stillpoint " + row["mode"], kind, size, row["tokens_per_second"])
        if kind == "prefill":
            add("stillpoint dense, cold", kind, size, size / result["cold"]["seconds"])

    def peaks(self, length):
        for mode, words in (("dense", ["--dense"]), ("halted", [])):
            report = common.memory(self.stillpoint, self.path, length, self.model["vocabulary"], self.words + words)
            yield "stillpoint " + mode, report["peak_resident"]


class Table:
    """Tokens per second by side, kind and size."""

    def __init__(self):
        self.values = {}

    def add(self, side, kind, size, rate):
        self.values.setdefault((kind, size), {}).setdefault(side, []).append(rate)

    def medians(self, kind, size):
        return {side: statistics.median(rates) for side, rates in self.values.get((kind, size), {}).items()}

    def best_peer(self, kind, size):
        return max((m for side, m in self.medians(kind, size).items() if not side.startswith("stillpoint")), default=None)

    def ratio(self, kind, size, side):
        best = self.best_peer(kind, size)
        return self.medians(kind, size)[side] / best if best and side in self.medians(kind, size) else None

    def show(self):
        for (kind, size), sides in self.values.items():
            medians = self.medians(kind, size)
            peers = [side for side in sides if not side.startswith("stillpoint")]
            print("\n%s %s %d, tokens/s: median (least .. most)" % (kind, "of" if kind == "prefill" else "at depth", size))
            for side, rates in sides.items():
                ratios = ["%.2f x %s" % (medians[side] / medians[p], p) for p in peers if side not in peers]
                if side == "stillpoint halted":
                    ratios.append("%.2f x our dense" % (medians[side] / medians["stillpoint dense"]))
                print("  %-24s %-32s %s" % (side, common.spread(rates), ", ".join(ratios)))

    def figures(self):
        return [{"kind": kind, "size": size, "side": side, "tokens_per_second": rates}
                for (kind, size), sides in self.values.items() for side, rates in sides.items()]


def bars(table, isa, absent):
    """Lines of (what, ratio, bar) for what was measured, in words, and how many passed."""
    wanted = [("prefill", size, "dense", bar) for size, bar in PREFILL_BARS.get(isa, {}).items()]
    measured = [size for kind, size in table.values if kind == "decode"]
    wanted += [("decode", size, *DECODE_BARS[mark]) for size in measured for mark in DECODE_BARS if mark - 64 < size <= mark]
    found = [(kind, size, mode, table.ratio(kind, size, "stillpoint " + mode), bar) for kind, size, mode, bar in wanted]
    found = [row for row in found if row[3] is not None]
    words = ["%s %s %d %.2f (bar %.1f, %s)" % (mode, kind, size, ratio, bar, "passed" if ratio >= bar else "missed")
             for kind, size, mode, ratio, bar in found]
    passed = sum(ratio >= bar for _, _, _, ratio, bar in found)
    without = "; without %s" % ", ".join(absent) if absent else ""
    return "%s: %d of %d passed%s" % (", ".join(words) or "nothing was measured that has a bar", passed, len(found), without)


def batches(options, name):
    """(label, batch) of a peer: OpenVINO has no such choice, a single batch needs no label."""
    if name.startswith("openvino"):
        return [(name, "0:0")]
    return [(name if len(options.batch) == 1 else "%s %s" % (name, batch), batch) for batch in options.batch]


def open_peers(options, model, context, only=None):
    """The peers that there are; the others are named in the dictionary `absent`. `only` opens a single one."""
    peers, absent = [], {}
    for text in options.peer:
        name, _, where = text.partition("=")
        python, _, folder = where.partition(":")
        for label, batch in batches(options, name):
            if only not in (None, label):
                continue
            try:
                peers.append(Peer(options, model, name, python, folder, batch, context))
                peers[-1].name = label
            except Absent as problem:
                absent[label] = str(problem)
    return peers, absent


def peaks(options, model, ours, names):
    """VmHWM of a fresh process of each side after one prefill of --peak tokens."""
    found = dict(ours.peaks(options.peak)) if ours else {}
    for name in names:
        peers, absent = open_peers(options, model, options.peak + 64, name)
        for peer in peers:
            peer.ask("seconds", op="prefill", tokens=options.peak)
            found[name] = peer.ask("bytes", op="peak")
            peer.close()
        if absent:
            print("%s: no peak, %s" % (name, absent[name]))
    print("\npeak resident memory (VmHWM) of a fresh process, prefill of %d tokens" % options.peak)
    for name, size in found.items():
        print("  %-24s %7.0f MiB" % (name, size / MiB))
    return found


def sizes(options, context):
    """What fits the model's context; a depth leaves room for the tokens to be decoded."""
    lengths = [n for n in options.lengths if n <= context]
    depths = [min(d, context - options.predict) for d in options.depths]
    for n in set(options.lengths) - set(lengths):
        print("prefill of %d: left out, the context is %d" % (n, context))
    for asked, depth in zip(options.depths, depths):
        if asked != depth:
            print("decode at depth %d: at %d instead, the context is %d" % (asked, depth, context))
    return [("prefill", n) for n in lengths] + [("decode", d) for d in depths]


def take_turns(options, points, sides, absent, add):
    """All rounds; a side that dies leaves `sides` and is named in `absent`."""
    for turn in range(options.rounds):
        for kind, size in points:
            for side in sides[::-1 if turn % 2 else 1]:
                try:
                    side.measure(kind, size, add)
                except Absent as problem:
                    absent[side.name] = str(problem)
                    sides.remove(side)
                    print("%s: gone at %s %d, %s" % (side.name, kind, size, problem))
        print("round %d of %d done, load %.2f" % (turn + 1, options.rounds, os.getloadavg()[0]), file=sys.stderr, flush=True)


def compare(options, model):
    """One model file: all rounds, the table, the bars. Returns what --json keeps."""
    table = Table()
    print("machine: %s" % common.machine())
    print("model: %s, text: %s; threads %d, rounds %d, %d tokens decoded"
          % (os.path.basename(model), options.text, options.threads, options.rounds, options.predict))
    ours = Ours(options, model) if options.stillpoint else None
    points = sizes(options, ours.model["context"] if ours else 1 << 30)
    peers, absent = open_peers(options, model, max(n + options.predict * (kind == "decode") for kind, n in points) + 64)
    if ours:
        print("stillpoint: %s" % ", ".join("%s %s" % item for item in ours.model.items()))
    for peer in peers:
        print("%s: %s" % (peer.name, ", ".join("%s %s" % item for item in peer.build.items())))
    for name, why in absent.items():
        print("%s: %s" % (name, why))
    sides, others = ([ours] if ours else []) + peers, common.Others(peer.process for peer in peers)
    try:
        take_turns(options, points, sides, absent, table.add)
    except KeyboardInterrupt:
        print("interrupted: medians of what was measured, no memory")
        options.peak, options.interrupted = 0, True
    share, peers = others.share(), [side for side in sides if side is not ours]
    for peer in peers:
        peer.close()
    table.show()
    memory = peaks(options, model, ours, [peer.name for peer in peers]) if options.peak else {}
    isa = ours.model["isa"] if ours else ""
    print("\n%s, kernels %s: %s; %s\n" % (os.path.basename(model), isa or "-", bars(table, isa, absent), common.warning(share)),
          flush=True)
    return {"model": os.path.basename(model), "stillpoint": ours.model if ours else None, "absent": absent,
            "peers": {peer.name: peer.build for peer in peers}, "others": share, "figures": table.figures(),
            "peak_bytes": memory}


def parse():
    numbers = lambda text: [int(word) for word in text.split(",") if word]
    parser = argparse.ArgumentParser(prog="peers", description=__doc__.splitlines()[0].partition(" - ")[2])
    parser.add_argument("--stillpoint", help="the command; empty: peers alone are measured")
    parser.add_argument("--model", action="append", required=True, help="GGUF file; may be repeated")
    parser.add_argument("--text", default="/usr/share/common-licenses/GPL-3")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON[:FOLDER]")
    parser.add_argument("--batch", action="append", metavar="N:N", help="n_batch:n_ubatch of llama.cpp (2048:512)")
    parser.add_argument("--repack", action="append", default=[], metavar="NAME", help="peer that may repack weights")
    parser.add_argument("--lengths", type=numbers, default=[512, 2048, 8192, 16384])
    parser.add_argument("--depths", type=numbers, default=[32, 8192])
    parser.add_argument("--predict", type=int, default=32, help="tokens to decode (32)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peak", type=int, default=8192, help="prompt of the measurement of memory; 0: none (8192)")
    parser.add_argument("--option", action="append", default=[], help="one more word for `stillpoint bench` and `run`")
    parser.add_argument("--json", help="file for all single figures")
    options = parser.parse_args()
    options.batch, options.interrupted = options.batch or ["2048:512"], False
    return options


def main():
    options = parse()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    result = {"schema": "stillpoint.peers/1", "date": datetime.date.today().isoformat(), "machine": common.machine(),
              "threads": options.threads, "rounds": options.rounds, "models": []}
    for model in options.model:
        result["models"].append(compare(options, model))
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump(result, file, indent=1)
        if options.interrupted:
            return 130


if __name__ == "__main__":
    sys.exit(main())
