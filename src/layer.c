/*
 * layer.c - a layer as two halves; the embedding below the first and the head above the last.
 *
 * In:       hidden rows.  Out: hidden rows; logits.
 * Not here: what attention and feed-forward do inside.
 */
#include "layer.h"

#include <string.h>

/* ---- what a gate measures of the updates ------------------------------------------------------------------------- */

struct measure {
  struct sp_work *work;
  const float *update; /* [n][n_embd] */
  float *delta;        /* of the chunk's first row */
  bool both;           /* of U + F, else of U */
};

enum { ROWS_PER_TASK = 16 };

static void measure_rows(void *job, size_t task, int thread) {
  const struct measure *m = job;
  struct sp_work *w = m->work;
  const struct sp_kernels *k = w->engine->kernels;
  size_t e = w->engine->config->n_embd, last = (task + 1) * ROWS_PER_TASK;
  for (size_t i = task * ROWS_PER_TASK; i < last && i < w->n; i++) {
    const float *update = m->update + i * e;
    if (m->both) { /* U + F, each element rounded once */
      float *sum = memcpy(sp_work_scratch(w, thread), w->u + i * e, e * sizeof *sum);
      k->add(sum, update, e);
      update = sum;
    }
    m->delta[i] = k->sumsq(update, e);
  }
}

static still_status measure_update(struct sp_work *w, const float *update, unsigned half) {
  const struct sp_watch *watch = &w->watch;
  bool wanted = (watch->delta && half == 2 * watch->layer) || (watch->block && half == 2 * watch->layer + 1);
  if (!wanted) return STILL_OK;
  bool both = half % 2 == 1;
  enum sp_sum sum = watch->later ? SP_SUM_LATER : both ? SP_SUM_BLOCK : SP_SUM_DELTA;
  struct measure m = {.work = w, .update = update, .delta = w->record.sum[sum] + w->block[0].list, .both = both};
  sp_count(w->engine, SP_SLOT_sumsq, w->n);
  SP_TRY(sp_team_run(&w->engine->weights->team, w->ctx, (w->n + ROWS_PER_TASK - 1) / ROWS_PER_TASK, measure_rows, &m));
  sp_lap(w->ctx, SP_TIME_GATE);
  return STILL_OK;
}

/* ---- halves --------------------------------------------------------------------------------------------------- */

still_status sp_half(struct sp_work *w, struct sp_input *in, unsigned half) {
  const struct sp_config *c = w->engine->config;
  unsigned l = half / 2;
  const struct sp_layer *layer = &w->engine->weights->layers[l];
  bool attention = half % 2 == 0;
  SP_TRY(sp_linear_input(w, in, 0, w->n, w->x, c->n_embd, attention ? layer->attn_norm : layer->ffn_norm));
  SP_TRY(sp_work_check(w, l, attention ? "attention" : "the feed-forward"));
  SP_TRY(attention ? sp_attention(w, in, l) : sp_feed_forward(w, in, l));
  return measure_update(w, attention ? w->u : w->f, half);
}

still_status sp_head(struct sp_work *w, size_t first, size_t n, float *logits) {
  const struct sp_engine *e = w->engine;
  struct sp_input *in = &w->row;
  SP_TRY(sp_linear_input(w, in, first, n, w->x, e->config->n_embd, e->weights->final_norm));
  SP_TRY(sp_work_check(w, e->config->n_layers - 1, "the output matrix after it"));
  return sp_linear(w, in, &(struct sp_output){&e->weights->output, logits, e->config->n_vocab, NULL}, 1);
}

void sp_embed(const struct sp_engine *e, still_token token, float *x) {
  const struct sp_tensor *t = e->weights->embed.tensor;
  e->kernels->dequant[t->type](x, t->data + (size_t)token * t->row_bytes, e->config->n_embd);
}
