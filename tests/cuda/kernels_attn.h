/*
 * kernels_attn.h - the part of kernels.c about attention: heads, the cache, many rows, one row, the mass, states, the probe.
 *
 * In:       what kernels.c defines before.  Out: test_attention, test_image, test_probe.
 * Not here: the list of tests.
 */

struct heads { /* a layer's list with its cache, on both sides */
  size_t keys, at, n, cap, H, G, d, dk, dv, half, wide; /* rows [at, at + n) of `keys`; H query heads, G KV heads; dk: ref's */
  struct sp_gpu_heads job;
  float *qkv, *c, *s, *shift, *balance, *inverse, *q_norm, *k_norm, scale;
  uint32_t *position;
  int8_t *q8, *k8, *v8; /* [keys][H][dk], [G][cap][dk], [G][cap / 128][dv][128] */
  float *sq, *sk, *sv;
  int32_t *ksum;
};

static void ref_head(struct heads *h, float *x, const float *norm, size_t row) {
  size_t at = h->position[row] * h->half;
  if (norm) sp_ref_rmsnorm(x, x, norm, h->d, 1e-5f);
  sp_ref_rope(x, 1, h->d, 2 * h->half, h->c + at, h->s + at, h->job.pairs ? SP_ROPE_PAIR : SP_ROPE_HALF);
}

/* What attn.c and kv.c do with a row. */
static void ref_row(struct heads *h, size_t row) {
  static const float none[256];
  float x[256], *from = h->qkv + row * h->wide;
  size_t b = rotation(h->d), per = h->H / h->G;
  for (size_t i = 0; i < h->H; i++) {
    ref_head(h, from + i * h->d, h->q_norm, row);
    sp_ref_centre(x, from + i * h->d, none, h->balance + i / per * h->d, h->d);
    h->sq[row * h->H + i] = sp_ref_quantise((uint8_t *)h->q8 + (row * h->H + i) * h->dk, x, x, h->d, b, 0) * (1.0f / (float)b) * h->scale;
  }
  for (size_t g = 0; g < h->G; g++) {
    float *k = from + (h->H + g) * h->d, *v = k + h->G * h->d;
    int8_t q[256], *k8 = h->k8 + (g * h->cap + row) * h->dk;
    int32_t sum = 0;
    ref_head(h, k, h->k_norm, row);
    sp_ref_centre(x, k, h->shift + g * h->d, h->inverse + g * h->d, h->d);
    h->sk[g * h->cap + row] = sp_ref_quantise((uint8_t *)k8, x, x, h->d, b, 0);
    for (size_t e = 0; e < h->d; e++) sum += k8[e];
    h->ksum[g * h->cap + row] = -128 * sum;
    h->sv[g * h->cap + row] = sp_ref_quantise((uint8_t *)q, x, v, h->d, 1, 0);
    for (size_t e = 0; e < h->d; e++) h->v8[((g * h->cap + row) / 128 * h->dv + e) * 128 + row % 128] = q[e];
  }
}

static void draw_heads(struct heads *h) {
  static const size_t dims[] = {16, 64, 80, 96, 128, 192, 256};
  *h = (struct heads){.keys = draw(1, 330), .G = draw(1, 3), .d = dims[draw(0, 6)]};
  h->H = h->G * draw(1, 3), h->n = draw(1, h->keys), h->at = h->keys - h->n, h->cap = up_to(h->keys, 128) + 128 * draw(0, 1);
  h->dk = up_to(h->d, 64), h->dv = up_to(h->d, 16), h->half = draw(1, h->d / 2), h->wide = (h->H + 2 * h->G) * h->d;
  h->scale = (float)(1.4426950408889634 / sqrt((double)h->d));
  h->qkv = floats(h->keys * h->wide), h->c = floats(400 * h->half), h->s = floats(400 * h->half);
  h->shift = floats(h->G * h->d), h->balance = floats(h->G * h->d), h->inverse = floats(h->G * h->d);
  h->q_norm = draw(0, 1) ? floats(h->d) : NULL, h->k_norm = h->q_norm ? floats(h->d) : NULL;
  h->position = malloc(h->keys * sizeof *h->position);
  for (size_t i = 0; i < h->keys; i++) h->position[i] = (uint32_t)(i + draw(0, 60));
  h->q8 = calloc(h->keys * h->H, h->dk), h->k8 = calloc(h->G * h->cap, h->dk), h->v8 = calloc(h->G * h->cap, h->dv);
  h->sq = calloc(h->keys * h->H, 4), h->sk = calloc(h->G * h->cap, 4), h->sv = calloc(h->G * h->cap, 4), h->ksum = calloc(h->G * h->cap, 4);
}

