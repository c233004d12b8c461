#!/usr/bin/env python3
"""memory.py - the printed memory plan against what the process takes, at several lengths (on demand: needs a real model).

In:       the command, a model file, a text file, lengths.
Out:      a line for each length and setting: planned, the process's peak of memory that is not the mapped file, their ratio; last
          a line with the worst ratio, and exit status 1 if it is more than --within from 1.
Not here: time.

The peak is the largest RssAnon of /proc/PID/status, which leaves mapped files out; it is read every few milliseconds.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time


def peak_of(command):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peak = 0
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as status:
                lines = [line for line in status if line.startswith("RssAnon:")]
            peak = max([peak] + [int(line.split()[1]) * 1024 for line in lines])
        except OSError:
            pass
        time.sleep(0.005)
    if process.returncode:
        sys.exit(process.stderr.read().decode())
    return peak


def run(command):
    return subprocess.run(command, check=True, capture_output=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--command", default="stillpoint")
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--lengths", default="2048,16384")
    parser.add_argument("--within", type=float, default=0.05)
    options = parser.parse_args()
    worst = 1.0
    text = run([options.command, "tokenize", "-m", options.model, "-f", options.text, "--json"])
    ids = [token["id"] if isinstance(token, dict) else token for token in json.loads(text)["tokens"]]
    for length in map(int, options.lengths.split(",")):
        repeated = (ids * (length // len(ids) + 1))[:length]
        with tempfile.NamedTemporaryFile("w", suffix=".ids") as file:
            file.write(",".join(map(str, repeated)))
            file.flush()
            for setting in ([], ["--dense"]):
                context = ["--ctx", str(length + 2)]
                shown = run([options.command, "inspect", options.model, "--json", *context, *setting])
                plan = json.loads(shown)["plan"]["total"]
                peak = peak_of([options.command, "run", "-m", options.model, "--tokens", "@" + file.name, "-n", "1", "--json", "--quiet",
                                *context, *setting])
                ratio = peak / plan
                worst = max(worst, ratio, 1 / ratio)
                print(f"{length:6d} tokens {' '.join(setting) or 'halted':8s} planned {plan / 2**20:8.1f} MiB, took {peak / 2**20:8.1f}, ratio {ratio:.3f}")
    print(f"worst ratio {worst:.3f}")
    sys.exit(worst > 1 + options.within)


main()
