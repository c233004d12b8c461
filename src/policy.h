/*
 * policy.h - how rows are scored at a gate: one table of name, what the layers must record, and a function.
 *
 * In:       what a backend measured.  Out: one score a row; low scores are halted.
 * Not here: how many rows stay (gate.c).
 *
 * query:  attention of the last rows, pooled (ours).   delta: ||U|| (DASH, arXiv 2604.18103).   block: ||U + F||, of the paper
 * too. random, inverse (high deltas are halted), recent (early rows are halted): the paper's and our controls.
 */
#ifndef SP_POLICY_H
#define SP_POLICY_H

#include "settings.h"
#include "simd/kernels.h"

struct sp_score_job {
  const struct sp_kernels *kernels;
  const struct sp_settings *settings;
  const float *raw;         /* [n] from the backend; untouched by policies that need nothing */
  const uint32_t *position; /* [n] original positions */
  float *score;             /* [n] */
  size_t n;
};

struct sp_policy_row {
  const char *name;
  bool delta, block, query;                  /* what the layers record */
  void (*score)(const struct sp_score_job *job);
  float (*threshold)(float tau);             /* tau in the unit of score */
  float (*report)(float score);              /* score in the unit of tau */
};

extern const struct sp_policy_row sp_policies[SP_POLICIES]; /* by enum sp_policy; the row of SP_POLICY_DENSE has no score */

#endif
