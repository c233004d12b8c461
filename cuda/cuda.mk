# cuda.mk - the door to the GPU's driver, in C, and the kernels, by nvcc where configure found one. Nothing of CUDA is linked.

libspcore_la_SOURCES += \
  cuda/door.c cuda/door.h cuda/driver.h \
  cuda/gpu.c cuda/gpu.h cuda/jobs.h \
  cuda/fatbin.c cuda/fatbin.h

# Device code, a file each, embedded by cuda/fatbin.c. -fmad=false: a fused multiply-add happens where it is written, as in C.
cuda_kernels = cuda/rows.cu cuda/heads.cu cuda/gemm.cu cuda/attn.cu cuda/mass.cu cuda/decode.cu
cuda_headers = cuda/device.h cuda/hopper.h cuda/blocks.h cuda/rows.h cuda/attn_body.h
EXTRA_DIST += $(cuda_kernels) $(cuda_headers)

if CUDA_KERNELS
cuda_fatbins = cuda/rows.fatbin cuda/heads.fatbin cuda/gemm.fatbin cuda/attn.fatbin cuda/mass.fatbin cuda/decode.fatbin
SUFFIXES = .cu .fatbin
.cu.fatbin:
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(NVCC) -std=c++20 -O2 -fmad=false $(NVCCFLAGS) $(CUDA_GENCODE) --compress-mode=size \
	  -I$(top_srcdir) -fatbin $< -o $@
$(cuda_fatbins): $(cuda_headers) cuda/jobs.h simd/exp2.h simd/kernels.h
cuda/fatbin.lo: $(cuda_fatbins)
CLEANFILES += $(cuda_fatbins)
endif
