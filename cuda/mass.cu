/*
 * mass.cu - raw scores of the query policy: what the window's rows attend to (numerics, section 5).
 *
 * In, Out:  struct sp_gpu_mass, struct sp_gpu_mass_mean.
 * Not here: pooling and the choice of rows: the host's, for every backend.
 *
 * A thread has one key and adds over the window's rows in order; a second kernel adds over the heads in order.
 */
#include "cuda/device.h"
#include "simd/kernels.h"

enum { PART = 16, MOST_WORDS = 64 }; /* words of a head: 16, 32 or 64 */

struct window_row {
  float sq, m, l;
};

/* Rows [from, from + n) of the window, one head's, to shared memory. */
DEVICE void load_window(const struct sp_gpu_mass *j, uint32_t from, uint32_t n, uint32_t head, uint32_t *q,
                        struct window_row *row) {
  uint32_t words = j->dk / 4;
  for (uint32_t i = THREAD; i < n * words; i += 128)
    q[i] = ((const uint32_t *)(j->q + ((uint64_t)(from + i / words) * j->heads + head) * j->dk))[i % words];
  for (uint32_t i = THREAD; i < n; i += 128) {
    uint64_t at = (uint64_t)(from + i) * j->heads + head;
    row[i].sq = j->sq[at];
    row[i].m = j->m[at];
    row[i].l = j->l[at];
  }
}

KERNEL(sp_gpu_mass_heads, sp_gpu_mass, 128) {
  SHARED uint32_t q[SP_GPU_MASS_ROWS * MOST_WORDS];
  SHARED struct window_row row[SP_GPU_MASS_ROWS];
  uint32_t key = BLOCK * SP_TILE + THREAD, head = BLOCK_Y, kv = head / (j.heads / j.kv_heads), words = j.dk / 4;
  uint64_t at = (uint64_t)kv * j.cap + key; /* the cache has whole tiles */
  uint32_t k[MOST_WORDS];
  float sk = j.sk[at], sum = 0;
  UNROLL
  for (uint32_t w = 0; w < MOST_WORDS; w++) k[w] = w < words ? ((const uint32_t *)(j.k + at * j.dk))[w] : 0;
  for (uint32_t from = 0; from < j.window; from += SP_GPU_MASS_ROWS) {
    uint32_t n = j.window - from < SP_GPU_MASS_ROWS ? j.window - from : SP_GPU_MASS_ROWS;
    sync_block();
    load_window(&j, from, n, head, q, row);
    sync_block();
    for (uint32_t i = 0; i < n; i++) {
      if (key > j.window_from + from + i) continue;
      int dot = 0;
      UNROLL
      for (uint32_t part = 0; part < MOST_WORDS; part += PART) {
        if (part >= words) break;
        UNROLL
        for (uint32_t w = part; w < part + PART; w++) dot = dot4(q[i * words + w], k[w], dot);
      }
      sum += div_rn(exp2_any((float)dot * (row[i].sq * sk) - row[i].m), row[i].l);
    }
  }
  if (key < j.rows) j.per[(uint64_t)head * j.rows + key] = sum;
}

KERNEL(sp_gpu_mass_rows, sp_gpu_mass_mean, 128) {
  uint32_t row = BLOCK * 128 + THREAD;
  if (row >= j.rows) return;
  float total = 0;
  for (uint32_t h = 0; h < j.heads; h++) total += j.per[(uint64_t)h * j.rows + row];
  float mean = total * j.scale;
  if (j.first || mean > j.scores[row]) j.scores[row] = mean;
}
