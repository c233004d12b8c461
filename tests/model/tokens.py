#!/usr/bin/env python3
"""tokens.py - token ids against independent tokenisers, on 1 MB of prose, code and Unicode a vocabulary. On demand.

In:       --tool build/tests/text_tool, --model FILE (any number), a Python with numpy, gguf, tokenizers and llama-cpp-python.
Out:      one line per vocabulary and tokeniser; last "N passed, N failed". Exit 1 when one failed.
Not here: chat templates (templates.py).

Each model's vocabulary is compared as it is, and once more under every pre-tokeniser that the library knows (its tokens and
merges with another tokenizer.ggml.pre), and a SentencePiece-style vocabulary is made from the texts. `tokenizers` gets the
published patterns, below; llama-cpp-python reads the same files. Differences that are meant:
- no NFC: Qwen's published tokeniser normalises first. GGUF files cannot say so, and text would not come back.
- 'ſ counts as 's in patterns that ignore case, as `tokenizers` has it; llama.cpp knows s and S. The texts hold none.
"""

import argparse
import os
import random
import subprocess
import sys
import sysconfig
import tempfile

import gguf
import llama_cpp
import numpy as np
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers

LICENSES, STDLIB = "/usr/share/common-licenses", sysconfig.get_path("stdlib")
FILES = [
    (LICENSES, "GPL-3"), (LICENSES, "LGPL-2.1"), (LICENSES, "Artistic"), (STDLIB, "argparse.py"), (STDLIB, "turtle.py"),
    (STDLIB, "pydoc_data/topics.py"), (STDLIB, "html/entities.py"), (STDLIB, "idlelib/idle_test/test_format.py"),
]
SIZE = 1_000_000
SEED = 1

CLASSIC = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
MODERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}%s| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")


def split(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


PATTERNS = {
    "gpt-2": [split(CLASSIC)],
    "smollm": [pre_tokenizers.Digits(individual_digits=True), split(CLASSIC)],
    "llama-bpe": [split(MODERN % "{1,3}")],
    "qwen2": [split(MODERN % "")],
}


# ---- texts

def random_character(r):
    kind = r.random()
    if kind < 0.30:
        return chr(r.randrange(32, 127))
    if kind < 0.42:
        return r.choice(" \t\n\r  \n\u00a0\u3000\u2028\x85")
    for share, first, last in ((0.57, 0xA0, 0x800), (0.72, 0x800, 0x3100), (0.82, 0x4E00, 0xA000), (0.88, 0xA000, 0xD800),
                               (0.95, 0x1F300, 0x1FB00)):
        if kind < share:
            return chr(r.randrange(first, last))
    code = r.randrange(0x110000 - 0x800)
    return chr(code if code < 0xD800 else code + 0x800)


def random_words(r, words, count):
    ends = [" ", "  ", "\n", "\n\n", "\t", "'s ", "'LL ", " 123", "12345", "…", "—", ".\r\n", " \n \n  ", "((", "'re", "'Ve",
            "Ǆ", "ß", "e\u0301", "नमस्ते", "日本語", "한국어", "👩‍👩‍👧", "ﬀ", "½", "²", "٣٤٥"]
    return "".join(r.choice(words) + r.choice(ends) for _ in range(count))


def make_text():
    r = random.Random(SEED)
    parts = [open(os.path.join(*name), encoding="utf-8", errors="replace").read()[:150_000]
             for name in FILES if os.path.exists(os.path.join(*name))]
    words = parts[0].split()
    parts.append("".join(random_character(r) for _ in range(120_000)))
    while sum(len(p.encode()) for p in parts) < SIZE:
        parts.append(random_words(r, words, 5_000))
    return "".join(parts).replace("ſ", "s")


# ---- vocabularies

def byte_alphabet():
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in visible]
    return {chr(b): b for b in visible} | {chr(256 + i): b for i, b in enumerate(hidden)}


