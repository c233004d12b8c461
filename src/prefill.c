/*
 * prefill.c - the method in one page: stages of layers, and between two stages a gate.
 *
 * In:       struct sp_timeline with tokens.  Out: caches, logits of the last row, scores, kept rows.
 * Not here: how rows pass a stage (stage.c), what stays of them (timeline.c), how they are scored (policy.c), chosen (gate.c),
 * parked and compacted (park.c), computed (behind backend.h).
 *
 * A gate at layer l_s stands between its attention and its feed-forward: rows are parked as x + U, and a halted row goes no
 * further, because from there on it could only change itself. The policy dense is one stage and no gate; a timeline that is
 * short parks its rows too, because it may grow, and finds the gate open.
 */
#include "prefill.h"

#include <math.h>

/* Scores of the list at the gate above stage i. */
static still_status score_rows(struct sp_timeline *t, size_t i, size_t n) {
  const struct sp_policy_row *policy = &sp_policies[t->settings->policy];
  struct sp_watch watch = sp_stage_watch(t, i);
  if (policy->delta || policy->block || policy->query) SP_TRY(t->backend->scores(t->lane, &watch, t->raw));
  policy->score(&(struct sp_score_job){.kernels = t->engine->kernels, .settings = t->settings, .raw = t->raw,
                                       .position = t->position, .score = t->score, .n = n});
  if (policy->query) sp_count(t->engine, SP_SLOT_pool_max, 1);
  for (size_t r = 0; r < n; r++)
    if (!isfinite(t->score[r]))
      return sp_fail(&t->ctx->error, STILL_ENUMERIC,
                     "the score of the token at position %u at the gate of layer %u is not finite", t->position[r], watch.layer);
  return STILL_OK;
}

/* The gate above stage i: scores the list, chooses, and makes the kept rows the list of stage i + 1. */
static still_status pass_gate(struct sp_timeline *t, size_t i) {
  size_t n = t->stage[i].rows;
  SP_TRY(sp_seen_reserve(t->ctx, &t->seen[i], n));
  SP_TRY(score_rows(t, i, n));
  struct sp_gate_job job = {.kernels = t->engine->kernels, .settings = t->settings, .score = t->score, .position = t->position,
                            .eligible = t->eligible, .n_eligible = t->n_eligible, .n = n, .kept = t->kept};
  sp_gate_select(&t->gate, &job);
  sp_seen_note(&t->seen[i], t->stage[i].to / 2, &job);
  t->n_seen = i + 1;
  for (size_t k = 0; k < job.n_kept; k++) t->position[k] = t->position[t->kept[k]];
  t->stage[i + 1].rows = job.n_kept;
  for (int slot = SP_SLOT_order_keys; slot <= SP_SLOT_compress; slot++) sp_count(t->engine, slot, 1);
  sp_lap(t->ctx, SP_TIME_GATE);
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
  still_status status = sp_stage_run(t, 0, from, 0, &(struct sp_aim){0});
  t->stage[0].rows = all;
  if (status == STILL_OK) t->finished = rows;
  return status;
}

static void time_phase(struct sp_timeline *t, still_phase phase, double *since, double *panels) {
  double now = sp_seconds(), built = t->ctx->seconds[STILL_PHASE_PANELS];
  t->ctx->seconds[phase] += now - *since - (built - *panels);
  *since = now;
  *panels = built;
}

/* All stages, or the first alone when there is no question. */
static still_status run_stages(struct sp_timeline *t, const struct sp_aim *aim) {
  double since = sp_seconds(), panels = t->ctx->seconds[STILL_PHASE_PANELS];
  unsigned below;
  sp_timeline_begin(t, aim->question, &below);
  if (below) SP_TRY(climb(t, below));
  size_t stages = aim->question ? t->n_stages : 1, first = t->finished;
  for (size_t i = 0; i < stages; i++) {
    sp_phase_begin(t->ctx);
    SP_TRY(sp_stage_run(t, i, t->stage[i].from, first, aim));
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
  SP_TRY(run_stages(t, &(struct sp_aim){.observer = observer, .question = true}));
  t->above = t->why_dense ? t->n : 0;
  t->ready = true;
  return STILL_OK;
}

still_status sp_append(struct sp_timeline *t) { return run_stages(t, &(struct sp_aim){0}); }
