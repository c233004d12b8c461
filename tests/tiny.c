/*
 * tiny.c - the writer of GGUF files and the tiny models themselves.
 *
 * In:       struct tiny_spec.  Out: bytes.
 * Not here: the vocabulary (tiny_vocab.c).
 *
 * The block table below is written from the formats' published layouts and on purpose not shared with the library's own table, so
 * that a slip in one of them shows.
 */
#include "tiny.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/gguf.h"

_Noreturn void tiny_die(const char *format, ...) {
  va_list list;
  va_start(list, format);
  fputs("tiny: ", stderr);
  vfprintf(stderr, format, list);
  fputc('\n', stderr);
  va_end(list);
  exit(99);
}

/* ---- bytes --------------------------------------------------------------------------------------------------- */

static uint8_t *grow(struct tiny_bytes *b, size_t bytes) {
  if (b->size + bytes > b->capacity) {
    b->capacity = 2 * (b->size + bytes) + 256;
    b->data = realloc(b->data, b->capacity);
    if (!b->data) tiny_die("out of memory for %zu bytes", b->capacity);
  }
  b->size += bytes;
  return b->data + b->size - bytes;
}

void tiny_put(struct tiny_bytes *b, uint64_t value, unsigned width) {
  uint8_t *out = grow(b, width);
  for (unsigned i = 0; i < width; i++) out[i] = (uint8_t)(value >> 8 * i);
}

void tiny_raw(struct tiny_bytes *b, const void *data, size_t bytes) {
  if (bytes) memcpy(grow(b, bytes), data, bytes);
}

void tiny_zeros(struct tiny_bytes *b, size_t bytes) {
  if (bytes) memset(grow(b, bytes), 0, bytes);
}

void tiny_string(struct tiny_bytes *b, const char *text) {
  tiny_put(b, strlen(text), 8);
  tiny_raw(b, text, strlen(text));
}

void tiny_free(struct tiny_bytes *b) {
  free(b->data);
  *b = (struct tiny_bytes){0};
}

void tiny_save(const struct tiny_bytes *b, const char *path) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(b->data, 1, b->size, f) != b->size || fclose(f)) tiny_die("cannot write %s", path);
}

int tiny_share(const struct tiny_bytes *b, char path[32]) {
  int fd = memfd_create("tiny", 0);
  if (fd < 0 || write(fd, b->data, b->size) != (ssize_t)b->size) tiny_die("cannot keep %zu bytes in memory", b->size);
  snprintf(path, 32, "/proc/self/fd/%d", fd);
  return fd;
}

static void put_f32(struct tiny_bytes *b, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  tiny_put(b, bits, 4);
}

/* ---- a file under construction ------------------------------------------------------------------------------- */

void tiny_gguf_begin(struct tiny_gguf *g, unsigned version, unsigned alignment) {
  *g = (struct tiny_gguf){.version = version, .alignment = alignment};
  if (alignment != 32) tiny_key_u32(g, "general.alignment", alignment);
}

void tiny_key(struct tiny_gguf *g, const char *name, unsigned type) {
  tiny_string(&g->keys, name);
  tiny_put(&g->keys, type, 4);
  g->n_keys++;
}

void tiny_key_u32(struct tiny_gguf *g, const char *name, uint32_t value) {
  tiny_key(g, name, SP_GGUF_U32);
  tiny_put(&g->keys, value, 4);
}

void tiny_key_f32(struct tiny_gguf *g, const char *name, float value) {
  tiny_key(g, name, SP_GGUF_F32);
  put_f32(&g->keys, value);
}

void tiny_key_bool(struct tiny_gguf *g, const char *name, bool value) {
  tiny_key(g, name, SP_GGUF_BOOL);
  tiny_put(&g->keys, value, 1);
}

void tiny_key_string(struct tiny_gguf *g, const char *name, const char *value) {
  tiny_key(g, name, SP_GGUF_STRING);
  tiny_string(&g->keys, value);
}

void tiny_key_array(struct tiny_gguf *g, const char *name, unsigned type, uint64_t count) {
  tiny_key(g, name, SP_GGUF_ARRAY);
  tiny_put(&g->keys, type, 4);
  tiny_put(&g->keys, count, 8);
}

