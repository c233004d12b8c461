/*
 * eval_cost.h - what a prefill costs by counting: multiply-adds of the layers and of the logits.
 *
 * In:       the model's shape, the settings, what a prefill reported.  Out: a number of operations.
 * Not here: time.
 *
 * Dense over halted is the speed-up that halting could give at the most: the gate's own work, norms, RoPE and memory are not in
 * it.
 */
#ifndef CLI_EVAL_COST_H
#define CLI_EVAL_COST_H

#include <stdbool.h>
#include <stdint.h>
#include "stillpoint.h"

struct eval_shape { /* of a prefill */
  uint64_t tokens, kept;
  unsigned start_layer; /* of the first gate; the number of layers if dense */
  unsigned every;       /* layers between gates; 0: one gate */
  double ratio;         /* of each further gate */
  bool block;           /* the feed-forward of the gate's layer sees all rows */
};

double eval_cost(const still_model_info *model, const struct eval_shape *shape);

#endif
