/*
 * gpu_model.c - uploads a model's rows and has panels made of them.
 *
 * In:       weights.h, cuda/gpu.h.  Out: struct sp_gpu_model.
 * Not here: when (gpu_layer.c asks).
 */
#include "gpu_model.h"

#include <string.h>

enum {
  WARPS = 8,  /* rows that a block of the panel kernel takes */
  PIECE = 256 /* bytes to which pieces of an allocation are aligned */
};

still_status sp_gpu_status(const struct sp_gpu_model *m, struct sp_ctx *ctx, int error, const char *what) {
  if (!error) return STILL_OK;
  return sp_fail(&ctx->error, STILL_EDEVICE, "GPU %d (%s): %s: %s (error %d)", m->gpu.ordinal, m->gpu.name, what,
                 sp_gpu_text(&m->gpu, error), error);
}

/* ---- memory of the model ---------------------------------------------------------------------------------------- */

static still_status remember(struct sp_gpu_model *m, struct sp_ctx *ctx, void *at) {
  if (m->n_held == m->held_cap) {
    size_t cap = 2 * m->held_cap + 64;
    void **held = sp_alloc(m->ctx, cap, sizeof *held, "the list of device memory");
    if (!held) return sp_fail(&ctx->error, STILL_ENOMEM, "%s", m->ctx->error.text);
    if (m->n_held) memcpy(held, m->held, m->n_held * sizeof *held);
    sp_free(m->ctx, m->held, m->held_cap, sizeof *held);
    m->held = held;
    m->held_cap = cap;
  }
  m->held[m->n_held++] = at;
  return STILL_OK;
}

static still_status hold(struct sp_gpu_model *m, struct sp_ctx *ctx, size_t bytes, void **at) {
  SP_TRY(sp_gpu_status(m, ctx, sp_gpu_alloc(&m->gpu, at, bytes), "no memory for the weights"));
  still_status status = remember(m, ctx, *at);
  if (status != STILL_OK) sp_gpu_free(&m->gpu, *at);
  return status;
}

/* Memory of which take() cuts pieces: as much as was planned, so that what is planned is what is taken. */
static still_status hold_room(struct sp_gpu_model *m, struct sp_ctx *ctx, size_t bytes) {
  void *at;
  SP_TRY(hold(m, ctx, bytes, &at));
  m->room = at;
  m->room_left = bytes;
  return STILL_OK;
}

static uint64_t piece(uint64_t bytes) { return sp_round_up(bytes, PIECE); }

static still_status take(struct sp_gpu_model *m, struct sp_ctx *ctx, size_t bytes, void **at) {
  if (piece(bytes) > m->room_left)
    return sp_fail(&ctx->error, STILL_EDEVICE, "GPU %d: its memory was planned too small for the weights", m->gpu.ordinal);
  *at = m->room;
  m->room += piece(bytes);
  m->room_left -= piece(bytes);
  return STILL_OK;
}

/* A copy of host memory on the device; NULL stays NULL. */
static still_status upload(struct sp_gpu_model *m, struct sp_ctx *ctx, const void *from, size_t bytes, void **at) {
  *at = NULL;
  if (!from) return STILL_OK;
  SP_TRY(take(m, ctx, bytes, at));
  return sp_gpu_status(m, ctx, sp_gpu_put(&m->gpu, m->stream, *at, from, bytes), "the upload of weights");
}

static still_status upload_floats(struct sp_gpu_model *m, struct sp_ctx *ctx, const float *from, size_t n, float **at) {
  void *memory;
  SP_TRY(upload(m, ctx, from, n * sizeof *from, &memory));
  *at = memory;
  return STILL_OK;
}

static still_status upload_rows(struct sp_gpu_model *m, struct sp_ctx *ctx, const struct sp_weight *w,
                                struct sp_gpu_weight *out) {
  void *rows;
  SP_TRY(upload(m, ctx, w->tensor->data, w->n * w->tensor->row_bytes, &rows));
  *out = (struct sp_gpu_weight){.rows = rows, .row_bytes = w->tensor->row_bytes, .type = (uint32_t)w->tensor->type,
                                .n = (uint32_t)w->n, .k = (uint32_t)w->k};
  return STILL_OK;
}

/* ---- panels ----------------------------------------------------------------------------------------------------- */

