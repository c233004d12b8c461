#!/usr/bin/env python3
"""reference.py - the library's two arithmetics against torch fp32 on the same weights. On demand; not part of `make check`.

In:       --library libstillpoint.so, --model FILE, a Python with numpy, torch and gguf.
Out:      one line per document and arithmetic, then totals; last "passed", or "failed" and which bars. Exit 1 when failed.
Not here: the halted prefill (perplexity --against float reports kept-set agreement), speed.

The documents are files of any Debian 12 and the Python that runs this; they are named here, before anything was measured on them.
"""

import argparse
import json
import os
import sys
import sysconfig

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import numpy as np
import torch

from still import Library, Session
from torch_model import TorchModel

LICENSES, STDLIB = "/usr/share/common-licenses", sysconfig.get_path("stdlib")
DOCUMENTS = [  # legal prose, code, manuals
    (LICENSES, "GPL-3"), (LICENSES, "LGPL-2.1"), (LICENSES, "GFDL-1.3"), (STDLIB, "argparse.py"), (STDLIB, "typing.py"),
    (STDLIB, "pydoc_data/topics.py"),
]
BARS = {  # of the numerics page, section 2: arithmetic -> what must hold
    "float": {"top1": 0.995, "loss": 0.001, "positions": 1000},
    "int8": {"positions": 24000},
}
INT8_BARS = {"llama": {"kl": 0.005, "loss": 0.006}, "qwen2": {"kl": 0.002, "loss": 0.002}, "qwen3": {"kl": 0.002, "loss": 0.002}}


class Sums:
    """Over positions: loss here and there, KL divergence of the reference from ours, equal first choices."""

    def __init__(self):
        self.n = self.kl = self.ours = self.theirs = self.top = 0

    def add(self, reference, ours, targets):
        p, q = reference.log_softmax(-1), ours.log_softmax(-1)
        at = torch.arange(len(targets))
        self.n += len(targets)
        self.kl += (p.exp() * (p - q)).sum().item()
        self.ours -= q[at, targets].sum().item()
        self.theirs -= p[at, targets].sum().item()
        self.top += (p.argmax(-1) == q.argmax(-1)).sum().item()

    def join(self, other):
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def values(self):
        return {"positions": self.n, "kl": self.kl / self.n, "loss": self.ours / self.n, "reference_loss": self.theirs / self.n,
                "d_loss": (self.ours - self.theirs) / self.n, "top1": self.top / self.n}


def show(name, sums):
    v = sums.values()
    print("%-28s positions %6d  loss %.5f (torch %.5f, difference %+.5f)  KL %.6f  top-1 %.4f" % (
        name, v["positions"], v["loss"], v["reference_loss"], v["d_loss"], v["kl"], v["top1"]), flush=True)


def measure(session, reference, hidden, ids):
    sums = Sums()
    targets = torch.tensor(ids)

    def take(first, logits):
        part = slice(first, first + len(logits))
        sums.add(reference.logits(hidden[part]), torch.from_numpy(logits), targets[first + 1:first + 1 + len(logits)])

    session.positions(ids, take)
    return sums


def verdict(arithmetic, arch, sums):
    """Sentences on what misses its bar."""
    bars = dict(BARS[arithmetic], **(INT8_BARS[arch] if arithmetic == "int8" else {}))
    v = sums.values()
    misses = []
    if v["positions"] < bars["positions"]:
        misses.append("only %d positions of %d" % (v["positions"], bars["positions"]))
    if abs(v["d_loss"]) > bars["loss"]:
        misses.append("loss differs by %+.5f, bar %g" % (v["d_loss"], bars["loss"]))
    if "kl" in bars and v["kl"] > bars["kl"]:
        misses.append("KL %.6f, bar %g" % (v["kl"], bars["kl"]))
    if "top1" in bars and v["top1"] < bars["top1"]:
        misses.append("top-1 %.4f, bar %g" % (v["top1"], bars["top1"]))
    return misses


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--window", type=int, default=4096, help="tokens of each document (default 4096)")
    parser.add_argument("--float-window", type=int, default=512, help="tokens of each document on the float path (default 512)")
    parser.add_argument("--documents", type=int, default=len(DOCUMENTS), help="the first so many (fewer miss a bar)")
    parser.add_argument("--numerics", default="float,int8")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", help="file for the figures")
    return parser.parse_args()


def main():
    options = parse()
    torch.set_num_threads(options.threads)
    reference, library = TorchModel(options.model), Library(options.library)
    totals, misses = {}, []
    for arithmetic in options.numerics.split(","):
        session = Session(library, options.model, numerics=arithmetic, policy="dense", threads=options.threads)
        totals[arithmetic] = Sums()
        for folder, name in DOCUMENTS[:options.documents]:
            with open(os.path.join(folder, name), "rb") as file:
                ids = session.tokens(file.read())[:options.window if arithmetic == "int8" else options.float_window]
            sums = measure(session, reference, reference.hidden(ids), ids)
            show(arithmetic + " " + name, sums)
            totals[arithmetic].join(sums)
        session.close()
        show(arithmetic + " all", totals[arithmetic])
        misses += [arithmetic + ": " + miss for miss in verdict(arithmetic, reference.arch, totals[arithmetic])]
    if options.json:
        with open(options.json, "w", encoding="ascii") as file:
            json.dump({name: sums.values() for name, sums in totals.items()}, file, indent=1)
    print("failed: " + "; ".join(misses) if misses else "passed")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
