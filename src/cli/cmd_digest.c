/*
 * cmd_digest.c - `stillpoint digest`: checksums that are equal on every machine, for any threads, chunk and instruction set.
 *
 * In:       model, prompt, settings as for `run`.
 * Out:      one SHA-256 each for scores, kept rows, logits of the prefill, greedy tokens; what computed them; one over all four.
 * Not here: the prefill and the gate (the library).
 *
 * The hashed bytes: fp32 and u32 values, little-endian. `all` hashes the 4 x 32 bytes of the digests before it, in order; the
 * instruction set and the calls of kernels are shown and not hashed, because they may differ.
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "report.h"

enum { SCORES, KEPT, LOGITS, GREEDY, PARTS };

struct digest {
  struct cli_engine engine;
  struct cli_tokens prompt;
  still_report report;
  size_t n_vocab;
  uint64_t n_greedy;
  size_t count[PARTS];
  uint8_t sha[PARTS][32];
};

static const char *const part_names[PARTS] = {"scores", "kept", "logits", "greedy"};

/* Hashes n values of 4 bytes as little-endian. */
static bool hash32(const void *values, size_t n, uint8_t sha[32]) {
  uint8_t *bytes = malloc(4 * n + 1);
  if (!bytes) return false;
  for (size_t i = 0; i < n; i++) {
    uint32_t v;
    memcpy(&v, (const uint8_t *)values + 4 * i, 4);
    for (unsigned b = 0; b < 4; b++) bytes[4 * i + b] = (uint8_t)(v >> (8 * b));
  }
  still_sha256(bytes, 4 * n, sha);
  free(bytes);
  return true;
}

/* What the first gate saw: a score and a verdict for each row. Nothing after a dense run, which hashes as nothing. */
static bool hash_gate(struct digest *d) {
  const still_session *session = d->engine.session;
  d->count[SCORES] = still_scores(session, NULL, 0);
  d->count[KEPT] = still_kept(session, NULL, 0);
  float *scores = malloc((d->count[SCORES] + 1) * sizeof *scores);
  uint32_t *kept = malloc((d->count[KEPT] + 1) * sizeof *kept);
  bool good = scores && kept;
  if (good) {
    still_scores(session, scores, d->count[SCORES]);
    still_kept(session, kept, d->count[KEPT]);
    good = hash32(scores, d->count[SCORES], d->sha[SCORES]) && hash32(kept, d->count[KEPT], d->sha[KEPT]);
  }
  free(scores);
  free(kept);
  return good;
}

/* The lowest id of the largest logit. No sampler: its settings must not matter here. */
static still_token best(const float *logits, size_t n) {
  size_t at = 0;
  for (size_t i = 1; i < n; i++)
    if (logits[i] > logits[at]) at = i;
  return (still_token)at;
}

/* Goes on past end-of-generation tokens: always as many as were asked for. */
static int hash_greedy(struct digest *d) {
  still_token *id = malloc((d->n_greedy + 1) * sizeof *id);
  if (!id) return cli_no_memory(d->engine.cli);
  still_status status = STILL_OK;
  for (size_t i = 0; i < d->n_greedy && status == STILL_OK; i++) {
    id[i] = best(still_logits(d->engine.session), d->n_vocab);
    if (i + 1 < d->n_greedy) status = still_decode(d->engine.session, id[i]);
  }
  d->count[GREEDY] = d->n_greedy;
  bool good = status == STILL_OK && hash32(id, d->n_greedy, d->sha[GREEDY]);
  free(id);
  if (status != STILL_OK) return cli_session_failed(&d->engine, status);
  return good ? CLI_OK : cli_no_memory(d->engine.cli);
}

/* Prefill, then the three checksums that it decides, then the greedy tokens, which overwrite its logits. */
static int compute(struct digest *d) {
  struct cli_engine *e = &d->engine;
  still_model_info info = {.size = sizeof info};
  still_status status = still_model_describe(e->model, &info);
  if (status != STILL_OK) return cli_model_failed(e, status);
  d->n_vocab = info.n_vocab;
  status = still_prefill(e->session, d->prompt.id, d->prompt.count, &d->report);
  cli_progress_clear(&e->progress);
  if (status != STILL_OK) return cli_session_failed(e, status);
  const float *logits = still_logits(e->session);
  if (!logits) return cli_fail(e->cli, STILL_ESTATE, "the prefill gave no logits");
  d->count[LOGITS] = d->n_vocab;
  if (!hash_gate(d) || !hash32(logits, d->n_vocab, d->sha[LOGITS])) return cli_no_memory(e->cli);
  return hash_greedy(d);
}

/* Kernels that were never called are left out; --json has them all. */
static void print_lines(const struct digest *d, const char *all) {
  const still_model *model = d->engine.model;
  still_model_info info = {.size = sizeof info};
  char text[REPORT_HEX];
  const char *name;
  uint64_t calls;
  for (int part = 0; part < PARTS; part++) {
    report_hex(d->sha[part], text);
    printf("%-7s %s  %zu values\n", part_names[part], text, d->count[part]);
  }
  if (still_model_describe(model, &info) == STILL_OK) printf("isa     %s\n", info.isa);
  for (size_t i = 0; still_kernel_calls(model, i, &name, &calls) == STILL_OK; i++)
    if (calls) printf("calls   %s %llu\n", name, (unsigned long long)calls);
  printf("all     %s\n", all);
}

static void print_json(const struct digest *d, const char *all) {
  const still_model *model = d->engine.model;
  struct json j;
  char text[REPORT_HEX];
  const char *name;
  uint64_t calls;
  json_begin(&j, stdout, "stillpoint.digest/1");
  json_text(&j, "version", still_version());
  report_json_model(&j, model);
  report_json_session(&j, &d->engine);
  json_count(&j, "prompt_tokens", d->prompt.count);
  report_json_prefill(&j, "prefill", &d->report);
  for (int part = 0; part < PARTS; part++) {
    report_hex(d->sha[part], text);
    json_object(&j, part_names[part]);
    json_count(&j, "values", d->count[part]);
    json_text(&j, "sha256", text);
    json_object_end(&j);
  }
  json_object(&j, "calls");
  for (size_t i = 0; still_kernel_calls(model, i, &name, &calls) == STILL_OK; i++) json_count(&j, name, calls);
  json_object_end(&j);
  json_text(&j, "all", all);
  json_end(&j);
}

int cmd_digest(struct cli *cli) {
  struct digest d = {.report = {.size = sizeof d.report}};
  struct cli_engine *e = &d.engine;
  char all[REPORT_HEX];
  if (!cli_count(cli, "predict", cli->given.predict, 0, 1 << 20, &d.n_greedy)) return CLI_USAGE;
  int code = cli_engine_open(e, cli, cli->settings);
  if (code == CLI_OK) code = cli_prompt(e, !cli->given.raw, false, &d.prompt);
  if (code == CLI_OK) code = cli_engine_session(e, cli->settings);
  if (code == CLI_OK) code = compute(&d);
  if (code == CLI_OK) {
    report_sha256(d.sha, sizeof d.sha, all);
    if (cli->given.json)
      print_json(&d, all);
    else
      print_lines(&d, all);
  }
  cli_engine_close(e);
  free(d.prompt.id);
  return code;
}
