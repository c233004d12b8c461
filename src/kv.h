/*
 * kv.h - the KV cache of one layer, in the layouts that the attention kernels read.
 *
 * In:       keys and values of one row and head.  Out: struct sp_kv.
 * Not here: which rows are on the layer's list (stage.c), the shift of keys (attn.c).
 *
 * A layer's list may be shorter than the timeline: above a gate it holds the kept rows only. Row i of the list has its own
 * original position, which only the rotation of its key knows.
 */
#ifndef SP_KV_H
#define SP_KV_H

#include "config.h"
#include "place.h"

struct sp_kv {
  size_t heads, d, dk, dv;  /* KV heads; head_dim, and it rounded up to 64 (keys) and to 16 (values) */
  size_t rows;              /* capacity, a multiple of SP_TILE */
  bool float_path;
  /* int8: k [heads][rows][dk], v [heads][rows/128][dv][128], sk, sv, ksum [heads][rows] */
  int8_t *k, *v;
  float *sk, *sv;
  int32_t *ksum;
  /* float path: fk [heads][rows][d], fv [heads][rows/128][dv][128] */
  float *fk, *fv;
};

void sp_kv_init(struct sp_kv *kv, const struct sp_config *config, bool float_path);
/* Makes room for `rows` rows, each head beside the threads that attend to it; what is there stays. Padding is zero. */
still_status sp_kv_reserve(struct sp_ctx *ctx, const struct sp_place *place, struct sp_kv *kv, size_t rows);
void sp_kv_free(struct sp_ctx *ctx, struct sp_kv *kv);
uint64_t sp_kv_bytes(const struct sp_config *config, bool float_path, size_t rows); /* of one layer */

/* Rows of one head for the cache: k is what attention multiplies but for shift and factor. */
struct sp_kv_rows {
  size_t head, first, n;       /* rows [first, first + n), n <= 16, inside 16 aligned ones */
  const float *k, *v;          /* row r at r * ld, [d] */
  size_t ld;
  const float *shift, *factor; /* [d]: (k - shift) * factor is stored; unused on the float path */
};
/* Bit r of the result: k or v of row r is not finite. Thread-safe for different blocks of 16 rows. */
unsigned long sp_kv_put(const struct sp_kernels *kernels, struct sp_kv *kv, const struct sp_kv_rows *rows);

/* Row i of all heads as bytes of a file: head by head the key's elements, the value's, and on the int8 path their two scales.
 * Numbers of 4 bytes are little-endian. Both return the end of what was written or read. */
size_t sp_kv_image_bytes(const struct sp_config *config, bool float_path);
uint8_t *sp_kv_save(const struct sp_kv *kv, size_t i, uint8_t *to);
const uint8_t *sp_kv_load(struct sp_kv *kv, size_t i, const uint8_t *from);

/* Rows [at, at + n) of all heads to `to`, which may lie among them; what stood there is overwritten. */
void sp_kv_move(struct sp_kv *kv, size_t at, size_t n, size_t to);

static inline const int8_t *sp_kv_k(const struct sp_kv *kv, size_t head, size_t i) {
  return kv->k + (head * kv->rows + i) * kv->dk;
}
static inline const int8_t *sp_kv_v(const struct sp_kv *kv, size_t head) { return kv->v + head * kv->rows * kv->dv; }

#endif
