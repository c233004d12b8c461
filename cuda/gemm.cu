/*
 * gemm.cu - int8 rows times int8 panels on tensor cores, with the epilogue of numerics section 2.
 *
 * In, Out:  struct sp_gpu_gemm.
 * Not here: how rows and panels came about (rows.cu).
 *
 * A block of 4 warps makes a tile of 128 or 64 rows x 128 columns; stages of 64 bytes of k come through a ring in shared memory,
 * as they lie. On compute capability 9.0 the warps multiply together, elsewhere each by itself. Several blocks share a
 * multiprocessor, so that one multiplies while another finishes its tile: rows of a small model are so short that finishing takes
 * as long. Sums of int8 products are exact, so nothing here can change a bit but the epilogue.
 */
#include "cuda/device.h"

enum {
  STAGES = SP_GPU_STAGES(ARCH),
  COLUMNS = SP_GPU_COLS * SP_GPU_DEPTH, /* bytes of a stage, which has rows, then columns */
  BAND = 16 /* row tiles that pass over the same columns before the next columns come: both stay in the second-level cache */
};
#ifdef GROUPS_MULTIPLY
#define BESIDE 3
#else
#define BESIDE 2
#endif

/* What a tile is made of: its rows and columns in the first slab, how far it is to the next, and bytes of a stage: of its rows,
 * and all. */
struct operands {
  const int8_t *x, *w;
  uint64_t x_slab, w_slab;
  uint32_t rows, all;
};

/* ---- from sums to floats: through shared memory, where the stages were, so that a warp finishes whole rows ---------------- */

enum {
  STRIP = STAGES < 4 ? 64 : 128, /* rows that find room there at a time, a quarter of them for each warp to finish */
  BATCH = 8,                     /* rows whose memory is read at once */
  PAIRS = 4                      /* rows of pairs that a thread finishes together */
};

/* Where the sum of row r of the strip and column c lies: eight columns together, in other banks than those of its neighbours. */
DEVICE uint32_t sum_place(uint32_t r, uint32_t c) { return r * SP_GPU_COLS + (c / 8 ^ r % 8) * 8 + c % 8; }

/* A warp's 16 rows of `groups` times 8 columns: a thread has two neighbours of every eight columns, of rows lane / 4 and + 8. */
DEVICE void put_sums(int *sums, int (*acc)[4], uint32_t groups, uint32_t row, uint32_t col) {
  uint32_t lane = THREAD % 32;
  UNROLL
  for (uint32_t i = 0; i < 2 * groups; i++) {
    const int *two = &acc[i / 2][i % 2 * 2];
    *(struct int_two *)(sums + sum_place(row + i % 2 * 8 + lane / 4, col + i / 2 * 8 + lane % 4 * 2)) =
        (struct int_two){{two[0], two[1]}};
  }
}

/* What four columns are multiplied by, and what is added. */
struct columns {
  struct float_four sw, bias;
};

DEVICE struct columns columns_of(const struct sp_gpu_gemm *j, uint32_t c) {
  struct columns all = {.sw = *(const struct float_four *)(j->sw + c)};
  if (j->bias) all.bias = *(const struct float_four *)(j->bias + c);
  return all;
}

DEVICE struct float_four products(const struct sp_gpu_gemm *j, struct int_four acc, const struct columns *c, float sx) {
  struct float_four y;
  UNROLL
  for (int i = 0; i < 4; i++) y.x[i] = (float)acc.x[i] * (sx * c->sw.x[i]);
  UNROLL
  for (int i = 0; i < 4; i++) y.x[i] = j->bias ? y.x[i] + c->bias.x[i] : y.x[i];
  return y;
}

DEVICE struct int_four sums_at(const int *sums, uint32_t r, uint32_t c) {
  return *(const struct int_four *)(sums + sum_place(r, c));
}

