/*
 * policy.c - the table of policies.
 *
 * In:       measurements.  Out: scores.
 * Not here: selection.
 */
#include "policy.h"

#include <math.h>
#include <string.h>

static void as_measured(const struct sp_score_job *j) { memcpy(j->score, j->raw, j->n * sizeof *j->score); }

/* Passages survive, not single tokens: the maximum over `pool` neighbours, cut at the ends. */
static void pooled(const struct sp_score_job *j) { j->kernels->pool_max(j->score, j->raw, j->n, (size_t)j->settings->pool / 2); }

static void negated(const struct sp_score_job *j) {
  for (size_t i = 0; i < j->n; i++) j->score[i] = -j->raw[i];
}

static void by_position(const struct sp_score_job *j) {
  for (size_t i = 0; i < j->n; i++) j->score[i] = (float)j->position[i]; /* exact: positions are below 2^24 */
}

/* splitmix64 (Steele, Lea, Flood 2014), its upper 24 bits, which a float holds exactly. */
static void by_lot(const struct sp_score_job *j) {
  for (size_t i = 0; i < j->n; i++) {
    uint64_t z = ((uint64_t)j->settings->gate_seed ^ j->position[i]) + 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    j->score[i] = (float)((z ^ (z >> 31)) >> 40);
  }
}

static float same(float x) { return x; }
static float squared(float x) { return x * x; }
static float minus_squared(float x) { return -(x * x); }
static float root(float x) { return sqrtf(x); }
static float root_of_minus(float x) { return sqrtf(-x); }

const struct sp_policy_row sp_policies[SP_POLICIES] = {
    [SP_POLICY_QUERY] = {"query", .query = true, .score = pooled, .threshold = same, .report = same},
    [SP_POLICY_DELTA] = {"delta", .delta = true, .score = as_measured, .threshold = squared, .report = root},
    [SP_POLICY_BLOCK] = {"block", .block = true, .score = as_measured, .threshold = squared, .report = root},
    [SP_POLICY_RANDOM] = {"random", .score = by_lot, .threshold = same, .report = same},
    [SP_POLICY_INVERSE] = {"inverse", .delta = true, .score = negated, .threshold = minus_squared, .report = root_of_minus},
    [SP_POLICY_RECENT] = {"recent", .score = by_position, .threshold = same, .report = same},
    [SP_POLICY_DENSE] = {"dense", .score = NULL, .threshold = same, .report = same},
};
