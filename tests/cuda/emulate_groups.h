/*
 * emulate_groups.h - cuda/hopper.h in plain C: what four warps multiply together, and copies that arrive by themselves.
 *
 * In:       tiles in the emulated shared memory, swizzled as there.  Out: products in the same fragments.
 * Not here: asynchrony. A product is made and a copy has come when it is begun, so what is read or overwritten too early shows
 *           only where threads part.
 */
#ifndef EMULATE_GROUPS_H
#define EMULATE_GROUPS_H

#include <stdlib.h>

DEVICE void group_must(bool holds) {
  if (!holds) abort();
}

/* Where an operand begins in shared memory, and above that the bytes of its rows. */
DEVICE uint64_t group_tile(const void *tile, uint32_t row_bytes) {
  uint64_t at = (uint64_t)((const uint8_t *)tile - emulated_shared);
  group_must(at % 1024 == 0 && (row_bytes == 64 || row_bytes == 128));
  return at | (uint64_t)row_bytes << 32;
}

DEVICE uint64_t group_further(uint64_t operand, uint32_t bytes) {
  uint32_t row_bytes = (uint32_t)(operand >> 32), at = (uint32_t)operand + bytes;
  group_must(bytes % 32 == 0 && at / row_bytes % 8 == 0);
  return operand + bytes;
}

/* Four bytes of a row, from byte k on: bits 4 .. of an address are swizzled by bits 7 .. of it. */
DEVICE uint32_t group_word(uint64_t operand, uint32_t row, uint32_t k) {
  uint32_t row_bytes = (uint32_t)(operand >> 32), at = (uint32_t)operand + row * row_bytes + k, word;
  memcpy(&word, emulated_shared + (at ^ (at >> 7 & (row_bytes / 16 - 1)) << 4), sizeof word);
  return word;
}

DEVICE void group_publish(void) {}
DEVICE void group_begin(void) { sync_warp(); }
DEVICE void group_close(void) { sync_warp(); }
#define group_wait(n) sync_warp()
#define GROUP_KEEP(acc, n) (void)(acc)

/* The thread's sums e of columns 8 i ..: row `row` or row + 8 of the operand, column 8 i + 2 t or + 1. */
#define EACH_SUM(columns, i, e)                  \
  for (uint32_t i = 0; i < (columns) / 8; i++) \
    for (uint32_t e = 0; e < 4; e++)

DEVICE void group_s8(int *acc, uint32_t columns, uint64_t a, uint64_t b, int add) {
  uint32_t lane = THREAD % 32, row = THREAD / 32 % 4 * 16 + lane / 4;
  EACH_SUM(columns, i, e) {
    int sum = add ? acc[4 * i + e] : 0;
    for (uint32_t k = 0; k < 32; k += 4)
      sum = dot4(group_word(a, row + e / 2 * 8, k), group_word(b, 8 * i + lane % 4 * 2 + e % 2, k), sum);
    acc[4 * i + e] = sum;
  }
}

/* The left side is in the threads' hands, as mma.m16n8k32 has it. */
DEVICE void group_u8(int *acc, uint32_t columns, const uint32_t a[4], uint64_t b, int add) {
  const uint32_t(*all)[8] = emulated_exchange((uint32_t[8]){a[0], a[1], a[2], a[3]});
  uint32_t lane = THREAD % 32;
  EACH_SUM(columns, i, e) {
    int sum = add ? acc[4 * i + e] : 0;
    for (uint32_t k = 0; k < 8; k++)
      sum = dot4_u8(all[lane / 4 * 4 + k % 4][k / 4 * 2 + e / 2], group_word(b, 8 * i + lane % 4 * 2 + e % 2, 4 * k), sum);
    acc[4 * i + e] = sum;
  }
}

DEVICE void group_s8_128(int acc[64], uint64_t a, uint64_t b, int add) { group_s8(acc, 128, a, b, add); }
DEVICE void group_u8_64(int acc[32], const uint32_t a[4], uint64_t b, int add) { group_u8(acc, 64, a, b, add); }
DEVICE void group_u8_128(int acc[64], const uint32_t a[4], uint64_t b, int add) { group_u8(acc, 128, a, b, add); }

/* An arrival counts how often it opened, above the bytes that are yet to come. */
DEVICE void arrival_begin(uint64_t *arrival) { *arrival = 0; }
DEVICE void arrival_publish(void) {}
DEVICE void arrival_expect(uint64_t *arrival, uint32_t bytes) { *arrival += bytes; }
DEVICE void arrival_wait(uint64_t *arrival, uint32_t turn) { emulated_wait(arrival, (uint64_t)(turn + 1) << 32); }
DEVICE void copy_bytes(void *to, const void *from, uint32_t bytes, uint64_t *arrival) {
  group_must(bytes % 16 == 0 && (uintptr_t)to % 16 == 0 && (uintptr_t)from % 16 == 0 && (uint32_t)*arrival >= bytes);
  memcpy(to, from, bytes);
  *arrival -= bytes;
  if ((uint32_t)*arrival == 0) *arrival += (uint64_t)1 << 32;
}

#endif
