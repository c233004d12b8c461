/*
 * output.c - opening, emptying and closing an output file.
 *
 * In:       struct cli_output.  Out: exit codes.
 * Not here: what is written.
 */
#include "output.h"

#include <errno.h>
#include <string.h>

static int failed(const struct cli *cli, const struct cli_output *out) {
  return cli_fail(cli, STILL_EIO, "%s could not be written: %s", out->path, strerror(errno));
}

int output_open(const struct cli *cli, const char *path, struct cli_output *out) {
  *out = (struct cli_output){.path = path, .file = fopen(path, "ab")};
  return out->file ? CLI_OK : failed(cli, out);
}

int output_begin(const struct cli *cli, struct cli_output *out) {
  out->file = freopen(out->path, "wb", out->file);
  return out->file ? CLI_OK : failed(cli, out);
}

int output_end(const struct cli *cli, struct cli_output *out, still_status status) {
  bool good = fflush(out->file) == 0 && !ferror(out->file) && status != STILL_EIO;
  int code = !good ? failed(cli, out) : status == STILL_ENOMEM ? cli_no_memory(cli) : cli_exit_code(status);
  output_drop(out);
  return code;
}

void output_drop(struct cli_output *out) {
  if (out->file) fclose(out->file);
  out->file = NULL;
}

int output_picture(const struct cli *cli, enum draw_kind kind) {
  if (draw_has(kind)) return CLI_OK;
  return cli_fail(cli, STILL_EUNSUPPORTED, "this stillpoint was built without libpng; name a file that ends in .svg");
}
