/*
 * backend_cuda.c - the GPU's filling of backend.h. Only tokens, indices and positions go up, only scores, logits and states
 * come down.
 *
 * In:       verbs.  Out: rows through halves, scores, logits. STILL_EDEVICE where the device fails: the caller goes on without
 *           it.
 * Not here: the halves (gpu_layer.c), device memory (gpu_lane.c).
 */
#include "backend_cuda.h"

#include <string.h>

#include "gpu_lane.h"

/* Every verb: the GPU's context is the thread's while it runs. */
static still_status enter(struct sp_lane *lane) {
  return sp_lane_status(lane, sp_gpu_enter(&lane->model->gpu), "its context cannot be used");
}

static still_status leave(struct sp_lane *lane, still_status status) {
  sp_gpu_leave(&lane->model->gpu);
  return status;
}

static still_status begin(struct sp_engine *engine, struct sp_ctx *ctx, size_t chunk, size_t most, struct sp_lane **lane) {
  struct sp_gpu_model *m = engine->gpu;
  SP_TRY(sp_gpu_status(m, ctx, sp_gpu_enter(&m->gpu), "its context cannot be used"));
  still_status status = sp_gpu_lane_open(m, ctx, m->wide * chunk < most ? m->wide * chunk : most, lane);
  sp_gpu_leave(&m->gpu);
  return status;
}

static void end(struct sp_lane *lane) {
  struct sp_gpu_model *m = lane->model;
  bool entered = sp_gpu_enter(&m->gpu) == 0; /* what a broken device holds goes with its context */
  sp_gpu_lane_close(lane);
  if (entered) sp_gpu_leave(&m->gpu);
}

static size_t rows_of(const struct sp_lane *lane, unsigned to) {
  (void)to;
  return lane->cap;
}

/* ---- room ---------------------------------------------------------------------------------------------------------- */

static still_status reserve_lists(struct sp_lane *lane, unsigned first, unsigned last, size_t rows, size_t positions) {
  for (unsigned l = first; l < last; l++) SP_TRY(sp_gpu_kv_reserve(lane, l, rows));
  return sp_gpu_rope_reserve(lane, positions);
}

static still_status reserve(struct sp_lane *lane, unsigned first, unsigned last, size_t rows, size_t positions) {
  SP_TRY(enter(lane));
  return leave(lane, reserve_lists(lane, first, last, rows, positions));
}

static still_status reserve_park(struct sp_lane *lane, unsigned park, size_t rows) {
  SP_TRY(enter(lane));
  return leave(lane, sp_gpu_floats_reserve(lane, &lane->park[park], &lane->park_rows[park], rows, lane->engine->config->n_embd,
                                           "no memory for the parked rows"));
}

/* ---- chunks ---------------------------------------------------------------------------------------------------------- */

static still_status load_rows(struct sp_lane *lane, const still_token *tokens, size_t position, size_t n) {
  struct sp_gpu_embed job = {.weight = lane->model->embed, .tokens = lane->tokens, .x = lane->x, .n = (uint32_t)n};
  for (size_t i = 0; i < n; i++) lane->position_host[i] = (uint32_t)(position + i);
  lane->n = n;
  SP_TRY(sp_gpu_clear_bad(lane));
  SP_TRY(sp_lane_put(lane, lane->position, lane->position_host, n * sizeof(uint32_t)));
  SP_TRY(sp_lane_put(lane, lane->tokens, tokens, n * sizeof *tokens));
  return sp_lane_rows(lane, SP_GPU_sp_gpu_embed_rows, &job, n);
}

static still_status load(struct sp_lane *lane, const still_token *tokens, size_t position, size_t n) {
  SP_TRY(enter(lane));
  still_status status = load_rows(lane, tokens, position, n);
  sp_lap(lane->ctx, SP_TIME_TOKENS);
  return leave(lane, status);
}

static still_status take_rows(struct sp_lane *lane, unsigned park, const uint32_t *index, const uint32_t *position, size_t n) {
  struct sp_gpu_gather job = {.x = lane->park[park], .index = lane->index, .y = lane->x, .n = (uint32_t)n,
                              .k = lane->engine->config->n_embd};
  memcpy(lane->position_host, position, n * sizeof *position);
  lane->n = n;
  SP_TRY(sp_gpu_clear_bad(lane));
  SP_TRY(sp_lane_put(lane, lane->position, position, n * sizeof *position));
  SP_TRY(sp_lane_put(lane, lane->index, index, n * sizeof *index));
  return sp_lane_rows(lane, SP_GPU_sp_gpu_gather_rows, &job, n);
}

