/*
 * gguf_parts.h - what the three sources of the GGUF reader share: gguf.c (files, lookup), gguf_parse.c (bytes to tables) and
 * gguf_key.c (values).
 *
 * In:       -  Out: the structs behind sp_gguf and sp_key.
 * Not here: anything that other parts of the library may use (gguf.h).
 */
#ifndef SP_GGUF_PARTS_H
#define SP_GGUF_PARTS_H

#include "gguf.h"

/* Bounds on what a file may ask of us before its bytes are believed. The published models of these architectures have up to 60
 * keys and 14 tensors a layer; the bounds keep tables under 4 MiB and refusals fast. */
enum {
  SP_GGUF_MOST_KEYS = 16384,
  SP_GGUF_MOST_TENSORS = 16384,
  SP_GGUF_MOST_NAME = 255,         /* bytes of a key's or tensor's name (the format allows tensors 64) */
  SP_GGUF_MOST_STRINGS = 1 << 22,  /* elements of an array of strings: twice the largest vocabulary that config.h allows */
  SP_GGUF_MOST_PARTS = 1024,
  SP_GGUF_MOST_ALIGNMENT = 1 << 16,
  SP_GGUF_TYPES = SP_GGUF_F64 + 1
};

struct sp_key {
  const char *name;
  enum sp_gguf_type type, element; /* element: of an array, else the type itself */
  size_t count;                    /* elements; 1 for a scalar */
  const uint8_t *value;            /* first element, inside the file */
  const uint32_t *starts;          /* arrays of strings: where each element starts, from `value`; else NULL */
};

/* An index over an array whose elements begin with `const char *name`. Open addressing with a second hash as the step, at most
 * half full: a chain of SP_NAMES_MOST steps has a chance of 2^-64 by accident, so a file that makes one is refused, and
 * finding stays O(1) whatever names a file invents. */
enum { SP_NAMES_MOST = 64, SP_NAMES_NEW = -1, SP_NAMES_CROWDED = -2 };
struct sp_names {
  uint32_t *slots; /* [mask + 1] element number + 1; 0: free */
  size_t mask;
  const char *base;
  size_t stride;
};
still_status sp_names_open(struct sp_ctx *ctx, struct sp_names *names, const void *base, size_t stride, size_t elements);
void sp_names_close(struct sp_ctx *ctx, struct sp_names *names);
/* Adds element i. SP_NAMES_NEW, SP_NAMES_CROWDED, or the number of the element that has this name already. */
int64_t sp_names_add(struct sp_names *names, size_t i);
uint64_t sp_names_hash(const char *name); /* low half: where the walk begins; high half: its step, made odd */
const void *sp_names_find(const struct sp_names *names, const char *name); /* the element, or NULL */

struct sp_part { /* one file */
  struct sp_file file;
  const char *label;   /* the file's name without folders, for sentences */
  unsigned number, version;
  size_t n_keys, n_tensors;
  struct sp_key *keys;
  struct sp_names key_names;
  size_t entries_at;   /* where the list of tensors begins */
  uint64_t alignment;
};

struct sp_gguf {
  struct sp_ctx *ctx;
  struct sp_arena arena; /* the parts, names, indexes of strings, paths */
  struct sp_part *parts; /* [n_parts] */
  size_t n_parts;
  struct sp_tensor *tensors; /* [n_tensors] of all parts */
  size_t n_tensors;
  struct sp_names tensor_names;
};

/* gguf_parse.c: the header and the keys of a part whose file is open; then its tensors, into g->tensors from *next on. */
still_status sp_gguf_parse_keys(struct sp_gguf *g, struct sp_part *part);
still_status sp_gguf_parse_tensors(struct sp_gguf *g, struct sp_part *part, size_t *next);

/* gguf_key.c */
uint64_t sp_gguf_load(const uint8_t *p, unsigned width);        /* little-endian, whatever the host: the one place that knows */
extern const struct sp_gguf_value {
  const char *name;
  unsigned width; /* bytes of a value; 0 for strings and arrays */
} sp_gguf_values[SP_GGUF_TYPES];
/* A scalar integer of a part: *value is untouched when the key is absent. */
still_status sp_part_int(struct sp_ctx *ctx, const struct sp_part *part, const char *name, int64_t *value);

#endif
