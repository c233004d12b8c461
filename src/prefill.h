/*
 * prefill.h - the method: a timeline of tokens taken through the layers, with gates at which rows halt.
 *
 * In:       tokens on the timeline, settings.  Out: the KV cache of every layer, logits of the last row, scores and kept rows.
 * Not here: arithmetic (behind the backend), sampling, the public handle (session.c).
 */
#ifndef SP_PREFILL_H
#define SP_PREFILL_H

#include "stage.h"

/* Takes tokens [0, n) to the end; those before `finished` need not pass the first stage again. observer may be NULL. */
still_status sp_prefill(struct sp_timeline *t, const struct sp_observer *observer);
/* Takes them through the first stage alone: to the gate, where they wait for a question, or without a gate to the top. */
still_status sp_append(struct sp_timeline *t);

#endif
