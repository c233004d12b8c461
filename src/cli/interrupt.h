/*
 * interrupt.h - Ctrl-C: the first one asks the work to end, the second one ends the process.
 *
 * In:       SIGINT, SIGTERM.  Out: the number of the signal that came, for loops, hooks and the exit code.
 * Not here: what a command does about it.
 */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#include "stillpoint.h"

/* Called when a model is opened. Before that, and in commands without one, a signal ends the process as it always does. */
void cli_interrupt_install(void);
int cli_interrupted(void); /* signal number, or 0 */
/* Names a session that a signal cancels, at most CLI_WATCHED at a time, until it is forgotten: before it is closed. */
enum { CLI_WATCHED = 4 };
void cli_interrupt_watch(still_session *session);
void cli_interrupt_forget(still_session *session);

#endif
