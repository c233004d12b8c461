/*
 * backend_cpu.c - the CPU's filling of backend.h.
 *
 * In:       verbs.  Out: rows through halves, scores, logits.
 * Not here: the halves (layer.c), scores of the query policy (mass.c).
 */
#include "backend.h"

#include <string.h>

#include "layer.h"
#include "mass.h"
#include "park.h"

struct sp_lane {
  struct sp_work work;
  struct sp_park park[SP_PARKS];
};

static void end(struct sp_lane *lane) {
  struct sp_ctx *ctx = lane->work.ctx;
  for (int i = 0; i < SP_PARKS; i++) sp_park_free(ctx, &lane->park[i]);
  sp_work_close(&lane->work);
  sp_free(ctx, lane, 1, sizeof *lane);
}

static still_status begin(struct sp_engine *engine, struct sp_ctx *ctx, size_t chunk, size_t most, struct sp_lane **out) {
  struct sp_lane *lane = sp_calloc(ctx, 1, sizeof *lane, "a session");
  if (!lane) return STILL_ENOMEM;
  still_status status = sp_work_open(&lane->work, engine, ctx, chunk < most ? chunk : most);
  if (status == STILL_OK)
    *out = lane;
  else
    sp_free(ctx, lane, 1, sizeof *lane);
  return status;
}

static size_t rows_of(const struct sp_lane *lane, unsigned to) {
  (void)to;
  return lane->work.cap;
}

static still_status reserve(struct sp_lane *lane, unsigned first, unsigned last, size_t rows, size_t positions) {
  struct sp_work *w = &lane->work;
  for (unsigned l = first; l < last; l++) SP_TRY(sp_kv_reserve(w->ctx, &w->engine->weights->team.place, &w->kv[l], rows));
  return sp_rope_grow(w->ctx, &w->engine->config->rope, &w->rope, positions);
}

static still_status reserve_park(struct sp_lane *lane, unsigned park, size_t rows) {
  return sp_park_reserve(lane->work.ctx, &lane->park[park], lane->work.engine->config->n_embd, rows);
}

struct embed {
  struct sp_work *work;
  const still_token *tokens;
};

static void embed_row(void *job, size_t task, int thread) {
  (void)thread;
  const struct embed *e = job;
  sp_embed(e->work->engine, e->tokens[task], e->work->x + task * e->work->engine->config->n_embd);
}

static still_status load(struct sp_lane *lane, const still_token *tokens, size_t position, size_t n) {
  struct sp_work *w = &lane->work;
  for (size_t i = 0; i < n; i++) w->position[i] = (uint32_t)(position + i);
  w->n = n;
  sp_count(w->engine, SP_SLOT_dequant, n);
  SP_TRY(sp_team_run(&w->engine->weights->team, w->ctx, n, embed_row, &(struct embed){w, tokens}));
  sp_lap(w->ctx, SP_TIME_TOKENS);
  return STILL_OK;
}

struct arrive {
  struct sp_work *work;
  const float *x;
};

static void arrive_row(void *job, size_t task, int thread) {
  (void)thread;
  const struct arrive *a = job;
  size_t n = a->work->engine->config->n_embd;
  memcpy(a->work->x + task * n, a->x + task * n, n * sizeof *a->x);
}

still_status sp_cpu_chunk(struct sp_lane *lane, const float *x, const uint32_t *position, size_t n) {
  struct sp_work *w = &lane->work;
  memcpy(w->position, position, n * sizeof *position);
  w->n = n;
  return sp_team_run(&w->engine->weights->team, w->ctx, n, arrive_row, &(struct arrive){w, x});
}

static still_status take(struct sp_lane *lane, unsigned park, const uint32_t *index, const uint32_t *position, size_t n) {
  sp_park_take(&lane->park[park], &lane->work, index, position, n);
  sp_lap(lane->work.ctx, SP_TIME_GATE);
  return STILL_OK;
}

static still_status put(struct sp_lane *lane, unsigned park, size_t at) {
  sp_park_put(&lane->park[park], &lane->work, at);
  sp_lap(lane->work.ctx, SP_TIME_GATE);
  return STILL_OK;
}

/* The halves of one layer, [from, to) cut to it, with its panels held. */
static still_status run_layer(struct sp_work *w, unsigned layer, const struct sp_pass *pass) {
  SP_TRY(sp_weights_hold(w->engine->weights, w->ctx, layer));
  sp_lap(w->ctx, SP_TIME_PANELS);
  unsigned from = pass->from > 2 * layer ? pass->from : 2 * layer, to = pass->to < 2 * layer + 2 ? pass->to : 2 * layer + 2;
  still_status status = STILL_OK;
  for (unsigned half = from; half < to && status == STILL_OK; half++) status = sp_half(w, &w->chunk, half);
  sp_weights_release(w->engine->weights, layer);
  return status;
}

