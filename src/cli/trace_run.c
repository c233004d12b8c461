/*
 * trace_run.c - runs one prefill and keeps what can be seen of it.
 *
 * In:       a model and a prompt, as the command line says.  Out: struct trace.
 * Not here: files, pictures.
 *
 * Panels are built before, by a prefill of one token that is forgotten, so that the times of layers are those of layers. With
 * --panels N a few layers' panels are built again and again, and count where they are needed.
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "report.h"
#include "trace.h"

/* The hook says which layer rows enter; what passes until it speaks again was that layer's. */
struct clock {
  struct trace *trace;
  bool runs; /* the hook spoke before a layer */
  still_phase phase;
  unsigned layer;
  double since;
};

static struct trace_layer *row_of(struct trace *t, still_phase phase, unsigned layer) {
  return &t->layer[(phase == STILL_PHASE_UPPER ? t->n_layers : 0) + layer];
}

static void on_layer(void *user, const still_progress *p) {
  struct clock *c = user;
  double now = cli_seconds();
  bool layers = p->phase == STILL_PHASE_LOWER || p->phase == STILL_PHASE_UPPER;
  if (c->runs && layers && p->phase == c->phase && p->layer == c->layer + 1)
    row_of(c->trace, c->phase, c->layer)->seconds += now - c->since;
  c->runs = layers && p->layer < c->trace->n_layers;
  c->phase = p->phase;
  c->layer = p->layer;
  c->since = now;
}

/* ---- the text ----------------------------------------------------------------------------------------------------- */

/* What the tokens spell, special ones as well. */
static still_status spell(const still_model *model, const struct cli_tokens *prompt, struct trace *t) {
  size_t at = 0;
  for (size_t i = 0; i < prompt->count; i++) {
    const char *piece;
    size_t bytes;
    still_status status = still_token_piece(model, prompt->id[i], 1, &piece, &bytes);
    if (status != STILL_OK) return status;
    if (t->token) {
      memcpy(t->text + at, piece, bytes);
      t->token[i] = (struct trace_token){.id = prompt->id[i], .byte = at, .bytes = bytes};
    }
    at += bytes;
  }
  t->bytes = at;
  return STILL_OK;
}

/* ---- what came of it ---------------------------------------------------------------------------------------------- */

static size_t count_gates(const still_session *session) {
  still_gate gate = {.size = sizeof gate};
  size_t n = 0;
  while (still_gate_describe(session, n, &gate) == STILL_OK) n++;
  return n;
}

static void take_gates(const still_session *session, struct trace *t) {
  still_gate gate = {.size = sizeof gate};
  for (size_t g = 0; g < t->n_gates && still_gate_describe(session, g, &gate) == STILL_OK; g++) {
    struct trace_gate *to = &t->gate[g];
    to->layer = gate.layer;
    to->tau = gate.tau;
    to->rows = gate.n_rows;
    to->kept = gate.n_kept;
    for (uint64_t r = 0; r < gate.n_rows; r++) to->score[gate.rows[r]] = gate.scores[r];
    for (uint64_t k = 0; k < gate.n_kept; k++) t->token[gate.kept[k]].passed = (unsigned)g + 1;
  }
}

/* How many rows each part of a layer had at its end; parts that never ran are left out. */
static void finish_layers(struct trace *t) {
  size_t n = 0, below = 0;
  for (size_t i = 0; i < t->n_layer_rows; i++) {
    struct trace_layer row = t->layer[i];
    bool upper = i >= t->n_layers;
    row.phase = upper ? STILL_PHASE_UPPER : STILL_PHASE_LOWER;
    row.layer = (unsigned)(upper ? i - t->n_layers : i);
    while (upper && below < t->n_gates && t->gate[below].layer <= row.layer) below++;
    row.rows = upper && below ? t->gate[below - 1].kept : t->n_tokens;
    if (row.seconds > 0) t->layer[n++] = row;
  }
  t->n_layer_rows = n;
}

static int describe(struct cli_engine *e, struct trace *t) {
  still_model_info info = {.size = sizeof info};
  uint8_t digest[32];
  t->settings = still_settings_new();
  if (!t->settings) return cli_no_memory(e->cli);
  still_status status = still_model_describe(e->model, &info);
  if (status == STILL_OK) status = still_model_digest(e->model, digest);
  if (status != STILL_OK) return cli_model_failed(e, status);
  status = still_session_settings(e->session, t->settings);
  if (status != STILL_OK) return cli_session_failed(e, status);
  report_hex(digest, t->digest);
  snprintf(t->version, sizeof t->version, "%s", still_version());
  snprintf(t->architecture, sizeof t->architecture, "%s", info.architecture);
  snprintf(t->name, sizeof t->name, "%s", info.name);
  snprintf(t->file_type, sizeof t->file_type, "%s", info.file_type);
  snprintf(t->isa, sizeof t->isa, "%s", info.isa);
  t->n_layers = info.n_layers;
  t->threads = info.threads;
  return CLI_OK;
}

/* Panels, by one token through all layers. */
static still_status warm_up(struct cli_engine *e, const struct cli_tokens *prompt, still_report *report) {
  still_status status = still_prefill(e->session, prompt->id, 1, report);
  return status == STILL_OK ? still_session_reset(e->session) : status;
}

/* Arrays come in two steps: gates are known after the prefill, layers must be there before it. */
static int prefill(struct cli_engine *e, const struct cli_tokens *prompt, struct trace *t) {
  still_report warm = {.size = sizeof warm}, report = {.size = sizeof report};
  struct clock clock = {.trace = t};
  struct trace_layer *layer = calloc(2 * (size_t)t->n_layers, sizeof *layer);
  if (!layer) return cli_no_memory(e->cli);
  t->layer = layer;
  still_status status = warm_up(e, prompt, &warm);
  e->watch = on_layer;
  e->watcher = &clock;
  if (status == STILL_OK) status = still_prefill(e->session, prompt->id, prompt->count, &report);
  e->watch = NULL;
  if (status != STILL_OK) return cli_session_failed(e, status);
  memcpy(t->seconds, report.seconds, sizeof t->seconds);
  t->seconds[STILL_PHASE_LOAD] = e->load_seconds;
  t->seconds[STILL_PHASE_PANELS] += warm.seconds[STILL_PHASE_PANELS];
  t->tokens_per_second = report.tokens_per_second;
  memcpy(t->why_dense, report.why_dense, sizeof t->why_dense);
  t->n_gates = count_gates(e->session);
  t->n_tokens = prompt->count;
  t->n_layer_rows = 2 * (size_t)t->n_layers;
  status = spell(e->model, prompt, t);
  if (status != STILL_OK) return cli_model_failed(e, status);
  bool good = trace_reserve(t);
  if (good) memcpy(t->layer, layer, t->n_layer_rows * sizeof *layer);
  free(layer);
  if (!good) return cli_no_memory(e->cli);
  spell(e->model, prompt, t);
  take_gates(e->session, t);
  finish_layers(t);
  return CLI_OK;
}

int trace_run(struct cli_engine *e, struct trace *t) {
  const struct cli *cli = e->cli;
  struct cli_tokens prompt = {0};
  int code = cli_prompt(e, !cli->given.raw, false, &prompt);
  if (code == CLI_OK) code = cli_engine_session(e, cli->settings);
  if (code == CLI_OK) code = describe(e, t);
  if (code == CLI_OK) code = prefill(e, &prompt, t);
  cli_progress_clear(&e->progress);
  free(prompt.id);
  return code;
}
