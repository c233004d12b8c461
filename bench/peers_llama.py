"""peers_llama.py - the llama.cpp side of peers.py: one resident model that answers timing requests.

In:       a GGUF path and pinned options on the command line; one JSON object a line on stdin:
          {"op": "prefill", "tokens": n}, {"op": "decode", "depth": d, "tokens": n}  or  {"op": "peak"}.
Out:      one JSON object a line on stdout; the first describes the build and the options, or says "missing" or "refused" and why;
          the others hold seconds, or bytes for the peak.
Not here: medians, ratios, the other side (peers.py).

Runs in the Python that has llama-cpp-python. The model stays loaded between requests, so every time is a warm one.
"""

import argparse
import ctypes
import json
import sys
import time

try:
    import llama_cpp
except ImportError as problem:
    print(json.dumps({"missing": str(problem)}), flush=True)
    sys.exit(0)


def reply(**values):
    print(json.dumps(values), flush=True)


def peak_bytes():
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


def without_repacking():
    """The binding has no argument for it: weights stay as the file has them (repacked ones crash with AMX)."""
    defaults = llama_cpp.llama_model_default_params

    def changed():
        params = defaults()
        params.use_extra_bufts = False
        return params

    llama_cpp.llama_cpp.llama_model_default_params = changed
    llama_cpp.llama_model_default_params = changed


def open_model(options, n_ctx):
    if not options.repack:
        without_repacking()
    return llama_cpp.Llama(
        model_path=options.model, n_ctx=n_ctx, n_batch=options.batch, n_ubatch=options.ubatch,
        n_threads=options.threads, n_threads_batch=options.threads, flash_attn=True,
        type_k=llama_cpp.GGML_TYPE_F16, type_v=llama_cpp.GGML_TYPE_F16, n_gpu_layers=0, verbose=False)


def prompt_ids(llama, path, length):
    """`length` ids of the text, which is repeated as often as needed."""
    with open(path, "rb") as file:
        ids = llama.tokenize(file.read(), add_bos=False)
    return (ids * (length // len(ids) + 1))[:length]


def time_prefill(llama, ids):
    llama.reset()
    start = time.perf_counter()
    llama.eval(ids)
    llama_cpp.llama_synchronize(llama.ctx)
    return time.perf_counter() - start


def time_decode(llama, ids, tokens):
    """Seconds for `tokens` single steps after `ids`; the step's token is the greedy one, as in real use."""
    llama.reset()
    llama.eval(ids)
    n_vocab = llama.n_vocab()
    start = time.perf_counter()
    for _ in range(tokens):
        logits = llama_cpp.llama_get_logits(llama.ctx)
        array = ctypes.cast(logits, ctypes.POINTER(ctypes.c_float * n_vocab)).contents
        best = memoryview(array).cast("B").cast("f")
        llama.eval([greedy(best)])
    llama_cpp.llama_synchronize(llama.ctx)
    return time.perf_counter() - start


def greedy(view):
    import numpy  # llama_cpp needs it anyway
    return int(numpy.frombuffer(view, dtype=numpy.float32).argmax())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--ubatch", type=int, default=512)
    parser.add_argument("--repack", action="store_true", help="let llama.cpp repack weights")
    options = parser.parse_args()
    try:
        llama = open_model(options, options.context)
    except (ValueError, RuntimeError) as error:
        return reply(refused=str(error), version=llama_cpp.__version__)
    reply(version=llama_cpp.__version__, system=llama_cpp.llama_print_system_info().decode(), threads=options.threads,
          n_batch=options.batch, n_ubatch=options.ubatch, flash_attn=True, type_k="f16", type_v="f16",
          repack=options.repack)
    for line in sys.stdin:
        request = json.loads(line)
        if request["op"] == "prefill":
            reply(seconds=time_prefill(llama, prompt_ids(llama, options.text, request["tokens"])))
        elif request["op"] == "decode":
            reply(seconds=time_decode(llama, prompt_ids(llama, options.text, request["depth"]), request["tokens"]))
        elif request["op"] == "peak":
            reply(bytes=peak_bytes())
        else:
            reply(error="unknown op " + request["op"])


if __name__ == "__main__":
    main()
