/*
 * gguf.c - a model's files, opened together, and lookup by name.
 *
 * In:       the path of the (first) file.  Out: struct sp_gguf.
 * Not here: the format itself (gguf_parse.c), values of keys (gguf_key.c).
 *
 * A split model is NAME-00001-of-0000N.gguf .. NAME-0000N-of-0000N.gguf. Each file has a header of its own with split.no (from
 * 0) and split.count; the model's keys stand in the first, tensors in any. Keys of later files other than these are checked,
 * not used.
 */
#include "gguf_parts.h"

#include <stdio.h>
#include <string.h>

/* ---- names ---------------------------------------------------------------------------------------------------- */

/* FNV-1a over 64 bits; its high and low halves, mixed, give place and step. */
uint64_t sp_names_hash(const char *name) {
  uint64_t h = 0xcbf29ce484222325u;
  for (; *name; name++) h = (h ^ (uint8_t)*name) * 0x100000001b3u;
  return (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
}

still_status sp_names_open(struct sp_ctx *ctx, struct sp_names *names, const void *base, size_t stride, size_t elements) {
  size_t slots = 2;
  while (slots < 2 * elements) slots *= 2;
  *names = (struct sp_names){.mask = slots - 1, .base = base, .stride = stride};
  names->slots = sp_calloc(ctx, slots, sizeof *names->slots, "an index of names");
  return names->slots ? STILL_OK : STILL_ENOMEM;
}

void sp_names_close(struct sp_ctx *ctx, struct sp_names *names) {
  sp_free(ctx, names->slots, names->mask + 1, sizeof *names->slots);
  *names = (struct sp_names){0};
}

static const char *name_at(const struct sp_names *names, size_t i) {
  return *(const char *const *)(const void *)(names->base + i * names->stride);
}

/* The slot that holds `name`, or the free one where it belongs; NULL after too many steps. The step is odd, so that the walk
 * meets every slot of a table of 2^n. */
static uint32_t *find_slot(const struct sp_names *names, const char *name) {
  uint64_t h = sp_names_hash(name);
  size_t at = (size_t)h & names->mask, step = (size_t)(h >> 32) | 1;
  for (int i = 0; i < SP_NAMES_MOST; i++, at = (at + step) & names->mask) {
    uint32_t *slot = &names->slots[at];
    if (!*slot || !strcmp(name_at(names, *slot - 1), name)) return slot;
  }
  return NULL;
}

int64_t sp_names_add(struct sp_names *names, size_t i) {
  uint32_t *slot = find_slot(names, name_at(names, i));
  if (!slot) return SP_NAMES_CROWDED;
  if (*slot) return (int64_t)*slot - 1;
  *slot = (uint32_t)i + 1;
  return SP_NAMES_NEW;
}

const void *sp_names_find(const struct sp_names *names, const char *name) {
  const uint32_t *slot = names->slots ? find_slot(names, name) : NULL;
  return slot && *slot ? names->base + (*slot - 1) * names->stride : NULL;
}

/* ---- the files of a model ------------------------------------------------------------------------------------- */

static const char *last_component(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

static still_status open_part(struct sp_gguf *g, size_t i, const char *path, bool map) {
  struct sp_part *part = &g->parts[i];
  size_t bytes = strlen(last_component(path)) + 1;
  char *label = sp_arena_alloc(&g->arena, bytes, 1, "a file name");
  if (!label) return STILL_ENOMEM;
  memcpy(label, last_component(path), bytes);
  part->label = label;
  part->number = (unsigned)i;
  SP_TRY(sp_file_open(g->ctx, path, map, &part->file));
  g->n_parts = i + 1; /* from here on sp_gguf_close knows of it */
  return sp_gguf_parse_keys(g, part);
}

static still_status read_split(struct sp_gguf *g, const struct sp_part *part, int64_t *number, int64_t *count) {
  *number = 0;
  *count = 1;
  SP_TRY(sp_part_int(g->ctx, part, "split.no", number));
  SP_TRY(sp_part_int(g->ctx, part, "split.count", count));
  if (*count == 0) *count = 1; /* some tools write 0 for a file that was never split */
  if (*count < 1 || *count > SP_GGUF_MOST_PARTS || *number < 0 || *number >= *count)
    return sp_fail(&g->ctx->error, STILL_EFORMAT,
                   "%.80s: keys split.no %lld and split.count %lld are no part of at most %d; split the model again",
                   part->label, (long long)*number, (long long)*count, SP_GGUF_MOST_PARTS);
  return STILL_OK;
}

/* Bytes of `path` before "-00001-of-0000N.gguf"; 0 if it does not end so. */
static size_t split_stem(const char *path, unsigned count) {
  char end[40];
  size_t bytes = strlen(path), end_bytes = (size_t)snprintf(end, sizeof end, "-00001-of-%05u.gguf", count);
  return bytes > end_bytes && !strcmp(path + bytes - end_bytes, end) ? bytes - end_bytes : 0;
}

static still_status open_other(struct sp_gguf *g, size_t i, size_t count, const char *path, size_t stem, bool map) {
  int64_t number, its_count;
  size_t bytes = stem + 40;
  char *name = sp_arena_alloc(&g->arena, bytes, 1, "a file name");
  if (!name) return STILL_ENOMEM;
  snprintf(name, bytes, "%.*s-%05zu-of-%05zu.gguf", (int)stem, path, i + 1, count);
  SP_TRY(open_part(g, i, name, map));
  SP_TRY(read_split(g, &g->parts[i], &number, &its_count));
  if ((size_t)number != i || (size_t)its_count != count)
    return sp_fail(&g->ctx->error, STILL_EFORMAT,
                   "%.80s: says that it is part %lld of %lld, its name says %zu of %zu; get the parts again", g->parts[i].label,
                   (long long)number + 1, (long long)its_count, i + 1, count);
  return STILL_OK;
}

/* What to say when a part was named that is not the first one under its proper name. */
static still_status refuse_name(struct sp_gguf *g, int64_t number, int64_t count) {
  return sp_fail(&g->ctx->error, STILL_EARG,
                 "%.80s: is part %lld of %lld; name the first part, NAME-00001-of-%05lld.gguf, beside the others",
                 g->parts[0].label, (long long)number + 1, (long long)count, (long long)count);
}

/* Opens the first file and, if it says so, the others beside it. */
static still_status open_parts(struct sp_gguf *g, const char *path, bool map) {
  int64_t number, count;
  g->parts = sp_arena_alloc(&g->arena, 1, sizeof *g->parts, "the model's files");
  if (!g->parts) return STILL_ENOMEM;
  SP_TRY(open_part(g, 0, path, map));
  SP_TRY(read_split(g, &g->parts[0], &number, &count));
  if (count == 1) return STILL_OK;
  size_t stem = split_stem(path, (unsigned)count);
  if (number != 0 || !stem) return refuse_name(g, number, count);
  struct sp_part *parts = sp_arena_alloc(&g->arena, (size_t)count, sizeof *parts, "the model's files");
  if (!parts) return STILL_ENOMEM;
  parts[0] = g->parts[0];
  g->parts = parts;
  for (size_t i = 1; i < (size_t)count; i++) SP_TRY(open_other(g, i, (size_t)count, path, stem, map));
  return STILL_OK;
}

static still_status check_total(struct sp_gguf *g, size_t total) {
  int64_t wanted = (int64_t)total;
  if (total > SP_GGUF_MOST_TENSORS)
    return sp_fail(&g->ctx->error, STILL_EUNSUPPORTED,
                   "%.80s: the parts hold %zu tensors, over the limit of %d; get the files again", g->parts[0].label, total,
                   SP_GGUF_MOST_TENSORS);
  SP_TRY(sp_gguf_int(g, "split.tensors.count", &wanted));
  if (g->n_parts > 1 && wanted != (int64_t)total)
    return sp_fail(&g->ctx->error, STILL_EFORMAT,
                   "%.80s: key split.tensors.count says %lld, the parts hold %zu tensors; get the parts again",
                   g->parts[0].label, (long long)wanted, total);
  return STILL_OK;
}

static still_status read_tensors(struct sp_gguf *g) {
  size_t total = 0;
  for (size_t i = 0; i < g->n_parts; i++) total += g->parts[i].n_tensors;
  SP_TRY(check_total(g, total));
  g->tensors = sp_calloc(g->ctx, total, sizeof *g->tensors, "the table of tensors");
  if (!g->tensors) return STILL_ENOMEM;
  size_t next = 0;
  g->n_tensors = total;
  SP_TRY(sp_names_open(g->ctx, &g->tensor_names, g->tensors, sizeof *g->tensors, total));
  for (size_t i = 0; i < g->n_parts; i++) SP_TRY(sp_gguf_parse_tensors(g, &g->parts[i], &next));
  return STILL_OK;
}

still_status sp_gguf_open(struct sp_ctx *ctx, const char *path, bool map, struct sp_gguf **out) {
  *out = NULL;
  struct sp_gguf *g = sp_calloc(ctx, 1, sizeof *g, "a model file");
  if (!g) return STILL_ENOMEM;
  g->ctx = ctx;
  sp_arena_init(&g->arena, ctx);
  sp_phase_begin(ctx);
  still_status status = open_parts(g, path, map);
  if (status == STILL_OK) status = read_tensors(g);
  if (status == STILL_OK) *out = g;
  else sp_gguf_close(g);
  return status;
}

void sp_gguf_close(struct sp_gguf *g) {
  if (!g) return;
  struct sp_ctx *ctx = g->ctx;
  for (size_t i = 0; i < g->n_parts; i++) {
    struct sp_part *part = &g->parts[i];
    sp_names_close(ctx, &part->key_names);
    sp_free(ctx, part->keys, part->n_keys, sizeof *part->keys);
    sp_file_close(ctx, &part->file);
  }
  sp_names_close(ctx, &g->tensor_names);
  sp_free(ctx, g->tensors, g->n_tensors, sizeof *g->tensors);
  sp_arena_free(&g->arena);
  sp_free(ctx, g, 1, sizeof *g);
}

/* ---- lookup --------------------------------------------------------------------------------------------------- */

unsigned sp_gguf_version(const struct sp_gguf *g) { return g->parts[0].version; }
size_t sp_gguf_tensors(const struct sp_gguf *g) { return g->n_tensors; }
size_t sp_gguf_keys(const struct sp_gguf *g) { return g->parts[0].n_keys; }

const struct sp_tensor *sp_gguf_tensor_at(const struct sp_gguf *g, size_t i) {
  return i < g->n_tensors ? &g->tensors[i] : NULL;
}

const struct sp_tensor *sp_gguf_tensor(const struct sp_gguf *g, const char *name) {
  return sp_names_find(&g->tensor_names, name);
}

const struct sp_key *sp_gguf_key_at(const struct sp_gguf *g, size_t i) {
  return i < g->parts[0].n_keys ? &g->parts[0].keys[i] : NULL;
}

const struct sp_key *sp_gguf_key(const struct sp_gguf *g, const char *name) {
  return sp_names_find(&g->parts[0].key_names, name);
}

enum { DIGEST_BYTES = 4096 }; /* of a tensor: models that share a header differ there, and no disk is read for long */

void sp_gguf_digest(const struct sp_gguf *g, uint8_t digest[32]) {
  struct sp_sha256 sha;
  sp_sha256_begin(&sha);
  for (size_t i = 0; i < g->n_parts; i++) {
    const struct sp_file *file = &g->parts[i].file;
    size_t header = file->size;
    for (size_t t = 0; t < g->n_tensors; t++)
      if (g->tensors[t].part == i && g->tensors[t].offset < header) header = (size_t)g->tensors[t].offset;
    sp_sha256_add(&sha, file->data, header);
    for (size_t t = 0; t < g->n_tensors; t++)
      if (g->tensors[t].part == i)
        sp_sha256_add(&sha, g->tensors[t].data, g->tensors[t].bytes < DIGEST_BYTES ? g->tensors[t].bytes : DIGEST_BYTES);
  }
  sp_sha256_end(&sha, digest);
}

uint64_t sp_gguf_bytes(const struct sp_gguf *g) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < g->n_parts; i++) bytes += g->parts[i].file.size;
  return bytes;
}
