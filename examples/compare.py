#!/usr/bin/env python3
"""compare.py - ask a model questions about a text, dense and halted, and print the answers side by side.

    compare.py --model MODEL.gguf --file TEXT "First question?" "Second question?"

Shows:    the JSON of `stillpoint run`, from a script. Needs nothing but Python.
"""
import argparse
import json
import subprocess
import sys
import textwrap

WIDTH = 54  # of a column


def run(arguments, question, *extra):
    """One prefill of text and question, one answer: the command's JSON."""
    command = [arguments.stillpoint, "run", "-m", arguments.model, "-f", arguments.file, "-p", question,
               "-n", str(arguments.tokens), "--temperature", "0", "--json", *extra]
    result = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if result.returncode != 0:
        sys.exit(result.returncode)  # the command has said why
    return json.loads(result.stdout)


def prefill_seconds(answer):
    """Phases of the prefill itself: lower layers, gate, upper layers. Load and panels are paid once, not for each prompt."""
    return sum(answer["prefill"]["seconds"][phase] for phase in ("lower", "gate", "upper"))


def column(title, answer):
    prefill = answer["prefill"]
    head = [title,
            f"prefill {prefill_seconds(answer):.1f} s, {prefill['kept']} of {prefill['tokens']} tokens kept",
            "-" * WIDTH]
    lines = [part for line in answer["text"].strip().splitlines() for part in textwrap.wrap(line, WIDTH) or [""]]
    return head + lines


def side_by_side(left, right):
    for i in range(max(len(left), len(right))):
        a = left[i] if i < len(left) else ""
        b = right[i] if i < len(right) else ""
        print(f"  {a:<{WIDTH}}  {b}".rstrip())


def main():
    parser = argparse.ArgumentParser(description="Ask questions about a text, dense and halted.")
    parser.add_argument("--stillpoint", default="stillpoint", help="the command")
    parser.add_argument("--model", required=True)
    parser.add_argument("--file", required=True)
    parser.add_argument("--tokens", type=int, default=96, help="most tokens of an answer")
    parser.add_argument("questions", nargs="+")
    arguments = parser.parse_args()
    total = {"dense": 0.0, "halted": 0.0}
    for question in arguments.questions:
        dense = run(arguments, question, "--dense")
        halted = run(arguments, question)
        total["dense"] += prefill_seconds(dense)
        total["halted"] += prefill_seconds(halted)
        print(f"\n{question}\n")
        side_by_side(column("dense", dense), column("halted", halted))
        sys.stdout.flush()
    print(f"\nPrefill of all questions: dense {total['dense']:.1f} s, halted {total['halted']:.1f} s, "
          f"{total['dense'] / max(total['halted'], 1e-9):.2f} times as fast.")


if __name__ == "__main__":
    main()
