/*
 * work.c - allocates the working memory of a session from one list of buffers.
 *
 * In:       config, rows of a chunk.  Out: struct sp_work.
 * Not here: what the buffers are used for.
 */
#include "work.h"

#include <string.h>

#include "numa.h"

struct buffer {
  void **at;
  size_t count, size;
};

enum { MOST_BUFFERS = 32 };

static size_t scratch_bytes(const struct sp_config *c) {
  size_t longest = c->n_ff > c->n_embd ? c->n_ff : c->n_embd, heads = (size_t)c->n_heads * c->head_dim;
  longest = longest > heads ? longest : heads;
  size_t lanes = (size_t)c->n_heads / c->n_kv_heads * SP_LANES; /* of a KV head's queries: outputs, and where they go */
  size_t group = lanes * (sp_round_up(c->head_dim, 16) * sizeof(float) + sizeof(float *));
  size_t need = 2 * SP_FFN_ROWS * SP_FFN_COLS;
  need = (need > longest ? need : longest) * sizeof(float);
  need = need > group ? need : group;
  return sp_round_up(need, 4096) +
         SP_ALIGN; /* not a multiple of 4 KiB: threads' scratch would share cache sets */
}

size_t sp_input_stride(size_t k) { return sp_round_up(k, SP_PANEL_DEPTH) | SP_PANEL_DEPTH; }

static size_t input_buffers(struct sp_input *in, struct buffer *b) {
  size_t n = 0;
  if (in->path == SP_PATH_PANEL) {
    b[n++] = (struct buffer){(void **)&in->q, in->cap, sp_input_stride(in->k_most)};
    b[n++] = (struct buffer){(void **)&in->scale, in->cap, sizeof(float)};
    return n;
  }
  b[n++] = (struct buffer){(void **)&in->x, in->cap * in->k_most, sizeof(float)};
  if (in->path == SP_PATH_FLOAT) return n;
  b[n++] = (struct buffer){(void **)&in->act, in->cap, sizeof(struct sp_act)};
  b[n++] = (struct buffer){(void **)&in->act_q, in->cap, in->k_most};
  b[n++] = (struct buffer){(void **)&in->act_d, in->cap * in->k_most / 32, sizeof(float)};
  b[n++] = (struct buffer){(void **)&in->act_sum, in->cap * in->k_most / 16, sizeof(int16_t)};
  return n;
}

/* Every buffer whose size the config and the chunk decide. */
static size_t buffers(struct sp_work *w, const struct sp_config *c, size_t threads, struct buffer b[MOST_BUFFERS]) {
  size_t blocks = sp_work_blocks(w->cap), groups = blocks * c->n_heads, dk = sp_round_up(c->head_dim, 64), n = 0;
  size_t qkv = (size_t)(c->n_heads + 2 * c->n_kv_heads) * c->head_dim;
  b[n++] = (struct buffer){(void **)&w->block, blocks, sizeof *w->block};
  b[n++] = (struct buffer){(void **)&w->x, w->cap * c->n_embd, sizeof(float)};
  b[n++] = (struct buffer){(void **)&w->position, w->cap, sizeof(uint32_t)};
  b[n++] = (struct buffer){(void **)&w->qkv, w->cap * qkv, sizeof(float)};
  b[n++] = (struct buffer){(void **)&w->heads, w->cap * c->n_heads * c->head_dim, sizeof(float)};
  b[n++] = (struct buffer){(void **)&w->u, w->cap * c->n_embd, sizeof(float)};
  b[n++] = (struct buffer){(void **)&w->f, w->cap * c->n_embd, sizeof(float)};
  b[n++] = (struct buffer){(void **)&w->h, w->cap * c->n_ff, sizeof(float)};
  b[n++] = (struct buffer){(void **)&w->packed, groups * SP_LANES, w->float_path ? 0 : dk};
  b[n++] = (struct buffer){(void **)&w->sq, groups * SP_LANES, sizeof(float)};
  b[n++] = (struct buffer){(void **)&w->m, groups * SP_LANES, sizeof(float)};
  b[n++] = (struct buffer){(void **)&w->l, groups * SP_LANES, sizeof(float)};
  b[n++] = (struct buffer){(void **)&w->limit, groups * SP_LANES, sizeof(uint32_t)};
  b[n++] = (struct buffer){(void **)&w->thread, threads, w->thread_stride};
  b[n++] = (struct buffer){(void **)&w->kv, c->n_layers, sizeof *w->kv};
  n += input_buffers(&w->chunk, b + n);
  return n + input_buffers(&w->row, b + n);
}

