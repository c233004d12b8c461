/*
 * backend_split.c - a model that the GPU holds in part: its layers below a seam run there, those above it on the CPU.
 *
 * In:       verbs, the two other backends.  Out: each verb on the side where its layers are; rows cross the seam once, upwards.
 * Not here: where the seam is (gpu_plan.c), what either side does.
 *
 * While the CPU has a chunk, the GPU has the next one. Decoded rows have the sides take turns.
 */
#include "backend_split.h"

#include <string.h>

#include "backend_cuda.h"
#include "gpu_model.h"

struct rows { /* a chunk */
  size_t n;
  bool above;                   /* it is on the CPU */
  uint32_t *position;           /* [cap] */
};

struct sp_lane {
  struct sp_lane *gpu, *cpu;    /* lanes of the other two */
  struct sp_engine *engine;
  struct sp_ctx *ctx;
  unsigned seam;                /* layers [0, seam) are the GPU's */
  size_t cap;                   /* rows of a chunk at the most */
  struct rows own, next;        /* which runs; which has come already */
  bool ahead, begun;            /* what comes is the next one; it runs on the GPU */
  uint8_t *side[SP_PARKS];      /* [park_rows] 1: this row waits on the CPU */
  size_t park_rows[SP_PARKS];
};

static const struct sp_backend *const gpu = &sp_backend_cuda, *const cpu = &sp_backend_cpu;

static void end(struct sp_lane *lane) {
  if (lane->gpu) gpu->end(lane->gpu);
  if (lane->cpu) cpu->end(lane->cpu);
  for (int i = 0; i < SP_PARKS; i++) sp_free(lane->ctx, lane->side[i], lane->park_rows[i], 1);
  sp_free(lane->ctx, lane->own.position, lane->cap, sizeof(uint32_t));
  sp_free(lane->ctx, lane->next.position, lane->cap, sizeof(uint32_t));
  sp_free(lane->ctx, lane, 1, sizeof *lane);
}

static still_status open_sides(struct sp_lane *lane, size_t chunk, size_t most) {
  SP_TRY(gpu->begin(lane->engine, lane->ctx, chunk, most, &lane->gpu));
  SP_TRY(cpu->begin(lane->engine, lane->ctx, chunk, most, &lane->cpu));
  SP_TRY(sp_cuda_reserve_fetch(lane->gpu, cpu->rows(lane->cpu, 0)));
  lane->cap = gpu->rows(lane->gpu, 0);
  lane->own.position = sp_alloc(lane->ctx, lane->cap, sizeof(uint32_t), "a session");
  lane->next.position = sp_alloc(lane->ctx, lane->cap, sizeof(uint32_t), "a session");
  return lane->own.position && lane->next.position ? STILL_OK : STILL_ENOMEM;
}

static still_status begin(struct sp_engine *engine, struct sp_ctx *ctx, size_t chunk, size_t most, struct sp_lane **out) {
  struct sp_lane *lane = sp_calloc(ctx, 1, sizeof *lane, "a session");
  if (!lane) return STILL_ENOMEM;
  lane->engine = engine, lane->ctx = ctx, lane->seam = engine->gpu->seam;
  still_status status = open_sides(lane, chunk, most);
  if (status == STILL_OK)
    *out = lane;
  else
    end(lane);
  return status;
}

/* As many as the GPU takes where all of them wait below the seam. */
static size_t rows_of(const struct sp_lane *lane, unsigned to) {
  return to < 2 * lane->seam ? gpu->rows(lane->gpu, to) : cpu->rows(lane->cpu, to);
}

static still_status reserve(struct sp_lane *lane, unsigned first, unsigned last, size_t rows, size_t positions) {
  unsigned seam = lane->seam;
  if (first < seam) SP_TRY(gpu->reserve(lane->gpu, first, last < seam ? last : seam, rows, positions));
  return last > seam ? cpu->reserve(lane->cpu, first > seam ? first : seam, last, rows, positions) : STILL_OK;
}

/* ---- chunks, and rows that wait: on the side where they are put down ---------------------------------------------------- */

