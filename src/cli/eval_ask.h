/*
 * eval_ask.h - one run of the model for `stillpoint eval`: an answer, the loss of a continuation, a greedy continuation.
 *
 * In:       an engine with a session, tokens.  Out: a struct eval_record with what came out and what the prefill cost.
 * Not here: which tokens (cmd_eval.c), whether the answer is right (eval_answer.c).
 */
#ifndef CLI_EVAL_ASK_H
#define CLI_EVAL_ASK_H

#include "eval_store.h"
#include "input.h"

struct eval_run {
  struct cli_tokens prompt;
  struct cli_tokens next;  /* that continue the prompt; of a loss */
  uint64_t most;           /* tokens to generate */
  uint32_t n_vocab;
  bool timed;              /* the whole prompt is read, whatever the session holds of it */
};

/* Takes the session to where it has read the prompt and nothing else; the record learns what that cost. */
still_status eval_begin(struct cli_engine *engine, const struct eval_run *run, struct eval_record *record);

/* Each returns an exit code, after saying why. */
int eval_ask(struct cli_engine *engine, const struct eval_run *run, struct eval_record *record);    /* record->answer */
int eval_loss(struct cli_engine *engine, const struct eval_run *run, struct eval_record *record);   /* record->loss */
int eval_greedy(struct cli_engine *engine, const struct eval_run *run, struct eval_record *record); /* record->greedy */

#endif
