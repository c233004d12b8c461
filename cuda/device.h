/*
 * device.h - the language of the kernel files: what CUDA gives under names of our own, so that a C compiler with an emulator of
 * threads (tests/cuda/emulate.h) can run the same files without a GPU.
 *
 * In:       nothing.  Out: fp32 operations that round once, exchanges in a warp, tensor cores, copies.
 * Not here: kernels.
 *
 * Kernel files keep to what C11 and CUDA share. No contraction: nvcc runs with -fmad=false, and a fused multiply-add is written.
 */
#ifndef SP_DEVICE_H
#define SP_DEVICE_H

#include "cuda/jobs.h"
#include "simd/exp2.h"

#ifdef __CUDACC__
#define DEVICE static __device__ __forceinline__
#define CONSTANT static __device__ const
#define KERNEL(name, job, threads) KERNEL_BESIDE(name, job, threads, 1)
/* `blocks` of them fit a multiprocessor at once */
#define KERNEL_BESIDE(name, job, threads, blocks) \
  extern "C" __global__ void __launch_bounds__(threads, blocks) name(const __grid_constant__ struct job j)
#define SHARED __shared__
#define SHARED_BYTES(name) extern __shared__ __align__(1024) uint8_t name[]
#define UNROLL _Pragma("unroll")
#define THREAD threadIdx.x
#define BLOCK blockIdx.x
#define BLOCK_Y blockIdx.y
#define ARCH (__CUDA_ARCH__ / 10)
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
#define GROUPS_MULTIPLY 1 /* hopper.h */
#endif

DEVICE float fma_rn(float a, float b, float c) { return __fmaf_rn(a, b, c); }
DEVICE float div_rn(float a, float b) { return __fdiv_rn(a, b); }
/* n / d as div_rn has it, where n and d are neither small nor large: what div_rn does once it has looked at them. */
DEVICE float div_easy(float n, float d) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(d));
  y = __fmaf_rn(y, __fmaf_rn(-d, y, 1), y);
  float q = __fmul_rn(n, y);
  q = __fmaf_rn(y, __fmaf_rn(-d, q, n), q);
  return __fmaf_rn(y, __fmaf_rn(-d, q, n), q);
}
DEVICE float sqrt_rn(float a) { return __fsqrt_rn(a); }
/* Operands and results that are not normal count as zero. */
DEVICE float add_normal(float a, float b) {
  asm("add.rn.ftz.f32 %0, %0, %1;" : "+f"(a) : "f"(b));
  return a;
}
DEVICE float multiply_normal(float a, float b) {
  asm("mul.rn.ftz.f32 %0, %0, %1;" : "+f"(a) : "f"(b));
  return a;
}
DEVICE float as_float(uint32_t x) { return __uint_as_float(x); }
DEVICE uint32_t as_bits(float x) { return __float_as_uint(x); }
DEVICE float half_float(uint32_t bits) { /* of a finite half */
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"((uint16_t)bits));
  return x;
}
DEVICE float larger(float a, float b) { return fmaxf(a, b); } /* no NaN; which zero is left open */
DEVICE void sync_block(void) { __syncthreads(); }
DEVICE void sync_warp(void) { __syncwarp(); }
DEVICE uint32_t bits_across(uint32_t x, int mask) { return __shfl_xor_sync(0xffffffffu, x, mask); }
DEVICE uint32_t bits_from(uint32_t x, int lane) { return __shfl_sync(0xffffffffu, x, lane); }
DEVICE bool any_of_warp(bool x) { return __any_sync(0xffffffffu, x); }
DEVICE void lowest(uint32_t *word, uint32_t x) { atomicMin(word, x); }
DEVICE int dot4(uint32_t a, uint32_t b, int c) { return __dp4a((int)a, (int)b, c); }
DEVICE int dot4_u8(uint32_t a, uint32_t b, int c) { /* bytes of a without a sign */
  asm("dp4a.u32.s32 %0, %1, %2, %0;" : "+r"(c) : "r"(a), "r"(b));
  return c;
}
DEVICE uint32_t pick_bytes(uint32_t a, uint32_t b, uint32_t which) { return __byte_perm(a, b, which); }
DEVICE uint32_t largest_of_three(uint32_t a, uint32_t b, uint32_t c) { return __vimax3_u32(a, b, c); }
DEVICE int highest_of_three(int a, int b, int c) { return __vimax3_s32(a, b, c); }
DEVICE uint32_t least_of_three(uint32_t a, uint32_t b, uint32_t c) { return __vimin3_u32(a, b, c); }

