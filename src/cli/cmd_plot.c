/*
 * cmd_plot.c - `stillpoint plot`: a picture of one prefill.
 *
 * In:       a trace, or a model and a prompt.  Out: SVG or PNG.
 * Not here: what is in the picture (trace_plot.c).
 */
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "output.h"
#include "trace.h"

static const char *const kind_names[] = {[DRAW_SVG] = "svg", [DRAW_PNG] = "png"};

/* By --format, else by the name of the file, else SVG. */
static enum draw_kind kind_of(const struct cli *cli) {
  const char *format = cli->given.format;
  if (format && strcmp(format, "auto") != 0) return strcmp(format, "png") == 0 ? DRAW_PNG : DRAW_SVG;
  return cli->given.out ? draw_kind_of(cli->given.out) : DRAW_SVG;
}

static int check_options(const struct cli *cli, enum draw_kind kind) {
  const char *out = cli->given.out;
  if (cli->given.json && !out) return cli_usage(cli, "--json takes standard output; name a file for the picture with --out");
  if (kind == DRAW_PNG && !out && isatty(STDOUT_FILENO))
    return cli_usage(cli, "a PNG is nothing for a terminal; name a file with --out");
  return output_picture(cli, kind);
}

static void print_json(const struct cli *cli, const struct trace *t, enum draw_kind kind) {
  struct json j;
  json_begin(&j, stdout, "stillpoint.plot/1");
  json_text(&j, "out", cli->given.out);
  json_text(&j, "format", kind_names[kind]);
  json_count(&j, "tokens", t->n_tokens);
  json_count(&j, "kept", trace_kept(t));
  json_count(&j, "layers", t->n_layers);
  json_array(&j, "gates");
  for (size_t g = 0; g < t->n_gates; g++) {
    json_object(&j, NULL);
    json_count(&j, "layer", t->gate[g].layer);
    json_count(&j, "rows", t->gate[g].rows);
    json_count(&j, "kept", t->gate[g].kept);
    json_float(&j, "tau", t->gate[g].tau);
    json_object_end(&j);
  }
  json_array_end(&j);
  json_end(&j);
}

/* To the file of --out, or to standard output. */
static int draw(struct cli *cli, const struct trace *t, enum draw_kind kind, struct cli_output *out) {
  if (!out->file) {
    still_status status = trace_plot(t, kind, stdout);
    return status == STILL_ENOMEM ? cli_no_memory(cli) : CLI_OK; /* errors of the stream: cli_finish_output */
  }
  int code = output_begin(cli, out);
  return code == CLI_OK ? output_end(cli, out, trace_plot(t, kind, out->file)) : code;
}

int cmd_plot(struct cli *cli) {
  struct trace t = {0};
  struct cli_output out = {0};
  enum draw_kind kind = kind_of(cli);
  int code = check_options(cli, kind);
  if (code == CLI_OK && cli->given.out) code = output_open(cli, cli->given.out, &out);
  if (code == CLI_OK) code = trace_take(cli, &t);
  if (code == CLI_OK) code = draw(cli, &t, kind, &out);
  if (code == CLI_OK && cli->given.json) print_json(cli, &t, kind);
  output_drop(&out);
  trace_free(&t);
  return code;
}
