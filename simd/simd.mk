# simd.mk - kernels: the reference and the choice are part of the core; each instruction set is a library of its own, because its
# flags must reach its one file and no other. -fno-lto: link-time optimisation could inline across that border.

