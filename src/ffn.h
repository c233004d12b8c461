/*
 * ffn.h - the feed-forward sublayer on a chunk of rows: down(silu(gate x) * (up x)).
 *
 * In:       normed rows, prepared.  Out: work->f.
 * Not here: the norm before, the residual after (layer.c).
 */
#ifndef SP_FFN_H
#define SP_FFN_H

#include "linear.h"

still_status sp_feed_forward(struct sp_work *work, struct sp_input *in, unsigned layer);

#endif
