# tests.mk - what "make check" runs: Check programs, then scripts; both speak TAP. Results: tests/*.trs.

TEST_EXTENSIONS = .sh
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
LOG_COMPILER = $(LIBTOOL) --mode=execute $(EMULATOR)
SH_LOG_COMPILER = $(SHELL)
# What scripts need to know. Paths are absolute: scripts work in directories of their own. Threads that wait sleep: tests ask for more
# threads than there are processors, and run beside each other. No calibration of this machine decides anything. An emulator may take
# ten times as long.
AM_TESTS_ENVIRONMENT = \
  SRC='$(abs_top_srcdir)' BUILD='$(abs_top_builddir)' SHELL='$(SHELL)' MAKE='$(MAKE)' CC='$(CC)' CFLAGS='$(CFLAGS)' \
  LIBTOOL='$(abs_top_builddir)/libtool' NM='$(NM)' AWK='$(AWK)' MANDOC='$(MANDOC)' EMULATOR='$(EMULATOR)' ASAN_FLAGS='$(ASAN_FLAGS)' \
  CK_DEFAULT_TIMEOUT=300 CK_TIMEOUT_MULTIPLIER=1 OMP_WAIT_POLICY=passive STILLPOINT_CALIBRATION_DIR=/nonexistent; \
  test -z "$$EMULATOR" || CK_TIMEOUT_MULTIPLIER=12; \
  export SRC BUILD SHELL MAKE CC CFLAGS LIBTOOL NM AWK MANDOC EMULATOR ASAN_FLAGS CK_DEFAULT_TIMEOUT CK_TIMEOUT_MULTIPLIER \
  OMP_WAIT_POLICY STILLPOINT_CALIBRATION_DIR;

# Check programs link the core, so that they see what the version map hides.
test_programs = \
  tests/check_bits tests/check_broken tests/check_calibrate tests/check_calibration tests/check_chat tests/check_config \
  tests/check_eval tests/check_eval_figures tests/check_gates tests/check_gguf tests/check_numa tests/check_quant \
  tests/check_regate tests/check_save tests/check_search tests/check_session tests/check_state tests/check_text tests/check_vocab \
  tests/check_vocab_limits tests/check_wake tests/kern
# Programs that scripts use: tests/mktiny writes tiny models; the examples link the public library.
test_helpers = \
  tests/mktiny tests/quant_dump tests/text_tool examples/complete examples/questions
test_scripts = \
  tests/bad-input.sh tests/cli.sh tests/cli_ask.sh tests/cli_eval.sh tests/cli_pages.sh tests/cli_trace.sh \
  tests/examples.sh tests/fuzz.sh \
  tests/gpu.sh tests/gpu_faults.sh tests/gpu_groups.sh tests/gpu_kernels.sh tests/header.sh tests/install.sh tests/man.sh \
  tests/oracle.sh tests/structure.sh tests/symbols.sh

LDADD = libspcore.la $(CHECK_LIBS)
examples_complete_LDADD = libstillpoint.la
examples_questions_LDADD = libstillpoint.la

tiny_model = tests/tiny.c tests/tiny_vocab.c tests/tiny.h
tests_mktiny_SOURCES = tests/mktiny.c $(tiny_model)
tests_text_tool_SOURCES = tests/text_tool.c $(tiny_model)
tests_check_bits_SOURCES = tests/check_bits.c tests/run.h tests/run.c $(tiny_model)
tests_check_broken_SOURCES = tests/check_broken.c tests/attempt.h tests/attempt.c $(tiny_model)
tests_check_chat_SOURCES = tests/check_chat.c tests/chat_cases.h tests/chat_cases.c
tests_check_config_SOURCES = tests/check_config.c $(tiny_model)
tests_check_eval_SOURCES = tests/check_eval.c tests/run.h tests/run.c $(tiny_model) src/cli/random.c src/cli/eval_hay.c \
  src/cli/eval_words.c src/cli/eval_sets.c src/cli/eval_text.c src/cli/eval_answer.c
tests_check_eval_figures_SOURCES = tests/check_eval_figures.c src/cli/eval_stats.c src/cli/eval_cost.c src/cli/eval_store.c \
  src/cli/score.c src/cli/json.c src/cli/json_read.c src/cli/utf8.c
tests_check_gates_SOURCES = tests/check_gates.c tests/run.h tests/run.c $(tiny_model)
tests_check_gguf_SOURCES = tests/check_gguf.c tests/attempt.h tests/attempt.c $(tiny_model)
tests_check_numa_SOURCES = tests/check_numa.c tests/run.h tests/run.c $(tiny_model)
tests_check_regate_SOURCES = tests/check_regate.c tests/run.h tests/run.c $(tiny_model)
tests_check_session_SOURCES = tests/check_session.c tests/run.h tests/run.c $(tiny_model)
states = tests/states.h tests/states.c tests/run.h tests/run.c $(tiny_model)
tests_check_calibrate_SOURCES = tests/check_calibrate.c tests/run.h tests/run.c $(tiny_model) src/cli/calibrate_gate.c
tests_check_calibration_SOURCES = tests/check_calibration.c $(states)
tests_check_search_SOURCES = \
  tests/check_search.c src/cli/calibrate_search.c src/cli/eval_stats.c src/cli/score.c src/cli/random.c
