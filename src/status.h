/*
 * status.h - how errors travel: a still_status is returned, one sentence is kept where the caller can ask for it.
 *
 * In:       a place for the sentence and a format.  Out: the status that was passed, so that `return sp_fail(...)` reads well.
 * Not here: logging, ending the process.
 */
#ifndef SP_STATUS_H
#define SP_STATUS_H

#include <stdarg.h>
#include "stillpoint.h"

#if defined __GNUC__
#define SP_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define SP_PRINTF(f, a)
#endif

/* The sentence behind the last failure. Plain data, no ownership. */
struct sp_error {
  still_status status;
  char text[512];
};

/* Keeps status and sentence in e (which may be NULL) and returns status. A sentence already there is replaced; longer ones are
 * cut. */
still_status sp_fail(struct sp_error *e, still_status status, const char *format, ...) SP_PRINTF(3, 4);
void sp_error_clear(struct sp_error *e);

/* Passes a failure on: SP_TRY(call()) returns from the function when call() did not give STILL_OK. For functions with nothing to
 * release. */
#define SP_TRY(call)                        \
  do {                                      \
    still_status sp_try_ = (call);          \
    if (sp_try_ != STILL_OK) return sp_try_; \
  } while (0)

#endif
