/*
 * kern_bench.c - the rate of each kernel on each level of this machine, at the shapes that real models have, on one thread.
 *
 * In:       kern --bench [KERNEL].
 * Out:      a table: kernel, shape, unit, one column per usable level. GB/s count what a kernel must read and write once (dot:
 *           the weights' bytes alone), GOP/s count a multiply and an add as two.
 * Not here: correctness (kern.c), whole models (bench/).
 *
 * Each figure is the best of several batches of about ten milliseconds, so that a busy machine disturbs it little.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "kern.h"
#include "quant.h"
#include "work.h"

/* What every kernel is given: arrays of all kinds, large enough for the largest shape. */
enum {
  MOST_K = 8960,
  GATE_ROWS = 16384,
  GEMM_ROWS = 256,
  GEMM_COLS = 256,
  KEYS = 8192,
  GROUPS = 4,        /* of attention */
  MOST_D = 128,
  DOT_BYTES = 4 << 20, /* weights of a dot: more than a cache of the second level holds for long */
  ARRAY = GEMM_ROWS * MOST_K
};

struct bench {
  const struct sp_kernels *k;
  size_t n;          /* the shape's number: elements, K or head dimension */
  enum sp_type type; /* of dequant and dot */
  float *x, *y, *w, *ones, *maxima;
  uint8_t *bytes;    /* GEMM rows, weights of files, queries */
  int8_t *keys8, *values8;
  int32_t *ksum;
  uint32_t *key, *index, *limit, *tile_limit; /* limit: of all keys; tile_limit: of one tile */
  uint64_t *mask;
  struct sp_panel panel;
  struct sp_act act;
};

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- one call of each kernel -------------------------------------------------------------------------------- */

static void run_memcpy(struct bench *b) {
  memcpy(b->y, b->x, b->n * sizeof *b->y);
}

static void run_rmsnorm(struct bench *b) {
  b->k->rmsnorm(b->y, b->x, b->w, b->n, 1e-6f);
}

static size_t block_of(size_t n) { /* the largest power of two that divides n, at most 256 */
  size_t b = 1;
  while (b < 256 && n % (2 * b) == 0) b *= 2;
  return b;
}

static void run_quantise(struct bench *b) {
  b->k->quantise(b->bytes, b->y, b->x, b->n, block_of(b->n), 0x80);
}

static void run_centre(struct bench *b) {
  b->k->centre(b->y, b->x, b->w, b->ones, b->n);
}

static void run_rope_half(struct bench *b) {
  b->k->rope(b->y, b->n / 128, 128, 128, b->ones, b->ones + 64, SP_ROPE_HALF);
}

static void run_rope_pair(struct bench *b) {
  b->k->rope(b->y, b->n / 128, 128, 128, b->ones, b->ones + 64, SP_ROPE_PAIR);
}

static void run_add(struct bench *b) {
  b->k->add(b->y, b->ones, b->n);
}

static void run_sumsq(struct bench *b) {
  b->y[0] = b->k->sumsq(b->x, b->n);
}

static void run_swiglu(struct bench *b) {
  b->k->swiglu(b->y, b->x, b->w, b->n);
}

static void run_exp2(struct bench *b) {
  b->k->exp2(b->y, b->x, b->n);
}

static void run_act8(struct bench *b) {
  b->k->act8((int8_t *)b->bytes, b->y, (int16_t *)(void *)b->index, b->x, b->n / 32 * 32);
}

static void run_pool_max(struct bench *b) {
  b->k->pool_max(b->y, b->x, b->n, 15);
}

static void run_order_keys(struct bench *b) {
  b->k->order_keys(b->index, b->x, b->n);
}

static void run_radix_kth(struct bench *b) {
  b->index[0] = b->k->radix_kth(b->key, b->n, b->n / 3);
}

static void run_keep_mask(struct bench *b) {
  b->k->keep_mask(b->mask, b->key, b->n, 0xa0000000u, 3);
}

static void run_compress(struct bench *b) {
  b->index[0] = (uint32_t)b->k->compress(b->index, b->mask, b->n);
}

