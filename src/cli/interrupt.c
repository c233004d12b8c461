/*
 * interrupt.c - signal handlers. The only mutable globals of the command: a handler is given nothing else.
 *
 * In:       signals.  Out: a flag, and still_session_cancel on the session that works.
 * Not here: exit codes (main.c).
 */
#include "interrupt.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

static volatile sig_atomic_t came;
static _Atomic(still_session *) watched[CLI_WATCHED]; /* lock-free pointers, so the handler may read them */

static void on_signal(int number) {
  came = number;
  for (int i = 0; i < CLI_WATCHED; i++) {
    still_session *session = atomic_load(&watched[i]);
    if (session) still_session_cancel(session);
  }
}

/* SA_RESETHAND: a second signal of the kind does what it does by default. No SA_RESTART: a read from a terminal ends, too. */
void cli_interrupt_install(void) {
  static const int numbers[] = {SIGINT, SIGTERM};
  if (came) return;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN) continue; /* nohup, background jobs */
    sigaction(numbers[i], &action, NULL);
  }
}

int cli_interrupted(void) { return came; }

static void replace(still_session *before, still_session *after) {
  for (int i = 0; i < CLI_WATCHED; i++) {
    still_session *expected = before;
    if (atomic_compare_exchange_strong(&watched[i], &expected, after)) return;
  }
}

void cli_interrupt_watch(still_session *session) {
  replace(NULL, session);
  if (came) still_session_cancel(session); /* it came before there was a session to cancel */
}

void cli_interrupt_forget(still_session *session) { replace(session, NULL); }
