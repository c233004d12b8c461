"""selfcheck.py - is the oracle itself right?

Its arithmetic against exact rationals and plain loops, its runs against what must hold by construction, and its power to
notice: each deliberate fault must change a digest.

In:       a tiny model.  Out: (name, complaint) pairs; an empty complaint is a pass.
Not here: the library (run.py compares with it).
"""

import contextlib
import hashlib
import math
import random
from fractions import Fraction

import numpy as np

import blocks
import fp32
import gate
import layers
from model import Model
from prefill import Run, key_frame

F = np.float32
SEED = 20240


# ---- arithmetic -----------------------------------------------------------------------------------------------

def nearest(value):
    """A Fraction to fp32, to nearest even, from the definition: a whole number of units in the last place."""
    if value == 0:
        return F(0)
    exponent = math.frexp(float(abs(value)))[1] - 1
    exponent += (abs(value) >= Fraction(2) ** (exponent + 1)) - (abs(value) < Fraction(2) ** exponent)
    unit = Fraction(2) ** max(exponent - 23, -149)
    return F(float(round(value / unit) * unit))           # round() of a Fraction is half-even; a 24-bit result is exact in double


def fma_cases():
    """Random ones over the whole range; ones whose sum lies beside a tie by less than a double can hold; subnormal ones."""
    draw = random.Random(SEED)
    real = lambda low, high: draw.choice((-1, 1)) * math.ldexp(1 + draw.getrandbits(23) / 2 ** 23, draw.randint(low, high))
    for _ in range(3000):
        yield F(real(-20, 20)), F(real(-20, 20)), F(real(-44, 44))
    for _ in range(1000):
        odd = F(2 * draw.randint(2 ** 11, 2 ** 12 - 1) + 1)
        large = F((2 ** 24 + 2 * draw.randint(0, 2 ** 20)) * odd)
        yield odd, F(np.spacing(large) / 2) / odd, large                     # the product is about half a unit of c's last place
        yield F(1) + F(2.0 ** -12), F(1) + F(2.0 ** -12), F(real(-90, -60))   # 1 + 2^-11 + 2^-24: a tie, pushed by a tiny c
        yield F(1) + F(2.0 ** -12), F(-1) - F(2.0 ** -12), F(real(-90, -60))
    for _ in range(1000):
        yield F(real(-75, -70)), F(real(-76, -70)), F(real(-149, -127))


def check_fma():
    cases = list(fma_cases())
    a, b, c = (np.array(column, F) for column in zip(*cases))
    exact = np.array([nearest(Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z))) for x, y, z in cases], F)
    with np.errstate(under="ignore"):
        twice = (a.astype(np.float64) * b + c).astype(F)
    wrong, caught = int((fp32.fma(a, b, c) != exact).sum()), int((twice != exact).sum())
    if wrong:
        return "%d of %d differ from the exact value" % (wrong, len(cases))
    return "" if caught > 100 else "the cases are too easy: rounding twice fails on %d only" % caught


def check_sums():
    draw = np.random.default_rng(SEED)
    for n in (1, 15, 16, 17, 64, 576, 1000):
        x = (draw.standard_normal(n) * 10.0 ** draw.integers(-3, 4, n)).astype(F)
        plain, squares = [F(0)] * 16, [F(0)] * 16
        for i in range(n):
            plain[i % 16] = plain[i % 16] + x[i]
            squares[i % 16] = nearest(Fraction(float(x[i])) ** 2 + Fraction(float(squares[i % 16])))
        for half in (8, 4, 2, 1):
            for i in range(half):
                plain[i], squares[i] = plain[i] + plain[i + half], squares[i] + squares[i + half]
        if fp32.sum_lanes(x) != plain[0] or fp32.sumsq(x) != squares[0]:
            return "n = %d" % n
    return ""


