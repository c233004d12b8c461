/*
 * weights.c - finds the tensors of each layer and keeps their panels within a budget.
 *
 * In:       sp_gguf and sp_config.  Out: struct sp_weights.
 * Not here: how a panel is made (panel.c).
 */
#include "weights.h"

#include <string.h>

/* Names of a layer's matrices; n and k are read off the config by `shape`. */
static const struct {
  const char *weight, *bias;
} names[SP_WEIGHTS] = {
    [SP_WQ] = {"blk.%u.attn_q.weight", "blk.%u.attn_q.bias"},
    [SP_WK] = {"blk.%u.attn_k.weight", "blk.%u.attn_k.bias"},
    [SP_WV] = {"blk.%u.attn_v.weight", "blk.%u.attn_v.bias"},
    [SP_WO] = {"blk.%u.attn_output.weight", "blk.%u.attn_output.bias"},
    [SP_WGATE] = {"blk.%u.ffn_gate.weight", "blk.%u.ffn_gate.bias"},
    [SP_WUP] = {"blk.%u.ffn_up.weight", "blk.%u.ffn_up.bias"},
    [SP_WDOWN] = {"blk.%u.ffn_down.weight", "blk.%u.ffn_down.bias"},
};

static void shape(const struct sp_config *c, enum sp_weight_name name, size_t *n, size_t *k) {
  size_t q = (size_t)c->n_heads * c->head_dim, kv = (size_t)c->n_kv_heads * c->head_dim, e = c->n_embd, f = c->n_ff;
  const size_t shapes[SP_WEIGHTS][2] = {{q, e}, {kv, e}, {kv, e}, {e, q}, {f, e}, {f, e}, {e, f}};
  *n = shapes[name][0];
  *k = shapes[name][1];
}

/* A small tensor as fp32: every one of its rows after another. */
static still_status to_floats(struct sp_weights *w, const struct sp_tensor *t, const char *what, float **out) {
  size_t rows = t->bytes / t->row_bytes, k = t->ne[0];
  *out = sp_alloc(w->ctx, rows * k, sizeof(float), what);
  if (!*out) return STILL_ENOMEM;
  for (size_t r = 0; r < rows; r++) w->kernels->dequant[t->type](*out + r * k, t->data + r * t->row_bytes, k);
  if (sp_quant_not_finite(t->type, t->data, t->bytes) >= 0)
    return sp_fail(&w->ctx->error, STILL_ENUMERIC,
                   "tensor %s at offset %llu has a value that is not finite: the file is damaged, get it again", t->name,
                   (unsigned long long)t->offset);
  return STILL_OK;
}

static still_status find_vector(struct sp_weights *w, const struct sp_gguf *g, bool optional, size_t n, const char *format,
                                unsigned layer, float **out) {
  const struct sp_tensor *t;
  SP_TRY(sp_config_tensor(w->ctx, g, optional, n, 0, &t, format, layer));
  return t ? to_floats(w, t, "a norm or bias", out) : STILL_OK;
}

static still_status find_weight(struct sp_weights *w, const struct sp_gguf *g, struct sp_weight *out, size_t n, size_t k,
                                const char *format, unsigned layer) {
  SP_TRY(sp_config_tensor(w->ctx, g, false, k, n, &out->tensor, format, layer));
  out->n = n;
  out->k = k;
  return w->float_path ? to_floats(w, out->tensor, "the float path's weights", &out->full) : STILL_OK;
}

