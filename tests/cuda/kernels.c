/*
 * kernels.c - every kernel of cuda/jobs.h against simd/ref.c, bit for bit, on random shapes.
 *
 * In:       kernels [--rounds N] [--seed S]; a driver: a real one, or the fake one of tests/cuda.
 * Out:      TAP, one test a kernel; 77 and the reason where there is no GPU.
 * Not here: whole prefills (check_gpu.c).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quant.h"
#include "simd/ref.h"
#include "tests/cuda/device.h"
#include "tests/tiny.h"

static struct device device;
static uint64_t state;
static const char *failed; /* what differed in this test, or NULL */
static size_t n_tests, n_failed;

static size_t draw(size_t least, size_t most) { return least + tiny_random(&state) % (most - least + 1); }

static float draw_float(void) {
  double x = (double)(int64_t)tiny_random(&state) / 0x1p63;
  return (float)(x * x * x * 4); /* mostly small, up to 4 */
}

static float *floats(size_t n) {
  float *x = malloc((n + 1) * sizeof *x);
  for (size_t i = 0; i < n; i++) x[i] = draw_float();
  return x;
}

static void *bytes(size_t n) {
  uint8_t *x = malloc(n + 1);
  for (size_t i = 0; i < n; i++) x[i] = (uint8_t)(tiny_random(&state) >> 16);
  return x;
}

static int8_t *int8s(size_t n) {
  int8_t *x = bytes(n);
  for (size_t i = 0; i < n; i++) x[i] = x[i] == -128 ? 0 : x[i];
  return x;
}

/* Compares n bytes on the device with what is expected. */
static void same(const char *what, const void *expected, const void *at, size_t n) {
  uint8_t *got = malloc(n + 1);
  device_down(&device, got, at, n);
  for (size_t i = 0; i < n && !failed; i++)
    if (got[i] != ((const uint8_t *)expected)[i]) {
      static char text[160];
      snprintf(text, sizeof text, "%s: byte %zu of %zu is %02x, not %02x", what, i, n, got[i], ((const uint8_t *)expected)[i]);
      failed = text;
    }
  free(got);
}

static size_t up_to(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }
static size_t warps(size_t n) { return (n + 7) / 8; }

/* n rows of kp as the GEMM has them, padded to np rows of bytes `rest`. Freed by the caller. */
static int8_t *in_slabs(const int8_t *rows, size_t n, size_t np, size_t kp, int rest) {
  int8_t *x = malloc(np * kp);
  memset(x, rest, np * kp);
  for (size_t r = 0; r < n; r++)
    for (size_t k = 0; k < kp; k++) x[SP_GPU_PLACE(np, r, k)] = rows[r * kp + k];
  return x;
}

/* The same on the device. */
static int8_t *slabs_up(const int8_t *rows, size_t n, size_t np, size_t kp) {
  int8_t *x = in_slabs(rows, n, np, kp, 77), *at = device_up(&device, x, np * kp);
  free(x);
  return at;
}

/* Compares n rows of np on the device, whose bytes were 0xff: those of `expected` that still are were not to be written. */
static void same_slabs(const char *what, const int8_t *expected, const int8_t *at, size_t n, size_t np, size_t kp) {
  int8_t *x = in_slabs(expected, n, np, kp, 0xff);
  same(what, x, at, np * kp);
  free(x);
}

static uint32_t *no_bad_row(void) { return device_alloc(&device, sizeof(uint32_t)); }

static void all_finite(const uint32_t *bad) {
  uint32_t none = 0xffffffff;
  same("the lowest row that is not finite", &none, bad, sizeof none);
}

/* ---- rows of files ------------------------------------------------------------------------------------------------------- */

/* A weight of random bits, whose scales are finite. Floats stay below 2: infinities of both signs would make a NaN, and of a NaN
 * processors and GPUs choose the bits for themselves. */
