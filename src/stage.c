/*
 * stage.c - one stage: rows come, go through its layers in chunks, and are put down at the gate or are done at the top.
 *
 * In:       struct sp_timeline, the number of a stage.  Out: rows behind backend.h; logits.
 * Not here: gates.
 *
 * Memory is bounded by the chunk. Where it holds the panels of a few layers only, a stage is gone through in lifts of so many
 * layers, and rows wait between two lifts as they do at a gate.
 */
#include "stage.h"

struct sp_watch sp_stage_watch(const struct sp_timeline *t, size_t i) {
  const struct sp_policy_row *policy = &sp_policies[t->settings->policy];
  const struct sp_stage *stage = &t->stage[i];
  size_t window = (size_t)t->settings->window < stage->rows ? (size_t)t->settings->window : stage->rows;
  unsigned layer = stage->to / 2, back = (unsigned)t->settings->layers - 1, lowest = sp_stage_first(stage);
  return (struct sp_watch){.delta = i == 0 || policy->delta, .block = policy->block, .query = policy->query && !t->why_dense,
                           .later = i > 0, .layer = layer, .first_layer = layer - lowest > back ? layer - back : lowest,
                           .rows = stage->rows, .window_from = stage->rows - window};
}

/* A chunk of stage i from row `at` of its list: fresh tokens in stage 0, rows that the gate below kept in the others; above the
 * first lift, rows that waited within the stage. */
static still_status bring(struct sp_timeline *t, size_t i, bool waited, size_t at, size_t n) {
  if (i == 0 && !waited) return t->backend->load(t->lane, t->tokens + at, at, n);
  return t->backend->take(t->lane, waited ? i > 0 : i > 1, t->kept + at, t->position + at, n);
}

/* Parks a chunk at the gate. `block` also looks at the feed-forward, of every row; the parked rows stay as they are. */
static still_status wait_at_gate(struct sp_timeline *t, size_t i, const struct sp_pass *pass) {
  SP_TRY(t->backend->put(t->lane, i > 0, pass->at));
  if (!pass->watch->block) return STILL_OK;
  struct sp_pass feed_forward = *pass;
  feed_forward.next = NULL;
  feed_forward.from = pass->to;
  feed_forward.to = pass->to + 1;
  return t->backend->run(t->lane, &feed_forward);
}

static still_status observe(struct sp_timeline *t, const struct sp_observer *o, size_t at, size_t n) {
  size_t vocab = t->engine->config->n_vocab;
  for (size_t r = 0, rows; o && r < n; r += rows) {
    rows = n - r < SP_FILE_ROWS ? n - r : SP_FILE_ROWS;
    if (t->position[at + r + rows - 1] < o->first) continue;
    SP_TRY(t->backend->logits(t->lane, r, rows, t->logits));
    for (size_t k = 0; k < rows; k++)
      if (t->position[at + r + k] >= o->first && o->fn(o->user, t->position[at + r + k], t->logits + k * vocab, vocab))
        return sp_fail(&t->ctx->error, STILL_ECANCELLED, "cancelled by the reader of the logits");
  }
  return STILL_OK;
}

/* What becomes of a chunk at the end of the pass: it waits for the next lift or at the gate, or is done. */
static still_status put_down(struct sp_timeline *t, size_t i, const struct sp_pass *pass, const struct sp_aim *aim) {
  size_t n = (size_t)pass->worth;
  if (pass->to < t->stage[i].to) return t->backend->put(t->lane, i > 0, pass->at);
  if (i + 1 < t->n_stages) return wait_at_gate(t, i, pass);
  SP_TRY(observe(t, aim->observer, pass->at, n));
  bool last = aim->question && pass->at + n == t->stage[i].rows;
  return last ? t->backend->logits(t->lane, n - 1, 1, t->logits) : STILL_OK;
}

struct chunk {
  struct sp_timeline *t;
  size_t i, at, n;
  bool waited, brought;
};

static still_status bring_chunk(void *arg) {
  struct chunk *c = arg;
  c->brought = true;
  return bring(c->t, c->i, c->waited, c->at, c->n);
}

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* All rows of stage i from row `first` on, chunk by chunk, through the layers of one lift. */
static still_status run_lift(struct sp_timeline *t, size_t i, size_t first, struct sp_pass *pass, const struct sp_aim *aim) {
  const struct sp_stage *stage = &t->stage[i];
  size_t most = t->backend->rows(t->lane, pass->to);
  struct chunk chunk = {.t = t, .i = i, .at = first, .n = least(stage->rows - first, most), .waited = pass->from > stage->from};
  while (chunk.n > 0) {
    if (!chunk.brought) SP_TRY(bring_chunk(&chunk));
    pass->at = chunk.at;
    pass->worth = chunk.n;
    chunk.at += chunk.n;
    chunk.n = least(stage->rows - chunk.at, most);
    chunk.brought = false;
    pass->next = chunk.n ? bring_chunk : NULL;
    pass->arg = &chunk;
    SP_TRY(t->backend->run(t->lane, pass));
    SP_TRY(put_down(t, i, pass, aim));
    pass->done += pass->worth * ((pass->to - pass->from + 1) / 2);
  }
  return STILL_OK;
}

still_status sp_stage_run(struct sp_timeline *t, size_t i, unsigned from, size_t first, const struct sp_aim *aim) {
  const struct sp_stage *stage = &t->stage[i];
  bool last = i + 1 == t->n_stages, waits = from > stage->from || sp_stage_waits(stage, t->lift);
  struct sp_watch watch = last ? (struct sp_watch){0} : sp_stage_watch(t, i);
  struct sp_pass pass = {.to = from, .watch = last ? NULL : &watch, .phase = i ? STILL_PHASE_UPPER : STILL_PHASE_LOWER,
                         .total = (uint64_t)(stage->rows - first) * ((stage->to - from + 1) / 2),
                         .live = (double)stage->rows / (double)t->n};
  watch.query &= aim->question;
  SP_TRY(t->backend->reserve(t->lane, sp_stage_first(stage), sp_stage_last(stage), stage->rows, t->n));
  if (!last || waits) SP_TRY(t->backend->reserve_park(t->lane, i > 0, stage->rows));
  sp_lap(t->ctx, SP_TIME_MEMORY);
  while (pass.to < stage->to) {
    for (size_t r = first; waits && pass.to > stage->from && r < stage->rows; r++) t->kept[r] = (uint32_t)r;
    pass.from = pass.to;
    pass.to = 2 * (pass.from / 2 + t->lift);
    if (pass.to > stage->to) pass.to = stage->to;
    SP_TRY(run_lift(t, i, first, &pass, aim));
  }
  return STILL_OK;
}
