/*
 * plan.h - the memory that a session will take, from numbers alone, before anything is allocated.
 *
 * In:       config, settings, tokens.  Out: struct still_plan.
 * Not here: allocation. Each figure comes from the function that sizes the allocation itself.
 */
#ifndef SP_PLAN_H
#define SP_PLAN_H

#include "park.h"
#include "timeline.h"

struct sp_plan_job {
  const struct sp_config *config;
  const struct sp_settings *settings;
  bool float_path, parked; /* parked: of the timeline */
  size_t threads;
  int copies; /* of each panel */
  uint64_t mapped, weights; /* of the model that is open */
};

/* Sets every member of *plan but size and device. */
void sp_plan(const struct sp_plan_job *job, uint64_t n_tokens, still_plan *plan);

/* The stages of a prefill of n tokens, with the rows that each sees if every gate halts as its ratio says; their number. */
size_t sp_plan_stages(const struct sp_config *config, const struct sp_settings *settings, bool parked, uint64_t n,
                      struct sp_stage stage[SP_MOST_STAGES]);

/* Bytes of the arrays of a timeline of `cap` tokens, gate included. */
uint64_t sp_plan_timeline(const struct sp_config *config, size_t cap);

#endif
