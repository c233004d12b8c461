/*
 * emulate.h - the device of cuda/device.h in plain C: the kernel files compile with a C compiler and run, thread by thread,
 * without a GPU.
 *
 * In:       kernel files included by emulate_kernels.c.  Out: functions that run one block after another.
 * Not here: speed; memory that the hardware orders loosely. Threads of a block are fibers that take turns where they meet.
 *
 * Shared memory of a kernel is static: one block runs at a time.
 */
#ifndef EMULATE_H
#define EMULATE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct emulated_place {
  unsigned thread, block, block_y;
};
extern struct emulated_place emulated_place;
extern uint8_t emulated_shared[];

/* Of a warp: gives x, waits for the 32 threads, gets all 32. Valid until this thread's next exchange but one. */
const uint32_t (*emulated_exchange(const uint32_t x[8]))[8];
void emulated_sync_block(void);
/* Waits until others have brought *word to `least` or above. */
void emulated_wait(const uint64_t *word, uint64_t least);
/* Runs kernel(job) as x * y blocks of `threads`. Threads that wait for each other for ever never come back. */
void emulated_launch(void (*kernel)(const void *job), const void *job, unsigned x, unsigned y, unsigned threads);

#define DEVICE static inline __attribute__((unused))
#define CONSTANT static const
#define SHARED static
#define SHARED_BYTES(name) uint8_t *name = emulated_shared
#define UNROLL
#define THREAD emulated_place.thread
#define BLOCK emulated_place.block
#define BLOCK_Y emulated_place.block_y
#define ARCH 90
#define KERNEL(name, job, threads) KERNEL_OF(name, job)
#define KERNEL_BESIDE(name, job, threads, blocks) KERNEL_OF(name, job)
#define KERNEL_OF(name, job)                                                                           \
  static void name##_body(const struct job j);                                                         \
  void EMULATED(name)(const void *job_of_launch) { name##_body(*(const struct job *)job_of_launch); }  \
  static void name##_body(const struct job j)
#ifdef EMULATE_GROUPS /* the branch for compute capability 9.0 */
#define GROUPS_MULTIPLY 1
#define EMULATED(name) name##_groups
#else
#define EMULATED(name) name
#endif

DEVICE float fma_rn(float a, float b, float c) { return fmaf(a, b, c); }
DEVICE float div_rn(float a, float b) { return a / b; }
DEVICE float div_easy(float n, float d) { return n / d; }
DEVICE float sqrt_rn(float a) { return sqrtf(a); }
DEVICE float as_float(uint32_t x) {
  float y;
  memcpy(&y, &x, sizeof y);
  return y;
}
DEVICE uint32_t as_bits(float x) {
  uint32_t y;
  memcpy(&y, &x, sizeof y);
  return y;
}
DEVICE float normal(float x) { return fabsf(x) < 0x1p-126f ? 0 : x; }
DEVICE float add_normal(float a, float b) { return normal(normal(a) + normal(b)); }
DEVICE float multiply_normal(float a, float b) { return normal(normal(a) * normal(b)); }
DEVICE float half_float(uint32_t bits) {
  uint32_t exponent = bits >> 10 & 31, mantissa = bits & 1023;
  float size = exponent == 0 ? (float)mantissa * 0x1p-24f : as_float((exponent + 127 - 15) << 23 | mantissa << 13);
  return bits >> 15 != 0 ? -size : size;
}
DEVICE float larger(float a, float b) { return a > b ? a : b; }
DEVICE void sync_block(void) { emulated_sync_block(); }
DEVICE void sync_warp(void) { emulated_exchange((uint32_t[8]){0}); }
DEVICE uint32_t bits_from(uint32_t x, int lane) { return emulated_exchange((uint32_t[8]){x})[lane][0]; }
DEVICE uint32_t bits_across(uint32_t x, int mask) { return bits_from(x, (int)THREAD % 32 ^ mask); }
DEVICE bool any_of_warp(bool x) {
  const uint32_t(*all)[8] = emulated_exchange((uint32_t[8]){x});
  for (int lane = 0; lane < 32; lane++)
    if (all[lane][0]) return true;
  return false;
}
DEVICE void lowest(uint32_t *word, uint32_t x) { *word = x < *word ? x : *word; }
DEVICE int signed_byte(uint32_t word, int i) { return (int8_t)(word >> 8 * i); }
DEVICE int dot4(uint32_t a, uint32_t b, int c) {
  for (int i = 0; i < 4; i++) c += signed_byte(a, i) * signed_byte(b, i);
  return c;
}
DEVICE int dot4_u8(uint32_t a, uint32_t b, int c) {
  for (int i = 0; i < 4; i++) c += (int)(a >> 8 * i & 255) * signed_byte(b, i);
  return c;
}
DEVICE uint32_t pick_bytes(uint32_t a, uint32_t b, uint32_t which) {
  uint64_t both = a | (uint64_t)b << 32;
  uint32_t out = 0;
  for (int i = 0; i < 4; i++) out |= (uint32_t)(both >> 8 * (which >> 4 * i & 7) & 255) << 8 * i;
  return out;
}
DEVICE int highest_of_three(int a, int b, int c) {
  int highest = a > b ? a : b;
  return highest > c ? highest : c;
}
DEVICE uint32_t least_of_three(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t least = a < b ? a : b;
  return least < c ? least : c;
}
DEVICE uint32_t largest_of_three(uint32_t a, uint32_t b, uint32_t c) {
  uint32_t ab = a > b ? a : b;
  return ab > c ? ab : c;
}
DEVICE void copy_16(void *to, const void *from) { memcpy(to, from, 16); }
DEVICE void fetch_ahead(const void *at) { (void)at; }
#define copy_close()
#define copy_wait(n)

DEVICE void load_matrices(uint32_t out[4], const void *row) {
  uint64_t address = (uintptr_t)row;
  const uint32_t(*all)[8] = emulated_exchange((uint32_t[8]){(uint32_t)address, (uint32_t)(address >> 32)});
  unsigned lane = THREAD % 32;
  for (unsigned i = 0; i < 4; i++) {
    const uint32_t *from = all[8 * i + lane / 4];
    memcpy(&out[i], (const uint8_t *)(uintptr_t)(from[0] | (uint64_t)from[1] << 32) + lane % 4 * 4, 4);
  }
}

/* Fragments of mma.m16n8k32: a[0] row g, bytes 4 t ..; a[1] row g + 8; a[2], a[3] the same from byte 16 on; b0, b1 likewise of
 * column g; c[0], c[1] row g, columns 2 t, 2 t + 1; c[2], c[3] row g + 8. */
DEVICE void emulated_multiply(int c[4], const uint32_t a[4], uint32_t b0, uint32_t b1, int (*dot)(uint32_t, uint32_t, int)) {
  const uint32_t(*all)[8] = emulated_exchange((uint32_t[8]){a[0], a[1], a[2], a[3], b0, b1});
  unsigned lane = THREAD % 32, g = lane / 4, t = lane % 4;
  for (unsigned e = 0; e < 4; e++)
    for (unsigned k = 0; k < 8; k++)
      c[e] = dot(all[4 * g + k % 4][k / 4 * 2 + e / 2], all[4 * (2 * t + e % 2) + k % 4][4 + k / 4], c[e]);
}
DEVICE void multiply_s8(int c[4], const uint32_t a[4], uint32_t b0, uint32_t b1) { emulated_multiply(c, a, b0, b1, dot4); }
DEVICE void multiply_u8(int c[4], const uint32_t a[4], uint32_t b0, uint32_t b1) { emulated_multiply(c, a, b0, b1, dot4_u8); }

#ifdef EMULATE_GROUPS
#include "tests/cuda/emulate_groups.h"
#endif

#endif