/* 16 bytes to shared memory. Copies begun since the last copy_close are a group; copy_wait(n) waits for all but the last n. */
DEVICE void copy_16(void *to, const void *from) {
#if __CUDA_ARCH__ >= 800
  unsigned at = (unsigned)__cvta_generic_to_shared(to);
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(at), "l"(from) : "memory");
#else
  *(uint4 *)to = *(const uint4 *)from;
#endif
}
#if __CUDA_ARCH__ >= 800
#define copy_close() asm volatile("cp.async.commit_group;" ::: "memory")
#define copy_wait(n) asm volatile("cp.async.wait_group %0;" ::"n"(n) : "memory")
#else
#define copy_close()
#define copy_wait(n)
#endif

/* To the second-level cache. */
DEVICE void fetch_ahead(const void *at) { asm volatile("prefetch.global.L2 [%0];" ::"l"(at)); }

/* Four matrices of 8 rows of 16 bytes: lane 8 i + r gives the address of row r of matrix i; out[i] = bytes 4 (lane % 4) .. of row
 * lane / 4 of matrix i. */
DEVICE void load_matrices(uint32_t out[4], const void *row) {
  unsigned at = (unsigned)__cvta_generic_to_shared(row);
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
               : "r"(at)
               : "memory");
}

/* c[16][8] += a[16][32] b[8][32]^T in int32, in the fragments of mma.m16n8k32. */
#define MULTIPLY(name, type)                                                                                          \
  DEVICE void name(int c[4], const uint32_t a[4], uint32_t b0, uint32_t b1) {                                          \
    MULTIPLY_BODY(type)                                                                                               \
  }
#if __CUDA_ARCH__ >= 800
#define MULTIPLY_BODY(type)                                                                                           \
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32." type ".s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, " \
               "{%0, %1, %2, %3};"                                                                                    \
               : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])                                                       \
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
#else
#define MULTIPLY_8(type, i, a, b)                                                                             \
  asm volatile("mma.sync.aligned.m8n8k16.row.col.s32." type ".s8.s32 {%0, %1}, {%2}, {%3}, {%0, %1};"         \
               : "+r"(c[i]), "+r"(c[i + 1])                                                                   \
               : "r"(a), "r"(b));
#define MULTIPLY_BODY(type) \
  MULTIPLY_8(type, 0, a[0], b0) MULTIPLY_8(type, 0, a[2], b1) MULTIPLY_8(type, 2, a[1], b0) MULTIPLY_8(type, 2, a[3], b1)
#endif
MULTIPLY(multiply_s8, "s8")
MULTIPLY(multiply_u8, "u8")

#ifdef GROUPS_MULTIPLY
#include "cuda/hopper.h"
#endif
#else
#include "tests/cuda/emulate.h"
#endif

/* ---- shared by all kernels ----------------------------------------------------------------------------------------- */

/* Read and written at once. */
struct int_two {
  int x[2];
} __attribute__((aligned(8)));
struct int_four {
  int x[4];
} __attribute__((aligned(16)));
struct float_two {
  float x[2];
} __attribute__((aligned(8)));
struct float_four {
  float x[4];
} __attribute__((aligned(16)));

/* x + MAGIC is x rounded to an integer, to nearest even, for |x| < 2^22, and holds it in its low bits; and the bits of MAGIC plus
 * an integer of that size are the float MAGIC + integer, exactly: so int and float turn into each other by one addition. */
#define MAGIC SP_EXP2_MAGIC
#define MAGIC_BITS 0x4b400000

