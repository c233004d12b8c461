# bench.mk - end-to-end benchmarks and comparisons with peers: distributed, never part of "make check".

EXTRA_DIST += \
  bench/RESULTS bench/common.py bench/cost bench/peers bench/peers.py bench/peers_llama.py bench/peers_openvino.py bench/plot.py