static still_status find_layer(struct sp_weights *w, const struct sp_gguf *g, unsigned i) {
  const struct sp_config *c = w->config;
  struct sp_layer *layer = &w->layers[i];
  for (int name = 0; name < SP_WEIGHTS; name++) {
    size_t n, k;
    shape(c, name, &n, &k);
    SP_TRY(find_weight(w, g, &layer->w[name], n, k, names[name].weight, i));
    SP_TRY(find_vector(w, g, true, n, names[name].bias, i, &layer->w[name].bias));
  }
  SP_TRY(find_vector(w, g, false, c->n_embd, "blk.%u.attn_norm.weight", i, &layer->attn_norm));
  SP_TRY(find_vector(w, g, false, c->n_embd, "blk.%u.ffn_norm.weight", i, &layer->ffn_norm));
  bool plain = c->arch != SP_ARCH_QWEN3;
  SP_TRY(find_vector(w, g, plain, c->head_dim, "blk.%u.attn_q_norm.weight", i, &layer->q_norm));
  return find_vector(w, g, plain, c->head_dim, "blk.%u.attn_k_norm.weight", i, &layer->k_norm);
}

static still_status find_all(struct sp_weights *w, const struct sp_gguf *g) {
  const struct sp_config *c = w->config;
  w->layers = sp_calloc(w->ctx, c->n_layers, sizeof *w->layers, "the layers");
  if (!w->layers) return STILL_ENOMEM;
  for (unsigned i = 0; i < c->n_layers; i++) {
    SP_TRY(find_layer(w, g, i));
    if (w->float_path) SP_TRY(sp_progress(w->ctx, STILL_PHASE_PANELS, i + 1, c->n_layers, 1));
  }
  SP_TRY(find_vector(w, g, false, c->n_embd, "output_norm.weight", 0, &w->final_norm));
  SP_TRY(find_weight(w, g, &w->embed, c->n_vocab, c->n_embd, "token_embd.weight", 0));
  if (!c->tied) return find_weight(w, g, &w->output, c->n_vocab, c->n_embd, "output.weight", 0);
  w->output = w->embed;
  return STILL_OK;
}

still_status sp_weights_open(struct sp_ctx *ctx, const struct sp_gguf *g, const struct sp_config *config,
                             const struct sp_kernels *kernels, struct sp_team team, const struct sp_settings *settings,
                             struct sp_weights *weights) {
  *weights = (struct sp_weights){.ctx = ctx, .team = team, .kernels = kernels, .config = config,
                                 .float_path = settings->numerics == SP_NUMERICS_FLOAT};
  weights->budget = config->n_layers;
  pthread_mutex_init(&weights->lock, NULL);
  sp_phase_begin(ctx);
  still_status status = find_all(weights, g);
  if (status != STILL_OK) sp_weights_close(weights);
  return status;
}

static void free_panels(struct sp_weights *w, struct sp_layer *layer) {
  for (int name = 0; name < SP_WEIGHTS; name++) sp_panel_free(w->ctx, &w->team, &layer->w[name].panel);
}

static void free_weight(struct sp_weights *w, struct sp_weight *weight) {
  sp_free(w->ctx, weight->full, weight->n * weight->k, sizeof(float));
  sp_free(w->ctx, weight->bias, weight->n, sizeof(float));
}

void sp_weights_close(struct sp_weights *w) {
  const struct sp_config *c = w->config;
  for (unsigned i = 0; w->layers && i < c->n_layers; i++) {
    struct sp_layer *layer = &w->layers[i];
    free_panels(w, layer);
    for (int name = 0; name < SP_WEIGHTS; name++) free_weight(w, &layer->w[name]);
    sp_free(w->ctx, layer->attn_norm, c->n_embd, sizeof(float));
    sp_free(w->ctx, layer->ffn_norm, c->n_embd, sizeof(float));
    sp_free(w->ctx, layer->q_norm, c->head_dim, sizeof(float));
    sp_free(w->ctx, layer->k_norm, c->head_dim, sizeof(float));
  }
  sp_free(w->ctx, w->layers, c->n_layers, sizeof *w->layers);
  sp_free(w->ctx, w->final_norm, c->n_embd, sizeof(float));
  free_weight(w, &w->embed);
  if (!c->tied) free_weight(w, &w->output);
  pthread_mutex_destroy(&w->lock);
  memset(w, 0, sizeof *w);
}

