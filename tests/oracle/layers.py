"""layers.py - what a layer does to rows: linear layers, RoPE, KV cache, integer flash attention (sections 1 to 4).

In:       fp32 rows [n, ..] and a Model.  Out: fp32 rows.
Not here: which rows go through which layer (prefill.py), who is kept (gate.py).

`path` says how linear layers multiply: Prefill (rotated rows x int8 panels) or Decode (blocks of 32 x the file's own blocks).
"""

import math
from typing import NamedTuple

import numpy as np

import blocks
import fp32

F = np.float32
TILE = 128
LOG2E = F(math.log2(math.e))


def to_fp32(exact):
    """A float64 array of whole numbers, exact products of integers, to fp32: one rounding."""
    return exact.astype(F)


# ---- linear layers --------------------------------------------------------------------------------------------

class Prefill:
    """Rotate, one scale a row, integer product over all of K, one epilogue. Rows that share an input share its integers."""

    def __init__(self, model, x):
        self.model = model
        b = fp32.block_of(x.shape[1])
        self.q, scale = fp32.quantise(x, b)
        self.scale = scale * F(1.0 / b)

    def times(self, name):
        panel = self.model.panel(name + ".weight")
        y = to_fp32(self.q @ panel.q.T) * (self.scale[:, None] * panel.scale[None, :])
        bias = self.model.vector(name + ".bias")
        return y if bias is None else y + bias