static void free_heads(struct heads *h) {
  free(h->qkv), free(h->c), free(h->s), free(h->shift), free(h->balance), free(h->inverse), free(h->q_norm), free(h->k_norm);
  free(h->position), free(h->q8), free(h->k8), free(h->v8), free(h->sq), free(h->sk), free(h->sv), free(h->ksum);
}

/* The whole list goes through the kernel in two chunks, as a prefill's would. */
static void prepare_heads(struct heads *h) {
  size_t dk = SP_GPU_HEAD(h->d), cache = h->G * h->cap;
  float *qkv = device_up(&device, h->qkv, h->keys * h->wide * sizeof(float));
  int8_t *zero = calloc(cache, dk);
  h->job = (struct sp_gpu_heads){
      .c = device_up(&device, h->c, 1600 * h->half), .s = device_up(&device, h->s, 1600 * h->half), .pairs = draw(0, 1), .keep = true,
      .q_norm = h->q_norm ? device_up(&device, h->q_norm, h->d * 4) : NULL, .k_norm = h->k_norm ? device_up(&device, h->k_norm, h->d * 4) : NULL,
      .shift = device_up(&device, h->shift, h->G * h->d * 4), .balance = device_up(&device, h->balance, h->G * h->d * 4),
      .inverse_balance = device_up(&device, h->inverse, h->G * h->d * 4), .q = device_alloc(&device, h->keys * h->H * dk),
      .k = device_up(&device, zero, cache * dk), .v = device_up(&device, zero, cache * dk), .sq = device_alloc(&device, h->keys * h->H * 4),
      .sk = device_up(&device, zero, cache * 4), .sv = device_up(&device, zero, cache * 4), .bad = no_bad_row(), .cap = (uint32_t)h->cap,
      .heads = (uint32_t)h->H, .kv_heads = (uint32_t)h->G, .d = (uint32_t)h->d, .dk = (uint32_t)dk, .block = (uint32_t)rotation(h->d),
      .half = (uint32_t)h->half, .eps = 1e-5f, .scale = h->scale};
  const uint32_t *position = device_up(&device, h->position, h->keys * 4);
  struct sp_gpu_heads part = h->job;
  for (size_t from = 0; from < h->keys; from += part.n) {
    part.at = (uint32_t)from, part.n = (uint32_t)(from < h->at ? h->at - from : h->n);
    part.qkv = qkv + from * h->wide, part.position = position + from;
    part.q = h->job.q + from * h->H * dk, part.sq = h->job.sq + from * h->H;
    device_run(&device, SP_GPU_sp_gpu_prepare_heads, &part, warps(part.n * (h->H + 2 * h->G)), 1);
  }
  h->job.qkv = qkv;
  for (size_t row = 0; row < h->keys; row++) ref_row(h, row);
  all_finite(h->job.bad);
  free(zero);
}

static size_t place_of(size_t key) { return key / 16 * 16 + key % 8 / 2 * 4 + key % 16 / 8 * 2 + key % 2; }

