#!/usr/bin/env python3
"""gpu_torch - what PyTorch and Hugging Face transformers reach on the same GPU: the peers of bench/gpu.

In:       gpu_torch.py rates | prefill SHAPE LENGTH...
Out:      a line a figure; "not measured: why" where a library is missing.
Not here: Stillpoint's own figures.

rates: torch._int_mm, int8 x int8 to int32. prefill: the shape with random weights in bf16, attention by SDPA, batch 1, logits of
the last token; the median of five after two.
"""

import sys

SHAPES = {
    "0.5b": dict(num_hidden_layers=24, hidden_size=896, num_attention_heads=14, num_key_value_heads=2, intermediate_size=4864),
    "1.5b": dict(num_hidden_layers=28, hidden_size=1536, num_attention_heads=12, num_key_value_heads=2, intermediate_size=8960),
    "7b": dict(num_hidden_layers=28, hidden_size=3584, num_attention_heads=28, num_key_value_heads=4, intermediate_size=18944),
}


def median_seconds(torch, work, warm, rounds):
    seconds = []
    for i in range(warm + rounds):
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        work()
        end.record()
        torch.cuda.synchronize()
        if i >= warm:
            seconds.append(begin.elapsed_time(end) / 1e3)
    return sorted(seconds)[rounds // 2]


def rates(torch):
    for m, n, k in ((8192, 18944, 3584), (8192, 3584, 18944), (8192, 896, 4864)):
        a = torch.randint(-127, 128, (m, k), dtype=torch.int8, device="cuda")
        b = torch.randint(-127, 128, (n, k), dtype=torch.int8, device="cuda").t()
        seconds = median_seconds(torch, lambda: torch._int_mm(a, b), 3, 20)
        print(f"torch._int_mm {m} x {n} x {k} {seconds * 1e3:.3f} ms {2 * m * n * k / seconds / 1e12:.1f} Tops/s", flush=True)


def prefill(torch, shape, lengths):
    from transformers import Qwen2Config, Qwen2ForCausalLM

    config = Qwen2Config(vocab_size=32768, max_position_embeddings=65536, tie_word_embeddings=shape != "7b", **SHAPES[shape])
    config._attn_implementation = "sdpa"
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model = Qwen2ForCausalLM(config).eval()
    with torch.inference_mode():
        for length in lengths:
            ids = torch.randint(3, 32768, (1, length), device="cuda")
            seconds = median_seconds(torch, lambda: model(ids, logits_to_keep=1), 2, 5)
            print(f"transformers {shape} {length} {length / seconds:.0f} tokens/s", flush=True)


def main():
    try:
        import torch

        if sys.argv[1] == "rates":
            rates(torch)
        else:
            prefill(torch, sys.argv[2], [int(length) for length in sys.argv[3:]])
    except Exception as error:  # a missing library, a GPU that it cannot use: the comparison is left out, the run goes on
        print("not measured:", str(error).splitlines()[0])


main()
