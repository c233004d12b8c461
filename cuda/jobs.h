/*
 * jobs.h - the device kernels: what each is given, in one struct, and what it makes of it.
 *
 * In:       pointers to device memory.  Out: the same; every result equals that of simd/ref.c bit for bit.
 * Not here: code of either side. kernel files (*.cu) and the host (C) both include this header, so that they agree.
 *
 * Rows of activations and panels are padded: kernels may read, and never write, up to the next multiple of SP_GPU_ROWS rows.
 * Lengths k are multiples of 32, so that rows of fp32 are aligned to 128 bytes where their array is. `bad` is a word that takes
 * the lowest row in which a number was not finite (it starts as 0xffffffff). The arithmetic is that of stillpoint-numerics(7).
 */
#ifndef SP_JOBS_H
#define SP_JOBS_H

#include <stdbool.h>
#include <stdint.h>

enum {
  SP_GPU_ROWS = 128,      /* rows of a tile of the GEMM; buffers of rows are padded to this */
  SP_GPU_LOW = 64,        /* rows of a low one */
  SP_GPU_COLS = 128,      /* columns of it; panels are padded to this */
  SP_GPU_DEPTH = 64,      /* bytes of k in one stage of it; k of panels and of int8 activations is padded to this */
  SP_GPU_TILE = 128,      /* keys of a tile of attention: SP_TILE */
  SP_GPU_BLOCK = 64,      /* list rows that one block of the attention kernel takes; no such block straddles a tile */
  SP_GPU_PIECE = 2048,    /* elements of a row that a block of the kernel of activations takes */
  SP_GPU_MASS_ROWS = 64   /* window rows that the mass kernel keeps in shared memory at a time */
};

/* Where byte k of row r lies among `rows` rows of int8 for the GEMM, a padded number: in slabs of SP_GPU_DEPTH bytes of k, which
 * hold those of all rows, one row after the other; and of a row's four times 16 bytes c lies at c ^ (r / 2 % 4), for in shared
 * memory, where stages come as they lie, the same c of eight neighbours shall lie in different banks. */
#define SP_GPU_PLACE(rows, r, k)                                                                   \
  (((uint64_t)((k) / SP_GPU_DEPTH) * (rows) + (r)) * SP_GPU_DEPTH + (((k) / 16 ^ (r) / 2) % 4) * 16 + (k) % 16)

/* Linear layers in decode and the rows of files: types as enum sp_type numbers them. The first row is aligned to 16. */
struct sp_gpu_weight {
  const uint8_t *rows;
  uint64_t row_bytes;
  uint32_t type, n, k;
};

/* x[i] = row tokens[i] in fp32. A warp a token. */
struct sp_gpu_embed {
  struct sp_gpu_weight weight;
  const int32_t *tokens; /* [n] */
  float *x;              /* [n][k] */
  uint32_t n;
};

/* Rotated int8 rows of a panel with their scales a / 127: row r of the weight goes to row first + r, or with `pairs` (gate and
 * up side by side, 8 columns of each in turn) to r / 8 * 16 + r % 8 + first. Bytes k .. kp are zero. A warp a row. */
struct sp_gpu_panel {
  struct sp_gpu_weight weight;
  int8_t *panel;         /* np rows of kp: SP_GPU_PLACE */
  float *scale;
  uint32_t *bad;
  uint32_t np, kp, block, first; /* block: of the rotation */
  bool pairs;
};

/* Prepares rows for the GEMM: RMSNorm (sp_gpu_norm_rows) or not (sp_gpu_quantise_rows), rotation, int8, scale (a / 127) *
 * (1 / block). SP_GPU_SHARE(k) warps a row. */
#define SP_GPU_SHARE(k) ((k) <= 2048 ? 1 : (k) <= 4096 ? 2 : (k) <= 8192 ? 4 : 8)
struct sp_gpu_quantise {
  const float *x, *norm; /* [n][k]; [k] */
  int8_t *q;             /* n padded rows: SP_GPU_PLACE; bytes past k are left alone */
  float *scale;
  uint32_t *bad;
  uint32_t n, k, block;
  float eps;
};

