# bench.mk - end-to-end benchmarks and comparisons with peers: distributed, never part of "make check", never installed.

EXTRA_PROGRAMS += bench/roofline
bench_roofline_SOURCES = bench/roofline.c bench/peak.c bench/peak.h
bench_roofline_LDADD = libspcore.la

EXTRA_DIST += \
  bench/RESULTS bench/common.py bench/cost bench/mca bench/peers bench/peers.py bench/peers_llama.py bench/peers_openvino.py \
  bench/plot.py bench/prefill.svg
EXTRA_DIST += bench/quality bench/texts
EXTRA_DIST += bench/gpu bench/gpu_kernels.c bench/gpu_memory.c bench/gpu_torch.py