/* To y, and added to sum: a thread has four columns of each row. */
DEVICE void finish_plain(const struct sp_gpu_gemm *j, const int *sums, uint32_t row, uint32_t col, uint32_t own_rows) {
  uint32_t c = THREAD % 32 * 4, own = THREAD / 32 * own_rows;
  if (col + c >= j->n) return;
  struct columns columns = columns_of(j, col + c);
  for (uint32_t first = own; first < own + own_rows; first += BATCH) {
    struct float_four sum[BATCH];
    float sx[BATCH];
    UNROLL
    for (uint32_t i = 0; i < BATCH; i++) {
      uint32_t r = row + first + i;
      if (r >= j->rows) continue;
      sx[i] = j->sx[r];
      if (j->sum) sum[i] = *(const struct float_four *)(j->sum + (uint64_t)r * j->ldy + col + c);
    }
    UNROLL
    for (uint32_t i = 0; i < BATCH; i++) {
      uint32_t r = row + first + i;
      uint64_t at = (uint64_t)r * j->ldy + col + c;
      if (r >= j->rows) continue;
      struct float_four y = products(j, sums_at(sums, first + i, c), &columns, sx[i]);
      if (j->y) *(struct float_four *)(j->y + at) = y;
      if (!j->sum) continue;
      UNROLL
      for (int e = 0; e < 4; e++) y.x[e] = sum[i].x[e] + y.x[e];
      *(struct float_four *)(j->sum + at) = y;
    }
  }
}

/* y = silu(gate) * up of some rows: first as if all gates were easy, and again with care if one is not. */
DEVICE void pair_up(struct float_four y[PAIRS], const struct float_four gate[PAIRS], const struct float_four up[PAIRS]) {
  uint32_t most = 0, least = EASY_MOST;
  UNROLL
  for (uint32_t i = 0; i < PAIRS; i++) {
    UNROLL
    for (int e = 0; e < 4; e += 2) {
      uint32_t size[2] = {size_bits(gate[i].x[e]), size_bits(gate[i].x[e + 1])};
      most = largest_of_three(most, size[0], size[1]);
      least = least_of_three(least, size[0], size[1]);
    }
    UNROLL
    for (int e = 0; e < 4; e++) y[i].x[e] = swiglu_easy(gate[i].x[e], up[i].x[e]);
  }
  if (least >= EASY_LEAST && most <= EASY_MOST) return;
  UNROLL
  for (uint32_t i = 0; i < 4 * PAIRS; i++) y[i / 4].x[i % 4] = swiglu(gate[i / 4].x[i % 4], up[i / 4].x[i % 4]);
}

/* Columns c .. c + 3 are of the gate and c + 8 .. the same of up: half a warp has every second row. */
DEVICE void finish_pairs(const struct sp_gpu_gemm *j, const int *sums, uint32_t row, uint32_t col, uint32_t own_rows) {
  uint32_t out = THREAD % 16 * 4, c = out / 8 * 16 + out % 8, own = THREAD / 32 * own_rows;
  if (col + c >= j->n) return;
  struct columns gates = columns_of(j, col + c), ups = columns_of(j, col + c + 8);
  for (uint32_t first = own + THREAD % 32 / 16; first < own + own_rows; first += 2 * PAIRS) {
    struct float_four gate[PAIRS], up[PAIRS], y[PAIRS];
    float sx[PAIRS];
    UNROLL
    for (uint32_t i = 0; i < PAIRS; i++) sx[i] = row + first + 2 * i < j->rows ? j->sx[row + first + 2 * i] : 0;
    UNROLL
    for (uint32_t i = 0; i < PAIRS; i++) {
      gate[i] = products(j, sums_at(sums, first + 2 * i, c), &gates, sx[i]);
      up[i] = products(j, sums_at(sums, first + 2 * i, c + 8), &ups, sx[i]);
    }
    pair_up(y, gate, up);
    UNROLL
    for (uint32_t i = 0; i < PAIRS; i++) {
      uint32_t r = row + first + 2 * i;
      if (r < j->rows) *(struct float_four *)(j->y + (uint64_t)r * j->ldy + col / 2 + out) = y[i];
    }
  }
}

DEVICE void finish(const struct sp_gpu_gemm *j, const int *sums, uint32_t row, uint32_t col, uint32_t rows) {
  if (j->mode == SP_GPU_PAIRS)
    finish_pairs(j, sums, row, col, rows / 4);
  else
    finish_plain(j, sums, row, col, rows / 4);
}