static still_status run(struct sp_lane *lane, const struct sp_pass *pass) {
  struct sp_work *w = &lane->work;
  w->watch = pass->watch ? *pass->watch : (struct sp_watch){0};
  sp_work_place(w, pass->at, pass->place);
  if (pass->watch) SP_TRY(sp_record_reserve(w, pass->watch));
  uint64_t done = pass->done;
  w->ctx->layer = pass->from / 2;
  for (unsigned layer = pass->from / 2; 2 * layer < pass->to; layer++, done += pass->worth) {
    SP_TRY(sp_progress(w->ctx, pass->phase, done, pass->total, pass->live));
    SP_TRY(run_layer(w, layer, pass));
    w->ctx->layer = layer + 1;
  }
  return sp_progress(w->ctx, pass->phase, done, pass->total, pass->live);
}

static still_status step(struct sp_lane *lane, const struct sp_pass *pass) {
  struct sp_work *w = &lane->work;
  w->watch = pass->watch ? *pass->watch : (struct sp_watch){0};
  sp_work_place(w, pass->at, pass->place);
  if (pass->watch) SP_TRY(sp_record_reserve(w, pass->watch));
  for (unsigned half = pass->from; half < pass->to; half++) SP_TRY(sp_half(w, &w->row, half));
  return STILL_OK;
}

static still_status scores(struct sp_lane *lane, const struct sp_watch *watch, float *out) {
  if (watch->query) return sp_mass(&lane->work, watch, out);
  enum sp_sum sum = watch->later ? SP_SUM_LATER : watch->block ? SP_SUM_BLOCK : SP_SUM_DELTA;
  memcpy(out, lane->work.record.sum[sum], watch->rows * sizeof *out);
  return STILL_OK;
}

static still_status logits(struct sp_lane *lane, size_t first, size_t n, float *out) {
  SP_TRY(sp_head(&lane->work, first, n, out));
  sp_lap(lane->work.ctx, SP_TIME_TOKENS);
  return STILL_OK;
}

static still_status save(struct sp_lane *lane, const struct sp_image *image, size_t at, size_t n, uint8_t *bytes) {
  const struct sp_work *w = &lane->work;
  size_t e = w->engine->config->n_embd;
  for (size_t i = at; i < at + n; i++) {
    if (image->parked) {
      sp_file_words(bytes, sp_park_row(&lane->park[0], i), e);
      sp_file_words(bytes + 4 * e, &w->record.sum[SP_SUM_DELTA][i], 1);
      if (image->block) sp_file_words(bytes + 4 * e + 4, &w->record.sum[SP_SUM_BLOCK][i], 1);
      bytes += 4 * e + (image->block ? 8 : 4);
    }
    for (unsigned l = image->first; l < image->layers; l++) bytes = sp_kv_save(&w->kv[l], i, bytes);
  }
  return STILL_OK;
}

static still_status restore(struct sp_lane *lane, const struct sp_image *image, size_t at, size_t n, const uint8_t *bytes) {
  struct sp_work *w = &lane->work;
  size_t e = w->engine->config->n_embd;
  if (image->parked) SP_TRY(sp_sum_reserve(w, SP_SUM_DELTA, image->rows));
  if (image->block) SP_TRY(sp_sum_reserve(w, SP_SUM_BLOCK, image->rows));
  for (size_t i = at; i < at + n; i++) {
    if (image->parked) {
      sp_file_words(sp_park_row(&lane->park[0], i), bytes, e);
      sp_file_words(&w->record.sum[SP_SUM_DELTA][i], bytes + 4 * e, 1);
      if (image->block) sp_file_words(&w->record.sum[SP_SUM_BLOCK][i], bytes + 4 * e + 4, 1);
      bytes += 4 * e + (image->block ? 8 : 4);
    }
    for (unsigned l = image->first; l < image->layers; l++) bytes = sp_kv_load(&w->kv[l], i, bytes);
  }
  return STILL_OK;
}

struct move {
  struct sp_kv *kv;
  size_t at, n, to;
};

static void move_layer(void *job, size_t task, int thread) {
  (void)thread;
  const struct move *m = job;
  sp_kv_move(&m->kv[task], m->at, m->n, m->to);
}

static still_status move(struct sp_lane *lane, unsigned first, unsigned last, size_t at, size_t n, size_t to) {
  struct sp_work *w = &lane->work;
  struct move m = {.kv = w->kv + first, .at = at, .n = n, .to = to};
  return sp_team_run(&w->engine->weights->team, w->ctx, last - first, move_layer, &m);
}

static still_status probe(struct sp_lane *lane, const struct sp_pass *pass, struct sp_probe_sums *sums) {
  lane->work.probe = sums;
  still_status status = run(lane, pass);
  lane->work.probe = NULL;
  return status;
}

const struct sp_backend sp_backend_cpu = {
    .name = "cpu",
    .begin = begin,
    .end = end,
    .rows = rows_of,
    .reserve = reserve,
    .reserve_park = reserve_park,
    .load = load,
    .take = take,
    .put = put,
    .run = run,
    .step = step,
    .scores = scores,
    .logits = logits,
    .save = save,
    .restore = restore,
    .move = move,
    .probe = probe,
};
