/*
 * gpu_model.h - a model's weights on a GPU: the file's rows for decode and logits, panels for prefill, norms and biases.
 *
 * In:       an engine, an ordinal.  Out: struct sp_gpu_model, filled layer by layer when a layer is first used.
 * Not here: rows (gpu_lane.h), arithmetic (cuda/).
 *
 * Layers below a seam lie on the GPU, and the output matrix if that is all of them. Panels are made there from the file's rows,
 * so that no more than those cross.
 */
#ifndef SP_GPU_MODEL_H
#define SP_GPU_MODEL_H

#include <pthread.h>

#include "cuda/gpu.h"
#include "work.h"

enum sp_gpu_panel_name { SP_GPU_QKV, SP_GPU_OUT, SP_GPU_GATE_UP, SP_GPU_DOWN, SP_GPU_PANELS };

struct sp_gpu_product { /* a panel of one or several weights, side by side */
  int8_t *w;            /* n padded rows of kp: SP_GPU_PLACE */
  float *scale, *bias;  /* [n padded]; bias may be NULL */
  uint32_t n, k, kp, block;
};

struct sp_gpu_layer {
  bool ready;
  struct sp_gpu_weight w[SP_WEIGHTS];
  float *bias[SP_WEIGHTS];
  float *attn_norm, *ffn_norm, *q_norm, *k_norm;
  struct sp_gpu_product product[SP_GPU_PANELS];
};

struct sp_gpu_model {
  struct sp_gpu gpu;
  struct sp_engine *engine;
  unsigned seam;            /* layers [0, seam) lie here */
  unsigned wide;            /* rows that go through them together: so many times the setting `chunk` */
  struct sp_ctx *ctx;       /* of the model: host memory */
  void *stream;             /* of uploads */
  uint32_t *bad;
  struct sp_gpu_layer *layers;
  bool ends_ready;          /* the two below */
  struct sp_gpu_weight embed, output;
  float *final_norm;
  void **held;              /* device memory of the model, freed at the end */
  size_t n_held, held_cap;
  uint8_t *room;            /* of the layer, or the ends, being filled: one allocation */
  size_t room_left;
  pthread_mutex_t lock;     /* over everything that is filled late */
};

enum { SP_GPU_WIDE = 16 };  /* `wide` where memory does not say otherwise */

/* STILL_EDEVICE with the reason. All layers are its own until gpu_plan.h says where the seam is. */
still_status sp_gpu_model_open(struct sp_ctx *ctx, struct sp_engine *engine, int ordinal, struct sp_gpu_model **model);
void sp_gpu_model_close(struct sp_ctx *ctx, struct sp_gpu_model *model); /* NULL is allowed */

/* What the layers [0, seam) and what goes with them take of the device's memory when all of it has been used. */
uint64_t sp_gpu_model_bytes(const struct sp_engine *engine, unsigned seam);

/* What is used is there after these. The GPU's context is the thread's current one. Errors go to `ctx`. Thread-safe. */
still_status sp_gpu_model_ends(struct sp_gpu_model *model, struct sp_ctx *ctx);
still_status sp_gpu_model_layer(struct sp_gpu_model *model, struct sp_ctx *ctx, unsigned layer);

/* STILL_OK, or STILL_EDEVICE: "GPU 0 (name): what: the driver's words". */
still_status sp_gpu_status(const struct sp_gpu_model *model, struct sp_ctx *ctx, int error, const char *what);

#endif