tests_check_save_SOURCES = tests/check_save.c $(states)
tests_check_state_SOURCES = tests/check_state.c $(states)
tests_check_text_SOURCES = tests/check_text.c $(tiny_model)
tests_check_vocab_SOURCES = tests/check_vocab.c tests/vocabs.h tests/vocabs.c $(tiny_model)
tests_check_vocab_limits_SOURCES = tests/check_vocab_limits.c tests/vocabs.h tests/vocabs.c $(tiny_model)
tests_check_wake_SOURCES = tests/check_wake.c tests/run.h tests/run.c $(tiny_model)
tests_kern_SOURCES = tests/kern.c tests/kern.h tests/kern_bench.c
# Level "amx" over tiles in C, with the flags of the level that it then needs.
if ISA_VNNI
check_LTLIBRARIES += tests/libkern_amx.la
tests_libkern_amx_la_SOURCES = tests/kern_amx.c tests/amx_emulation.h
tests_libkern_amx_la_CFLAGS = $(AM_CFLAGS) -fno-lto $(ISA_VNNI_CFLAGS)
kern_amx = tests/libkern_amx.la
endif
tests_kern_LDADD = $(kern_amx) $(LDADD)

# The GPU's half without a GPU: a driver that runs the kernels' own source, thread by thread; found in LD_LIBRARY_PATH, which the
# scripts set. A build without device code gets a stand-in for it: this driver does not look at it.
check_LTLIBRARIES += tests/cuda/libcuda.la
tests_cuda_libcuda_la_SOURCES = tests/cuda/fake_cuda.c tests/cuda/fake_cuda.h tests/cuda/emulate.c tests/cuda/emulate.h \
  tests/cuda/emulate_kernels.c tests/cuda/emulate_kernels.h tests/cuda/emulate_groups.c tests/cuda/emulate_groups.h
# Fibers jump from stack to stack, which sanitizers and fortified jumps do not follow; a file of inlined threads wants -O2.
tests_cuda_libcuda_la_CFLAGS = $(AM_CFLAGS) -O2 -fno-sanitize=all -U_FORTIFY_SOURCE
tests_cuda_libcuda_la_LDFLAGS = -rpath $(abs_builddir)/tests/cuda -version-info 1:0:0
test_helpers += \
  tests/cuda/check_gpu tests/cuda/kernels tests/cuda/still
tests_cuda_check_gpu_SOURCES = tests/cuda/check_gpu.c tests/cuda/fake_cuda.h tests/cuda/no_fatbin.c tests/run.h tests/run.c $(tiny_model)
tests_cuda_kernels_SOURCES = tests/cuda/kernels.c tests/cuda/kernels_attn.inc tests/cuda/device.c tests/cuda/device.h \
  tests/cuda/no_fatbin.c $(tiny_model)
tests_cuda_still_SOURCES = $(stillpoint_SOURCES) tests/cuda/no_fatbin.c
tests_cuda_still_LDADD = $(stillpoint_LDADD)

# Fuzz targets with a main of their own: they replay files or make mutants.
test_helpers += \
  tests/fuzz/fuzz_calibration tests/fuzz/fuzz_gguf tests/fuzz/fuzz_text
tests_fuzz_fuzz_calibration_SOURCES = tests/fuzz/fuzz_calibration.c $(tiny_model)
tests_fuzz_fuzz_calibration_CPPFLAGS = $(AM_CPPFLAGS) -DSTANDALONE
tests_fuzz_fuzz_gguf_SOURCES = tests/fuzz/fuzz_gguf.c $(tiny_model)
tests_fuzz_fuzz_gguf_CPPFLAGS = $(AM_CPPFLAGS) -DSTANDALONE
tests_fuzz_fuzz_text_SOURCES = tests/fuzz/fuzz_text.c $(tiny_model)
tests_fuzz_fuzz_text_CPPFLAGS = $(AM_CPPFLAGS) -DSTANDALONE

EXTRA_DIST += $(test_scripts) tests/tap.sh tests/command.sh tests/cuda/driver.sh tests/model.sh tests/symbols.list build-aux/tap-driver.sh examples/compare.py
EXTRA_DIST += \
  tests/model/memory.py tests/model/reference.py tests/model/still.py tests/model/templates.py tests/model/tokens.py \
  tests/model/torch_model.py tests/oracle/blocks.py tests/oracle/fp32.py tests/oracle/gate.py tests/oracle/gguf_file.py \
  tests/oracle/layers.py tests/oracle/model.py tests/oracle/oracle.py tests/oracle/prefill.py tests/oracle/quant_gguf.py \
  tests/oracle/run.py tests/oracle/selfcheck.py

if HAVE_CHECK
check_PROGRAMS += $(test_programs) $(test_helpers)
TESTS += $(test_programs) $(test_scripts)
else
check-local:
	@echo 'make check needs the unit test framework Check 0.15 (Debian: apt-get install check); install it and run configure again.' >&2
	@exit 1
endif

# One real model, end to end. Not part of "make check": there is no model in the tarball.
check-model: all $(check_PROGRAMS)
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=tests/model.sh
.PHONY: check-model