def check_exp2():
    exp2 = fp32.Exp2(fp32.exp2_coefficients())
    draw = np.random.default_rng(SEED)
    x = np.concatenate((draw.uniform(-126, 127, 20000), draw.uniform(-1, 1, 20000), np.arange(-126, 128), [0.5, -0.5])).astype(F)
    y, exact = exp2(x), np.exp2(x.astype(np.float64))     # double is 2^29 times finer than the bound
    worst = float((np.abs(y - exact) / np.spacing(y)).max())
    fixed = exp2(np.array([0, -126, -np.inf, -126.00001, -1000, 128, 1000], F))
    if list(fixed) != [1, 2.0 ** -126, 0, 0, 0, np.inf, np.inf]:
        return "fixed points: %s" % fixed
    return "" if worst <= 2 else "error of %.3f ulp" % worst


def check_rotation():
    draw = np.random.default_rng(SEED)
    matrix = np.ones((1, 1), np.int64)
    for b in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        x = draw.integers(-1000, 1000, (3, 2 * b))
        expected = (x.reshape(3, 2, b) @ matrix).reshape(3, 2 * b)
        if not np.array_equal(fp32.rotate(x.astype(F), b), expected.astype(F)):
            return "b = %d" % b
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])       # Sylvester
    found = [fp32.block_of(n) for n in (576, 896, 64, 80, 96, 112, 128, 4864, 1000, 7)]
    return "" if found == [64, 128, 64, 16, 32, 16, 128, 256, 8, 1] else "blocks %s" % found


def check_quantise():
    q, scale = fp32.quantise(np.array([[127, 0.5, 1.5, 2.5, -0.5, -1.5, -127, 126.5], [0] * 8, [2.0 ** -101] * 8], F), 1)
    if list(q[0]) != [127, 0, 2, 2, 0, -2, -127, 126] or scale[0] != 1:
        return "halves do not go to even: %s" % q[0]
    if q[1:].any() or scale[1:].any():
        return "rows below 2^-100 are not zero"
    try:
        fp32.quantise(np.array([[1, np.nan]], F), 2)
    except FloatingPointError:
        return ""
    return "a NaN passed"


def random_blocks(kind, n, draw):
    """n rows of two blocks whose fp16 members are finite: byte 1 of each half has its exponent's top bit cleared."""
    _, _, size, _, _ = blocks.TYPES[kind]
    halves = {10: (80, 82), 11: (108,), 14: (208,), 3: (0, 2), 7: (0, 2), 12: (0, 2), 13: (0, 2)}.get(kind, (0,))
    data = draw.integers(0, 256, (n, 2, size), np.uint8)
    for at in halves:
        data[:, :, at + 1] &= 0xBF
    return data.reshape(n, 2 * size)


def check_products():
    """The decode path of each type against its own fp32 weights in double: equal but for rounding."""
    draw = np.random.default_rng(SEED)
    for kind, (name, block, _, _, unpack) in blocks.TYPES.items():
        k = 2 * block if unpack else 64
        data = random_blocks(kind, 5, draw) if unpack else draw.standard_normal((5, k)).astype(F).view(np.uint8)
        if kind in (1, 30):                                # any 16 bits with a small exponent
            data = (draw.integers(0, 2 ** 16, (5, k), np.uint16) & 0xBFFF).view(np.uint8)
        x = draw.standard_normal((1, k)).astype(F)
        model = type("One", (), {"tensor": lambda self, _, t=kind, d=data: type("T", (), {"kind": t, "data": d})(),
                                 "vector": lambda self, _: None})()
        path = layers.Decode(model, x)
        exact = x if blocks.is_float(kind) else path.act.q * np.repeat(path.act.d.astype(np.float64), 32, axis=1)
        weights = blocks.to_fp32(kind, data).astype(np.float64)
        error = np.abs(path.times("any")[0] - weights @ exact[0]).max()
        if not error <= 1e-5 * (np.abs(weights) @ np.abs(exact[0])).max():
            return "%s: off by %g" % (name, error)
    return ""


