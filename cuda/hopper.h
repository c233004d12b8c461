/*
 * hopper.h - tensor cores of compute capability 9.0, to which four warps (a group) give a product together (PTX: wgmma).
 *
 * In:       int8 tiles in shared memory, swizzled as below.  Out: products in the fragments of mma.sync: warp w of the group has
 *           rows 16 w .. 16 w + 15, acc[4 i ..] its columns 8 i ..
 * Not here: other GPUs; there the same kernels multiply by mma.sync, warp by warp (device.h).
 *
 * A product runs beside the threads from group_begin on. Products close like copies do (group_close), and until group_wait nobody
 * may touch what they read or write.
 */
#ifndef SP_HOPPER_H
#define SP_HOPPER_H

#include <stdint.h>

/* Rows of 64 or 128 bytes, whose 16 bytes c of row r lie at c ^ (r / 2 % 4) or c ^ (r % 8); the tile is aligned to 1024. */
DEVICE uint64_t group_tile(const void *tile, uint32_t row_bytes) {
  uint64_t at = (uint64_t)__cvta_generic_to_shared(tile);
  return (at >> 4 & 0x3fff) | 1ull << 16 | (uint64_t)(8 * row_bytes >> 4) << 32 | (row_bytes == 128 ? 1ull : 2ull) << 62;
}

/* The operand so many bytes behind: rows from a multiple of 8 on, bytes of k from a multiple of 32 on. */
DEVICE uint64_t group_further(uint64_t operand, uint32_t bytes) {
  return (operand & 0xffffffff00000000) | (uint32_t)((uint32_t)operand + bytes / 16);
}

/* What this thread has written to shared memory, by copies that have ended, too, is seen by products after the next barrier. */
DEVICE void group_publish(void) { asm volatile("fence.proxy.async.shared::cta;" ::: "memory"); }
DEVICE void group_begin(void) { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }
DEVICE void group_close(void) { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }
#define group_wait(n) asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(n) : "memory")
/* Sums are read after the wait, and not moved before it. */
#define GROUP_KEEP(acc, n)                                                                   \
  do {                                                                                       \
    UNROLL                                                                                   \
    for (int keep = 0; keep < (n); keep++) asm volatile("" : "+r"((acc)[keep])::"memory"); \
  } while (0)

/* Copies of whole stages, for which threads wait at an arrival, a word in shared memory. It opens each time that as many bytes
 * have come as were expected; `turn` counts that from 0. */
DEVICE void arrival_begin(uint64_t *arrival) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"((unsigned)__cvta_generic_to_shared(arrival)) : "memory");
}
/* Arrivals that have begun are seen by copies and, after the next barrier of the block, by all threads. */
DEVICE void arrival_publish(void) { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
DEVICE void arrival_expect(uint64_t *arrival, uint32_t bytes) {
  unsigned at = (unsigned)__cvta_generic_to_shared(arrival);
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(at), "r"(bytes) : "memory");
}
DEVICE void arrival_wait(uint64_t *arrival, uint32_t turn) {
  uint32_t open;
  do {
    asm volatile("{.reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}"
                 : "=r"(open)
                 : "r"((unsigned)__cvta_generic_to_shared(arrival)), "r"(turn % 2)
                 : "memory");
  } while (!open);
}
/* `bytes`: a multiple of 16, both sides aligned to that. */
DEVICE void copy_bytes(void *to, const void *from, uint32_t bytes, uint64_t *arrival) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                   (unsigned)__cvta_generic_to_shared(to)),
               "l"(from), "r"(bytes), "r"((unsigned)__cvta_generic_to_shared(arrival))
               : "memory");
}

#define TEN_SUMS(t) "%" #t "0, %" #t "1, %" #t "2, %" #t "3, %" #t "4, %" #t "5, %" #t "6, %" #t "7, %" #t "8, %" #t "9, "
#define SUMS_32 TEN_SUMS() TEN_SUMS(1) TEN_SUMS(2) "%30, %31"
#define SUMS_64 TEN_SUMS() TEN_SUMS(1) TEN_SUMS(2) TEN_SUMS(3) TEN_SUMS(4) TEN_SUMS(5) "%60, %61, %62, %63"
#define OUT_4(i) "+r"(acc[i]), "+r"(acc[i + 1]), "+r"(acc[i + 2]), "+r"(acc[i + 3])
#define OUT_16(i) OUT_4(i), OUT_4(i + 4), OUT_4(i + 8), OUT_4(i + 12)
#define OUT_32 OUT_16(0), OUT_16(16)
#define OUT_64 OUT_32, OUT_16(32), OUT_16(48)

/* acc = a b^T, or added to acc where `add`: 64 rows x `columns`, 32 bytes of k. */
#define GROUP_TILES(columns, sums, a_at, b_at, add_at)                                                                        \
  DEVICE void group_s8_##columns(int acc[sums], uint64_t a, uint64_t b, int add) {                                             \
    asm volatile("{.reg .pred p; setp.ne.b32 p, %" #add_at ", 0; wgmma.mma_async.sync.aligned.m64n" #columns                   \
                 "k32.s32.s8.s8 {" SUMS_##sums "}, %" #a_at ", %" #b_at ", p;}"                                                 \
                 : OUT_##sums                                                                                                  \
                 : "l"(a), "l"(b), "r"(add)                                                                                    \
                 : "memory");                                                                                                  \
  }
GROUP_TILES(128, 64, 64, 65, 66)

/* The same of bytes without a sign, which the threads hold as mma.m16n8k32 has them. */
#define GROUP_BYTES(columns, sums, a0, a1, a2, a3, b_at, add_at)                                                              \
  DEVICE void group_u8_##columns(int acc[sums], const uint32_t a[4], uint64_t b, int add) {                                    \
    asm volatile("{.reg .pred p; setp.ne.b32 p, %" #add_at ", 0; wgmma.mma_async.sync.aligned.m64n" #columns                   \
                 "k32.s32.u8.s8 {" SUMS_##sums "}, {%" #a0 ", %" #a1 ", %" #a2 ", %" #a3 "}, %" #b_at ", p;}"                   \
                 : OUT_##sums                                                                                                  \
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(add)                                                \
                 : "memory");                                                                                                  \
  }
GROUP_BYTES(64, 32, 32, 33, 34, 35, 36, 37)
GROUP_BYTES(128, 64, 64, 65, 66, 67, 68, 69)

#endif
