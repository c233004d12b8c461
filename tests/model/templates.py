#!/usr/bin/env python3
"""templates.py - chat templates against Jinja itself, with the settings under which they are written. On demand.

In:       --tool build/tests/text_tool; model files (their own template is taken) and files of templates; a Python with jinja2
          and gguf.
Out:      one line per template: conversations that came out the same, that both refuse, that only the library refuses, and why;
          last "N the same, N refused here, N different". Exit 1 when one is different, or a model's own template was refused.
Not here: token ids (tokens.py).

A template that Jinja renders and the library refuses is no fault in itself: the interpreter knows a subset. A different text is.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import gguf
import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(jinja2.ext.Extension):
    """{% generation %} marks what a model said; its text counts as it is."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("text"), [], [], body).set_lineno(line)

    def text(self, caller):
        return caller()


class Refused(Exception):
    """raise_exception of a template."""


def raise_exception(message):
    raise Refused(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def render_by_jinja(source, messages, add):
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                                extensions=[Generation, jinja2.ext.loopcontrols])
    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    return environment.from_string(source).render(messages=messages, tools=None, documents=None, add_generation_prompt=add,
                                                  bos_token="<s>", eos_token="</s>")


def chat(*turns):
    roles = {"S": "system", "U": "user", "A": "assistant", "T": "tool"}
    return [{"role": roles[turn[0]], "content": turn[1:]} for turn in turns]


CHATS = [
    chat("UHi"), chat("SBe brief.", "UHi  there\n"), chat("U a\n", "A b ", "Uc"),
    chat("S s ", "Ux", "A<think>\nhm\n</think>\n\nanswer", "Uy <|im_end|> é日本", "Az"), chat("Afirst", "Usecond"), chat("U"),
    chat("Sonly"), chat("Ua", "Ub"), chat("S", "Uq", "A", "Ur"), chat("T42", "Uu"),
]


class Comparison:
    def __init__(self, tool, folder):
        self.tool, self.source, self.messages = tool, os.path.join(folder, "source"), os.path.join(folder, "messages")
        self.same = self.refused = self.different = 0

    def render_here(self, source, messages, add):
        """Text, or None and the sentence."""
        with open(self.source, "wb") as f:
            f.write(source.encode())
        with open(self.messages, "wb") as f:
            f.write(b"\0".join(part.encode() for m in messages for part in (m["role"], m["content"])))
        run = subprocess.run([self.tool, "render", self.source, self.messages, "add" if add else "no"], capture_output=True)
        if run.returncode not in (0, 1):
            sys.exit(f"text_tool ended with {run.returncode}: {run.stderr.decode()}")
        return (run.stdout.decode(), "") if run.returncode == 0 else (None, run.stderr.decode().strip())

    def one(self, source, messages, add):
        """'same', 'both refuse', 'refused here' or 'different', and why."""
        ours, sentence = self.render_here(source, messages, add)
        try:
            theirs = render_by_jinja(source, messages, add)
        except Refused as e:
            if ours is None and str(e)[:60] in sentence:
                return "both refuse", ""
            return "refused here" if ours is None else "different", f"{e} / {sentence or ours!r}"
        except Exception as e:  # whatever Jinja finds wrong
            return ("both refuse", "") if ours is None else ("different", f"{e} / {ours!r}")
        if ours is None:
            return "refused here", sentence
        return ("same", "") if ours == theirs else ("different", f"{ours!r} / {theirs!r}")

    def template(self, name, source):
        counts, why = {}, ""
        for messages in CHATS:
            for add in (True, False):
                verdict, reason = self.one(source, messages, add)
                counts[verdict] = counts.get(verdict, 0) + 1
                why = why or reason
        summary = ", ".join(f"{n} {verdict}" for verdict, n in sorted(counts.items()))
        print(f"{name}: {summary}" + (f": {why[:300]}" if why else ""))
        self.same += counts.get("same", 0) + counts.get("both refuse", 0)
        self.refused += counts.get("refused here", 0)
        self.different += counts.get("different", 0)
        return counts.get("refused here", 0) == 0


def template_of_model(path):
    return gguf.GGUFReader(path).fields["tokenizer.chat_template"].contents()


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    served = True
    with tempfile.TemporaryDirectory() as folder:
        c = Comparison(arguments.tool, folder)
        for path in arguments.files:
            model = path.endswith(".gguf")
            known = c.template(os.path.basename(path), template_of_model(path) if model else read(path))
            served = served and (known or not model)
    print(f"{c.same} the same, {c.refused} refused here, {c.different} different")
    return c.different > 0 or not served


if __name__ == "__main__":
    sys.exit(main())