/* The rows themselves get their room on the side where the first of them is put down. */
static still_status reserve_park(struct sp_lane *lane, unsigned park, size_t rows) {
  if (rows <= lane->park_rows[park]) return STILL_OK;
  uint8_t *side = sp_alloc(lane->ctx, rows, 1, "the parked rows");
  if (!side) return STILL_ENOMEM;
  if (lane->side[park]) memcpy(side, lane->side[park], lane->park_rows[park]);
  sp_free(lane->ctx, lane->side[park], lane->park_rows[park], 1);
  lane->side[park] = side;
  lane->park_rows[park] = rows;
  return STILL_OK;
}

static still_status make_room(struct sp_lane *lane, unsigned park, bool above) {
  size_t rows = lane->park_rows[park];
  return above ? cpu->reserve_park(lane->cpu, park, rows) : gpu->reserve_park(lane->gpu, park, rows);
}

/* Which chunk comes. One that began early, and whose turn never came, is forgotten. */
static struct rows *coming(struct sp_lane *lane, size_t n, bool above) {
  struct rows *rows = lane->ahead ? &lane->next : &lane->own;
  lane->begun = false;
  rows->n = n;
  rows->above = above;
  return rows;
}

static still_status load(struct sp_lane *lane, const still_token *tokens, size_t position, size_t n) {
  struct rows *rows = coming(lane, n, false);
  for (size_t i = 0; i < n; i++) rows->position[i] = (uint32_t)(position + i);
  return gpu->load(lane->gpu, tokens, position, n);
}

/* Rows of one chunk wait on one side: a stage moves its list in order, and each chunk as a whole. */
static still_status take(struct sp_lane *lane, unsigned park, const uint32_t *index, const uint32_t *position, size_t n) {
  struct rows *rows = coming(lane, n, lane->side[park][index[0]]);
  memcpy(rows->position, position, n * sizeof *position);
  return rows->above ? cpu->take(lane->cpu, park, index, position, n) : gpu->take(lane->gpu, park, index, position, n);
}

static still_status put(struct sp_lane *lane, unsigned park, size_t at) {
  SP_TRY(make_room(lane, park, lane->own.above));
  memset(lane->side[park] + at, lane->own.above, lane->own.n);
  return lane->own.above ? cpu->put(lane->cpu, park, at) : gpu->put(lane->gpu, park, at);
}

static still_status cross(struct sp_lane *lane) {
  if (lane->own.above) return STILL_OK;
  const float *x;
  lane->own.above = true;
  SP_TRY(sp_cuda_fetch(lane->gpu, &x));
  return sp_cpu_chunk(lane->cpu, x, lane->own.position, lane->own.n);
}

/* ---- layers ---------------------------------------------------------------------------------------------------------------- */

/* What either side records of what a gate looks at; false: nothing. Sums belong to the gate's own layer, queries to several. */
static bool watch_below(const struct sp_lane *lane, const struct sp_watch *watch, struct sp_watch *below) {
  *below = *watch;
  if (watch->layer < lane->seam) return true;
  below->layer = lane->seam - 1;
  below->delta = below->block = false;
  return watch->query && watch->first_layer < lane->seam;
}

static bool watch_above(const struct sp_lane *lane, const struct sp_watch *watch, struct sp_watch *above) {
  *above = *watch;
  if (above->first_layer < lane->seam) above->first_layer = lane->seam;
  return watch->layer >= lane->seam;
}

struct crossing { /* a pass in two; a side whose range is empty has none of it */
  struct sp_pass below, above;
  struct sp_watch watch[2];
};

static void divide(const struct sp_lane *lane, const struct sp_pass *pass, struct crossing *c) {
  unsigned seam = 2 * lane->seam;
  c->below = c->above = *pass;
  if (c->below.to > seam) c->below.to = seam;
  if (c->above.from < seam) c->above.from = seam;
  if (pass->from < seam && pass->to > seam) c->above.done += pass->worth * (lane->seam - pass->from / 2);
  if (!pass->watch) return;
  c->below.watch = watch_below(lane, pass->watch, &c->watch[0]) ? &c->watch[0] : NULL;
  c->above.watch = watch_above(lane, pass->watch, &c->watch[1]) ? &c->watch[1] : NULL;
}

