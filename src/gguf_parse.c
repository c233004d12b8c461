/*
 * gguf_parse.c - the bytes of one GGUF file to its tables of keys and tensors.
 *
 * In:       an open file of any content.  Out: keys whose values, and tensors whose data, lie wholly inside the file; or a
 *           sentence naming file, key or tensor, offset, and how to go on.
 * Not here: several files (gguf.c), what keys mean.
 *
 * Layout (all little-endian): "GGUF", u32 version, u64 tensors, u64 keys; per key: string name, u32 type, value; per tensor:
 * string name, u32 n_dims, u64 ne[n_dims], u32 type, u64 offset; padding to the alignment; data. A string is u64 bytes and the
 * bytes; an array is u32 type, u64 count and the elements. One pass, no recursion; nothing is allocated that the rest of the
 * file could not fill.
 */
#include "gguf_parts.h"

#include <stdio.h>
#include <string.h>

#include "quant.h"

enum {
  LEAST_KEY = 8 + 1 + 4 + 1,             /* bytes of the shortest key: name of one byte, u8 */
  LEAST_TENSOR = 8 + 1 + 4 + 8 + 4 + 8,  /* bytes of the shortest entry: one dimension */
  LEAST_ALIGNMENT = 8,
  PROGRESS_STRINGS = 1 << 16, PROGRESS_TENSORS = 256 /* how often the caller is asked: about every millisecond */
};

static const char damaged[] = "the file is cut or damaged: get it again, or convert the model again";
static const char too_new[] = "convert the model with a newer llama.cpp, or use a newer Stillpoint";

struct cursor {
  struct sp_gguf *g;
  struct sp_part *part;
  size_t at;
  const char *kind, *name; /* what is being read, for sentences: "key", "tensor" or "header"; name "" while it is not known */
};

/* "part.gguf: tensor NAME at byte AT: what; remedy." */
SP_PRINTF(5, 6)
static still_status refuse(const struct cursor *c, still_status status, size_t at, const char *remedy, const char *format, ...) {
  char what[300];
  va_list list;
  va_start(list, format);
  vsnprintf(what, sizeof what, format, list);
  va_end(list);
  sp_fail(&c->g->ctx->error, status, "%.80s: %s%s%.100s at byte %zu %s; %s", c->part->label, c->kind, *c->name ? " " : "",
          c->name, at, what, remedy);
  return status;
}

static size_t left(const struct cursor *c) { return c->part->file.size - c->at; }

static still_status progress(const struct cursor *c) {
  size_t size = c->part->file.size;
  return sp_progress(c->g->ctx, STILL_PHASE_LOAD, c->part->file.mapped ? c->at : size, size, 1);
}

/* ---- reading -------------------------------------------------------------------------------------------------- */

static still_status take(struct cursor *c, uint64_t bytes, const uint8_t **out) {
  if (bytes > left(c))
    return refuse(c, STILL_EFORMAT, c->at, damaged, "wants %llu bytes, %zu are left in the file", (unsigned long long)bytes,
                  left(c));
  *out = c->part->file.data + c->at;
  c->at += (size_t)bytes;
  return STILL_OK;
}

static still_status take_number(struct cursor *c, unsigned width, uint64_t *value) {
  const uint8_t *p = NULL;
  SP_TRY(take(c, width, &p));
  *value = sp_gguf_load(p, width);
  return STILL_OK;
}

static still_status take_string(struct cursor *c, struct sp_string *string) {
  uint64_t bytes;
  const uint8_t *p = NULL;
  SP_TRY(take_number(c, 8, &bytes));
  SP_TRY(take(c, bytes, &p));
  *string = (struct sp_string){.text = (const char *)p, .bytes = (size_t)bytes};
  return STILL_OK;
}

/* Names end up in sentences and on terminals, so they are printable ASCII. */
static bool printable(struct sp_string s) {
  for (size_t i = 0; i < s.bytes; i++)
    if (s.text[i] < 0x20 || s.text[i] > 0x7e) return false;
  return s.bytes > 0;
}

