/*
 * gemm.cu - int8 rows times int8 panels on tensor cores, with the epilogue of numerics section 2.
 *
 * In, Out:  struct sp_gpu_gemm.
 * Not here: how rows and panels came about (rows.cu).
 *
 * A block of 8 warps makes a tile of 128 rows x 256 columns, each warp 64 x 64 of it: per 32 bytes of k a warp reads 4 KiB of
 * shared memory for 32 products of 16 x 8 x 32. Stages of 64 bytes of k come through a ring in shared memory. Sums of int8
 * products are exact, so nothing here can change a bit but the epilogue.
 */
#include "cuda/device.h"

enum {
  STAGE = (SP_GPU_ROWS + SP_GPU_COLS) * SP_GPU_DEPTH,
  STAGES = SP_GPU_STAGES(ARCH),
  BAND = 16 /* row tiles that pass over the same columns before the next columns come: both stay in the second-level cache */
};

/* 16 bytes c (0..3) of row r of a stage. Swizzled: the same c of eight neighbours lies in different banks. */
DEVICE uint32_t stage_place(uint32_t r, uint32_t c) { return r * SP_GPU_DEPTH + ((c ^ (r >> 1 & 3)) << 4); }

/* Rows of the stage at k to shared memory: 128 of x, then 256 of the panel; 6 copies a thread. */
DEVICE void load_stage(uint8_t *stage, const int8_t *x, const int8_t *w, uint32_t kp, uint32_t k) {
  UNROLL
  for (uint32_t i = 0; i < STAGE / 16 / 256; i++) {
    uint32_t r = i * (256 / 4) + THREAD / 4, c = THREAD % 4;
    const int8_t *from = r < SP_GPU_ROWS ? x + (uint64_t)r * kp : w + (uint64_t)(r - SP_GPU_ROWS) * kp;
    copy_16(stage + stage_place(r, c), from + k + 16 * c);
  }
}

/* The warp's 64 x 64 of one stage. */
DEVICE void multiply_stage(int acc[4][8][4], const uint8_t *stage, uint32_t row0, uint32_t col0) {
  uint32_t lane = THREAD % 32, matrix = lane / 8;
  UNROLL
  for (uint32_t c = 0; c < SP_GPU_DEPTH / 16; c += 2) {
    uint32_t a[4][4], b[4][4];
    UNROLL
    for (uint32_t i = 0; i < 4; i++)
      load_matrices(a[i], stage + stage_place(row0 + 16 * i + matrix % 2 * 8 + lane % 8, c + matrix / 2));
    UNROLL
    for (uint32_t i = 0; i < 4; i++)
      load_matrices(b[i], stage + stage_place(SP_GPU_ROWS + col0 + 16 * i + matrix / 2 * 8 + lane % 8, c + matrix % 2));
    UNROLL
    for (uint32_t i = 0; i < 4; i++) {
      UNROLL
      for (uint32_t n = 0; n < 8; n++) multiply_s8(acc[i][n], a[i], b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]);
    }
  }
}

DEVICE float product(const struct sp_gpu_gemm *j, int acc, float sx, uint32_t c) {
  float y = (float)acc * (sx * j->sw[c]);
  return j->bias ? y + j->bias[c] : y;
}

/* Elements (r, c) and (r, c + 1). */
DEVICE void store_two(const struct sp_gpu_gemm *j, const int acc[2], uint32_t r, uint32_t c) {
  float sx = j->sx[r];
  uint64_t at = (uint64_t)r * j->ldy + c;
  UNROLL
  for (uint32_t e = 0; e < 2; e++) {
    if (c + e >= j->n) return;
    float y = product(j, acc[e], sx, c + e);
    if (j->y) j->y[at + e] = y;
    if (j->sum) j->sum[at + e] += y;
  }
}

/* Columns c, c + 1 are of the gate and c + 8, c + 9 the same of up. */
DEVICE void store_pair(const struct sp_gpu_gemm *j, const int gate[2], const int up[2], uint32_t r, uint32_t c) {
  float sx = j->sx[r];
  uint64_t at = (uint64_t)r * j->ldy + c / 16 * 8 + c % 8;
  UNROLL
  for (uint32_t e = 0; e < 2; e++)
    if (c + e < j->n) j->y[at + e] = swiglu(product(j, gate[e], sx, c + e), product(j, up[e], sx, c + e + 8));
}

DEVICE void store_warp(const struct sp_gpu_gemm *j, int acc[4][8][4], uint32_t row0, uint32_t col0) {
  uint32_t lane = THREAD % 32;
  UNROLL
  for (uint32_t i = 0; i < 8; i++) { /* halves of 16 rows */
    uint32_t r = row0 + i * 8 + lane / 4, c = col0 + lane % 4 * 2;
    if (r >= j->rows) continue;
    if (j->mode == SP_GPU_PAIRS) {
      UNROLL
      for (uint32_t n = 0; n < 8; n += 2)
        store_pair(j, &acc[i / 2][n][i % 2 * 2], &acc[i / 2][n + 1][i % 2 * 2], r, c + 8 * n);
    } else {
      UNROLL
      for (uint32_t n = 0; n < 8; n++) store_two(j, &acc[i / 2][n][i % 2 * 2], r, c + 8 * n);
    }
  }
}

/* Tile of this block: bands of BAND row tiles, inside a band column by column. */
DEVICE void tile_of_block(const struct sp_gpu_gemm *j, uint32_t *row, uint32_t *col) {
  uint32_t rows = (j->rows + SP_GPU_ROWS - 1) / SP_GPU_ROWS, cols = (j->n + SP_GPU_COLS - 1) / SP_GPU_COLS;
  uint32_t band = BLOCK / (BAND * cols), in_band = BLOCK % (BAND * cols);
  uint32_t high = rows - band * BAND < BAND ? rows - band * BAND : BAND;
  *row = (band * BAND + in_band % high) * SP_GPU_ROWS;
  *col = in_band / high * SP_GPU_COLS;
}

KERNEL(sp_gpu_multiply, sp_gpu_gemm, 256) {
  SHARED_BYTES(ring);
  uint32_t row, col, warp = THREAD / 32, steps = j.kp / SP_GPU_DEPTH;
  int acc[4][8][4];
  tile_of_block(&j, &row, &col);
  const int8_t *x = j.x + (uint64_t)row * j.kp, *w = j.w + (uint64_t)col * j.kp;
  UNROLL
  for (uint32_t i = 0; i < 4 * 8 * 4; i++) acc[i / 32][i / 4 % 8][i % 4] = 0;
  for (uint32_t s = 0; s < STAGES - 1; s++) {
    if (s < steps) load_stage(ring + s * STAGE, x, w, j.kp, s * SP_GPU_DEPTH);
    copy_close();
  }
  for (uint32_t s = 0; s < steps; s++) {
    uint32_t ahead = s + STAGES - 1;
    copy_wait(STAGES - 2);
    sync_block();
    if (ahead < steps) load_stage(ring + ahead % STAGES * STAGE, x, w, j.kp, ahead * SP_GPU_DEPTH);
    copy_close();
    multiply_stage(acc, ring + s % STAGES * STAGE, warp / 4 * 64, warp % 4 * 64);
  }
  store_warp(&j, acc, row + warp / 4 * 64, col + warp % 4 * 64);
}
