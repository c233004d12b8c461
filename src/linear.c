/*
 * linear.c - prepares rows and multiplies them by weights, in tasks of a row block times a column block.
 *
 * In:       rows, weights.  Out: rows.
 * Not here: the three arithmetics themselves (simd/): numerics, sections 2, 4 and 7.
 */
#include "linear.h"

#include <string.h>

/* ---- the three paths: take a row, multiply a block ------------------------------------------------------------ */

static bool take_panel(const struct sp_engine *e, struct sp_input *in, size_t r, const float *x, float *scratch) {
  size_t b = sp_rotation_block(in->k);
  float scale = e->kernels->quantise(in->q + r * sp_input_stride(in->k), scratch, x, in->k, b, e->kernels->row_flip);
  in->scale[r] = scale * (1.0f / (float)b); /* the transform's 1/b stands here and nowhere else */
  return scale >= 0;
}

static bool take_file(const struct sp_engine *e, struct sp_input *in, size_t r, const float *x, float *scratch) {
  (void)scratch;
  struct sp_act *a = &in->act[r];
  float *copy = in->x + r * in->k_most;
  int8_t *q = in->act_q + r * in->k_most;
  float *d = in->act_d + r * (in->k_most / 32);
  int16_t *sum = in->act_sum + r * (in->k_most / 16);
  memcpy(copy, x, in->k * sizeof *x);
  *a = (struct sp_act){.x = copy, .q = q, .d = d, .sum = sum};
  return e->kernels->act8(q, d, sum, copy, in->k);
}

static bool take_float(const struct sp_engine *e, struct sp_input *in, size_t r, const float *x, float *scratch) {
  (void)e, (void)scratch;
  memcpy(in->x + r * in->k_most, x, in->k * sizeof *x);
  return true;
}

static void add_bias(const struct sp_weight *w, size_t rows, size_t col0, size_t cols, float *y, size_t ldy) {
  for (size_t r = 0; w->bias && r < rows; r++)
    for (size_t c = 0; c < cols; c++) y[r * ldy + c] += w->bias[col0 + c];
}

static void block_panel(const struct sp_engine *e, const struct sp_weight *w, const struct sp_input *in, size_t row0, size_t rows,
                        size_t col0, size_t cols, float *y, size_t ldy) {
  size_t ld = sp_input_stride(in->k);
  struct sp_panel near = sp_panel_copy(&w->panel, sp_team_copy(&e->weights->team));
  e->kernels->gemm(&(struct sp_gemm){.x = in->q + row0 * ld,
                                     .ldx = ld,
                                     .sx = in->scale + row0,
                                     .w = &near,
                                     .col0 = col0,
                                     .cols = cols,
                                     .bias = w->bias,
                                     .y = y,
                                     .ldy = ldy,
                                     .rows = rows});
}

static void block_file(const struct sp_engine *e, const struct sp_weight *w, const struct sp_input *in, size_t row0, size_t rows,
                       size_t col0, size_t cols, float *y, size_t ldy) {
  const struct sp_tensor *t = w->tensor;
  e->kernels->dot[t->type](&(struct sp_dot){.rows = t->data + col0 * t->row_bytes, .row_bytes = t->row_bytes, .n_rows = cols,
                                            .k = w->k, .act = in->act + row0, .n_x = rows, .y = y, .ldy = ldy});
  add_bias(w, rows, col0, cols, y, ldy);
}

static void block_float(const struct sp_engine *e, const struct sp_weight *w, const struct sp_input *in, size_t row0, size_t rows,
                        size_t col0, size_t cols, float *y, size_t ldy) {
  (void)e;
  sp_blas_gemm(rows, cols, w->k, in->x + row0 * in->k_most, in->k_most, w->full + col0 * w->k, w->k, y, ldy);
  add_bias(w, rows, col0, cols, y, ldy);
}

static const struct path {
  bool (*take)(const struct sp_engine *, struct sp_input *, size_t, const float *, float *);
  void (*block)(const struct sp_engine *, const struct sp_weight *, const struct sp_input *, size_t, size_t, size_t, size_t,
                float *, size_t);
  enum sp_slot take_slot, block_slot; /* for the counts; SP_SLOTS: no kernel of the table */
  size_t row_block, col_block;        /* of a task, at the most */
} paths[SP_PATHS] = {
    [SP_PATH_PANEL] = {take_panel, block_panel, SP_SLOT_quantise, SP_SLOT_gemm, 192, 256},
    [SP_PATH_FILE] = {take_file, block_file, SP_SLOT_act8, SP_SLOT_dot, SP_FILE_ROWS, 64},
    [SP_PATH_FLOAT] = {take_float, block_float, SP_SLOTS, SP_SLOTS, 256, 256},
};

bool sp_input_row(const struct sp_engine *engine, struct sp_input *in, size_t r, const float *x, float *scratch) {
  return paths[in->path].take(engine, in, r, x, scratch);
}

void sp_linear_block(const struct sp_engine *engine, const struct sp_weight *w, const struct sp_input *in, size_t row0,
                     size_t rows, size_t col0, size_t cols, float *y, size_t ldy) {
  paths[in->path].block(engine, w, in, row0, rows, col0, cols, y, ldy);
}

/* ---- with the team -------------------------------------------------------------------------------------------- */

enum {
  ROWS_PER_TASK = 8,    /* of preparing */
  TASKS_PER_THREAD = 4, /* of multiplying, at least, where rows and columns allow it */
  ROW_STEP = 96,        /* whole blocks of every kernel: they take 3, 6 or 32 rows together */
  CACHE = 3 << 19,      /* bytes of rows and of 64 columns that pass over them, which should stay in a second-level cache */
  COLUMNS = 9 << 17     /* bytes of a task's columns, which should stay there while the rows of a chunk pass over them */
};

