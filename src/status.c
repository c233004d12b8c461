/*
 * status.c - names and sentences of failures.
 *
 * In:       a status, a format.  Out: static names; a sentence in the caller's struct sp_error.
 * Not here: logging.
 */
#include "status.h"

#include <stdio.h>

static const struct {
  still_status status;
  const char *name, *text;
} statuses[] = {
#define ROW(name, number, text) {name, #name, text},
    STILL_STATUS_LIST(ROW)
#undef ROW
};

enum { N_STATUSES = sizeof statuses / sizeof statuses[0] };

const char *still_status_name(still_status status) {
  return (size_t)status < N_STATUSES ? statuses[status].name : "STILL_?";
}

const char *still_status_text(still_status status) {
  return (size_t)status < N_STATUSES ? statuses[status].text : "unknown status";
}

still_status sp_fail(struct sp_error *e, still_status status, const char *format, ...) {
  if (!e) return status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(e->text, sizeof e->text, format, arguments);
  va_end(arguments);
  e->status = status;
  return status;
}

void sp_error_clear(struct sp_error *e) {
  e->status = STILL_OK;
  e->text[0] = '\0';
}
