/*
 * vocab_merge.c - joins neighbouring symbols, the most wanted pair first: the engine under both kinds of vocabulary.
 *
 * In:       symbols over a piece of text, and the kind's answer to "what do these two become?".  Out: fewer, longer symbols.
 * Not here: what a pair is worth (vocab_bpe.c, vocab_spm.c).
 *
 * Symbols form a linked list, pairs a heap. A pair that has changed since it was put on the heap stays there and is thrown away
 * when it comes up: each symbol knows the key of its present pair. Every join takes one entry and adds at most two, so a piece of
 * n bytes never needs more than 2 n entries and n log n steps. Nothing recurses.
 */
#include "vocab_parts.h"

enum { WAYS = 4, ROOT = WAYS - 1 };

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
  if (bytes + ROOT <= e->room) return STILL_OK;
  size_t room = bytes < 1024 ? 2048 : bytes + bytes / 4; /* above ROOT more in both cases */
  sp_free(e->ctx, e->symbols, e->room, sizeof *e->symbols);
  sp_free(e->ctx, e->heap, e->room, 2 * sizeof *e->heap);
  e->room = room;
  e->symbols = sp_alloc(e->ctx, room, sizeof *e->symbols, "tokenising");
  e->heap = sp_alloc(e->ctx, room, 2 * sizeof *e->heap, "tokenising");
  return e->symbols && e->heap ? STILL_OK : STILL_ENOMEM;
}

/* The heap has WAYS children a node, all in one cache line: with a whole text as one piece it is far larger than any cache, and
 * each level costs one miss. Its root is at WAYS - 1, the children of i from WAYS * (i - ROOT + 1) on. */
static void push(struct sp_encoder *e, uint64_t entry) {
  size_t at = ROOT + e->heap_size++;
  while (at > ROOT) {
    size_t parent = at / WAYS + ROOT - 1;
    if (e->heap[parent] <= entry) break;
    e->heap[at] = e->heap[parent];
    at = parent;
  }
  e->heap[at] = entry;
}

/* The last entry sinks from the root to where it belongs. */
static uint64_t pop(struct sp_encoder *e) {
  size_t end = ROOT + --e->heap_size, at = ROOT, child;
  uint64_t top = e->heap[ROOT], entry = e->heap[end];
  while ((child = WAYS * (at - ROOT + 1)) < end) {
    size_t least = child, past = child + WAYS < end ? child + WAYS : end;
    while (++child < past) least = e->heap[child] < e->heap[least] ? child : least;
    if (e->heap[least] >= entry) break;
    e->heap[at] = e->heap[least];
    at = least;
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