/* y = (float)acc * (sx * sw) + bias: rows times a panel. mode SP_GPU_PLAIN: to y where y is given, and added to sum where that
 * is given. SP_GPU_PAIRS: the panel has `pairs`; y[n / 2 wide] = silu(gate) * up. */
enum sp_gpu_mode { SP_GPU_PLAIN, SP_GPU_PAIRS };
struct sp_gpu_gemm {
  const int8_t *x, *w;   /* rows and n, padded, of kp: SP_GPU_PLACE */
  const float *sx, *sw, *bias; /* [rows], [n], [n] or NULL */
  float *y, *sum;        /* [rows][ldy] */
  uint32_t rows, n, kp, ldy; /* n and ldy: multiples of 4 */
  enum sp_gpu_mode mode;
};

/* The cache of a layer: one allocation. */
struct sp_gpu_kv {
  uint64_t rows;         /* capacity, a multiple of SP_GPU_TILE */
  int8_t *k, *v;         /* [heads][rows][dk], [heads][rows / 128][dk][128] */
  float *sk, *sv;        /* [heads][rows] */
};

/* Heads of rows, of 1024 elements together, a warp, SP_GPU_TASKS warps in all: of q, k (per-head norm, RoPE, shift and balance,
 * rotation, int8) and v (int8). k goes to [kv head][cap][dk], v to [kv head][cap / 128][dk][128], in which byte p of 16 holds key
 * 8 (p / 2 % 2) + p / 4 * 2 + p % 2 of the 16: the order in which probabilities leave the tensor cores. */
struct sp_gpu_heads {
  float *qkv;            /* [n][(heads + 2 kv_heads) d]; with `keep`, turned q and k are written back */
  const uint32_t *position; /* [n] */
  const float *c, *s;    /* [positions][half] */
  const float *q_norm, *k_norm; /* [d] or NULL */
  const float *shift, *balance, *inverse_balance; /* [kv_heads][d] */
  int8_t *q, *k, *v;     /* q: [n][heads][dk] */
  float *sq, *sk, *sv;   /* [n][heads], [kv_heads][cap] */
  uint32_t *bad;
  const uint32_t *place; /* [n]: where the rows stand in the list; NULL: side by side from `at` on */
  uint32_t n, at, cap, heads, kv_heads, d, block, half;
  float eps, scale;      /* scale: log2(e) / sqrt(d) */
  bool pairs, keep;      /* pairs: RoPE turns (2i, 2i + 1), else (i, i + half) */
};

#define SP_GPU_TASKS(n, heads, kv_heads, dk) \
  (SP_GPU_UP((n) * ((heads) + (kv_heads)), 1024 / (dk)) + SP_GPU_UP((n) * (kv_heads), 1024 / (dk)))
#define SP_GPU_UP(n, by) (((n) + (by) - 1) / (by))

/* A block of SP_GPU_BLOCK list rows, in which these rows of a chunk have their places. */
struct sp_gpu_block {
  uint32_t index, first, n;
};

/* Integer flash attention of rows [at, at + n) of a layer's list, or of rows with places. grid: (blocks of list rows, heads). */
struct sp_gpu_attend {
  const int8_t *q, *k, *v; /* as sp_gpu_heads writes them */
  const float *sq, *sk, *sv;
  float *y;              /* [n][heads][d] */
  float *m, *l;          /* [n][heads] */
  const uint32_t *place; /* [n], ascending, or NULL */
  const struct sp_gpu_block *block; /* with places: the grid's blocks */
  uint32_t n, at, cap, heads, kv_heads, d;
};

/* One row (decode), in two steps. First each tile by itself, grid (tiles, heads): t, den and (float)sum * (a / 255); then the
 * recurrence over the tiles, grid (heads). Tiles behind the row's own are left alone. */
