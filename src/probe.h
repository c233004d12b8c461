/*
 * probe.h - the constant that is taken off every key (numerics, section 3, step 1).
 *
 * In:       a model's own vocabulary and layers.  Out: per layer and KV head the mean key of a fixed text, a constant of the
 *           model.
 * Not here: the subtraction (attn.c).
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

/* Fills engine->shift, which must be zero. On the float path there is no shift. */
still_status sp_probe(struct sp_ctx *ctx, const struct sp_backend *backend, struct sp_engine *engine,
                      const struct sp_vocab *vocab);

static inline size_t sp_probe_length(const struct sp_config *c) { return (size_t)c->n_layers * c->n_kv_heads * c->head_dim; }

#endif
