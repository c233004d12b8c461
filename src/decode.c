/*
 * decode.c - the decode path: layers up to a gate see all T rows, those above the kept ones, and both the decoded rows.
 *
 * In:       a token at position n.  Out: logits; one row more at the end of every list.
 * Not here: the prefill path, through which these rows go again when text is appended (numerics, section 4).
 */
#include "decode.h"

still_status sp_decode(struct sp_timeline *t, still_token token) {
  double since = sp_seconds();
  SP_TRY(t->backend->load(t->lane, &token, t->n, 1));
  for (size_t i = 0; i < t->n_stages; i++) {
    const struct sp_stage *stage = &t->stage[i];
    struct sp_pass pass = {.from = stage->from, .to = stage->to, .at = stage->rows + t->decoded};
    SP_TRY(t->backend->reserve(t->lane, sp_stage_first(stage), sp_stage_last(stage), pass.at + 1, t->n + 1));
    SP_TRY(t->backend->step(t->lane, &pass));
  }
  SP_TRY(t->backend->logits(t->lane, 0, 1, t->logits));
  t->tokens[t->n++] = token;
  t->decoded++;
  t->ctx->seconds[STILL_PHASE_DECODE] += sp_seconds() - since;
  return sp_progress(t->ctx, STILL_PHASE_DECODE, t->decoded, t->decoded, 1);
}
