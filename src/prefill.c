/*
 * prefill.c - the method in one page: stages of layers, and between two stages a gate.
 *
 * In:       struct sp_timeline with tokens.  Out: caches, logits of the last row, scores, kept rows.
 * Not here: how rows are scored (policy.c), chosen (gate.c), parked and compacted (park.c), computed (behind backend.h).
 *
 * A gate at layer l_s stands between its attention and its feed-forward: rows are parked as x + U, and a halted row goes no
 * further, because from there on it could only change itself. The policy dense is one stage and no gate; a timeline that is
 * short parks its rows too, because it may grow, and finds the gate open. Where memory holds the panels of a few layers only,
 * a stage is gone through in lifts of so many layers, and rows wait between two lifts as they do at a gate. Rows that a state
 * parked at a lower layer climb from there.
 */
#include "prefill.h"

#include <math.h>
#include <string.h>

size_t sp_prefill_stages(const struct sp_config *config, const struct sp_settings *s, bool parked, size_t n,
                         struct sp_stage stage[SP_MOST_STAGES], const char **why_dense) {
  unsigned layers = config->n_layers, gate = (unsigned)(s->start * layers + 1e-9), from = 0;
  size_t count = 0;
  *why_dense = s->policy == SP_POLICY_DENSE ? "the policy is dense"
               : n < (size_t)s->min_tokens  ? "fewer tokens than min-tokens"
               : gate >= layers             ? "the start layer is above the last"
                                            : NULL;
  bool waits = parked || s->policy != SP_POLICY_DENSE;
  unsigned step = s->every && !*why_dense ? (unsigned)s->every : layers;
  for (; waits && gate < layers && count < SP_MOST_STAGES - 1; gate += step) {
    stage[count++] = (struct sp_stage){.from = from, .to = 2 * gate + 1};
    from = 2 * gate + 1;
  }
  stage[count++] = (struct sp_stage){.from = from, .to = 2 * layers};
  stage[0].rows = n;
  return count;
}

/* What the layers of stage i must record for the gate at its end. The first gate's sums are recorded under every policy, so that
 * rows once parked can be asked about under another. */
