#!/usr/bin/env python3
"""run.py - TAP: the oracle against itself, then the library against the oracle on tiny models, dense and halted.

In:       paths of the command `stillpoint`, of `mktiny` and of src/probe.h (the text of the probe), a folder to write models to.
Out:      one TAP line per case; a case passes when the SHA-256 of scores, kept rows, logits and greedy tokens are all equal.
          Every case runs on the last instruction set of --isa, and every fourth on one of the others as well, which take turns: what
          they differ in is in their kernels (tests/kern).
Not here: threads, chunks (check_bits compares those with each other).
"""

import argparse
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")     # the matrices are tiny: more threads only get in each other's way

import numpy as np

import gate
import oracle
import selfcheck
from model import Model
from prefill import PROBE, key_frame

TYPES = ("F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS").split()
PREDICT = 6
SMALL = dict(min_tokens=0, suffix=16, window=16)       # the gate's presets are made for prompts of thousands of tokens

# Settings by name; None: dense. tau "middle": about half of the scores lie below.
POLICIES = [dict(SMALL, policy=policy) for policy in gate.POLICIES]
GATES = POLICIES + [
    dict(SMALL, ratio=0.0), dict(SMALL, ratio=0.95, pool=1), dict(SMALL, start=0.0), dict(SMALL, start=0.99),
    dict(SMALL, gate_layers=1), dict(SMALL, window=300, suffix=1, prefix=30), dict(SMALL, pool=101),
    dict(SMALL, policy="random", gate_seed=12345), dict(SMALL, policy="random", every=2, ratio=0.5),
    dict(SMALL, policy="delta", every=1, ratio=0.3), dict(SMALL, policy="query", every=1, ratio=0.3),
    dict(SMALL, policy="query", every=2, ratio=0.5, window=40),
    dict(SMALL, policy="query", tau="middle"), dict(SMALL, policy="query", tau="middle", tau_only=1),
    dict(SMALL, policy="delta", tau="middle"), dict(SMALL, policy="delta", tau="middle", tau_only=1),
    dict(SMALL, policy="block", tau="middle"), dict(SMALL, policy="inverse", tau="middle"),
    # Several gates for the scores that the paper has; the threshold alone for every score; both decisions at several gates.
    dict(SMALL, policy="block", every=1, ratio=0.3), dict(SMALL, policy="block", every=2, ratio=0.5),
    dict(SMALL, policy="inverse", every=2, ratio=0.5), dict(SMALL, policy="recent", every=1, ratio=0.3),
    dict(SMALL, policy="block", tau="middle", tau_only=1), dict(SMALL, policy="inverse", tau="middle", tau_only=1),
    dict(SMALL, policy="random", tau="middle", tau_only=1), dict(SMALL, policy="recent", tau="middle", tau_only=1),
    dict(SMALL, policy="delta", every=2, ratio=0.5, tau="middle"), dict(SMALL, policy="block", every=2, ratio=0.5, tau="middle"),
    dict(SMALL, policy="query", every=2, ratio=0.5, tau="middle"),
    dict(SMALL, policy="block", every=1, tau="middle", tau_only=1),
    # What wakes: all that can, four passages a token; some; none.
    dict(SMALL, wake=1e-30), dict(SMALL, policy="inverse", wake=0.05), dict(SMALL, ratio=0.95, wake=0.02, gate_layers=1),
    dict(SMALL, policy="delta", wake=0.0),
]
TWO, ALL = [None, dict(SMALL)], [None] + POLICIES

# Name, options of mktiny, prompt lengths, settings. Together: head_dim 64, 80, 96; K 576, 896; every architecture, every type,
# every RoPE scaling.
MODELS = [
    ("preset", "", (300,), [None] + GATES),
    ("lengths", "--layers 3", (1, 2, 63, 64, 65, 127, 128, 129, 257), TWO),
    ("smol", "--embd 576 --heads 9 --kv-heads 3 --ff 640 --type Q4_1 --embd-type Q8_0 --layers 5", (200,), ALL),
    ("qwen2", "--arch qwen2 --tokenizer qwen2 --embd 896 --heads 14 --kv-heads 2 --ff 768 --type Q5_0 --embd-type Q8_0 --untied "
              "--layers 5 --rope-base 1000000", (200,), ALL),
    ("qwen3-80", "--arch qwen3 --tokenizer qwen2 --embd 256 --heads 4 --kv-heads 2 --head-dim 80 --type Q8_0 --layers 5",
     (200,), ALL),
    ("qwen3-96", "--arch qwen3 --tokenizer qwen2 --embd 384 --heads 3 --kv-heads 1 --head-dim 96 --ff 576 --type Q4_0 --layers 4",
     (200,), TWO),
    ("mix", "--type mix --embd-type mix --untied --layers 15", (150,), TWO),
]
MODELS += [(name, "--type %s --embd-type %s --untied --layers 3" % (name, name), (150,), TWO) for name in TYPES]
MODELS += [("rope " + name, "--rope-scaling %s --layers 3" % name, (250,), TWO) for name in ("linear", "yarn", "llama3", "freqs")]


