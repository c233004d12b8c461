"""torch_model.py - a plain forward pass in torch fp32 over weights that the `gguf` package dequantises. The outside reference.

In:       a GGUF of architecture llama, qwen2 or qwen3 without RoPE scaling; token ids.
Out:      final hidden rows, and logits of any of them.
Not here: anything of Stillpoint's: neither code nor arithmetic is shared.
"""

import gguf
import torch
from gguf.quants import dequantize


class TorchModel:
    def __init__(self, path):
        reader = gguf.GGUFReader(path)
        self.tensors = {tensor.name: tensor for tensor in reader.tensors}
        self.weights = {}
        self.fields = reader.fields
        self.arch = self.field("general.architecture")
        if self.arch not in ("llama", "qwen2", "qwen3") or self.key("rope.scaling.type", "none") != "none":
            raise ValueError(path + ": this reference knows llama, qwen2 and qwen3 without RoPE scaling")
        self.n_layers, self.n_embd = self.key("block_count"), self.key("embedding_length")
        self.n_heads = self.key("attention.head_count")
        self.n_kv = self.key("attention.head_count_kv", self.n_heads)
        self.d = self.key("attention.key_length", self.n_embd // self.n_heads)
        self.eps, self.base = self.key("attention.layer_norm_rms_epsilon"), self.key("rope.freq_base", 10000.0)
        self.output = self.weight("output.weight" if "output.weight" in self.tensors else "token_embd.weight")

    def field(self, name, preset=None):
        return self.fields[name].contents() if name in self.fields else preset

    def key(self, name, preset=None):
        return self.field(self.arch + "." + name, preset)

    def weight(self, name):
        """fp32; None if the file has none. Kept: dequantising is slow."""
        if name not in self.weights:
            tensor = self.tensors.get(name)
            value = None if tensor is None else torch.from_numpy(dequantize(tensor.data, tensor.tensor_type).copy())
            self.weights[name] = value
        return self.weights[name]

    def linear(self, layer, part, x):
        name = "blk.%d.%s" % (layer, part)
        return torch.nn.functional.linear(x, self.weight(name + ".weight"), self.weight(name + ".bias"))

    def norm(self, x, name):
        return torch.nn.functional.rms_norm(x, x.shape[-1:], self.weight(name + ".weight"), self.eps)

    def rotate(self, x, cos, sin):
        """x [T, heads, d]. llama files pair (2i, 2i + 1), the others (i, i + d / 2)."""
        if self.arch == "llama":
            a, b = x[..., ::2], x[..., 1::2]
            return torch.stack((a * cos - b * sin, b * cos + a * sin), -1).flatten(-2)
        a, b = x[..., :self.d // 2], x[..., self.d // 2:]
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    def attention(self, layer, x, cos, sin):
        heads = lambda part, n: self.linear(layer, part, x).view(len(x), n, self.d)
        q, k, v = heads("attn_q", self.n_heads), heads("attn_k", self.n_kv), heads("attn_v", self.n_kv)
        if self.arch == "qwen3":
            q, k = self.norm(q, "blk.%d.attn_q_norm" % layer), self.norm(k, "blk.%d.attn_k_norm" % layer)
        q, k = self.rotate(q, cos, sin), self.rotate(k, cos, sin)
        k, v = (y.repeat_interleave(self.n_heads // self.n_kv, 1) for y in (k, v))
        o = torch.nn.functional.scaled_dot_product_attention(*(y.transpose(0, 1)[None] for y in (q, k, v)), is_causal=True)
        return self.linear(layer, "attn_output", o[0].transpose(0, 1).reshape(len(x), -1))

    @torch.inference_mode()
    def hidden(self, ids):
        """[T, n_embd] after the final norm."""
        angles = torch.outer(torch.arange(len(ids), dtype=torch.float64),
                             self.base ** (-torch.arange(0, self.d, 2, dtype=torch.float64) / self.d))
        cos, sin = angles.cos().float()[:, None], angles.sin().float()[:, None]
        x = self.weight("token_embd.weight")[torch.tensor(ids)]
        for layer in range(self.n_layers):
            x = x + self.attention(layer, self.norm(x, "blk.%d.attn_norm" % layer), cos, sin)
            y = self.norm(x, "blk.%d.ffn_norm" % layer)
            y = torch.nn.functional.silu(self.linear(layer, "ffn_gate", y)) * self.linear(layer, "ffn_up", y)
            x = x + self.linear(layer, "ffn_down", y)
        return self.norm(x, "output_norm")

    @torch.inference_mode()
    def logits(self, hidden):
        return hidden @ self.output.T