/* exp2.h's operations but the last: from SP_EXP2_LOW - 1 on, where it is 0, to SP_EXP2_LOW, where it becomes normal, a number
 * that is not normal. */
DEVICE float exp2_open(float x) {
  float z = x + MAGIC, f = x - (z - MAGIC);
  float p = fma_rn(SP_EXP2_C5, f, SP_EXP2_C4);
  p = fma_rn(p, f, SP_EXP2_C3);
  p = fma_rn(p, f, SP_EXP2_C2);
  p = fma_rn(p, f, SP_EXP2_C1);
  p = fma_rn(p, f, 1);
  return as_float(as_bits(p) + (as_bits(z) << 23));
}

/* x <= 0 or -infinity needs no upper limit. */
DEVICE float exp2_below(float x) {
  float p = exp2_open(x);
  return x < SP_EXP2_LOW ? 0 : p;
}

DEVICE float exp2_any(float x) { return exp2_below(x < SP_EXP2_HIGH ? x : SP_EXP2_HIGH); }

DEVICE float swiglu(float gate, float up) { return div_rn(gate, 1 + exp2_any(-gate * SP_LOG2E)) * up; }

/* The same without a branch, for gates of a size from EASY_LEAST to EASY_MOST: there exp2 needs no limits, and the division no
 * care. */
DEVICE float swiglu_easy(float gate, float up) { return div_easy(gate, 1 + exp2_open(-gate * SP_LOG2E)) * up; }
#define EASY_LEAST as_bits(0x1p-60f)
#define EASY_MOST as_bits(41.0f)

/* Rows, or columns, of the GEMM's operands as they lie in memory. */
DEVICE uint32_t padded(uint32_t n) { return (n + SP_GPU_ROWS - 1) / SP_GPU_ROWS * SP_GPU_ROWS; }

enum { WARP = 32, WARPS = 8, CHUNK = 256 }; /* warps of a block where a warp takes a row; elements that it takes together */

DEVICE uint32_t row_of_warp(void) { return BLOCK * WARPS + THREAD / WARP; }

DEVICE float across(float x, int mask) { return as_float(bits_across(as_bits(x), mask)); }

/* Lanes 0 .. 15 of a sum, one in each thread of half a warp, folded: 8, 4, 2, 1. Addition commutes, all get the sum. */
DEVICE float fold_16(float x) {
  x += across(x, 8);
  x += across(x, 4);
  x += across(x, 2);
  return x + across(x, 1);
}

DEVICE uint32_t larger_bits(uint32_t a, uint32_t b) { return a > b ? a : b; }

/* The largest of all threads of a warp. */
DEVICE uint32_t warp_largest(uint32_t x) {
  UNROLL
  for (int mask = 16; mask > 0; mask /= 2) x = larger_bits(x, bits_across(x, mask));
  return x;
}

/* Of |x|: bits of non-negative floats order as they do, and NaN and infinity come out on top. */
#define FINITE_BITS 0x7f800000u /* and above: not finite */
DEVICE uint32_t size_bits(float x) { return as_bits(x) & 0x7fffffffu; }

/* The integer nearest to x * scale, |.| <= 255, in the lowest byte; what is in the others does not count. */
DEVICE uint32_t byte_of(float x, float scale) { return as_bits(x * scale + MAGIC); }

/* Four integers of x * scale, in the order of their bytes. */
DEVICE uint32_t four_bytes(const float x[4], float scale) {
  uint32_t low = pick_bytes(byte_of(x[0], scale), byte_of(x[1], scale), 0x0040);
  uint32_t high = pick_bytes(byte_of(x[2], scale), byte_of(x[3], scale), 0x0040);
  return pick_bytes(low, high, 0x5410);
}

DEVICE float scale_of(float a, float most) { return a < SP_LEAST_ROW ? 0 : div_rn(most, a); }
DEVICE float step_of(float a, float most) { return a < SP_LEAST_ROW ? 0 : div_rn(a, most); }

#endif
