/*
 * weights.h - the weights of a model in the forms that the layers use: panels for prefill, the file's rows for decode, fp32 for
 * norms and biases and, on the float path, for everything.
 *
 * In:       config and tensors.  Out: struct sp_layer for each layer; panels on demand within a budget that never changes a
 *           result.
 * Not here: arithmetic.
 */
#ifndef SP_WEIGHTS_H
#define SP_WEIGHTS_H

#include <pthread.h>

#include "config.h"
#include "panel.h"
#include "quant.h"
#include "settings.h"

enum sp_weight_name { SP_WQ, SP_WK, SP_WV, SP_WO, SP_WGATE, SP_WUP, SP_WDOWN, SP_WEIGHTS };

/* One linear layer: n outputs of k inputs. */
struct sp_weight {
  const struct sp_tensor *tensor;
  size_t n, k;
  float *bias;           /* [n] or NULL */
  struct sp_panel panel; /* built while its layer is held; the first of its copies */
  float *full;           /* [n][k] on the float path, else NULL */
};

struct sp_layer {
  struct sp_weight w[SP_WEIGHTS];
  float *attn_norm, *ffn_norm; /* [n_embd] */
  float *q_norm, *k_norm;      /* [head_dim] (qwen3) or NULL */
  unsigned holders;            /* passes that use the panels now */
  uint64_t last_use;
};

struct sp_weights {
  struct sp_ctx *ctx; /* of the model */
  struct sp_team team;
  const struct sp_kernels *kernels;
  const struct sp_config *config;
  struct sp_layer *layers; /* [n_layers] */
  struct sp_weight embed, output; /* output.tensor == embed.tensor when tied */
  float *final_norm;       /* [n_embd] */
  bool float_path;
  size_t budget;           /* layers with panels at the same time */
  size_t built;
  uint64_t clock;
  pthread_mutex_t lock;    /* over panels, holders, budget, built, clock */
};

/* ctx, config and the tensors must outlive the weights. */
still_status sp_weights_open(struct sp_ctx *ctx, const struct sp_gguf *g, const struct sp_config *config,
                             const struct sp_kernels *kernels, struct sp_team team, const struct sp_settings *settings,
                             struct sp_weights *weights);
void sp_weights_close(struct sp_weights *weights);

/* The most layers, one at least, that have panels at the same time, unless more are held; at first all. Thread-safe. */
void sp_weights_set_budget(struct sp_weights *weights, size_t layers);
/* Makes the panels of a layer present until sp_weights_release. Builds them if they are not, letting go of the layer that was
 * used longest ago when the budget is full. Errors and time go to `ctx` (of the session that asks). Thread-safe. */
still_status sp_weights_hold(struct sp_weights *weights, struct sp_ctx *ctx, size_t layer);
void sp_weights_release(struct sp_weights *weights, size_t layer);

uint64_t sp_weights_panel_bytes(const struct sp_config *config, int copies, size_t layers); /* of so many layers */
uint64_t sp_weights_fixed_bytes(const struct sp_config *config, bool float_path); /* norms, biases, fp32 copies */

#endif
