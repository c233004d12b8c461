/*
 * kv.c - storage of keys and values: int8 with one scale a row and head, or fp32 on the float path.
 *
 * In:       rows of keys and values.  Out: tiles of 128 for the kernels (numerics, section 3, step 2).
 * Not here: attention.
 */
#include "kv.h"

#include <string.h>

#include "numa.h"
#include "panel.h"

/* The arrays of a cache: where the pointer stands, bytes of a row of one head. All that allocates, moves or counts uses it. */
struct array {
  void **at;
  size_t row;
};

enum { VALUES = 1, MOST_ARRAYS = 5 };

static size_t arrays(struct sp_kv *kv, struct array a[MOST_ARRAYS]) {
  if (kv->float_path) {
    a[0] = (struct array){(void **)&kv->fk, kv->d * sizeof(float)};
    a[1] = (struct array){(void **)&kv->fv, kv->dv * sizeof(float)};
    return 2;
  }
  a[0] = (struct array){(void **)&kv->k, kv->dk};
  a[1] = (struct array){(void **)&kv->v, kv->dv};
  a[2] = (struct array){(void **)&kv->sk, sizeof(float)};
  a[3] = (struct array){(void **)&kv->sv, sizeof(float)};
  a[4] = (struct array){(void **)&kv->ksum, sizeof(int32_t)};
  return MOST_ARRAYS;
}

void sp_kv_init(struct sp_kv *kv, const struct sp_config *c, bool float_path) {
  *kv = (struct sp_kv){.heads = c->n_kv_heads,
                       .d = c->head_dim,
                       .dk = sp_round_up(c->head_dim, 64),
                       .dv = sp_round_up(c->head_dim, 16),
                       .float_path = float_path};
}

uint64_t sp_kv_bytes(const struct sp_config *config, bool float_path, size_t rows) {
  struct sp_kv kv;
  struct array a[MOST_ARRAYS];
  sp_kv_init(&kv, config, float_path);
  uint64_t bytes = 0;
  for (size_t i = 0, n = arrays(&kv, a); i < n; i++) bytes += a[i].row;
  return bytes * kv.heads * sp_round_up(rows, SP_TILE);
}

/* Tiles of a head lie together, so a larger cache takes each head's bytes to a new place. */
still_status sp_kv_reserve(struct sp_ctx *ctx, const struct sp_place *place, struct sp_kv *kv, size_t rows) {
  if (rows <= kv->rows) return STILL_OK;
  struct sp_kv to = *kv;
  struct array from_array[MOST_ARRAYS], to_array[MOST_ARRAYS];
  to.rows = sp_round_up(rows, SP_TILE);
  size_t n = arrays(kv, from_array), done = 0;
  arrays(&to, to_array);
  for (; done < n; done++) {
    size_t new_head = to.rows * to_array[done].row, old_head = kv->rows * from_array[done].row;
    uint8_t *memory = sp_alloc(ctx, kv->heads, new_head, "the KV cache");
    if (!memory) break;
    sp_numa_split(place, memory, kv->heads * new_head, 0, kv->heads, kv->heads);
    for (size_t h = 0; h < kv->heads; h++) {
      if (old_head) memcpy(memory + h * new_head, (uint8_t *)*from_array[done].at + h * old_head, old_head);
      memset(memory + h * new_head + old_head, 0, new_head - old_head);
    }
    *to_array[done].at = memory;
  }
  if (done == n) sp_kv_free(ctx, kv);
  for (size_t i = 0; done < n && i < done; i++) sp_free(ctx, *to_array[i].at, kv->heads, to.rows * to_array[i].row);
  if (done < n) return STILL_ENOMEM;
  *kv = to;
  return STILL_OK;
}

void sp_kv_free(struct sp_ctx *ctx, struct sp_kv *kv) {
  struct array a[MOST_ARRAYS];
  for (size_t i = 0, n = arrays(kv, a); i < n; i++) {
    sp_free(ctx, *a[i].at, kv->heads, kv->rows * a[i].row);
    *a[i].at = NULL;
  }
  kv->rows = 0;
}

/* Channel-major inside a tile: element c of row i stands at [i / 128][c][i % 128]. */
static size_t value_at(const struct sp_kv *kv, size_t head, size_t i, size_t c) {
  size_t tile = (head * kv->rows + i) / SP_TILE;
  return (tile * kv->dv + c) * SP_TILE + i % SP_TILE;
}

static void put_float(struct sp_kv *kv, const struct sp_kv_rows *rows) {
  for (size_t r = 0; r < rows->n; r++) {
    float *v = kv->fv + value_at(kv, rows->head, rows->first + r, 0);
    memcpy(kv->fk + (rows->head * kv->rows + rows->first + r) * kv->d, rows->k + r * rows->ld, kv->d * sizeof(float));
    for (size_t c = 0; c < kv->d; c++) v[c * SP_TILE] = rows->v[r * rows->ld + c];
  }
}

/* What kernels with an unsigned side add for a key. */
static void sum_key(struct sp_kv *kv, size_t row) {
  int32_t sum = 0;
  for (size_t c = 0; c < kv->d; c++) sum += kv->k[row * kv->dk + c];
  kv->ksum[row] = -128 * sum;
}

static void put_key(const struct sp_kernels *kernels, struct sp_kv *kv, const struct sp_kv_rows *rows, size_t r) {
  size_t row = rows->head * kv->rows + rows->first + r;
  int8_t *q = kv->k + row * kv->dk;
  float x[256];
  kernels->centre(x, rows->k + r * rows->ld, rows->shift, rows->factor, kv->d);
  kv->sk[row] = kernels->quantise((uint8_t *)q, x, x, kv->d, sp_rotation_block(kv->d), 0);
  sum_key(kv, row);
}