static struct sp_gpu_weight file_weight(enum sp_type type, size_t n, size_t k, uint8_t **rows) {
  size_t row = 0, element = sp_quants[type].bytes / sp_quants[type].block;
  sp_quant_row_bytes(type, k, &row);
  *rows = bytes(n * row);
  for (int64_t at; (at = sp_quant_not_finite(type, *rows, n * row)) >= 0;)
    for (size_t i = 0; i < sp_quants[type].bytes; i++)
      (*rows)[(size_t)at * sp_quants[type].bytes + i] = (uint8_t)(tiny_random(&state) >> 16);
  /* its exponent's top */
  for (size_t i = element; sp_quants[type].block == 1 && i <= n * row; i += element) (*rows)[i - 1] &= 0xbf;
  return (struct sp_gpu_weight){.rows = device_up(&device, *rows, n * row), .row_bytes = row, .type = type, .n = (uint32_t)n,
                                .k = (uint32_t)k};
}

static size_t length_for(enum sp_type type) { return draw(1, 4) * (sp_quants[type].block > 32 ? 256 : 32 * draw(1, 9)); }

static void test_embed(enum sp_type type) {
  uint8_t *rows;
  size_t n = draw(1, 20), k = length_for(type);
  struct sp_gpu_weight w = file_weight(type, 9, k, &rows);
  int32_t *tokens = malloc(n * sizeof *tokens);
  float *x = floats(n * k), *at = device_alloc(&device, n * k * sizeof *x);
  for (size_t i = 0; i < n; i++) {
    tokens[i] = (int32_t)draw(0, 8);
    sp_ref_dequant[type](x + i * k, rows + (size_t)tokens[i] * w.row_bytes, k);
  }
  device_run(&device, SP_GPU_sp_gpu_embed_rows,
             &(struct sp_gpu_embed){.weight = w, .tokens = device_up(&device, tokens, n * sizeof *tokens), .x = at,
                                    .n = (uint32_t)n},
             warps(n), 1);
  same(tiny_type_name(type), x, at, n * k * sizeof *x);
  free(rows), free(tokens), free(x);
}

static size_t rotation(size_t k) { return (k & (~k + 1)) > 256 ? 256 : k & (~k + 1); }

static void test_panel(enum sp_type type) {
  uint8_t *rows;
  size_t n = draw(1, 40), k = length_for(type), kp = up_to(k, 64);
  bool pairs = draw(0, 1);
  struct sp_gpu_weight w = file_weight(type, n, k, &rows);
  size_t most = up_to(2 * up_to(n, 8), SP_GPU_COLS);
  int8_t *q = malloc(most * kp), *at = device_alloc(&device, most * kp);
  float *x = floats(k), *scale = malloc(most * sizeof *scale), *scale_at = device_alloc(&device, most * sizeof *scale);
  uint32_t *bad = no_bad_row();
  memset(q, 0xff, most * kp);
  memset(scale, 0xff, most * sizeof *scale);
  for (size_t r = 0; r < n; r++) {
    size_t to = pairs ? r / 8 * 16 + r % 8 : r;
    sp_ref_dequant[type](x, rows + r * w.row_bytes, k);
    memset(q + to * kp, 0, kp);
    scale[to] = sp_ref_quantise((uint8_t *)q + to * kp, x, x, k, rotation(k), 0);
  }
  device_run(&device, SP_GPU_sp_gpu_build_panel,
             &(struct sp_gpu_panel){.weight = w, .panel = at, .scale = scale_at, .bad = bad,
                                    .np = (uint32_t)most, .kp = (uint32_t)kp, .block = (uint32_t)rotation(k), .pairs = pairs},
             warps(n), 1);
  same_slabs(tiny_type_name(type), q, at, most, most, kp);
  same("scales of a panel", scale, scale_at, most * sizeof *scale);
  all_finite(bad);
  free(rows), free(q), free(x), free(scale);
}

/* ---- rows ------------------------------------------------------------------------------------------------------------------ */

