# cuda.mk - the door to the GPU's driver, in C, without a CUDA dependency at build time.

libspcore_la_SOURCES += cuda/door.c cuda/door.h