void tiny_info(struct tiny_gguf *g, const char *name, uint32_t type, unsigned n_dims, const uint64_t *ne, uint64_t offset) {
  tiny_string(&g->infos, name);
  tiny_put(&g->infos, n_dims, 4);
  for (unsigned i = 0; i < n_dims; i++) tiny_put(&g->infos, ne[i], 8);
  tiny_put(&g->infos, type, 4);
  tiny_put(&g->infos, offset, 8);
  g->n_tensors++;
}

static void pad(struct tiny_bytes *b, size_t multiple) {
  tiny_zeros(b, (multiple - b->size % multiple) % multiple);
}

void tiny_tensor(struct tiny_gguf *g, const char *name, uint32_t type, unsigned n_dims, const uint64_t *ne, const void *data,
                 size_t bytes) {
  pad(&g->data, g->alignment);
  tiny_info(g, name, type, n_dims, ne, g->data.size);
  tiny_raw(&g->data, data, bytes);
}

void tiny_gguf_end(struct tiny_gguf *g, struct tiny_bytes *file) {
  *file = (struct tiny_bytes){0};
  tiny_raw(file, "GGUF", 4);
  tiny_put(file, g->version, 4);
  tiny_put(file, g->n_tensors, 8);
  tiny_put(file, g->n_keys, 8);
  tiny_raw(file, g->keys.data, g->keys.size);
  tiny_raw(file, g->infos.data, g->infos.size);
  pad(file, g->alignment);
  tiny_raw(file, g->data.data, g->data.size);
  tiny_free(&g->keys);
  tiny_free(&g->infos);
  tiny_free(&g->data);
}

/* ---- random numbers and blocks -------------------------------------------------------------------------------- */

uint64_t tiny_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static double uniform(uint64_t *state) { /* [-1, 1) */
  return (double)(tiny_random(state) >> 11) * 0x1p-52 - 1;
}

/* |x| below 65520. Scaling by a power of two is exact, rint rounds once, to nearest even. */
uint16_t tiny_half(double x) {
  uint16_t sign = signbit(x) ? 0x8000 : 0;
  int e;
  double m = fabs(x);
  if (m < 0x1p-14) return (uint16_t)(sign | (unsigned)rint(m * 0x1p24)); /* subnormal; a carry gives the smallest normal */
  frexp(m, &e);                                                        /* m = f * 2^e, f in [1/2, 1) */
  return (uint16_t)(sign | (((unsigned)(e + 13) << 10) + (unsigned)rint(ldexp(m, 11 - e))));
}

/* A block of random bits has the values d * x: `spread` is the root mean square of x over all bit patterns. Types with a minimum
 * get the min that centres the values: min = min_ratio * d. Offsets of the two fp16 in the block; -1: there is none. */
static const struct format {
  const char *name;
  uint32_t number;
  uint16_t block, bytes;
  int d_at, min_at;
  double min_ratio, spread;
} formats[SP_TYPES] = {
  [SP_F32] = {"F32", 0, 1, 4, -1, -1, 0, 0},
  [SP_F16] = {"F16", 1, 1, 2, -1, -1, 0, 0},
  [SP_BF16] = {"BF16", 30, 1, 2, -1, -1, 0, 0},
  [SP_Q8_0] = {"Q8_0", 8, 32, 34, 0, -1, 0, 74},           /* int8 */
  [SP_Q4_0] = {"Q4_0", 2, 32, 18, 0, -1, 0, 4.6},          /* 0..15 less 8 */
  [SP_Q4_1] = {"Q4_1", 3, 32, 20, 0, 2, -7.5, 4.6},        /* 0..15 plus min */
  [SP_Q5_0] = {"Q5_0", 6, 32, 22, 0, -1, 0, 9.2},          /* 0..31 less 16 */
  [SP_Q5_1] = {"Q5_1", 7, 32, 24, 0, 2, -15.5, 9.2},       /* 0..31 plus min */
  [SP_Q2_K] = {"Q2_K", 10, 256, 84, 80, 82, 1.5, 13.9},    /* 4-bit scale * 0..3, less 4-bit * min */
  [SP_Q3_K] = {"Q3_K", 11, 256, 110, 108, -1, 0, 43},      /* 6-bit signed scale * -4..3 */
  [SP_Q4_K] = {"Q4_K", 12, 256, 144, 0, 2, 7.5, 258},      /* 6-bit scale * 0..15, less 6-bit * min */
  [SP_Q5_K] = {"Q5_K", 13, 256, 176, 0, 2, 15.5, 525},     /* 6-bit scale * 0..31, less 6-bit * min */
  [SP_Q6_K] = {"Q6_K", 14, 256, 210, 208, -1, 0, 1370},    /* int8 scale * -32..31 */
  [SP_IQ4_NL] = {"IQ4_NL", 20, 32, 18, 0, -1, 0, 67},      /* code book of 16 values, -127..113 */
  [SP_IQ4_XS] = {"IQ4_XS", 23, 256, 136, 0, -1, 0, 1250},  /* 6-bit signed scale * code book */
};

