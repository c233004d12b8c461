/*
 * gpu_step.c - a decoded row through halves: launch by launch the first time, and from the second on as a graph of the driver's,
 * which starts hundreds of small kernels at once.
 *
 * In:       a pass of one row.  Out: as gpu_layer.c leaves it.
 * Not here: the launches (gpu_layer.c). Chunks of a prefill: each has numbers of its own, and kernels that take longer than their
 * launches.
 *
 * A graph has the pointers and sizes of the launches that it was made of. The row's place in its list is the only number that
 * changes from token to token, and stands in device memory (lane->now); lane->memory tells whether pointers have changed.
 */
#include "gpu_lane.h"

static bool goes_there(const struct sp_gpu_steps *steps, const struct sp_pass *pass, const struct sp_watch *watch) {
  const struct sp_watch *own = &steps->watch;
  return steps->from == pass->from && steps->to == pass->to && own->query == watch->query &&
         own->first_layer == watch->first_layer && own->layer == watch->layer;
}

/* Of a way that is new the slot that was taken longest ago; its memory, 0, is nobody's. */
static struct sp_gpu_steps *find(struct sp_lane *lane, const struct sp_pass *pass) {
  for (int i = 0; i < SP_GPU_STEPS; i++)
    if (goes_there(&lane->steps[i], pass, &lane->watch)) return &lane->steps[i];
  struct sp_gpu_steps *steps = &lane->steps[lane->ways++ % SP_GPU_STEPS];
  sp_gpu_forget(&lane->model->gpu, steps->graph);
  *steps = (struct sp_gpu_steps){.from = pass->from, .to = pass->to, .watch = lane->watch};
  return steps;
}

static still_status launch(struct sp_lane *lane, const struct sp_pass *pass) {
  for (unsigned half = pass->from; half < pass->to; half++) SP_TRY(sp_gpu_step(lane, half, pass->at));
  return STILL_OK;
}

static still_status keep(struct sp_lane *lane, const struct sp_pass *pass, struct sp_gpu_steps *steps) {
  struct sp_gpu *gpu = &lane->model->gpu;
  SP_TRY(sp_lane_status(lane, sp_gpu_keep(gpu, lane->stream), "launches cannot be kept"));
  still_status status = launch(lane, pass);
  int error = sp_gpu_kept(gpu, lane->stream, &steps->graph);
  SP_TRY(status);
  return sp_lane_status(lane, error, "launches were not kept");
}

/* What takes memory or waits stands before the launches. */
static still_status make_ready(struct sp_lane *lane, const struct sp_pass *pass) {
  uint32_t now = (uint32_t)pass->at;
  for (unsigned l = pass->from / 2; 2 * l < pass->to; l++) SP_TRY(sp_gpu_model_layer(lane->model, lane->ctx, l));
  SP_TRY(sp_gpu_tiles_reserve(lane, pass->at / SP_TILE + 1));
  return sp_lane_put(lane, lane->now, &now, sizeof now);
}

still_status sp_gpu_steps(struct sp_lane *lane, const struct sp_pass *pass) {
  SP_TRY(make_ready(lane, pass));
  struct sp_gpu_steps *steps = find(lane, pass);
  if (steps->memory != lane->memory) {
    sp_gpu_forget(&lane->model->gpu, steps->graph);
    steps->graph = NULL;
    steps->memory = lane->memory;
    return launch(lane, pass);
  }
  if (!steps->graph) SP_TRY(keep(lane, pass, steps));
  return sp_lane_status(lane, sp_gpu_replay(&lane->model->gpu, lane->stream, steps->graph), "a graph did not start");
}
