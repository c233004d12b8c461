/*
 * sample.c - the sampler chain.
 *
 * In:       logits.  Out: a token.
 * Not here: sessions (session.c hands in logits and tokens).
 */
#include "sample.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

still_status still_sampler_open(const still_settings *settings, still_sampler **sampler, still_error *error) {
  if (!sampler) return STILL_EARG;
  *sampler = calloc(1, sizeof **sampler);
  if (!*sampler) {
    if (error) error->status = STILL_ENOMEM, strcpy(error->text, "no memory for a sampler");
    return STILL_ENOMEM;
  }
  still_settings resolved;
  sp_settings_resolve(settings, &resolved);
  sp_ctx_init(&(*sampler)->ctx, NULL);
  (*sampler)->settings = resolved.value;
  (*sampler)->state = (uint64_t)resolved.value.seed;
  return STILL_OK;
}

void still_sampler_close(still_sampler *s) {
  if (!s) return;
  sp_free(&s->ctx, s->candidates, s->cap, sizeof *s->candidates);
  sp_free(&s->ctx, s->scratch, s->cap, sizeof *s->scratch);
  free(s);
}

static still_status reserve(still_sampler *s, size_t n) {
  if (n <= s->cap) return STILL_OK;
  sp_free(&s->ctx, s->candidates, s->cap, sizeof *s->candidates);
  sp_free(&s->ctx, s->scratch, s->cap, sizeof *s->scratch);
  s->candidates = sp_alloc(&s->ctx, n, sizeof *s->candidates, "the sampler");
  s->scratch = sp_alloc(&s->ctx, n, sizeof *s->scratch, "the sampler");
  s->cap = n;
  if (s->candidates && s->scratch) return STILL_OK;
  sp_free(&s->ctx, s->candidates, n, sizeof *s->candidates);
  sp_free(&s->ctx, s->scratch, n, sizeof *s->scratch);
  s->candidates = NULL, s->scratch = NULL, s->cap = 0;
  return STILL_ENOMEM;
}

/* Uniform in [0, 1) with 53 bits. */
static double draw(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static size_t best(const float *logits, size_t n) {
  size_t found = 0;
  for (size_t i = 1; i < n; i++)
    if (logits[i] > logits[found]) found = i;
  return found;
}

/* log of the sum of e^(logit - top). */
static double log_sum(const struct sp_kernels *kernels, const float *logits, size_t n, float top, float *scratch) {
  double sum = 0;
  for (size_t i = 0; i < n; i++) scratch[i] = (logits[i] - top) * 0x1.715476p+0f;
  kernels->exp2(scratch, scratch, n);
  for (size_t i = 0; i < n; i++) sum += scratch[i];
  return log(sum);
}

/* Tokens seen among the last `repeat-last` lose: positive logits are divided by the penalty, negative ones multiplied. */
static void penalise(const still_sampler *s, struct sp_candidate *c, size_t n, const still_token *before, size_t n_before) {
  size_t last = (size_t)s->settings.repeat_last, from = n_before > last ? n_before - last : 0;
  float penalty = (float)s->settings.repeat_penalty;
  for (size_t i = from; penalty != 1 && i < n_before; i++) {
    size_t id = (size_t)before[i];
    if (id >= n || c[id].p != 0) continue; /* p marks those that were penalised already */
    c[id].logit = c[id].logit > 0 ? c[id].logit / penalty : c[id].logit * penalty;
    c[id].p = 1;
  }
}

static int by_logit(const void *a, const void *b) {
  const struct sp_candidate *x = a, *y = b;
  if (x->logit != y->logit) return x->logit < y->logit ? 1 : -1;
  return x->id < y->id ? -1 : x->id > y->id;
}

static void sift_down(struct sp_candidate *c, size_t n, size_t at) {
  for (size_t child; (child = 2 * at + 1) < n; at = child) {
    if (child + 1 < n && by_logit(&c[child + 1], &c[child]) > 0) child++;
    if (by_logit(&c[child], &c[at]) <= 0) return;
    struct sp_candidate swap = c[at];
    c[at] = c[child], c[child] = swap;
  }
}

/* Moves the k best to the front, unordered: a heap of k whose root is the worst of them. */
static void select_best(struct sp_candidate *c, size_t n, size_t k) {
  if (k == n) return;
  for (size_t i = k / 2 + 1; i-- > 0;) sift_down(c, k, i);
  for (size_t i = k; i < n; i++) {
    if (by_logit(&c[i], &c[0]) >= 0) continue;
    c[0] = c[i];
    sift_down(c, k, 0);
  }
}

/* Candidates in falling order with softmax p at the temperature; top-k, top-p and min-p cut the end off. Returns how many stay.
 */
static size_t cut(const still_sampler *s, const struct sp_kernels *kernels, struct sp_candidate *c, size_t n, float *scratch) {
  size_t k = s->settings.top_k && (size_t)s->settings.top_k < n ? (size_t)s->settings.top_k : n, kept = 0;
  select_best(c, n, k);
  qsort(c, k, sizeof *c, by_logit);
  for (size_t i = 0; i < k; i++) scratch[i] = (c[i].logit - c[0].logit) * 0x1.715476p+0f;
  kernels->exp2(scratch, scratch, k);
  double sum = 0, seen = 0;
  for (size_t i = 0; i < k; i++) sum += scratch[i];
  for (; kept < k; kept++) {
    bool enough = seen >= s->settings.top_p * sum, faint = scratch[kept] < s->settings.min_p * scratch[0];
    if (kept > 0 && ((s->settings.top_p < 1 && enough) || faint)) break;
    seen += scratch[kept];
  }
  for (size_t i = 0; i < kept; i++)
    scratch[i] = (c[i].logit - c[0].logit) * (float)(1.4426950408889634 / s->settings.temperature);
  kernels->exp2(scratch, scratch, kept);
  return kept;
}

still_status sp_sample(still_sampler *s, const struct sp_kernels *kernels, const float *logits, size_t n_vocab,
                       const still_token *before, size_t n_before, still_token *token, float *log_probability) {
  SP_TRY(reserve(s, n_vocab));
  struct sp_candidate *c = s->candidates;
  for (size_t i = 0; i < n_vocab; i++) c[i] = (struct sp_candidate){.logit = logits[i], .id = (still_token)i};
  penalise(s, c, n_vocab, before, n_before);
  size_t chosen = 0;
  if (s->settings.temperature == 0) {
    for (size_t i = 1; i < n_vocab; i++)
      if (c[i].logit > c[chosen].logit) chosen = i;
  } else {
    size_t kept = cut(s, kernels, c, n_vocab, s->scratch);
    double sum = 0, at;
    for (size_t i = 0; i < kept; i++) sum += s->scratch[i];
    at = draw(&s->state) * sum;
    while (chosen + 1 < kept && (at -= s->scratch[chosen]) >= 0) chosen++;
  }
  *token = c[chosen].id;
  if (log_probability) {
    float top = logits[best(logits, n_vocab)];
    *log_probability = (float)(logits[*token] - top - log_sum(kernels, logits, n_vocab, top, s->scratch));
  }
  return STILL_OK;
}
