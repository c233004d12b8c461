/*
 * heads.cu - heads of rows, as attention reads them: norm, RoPE, shift, balance, rotation, int8.
 *
 * In, Out:  struct sp_gpu_heads of jobs.h.
 * Not here: the product before (gemm.cu), attention (attn.cu).
 *
 * A thread has 32 elements of a head, in four parts of eight neighbours, dk / 4 apart: so of a rotation's stages five are inside
 * a thread, and RoPE's other half, where it turns the whole head, is there, too. Two, four or eight threads have a head of 64,
 * 128 or 256, and a warp as many heads as it has room for: queries and keys row by row, values head by head, since the values
 * of eight keys and one channel are neighbours in memory.
 */
#include "cuda/rows.h"

enum { OWN = 8, PARTS = 4 };

struct head {
  float x[PARTS][OWN]; /* zero past the end */
  uint32_t d, dk;
  bool whole;          /* d is a multiple of OWN: neighbours are aligned and end together */
};

#define EACH_PART UNROLL for (uint32_t p = 0; p < PARTS; p++)
#define EACH_OWN UNROLL for (uint32_t i = 0; i < OWN; i++)

DEVICE uint32_t threads_of(const struct head *h) { return h->dk / (PARTS * OWN); }
/* The first of a part's elements. */
DEVICE uint32_t element(const struct head *h, uint32_t part) { return h->dk / PARTS * part + OWN * (THREAD % threads_of(h)); }

/* A part of d elements that lie at `from`. */
DEVICE void load_part(float v[OWN], const struct head *h, const float *from, uint32_t part) {
  uint32_t e = element(h, part);
  EACH_OWN v[i] = 0;
  if (!h->whole) {
    EACH_OWN if (e + i < h->d) v[i] = from[e + i];
  } else if (e < h->d) {
    struct float_four low = *(const struct float_four *)(from + e), high = *(const struct float_four *)(from + e + 4);
    EACH_OWN v[i] = i < 4 ? low.x[i] : high.x[i - 4];
  }
}

/* ---- norm ----------------------------------------------------------------------------------------------------------------- */

/* Sum of squares of a head that lies at `from`: its threads have eight, four or two of the sum's lanes each. */
DEVICE float head_squares(const struct head *h, const float *from) {
  uint32_t own = SP_LANES / threads_of(h), first = own * (THREAD % threads_of(h));
  float sum[SP_LANES / 2];
  UNROLL
  for (uint32_t s = 0; s < own; s++) sum[s] = 0;
  for (uint32_t e = first; e < h->d; e += SP_LANES) {
    UNROLL
    for (uint32_t s = 0; s < own; s++)
      if (h->whole || e + s < h->d) sum[s] = fma_rn(from[e + s], from[e + s], sum[s]);
  }
  UNROLL
  for (uint32_t fold = SP_LANES / 2; fold > 0; fold /= 2) {
    UNROLL
    for (uint32_t s = 0; s < own; s++) {
      if (fold >= own)
        sum[s] += across(sum[s], (int)(fold / own));
      else if (s < fold)
        sum[s] += sum[s + fold];
    }
  }
  return sum[0];
}

/* Where one of the heads has a norm, all of a warp exchange; norm: NULL for those without. */
DEVICE float norm_head(struct head *h, const struct sp_gpu_heads *j, const float *from, const float *norm) {
  if (!j->q_norm && !j->k_norm) return 1;
  float r = norm_factor(head_squares(h, from), h->d, j->eps), w[OWN];
  if (!norm) return 1;
  EACH_PART {
    load_part(w, h, norm, p);
    EACH_OWN h->x[p][i] = (h->x[p][i] * r) * w[i];
  }
  return r;
}

/* ---- RoPE ----------------------------------------------------------------------------------------------------------------- */

DEVICE void turn(float *x, float *y, float c, float s) {
  float first = fma_rn(*x, c, -(*y * s));
  *y = fma_rn(*y, c, *x * s);
  *x = first;
}

