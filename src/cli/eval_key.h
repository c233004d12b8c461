/*
 * eval_key.h - by what a result is known again: the SHA-256 of all that it depends on.
 *
 * In:       the model, settings, tokens.  Out: 64 hexadecimal digits.
 * Not here: keeping results (eval_store.c).
 */
#ifndef CLI_EVAL_KEY_H
#define CLI_EVAL_KEY_H

#include "eval.h"
#include "eval_ask.h"

/* Fills eval->model_digest and eval->identity; the model is open. */
void eval_identify(struct eval *eval);
/* False when memory is out. */
bool eval_key(const struct eval *eval, int mode, const char *what, const struct eval_run *run, char key[EVAL_KEY]);

#endif
