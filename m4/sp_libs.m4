# sp_libs.m4 - optional libraries, each with a reason when it is left out, and the closing summary.

# SP_WITH(NAME, WHAT IT IS FOR): declares --with-NAME=auto|yes|no and sets with_NAME.
AC_DEFUN([SP_WITH], [
  AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=auto|yes|no], [$2 (auto)])], [], [with_$1=auto])
  AS_CASE([$with_$1], [auto|yes|no], [],
          [AC_MSG_ERROR([--with-$1 takes auto, yes or no, not "$with_$1"; a place of your own goes into CPPFLAGS, LDFLAGS or PKG_CONFIG_PATH])])
])

# SP_LEFT_OUT(NAME, REASON): remembers why, or stops when the user had insisted.
AC_DEFUN([SP_LEFT_OUT], [
  AS_VAR_IF([with_$1], [yes], [AC_MSG_ERROR([--with-$1 was asked for, but $2])])
  sp_have_$1=no
  sp_why_$1="no: $2"
])

# SP_TRY_LINK(NAME, HEADER LINE, STATEMENT, IF LINKED, REASON IF NOT): with NAME_CFLAGS and NAME_LIBS (upper case).
AC_DEFUN([SP_TRY_LINK], [
  AC_MSG_CHECKING([whether $1 links])
  sp_saved_CFLAGS=$CFLAGS
  sp_saved_LIBS=$LIBS
  CFLAGS="$m4_toupper([$1])_CFLAGS $CFLAGS"
  LIBS="$m4_toupper([$1])_LIBS $LIBS"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([$2], [$3])], [sp_links=yes], [sp_links=no])
  CFLAGS=$sp_saved_CFLAGS
  LIBS=$sp_saved_LIBS
  AC_MSG_RESULT([$sp_links])
  AS_VAR_IF([sp_links], [yes], [$4], [SP_LEFT_OUT([$1], [$5])])
])