static bool has_rows(const struct sp_pass *pass) { return pass->from < pass->to; }

static still_status run_below(struct sp_lane *lane, const struct sp_pass *below) {
  struct rows rows = lane->own;
  if (!lane->begun) return gpu->run(lane->gpu, below);
  lane->begun = false;
  lane->own = lane->next;
  lane->next = rows;
  return sp_cuda_end(lane->gpu, below);
}

/* The next chunk comes and begins below the seam: nothing there is this one's any more. */
static still_status look_ahead(struct sp_lane *lane, const struct sp_pass *pass, const struct sp_pass *below) {
  struct sp_pass next = *below;
  next.at += pass->worth;
  lane->ahead = true;
  still_status status = pass->next(pass->arg);
  lane->ahead = false;
  if (status == STILL_OK) status = sp_cuda_begin(lane->gpu, &next);
  lane->begun = status == STILL_OK;
  return status;
}

static still_status run(struct sp_lane *lane, const struct sp_pass *pass) {
  struct crossing c;
  divide(lane, pass, &c);
  if (has_rows(&c.below)) SP_TRY(run_below(lane, &c.below));
  if (!has_rows(&c.above)) return STILL_OK;
  SP_TRY(cross(lane));
  if (has_rows(&c.below) && pass->next) SP_TRY(look_ahead(lane, pass, &c.below));
  return cpu->run(lane->cpu, &c.above);
}

static still_status step(struct sp_lane *lane, const struct sp_pass *pass) {
  struct crossing c;
  divide(lane, pass, &c);
  if (has_rows(&c.below)) SP_TRY(gpu->step(lane->gpu, &c.below));
  if (!has_rows(&c.above)) return STILL_OK;
  SP_TRY(cross(lane));
  return cpu->step(lane->cpu, &c.above);
}

static still_status logits(struct sp_lane *lane, size_t first, size_t n, float *out) {
  return cpu->logits(lane->cpu, first, n, out); /* the last layer is above any seam */
}

/* The mass of a gate whose layers lie on both sides: the maximum over all of them, as either side has it over its own. */
static still_status join_scores(struct sp_lane *lane, const struct sp_watch *above, float *scores) {
  float *upper = sp_alloc(lane->ctx, above->rows, sizeof *upper, "the gate's scores");
  if (!upper) return STILL_ENOMEM;
  still_status status = cpu->scores(lane->cpu, above, upper);
  for (size_t r = 0; status == STILL_OK && r < above->rows; r++)
    if (upper[r] > scores[r]) scores[r] = upper[r];
  sp_free(lane->ctx, upper, above->rows, sizeof *upper);
  return status;
}

static still_status scores(struct sp_lane *lane, const struct sp_watch *watch, float *out) {
  struct sp_watch below, above;
  bool lower = watch_below(lane, watch, &below), upper = watch_above(lane, watch, &above);
  if (lower) SP_TRY(gpu->scores(lane->gpu, &below, out));
  if (!upper) return STILL_OK;
  return lower ? join_scores(lane, &above, out) : cpu->scores(lane->cpu, &above, out);
}

static still_status probe(struct sp_lane *lane, const struct sp_pass *pass, struct sp_probe_sums *sums) {
  struct crossing c;
  divide(lane, pass, &c);
  SP_TRY(gpu->probe(lane->gpu, &c.below, sums));
  SP_TRY(cross(lane));
  return cpu->probe(lane->cpu, &c.above, sums);
}

/* ---- states: a row of the file is what is parked, the GPU's layers, the CPU's ---------------------------------------------- */

struct images { /* of rows that lie on both sides; `bytes` has the CPU's rows, then the GPU's */
  struct sp_image below, above;
  size_t parked, total; /* bytes of a row that stand before its layers; of the buffer */
  uint8_t *bytes;
};