static still_status take_name(struct cursor *c, const char *kind, const char **name) {
  struct sp_string s = {0};
  size_t start = c->at;
  c->kind = kind;
  c->name = "";
  SP_TRY(take_string(c, &s));
  if (s.bytes > SP_GGUF_MOST_NAME)
    return refuse(c, STILL_EFORMAT, start, damaged, "has a name of %zu bytes, over the limit of %d", s.bytes, SP_GGUF_MOST_NAME);
  if (!printable(s)) return refuse(c, STILL_EFORMAT, start, damaged, "has a name that is empty or not printable ASCII");
  char *copy = sp_arena_alloc(&c->g->arena, s.bytes + 1, 1, "a name of the model file");
  if (!copy) return STILL_ENOMEM;
  memcpy(copy, s.text, s.bytes);
  *name = c->name = copy;
  return STILL_OK;
}

/* ---- keys ----------------------------------------------------------------------------------------------------- */

/* Walks the strings of an array once and notes where each starts, so that element i is found in one step later. */
static still_status index_strings(struct cursor *c, struct sp_key *key) {
  size_t start = c->at;
  uint32_t *starts = sp_arena_alloc(&c->g->arena, key->count, sizeof *starts, "the index of an array of strings");
  if (!starts) return STILL_ENOMEM;
  for (size_t i = 0; i < key->count; i++) {
    struct sp_string s = {0};
    if (c->at - start > UINT32_MAX)
      return refuse(c, STILL_EUNSUPPORTED, start, too_new, "holds more than 4 GiB of strings");
    starts[i] = (uint32_t)(c->at - start);
    SP_TRY(take_string(c, &s));
    if ((i + 1) % PROGRESS_STRINGS == 0) SP_TRY(progress(c));
  }
  key->starts = starts;
  return STILL_OK;
}

static still_status take_array(struct cursor *c, struct sp_key *key) {
  uint64_t element, count;
  size_t start = c->at;
  SP_TRY(take_number(c, 4, &element));
  SP_TRY(take_number(c, 8, &count));
  if (element >= SP_GGUF_TYPES)
    return refuse(c, STILL_EFORMAT, start, damaged, "is an array of type %llu, which does not exist",
                  (unsigned long long)element);
  if (element == SP_GGUF_ARRAY) return refuse(c, STILL_EUNSUPPORTED, start, too_new, "is an array of arrays");
  unsigned width = sp_gguf_values[element].width, least = width ? width : 8; /* a string has a length of 8 bytes at least */
  if (count > left(c) / least)
    return refuse(c, STILL_EFORMAT, start, damaged, "claims %llu elements of type %s, but only %zu bytes are left in the file",
                  (unsigned long long)count, sp_gguf_values[element].name, left(c));
  if (!width && count > SP_GGUF_MOST_STRINGS)
    return refuse(c, STILL_EUNSUPPORTED, start, damaged, "claims %llu strings, over the limit of %d", (unsigned long long)count,
                  SP_GGUF_MOST_STRINGS);
  key->element = (enum sp_gguf_type)element;
  key->count = (size_t)count;
  key->value = c->part->file.data + c->at;
  return width ? take(c, count * width, &key->value) : index_strings(c, key);
}

static still_status take_value(struct cursor *c, struct sp_key *key) {
  size_t start = c->at;
  uint64_t type;
  SP_TRY(take_number(c, 4, &type));
  if (type >= SP_GGUF_TYPES)
    return refuse(c, STILL_EFORMAT, start, damaged, "has type %llu, which does not exist", (unsigned long long)type);
  key->type = key->element = (enum sp_gguf_type)type;
  key->count = 1;
  if (type == SP_GGUF_ARRAY) return take_array(c, key);
  if (type != SP_GGUF_STRING) {
    SP_TRY(take(c, sp_gguf_values[type].width, &key->value));
    if (type == SP_GGUF_BOOL && *key->value > 1)
      return refuse(c, STILL_EFORMAT, start, damaged, "is a bool of value %d", *key->value);
    return STILL_OK;
  }
  struct sp_string s = {0};
  key->value = c->part->file.data + c->at;
  return take_string(c, &s);
}

/* After sp_names_add: two of a name, or names made to collide. `twice` is the place of the later one. */
static still_status check_name(const struct cursor *c, int64_t found, size_t twice) {
  if (found >= 0) return refuse(c, STILL_EFORMAT, twice, damaged, "is there twice");
  if (found == SP_NAMES_CROWDED)
    return refuse(c, STILL_EFORMAT, twice, damaged, "has a name that shares its place in the index with %d others",
                  SP_NAMES_MOST);
  return STILL_OK;
}

