/*
 * gate.h - which rows go on: scores, protected rows, ratio and threshold -> the kept rows of a list, ascending.
 *
 * In:       scores of a list of n rows and the settings.  Out: indices into the list.
 * Not here: how scores come about (policy.c), what happens to the rows (park.c). Runs on the host for every backend.
 *
 * numerics, section 5: halted = min(floor(rho n), rows that may be halted), K = n - halted; with a threshold, rows that reach it
 * stay as well; the K-th largest key by radix selection; among equal keys the lowest indices stay.
 */
#ifndef SP_GATE_H
#define SP_GATE_H

#include "arena.h"
#include "policy.h"

struct sp_gate {
  size_t cap;
  uint32_t *key;  /* [cap] ordered bits of the scores; the largest for rows that may not be halted */
  uint64_t *mask; /* [(cap + 63) / 64] */
};

struct sp_gate_job {
  const struct sp_kernels *kernels;
  const struct sp_settings *settings;
  const float *score;        /* [n] */
  const uint32_t *position;  /* [n] */
  const uint8_t *eligible;   /* by original position, or NULL: all */
  size_t n_eligible;         /* length of eligible; rows past it are eligible */
  size_t n;
  uint32_t *kept;            /* out: at most n */
  size_t n_kept;             /* out */
  float last;                /* out: score of the last row that the selection kept */
};

still_status sp_gate_reserve(struct sp_ctx *ctx, struct sp_gate *gate, size_t n);
void sp_gate_free(struct sp_ctx *ctx, struct sp_gate *gate);
void sp_gate_select(struct sp_gate *gate, struct sp_gate_job *job);

#endif