static still_status open_images(struct sp_lane *lane, const struct sp_image *image, size_t n, struct images *i) {
  size_t layer = sp_kv_image_bytes(lane->engine->config, false);
  *i = (struct images){.below = *image, .above = *image};
  i->below.parked = i->below.block = false;
  i->below.layers = lane->seam;
  i->below.row_bytes = lane->seam * layer;
  i->above.first = lane->seam;
  i->above.row_bytes -= i->below.row_bytes;
  i->parked = image->row_bytes - image->layers * layer;
  i->total = n * image->row_bytes;
  i->bytes = sp_alloc(lane->ctx, i->total, 1, "rows of a state");
  return i->bytes ? STILL_OK : STILL_ENOMEM;
}

/* A piece of each of n rows from one spacing to another. */
static void move_piece(uint8_t *to, size_t to_row, const uint8_t *from, size_t from_row, size_t bytes, size_t n) {
  for (size_t r = 0; bytes && r < n; r++) memcpy(to + r * to_row, from + r * from_row, bytes);
}

static still_status save_both(struct sp_lane *lane, const struct images *i, size_t at, size_t n, uint8_t *out) {
  size_t row = i->above.row_bytes + i->below.row_bytes, upper = i->above.row_bytes, lower = i->below.row_bytes;
  uint8_t *below = i->bytes + n * upper;
  SP_TRY(cpu->save(lane->cpu, &i->above, at, n, i->bytes));
  SP_TRY(gpu->save(lane->gpu, &i->below, at, n, below));
  move_piece(out, row, i->bytes, upper, i->parked, n);
  move_piece(out + i->parked, row, below, lower, lower, n);
  move_piece(out + i->parked + lower, row, i->bytes + i->parked, upper, upper - i->parked, n);
  return STILL_OK;
}

static still_status restore_both(struct sp_lane *lane, const struct images *i, size_t at, size_t n, const uint8_t *in) {
  size_t row = i->above.row_bytes + i->below.row_bytes, upper = i->above.row_bytes, lower = i->below.row_bytes;
  uint8_t *below = i->bytes + n * upper;
  move_piece(i->bytes, upper, in, row, i->parked, n);
  move_piece(below, lower, in + i->parked, row, lower, n);
  move_piece(i->bytes + i->parked, upper, in + i->parked + lower, row, upper - i->parked, n);
  SP_TRY(cpu->restore(lane->cpu, &i->above, at, n, i->bytes));
  return gpu->restore(lane->gpu, &i->below, at, n, below);
}

static still_status save(struct sp_lane *lane, const struct sp_image *image, size_t at, size_t n, uint8_t *bytes) {
  struct images i;
  if (image->layers <= lane->seam) return gpu->save(lane->gpu, image, at, n, bytes);
  SP_TRY(open_images(lane, image, n, &i));
  still_status status = save_both(lane, &i, at, n, bytes);
  sp_free(lane->ctx, i.bytes, i.total, 1);
  return status;
}

static still_status restore(struct sp_lane *lane, const struct sp_image *image, size_t at, size_t n, const uint8_t *bytes) {
  struct images i;
  bool above = image->layers > lane->seam;
  if (image->parked) {
    SP_TRY(make_room(lane, 0, above));
    memset(lane->side[0] + at, above, n);
  }
  if (!above) return gpu->restore(lane->gpu, image, at, n, bytes);
  SP_TRY(open_images(lane, image, n, &i));
  still_status status = restore_both(lane, &i, at, n, bytes);
  sp_free(lane->ctx, i.bytes, i.total, 1);
  return status;
}

static still_status move(struct sp_lane *lane, unsigned first, unsigned last, size_t at, size_t n, size_t to) {
  unsigned seam = lane->seam;
  if (first < seam) SP_TRY(gpu->move(lane->gpu, first, last < seam ? last : seam, at, n, to));
  return last > seam ? cpu->move(lane->cpu, first > seam ? first : seam, last, at, n, to) : STILL_OK;
}

const struct sp_backend sp_backend_split = {
    .name = "cuda+cpu",
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