static void test_quantise(void) {
  size_t n = draw(1, 20), k = 32 * (draw(0, 2) ? draw(1, 140) : draw(250, 620)), kp = up_to(k, 64), np = up_to(n, SP_GPU_ROWS);
  float *x = floats(n * k), *norm = floats(k), *y = malloc(k * sizeof *y), *scale = malloc(n * sizeof *scale);
  int8_t *q = malloc(n * kp), *at = device_alloc(&device, np * kp);
  float *scale_at = device_alloc(&device, n * sizeof *scale);
  uint32_t *bad = no_bad_row();
  bool with_norm = draw(0, 1);
  memset(q, 0xff, n * kp);
  for (size_t e = 0; e < k; e++) x[e] *= draw(0, 3) ? 1 : 0; /* a row with zeros of both signs */
  for (size_t r = 0; r < n; r++) {
    if (with_norm) sp_ref_rmsnorm(y, x + r * k, norm, k, 1e-5f);
    scale[r] = sp_ref_quantise((uint8_t *)q + r * kp, y, with_norm ? y : x + r * k, k, rotation(k),
                               0) * (1.0f / (float)rotation(k));
  }
  device_run(&device, with_norm ? SP_GPU_sp_gpu_norm_rows : SP_GPU_sp_gpu_quantise_rows,
             &(struct sp_gpu_quantise){.x = device_up(&device, x, n * k * sizeof *x), .q = at, .scale = scale_at, .bad = bad,
                                       .norm = with_norm ? device_up(&device, norm, k * sizeof *norm) : NULL, .n = (uint32_t)n,
                                       .k = (uint32_t)k, .block = (uint32_t)rotation(k), .eps = 1e-5f},
             warps(n * SP_GPU_SHARE(k)), 1);
  same_slabs("integers", q, at, n, np, kp);
  same("scales", scale, scale_at, n * sizeof *scale);
  all_finite(bad);
  free(x), free(norm), free(y), free(scale), free(q);
}

static void test_not_finite(void) {
  size_t n = draw(3, 20), k = 32 * draw(1, 20), row = draw(1, n - 1);
  float *x = floats(n * k);
  uint32_t *bad = no_bad_row(), expected = (uint32_t)row;
  x[row * k + draw(0, k - 1)] = draw(0, 1) ? NAN : -INFINITY;
  x[(n - 1) * k] = NAN;
  device_run(&device, SP_GPU_sp_gpu_quantise_rows,
             &(struct sp_gpu_quantise){.x = device_up(&device, x, n * k * sizeof *x),
                                       .q = device_alloc(&device, up_to(n, SP_GPU_ROWS) * up_to(k, 64)),
                                       .scale = device_alloc(&device, n * sizeof *x), .bad = bad, .n = (uint32_t)n,
                                       .k = (uint32_t)k, .block = (uint32_t)rotation(k)}, warps(n * SP_GPU_SHARE(k)), 1);
  same("the lowest row that is not finite", &expected, bad, sizeof expected);
  free(x);
}

/* ---- products -------------------------------------------------------------------------------------------------------------- */

struct product { /* rows x and a panel w in both layouts */
  size_t rows, n, k, kp;
  int8_t *x, *w, *w_at, *x_at;
  float *sx, *sw, *bias, *y;
};

static struct product draw_product(void) {
  struct product p = {.rows = draw(1, 300), .n = 4 * draw(1, 100), .k = 32 * draw(1, 12)};
  p.kp = up_to(p.k, 64);
  p.x = int8s(p.rows * p.kp), p.w = int8s(p.n * p.kp);
  for (size_t r = 0; r < p.n; r++) memset(p.w + r * p.kp + p.k, 0, p.kp - p.k); /* of x those bytes are random */
  p.sx = floats(p.rows), p.sw = floats(p.n), p.bias = floats(p.n), p.y = floats(p.rows * p.n);
  p.x_at = slabs_up(p.x, p.rows, up_to(p.rows, SP_GPU_ROWS), p.kp);
  return p;
}

