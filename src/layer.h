/*
 * layer.h - half a layer at a time. Half 2l is the attention of layer l and its residual, half 2l + 1 its feed-forward.
 *
 * In:       the chunk's hidden rows (work->x).  Out: the same rows, one half further; what the watch asks for.
 * Not here: the order of halves (backend_cpu.c), chunks (stage.c).
 *
 * The half is the unit because a gate stands between the halves of its layer: a halted row stops before the feed-forward of l_s.
 */
#ifndef SP_LAYER_H
#define SP_LAYER_H

#include "attn.h"
#include "ffn.h"

/* `in` is work->chunk (prefill) or work->row (decode). The chunk's rows have their places: sp_work_place. */
still_status sp_half(struct sp_work *work, struct sp_input *in, unsigned half);

/* Final norm and output matrix: logits [n][n_vocab] of chunk rows [first, first + n), n <= SP_FILE_ROWS. Uses work->row. */
still_status sp_head(struct sp_work *work, size_t first, size_t n, float *logits);

/* Hidden row of a token: its row of the embedding in fp32. */
void sp_embed(const struct sp_engine *engine, still_token token, float *x);

#endif
