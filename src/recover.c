/*
 * recover.c - moves a timeline to the CPU and brings it to where it was.
 *
 * In:       tokens.  Out: rows on the CPU.
 * Not here: prefill and decode themselves.
 */
#include "recover.h"

static void move(struct sp_timeline *t) {
  sp_log(t->ctx, STILL_LOG_WARN, "%s; the session goes on on the CPU", t->ctx->error.text);
  sp_error_clear(&t->ctx->error);
  if (t->lane) t->backend->end(t->lane);
  t->lane = NULL;
  t->backend = &sp_backend_cpu;
  t->finished = t->above = 0;
}

/* Rows of the prompt by the prefill path, those after it by the decode path, as they came. */
static still_status replay(struct sp_timeline *t) {
  size_t n = t->n, decoded = t->decoded;
  bool ready = t->ready;
  if (n == 0) return STILL_OK;
  SP_TRY(sp_timeline_lane(t, &t->lane));
  t->n = n - decoded;
  still_status status = ready ? sp_prefill(t, NULL) : sp_append(t);
  for (size_t i = n - decoded; i < n && status == STILL_OK; i++) status = sp_decode(t, t->tokens[i]);
  return status;
}

still_status sp_recover(struct sp_timeline *t, bool whole, still_status (*fn)(void *arg), void *arg) {
  still_status status = fn(arg);
  if (status != STILL_EDEVICE || t->backend == &sp_backend_cpu) return status;
  move(t);
  if (whole) SP_TRY(replay(t));
  return fn(arg);
}
