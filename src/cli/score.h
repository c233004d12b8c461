/*
 * score.h - what a distribution of the next token is worth: loss, KL divergence, first choice; and means with their error.
 *
 * In:       logits, the token that came.  Out: nats.
 * Not here: where logits come from.
 */
#ifndef CLI_SCORE_H
#define CLI_SCORE_H

#include <stddef.h>
#include <stdint.h>

struct mean { /* of values in the order in which they come */
  uint64_t n;
  double sum, squares;
};

void mean_add(struct mean *m, double value);
void mean_join(struct mean *m, const struct mean *other);
double mean_value(const struct mean *m);
double mean_error(const struct mean *m); /* standard error; 0 for fewer than two values */

/* All in double from fp32 logits; n > 0, logits finite. */
double score_log_sum(const float *logits, size_t n); /* ln(sum of exp) */
double score_loss(const float *logits, size_t n, size_t token); /* -ln p(token) */
double score_kl(const float *p, const float *q, size_t n); /* sum of P ln(P / Q) over softmax(p), softmax(q) */
size_t score_best(const float *logits, size_t n); /* the lowest index of the largest */

#endif
