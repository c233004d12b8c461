/*
 * progress.h - what stderr shows while the library works: a bar on a terminal, plain lines elsewhere, or nothing.
 *
 * In:       the library's progress hook.  Out: one line that is redrawn, or one line now and then.
 * Not here: the report after the work (report.h).
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "cli.h"

enum cli_progress_mode { CLI_SILENT, CLI_BAR, CLI_LINES };

struct cli_progress {
  enum cli_progress_mode mode;
  bool colour;
  bool drawn;         /* a bar stands on the last line of the terminal */
  still_phase phase;  /* of the last call */
  bool ended;         /* that call was the last of its phase */
  double next;        /* nothing is shown before this time (cli_seconds) */
  bool steps;         /* the command counts its own work: the library's phases are not shown */
};

struct cli_step { /* of a command's own work */
  const char *name;   /* at most 12 characters */
  uint64_t done, total;
  double left;        /* seconds, as far as they can be told; 0: they cannot */
};

/* --progress auto: a bar if stderr is a terminal that can redraw a line (TERM is set and not "dumb"). always: a bar there, lines
 * elsewhere. --quiet and never: nothing. NO_COLOR takes the colour away. */
void cli_progress_init(struct cli_progress *progress, const struct cli *cli);
/* For still_hooks: `user` is a struct cli_progress. Also says whether a signal asked to end. */
int cli_progress_hook(void *user, const still_progress *state);
/* Shows how far the command itself has come, and from then on only that. */
void cli_progress_step(struct cli_progress *progress, const struct cli_step *step);
void cli_progress_clear(struct cli_progress *progress); /* takes the bar away before other output */

#endif
