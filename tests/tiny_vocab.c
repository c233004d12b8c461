/*
 * tiny_vocab.c - the vocabulary of a tiny model: byte-level BPE or SentencePiece style, with a ChatML template.
 *
 * In:       a tokeniser's name and a number of tokens.  Out: the tokenizer.* keys of a GGUF.
 * Not here: tokenising.
 *
 * Order of tokens. Byte-level BPE: <|endoftext|> <|im_start|> <|im_end|>, 256 bytes, merges, unused. SentencePiece: <unk> <s>
 * </s>, <0x00>..<0xFF>, <|im_start|> <|im_end|>, printable ASCII characters and the word mark, pieces, unused.
 */
#include <stdio.h>
#include <string.h>
#include "tiny.h"
#include "src/gguf.h"

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, UNUSED = 5, BYTE = 6 }; /* tokenizer.ggml.token_type */

#define CHATML                                                                                                       \
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}" \
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

/* Merges in order of rank, "_" for the space before a word; both halves are bytes or results of lines above. */
static const char *const merges[][2] = {
  {"_", "t"}, {"h", "e"}, {"_", "a"}, {"i", "n"}, {"_t", "he"}, {"r", "e"}, {"o", "n"}, {"_", "s"}, {"e", "r"}, {"_", "w"},
  {"a", "t"}, {"_", "o"}, {"n", "d"}, {"i", "t"}, {"_", "c"}, {"e", "n"}, {"i", "s"}, {"o", "r"}, {"e", "s"}, {"_", "b"},
  {"_", "f"}, {"in", "g"}, {"_", "p"}, {"o", "u"}, {"_a", "nd"}, {"a", "n"}, {"_o", "f"}, {"a", "l"}, {"_t", "o"}, {"a", "r"},
  {"_", "m"}, {"e", "d"}, {"_", "in"}, {"_", "h"}, {"_", "d"}, {"l", "e"}, {"i", "c"}, {"_", "is"}, {"s", "t"}, {"o", "m"},
  {"_", "l"}, {"_", "n"}, {"_", "re"}, {"l", "l"}, {"_", "g"}, {"en", "t"}, {"i", "on"}, {"_", "e"}, {"v", "e"}, {"_b", "e"},
  {"r", "o"}, {"_", "y"}, {"_y", "ou"}, {"_f", "or"}, {"a", "s"}, {"_", "it"}, {"_t", "h"}, {"u", "t"}, {"_s", "t"}, {"l", "y"},
  {"c", "h"}, {"_w", "h"}, {"at", "ion"}, {"_c", "on"}, {"_th", "at"}, {"_", "on"}, {"i", "d"}, {"e", "l"}, {"_a", "s"},
  {"k", "e"}, {"t", "h"}, {"i", "th"}, {"_w", "ith"}, {"_", "_"}, {"__", "__"}, {"\n", "\n"}, {"t", "er"},
  {"_n", "o"}, {"_no", "t"}, {"0", "0"}, {"_", "("}, {")", ";"},
};
enum { MERGES = sizeof merges / sizeof merges[0] };

/* UTF-8 of a code point below 0x10000; returns the bytes written (at most 3). */
static size_t put_utf8(char *out, unsigned c) {
  if (c < 0x80) {
    out[0] = (char)c;
    return 1;
  }
  if (c < 0x800) {
    out[0] = (char)(0xc0 | c >> 6);
    out[1] = (char)(0x80 | (c & 0x3f));
    return 2;
  }
  out[0] = (char)(0xe0 | c >> 12);
  out[1] = (char)(0x80 | (c >> 6 & 0x3f));
  out[2] = (char)(0x80 | (c & 0x3f));
  return 3;
}

/* GPT-2's spelling of a byte as a visible character: itself if printable in Latin-1, else the next code point from 256 on. */
static unsigned byte_symbol(unsigned byte) {
  unsigned next = 256;
  for (unsigned b = 0; b < 256; b++) {
    bool visible = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
    if (b == byte) return visible ? b : next;
    next += !visible;
  }
  return 0;
}

/* Spelling of a piece of the table above: each byte as byte_symbol, or (SentencePiece) only the space as U+2581. */
static void spell(char *out, const char *piece, bool spm) {
  for (; *piece; piece++) {
    unsigned c = *piece == '_' ? ' ' : (unsigned char)*piece;
    out += put_utf8(out, !spm ? byte_symbol(c) : c == ' ' ? 0x2581u : c);
  }
  *out = 0;
}

struct list { /* tokens collected so far */
  struct tiny_bytes texts, types, scores;
  unsigned count, most;
};

static void add(struct list *l, const char *text, unsigned type, float score) {
  uint32_t bits;
  memcpy(&bits, &score, sizeof bits);
  if (l->count == l->most) return;
  tiny_string(&l->texts, text);
  tiny_put(&l->types, type, 4);
  tiny_put(&l->scores, bits, 4);
  l->count++;
}

