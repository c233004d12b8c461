# src.mk - the library, in reading order: a file includes only headers that stand before it, and tests/structure.sh sees to it.

libspcore_la_SOURCES = include/stillpoint.h simd/kernels.h

# ground floor: knows nothing of models
libspcore_la_SOURCES += \
  src/status.c src/status.h \
  src/log.c src/log.h \
  src/arena.c src/arena.h \
  src/settings.c src/settings.h \
  src/team.c src/team.h \
  src/file.h

# model file -> weights
libspcore_la_SOURCES += \
  src/gguf.h \
  src/config.h \
  src/quant.c src/quant.h \
  src/rope.c src/rope.h \
  src/panel.c src/panel.h \
  src/weights.h

# text -> tokens
libspcore_la_SOURCES += \
  src/vocab.h \
  src/chat.h

libspcore_la_LIBADD = $(OPENBLAS_LIBS) $(NUMA_LIBS)
