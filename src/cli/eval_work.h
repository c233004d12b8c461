/*
 * eval_work.h - the runs of `stillpoint eval`, one after the other.
 *
 * In:       struct eval, set up.  Out: its items.
 * Not here: options (cmd_eval.c), figures (eval_sum.c).
 */
#ifndef CLI_EVAL_WORK_H
#define CLI_EVAL_WORK_H

#include "eval.h"
#include "eval_text.h"

/* Whether every text can be made and every place is there, before the first run. Exit codes, after saying why. */
int eval_check(struct eval *eval);
int eval_work(struct eval *eval);

/* ---- parts of it, also for `calibrate`; exit codes ---------------------------------------------------------------- */

int eval_read_text(const struct cli *cli, const char *path, struct cli_text *text); /* a file without NUL bytes; to be freed */
int eval_read_hay(struct eval *eval);
int eval_read_texts(struct eval *eval); /* of -f, for losses */
uint64_t eval_longest(const struct eval *eval);
/* A template that the library does not read is like none. */
bool eval_has_template(const struct cli_engine *engine);
/* A prompt as the model gets it: through its template, or plain. */
int eval_encode(struct eval *eval, char *content, struct cli_tokens *out);
/* The draft and the text of a set at a length (index); the text-th of them. */
int eval_make_text(struct eval *eval, const struct eval_set *set, size_t length, uint64_t text, struct eval_draft *draft,
                   struct eval_text *out);
size_t eval_places_in(const struct eval *eval, size_t file);
/* Place k of a file: as many tokens as the length says, begun as every text is, and those that follow. Free the prompt. */
int eval_place(struct eval *eval, size_t length, size_t file, size_t k, struct cli_tokens *prompt, struct cli_tokens *next);

#endif