class Report:
    """TAP lines; the plan comes last."""

    def __init__(self):
        self.count = self.bad = 0

    def line(self, name, complaint):
        self.count += 1
        self.bad += bool(complaint)
        print("%s %d - %s" % ("not ok" if complaint else "ok", self.count, name), flush=True)
        if complaint:
            print("# " + complaint, flush=True)

    def end(self):
        print("1..%d" % self.count)
        return 1 if self.bad else 0


def command(options, *arguments):
    done = subprocess.run([*options.emulator.split(), options.stillpoint, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError("stillpoint %s ended with %d: %s" % (arguments[0], done.returncode, done.stderr.strip()))
    return done.stdout


def make(options, name, arguments):
    path = os.path.join(options.work, name.replace(" ", "-") + ".gguf")
    subprocess.run([*options.emulator.split(), options.mktiny, *arguments.split(), "-o", path], check=True,
                   stdout=subprocess.DEVNULL)
    return path


def probe_ids(options, path):
    """The first 64 ids of the probe's text; a vocabulary that needs fewer repeats them."""
    with open(options.probe, encoding="utf-8") as file:
        body = re.search(r"#define SP_PROBE_TEXT((?:.*\\\n)*.*)", file.read()).group(1)
    text = "".join(re.findall(r'"([^"]*)"', body))
    shown = command(options, "tokenize", "--model", path, "--show", "ids", "--no-bos", "--prompt", text)
    return ([int(word) for word in shown.split(",")] * PROBE)[:PROBE]


def turn(options, number):
    """The instruction sets for the case of that number."""
    *others, last = options.isa.split(",")
    return ([others[number // 4 % len(others)]] if others and number % 4 == 0 else []) + [last]


def library(options, isa, path, ids, settings):
    arguments = ["digest", "--isa", isa, "--model", path, "--tokens", ",".join(map(str, ids)), "--predict", str(PREDICT)]
    for name, value in (settings or {"policy": "dense"}).items():
        arguments += ["--" + name.replace("_", "-"), repr(value) if isinstance(value, float) else str(value)]
    words = [line.split() for line in command(options, *arguments).splitlines()]
    return {line[0]: line[1] for line in words if line[0] in ("scores", "kept", "logits", "greedy")}


def middle(model, ids, frame, settings):
    """A threshold that about half of the rows pass, with the digits that the command line carries."""
    plain = dict(settings, tau_only=0, tau=-1.0, ratio=0.0)
    scores = oracle.compute(model, ids, frame, gate.Settings(**plain), 1)["scores"]
    return float("%.6g" % np.median(scores))


def title(name, n, settings):
    if settings is None:
        return "%s, %d tokens, dense" % (name, n)
    shown = {key: value for key, value in settings.items() if key not in SMALL or value != SMALL[key]}
    return "%s, %d tokens, %s" % (name, n, " ".join("%s=%s" % item for item in shown.items()) or "presets")


def compare(options, levels, model, path, ids, frame, settings):
    """The names of what differs, with both digests; "" if nothing does."""
    made = oracle.compute(model, ids, frame, settings and gate.Settings(**settings), PREDICT)
    ours = {name: oracle.digest(array) for name, array in made.items()}
    complaints = []
    for isa in levels:
        try:
            theirs = library(options, isa, path, ids, settings)
        except RuntimeError as error:
            complaints.append("%s: %s" % (isa, error))
            continue
        complaints += ["%s: %s: oracle %.12s, library %.12s" % (isa, name, ours[name], theirs.get(name, "none"))
                       for name in ours if theirs.get(name) != ours[name]]
    return "; ".join(complaints)


def compare_model(options, report, name, arguments, lengths, settings_list):
    path = make(options, name, arguments)
    model = Model(path)
    frame = key_frame(model, probe_ids(options, path))
    for n in lengths:
        ids = selfcheck.prompt(model, n, n)
        for settings in settings_list:
            if settings and settings.get("tau") == "middle":
                settings = dict(settings, tau=middle(model, ids, frame, settings))
            levels = turn(options, report.count)
            complaint = compare(options, levels, model, path, ids, frame, settings)
            report.line("%s, on %s" % (title(name, n, settings), " and ".join(levels)), complaint)
    os.unlink(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--emulator", default="", help="words before the two commands, as for a cross build")
    parser.add_argument("--stillpoint", required=True)
    parser.add_argument("--isa", default="auto", help="instruction sets of `stillpoint cpu`, separated by commas, the best last")
    parser.add_argument("--mktiny", required=True)
    parser.add_argument("--probe", required=True, help="src/probe.h, which holds the text of the probe")
    parser.add_argument("--work", required=True)
    parser.add_argument("--only", default="", help="models whose name begins so; skips the self-check")
    options = parser.parse_args()
    report = Report()
    if not options.only:
        path = make(options, "self", "--arch qwen3 --tokenizer qwen2 --layers 3")
        for name, complaint in selfcheck.run(path):
            report.line(name, complaint)
        os.unlink(path)
    for name, *rest in MODELS:
        if name.startswith(options.only):
            compare_model(options, report, name, *rest)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
