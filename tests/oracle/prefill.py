"""prefill.py - a prompt through the layers, dense or halted, and greedy decoding after it.

In:       a Model, token ids, Settings.  Out: scores and kept rows of the first gate, logits of the last row, sampled tokens.
Not here: the arithmetic (layers.py), the choice (gate.py).

All rows of a layer are computed at once: a row's bits do not depend on the rows that are computed with it, which is why the
library may cut the prompt into chunks of any size.
"""

import numpy as np

import fp32
import gate
import layers
from fp32 import Exp2, exp2_coefficients

F = np.float32
PROBE = 64


class Run:
    """One timeline: caches, gate results, logits."""

    def __init__(self, model, frame=None, exp2=None):
        self.model = model
        self.exp2 = exp2 or Exp2(exp2_coefficients())
        shape = (model.n_layers, model.n_kv, model.head_dim)
        self.frame = frame or layers.Frame(np.zeros(shape, F), np.ones(shape, F))
        self.caches = [layers.Cache(model.n_kv, model.head_dim) for _ in range(model.n_layers)]
        self.seen = []                                   # fp32 queries and keys of each layer, for the probe
        self.scores, self.kept = np.zeros(0, F), np.zeros(0, np.int64)
        self.ids = []                                    # all tokens, decoded ones included
        self.gates = []                                  # (settings, layer, x + U of all rows, which of them are halted)

    def prefill(self, ids, settings=None, eligible=None):
        """settings None: dense. Returns the logits of the last row."""
        model, exp2 = self.model, self.exp2
        self.ids = list(ids)
        if settings is not None and len(ids) < settings.min_tokens:
            settings = None
        rows = np.arange(len(ids))
        x = model.embed(ids)
        seen_layers = []                                 # of this list, for `query`
        for layer in range(model.n_layers):
            u, queries, seen = layers.attention(model, exp2, layers.Prefill, layer, x, rows, self.caches[layer],
                                                self.frame.of(layer))
            self.seen.append(seen)
            at_gate = settings is not None and settings.is_gate(layer, model.n_layers)
            if settings is not None and settings.policy == "query":
                seen_layers.append(last_rows(queries, self.caches[layer], settings.window))
            if at_gate:
                feed = None
                if settings.policy == "block":
                    feed = layers.feed_forward(model, exp2, layers.Prefill, layer, x + u)
                kept = self.choose(settings, eligible, u, feed, rows, seen_layers[-settings.gate_layers:])
                self.gates.append((settings, layer, x + u, ~np.isin(np.arange(len(rows)), kept)))
                rows, x, u, seen_layers = rows[kept], x[kept], u[kept], []
            x = x + u
            x = x + layers.feed_forward(model, exp2, layers.Prefill, layer, x)
        self.logits = layers.logits(model, x[-1:])[0]
        return self.logits

    def choose(self, settings, eligible, u, feed, rows, seen_layers):
        score = gate.compared(self.exp2, settings, u, feed, rows, seen_layers)
        kept = gate.select(score, rows, len(self.ids), settings, eligible)
        if not len(self.scores):                         # the first gate is the one that is reported
            self.scores, self.kept = gate.reported(settings, score), rows[kept]
        return kept

    def decode(self, token):
        """One sampled token; returns the logits that follow it."""
        model, exp2 = self.model, self.exp2
        position = np.array([len(self.ids)])
        self.ids.append(token)
        x = model.embed([token])
        seen_layers = []
        for layer in range(model.n_layers):
            u, queries, _ = layers.attention(model, exp2, layers.Decode, layer, x, position, self.caches[layer],
                                             self.frame.of(layer))
            seen_layers.append((queries, self.caches[layer], len(self.caches[layer].k) - 1))
            if len(self.gates) == 1 and layer == self.gates[0][1]:
                self.wake(seen_layers)
            x = x + u
            x = x + layers.feed_forward(model, exp2, layers.Decode, layer, x)
        self.logits = layers.logits(model, x)[0]
        return self.logits

    def wake(self, seen_layers):
        """Halted passages that the decoded row looks at, or was copied from, go through the layers above the gate."""
        settings, gate_layer, parked, halted = self.gates[0]
        if settings.wake <= 0 or not halted.any():
            return
        rows = gate.woken(self.exp2, seen_layers[-settings.gate_layers:], halted, settings, self.ids)
        for run in np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1):
            if len(run):
                self.climb(gate_layer, parked[run], run, int(np.count_nonzero(~halted[:run[0]])))
                halted[run] = False

    def climb(self, gate_layer, x, rows, at):
        """Rows x + U at the gate, neighbours in the text, to place `at` of the lists above it: they see what stands before them."""
        x = x + layers.feed_forward(self.model, self.exp2, layers.Prefill, gate_layer, x)
        for layer in range(gate_layer + 1, self.model.n_layers):
            tail = self.caches[layer].cut(at)
            u, _, _ = layers.attention(self.model, self.exp2, layers.Prefill, layer, x, rows, self.caches[layer],
                                       self.frame.of(layer))
            self.caches[layer].extend(tail)
            x = x + u
            x = x + layers.feed_forward(self.model, self.exp2, layers.Prefill, layer, x)

    def greedy(self, count):
        """`count` tokens; each is the lowest id of the largest logit. The last one is not run through the model."""
        tokens = []
        while len(tokens) < count:
            tokens.append(int(self.logits.argmax()))
            if len(tokens) < count:
                self.decode(tokens[-1])
        return tokens


