/*
 * kernels.h - the door between src/ and simd/: one const table of function pointers per ISA level.
 *
 * In:       plain arrays that the caller owns. Nothing here allocates, locks, spawns, logs or fails.
 * Out:      arrays, bit-equal to those of the `ref` table on every level, for every input that the contract allows.
 * Not here: threads, models, files.
 *
 * Every contract gives formula, shapes, alignment and order of reduction; man 7 stillpoint-numerics says why. Conventions:
 *   fma(a,b,c) rounds once, everything else once per operation, to nearest even; no contraction, no flush-to-zero.
 *   "lanes16": element i goes to lane i mod 16 in increasing i, then lane[i] += lane[i+8], +4, +2, +1: lane 0 ends with the sum.
 *   exp2: n = rint(x), f = x - n, the polynomial of exp2.h in f by fma, exact scaling by 2^n; 1 at 0; 0 below 2^-126 and at -inf;
 *   +inf from x = 128 on.
 *   Pointers need the alignment of their element type unless a contract asks for more. Arrays do not overlap unless a contract
 *   says "in place". Kernels read and write nothing outside the stated shapes.
 */
#ifndef SP_KERNELS_H
#define SP_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  SP_LANES = 16,        /* lanes of an fp32 sum; queries of an attention group */
  SP_TILE = 128,        /* keys of an attention tile; part of the numeric contract */
  SP_PANEL_COLS = 64,   /* weight rows (output columns) of one panel block */
  SP_PANEL_DEPTH = 64,  /* K of a panel is padded with zeros to a multiple of this */
  SP_ALIGN = 64         /* alignment of rows, panels and caches that kernels load whole registers from */
};

/* Types of tensors in model files. The numbers are ours; quant.c maps the file's. */
enum sp_type {
  SP_F32, SP_F16, SP_BF16, SP_Q8_0, SP_Q4_0, SP_Q4_1, SP_Q5_0, SP_Q5_1,
  SP_Q2_K, SP_Q3_K, SP_Q4_K, SP_Q5_K, SP_Q6_K, SP_IQ4_NL, SP_IQ4_XS, SP_TYPES
};

/* The types in blocks: X(TYPE, name, weights of a block, its bytes, weights that share a scale, has minimums) */
#define SP_BLOCK_LIST(X)                \
  X(SP_Q8_0, q8_0, 32, 34, 32, 0)       \
  X(SP_Q4_0, q4_0, 32, 18, 32, 0)       \
  X(SP_Q4_1, q4_1, 32, 20, 32, 1)       \
  X(SP_Q5_0, q5_0, 32, 22, 32, 0)       \
  X(SP_Q5_1, q5_1, 32, 24, 32, 1)       \
  X(SP_Q2_K, q2_k, 256, 84, 16, 1)      \
  X(SP_Q3_K, q3_k, 256, 110, 16, 0)     \
  X(SP_Q4_K, q4_k, 256, 144, 32, 1)     \
  X(SP_Q5_K, q5_k, 256, 176, 32, 1)     \
  X(SP_Q6_K, q6_k, 256, 210, 16, 0)     \
  X(SP_IQ4_NL, iq4_nl, 32, 18, 32, 0)   \
  X(SP_IQ4_XS, iq4_xs, 256, 136, 32, 0)

/* One weight matrix as int8 panels. n rows of the file = n output columns; k = inputs.
 * w:    np * kp int8, np = n rounded up to 64, kp = k rounded up to 64; zeros in the padding. Aligned to SP_ALIGN. 64 columns
 *       from a multiple of 64 on fill 64 * kp bytes; inside them the layout is the level's: what its panel_columns lays, its
 *       gemm reads. ref and x86: [np/64][kp/4][64][4] (VNNI reads 64-byte rows of 16 columns x 4 k, AMX reads 16 such rows as a
 *       tile); Arm: mul_<level>.inc.
 * wsum: [np] -128 * sum of the column's int8, modulo 2^32.     sw: [np] scale, 0 in the padding. */
struct sp_panel {
  int8_t *w;
  int32_t *wsum;
  float *sw;
  size_t n, k, np, kp;
};

/* One block of an integer GEMM with its epilogue: y[r][c] = (float)acc * (sx[r] * sw[c]), then + bias[c] if bias is given;
 * acc = sum over k of q_x * q_w, exact in int32 (k <= 131072). */
struct sp_gemm {
  const uint8_t *x; /* [rows][ldx] bytes q ^ row_flip of the table, bytes k..kp any; aligned to SP_ALIGN */
  size_t ldx;       /* >= kp, multiple of 64 */
  const float *sx;  /* [rows] */
  const struct sp_panel *w;
  size_t col0, cols; /* columns [col0, col0 + cols) of the panel; col0 a multiple of 64; col0 + cols <= n */
  const float *bias; /* [n] of the whole panel, or NULL */
  float *y;          /* y[r * ldy + (c - col0)] */
  size_t ldy, rows;
};

