/*
 * input.h - what the user gives: files, standard input, texts, token ids; and the prompt that they make.
 *
 * In:       struct cli, a model.  Out: bytes; token ids.
 * Not here: templates and vocabularies (the library).
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include "engine.h"

struct cli_text { /* free() */
  char *text;     /* NUL-terminated, and may hold NUL bytes before that */
  size_t bytes;
};

struct cli_tokens { /* free() */
  still_token *id;
  size_t count;
};

/* Each returns an exit code; on failure nothing is left to free. */
int cli_read(const struct cli *cli, const char *path, struct cli_text *out); /* "-": standard input */
/* The files of -f and, if it is not NULL, one more, with `between` in the middle; no bytes if there are none. */
int cli_read_files(const struct cli *cli, const char *more, const char *between, struct cli_text *out);
int cli_encode(struct cli_engine *engine, const struct cli_text *text, unsigned flags, struct cli_tokens *out);
/* As a user's message in the chat template, behind --system if it was given. */
int cli_encode_chat(struct cli_engine *engine, const struct cli_text *text, unsigned flags, struct cli_tokens *out);
/* The prompt of the command line: -f files, then -p or the operand, or --tokens; through the chat template if `chat`. */
int cli_prompt(struct cli_engine *engine, bool chat, bool may_be_empty, struct cli_tokens *out);

#endif
