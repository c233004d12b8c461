"""gguf_file.py - a small reader of GGUF v2 and v3: keys, and tensors as mapped bytes.

In:       a path.  Out: dict of keys; dict of tensors with type number, shape (ne[0] = length of a row first) and rows of bytes.
Not here: checks against hostile files (the library's business; this reads what the tests made), what blocks mean (blocks.py).
"""

import struct

import numpy as np

SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
STRING, ARRAY = 8, 9


class Tensor:
    def __init__(self, name, kind, ne, data):
        self.name, self.kind, self.ne, self.data = name, kind, ne, data


class Cursor:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, code):
        value, = struct.unpack_from("<" + code, self.data, self.at)
        self.at += struct.calcsize("<" + code)
        return value

    def string(self):
        n = self.take("Q")
        self.at += n
        return bytes(self.data[self.at - n:self.at]).decode("utf-8", "surrogateescape")

    def value(self, kind):
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            kind, n = self.take("I"), self.take("Q")
            return [self.value(kind) for _ in range(n)]
        return self.take(SCALARS[kind])


class GGUF:
    def __init__(self, path, row_bytes):
        """row_bytes(kind, k): bytes of a row of k elements; it lives in blocks.py."""
        self.bytes = np.memmap(path, np.uint8, "r")
        cursor = Cursor(memoryview(self.bytes))
        if bytes(self.bytes[:4]) != b"GGUF":
            raise ValueError(path + ": not a GGUF file")
        cursor.at = 4
        if cursor.take("I") not in (2, 3):
            raise ValueError(path + ": a GGUF version other than 2 and 3")
        n_tensors, n_keys = cursor.take("Q"), cursor.take("Q")
        self.keys = {}
        for _ in range(n_keys):
            name = cursor.string()
            self.keys[name] = cursor.value(cursor.take("I"))
        heads = [self.head(cursor) for _ in range(n_tensors)]
        align = self.keys.get("general.alignment", 32)
        start = -(-cursor.at // align) * align
        self.tensors = {name: self.tensor(name, kind, ne, start + offset, row_bytes) for name, kind, ne, offset in heads}

    @staticmethod
    def head(cursor):
        name = cursor.string()
        ne = [cursor.take("Q") for _ in range(cursor.take("I"))]
        return name, cursor.take("I"), ne, cursor.take("Q")

    def tensor(self, name, kind, ne, at, row_bytes):
        width = row_bytes(kind, ne[0])
        rows = int(np.prod(ne[1:], dtype=np.int64))
        return Tensor(name, kind, ne, self.bytes[at:at + rows * width].reshape(rows, width))