/* Of a row of the tile. */
DEVICE void fetch_sums(const struct sp_gpu_gemm *j, uint32_t row, uint32_t col) {
  UNROLL
  for (uint32_t c = col; c < col + SP_GPU_COLS; c += 128 / sizeof(float))
    if (row < j->rows && c < j->n) fetch_ahead(j->sum + (uint64_t)row * j->ldy + c);
}

/* Tile of this block: bands of BAND row tiles, inside a band column by column. */
DEVICE void tile_of_block(const struct sp_gpu_gemm *j, uint32_t rows, uint32_t *row, uint32_t *col) {
  uint32_t tiles = SP_GPU_UP(j->rows, rows), cols = SP_GPU_UP(j->n, SP_GPU_COLS);
  uint32_t band = BLOCK / (BAND * cols), in_band = BLOCK % (BAND * cols);
  uint32_t high = tiles - band * BAND < BAND ? tiles - band * BAND : BAND;
  *row = (band * BAND + in_band % high) * rows;
  *col = in_band / high * SP_GPU_COLS;
}

#ifdef GROUPS_MULTIPLY

DEVICE void load_stage(uint8_t *ring, const struct operands *o, uint32_t s, uint64_t *arrival) {
  uint8_t *stage = ring + s % STAGES * o->all;
  arrival_expect(&arrival[s % STAGES], o->all);
  copy_bytes(stage, o->x + s * o->x_slab, o->rows, &arrival[s % STAGES]);
  copy_bytes(stage + o->rows, o->w + s * o->w_slab, COLUMNS, &arrival[s % STAGES]);
}

/* Products of 64 rows and all columns. Those of a stage are under way while all wait for those of the one before to end,
 * whose place the next copy takes. */
DEVICE void multiply_tile(const struct sp_gpu_gemm *j, uint8_t *ring, const struct operands *o, uint32_t row, uint32_t col,
                          uint32_t rows) {
  SHARED uint64_t arrival[STAGES];
  uint32_t steps = j->kp / SP_GPU_DEPTH, parts = rows / 64;
  uint64_t tile = group_tile(ring, SP_GPU_DEPTH);
  int acc[2][SP_GPU_COLS / 2];
  if (THREAD == 0) {
    for (uint32_t s = 0; s < STAGES; s++) arrival_begin(&arrival[s]);
    arrival_publish();
    for (uint32_t s = 0; s < STAGES - 1 && s < steps; s++) load_stage(ring, o, s, arrival);
  }
  UNROLL
  for (uint32_t i = 0; i < SP_GPU_COLS; i++)
    if (i % 2 < parts) acc[i % 2][i / 2] = 0;
  sync_block();
  for (uint32_t s = 0; s < steps; s++) {
    uint64_t stage = group_further(tile, s % STAGES * o->all);
    arrival_wait(&arrival[s % STAGES], s / STAGES);
    group_begin();
    UNROLL
    for (uint32_t i = 0; i < parts * SP_GPU_DEPTH / 32; i++) {
      uint32_t part = i % parts, k = i / parts * 32;
      group_s8_128(acc[part], group_further(stage, part * 64 * SP_GPU_DEPTH + k), group_further(stage, o->rows + k), 1);
    }
    group_close();
    group_wait(1);
    sync_block();
    if (THREAD == 0 && s + STAGES - 1 < steps) load_stage(ring, o, s + STAGES - 1, arrival);
  }
  group_wait(0);
  sync_block(); /* all have read what lay there */
  UNROLL
  for (uint32_t i = 0; i < parts; i++) {
    GROUP_KEEP(acc[i], SP_GPU_COLS / 2);
    put_sums((int *)ring, (int(*)[4])acc[i], SP_GPU_COLS / 8, 64 * i + THREAD / 32 * 16, 0);
  }
  sync_block();
  finish(j, (const int *)ring, row, col, rows);
}

#else

/* 16 bytes c (0..3) of row r of a stage, as SP_GPU_PLACE has them. */
DEVICE uint32_t stage_place(uint32_t r, uint32_t c) { return r * SP_GPU_DEPTH + (c ^ r / 2 % 4) * 16; }

/* 8 copies a thread, 6 of a low tile. */
DEVICE void load_stage(uint8_t *ring, const struct operands *o, uint32_t s) {
  uint8_t *stage = ring + s % STAGES * o->all;
  UNROLL
  for (uint32_t i = THREAD * 16; i < o->all; i += 128 * 16)
    copy_16(stage + i, i < o->rows ? o->x + s * o->x_slab + i : o->w + s * o->w_slab + i - o->rows);
}