static still_status take_keys(struct cursor *c) {
  struct sp_part *part = c->part;
  struct sp_ctx *ctx = c->g->ctx;
  part->keys = sp_calloc(ctx, part->n_keys, sizeof *part->keys, "the keys of the model file");
  if (!part->keys) return STILL_ENOMEM;
  SP_TRY(sp_names_open(ctx, &part->key_names, part->keys, sizeof *part->keys, part->n_keys));
  for (size_t i = 0; i < part->n_keys; i++) {
    size_t start = c->at;
    SP_TRY(take_name(c, "key", &part->keys[i].name));
    SP_TRY(check_name(c, sp_names_add(&part->key_names, i), start));
    SP_TRY(take_value(c, &part->keys[i]));
    SP_TRY(progress(c));
  }
  part->entries_at = c->at;
  return STILL_OK;
}

static still_status find_alignment(const struct cursor *c) {
  int64_t alignment = 32;
  SP_TRY(sp_part_int(c->g->ctx, c->part, "general.alignment", &alignment));
  if (alignment < LEAST_ALIGNMENT || alignment > SP_GGUF_MOST_ALIGNMENT || (alignment & (alignment - 1)))
    return sp_fail(&c->g->ctx->error, STILL_EFORMAT, "%.80s: key general.alignment is %lld, not a power of two from %d to %d; %s",
                   c->part->label, (long long)alignment, LEAST_ALIGNMENT, SP_GGUF_MOST_ALIGNMENT, damaged);
  c->part->alignment = (uint64_t)alignment;
  return STILL_OK;
}

/* ---- the head of the file ------------------------------------------------------------------------------------- */

/* What people hand in instead of a GGUF file, by its first bytes. */
static const struct {
  const char *first, *what;
} strangers[] = {
  {"lmgg", "a model in the old GGML format of 2023"},
  {"tjgg", "a model in the old GGJT format of 2023"},
  {"fmgg", "a model in the old GGMF format of 2023"},
  {"FUGG", "a GGUF file with its bytes swapped"},
  {"PK\3\4", "a ZIP archive, perhaps a PyTorch checkpoint"},
  {"vers", "perhaps a pointer of Git LFS instead of the file itself"},
  {"<!DO", "a web page instead of the file"},
  {"<!do", "a web page instead of the file"},
  {"<htm", "a web page instead of the file"},
};

static still_status check_magic(struct cursor *c) {
  const uint8_t *p = NULL;
  if (left(c) == 0)
    return refuse(c, STILL_EFORMAT, 0, "get it again", "is empty");
  SP_TRY(take(c, 4, &p));
  if (!memcmp(p, "GGUF", 4)) return STILL_OK;
  for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
    if (!memcmp(p, strangers[i].first, 4))
      return refuse(c, STILL_EFORMAT, 0, "get or make a GGUF file of the model", "is not that of a GGUF file: this is %s",
                    strangers[i].what);
  return refuse(c, STILL_EFORMAT, 0, "get or make a GGUF file of the model",
                "is not that of a GGUF file: it begins with %02x %02x %02x %02x", p[0], p[1], p[2], p[3]);
}

static still_status check_version(struct cursor *c) {
  uint64_t version;
  SP_TRY(take_number(c, 4, &version));
  if ((version & 0xffff) == 0 && version)
    return refuse(c, STILL_EUNSUPPORTED, 4, "get the little-endian file, or convert it with gguf_convert_endian.py",
                  "is big-endian");
  if (version == 1)
    return refuse(c, STILL_EUNSUPPORTED, 4, "convert the model with a newer llama.cpp", "has GGUF version 1");
  if (version != 2 && version != 3)
    return refuse(c, STILL_EUNSUPPORTED, 4, "use a newer Stillpoint, or a file of version 3",
                  "has GGUF version %llu, known are 2 and 3", (unsigned long long)version);
  c->part->version = (unsigned)version;
  return STILL_OK;
}

/* A count in the header: within our bound, and within what the rest of the file can hold. */
static still_status check_count(const struct cursor *c, size_t at, const char *what, uint64_t count, size_t most,
                                size_t least_bytes) {
  if (count > left(c) / least_bytes)
    return refuse(c, STILL_EFORMAT, at, damaged, "claims %llu %s, but only %zu bytes are left in the file",
                  (unsigned long long)count, what, left(c));
  if (count > most)
    return refuse(c, STILL_EUNSUPPORTED, at, damaged, "claims %llu %s, over the limit of %zu", (unsigned long long)count, what,
                  most);
  return STILL_OK;
}

