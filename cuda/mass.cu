/*
 * mass.cu - raw scores of the query policy: what the window's rows attend to (numerics, section 5).
 *
 * In, Out:  struct sp_gpu_mass, struct sp_gpu_mass_mean.
 * Not here: pooling and the choice of rows: the host's, for every backend.
 *
 * A thread has one key and adds over the window's rows in order; a second kernel adds over the heads in order. Rows are worked
 * out in fours: what shared memory holds behind the window's last one is added to nothing.
 */
#include "cuda/device.h"
#include "simd/kernels.h"

enum {
  MOST_FOURS = 16, /* words of a head, in fours */
  TOGETHER = 4     /* rows of the window whose shares a thread works out side by side, and adds one after the other */
};

struct window_row {
  float sq, m, l;
} __attribute__((aligned(16)));

/* Rows [from, from + n) of the window, one head's, to shared memory. */
DEVICE void load_window(const struct sp_gpu_mass *j, uint32_t from, uint32_t n, uint32_t head, uint32_t fours,
                        struct int_four *q, struct window_row *row) {
  for (uint32_t i = THREAD; i < n * fours; i += 128)
    q[i] = ((const struct int_four *)(j->q + ((uint64_t)(from + i / fours) * j->heads + head) * 16 * fours))[i % fours];
  for (uint32_t i = THREAD; i < n; i += 128) {
    uint64_t at = (uint64_t)(from + i) * j->heads + head;
    row[i].sq = j->sq[at];
    row[i].m = j->m[at];
    row[i].l = j->l[at];
  }
}

/* p / l, for p of 0 .. 1: with care only where p is small, and not 0. */
DEVICE float share_of(float p, float l) {
  if (as_bits(p) - 1 < EASY_LEAST - 1) return div_rn(p, l);
  return div_easy(p, l);
}

/* fours: times 16 bytes of a head. */
DEVICE void mass(const struct sp_gpu_mass *j, struct int_four *q, struct window_row *row, uint32_t fours) {
  uint32_t key = BLOCK * SP_TILE + THREAD, head = BLOCK_Y, kv = head / (j->heads / j->kv_heads);
  uint64_t at = (uint64_t)kv * j->cap + key; /* the cache has whole tiles */
  struct int_four k[MOST_FOURS];
  float sk = j->sk[at], sum = 0;
  UNROLL
  for (uint32_t w = 0; w < fours; w++) k[w] = ((const struct int_four *)(j->k + at * 16 * fours))[w];
  for (uint32_t from = 0; from < j->window; from += SP_GPU_MASS_ROWS) {
    uint32_t n = j->window - from < SP_GPU_MASS_ROWS ? j->window - from : SP_GPU_MASS_ROWS;
    sync_block();
    load_window(j, from, n, head, fours, q, row);
    sync_block();
    for (uint32_t first = 0; first < n; first += TOGETHER) {
      int dot[TOGETHER];
      UNROLL
      for (uint32_t i = 0; i < TOGETHER; i++) {
        dot[i] = 0;
        UNROLL
        for (uint32_t w = 0; w < 4 * fours; w++)
          dot[i] = dot4((uint32_t)q[(first + i) * fours + w / 4].x[w % 4], (uint32_t)k[w / 4].x[w % 4], dot[i]);
      }
      UNROLL
      for (uint32_t i = 0; i < TOGETHER; i++) {
        const struct window_row r = row[first + i];
        float share = share_of(exp2_below((float)dot[i] * (r.sq * sk) - r.m), r.l);
        if (first + i < n && key <= j->window_from + from + first + i) sum += share;
      }
    }
  }
  if (key < j->rows) j->per[(uint64_t)head * j->rows + key] = sum;
}

#define MASS(dk)                                                        \
  KERNEL(sp_gpu_mass_##dk, sp_gpu_mass, 128) {                          \
    SHARED struct int_four q[SP_GPU_MASS_ROWS * (dk / 16)];             \
    SHARED struct window_row row[SP_GPU_MASS_ROWS];                     \
    mass(&j, q, row, dk / 16);                                          \
  }

MASS(64)
MASS(128)
MASS(256)

KERNEL(sp_gpu_mass_rows, sp_gpu_mass_mean, 128) {
  uint32_t row = BLOCK * 128 + THREAD;
  if (row >= j.rows) return;
  float total = 0;
  for (uint32_t h = 0; h < j.heads; h++) total += j.per[(uint64_t)h * j.rows + row];
  float mean = total * j.scale;
  if (j.first || mean > j.scores[row]) j.scores[row] = mean;
}
