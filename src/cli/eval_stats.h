/*
 * eval_stats.h - intervals of 95 %: of a proportion, of the difference of two paired proportions, of a mean.
 *
 * In:       counts, or mean and standard error.  Out: an interval.
 * Not here: counting.
 *
 * Wilson (1927) for a proportion; the score interval of Tango (1998) for paired ones; Student's t for means.
 */
#ifndef CLI_EVAL_STATS_H
#define CLI_EVAL_STATS_H

#include <stddef.h>
#include "score.h"

struct interval {
  double value, low, high; /* NaN where there is none: no observation, or a mean of one */
};

struct interval stats_proportion(size_t successes, size_t n);
/* Of n pairs, `gained` succeed only the second time and `lost` only the first: second minus first. */
struct interval stats_paired(size_t gained, size_t lost, size_t n);
struct interval stats_mean(const struct mean *m);
double stats_t(double freedom); /* the 97.5 % quantile of Student's t */

#endif
