/*
 * vocabs.h - vocabularies made for tests, token by token, through the key-value part of a GGUF.
 *
 * In:       tokens, merges, keys.  Out: an open vocabulary.
 * Not here: tests; the vocabulary of tiny models (tiny_vocab.c).
 */
#ifndef VOCABS_H
#define VOCABS_H

#include "src/vocab.h"
#include "tests/tiny.h"

enum vocabs_type { NORMAL = 1, UNKNOWN, CONTROL, USER, UNUSED, BYTE }; /* tokenizer.ggml.token_type */

struct vocabs {
  struct tiny_bytes texts, types, scores, merges;
  unsigned n, n_merges;
  void (*extra)(struct tiny_gguf *g); /* adds keys; may be NULL */
  const char *without;                /* a key to leave out; may be NULL */
};

/* A token by its spelling in the file; returns its id. */
still_token vocabs_add(struct vocabs *b, const char *spelling, enum vocabs_type type, float score);
/* A token by its bytes, spelled as byte-level vocabularies spell them. */
still_token vocabs_add_bytes(struct vocabs *b, const char *bytes, size_t n);
void vocabs_add_all_bytes(struct vocabs *b); /* the 256 bytes, in order */
void vocabs_merge(struct vocabs *b, const char *left, size_t n_left, const char *right, size_t n_right); /* by bytes */
void vocabs_line(struct vocabs *b, const char *line); /* a merge as it stands in the file */

struct vocabs_open { /* an open vocabulary and what it stands on */
  struct sp_ctx ctx;
  struct sp_gguf *gguf;
  struct sp_vocab *vocab;
};

/* Writes the keys, reads them back and opens the vocabulary. Empties the builder. `pre` may be NULL. */
still_status vocabs_open(struct vocabs_open *o, struct vocabs *b, const char *model, const char *pre);
void vocabs_close(struct vocabs_open *o); /* checks that nothing is left allocated */

#endif
