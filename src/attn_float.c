/*
 * attn_float.c - attention of the float path: fp32, tile by tile in the order of the int8 path.
 *
 * In:       rotated queries of a block, the fp32 KV cache.  Out: rows of heads; queries, maxima and denominators for the gate.
 * Not here: any promise of equal bits (numerics, section 7).
 */
#include "attn.h"

#include <math.h>
#include <string.h>

/* One head of one block while it passes over the tiles. All arrays lie in the thread's scratch. */
struct flash {
  const struct sp_kernels *kernels;
  size_t rows, d, list;
  float *s;           /* [16][128] scores, then probabilities */
  float *part, *o;    /* [16][d] */
  float m[SP_LANES], l[SP_LANES];
};

/* Scores of a tile to probabilities; rescales what was gathered before. */
static void soften(struct flash *f, size_t tile, float scale) {
  for (size_t r = 0; r < f->rows; r++) {
    float *s = f->s + r * SP_TILE, top = f->m[r], sum = 0;
    size_t seen = f->list + r + 1 - tile * SP_TILE;
    seen = seen < SP_TILE ? seen : SP_TILE;
    for (size_t j = 0; j < seen; j++) s[j] *= scale;
    for (size_t j = 0; j < seen; j++) top = s[j] > top ? s[j] : top;
    for (size_t j = 0; j < SP_TILE; j++) s[j] = j < seen ? s[j] - top : -INFINITY;
    f->kernels->exp2(s, s, SP_TILE);
    for (size_t j = 0; j < SP_TILE; j++) sum += s[j];
    float back = f->m[r] - top;
    f->kernels->exp2(&back, &back, 1);
    f->l[r] = f->l[r] * back + sum;
    f->m[r] = top;
    for (size_t c = 0; c < f->d; c++) f->o[r * f->d + c] *= back;
  }
}

static void attend_head(struct flash *f, const struct sp_kv *kv, size_t kv_head, const float *q, size_t ldq, float scale) {
  for (size_t r = 0; r < f->rows; r++) f->m[r] = -INFINITY, f->l[r] = 0;
  memset(f->o, 0, f->rows * f->d * sizeof *f->o);
  for (size_t tile = 0; tile <= f->list / SP_TILE; tile++) {
    size_t row = kv_head * kv->rows + tile * SP_TILE;
    sp_blas_gemm(f->rows, SP_TILE, f->d, q, ldq, kv->fk + row * kv->d, kv->d, f->s, SP_TILE);
    soften(f, tile, scale);
    sp_blas_gemm(f->rows, f->d, SP_TILE, f->s, SP_TILE, kv->fv + row * kv->dv, SP_TILE, f->part, f->d);
    for (size_t i = 0; i < f->rows * f->d; i++) f->o[i] += f->part[i];
  }
}

static void record_row(struct sp_work *w, unsigned layer, size_t list, size_t head, const float *q, float m, float l) {
  const struct sp_watch *watch = &w->watch;
  if (!watch->query || layer < watch->first_layer || layer > watch->layer || list < watch->window_from) return;
  const struct sp_config *c = w->engine->config;
  size_t to = ((layer - watch->first_layer) * w->record.window + list - watch->window_from) * c->n_heads + head;
  memcpy(w->record.fq + to * c->head_dim, q, c->head_dim * sizeof *q);
  w->record.m[to] = m;
  w->record.l[to] = l;
}

void sp_attn_float(struct sp_work *w, const struct sp_block *b, unsigned layer, size_t kv_head, float *scratch) {
  const struct sp_config *c = w->engine->config;
  size_t d = c->head_dim, per = c->n_heads / c->n_kv_heads, ldq = (size_t)(c->n_heads + 2 * c->n_kv_heads) * d;
  struct flash f = {.kernels = w->engine->kernels, .rows = b->rows, .d = d, .list = b->list, .s = scratch,
                    .part = scratch + SP_LANES * SP_TILE, .o = scratch + SP_LANES * (SP_TILE + d)};
  float scale = (float)(1.4426950408889634 / sqrt((double)d));
  for (size_t h = kv_head * per; h < (kv_head + 1) * per; h++) {
    const float *q = w->qkv + b->first * ldq + h * d;
    attend_head(&f, &w->kv[layer], kv_head, q, ldq, scale);
    for (size_t r = 0; r < b->rows; r++) {
      float *to = w->heads + ((b->first + r) * c->n_heads + h) * d;
      for (size_t i = 0; i < d; i++) to[i] = f.o[r * d + i] / f.l[r];
      record_row(w, layer, b->list + r, h, q + r * ldq, f.m[r], f.l[r]);
    }
  }
}
