/*
 * ffn.c - gate and up in one run of the team, so that both halves of a tile meet in a core's cache; then down.
 *
 * In:       prepared rows.  Out: work->h, then work->f.
 * Not here: arithmetic.
 */
#include "ffn.h"

struct swiglu {
  struct sp_work *work;
  const struct sp_input *in;
  const struct sp_weight *gate, *up;
  size_t row_blocks;
};

static void swiglu_tile(void *job, size_t task, int thread) {
  const struct swiglu *s = job;
  const struct sp_engine *e = s->work->engine;
  size_t row0 = task % s->row_blocks * SP_FFN_ROWS, col0 = task / s->row_blocks * SP_FFN_COLS;
  size_t rows = s->in->rows - row0, cols = s->gate->n - col0, ldh = s->gate->n;
  rows = rows < SP_FFN_ROWS ? rows : SP_FFN_ROWS;
  cols = cols < SP_FFN_COLS ? cols : SP_FFN_COLS;
  float *gate = sp_work_scratch(s->work, thread), *up = gate + SP_FFN_ROWS * SP_FFN_COLS;
  sp_linear_block(e, s->gate, s->in, row0, rows, col0, cols, gate, SP_FFN_COLS);
  sp_linear_block(e, s->up, s->in, row0, rows, col0, cols, up, SP_FFN_COLS);
  for (size_t r = 0; r < rows; r++)
    e->kernels->swiglu(s->work->h + (row0 + r) * ldh + col0, gate + r * SP_FFN_COLS, up + r * SP_FFN_COLS, cols);
}

still_status sp_feed_forward(struct sp_work *w, struct sp_input *in, unsigned layer) {
  struct sp_engine *e = w->engine;
  const struct sp_weight *weights = e->weights->layers[layer].w;
  size_t n_ff = e->config->n_ff;
  struct swiglu s = {.work = w, .in = in, .gate = &weights[SP_WGATE], .up = &weights[SP_WUP],
                     .row_blocks = (w->n + SP_FFN_ROWS - 1) / SP_FFN_ROWS};
  size_t tasks = s.row_blocks * ((n_ff + SP_FFN_COLS - 1) / SP_FFN_COLS);
  SP_TRY(sp_team_run(&e->weights->team, w->ctx, tasks, swiglu_tile, &s));
  sp_lap(w->ctx, SP_TIME_LINEAR);
  sp_linear_count(e, in->path, 2 * tasks);
  sp_count(e, SP_SLOT_swiglu, w->n);
  SP_TRY(sp_linear_input(w, in, 0, w->n, w->h, n_ff, NULL));
  SP_TRY(sp_work_check(w, layer, "the down projection"));
  SP_TRY(sp_linear(w, in, &(struct sp_output){&weights[SP_WDOWN], w->f, e->config->n_embd, w->x}, 1));
  sp_lap(w->ctx, SP_TIME_LINEAR);
  return STILL_OK;
}