/* (2i, 2i + 1) */
DEVICE void turn_pairs(struct head *h, uint32_t half, const float *c, const float *s) {
  EACH_PART {
    UNROLL
    for (uint32_t i = 0; i < OWN; i += 2) {
      uint32_t at = (element(h, p) + i) / 2;
      if (at < half) turn(&h->x[p][i], &h->x[p][i + 1], c[at], s[at]);
    }
  }
}

/* (i, i + dk / 2) */
DEVICE void turn_halves(struct head *h, const float *c, const float *s) {
  UNROLL
  for (uint32_t p = 0; p < PARTS / 2; p++) {
    float cosine[OWN], sine[OWN];
    load_part(cosine, h, c, p);
    load_part(sine, h, s, p);
    EACH_OWN turn(&h->x[p][i], &h->x[p + PARTS / 2][i], cosine[i], sine[i]);
  }
}

/* (i, i + half), whichever thread has it: the other one comes from memory. */
DEVICE void turn_far(struct head *h, uint32_t half, const float *c, const float *s, const float *from, const float *norm,
                     float r) {
  EACH_PART {
    EACH_OWN {
      uint32_t e = element(h, p) + i;
      bool second = e >= half;
      uint32_t at = second ? e - half : e, mate = second ? at : at + half;
      if (at >= half) continue;
      float other = (norm ? (from[mate] * r) * norm[mate] : from[mate]) * s[at];
      h->x[p][i] = fma_rn(h->x[p][i], c[at], second ? other : -other);
    }
  }
}

DEVICE void turn_head(struct head *h, const struct sp_gpu_heads *j, uint32_t row, const float *from, const float *norm, float r) {
  const float *c = j->c + (uint64_t)j->position[row] * j->half, *s = j->s + (uint64_t)j->position[row] * j->half;
  if (j->pairs)
    turn_pairs(h, j->half, c, s);
  else if (j->half == h->dk / 2)
    turn_halves(h, c, s);
  else
    turn_far(h, j->half, c, s, from, norm, r);
}

/* ---- shift, balance, rotation --------------------------------------------------------------------------------------------- */

DEVICE void centre_head(struct head *h, const float *shift, const float *factor) {
  EACH_PART {
    float away[OWN], by[OWN];
    EACH_OWN away[i] = 0;
    load_part(by, h, factor, p);
    if (shift) load_part(away, h, shift, p);
    EACH_OWN h->x[p][i] = (h->x[p][i] - away[i]) * by[i];
  }
}

DEVICE void rotate_head(struct head *h, uint32_t block) {
  UNROLL
  for (uint32_t step = 1; step < OWN; step *= 2) {
    if (step >= block) return;
    EACH_PART {
      EACH_OWN if ((i & step) == 0) butterfly(&h->x[p][i], &h->x[p][i + step]);
    }
  }
  UNROLL
  for (uint32_t mask = 1; mask < threads_of(h); mask *= 2) {
    if (OWN * mask >= block) return;
    EACH_PART {
      EACH_OWN h->x[p][i] = butterfly_across(h->x[p][i], mask);
    }
  }
  UNROLL
  for (uint32_t step = 1; step < PARTS; step *= 2) {
    if (h->dk / PARTS * step >= block) return;
    EACH_PART {
      EACH_OWN if ((p & step) == 0) butterfly(&h->x[p][i], &h->x[p + step][i]);
    }
  }
}

DEVICE uint32_t head_largest(const struct head *h) {
  uint32_t most = 0;
  EACH_PART most = larger_bits(most, largest_of(h->x[p]));
  UNROLL
  for (uint32_t mask = 1; mask < threads_of(h); mask *= 2) most = larger_bits(most, bits_across(most, (int)mask));
  return most;
}

/* ---- stores --------------------------------------------------------------------------------------------------------------- */

/* Also zeros past d. */
DEVICE void store_head(int8_t *q, const struct head *h, float scale) {
  EACH_PART store_bytes(q + element(h, p), h->x[p], scale);
}

