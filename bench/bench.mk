# bench.mk - end-to-end benchmarks and comparisons with peers: distributed, never part of "make check".