/* Our layouts from those of the reference. */
static void same_cache(struct heads *h) {
  size_t dk = SP_GPU_HEAD(h->d), cache = h->G * h->cap;
  int8_t *q = calloc(h->keys * h->H, dk), *k = calloc(cache, dk), *v = calloc(cache, dk);
  for (size_t i = 0; i < h->keys * h->H; i++) memcpy(q + i * dk, h->q8 + i * h->dk, h->d);
  for (size_t i = 0; i < cache; i++) {
    memcpy(k + i * dk, h->k8 + i * h->dk, h->d);
    for (size_t e = 0; e < h->d; e++)
      v[(i / 128 * dk + e) * 128 + place_of(i % 128)] = h->v8[(i / 128 * h->dv + e) * 128 + i % 128];
  }
  same("queries", q, h->job.q, h->keys * h->H * dk);
  same("scales of queries", h->sq, h->job.sq, h->keys * h->H * 4);
  same("keys", k, h->job.k, cache * dk);
  same("scales of keys", h->sk, h->job.sk, cache * 4);
  same("values", v, h->job.v, cache * dk);
  same("scales of values", h->sv, h->job.sv, cache * 4);
  same("turned heads", h->qkv, h->job.qkv, h->keys * h->wide * 4);
  free(q), free(k), free(v);
}

/* A row's query in all 16 lanes, or those of window rows in as many. */
static void pack_lanes(const struct heads *h, uint8_t *q, const int8_t *from, size_t lane) {
  for (size_t e = 0; e < h->dk; e++) q[(e / 4 * 16 + lane) * 4 + e % 4] = (uint8_t)from[e];
}

static void ref_attend(const struct heads *h, size_t row, size_t head, float *y, float *m, float *l) {
  uint8_t q[16 * 256];
  float sq[16], o[256 * 16], ms[16], ls[16], *ys[16] = {y};
  uint32_t limit[16];
  size_t g = head / (h->H / h->G) * h->cap;
  for (size_t i = 0; i < 16; i++) pack_lanes(h, q, h->q8 + (row * h->H + head) * h->dk, i), sq[i] = h->sq[row * h->H + head], limit[i] = (uint32_t)row + 1;
  sp_ref_attn(&(struct sp_attn){.k = h->k8 + g * h->dk, .v = h->v8 + g * h->dv, .sk = h->sk + g, .sv = h->sv + g, .ksum = h->ksum + g, .d = h->d,
                                .tiles = row / 128 + 1, .groups = 1, .q = q, .sq = sq, .limit = limit, .o = o, .y = ys, .m = ms, .l = ls});
  *m = ms[0], *l = ls[0];
}

static void attend_rows(struct heads *h, float *y, float *m, float *l) {
  size_t dk = SP_GPU_HEAD(h->d), blocks = (h->keys - 1) / 64 - h->at / 64 + 1, tiles = (h->keys - 1) / 128 + 1;
  for (size_t r = 0; r < h->n; r++)
    for (size_t i = 0; i < h->H; i++) ref_attend(h, h->at + r, i, y + (r * h->H + i) * h->d, m + r * h->H + i, l + r * h->H + i);
  struct sp_gpu_attend job = {.q = h->job.q + h->at * h->H * dk, .k = h->job.k, .v = h->job.v, .sq = h->job.sq + h->at * h->H, .sk = h->job.sk,
                              .sv = h->job.sv, .y = device_alloc(&device, h->n * h->H * h->d * 4), .m = device_alloc(&device, h->n * h->H * 4),
                              .l = device_alloc(&device, h->n * h->H * 4), .n = (uint32_t)h->n, .at = (uint32_t)h->at, .cap = (uint32_t)h->cap,
                              .heads = (uint32_t)h->H, .kv_heads = (uint32_t)h->G, .d = (uint32_t)h->d};
  device_run(&device, dk == 64 ? SP_GPU_sp_gpu_attend_64 : dk == 128 ? SP_GPU_sp_gpu_attend_128 : SP_GPU_sp_gpu_attend_256, &job, blocks, h->H);
  same("maxima", m, job.m, h->n * h->H * 4);
  same("denominators", l, job.l, h->n * h->H * 4);
  same("attention", y, job.y, h->n * h->H * h->d * 4);
  struct sp_gpu_attend_row one = {.q = job.q + (h->n - 1) * h->H * dk, .k = job.k, .v = job.v, .sq = job.sq + (h->n - 1) * h->H, .sk = job.sk,
                                  .sv = job.sv, .t = device_alloc(&device, h->H * tiles * 4), .den = device_alloc(&device, h->H * tiles * 4),
                                  .o = device_alloc(&device, h->H * tiles * dk * 4), .y = device_alloc(&device, h->H * h->d * 4),
                                  .keys = (uint32_t)h->keys, .cap = (uint32_t)h->cap, .heads = (uint32_t)h->H, .kv_heads = (uint32_t)h->G,
                                  .d = (uint32_t)h->d, .dk = (uint32_t)dk, .tiles = (uint32_t)tiles};
  device_run(&device, SP_GPU_sp_gpu_attend_tiles, &one, tiles, h->H);
  device_run(&device, SP_GPU_sp_gpu_attend_fold, &one, h->H, 1);
  same("attention of one row", y + (h->n - 1) * h->H * h->d, one.y, h->H * h->d * 4);
}

