/*
 * duet.h - two models score the same tokens in step, so that their logits can be compared position by position.
 *
 * In:       two engines with sessions, tokens.  Out: one call a position with both rows of logits.
 * Not here: what is computed from them (score.h).
 *
 * still_score is a loop that calls back. Two such loops can only meet in two threads; they take turns, and at any time just one
 * of them computes. Keeping the logits of one instead would take 5 GB for 8192 tokens of a vocabulary of 152,000.
 */
#ifndef CLI_DUET_H
#define CLI_DUET_H

#include "engine.h"

typedef void (*duet_fn)(void *user, size_t position, const float *logits, const float *reference, size_t n_vocab);

/* Positions from `first` on. An exit code, after saying why. */
int duet_score(struct cli_engine *engine, struct cli_engine *reference, const still_token *tokens, size_t n, size_t first,
               duet_fn fn, void *user);

#endif