static void lay_out(struct sp_work *w, const struct sp_config *c, bool float_path, size_t chunk) {
  size_t heads = (size_t)c->n_heads * c->head_dim, longest = c->n_ff > c->n_embd ? c->n_ff : c->n_embd;
  longest = longest > heads ? longest : heads;
  w->float_path = float_path;
  w->cap = chunk;
  w->thread_stride = scratch_bytes(c);
  w->chunk = (struct sp_input){.path = float_path ? SP_PATH_FLOAT : SP_PATH_PANEL, .cap = chunk, .k_most = longest};
  w->row = (struct sp_input){.path = float_path ? SP_PATH_FLOAT : SP_PATH_FILE, .cap = SP_FILE_ROWS,
                             .k_most = sp_round_up(longest, 256)};
}

uint64_t sp_work_bytes(const struct sp_config *config, bool float_path, size_t chunk, size_t threads) {
  struct sp_work w = {0};
  struct buffer b[MOST_BUFFERS];
  lay_out(&w, config, float_path, chunk);
  uint64_t bytes = 0;
  for (size_t i = 0, n = buffers(&w, config, threads, b); i < n; i++) bytes += (uint64_t)b[i].count * b[i].size;
  return bytes;
}

still_status sp_work_open(struct sp_work *w, struct sp_engine *engine, struct sp_ctx *ctx, size_t chunk) {
  const struct sp_config *c = engine->config;
  struct buffer b[MOST_BUFFERS];
  memset(w, 0, sizeof *w);
  w->engine = engine;
  w->ctx = ctx;
  atomic_init(&w->bad, SIZE_MAX);
  lay_out(w, c, engine->weights->float_path, chunk);
  for (size_t i = 0, n = buffers(w, c, (size_t)engine->weights->team.threads, b); i < n; i++) {
    *b[i].at = sp_alloc(ctx, b[i].count, b[i].size, "the working rows of a chunk");
    if (!*b[i].at) {
      sp_work_close(w);
      return STILL_ENOMEM;
    }
    sp_numa_split(&engine->weights->team.place, *b[i].at, b[i].count * b[i].size, 0, b[i].count, b[i].count);
    memset(*b[i].at, 0, b[i].count * b[i].size);
  }
  for (unsigned i = 0; i < c->n_layers; i++) sp_kv_init(&w->kv[i], c, w->float_path);
  return STILL_OK;
}

void sp_work_place(struct sp_work *w, size_t at, const uint32_t *place) {
  size_t before = 0;
  w->n_blocks = 0;
  for (size_t i = 0; i < w->n; i++) {
    size_t list = place ? place[i] : at + i;
    if (i == 0 || sp_begins_block(list, before)) w->block[w->n_blocks++] = (struct sp_block){.first = i, .list = list};
    w->block[w->n_blocks - 1].rows++;
    before = list;
  }
}

static void free_record(struct sp_work *w) {
  struct sp_record *r = &w->record;
  const struct sp_config *c = w->engine->config;
  size_t rows = r->layers * r->window * c->n_heads;
  sp_free(w->ctx, r->q, rows, sp_round_up(c->head_dim, 64));
  sp_free(w->ctx, r->fq, rows * c->head_dim, sizeof(float));
  sp_free(w->ctx, r->sq, rows, sizeof(float));
  sp_free(w->ctx, r->m, rows, sizeof(float));
  sp_free(w->ctx, r->l, rows, sizeof(float));
  r->q = NULL, r->fq = r->sq = r->m = r->l = NULL;
  r->layers = r->window = 0;
}