/* Values of a tile stand channel by channel, 64 rows in a cache line that may be another thread's just now: all rows are ready
 * before any is stored. */
unsigned long sp_kv_put(const struct sp_kernels *kernels, struct sp_kv *kv, const struct sp_kv_rows *rows) {
  unsigned long bad = 0;
  size_t first = rows->head * kv->rows + rows->first;
  int8_t q[SP_LANES][256], *v;
  float scratch[256];
  if (kv->float_path) {
    put_float(kv, rows);
    return 0;
  }
  for (size_t r = 0; r < rows->n; r++) {
    put_key(kernels, kv, rows, r);
    kv->sv[first + r] = kernels->quantise((uint8_t *)q[r], scratch, rows->v + r * rows->ld, kv->d, 1, 0);
    if (kv->sk[first + r] < 0 || kv->sv[first + r] < 0) bad |= 1ul << r;
  }
  v = kv->v + value_at(kv, rows->head, rows->first, 0);
  for (size_t c = 0; c < kv->d; c++)
    for (size_t r = 0; r < rows->n; r++) v[c * SP_TILE + r] = q[r][c];
  return bad;
}

/* ---- rows to another place ------------------------------------------------------------------------------------ */

static size_t least(size_t a, size_t b) { return a < b ? a : b; }

/* One channel of one head: element i stands in tile i / 128; tiles lie `tile` bytes apart. In pieces that lie in one tile here
 * and there, from the end at which nothing is overwritten that is yet to move. */
static void move_channel(uint8_t *v, size_t tile, size_t width, size_t at, size_t n, size_t to) {
  for (size_t left = n, piece; left > 0; left -= piece) {
    size_t from = to < at ? at + n - left : at + left, into = to < at ? to + n - left : to + left;
    if (to < at) {
      piece = least(left, least(SP_TILE - from % SP_TILE, SP_TILE - into % SP_TILE));
    } else {
      piece = least(left, least((from - 1) % SP_TILE + 1, (into - 1) % SP_TILE + 1));
      from -= piece;
      into -= piece;
    }
    memmove(v + into / SP_TILE * tile + into % SP_TILE * width, v + from / SP_TILE * tile + from % SP_TILE * width,
            piece * width);
  }
}

void sp_kv_move(struct sp_kv *kv, size_t at, size_t n, size_t to) {
  struct array a[MOST_ARRAYS];
  size_t count = arrays(kv, a), width = kv->float_path ? sizeof(float) : 1, channel = SP_TILE * width;
  for (size_t h = 0; h < kv->heads; h++) {
    for (size_t i = 0; i < count; i++) {
      uint8_t *head = (uint8_t *)*a[i].at + h * kv->rows * a[i].row;
      for (size_t c = 0; i == VALUES && c < kv->d; c++) move_channel(head + c * channel, kv->dv * channel, width, at, n, to);
      if (i != VALUES) memmove(head + to * a[i].row, head + at * a[i].row, n * a[i].row);
    }
  }
}

/* ---- rows as bytes of a file ---------------------------------------------------------------------------------- */

size_t sp_kv_image_bytes(const struct sp_config *c, bool float_path) {
  return c->n_kv_heads * (float_path ? 2 * c->head_dim * sizeof(float) : 2 * c->head_dim + 2 * sizeof(float));
}

uint8_t *sp_kv_save(const struct sp_kv *kv, size_t i, uint8_t *to) {
  size_t width = kv->float_path ? sizeof(float) : 1;
  for (size_t h = 0; h < kv->heads; h++, to += 2 * kv->d * width) {
    size_t row = h * kv->rows + i, v = value_at(kv, h, i, 0);
    if (kv->float_path) {
      sp_file_words(to, kv->fk + row * kv->d, kv->d);
      for (size_t c = 0; c < kv->d; c++) sp_file_words(to + (kv->d + c) * width, &kv->fv[v + c * SP_TILE], 1);
      continue;
    }
    memcpy(to, kv->k + row * kv->dk, kv->d);
    for (size_t c = 0; c < kv->d; c++) to[kv->d + c] = (uint8_t)kv->v[v + c * SP_TILE];
    sp_file_words(to + 2 * kv->d, &kv->sk[row], 1);
    sp_file_words(to + 2 * kv->d + 4, &kv->sv[row], 1);
    to += 8;
  }
  return to;
}

const uint8_t *sp_kv_load(struct sp_kv *kv, size_t i, const uint8_t *from) {
  size_t width = kv->float_path ? sizeof(float) : 1;
  for (size_t h = 0; h < kv->heads; h++, from += 2 * kv->d * width) {
    size_t row = h * kv->rows + i, v = value_at(kv, h, i, 0);
    if (kv->float_path) {
      sp_file_words(kv->fk + row * kv->d, from, kv->d);
      for (size_t c = 0; c < kv->d; c++) sp_file_words(&kv->fv[v + c * SP_TILE], from + (kv->d + c) * width, 1);
      continue;
    }
    memcpy(kv->k + row * kv->dk, from, kv->d);
    sum_key(kv, row);
    for (size_t c = 0; c < kv->d; c++) kv->v[v + c * SP_TILE] = (int8_t)from[kv->d + c];
    sp_file_words(&kv->sk[row], from + 2 * kv->d, 1);
    sp_file_words(&kv->sv[row], from + 2 * kv->d + 4, 1);
    from += 8;
  }
  return from;
}
