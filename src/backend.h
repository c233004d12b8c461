/*
 * backend.h - the door between the method and the machine that runs it: coarse verbs on rows that the device keeps.
 *
 * In:       tokens, list indices, ranges of halves.  Out: scores and logits; everything else stays on the device.
 * Not here: the choice of rows (gate.c decides on the host, for every backend), settings of the method.
 *
 * A lane is one session's rows on a device: a chunk that moves through the layers, the KV cache, parked rows. All verbs that can
 * fail keep their sentence in the context that `begin` was given. Every backend returns the same bits on the int8 path.
 */
#ifndef SP_BACKEND_H
#define SP_BACKEND_H

#include "work.h"

struct sp_lane;

enum { SP_PARKS = 2 }; /* 0: rows of the first gate, kept for the next question; 1: of later gates, overwritten as they go on */

/* Halves [from, to) for a chunk whose rows stand in the list of each of these layers side by side from `at` on, or, if `place` is
 * given, at these places: ascending, and in sp_work_blocks(chunk) blocks at the most. Rows see the list up to themselves. */
struct sp_pass {
  unsigned from, to;
  size_t at;
  const uint32_t *place;
  const struct sp_watch *watch; /* what to record, or NULL */
  still_phase phase; /* progress: `done` of `total` before, a layer of this chunk is worth `worth`; `live` share of rows */
  uint64_t done, total, worth;
  double live;
  /* Brings the next chunk, which runs with this pass `worth` rows on; or NULL. A backend may call it as soon as it has room. */
  still_status (*next)(void *arg);
  void *arg;
};

/* How rows of the first stage are written to a file: row by row and with nothing in between,
 *   parked:  x + U [n_embd], the sum of U squared, with `block` that of (U + F) squared; fp32
 *   then:    what sp_kv_save writes of each layer [first, layers) */
struct sp_image {
  bool parked, block;
  unsigned first, layers; /* of a whole file `first` is 0 */
  size_t rows, row_bytes; /* of the whole file; of one row */
};

struct sp_backend {
  const char *name;
  /* Chunks of `chunk` rows on a CPU, of more, up to `most`, where more do better. */
  still_status (*begin)(struct sp_engine *engine, struct sp_ctx *ctx, size_t chunk, size_t most, struct sp_lane **lane);
  void (*end)(struct sp_lane *lane);
  /* Rows of a chunk, at the most, that goes through halves up to `to` or, at a gate, the half behind it. */
  size_t (*rows)(const struct sp_lane *lane, unsigned to);
  /* Room for lists of `rows` rows in layers [first, last), for `positions` positions, and for positions. */
  still_status (*reserve)(struct sp_lane *lane, unsigned first, unsigned last, size_t rows, size_t positions);
  still_status (*reserve_park)(struct sp_lane *lane, unsigned park, size_t rows);
  still_status (*load)(struct sp_lane *lane, const still_token *tokens, size_t position, size_t n);   /* chunk := embeddings */
  still_status (*take)(struct sp_lane *lane, unsigned park, const uint32_t *index, const uint32_t *position,
                       size_t n); /* chunk := parked rows */
  still_status (*put)(struct sp_lane *lane, unsigned park, size_t at);                                /* park the chunk */
  still_status (*run)(struct sp_lane *lane, const struct sp_pass *pass);                              /* prefill path */
  still_status (*step)(struct sp_lane *lane, const struct sp_pass *pass);                             /* decode path, one row */
  /* What the watch recorded, for list rows [0, watch->rows): sums of squares, or the attention mass of `query` before pooling. */
  still_status (*scores)(struct sp_lane *lane, const struct sp_watch *watch, float *scores);
  still_status (*logits)(struct sp_lane *lane, size_t first, size_t n, float *logits); /* of chunk rows; n <= SP_FILE_ROWS */
  /* Rows [at, at + n) of park 0 and of the lists below the first gate, to bytes and from them; room for them was reserved. */
  still_status (*save)(struct sp_lane *lane, const struct sp_image *image, size_t at, size_t n, uint8_t *bytes);
  still_status (*restore)(struct sp_lane *lane, const struct sp_image *image, size_t at, size_t n, const uint8_t *bytes);
  /* Rows [at, at + n) of the lists of layers [first, last) to `to`, which may lie among them; room for them was reserved. */
  still_status (*move)(struct sp_lane *lane, unsigned first, unsigned last, size_t at, size_t n, size_t to);
  /* The probe of numerics section 3: as run, and adds up keys and queries of each of these layers and KV heads. */
  still_status (*probe)(struct sp_lane *lane, const struct sp_pass *pass, struct sp_probe_sums *sums);
};

extern const struct sp_backend sp_backend_cpu;

/* Of a lane of the CPU: n rows x [n][n_embd] at these positions become its chunk. */
still_status sp_cpu_chunk(struct sp_lane *lane, const float *x, const uint32_t *position, size_t n);

#endif
