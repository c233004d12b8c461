/*
 * vocab_parts.h - what the files of the vocabulary share: its tables, and the state of one encode call.
 *
 * In:       vocab.h.  Out: struct sp_vocab, the two kinds of vocabulary, the merge engine.
 * Not here: anything that a user of the vocabulary needs. Only vocab*.c includes this.
 */
#ifndef SP_VOCAB_PARTS_H
#define SP_VOCAB_PARTS_H

#include "pretok.h"
#include "vocab.h"

enum sp_token_type { /* tokenizer.ggml.token_type, numbered as in the file */
  SP_TOKEN_NORMAL = 1, SP_TOKEN_UNKNOWN, SP_TOKEN_CONTROL, SP_TOKEN_USER, SP_TOKEN_UNUSED, SP_TOKEN_BYTE, SP_TOKEN_TYPES
};

enum {
  /* Bytes of the longest spelling that text is searched for: bounds the work per byte of text. Published ones stay below 130. */
  SP_SPELLING_MOST = 256,
  /* Slots looked at before a table refuses a file whose entries all collide. Honest files stay below 100. */
  SP_PROBES_MOST = 1024
};

static const uint32_t SP_NO_MERGE = UINT32_MAX; /* a key that no pair has */

struct sp_special { /* a token that is looked for in text before anything else */
  const char *text;
  uint32_t bytes;
  bool user;        /* counts in any text; else only where text is trusted */
  still_token id;
};

struct sp_merge { /* a slot of the table of merges: (left, right) -> made; left < 0: empty */
  still_token left, right, made;
  uint32_t rank;
};

struct sp_encoder;
struct sp_symbol;

struct sp_kind { /* byte-level or SentencePiece style */
  const char *model; /* tokenizer.ggml.model */
  bool adds_bos;
  still_token bos, eos, unknown; /* where the file names none; -1: none */
  void (*prepare)(struct sp_vocab *v); /* before the first unescape; may be NULL */
  /* Bytes that a token's spelling stands for, at most `bytes` of them, to out. Returns their number. */
  size_t (*unescape)(const struct sp_vocab *v, const char *spelling, size_t bytes, char *out);
  still_status (*open)(struct sp_vocab *v, const struct sp_gguf *g); /* reads merges or scores */
  /* What the symbol at `left` and its next become: sets its key and made (SP_NO_MERGE if they stay apart). */
  void (*pair)(const struct sp_vocab *v, const char *text, struct sp_symbol *symbols, uint32_t left);
  still_status (*encode)(struct sp_encoder *e, const char *text, size_t bytes, bool after_special);
};

struct sp_vocab {
  struct sp_ctx *ctx;
  struct sp_arena arena; /* everything below */
  size_t memory;
  const struct sp_kind *kind;
  const struct sp_pretok *rules; /* byte-level only */
  uint32_t size;           /* tokens, those without a spelling included */
  char *text;              /* the bytes of all tokens, one after the other */
  uint32_t *start;         /* [size + 1] */
  uint8_t *type;           /* [size] enum sp_token_type */
  uint8_t *end;            /* [size] 1: ends a generation */
  still_token *slots;      /* [slot_mask + 1] bytes -> id + 1 of normal and user-defined tokens; 0: empty */
  size_t slot_mask;
  struct sp_special *specials; /* ascending by bytes */
  size_t n_specials;
  uint32_t first[257];     /* specials that begin with byte b: [first[b], first[b + 1]) */
  still_token byte[256];   /* the token of a byte; -1: none */
  still_token bos, eos, unknown;
  bool adds_bos;
  uint16_t alphabet[0x144]; /* byte-level: code point -> byte + 1; 0: stands for none */
  struct sp_merge *merges; /* byte-level: [merge_mask + 1] */
  size_t merge_mask;
  uint32_t *key;           /* SentencePiece: [size] order of the score, the best first */
  bool space_prefix;       /* SentencePiece: text gets a space before it */
};

/* One piece of text while neighbours are joined. Its index is the offset of its first byte; it reaches up to `next`. */
struct sp_symbol {
  still_token id;       /* -1: no token yet; -2: joined to the one before */
  uint32_t next, before;
  uint32_t key;         /* of joining this and the next; lower is sooner */
  still_token made;     /* what they become */
};

struct sp_encoder { /* one call of sp_vocab_encode */
  struct sp_ctx *ctx;
  const struct sp_vocab *v;
  const char *text;     /* the whole text, for offsets in messages */
  still_token *out;
  size_t capacity, n;
  struct sp_symbol *symbols; /* [room], scratch that grows with the longest piece */
  uint64_t *heap;            /* [2 * room] key << 32 | index of the left symbol; the least on top */
  size_t room, heap_size;
  char *spaced;              /* [spaced_room] text as SentencePiece sees it */
  size_t spaced_room;
};

/* Memory of the vocabulary; zeroed. */
void *sp_vocab_take(struct sp_vocab *v, size_t count, size_t size);
/* The normal or user-defined token with these bytes; -1 if there is none. */
still_token sp_vocab_find(const struct sp_vocab *v, const char *text, size_t bytes);
static inline const char *sp_vocab_text(const struct sp_vocab *v, still_token id, size_t *bytes) {
  *bytes = v->start[id + 1] - v->start[id];
  return v->text + v->start[id];
}

still_status sp_special_open(struct sp_vocab *v);
/* The first special token at or after `from`: its offset, or `bytes` when there is none; *id then is -1. */
size_t sp_special_next(const struct sp_vocab *v, const char *text, size_t bytes, const uint8_t *trusted, size_t from,
                       still_token *id);
bool sp_special_is_end(const char *text, size_t bytes); /* a spelling that ends a generation in published models */

void sp_encoder_put(struct sp_encoder *e, still_token id);
void sp_encoder_close(struct sp_encoder *e);
/* Symbols for at least so many bytes. */
still_status sp_encoder_reserve(struct sp_encoder *e, size_t bytes);
/* Joins symbols [0, bytes), linked and with ids, until no pair joins: lowest key first, leftmost among equals. n log n. */
void sp_encoder_join(struct sp_encoder *e, const char *text, size_t bytes);

extern const struct sp_kind sp_kind_bpe, sp_kind_spm;

#endif
