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
void eval_identify_model(struct eval *eval); /* the digest alone */
/* What the results of a setting in force depend on besides tokens. `dense`: it halts nothing, so no setting of the gate does. */
void eval_identity(const char *model_digest, const still_settings *settings, bool dense, char identity[EVAL_IDENTITY]);
/* False when memory is out. */
bool eval_key(const char *identity, const char *what, const struct eval_run *run, char key[EVAL_KEY]);

#endif
