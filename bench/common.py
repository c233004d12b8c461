"""common.py - what peers.py and cost share: our command, this machine and what else runs on it, medians.

In:       the path of `stillpoint`, words of its command line.  Out: its JSON; the machine in a line.
Not here: other engines.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time


def call(stillpoint, command, *words):
    """The JSON of `stillpoint command words`."""
    try:
        done = subprocess.run([stillpoint, command, *map(str, words), "--json", "--progress", "never"],
                              capture_output=True, text=True)
    except OSError as error:
        sys.exit("%s cannot be run (--stillpoint names it): %s" % (stillpoint, error))
    if done.returncode:
        raise RuntimeError("stillpoint %s ended with %d: %s" % (command, done.returncode, done.stderr.strip()))
    return json.loads(done.stdout)


def shape(stillpoint, model, words=()):
    """What the command says of the model: shape, context, instruction set."""
    return call(stillpoint, "bench", "--model", model, "--lengths", 16, "--depths", 0, "--repeat", 1, "--dense", *words)["model"]


def memory(stillpoint, model, length, vocabulary, words=()):
    """Bytes of one prefill in a process of its own: plan and memory as stillpoint-run(1) has them."""
    with tempfile.NamedTemporaryFile("w", suffix=".ids") as file:
        file.write(",".join(str(1000 + i * 7919 % (vocabulary - 2000)) for i in range(length)))
        file.flush()
        report = call(stillpoint, "run", "--model", model, "--raw", "--no-bos", "--predict", 0, "--tokens", "@" + file.name,
                      *words)
    return dict(report["memory"], planned=report["plan"]["total"])


def machine():
    name = platform.processor()
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    return "%s, %d processors seen, load %.2f" % (name, os.cpu_count(), os.getloadavg()[0])


class Others:
    """What else ran on this machine since this object was made: a share of all processors, steal included."""

    def __init__(self, processes=()):
        self.processes = list(processes)
        self.since = self.now()

    def now(self):
        """Seconds: clock, processors busy, ours of that (this process, children that have ended, `processes` that run)."""
        tick = os.sysconf("SC_CLK_TCK")
        with open("/proc/stat", encoding="utf-8") as file:
            user, nice, system, _, _, irq, soft, steal = map(int, file.readline().split()[1:9])
        ours = sum(os.times()[:4])
        for process in self.processes:
            if process.poll() is None:
                with open("/proc/%d/stat" % process.pid, encoding="utf-8") as file:
                    ours += sum(map(int, file.read().rpartition(")")[2].split()[11:13])) / tick
        return time.monotonic(), (user + nice + system + irq + soft + steal) / tick, ours

    def share(self):
        clock, busy, ours = (now - since for now, since in zip(self.now(), self.since))
        return max(0, busy - ours) / (clock * os.cpu_count())


def warning(share):
    """A sentence on a share of Others."""
    return "others took %.0f %% of the processors%s" % (100 * share, ": no fair machine" if share > 0.1 else "")


def spread(values, form="%.1f"):
    """Median and range: "3.1 (2.9 .. 3.3)"."""
    return "%s (%s .. %s)" % tuple(form % v for v in (statistics.median(values), min(values), max(values)))
