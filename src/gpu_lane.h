/*
 * gpu_lane.h - one session's rows on a GPU: a chunk on its way through the layers, the KV cache, parked rows, what gates look at.
 *
 * In:       struct sp_gpu_model, rows of a chunk.  Out: struct sp_lane of the backend "cuda".
 * Not here: the order of halves (gpu_layer.c), verbs (backend_cuda.c).
 *
 * All pointers are device memory unless they say otherwise, and all work of a lane is in its one stream, so in order.
 */
#ifndef SP_GPU_LANE_H
#define SP_GPU_LANE_H

#include "backend.h"
#include "gpu_model.h"

struct sp_gpu_steps { /* of a decoded row through some halves: kept once it has gone that way, and done again from then on */
  unsigned from, to;
  struct sp_watch watch;
  uint64_t memory;       /* lane->memory of then */
  void *graph;           /* NULL: not kept yet */
};

/* Where a row was not finite, in the order in which a layer looks. */
enum sp_gpu_where { SP_GPU_AT_INPUT, SP_GPU_AT_HEADS, SP_GPU_AT_OUTPUT, SP_GPU_AT_FFN, SP_GPU_AT_DOWN, SP_GPU_PLACES };

enum {
  SP_GPU_MOVED = 256, /* rows that change places in one go */
  SP_GPU_STEPS = 8    /* ways of a decoded row that are kept */
};

struct sp_lane {
  struct sp_gpu_model *model;
  struct sp_engine *engine;
  struct sp_ctx *ctx;      /* of the session */
  void *stream;
  void *behind[2];         /* events: the host is two layers ahead of the device at the most */
  size_t cap, n, dk;       /* rows of a chunk: at the most, now; padded head_dim */
  size_t at, n_blocks;     /* of the pass: where its rows stand in the lists, side by side; or blocks in which they have places */
  struct sp_gpu_block *block_host; /* host, [cap] */
  size_t attend_tiles;     /* room of `tile_t` and its siblings */
  struct sp_gpu_kv *kv;    /* host, [n_layers] */
  struct sp_gpu_kv *lists; /* the same on the device, as of `listed` */
  uint64_t listed;         /* lane->memory of then */
  struct sp_rope rope;     /* host */
  float *rope_c, *rope_s;
  float *park[SP_PARKS];   /* [park_rows][n_embd] */
  size_t park_rows[SP_PARKS];
  /* a chunk, rows padded to SP_GPU_ROWS */
  float *x, *qkv, *heads, *u, *f, *h;
  uint32_t *position, *index, *place;
  struct sp_gpu_block *block;
  int32_t *tokens;
  int8_t *q, *q8;
  float *scale, *sq, *m, *l;
  uint32_t *bad;           /* [n_layers + 1][SP_GPU_PLACES] */
  uint32_t *bad_host, *position_host; /* host; position_host [cap] */
  float *landing;          /* host, pinned: rows on their way across a seam */
  size_t head_first;       /* chunk row of the first row of logits */
  /* decode and logits: SP_FILE_ROWS rows */
  float *act_x, *act_d, *logits;
  int8_t *act_q;
  int16_t *act_sum;
  float *tile_t, *tile_den, *tile_o;
  uint32_t *now;           /* [1]: the place in the list of the row that is decoded */
  struct sp_gpu_steps *steps; /* host, [SP_GPU_STEPS] */
  unsigned ways;           /* slots of `steps` that were taken, some of them again */
  uint64_t memory;         /* how often any memory was taken: what was kept before has pointers that may be gone */
  uint8_t *moved;          /* [SP_GPU_MOVED][n_layers]: rows of the KV cache as in a file, on their way to another place */
  /* constants of the model */
  float *shift, *balance, *inverse_balance;
  /* what gates look at */
  struct sp_watch watch;
  float *sum[SP_SUMS];     /* [sum_rows] */
  size_t sum_rows[SP_SUMS];
  size_t record_layers, record_window;
  int8_t *record_q;        /* [layers][window][heads][dk] */
  float *record_sq, *record_m, *record_l;
  float *per, *scores;     /* [heads][score_rows], [score_rows] */
  size_t score_rows;
  float *probe;            /* [3][n_layers][n_kv_heads][head_dim] while the probe runs, else NULL */
};

still_status sp_gpu_lane_open(struct sp_gpu_model *model, struct sp_ctx *ctx, size_t chunk, struct sp_lane **lane);
void sp_gpu_lane_close(struct sp_lane *lane);

/* Device bytes: of a lane's buffers for chunks of so many rows; of the cache of one layer; of what else grows. */
uint64_t sp_gpu_lane_bytes(const struct sp_engine *engine, size_t chunk);
uint64_t sp_gpu_kv_bytes(const struct sp_config *config, size_t rows);
uint64_t sp_gpu_rope_bytes(const struct sp_config *config, size_t positions);
uint64_t sp_gpu_tiles_bytes(const struct sp_config *config, size_t tiles);

/* STILL_OK or STILL_EDEVICE for the driver's answer. */
still_status sp_lane_status(struct sp_lane *lane, int error, const char *what);
still_status sp_lane_launch(struct sp_lane *lane, enum sp_gpu_kernel kernel, const void *job, size_t x, size_t y);
size_t sp_lane_blocks(size_t rows); /* of a kernel that has a warp a row */
still_status sp_lane_rows(struct sp_lane *lane, enum sp_gpu_kernel kernel, const void *job, size_t rows); /* a warp a row */
still_status sp_lane_put(struct sp_lane *lane, void *to, const void *from, size_t bytes);
still_status sp_lane_get(struct sp_lane *lane, void *to, const void *from, size_t bytes); /* and waits */
still_status sp_lane_copy(struct sp_lane *lane, void *to, const void *from, size_t bytes);
still_status sp_lane_sync(struct sp_lane *lane);

/* Makes room; what is there stays. */
still_status sp_gpu_kv_reserve(struct sp_lane *lane, unsigned layer, size_t rows);
still_status sp_gpu_rope_reserve(struct sp_lane *lane, size_t positions);
still_status sp_gpu_floats_reserve(struct sp_lane *lane, float **at, size_t *rows, size_t wanted, size_t width, const char *what);
still_status sp_gpu_record_reserve(struct sp_lane *lane, const struct sp_watch *watch);
still_status sp_gpu_tiles_reserve(struct sp_lane *lane, size_t tiles);

/* gpu_layer.c: one half on the prefill path, and on the decode path for the row whose place *lane->now tells; the head's logits
 * of chunk rows to lane->logits. */
still_status sp_gpu_half(struct sp_lane *lane, unsigned half);
still_status sp_gpu_step(struct sp_lane *lane, unsigned half, size_t at);
still_status sp_gpu_head(struct sp_lane *lane, size_t first, size_t n);
/* gpu_step.c: the halves of a pass of one row. */
still_status sp_gpu_steps(struct sp_lane *lane, const struct sp_pass *pass);
/* Marks of rows that are not finite: cleared; looked at, after waiting. */
still_status sp_gpu_clear_bad(struct sp_lane *lane);
still_status sp_gpu_check_bad(struct sp_lane *lane);

#endif
