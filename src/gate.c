/*
 * gate.c - radix threshold, vectorised compare, compress.
 *
 * In:       struct sp_gate_job.  Out: kept rows.
 * Not here: scores.
 */
#include "gate.h"

#include <math.h>

still_status sp_gate_reserve(struct sp_ctx *ctx, struct sp_gate *gate, size_t n) {
  if (n <= gate->cap) return STILL_OK;
  sp_gate_free(ctx, gate);
  gate->key = sp_alloc(ctx, n, sizeof *gate->key, "the gate");
  gate->mask = sp_alloc(ctx, (n + 63) / 64, sizeof *gate->mask, "the gate");
  gate->cap = n;
  if (gate->key && gate->mask) return STILL_OK;
  sp_gate_free(ctx, gate);
  return STILL_ENOMEM;
}

void sp_gate_free(struct sp_ctx *ctx, struct sp_gate *gate) {
  sp_free(ctx, gate->key, gate->cap, sizeof *gate->key);
  sp_free(ctx, gate->mask, (gate->cap + 63) / 64, sizeof *gate->mask);
  *gate = (struct sp_gate){0};
}

/* Gives every row that may not be halted the largest key, above any float's. Returns how many may be halted. */
static size_t protect(struct sp_gate *gate, const struct sp_gate_job *j) {
  size_t prefix = (size_t)j->settings->prefix, suffix = (size_t)j->settings->suffix, free_rows = 0;
  for (size_t i = 0; i < j->n; i++) {
    bool fixed = j->eligible && j->position[i] < j->n_eligible && !j->eligible[j->position[i]];
    if (fixed || i < prefix || j->n - i <= suffix)
      gate->key[i] = UINT32_MAX;
    else
      free_rows++;
  }
  return free_rows;
}

static size_t count_from(const uint32_t *key, size_t n, uint32_t least) {
  size_t count = 0;
  for (size_t i = 0; i < n; i++) count += key[i] >= least;
  return count;
}

/* K. Ratio and threshold both keep a head of the same order, so together they keep the longer one. */
static size_t how_many(const struct sp_gate *gate, const struct sp_gate_job *j, size_t free_rows) {
  const struct sp_settings *s = j->settings;
  double wanted = floor(s->ratio * (double)j->n);
  size_t halted = wanted < (double)free_rows ? (size_t)wanted : free_rows, by_ratio = j->n - halted;
  if (s->tau < 0) return by_ratio;
  float tau = sp_policies[s->policy].threshold((float)s->tau);
  uint32_t key;
  j->kernels->order_keys(&key, &tau, 1);
  size_t by_tau = count_from(gate->key, j->n, key);
  return s->tau_only || by_tau > by_ratio ? by_tau : by_ratio;
}

/* Score of the lowest key that was kept and not protected; of none, the lowest score there is. */
static float last_score(const struct sp_gate *gate, const struct sp_gate_job *j, uint32_t kth) {
  for (size_t i = j->n; i-- > 0;)
    if (gate->key[i] == kth) return j->score[i];
  return 0;
}

void sp_gate_select(struct sp_gate *gate, struct sp_gate_job *j) {
  j->kernels->order_keys(gate->key, j->score, j->n);
  size_t k = how_many(gate, j, protect(gate, j));
  uint32_t kth = j->kernels->radix_kth(gate->key, j->n, k);
  size_t above = kth == UINT32_MAX ? 0 : count_from(gate->key, j->n, kth + 1);
  j->kernels->keep_mask(gate->mask, gate->key, j->n, kth, k - above);
  j->n_kept = j->kernels->compress(j->kept, gate->mask, j->n);
  j->last = last_score(gate, j, kth);
}