const char *tiny_type_name(enum sp_type type) {
  return type < SP_TYPES ? formats[type].name : "mix";
}

bool tiny_type_find(const char *name, enum sp_type *type) {
  for (unsigned t = 0; t <= SP_TYPES; t++) {
    *type = (enum sp_type)t;
    if (!strcmp(name, tiny_type_name(*type))) return true;
  }
  return false;
}

static void put_float(struct tiny_bytes *out, enum sp_type type, double x) {
  float f = (float)x;
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  if (type == SP_F32) tiny_put(out, bits, 4);
  else if (type == SP_F16) tiny_put(out, tiny_half(x), 2);
  else tiny_put(out, bits >> 16, 2);
}

/* One block with values of root mean square near sigma: random bits, then d (half to one and a half times the mean, either sign)
 * and the minimum. */
static void put_block(struct tiny_bytes *out, const struct format *f, double sigma, uint64_t *state) {
  uint8_t *block = grow(out, f->bytes);
  double d = sigma / f->spread * (1 + 0.5 * uniform(state));
  for (unsigned i = 0; i < f->bytes; i++) block[i] = (uint8_t)tiny_random(state);
  if (tiny_random(state) & 1) d = -d;
  uint16_t half = tiny_half(d), min = tiny_half(d * f->min_ratio);
  block[f->d_at] = (uint8_t)half;
  block[f->d_at + 1] = (uint8_t)(half >> 8);
  if (f->min_at < 0) return;
  block[f->min_at] = (uint8_t)min;
  block[f->min_at + 1] = (uint8_t)(min >> 8);
}

/* n values around `mean` with root mean square deviation sigma; floats 3, 19, 35 and so on times `loud`. */
static void put_values(struct tiny_bytes *out, enum sp_type type, uint64_t n, double mean, double sigma, double loud,
                       uint64_t seed) {
  const struct format *f = &formats[type];
  uint64_t state = seed;
  if (f->d_at >= 0)
    for (uint64_t i = 0; i < n; i += f->block) put_block(out, f, sigma, &state);
  else
    for (uint64_t i = 0; i < n; i++) put_float(out, type, (mean + sigma * sqrt(3) * uniform(&state)) * (i % 16 == 3 ? loud : 1));
}

/* ---- the tensors of a model ----------------------------------------------------------------------------------- */

enum { LLAMA = 1, QWEN2 = 2, QWEN3 = 4, ALL = 7 };

/* Dimensions: e n_embd, q query rows, k key rows, f n_ff, v vocabulary, d head_dim, 0 none.
 * gain: matrices have sigma = gain / sqrt(row length), so that a row of unit spread comes out with spread `gain`; vectors have
 * sigma = gain around mean. Queries and keys are a little louder, so that attention is neither flat nor a single spike, and key
 * biases are large, as those of Qwen are, some of them (`loud`) by far. */
