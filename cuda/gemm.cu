/*
 * gemm.cu - int8 rows times int8 panels on tensor cores, with the epilogue of numerics section 2.
 *
 * In, Out:  struct sp_gpu_gemm.
 * Not here: how rows and panels came about (rows.cu).
 *
 * A block of 8 warps makes a tile of 128 rows x 256 columns; stages of 64 bytes of k come through a ring in shared memory. Two
 * groups of warps multiply on compute capability 9.0, elsewhere each warp by itself: per 32 bytes of k it reads 4 KiB of shared
 * memory for 32 products of 16 x 8 x 32. Sums of int8 products are exact, so nothing here can change a bit but the epilogue.
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

DEVICE float product(const struct sp_gpu_gemm *j, int acc, float sx, uint32_t c) {
  float y = (float)acc * (sx * j->sw[c]);
  return j->bias ? y + j->bias[c] : y;
}

/* Elements (r, c) and (r, c + 1). */
DEVICE void store_two(const struct sp_gpu_gemm *j, const int acc[2], float sx, uint32_t r, uint32_t c) {
  uint64_t at = (uint64_t)r * j->ldy + c;
  if (c >= j->n) return;
  struct float_two y = {{product(j, acc[0], sx, c), product(j, acc[1], sx, c + 1)}};
  if (j->y) *(struct float_two *)(j->y + at) = y;
  if (!j->sum) return;
  struct float_two *to = (struct float_two *)(j->sum + at), sum = *to;
  *to = (struct float_two){{sum.x[0] + y.x[0], sum.x[1] + y.x[1]}};
}

/* Columns c, c + 1 are of the gate and c + 8, c + 9 the same of up. */
DEVICE void store_pair(const struct sp_gpu_gemm *j, const int gate[2], const int up[2], float sx, uint32_t r, uint32_t c) {
  if (c >= j->n) return;
  float left = swiglu(product(j, gate[0], sx, c), product(j, up[0], sx, c + 8));
  float right = swiglu(product(j, gate[1], sx, c + 1), product(j, up[1], sx, c + 9));
  *(struct float_two *)(j->y + (uint64_t)r * j->ldy + c / 16 * 8 + c % 8) = (struct float_two){{left, right}};
}

/* A warp's 16 rows of `groups` times 8 columns. */
DEVICE void store_strip(const struct sp_gpu_gemm *j, int (*acc)[4], uint32_t groups, uint32_t row, uint32_t col) {
  uint32_t lane = THREAD % 32, c = col + lane % 4 * 2;
  UNROLL
  for (uint32_t half = 0; half < 2; half++) {
    uint32_t r = row + half * 8 + lane / 4;
    if (r >= j->rows) continue;
    float sx = j->sx[r];
    if (j->mode == SP_GPU_PAIRS) {
      UNROLL
      for (uint32_t n = 0; n < groups; n += 2) store_pair(j, &acc[n][2 * half], &acc[n + 1][2 * half], sx, r, c + 8 * n);
    } else {
      UNROLL
      for (uint32_t n = 0; n < groups; n++) store_two(j, &acc[n][2 * half], sx, r, c + 8 * n);
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

#ifdef GROUPS_MULTIPLY

/* Groups of four warps, 64 rows and all columns each. One product is under way while the next stage is awaited, so copies write
 * to the stage before that one. */
DEVICE void multiply_tile(const struct sp_gpu_gemm *j, uint8_t *ring, const int8_t *x, const int8_t *w, uint32_t row,
                          uint32_t col) {
  enum { AHEAD = STAGES - 2 };
  uint32_t steps = j->kp / SP_GPU_DEPTH, mine = THREAD / 128 * 64;
  int acc[SP_GPU_COLS / 2];
  UNROLL
  for (uint32_t i = 0; i < SP_GPU_COLS / 2; i++) acc[i] = 0;
  for (uint32_t s = 0; s < AHEAD; s++) {
    if (s < steps) load_stage(ring + s * STAGE, x, w, j->kp, s * SP_GPU_DEPTH);
    copy_close();
  }
  for (uint32_t s = 0; s < steps; s++) {
    const uint8_t *stage = ring + s % STAGES * STAGE;
    copy_wait(AHEAD - 1);
    group_publish();
    sync_block();
    group_begin();
    UNROLL
    for (uint32_t k = 0; k < SP_GPU_DEPTH; k += 32)
      group_s8_256(acc, group_tile(stage, SP_GPU_DEPTH, mine, k), group_tile(stage, SP_GPU_DEPTH, SP_GPU_ROWS, k), 1);
    group_close();
    if (s + AHEAD < steps) load_stage(ring + (s + AHEAD) % STAGES * STAGE, x, w, j->kp, (s + AHEAD) * SP_GPU_DEPTH);
    copy_close();
    group_wait(1);
  }
  group_wait(0);
  GROUP_KEEP(acc, SP_GPU_COLS / 2);
  store_strip(j, (int(*)[4])acc, SP_GPU_COLS / 8, row + THREAD / 32 * 16, col);
}

#else

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

/* A warp 64 rows and 64 columns. */
DEVICE void multiply_tile(const struct sp_gpu_gemm *j, uint8_t *ring, const int8_t *x, const int8_t *w, uint32_t row,
                          uint32_t col) {
  uint32_t warp = THREAD / 32, steps = j->kp / SP_GPU_DEPTH, row0 = warp / 4 * 64, col0 = warp % 4 * 64;
  int acc[4][8][4];
  UNROLL
  for (uint32_t i = 0; i < 4 * 8 * 4; i++) acc[i / 32][i / 4 % 8][i % 4] = 0;
  for (uint32_t s = 0; s < STAGES - 1; s++) {
    if (s < steps) load_stage(ring + s * STAGE, x, w, j->kp, s * SP_GPU_DEPTH);
    copy_close();
  }
  for (uint32_t s = 0; s < steps; s++) {
    uint32_t ahead = s + STAGES - 1;
    copy_wait(STAGES - 2);
    sync_block();
    if (ahead < steps) load_stage(ring + ahead % STAGES * STAGE, x, w, j->kp, ahead * SP_GPU_DEPTH);
    copy_close();
    multiply_stage(acc, ring + s % STAGES * STAGE, row0, col0);
  }
  UNROLL
  for (uint32_t i = 0; i < 4; i++) store_strip(j, acc[i], 8, row + row0 + 16 * i, col + col0);
}

#endif

KERNEL(sp_gpu_multiply, sp_gpu_gemm, 256) {
  SHARED_BYTES(ring);
  uint32_t row, col;
  tile_of_block(&j, &row, &col);
  multiply_tile(&j, ring, j.x + (uint64_t)row * j.kp, j.w + (uint64_t)col * j.kp, row, col);
}
