"""prefill.py - a prompt through the layers, dense or halted, and greedy decoding after it.

In:       a Model, token ids, Settings.  Out: scores and kept rows of the first gate, logits of the last row, sampled tokens.
Not here: the arithmetic (layers.py), the choice (gate.py).

All rows of a layer are computed at once: a row's bits do not depend on the rows that are computed with it, which is why the
library may cut the prompt into chunks of any size.
"""

import numpy as np

import gate
import layers
from fp32 import Exp2, exp2_coefficients

F = np.float32
PROBE = 64


class Run:
    """One timeline: caches, gate results, logits."""

    def __init__(self, model, shift=None, exp2=None):
        self.model = model
        self.exp2 = exp2 or Exp2(exp2_coefficients())
        self.shift = shift if shift is not None else np.zeros((model.n_layers, model.n_kv, model.head_dim), F)
        self.caches = [layers.Cache(model.n_kv, model.head_dim) for _ in range(model.n_layers)]
        self.keys = []                                   # fp32 keys of each layer, for the probe
        self.scores, self.kept = np.zeros(0, F), np.zeros(0, np.int64)
        self.n_tokens = 0

    def prefill(self, ids, settings=None, eligible=None):
        """settings None: dense. Returns the logits of the last row."""
        model, exp2 = self.model, self.exp2
        self.n_tokens = len(ids)
        if settings is not None and len(ids) < settings.min_tokens:
            settings = None
        rows = np.arange(len(ids))
        x = model.embed(ids)
        seen_layers = []                                 # of this list, for `query`
        for layer in range(model.n_layers):
            u, queries, k = layers.attention(model, exp2, layers.Prefill, layer, x, rows, self.caches[layer],
                                             self.shift[layer])
            self.keys.append(k)
            at_gate = settings is not None and settings.is_gate(layer, model.n_layers)
            if settings is not None and settings.policy == "query":
                seen_layers.append(last_rows(queries, self.caches[layer], settings.window))
            if at_gate:
                feed = None
                if settings.policy == "block":
                    feed = layers.feed_forward(model, exp2, layers.Prefill, layer, x + u)
                kept = self.choose(settings, eligible, u, feed, rows, seen_layers[-settings.gate_layers:])
                rows, x, u, seen_layers = rows[kept], x[kept], u[kept], []
            x = x + u
            x = x + layers.feed_forward(model, exp2, layers.Prefill, layer, x)
        self.logits = layers.logits(model, x[-1:])[0]
        return self.logits

    def choose(self, settings, eligible, u, feed, rows, seen_layers):
        score = gate.compared(self.exp2, settings, u, feed, rows, seen_layers)
        kept = gate.select(score, rows, self.n_tokens, settings, eligible)
        if not len(self.scores):                         # the first gate is the one that is reported
            self.scores, self.kept = gate.reported(settings, score), rows[kept]
        return kept

    def decode(self, token):
        """One sampled token; returns the logits that follow it."""
        model, exp2 = self.model, self.exp2
        position = np.array([self.n_tokens])
        self.n_tokens += 1
        x = model.embed([token])
        for layer in range(model.n_layers):
            u, _, _ = layers.attention(model, exp2, layers.Decode, layer, x, position, self.caches[layer],
                                       self.shift[layer])
            x = x + u
            x = x + layers.feed_forward(model, exp2, layers.Decode, layer, x)
        self.logits = layers.logits(model, x)[0]
        return self.logits

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


def key_shift(model, ids, exp2=None):
    """c of section 3, step 1: the mean of the probe's first 64 keys after RoPE, prefilled dense with c = 0."""
    run = Run(model, exp2=exp2)
    run.prefill(ids[:PROBE])
    shift = []
    for k in run.keys:
        total = np.zeros(k.shape[1:], F)
        for key in k:
            total = total + key
        shift.append(total * F(1.0 / len(k)))
    return np.stack(shift)
