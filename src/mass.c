/*
 * mass.c - the attention mass, a tile of 128 keys a task.
 *
 * In:       struct sp_record, struct sp_kv.  Out: scores.
 * Not here: the sum over one head's rows (the mass kernel).
 *
 * Order, fixed: rows of the window, then query heads, then times 1 / (W' H), then the maximum over the layers. Lanes are the rows
 * of a head or, of a window of one row, the heads that share keys.
 */
#include "mass.h"

#include <math.h>
#include <string.h>

/* The window's queries, packed in lanes: call c of layer i has heads [c * heads, (c + 1) * heads), in its lanes their rows. */
struct queries {
  size_t heads, groups; /* of a call; heads > 1 only for a window of one row */
  uint8_t *q;
  float *sq, *m, *l;
};

struct mass {
  struct sp_work *work;
  const struct sp_watch *watch;
  struct queries packed;
  uint32_t *limits; /* per thread: [groups][16] */
  float *scores;
};

static size_t lanes(const struct queries *p) { return p->groups * SP_LANES; }

static void pack(struct mass *job) {
  struct sp_work *w = job->work;
  const struct sp_record *r = &w->record;
  struct queries *p = &job->packed;
  size_t heads = w->engine->config->n_heads, dk = sp_round_up(w->engine->config->head_dim, 64);
  size_t calls = heads / p->heads, layers = job->watch->layer - job->watch->first_layer + 1;
  memset(p->q, w->engine->kernels->query_flip, layers * calls * lanes(p) * dk);
  for (size_t i = 0; i < layers * calls * lanes(p); i++) {
    size_t lane = i % lanes(p), layer = i / lanes(p) / calls, call = i / lanes(p) % calls;
    size_t row = lane / p->heads, head = call * p->heads + lane % p->heads;
    bool used = row < r->window;
    size_t from = (layer * r->window + row) * heads + head;
    p->sq[i] = used ? r->sq[from] : 0;
    p->m[i] = used ? r->m[from] : 0;
    p->l[i] = used ? r->l[from] : 1;
    uint8_t *to = p->q + (i - i % SP_LANES) * dk + i % SP_LANES * 4;
    for (size_t e = 0; used && e < dk; e += 4) memcpy(to + e * SP_LANES, r->q + from * dk + e, 4);
  }
}

/* Adds one layer's mass on the 128 keys of a tile into total. */
static void add_layer(const struct mass *job, size_t layer, size_t tile, const uint32_t *limit, float *total) {
  struct sp_work *w = job->work;
  const struct sp_config *c = w->engine->config;
  const struct queries *p = &job->packed;
  const struct sp_kv *kv = &w->kv[job->watch->first_layer + layer];
  for (size_t h = 0; h < c->n_heads; h += p->heads) {
    size_t kv_head = h / (c->n_heads / c->n_kv_heads), row = kv_head * kv->rows + tile * SP_TILE,
           at = (layer * c->n_heads + h) / p->heads * lanes(p);
    w->engine->kernels->mass(&(struct sp_mass){.k = kv->k + row * kv->dk, .sk = kv->sk + row, .ksum = kv->ksum + row, .d = kv->d,
                                               .groups = p->groups, .q = p->q + at * kv->dk, .sq = p->sq + at, .m = p->m + at,
                                               .l = p->l + at, .limit = limit, .total = total, .heads = p->heads > 1});
  }
}

static void score_tile(void *arg, size_t tile, int thread) {
  const struct mass *job = arg;
  const struct sp_watch *watch = job->watch;
  const struct sp_config *c = job->work->engine->config;
  uint32_t *limit = job->limits + (size_t)thread * lanes(&job->packed);
  size_t window = job->work->record.window, left = watch->rows - tile * SP_TILE, n = left < SP_TILE ? left : SP_TILE;
  for (size_t i = 0; i < lanes(&job->packed); i++) {
    size_t at = i / job->packed.heads, sees = watch->window_from + at + 1; /* keys, counted from the start of the list */
    sees = at >= window || sees <= tile * SP_TILE ? 0 : sees - tile * SP_TILE;
    limit[i] = (uint32_t)(sees < SP_TILE ? sees : SP_TILE);
  }
  float scale = 1.0f / (float)(window * c->n_heads);
  for (size_t layer = 0; layer <= watch->layer - watch->first_layer; layer++) {
    float total[SP_TILE] = {0};
    add_layer(job, layer, tile, limit, total);
    for (size_t j = 0; j < n; j++) {
      float *score = &job->scores[tile * SP_TILE + j], mean = total[j] * scale;
      *score = layer == 0 || mean > *score ? mean : *score;
    }
  }
}

