"""fp32.py - the arithmetic of the numeric contract in NumPy: every operation in fp32, rounded once, in a stated order.

In:       float32 arrays; the last axis is the vector.
Out:      float32 and integer arrays, bit for bit what the contract (man 7 stillpoint-numerics, sections 1, 2 and 4) asks for.
Not here: models, files, layers.

NumPy's float32 +, -, *, /, sqrt and rint are those of IEEE 754, one rounding each. Only two things need care: the fused
multiply-add, which NumPy lacks, and the order of every sum, which NumPy's own sum does not promise. Scalars are np.float32
throughout: NumPy 1 would turn a Python float times a float32 scalar into double.
"""

import os
import re

import numpy as np

F = np.float32
LANES = 16
TINY = F(2.0 ** -100)       # rows whose largest element is below count as zero


def fma(a, b, c):
    """a * b + c, rounded once to fp32.

    a * b is exact in double (24 + 24 <= 53 bits). The sum with c is rounded to odd in double: when it is not exact, the
    neighbour with an odd last bit is taken. As 53 >= 2 * 24 + 2, rounding that to fp32 is rounding the exact value.
    """
    product = np.asarray(a, np.float64) * np.asarray(b, np.float64)
    c = np.asarray(c, np.float64)
    near = product + c
    part = near - product                                   # Knuth's two-sum: near + rest == product + c exactly
    rest = (product - (near - part)) + (c - part)
    bits = near.view(np.int64)
    away = (rest > 0) == (near > 0)                         # the exact value lies farther from zero than `near`
    step = np.where(away, 1, -1) * ((rest != 0) & (bits & 1 == 0))
    return (bits + step).view(np.float64).astype(F)


def fold(lanes):
    """Sum of the 16 lanes in the last axis: lane i += lane i + 8, then + 4, + 2, + 1."""
    for half in (8, 4, 2, 1):
        lanes = lanes[..., :half] + lanes[..., half:2 * half]
    return lanes[..., 0]


def steps_of_16(x):
    """[.., n] as a list of [.., 16]; the last one is shorter when n is no multiple of 16."""
    return [x[..., i:i + LANES] for i in range(0, x.shape[-1], LANES)]


def sum_lanes(x):
    """Sum over the last axis: element i to lane i mod 16 in increasing i, then fold."""
    lanes = np.zeros(x.shape[:-1] + (LANES,), F)
    for part in steps_of_16(x):
        lanes[..., :part.shape[-1]] += part
    return fold(lanes)


def dot_lanes(x, y):
    """Sum of x_i * y_i over the last axis, by fma in the lanes."""
    x, y = np.broadcast_arrays(x, y)
    lanes = np.zeros(x.shape[:-1] + (LANES,), F)
    for u, v in zip(steps_of_16(x), steps_of_16(y)):
        n = u.shape[-1]
        lanes[..., :n] = fma(u, v, lanes[..., :n])
    return fold(lanes)


def sumsq(x):
    return dot_lanes(x, x)


def rmsnorm(x, weight, eps):
    r = F(1) / np.sqrt(sumsq(x) / F(x.shape[-1]) + F(eps))
    return (x * r[..., None]) * weight


# ---- exp2: the one number that the page leaves to a file of constants -----------------------------------------

def exp2_coefficients(path=None):
    """Coefficients of the polynomial, highest power first, out of simd/exp2.h: SP_EXP2_C<i>; the constant term is 1."""
    path = path or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "simd", "exp2.h")
    with open(path, encoding="utf-8") as file:
        found = re.findall(r"^#define SP_EXP2_C(\d+) (-?0x[0-9a-f.]+p[-+]?\d+)f", file.read(), re.MULTILINE)
    if not found:
        raise ValueError(path + ": no SP_EXP2_C<i> constants")
    table = {int(i): float.fromhex(text) for i, text in found}
    table.setdefault(0, 1.0)
    return [F(table[i]) for i in range(max(table), -1, -1)]


class Exp2:
    """n = rint(x), f = x - n, the polynomial in f by Horner with fma, times 2^n. 1 at 0, 0 below 2^-126 and at -inf."""

    def __init__(self, coefficients):
        self.coefficients = coefficients

    def __call__(self, x):
        x = np.asarray(x, F)
        least = x < F(-126)                                   # also -inf
        most = x >= F(128)
        inner = np.where(least | most, F(0), x)
        n = np.rint(inner)
        f = inner - n
        p = np.full_like(f, self.coefficients[0])
        for c in self.coefficients[1:]:
            p = fma(p, f, c)
        y = np.ldexp(p.astype(np.float64), n.astype(np.int32)).astype(F)
        y = np.where(least | (y < F(2.0 ** -126)), F(0), y)
        return np.where(most, F(np.inf), y)


# ---- rotation and quantisation --------------------------------------------------------------------------------

def block_of(n, most=256):
    """The largest power of two that divides n, at most `most`."""
    b = 1
    while b < most and n % (2 * b) == 0:
        b *= 2
    return b


def rotate(x, b):
    """Unnormalised Walsh-Hadamard transform of each block of b in the last axis.

    Stages h = 1, 2, 4, ..: (u, v) -> (u + v, u - v).
    """
    shape = x.shape
    h = 1
    while h < b:
        pairs = x.reshape(-1, 2, h)
        x = np.stack((pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]), axis=1)
        h *= 2
    return x.reshape(shape)


def quantise(x, b):
    """Rotates by b (1: not at all) and quantises each vector: int8 as float64 (for exact products), and a / 127."""
    y = rotate(x, b)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise FloatingPointError("a NaN or an infinity in a row that is to be quantised")
    a = np.abs(y).max(axis=-1)
    tiny = a < TINY
    q = np.rint(y * (F(127) / np.where(tiny, F(1), a))[..., None])
    q = np.where(tiny[..., None], F(0), q)
    return q.astype(np.float64), np.where(tiny, F(0), a / F(127))


class Act8:
    """One or more activation rows [r, k] for the decode path: int8 in blocks of 32, one scale a block, nothing rotated."""

    def __init__(self, x):
        r, k = x.shape
        self.x = x
        q, d = quantise(x.reshape(r, k // 32, 32), 1)
        self.q, self.d = q.reshape(r, k), d