/* Which weights make a panel, in its order. */
static const struct parts {
  int first, last; /* enum sp_weight_name */
  bool pairs;
} parts[SP_GPU_PANELS] = {[SP_GPU_QKV] = {SP_WQ, SP_WV, false}, [SP_GPU_OUT] = {SP_WO, SP_WO, false},
                          [SP_GPU_GATE_UP] = {SP_WGATE, SP_WUP, true}, [SP_GPU_DOWN] = {SP_WDOWN, SP_WDOWN, false}};

/* Where row r of the i-th weight stands in a panel of pairs: 8 of the gate, 8 of up, by turns. */
static size_t pair_row(size_t r, size_t i) { return r / 8 * 16 + r % 8 + 8 * i; }

static size_t shape_of(const struct sp_layer *layer, const struct parts *p, struct sp_gpu_product *out) {
  size_t n = 0, k = layer->w[p->first].k, b = sp_rotation_block(k);
  for (int i = p->first; i <= p->last; i++) n += layer->w[i].n;
  *out = (struct sp_gpu_product){.n = (uint32_t)n, .k = (uint32_t)k, .kp = (uint32_t)sp_round_up(k, SP_GPU_DEPTH),
                                 .block = (uint32_t)b};
  return sp_round_up(n, SP_GPU_COLS);
}

static bool has_bias(const struct sp_layer *layer, const struct parts *p) {
  bool any = false;
  for (int i = p->first; i <= p->last; i++) any |= layer->w[i].bias != NULL;
  return any;
}

/* Biases of all parts in the panel's order, where any part has one. */
static still_status upload_bias(struct sp_gpu_model *m, struct sp_ctx *ctx, const struct sp_layer *layer, const struct parts *p,
                                struct sp_gpu_product *out) {
  if (!has_bias(layer, p)) return STILL_OK;
  float *bias = sp_calloc(ctx, out->n, sizeof *bias, "the biases of a panel");
  if (!bias) return STILL_ENOMEM;
  size_t at = 0;
  for (int i = p->first; i <= p->last; at += layer->w[i++].n)
    for (size_t r = 0; layer->w[i].bias && r < layer->w[i].n; r++)
      bias[p->pairs ? pair_row(r, (size_t)(i - p->first)) : at + r] = layer->w[i].bias[r];
  still_status status = upload_floats(m, ctx, bias, out->n, &out->bias);
  if (status == STILL_OK) status = sp_gpu_status(m, ctx, sp_gpu_sync(&m->gpu, m->stream), "the upload of weights");
  sp_free(ctx, bias, out->n, sizeof *bias);
  return status;
}

/* A weight that is not finite refuses the file in the words of panel.c. */
static still_status check_panel(struct sp_gpu_model *m, struct sp_ctx *ctx, const struct sp_tensor *tensor) {
  uint32_t bad;
  SP_TRY(sp_gpu_status(m, ctx, sp_gpu_get(&m->gpu, m->stream, &bad, m->bad, sizeof bad), "the making of panels"));
  SP_TRY(sp_gpu_status(m, ctx, sp_gpu_sync(&m->gpu, m->stream), "the making of panels"));
  return bad == UINT32_MAX ? STILL_OK : sp_panel_bad_row(ctx, tensor, bad);
}

static still_status build(struct sp_gpu_model *m, struct sp_ctx *ctx, unsigned l, int name) {
  const struct sp_layer *layer = &m->engine->weights->layers[l];
  const struct parts *p = &parts[name];
  struct sp_gpu_layer *to = &m->layers[l];
  struct sp_gpu_product *out = &to->product[name];
  size_t padded = shape_of(layer, p, out), first = 0;
  void *w, *scale;
  SP_TRY(take(m, ctx, padded * out->kp, &w));
  SP_TRY(take(m, ctx, padded * sizeof(float), &scale));
  out->w = w;
  out->scale = scale;
  for (int i = p->first; i <= p->last; i++) {
    struct sp_gpu_panel job = {.weight = to->w[i], .panel = w, .scale = scale, .bad = m->bad, .np = (uint32_t)padded,
                               .kp = out->kp, .block = out->block,
                               .first = (uint32_t)(p->pairs ? 8 * (i - p->first) : (int)first), .pairs = p->pairs};
    SP_TRY(sp_gpu_status(m, ctx, sp_gpu_fill(&m->gpu, m->stream, m->bad, 0xff, sizeof *m->bad), "the making of panels"));
    SP_TRY(sp_gpu_status(m, ctx, sp_gpu_launch(&m->gpu, m->stream, SP_GPU_sp_gpu_build_panel, &job,
                                               (to->w[i].n + WARPS - 1) / WARPS, 1),
                         "the making of panels"));
    SP_TRY(check_panel(m, ctx, layer->w[i].tensor));
    first += layer->w[i].n;
  }
  return upload_bias(m, ctx, layer, p, out);
}