static const struct part {
  const char *name;
  char k, n;
  double mean, gain;
  unsigned archs;
  double loud;
} layer_parts[] = {
  {"attn_norm.weight", 'e', 0, 1, 0.1, ALL, 1},
  {"attn_q.weight", 'e', 'q', 0, 1.5, ALL, 1},
  {"attn_q.bias", 'q', 0, 0, 0.5, QWEN2, 1},
  {"attn_k.weight", 'e', 'k', 0, 1.5, ALL, 1},
  {"attn_k.bias", 'k', 0, 0, 2, QWEN2, 8},
  {"attn_v.weight", 'e', 'k', 0, 1, ALL, 1},
  {"attn_v.bias", 'k', 0, 0, 0.2, QWEN2, 1},
  {"attn_q_norm.weight", 'd', 0, 1, 0.2, QWEN3, 0.125},
  {"attn_k_norm.weight", 'd', 0, 1.2, 0.2, QWEN3, 8},
  {"attn_output.weight", 'q', 'e', 0, 0.7, ALL, 1},
  {"ffn_norm.weight", 'e', 0, 1, 0.1, ALL, 1},
  {"ffn_gate.weight", 'e', 'f', 0, 1, ALL, 1},
  {"ffn_up.weight", 'e', 'f', 0, 1, ALL, 1},
  {"ffn_down.weight", 'f', 'e', 0, 0.7, ALL, 1},
}, ends[] = {
  {"token_embd.weight", 'e', 'v', 0, 4, ALL, 1}, /* serves as output when tied: logits then have a spread of 4 */
  {"output_norm.weight", 'e', 0, 1, 0.1, ALL, 1},
  {"output.weight", 'e', 'v', 0, 4, ALL, 1},
};
enum { LAYER_PARTS = sizeof layer_parts / sizeof layer_parts[0], ENDS = sizeof ends / sizeof ends[0] };

static uint64_t dimension(const struct tiny_spec *s, char code) {
  switch (code) {
    case 'e': return s->embd;
    case 'q': return (uint64_t)s->heads * s->head_dim;
    case 'k': return (uint64_t)s->kv_heads * s->head_dim;
    case 'f': return s->ff;
    case 'v': return s->vocab;
    case 'd': return s->head_dim;
    default: return 1;
  }
}

static unsigned arch_bit(const char *arch) {
  return !strcmp(arch, "qwen2") ? QWEN2 : !strcmp(arch, "qwen3") ? QWEN3 : LLAMA;
}

/* `mix`: the turn-th type, or the next one whose block divides k. */
static enum sp_type pick_type(enum sp_type wanted, uint64_t k, unsigned turn) {
  for (unsigned i = 0; wanted == SP_TYPES; i++) {
    enum sp_type type = (enum sp_type)((turn + i) % SP_TYPES);
    if (k % formats[type].block == 0) return type;
  }
  if (k % formats[wanted].block) tiny_die("rows of %llu do not fit %s", (unsigned long long)k, formats[wanted].name);
  return wanted;
}

static void add_part(struct tiny_gguf *g, const struct tiny_spec *s, const struct part *p, const char *name, enum sp_type wanted,
                     unsigned turn) {
  uint64_t ne[2] = {dimension(s, p->k), dimension(s, p->n)}, seed = s->seed * 0x9e3779b97f4a7c15u;
  enum sp_type type = p->n ? pick_type(wanted, ne[0], turn) : SP_F32;
  struct tiny_bytes data = {0};
  for (const char *c = name; *c; c++) seed = (seed ^ (unsigned char)*c) * 0x100000001b3u;
  put_values(&data, type, ne[0] * ne[1], p->mean, p->n ? p->gain / sqrt((double)ne[0]) : p->gain, p->loud, seed);
  if (s->flaw == TINY_NAN && !strcmp(name, "blk.0.ffn_down.weight")) {
    unsigned at = formats[type].d_at < 0 ? 0 : (unsigned)formats[type].d_at;
    memset(data.data + at, 0xff, type == SP_F32 ? 4 : 2); /* all ones is a NaN in each of the three float formats */
  }
  tiny_tensor(g, name, formats[type].number, p->n ? 2 : 1, ne, data.data, data.size);
  tiny_free(&data);
}

/* The divisors of rotation angles that Llama 3.1 files carry: 1 for fast pairs, factor for slow ones, a slope between. */
static void add_freqs(struct tiny_gguf *g, const struct tiny_spec *s) {
  struct tiny_bytes data = {0};
  uint64_t n = s->head_dim / 2;
  for (uint64_t i = 0; i < n; i++) {
    double x = 3.0 * (double)i / (double)n - 1; /* the middle third is the slope */
    put_f32(&data, (float)(1 + (s->rope_factor - 1) * (x < 0 ? 0 : x > 1 ? 1 : x)));
  }
  tiny_tensor(g, "rope_freqs.weight", 0, 1, &n, data.data, data.size);
  tiny_free(&data);
}

