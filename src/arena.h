/*
 * arena.h - memory through the caller's allocator, counted, with sizes computed in checked arithmetic.
 *
 * In:       a context and counts.  Out: aligned memory or NULL with the sentence set.
 * Not here: mapped files (file.h), placement on NUMA nodes (numa.h).
 */
#ifndef SP_ARENA_H
#define SP_ARENA_H

#include <stdbool.h>
#include "log.h"

/* *out = a * b or a + b; false when it does not fit. */
bool sp_mul(size_t a, size_t b, size_t *out);
bool sp_sum(size_t a, size_t b, size_t *out);
size_t sp_round_up(size_t n, size_t multiple); /* n small enough not to overflow */

/* count * size bytes aligned to 64, NULL (STILL_ENOMEM, naming `what` and the bytes) on failure or overflow. count 0 gives a
 * valid pointer. Content undefined; sp_calloc zeroes. sp_free takes the same count and size; NULL allowed. */
void *sp_alloc(struct sp_ctx *ctx, size_t count, size_t size, const char *what);
void *sp_calloc(struct sp_ctx *ctx, size_t count, size_t size, const char *what);
void sp_free(struct sp_ctx *ctx, void *memory, size_t count, size_t size);
char *sp_strdup(struct sp_ctx *ctx, const char *text, size_t bytes,
                const char *what); /* adds the NUL; free with (bytes + 1, 1) */

/* An arena: many small objects with one lifetime (a vocabulary, a template, a tensor table). Freed as a whole. */
struct sp_arena {
  struct sp_ctx *ctx;
  struct sp_arena_block *last;
};
void sp_arena_init(struct sp_arena *arena, struct sp_ctx *ctx);
void *sp_arena_alloc(struct sp_arena *arena, size_t count, size_t size, const char *what); /* zeroed, aligned to 16 */
void sp_arena_free(struct sp_arena *arena);

#endif
