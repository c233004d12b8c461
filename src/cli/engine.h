/*
 * engine.h - a model and a session on it, opened as the command line says, with progress, warnings and Ctrl-C in place.
 *
 * In:       struct cli.  Out: open handles, or the exit code after a sentence on stderr.
 * Not here: prompts (input.h), what is done with the session.
 */
#ifndef CLI_ENGINE_H
#define CLI_ENGINE_H

#include "progress.h"

struct cli_engine { /* must not move while it is open: the hooks point into it */
  const struct cli *cli;
  struct cli_progress progress;
  still_hooks hooks;
  still_model *model;
  bool borrowed;       /* the model belongs to another engine */
  still_session *session;
  double load_seconds;
  void (*watch)(void *watcher, const still_progress *state); /* sees progress as well, or NULL */
  void *watcher;
};

/* Opens the model; `settings` may differ from those of the command line. On failure nothing is open. */
int cli_engine_open(struct cli_engine *engine, const struct cli *cli, const still_settings *settings);
/* Opens the session, which a signal then cancels. */
int cli_engine_session(struct cli_engine *engine, const still_settings *settings);
/* A second session on the model of `owner`, which must be closed later than this one. */
int cli_engine_share(struct cli_engine *engine, const struct cli_engine *owner, const still_settings *settings);
void cli_engine_close(struct cli_engine *engine);

/* Says why a call on the model or the session failed, and gives the exit code. */
int cli_model_failed(struct cli_engine *engine, still_status status);
int cli_session_failed(struct cli_engine *engine, still_status status);

/* The settings in force with those given, into *in_force, which is to be freed; *dense: they halt nothing. An exit code. */
int cli_engine_settings(struct cli_engine *engine, const still_settings *settings, still_settings **in_force, bool *dense);

/* A copy with one key changed; NULL when out of memory or the value is refused. */
still_settings *cli_settings_with(const still_settings *settings, const char *key, const char *value);

#endif