static void add_pieces(struct list *l, bool spm) {
  char left[32], right[32], text[64];
  for (unsigned i = 0; i < MERGES; i++) {
    spell(left, merges[i][0], spm);
    spell(right, merges[i][1], spm);
    snprintf(text, sizeof text, "%s%s", left, right);
    add(l, text, NORMAL, -1.0f - (float)i); /* SentencePiece joins the pair with the highest score first */
  }
}

static void collect_bpe(struct list *l) {
  add(l, "<|endoftext|>", CONTROL, 0);
  add(l, "<|im_start|>", CONTROL, 0);
  add(l, "<|im_end|>", CONTROL, 0);
  for (unsigned b = 0; b < 256; b++) {
    char text[8];
    text[put_utf8(text, byte_symbol(b))] = 0;
    add(l, text, NORMAL, 0);
  }
  add_pieces(l, false);
}

static void collect_spm(struct list *l) {
  char text[16];
  add(l, "<unk>", UNKNOWN, 0);
  add(l, "<s>", CONTROL, 0);
  add(l, "</s>", CONTROL, 0);
  for (unsigned b = 0; b < 256; b++) {
    snprintf(text, sizeof text, "<0x%02X>", b);
    add(l, text, BYTE, 0);
  }
  add(l, "<|im_start|>", CONTROL, 0);
  add(l, "<|im_end|>", CONTROL, 0);
  for (unsigned c = ' '; c <= '~'; c++) {
    spell(text, (char[]){c == '_' ? '\0' : (char)c, 0}, true); /* "_" stands for the space in the table; the byte token serves */
    if (text[0]) add(l, text, NORMAL, -1000.0f - (float)c);
  }
  add_pieces(l, true);
}

static void write_array(struct tiny_gguf *g, const char *name, unsigned type, uint64_t count, struct tiny_bytes *elements,
                        const char *without) {
  if (!without || strcmp(without, name)) {
    tiny_key_array(g, name, type, count);
    tiny_raw(&g->keys, elements->data, elements->size);
  }
  tiny_free(elements);
}

/* Merges whose result is among the first `tokens` tokens, as "left right". */
static void write_merges(struct tiny_gguf *g, unsigned tokens, const char *without) {
  struct tiny_bytes lines = {0};
  unsigned n = tokens - 259 < MERGES ? tokens - 259 : MERGES;
  for (unsigned i = 0; i < n; i++) {
    char left[32], right[32], text[80];
    spell(left, merges[i][0], false);
    spell(right, merges[i][1], false);
    snprintf(text, sizeof text, "%s %s", left, right);
    tiny_string(&lines, text);
  }
  write_array(g, "tokenizer.ggml.merges", SP_GGUF_STRING, n, &lines, without);
}

static void write_id(struct tiny_gguf *g, const char *name, uint32_t id, const char *without) {
  if (!without || strcmp(without, name)) tiny_key_u32(g, name, id);
}

void tiny_vocab(struct tiny_gguf *g, const char *tokenizer, unsigned n, const char *without) {
  bool spm = !strcmp(tokenizer, "spm");
  struct list l = {.most = n};
  if (n < 270) tiny_die("a tiny vocabulary needs at least 270 tokens, not %u", n);
  if (spm) collect_spm(&l);
  else collect_bpe(&l);
  while (l.count < n) {
    char text[32];
    snprintf(text, sizeof text, "[unused %u]", l.count);
    add(&l, text, UNUSED, -2000.0f);
  }
  tiny_key_string(g, "tokenizer.ggml.model", spm ? "llama" : "gpt2");
  tiny_key_string(g, "tokenizer.ggml.pre", spm ? "default" : tokenizer);
  write_array(g, "tokenizer.ggml.tokens", SP_GGUF_STRING, n, &l.texts, without);
  write_array(g, "tokenizer.ggml.token_type", SP_GGUF_I32, n, &l.types, without);
  if (spm) {
    write_array(g, "tokenizer.ggml.scores", SP_GGUF_F32, n, &l.scores, without);
    write_id(g, "tokenizer.ggml.unknown_token_id", 0, without);
  } else {
    tiny_free(&l.scores);
    write_merges(g, n, without);
  }
  write_id(g, "tokenizer.ggml.bos_token_id", spm ? 1 : 0, without);
  write_id(g, "tokenizer.ggml.eos_token_id", 2, without);
  tiny_key_bool(g, "tokenizer.ggml.add_bos_token", spm);
  tiny_key_bool(g, "tokenizer.ggml.add_space_prefix", spm);
  if (!without || strcmp(without, "tokenizer.chat_template")) tiny_key_string(g, "tokenizer.chat_template", CHATML);
}
