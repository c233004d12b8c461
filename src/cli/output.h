/*
 * output.h - a file that a command writes at the end of its work, and finds out at its beginning whether it can.
 *
 * In:       a path.  Out: a stream; a sentence when it cannot be written.
 * Not here: standard output (cli_finish_output), results that grow (eval_store.c).
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "cli.h"
#include "draw.h"

struct cli_output { /* zero to begin with */
  const char *path;
  FILE *file;
};

/* Each returns an exit code. What was in the file stays until output_begin empties it. */
int output_open(const struct cli *cli, const char *path, struct cli_output *out);
int output_begin(const struct cli *cli, struct cli_output *out);
/* Closes it; a full disk must not pass for success. `status` is how the writing ended. */
int output_end(const struct cli *cli, struct cli_output *out, still_status status);
void output_drop(struct cli_output *out);                      /* closes it, if it is open */

/* CLI_OK if this build can write a picture of that kind. */
int output_picture(const struct cli *cli, enum draw_kind kind);

#endif
