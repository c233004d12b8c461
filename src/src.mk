# src.mk - the library, in reading order: a file includes only headers that stand before it, and tests/structure.sh sees to it.

libspcore_la_SOURCES = include/stillpoint.h simd/kernels.h

# ground floor: knows nothing of models
libspcore_la_SOURCES += \
  src/status.c src/status.h \
  src/log.c src/log.h \
  src/arena.c src/arena.h \
  src/settings.c src/settings.h \
  src/place.c src/place.h \
  src/numa.c src/numa.h \
  src/sha256.c src/sha256.h \
  src/crew.c src/crew.h \
  src/team.c src/team.h \
  src/file.c src/file.h \
  src/calibration.c src/calibration.h

# model file -> weights
libspcore_la_SOURCES += \
  src/quant.c src/quant.h \
  src/gguf.h \
  src/gguf_parts.h \
  src/gguf_parse.c \
  src/gguf_key.c \
  src/gguf.c \
  src/config.c src/config.h \
  src/rope.c src/rope.h \
  src/panel.c src/panel.h \
  src/weights.c src/weights.h

# text -> tokens
libspcore_la_SOURCES += \
  src/unicode.c src/unicode.h src/unicode_data.inc \
  src/pretok.c src/pretok.h \
  src/vocab.h \
  src/vocab_parts.h \
  src/vocab_merge.c \
  src/vocab_special.c \
  src/vocab_bpe.c \
  src/vocab_spm.c \
  src/vocab.c \
  src/chat.h \
  src/chat_tree.h \
  src/chat_run.h \
  src/chat_lex.c \
  src/chat_parse.c \
  src/chat_value.c \
  src/chat_builtin.c \
  src/chat_call.c \
  src/chat_eval.c \
  src/chat.c \
  src/text.c src/text.h

# the values that flow
libspcore_la_SOURCES += \
  src/kv.c src/kv.h \
  src/work.c src/work.h \
  src/backend.h

# one block of a prefill
libspcore_la_SOURCES += \
  src/linear.c src/linear.h \
  src/attn.c src/attn.h \
  src/attn_float.c \
  src/ffn.c src/ffn.h \
  src/layer.c src/layer.h \
  src/mass.c src/mass.h

# halting
libspcore_la_SOURCES += \
  src/policy.c src/policy.h \
  src/gate.c src/gate.h \
  src/seen.c src/seen.h \
  src/park.c src/park.h \
  src/timeline.c src/timeline.h \
  src/stage.c src/stage.h \
  src/prefill.c src/prefill.h \
  src/plan.c src/plan.h \
  src/probe.c src/probe.h

# decode
libspcore_la_SOURCES += \
  src/wake.c src/wake.h \
  src/decode.c src/decode.h \
  src/sample.c src/sample.h \
  src/state.c src/state.h

# doors and public face
libspcore_la_SOURCES += \
  src/backend_cpu.c \
  src/gpu_model.c src/gpu_model.h \
  src/gpu_lane.c src/gpu_lane.h \
  src/gpu_layer.c \
  src/gpu_step.c \
  src/backend_cuda.c src/backend_cuda.h \
  src/backend_split.c src/backend_split.h \
  src/gpu_plan.c src/gpu_plan.h \
  src/device.c src/device.h \
  src/recover.c src/recover.h \
  src/model.c src/model.h \
  src/session.c src/session.h \
  src/selftest.h \
  src/selftest_cases.c \
  src/selftest.c

libspcore_la_LIBADD = $(OPENBLAS_LIBS) $(NUMA_LIBS)