DEVICE void store_query(const struct sp_gpu_heads *j, const struct head *h, uint32_t row, uint32_t head, float a) {
  uint64_t at = (uint64_t)row * j->heads + head;
  store_head(j->q + at * h->dk, h, scale_of(a, 127));
  if (element(h, 0) == 0) j->sq[at] = step_of(a, 127) * div_rn(1, (float)j->block) * j->scale;
}

DEVICE uint32_t list_row(const struct sp_gpu_heads *j, uint32_t row) { return j->place ? j->place[row] : j->at + row; }

DEVICE void store_key(const struct sp_gpu_heads *j, const struct head *h, uint32_t row, uint32_t head, float a) {
  uint64_t at = (uint64_t)head * j->cap + list_row(j, row);
  store_head(j->k + at * h->dk, h, scale_of(a, 127));
  if (element(h, 0) == 0) j->sk[at] = step_of(a, 127);
}

DEVICE void store_value(const struct sp_gpu_heads *j, const struct head *h, uint32_t row, uint32_t head, float a) {
  uint32_t at = list_row(j, row);
  float scale = scale_of(a, 127);
  int8_t *v = j->v + ((uint64_t)head * j->cap + at / SP_TILE * SP_TILE) * h->dk + value_place(at);
  EACH_PART {
    uint32_t e = element(h, p);
    EACH_OWN if (e + i < h->d) v[(e + i) * SP_TILE] = (int8_t)byte_of(h->x[p][i], scale);
  }
  if (element(h, 0) == 0) j->sv[(uint64_t)head * j->cap + at] = step_of(a, 127);
}

/* ---- the kernels ---------------------------------------------------------------------------------------------------------- */

/* A thread without a head takes the last one's part, and stores nothing. */
DEVICE void prepare_heads(const struct sp_gpu_heads *j, uint32_t dk, bool whole) {
  struct head h = {.d = j->d, .dk = dk, .whole = whole};
  uint32_t beside = WARP / threads_of(&h), turned = j->heads + j->kv_heads;
  uint32_t before = SP_GPU_UP(j->n * turned, beside), warp = row_of_warp();
  bool value = warp >= before;
  uint32_t own = (value ? warp - before : warp) * beside + THREAD % WARP / threads_of(&h);
  uint32_t last = j->n * (value ? j->kv_heads : turned) - 1, task = own < last ? own : last;
  uint32_t row = value ? task % j->n : task / turned, head = value ? task / j->n : task % turned;
  bool query = !value && head < j->heads;
  float *from = j->qkv + ((uint64_t)row * (turned + j->kv_heads) + (value ? turned : 0) + head) * j->d;
  EACH_PART load_part(h.x[p], &h, from, p);
  if (!value) {
    uint32_t kv = query ? head / (j->heads / j->kv_heads) : head - j->heads;
    const float *norm = query ? j->q_norm : j->k_norm;
    turn_head(&h, j, row, from, norm, norm_head(&h, j, from, norm));
    if (j->keep) {
      sync_warp(); /* all have read */
      EACH_PART {
        EACH_OWN if (own == task && element(&h, p) + i < h.d) from[element(&h, p) + i] = h.x[p][i];
      }
    }
    centre_head(&h, query ? NULL : j->shift + kv * j->d, (query ? j->balance : j->inverse_balance) + kv * j->d);
    rotate_head(&h, j->block);
  }
  uint32_t most = head_largest(&h);
  if (own != task) return;
  if (query)
    store_query(j, &h, row, head, as_float(most));
  else if (value)
    store_value(j, &h, row, head, as_float(most));
  else
    store_key(j, &h, row, head - j->heads, as_float(most));
  if (element(&h, 0) == 0 && most >= FINITE_BITS) lowest(j->bad, row);
}

#define PREPARE(dk)                                                \
  KERNEL_BESIDE(sp_gpu_prepare_##dk, sp_gpu_heads, 256, 3) {       \
    if (j.d % OWN == 0)                                            \
      prepare_heads(&j, dk, true);                                 \
    else                                                           \
      prepare_heads(&j, dk, false);                                \
  }

PREPARE(64)
PREPARE(128)
PREPARE(256)
