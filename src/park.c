/*
 * park.c - storage of parked rows.
 *
 * In:       hidden rows.  Out: hidden rows.
 * Not here: which rows.
 */
#include "park.h"

#include <string.h>

still_status sp_park_reserve(struct sp_ctx *ctx, struct sp_park *park, size_t n_embd, size_t rows) {
  if (rows <= park->cap) return STILL_OK;
  float *x = sp_alloc(ctx, rows, n_embd * sizeof *x, "the parked rows");
  if (!x) return STILL_ENOMEM;
  if (park->x) memcpy(x, park->x, park->cap * n_embd * sizeof *x);
  sp_park_free(ctx, park);
  *park = (struct sp_park){.x = x, .n_embd = n_embd, .cap = rows};
  return STILL_OK;
}

void sp_park_free(struct sp_ctx *ctx, struct sp_park *park) {
  sp_free(ctx, park->x, park->cap, park->n_embd * sizeof *park->x);
  *park = (struct sp_park){0};
}

void sp_park_put(struct sp_park *park, const struct sp_work *work, size_t at) {
  memcpy(park->x + at * park->n_embd, work->x, work->n * park->n_embd * sizeof *park->x);
}

void sp_park_take(const struct sp_park *park, struct sp_work *work, const uint32_t *index, const uint32_t *position, size_t n) {
  for (size_t i = 0; i < n; i++)
    memcpy(work->x + i * park->n_embd, park->x + index[i] * park->n_embd, park->n_embd * sizeof *park->x);
  memcpy(work->position, position, n * sizeof *position);
  work->n = n;
}