/* Integer flash attention of `groups` x 16 queries over tiles [0, tiles) of one KV head (numerics, section 3, step 3).
 * All lanes of all groups see a key in each tile (idle lanes: q bytes of zero ^ flip, sq 0, limit of a lane in use). */
struct sp_attn {
  const int8_t *k;      /* [tiles * 128][dk] int8, dk = d rounded up to 64, zeros in the padding; aligned to SP_ALIGN */
  const int8_t *v;      /* [tiles][dv][128] int8: channel-major inside a tile, dv = d rounded up to 16; aligned to SP_ALIGN */
  const float *sk, *sv; /* [tiles * 128]; entries at and past a lane's limit may hold anything */
  const int32_t *ksum;  /* [tiles * 128] -128 * sum of the key's int8 */
  size_t d, tiles, groups;
  const uint8_t *q;      /* [groups][dk/4][16][4] bytes q ^ query_flip; zeros ^ flip in the padding; aligned to SP_ALIGN */
  const float *sq;       /* [groups][16] scale with log2(e)/sqrt(d) inside */
  const uint32_t *limit; /* [groups][16] keys seen by the lane, in (128 * (tiles - 1), 128 * tiles] */
  float *o;              /* [groups][dv][16] the accumulator, any numbers afterwards; aligned to SP_ALIGN */
  float *const *y;       /* [groups * 16] out: where the d elements of a lane's O / l go; NULL: nowhere */
  float *m, *l;          /* out [groups][16]: final maximum and denominator */
};

/* What the rows of the window give to 128 keys, for one query head (numerics, section 5, `query`):
 * h[j] = sum over groups and lanes in order (group 0 lane 0, lane 1, ...), starting from +0, of
 *        (j < limit ? exp2(s - m) / l : +0), s = (float)dot * (sq * sk[j]);
 * then total[j] += h[j]. Where the lanes are heads of one row, `heads`, each is added to total[j] by itself, in order.
 * One tile; `limit` counts keys from the start of this tile (0: sees none). */
struct sp_mass {
  const int8_t *k;      /* [128][dk] */
  const float *sk;      /* [128] */
  const int32_t *ksum;  /* [128] */
  size_t d, groups;
  const uint8_t *q;      /* [groups][dk/4][16][4] as in sp_attn */
  const float *sq, *m, *l; /* [groups][16]; l > 0 */
  const uint32_t *limit; /* [groups][16] 0..128 */
  float *total;          /* [128] in place; never -0 */
  bool heads;
};

/* An activation row for the decode path. F32, F16 and BF16 weights read x; all others read q, d, sum. */
struct sp_act {
  const float *x;     /* [k] */
  const int8_t *q;    /* [k], k a multiple of 32 */
  const float *d;     /* [k/32] a/127 of the block */
  const int16_t *sum; /* [k/16] sum of q over 16 elements */
};

/* Rows of a weight matrix, as they lie in the file, times activation rows: y[x * ldy + r], r < n_rows, x < n_x. */
struct sp_dot {
  const uint8_t *rows; /* any alignment */
  size_t row_bytes, n_rows, k;
  const struct sp_act *act;
  size_t n_x;
  float *y;
  size_t ldy;
};

enum sp_rope_style { SP_ROPE_HALF, SP_ROPE_PAIR }; /* partners (i, i + rot/2) or (2i, 2i + 1) */

typedef void (*sp_dequant_fn)(float *y, const uint8_t *row, size_t k);
typedef void (*sp_dot_fn)(const struct sp_dot *job);

