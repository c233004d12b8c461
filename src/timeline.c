/*
 * timeline.c - the stages of a list of tokens, and what stays when tokens come, go or are asked about.
 *
 * In:       tokens, settings.  Out: struct sp_timeline ready for a prefill.
 * Not here: rows (behind backend.h).
 */
#include "timeline.h"

#include <string.h>

size_t sp_timeline_stages(const struct sp_config *config, const struct sp_settings *s, bool parked, size_t n,
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

/* ---- the arrays, one element a token ---------------------------------------------------------------------------- */

enum { ARRAYS = 6 }; /* all of 4 bytes */

static void list_arrays(struct sp_timeline *t, void **at[ARRAYS]) {
  at[0] = (void **)&t->tokens, at[1] = (void **)&t->position, at[2] = (void **)&t->kept;
  at[3] = (void **)&t->raw, at[4] = (void **)&t->score, at[5] = (void **)&t->woken;
}

void sp_timeline_free(struct sp_timeline *t) {
  void **at[ARRAYS];
  list_arrays(t, at);
  for (size_t i = 0; i < ARRAYS; i++) {
    sp_free(t->ctx, *at[i], t->cap, sizeof(uint32_t));
    *at[i] = NULL;
  }
  t->cap = 0;
}

still_status sp_timeline_lane(const struct sp_timeline *t, struct sp_lane **lane) {
  size_t most = sp_settings_context(t->settings, t->engine->config->n_ctx_train);
  return t->backend->begin(t->engine, t->ctx, (size_t)t->settings->chunk, most, lane);
}

still_status sp_timeline_grow(struct sp_timeline *t, size_t n) {
  struct sp_timeline to = *t;
  void **from_at[ARRAYS], **to_at[ARRAYS];
  size_t done = 0;
  if (n <= t->cap) return STILL_OK;
  to.cap = n + SP_TILE;
  list_arrays(&to, to_at);
  list_arrays(t, from_at);
  for (; done < ARRAYS; done++) {
    void *memory = sp_alloc(t->ctx, to.cap, sizeof(uint32_t), "the tokens");
    if (!memory) break;
    if (*from_at[done]) memcpy(memory, *from_at[done], t->cap * sizeof(uint32_t));
    *to_at[done] = memory;
  }
  if (done < ARRAYS) {
    while (done-- > 0) sp_free(t->ctx, *to_at[done], to.cap, sizeof(uint32_t));
    return STILL_ENOMEM;
  }
  sp_timeline_free(t);
  *t = to;
  return STILL_OK;
}

/* ---- what stays ------------------------------------------------------------------------------------------------- */

void sp_timeline_begin(struct sp_timeline *t, bool question, unsigned *climb) {
  unsigned gate = t->stage[0].to;
  size_t window = (size_t)t->settings->window, most = t->n;
  t->ready = false;
  t->n_seen = t->n_woken = 0;
  t->n_stages = sp_timeline_stages(t->engine->config, t->settings, t->parked, t->n, t->stage, &t->why_dense);
  for (size_t r = 0; r < t->n; r++) t->position[r] = (uint32_t)r;
  bool moved = gate != t->stage[0].to, below = gate % 2 && gate < t->stage[0].to;
  if (moved) t->above = 0; /* rows that were not parked at this gate */
  if (moved && !below) t->finished = 0;
  if (question && t->n_stages == 1) most = t->n - 1; /* one row must pass, because its logits are wanted */
  if (question && !t->why_dense && sp_policies[t->settings->policy].query) most = t->n > window ? t->n - window : 0;
  if (t->finished > most) t->finished = most; /* the others are on their way again, and this call may fail */
  *climb = below && t->finished ? gate : 0;
}

void sp_timeline_rewind(struct sp_timeline *t, size_t n) {
  t->n = n;
  t->finished = t->finished < n ? t->finished : n;
  t->above = t->above < n ? t->above : n;
  t->n_seen = t->n_woken = t->decoded = 0;
  t->ready = false;
}
