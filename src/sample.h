/*
 * sample.h - from logits to a token: repetition penalty, top-k, top-p, min-p, temperature, draw.
 *
 * In:       logits, tokens that came before.  Out: a token and its log-probability in the unmodified distribution.
 * Not here: stop rules.
 *
 * The same seed and logits give the same token on every machine: exponentials by the kernels' exp2, sums in candidate order.
 */
#ifndef SP_SAMPLE_H
#define SP_SAMPLE_H

#include "arena.h"
#include "settings.h"
#include "simd/kernels.h"

struct sp_candidate {
  float logit, p;
  still_token id;
};

struct still_sampler {
  struct sp_ctx ctx;
  struct sp_settings settings;
  uint64_t state; /* splitmix64 */
  struct sp_candidate *candidates; /* [cap] */
  float *scratch;                  /* [cap] */
  size_t cap;
};

still_status sp_sample(still_sampler *s, const struct sp_kernels *kernels, const float *logits, size_t n_vocab,
                       const still_token *before, size_t n_before, still_token *token, float *log_probability);

#endif