/* ---- the model's keys ------------------------------------------------------------------------------------------ */

const char *const tiny_scaling_names[TINY_SCALINGS] = {"none", "linear", "yarn", "llama3", "freqs"};
const char *const tiny_flaw_names[TINY_FLAWS] = {"none", "nan", "overlap", "type-unknown", "type-other", "twice-key",
                                                 "twice-tensor"};

static bool left_out(const struct tiny_spec *s, const char *name) {
  return s->without && !strcmp(s->without, name);
}

/* A key below the architecture's name. */
static const char *arch_key(const struct tiny_spec *s, const char *tail, char *name, size_t bytes) {
  snprintf(name, bytes, "%s.%s", s->arch, tail);
  return left_out(s, name) ? NULL : name;
}

static void add_u32(struct tiny_gguf *g, const struct tiny_spec *s, const char *tail, uint32_t value) {
  char text[128];
  const char *name = arch_key(s, tail, text, sizeof text);
  if (name) tiny_key_u32(g, name, value);
}

static void add_f32(struct tiny_gguf *g, const struct tiny_spec *s, const char *tail, double value) {
  char text[128];
  const char *name = arch_key(s, tail, text, sizeof text);
  if (name) tiny_key_f32(g, name, (float)value);
}

static void add_scaling(struct tiny_gguf *g, const struct tiny_spec *s) {
  char text[128];
  const char *name = arch_key(s, "rope.scaling.type", text, sizeof text);
  if (s->scaling == TINY_ROPE_PLAIN || s->scaling == TINY_ROPE_FREQS) return;
  if (name) tiny_key_string(g, name, tiny_scaling_names[s->scaling]);
  add_f32(g, s, "rope.scaling.factor", s->rope_factor);
  if (s->scaling == TINY_ROPE_LINEAR) return;
  add_u32(g, s, "rope.scaling.original_context_length", (uint32_t)(s->ctx / s->rope_factor));
}

static void add_keys(struct tiny_gguf *g, const struct tiny_spec *s) {
  if (!left_out(s, "general.architecture")) tiny_key_string(g, "general.architecture", s->arch);
  if (!left_out(s, "general.name")) tiny_key_string(g, "general.name", "Tiny");
  if (s->flaw == TINY_TWICE_KEY) tiny_key_string(g, "general.name", "Tiny again");
  add_u32(g, s, "block_count", s->layers);
  add_u32(g, s, "context_length", s->ctx);
  add_u32(g, s, "embedding_length", s->embd);
  add_u32(g, s, "feed_forward_length", s->ff);
  add_u32(g, s, "attention.head_count", s->heads);
  add_u32(g, s, "attention.head_count_kv", s->kv_heads);
  if (s->head_dim * s->heads != s->embd || !strcmp(s->arch, "qwen3")) {
    add_u32(g, s, "attention.key_length", s->head_dim);
    add_u32(g, s, "attention.value_length", s->head_dim);
  }
  add_f32(g, s, "attention.layer_norm_rms_epsilon", 1e-5);
  add_f32(g, s, "rope.freq_base", s->rope_base);
  if (arch_bit(s->arch) == LLAMA) {
    add_u32(g, s, "rope.dimension_count", s->head_dim);
    add_u32(g, s, "vocab_size", s->vocab);
  }
  add_scaling(g, s);
  if (!left_out(s, "general.file_type")) tiny_key_u32(g, "general.file_type", s->type == SP_F32 ? 0 : s->type == SP_F16 ? 1 : 15);
  tiny_vocab(g, s->tokenizer, s->vocab, s->without);
}

/* ---- whole models ---------------------------------------------------------------------------------------------- */

void tiny_preset(struct tiny_spec *spec) {
  *spec = (struct tiny_spec){
    .arch = "llama", .type = SP_Q4_K, .embd_type = SP_F16, .layers = 6, .embd = 256, .heads = 4, .kv_heads = 2, .head_dim = 64,
    .ff = 512, .vocab = 384, .ctx = 8192, .tied = true, .tokenizer = "smollm", .rope_base = 10000, .rope_factor = 4,
    .version = 3, .alignment = 32, .parts = 1, .seed = 1,
  };
}

