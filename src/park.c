/*
 * park.c - storage of parked rows.
 *
 * In:       hidden rows.  Out: hidden rows.
 * Not here: which rows.
 */
#include "park.h"

#include <string.h>

static const char what[] = "the parked rows";

uint64_t sp_park_bytes(size_t n_embd, uint64_t rows) {
  uint64_t blocks = (rows + SP_TILE - 1) / SP_TILE;
  return blocks * (SP_TILE * n_embd * sizeof(float) + sizeof(float *));
}

static still_status grow_table(struct sp_ctx *ctx, struct sp_park *park, size_t table) {
  float **block = sp_alloc(ctx, table, sizeof *block, what);
  if (!block) return STILL_ENOMEM;
  if (park->blocks) memcpy(block, park->block, park->blocks * sizeof *block);
  sp_free(ctx, park->block, park->table, sizeof *block);
  park->block = block;
  park->table = table;
  return STILL_OK;
}

still_status sp_park_reserve(struct sp_ctx *ctx, struct sp_park *park, size_t n_embd, size_t rows) {
  size_t blocks = (rows + SP_TILE - 1) / SP_TILE;
  if (blocks > park->table) SP_TRY(grow_table(ctx, park, blocks));
  park->n_embd = n_embd;
  for (; park->blocks < blocks; park->blocks++) {
    park->block[park->blocks] = sp_alloc(ctx, SP_TILE * n_embd, sizeof(float), what);
    if (!park->block[park->blocks]) return STILL_ENOMEM;
  }
  return STILL_OK;
}

void sp_park_free(struct sp_ctx *ctx, struct sp_park *park) {
  for (size_t i = 0; i < park->blocks; i++) sp_free(ctx, park->block[i], SP_TILE * park->n_embd, sizeof(float));
  sp_free(ctx, park->block, park->table, sizeof *park->block);
  *park = (struct sp_park){0};
}

void sp_park_put(struct sp_park *park, const struct sp_work *work, size_t at) {
  for (size_t i = 0; i < work->n; i++)
    memcpy(sp_park_row(park, at + i), work->x + i * park->n_embd, park->n_embd * sizeof(float));
}

void sp_park_take(const struct sp_park *park, struct sp_work *work, const uint32_t *index, const uint32_t *position, size_t n) {
  for (size_t i = 0; i < n; i++)
    memcpy(work->x + i * park->n_embd, sp_park_row(park, index[i]), park->n_embd * sizeof(float));
  memcpy(work->position, position, n * sizeof *position);
  work->n = n;
}
