#!/usr/bin/env python3
"""oracle.py - prints the digests that `stillpoint digest` prints, computed by the NumPy rendering of the numeric contract.

In:       --model FILE, token ids of the prompt (--ids, a file or "1,2,3") and of the probe (--probe), settings by their names.
Out:      lines "scores SHA", "kept SHA", "logits SHA", "greedy SHA"; with --dump DIR also the arrays as raw files.
Not here: text (ids come from `stillpoint tokenize` or from the caller).
"""

import argparse
import hashlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import numpy as np

import gate
from model import Model
from prefill import Run, key_frame


def ids_of(text):
    if os.path.exists(text):
        with open(text, encoding="ascii") as file:
            text = file.read()
    return [int(word) for word in text.replace(",", " ").split()]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--ids", required=True, help="token ids of the prompt: a file, or numbers with commas")
    parser.add_argument("--probe", help="token ids of the probe; without it, the shift is 0 and the balance 1")
    parser.add_argument("--predict", type=int, default=16, help="greedy tokens to decode")
    parser.add_argument("--dense", action="store_true")
    parser.add_argument("--dump", help="folder for scores, kept, logits and greedy as raw little-endian files")
    for name, preset in vars(gate.Settings).items():
        if isinstance(preset, (int, float, str)) and not name.startswith("_"):
            parser.add_argument("--" + name.replace("_", "-"), type=type(preset), default=preset)
    return parser.parse_args()


def compute(model, ids, frame, settings, predict):
    """The four arrays that are hashed, in the order in which `stillpoint digest` prints them. settings None: dense."""
    run = Run(model, frame)
    logits = run.prefill(ids, settings)
    return {"scores": run.scores.astype("<f4"), "kept": run.kept.astype("<u4"), "logits": logits.astype("<f4"),
            "greedy": np.array(run.greedy(predict), "<i4")}


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()


def main():
    options = parse()
    model = Model(options.model)
    frame = key_frame(model, ids_of(options.probe)) if options.probe else None
    names = [name for name in vars(gate.Settings) if name in vars(options)]
    settings = None if options.dense else gate.Settings(**{name: getattr(options, name) for name in names})
    for name, array in compute(model, ids_of(options.ids), frame, settings, options.predict).items():
        print("%-7s %s  %d values" % (name, digest(array), len(array)))
        if options.dump:
            array.tofile(os.path.join(options.dump, name))


if __name__ == "__main__":
    main()
