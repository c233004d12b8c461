"""blocks.py - the 15 tensor types: blocks of bytes to integers, scales and minima.

In:       rows of bytes as they lie in the file.
Out:      Row(q, scale, minimum): weight i = scale[i // sub] * q[i] + minimum[i // sub].
Not here: the reader (gguf_file.py), products (layers.py).

Weights to fp32 need no stated order: scale is a product of an fp16 (11 bits) and at most 7 bits of integer, q has at most
7 bits, and where both are wide their product still fits 24 bits (Q6_K: 11 + 7 + 5; IQ4_XS: 11 + 5 + 7), so scale and
scale * q are exact, and so is the minimum (11 + 6 bits). Only the sum with the minimum rounds, once.
"""

import numpy as np

F = np.float32
NL = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.int16)   # of IQ4_NL and IQ4_XS


def half(b, at):
    """fp16 at byte `at` of each block, as fp32 [n, 1]."""
    return np.ascontiguousarray(b[:, at:at + 2]).view(np.float16).astype(F)


def nibbles(b):
    """[n, m] bytes -> [n, 2 m]: all low nibbles, then all high ones."""
    return np.concatenate((b & 15, b >> 4), axis=1).astype(np.int16)


def bits_of(b, count):
    """[n, m] bytes -> [n, 8 m] bits, lowest first, the first `count`."""
    return np.unpackbits(np.ascontiguousarray(b), axis=1, bitorder="little")[:, :count].astype(np.int16)


def q8_0(b):
    return np.ascontiguousarray(b[:, 2:34]).view(np.int8).astype(np.int16), half(b, 0), None


def q4_0(b):
    return nibbles(b[:, 2:18]) - 8, half(b, 0), None


def q4_1(b):
    return nibbles(b[:, 4:20]), half(b, 0), half(b, 2)


def q5_0(b):
    return (nibbles(b[:, 6:22]) | bits_of(b[:, 2:6], 32) << 4) - 16, half(b, 0), None


def q5_1(b):
    return nibbles(b[:, 8:24]) | bits_of(b[:, 4:8], 32) << 4, half(b, 0), half(b, 2)


def q2_k(b):
    scales, qs = b[:, :16], b[:, 16:80].reshape(-1, 2, 1, 32)
    shifts = np.array([0, 2, 4, 6], np.uint8).reshape(1, 1, 4, 1)
    q = ((qs >> shifts) & 3).reshape(-1, 256).astype(np.int16)
    return q, half(b, 80) * (scales & 15).astype(F), -(half(b, 82) * (scales >> 4).astype(F))