/* The warp's part of one stage: `parts` times 16 rows x 64 columns. */
DEVICE void multiply_stage(int acc[4][8][4], const uint8_t *stage, uint32_t row0, uint32_t col0, uint32_t rows, uint32_t parts) {
  uint32_t lane = THREAD % 32, matrix = lane / 8;
  UNROLL
  for (uint32_t c = 0; c < SP_GPU_DEPTH / 16; c += 2) {
    uint32_t a[4][4], b[4][4];
    UNROLL
    for (uint32_t i = 0; i < parts; i++)
      load_matrices(a[i], stage + stage_place(row0 + 16 * i + matrix % 2 * 8 + lane % 8, c + matrix / 2));
    UNROLL
    for (uint32_t i = 0; i < 4; i++)
      load_matrices(b[i], stage + stage_place(rows + col0 + 16 * i + matrix / 2 * 8 + lane % 8, c + matrix % 2));
    UNROLL
    for (uint32_t i = 0; i < parts; i++) {
      UNROLL
      for (uint32_t n = 0; n < 8; n++) multiply_s8(acc[i][n], a[i], b[n / 2][n % 2 * 2], b[n / 2][n % 2 * 2 + 1]);
    }
  }
}

/* A warp half of the rows and of the columns. */
DEVICE void multiply_tile(const struct sp_gpu_gemm *j, uint8_t *ring, const struct operands *o, uint32_t row, uint32_t col,
                          uint32_t rows) {
  uint32_t warp = THREAD / 32, steps = j->kp / SP_GPU_DEPTH, row0 = warp / 2 * (rows / 2), col0 = warp % 2 * 64;
  uint32_t parts = rows / 32, strip = rows < STRIP ? rows : STRIP;
  int acc[4][8][4];
  UNROLL
  for (uint32_t i = 0; i < 4 * 8 * 4; i++) acc[i / 32][i / 4 % 8][i % 4] = 0;
  for (uint32_t s = 0; s < STAGES - 1; s++) {
    if (s < steps) load_stage(ring, o, s);
    copy_close();
  }
  for (uint32_t s = 0; s < steps; s++) {
    uint32_t ahead = s + STAGES - 1;
    copy_wait(STAGES - 2);
    sync_block();
    if (ahead < steps) load_stage(ring, o, ahead);
    copy_close();
    multiply_stage(acc, ring + s % STAGES * o->all, row0, col0, rows, parts);
  }
  UNROLL
  for (uint32_t from = 0; from < rows; from += strip) {
    sync_block(); /* all have read what lay there */
    UNROLL
    for (uint32_t i = 0; i < parts; i++)
      if (row0 / strip == from / strip) put_sums((int *)ring, acc[i], 8, row0 % strip + 16 * i, col0);
    sync_block();
    finish(j, (const int *)ring, row + from, col, strip);
  }
}

#endif

DEVICE void multiply(const struct sp_gpu_gemm *j, uint8_t *ring, uint32_t rows) {
  uint32_t row, col;
  tile_of_block(j, rows, &row, &col);
  struct operands o = {.x = j->x + row * SP_GPU_DEPTH, .w = j->w + col * SP_GPU_DEPTH,
                       .x_slab = (uint64_t)padded(j->rows) * SP_GPU_DEPTH, .w_slab = (uint64_t)padded(j->n) * SP_GPU_DEPTH,
                       .rows = rows * SP_GPU_DEPTH, .all = rows * SP_GPU_DEPTH + COLUMNS};
  if (j->sum && THREAD < rows) fetch_sums(j, row + THREAD, col);
  multiply_tile(j, ring, &o, row, col, rows);
}

KERNEL_BESIDE(sp_gpu_multiply, sp_gpu_gemm, 128, BESIDE) {
  SHARED_BYTES(ring);
  multiply(&j, ring, SP_GPU_ROWS);
}

KERNEL_BESIDE(sp_gpu_multiply_low, sp_gpu_gemm, 128, BESIDE + 1) {
  SHARED_BYTES(ring);
  multiply(&j, ring, SP_GPU_LOW);
}