/* Rewrites the type or the offset of the entry just added: the last 12 bytes of the list are type and offset. */
static void spoil_last(struct tiny_gguf *g, enum tiny_flaw flaw) {
  uint8_t *type = g->infos.data + g->infos.size - 12;
  if (flaw == TINY_OVERLAP) memset(type + 4, 0, 8); /* the first tensor begins at offset 0 */
  if (flaw == TINY_TYPE_UNKNOWN) type[0] = 99;
  if (flaw == TINY_TYPE_OTHER) type[0] = 16;
}

/* Calls for each tensor of the model, in file order, the i-th one; false past the last. */
static bool add_tensor(struct tiny_gguf *g, const struct tiny_spec *s, unsigned i) {
  unsigned layer = (i - 1) / LAYER_PARTS, last = 1 + s->layers * LAYER_PARTS;
  const struct part *p = i == 0 ? &ends[0] : i < last ? &layer_parts[(i - 1) % LAYER_PARTS] : &ends[i - last + 1];
  char name[64];
  if (i > last + 1) return false;
  if (i > 0 && i < last) snprintf(name, sizeof name, "blk.%u.%s", layer, p->name);
  else snprintf(name, sizeof name, "%s", p->name);
  if (!(p->archs & arch_bit(s->arch)) || left_out(s, name) || (s->tied && i == last + 1)) return true;
  add_part(g, s, p, name, i > 0 && i < last ? s->type : s->embd_type, i);
  if (s->flaw == TINY_TWICE_TENSOR && p == &ends[1]) add_part(g, s, p, name, s->embd_type, i);
  return true;
}

static void add_split_keys(struct tiny_gguf *g, const struct tiny_spec *s, unsigned part, uint64_t tensors) {
  tiny_key(g, "split.no", SP_GGUF_U16);
  tiny_put(&g->keys, part, 2);
  tiny_key(g, "split.count", SP_GGUF_U16);
  tiny_put(&g->keys, s->parts, 2);
  tiny_key(g, "split.tensors.count", SP_GGUF_I32);
  tiny_put(&g->keys, tensors, 4);
}

/* The tensors of one part: what the caller adds and the divisors in the first, then an equal share of the walk above. */
static void add_share(struct tiny_gguf *g, const struct tiny_spec *s, unsigned part, unsigned parts) {
  unsigned all = 3 + s->layers * LAYER_PARTS, share = (all + parts - 1) / parts;
  if (part == 0 && s->extra) s->extra(g, s->user);
  if (part == 0 && s->scaling == TINY_ROPE_FREQS) add_freqs(g, s);
  for (unsigned i = part * share; i < (part + 1) * share && add_tensor(g, s, i); i++) continue;
}

static uint64_t count_tensors(const struct tiny_spec *s) { /* of all parts, as split.tensors.count wants it */
  struct tiny_gguf whole;
  struct tiny_bytes file;
  tiny_gguf_begin(&whole, s->version, s->alignment);
  add_share(&whole, s, 0, 1);
  uint64_t n = whole.n_tensors;
  tiny_gguf_end(&whole, &file);
  tiny_free(&file);
  return n;
}

void tiny_make(const struct tiny_spec *s, unsigned part, struct tiny_bytes *file) {
  struct tiny_gguf g;
  tiny_gguf_begin(&g, s->version, s->alignment);
  if (part == 0) add_keys(&g, s);
  if (s->parts > 1) add_split_keys(&g, s, part, count_tensors(s));
  add_share(&g, s, part, s->parts);
  if (g.n_tensors && part == s->parts - 1) spoil_last(&g, s->flaw);
  tiny_gguf_end(&g, file);
}

void tiny_write(const struct tiny_spec *s, const char *path, char *first, size_t first_bytes) {
  size_t stem = strlen(path);
  if (stem > 5 && !strcmp(path + stem - 5, ".gguf")) stem -= 5;
  for (unsigned part = s->parts; part-- > 0;) {
    struct tiny_bytes file;
    tiny_make(s, part, &file);
    if (s->parts == 1) snprintf(first, first_bytes, "%s", path);
    else snprintf(first, first_bytes, "%.*s-%05u-of-%05u.gguf", (int)stem, path, part + 1, s->parts);
    tiny_save(&file, first);
    tiny_free(&file);
  }
}