static still_status take(struct sp_lane *lane, unsigned park, const uint32_t *index, const uint32_t *position, size_t n) {
  SP_TRY(enter(lane));
  still_status status = take_rows(lane, park, index, position, n);
  sp_lap(lane->ctx, SP_TIME_GATE);
  return leave(lane, status);
}

static still_status put(struct sp_lane *lane, unsigned park, size_t at) {
  size_t e = lane->engine->config->n_embd;
  SP_TRY(enter(lane));
  return leave(lane, sp_lane_copy(lane, lane->park[park] + at * e, lane->x, lane->n * e * sizeof(float)));
}

/* ---- layers ------------------------------------------------------------------------------------------------------------ */

/* The host is two layers ahead at the most: progress tells the truth, and a cancel is heard. */
static still_status keep_pace(struct sp_lane *lane, unsigned layer) {
  struct sp_driver *driver = &lane->model->gpu.driver;
  void *event = lane->behind[layer % 2];
  SP_TRY(sp_lane_status(lane, driver->await(event), "a kernel failed"));
  return sp_lane_status(lane, driver->record(event, lane->stream), "a kernel failed");
}

static still_status launch_layer(struct sp_lane *lane, unsigned layer, const struct sp_pass *pass) {
  SP_TRY(sp_gpu_model_layer(lane->model, lane->ctx, layer));
  sp_lap(lane->ctx, SP_TIME_PANELS);
  unsigned from = pass->from > 2 * layer ? pass->from : 2 * layer, to = pass->to < 2 * layer + 2 ? pass->to : 2 * layer + 2;
  for (unsigned half = from; half < to; half++) SP_TRY(sp_gpu_half(lane, half));
  return STILL_OK;
}

static still_status run_layer(struct sp_lane *lane, unsigned layer, const struct sp_pass *pass) {
  SP_TRY(launch_layer(lane, layer, pass));
  SP_TRY(keep_pace(lane, layer));
  sp_lap(lane->ctx, SP_TIME_LINEAR); /* attention too: they are not told apart on a device */
  return STILL_OK;
}

/* Where the rows of the chunk stand in the lists, and in which blocks of these. */
static still_status find_places(struct sp_lane *lane, const struct sp_pass *pass) {
  size_t blocks = 0;
  lane->at = pass->at;
  lane->n_blocks = 0;
  if (!pass->place) return STILL_OK;
  for (size_t i = 0; i < lane->n; i++) {
    uint32_t index = pass->place[i] / SP_GPU_BLOCK;
    if (i == 0 || index != lane->block_host[blocks - 1].index)
      lane->block_host[blocks++] = (struct sp_gpu_block){.index = index, .first = (uint32_t)i};
    lane->block_host[blocks - 1].n++;
  }
  lane->n_blocks = blocks;
  SP_TRY(sp_lane_put(lane, lane->place, pass->place, lane->n * sizeof *pass->place));
  return sp_lane_put(lane, lane->block, lane->block_host, blocks * sizeof *lane->block);
}

static still_status make_ready(struct sp_lane *lane, const struct sp_pass *pass) {
  SP_TRY(find_places(lane, pass));
  lane->watch = pass->watch ? *pass->watch : (struct sp_watch){0};
  return pass->watch ? sp_gpu_record_reserve(lane, pass->watch) : STILL_OK;
}

static still_status finish(struct sp_lane *lane, const struct sp_pass *pass) {
  uint64_t done = pass->done + pass->worth * ((pass->to + 1) / 2 - pass->from / 2);
  SP_TRY(sp_gpu_check_bad(lane));
  sp_lap(lane->ctx, SP_TIME_LINEAR);
  return sp_progress(lane->ctx, pass->phase, done, pass->total, pass->live);
}

static still_status run_layers(struct sp_lane *lane, const struct sp_pass *pass) {
  SP_TRY(make_ready(lane, pass));
  uint64_t done = pass->done;
  for (unsigned layer = pass->from / 2; 2 * layer < pass->to; layer++, done += pass->worth) {
    SP_TRY(sp_progress(lane->ctx, pass->phase, done, pass->total, pass->live));
    SP_TRY(run_layer(lane, layer, pass));
  }
  return finish(lane, pass);
}

static still_status run(struct sp_lane *lane, const struct sp_pass *pass) {
  SP_TRY(enter(lane));
  return leave(lane, run_layers(lane, pass));
}

