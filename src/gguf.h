/*
 * gguf.h - a GGUF v2 or v3 file, or a set of split files, as checked keys and tensors.
 *
 * In:       a path.  Out: typed keys, and tensors whose bytes lie wholly inside their file, aligned, not overlapping.
 * Not here: what keys mean (config.h, vocab.h), the layout of blocks (quant.h).
 *
 * Refused (gguf_parts.h has the numbers): big-endian files and hosts, version 1, arrays of arrays, names that are not
 * printable ASCII, the same name twice, empty, unsupported, misaligned or overlapping tensors, and headers that claim more
 * than the file or our bounds hold. Refusing is linear in the header and allocates no more than twice the file and 1 MiB
 * (besides the file, if it is read).
 *
 * All pointers belong to the sp_gguf and die with it. Names and strings carry their length and are also NUL-terminated copies
 * where the type says so. Key lookup is by hash; opening is linear in the file's header.
 */
#ifndef SP_GGUF_H
#define SP_GGUF_H

#include "file.h"
#include "sha256.h"
#include "simd/kernels.h"

enum sp_gguf_type { /* value types, numbered as in the file */
  SP_GGUF_U8, SP_GGUF_I8, SP_GGUF_U16, SP_GGUF_I16, SP_GGUF_U32, SP_GGUF_I32, SP_GGUF_F32, SP_GGUF_BOOL,
  SP_GGUF_STRING, SP_GGUF_ARRAY, SP_GGUF_U64, SP_GGUF_I64, SP_GGUF_F64
};

struct sp_string { /* bytes inside the file, not terminated */
  const char *text;
  size_t bytes;
};

struct sp_tensor {
  const char *name;     /* terminated copy */
  enum sp_type type;
  unsigned n_dims;      /* 1..4 */
  uint64_t ne[4];       /* ne[0] runs fastest: the length of a row; unused ones are 1 */
  size_t row_bytes, bytes;
  const uint8_t *data;
  uint64_t offset;      /* of data in its file, for messages */
  unsigned part;        /* which split file */
};

struct sp_key;  /* a key and where its value lies */
struct sp_gguf;

/* Opens `path` (for "-00001-of-0000N.gguf" the other parts beside it, too). On failure *out is NULL and the sentence names the
 * key or tensor and the offset. Reports STILL_PHASE_LOAD, in bytes of each file in turn, and may be cancelled. */
still_status sp_gguf_open(struct sp_ctx *ctx, const char *path, bool map, struct sp_gguf **out);
void sp_gguf_close(struct sp_gguf *g);

size_t sp_gguf_tensors(const struct sp_gguf *g);
const struct sp_tensor *sp_gguf_tensor_at(const struct sp_gguf *g, size_t i);
const struct sp_tensor *sp_gguf_tensor(const struct sp_gguf *g, const char *name); /* NULL if there is none */
uint64_t sp_gguf_bytes(const struct sp_gguf *g); /* of all parts */
/* The model's name in other files: SHA-256, part after part, of its bytes before the first tensor's, then of the first 4 KiB of
 * each tensor in the order of the table. */
void sp_gguf_digest(const struct sp_gguf *g, uint8_t digest[32]);
unsigned sp_gguf_version(const struct sp_gguf *g);

size_t sp_gguf_keys(const struct sp_gguf *g);
const struct sp_key *sp_gguf_key_at(const struct sp_gguf *g, size_t i);
const struct sp_key *sp_gguf_key(const struct sp_gguf *g, const char *name);
const char *sp_key_name(const struct sp_key *key);
enum sp_gguf_type sp_key_type(const struct sp_key *key);
enum sp_gguf_type sp_key_array_type(const struct sp_key *key);
size_t sp_key_count(const struct sp_key *key);                             /* 1, or the elements of an array */
/* Element i of an array, or i = 0 of a scalar. Integers of every width convert when the value fits; false if it is of another
 * kind. */
bool sp_key_int(const struct sp_key *key, size_t i, int64_t *value);
bool sp_key_real(const struct sp_key *key, size_t i, double *value);       /* floats and integers */
bool sp_key_string(const struct sp_key *key, size_t i, struct sp_string *value); /* O(1), also for arrays of strings */

/* A scalar by name: *value is untouched when the key is absent; STILL_EFORMAT (naming key and type) when it is of another
 * kind. */
still_status sp_gguf_int(const struct sp_gguf *g, const char *name, int64_t *value);
still_status sp_gguf_real(const struct sp_gguf *g, const char *name, double *value);
still_status sp_gguf_string(const struct sp_gguf *g, const char *name, struct sp_string *value);

#endif
