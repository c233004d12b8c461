# simd.mk - kernels: the reference and the choice are part of the core; each instruction set is a library of its own, because its
# flags must reach its one file and no other. -fno-lto: link-time optimisation could inline across that border.

libspcore_la_SOURCES += \
  simd/cpu.c simd/cpu.h \
  simd/pick.c \
  simd/exp2.h simd/ref.c simd/ref.h simd/ref_blocks.c \
  simd/blas.c

simd_bodies = simd/inline.h simd/vector.inc simd/attn.inc simd/pairs.inc simd/blocks.inc
x86_bodies = $(simd_bodies) simd/lanes_x86.h simd/gemm_x86.inc simd/panel_x86.inc simd/rows_x86.inc simd/unpack_x86.inc simd/blocks_x86.inc

if ISA_AVX2
noinst_LTLIBRARIES += libspk_avx2.la
libspk_avx2_la_SOURCES = simd/k_avx2.c simd/vec_avx2.h $(x86_bodies)
libspk_avx2_la_CFLAGS = $(AM_CFLAGS) -fno-lto $(ISA_AVX2_CFLAGS)
libspcore_la_LIBADD += libspk_avx2.la
endif

if ISA_AVXVNNI
noinst_LTLIBRARIES += libspk_avxvnni.la
libspk_avxvnni_la_SOURCES = simd/k_avxvnni.c simd/vec_avx2.h $(x86_bodies)
libspk_avxvnni_la_CFLAGS = $(AM_CFLAGS) -fno-lto $(ISA_AVXVNNI_CFLAGS)
libspcore_la_LIBADD += libspk_avxvnni.la
endif

if ISA_AVX512
noinst_LTLIBRARIES += libspk_avx512.la
libspk_avx512_la_SOURCES = simd/k_avx512.c simd/vec_avx512.h $(x86_bodies)
libspk_avx512_la_CFLAGS = $(AM_CFLAGS) -fno-lto $(ISA_AVX512_CFLAGS)
libspcore_la_LIBADD += libspk_avx512.la
endif

if ISA_VNNI
noinst_LTLIBRARIES += libspk_vnni.la
libspk_vnni_la_SOURCES = simd/k_vnni.c simd/vec_avx512.h $(x86_bodies)
libspk_vnni_la_CFLAGS = $(AM_CFLAGS) -fno-lto $(ISA_VNNI_CFLAGS)
libspcore_la_LIBADD += libspk_vnni.la
endif

if ISA_AMX
noinst_LTLIBRARIES += libspk_amx.la
libspk_amx_la_SOURCES = simd/k_amx.c simd/vec_avx512.h simd/tiles_amx.h simd/gemm_amx.inc simd/rows_amx.inc simd/turns_amx.inc $(x86_bodies)
libspk_amx_la_CFLAGS = $(AM_CFLAGS) -fno-lto $(ISA_AMX_CFLAGS)
libspcore_la_LIBADD += libspk_amx.la
endif

arm_bodies = $(simd_bodies) simd/vec_neon.h simd/lanes_neon.h simd/gemm_neon.inc simd/rows_neon.inc simd/unpack_neon.inc simd/blocks_neon.inc

if ISA_NEON
noinst_LTLIBRARIES += libspk_neon.la
libspk_neon_la_SOURCES = simd/k_neon.c simd/mul_neon.inc $(arm_bodies)
libspk_neon_la_CFLAGS = $(AM_CFLAGS) -fno-lto $(ISA_NEON_CFLAGS)
libspcore_la_LIBADD += libspk_neon.la
endif

if ISA_DOT
noinst_LTLIBRARIES += libspk_dot.la
libspk_dot_la_SOURCES = simd/k_dot.c simd/mul_dot.inc simd/dots_neon.inc $(arm_bodies)
libspk_dot_la_CFLAGS = $(AM_CFLAGS) -fno-lto $(ISA_DOT_CFLAGS)
libspcore_la_LIBADD += libspk_dot.la
endif

if ISA_I8MM
noinst_LTLIBRARIES += libspk_i8mm.la
libspk_i8mm_la_SOURCES = simd/k_i8mm.c simd/mul_i8mm.inc simd/dots_neon.inc $(arm_bodies)
libspk_i8mm_la_CFLAGS = $(AM_CFLAGS) -fno-lto $(ISA_I8MM_CFLAGS)
libspcore_la_LIBADD += libspk_i8mm.la
endif
