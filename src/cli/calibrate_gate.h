/*
 * calibrate_gate.h - whether a gate would keep the fact that answers a question, without the layers above it.
 *
 * In:       scores of all rows, unpooled; where the fact stands.  Out: for each pool, how many rows a gate must keep.
 * Not here: the run that made the scores (calibrate_work.c).
 *
 * A fact counts as kept when half of its rows are: pooling keeps passages, and the end of a sentence is no loss. So the place
 * of a fact is that of its middle row in the order of scores. Of a chain, the fact that holds the number counts alone: without
 * it there is no answer, and models find it without the names between.
 */
#ifndef CLI_CALIBRATE_GATE_H
#define CLI_CALIBRATE_GATE_H

#include "input.h"

struct gate_rows { /* of the fact: list rows [from, to) */
  size_t from, to;
};

/* Where a fact stands among the prompt's tokens; false when it is not there, or memory is out. */
bool gate_find(const still_model *model, const struct cli_tokens *prompt, const char *fact, struct gate_rows *rows);
/* Its place in the order of a gate that pools `score` by `pool`: with more kept rows than this it is kept. False when memory is
 * out. */
bool gate_place(const float *score, size_t n, size_t pool, size_t prefix, size_t suffix, const struct gate_rows *rows,
                uint64_t *place);

#endif