/* The float path: the same quantities from fp32 queries and keys, one key after another. */
static void score_tile_float(void *arg, size_t tile, int thread) {
  (void)thread;
  const struct mass *job = arg;
  struct sp_work *w = job->work;
  const struct sp_config *c = w->engine->config;
  const struct sp_watch *watch = job->watch;
  const struct sp_record *r = &w->record;
  size_t d = c->head_dim, per = c->n_heads / c->n_kv_heads;
  float scale = (float)(1.4426950408889634 / sqrt((double)d)), mean = 1.0f / (float)(r->window * c->n_heads);
  for (size_t j = tile * SP_TILE; j < (tile + 1) * SP_TILE && j < watch->rows; j++) {
    job->scores[j] = 0;
    for (size_t layer = watch->first_layer; layer <= watch->layer; layer++) {
      const struct sp_kv *kv = &w->kv[layer];
      float total = 0;
      for (size_t i = j < watch->window_from ? 0 : j - watch->window_from; i < r->window; i++)
        for (size_t h = 0; h < c->n_heads; h++) {
          size_t at = ((layer - watch->first_layer) * r->window + i) * c->n_heads + h;
          const float *q = r->fq + at * d, *k = kv->fk + (h / per * kv->rows + j) * d;
          float dot = 0, p;
          for (size_t e = 0; e < d; e++) dot += q[e] * k[e];
          p = dot * scale - r->m[at];
          w->engine->kernels->exp2(&p, &p, 1);
          total += p / r->l[at];
        }
      job->scores[j] = total * mean > job->scores[j] ? total * mean : job->scores[j];
    }
  }
}

still_status sp_mass(struct sp_work *w, const struct sp_watch *watch, float *scores) {
  const struct sp_config *c = w->engine->config;
  const struct sp_team *team = &w->engine->weights->team;
  struct mass job = {.work = w, .watch = watch, .scores = scores};
  size_t tiles = (watch->rows + SP_TILE - 1) / SP_TILE;
  if (w->float_path) return sp_team_run(team, w->ctx, tiles, score_tile_float, &job);
  struct queries *p = &job.packed;
  p->heads = w->record.window == 1 ? c->n_heads / c->n_kv_heads : 1;
  p->groups = (w->record.window * p->heads + SP_LANES - 1) / SP_LANES;
  size_t calls = (watch->layer - watch->first_layer + 1) * c->n_heads / p->heads;
  size_t all = calls * lanes(p), dk = sp_round_up(c->head_dim, 64);
  size_t limits = (size_t)team->threads * lanes(p);
  p->q = sp_alloc(w->ctx, all, dk, "the gate's queries");
  p->sq = sp_alloc(w->ctx, all, 3 * sizeof(float), "the gate's queries");
  job.limits = sp_alloc(w->ctx, limits, sizeof(uint32_t), "the gate's queries");
  still_status status = p->q && p->sq && job.limits ? STILL_OK : STILL_ENOMEM;
  if (status == STILL_OK) {
    p->m = p->sq + all;
    p->l = p->m + all;
    pack(&job);
    sp_count(w->engine, SP_SLOT_mass, tiles * calls);
    status = sp_team_run(team, w->ctx, tiles, score_tile, &job);
  }
  sp_free(w->ctx, p->q, all, dk);
  sp_free(w->ctx, p->sq, all, 3 * sizeof(float));
  sp_free(w->ctx, job.limits, limits, sizeof(uint32_t));
  return status;
}