/* The weights are used where they lie, so the host must read numbers as the file has them. */
static bool host_is_little(void) {
  const uint16_t one = 1;
  uint8_t first;
  memcpy(&first, &one, 1);
  return first == 1;
}

still_status sp_gguf_parse_keys(struct sp_gguf *g, struct sp_part *part) {
  struct cursor c = {.g = g, .part = part, .kind = "header", .name = ""};
  uint64_t tensors, keys;
  if (!host_is_little())
    return refuse(&c, STILL_EUNSUPPORTED, 0, "run it on a little-endian machine", "cannot be used on this big-endian processor");
  SP_TRY(check_magic(&c));
  SP_TRY(check_version(&c));
  SP_TRY(take_number(&c, 8, &tensors));
  SP_TRY(take_number(&c, 8, &keys));
  SP_TRY(check_count(&c, 8, "tensors", tensors, SP_GGUF_MOST_TENSORS, LEAST_TENSOR));
  SP_TRY(check_count(&c, 16, "keys", keys, SP_GGUF_MOST_KEYS, LEAST_KEY));
  part->n_tensors = (size_t)tensors;
  part->n_keys = (size_t)keys;
  SP_TRY(take_keys(&c));
  return find_alignment(&c);
}

/* ---- tensors -------------------------------------------------------------------------------------------------- */

static still_status check_type(const struct cursor *c, size_t at, uint64_t number, enum sp_type *type) {
  if (number <= UINT32_MAX && sp_quant_find((uint32_t)number, type)) return STILL_OK;
  const char *known = sp_quant_unknown((uint32_t)number);
  return refuse(c, STILL_EUNSUPPORTED, at, "use a file with F32, F16, BF16, Q8_0, Q4_0..Q5_1, Q2_K..Q6_K or IQ4 tensors",
                "has type %s (number %llu), which this version does not read", known ? known : "unknown",
                (unsigned long long)number);
}

/* Dimensions as the file has them: at least one element along each, and no more in all than the file could hold in bits. */
static still_status take_shape(struct cursor *c, struct sp_tensor *t) {
  size_t start = c->at;
  uint64_t n_dims;
  SP_TRY(take_number(c, 4, &n_dims));
  if (n_dims < 1 || n_dims > 4)
    return refuse(c, STILL_EFORMAT, start, damaged, "has %llu dimensions, not 1 to 4", (unsigned long long)n_dims);
  t->n_dims = (unsigned)n_dims;
  for (unsigned i = 0; i < 4; i++) {
    t->ne[i] = 1;
    if (i < n_dims) SP_TRY(take_number(c, 8, &t->ne[i]));
    if (t->ne[i] == 0) return refuse(c, STILL_EFORMAT, start, damaged, "has no elements along dimension %u", i);
  }
  return STILL_OK;
}

static still_status measure(const struct cursor *c, size_t at, struct sp_tensor *t) {
  uint64_t rows = 1;
  if (!sp_quant_row_bytes(t->type, t->ne[0], &t->row_bytes))
    return refuse(c, STILL_EFORMAT, at, damaged,
                  "has rows of %llu elements, which is too many or no multiple of the %u of a block of %s",
                  (unsigned long long)t->ne[0], sp_quants[t->type].block, sp_quants[t->type].name);
  bool fits = true;
  for (unsigned i = 1; i < 4; i++) {
    fits = fits && t->ne[i] <= UINT64_MAX / rows;
    rows *= t->ne[i];
  }
  fits = fits && rows <= SIZE_MAX && sp_mul(t->row_bytes, (size_t)rows, &t->bytes);
  if (!fits)
    return refuse(c, STILL_EFORMAT, at, damaged, "has a shape of %llu x %llu x %llu x %llu, larger than any memory",
                  (unsigned long long)t->ne[0], (unsigned long long)t->ne[1], (unsigned long long)t->ne[2],
                  (unsigned long long)t->ne[3]);
  return STILL_OK;
}

