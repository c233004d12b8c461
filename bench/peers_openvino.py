"""peers_openvino.py - the OpenVINO GenAI side of peers.py: one resident model that answers timing requests.

In:       a GGUF path, a text and the number of threads; one JSON object a line on stdin, as for peers_llama.py.
Out:      one JSON object a line on stdout; the first describes the build and the options, or says "missing" or "refused" and why.
Not here: medians, ratios, the other sides (peers.py).

Everything but the number of threads is OpenVINO's default. One default would spoil a comparison: prompts that begin alike share
their cached blocks, so a second measurement would time nothing. Each prompt therefore starts one token further into the text.
A first prompt of a length compiles kernels for its shape; it is not timed.
"""

import argparse
import json
import sys

PROPERTIES = ("INFERENCE_PRECISION_HINT", "KV_CACHE_PRECISION", "DYNAMIC_QUANTIZATION_GROUP_SIZE")


def reply(**values):
    print(json.dumps(values), flush=True)


def peak_bytes():
    with open("/proc/self/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM"))


class Engine:
    def __init__(self, options, numpy, openvino, genai):
        self.numpy, self.openvino, self.genai = numpy, openvino, genai
        self.pipeline = genai.LLMPipeline(options.model, "CPU", INFERENCE_NUM_THREADS=options.threads)
        with open(options.text, encoding="utf-8", errors="replace") as file:
            text = file.read()
        self.ids = list(self.pipeline.get_tokenizer().encode(text, add_special_tokens=False).input_ids.data[0])
        self.turn, self.seen = 0, set()

    def describe(self, threads):
        core = self.openvino.Core()
        defaults = {name.lower(): str(core.get_property("CPU", name)) for name in PROPERTIES}
        return dict(version=self.genai.__version__, openvino=self.openvino.__version__, threads=threads, **defaults)

    def generate(self, length, tokens):
        """perf_metrics of `tokens` tokens after a prompt of `length` that nothing has begun like before."""
        self.turn += 1
        ids = (self.ids * ((self.turn + length) // len(self.ids) + 1))[self.turn:self.turn + length]
        settings = self.genai.GenerationConfig(max_new_tokens=tokens, ignore_eos=True)
        prompt = self.openvino.Tensor(self.numpy.array([ids], dtype=self.numpy.int64))
        return self.pipeline.generate(prompt, settings).perf_metrics

    def prefill(self, length):
        if length not in self.seen:
            self.generate(length, 1)
        self.seen.add(length)
        return self.generate(length, 1).get_ttft().mean / 1000

    def decode(self, depth, tokens):
        """The prompt's own token is not among the timed ones."""
        return self.generate(depth, tokens + 1).get_tpot().mean * tokens / 1000


def answer(engine, request):
    if request["op"] == "prefill":
        return {"seconds": engine.prefill(request["tokens"])}
    if request["op"] == "decode":
        return {"seconds": engine.decode(request["depth"], request["tokens"])}
    if request["op"] == "peak":
        return {"bytes": peak_bytes()}
    return {"error": "unknown op " + request["op"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    try:
        import numpy
        import openvino
        import openvino_genai
    except ImportError as error:
        return reply(missing=str(error))
    try:
        engine = Engine(options, numpy, openvino, openvino_genai)
    except RuntimeError as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        return reply(refused=lines[-1] if lines else "no reason given", version=openvino_genai.__version__)
    reply(**engine.describe(options.threads))
    for line in sys.stdin:
        reply(**answer(engine, json.loads(line)))


if __name__ == "__main__":
    sys.exit(main())
