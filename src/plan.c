/*
 * plan.c - adds up what will be allocated.
 *
 * In:       struct sp_plan_job.  Out: bytes.
 * Not here: limits (session.c compares).
 */
#include "plan.h"

#include <math.h>
#include <unistd.h>

/* A prefill leaves this many rows of room for decoding before a cache must grow. */
static uint64_t with_room(uint64_t rows) { return rows + SP_TILE; }

/* A threshold alone may keep all rows, an open gate does. */
size_t sp_plan_stages(const struct sp_config *config, const struct sp_settings *s, bool parked, uint64_t n,
                      struct sp_stage stage[SP_MOST_STAGES]) {
  const char *why;
  size_t stages = sp_timeline_stages(config, s, parked, n, stage, &why);
  for (size_t i = 1; i < stages; i++) {
    double halted = s->tau >= 0 || why ? 0 : floor(s->ratio * (double)stage[i - 1].rows);
    stage[i].rows = stage[i - 1].rows - (size_t)halted;
  }
  return stages;
}

/* Sums of squares of `gates` gates, and the window's queries. */
static uint64_t record_bytes(const struct sp_plan_job *j, uint64_t n, size_t gates) {
  const struct sp_config *c = j->config;
  const struct sp_policy_row *policy = &sp_policies[j->settings->policy];
  uint64_t window = (uint64_t)j->settings->window < n ? (uint64_t)j->settings->window : n, layers = (uint64_t)j->settings->layers;
  uint64_t row = (j->float_path ? c->head_dim * sizeof(float) : sp_round_up(c->head_dim, 64)) + 3 * sizeof(float);
  uint64_t sums = (gates > 0) + (gates > 0 && policy->block) + (gates > 1 && (policy->delta || policy->block));
  return sums * n * sizeof(float) + (policy->query ? layers * window * c->n_heads * row * 2 : 0); /* as recorded, and in lanes */
}

uint64_t sp_plan_timeline(const struct sp_config *config, size_t cap) {
  return (uint64_t)cap * (sizeof(still_token) + 4 * sizeof(uint32_t) + 2 * sizeof(float)) + cap / 8 +
         (uint64_t)SP_FILE_ROWS * config->n_vocab * sizeof(float);
}

static uint64_t physical(void) {
  long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

static uint64_t limit_of(const struct sp_plan_job *j) {
  return j->settings->memory_limit ? (uint64_t)j->settings->memory_limit : physical();
}

/* Layers whose panels are kept at once: as many as was asked, or as what is left beside `rest` bytes holds, but one. */
static size_t panel_layers(const struct sp_plan_job *j, uint64_t rest) {
  uint64_t one = sp_weights_panel_bytes(j->config, j->copies, 1), limit = limit_of(j), most = j->config->n_layers, fit = most;
  if (j->settings->panels)
    fit = (uint64_t)j->settings->panels;
  else if (limit)
    fit = limit > rest ? (limit - rest) / one : 0;
  return (size_t)(fit < 1 ? 1 : fit < most ? fit : most);
}

static void fill(const struct sp_plan_job *j, uint64_t n, still_plan *plan) {
  const struct sp_config *c = j->config;
  const struct sp_settings *s = j->settings;
  struct sp_stage stage[SP_MOST_STAGES];
  size_t stages = sp_plan_stages(c, s, j->parked, n, stage);
  const struct sp_stage *last = &stage[stages - 1];
  plan->mapped = j->mapped;
  plan->weights = j->weights;
  plan->kv = plan->parked = 0;
  uint64_t seen = 0;
  for (size_t i = 0; i < stages; i++) {
    plan->kv += (sp_stage_last(&stage[i]) - sp_stage_first(&stage[i])) * sp_kv_bytes(c, j->float_path, with_room(stage[i].rows));
    if (i < 2 && i + 1 < stages) plan->parked += sp_park_bytes(c->n_embd, stage[i].rows);
    if (i + 1 < stages) seen += sp_seen_bytes(stage[i].rows);
  }
  plan->scratch = sp_work_bytes(c, j->float_path, (size_t)s->chunk, j->threads) + sp_plan_timeline(c, with_room(n)) +
                  record_bytes(j, n, stages - 1) + seen + with_room(n) * c->rope.n_rot * sizeof(float);
  uint64_t rest = plan->weights + plan->kv + plan->parked + plan->scratch;
  size_t layers = j->float_path ? c->n_layers : panel_layers(j, rest);
  if (sp_stage_waits(last, (unsigned)layers)) {
    uint64_t waiting = stages <= 2 ? sp_park_bytes(c->n_embd, last->rows) : 0; /* else in the last gate's place */
    plan->parked += waiting;
    rest += waiting;
    layers = panel_layers(j, rest);
  }
  plan->panels = j->float_path ? 0 : sp_weights_panel_bytes(c, j->copies, layers);
  plan->total = rest + plan->panels;
}

/* The most tokens whose plan stays within `limit`, by bisection: the plan grows with n. */
static uint64_t largest(const struct sp_plan_job *j, uint64_t limit) {
  uint64_t low = 0, high = 1 << 24;
  while (low < high) {
    still_plan plan;
    uint64_t middle = (low + high + 1) / 2;
    fill(j, middle, &plan);
    if (plan.total <= limit)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

void sp_plan(const struct sp_plan_job *job, uint64_t n_tokens, still_plan *plan) {
  fill(job, n_tokens, plan);
  plan->largest_context = largest(job, limit_of(job));
}
