/*
 * decode.c - the decode path: layers up to a gate see all T rows, those above the kept ones, and both the decoded rows. At the
 * gate, passages wake that the new row looks at.
 *
 * In:       a token at position n.  Out: logits; one row more at the end of every list.
 * Not here: the prefill path, through which these rows go again when text is appended (numerics, section 4).
 */
#include "decode.h"

#include "wake.h"

static still_status climb(struct sp_timeline *t, still_token token) {
  struct sp_watch watch;
  bool listens = sp_wake_watch(t, &watch);
  SP_TRY(t->backend->load(t->lane, &token, t->n, 1));
  for (size_t i = 0; i < t->n_stages; i++) {
    const struct sp_stage *stage = &t->stage[i];
    bool weighs = listens && i == 0;
    struct sp_pass pass = {
        .from = stage->from, .to = stage->to, .at = stage->rows + t->decoded, .watch = weighs ? &watch : NULL};
    SP_TRY(t->backend->reserve(t->lane, sp_stage_first(stage), sp_stage_last(stage), pass.at + 1, t->n + 1));
    SP_TRY(t->backend->step(t->lane, &pass));
    if (weighs) SP_TRY(sp_wake(t, &watch, token));
  }
  SP_TRY(sp_progress(t->ctx, STILL_PHASE_DECODE, t->decoded + 1, t->decoded + 1, 1)); /* the last that may cancel it */
  return t->backend->logits(t->lane, 0, 1, t->logits);
}

still_status sp_decode(struct sp_timeline *t, still_token token) {
  double since = sp_seconds();
  size_t awake = t->n_woken;
  still_status status = climb(t, token);
  if (status != STILL_OK) {
    SP_TRY(sp_wake_undo(t, awake)); /* a device that fails here is given up, and the step is made again on the CPU */
    return status;
  }
  t->tokens[t->n++] = token;
  t->decoded++;
  t->ctx->seconds[STILL_PHASE_DECODE] += sp_seconds() - since;
  return STILL_OK;
}
