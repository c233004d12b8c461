/*
 * log.c - the caller's hooks: log line, progress, cancel.
 *
 * In:       struct sp_ctx.  Out: calls of the hooks, on the calling thread only.
 * Not here: memory.
 */
#include "log.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void sp_ctx_init(struct sp_ctx *ctx, const still_hooks *hooks) {
  memset(ctx, 0, sizeof *ctx);
  if (hooks) memcpy(&ctx->hooks, hooks, hooks->size < sizeof *hooks ? hooks->size : sizeof *hooks);
  atomic_init(&ctx->cancel, 0);
  atomic_init(&ctx->bytes, 0);
  atomic_init(&ctx->peak, 0);
}

void sp_log(struct sp_ctx *ctx, still_log_level level, const char *format, ...) {
  if (!ctx->hooks.log) return;
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  ctx->hooks.log(ctx->hooks.user, level, line);
}

double sp_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

void sp_times_begin(struct sp_ctx *ctx) {
  memset(ctx->seconds, 0, sizeof ctx->seconds);
  memset(ctx->spent, 0, sizeof ctx->spent);
  ctx->lap = sp_seconds();
}

void sp_lap(struct sp_ctx *ctx, enum sp_time kind) {
  double now = sp_seconds();
  ctx->spent[kind] += now - ctx->lap;
  ctx->lap = now;
}

void sp_phase_begin(struct sp_ctx *ctx) { ctx->phase_start = sp_seconds(); }

still_status sp_progress(struct sp_ctx *ctx, still_phase phase, uint64_t done, uint64_t total, double live) {
  static const char *const names[STILL_PHASES] = {"loading",  "building panels",  "the lower layers",
                                                  "the gate", "the upper layers", "decoding"};
  int stop = atomic_load_explicit(&ctx->cancel, memory_order_relaxed);
  if (!stop && ctx->hooks.progress) {
    still_progress progress = {.size = sizeof progress, .phase = phase, .done = done, .total = total,
                               .seconds = sp_seconds() - ctx->phase_start, .live = live, .layer = ctx->layer};
    stop = ctx->hooks.progress(ctx->hooks.user, &progress);
  }
  if (!stop) return STILL_OK;
  return sp_fail(&ctx->error, STILL_ECANCELLED, "cancelled during %s, at %llu of %llu", names[phase], (unsigned long long)done,
                 (unsigned long long)total);
}
