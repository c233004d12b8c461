/*
 * stage.h - takes the rows of one stage through its layers, chunk by chunk.
 *
 * In:       a timeline whose stages are laid out.  Out: rows at the gate or at the top, KV caches, what a gate will look at.
 * Not here: what happens between two stages (prefill.c), arithmetic (behind backend.h).
 */
#ifndef SP_STAGE_H
#define SP_STAGE_H

#include "timeline.h"

/* Called with the logits of position `position` (those that predict the next token); non-zero cancels. */
struct sp_observer {
  still_position_fn fn;
  void *user;
  size_t first;
};

/* What is wanted of the rows that pass. */
struct sp_aim {
  const struct sp_observer *observer; /* or NULL */
  bool question; /* scores and logits; else the rows shall only wait for one */
};

/* All rows of stage i from row `first` on, from half `from` on: stage[i].from, or where rows wait below the gate. */
still_status sp_stage_run(struct sp_timeline *t, size_t i, unsigned from, size_t first, const struct sp_aim *aim);
/* What the layers of stage i record for the gate at its end. The first gate's sums are recorded under every policy, so that rows
 * once parked can be asked about under another. */
struct sp_watch sp_stage_watch(const struct sp_timeline *t, size_t i);

#endif