static struct sp_watch watch_for(const struct sp_timeline *t, size_t i) {
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

/* What is wanted of the rows that pass. */
struct aim {
  const struct sp_observer *observer; /* or NULL */
  bool question; /* scores and logits; else the rows shall only wait for one */
};

/* What becomes of a chunk at the end of the pass: it waits for the next lift or at the gate, or is done. */
static still_status put_down(struct sp_timeline *t, size_t i, const struct sp_pass *pass, const struct aim *aim) {
  size_t n = (size_t)pass->worth;
  if (pass->to < t->stage[i].to) return t->backend->put(t->lane, i > 0, pass->at);
  if (i + 1 < t->n_stages) return wait_at_gate(t, i, pass);
  SP_TRY(observe(t, aim->observer, pass->at, n));
  bool last = aim->question && pass->at + n == t->stage[i].rows;
  return last ? t->backend->logits(t->lane, n - 1, 1, t->logits) : STILL_OK;
}

/* All rows of stage i from row `first` on, chunk by chunk, through the layers of one lift. */
static still_status run_lift(struct sp_timeline *t, size_t i, size_t first, struct sp_pass *pass, const struct aim *aim) {
  const struct sp_stage *stage = &t->stage[i];
  size_t chunk = (size_t)t->settings->chunk;
  for (pass->at = first; pass->at < stage->rows; pass->at += chunk) {
    size_t n = stage->rows - pass->at < chunk ? stage->rows - pass->at : chunk;
    pass->worth = n;
    SP_TRY(bring(t, i, pass->from > stage->from, pass->at, n));
    SP_TRY(t->backend->run(t->lane, pass));
    SP_TRY(put_down(t, i, pass, aim));
    pass->done += n * ((pass->to - pass->from + 1) / 2);
  }
  return STILL_OK;
}

/* All rows of stage i from row `first` on, from half `from` on, lift by lift: one, unless memory is short of panels. */
static still_status run_stage(struct sp_timeline *t, size_t i, unsigned from, size_t first, const struct aim *aim) {
  const struct sp_stage *stage = &t->stage[i];
  bool last = i + 1 == t->n_stages, waits = from > stage->from || sp_stage_waits(stage, t->lift);
  struct sp_watch watch = last ? (struct sp_watch){0} : watch_for(t, i);
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

/* The gate at the end of stage i: scores the list, chooses, and makes the kept rows the list of stage i + 1. */
static still_status pass_gate(struct sp_timeline *t, size_t i) {
  const struct sp_policy_row *policy = &sp_policies[t->settings->policy];
  struct sp_watch watch = watch_for(t, i);
  size_t n = t->stage[i].rows;
  if (policy->delta || policy->block || policy->query) SP_TRY(t->backend->scores(t->lane, &watch, t->raw));
  policy->score(&(struct sp_score_job){.kernels = t->engine->kernels, .settings = t->settings, .raw = t->raw,
                                       .position = t->position, .score = t->score, .n = n});
  for (size_t r = 0; r < n; r++)
    if (!isfinite(t->score[r]))
      return sp_fail(&t->ctx->error, STILL_ENUMERIC,
                     "the score of the token at position %u at the gate of layer %u is not finite", t->position[r], watch.layer);
  struct sp_gate_job job = {.kernels = t->engine->kernels, .settings = t->settings, .score = t->score, .position = t->position,
                            .eligible = t->eligible, .n_eligible = t->n_eligible, .n = n, .kept = t->kept};
  sp_gate_select(&t->gate, &job);
  for (size_t k = 0; k < job.n_kept; k++) t->position[k] = t->position[t->kept[k]];
  t->stage[i + 1].rows = job.n_kept;
  for (int slot = SP_SLOT_order_keys; slot <= SP_SLOT_compress; slot++) sp_count(t->engine, slot, 1);
  if (policy->query) sp_count(t->engine, SP_SLOT_pool_max, 1);
  sp_lap(t->ctx, SP_TIME_GATE);
  if (i > 0) return STILL_OK;
  for (size_t r = 0; r < n; r++) t->first_score[r] = policy->report(t->score[r]);
  memcpy(t->first_kept, t->kept, job.n_kept * sizeof *t->kept);
  t->n_scores = n;
  t->n_kept = job.n_kept;
  t->tau = policy->report(job.last);
  return STILL_OK;
}

/* A gate where nobody halts. Rows that went on before need not pass again, but one must: its logits are wanted. */
static void open_gate(struct sp_timeline *t) {
  for (size_t r = 0; r < t->n; r++) t->kept[r] = (uint32_t)r;
  t->stage[1].rows = t->n;
  if (t->above > t->n - 1) t->above = t->n - 1;
}

/* The gate above stage i; returns in *first where the next stage begins. */
static still_status go_on(struct sp_timeline *t, size_t i, size_t *first) {
  if (t->why_dense) {
    open_gate(t);
  } else {
    t->above = 0;
    SP_TRY(pass_gate(t, i));
  }
  *first = t->above;
  return STILL_OK;
}

/* Rows that wait at half `from`, below the gate, are whole there and go on from it. Cancelled on the way they are lost. */
static still_status climb(struct sp_timeline *t, unsigned from) {
  size_t rows = t->finished, all = t->stage[0].rows;
  t->finished = 0;
  t->stage[0].rows = rows;
  sp_phase_begin(t->ctx);
  still_status status = run_stage(t, 0, from, 0, &(struct aim){0});
  t->stage[0].rows = all;
  if (status == STILL_OK) t->finished = rows;
  return status;
}

/* Lays out the stages and finds the first row that stage 0 must compute. Where attention scores, the window's rows pass again for
 * what the gate records of them; without a gate one row does, because its logits are wanted. */
static still_status begin(struct sp_timeline *t, bool question) {
  unsigned gate = t->stage[0].to;
  size_t window = (size_t)t->settings->window, most = t->n;
  t->ready = false;
  t->n_scores = t->n_kept = 0;
  t->tau = 0;
  t->n_stages = sp_prefill_stages(t->engine->config, t->settings, t->parked, t->n, t->stage, &t->why_dense);
  for (size_t r = 0; r < t->n; r++) t->position[r] = (uint32_t)r;
  bool below = gate % 2 && gate < t->stage[0].to;
  if (gate != t->stage[0].to) t->above = 0; /* rows that were not parked at this gate */
  if (gate != t->stage[0].to && !below) t->finished = 0;
  if (question && t->n_stages == 1) most = t->n - 1;
  if (question && !t->why_dense && sp_policies[t->settings->policy].query) most = t->n > window ? t->n - window : 0;
  if (t->finished > most) t->finished = most; /* the others are on their way again, and this call may fail */
  return below && t->finished ? climb(t, gate) : STILL_OK;
}

static void time_phase(struct sp_timeline *t, still_phase phase, double *since, double *panels) {
  double now = sp_seconds(), built = t->ctx->seconds[STILL_PHASE_PANELS];
  t->ctx->seconds[phase] += now - *since - (built - *panels);
  *since = now;
  *panels = built;
}

/* All stages, or the first alone when there is no question. */
static still_status run_stages(struct sp_timeline *t, const struct aim *aim) {
  double since = sp_seconds(), panels = t->ctx->seconds[STILL_PHASE_PANELS];
  SP_TRY(begin(t, aim->question));
  size_t stages = aim->question ? t->n_stages : 1, first = t->finished;
  for (size_t i = 0; i < stages; i++) {
    sp_phase_begin(t->ctx);
    SP_TRY(run_stage(t, i, t->stage[i].from, first, aim));
    time_phase(t, i ? STILL_PHASE_UPPER : STILL_PHASE_LOWER, &since, &panels);
    if (i + 1 == stages) break;
    SP_TRY(go_on(t, i, &first));
    time_phase(t, STILL_PHASE_GATE, &since, &panels);
  }
  t->finished = t->n;
  t->decoded = 0;
  return STILL_OK;
}

still_status sp_prefill(struct sp_timeline *t, const struct sp_observer *observer) {
  SP_TRY(sp_gate_reserve(t->ctx, &t->gate, t->n));
  SP_TRY(run_stages(t, &(struct aim){.observer = observer, .question = true}));
  t->above = t->why_dense ? t->n : 0;
  t->ready = true;
  return STILL_OK;
}

still_status sp_append(struct sp_timeline *t) { return run_stages(t, &(struct aim){0}); }

void sp_rewind(struct sp_timeline *t, size_t n) {
  t->n = n;
  t->finished = t->finished < n ? t->finished : n;
  t->above = t->above < n ? t->above : n;
  t->n_scores = t->n_kept = t->decoded = 0;
  t->ready = false;
}
