/*
 * tiny.h - small GGUF models made by readable code, so that tests need no download and no binary blobs.
 *
 * In:       a shape, a tensor type, a seed.  Out: the bytes of a GGUF file, the same on every machine.
 * Not here: a quantiser. Blocks are random bits under a sane fp16 scale: every bit pattern is a valid block, and the scale is
 *           chosen so that weights have the spread of a freshly initialised model. Activations stay near 1, norms are near 1.
 *
 * A tensor's content depends on the seed and its name alone, so splitting a model or adding a tensor does not change the others.
 * Test code: running out of memory or being asked for the impossible ends the program with a sentence and exit code 99.
 */
#ifndef TINY_H
#define TINY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "simd/kernels.h"

/* ---- bytes, little-endian whatever the host ------------------------------------------------------------------ */

struct tiny_bytes {
  uint8_t *data;
  size_t size, capacity;
};

void tiny_put(struct tiny_bytes *b, uint64_t value, unsigned width); /* the low `width` bytes of value */
void tiny_raw(struct tiny_bytes *b, const void *data, size_t bytes);
void tiny_zeros(struct tiny_bytes *b, size_t bytes);
void tiny_string(struct tiny_bytes *b, const char *text); /* 64-bit length and bytes */
void tiny_free(struct tiny_bytes *b);
void tiny_save(const struct tiny_bytes *b, const char *path);
/* A file in memory that has no name but can be opened under `path` ("/proc/self/fd/7") as long as the descriptor that is
 * returned is open. Leaves nothing behind, whatever becomes of the test. */
int tiny_share(const struct tiny_bytes *b, char path[32]);

uint64_t tiny_random(uint64_t *state);        /* splitmix64 */
uint16_t tiny_half(double x);                 /* fp16 bits, rounded to nearest even */
_Noreturn void tiny_die(const char *format, ...);

/* ---- a GGUF file under construction -------------------------------------------------------------------------- */

/* Nothing is checked: tests build broken files with it as well. */
struct tiny_gguf {
  struct tiny_bytes keys, infos, data;
  uint64_t n_keys, n_tensors;
  unsigned version, alignment;
};

void tiny_gguf_begin(struct tiny_gguf *g, unsigned version, unsigned alignment); /* writes general.alignment if it is not 32 */
/* Name and type number of a key (enum sp_gguf_type); the caller appends the value to g->keys. */
void tiny_key(struct tiny_gguf *g, const char *name, unsigned type);
void tiny_key_u32(struct tiny_gguf *g, const char *name, uint32_t value);
void tiny_key_f32(struct tiny_gguf *g, const char *name, float value);
void tiny_key_bool(struct tiny_gguf *g, const char *name, bool value);
void tiny_key_string(struct tiny_gguf *g, const char *name, const char *value);
void tiny_key_array(struct tiny_gguf *g, const char *name, unsigned type, uint64_t count); /* elements: by the caller */
/* A tensor's entry alone, and an entry with its data (put at the next aligned offset). */
void tiny_info(struct tiny_gguf *g, const char *name, uint32_t type, unsigned n_dims, const uint64_t *ne, uint64_t offset);
void tiny_tensor(struct tiny_gguf *g, const char *name, uint32_t type, unsigned n_dims, const uint64_t *ne, const void *data,
                 size_t bytes);
void tiny_gguf_end(struct tiny_gguf *g, struct tiny_bytes *file); /* header, keys, entries, padding, data; releases g */

/* ---- a model ------------------------------------------------------------------------------------------------- */

enum tiny_scaling { TINY_ROPE_PLAIN, TINY_ROPE_LINEAR, TINY_ROPE_YARN, TINY_ROPE_LLAMA3, TINY_ROPE_FREQS, TINY_SCALINGS };

enum tiny_flaw { /* what is wrong with the file on purpose */
  TINY_SOUND,
  TINY_NAN,           /* a NaN as the first scale of blk.0.ffn_down.weight */
  TINY_OVERLAP,       /* the last tensor begins where the one before begins */
  TINY_TYPE_UNKNOWN,  /* the last tensor has type 99 */
  TINY_TYPE_OTHER,    /* the last tensor has type 16, IQ2_XXS: known in the field, not supported */
  TINY_TWICE_KEY,     /* general.name twice */
  TINY_TWICE_TENSOR,  /* output_norm.weight twice */
  TINY_FLAWS
};

struct tiny_spec {
  const char *arch;      /* "llama", "qwen2" (biases), "qwen3" (q and k norms); another name gives a llama under that name */
  enum sp_type type;     /* of the matrices; SP_TYPES: all types in turn, as far as the row length allows */
  enum sp_type embd_type; /* of token_embd and output; SP_TYPES as above */
  unsigned layers, embd, heads, kv_heads, head_dim, ff, vocab, ctx;
  bool tied;             /* no output.weight */
  const char *tokenizer; /* tokenizer.ggml.pre of a byte-level BPE ("smollm", "qwen2", "llama-bpe", "gpt-2"), or "spm" */
  enum tiny_scaling scaling;
  double rope_base, rope_factor;
  unsigned version, alignment, parts; /* GGUF 2 or 3; bytes; files */
  uint64_t seed;
  enum tiny_flaw flaw;
  const char *without;   /* a key or tensor to leave out, or NULL */
  void (*extra)(struct tiny_gguf *g, void *user); /* adds keys and tensors to the first part; may be NULL */
  void *user;
};

extern const char *const tiny_scaling_names[TINY_SCALINGS];
extern const char *const tiny_flaw_names[TINY_FLAWS];
const char *tiny_type_name(enum sp_type type);                   /* "Q4_K" */
bool tiny_type_find(const char *name, enum sp_type *type);       /* "mix": SP_TYPES */

/* llama, 6 layers, n_embd 256, 4 heads of 64 over 2 KV heads, n_ff 512, vocabulary 384, Q4_K, tied F16 embedding, seed 1:
 * 2.2 MB. */
void tiny_preset(struct tiny_spec *spec);
/* The bytes of one part (part < parts). Release with tiny_free. */
void tiny_make(const struct tiny_spec *spec, unsigned part, struct tiny_bytes *file);
/* Writes all parts; with parts > 1 `path` without ".gguf" gets "-00001-of-0000N.gguf". The first file's name goes to `first`. */
void tiny_write(const struct tiny_spec *spec, const char *path, char *first, size_t first_bytes);

/* Keys of a vocabulary of exactly n tokens (n >= 270): 3 special tokens, 256 bytes, merges as far as they fit, unused ones. */
void tiny_vocab(struct tiny_gguf *g, const char *tokenizer, unsigned n, const char *without);

#endif