def q3_k(b):
    hmask, qs, packed = b[:, :32], b[:, 32:96].reshape(-1, 2, 1, 32), b[:, 96:108]
    shifts = np.array([0, 2, 4, 6], np.uint8).reshape(1, 1, 4, 1)
    low = ((qs >> shifts) & 3).reshape(-1, 8, 32).astype(np.int16)
    high = (hmask[:, None, :] >> np.arange(8, dtype=np.uint8).reshape(1, 8, 1)) & 1       # bit g of byte l: group g, element l
    q = (low - 4 * (1 - high.astype(np.int16))).reshape(-1, 256)
    i = np.arange(16)
    small = np.where(i < 8, packed[:, i % 8] & 15, packed[:, i % 8] >> 4)
    large = (packed[:, 8 + i % 4] >> (2 * (i // 4)).astype(np.uint8)) & 3
    return q, half(b, 108) * ((small | large << 4).astype(F) - F(32)), None


def k4_scales(s):
    """12 bytes -> 8 scales and 8 minima of 6 bits."""
    scale = np.concatenate((s[:, :4] & 63, (s[:, 8:12] & 15) | (s[:, :4] >> 6) << 4), axis=1)
    least = np.concatenate((s[:, 4:8] & 63, (s[:, 8:12] >> 4) | (s[:, 4:8] >> 6) << 4), axis=1)
    return scale.astype(F), least.astype(F)


def halves_of_32(qs):
    """[n, 128] bytes -> [n, 256]: of each 32 bytes the low nibbles, then the high ones."""
    return nibbles(qs.reshape(-1, 32)).reshape(-1, 256)


def q4_k(b):
    scale, least = k4_scales(b[:, 4:16])
    return halves_of_32(b[:, 16:144]), half(b, 0) * scale, -(half(b, 2) * least)


def q5_k(b):
    scale, least = k4_scales(b[:, 4:16])
    high = (b[:, 16:48][:, None, :] >> np.arange(8, dtype=np.uint8).reshape(1, 8, 1)) & 1
    q = halves_of_32(b[:, 48:176]) | high.reshape(-1, 256).astype(np.int16) << 4
    return q, half(b, 0) * scale, -(half(b, 2) * least)


def q6_k(b):
    ql, qh = b[:, :128].reshape(-1, 2, 2, 32), b[:, 128:192].reshape(-1, 2, 1, 32)
    low = np.concatenate((ql & 15, ql >> 4), axis=2)                                      # four groups of 32 in each 128
    high = (qh >> np.array([0, 2, 4, 6], np.uint8).reshape(1, 1, 4, 1)) & 3
    q = (low | high << 4).reshape(-1, 256).astype(np.int16) - 32
    scales = np.ascontiguousarray(b[:, 192:208]).view(np.int8).astype(F)
    return q, half(b, 208) * scales, None


def iq4_nl(b):
    return NL[nibbles(b[:, 2:18])], half(b, 0), None


def iq4_xs(b):
    high = np.ascontiguousarray(b[:, 2:4]).view(np.uint16)
    i = np.arange(8)
    small = (b[:, 4 + i // 2] >> (4 * (i % 2)).astype(np.uint8)) & 15
    large = (high >> (2 * i).astype(np.uint16)) & 3
    scale = (small.astype(np.int16) | large.astype(np.int16) << 4) - 32
    return NL[nibbles(b[:, 8:136].reshape(-1, 16))].reshape(-1, 256), half(b, 0) * scale.astype(F), None


# number in the file: name, elements of a block, bytes of a block, elements that share a scale, unpack
TYPES = {
    0: ("F32", 1, 4, 1, None), 1: ("F16", 1, 2, 1, None), 30: ("BF16", 1, 2, 1, None),
    8: ("Q8_0", 32, 34, 32, q8_0), 2: ("Q4_0", 32, 18, 32, q4_0), 3: ("Q4_1", 32, 20, 32, q4_1),
    6: ("Q5_0", 32, 22, 32, q5_0), 7: ("Q5_1", 32, 24, 32, q5_1), 10: ("Q2_K", 256, 84, 16, q2_k),
    11: ("Q3_K", 256, 110, 16, q3_k), 12: ("Q4_K", 256, 144, 32, q4_k), 13: ("Q5_K", 256, 176, 32, q5_k),
    14: ("Q6_K", 256, 210, 16, q6_k), 20: ("IQ4_NL", 32, 18, 32, iq4_nl), 23: ("IQ4_XS", 256, 136, 32, iq4_xs),
}


def row_bytes(kind, k):
    name, block, size, _, _ = TYPES[kind]
    if k % block:
        raise ValueError("%s: a row of %d elements is no whole number of blocks" % (name, k))
    return k // block * size


class Row:
    """Rows of quantised weights. q [n, k], scale [n, k / sub], minimum the same or None."""

    def __init__(self, kind, data):
        _, block, size, self.sub, unpack = TYPES[kind]
        n = data.shape[0]
        q, scale, minimum = unpack(np.ascontiguousarray(data).reshape(-1, size))
        self.q, self.scale = q.reshape(n, -1), scale.reshape(n, -1)
        self.minimum = None if minimum is None else minimum.reshape(n, -1)


def floats(kind, data):
    """Rows of F32, F16 or BF16 as fp32."""
    data = np.ascontiguousarray(data)
    if kind == 0:
        return data.view(F)
    if kind == 1:
        return data.view(np.float16).astype(F)
    return (data.view(np.uint16).astype(np.uint32) << 16).view(F)


def is_float(kind):
    return TYPES[kind][4] is None


def to_fp32(kind, data):
    if is_float(kind):
        return floats(kind, data)
    row = Row(kind, data)
    y = np.repeat(row.scale, row.sub, axis=1) * row.q.astype(F)
    return y if row.minimum is None else y + np.repeat(row.minimum, row.sub, axis=1)
