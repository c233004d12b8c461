"""model.py - shape, weights and RoPE tables of a model, out of its file.

In:       a GGUF of architecture llama, qwen2 or qwen3.
Out:      weights as int8 panels (prefill), as the file's own blocks (decode), or as fp32 (embedding, norms, biases).
Not here: what is computed with them (layers.py).
"""

import decimal
import math

import numpy as np

import blocks
import fp32
from gguf_file import GGUF

F = np.float32


class Panel:
    """One weight matrix for prefill (section 2, step 3): rows to fp32, rotated, int8 with one scale a row."""

    def __init__(self, tensor):
        self.k = tensor.ne[0]
        self.b = fp32.block_of(self.k)
        self.q, self.scale = fp32.quantise(blocks.to_fp32(tensor.kind, tensor.data), self.b)


def power(x, y):
    """x ** y in double, rounded right: the C library's may be off by a unit, which a position of some thousands would show."""
    with decimal.localcontext() as context:
        context.prec = 50
        return float(decimal.Decimal(x) ** decimal.Decimal(y))


class Rope:
    """cos and sin of position * frequency, computed in double and rounded to fp32 once."""

    def __init__(self, keys, arch, head_dim, factors):
        get = lambda name, preset: keys.get(arch + ".rope." + name, preset)
        self.rot = int(get("dimension_count", head_dim))
        self.pairs = arch == "llama"                       # partners (2i, 2i + 1); else (i, i + rot / 2)
        base = float(get("freq_base", 10000.0))
        kind = get("scaling.type", "none")
        factor = float(get("scaling.factor", 1.0)) if kind != "none" else 1.0
        self.frequency = [power(base, -2.0 * i / self.rot) for i in range(self.rot // 2)]
        self.magnitude = 1.0
        if factors is not None:                            # rope_freqs.weight: what llama3 scaling comes to in a file
            self.frequency = [f / float(x) for f, x in zip(self.frequency, factors)]
        if kind == "linear":
            self.frequency = [f / factor for f in self.frequency]
        elif kind == "llama3" and factors is None:
            self.llama3(factor, get)
        elif kind == "yarn":
            self.yarn(factor, base, get)
        elif kind not in ("none", "llama3"):
            raise ValueError("RoPE scaling of type " + kind)

    def llama3(self, factor, get):
        """Long wavelengths are divided by the factor, short ones are left, those between are blended."""
        original = float(get("scaling.original_context_length", 8192))
        low, high = float(get("scaling.low_freq_factor", 1.0)), float(get("scaling.high_freq_factor", 4.0))
        for i, f in enumerate(self.frequency):
            wavelength = 2.0 * math.pi / f
            share = min(1.0, max(0.0, (original / wavelength - low) / (high - low)))
            if share < 1.0:
                self.frequency[i] = (1.0 - share) * f / factor + share * f

    def yarn(self, factor, base, get):
        """YaRN (arXiv 2309.00071): a ramp over the dimensions between beta_fast and beta_slow turns, and a magnitude."""
        original = float(get("scaling.original_context_length", 0))
        fast, slow = float(get("scaling.yarn_beta_fast", 32.0)), float(get("scaling.yarn_beta_slow", 1.0))
        extend = float(get("scaling.yarn_ext_factor", 1.0))
        edge = lambda turns: self.rot * math.log(original / (turns * 2.0 * math.pi)) / (2.0 * math.log(base))
        low, high = max(0.0, math.floor(edge(fast))), min(self.rot - 1.0, math.ceil(edge(slow)))
        for i, f in enumerate(self.frequency):
            ramp = min(1.0, max(0.0, (i - low) / max(0.001, high - low)))
            share = (1.0 - ramp) * extend                  # of the frequency that is left as it was
            self.frequency[i] = f / factor * (1.0 - share) + f * share
        self.magnitude = float(get("scaling.attn_factor", 1.0)) * (1.0 + 0.1 * math.log(factor) if extend else 1.0)

    def tables(self, positions):
        """[n, rot / 2] cos and sin."""
        angles = [[p * f for f in self.frequency] for p in map(float, positions)]
        table = lambda fn: np.array([[fn(a) * self.magnitude for a in row] for row in angles]).astype(F)
        return table(math.cos), table(math.sin)


class Model:
    def __init__(self, path):
        self.file = GGUF(path, blocks.row_bytes)
        keys = self.file.keys
        self.arch = keys["general.architecture"]
        if self.arch not in ("llama", "qwen2", "qwen3"):
            raise ValueError("architecture " + self.arch)
        get = lambda name, *preset: keys.get(self.arch + "." + name, *preset)
        self.n_layers = get("block_count")
        self.n_embd = get("embedding_length")
        self.n_heads = get("attention.head_count")
        self.n_kv = get("attention.head_count_kv", self.n_heads)
        self.head_dim = get("attention.key_length", self.n_embd // self.n_heads)
        self.eps = F(get("attention.layer_norm_rms_epsilon"))
        factors = self.file.tensors.get("rope_freqs.weight")
        self.rope = Rope(keys, self.arch, self.head_dim,
                         None if factors is None else blocks.to_fp32(factors.kind, factors.data).ravel())
        self.n_vocab = self.file.tensors["token_embd.weight"].ne[1]
        self.panels, self.rows, self.vectors = {}, {}, {}

    def tensor(self, name):
        if name == "output.weight" and name not in self.file.tensors:
            name = "token_embd.weight"                     # tied
        return self.file.tensors[name]

    def panel(self, name):
        if name not in self.panels:
            self.panels[name] = Panel(self.tensor(name))
        return self.panels[name]

    def vector(self, name):
        """A norm's weight or a bias as fp32; None if the file has none."""
        if name not in self.vectors:
            tensor = self.file.tensors.get(name)
            self.vectors[name] = None if tensor is None else blocks.to_fp32(tensor.kind, tensor.data).ravel()
        return self.vectors[name]

    def embed(self, ids):
        tensor = self.tensor("token_embd.weight")
        return blocks.to_fp32(tensor.kind, tensor.data[np.asarray(ids)])
