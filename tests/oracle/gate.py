"""gate.py - who is kept (section 5): scores by policy, selection, threshold.

In:       what the rows' layers left behind: queries, caches, updates; settings.
Out:      one score per row of the list, and the positions in the list that are kept, ascending.
Not here: running layers (prefill.py).
"""

import numpy as np

import fp32
import layers

F = np.float32
POLICIES = ("query", "delta", "block", "random", "inverse", "recent")


class Settings:
    """The settings that reach a result; names and presets as in stillpoint-settings(5)."""

    policy, start, ratio, tau, tau_only, every = "query", 0.4, 2.0 / 3, -1.0, 0, 0
    window, gate_layers, pool, prefix, suffix, min_tokens, gate_seed, wake = 64, 4, 31, 4, 64, 1024, 0, 0.2

    def __init__(self, **values):
        for name, value in values.items():
            getattr(self, name)                          # an unknown one is an error
            setattr(self, name, value)

    def gate_layer(self, n_layers):
        return int(self.start * n_layers + 1e-9)

    def is_gate(self, layer, n_layers):
        first = self.gate_layer(n_layers)
        return layer == first or (self.every > 0 and layer > first and (layer - first) % self.every == 0)


# ---- scores ---------------------------------------------------------------------------------------------------

def splitmix64(x):
    mask = (1 << 64) - 1
    x = (x + 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return x ^ (x >> 31)


def random_score(rows, seed):
    return np.array([splitmix64(seed ^ int(i)) >> 40 for i in rows], F)      # 24 bits: exact in fp32


def mass(exp2, queries, cache, first):
    """What the last rows of a list give to each of its keys: summed over rows, then over heads.

    `queries` hold those rows only, the first of them being row `first` of the list.
    """
    n, heads, _ = queries.q.shape
    keys, group = len(cache.k), heads // cache.k.shape[1]
    rows, limits = np.arange(n), first + 1 + np.arange(n)
    total = np.zeros(keys, F)
    for head in range(heads):
        for tile in range(-(-keys // layers.TILE)):
            s = layers.scores(queries, head, rows, cache, head // group, tile)
            p = exp2(s - queries.m[:, head][:, None]) / queries.l[:, head][:, None]
            p = np.where(layers.seen(limits, tile, s.shape[1]), p, F(0))
            h = np.zeros(s.shape[1], F)
            for row in p:
                h += row
            total[tile * layers.TILE:(tile + 1) * layers.TILE] += h
    return total * (F(1) / F(n * heads))


def pool_max(x, radius):
    return np.array([x[max(0, i - radius):i + radius + 1].max() for i in range(len(x))], F)


def query_score(exp2, seen_layers, settings):
    """seen_layers: [(queries of the window's rows, cache, first)], lowest layer first."""
    best = None
    for queries, cache, first in seen_layers:
        one = mass(exp2, queries, cache, first)
        best = one if best is None else np.maximum(best, one)
    return pool_max(best, settings.pool // 2)


# ---- selection ------------------------------------------------------------------------------------------------

def select(score, timeline, n_timeline, settings, eligible=None):
    """Positions in the list that are kept. score: higher is kept; timeline: each row's index; eligible: by timeline index."""
    n = len(timeline)
    free = (timeline >= max(1, settings.prefix)) & (timeline < n_timeline - max(1, settings.suffix))
    if eligible is not None:
        free &= eligible[timeline]
    candidates = np.flatnonzero(free)
    halted = np.zeros(n, bool)
    if settings.tau_only and settings.tau >= 0:
        halted[candidates] = True
    else:
        count = min(int(settings.ratio * n), len(candidates))
        # The lowest scores go; among equal ones the higher index goes first.
        order = np.lexsort((-candidates, score[candidates] + F(0)))
        halted[candidates[order[:count]]] = True
    if settings.tau >= 0:
        halted &= score < threshold(settings)
    return np.flatnonzero(~halted)


def threshold(settings):
    """tau on the scale on which scores are compared: squared for sums of squares, negated where the order is reversed."""
    tau = F(settings.tau)
    if settings.policy == "inverse":
        return -(tau * tau)
    return tau * tau if settings.policy in ("delta", "block") else tau


def compared(exp2, settings, update, feed, rows, seen_layers):
    """The score that is compared. update: U of the list's rows; feed: F of the list's rows, for `block`."""
    if settings.policy == "query":
        return query_score(exp2, seen_layers, settings)
    if settings.policy == "delta":
        return fp32.sumsq(update)
    if settings.policy == "block":
        return fp32.sumsq(update + feed)
    if settings.policy == "inverse":
        return -fp32.sumsq(update)
    if settings.policy == "random":
        return random_score(rows, settings.gate_seed)
    return rows.astype(F)


def reported(settings, score):
    """Norms are compared squared and reported as their root."""
    if settings.policy in ("delta", "block"):
        return np.sqrt(score)
    if settings.policy == "inverse":
        return np.sqrt(-score)
    return score


# ---- waking (stillpoint-numerics(7)) -----------------------------------------------------------------------------------------

PASSAGE, WAKE_MOST, MATCH = 64, 4, 8


def read_on(ids, n_rows):
    """The row of the prompt after the longest match, up to MATCH tokens, of the last tokens of all; of equal ones the last. A match
    of one token counts if it is the only one. 0: none."""
    lengths = np.zeros(n_rows, np.int64)
    for row in range(1, n_rows):
        while lengths[row] < min(MATCH, row) and ids[row - 1 - lengths[row]] == ids[len(ids) - 1 - lengths[row]]:
            lengths[row] += 1
    best = np.flatnonzero(lengths == lengths.max())
    return 0 if lengths.max() == 0 or (lengths.max() == 1 and len(best) > 1) else int(best[-1])


def woken(exp2, seen_layers, halted, settings, ids):
    """Rows of the gate's list that wake, ascending. seen_layers: as for query_score, of the decoded row alone; halted: by row;
    ids: all tokens, that of the decoded row last."""
    best, heads = None, seen_layers[0][0].q.shape[1]
    for queries, cache, first in seen_layers:
        one = mass(exp2, queries, cache, first)
        best = one if best is None else np.maximum(best, one)
    copied = read_on(ids, len(halted))
    heavy = []
    for begin in range(0, len(halted), PASSAGE):
        total = F(0)
        for row in range(begin, min(begin + PASSAGE, len(halted))):
            total = total + best[row] if halted[row] else total
        if copied // PASSAGE * PASSAGE == begin and halted[copied]:
            heavy.append((-np.inf, begin))
        elif total * F(heads) > F(settings.wake):
            heavy.append((-total, begin))
    chosen = sorted(begin for _, begin in sorted(heavy)[:WAKE_MOST])
    return np.array([row for begin in chosen for row in range(begin, min(begin + PASSAGE, len(halted))) if halted[row]], np.int64)