class Decode:
    """The file's own blocks times int8 blocks of 32; float types times the fp32 row (section 4)."""

    def __init__(self, model, x):
        self.model, self.x = model, x
        self.act = fp32.Act8(x)

    def times(self, name):
        tensor = self.model.tensor(name + ".weight")
        y = np.stack([self.row(tensor, i) for i in range(len(self.x))])
        bias = self.model.vector(name + ".bias")
        return y if bias is None else y + bias

    def row(self, tensor, i, piece=8192):
        """One activation row; the weight rows in pieces, for the memory's sake."""
        starts = range(0, len(tensor.data), piece)
        return np.concatenate([self.rows(tensor, tensor.data[at:at + piece], i) for at in starts])

    def rows(self, tensor, data, i):
        if blocks.is_float(tensor.kind):
            return fp32.dot_lanes(blocks.floats(tensor.kind, data), self.x[i])
        weights = blocks.Row(tensor.kind, data)
        n, subs = weights.scale.shape
        q = self.act.q[i].reshape(subs, weights.sub)
        d = np.repeat(self.act.d[i], 32 // weights.sub)
        dot = np.einsum("nju,ju->nj", weights.q.reshape(n, subs, weights.sub).astype(np.float64), q)
        total = to_fp32(q.sum(axis=1))
        lanes = np.zeros((n, fp32.LANES), F)
        for at in range(0, subs, fp32.LANES):               # sub-block j goes to lane j mod 16: sixteen side by side
            part = slice(at, min(at + fp32.LANES, subs))
            lane = lanes[:, :part.stop - at]
            lane = fp32.fma(to_fp32(dot[:, part]), weights.scale[:, part] * d[part], lane)
            if weights.minimum is not None:
                lane = fp32.fma(total[part], weights.minimum[:, part] * d[part], lane)
            lanes[:, :part.stop - at] = lane
        return fp32.fold(lanes)


# ---- positions ------------------------------------------------------------------------------------------------

def rotate_pairs(x, rope, positions):
    """RoPE on x [n, heads, head_dim]: (fma(x0, c, -(x1 * s)), fma(x1, c, x0 * s))."""
    c, s = (table[:, None, :] for table in rope.tables(positions))
    half = rope.rot // 2
    first = slice(0, rope.rot, 2) if rope.pairs else slice(0, half)
    second = slice(1, rope.rot, 2) if rope.pairs else slice(half, rope.rot)
    x0, x1 = x[..., first], x[..., second]
    y = x.copy()
    y[..., first] = fp32.fma(x0, c, -(x1 * s))
    y[..., second] = fp32.fma(x1, c, x0 * s)
    return y


# ---- KV cache and attention -----------------------------------------------------------------------------------

class Frame(NamedTuple):
    """What section 3 takes from the probe, each [..., n_kv, head_dim]."""

    shift: np.ndarray       # c, off every key
    balance: np.ndarray     # r, a power of two: keys / r, queries * r

    def of(self, layer):
        return Frame(self.shift[layer], self.balance[layer])


class Cache:
    """Keys and values of one layer's list of rows: int8 and one scale a row and head."""

    def __init__(self, n_kv, head_dim):
        self.k, self.v = np.zeros((0, n_kv, head_dim)), np.zeros((0, n_kv, head_dim))
        self.sk, self.sv = np.zeros((0, n_kv), F), np.zeros((0, n_kv), F)
        self.b = fp32.block_of(head_dim)

    def append(self, k, v, frame):
        k, sk = fp32.quantise((k - frame.shift) / frame.balance, self.b)
        v, sv = fp32.quantise(v, 1)
        self.extend((k, v, sk, sv))

    def cut(self, at):
        """The rows from `at` on, which are taken away."""
        tail = self.k[at:], self.v[at:], self.sk[at:], self.sv[at:]
        self.k, self.v, self.sk, self.sv = self.k[:at], self.v[:at], self.sk[:at], self.sv[:at]
        return tail

    def extend(self, tail):
        self.k, self.v = np.concatenate((self.k, tail[0])), np.concatenate((self.v, tail[1]))
        self.sk, self.sv = np.concatenate((self.sk, tail[2])), np.concatenate((self.sv, tail[3]))


class Queries:
    """Queries of some rows, all heads: integers, scales with log2(e) / sqrt(d) inside, and after attention final m and l."""

    def __init__(self, q, frame):
        d = q.shape[-1]
        b = fp32.block_of(d)
        balance = np.repeat(frame.balance, q.shape[1] // len(frame.balance), axis=0)
        self.q, scale = fp32.quantise(q * balance, b)
        self.scale = (scale * F(1.0 / b)) * F(math.log2(math.e) / math.sqrt(d))
        self.m = self.l = None                              # [rows, heads]


def scores(queries, head, rows, cache, kv, tile):
    """s of `rows` of one query head against one tile of keys [rows, <= 128]."""
    part = slice(tile * TILE, (tile + 1) * TILE)
    dot = to_fp32(queries.q[rows, head] @ cache.k[part, kv].T)
    return dot * (queries.scale[rows, head][:, None] * cache.sk[part, kv][None, :])


def seen(limits, tile, n):
    """[rows, n]: does the row see key j of the tile?"""
    return tile * TILE + np.arange(n)[None, :] < limits[:, None]


def attend(exp2, queries, cache, limits):
    """Section 3, step 3. limits [rows]: keys seen, a prefix of the cache. Returns [rows, heads, d]; leaves m and l in queries."""
    n, heads, d = queries.q.shape
    group = heads // cache.k.shape[1]
    out = np.zeros((n, heads, d), F)
    queries.m, queries.l = np.zeros((n, heads), F), np.zeros((n, heads), F)
    for head in range(heads):
        m, l, o = np.full(n, -np.inf, F), np.zeros(n, F), np.zeros((n, d), F)
        for tile in range(-(-int(limits.max()) // TILE)):
            rows = np.flatnonzero(limits > tile * TILE)     # a row visits tiles up to its own, never later ones
            state = m[rows], l[rows], o[rows]
            m[rows], l[rows], o[rows] = visit(exp2, queries, head, rows, cache, head // group, tile, limits[rows], *state)
        out[:, head] = o / l[:, None]
        queries.m[:, head], queries.l[:, head] = m, l
    return out


def visit(exp2, queries, head, rows, cache, kv, tile, limits, m, l, o):
    """One tile: new m, l, O."""
    s = scores(queries, head, rows, cache, kv, tile)
    mask = seen(limits, tile, s.shape[1])
    s = np.where(mask, s, F(-np.inf))
    t = s.max(axis=1)
    p = exp2(s - t[:, None])
    den = fp32.sum_lanes(p)
    part = slice(tile * TILE, (tile + 1) * TILE)
    w = np.where(mask, p * cache.sv[part, kv][None, :], F(0))
    a = w.max(axis=1)
    tiny = a < fp32.TINY
    weight = np.rint(w * (F(255) / np.where(tiny, F(1), a))[:, None]).astype(np.float64)
    new = to_fp32(weight @ cache.v[part, kv]) * (a / F(255))[:, None]
    new = np.where(tiny[:, None], F(0), new)
    top = np.maximum(m, t)
    alpha, beta = exp2(m - top), exp2(t - top)              # exp2(-inf) is 0: the first tile
    l = fp32.fma(l, alpha, den * beta)
    o = fp32.fma(o, alpha[:, None], new * beta[:, None])
    return top, l, o


# ---- the two halves of a layer --------------------------------------------------------------------------------

def name_of(layer, part):
    return "blk.%d.%s" % (layer, part)


def attention(model, exp2, path, layer, x, positions, cache, frame):
    """U of rows x (before the residual), their queries, and q, k in fp32; the rows' keys and values go to the cache first."""
    linear = path(model, fp32.rmsnorm(x, model.vector(name_of(layer, "attn_norm.weight")), model.eps))
    heads = lambda part, count: linear.times(name_of(layer, part)).reshape(len(x), count, model.head_dim)
    q, k, v = heads("attn_q", model.n_heads), heads("attn_k", model.n_kv), heads("attn_v", model.n_kv)
    if model.arch == "qwen3":
        q = fp32.rmsnorm(q, model.vector(name_of(layer, "attn_q_norm.weight")), model.eps)
        k = fp32.rmsnorm(k, model.vector(name_of(layer, "attn_k_norm.weight")), model.eps)
    q, k = (rotate_pairs(y, model.rope, positions) for y in (q, k))
    before = len(cache.k)
    cache.append(k, v, frame)
    queries = Queries(q, frame)
    o = attend(exp2, queries, cache, before + 1 + np.arange(len(x)))
    u = path(model, o.reshape(len(x), -1)).times(name_of(layer, "attn_output"))
    return u, queries, (q, k)


def silu(exp2, x):
    return x / (F(1) + exp2(-x * LOG2E))


def feed_forward(model, exp2, path, layer, x):
    """F of rows x (before the residual)."""
    linear = path(model, fp32.rmsnorm(x, model.vector(name_of(layer, "ffn_norm.weight")), model.eps))
    gate, up = linear.times(name_of(layer, "ffn_gate")), linear.times(name_of(layer, "ffn_up"))
    return path(model, silu(exp2, gate) * up).times(name_of(layer, "ffn_down"))


def logits(model, x):
    """Final norm and the decode path for the output matrix."""
    return Decode(model, fp32.rmsnorm(x, model.vector("output_norm.weight"), model.eps)).times("output")
