/*
 * seen.c - copies of what a gate looked at.
 *
 * In:       struct sp_gate_job.  Out: struct sp_seen.
 * Not here: who asks (session.c).
 */
#include "seen.h"

#include <string.h>

enum { ARRAYS = 3, WORD = sizeof(uint32_t) }; /* all of 4 bytes */

uint64_t sp_seen_bytes(uint64_t rows) { return rows * ARRAYS * WORD; }

void sp_seen_free(struct sp_ctx *ctx, struct sp_seen *seen) {
  sp_free(ctx, seen->row, seen->cap, WORD);
  sp_free(ctx, seen->kept, seen->cap, WORD);
  sp_free(ctx, seen->score, seen->cap, WORD);
  *seen = (struct sp_seen){0};
}

still_status sp_seen_reserve(struct sp_ctx *ctx, struct sp_seen *seen, size_t rows) {
  static const char what[] = "what a gate saw";
  if (rows <= seen->cap) return STILL_OK;
  sp_seen_free(ctx, seen);
  seen->cap = rows;
  seen->row = sp_alloc(ctx, rows, WORD, what);
  seen->kept = sp_alloc(ctx, rows, WORD, what);
  seen->score = sp_alloc(ctx, rows, WORD, what);
  if (seen->row && seen->kept && seen->score) return STILL_OK;
  sp_seen_free(ctx, seen);
  return STILL_ENOMEM;
}

void sp_seen_note(struct sp_seen *seen, unsigned layer, const struct sp_gate_job *job) {
  const struct sp_policy_row *policy = &sp_policies[job->settings->policy];
  seen->layer = layer;
  seen->rows = job->n;
  seen->n_kept = job->n_kept;
  seen->tau = policy->report(job->last);
  memcpy(seen->row, job->position, job->n * sizeof *seen->row);
  for (size_t r = 0; r < job->n; r++) seen->score[r] = policy->report(job->score[r]);
  for (size_t k = 0; k < job->n_kept; k++) seen->kept[k] = job->position[job->kept[k]];
}