static void free_product(struct product *p) { free(p->x), free(p->w), free(p->sx), free(p->sw), free(p->bias), free(p->y); }

/* y by the reference, from its own panel. */
static void ref_product(const struct product *p, const float *bias) {
  struct sp_panel panel = {.n = p->n, .k = p->k, .np = up_to(p->n, 64), .kp = p->kp, .sw = p->sw};
  int8_t *rows = calloc(panel.np, p->kp);
  memcpy(rows, p->w, p->n * p->kp);
  panel.w = malloc(panel.np * p->kp);
  panel.wsum = malloc(panel.np * sizeof *panel.wsum);
  for (size_t c = 0; c < panel.np; c += 16) sp_ref_panel_columns(&panel, c, rows + c * p->kp);
  sp_ref_gemm(&(struct sp_gemm){.x = (uint8_t *)p->x, .ldx = p->kp, .sx = p->sx, .w = &panel, .cols = p->n, .bias = bias,
                                .y = p->y, .ldy = p->n, .rows = p->rows});
  free(rows), free(panel.w), free(panel.wsum);
}

/* With high tiles or low ones. */
static void run_product(const struct sp_gpu_gemm *job) {
  bool low = draw(0, 1);
  size_t rows = low ? SP_GPU_LOW : SP_GPU_ROWS;
  device_run(&device, low ? SP_GPU_sp_gpu_multiply_low : SP_GPU_sp_gpu_multiply, job,
             up_to(job->rows, rows) / rows * (up_to(job->n, SP_GPU_COLS) / SP_GPU_COLS), 1);
}

static void test_gemm(void) {
  struct product p = draw_product();
  size_t size = p.rows * p.n * sizeof(float);
  bool bias = draw(0, 1), sum = draw(0, 1), store = !sum || draw(0, 1);
  float *residual = floats(p.rows * p.n), *sum_at = device_up(&device, residual, size), *y_at = device_alloc(&device, size);
  p.w_at = slabs_up(p.w, p.n, up_to(p.n, SP_GPU_COLS), p.kp);
  ref_product(&p, bias ? p.bias : NULL);
  struct sp_gpu_gemm job = {.x = p.x_at, .w = p.w_at, .sx = device_up(&device, p.sx, p.rows * sizeof(float)),
                            .sw = device_up(&device, p.sw, p.n * sizeof(float)),
                            .bias = bias ? device_up(&device, p.bias, p.n * sizeof(float)) : NULL, .y = store ? y_at : NULL,
                            .sum = sum ? sum_at : NULL, .rows = (uint32_t)p.rows, .n = (uint32_t)p.n, .kp = (uint32_t)p.kp,
                            .ldy = (uint32_t)p.n};
  run_product(&job);
  if (store) same("products", p.y, y_at, size);
  if (sum) sp_ref_add(residual, p.y, p.rows * p.n);
  same("sums", residual, sum_at, size);
  free(residual), free_product(&p);
}