/* The slots, in the order in which a prefill meets them: X(result, name, parameters). */
#define SP_SLOT_LIST(X)                                                                                              \
  /* r = 1 / sqrt(sum / n + eps), sum of squares in lanes16 by fma; y_i = (x_i * r) * w_i. In place allowed. */      \
  X(void, rmsnorm, (float *y, const float *x, const float *w, size_t n, float eps))                                  \
  /* Unnormalised Walsh-Hadamard transform of each block of b (a power of two, 1..256, dividing n) of x, stages          \
   * h = 1, 2, 4, ..: (u, v) -> (u + v, u - v), then a = max |x|, q_i = rint(x_i * (127 / a)) ^ flip. Returns a / 127; 0     \
   * (and all q = 0 ^ flip) if a < 2^-100; -1 if x holds a NaN or an infinity before or after (q then undefined).           \
   * y [n]: where the transform is done; may be x. q may have any alignment. */                                        \
  X(float, quantise, (uint8_t *q, float *y, const float *x, size_t n, size_t b, uint8_t flip))                       \
  X(void, gemm, (const struct sp_gemm *job))                                                                         \
  /* Lays 16 quantised weight rows q [16][kp] (zeros past k, and in rows past n) into columns c .. c + 15 of the panel, with    \
   * their wsum, and touches no other column. c a multiple of 16, q aligned to SP_ALIGN. */                           \
  X(void, panel_columns, (const struct sp_panel *panel, size_t c, const int8_t *q))                                   \
  /* x [n_heads][stride]: pairs of the first rot elements of each head: (fma(x0, c, -(x1 * s)), fma(x1, c, x0 * s));      \
   * c, s [rot/2]. In place. */                                                                                        \
  X(void, rope, (float *x, size_t n_heads, size_t stride, size_t rot, const float *c, const float *s,                \
                 enum sp_rope_style style))                                                                            \
  /* y_i = (x_i - c_i) * w_i. In place allowed. */                                                                  \
  X(void, centre, (float *y, const float *x, const float *c, const float *w, size_t n))                              \
  X(void, attn, (const struct sp_attn *job))                                                                         \
  X(void, add, (float *y, const float *x, size_t n))               /* y_i += x_i */                                    \
  X(float, sumsq, (const float *x, size_t n))                      /* lanes16, fma */                                  \
  /* y = (g / (1 + exp2(-g * log2e))) * u; y may be gate */                                                            \
  X(void, swiglu, (float *y, const float *gate, const float *up, size_t n))                                          \
  X(void, exp2, (float *y, const float *x, size_t n))              /* finite or -inf x; in place allowed */             \
  X(void, mass, (const struct sp_mass *job))                                                                         \
  /* y_i = max of x over [i - radius, i + radius] cut at the ends; radius 0..256; x holds no NaN and no -0. */         \
  X(void, pool_max, (float *y, const float *x, size_t n, size_t radius))                                             \
  /* Order-preserving bits: larger float, larger key; -0 as +0. No NaN. */                                               \
  X(void, order_keys, (uint32_t *key, const float *x, size_t n))                                                     \
  X(uint32_t, radix_kth, (const uint32_t *key, size_t n, size_t k)) /* k-th largest, 1 <= k <= n; four passes of 8 bits */ \
  /* Bit i of mask (bit i mod 64 of word i / 64; all (n + 63) / 64 words written, bits past n 0) = key > kth, or key == kth and \
   * among the first `ties` such. */                                                                                   \
  X(void, keep_mask, (uint64_t *mask, const uint32_t *key, size_t n, uint32_t kth, size_t ties))                     \
  X(size_t, compress, (uint32_t *index, const uint64_t *mask, size_t n)) /* ascending i with bit i set; their count */ \
  /* Per block of 32: a = max |x|, q = rint(x * (127 / a)), d = a / 127 (all 0 if a < 2^-100); sums of 16. k a multiple of 32.  \
   * False if x holds a NaN or an infinity. */                                                                         \
  X(bool, act8, (int8_t *q, float *d, int16_t *sum, const float *x, size_t k))

struct sp_kernels {
  const char *isa;
  uint8_t row_flip, query_flip; /* 0x80: this level's gemm / attn take rows / queries as unsigned q + 128 */
#define SP_SLOT(result, name, parameters) result(*name) parameters;
  SP_SLOT_LIST(SP_SLOT)
#undef SP_SLOT
  /* File row -> fp32, k a multiple of the type's block. One fixed order of operations per type, stated in ref_blocks.c. */
  const sp_dequant_fn *dequant; /* [SP_TYPES] */
  /* numerics, section 4: lane[j mod 16] = fma((float)dot_j, S_j * d_x, lane), then fma((float)sum_j, M_j * d_x, lane) if the type
   * has a minimum, j over sub-blocks of 16 or 32; fold as lanes16. F32, F16, BF16: element i, fma, lane i mod 16. */
  const sp_dot_fn *dot; /* [SP_TYPES] */
};

enum sp_slot { /* for counting calls; the two arrays count as one slot each */
#define SP_SLOT(result, name, parameters) SP_SLOT_##name,
  SP_SLOT_LIST(SP_SLOT)
#undef SP_SLOT
  SP_SLOT_dequant, SP_SLOT_dot, SP_SLOTS
};

/* ISA levels of this architecture, weakest first; "ref" is number 0 and always there. */
struct sp_isa_level {
  const char *name;
  const struct sp_kernels *table; /* NULL: not built (the compiler lacked it) */
};
const struct sp_isa_level *sp_isa_levels(size_t *count);
/* NULL if the machine and its system run this level, else a static sentence fragment ("no AVX-512F", "not built"). */
const char *sp_isa_missing(size_t level);
/* The table called `name`, or the best one for "auto". NULL if unknown or not usable, *why then says so (static). */
const struct sp_kernels *sp_kernels_pick(const char *name, const char **why);

/* The float path, blas.c. C[m][n] = A[m][k] * B[n][k]^T, all row-major with leading dimensions. Ask sp_blas_available before the
 * first product: it also keeps a threaded library to one thread a call. Callers that want more cut the product into tasks. */
bool sp_blas_available(const char **what); /* *what: library and variant, or why not; static */
void sp_blas_gemm(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float *c, size_t ldc);

extern const struct sp_kernels sp_kernels_ref;

#endif
