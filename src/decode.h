/*
 * decode.h - one more token through all layers, each seeing its own list of rows.
 *
 * In:       a timeline after a prefill, a token.  Out: logits of the new row.
 * Not here: sampling.
 */
#ifndef SP_DECODE_H
#define SP_DECODE_H

#include "timeline.h"

/* t->tokens has room. On failure the timeline is as before. */
still_status sp_decode(struct sp_timeline *t, still_token token);

#endif
