# src.mk - the library, in reading order (HACKING tells why it is in this order).

libspcore_la_SOURCES = \
  include/stillpoint.h simd/kernels.h \
  src/status.c src/status.h \
  src/log.c src/log.h \
  src/arena.c src/arena.h \
  src/settings.c src/settings.h \
  src/team.c src/team.h \
  src/file.h src/gguf.h src/config.h src/quant.h src/vocab.h src/chat.h

libspcore_la_LIBADD = $(OPENBLAS_LIBS) $(NUMA_LIBS)