/* One layer of the attention mass of the rows [at, at + n). */
static void mass_of_rows(struct heads *h, const float *m, const float *l) {
  size_t dk = SP_GPU_HEAD(h->d), groups = (h->n + 15) / 16, lanes = groups * 16, tiles = (h->keys + 127) / 128;
  float *scores = calloc(tiles * 128, 4), *sq = calloc(lanes, 4), *ms = calloc(lanes, 4), *ls = calloc(lanes, 4);
  uint8_t *q = calloc(lanes, h->dk);
  uint32_t *limit = calloc(lanes, 4);
  for (size_t head = 0; head < h->H; head++) {
    size_t g = head / (h->H / h->G) * h->cap;
    for (size_t i = 0; i < lanes; i++) {
      size_t at = (i < h->n ? i : 0) * h->H + head;
      pack_lanes(h, q + i / 16 * 16 * h->dk, h->q8 + (h->at * h->H + at) * h->dk, i % 16);
      sq[i] = h->sq[h->at * h->H + at], ms[i] = m[at], ls[i] = l[at];
    }
    for (size_t tile = 0; tile < tiles; tile++) {
      for (size_t i = 0; i < lanes; i++) {
        size_t sees = i < h->n ? h->at + i + 1 : 0;
        sees = sees > tile * 128 ? sees - tile * 128 : 0;
        limit[i] = (uint32_t)(sees < 128 ? sees : 128);
      }
      sp_ref_mass(&(struct sp_mass){.k = h->k8 + (g + tile * 128) * h->dk, .sk = h->sk + g + tile * 128, .ksum = h->ksum + g + tile * 128, .d = h->d,
                                    .groups = groups, .q = q, .sq = sq, .m = ms, .l = ls, .limit = limit, .total = scores + tile * 128});
    }
  }
  float mean = 1.0f / (float)(h->n * h->H);
  for (size_t i = 0; i < h->keys; i++) scores[i] *= mean;
  struct sp_gpu_mass job = {.q = h->job.q + h->at * h->H * dk, .k = h->job.k, .sq = h->job.sq + h->at * h->H, .m = device_up(&device, m, h->n * h->H * 4),
                            .l = device_up(&device, l, h->n * h->H * 4), .sk = h->job.sk, .per = device_alloc(&device, h->H * h->keys * 4),
                            .rows = (uint32_t)h->keys, .window = (uint32_t)h->n, .window_from = (uint32_t)h->at, .cap = (uint32_t)h->cap,
                            .heads = (uint32_t)h->H, .kv_heads = (uint32_t)h->G, .dk = (uint32_t)dk};
  struct sp_gpu_mass_mean sum = {.per = job.per, .scores = device_alloc(&device, h->keys * 4), .rows = job.rows, .heads = job.heads, .scale = mean, .first = true};
  device_run(&device, SP_GPU_sp_gpu_mass_heads, &job, tiles, h->H);
  device_run(&device, SP_GPU_sp_gpu_mass_rows, &sum, tiles, 1);
  same("attention mass", scores, sum.scores, h->keys * 4);
  sum.first = false;
  device_run(&device, SP_GPU_sp_gpu_mass_rows, &sum, tiles, 1);
  same("maximum over layers", scores, sum.scores, h->keys * 4);
  free(scores), free(sq), free(ms), free(ls), free(q), free(limit);
}

