/*
 * arena.c - allocation through the caller's hooks, counted; arenas of small objects.
 *
 * In:       struct sp_ctx, counts.  Out: aligned memory; STILL_ENOMEM with the bytes asked for.
 * Not here: who frees what (each header says).
 */
#include "arena.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 64, ARENA_BLOCK = 64 * 1024, HUGE_PAGE = 2 << 20 };

bool sp_mul(size_t a, size_t b, size_t *out) {
  *out = a * b;
  return a == 0 || *out / a == b;
}

bool sp_sum(size_t a, size_t b, size_t *out) {
  *out = a + b;
  return *out >= a;
}

size_t sp_round_up(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

static void count(struct sp_ctx *ctx, size_t bytes) {
  size_t now = atomic_fetch_add(&ctx->bytes, bytes) + bytes;
  size_t peak = atomic_load(&ctx->peak);
  while (now > peak && !atomic_compare_exchange_weak(&ctx->peak, &peak, now)) continue;
}

/* Bytes that a request really takes: never 0, whole cache lines. False on overflow. */
static bool rounded(size_t n, size_t size, size_t *bytes) {
  if (!sp_mul(n, size, bytes) || *bytes > SIZE_MAX / 2) return false;
  *bytes = sp_round_up(*bytes ? *bytes : 1, ALIGN);
  return true;
}

/* Panels, caches and rows are gone through from end to end, some of them in large strides: in pages of 4 KiB a prefill waits for
 * their addresses. Memory of two huge pages and more asks for such, and takes small ones where the system has none. */
static void *library_alloc(size_t bytes) {
  if (bytes < 2 * HUGE_PAGE) return aligned_alloc(ALIGN, bytes);
  void *memory = aligned_alloc(HUGE_PAGE, sp_round_up(bytes, HUGE_PAGE));
#ifdef MADV_HUGEPAGE
  if (memory) madvise(memory, bytes / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#endif
  return memory;
}

void *sp_alloc(struct sp_ctx *ctx, size_t n, size_t size, const char *what) {
  size_t bytes;
  void *memory = NULL;
  if (rounded(n, size, &bytes))
    memory = ctx->hooks.alloc ? ctx->hooks.alloc(ctx->hooks.user, bytes, ALIGN) : library_alloc(bytes);
  else
    bytes = SIZE_MAX;
  if (memory)
    count(ctx, bytes);
  else
    sp_fail(&ctx->error, STILL_ENOMEM, "no memory for %s: %zu bytes were asked for; use a smaller context, chunk or panel budget",
            what, bytes);
  return memory;
}

void *sp_calloc(struct sp_ctx *ctx, size_t n, size_t size, const char *what) {
  void *memory = sp_alloc(ctx, n, size, what);
  if (memory) memset(memory, 0, n * size);
  return memory;
}

void sp_free(struct sp_ctx *ctx, void *memory, size_t n, size_t size) {
  size_t bytes;
  if (!memory || !rounded(n, size, &bytes)) return;
  if (ctx->hooks.alloc)
    ctx->hooks.release(ctx->hooks.user, memory, bytes);
  else
    free(memory);
  atomic_fetch_sub(&ctx->bytes, bytes);
}

char *sp_strdup(struct sp_ctx *ctx, const char *text, size_t bytes, const char *what) {
  char *copy = bytes < SIZE_MAX ? sp_alloc(ctx, bytes + 1, 1, what) : NULL;
  if (!copy) return NULL;
  memcpy(copy, text, bytes);
  copy[bytes] = '\0';
  return copy;
}

struct sp_arena_block {
  struct sp_arena_block *before;
  size_t used, size; /* bytes after this header */
  _Alignas(16) unsigned char data[];
};

void sp_arena_init(struct sp_arena *arena, struct sp_ctx *ctx) {
  arena->ctx = ctx;
  arena->last = NULL;
}

static struct sp_arena_block *grow(struct sp_arena *arena, size_t bytes, const char *what) {
  size_t size = bytes > ARENA_BLOCK ? bytes : ARENA_BLOCK;
  struct sp_arena_block *block = sp_alloc(arena->ctx, 1, sizeof *block + size, what);
  if (!block) return NULL;
  *block = (struct sp_arena_block){.before = arena->last, .size = size};
  return arena->last = block;
}

void *sp_arena_alloc(struct sp_arena *arena, size_t n, size_t size, const char *what) {
  size_t bytes;
  bool fits = rounded(n, size, &bytes);
  bytes = fits ? sp_round_up(n * size, 16) : SIZE_MAX / 2; /* what does not fit is refused by the allocation below */
  struct sp_arena_block *block = arena->last;
  if (!block || block->size - block->used < bytes) block = grow(arena, bytes, what);
  if (!block) return NULL;
  void *memory = memset(block->data + block->used, 0, bytes);
  block->used += bytes;
  return memory;
}

void sp_arena_free(struct sp_arena *arena) {
  for (struct sp_arena_block *block = arena->last, *before; block; block = before) {
    before = block->before;
    sp_free(arena->ctx, block, 1, sizeof *block + block->size);
  }
  arena->last = NULL;
}