static still_status launch_layers(struct sp_lane *lane, const struct sp_pass *pass) {
  SP_TRY(make_ready(lane, pass));
  for (unsigned layer = pass->from / 2; 2 * layer < pass->to; layer++) SP_TRY(launch_layer(lane, layer, pass));
  return STILL_OK;
}

still_status sp_cuda_begin(struct sp_lane *lane, const struct sp_pass *pass) {
  SP_TRY(enter(lane));
  return leave(lane, launch_layers(lane, pass));
}

still_status sp_cuda_end(struct sp_lane *lane, const struct sp_pass *pass) {
  SP_TRY(enter(lane));
  return leave(lane, finish(lane, pass));
}

static still_status step_layers(struct sp_lane *lane, const struct sp_pass *pass) {
  lane->watch = pass->watch ? *pass->watch : (struct sp_watch){0};
  if (pass->watch) SP_TRY(sp_gpu_record_reserve(lane, pass->watch));
  return sp_gpu_steps(lane, pass);
}

static still_status step(struct sp_lane *lane, const struct sp_pass *pass) {
  SP_TRY(enter(lane));
  return leave(lane, step_layers(lane, pass));
}

static still_status logits_of(struct sp_lane *lane, size_t first, size_t n, float *out) {
  SP_TRY(sp_gpu_head(lane, first, n));
  SP_TRY(sp_lane_get(lane, out, lane->logits, n * lane->engine->config->n_vocab * sizeof *out));
  return sp_gpu_check_bad(lane);
}

static still_status logits(struct sp_lane *lane, size_t first, size_t n, float *out) {
  SP_TRY(enter(lane));
  still_status status = logits_of(lane, first, n, out);
  sp_lap(lane->ctx, SP_TIME_TOKENS);
  return leave(lane, status);
}

/* ---- scores ------------------------------------------------------------------------------------------------------------- */

static still_status reserve_scores(struct sp_lane *lane, size_t rows) {
  size_t heads = lane->engine->config->n_heads, had = 0;
  if (rows <= lane->score_rows) return STILL_OK;
  rows = sp_round_up(rows, SP_TILE); /* each decoded row may ask, for one more */
  sp_gpu_free(&lane->model->gpu, lane->per); /* the stream is idle: scores are asked for after a run */
  lane->per = NULL;
  lane->score_rows = 0;
  SP_TRY(sp_gpu_floats_reserve(lane, &lane->per, &had, rows, heads + 1, "no memory for the gate's scores"));
  lane->scores = lane->per + rows * heads;
  lane->score_rows = rows;
  return STILL_OK;
}

/* Attention mass of the window's rows, layer by layer: as mass.c. */
static still_status mass_of(struct sp_lane *lane, const struct sp_watch *watch, unsigned layer) {
  const struct sp_config *c = lane->engine->config;
  const struct sp_gpu_kv *kv = &lane->kv[layer];
  size_t window = lane->record_window, from = (layer - watch->first_layer) * window * c->n_heads;
  size_t tiles = (watch->rows + SP_TILE - 1) / SP_TILE;
  struct sp_gpu_mass job = {.q = lane->record_q + from * lane->dk, .k = kv->k, .sq = lane->record_sq + from,
                            .m = lane->record_m + from,
                            .l = lane->record_l + from, .sk = kv->sk, .per = lane->per, .rows = (uint32_t)watch->rows,
                            .window = (uint32_t)window, .window_from = (uint32_t)watch->window_from, .cap = (uint32_t)kv->rows,
                            .heads = c->n_heads, .kv_heads = c->n_kv_heads};
  struct sp_gpu_mass_mean mean = {.per = lane->per, .scores = lane->scores, .rows = job.rows, .heads = c->n_heads,
                                  .scale = 1.0f / (float)(window * c->n_heads), .first = layer == watch->first_layer};
  SP_TRY(sp_lane_launch(lane, SP_GPU_MASS(lane->dk), &job, tiles, c->n_heads));
  return sp_lane_launch(lane, SP_GPU_sp_gpu_mass_rows, &mean, tiles, 1);
}

static still_status scores_of(struct sp_lane *lane, const struct sp_watch *watch, float *out) {
  enum sp_sum sum = watch->later ? SP_SUM_LATER : watch->block ? SP_SUM_BLOCK : SP_SUM_DELTA;
  if (!watch->query) return sp_lane_get(lane, out, lane->sum[sum], watch->rows * sizeof *out);
  SP_TRY(reserve_scores(lane, watch->rows));
  for (unsigned l = watch->first_layer; l <= watch->layer; l++) SP_TRY(mass_of(lane, watch, l));
  return sp_lane_get(lane, out, lane->scores, watch->rows * sizeof *out);
}