/* ---- sizes ------------------------------------------------------------------------------------------------------ */

static uint64_t floats(size_t n) { return piece(n * sizeof(float)); }

static uint64_t layer_bytes(const struct sp_config *c, const struct sp_layer *layer) {
  uint64_t bytes = 2 * floats(c->n_embd) + ((layer->q_norm != NULL) + (layer->k_norm != NULL)) * floats(c->head_dim);
  for (int i = 0; i < SP_WEIGHTS; i++)
    bytes += piece(layer->w[i].tensor->bytes) + (layer->w[i].bias != NULL) * floats(layer->w[i].n);
  for (int i = 0; i < SP_GPU_PANELS; i++) {
    struct sp_gpu_product p;
    size_t padded = shape_of(layer, &parts[i], &p);
    bytes += piece((uint64_t)padded * p.kp) + floats(padded) + has_bias(layer, &parts[i]) * floats(p.n);
  }
  return bytes;
}

/* The output matrix lies here with all layers alone. */
static bool has_output(const struct sp_config *c, unsigned seam) { return seam == c->n_layers && !c->tied; }

static uint64_t ends_bytes(const struct sp_engine *e, unsigned seam) {
  const struct sp_weights *w = e->weights;
  return piece(w->embed.tensor->bytes) + floats(e->config->n_embd) +
         (has_output(e->config, seam) ? piece(w->output.tensor->bytes) : 0);
}

uint64_t sp_gpu_model_bytes(const struct sp_engine *e, unsigned seam) {
  uint64_t bytes = sp_gpu_taken(ends_bytes(e, seam));
  for (unsigned l = 0; l < seam; l++) bytes += sp_gpu_taken(layer_bytes(e->config, &e->weights->layers[l]));
  return bytes;
}

/* ---- layers and ends -------------------------------------------------------------------------------------------- */

static still_status fill_layer(struct sp_gpu_model *m, struct sp_ctx *ctx, unsigned l) {
  const struct sp_config *c = m->engine->config;
  const struct sp_layer *from = &m->engine->weights->layers[l];
  struct sp_gpu_layer *to = &m->layers[l];
  SP_TRY(hold_room(m, ctx, layer_bytes(c, from)));
  for (int i = 0; i < SP_WEIGHTS; i++) {
    SP_TRY(upload_rows(m, ctx, &from->w[i], &to->w[i]));
    SP_TRY(upload_floats(m, ctx, from->w[i].bias, from->w[i].n, &to->bias[i]));
  }
  SP_TRY(upload_floats(m, ctx, from->attn_norm, c->n_embd, &to->attn_norm));
  SP_TRY(upload_floats(m, ctx, from->ffn_norm, c->n_embd, &to->ffn_norm));
  SP_TRY(upload_floats(m, ctx, from->q_norm, c->head_dim, &to->q_norm));
  SP_TRY(upload_floats(m, ctx, from->k_norm, c->head_dim, &to->k_norm));
  for (int i = 0; i < SP_GPU_PANELS; i++) SP_TRY(build(m, ctx, l, i));
  return STILL_OK;
}

/* Gives back what a layer, or the ends, that could not be filled had taken. */
static void let_go(struct sp_gpu_model *m, size_t n) {
  sp_gpu_sync(&m->gpu, m->stream);
  while (m->n_held > n) sp_gpu_free(&m->gpu, m->held[--m->n_held]);
}

still_status sp_gpu_model_layer(struct sp_gpu_model *m, struct sp_ctx *ctx, unsigned l) {
  still_status status = STILL_OK;
  pthread_mutex_lock(&m->lock);
  if (!m->layers[l].ready) {
    double start = sp_seconds();
    size_t held = m->n_held;
    status = fill_layer(m, ctx, l);
    m->layers[l].ready = status == STILL_OK;
    if (status != STILL_OK) let_go(m, held);
    ctx->seconds[STILL_PHASE_PANELS] += sp_seconds() - start;
  }
  pthread_mutex_unlock(&m->lock);
  return status;
}