static void test_pairs(void) {
  struct product p = draw_product();
  size_t half = up_to(draw(1, 150), 8), n = 2 * half, size = p.rows * half * sizeof(float);
  float *gate = floats(p.rows * half), *h_at = device_alloc(&device, size);
  int8_t *mixed = malloc(n * p.kp);
  float *scales = malloc(n * sizeof *scales), *biases = malloc(n * sizeof *biases);
  free(p.w), free(p.sw), free(p.bias), free(p.y);
  p.n = half, p.w = int8s(half * p.kp), p.sw = floats(half), p.bias = floats(half), p.y = floats(p.rows * half);
  for (int up = 0; up < 2; up++) { /* gate, then up with the weights turned round */
    for (size_t c = 0; c < half; c++) {
      size_t to = c / 8 * 16 + c % 8 + 8 * (size_t)up;
      memset(p.w + c * p.kp + p.k, 0, p.kp - p.k);
      if (up) p.w[c * p.kp] = (int8_t)-p.w[c * p.kp], p.bias[c] = -p.bias[c];
      memcpy(mixed + to * p.kp, p.w + c * p.kp, p.kp);
      scales[to] = p.sw[c], biases[to] = p.bias[c];
    }
    ref_product(&p, p.bias);
    if (!up) memcpy(gate, p.y, size);
  }
  sp_ref_swiglu(p.y, gate, p.y, p.rows * half);
  struct sp_gpu_gemm job = {.x = p.x_at, .w = slabs_up(mixed, n, up_to(n, SP_GPU_COLS), p.kp),
                            .sx = device_up(&device, p.sx, p.rows * sizeof(float)), .sw = device_up(&device, scales,
                            n * sizeof(float)),
                            .bias = device_up(&device, biases, n * sizeof(float)), .y = h_at, .rows = (uint32_t)p.rows,
                            .n = (uint32_t)n, .kp = (uint32_t)p.kp, .ldy = (uint32_t)half, .mode = SP_GPU_PAIRS};
  run_product(&job);
  same("silu(gate) * up", p.y, h_at, size);
  free(gate), free(mixed), free(scales), free(biases), free_product(&p);
}

#include "tests/cuda/kernels_attn.inc"

/* ---- decode ----------------------------------------------------------------------------------------------------------- */

struct rows { /* n_x activations, as a decoded row has them on both sides */
  size_t n_x, k;
  float *x, *norm, *normed, *d;
  int8_t *q;
  int16_t *sum;
  struct sp_act act[5];
};

static void draw_rows(struct rows *r, size_t k) {
  *r = (struct rows){.n_x = draw(1, 5), .k = k, .norm = floats(k)};
  r->x = floats(r->n_x * k), r->normed = malloc(r->n_x * k * sizeof(float)), r->q = malloc(r->n_x * k);
  r->d = malloc(r->n_x * k / 32 * sizeof(float)), r->sum = malloc(r->n_x * k / 16 * sizeof(int16_t));
  for (size_t i = 0; i < r->n_x; i++) {
    r->act[i] = (struct sp_act){.x = r->normed + i * k, .q = r->q + i * k, .d = r->d + i * k / 32, .sum = r->sum + i * k / 16};
    sp_ref_rmsnorm(r->normed + i * k, r->x + i * k, r->norm, k, 1e-6f);
    sp_ref_act8(r->q + i * k, r->d + i * k / 32, r->sum + i * k / 16, r->normed + i * k, k);
  }
}

static void free_rows(struct rows *r) { free(r->x), free(r->norm), free(r->normed), free(r->d), free(r->q), free(r->sum); }

static struct sp_gpu_dot take_rows(const struct rows *r) {
  size_t n = r->n_x * r->k;
  struct sp_gpu_act a = {.x = device_up(&device, r->x, n * sizeof(float)),
                         .norm = device_up(&device, r->norm, r->k * sizeof(float)),
                         .copy = device_alloc(&device, n * sizeof(float)), .q = device_alloc(&device, n),
                         .d = device_alloc(&device, n / 32 * sizeof(float)),
                         .sum = device_alloc(&device, n / 16 * sizeof(int16_t)), .bad = no_bad_row(),
                         .n = (uint32_t)r->n_x, .k = (uint32_t)r->k, .eps = 1e-6f};
  device_run(&device, SP_GPU_sp_gpu_act_rows, &a, (r->k + SP_GPU_PIECE - 1) / SP_GPU_PIECE, r->n_x);
  same("integers of an activation", r->q, a.q, n);
  same("their scales", r->d, a.d, n / 32 * sizeof(float));
  same("their sums", r->sum, a.sum, n / 16 * sizeof(int16_t));
  all_finite(a.bad);
  return (struct sp_gpu_dot){.x = a.copy, .q = a.q, .d = a.d, .qsum = a.sum, .n_x = a.n};
}