static still_status scores(struct sp_lane *lane, const struct sp_watch *watch, float *out) {
  SP_TRY(enter(lane));
  return leave(lane, scores_of(lane, watch, out));
}

/* ---- states --------------------------------------------------------------------------------------------------------------- */

struct image { /* rows on their way to a file or from it */
  const struct sp_image *image;
  size_t at, n;
  bool restore;
  uint8_t *bytes; /* device [n][row_bytes] */
};

static still_status move_floats(struct sp_lane *lane, const struct image *i, float *floats, uint8_t *file, size_t n) {
  return i->restore ? sp_lane_copy(lane, floats, file, n * sizeof(float)) : sp_lane_copy(lane, file, floats, n * sizeof(float));
}

static still_status move_parked(struct sp_lane *lane, const struct image *i, size_t r) {
  size_t e = lane->engine->config->n_embd, row = i->at + r;
  uint8_t *file = i->bytes + r * i->image->row_bytes;
  SP_TRY(move_floats(lane, i, lane->park[0] + row * e, file, e));
  SP_TRY(move_floats(lane, i, lane->sum[SP_SUM_DELTA] + row, file + 4 * e, 1));
  return i->image->block ? move_floats(lane, i, lane->sum[SP_SUM_BLOCK] + row, file + 4 * e + 4, 1) : STILL_OK;
}

static still_status move_rows(struct sp_lane *lane, const struct image *i) {
  const struct sp_config *c = lane->engine->config;
  size_t parked = i->image->parked ? 4 * (size_t)c->n_embd + (i->image->block ? 8 : 4) : 0;
  for (size_t r = 0; parked && r < i->n; r++) SP_TRY(move_parked(lane, i, r));
  if (lane->listed != lane->memory)
    SP_TRY(sp_lane_put(lane, lane->lists, lane->kv, c->n_layers * sizeof *lane->lists));
  lane->listed = lane->memory;
  struct sp_gpu_image job = {.kv = lane->lists + i->image->first, .bytes = i->bytes + parked, .stride = i->image->row_bytes,
                             .layer = sp_kv_image_bytes(c, false), .n = (uint32_t)i->n, .at = (uint32_t)i->at,
                             .kv_heads = c->n_kv_heads, .d = c->head_dim, .dk = (uint32_t)lane->dk, .restore = i->restore};
  size_t blocks = sp_lane_blocks(i->n * c->n_kv_heads);
  return sp_lane_launch(lane, SP_GPU_sp_gpu_image_rows, &job, blocks, i->image->layers - i->image->first);
}

/* Through a copy on the device, in which the rows stand as in the file. */
static still_status move_image(struct sp_lane *lane, struct image *i, uint8_t *to, const uint8_t *from) {
  size_t bytes = i->n * i->image->row_bytes;
  void *memory;
  SP_TRY(sp_lane_status(lane, sp_gpu_alloc(&lane->model->gpu, &memory, bytes), "no memory for rows of a state"));
  i->bytes = memory;
  still_status status = from ? sp_lane_put(lane, memory, from, bytes) : STILL_OK;
  if (status == STILL_OK) status = move_rows(lane, i);
  if (status == STILL_OK) status = to ? sp_lane_get(lane, to, memory, bytes) : sp_lane_sync(lane);
  sp_gpu_free(&lane->model->gpu, memory);
  return status;
}

static still_status save(struct sp_lane *lane, const struct sp_image *image, size_t at, size_t n, uint8_t *bytes) {
  SP_TRY(enter(lane));
  return leave(lane, move_image(lane, &(struct image){.image = image, .at = at, .n = n}, bytes, NULL));
}

static still_status restore_rows(struct sp_lane *lane, const struct sp_image *image, size_t at, size_t n, const uint8_t *bytes) {
  static const char what[] = "no memory for the gate's scores";
  size_t *rows = lane->sum_rows;
  if (image->parked)
    SP_TRY(sp_gpu_floats_reserve(lane, &lane->sum[SP_SUM_DELTA], &rows[SP_SUM_DELTA], image->rows, 1, what));
  if (image->block)
    SP_TRY(sp_gpu_floats_reserve(lane, &lane->sum[SP_SUM_BLOCK], &rows[SP_SUM_BLOCK], image->rows, 1, what));
  return move_image(lane, &(struct image){.image = image, .at = at, .n = n, .restore = true}, NULL, bytes);
}

static still_status restore(struct sp_lane *lane, const struct sp_image *image, size_t at, size_t n, const uint8_t *bytes) {
  SP_TRY(enter(lane));
  return leave(lane, restore_rows(lane, image, at, n, bytes));
}

