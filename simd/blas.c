/*
 * blas.c - the float path's matrix product. The only file that knows OpenBLAS.
 *
 * In:       row-major fp32 matrices.  Out: C = A * B^T; one thread a call, whatever variant of the library is installed.
 * Not here: cutting a product into tasks (the float backend does it), any promise about the order of sums.
 *
 * OpenBLAS comes in three variants behind one soname, so which one runs is known only by asking it:
 *   serial   nothing to do;
 *   pthread  starts threads of its own beside ours: held to one, a setting of the process that nothing here ever raises again;
 *   openmp   shares our OpenMP runtime and runs serially inside a parallel region. Its thread count must not be
 *            set, that would change ours.
 */
#ifdef HAVE_CONFIG_H
#include "build.h"
#endif
#include "simd/kernels.h"

#ifdef HAVE_OPENBLAS
#include <cblas.h>

bool sp_blas_available(const char **what) {
  switch (openblas_get_parallel()) {
  case OPENBLAS_SEQUENTIAL:
    *what = "OpenBLAS (serial)";
    return true;
  case OPENBLAS_THREAD:
    openblas_set_num_threads(1);
    *what = "OpenBLAS (pthread, held to one thread a call)";
    return true;
  case OPENBLAS_OPENMP:
    *what = "OpenBLAS (openmp)";
    return true;
  default:
    *what = "an OpenBLAS whose threads are of an unknown kind";
    return false;
  }
}

void sp_blas_gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t ldc) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, 1, a, (blasint)lda, b, (blasint)ldb,
              0, c, (blasint)ldc);
}
#else

bool sp_blas_available(const char **what) {
  *what = "built without OpenBLAS";
  return false;
}

/* Right, and so slow that sp_blas_available does not offer it. */
void sp_blas_gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t ldc) {
  for (size_t i = 0; i < m; i++) {
    for (size_t j = 0; j < n; j++) {
      float sum = 0;
      for (size_t e = 0; e < k; e++) sum += a[i * lda + e] * b[j * ldb + e];
      c[i * ldc + j] = sum;
    }
  }
}
#endif
