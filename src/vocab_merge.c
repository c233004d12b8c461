/*
 * vocab_merge.c - joins neighbouring symbols, the most wanted pair first: the engine under both kinds of vocabulary.
 *
 * In:       symbols over a piece of text, and the kind's answer to "what do these two become?".  Out: fewer, longer symbols.
 * Not here: what a pair is worth (vocab_bpe.c, vocab_spm.c).
 *
 * Symbols form a linked list, pairs a binary heap. A pair that has changed since it was put on the heap stays there and is thrown away
 * when it comes up: each symbol knows the key of its present pair. Every join takes one entry and adds at most two, so a piece of n bytes
 * never needs more than 2 n entries and n log n steps. Nothing recurses.
 */
#include "vocab_parts.h"

void sp_encoder_put(struct sp_encoder *e, still_token id) {
  if (e->n < e->capacity) e->out[e->n] = id;
  e->n++;
}

void sp_encoder_close(struct sp_encoder *e) {
  sp_free(e->ctx, e->symbols, e->room, sizeof *e->symbols);
  sp_free(e->ctx, e->heap, e->room, 2 * sizeof *e->heap);
  sp_free(e->ctx, e->spaced, e->spaced_room, 1);
}

still_status sp_encoder_reserve(struct sp_encoder *e, size_t bytes) {
  if (bytes <= e->room) return STILL_OK;
  size_t room = bytes < 1024 ? 1024 : bytes + bytes / 2;
  sp_free(e->ctx, e->symbols, e->room, sizeof *e->symbols);
  sp_free(e->ctx, e->heap, e->room, 2 * sizeof *e->heap);
  e->room = room;
  e->symbols = sp_alloc(e->ctx, room, sizeof *e->symbols, "tokenising");
  e->heap = sp_alloc(e->ctx, room, 2 * sizeof *e->heap, "tokenising");
  return e->symbols && e->heap ? STILL_OK : e->ctx->error.status;
}

static void push(struct sp_encoder *e, uint64_t entry) {
  size_t at = e->heap_size++;
  for (; at > 0 && e->heap[(at - 1) / 2] > entry; at = (at - 1) / 2) e->heap[at] = e->heap[(at - 1) / 2];
  e->heap[at] = entry;
}

static uint64_t pop(struct sp_encoder *e) {
  uint64_t top = e->heap[0], entry = e->heap[--e->heap_size];
  size_t at = 0, child;
  while ((child = 2 * at + 1) < e->heap_size) {
    if (child + 1 < e->heap_size && e->heap[child + 1] < e->heap[child]) child++;
    if (e->heap[child] >= entry) break;
    e->heap[at] = e->heap[child];
    at = child;
  }
  e->heap[at] = entry;
  return top;
}

/* Asks what the symbol at `left` and its next become, and puts the pair on the heap. */
static void offer(struct sp_encoder *e, const char *text, size_t bytes, uint32_t left) {
  struct sp_symbol *symbol = &e->symbols[left];
  symbol->key = SP_NO_MERGE;
  if (symbol->next < bytes) e->v->kind->pair(e->v, text, e->symbols, left);
  if (symbol->key != SP_NO_MERGE) push(e, (uint64_t)symbol->key << 32 | left);
}

void sp_encoder_join(struct sp_encoder *e, const char *text, size_t bytes) {
  struct sp_symbol *symbols = e->symbols;
  e->heap_size = 0;
  for (uint32_t at = 0; at < bytes; at = symbols[at].next) offer(e, text, bytes, at);
  while (e->heap_size > 0) {
    uint64_t entry = pop(e);
    uint32_t at = (uint32_t)entry;
    struct sp_symbol *left = &symbols[at];
    if (left->id == -2 || left->key != (uint32_t)(entry >> 32)) continue; /* joined, or paired otherwise, meanwhile */
    struct sp_symbol *right = &symbols[left->next];
    left->id = left->made;
    left->next = right->next;
    right->id = -2;
    if (left->next < bytes) symbols[left->next].before = at;
    offer(e, text, bytes, at);
    if (at > 0) offer(e, text, bytes, left->before);
  }
}