/* ---- rows to another place --------------------------------------------------------------------------------------------- */

/* Through a copy as well, in pieces, from the end at which nothing is overwritten that is yet to move. */
static still_status move_lists(struct sp_lane *lane, struct image *i, size_t at, size_t n, size_t to) {
  for (size_t done = 0; done < n; done += i->n) {
    i->n = n - done < SP_GPU_MOVED ? n - done : SP_GPU_MOVED;
    size_t first = to < at ? done : n - done - i->n;
    i->at = at + first, i->restore = false;
    SP_TRY(move_rows(lane, i));
    i->at = to + first, i->restore = true;
    SP_TRY(move_rows(lane, i));
  }
  return STILL_OK;
}

static still_status move(struct sp_lane *lane, unsigned first, unsigned last, size_t at, size_t n, size_t to) {
  size_t row = (last - first) * sp_kv_image_bytes(lane->engine->config, false);
  struct sp_image image = {.first = first, .layers = last, .row_bytes = row};
  SP_TRY(enter(lane));
  return leave(lane, move_lists(lane, &(struct image){.image = &image, .bytes = lane->moved}, at, n, to));
}

/* ---- the probe ------------------------------------------------------------------------------------------------------------ */

/* Sums of layers [from, to): down from where they are on the device, [3][n_layers][n_kv_heads][head_dim]. */
static still_status get_sums(struct sp_lane *lane, unsigned from, unsigned to, struct sp_probe_sums *sums) {
  const struct sp_config *c = lane->engine->config;
  size_t layer = (size_t)c->n_kv_heads * c->head_dim, all = c->n_layers * layer, n = (to - from) * layer * sizeof(float);
  SP_TRY(sp_lane_get(lane, sums->key + from * layer, lane->probe + from * layer, n));
  SP_TRY(sp_lane_get(lane, sums->key_squared + from * layer, lane->probe + all + from * layer, n));
  return sp_lane_get(lane, sums->query_squared + from * layer, lane->probe + 2 * all + from * layer, n);
}

static still_status run_probe(struct sp_lane *lane, const struct sp_pass *pass, struct sp_probe_sums *sums) {
  const struct sp_config *c = lane->engine->config;
  size_t bytes = 3 * (size_t)c->n_layers * c->n_kv_heads * c->head_dim * sizeof(float);
  void *memory;
  SP_TRY(sp_lane_status(lane, sp_gpu_alloc(&lane->model->gpu, &memory, bytes), "no memory for the sums of the probe"));
  lane->probe = memory; /* freed with the lane */
  SP_TRY(sp_lane_status(lane, sp_gpu_fill(&lane->model->gpu, lane->stream, memory, 0, bytes), "memory could not be cleared"));
  SP_TRY(run_layers(lane, pass));
  return get_sums(lane, pass->from / 2, pass->to / 2, sums);
}

static still_status probe(struct sp_lane *lane, const struct sp_pass *pass, struct sp_probe_sums *sums) {
  SP_TRY(enter(lane));
  return leave(lane, run_probe(lane, pass, sums));
}

/* ---- the seam ------------------------------------------------------------------------------------------------------------- */

still_status sp_cuda_reserve_fetch(struct sp_lane *lane, size_t rows) {
  size_t bytes = rows * lane->engine->config->n_embd * sizeof *lane->landing;
  void *memory;
  SP_TRY(enter(lane));
  int error = sp_gpu_host_alloc(&lane->model->gpu, &memory, bytes);
  lane->landing = memory;
  return leave(lane, sp_lane_status(lane, error, "no memory for rows that come from it"));
}

static still_status fetch(struct sp_lane *lane) {
  SP_TRY(sp_gpu_check_bad(lane));
  return sp_lane_get(lane, lane->landing, lane->x, lane->n * lane->engine->config->n_embd * sizeof *lane->landing);
}

still_status sp_cuda_fetch(struct sp_lane *lane, const float **x) {
  SP_TRY(enter(lane));
  *x = lane->landing;
  return leave(lane, fetch(lane));
}

const struct sp_backend sp_backend_cuda = {
    .name = "cuda",
    .begin = begin,
    .end = end,
    .rows = rows_of,
    .reserve = reserve,
    .reserve_park = reserve_park,
    .load = load,
    .take = take,
    .put = put,
    .run = run,
    .step = step,
    .scores = scores,
    .logits = logits,
    .save = save,
    .restore = restore,
    .move = move,
    .probe = probe,
};