static void test_attention(void) {
  struct heads h;
  draw_heads(&h);
  prepare_heads(&h);
  same_cache(&h);
  float *y = calloc(h.n * h.H * h.d, 4), *m = calloc(h.n * h.H, 4), *l = calloc(h.n * h.H, 4);
  if (!failed) attend_rows(&h, y, m, l);
  if (!failed) mass_of_rows(&h, m, l);
  free(y), free(m), free(l), free_heads(&h);
}

/* Rows to bytes as kv.c lays them out, and back into an empty cache. */
static void test_image(void) {
  struct heads h;
  draw_heads(&h);
  prepare_heads(&h);
  size_t row = h.G * (2 * h.d + 8), stride = row + draw(0, 40), dk = SP_GPU_HEAD(h.d);
  uint8_t *file = malloc(h.n * stride), *at = file;
  memset(file, 0xff, h.n * stride);
  for (size_t i = 0; i < h.n; i++, at = file + i * stride)
    for (size_t g = 0; g < h.G; g++, at += 2 * h.d + 8) {
      size_t key = g * h.cap + h.at + i;
      memcpy(at, h.k8 + key * h.dk, h.d);
      for (size_t e = 0; e < h.d; e++) at[h.d + e] = (uint8_t)h.v8[(key / 128 * h.dv + e) * 128 + key % 128];
      memcpy(at + 2 * h.d, &h.sk[key], 4), memcpy(at + 2 * h.d + 4, &h.sv[key], 4);
    }
  struct sp_gpu_image job = {.k = h.job.k, .v = h.job.v, .sk = h.job.sk, .sv = h.job.sv, .bytes = device_alloc(&device, h.n * stride), .stride = stride,
                             .n = (uint32_t)h.n, .at = (uint32_t)h.at, .cap = (uint32_t)h.cap, .kv_heads = (uint32_t)h.G, .d = (uint32_t)h.d, .dk = (uint32_t)dk};
  device_run(&device, SP_GPU_sp_gpu_image_rows, &job, warps(h.n * h.G), 1);
  same("bytes of a state", file, job.bytes, h.n * stride);
  struct sp_gpu_image back = job;
  back.k = device_alloc(&device, h.G * h.cap * dk), back.v = device_alloc(&device, h.G * h.cap * dk);
  back.sk = device_alloc(&device, h.G * h.cap * 4), back.sv = device_alloc(&device, h.G * h.cap * 4), back.restore = true;
  device_run(&device, SP_GPU_sp_gpu_image_rows, &back, warps(h.n * h.G), 1);
  back.restore = false, back.bytes = device_alloc(&device, h.n * stride);
  device_run(&device, SP_GPU_sp_gpu_image_rows, &back, warps(h.n * h.G), 1);
  same("bytes of a state that was read", file, back.bytes, h.n * stride);
  free(file), free_heads(&h);
}

static void test_probe(void) {
  struct heads h;
  draw_heads(&h);
  size_t n = h.G * h.d, per = h.H / h.G;
  float *sums = floats(3 * n), *key = sums, *keys = sums + n, *queries = sums + 2 * n, *at = device_up(&device, sums, 12 * n);
  for (size_t r = 0; r < h.keys; r++) {
    const float *q = h.qkv + r * h.wide, *k = q + h.H * h.d;
    for (size_t i = 0; i < n; i++) key[i] += k[i], keys[i] = fmaf(k[i], k[i], keys[i]);
    for (size_t i = 0; i < h.H * h.d; i++) {
      float *sum = &queries[i / h.d / per * h.d + i % h.d];
      *sum = fmaf(q[i], q[i], *sum);
    }
  }
  struct sp_gpu_probe job = {.qkv = device_up(&device, h.qkv, h.keys * h.wide * 4), .key = at, .key_squared = at + n, .query_squared = at + 2 * n,
                             .n = (uint32_t)h.keys, .heads = (uint32_t)h.H, .kv_heads = (uint32_t)h.G, .d = (uint32_t)h.d};
  device_run(&device, SP_GPU_sp_gpu_probe_sums, &job, (n + 127) / 128, 1);
  same("sums of the probe", sums, at, 12 * n);
  free(sums), free_heads(&h);
}
