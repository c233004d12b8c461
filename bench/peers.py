#!/usr/bin/env python3
"""peers.py - Stillpoint beside llama.cpp on one machine, one model file, one text: a single interleaved run.

In:       --stillpoint, --model, --text; each --peer NAME=PYTHON[:FOLDER]: a Python with llama-cpp-python, perhaps from FOLDER.
Out:      options and builds of all sides, then medians of prefill (warm) and decode in tokens per second, with ratios and spread.
Not here: quality (tests/model), other models' downloads.

Rounds go ours, peer, peer, ours, ... so that a machine that slows down does so for all. Ours is a fresh process per round
(its figures are warm ones all the same, see stillpoint-bench(1)); a peer keeps its model loaded (peers_llama.py), with one
build and one choice of batch sizes each. Peers differ in the last bits and do not halt: what is compared is the time to the
first token of the same prompt.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


class Peer:
    """A resident peers_llama.py."""

    def __init__(self, name, python, folder, options, batch):
        size, micro = batch.split(":")
        context = max(options.lengths + [d + options.predict for d in options.depths]) + 64
        environment = dict(os.environ, **({"PYTHONPATH": folder} if folder else {}))
        self.name = "%s %s" % (name, batch)
        self.process = subprocess.Popen(
            [python, os.path.join(HERE, "peers_llama.py"), "--model", options.model, "--text", options.text, "--threads",
             str(options.threads), "--context", str(context), "--batch", size, "--ubatch", micro],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        self.build = json.loads(self.process.stdout.readline())

    def seconds(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("%s ended with %s" % (self.name, self.process.wait()))
        return json.loads(answer)["seconds"]

    def round(self, options, add):
        for n in options.lengths:
            add(self.name, "prefill", n, n / self.seconds(op="prefill", tokens=n))
        for depth in options.depths:
            add(self.name, "decode", depth, options.predict / self.seconds(op="decode", depth=depth, tokens=options.predict))

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def our_round(options, add):
    sizes = lambda values: ",".join(map(str, values))
    command = [options.stillpoint, "bench", "--model", options.model, "--file", options.text, "--threads", str(options.threads),
               "--lengths", sizes(options.lengths), "--depths", sizes(options.depths), "--predict", str(options.predict),
               "--repeat", "1", "--json", "--progress", "never"] + options.option
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError("stillpoint bench ended with %d: %s" % (done.returncode, done.stderr.strip()))
    result = json.loads(done.stdout)
    for kind, size in (("prefill", "length"), ("decode", "depth")):
        for row in result[kind]:
            add("stillpoint " + row["mode"], kind, row[size], row["tokens_per_second"])
    return result


class Table:
    """Tokens per second by side, kind and size."""

    def __init__(self):
        self.values = {}

    def add(self, side, kind, size, rate):
        self.values.setdefault((kind, size), {}).setdefault(side, []).append(rate)

    def show(self):
        for (kind, size), sides in self.values.items():
            medians = {side: statistics.median(rates) for side, rates in sides.items()}
            best = max((m for side, m in medians.items() if not side.startswith("stillpoint")), default=None)
            print("\n%s %s %d" % (kind, "of" if kind == "prefill" else "at depth", size))
            for side, rates in sides.items():
                ratio = "" if best is None else "  %5.2f x best peer" % (medians[side] / best)
                if side == "stillpoint halted":
                    ratio += "  %5.2f x our dense" % (medians[side] / medians["stillpoint dense"])
                print("  %-28s %8.1f tokens/s  (%.1f .. %.1f)%s" % (side, medians[side], min(rates), max(rates), ratio))


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor()


def describe(options, peers):
    print("machine: %s, %d processors seen, load %.2f" % (processor(), os.cpu_count(), os.getloadavg()[0]))
    print("model: %s, text: %s" % (os.path.basename(options.model), options.text))
    print("threads %d, rounds %d" % (options.threads, options.rounds))
    for peer in peers:
        print("%s: %s" % (peer.name, ", ".join("%s %s" % item for item in peer.build.items())))


def parse():
    numbers = lambda text: [int(word) for word in text.split(",") if word]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stillpoint", help="the command; without it, peers alone are measured")
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", default="/usr/share/common-licenses/GPL-3")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON[:FOLDER]")
    parser.add_argument("--batch", action="append", default=[], metavar="N:N", help="n_batch:n_ubatch of the peers (2048:512)")
    parser.add_argument("--lengths", type=numbers, default=[512, 2048, 8192])
    parser.add_argument("--depths", type=numbers, default=[32, 8192])
    parser.add_argument("--predict", type=int, default=32, help="tokens to decode")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--option", action="append", default=[], help="one more word for `stillpoint bench`")
    parser.add_argument("--json", help="file for all single figures")
    return parser.parse_args()


def open_peers(options):
    peers = []
    for text in options.peer:
        name, _, where = text.partition("=")
        python, _, folder = where.partition(":")
        peers += [Peer(name, python, folder, options, batch) for batch in options.batch or ["2048:512"]]
    return peers


def main():
    options = parse()
    peers, table, ours = open_peers(options), Table(), None
    describe(options, peers)
    for turn in range(options.rounds):
        if options.stillpoint:
            ours = our_round(options, table.add)
        for peer in peers[::-1 if turn % 2 else 1]:
            peer.round(options, table.add)
    for peer in peers:
        peer.close()
    if ours:
        print("stillpoint: %s" % json.dumps(ours["model"]))
    table.show()
    print("\nload at the end %.2f" % os.getloadavg()[0])
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump([{"kind": kind, "size": size, "side": side, "tokens_per_second": rates}
                       for (kind, size), sides in table.values.items() for side, rates in sides.items()], file, indent=1)


if __name__ == "__main__":
    sys.exit(main())
