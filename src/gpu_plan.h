/*
 * gpu_plan.h - the device memory that a model and a session will take, and how many layers fit into it.
 *
 * In:       config, settings, stages.  Out: bytes; the seam of struct sp_gpu_model.
 * Not here: allocation. Each figure comes from the function that sizes the allocation itself.
 */
#ifndef SP_GPU_PLAN_H
#define SP_GPU_PLAN_H

#include "gpu_lane.h"
#include "plan.h"

/* Bytes of the layers [0, seam), of what stands before and behind them, and of a session of n tokens, decoded ones included,
 * whose chunks are `wide` times the setting. */
uint64_t sp_gpu_plan(const struct sp_engine *engine, const struct sp_settings *settings, unsigned seam, unsigned wide,
                     bool parked, uint64_t n);
/* Sets the seam: as many layers as gpu-layers says, or as fit with a session of `ctx` tokens (32768 at the most, if the setting
 * is 0) into gpu-memory, or into all but an eighth of what is free; then the widest chunks that fit beside them. STILL_EDEVICE if
 * no layer does, or not as many as were asked. */
still_status sp_gpu_plan_seam(struct sp_gpu_model *model, struct sp_ctx *ctx, const struct sp_settings *settings);

#endif
