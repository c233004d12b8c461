/*
 * gpu_plan.c - adds up what will be allocated on a device.
 *
 * In:       config, settings, stages.  Out: bytes, a number of layers.
 * Not here: the host's memory (plan.c).
 */
#include "gpu_plan.h"

enum { USUAL_CONTEXT = 32768 }; /* tokens that must fit where the caller says nothing */

/* What the gates of these stages have, as far as they stand below the seam: rows that wait, sums of squares, queries, scores. */
static uint64_t gate_bytes(const struct sp_config *c, const struct sp_settings *s, unsigned seam, const struct sp_stage *stage,
                           size_t n_stages) {
  const struct sp_policy_row *policy = &sp_policies[s->policy];
  uint64_t bytes = 0, n = stage[0].rows, window = (uint64_t)s->window < n ? (uint64_t)s->window : n, layers = 0;
  size_t gates = 0;
  for (; gates + 1 < n_stages && stage[gates].to / 2 < seam; gates++) {
    uint64_t own = sp_stage_last(&stage[gates]) - sp_stage_first(&stage[gates]);
    if (own > layers) layers = own < (uint64_t)s->layers ? own : (uint64_t)s->layers;
  }
  for (size_t i = 0; i < gates && i < SP_PARKS; i++) bytes += sp_gpu_taken(stage[i].rows * c->n_embd * sizeof(float));
  bytes += ((gates > 0) + (gates > 0 && policy->block) + (gates > 1 && (policy->delta || policy->block))) * n * sizeof(float);
  if (gates == 0 || !policy->query) return bytes;
  bytes += sp_gpu_taken(layers * window * c->n_heads * SP_GPU_HEAD(c->head_dim));
  bytes += sp_gpu_taken(layers * window * c->n_heads * 3 * sizeof(float));
  return bytes + sp_gpu_taken(n * (c->n_heads + 1) * sizeof(float));
}

static uint64_t session_bytes(const struct sp_engine *e, const struct sp_settings *s, unsigned seam, unsigned wide, bool parked,
                              uint64_t n) {
  const struct sp_config *c = e->config;
  struct sp_stage stage[SP_MOST_STAGES];
  size_t stages = sp_plan_stages(c, s, parked, n, stage);
  size_t rows = wide * (size_t)s->chunk, most = sp_settings_context(s, c->n_ctx_train);
  uint64_t bytes = sp_gpu_lane_bytes(e, rows < most ? rows : most) + gate_bytes(c, s, seam, stage, stages);
  for (size_t i = 0; i < stages; i++)
    for (unsigned l = sp_stage_first(&stage[i]); l < sp_stage_last(&stage[i]) && l < seam; l++)
      bytes += sp_gpu_taken(sp_gpu_kv_bytes(c, stage[i].rows));
  return bytes + 2 * sp_gpu_taken(sp_gpu_rope_bytes(c, n) / 2) + sp_gpu_taken(sp_gpu_tiles_bytes(c, n / SP_TILE + 1));
}

uint64_t sp_gpu_plan(const struct sp_engine *engine, const struct sp_settings *settings, unsigned seam, unsigned wide,
                     bool parked, uint64_t n) {
  return sp_gpu_model_bytes(engine, seam) + session_bytes(engine, settings, seam, wide, parked, n);
}

static still_status room(struct sp_gpu_model *m, struct sp_ctx *ctx, const struct sp_settings *s, uint64_t *bytes) {
  size_t left = 0;
  int error = sp_gpu_enter(&m->gpu);
  if (!error) {
    error = sp_gpu_left(&m->gpu, &left);
    sp_gpu_leave(&m->gpu);
  }
  SP_TRY(sp_gpu_status(m, ctx, error, "it cannot be asked for its memory"));
  *bytes = left - left / 8;
  if (s->gpu_memory && (uint64_t)s->gpu_memory < *bytes) *bytes = (uint64_t)s->gpu_memory;
  return STILL_OK;
}

still_status sp_gpu_plan_seam(struct sp_gpu_model *m, struct sp_ctx *ctx, const struct sp_settings *s) {
  const struct sp_config *c = m->engine->config;
  uint64_t free_bytes, usual = c->n_ctx_train < USUAL_CONTEXT ? c->n_ctx_train : USUAL_CONTEXT;
  uint64_t n = s->context ? (uint64_t)s->context : usual;
  unsigned most = s->gpu_layers >= 0 && s->gpu_layers < c->n_layers ? (unsigned)s->gpu_layers : c->n_layers;
  unsigned least = s->gpu_layers >= 0 ? most : 1;
  SP_TRY(room(m, ctx, s, &free_bytes));
  for (m->seam = most; m->seam >= least; m->seam--)
    for (m->wide = SP_GPU_WIDE; m->wide > 0; m->wide /= 2)
      if (sp_gpu_plan(m->engine, s, m->seam, m->wide, false, n) <= free_bytes) return STILL_OK;
  return sp_fail(&ctx->error, STILL_EDEVICE,
                 "GPU %d (%s): %u of %u layers with a session of %llu tokens take %.0f MiB there and %.0f MiB are free",
                 m->gpu.ordinal, m->gpu.name, least, c->n_layers, (unsigned long long)n,
                 (double)sp_gpu_plan(m->engine, s, least, 1, false, n) / 0x1p20, (double)free_bytes / 0x1p20);
}