static void run_gemm(struct bench *b) {
  size_t kp = sp_round_up(b->n, SP_PANEL_DEPTH);
  struct sp_panel panel = b->panel;
  panel.k = b->n, panel.kp = kp;
  struct sp_gemm job = {.x = b->bytes, .ldx = sp_input_stride(b->n), .sx = b->ones, .w = &panel, .cols = GEMM_COLS, .y = b->y,
                        .ldy = GEMM_COLS, .rows = GEMM_ROWS};
  b->k->gemm(&job);
}

static void run_panel_columns(struct bench *b) {
  size_t kp = sp_round_up(b->n, SP_PANEL_DEPTH);
  struct sp_panel panel = b->panel;
  panel.k = b->n, panel.kp = kp;
  for (size_t c = 0; c < SP_PANEL_COLS; c += SP_LANES) b->k->panel_columns(&panel, c, b->keys8 + c * SP_ALIGN);
}

/* What run_panel_columns wrote is no matter to GEMM, whose rate does not depend on numbers. */
static void attend(struct bench *b, size_t n) {
  float *rows[GROUPS * SP_LANES], *first = b->y + n * SP_LANES * b->n;
  for (size_t i = 0; i < n * SP_LANES; i++) rows[i] = first + i * b->n;
  struct sp_attn job = {.k = b->keys8, .v = b->values8, .sk = b->ones, .sv = b->ones, .ksum = b->ksum, .d = b->n,
                        .tiles = KEYS / SP_TILE, .groups = n, .q = b->bytes, .sq = b->ones, .limit = b->limit,
                        .o = b->y, .y = rows, .m = b->w, .l = b->w + n * SP_LANES};
  b->k->attn(&job);
}

static void run_attn(struct bench *b) {
  attend(b, GROUPS);
}

static void run_attn_one(struct bench *b) { /* as decode calls it */
  attend(b, 1);
}

static void run_mass(struct bench *b) {
  struct sp_mass job = {.k = b->keys8, .sk = b->ones, .ksum = b->ksum, .d = b->n, .groups = GROUPS, .q = b->bytes, .sq = b->ones,
                        .m = b->maxima, .l = b->ones, .limit = b->tile_limit, .total = b->y};
  b->k->mass(&job);
}

static void run_dequant(struct bench *b) {
  b->k->dequant[b->type](b->y, b->bytes, b->n);
}

static size_t dot_rows(const struct bench *b, size_t *row_bytes) {
  *row_bytes = b->n / sp_quants[b->type].block * sp_quants[b->type].bytes;
  return DOT_BYTES / *row_bytes;
}

static void run_dot(struct bench *b) {
  struct sp_dot job = {.rows = b->bytes, .k = b->n, .act = &b->act, .n_x = 1, .y = b->y};
  job.ldy = job.n_rows = dot_rows(b, &job.row_bytes);
  b->k->dot[b->type](&job);
}

/* ---- the table of rows -------------------------------------------------------------------------------------- */

enum unit { GB, GOP };

struct row {
  const char *name;
  void (*run)(struct bench *);
  enum unit unit;
  double work; /* bytes or operations of a call, per element of n */
};

static const size_t depths[] = {576, 896, 1536, 4864, 8960}, gate[] = {8192, 16384}, heads[] = {64, 128}, blocks[] = {1536, 4864};

/* Shapes of a group of rows. */
struct group {
  const size_t *shapes;
  size_t n_shapes;
  const struct row *rows;
  size_t n_rows;
  const char *what; /* of the shape */
};

