/*
 * cmd_trace.c - `stillpoint trace`: one prefill, token by token: as lines of JSON, as text with halted tokens dimmed, as a page.
 *
 * In:       a model and a prompt, or a trace that was written before.  Out: the trace, the text, an HTML page.
 * Not here: pictures (cmd_plot.c), the forms themselves (trace_*.c).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "trace.h"

/* Whether standard output is a terminal that can dim, and nobody asked for none of it. */
static bool can_dim(void) {
  const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0 && !(no_color && *no_color);
}

static const char *what_to_show(const struct cli *cli) {
  const struct cli_values *given = &cli->given;
  return given->show ? given->show : given->out ? "none" : "trace";
}

static int write_file(const struct cli *cli, const struct trace *t, struct cli_output *out,
                      void (*form)(const struct trace *, FILE *)) {
  if (!out->file) return CLI_OK;
  int code = output_begin(cli, out);
  if (code != CLI_OK) return code;
  form(t, out->file);
  return output_end(cli, out, STILL_OK);
}

/* What a reader of the text should know of it, on stderr. */
static void say(const struct trace *t) {
  fprintf(stderr, "%-13s %zu, %llu kept (%.1f %%)%s%s\n", "tokens", t->n_tokens, (unsigned long long)trace_kept(t),
          100 * (double)trace_kept(t) / (double)t->n_tokens, *t->why_dense ? ": " : "", t->why_dense);
  for (size_t g = 0; g < t->n_gates; g++)
    fprintf(stderr, "%-13s layer %u, %llu came, %llu kept, tau %.6g\n", "gate", t->gate[g].layer,
            (unsigned long long)t->gate[g].rows, (unsigned long long)t->gate[g].kept, (double)t->gate[g].tau);
}

int cmd_trace(struct cli *cli) {
  struct trace t = {0};
  struct cli_output out = {0}, page = {0};
  const char *show = what_to_show(cli);
  if (cli->given.json && strcmp(show, "text") == 0)
    return cli_usage(cli, "--json and --show text are two things; leave one away");
  int code = cli->given.out ? output_open(cli, cli->given.out, &out) : CLI_OK;
  if (code == CLI_OK && cli->given.html) code = output_open(cli, cli->given.html, &page);
  if (code == CLI_OK) code = trace_take(cli, &t);
  if (code == CLI_OK) code = write_file(cli, &t, &out, trace_write);
  if (code == CLI_OK) code = write_file(cli, &t, &page, trace_page);
  if (code == CLI_OK && strcmp(show, "text") == 0) trace_show(&t, stdout, can_dim());
  if (code == CLI_OK && (strcmp(show, "trace") == 0 || (cli->given.json && !cli->given.out))) trace_write(&t, stdout);
  if (code == CLI_OK && !cli->given.quiet) say(&t);
  output_drop(&out);
  output_drop(&page);
  trace_free(&t);
  return code;
}
