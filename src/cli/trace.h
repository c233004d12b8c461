/*
 * trace.h - one prefill as it went: the text with its tokens, what each gate saw, what each layer took.
 *
 * In:       a model and a prompt (trace_run.c), or a file that was written before (trace_read.c).
 * Out:      struct trace, and the forms in which it can be shown.
 * Not here: options (cmd_trace.c, cmd_plot.c).
 */
#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include "draw.h"
#include "engine.h"

enum { TRACE_HEX = 65, TRACE_MOST_GATES = 63 };

struct trace_token {
  still_token id;
  size_t byte, bytes; /* of the text */
  unsigned passed;    /* gates that it went through; all of them: it is kept */
};

struct trace_gate {
  unsigned layer;
  float tau;
  uint64_t rows, kept;
  float *score; /* [n_tokens]; NaN for tokens that did not come */
};

struct trace_layer { /* a layer, or at a gate the part of it below or above, in all chunks together */
  still_phase phase; /* LOWER or UPPER */
  unsigned layer;
  uint64_t rows;
  double seconds;
};

struct trace {
  char version[32], architecture[32], name[128], file_type[16], isa[16], digest[TRACE_HEX], why_dense[96];
  unsigned n_layers, threads;
  still_settings *settings;
  char *text;          /* [bytes], what the tokens spell: any bytes */
  size_t bytes;
  struct trace_token *token;
  struct trace_gate *gate;
  struct trace_layer *layer;
  size_t n_tokens, n_gates, n_layer_rows;
  double seconds[STILL_PHASES], tokens_per_second;
};

/* Each returns an exit code; trace_free is needed either way. */
int trace_run(struct cli_engine *engine, struct trace *trace); /* with its model open; opens the session */
int trace_read(const struct cli *cli, const char *path, struct trace *trace);
/* By the operand from a file, else from a model. */
int trace_take(struct cli *cli, struct trace *trace);
void trace_free(struct trace *trace);
/* Arrays for n_tokens, n_gates, bytes and n_layer_rows, all zero, no score; false when out of memory. */
bool trace_reserve(struct trace *trace);

void trace_write(const struct trace *trace, FILE *out); /* lines of JSON: stillpoint-trace(1) */
void trace_show(const struct trace *trace, FILE *out, bool dim); /* the text for a terminal, or with marks */
void trace_page(const struct trace *trace, FILE *out);  /* HTML */
still_status trace_plot(const struct trace *trace, enum draw_kind kind, FILE *out); /* STILL_OK, STILL_ENOMEM, STILL_EIO */

/* A piece of text that is made of whole characters: one token, or several that share a character. */
struct trace_piece {
  size_t first, last; /* tokens [first, last) */
  const char *text;
  size_t bytes;
  unsigned passed;    /* of the token that got furthest */
};
/* The piece that begins at token piece->last; false at the end. Zero to begin with. */
bool trace_next(const struct trace *trace, struct trace_piece *piece);

const char *trace_model(const struct trace *trace); /* its name, or its architecture */
uint64_t trace_kept(const struct trace *trace);     /* tokens that went through all layers */

#endif
