/*
 * calibrate_gate.h - what a gate would keep of the facts that a question needs, without the layers above it.
 *
 * In:       scores of all rows, unpooled; where facts stand.  Out: for each pool, how many rows a gate must keep.
 * Not here: the run that made the scores (calibrate_work.c).
 *
 * A fact counts as kept when half of its rows are: pooling keeps passages, and the end of a sentence is no loss. So the place
 * of a fact is that of its middle row in the order of scores, and a question has the last place of its facts.
 */
#ifndef CLI_CALIBRATE_GATE_H
#define CLI_CALIBRATE_GATE_H

#include "input.h"
#include "eval_sets.h"

struct gate_rows { /* of a fact: list rows [from, to) */
  size_t from, to;
};

/* Where the facts of a question stand among the prompt's tokens; returns how many were found. */
size_t gate_find(const still_model *model, const struct cli_tokens *prompt, const struct eval_draft *draft,
                 const struct eval_question *question, struct gate_rows rows[EVAL_HOPS + 1]);
/* The place of the facts in the order of a gate: with more kept rows than this they are kept. `score` is pooled by `pool`. False
 * when memory is out. */
bool gate_place(const float *score, size_t n, size_t pool, size_t prefix, size_t suffix, const struct gate_rows *rows,
                size_t n_rows, uint64_t *place);

#endif