static still_status fill_ends(struct sp_gpu_model *m, struct sp_ctx *ctx) {
  const struct sp_weights *w = m->engine->weights;
  SP_TRY(hold_room(m, ctx, ends_bytes(m->engine, m->seam)));
  SP_TRY(upload_rows(m, ctx, &w->embed, &m->embed));
  SP_TRY(upload_floats(m, ctx, w->final_norm, m->engine->config->n_embd, &m->final_norm));
  m->output = m->embed;
  if (has_output(m->engine->config, m->seam)) SP_TRY(upload_rows(m, ctx, &w->output, &m->output));
  return sp_gpu_status(m, ctx, sp_gpu_sync(&m->gpu, m->stream), "the upload of weights");
}

still_status sp_gpu_model_ends(struct sp_gpu_model *m, struct sp_ctx *ctx) {
  still_status status = STILL_OK;
  pthread_mutex_lock(&m->lock);
  if (!m->ends_ready) {
    size_t held = m->n_held;
    status = fill_ends(m, ctx);
    m->ends_ready = status == STILL_OK;
    if (status != STILL_OK) let_go(m, held);
  }
  pthread_mutex_unlock(&m->lock);
  return status;
}

/* ---- open and close --------------------------------------------------------------------------------------------- */

static still_status begin(struct sp_gpu_model *m, struct sp_ctx *ctx) {
  void *bad;
  SP_TRY(sp_gpu_status(m, ctx, m->gpu.driver.stream(&m->stream, 1), "no stream"));
  SP_TRY(hold(m, ctx, sizeof *m->bad, &bad));
  m->bad = bad;
  m->layers = sp_calloc(ctx, m->engine->config->n_layers, sizeof *m->layers, "the layers on a GPU");
  return m->layers ? STILL_OK : STILL_ENOMEM;
}

static still_status check_heads(struct sp_gpu_model *m, struct sp_ctx *ctx) {
  unsigned d = m->engine->config->head_dim;
  if (m->gpu.kernel[SP_GPU_ATTEND(SP_GPU_HEAD(d))]) return STILL_OK;
  return sp_fail(&ctx->error, STILL_EDEVICE, "GPU %d (%s): heads of %u elements take more than its %d KiB of shared memory",
                 m->gpu.ordinal, m->gpu.name, d, m->gpu.shared >> 10);
}

still_status sp_gpu_model_open(struct sp_ctx *ctx, struct sp_engine *engine, int ordinal, struct sp_gpu_model **out) {
  char why[256];
  struct sp_gpu_model *m = sp_calloc(ctx, 1, sizeof *m, "a model on a GPU");
  if (!m) return STILL_ENOMEM;
  m->engine = engine;
  m->seam = engine->config->n_layers;
  m->wide = SP_GPU_WIDE;
  m->ctx = ctx;
  if (sp_gpu_open(&m->gpu, ordinal, why, sizeof why)) {
    sp_free(ctx, m, 1, sizeof *m);
    return sp_fail(&ctx->error, STILL_EDEVICE, "%s", why);
  }
  pthread_mutex_init(&m->lock, NULL);
  still_status status = check_heads(m, ctx);
  if (status == STILL_OK) status = sp_gpu_status(m, ctx, sp_gpu_enter(&m->gpu), "its context cannot be used");
  if (status == STILL_OK) {
    status = begin(m, ctx);
    sp_gpu_leave(&m->gpu);
  }
  if (status == STILL_OK)
    *out = m;
  else
    sp_gpu_model_close(ctx, m);
  return status;
}

void sp_gpu_model_close(struct sp_ctx *ctx, struct sp_gpu_model *m) {
  if (!m) return;
  if (!sp_gpu_enter(&m->gpu)) {
    while (m->n_held > 0) sp_gpu_free(&m->gpu, m->held[--m->n_held]);
    if (m->stream) m->gpu.driver.stream_end(m->stream);
    sp_gpu_leave(&m->gpu);
  }
  sp_gpu_close(&m->gpu);
  sp_free(ctx, m->held, m->held_cap, sizeof *m->held);
  sp_free(ctx, m->layers, m->engine->config->n_layers, sizeof *m->layers);
  pthread_mutex_destroy(&m->lock);
  sp_free(ctx, m, 1, sizeof *m);
}