struct sp_gpu_attend_row {
  const int8_t *q, *k, *v;
  const float *sq, *sk, *sv;
  float *t, *den;        /* [heads][tiles] */
  float *o;              /* [heads][tiles][dk] */
  float *y, *m, *l;      /* [heads][d]; [heads]: maximum and denominator, for the gate */
  const uint32_t *now;   /* [1]: the row's place in the list, which is the last that it sees */
  uint32_t cap, heads, kv_heads, d, dk, tiles; /* tiles: that there is room for */
};

/* Raw scores of `query`: per[layer][head][row] = sum over the window's rows; then the mean, and the maximum over the layers. */
struct sp_gpu_mass {
  const int8_t *q, *k;   /* [window][heads][dk]; of one layer */
  const float *sq, *m, *l, *sk; /* [window][heads]; [kv_heads][cap] */
  float *per;            /* [heads][rows] */
  uint32_t rows, window, window_from, cap, heads, kv_heads;
};
struct sp_gpu_mass_mean {
  const float *per;      /* [heads][rows] */
  float *scores;         /* [rows] */
  uint32_t rows, heads;
  float scale;           /* 1 / (window heads) */
  bool first;            /* of the layers: scores are set, not compared */
};

/* y[i] = x[index[i]]: kept rows in order. */
struct sp_gpu_gather {
  const float *x;
  const uint32_t *index; /* [n] */
  float *y;              /* [n][k] */
  uint32_t n, k;
};

/* sums[i] = sum of squares of u[i] (+ f[i], rounded, where f is given). Half a warp a row. */
struct sp_gpu_sumsq {
  const float *u, *f;    /* [n][k] */
  float *sums;
  uint32_t n, k;
};

/* The probe's sums over its rows, in the order of positions, then of heads. A thread an element of [kv_heads][d]. */
struct sp_gpu_probe {
  const float *qkv;
  float *key, *key_squared, *query_squared;
  uint32_t n, heads, kv_heads, d;
};

/* Decode: rows in blocks of 32, RMSNorm before it if there is a norm. grid: (pieces of SP_GPU_PIECE elements, n). */
struct sp_gpu_act {
  const float *x, *norm; /* [n][k] */
  float *copy;           /* [n][k] */
  int8_t *q;             /* [n][k] */
  float *d;              /* [n][k / 32] */
  int16_t *sum;          /* [n][k / 16] */
  uint32_t *bad;
  uint32_t n, k;
  float eps;
};

/* Rows of up to three weights with the same k, one weight after the other, times activations: y[i * ldy + r] for i < n_x, then +
 * bias; added to sum where that is given. With `pairs` there are two, gate and up, which share r: y = silu(gate) * up. A warp a
 * row. */
struct sp_gpu_dot {
  struct sp_gpu_weight weight[3]; /* n: 0 where there is none */
  const float *bias[3];
  const float *x;        /* of sp_gpu_act, whose k is the weights' */
  const int8_t *q;
  const float *d;
  const int16_t *qsum;
  float *y, *sum;
  uint32_t n_x, ldy;
  bool pairs;
};

/* Rows [at, at + n) of layers' caches as bytes of a state (kv.h: sp_kv_save), row i at bytes + i * stride; or back. A warp a row
 * and KV head; grid: (these, layers). */
struct sp_gpu_image {
  const struct sp_gpu_kv *kv; /* [layers] */
  uint8_t *bytes;
  uint64_t stride, layer; /* layer: from the bytes of a row of one layer to those of the next */
  uint32_t n, at, kv_heads, d, dk;
  bool restore;
};