def check_attention():
    """Integer flash attention near softmax in double, for rows that see 1 to 300 keys; shift and balance change nothing but the
    error, which would be several times as large without the balance."""
    draw = np.random.default_rng(SEED)
    exp2 = fp32.Exp2(fp32.exp2_coefficients())
    for d in (64, 80, 96):
        cache = layers.Cache(2, d)
        k, v, q = (draw.standard_normal((300, heads, d)).astype(F) for heads in (2, 2, 4))
        frame = layers.Frame(draw.standard_normal((2, d)).astype(F), np.exp2(draw.integers(-8, 9, (2, d))).astype(F))
        k, q = k * frame.balance + frame.shift, q / np.repeat(frame.balance, 2, axis=0)
        cache.append(k, v, frame)
        out = layers.attend(exp2, layers.Queries(q, frame), cache, 1 + np.arange(300))
        for head in range(4):
            s = (q[:, head].astype(np.float64) @ k[:, head // 2].T) / math.sqrt(d)
            s[np.triu_indices(300, 1)] = -np.inf
            p = np.exp(s - s.max(axis=1, keepdims=True))
            o = (p / p.sum(axis=1, keepdims=True)) @ v[:, head // 2]
            error = np.sqrt(((out[:, head] - o) ** 2).mean() / (o ** 2).mean())
            if not error < 0.02:
                return "d = %d, head %d: relative error %.4f" % (d, head, error)
    return ""


def check_selection():
    """Against the rule told one row at a time, with many ties."""
    draw = np.random.default_rng(SEED)
    for case in range(200):
        n = int(draw.integers(1, 60))
        score = draw.integers(0, 5, n).astype(F)
        s = gate.Settings(ratio=float(draw.uniform(0, 0.99)), prefix=int(draw.integers(1, 6)), suffix=int(draw.integers(1, 9)))
        eligible = draw.integers(0, 4, n) > 0
        free = [i for i in range(n) if s.prefix <= i < n - s.suffix and eligible[i]]
        count = min(math.floor(s.ratio * n), len(free))
        for _ in range(count):
            worst = min(free, key=lambda i: (score[i], -i))
            free.remove(worst)
            score[worst] = 9                               # out of the race; marked
        kept = gate.select(np.where(score == 9, F(0), score), np.arange(n), n, s, eligible)
        if len(kept) != n - count:
            return "case %d keeps %d, not %d" % (case, len(kept), n - count)
    return check_ties()


def check_ties():
    s = gate.Settings(ratio=0.5, prefix=1, suffix=1)
    kept = gate.select(np.array([0, 3, 1, 1, 1, 1, 2, 0], F), np.arange(8), 8, s)
    if list(kept) != [0, 1, 6, 7]:
        return "lowest go first: %s" % kept
    s.ratio = 0.25
    kept = gate.select(np.array([0, 3, 1, 1, 1, 1, 2, 0], F), np.arange(8), 8, s)
    return "" if list(kept) == [0, 1, 2, 3, 6, 7] else "ties keep the lower index: %s" % kept


# ---- whole runs -----------------------------------------------------------------------------------------------

def prompt(model, n, seed=SEED):
    return [int(i) for i in np.random.default_rng(seed).integers(0, model.n_vocab, n)]


def check_ratio_zero(model):
    ids = prompt(model, 200)
    dense, gated = Run(model), Run(model)
    dense.prefill(ids)
    gated.prefill(ids, gate.Settings(ratio=0.0, min_tokens=0))
    if list(gated.kept) != list(range(200)):
        return "rows are missing"
    return "" if dense.logits.tobytes() == gated.logits.tobytes() else "logits differ from the dense ones"


def check_causal(model):
    """Keys of the first rows do not depend on later ones."""
    ids = prompt(model, 150)
    short, long = Run(model), Run(model)
    short.prefill(ids[:90])
    long.prefill(ids)
    for a, b in zip(short.caches, long.caches):
        if a.k.tobytes() != b.k[:90].tobytes() or a.sv.tobytes() != b.sv[:90].tobytes():
            return "a later row changed an earlier one"
    return ""


def digests(model, ids, probe):
    """One digest for each kind of score, over scores, kept rows, logits and the logits after a decoded token."""
    frame = key_frame(model, probe)
    out = []
    for policy in ("query", "delta", "random"):
        run = Run(model, frame)
        run.prefill(ids, gate.Settings(policy=policy, min_tokens=0, suffix=16, window=16))
        parts = [run.scores, run.kept, run.logits, run.decode(int(run.logits.argmax()))]
        out.append(hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest())
    return out


@contextlib.contextmanager
def patched(owner, name, value):
    old = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, old)


def fold_pairs(lanes):
    """The other obvious order: neighbours first."""
    while lanes.shape[-1] > 1:
        lanes = lanes[..., ::2] + lanes[..., 1::2]
    return lanes[..., 0]


def unfused(a, b, c):
    return np.asarray(a, F) * np.asarray(b, F) + np.asarray(c, F)


def next_up(x):
    return np.nextafter(F(x), F(np.inf))


def linear_term_off_by_one():
    table = fp32.exp2_coefficients()
    table[-2] = next_up(table[-2])
    return table


def no_rotation(x, b):
    return x


def unsorted_mass(exp2, queries, cache, first, right=gate.mass):
    """Rows of the window from the last to the first."""
    queries.q, queries.scale = queries.q[::-1], queries.scale[::-1]
    return right(exp2, queries, cache, first)


def faults():
    """(what is wrong, where, its name there, the wrong thing). Ties of rint are too rare in models; check_quantise has them."""
    import prefill
    table = linear_term_off_by_one()
    return [
        ("fma rounds twice", fp32, "fma", unfused),
        ("lanes fold as neighbours", fp32, "fold", fold_pairs),
        ("eight lanes", fp32, "steps_of_16", lambda x: [x[..., i:i + 8] for i in range(0, x.shape[-1], 8)]),
        ("no rotation", fp32, "rotate", no_rotation),
        ("rotation blocks of 32", fp32, "block_of", lambda n, most=32: min(most, n & -n)),
        ("exp2 off by one bit in its linear term", prefill, "exp2_coefficients", lambda: table),
        ("log2 e off by one bit", layers, "LOG2E", next_up(layers.LOG2E)),
        ("tiles of 64", layers, "TILE", 64),
        ("probe of 63", prefill, "PROBE", 63),
        ("no balance", prefill, "balance_of", lambda keys, queries: np.ones_like(keys)),
        ("balance upside down", prefill, "balance_of", lambda keys, queries, right=prefill.balance_of: right(queries, keys)),
        ("window's rows backwards", gate, "mass", unsorted_mass),
        ("pool one wider", gate, "pool_max", lambda x, radius, right=gate.pool_max: right(x, radius + 1)),
        ("splitmix64 without its first step", gate, "splitmix64", lambda x: x),
        ("norms compared unsquared in another order", fp32, "sumsq", lambda x: (x * x).sum(axis=-1, dtype=F)),
    ]


def check_faults(model):
    ids, probe = prompt(model, 140), prompt(model, 64, SEED + 1)
    right = digests(model, ids, probe)
    unnoticed = []
    for name, owner, attribute, value in faults():
        with patched(owner, attribute, value):
            model.panels.clear()
            if digests(model, ids, probe) == right:
                unnoticed.append(name)
    model.panels.clear()
    return "unnoticed: " + ", ".join(unnoticed) if unnoticed else ""


def run(path):
    model = Model(path)
    checks = [
        ("fma rounds once", check_fma), ("sums keep the order of the lanes", check_sums), ("exp2 within 2 ulp", check_exp2),
        ("rotation is Sylvester's matrix", check_rotation), ("quantisation", check_quantise),
        ("decode products of every type", check_products), ("attention is softmax", check_attention),
        ("selection", check_selection), ("ratio 0 is dense", lambda: check_ratio_zero(model)),
        ("rows are causal", lambda: check_causal(model)),
        ("each of %d faults shows" % len(faults()), lambda: check_faults(model)),
    ]
    return [("oracle: " + name, check()) for name, check in checks]