class Vocabulary:
    """Tokens, merges and types of a GGUF."""

    def __init__(self, path):
        fields = gguf.GGUFReader(path).fields

        def get(name, preset=None):
            return fields["tokenizer.ggml." + name].contents() if "tokenizer.ggml." + name in fields else preset

        self.path, self.name, self.pre = path, os.path.basename(path), get("pre")
        self.tokens, self.types, self.merges = get("tokens"), get("token_type"), get("merges", [])
        known = set(self.tokens)
        self.missing = {byte for letter, byte in byte_alphabet().items() if letter not in known}

    def readable(self, text):
        """The text without characters whose bytes have no token: the library refuses them by name."""
        return "".join(c for c in text if not self.missing.intersection(c.encode())) if self.missing else text

    def reference(self, pre):
        ids = {token: i for i, token in enumerate(self.tokens)}
        merges = [tuple(m.split(" ")) for m in self.merges]
        tokenizer = Tokenizer(models.BPE(ids, merges, ignore_merges=pre == "llama-bpe"))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [*PATTERNS[pre], pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        return tokenizer


def writer(path, kind, tokens, types):
    """A GGUF with a vocabulary and no more than llama.cpp wants to see of a model."""
    w = gguf.GGUFWriter(path, "llama")
    w.add_context_length(512)
    w.add_embedding_length(32)
    w.add_block_count(1)
    w.add_feed_forward_length(32)
    w.add_head_count(2)
    w.add_layer_norm_rms_eps(1e-5)
    w.add_tokenizer_model(kind)
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_add_bos_token(False)
    return w


def finish(w):
    w.add_tensor("nothing", np.zeros(32, dtype=np.float32))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def write_derived(v, pre, path):
    w = writer(path, "gpt2", v.tokens, v.types)
    w.add_tokenizer_pre(pre)
    w.add_token_merges(v.merges)
    finish(w)


def write_sentencepiece(text, path):
    """Unknown, BOS, EOS, 256 bytes, then pieces in the order in which a trainer found them; the earlier, the better."""
    trainer = trainers.BpeTrainer(vocab_size=8000, show_progress=False, limit_alphabet=1500)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.train_from_iterator(text.splitlines(), trainer)
    pieces = [piece for piece, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256)), *pieces]
    types = [2, 3, 3, *[6] * 256, *[1] * len(pieces)]
    w = writer(path, "llama", tokens, types)
    w.add_token_scores([0.0] * 259 + [-float(i) for i in range(len(pieces))])
    w.add_bos_token_id(1)
    w.add_eos_token_id(2)
    w.add_unk_token_id(0)
    finish(w)


# ---- comparing

class Comparison:
    def __init__(self, tool, folder):
        self.tool, self.text_path = tool, os.path.join(folder, "text")
        self.passed = self.failed = 0

    def ours(self, path, text, special=False):
        with open(self.text_path, "wb") as f:
            f.write(text.encode())
        run = subprocess.run([self.tool, "tokens", path, self.text_path, *(["special"] if special else [])], capture_output=True)
        if run.returncode:
            sys.exit(run.stderr.decode())
        return np.frombuffer(run.stdout, dtype="<i4"), run.stderr.decode().strip().splitlines()[-1]

    def report(self, what, ours, theirs, note=""):
        n = min(len(ours), len(theirs))
        wrong = np.flatnonzero(ours[:n] != theirs[:n])
        same = len(ours) == len(theirs) and len(wrong) == 0
        self.passed, self.failed = self.passed + same, self.failed + (not same)
        at = int(wrong[0]) if len(wrong) else n
        where = f", theirs {len(theirs)}, from {at} on {ours[at:at + 8].tolist()} not {theirs[at:at + 8].tolist()}"
        print(f"{'same' if same else 'DIFFERENT'}: {what}: {len(ours)} ids{'' if same else where}{f' ({note})' if note else ''}",
              flush=True)


def llama_ids(path, text, special=False):
    model = llama_cpp.Llama(path, vocab_only=True, verbose=False)
    return np.array(model.tokenize(text.encode(), add_bos=False, special=special))


def compare_model(c, v, text, folder):
    text = v.readable(text)
    ids, note = c.ours(v.path, text)
    c.report(f"{v.name}, {v.pre}, tokenizers", ids, np.array(v.reference(v.pre).encode(text).ids), note)
    c.report(f"{v.name}, {v.pre}, llama.cpp", ids, llama_ids(v.path, text))
    marks = [token for token, kind in zip(v.tokens, v.types) if kind in (3, 4)]
    r = random.Random(SEED)
    lines = "".join(line + r.choice(marks + [""]) + r.choice(["", " ", "\n"]) for line in text[:200_000].splitlines(True))
    c.report(f"{v.name}, {len(marks)} special tokens, llama.cpp", c.ours(v.path, lines, True)[0], llama_ids(v.path, lines, True))
    for pre in PATTERNS:
        if pre == v.pre:
            continue
        path = os.path.join(folder, "derived.gguf")
        write_derived(v, pre, path)
        ids, note = c.ours(path, text)
        c.report(f"{v.name} as {pre}, tokenizers", ids, np.array(v.reference(pre).encode(text).ids), note)
        c.report(f"{v.name} as {pre}, llama.cpp", ids, llama_ids(path, text))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--model", action="append", default=[])
    arguments = parser.parse_args()
    text = make_text()
    print(f"{len(text.encode())} bytes of text, seed {SEED}")
    with tempfile.TemporaryDirectory() as folder:
        c = Comparison(arguments.tool, folder)
        for path in arguments.model:
            compare_model(c, Vocabulary(path), text, folder)
        path = os.path.join(folder, "sentencepiece.gguf")
        write_sentencepiece(text, path)
        c.report("SentencePiece style, 8000 pieces, llama.cpp", c.ours(path, text)[0], llama_ids(path, text))
        marked = text[:100_000].replace("\n\n", "</s><s>")
        c.report("SentencePiece style, special tokens, llama.cpp", c.ours(path, marked, True)[0], llama_ids(path, marked, True))
    print(f"{c.passed} passed, {c.failed} failed")
    return c.failed > 0 or c.passed == 0


if __name__ == "__main__":
    sys.exit(main())
