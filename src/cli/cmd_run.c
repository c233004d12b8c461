/*
 * cmd_run.c - `stillpoint run`: prompt in, answer out, report on stderr.
 *
 * In:       options.  Out: the answer on stdout as it comes (or one JSON object), the report on stderr.
 * Not here: prompts (input.c), the making of an answer (answer.c).
 */
#include <stdlib.h>

#include "answer.h"
#include "input.h"
#include "report.h"

struct run {
  struct cli_engine engine;
  struct cli_tokens prompt;
  struct speaker speaker;
  struct answer answer;
  still_report report;
};

/* To stderr, so that stdout holds the answer alone. */
static void print_report(const struct run *run) {
  fputc('\n', stderr);
  report_prefill(stderr, run->engine.load_seconds, &run->report);
  answer_print(stderr, "answer", &run->answer);
  report_memory(stderr, &run->report);
}

static void print_json(const struct run *run) {
  const struct cli_engine *e = &run->engine;
  still_plan plan = {.size = sizeof plan};
  struct json j;
  json_begin(&j, stdout, "stillpoint.run/1");
  json_text(&j, "version", still_version());
  report_json_model(&j, e->model);
  report_json_session(&j, e);
  json_count(&j, "prompt_tokens", run->prompt.count);
  answer_json(&j, e->cli, &run->answer);
  json_real(&j, "load_seconds", e->load_seconds);
  report_json_prefill(&j, "prefill", &run->report);
  answer_json_decode(&j, &run->answer);
  if (still_model_plan(e->model, e->cli->settings, run->prompt.count, &plan) == STILL_OK) report_json_plan(&j, &plan);
  report_json_memory(&j, &run->report);
  json_end(&j);
}

/* Everything that can fail before the first token is computed, in the order in which a user would want to hear of it. */
static int prepare(struct run *run, struct cli *cli) {
  struct cli_engine *e = &run->engine;
  int code = cli_engine_open(e, cli, cli->settings);
  if (code == CLI_OK) code = cli_prompt(e, !cli->given.raw, false, &run->prompt);
  if (code == CLI_OK) code = cli_engine_session(e, cli->settings);
  return code;
}

int cmd_run(struct cli *cli) {
  struct run run = {.report = {.size = sizeof run.report}, .answer = {.stops = &cli->given.stops}};
  struct cli_engine *e = &run.engine;
  int code = speaker_open(&run.speaker, e, cli);
  if (code == CLI_OK) code = prepare(&run, cli);
  run.answer.streams = !cli->given.json && !cli->given.logprobs;
  still_status status = STILL_OK;
  if (code == CLI_OK) status = still_prefill(e->session, run.prompt.id, run.prompt.count, &run.report);
  if (code == CLI_OK && status != STILL_OK) code = cli_session_failed(e, status);
  cli_progress_clear(&e->progress);
  if (code == CLI_OK) {
    code = speaker_answer(&run.speaker, &run.answer);
    if (run.answer.finish && cli->given.json) print_json(&run);
    if (run.answer.finish && !cli->given.json && !cli->given.quiet) print_report(&run);
  }
  speaker_close(&run.speaker);
  cli_engine_close(e);
  free(run.prompt.id);
  answer_free(&run.answer);
  return code;
}
