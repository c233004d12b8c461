/*
 * log.h - the context that every part works in: the caller's hooks, the error sentence, the cancel flag, byte counts.
 *
 * In:       still_hooks of the caller.  Out: one log line, one progress call, one yes or no to "go on?".
 * Not here: memory (arena.h), formatting of progress bars (the command).
 *
 * A model owns one context and each session another. A context is used by one thread at a time, except `cancel`.
 */
#ifndef SP_LOG_H
#define SP_LOG_H

#include <stdatomic.h>
#include "status.h"

/* What the time of a call went into. */
enum sp_time {
  SP_TIME_LINEAR,    /* integer GEMM with its epilogue, SwiGLU and residuals included */
  SP_TIME_ATTENTION,
  SP_TIME_PREPARE,   /* rows for both: norm, rotation, quantisation, RoPE, KV cache, packing */
  SP_TIME_GATE,      /* scores, selection, parking, gathering */
  SP_TIME_TOKENS,    /* embedding, final norm and output matrix */
  SP_TIME_PANELS,
  SP_TIME_MEMORY,    /* caches that grow, and everything before the first row and behind the last: threads come and go */
  SP_TIMES
};

struct sp_ctx {
  still_hooks hooks;
  struct sp_error error;
  atomic_int cancel;          /* set from any thread or a signal handler */
  atomic_size_t bytes, peak;  /* allocated through arena.h */
  double phase_start;         /* of sp_phase_begin */
  unsigned layer;             /* where rows are, for progress */
  double seconds[STILL_PHASES]; /* spent in each phase since the call began */
  double spent[SP_TIMES], lap;  /* the same time by kind of work; end of the last lap */
};

void sp_ctx_init(struct sp_ctx *ctx, const still_hooks *hooks); /* hooks may be NULL */
void sp_log(struct sp_ctx *ctx, still_log_level level, const char *format, ...) SP_PRINTF(3, 4);
double sp_seconds(void); /* monotonic clock */
void sp_times_begin(struct sp_ctx *ctx); /* a call begins */
void sp_lap(struct sp_ctx *ctx, enum sp_time kind); /* this is what was done since the last lap. Calling thread only. */
void sp_phase_begin(struct sp_ctx *ctx);
/* Reports progress and asks whether to go on: STILL_OK, or STILL_ECANCELLED with its sentence. Calling thread only. */
still_status sp_progress(struct sp_ctx *ctx, still_phase phase, uint64_t done, uint64_t total, double live);

#endif
