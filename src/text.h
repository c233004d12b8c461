/*
 * text.h - joins the bytes of tokens to whole UTF-8 characters, for output while a model writes.
 *
 * In:       tokens of a vocabulary, one by one.  Out: text that is valid UTF-8 at every moment.
 * Not here: the public still_stream, which wraps this (model.c); end tokens: the caller looks at them first.
 */
#ifndef SP_TEXT_H
#define SP_TEXT_H

#include "vocab.h"

struct sp_stream;

/* ctx and vocabulary must outlive the stream. NULL when out of memory (the sentence is in ctx). */
struct sp_stream *sp_stream_new(struct sp_ctx *ctx, const struct sp_vocab *v);
void sp_stream_free(struct sp_stream *s); /* NULL is allowed */
/* Adds a token; control tokens add nothing. *text, valid until the next call and not terminated, holds the characters that are
 * now complete. Bytes that can never become a character come out as U+FFFD, one for each longest start of a character, as the
 * Unicode standard recommends. STILL_EARG for an id that is no token. */
still_status sp_stream_push(struct sp_stream *s, still_token token, const char **text, size_t *bytes);
/* What is left: U+FFFD if the last character is unfinished. The stream may be used again. */
still_status sp_stream_end(struct sp_stream *s, const char **text, size_t *bytes);

#endif
