/*
 * check_quant.c - the types of tensors: table, meaning of the bytes, dot products, activations; on every level of this machine.
 *
 * In:       blocks of random bytes and of all fp16 scales.  Out: TAP; levels that the machine lacks are printed and counted.
 * Not here: thousands of random shapes (kern.c), the gguf package's opinion (oracle/quant_gguf.py).
 *
 * What a block means is written here a second time, from positions of bits and in double, apart from ref_blocks.c.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/quant.h"
#include "simd/ref.h"

/* ---- random numbers, levels, memory ------------------------------------------------------------------------------- */

enum { SEED = 20240229 };
static uint64_t state;

static uint64_t draw(void) { /* splitmix64 */
  uint64_t z = state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static void seed_draws(void) {
  state = SEED;
}

static double uniform(void) { /* [-1, 1) */
  return (double)(int64_t)draw() * 0x1p-63;
}

/* The usable levels, "ref" first. */
static const struct sp_kernels *levels[16];
static size_t n_levels;

static size_t find_levels(void) {
  size_t count, lacking = 0;
  const struct sp_isa_level *all = sp_isa_levels(&count);
  for (size_t i = 0; i < count && n_levels < sizeof levels / sizeof *levels; i++) {
    const char *missing = sp_isa_missing(i);
    if (missing == NULL) levels[n_levels++] = all[i].table;
    else printf("# level %s skipped: %s (%zu)\n", all[i].name, missing, ++lacking);
  }
  return lacking;
}

/* Bytes that end where a page begins that may not be touched. */
struct fenced {
  uint8_t *map, *data;
  size_t bytes;
};

static struct fenced fence(size_t bytes) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (bytes + page - 1) / page * page;
  struct fenced f = {.bytes = room + page};
  f.map = mmap(NULL, f.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ck_assert_ptr_ne(f.map, MAP_FAILED);
  ck_assert_int_eq(mprotect(f.map + room, page, PROT_NONE), 0);
  f.data = f.map + room - bytes;
  return f;
}

static void unfence(struct fenced f) {
  munmap(f.map, f.bytes);
}

/* ---- what a block means, once more --------------------------------------------------------------------------------- */

/* `count` bits from bit `at` of p on, bit 0 being the lowest of the first byte. */
static int bits(const uint8_t *p, int at, int count) {
  int value = 0;
  for (int i = 0; i < count; i++) value |= (p[(at + i) / 8] >> ((at + i) % 8) & 1) << i;
  return value;
}

static double half(const uint8_t *p) {
  int fraction = bits(p, 0, 10), exponent = bits(p, 10, 5);
  double size = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
  return bits(p, 15, 1) != 0 ? -size : size;
}

/* A weight is scale * q + min. All three are exact in double, and so is the result: its bits lie between 2^-24 and 2^30. */
struct meaning {
  double scale, min;
  int q;
};

static int nibble_of_32(const uint8_t *qs, int i) {
  return bits(qs, i < 16 ? 8 * i : 8 * (i - 16) + 4, 4);
}

static int level_of(int nibble) {
  static const char levels_of_iq4[] = "\x81\x98\xad\xbf\xcf\xdd\xea\xf6\x01\x0d\x19\x26\x35\x45\x59\x71";
  return (int8_t)levels_of_iq4[nibble];
}

static struct meaning mean_q8_0(const uint8_t *p, int i) {
  return (struct meaning){half(p), 0, (int8_t)p[2 + i]};
}

static struct meaning mean_q4_0(const uint8_t *p, int i) {
  return (struct meaning){half(p), 0, nibble_of_32(p + 2, i) - 8};
}

static struct meaning mean_q4_1(const uint8_t *p, int i) {
  return (struct meaning){half(p), half(p + 2), nibble_of_32(p + 4, i)};
}

static struct meaning mean_q5_0(const uint8_t *p, int i) {
  return (struct meaning){half(p), 0, nibble_of_32(p + 6, i) + 16 * bits(p + 2, i, 1) - 16};
}

static struct meaning mean_q5_1(const uint8_t *p, int i) {
  return (struct meaning){half(p), half(p + 2), nibble_of_32(p + 8, i) + 16 * bits(p + 4, i, 1)};
}

static struct meaning mean_iq4_nl(const uint8_t *p, int i) {
  return (struct meaning){half(p), 0, level_of(nibble_of_32(p + 2, i))};
}

/* Scale (first = 0) or minimum (first = 4) of sub-block j: six bits; from j = 4 on, four of them in bytes 8.. and two in 0.. */
static int six_bits(const uint8_t *s, int first, int j) {
  if (j < 4) return bits(s, 8 * (first + j), 6);
  return bits(s, 8 * (4 + j) + first, 4) + 16 * bits(s, 8 * (first + j - 4) + 6, 2);
}

static int nibble_of_64(const uint8_t *qs, int i) {
  return bits(qs, 8 * (32 * (i / 64) + i % 32) + 4 * (i / 32 % 2), 4);
}

static struct meaning mean_q4_k(const uint8_t *p, int i) {
  double scale = half(p) * six_bits(p + 4, 0, i / 32), min = half(p + 2) * six_bits(p + 4, 4, i / 32);
  return (struct meaning){scale, -min, nibble_of_64(p + 16, i)};
}

static struct meaning mean_q5_k(const uint8_t *p, int i) {
  struct meaning m = mean_q4_k(p, i);
  m.q = nibble_of_64(p + 48, i) + 16 * bits(p + 16, 8 * (i % 32) + i / 32, 1);
  return m;
}

static struct meaning mean_q6_k(const uint8_t *p, int i) {
  int part = i % 128 / 32, half_at = i / 128;
  int low = bits(p, 8 * (64 * half_at + 32 * (part % 2) + i % 32) + 4 * (part / 2), 4);
  int high = bits(p + 128, 8 * (32 * half_at + i % 32) + 2 * part, 2);
  return (struct meaning){half(p + 208) * (int8_t)p[192 + i / 16], 0, low + 16 * high - 32};
}

static int pair_of_128(const uint8_t *qs, int i) {
  return bits(qs, 8 * (32 * (i / 128) + i % 32) + 2 * (i % 128 / 32), 2);
}

static struct meaning mean_q2_k(const uint8_t *p, int i) {
  double scale = half(p + 80) * bits(p, i / 16 * 8, 4), min = half(p + 82) * bits(p, i / 16 * 8 + 4, 4);
  return (struct meaning){scale, -min, pair_of_128(p + 16, i)};
}

static struct meaning mean_q3_k(const uint8_t *p, int i) {
  int j = i / 16, scale = bits(p + 96, 8 * (j % 8) + 4 * (j / 8), 4) + 16 * bits(p + 104, 8 * (j % 4) + 2 * (j / 4), 2) - 32;
  return (struct meaning){half(p + 108) * scale, 0, pair_of_128(p + 32, i) - 4 + 4 * bits(p, 8 * (i % 32) + i / 32, 1)};
}

static struct meaning mean_iq4_xs(const uint8_t *p, int i) {
  int j = i / 32, scale = bits(p + 4, 4 * j, 4) + 16 * bits(p + 2, 2 * j, 2) - 32;
  return (struct meaning){half(p) * scale, 0, level_of(nibble_of_32(p + 8 + 16 * j, i % 32))};
}

static double real32(const uint8_t *p) {
  int fraction = bits(p, 0, 23), exponent = bits(p, 23, 8);
  double size = exponent == 0 ? ldexp(fraction, -149) : ldexp((1 << 23) + fraction, exponent - 150);
  return bits(p, 31, 1) != 0 ? -size : size;
}

static struct meaning mean_f32(const uint8_t *p, int i) {
  (void)i;
  return (struct meaning){real32(p), 0, 1};
}

static struct meaning mean_f16(const uint8_t *p, int i) {
  (void)i;
  return (struct meaning){half(p), 0, 1};
}

static struct meaning mean_bf16(const uint8_t *p, int i) {
  const uint8_t wide[4] = {0, 0, p[0], p[1]};
  (void)i;
  return (struct meaning){real32(wide), 0, 1};
}

/* ---- the types, once more ---------------------------------------------------------------------------------------- */

enum { NONE = -1 };

static const struct fact {
  const char *name;
  uint32_t number;
  int block, bytes, sub;
  int d, m; /* bytes where fp16 scale and minimum stand, or NONE */
  struct meaning (*mean)(const uint8_t *p, int i);
} facts[SP_TYPES] = {
  [SP_F32] = {"F32", 0, 1, 4, 1, NONE, NONE, mean_f32},
  [SP_F16] = {"F16", 1, 1, 2, 1, 0, NONE, mean_f16},
  [SP_BF16] = {"BF16", 30, 1, 2, 1, NONE, NONE, mean_bf16},
  [SP_Q8_0] = {"Q8_0", 8, 32, 2 + 32, 32, 0, NONE, mean_q8_0},
  [SP_Q4_0] = {"Q4_0", 2, 32, 2 + 16, 32, 0, NONE, mean_q4_0},
  [SP_Q4_1] = {"Q4_1", 3, 32, 2 + 2 + 16, 32, 0, 2, mean_q4_1},
  [SP_Q5_0] = {"Q5_0", 6, 32, 2 + 4 + 16, 32, 0, NONE, mean_q5_0},
  [SP_Q5_1] = {"Q5_1", 7, 32, 2 + 2 + 4 + 16, 32, 0, 2, mean_q5_1},
  [SP_Q2_K] = {"Q2_K", 10, 256, 16 + 64 + 2 + 2, 16, 80, 82, mean_q2_k},
  [SP_Q3_K] = {"Q3_K", 11, 256, 32 + 64 + 12 + 2, 16, 108, NONE, mean_q3_k},
  [SP_Q4_K] = {"Q4_K", 12, 256, 2 + 2 + 12 + 128, 32, 0, 2, mean_q4_k},
  [SP_Q5_K] = {"Q5_K", 13, 256, 2 + 2 + 12 + 32 + 128, 32, 0, 2, mean_q5_k},
  [SP_Q6_K] = {"Q6_K", 14, 256, 128 + 64 + 16 + 2, 16, 208, NONE, mean_q6_k},
  [SP_IQ4_NL] = {"IQ4_NL", 20, 32, 2 + 16, 32, 0, NONE, mean_iq4_nl},
  [SP_IQ4_XS] = {"IQ4_XS", 23, 256, 2 + 2 + 4 + 128, 32, 0, NONE, mean_iq4_xs},
};

static void put_half(uint8_t *p, uint32_t h) {
  p[0] = (uint8_t)h;
  p[1] = (uint8_t)(h >> 8);
}

/* A finite fp16: a zero, a subnormal, any. */
static uint32_t draw_half(void) {
  static const uint32_t kept[] = {0x8000, 0x83ff, 0xffff, 0xffff};
  uint32_t h = (uint32_t)draw() & kept[draw() % 4];
  return (h & 0x7c00) == 0x7c00 ? h & 0xbfff : h;
}

/* Random bytes whose scales are finite. F32 and BF16: numbers around 1, a few zeros and subnormals. */
static void draw_blocks(const struct fact *t, uint8_t *p, size_t blocks) {
  for (size_t b = 0; b < blocks; b++, p += t->bytes) {
    for (int i = 0; i < t->bytes; i++) p[i] = (uint8_t)draw();
    if (t->d != NONE) put_half(p + t->d, draw_half());
    if (t->m != NONE) put_half(p + t->m, draw_half());
    if (t->block == 1 && t->d == NONE) p[t->bytes - 1] = (uint8_t)((p[t->bytes - 1] & 0x81) | (draw() % 16 == 0 ? 0 : 0x3e));
  }
}

/* ---- table --------------------------------------------------------------------------------------------------------- */

START_TEST(table_states_the_facts) {
  const struct fact *t = &facts[_i];
  const struct sp_quant *q = &sp_quants[_i];
  enum sp_type found = SP_TYPES;
  ck_assert_str_eq(q->name, t->name);
  ck_assert_uint_eq(q->file_number, t->number);
  ck_assert_int_eq(q->block, t->block);
  ck_assert_int_eq(q->bytes, t->bytes);
  ck_assert_int_eq(q->sub, t->sub);
  ck_assert(sp_quant_find(t->number, &found) && found == (enum sp_type)_i);
  ck_assert_ptr_null(sp_quant_unknown(t->number));
}
END_TEST

START_TEST(row_bytes_are_checked) {
  const struct fact *t = &facts[_i];
  size_t bytes = 0;
  uint64_t block = (uint64_t)t->block;
  ck_assert(sp_quant_row_bytes((enum sp_type)_i, 3 * block, &bytes));
  ck_assert_uint_eq(bytes, (size_t)(3 * t->bytes));
  ck_assert(sp_quant_row_bytes((enum sp_type)_i, 0, &bytes));
  ck_assert_uint_eq(bytes, 0);
  if (block > 1) {
    ck_assert(!sp_quant_row_bytes((enum sp_type)_i, 1, &bytes));
    ck_assert(!sp_quant_row_bytes((enum sp_type)_i, 3 * block - 1, &bytes));
    ck_assert(!sp_quant_row_bytes((enum sp_type)_i, 3 * block + 16, &bytes));
  }
  uint64_t most = SIZE_MAX / (uint64_t)t->bytes; /* blocks whose bytes can be counted */
  bool countable = most <= UINT64_MAX / block;
  if (countable) ck_assert(sp_quant_row_bytes((enum sp_type)_i, most * block, &bytes));
  if (countable && most < UINT64_MAX / block) ck_assert(!sp_quant_row_bytes((enum sp_type)_i, (most + 1) * block, &bytes));
}
END_TEST

START_TEST(strangers_have_names) {
  ck_assert_str_eq(sp_quant_unknown(16), "IQ2_XXS");
  ck_assert_str_eq(sp_quant_unknown(39), "MXFP4");
  ck_assert_ptr_null(sp_quant_unknown(1000));
  ck_assert_ptr_null(sp_quant_unknown(UINT32_MAX));
  for (uint32_t n = 0; n < 64; n++) {
    enum sp_type type;
    ck_assert(!(sp_quant_find(n, &type) && sp_quant_unknown(n) != NULL));
  }
}
END_TEST

/* ---- finite or not ------------------------------------------------------------------------------------------------- */

/* Writes a NaN or an infinity into block b, at its scale, its minimum, or as its value. */
static void spoil(const struct fact *t, uint8_t *row, size_t b, bool at_min) {
  uint8_t *p = row + b * (size_t)t->bytes;
  if (t->d != NONE) put_half(p + (at_min && t->m != NONE ? t->m : t->d), 0x7c00 | (draw() & 0x83ff));
  else p[t->bytes - 1] |= 0x7f, p[t->bytes - 2] |= 0x80;
}

START_TEST(the_first_bad_block_is_found) {
  enum { BLOCKS = 50 };
  const struct fact *t = &facts[_i];
  struct fenced row = fence(BLOCKS * (size_t)t->bytes);
  size_t bytes = BLOCKS * (size_t)t->bytes;
  for (int round = 0; round < 200; round++) {
    size_t first = draw() % BLOCKS, second = first + draw() % (BLOCKS - first);
    draw_blocks(t, row.data, BLOCKS);
    ck_assert_int_eq(sp_quant_not_finite((enum sp_type)_i, row.data, bytes), -1);
    spoil(t, row.data, second, round % 3 == 0);
    spoil(t, row.data, first, round % 2 == 0);
    ck_assert_int_eq(sp_quant_not_finite((enum sp_type)_i, row.data, bytes), (int64_t)first);
  }
  ck_assert_int_eq(sp_quant_not_finite((enum sp_type)_i, row.data, 0), -1);
  unfence(row);
}
END_TEST

/* ---- dequantisation ------------------------------------------------------------------------------------------------- */

/* The weights of a row, from the meaning of its blocks. Products and sums are exact in double, so the cast rounds once, and zeros
 * keep the sign that fp32 gives them. */
static void mean_row(const struct fact *t, const uint8_t *row, size_t k, float *y) {
  for (size_t i = 0; i < k; i++) {
    struct meaning m = t->mean(row + i / (size_t)t->block * (size_t)t->bytes, (int)(i % (size_t)t->block));
    y[i] = (float)(t->m != NONE ? m.scale * m.q + m.min : m.scale * m.q);
  }
}

static size_t first_difference(const float *a, const float *b, size_t n) {
  size_t i = 0;
  while (i < n && memcmp(a + i, b + i, sizeof *a) == 0) i++;
  return i;
}

/* Every level's weights of a row against their meaning, bit for bit. want, got: room for k + 1. */
static void check_row(enum sp_type type, const uint8_t *row, size_t blocks, float *want, float *got) {
  const struct fact *t = &facts[type];
  size_t k = blocks * (size_t)t->block;
  mean_row(t, row, k, want);
  want[k] = -7;
  for (size_t l = 0; l < n_levels; l++) {
    for (size_t i = 0; i <= k; i++) got[i] = -7;
    levels[l]->dequant[type](got, row, k);
    size_t i = first_difference(got, want, k + 1);
    ck_assert_msg(i > k, "%s %s, k %zu, seed %d: weight %zu is %a, not %a", levels[l]->isa, t->name, k, SEED, i,
                  (double)got[i], (double)want[i]);
  }
}

START_TEST(random_blocks_mean_what_they_say) {
  enum { BLOCKS = 9, ROUNDS = 60 };
  const struct fact *t = &facts[_i];
  size_t bytes = BLOCKS * (size_t)t->bytes;
  struct fenced row = fence(bytes);
  float want[BLOCKS * 256 + 1], got[BLOCKS * 256 + 1];
  for (int round = 0; round < ROUNDS; round++) {
    size_t blocks = 1 + draw() % BLOCKS;
    uint8_t *start = row.data + bytes - blocks * (size_t)t->bytes; /* the row ends at the fence, wherever that makes it begin */
    draw_blocks(t, start, blocks);
    check_row((enum sp_type)_i, start, blocks, want, got);
  }
  unfence(row);
}
END_TEST

/* All 63488 finite fp16 as scale, and as minimum: 31 rows of 2048 blocks. */
START_TEST(every_scale_is_read) {
  enum { BLOCKS = 2048, FINITE = 31 * BLOCKS };
  const struct fact *t = &facts[_i];
  if (t->d == NONE || t->block > 32) return;
  struct fenced row = fence(BLOCKS * (size_t)t->bytes);
  size_t most = BLOCKS * (size_t)t->block + 1;
  float *y = calloc(2 * most, sizeof *y);
  ck_assert_ptr_nonnull(y);
  for (uint32_t first = 0; first < FINITE; first += BLOCKS) {
    draw_blocks(t, row.data, BLOCKS);
    for (uint32_t b = 0; b < BLOCKS; b++) {
      uint32_t n = first + b, h = n < FINITE / 2 ? n : n - FINITE / 2 + 0x8000;
      uint8_t *p = row.data + b * (size_t)t->bytes;
      put_half(p + t->d, h);
      if (t->m != NONE) put_half(p + t->m, h * 40503u >> 3 & 0xbfff); /* another finite one, all over the range */
    }
    check_row((enum sp_type)_i, row.data, BLOCKS, y, y + most);
  }
  free(y);
  unfence(row);
}
END_TEST

/* ---- activations ------------------------------------------------------------------------------------------------------ */

enum { MOST_K = 40 * 256 };

struct activation {
  float x[MOST_K], d[MOST_K / 32];
  int8_t q[MOST_K];
  int16_t sum[MOST_K / 16];
};

static struct activation *make_activation(void) {
  struct activation *a = calloc(1, sizeof *a);
  ck_assert_ptr_nonnull(a);
  return a;
}

/* Blocks of every size: ordinary, tiny, around the least that counts (2^-100), subnormal, zero. */
static void draw_values(float *x, size_t k) {
  static const double sizes[] = {1, 1, 30, 1e-3, 1e-12, 0x1p-98, 0x1.02p-100, 1e-37, 1e-42, 0};
  for (size_t i = 0; i < k; i += 32) {
    double size = sizes[draw() % (sizeof sizes / sizeof *sizes)];
    for (size_t j = i; j < i + 32 && j < k; j++) x[j] = (float)(uniform() * size);
  }
}

static bool same_activation(const struct activation *a, const struct activation *b, size_t k) {
  return memcmp(a->q, b->q, k) == 0 && memcmp(a->d, b->d, k / 32 * sizeof *a->d) == 0 &&
         memcmp(a->sum, b->sum, k / 16 * sizeof *a->sum) == 0;
}

/* What act8 promises, number by number. */
static void check_activation(const struct activation *a, size_t k) {
  for (size_t i = 0; i < k; i++) {
    double d = (double)a->d[i / 32];
    ck_assert_int_ge(a->q[i], -127);
    if (d == 0) ck_assert(a->q[i] == 0 && fabs((double)a->x[i]) < 0x1p-100);
    else ck_assert(fabs((double)a->x[i] - a->q[i] * d) <= d * 0.50001);
  }
  for (size_t i = 0; i < k; i += 16) {
    int sum = 0;
    for (size_t j = i; j < i + 16; j++) sum += a->q[j];
    ck_assert_int_eq(sum, a->sum[i / 16]);
  }
}

START_TEST(activations_round_alike) {
  for (size_t k = 32; k <= 9000; k += 32 * (1 + draw() % 40)) {
    struct activation *want = make_activation(), *got = make_activation();
    draw_values(want->x, k);
    ck_assert(sp_ref_act8(want->q, want->d, want->sum, want->x, k));
    check_activation(want, k);
    for (size_t l = 0; l < n_levels; l++) {
      memset(got->q, 99, k);
      ck_assert(levels[l]->act8(got->q, got->d, got->sum, want->x, k));
      ck_assert_msg(same_activation(want, got, k), "%s differs from ref at k %zu, seed %d", levels[l]->isa, k, SEED);
    }
    for (size_t l = 0; l < n_levels; l++) { /* one bad value anywhere */
      size_t at = draw() % k;
      float kept = want->x[at];
      want->x[at] = draw() % 2 == 0 ? NAN : draw() % 2 == 0 ? INFINITY : -INFINITY;
      ck_assert_msg(!levels[l]->act8(got->q, got->d, got->sum, want->x, k), "%s took a bad value", levels[l]->isa);
      want->x[at] = kept;
    }
    free(want);
    free(got);
  }
}
END_TEST

/* ---- dot products ------------------------------------------------------------------------------------------------------ */

/* The true product of a row and an activation, in double, and the sum of the sizes of its terms, scale and minimum apart. */
static double true_dot(const struct fact *t, const uint8_t *row, const struct activation *a, size_t k, double *size) {
  double sum = 0;
  *size = 0;
  for (size_t i = 0; i < k; i++) {
    struct meaning m = t->mean(row + i / (size_t)t->block * (size_t)t->bytes, (int)(i % (size_t)t->block));
    double x = t->block == 1 ? (double)a->x[i] : a->q[i] * (double)a->d[i / 32];
    sum += (m.scale * m.q + m.min) * x;
    *size += (fabs(m.scale * m.q) + fabs(m.min)) * fabs(x);
  }
  return sum;
}

/* Roundings that a term can meet: its scale, each later step of its lane (two a sub-block with minimums), four in the fold. */
static double roundings(const struct fact *t, size_t k) {
  size_t steps = (k / (size_t)t->sub + SP_LANES - 1) / SP_LANES;
  return 1 + (double)(steps * (t->m != NONE ? 2 : 1)) + 4;
}

START_TEST(dots_are_close_to_the_truth) {
  const struct fact *t = &facts[_i];
  for (size_t k = (size_t)t->block; k <= 9000; k = k * 3 / 2 / (size_t)t->block * (size_t)t->block + (size_t)t->block) {
    size_t bytes = k / (size_t)t->block * (size_t)t->bytes;
    struct fenced row = fence(bytes);
    struct activation *a = make_activation();
    draw_blocks(t, row.data, k / (size_t)t->block);
    draw_values(a->x, k);
    if (t->block > 1) ck_assert(sp_ref_act8(a->q, a->d, a->sum, a->x, k));
    const struct sp_act act = {a->x, a->q, a->d, a->sum};
    double size, want = true_dot(t, row.data, a, k, &size);
    double bound = roundings(t, k) * 0x1p-24 * size + (double)k * 0x1p-149 * 128; /* relative part, subnormal part */
    for (size_t l = 0; l < n_levels; l++) {
      float y = NAN;
      levels[l]->dot[_i](&(struct sp_dot){row.data, bytes, 1, k, &act, 1, &y, 1});
      ck_assert_msg(fabs((double)y - want) <= bound, "%s %s, k %zu, seed %d: %a, not %a +- %a", levels[l]->isa, t->name, k, SEED,
                    (double)y, want, bound);
    }
    free(a);
    unfence(row);
  }
}
END_TEST

/* One job on every level against ref. Rows end at a fence, with `gap` bytes between them; some are zero. */
static void compare_levels(enum sp_type type, size_t k, size_t n_rows, size_t n_x, size_t gap) {
  const struct fact *t = &facts[type];
  size_t blocks = k / (size_t)t->block, bytes = blocks * (size_t)t->bytes, stride = bytes + gap, ldy = n_rows + 3;
  struct fenced rows = fence(n_rows * stride - gap);
  struct activation *a[40];
  struct sp_act act[40];
  float want[40 * 16], got[40 * 16];
  for (size_t r = 0; r < n_rows; r++) {
    if (r % 4 == 3) memset(rows.data + r * stride, 0, bytes);
    else draw_blocks(t, rows.data + r * stride, blocks);
  }
  for (size_t x = 0; x < n_x; x++) {
    a[x] = make_activation();
    if (x % 5 != 4) draw_values(a[x]->x, k); /* else a zero row */
    if (t->block > 1) ck_assert(sp_ref_act8(a[x]->q, a[x]->d, a[x]->sum, a[x]->x, k));
    act[x] = (struct sp_act){a[x]->x, a[x]->q, a[x]->d, a[x]->sum};
  }
  for (size_t i = 0; i < n_x * ldy; i++) want[i] = -7;
  sp_ref_dot[type](&(struct sp_dot){rows.data, stride, n_rows, k, act, n_x, want, ldy});
  for (size_t l = 0; l < n_levels; l++) {
    for (size_t i = 0; i < n_x * ldy; i++) got[i] = -7;
    levels[l]->dot[type](&(struct sp_dot){rows.data, stride, n_rows, k, act, n_x, got, ldy});
    size_t i = first_difference(got, want, n_x * ldy);
    ck_assert_msg(i == n_x * ldy, "%s %s, k %zu, %zu rows, %zu activations, gap %zu, seed %d: y[%zu] differs", levels[l]->isa,
                  t->name, k, n_rows, n_x, gap, SEED, i);
  }
  for (size_t x = 0; x < n_x; x++) free(a[x]);
  unfence(rows);
}

START_TEST(levels_agree) {
  const struct fact *t = &facts[_i];
  enum sp_type type = (enum sp_type)_i;
  size_t block = (size_t)t->block;
  for (size_t n = 1; n <= 40; n++) compare_levels(type, n * block, 1 + n % 9, 1 + n % 5, n % 4);
  for (size_t n_x = 1; n_x <= 40; n_x += n_x < 18 ? 1 : 11) compare_levels(type, block * (1 + draw() % 12), 5, n_x, 1);
  compare_levels(type, 9000 / block * block, 4, 2, 0);
  compare_levels(type, 8192 + block, 2, 17, 7);
}
END_TEST

/* Products of floats may vanish to -0, which adding a zero behind the end of the row would turn into +0. */
START_TEST(vanishing_products_keep_their_sign) {
  static const uint8_t least[4] = {1}; /* the smallest subnormal of each float type */
  enum { MOST = 40 };
  const struct fact *t = &facts[_i];
  uint8_t row[MOST * 4];
  float x[MOST], y;
  const struct sp_act act = {.x = x};
  for (size_t i = 0; i < MOST; i++) {
    x[i] = -0x1p-149f;
    memcpy(row + i * (size_t)t->bytes, least, (size_t)t->bytes);
  }
  for (size_t l = 0; l < n_levels; l++) {
    for (size_t k = SP_LANES; k <= MOST; k++) {
      levels[l]->dot[_i](&(struct sp_dot){row, k * (size_t)t->bytes, 1, k, &act, 1, &y, 1});
      ck_assert_msg(y == 0 && signbit(y), "%s %s, k %zu: %a, not -0", levels[l]->isa, t->name, k, (double)y);
    }
  }
}
END_TEST

/* ---- all of it --------------------------------------------------------------------------------------------------------- */

int main(void) {
  Suite *suite = suite_create("quant");
  TCase *c = tcase_create("types");
  size_t lacking = find_levels();
  tcase_add_checked_fixture(c, seed_draws, NULL);
  tcase_add_loop_test(c, table_states_the_facts, 0, SP_TYPES);
  tcase_add_loop_test(c, row_bytes_are_checked, 0, SP_TYPES);
  tcase_add_test(c, strangers_have_names);
  tcase_add_loop_test(c, the_first_bad_block_is_found, 0, SP_TYPES);
  tcase_add_loop_test(c, random_blocks_mean_what_they_say, 0, SP_TYPES);
  tcase_add_loop_test(c, every_scale_is_read, 0, SP_TYPES);
  tcase_add_test(c, activations_round_alike);
  tcase_add_loop_test(c, dots_are_close_to_the_truth, 0, SP_TYPES);
  tcase_add_loop_test(c, levels_agree, 0, SP_TYPES);
  tcase_add_loop_test(c, vanishing_products_keep_their_sign, SP_F32, SP_BF16 + 1);
  suite_add_tcase(suite, c);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  printf("# %zu levels compared, %zu skipped\n", n_levels, lacking);
  return failed != 0;
}
