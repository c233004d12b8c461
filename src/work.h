/*
 * work.h - what rows need on their way through the layers: the engine (shared, immutable) and the working memory of one session.
 *
 * In:       a model's parts; a session's settings.  Out: struct sp_engine, struct sp_work with a chunk of rows.
 * Not here: what is done to the rows (linear, attn, ffn, layer).
 */
#ifndef SP_WORK_H
#define SP_WORK_H

#include "kv.h"
#include "rope.h"
#include "weights.h"

/* Everything that all sessions of a model share. Constant but for the counters (and the panels, which weights.c guards). */
struct sp_engine {
  const struct sp_config *config;
  const struct sp_kernels *kernels;
  struct sp_weights *weights;
  /* Numerics section 3, [n_layers][n_kv_heads][head_dim]; 0 and 1 until the probe has run. */
  float *shift;                      /* c: taken off every key */
  float *balance, *inverse_balance;  /* r, a power of two: queries are multiplied by it; 1 / r: keys are */
  atomic_ullong calls[SP_SLOTS];     /* of each kernel */
  struct sp_gpu_model *gpu;          /* the weights on a GPU, or NULL */
};

static inline void sp_count(struct sp_engine *e, enum sp_slot slot, size_t n) {
  atomic_fetch_add_explicit(&e->calls[slot], n, memory_order_relaxed);
}

/* Which arithmetic the linear layers use. */
enum sp_path {
  SP_PATH_PANEL, /* prefill: rotated int8 rows times panels */
  SP_PATH_FILE,  /* decode and logits: blocks of 32 times the file's rows */
  SP_PATH_FLOAT, /* the float path: fp32 through BLAS */
  SP_PATHS
};

/* Rows prepared as inputs of linear layers. */
struct sp_input {
  enum sp_path path;
  size_t rows, k;        /* as prepared last */
  size_t cap, k_most;
  uint8_t *q;            /* PANEL: [rows][sp_input_stride(k)] */
  float *scale;          /* PANEL: [cap] */
  float *x;              /* FLOAT, and FILE for weights in floats: [cap][k_most] */
  struct sp_act *act;    /* FILE: [cap], pointing into the five arrays here */
  int8_t *act_q;
  float *act_d;
  int16_t *act_sum;
};

/* Bytes from a row of q to the next, by k: rows of a narrow layer stand close, as a core's own prefetcher wants it, and an odd
 * number of cache lines keeps rows from sharing sets of the nearest cache. */
size_t sp_input_stride(size_t k);

enum { SP_FFN_ROWS = 96, SP_FFN_COLS = 256 }; /* tile of a fused gate-up task; two of them in fp32 are 128 KiB */
enum { SP_FILE_ROWS = 16 }; /* rows that go through the decode path together (logits of many positions) */

/* Sums of squares that gates score by, one a row of the gate's list. Those of the first gate are parked with its rows. */
enum sp_sum { SP_SUM_DELTA, SP_SUM_BLOCK, SP_SUM_LATER, SP_SUMS };

/* What a run records for the gate; see sp_stage_watch. */
struct sp_watch {
  bool delta;            /* sum of U squared at layer `layer` */
  bool block;            /* sum of (U + F) squared */
  bool later;            /* the gate is not the first: whichever sum it wants is SP_SUM_LATER */
  bool query;            /* queries, maxima and denominators of rows >= window_from in layers first_layer..layer */
  unsigned layer, first_layer;
  size_t rows, window_from; /* of the layer's list: all, and the first of the window */
};

struct sp_record { /* what was recorded */
  float *sum[SP_SUMS];   /* [sum_cap] by list row */
  size_t sum_cap[SP_SUMS];
  size_t layers, window; /* capacity of the arrays below */
  uint8_t *q;            /* [layers][window][n_heads][dk] bytes ^ query_flip; FLOAT: unused */
  float *fq;             /* FLOAT: [layers][window][n_heads][d] */
  float *sq, *m, *l;     /* [layers][window][n_heads] */
};

/* What the probe adds up over its rows, each [n_layers][n_kv_heads][head_dim], after the rotation by position. */
struct sp_probe_sums {
  float *key, *key_squared, *query_squared; /* queries: over the heads that share a KV head too */
};

/* Rows of a chunk that stand side by side inside 16 aligned rows of the list, so that all of them end in the same tile. */
struct sp_block {
  size_t first, rows; /* chunk rows */
  size_t list;        /* list index of the first */
};

/* Of rows in the order of the list: the one at `list` begins a block if the row before it stands at `before`. */
static inline bool sp_begins_block(size_t list, size_t before) { return list != before + 1 || list % SP_LANES == 0; }

/* Working memory of one session. Not thread-safe. */
struct sp_work {
  struct sp_engine *engine;
  struct sp_ctx *ctx;         /* of the session */
  bool float_path;
  size_t cap, n;              /* rows of a chunk: at the most, now */
  struct sp_block *block;     /* [n_blocks]: where the chunk stands in the lists of the layers that it goes through */
  size_t n_blocks;
  float *x;                   /* [cap][n_embd] hidden rows */
  uint32_t *position;         /* [cap] original positions */
  float *qkv;                 /* [cap][(n_heads + 2 n_kv_heads) head_dim] */
  float *heads;               /* [cap][n_heads head_dim] attention output */
  float *u, *f;               /* [cap][n_embd] updates of the attention and of the feed-forward */
  float *h;                   /* [cap][n_ff] silu(gate) * up */
  struct sp_input chunk, row; /* inputs of prefill (PANEL or FLOAT), of decode and logits (FILE or FLOAT) */
  uint8_t *packed;            /* [groups][dk/4][16][4] queries in lanes; which lane is whose: attn.c */
  float *sq, *m, *l;          /* [groups][16] */
  uint32_t *limit;            /* [groups][16] */
  uint8_t *thread;            /* per thread: scratch of thread_stride bytes */
  size_t thread_stride;
  struct sp_kv *kv;           /* [n_layers] */
  struct sp_rope rope;
  struct sp_watch watch;      /* what to record now */
  struct sp_record record;
  struct sp_probe_sums *probe; /* the probe fills these; else NULL */
  atomic_size_t bad;          /* lowest row of the chunk whose numbers are not finite, or SIZE_MAX */
};

still_status sp_work_open(struct sp_work *work, struct sp_engine *engine, struct sp_ctx *ctx, size_t chunk);
void sp_work_close(struct sp_work *work);
uint64_t sp_work_bytes(const struct sp_config *config, bool float_path, size_t chunk,
                       size_t threads); /* without KV, RoPE, record */

static inline float *sp_work_scratch(struct sp_work *w, int thread) {
  return (float *)(w->thread + (size_t)thread * w->thread_stride);
}

/* Blocks that a chunk of so many rows may have: as many as rows side by side have, wherever they begin. */
static inline size_t sp_work_blocks(size_t chunk) { return chunk / SP_LANES + 2; }

/* The chunk's rows stand from `at` on, or at `place` if it is given: struct sp_pass. */
void sp_work_place(struct sp_work *work, size_t at, const uint32_t *place);

still_status sp_sum_reserve(struct sp_work *work, enum sp_sum which, size_t rows); /* what is there stays */
still_status sp_record_reserve(struct sp_work *work, const struct sp_watch *watch);

/* A task found a number that is not finite in this row of the chunk. */
void sp_work_bad(struct sp_work *work, size_t row);
/* STILL_OK, or STILL_ENUMERIC naming layer and row if a task called sp_work_bad since the last call. */
still_status sp_work_check(struct sp_work *work, unsigned layer, const char *where);

#endif