/* y [n_x][n] and more rows behind it, ld apart. */
static void ref_dot(const struct rows *r, enum sp_type type, const uint8_t *file, const struct sp_gpu_weight *w,
                    const float *bias, float *y, size_t ld) {
  sp_ref_dot[type](&(struct sp_dot){.rows = file, .row_bytes = w->row_bytes, .n_rows = w->n, .k = r->k, .act = r->act,
                                    .n_x = r->n_x, .y = y, .ldy = ld});
  for (size_t i = 0; bias && i < r->n_x; i++) sp_ref_add(y + i * ld, bias, w->n);
}

/* A type that has rows of k. */
static enum sp_type type_for(size_t k) {
  enum sp_type type;
  do type = (enum sp_type)draw(0, SP_TYPES - 1);
  while (k % sp_quants[type].block);
  return type;
}

/* Up to three weights, the first of this type. */
static void test_dot(enum sp_type type) {
  struct rows r;
  draw_rows(&r, length_for(type) * (draw(0, 7) ? 1 : draw(2, 4)));
  struct sp_gpu_dot job = take_rows(&r);
  size_t parts = draw(1, 3), n[3], all = 0, at = 0;
  for (size_t i = 0; i < parts; i++) all += n[i] = draw(1, 20);
  float *y = floats(r.n_x * all), *sum = floats(r.n_x * all);
  job.ldy = (uint32_t)all, job.y = device_alloc(&device, r.n_x * all * sizeof *y);
  job.sum = device_up(&device, sum, r.n_x * all * sizeof *sum);
  for (size_t i = 0; i < parts; at += n[i++]) {
    enum sp_type own = i ? type_for(r.k) : type;
    uint8_t *file;
    float *bias = draw(0, 1) ? floats(n[i]) : NULL;
    job.weight[i] = file_weight(own, n[i], r.k, &file);
    job.bias[i] = bias ? device_up(&device, bias, n[i] * sizeof *bias) : NULL;
    ref_dot(&r, own, file, &job.weight[i], bias, y + at, all);
    free(file), free(bias);
  }
  device_run(&device, SP_GPU_sp_gpu_dot_rows, &job, warps(all), 1);
  sp_ref_add(sum, y, r.n_x * all);
  same(tiny_type_name(type), y, job.y, r.n_x * all * sizeof *y);
  same("a sum", sum, job.sum, r.n_x * all * sizeof *sum);
  free(y), free(sum), free_rows(&r);
}

/* silu(gate) * up, where gates go to both ends of exp2. */
static void test_dot_pairs(void) {
  struct rows r;
  size_t n = draw(1, 40);
  draw_rows(&r, 256 * draw(1, 5));
  struct sp_gpu_dot job = take_rows(&r);
  float *y[2];
  for (int i = 0; i < 2; i++) {
    enum sp_type type = type_for(r.k);
    uint8_t *file;
    float *bias = floats(n);
    y[i] = floats(r.n_x * n);
    for (size_t c = 0; c < n; c++) bias[c] *= i ? 1 : 60;
    job.weight[i] = file_weight(type, n, r.k, &file);
    job.bias[i] = device_up(&device, bias, n * sizeof *bias);
    ref_dot(&r, type, file, &job.weight[i], bias, y[i], n);
    free(file), free(bias);
  }
  job.pairs = true, job.ldy = (uint32_t)n, job.y = device_alloc(&device, r.n_x * n * sizeof(float));
  device_run(&device, SP_GPU_sp_gpu_dot_rows, &job, warps(n), 1);
  sp_ref_swiglu(y[1], y[0], y[1], r.n_x * n);
  same("silu(gate) * up", y[1], job.y, r.n_x * n * sizeof(float));
  free(y[0]), free(y[1]), free_rows(&r);
}

/* ---- small ones ------------------------------------------------------------------------------------------------------- */

