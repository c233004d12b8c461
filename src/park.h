/*
 * park.h - rows that wait at a gate: x + U of every row of a list, and the compaction that takes the kept ones on.
 *
 * In:       chunks of hidden rows.  Out: chunks of the rows that were kept, in order, with their original positions.
 * Not here: the choice (gate.c).
 *
 * Rows lie in blocks of SP_TILE: a list that grows with every question copies nothing, so it never takes twice its memory.
 */
#ifndef SP_PARK_H
#define SP_PARK_H

#include "work.h"

struct sp_park {
  float **block;           /* [blocks], room for [table]; a block is [SP_TILE][n_embd] */
  size_t n_embd, blocks, table;
};

uint64_t sp_park_bytes(size_t n_embd, uint64_t rows);
still_status sp_park_reserve(struct sp_ctx *ctx, struct sp_park *park, size_t n_embd, size_t rows); /* what is there stays */
void sp_park_free(struct sp_ctx *ctx, struct sp_park *park);
/* The chunk's rows become list rows [at, at + n). */
void sp_park_put(struct sp_park *park, const struct sp_work *work, size_t at);
/* List rows `index` (ascending) become the chunk, with these original positions. */
void sp_park_take(const struct sp_park *park, struct sp_work *work, const uint32_t *index, const uint32_t *position, size_t n);

static inline float *sp_park_row(const struct sp_park *park, size_t i) {
  return park->block[i / SP_TILE] + i % SP_TILE * park->n_embd;
}

#endif