static still_status take_tensor(struct cursor *c, struct sp_tensor *t) {
  uint64_t type;
  size_t start = c->at;
  SP_TRY(take_name(c, "tensor", &t->name));
  SP_TRY(take_shape(c, t));
  size_t type_at = c->at;
  SP_TRY(take_number(c, 4, &type));
  SP_TRY(check_type(c, type_at, type, &t->type));
  SP_TRY(measure(c, start, t));
  size_t offset_at = c->at;
  SP_TRY(take_number(c, 8, &t->offset));
  if (t->offset % c->part->alignment)
    return refuse(c, STILL_EFORMAT, offset_at, damaged, "has data at offset %llu, no multiple of the alignment %llu",
                  (unsigned long long)t->offset, (unsigned long long)c->part->alignment);
  t->part = c->part->number;
  return STILL_OK;
}

/* From offsets in the data section, which begins at `data`, to places in the file. */
static still_status place(struct cursor *c, uint64_t data, struct sp_tensor *tensors) {
  size_t size = c->part->file.size;
  for (size_t i = 0; i < c->part->n_tensors; i++) {
    struct sp_tensor *t = &tensors[i];
    c->name = t->name;
    if (data > size || t->offset > size - data || t->bytes > size - data - t->offset)
      return refuse(c, STILL_EFORMAT, (size_t)data, damaged, "+ %llu has %zu bytes of data, but the file ends at byte %zu",
                    (unsigned long long)t->offset, t->bytes, size);
    t->offset += data;
    t->data = c->part->file.data + t->offset;
  }
  return STILL_OK;
}

/* Moves order[root] down until no child lies further back in the file. */
static void sift(uint32_t *order, size_t root, size_t n, const struct sp_tensor *tensors) {
  for (size_t child; (child = 2 * root + 1) < n; root = child) {
    if (child + 1 < n && tensors[order[child + 1]].offset > tensors[order[child]].offset) child++;
    if (tensors[order[root]].offset >= tensors[order[child]].offset) return;
    uint32_t moved = order[root];
    order[root] = order[child];
    order[child] = moved;
  }
}

/* order = the tensors by offset. Heap sort: in place, n log n whatever the file says. */
static void sort_by_offset(uint32_t *order, size_t n, const struct sp_tensor *tensors) {
  for (size_t i = 0; i < n; i++) order[i] = (uint32_t)i;
  for (size_t i = n / 2; i-- > 0;) sift(order, i, n, tensors);
  for (size_t end = n; end-- > 1;) {
    uint32_t last = order[0];
    order[0] = order[end];
    order[end] = last;
    sift(order, 0, end, tensors);
  }
}

static still_status check_overlaps(struct cursor *c, const struct sp_tensor *tensors) {
  size_t n = c->part->n_tensors;
  still_status status = STILL_OK;
  uint32_t *order = sp_alloc(c->g->ctx, n, sizeof *order, "the order of tensors in the file");
  if (!order) return STILL_ENOMEM;
  sort_by_offset(order, n, tensors);
  for (size_t i = 1; i < n && status == STILL_OK; i++) {
    const struct sp_tensor *before = &tensors[order[i - 1]], *t = &tensors[order[i]];
    c->name = t->name;
    if (t->offset - before->offset < before->bytes)
      status = refuse(c, STILL_EFORMAT, (size_t)t->offset, damaged, "overlaps tensor %.100s at bytes %llu to %llu", before->name,
                      (unsigned long long)before->offset, (unsigned long long)(before->offset + before->bytes));
  }
  sp_free(c->g->ctx, order, n, sizeof *order);
  return status;
}

still_status sp_gguf_parse_tensors(struct sp_gguf *g, struct sp_part *part, size_t *next) {
  struct cursor c = {.g = g, .part = part, .at = part->entries_at, .kind = "tensor", .name = ""};
  struct sp_tensor *tensors = g->tensors + *next;
  for (size_t i = 0; i < part->n_tensors; i++, ++*next) {
    size_t start = c.at;
    SP_TRY(take_tensor(&c, &tensors[i]));
    SP_TRY(check_name(&c, sp_names_add(&g->tensor_names, *next), start));
    if (i % PROGRESS_TENSORS == 0) SP_TRY(progress(&c));
  }
  uint64_t data = ((uint64_t)c.at + part->alignment - 1) / part->alignment * part->alignment;
  SP_TRY(place(&c, data, tensors));
  SP_TRY(check_overlaps(&c, tensors));
  c.at = part->file.size;
  return progress(&c);
}