def last_rows(queries, cache, window):
    """The queries of the last rows of the list, and where they begin."""
    first = max(0, len(queries.q) - window)
    queries.q, queries.scale = queries.q[first:], queries.scale[first:]
    queries.m, queries.l = queries.m[first:], queries.l[first:]
    return queries, cache, first


def balance_of(keys, queries):
    """2 ** e or 2 ** -e, 16 ** e <= larger / smaller < 16 ** (e + 1), e at most 8; 1 where a sum is tiny or not finite."""
    good = np.isfinite(keys) & np.isfinite(queries) & (keys >= F(2.0 ** -100)) & (queries >= F(2.0 ** -100))
    keys, queries = np.where(good, keys, F(1)), np.where(good, queries, F(1))
    with np.errstate(over="ignore"):
        ratio = np.minimum(np.maximum(keys, queries) / np.minimum(keys, queries), F(2.0 ** 64))
    e = (np.frexp(ratio)[1] - 1) // 4
    return np.exp2(np.where(keys > queries, 1, -1) * np.minimum(e, 8)).astype(F)


def key_frame(model, ids, exp2=None):
    """Section 3, steps 1 and 2, from the probe's first 64 rows, prefilled dense with c = 0 and r = 1: c is the mean of the keys
    after RoPE; r comes from the squares of keys and queries, summed over the rows, a KV head's query heads and a RoPE pair."""
    run = Run(model, exp2=exp2)
    run.prefill(ids[:PROBE])
    partner = np.arange(model.head_dim)
    half, pairs = model.rope.rot // 2, partner[:model.rope.rot]
    pairs[:] = pairs ^ 1 if model.rope.pairs else np.roll(pairs, half)
    shift, balance = [], []
    for q, k in run.seen:
        total, keys, queries = (np.zeros(k.shape[1:], F) for _ in range(3))
        for row in range(len(k)):
            total = total + k[row]
            keys = fp32.fma(k[row], k[row], keys)
            for head in range(model.n_heads // model.n_kv):
                part = q[row, head::model.n_heads // model.n_kv]
                queries = fp32.fma(part, part, queries)
        shift.append(total * F(1.0 / len(k)))
        balance.append(balance_of(keys + keys[:, partner], queries + queries[:, partner]))
    return layers.Frame(np.stack(shift), np.stack(balance))