static void test_small(void) {
  size_t n = draw(1, 30), k = 32 * draw(1, 30), size = n * k * sizeof(float);
  float *u = floats(n * k), *f = floats(n * k), *sums = malloc(n * sizeof *sums), *y = malloc(size);
  uint32_t *index = malloc(n * sizeof *index);
  struct sp_gpu_sumsq job = {.u = device_up(&device, u, size), .sums = device_alloc(&device, n * sizeof *sums), .n = (uint32_t)n,
                             .k = (uint32_t)k};
  for (size_t r = 0; r < n; r++) sums[r] = sp_ref_sumsq(u + r * k, k);
  device_run(&device, SP_GPU_sp_gpu_sum_squares, &job, warps((n + 1) / 2), 1);
  same("sums of squares", sums, job.sums, n * sizeof *sums);
  memcpy(y, u, size);
  sp_ref_add(y, f, n * k);
  for (size_t r = 0; r < n; r++) sums[r] = sp_ref_sumsq(y + r * k, k);
  job.f = device_up(&device, f, size);
  device_run(&device, SP_GPU_sp_gpu_sum_squares, &job, warps((n + 1) / 2), 1);
  same("sums of squares of a sum", sums, job.sums, n * sizeof *sums);
  for (size_t r = 0; r < n; r++) index[r] = (uint32_t)draw(0, n - 1), memcpy(y + r * k, u + index[r] * k, k * sizeof *y);
  struct sp_gpu_gather gather = {.x = job.u, .index = device_up(&device, index, n * sizeof *index), .y = device_alloc(&device,
      size),
                                 .n = (uint32_t)n, .k = (uint32_t)k};
  device_run(&device, SP_GPU_sp_gpu_gather_rows, &gather, warps(n), 1);
  same("gathered rows", y, gather.y, size);
  free(u), free(f), free(sums), free(y), free(index);
}

/* ---- the list --------------------------------------------------------------------------------------------------------- */

static void each_type(void (*test)(enum sp_type)) {
  for (int type = 0; type < SP_TYPES; type++) test((enum sp_type)type), device_release(&device);
}
static void test_embeds(void) { each_type(test_embed); }
static void test_panels(void) { each_type(test_panel); }
static void test_dots(void) { each_type(test_dot); }

static const struct {
  const char *name;
  void (*test)(void);
} tests[] = {{"embedding, every type", test_embeds}, {"panels, every type", test_panels}, {"rotated int8 rows", test_quantise},
             {"rows that are not finite", test_not_finite}, {"int8 products", test_gemm}, {"gate and up", test_pairs},
             {"heads, attention, mass, one row", test_attention}, {"rows of a state", test_image},
             {"the probe's sums", test_probe},
             {"decode products, every type", test_dots}, {"decode, gate and up", test_dot_pairs},
             {"sums, gathering", test_small}};

int main(int argc, char **argv) {
  char why[256];
  unsigned long rounds = 3, seed = 1;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (!strcmp(argv[i], "--rounds")) rounds = strtoul(argv[i + 1], NULL, 10);
    if (!strcmp(argv[i], "--seed")) seed = strtoul(argv[i + 1], NULL, 10);
  }
  if (!device_open(&device, why, sizeof why)) {
    printf("1..0 # SKIP %s\n", why);
    return 77;
  }
  printf("# %s, seed %lu, %lu rounds\n", device.gpu.name, seed, rounds);
  for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
    failed = NULL;
    unsigned long round = 0;
    for (; round < rounds && !failed; round++) {
      state = seed * 1000003 + i * 1009 + round;
      tests[i].test();
      device_release(&device);
    }
    n_failed += failed != NULL;
    printf("%s %zu - %s\n", failed ? "not ok" : "ok", ++n_tests, tests[i].name);
    if (failed) printf("# round %lu: %s\n", round - 1, failed);
    fflush(stdout);
  }
  printf("1..%zu\n", n_tests);
  device_close(&device);
  return n_failed != 0;
}
