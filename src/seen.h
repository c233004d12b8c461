/*
 * seen.h - what a gate saw, kept for whoever asks: the rows that came, their scores, the rows that went on.
 *
 * In:       lists and scores of a gate that was passed.  Out: the same, by original position and in the unit of tau.
 * Not here: the choice (gate.c).
 */
#ifndef SP_SEEN_H
#define SP_SEEN_H

#include "gate.h"

struct sp_seen {
  size_t cap, rows, n_kept;
  unsigned layer;
  float tau;            /* score of the last row that the selection kept */
  uint32_t *row, *kept; /* [cap] original positions, ascending: of those that came, of those that went on */
  float *score;         /* [cap] of those that came */
};

uint64_t sp_seen_bytes(uint64_t rows);
still_status sp_seen_reserve(struct sp_ctx *ctx, struct sp_seen *seen, size_t rows); /* what was there is forgotten */
void sp_seen_free(struct sp_ctx *ctx, struct sp_seen *seen);
/* Takes over the job of a gate at `layer`; room for its rows was reserved. */
void sp_seen_note(struct sp_seen *seen, unsigned layer, const struct sp_gate_job *job);

#endif
