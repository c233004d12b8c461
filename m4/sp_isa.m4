# sp_isa.m4 - which instruction sets the compiler can build kernels for.
#
# A level is probed with its flags *before* the user's CFLAGS, the order in which automake passes them: a user's -mno-avx512f then
# disables the probe and the kernel alike, and the level is left out with a reason, instead of failing in the middle of a build.
# The probe links a real intrinsic and never runs it.

# SP_ISA(NAME, PATTERN OF PROCESSORS, FLAGS, MACRO THAT THE FLAGS MUST DEFINE, HEADER, EXPRESSION STATEMENT)
# Sets the conditional ISA_NAME and the substituted ISA_NAME_CFLAGS, and adds to the lists of the summary.
AC_DEFUN([SP_ISA], [
  AS_CASE([$host_cpu], [$2], [
    AC_MSG_CHECKING([whether $CC builds m4_tolower([$1]) kernels])
    sp_saved_CFLAGS=$CFLAGS
    CFLAGS="$3 $CFLAGS"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[
      #include <$5>
      #ifndef $4
      #error "the flags do not turn it on"
      #endif
      ]], [[$6]])], [sp_isa_[]m4_tolower([$1])=yes], [sp_isa_[]m4_tolower([$1])=no])
    CFLAGS=$sp_saved_CFLAGS
    AC_MSG_RESULT([$sp_isa_[]m4_tolower([$1])])
    AS_VAR_IF([sp_isa_[]m4_tolower([$1])], [yes],
      [AC_DEFINE([HAVE_ISA_$1], [1], [kernels of level m4_tolower([$1]) are built])
       AS_VAR_APPEND([sp_isa_built], [" m4_tolower([$1])"])],
      [AS_VAR_APPEND([sp_isa_left], [" m4_tolower([$1])"])])
  ], [sp_isa_[]m4_tolower([$1])=no])
  AM_CONDITIONAL([ISA_$1], [test "$sp_isa_[]m4_tolower([$1])" = yes])
  AC_SUBST([ISA_$1_CFLAGS], ["$3"])
])

AC_DEFUN([SP_ISA_PROBES], [
  SP_ISA([AVX2], [x86_64|i?86|amd64], [-mavx2 -mfma -mf16c], [__AVX2__], [immintrin.h],
    [volatile float s = 1; __m256 a = _mm256_set1_ps(s); a = _mm256_fmadd_ps(a, a, a);
     return _mm256_movemask_epi8(_mm256_cvtps_epi32(a))])
  SP_ISA([AVXVNNI], [x86_64|i?86|amd64], [-mavx2 -mfma -mf16c -mavxvnni], [__AVXVNNI__], [immintrin.h],
    [volatile int s = 1; __m256i a = _mm256_set1_epi32(s); return _mm256_movemask_epi8(_mm256_dpbusd_avx_epi32(a, a, a))])
  SP_ISA([AVX512], [x86_64|i?86|amd64], [-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mfma -mf16c], [__AVX512BW__], [immintrin.h],
    [volatile float s = 1; __m512 a = _mm512_set1_ps(s); a = _mm512_fmadd_ps(a, a, a);
     return (int)_mm512_cmp_epi8_mask(_mm512_castps_si512(a), _mm512_setzero_si512(), 1)])
  SP_ISA([VNNI], [x86_64|i?86|amd64], [-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mavx512vnni -mfma -mf16c], [__AVX512VNNI__], [immintrin.h],
    [volatile int s = 1; __m512i a = _mm512_set1_epi32(s); return _mm512_reduce_add_epi32(_mm512_dpbusd_epi32(a, a, a))])
  # Tiles are written in assembly, so it is the assembler that is asked.
  SP_ISA([AMX], [x86_64|i?86|amd64], [-mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512cd -mavx512vnni -mfma -mf16c], [__AVX512VNNI__], [immintrin.h],
    [__asm__ volatile ("tdpbssd %tmm6, %tmm4, %tmm0\n\ttdpbsud %tmm6, %tmm4, %tmm0\n\ttilerelease"); return 0])

  # gcc 12 takes the intrinsics of sdot and smmla from ARMv8.2 on, which all processors that have them are.
  SP_ISA([NEON], [aarch64*|arm64*], [-march=armv8-a], [__ARM_NEON], [arm_neon.h],
    [volatile float s = 1; float32x4_t a = vdupq_n_f32(s); return (int)vaddvq_f32(vfmaq_f32(a, a, a))])
  SP_ISA([DOT], [aarch64*|arm64*], [-march=armv8.2-a+dotprod], [__ARM_FEATURE_DOTPROD], [arm_neon.h],
    [volatile signed char s = 1; int8x16_t a = vdupq_n_s8(s); return vaddvq_s32(vdotq_laneq_s32(vdupq_n_s32(0), a, a, 1))])
  SP_ISA([I8MM], [aarch64*|arm64*], [-march=armv8.2-a+dotprod+i8mm], [__ARM_FEATURE_MATMUL_INT8], [arm_neon.h],
    [volatile signed char s = 1; int8x16_t a = vdupq_n_s8(s); return vaddvq_s32(vmmlaq_s32(vdupq_n_s32(0), a, a))])
])