struct prepare {
  struct sp_work *work;
  struct sp_input *in;
  const float *x, *norm; /* x: of the first row taken */
  size_t ldx, first;
};

static void prepare_rows(void *job, size_t task, int thread) {
  struct prepare *p = job;
  const struct sp_engine *e = p->work->engine;
  float *row = sp_work_scratch(p->work, thread);
  size_t last = (task + 1) * ROWS_PER_TASK;
  for (size_t r = task * ROWS_PER_TASK; r < last && r < p->in->rows; r++) {
    const float *x = p->x + r * p->ldx;
    if (p->norm) e->kernels->rmsnorm(row, x, p->norm, p->in->k, e->config->norm_eps);
    if (!sp_input_row(e, p->in, r, p->norm ? row : x, row)) sp_work_bad(p->work, p->first + r);
  }
}

static void count(struct sp_engine *e, enum sp_slot slot, size_t n) {
  if (slot != SP_SLOTS) sp_count(e, slot, n);
}

void sp_linear_count(struct sp_engine *e, enum sp_path path, size_t blocks) { count(e, paths[path].block_slot, blocks); }

still_status sp_linear_input(struct sp_work *work, struct sp_input *in, size_t first, size_t rows, const float *x, size_t k,
                             const float *norm) {
  struct prepare p = {.work = work, .in = in, .x = x + first * k, .norm = norm, .ldx = k, .first = first};
  in->rows = rows;
  in->k = k;
  count(work->engine, paths[in->path].take_slot, in->rows);
  if (norm) sp_count(work->engine, SP_SLOT_rmsnorm, in->rows);
  SP_TRY(sp_team_run(&work->engine->weights->team, work->ctx, (in->rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK, prepare_rows, &p));
  sp_lap(work->ctx, SP_TIME_PREPARE);
  return STILL_OK;
}

struct multiply {
  const struct sp_engine *engine;
  const struct sp_input *in;
  const struct sp_output *out;
  size_t n_out, rows, cols, row_blocks; /* rows and cols of a task */
};

static size_t col_blocks(const struct multiply *m, size_t i) { return (m->out[i].weight->n + m->cols - 1) / m->cols; }

static size_t count_tasks(const struct multiply *m) {
  size_t cols = 0;
  for (size_t i = 0; i < m->n_out; i++) cols += col_blocks(m, i);
  return cols * m->row_blocks;
}

static void cut_rows(struct multiply *m, size_t most) {
  size_t n = m->in->rows, blocks = (n + most - 1) / most;
  m->rows = sp_round_up((n + blocks - 1) / blocks, most < ROW_STEP ? 1 : ROW_STEP);
  m->row_blocks = (n + m->rows - 1) / m->rows;
}

/* Rows of a task by what a cache holds of them. */
static size_t most_rows(const struct multiply *m) {
  size_t most = paths[m->in->path].row_block, fit = CACHE / m->in->k, step = ROW_STEP;
  fit = fit > SP_PANEL_COLS + step ? (fit - SP_PANEL_COLS) / step * step : step;
  return fit < most ? fit : most;
}

static size_t most_cols(const struct multiply *m) {
  size_t most = paths[m->in->path].col_block;
  while (m->in->path == SP_PATH_PANEL && most > SP_PANEL_COLS && most * m->in->k > COLUMNS) most /= 2;
  return most;
}

/* Rows evenly; then smaller blocks while a thread would get too few to even out what the others take. */
static void cut(struct multiply *m) {
  size_t enough = TASKS_PER_THREAD * (size_t)m->engine->weights->team.threads;
  m->cols = most_cols(m);
  cut_rows(m, most_rows(m));
  while (count_tasks(m) < enough && m->cols > SP_PANEL_COLS) m->cols /= 2;
  while (count_tasks(m) < enough && m->rows > ROW_STEP) cut_rows(m, m->rows - ROW_STEP);
}

/* Tasks run over the column blocks of all outputs, and inside each over the row blocks, so that a panel block serves all rows. */
static void multiply_block(void *job, size_t task, int thread) {
  (void)thread;
  const struct multiply *m = job;
  size_t col = task / m->row_blocks, row0 = task % m->row_blocks * m->rows, i = 0;
  for (; col >= col_blocks(m, i); i++) col -= col_blocks(m, i);
  const struct sp_output *o = &m->out[i];
  size_t col0 = col * m->cols, cols = o->weight->n - col0, rows = m->in->rows - row0, at = row0 * o->ldy + col0;
  cols = cols < m->cols ? cols : m->cols;
  rows = rows < m->rows ? rows : m->rows;
  sp_linear_block(m->engine, o->weight, m->in, row0, rows, col0, cols, o->y + at, o->ldy);
  for (size_t r = 0; o->sum && r < rows; r++, at += o->ldy) m->engine->kernels->add(o->sum + at, o->y + at, cols);
}

still_status sp_linear(struct sp_work *work, const struct sp_input *in, const struct sp_output *out, size_t n_out) {
  struct multiply m = {.engine = work->engine, .in = in, .out = out, .n_out = n_out};
  cut(&m);
  for (size_t i = 0; i < n_out; i++) sp_count(work->engine, SP_SLOT_add, out[i].sum ? in->rows * col_blocks(&m, i) : 0);
  count(work->engine, paths[in->path].block_slot, count_tasks(&m));
  return sp_team_run(&work->engine->weights->team, work->ctx, count_tasks(&m), multiply_block, &m);
}
