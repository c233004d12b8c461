/*
 * probe.h - shift and balance of keys and queries (numerics, section 3, steps 1 and 2).
 *
 * In:       a model's own vocabulary and layers.  Out: per layer and KV head the mean key of a fixed text, and powers of two that
 *           make its keys and queries alike in size, element by element: constants of the model.
 * Not here: their use (attn.c).
 */
#ifndef SP_PROBE_H
#define SP_PROBE_H

#include "backend.h"
#include "vocab.h"

enum { SP_PROBE_TOKENS = 64 };

/* The text is part of the numeric contract: another text gives other bits (and about the same quality). */
#define SP_PROBE_TEXT                                                                                                       \
  "The harbour office keeps a book in which every ship is written down when it arrives. The first column holds the day, "   \
  "the second the name of the master, and the third what was carried: grain, timber, salt or letters. When a storm "        \
  "closed the bay in the winter of 1871, nobody wrote for nine days, and the tenth page begins with a single line that "    \
  "says only that the light had burned all the while. Later readers have taken this for a message, but the keeper's "       \
  "daughter explained that her father used to try a new pen in this way before he went on with the work of the morning."

/* The first 64 ids of the text by the model's vocabulary, no BOS; a vocabulary that needs fewer repeats them. */
still_status sp_probe_tokens(struct sp_ctx *ctx, const struct sp_vocab *vocab, still_token tokens[SP_PROBE_TOKENS]);

/* Allocates shift and balance: 0 and 1. Freed by sp_probe_free, which takes an engine that has none. */
still_status sp_probe_init(struct sp_ctx *ctx, struct sp_engine *engine);
void sp_probe_free(struct sp_ctx *ctx, struct sp_engine *engine);
/* Fills both, which must be 0 and 1. The float path uses neither. */
still_status sp_probe(struct sp_ctx *ctx, const struct sp_backend *backend, struct sp_engine *engine,
                      const struct sp_vocab *vocab);

#endif
