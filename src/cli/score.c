/*
 * score.c - the arithmetic of `stillpoint perplexity`.
 *
 * In:       logits.  Out: numbers in double.
 * Not here: windows, files, models.
 */
#include "score.h"

#include <math.h>

void mean_add(struct mean *m, double value) {
  m->n++;
  m->sum += value;
  m->squares += value * value;
}

void mean_join(struct mean *m, const struct mean *other) {
  m->n += other->n;
  m->sum += other->sum;
  m->squares += other->squares;
}

double mean_value(const struct mean *m) { return m->n ? m->sum / (double)m->n : 0; }

double mean_error(const struct mean *m) {
  if (m->n < 2) return 0;
  double n = (double)m->n, spread = (m->squares - m->sum * m->sum / n) / (n - 1);
  return spread > 0 ? sqrt(spread / n) : 0;
}

size_t score_best(const float *logits, size_t n) {
  size_t at = 0;
  for (size_t i = 1; i < n; i++)
    if (logits[i] > logits[at]) at = i;
  return at;
}

double score_log_sum(const float *logits, size_t n) {
  double top = (double)logits[score_best(logits, n)], sum = 0;
  for (size_t i = 0; i < n; i++) sum += exp((double)logits[i] - top);
  return top + log(sum);
}

double score_loss(const float *logits, size_t n, size_t token) { return score_log_sum(logits, n) - (double)logits[token]; }

double score_kl(const float *p, const float *q, size_t n) {
  double shift_p = score_log_sum(p, n), shift_q = score_log_sum(q, n), sum = 0;
  for (size_t i = 0; i < n; i++) {
    double log_p = (double)p[i] - shift_p;
    sum += exp(log_p) * (log_p - ((double)q[i] - shift_q));
  }
  return sum;
}