void sp_work_close(struct sp_work *w) {
  if (!w->engine) return;
  const struct sp_config *c = w->engine->config;
  struct buffer b[MOST_BUFFERS];
  for (unsigned i = 0; w->kv && i < c->n_layers; i++) sp_kv_free(w->ctx, &w->kv[i]);
  sp_rope_free(w->ctx, &w->rope);
  free_record(w);
  for (int i = 0; i < SP_SUMS; i++) sp_free(w->ctx, w->record.sum[i], w->record.sum_cap[i], sizeof(float));
  for (size_t i = 0, n = buffers(w, c, (size_t)w->engine->weights->team.threads, b); i < n; i++)
    sp_free(w->ctx, *b[i].at, b[i].count, b[i].size);
  memset(w, 0, sizeof *w);
}

still_status sp_sum_reserve(struct sp_work *w, enum sp_sum which, size_t rows) {
  struct sp_record *r = &w->record;
  size_t cap = r->sum_cap[which];
  if (rows <= cap) return STILL_OK;
  float *sum = sp_alloc(w->ctx, rows, sizeof *sum, "the gate's scores");
  if (!sum) return STILL_ENOMEM;
  if (r->sum[which]) memcpy(sum, r->sum[which], cap * sizeof *sum);
  sp_free(w->ctx, r->sum[which], cap, sizeof *sum);
  r->sum[which] = sum;
  r->sum_cap[which] = rows;
  return STILL_OK;
}

still_status sp_record_reserve(struct sp_work *w, const struct sp_watch *watch) {
  struct sp_record *r = &w->record;
  const struct sp_config *c = w->engine->config;
  if (watch->delta) SP_TRY(sp_sum_reserve(w, watch->later ? SP_SUM_LATER : SP_SUM_DELTA, watch->rows));
  if (watch->block) SP_TRY(sp_sum_reserve(w, watch->later ? SP_SUM_LATER : SP_SUM_BLOCK, watch->rows));
  size_t layers = watch->layer - watch->first_layer + 1, window = watch->rows - watch->window_from;
  if (!watch->query || (layers <= r->layers && window == r->window)) return STILL_OK;
  free_record(w);
  r->layers = layers;
  r->window = window;
  size_t rows = layers * window * c->n_heads;
  if (w->float_path)
    r->fq = sp_alloc(w->ctx, rows * c->head_dim, sizeof(float), "the gate's queries");
  else
    r->q = sp_alloc(w->ctx, rows, sp_round_up(c->head_dim, 64), "the gate's queries");
  r->sq = sp_alloc(w->ctx, rows, sizeof(float), "the gate's queries");
  r->m = sp_alloc(w->ctx, rows, sizeof(float), "the gate's queries");
  r->l = sp_alloc(w->ctx, rows, sizeof(float), "the gate's queries");
  if ((r->q || r->fq) && r->sq && r->m && r->l) return STILL_OK;
  free_record(w);
  return STILL_ENOMEM;
}

void sp_work_bad(struct sp_work *w, size_t row) {
  size_t seen = atomic_load(&w->bad);
  while (row < seen && !atomic_compare_exchange_weak(&w->bad, &seen, row)) continue;
}

still_status sp_work_check(struct sp_work *w, unsigned layer, const char *where) {
  size_t row = atomic_exchange(&w->bad, SIZE_MAX);
  if (row == SIZE_MAX) return STILL_OK;
  return sp_fail(&w->ctx->error, STILL_ENUMERIC,
                 "layer %u: the input of %s of the token at position %u is not finite; the model file "
                 "may be damaged",
                 layer, where, w->position[row]);
}