/* Kernels and their jobs: X(name, job, threads of a block). */
#define SP_GPU_KERNELS(X)                          \
  X(sp_gpu_embed_rows, sp_gpu_embed, 256)          \
  X(sp_gpu_build_panel, sp_gpu_panel, 256)         \
  X(sp_gpu_quantise_rows, sp_gpu_quantise, 256)    \
  X(sp_gpu_norm_rows, sp_gpu_quantise, 256)        \
  X(sp_gpu_multiply, sp_gpu_gemm, 128)             \
  X(sp_gpu_multiply_low, sp_gpu_gemm, 128)         \
  X(sp_gpu_prepare_64, sp_gpu_heads, 256)          \
  X(sp_gpu_prepare_128, sp_gpu_heads, 256)         \
  X(sp_gpu_prepare_256, sp_gpu_heads, 256)         \
  X(sp_gpu_attend_64, sp_gpu_attend, 128)          \
  X(sp_gpu_attend_128, sp_gpu_attend, 128)         \
  X(sp_gpu_attend_256, sp_gpu_attend, 128)         \
  X(sp_gpu_attend_tiles, sp_gpu_attend_row, 128)   \
  X(sp_gpu_attend_fold, sp_gpu_attend_row, 256)    \
  X(sp_gpu_mass_64, sp_gpu_mass, 128)              \
  X(sp_gpu_mass_128, sp_gpu_mass, 128)             \
  X(sp_gpu_mass_256, sp_gpu_mass, 128)             \
  X(sp_gpu_mass_rows, sp_gpu_mass_mean, 128)       \
  X(sp_gpu_gather_rows, sp_gpu_gather, 256)        \
  X(sp_gpu_sum_squares, sp_gpu_sumsq, 256)         \
  X(sp_gpu_probe_sums, sp_gpu_probe, 128)          \
  X(sp_gpu_act_rows, sp_gpu_act, 256)              \
  X(sp_gpu_dot_rows, sp_gpu_dot, 256)              \
  X(sp_gpu_image_rows, sp_gpu_image, 256)

enum sp_gpu_kernel {
#define SP_GPU_NUMBER(name, job, threads) SP_GPU_##name,
  SP_GPU_KERNELS(SP_GPU_NUMBER)
#undef SP_GPU_NUMBER
  SP_GPU_COUNT
};

/* Stages of the GEMM's pipeline, 16 KiB of shared memory each or, for low tiles, 12, and of attention's, by compute capability
 * (10 * major + minor): two blocks of the GEMM fit a multiprocessor, three on 9.0, of low ones one more. The kernels are compiled
 * for the same numbers. On 9.0 attention's queries are there, too, and everywhere which row of the chunk a list row is. */
#define SP_GPU_SMALL(cc) ((cc) < 80 || (cc) == 86 || (cc) == 89 || (cc) >= 120) /* 100 KiB of shared memory or less */
#define SP_GPU_STAGES(cc) ((cc) < 80 ? 2 : SP_GPU_SMALL(cc) ? 3 : 4)
/* Where there are two stages, low tiles would leave less than 64 rows of sums want (gemm.cu). */
#define SP_GPU_SHARED_GEMM(cc, rows) \
  ((cc) < 80 ? SP_GPU_LOW * SP_GPU_COLS * 4 : SP_GPU_STAGES(cc) * ((rows) + SP_GPU_COLS) * SP_GPU_DEPTH)
#define SP_GPU_TILES(cc, dk) ((cc) < 80 || ((dk) == 256 && SP_GPU_SMALL(cc)) ? 1 : 2)
#define SP_GPU_SHARED_ATTEND(cc, dk) \
  (SP_GPU_TILES(cc, dk) * SP_GPU_TILE * (2 * (dk) + 8) + ((cc) == 90 ? SP_GPU_BLOCK * (dk) : 0) + SP_GPU_BLOCK * 4)
#define SP_GPU_HEAD(d) ((d) <= 64 ? 64 : (d) <= 128 ? 128 : 256) /* dk: head_dim as it is padded on the device */
#define SP_GPU_BY_HEAD(name, dk) ((dk) == 64 ? SP_GPU_##name##_64 : (dk) == 128 ? SP_GPU_##name##_128 : SP_GPU_##name##_256)
#define SP_GPU_PREPARE(dk) SP_GPU_BY_HEAD(sp_gpu_prepare, dk)
#define SP_GPU_ATTEND(dk) SP_GPU_BY_HEAD(sp_gpu_attend, dk)
#define SP_GPU_MASS(dk) SP_GPU_BY_HEAD(sp_gpu_mass, dk)

#endif
