/*
 * attn.h - the attention sublayer on a chunk of rows: q, k, v, rotation, KV cache, flash attention, output projection.
 *
 * In:       normed inputs of a layer (work->chunk or work->row), where the chunk's rows stand in the layer's list (work->block).
 * Out:      work->u; the KV cache grown by the chunk; what the watch asks for.
 * Not here: the residual and the norms around it (layer.c), which rows are on the list (stage.c).
 */
#ifndef SP_ATTN_H
#define SP_ATTN_H

#include "linear.h"

/* The chunk's rows go where work->block says in the layer's list, and see it up to themselves. `in` is prepared. */
still_status sp_attention(struct sp_work *work, struct sp_input *in, unsigned layer);

/* attn_float.c: the same for the float path, one KV head of one block. q [n][ldq] of the whole chunk. Inside a task. */
void sp_attn_float(struct sp_work *work, const struct sp_block *block, unsigned layer, size_t kv_head, float *scratch);

#endif