/* The built layer that nobody holds and that was used longest ago, or NULL. */
static struct sp_layer *oldest(struct sp_weights *w) {
  struct sp_layer *found = NULL;
  for (unsigned i = 0; i < w->config->n_layers; i++) {
    struct sp_layer *layer = &w->layers[i];
    bool free_to_go = layer->w[SP_WQ].panel.w && !layer->holders;
    if (free_to_go && (!found || layer->last_use < found->last_use)) found = layer;
  }
  return found;
}

/* Frees panels until `most` layers have some, or all that have are held. */
static void shrink(struct sp_weights *w, size_t most) {
  struct sp_layer *layer;
  for (; w->built > most && (layer = oldest(w)); w->built--) free_panels(w, layer);
}

void sp_weights_set_budget(struct sp_weights *w, size_t layers) {
  pthread_mutex_lock(&w->lock);
  w->budget = layers;
  shrink(w, layers);
  pthread_mutex_unlock(&w->lock);
}

/* q, k and v are multiplied in one run; gate and up side by side, the others alone. */
static struct sp_columns columns_of(const struct sp_layer *layer, enum sp_weight_name name) {
  struct sp_columns c = {.all = layer->w[name].n};
  for (int i = SP_WQ; name <= SP_WV && i <= SP_WV; i++) {
    if (i != (int)name) c.all += layer->w[i].n;
    if (i < (int)name) c.first += layer->w[i].n;
  }
  return c;
}

static still_status build_layer(struct sp_weights *w, struct sp_layer *layer) {
  shrink(w, w->budget - 1);
  still_status status = STILL_OK;
  for (int name = 0; name < SP_WEIGHTS && status == STILL_OK; name++)
    status = sp_panel_build(w->ctx, &w->team, w->kernels, layer->w[name].tensor, columns_of(layer, name),
                            &layer->w[name].panel);
  if (status == STILL_OK)
    w->built++;
  else
    free_panels(w, layer);
  return status;
}

still_status sp_weights_hold(struct sp_weights *w, struct sp_ctx *ctx, size_t i) {
  if (w->float_path) return STILL_OK;
  struct sp_layer *layer = &w->layers[i];
  still_status status = STILL_OK;
  pthread_mutex_lock(&w->lock);
  if (!layer->w[SP_WQ].panel.w) {
    double start = sp_seconds();
    status = build_layer(w, layer);
    if (status != STILL_OK) sp_fail(&ctx->error, status, "%s", w->ctx->error.text);
    ctx->seconds[STILL_PHASE_PANELS] += sp_seconds() - start;
  }
  if (status == STILL_OK) {
    layer->holders++;
    layer->last_use = ++w->clock;
  }
  pthread_mutex_unlock(&w->lock);
  return status;
}

void sp_weights_release(struct sp_weights *w, size_t i) {
  if (w->float_path) return;
  pthread_mutex_lock(&w->lock);
  w->layers[i].holders--;
  pthread_mutex_unlock(&w->lock);
}

uint64_t sp_weights_panel_bytes(const struct sp_config *config, int copies, size_t layers) {
  uint64_t bytes = 0;
  for (int name = 0; name < SP_WEIGHTS; name++) {
    size_t n, k;
    shape(config, name, &n, &k);
    bytes += sp_panel_bytes(n, k);
  }
  return (uint64_t)copies * bytes * (layers < config->n_layers ? layers : config->n_layers);
}

uint64_t sp_weights_fixed_bytes(const struct sp_config *c, bool float_path) {
  uint64_t norms = (2ull * c->n_layers + 1) * c->n_embd * sizeof(float), full = 0;
  if (float_path) {
    for (int name = 0; name < SP_WEIGHTS; name++) {
      size_t n, k;
      shape(c, name, &n, &k);
      full += (uint64_t)n * k * c->n_layers;
    }
    full += (uint64_t)c->n_vocab * c->n_embd * (c->tied ? 1 : 2);
  }
  return norms + full * sizeof(float);
}
