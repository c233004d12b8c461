/*
 * peak.h - loops that do nothing but keep a unit of the processor busy.
 *
 * In:       a number of rounds.  Out: time spent.
 * Not here: clocks, threads, what the figures are compared with (roofline.c).
 */
#ifndef PEAK_H
#define PEAK_H

#include <stddef.h>

struct peak {
  const char *level; /* whose instructions it takes (simd/pick.c) */
  const char *name;
  int integers;      /* int8 operations, else fp32 */
  double operations; /* of a round; a multiply-add is two */
  void (*run)(size_t rounds);
};

/* Those that the compiler could build, weakest first. */
const struct peak *peaks(size_t *count);

#endif