static const struct row vector_rows[] = {
  {"memcpy", run_memcpy, GB, 8},       {"rmsnorm", run_rmsnorm, GB, 12},    {"quantise", run_quantise, GB, 9},
  {"rope half", run_rope_half, GB, 8}, {"rope pair", run_rope_pair, GB, 8},
  {"centre", run_centre, GB, 16},      {"add", run_add, GB, 12},
  {"sumsq", run_sumsq, GB, 4},         {"swiglu", run_swiglu, GB, 12},      {"exp2", run_exp2, GB, 8},
  {"act8", run_act8, GB, 5},           {"panel_columns", run_panel_columns, GB, 2.0 * SP_PANEL_COLS},
  {"gemm", run_gemm, GOP, 2.0 * GEMM_ROWS * GEMM_COLS},
};
static const struct row gate_rows[] = {
  {"pool_max", run_pool_max, GB, 8},   {"order_keys", run_order_keys, GB, 8},      {"radix_kth", run_radix_kth, GB, 4},
  {"keep_mask", run_keep_mask, GB, 4.125}, {"compress", run_compress, GB, 2.125},
};
static const struct row attention_rows[] = {
  {"attn", run_attn, GOP, 4.0 * KEYS * GROUPS * SP_LANES},
  {"attn 1 group", run_attn_one, GOP, 4.0 * KEYS * SP_LANES},
  {"mass", run_mass, GOP, 2.0 * SP_TILE * GROUPS * SP_LANES},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct group groups[] = {
  {depths, COUNT(depths), vector_rows, COUNT(vector_rows), "n"},
  {gate, COUNT(gate), gate_rows, COUNT(gate_rows), "rows"},
  {heads, COUNT(heads), attention_rows, COUNT(attention_rows), "d"},
};

/* ---- measuring ---------------------------------------------------------------------------------------------- */

static double rate(struct bench *b, const struct row *row, double work) {
  enum { BATCHES = 5 };
  size_t calls = 1;
  double best = 0;
  for (;; calls *= 2) { /* a batch of 5 ms or one call */
    double start = seconds();
    for (size_t i = 0; i < calls; i++) row->run(b);
    if (seconds() - start > 0.005) break;
  }
  for (int i = 0; i < BATCHES; i++) {
    double start = seconds();
    for (size_t j = 0; j < calls; j++) row->run(b);
    double r = work * (double)calls / (seconds() - start);
    if (r > best) best = r;
    if (r < 1e9 && i > 0) break; /* the reference takes its time; two batches tell enough */
  }
  return best;
}

static void print_row(struct bench *b, const struct row *row, const char *name, const char *what, double work) {
  static const char *const units[] = {"GB/s", "GOP/s"};
  size_t count;
  const struct sp_isa_level *levels = sp_isa_levels(&count);
  char shape[32];
  snprintf(shape, sizeof shape, "%s %zu", what, b->n);
  printf("%-18s%-12s%-6s", name, shape, units[row->unit]);
  for (size_t i = 0; i < count; i++) {
    if (sp_isa_missing(i) != NULL) continue;
    b->k = levels[i].table;
    printf("%10.2f", rate(b, row, work) * 1e-9);
    fflush(stdout);
  }
  printf("\n");
}

static void print_header(void) {
  size_t count;
  const struct sp_isa_level *levels = sp_isa_levels(&count);
  printf("%-18s%-12s%-6s", "kernel", "shape", "");
  for (size_t i = 0; i < count; i++) {
    if (sp_isa_missing(i) == NULL) printf("%10s", levels[i].name);
  }
  printf("\n");
}

/* Bytes of weights whose scales are finite: a few random blocks, repeated. */
static void fill_weights(struct bench *b, size_t bytes) {
  size_t block = sp_quants[b->type].bytes, made = 0;
  uint64_t r = 88172645463325252u;
  for (; made + block <= bytes && made < 64 * block; made += block) {
    do {
      for (size_t i = 0; i < block; i++) {
        r ^= r << 13, r ^= r >> 7, r ^= r << 17;
        b->bytes[made + i] = (uint8_t)(r >> 32);
      }
      if (b->type == SP_F32 || b->type == SP_BF16) b->bytes[made + block - 1] &= 0xdf;
    } while (sp_quant_not_finite(b->type, b->bytes + made, block) >= 0);
  }
  for (size_t i = made; i < bytes; i++) b->bytes[i] = b->bytes[i - made];
}

static void print_types(struct bench *b, const char *only) {
  const struct row dequant = {"dequant", run_dequant, GB, 0}, dot = {"dot", run_dot, GB, 0};
  for (size_t i = 0; i < 2 * SP_TYPES * COUNT(blocks); i++) {
    bool is_dot = i >= SP_TYPES * COUNT(blocks);
    const struct row *row = is_dot ? &dot : &dequant;
    if (only != NULL && strcmp(only, row->name) != 0) continue;
    char name[32];
    size_t row_bytes;
    b->type = (enum sp_type)(i / COUNT(blocks) % SP_TYPES);
    b->n = blocks[i % COUNT(blocks)];
    size_t rows = dot_rows(b, &row_bytes);
    fill_weights(b, DOT_BYTES);
    snprintf(name, sizeof name, "%s %s", row->name, sp_quants[b->type].name);
    print_row(b, row, name, "k", is_dot ? (double)(rows * row_bytes) : (double)(row_bytes + 4 * b->n));
  }
}

/* ---- set-up ------------------------------------------------------------------------------------------------- */

static void *take(size_t bytes, int *failed) {
  void *memory = NULL;
  if (posix_memalign(&memory, SP_ALIGN, bytes) != 0) {
    *failed = 1;
    return NULL;
  }
  memset(memory, 1, bytes);
  return memory;
}

static int set_up(struct bench *b) {
  int failed = 0;
  b->x = take(ARRAY * sizeof(float), &failed);
  b->y = take(ARRAY * sizeof(float), &failed);
  b->w = take(GATE_ROWS * sizeof(float), &failed);
  b->ones = take(GATE_ROWS * sizeof(float), &failed);
  b->bytes = take(DOT_BYTES, &failed);
  b->keys8 = take((size_t)KEYS * MOST_D, &failed);
  b->values8 = take((size_t)KEYS * MOST_D, &failed);
  b->ksum = take(KEYS * sizeof(int32_t), &failed);
  b->key = take(GATE_ROWS * sizeof(uint32_t), &failed);
  b->index = take(GATE_ROWS * sizeof(uint32_t), &failed);
  b->limit = take(GROUPS * SP_LANES * sizeof(uint32_t), &failed);
  b->tile_limit = take(GROUPS * SP_LANES * sizeof(uint32_t), &failed);
  b->maxima = take(GROUPS * SP_LANES * sizeof(float), &failed);
  b->mask = take(GATE_ROWS / 8, &failed);
  b->panel = (struct sp_panel){.n = GEMM_COLS, .np = GEMM_COLS};
  b->panel.w = take((size_t)GEMM_COLS * MOST_K, &failed);
  b->panel.wsum = take(GEMM_COLS * sizeof(int32_t), &failed);
  b->panel.sw = take(GEMM_COLS * sizeof(float), &failed);
  int8_t *q = take(MOST_K, &failed);
  float *d = take(MOST_K / 32 * sizeof(float), &failed);
  int16_t *sum = take(MOST_K / 16 * sizeof(int16_t), &failed);
  if (failed) return failed;
  uint32_t r = 1;
  for (size_t i = 0; i < ARRAY; i++) {
    r = r * 1664525 + 1013904223;
    b->x[i] = (float)(int32_t)r * 0x1p-29f;
    if (i < GATE_ROWS) b->key[i] = r, b->ones[i] = 1, b->w[i] = (float)(int32_t)r * 0x1p-31f;
  }
  for (size_t i = 0; i < GROUPS * SP_LANES; i++) {
    b->limit[i] = KEYS;
    b->tile_limit[i] = SP_TILE;
    b->maxima[i] = 1e6f; /* above every score */
  }
  sp_kernels_ref.keep_mask(b->mask, b->key, GATE_ROWS, 0xa0000000u, 0);
  sp_kernels_ref.act8(q, d, sum, b->x, MOST_K);
  b->act = (struct sp_act){.x = b->x, .q = q, .d = d, .sum = sum};
  return 0;
}

int kern_bench(const char *only) {
  struct bench b = {.type = SP_F32};
  if (set_up(&b) != 0) {
    fprintf(stderr, "kern: no memory for the benchmark\n");
    return 1;
  }
  print_header();
  for (size_t g = 0; g < COUNT(groups); g++) {
    for (size_t i = 0; i < groups[g].n_rows * groups[g].n_shapes; i++) {
      const struct row *row = &groups[g].rows[i / groups[g].n_shapes];
      if (only != NULL && strcmp(only, row->name) != 0) continue;
      b.n = groups[g].shapes[i % groups[g].n_shapes];
      print_row(&b, row, row->name, groups[g].what, row->work * (double)b.n);
    }
  }
  print_types(&b, only);
  return 0; /* the memory goes with the process */
}
