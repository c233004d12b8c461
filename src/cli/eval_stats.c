/*
 * eval_stats.c - the three intervals.
 *
 * In:       counts, means.  Out: struct interval.
 * Not here: tables.
 */
#include "eval_stats.h"

#include <math.h>

static const double Z = 1.959963984540054; /* 97.5 % quantile of the normal distribution */

static const struct interval nothing = {NAN, NAN, NAN};

struct interval stats_proportion(size_t successes, size_t n) {
  if (n == 0) return nothing;
  double count = (double)n, p = (double)successes / count, z2 = Z * Z;
  double middle = (p + z2 / (2 * count)) / (1 + z2 / count);
  double half = Z * sqrt(p * (1 - p) / count + z2 / (4 * count * count)) / (1 + z2 / count);
  return (struct interval){p, successes == 0 ? 0 : middle - half, successes == n ? 1 : middle + half};
}

/* Tango's score of a difference delta: (b - c - n delta) over its deviation, with the probability of c that is most likely under
 * delta, the root of a quadratic. Falls as delta grows. */
static double tango(double b, double c, double n, double delta) {
  double x = 2 * n, y = -b - c + (2 * n - b + c) * delta, w = -c * delta * (1 - delta);
  double q = (sqrt(fmax(0, y * y - 4 * x * w)) - y) / (2 * x), variance = n * (2 * q + delta * (1 - delta));
  double distance = b - c - n * delta;
  if (variance > 0) return distance / sqrt(variance);
  return distance > 0 ? INFINITY : distance < 0 ? -INFINITY : 0;
}

/* Where the score passes `wanted`, between two differences. */
static double bisect(double b, double c, double n, double wanted, double low, double high) {
  for (int i = 0; i < 100; i++) {
    double middle = (low + high) / 2;
    if (tango(b, c, n, middle) > wanted)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

struct interval stats_paired(size_t gained, size_t lost, size_t n) {
  if (n == 0) return nothing;
  double b = (double)gained, c = (double)lost, count = (double)n, d = (b - c) / count;
  return (struct interval){d, d <= -1 ? -1 : bisect(b, c, count, Z, -1, d), d >= 1 ? 1 : bisect(b, c, count, -Z, d, 1)};
}

/* ---- Student's t ----------------------------------------------------------------------------------------------- */

/* Simpson's rule over the density from 0 to t, in u = atan(t / sqrt(f)), where it is a power of the cosine. */
static double upper_half(double t, double freedom) {
  enum { STEPS = 200 };
  double end = atan(t / sqrt(freedom)), h = end / STEPS, sum = 1 + pow(cos(end), freedom - 1);
  for (int i = 1; i < STEPS; i++) sum += (i % 2 ? 4 : 2) * pow(cos(i * h), freedom - 1);
  double scale = exp(lgamma((freedom + 1) / 2) - lgamma(freedom / 2)) / sqrt(acos(-1));
  return scale * sum * h / 3;
}

double stats_t(double freedom) {
  double low = Z, high = 13; /* 12.706 with one degree of freedom */
  for (int i = 0; i < 60; i++) {
    double middle = (low + high) / 2;
    if (upper_half(middle, freedom) < 0.475)
      low = middle;
    else
      high = middle;
  }
  return (low + high) / 2;
}

struct interval stats_mean(const struct mean *m) {
  if (m->n == 0) return nothing;
  double value = mean_value(m), half = m->n > 1 ? stats_t((double)(m->n - 1)) * mean_error(m) : NAN;
  return (struct interval){value, value - half, value + half};
}
