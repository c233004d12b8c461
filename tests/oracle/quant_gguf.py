#!/usr/bin/env python3
"""quant_gguf.py - every quantised type, dequantised by the library and by the `gguf` package: equal bit for bit.

In:       the path of tests/quant_dump and names of ISA levels (default: ref); needs numpy and gguf.
Out:      one line a type and level; the last line counts them. Exit 1 if one differs.
Not here: the types' dot products (tests/check_quant.c).

Blocks are random bytes whose fp16 scales are made finite: a third of them subnormal or zero, the others of any size.
"""
import subprocess
import sys

import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

# Bytes in the block where fp16 scales and minimums stand.
SCALES = {
    "F32": (), "F16": (0,), "BF16": (), "Q8_0": (0,), "Q4_0": (0,), "Q4_1": (0, 2), "Q5_0": (0,), "Q5_1": (0, 2), "Q2_K": (80, 82),
    "Q3_K": (108,), "Q4_K": (0, 2), "Q5_K": (0, 2), "Q6_K": (208,), "IQ4_NL": (0,), "IQ4_XS": (0,),
}
ROWS, BLOCKS = 64, 16  # BLOCKS of 256 weights a row


def random_rows(name, rng):
    """Rows of random blocks, uint8 [ROWS][bytes], and the number of weights in each."""
    block, size = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    count = BLOCKS * 256 // block
    data = rng.integers(0, 256, (ROWS, count, size), dtype=np.uint8)
    for at in SCALES[name]:
        half = rng.integers(0, 0x7C00, (ROWS, count), dtype=np.uint16)
        half = np.where(rng.random((ROWS, count)) < 1 / 3, half & 0x3FF, half)
        half |= rng.integers(0, 2, (ROWS, count), dtype=np.uint16) << 15
        data[:, :, at:at + 2] = half.astype("<u2")[..., None].view(np.uint8)
    if name in ("F32", "BF16"):  # keep the exponent from being all ones
        data[:, :, -1] &= 0xBF
    return data.reshape(ROWS, -1), BLOCKS * 256


def main():
    dump, levels = sys.argv[1], sys.argv[2:] or ["ref"]
    passed = failed = skipped = 0
    for name in SCALES:
        rows, k = random_rows(name, np.random.default_rng(20240229))
        want = dequantize(rows, GGMLQuantizationType[name]).astype(np.float32)
        for level in levels:
            run = subprocess.run([dump, level, name, str(k)], input=rows.tobytes(), stdout=subprocess.PIPE, check=False)
            if run.returncode == 3:
                skipped += 1
                print(f"{name} {level}: skipped, the machine lacks it")
                continue
            equal = run.returncode == 0 and run.stdout == want.tobytes()
            passed, failed = passed + equal, failed + (not equal)
            print(f"{name} {level}: {want.size} weights {'equal' if equal else 'DIFFER'}")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
