/*
 * engine.c - opening and closing of model and session.
 *
 * In:       paths and settings.  Out: handles.
 * Not here: the hooks' drawing (progress.c).
 */
#include "engine.h"

#include <string.h>

#include "interrupt.h"

/* Warnings alone: what is information to the library is noise between a prompt and its answer. */
static void on_log(void *user, still_log_level level, const char *line) {
  struct cli_engine *engine = user;
  if (level < STILL_LOG_WARN || engine->cli->given.quiet) return;
  cli_progress_clear(&engine->progress);
  fprintf(stderr, "stillpoint %s: warning: %s\n", engine->cli->command->name, line);
}

static int on_progress(void *user, const still_progress *state) {
  struct cli_engine *engine = user;
  if (engine->watch) engine->watch(engine->watcher, state);
  return cli_progress_hook(&engine->progress, state);
}

/* Some calls, as those without a handle, keep no sentence; the status has one then. */
static int failed(struct cli_engine *engine, still_status status, const char *sentence) {
  cli_progress_clear(&engine->progress);
  return cli_fail(engine->cli, status, "%s", *sentence ? sentence : still_status_text(status));
}

/* Progress and hooks, which point back here. */
static void set_up(struct cli_engine *engine, const struct cli *cli) {
  *engine = (struct cli_engine){.cli = cli};
  cli_progress_init(&engine->progress, cli);
  engine->hooks = (still_hooks){.size = sizeof engine->hooks, .user = engine, .log = on_log, .progress = on_progress};
}

int cli_engine_open(struct cli_engine *engine, const struct cli *cli, const still_settings *settings) {
  set_up(engine, cli);
  cli_interrupt_install();
  if (!cli->given.model) return cli_usage(cli, "no model was named; give its GGUF file with -m FILE");
  still_error error = {.size = sizeof error};
  double start = cli_seconds();
  still_status status = still_model_open(cli->given.model, settings, &engine->hooks, &engine->model, &error);
  engine->load_seconds = cli_seconds() - start;
  cli_progress_clear(&engine->progress);
  return status == STILL_OK ? CLI_OK : failed(engine, status, error.text);
}

int cli_engine_session(struct cli_engine *engine, const still_settings *settings) {
  still_error error = {.size = sizeof error};
  still_status status = still_session_open(engine->model, settings, &engine->hooks, &engine->session, &error);
  if (status != STILL_OK) return failed(engine, status, error.text);
  cli_interrupt_watch(engine->session);
  return CLI_OK;
}

int cli_engine_share(struct cli_engine *engine, const struct cli_engine *owner, const still_settings *settings) {
  set_up(engine, owner->cli);
  engine->model = owner->model;
  engine->borrowed = true;
  return cli_engine_session(engine, settings);
}

void cli_engine_close(struct cli_engine *engine) {
  cli_progress_clear(&engine->progress);
  if (engine->session) cli_interrupt_forget(engine->session);
  if (engine->session) still_session_close(engine->session);
  if (engine->model && !engine->borrowed) still_model_close(engine->model);
  engine->session = NULL;
  engine->model = NULL;
}

int cli_model_failed(struct cli_engine *engine, still_status status) {
  return failed(engine, status, still_model_error(engine->model));
}

int cli_session_failed(struct cli_engine *engine, still_status status) {
  return failed(engine, status, still_session_error(engine->session));
}

int cli_engine_settings(struct cli_engine *engine, const still_settings *settings, still_settings **in_force, bool *dense) {
  char policy[32] = "";
  *in_force = still_settings_new();
  if (!*in_force) return cli_no_memory(engine->cli);
  still_status status = still_model_settings(engine->model, settings, *in_force);
  if (status != STILL_OK) return cli_model_failed(engine, status);
  still_get(*in_force, "policy", policy, sizeof policy);
  *dense = strcmp(policy, "dense") == 0;
  return CLI_OK;
}

still_settings *cli_settings_with(const still_settings *settings, const char *key, const char *value) {
  still_settings *copy = still_settings_copy(settings);
  if (copy && still_set(copy, key, value) == STILL_OK) return copy;
  still_settings_free(copy);
  return NULL;
}
