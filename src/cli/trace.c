/*
 * trace.c - the memory of a trace, and how its text is cut into pieces that can be shown.
 *
 * In:       struct trace.  Out: pieces.
 * Not here: where a trace comes from (trace_run.c, trace_read.c).
 */
#include "trace.h"

#include <math.h>
#include <stdlib.h>

bool trace_reserve(struct trace *t) {
  t->text = calloc(t->bytes + 1, 1);
  t->token = calloc(t->n_tokens + 1, sizeof *t->token);
  t->gate = calloc(t->n_gates + 1, sizeof *t->gate);
  t->layer = calloc(t->n_layer_rows + 1, sizeof *t->layer);
  if (!t->text || !t->token || !t->gate || !t->layer) return false;
  for (size_t g = 0; g < t->n_gates; g++) {
    float *score = malloc((t->n_tokens + 1) * sizeof *score);
    if (!score) return false;
    for (size_t i = 0; i < t->n_tokens; i++) score[i] = NAN;
    t->gate[g].score = score;
  }
  return true;
}

void trace_free(struct trace *t) {
  for (size_t g = 0; t->gate && g < t->n_gates; g++) free(t->gate[g].score);
  free(t->gate);
  free(t->text);
  free(t->token);
  free(t->layer);
  still_settings_free(t->settings);
  *t = (struct trace){0};
}

/* A token may end within a character, whose other bytes are those of the next tokens: three of them at the most. */
bool trace_next(const struct trace *t, struct trace_piece *p) {
  enum { MOST = 4 };
  if (p->last >= t->n_tokens) return false;
  *p = (struct trace_piece){.first = p->last, .last = p->last, .text = t->text + t->token[p->last].byte};
  bool within;
  do {
    const struct trace_token *token = &t->token[p->last++];
    p->bytes += token->bytes;
    p->passed = token->passed > p->passed ? token->passed : p->passed;
    within = p->last < t->n_tokens && p->last - p->first < MOST && (p->text[p->bytes] & 0xc0) == 0x80;
  } while (within);
  return true;
}

const char *trace_model(const struct trace *t) { return *t->name ? t->name : t->architecture; }

uint64_t trace_kept(const struct trace *t) { return t->n_gates ? t->gate[t->n_gates - 1].kept : t->n_tokens; }

int trace_take(struct cli *cli, struct trace *t) {
  struct cli_engine engine;
  const char *path = cli->given.operand;
  *t = (struct trace){0};
  if (path && (cli->given.model || cli->given.prompt || cli->given.files.count || cli->given.tokens))
    return cli_usage(cli, "%s is a trace already; leave the model and the prompt away", path);
  if (path) return trace_read(cli, path, t);
  int code = cli_engine_open(&engine, cli, cli->settings);
  if (code == CLI_OK) code = trace_run(&engine, t);
  cli_engine_close(&engine);
  return code;
}
