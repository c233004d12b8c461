/*
 * eval_work.h - the runs of `stillpoint eval`, one after the other.
 *
 * In:       struct eval, set up.  Out: its items.
 * Not here: options (cmd_eval.c), figures (eval_sum.c).
 */
#ifndef CLI_EVAL_WORK_H
#define CLI_EVAL_WORK_H

#include "eval.h"

/* Whether every text can be made and every place is there, before the first run. Exit codes, after saying why. */
int eval_check(struct eval *eval);
int eval_work(struct eval *eval);

#endif
