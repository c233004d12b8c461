/*
 * vocab.h - text to token ids and back.
 *
 * In:       the tokenizer keys of a GGUF.  Out: ids; bytes of ids.
 * Not here: chat templates (chat.h), joining bytes to characters (text.h).
 *
 * Immutable after opening, so any number of threads may use it. Kinds: byte-level BPE (tokenizer.ggml.model "gpt2" with the
 * pre-tokenisers gpt-2/default, smollm, llama-bpe, qwen2 and their published aliases) and SentencePiece-style BPE ("llama").
 * Others are refused by name.
 */
#ifndef SP_VOCAB_H
#define SP_VOCAB_H

#include "gguf.h"

struct sp_vocab;

still_status sp_vocab_open(struct sp_ctx *ctx, const struct sp_gguf *g, uint32_t n_vocab, struct sp_vocab **out);
void sp_vocab_close(struct sp_vocab *v);

/* trusted: NULL: no special token is recognised in the text; else trusted[i] != 0 says that byte i may be part of a special
 * token's spelling (a spelling counts only when all of its bytes are trusted). add_bos: as the file asks, put BOS first.
 * Writes at most capacity ids, sets *n to the number there are (STILL_OK also when it is more than capacity).
 * ctx is for memory and errors of this call only. Time is linear in bytes. */
still_status sp_vocab_encode(struct sp_ctx *ctx, const struct sp_vocab *v, const char *text, size_t bytes,
                             const uint8_t *trusted, bool add_bos, still_token *tokens, size_t capacity, size_t *n);
/* Bytes of a token as they appear in text (byte-level and SentencePiece escapes undone); control tokens give their spelling. The
 * pointer lives as long as the vocabulary. False if the id is out of range. */
bool sp_vocab_piece(const struct sp_vocab *v, still_token token, const char **piece, size_t *bytes);
bool sp_vocab_is_special(const struct sp_vocab *v, still_token token); /* control tokens; not user-defined ones */
bool sp_vocab_is_end(const struct sp_vocab *v, still_token token);     /* eos, eot, and the field's known spellings of them */
still_token sp_vocab_bos(const struct sp_vocab *v); /* -1 if none */
still_token sp_vocab_eos(const struct sp_vocab *v);
bool sp_vocab_adds_bos(const struct sp_vocab *v);
uint32_t sp_vocab_size(const struct sp_vocab *v);
size_t sp_vocab_memory(const struct sp_vocab *v);

#endif