AC_DEFUN([SP_WITH_OPENBLAS], [
  SP_WITH([openblas], [the float path, --numerics float])
  AS_VAR_IF([with_openblas], [no], [SP_LEFT_OUT([openblas], [--with-openblas=no])], [
    PKG_CHECK_MODULES([OPENBLAS], [openblas],
      [SP_TRY_LINK([openblas], [#include <cblas.h>], [return openblas_get_parallel() + (cblas_sgemm != 0)],
        [sp_have_openblas=yes
         sp_why_openblas="yes ($OPENBLAS_LIBS)"
         AC_DEFINE([HAVE_OPENBLAS], [1], [OpenBLAS is linked])],
        [its header or library is not usable (see config.log)])],
      [SP_LEFT_OUT([openblas], [pkg-config finds no openblas (package libopenblas-openmp-dev)])])
  ])
  AS_VAR_IF([sp_have_openblas], [yes], [], [OPENBLAS_CFLAGS= OPENBLAS_LIBS=])
])

AC_DEFUN([SP_WITH_NUMA], [
  SP_WITH([numa], [placing weights and threads on NUMA nodes])
  AS_VAR_IF([with_numa], [no], [SP_LEFT_OUT([numa], [--with-numa=no])], [
    PKG_CHECK_MODULES([NUMA], [numa],
      [SP_TRY_LINK([numa], [#include <numa.h>], [return numa_available()],
        [sp_have_numa=yes
         sp_why_numa="yes ($NUMA_LIBS)"
         AC_DEFINE([HAVE_NUMA], [1], [libnuma is linked])],
        [its header or library is not usable (see config.log)])],
      [SP_LEFT_OUT([numa], [pkg-config finds no numa (package libnuma-dev)])])
  ])
  AS_VAR_IF([sp_have_numa], [yes], [], [NUMA_CFLAGS= NUMA_LIBS=])
])

AC_DEFUN([SP_WITH_PNG], [
  SP_WITH([png], [pictures of stillpoint plot as PNG])
  AS_VAR_IF([with_png], [no], [SP_LEFT_OUT([png], [--with-png=no])], [
    PKG_CHECK_MODULES([PNG], [libpng >= 1.6],
      [SP_TRY_LINK([png], [#include <png.h>], [return png_image_write_to_stdio != 0],
        [sp_have_png=yes
         sp_why_png="yes ($PNG_LIBS)"
         AC_DEFINE([HAVE_PNG], [1], [libpng is linked])],
        [its header or library is not usable (see config.log)])],
      [SP_LEFT_OUT([png], [pkg-config finds no libpng 1.6 (package libpng-dev)])])
  ])
  AS_VAR_IF([sp_have_png], [yes], [], [PNG_CFLAGS= PNG_LIBS=])
])

# GPUs: nvcc compiles the kernels; the driver, libcuda.so.1, is opened at run time and nothing is linked. NVCC, NVCCFLAGS and
# CUDA_GENCODE may be given. Auto leaves the kernels out, and says why, where there is no nvcc or one that does not compile them, and
# in cross builds: nvcc makes code for GPUs of any machine, but what is there is the build machine's.
AC_DEFUN([SP_WITH_CUDA], [
  SP_WITH([cuda], [heavy layers on NVIDIA GPUs])
  AC_ARG_VAR([NVCC], [compiler of the GPU kernels (nvcc, CUDA 12.8 or newer)])
  AC_ARG_VAR([NVCCFLAGS], [its flags])
  AC_ARG_VAR([CUDA_GENCODE], [GPUs to compile for, e.g. "-arch=sm_80"; Hopper is compute_90a])
  test -n "$CUDA_GENCODE" || CUDA_GENCODE="-gencode=arch=compute_75,code=sm_75 -gencode=arch=compute_80,code=sm_80 -gencode=arch=compute_86,code=sm_86 -gencode=arch=compute_89,code=sm_89 -gencode=arch=compute_90a,code=sm_90a -gencode=arch=compute_100,code=sm_100 -gencode=arch=compute_120,code=@<:@sm_120,compute_120@:>@"
  sp_have_cuda=no
  AS_IF([test "$with_cuda" = no], [SP_LEFT_OUT([cuda], [--with-cuda=no])],
        [test "$sp_dlopen" = no], [SP_LEFT_OUT([cuda], [the C library has no dlopen])],
        [sp_have_cuda=yes
         AC_DEFINE([HAVE_CUDA], [1], [the CUDA driver is looked for at run time])
         SP_NVCC])
  AM_CONDITIONAL([CUDA_KERNELS], [test "$sp_have_nvcc" = yes])
])

# Sets sp_have_nvcc: a kernel compiles, for the GPUs that are wanted.
AC_DEFUN([SP_NVCC], [
  AC_PATH_PROG([NVCC], [nvcc], [], [$PATH$PATH_SEPARATOR/usr/local/cuda/bin])
  sp_have_nvcc=no
  AS_IF([test "$cross_compiling" = yes && test "$with_cuda" != yes], [sp_why_nvcc="a cross build; --with-cuda=yes insists"],
        [test -z "$NVCC"], [sp_why_nvcc="no nvcc"],
    [AC_MSG_CHECKING([whether $NVCC compiles for the GPUs wanted])
     AS_ECHO(["extern \"C\" __global__ void f(const __grid_constant__ int x, int *y) { *y = x; }"]) >conftest.cu
     AS_IF([$NVCC -std=c++20 $NVCCFLAGS $CUDA_GENCODE --compress-mode=size -fatbin conftest.cu -o conftest.fatbin >&AS_MESSAGE_LOG_FD 2>&1],
           [sp_have_nvcc=yes], [sp_why_nvcc="$NVCC does not compile for the GPUs wanted (see config.log)"])
     rm -f conftest.cu conftest.fatbin
     AC_MSG_RESULT([$sp_have_nvcc])])
  AS_VAR_IF([sp_have_nvcc], [yes],
    [sp_why_cuda="yes (kernels by $NVCC; driver opened at run time)"
     AC_DEFINE([HAVE_CUDA_KERNELS], [1], [GPU kernels are embedded])],
    [AS_VAR_IF([with_cuda], [yes], [AC_MSG_ERROR([--with-cuda was asked for, but $sp_why_nvcc])])
     sp_why_cuda="no GPU kernels: $sp_why_nvcc"])
])

# Check is needed by "make check" alone.
AC_DEFUN([SP_WITH_CHECK], [
  PKG_CHECK_MODULES([CHECK], [check >= 0.15], [sp_have_check=yes], [sp_have_check=no])
  AM_CONDITIONAL([HAVE_CHECK], [test "$sp_have_check" = yes])
])

AC_DEFUN([SP_SUMMARY], [
  AS_VAR_IF([sp_have_check], [yes], [sp_why_check=yes], [sp_why_check="no: pkg-config finds no check >= 0.15 (package check)"])
  AS_IF([test -n "$sp_isa_left"], [sp_isa_note="; left out, the compiler or CFLAGS lack them:$sp_isa_left"], [sp_isa_note=])
  AC_MSG_NOTICE([
  $PACKAGE_NAME $PACKAGE_VERSION for $host
    compiler         $CC $CFLAGS
    kernels          ref${sp_isa_built}${sp_isa_note}
    OpenMP           yes ($OPENMP_CFLAGS)
    OpenBLAS         $sp_why_openblas
    libnuma          $sp_why_numa
    libpng           $sp_why_png
    CUDA             $sp_why_cuda
    make check       $sp_why_check
    sanitizers       $enable_asan
    warnings=errors  $enable_werror])
])
