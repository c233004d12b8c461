/*
 * text.c - a stream of characters from tokens that may end in the middle of one.
 *
 * In:       tokens.  Out: whole characters.
 * Not here: see text.h.
 *
 * At most three bytes wait for the rest of their character; all else leaves with the call that brought it.
 */
#include "text.h"

#include <string.h>
#include "unicode.h"

enum { WAITING_MOST = 3 };

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
enum { REPLACEMENT = 3 };

struct sp_stream {
  struct sp_ctx *ctx;
  const struct sp_vocab *v;
  char waiting[WAITING_MOST];
  size_t n_waiting;
  char *in, *out; /* [room] bytes that wait and those of the token; [REPLACEMENT * room] characters */
  size_t room;
};

struct sp_stream *sp_stream_new(struct sp_ctx *ctx, const struct sp_vocab *v) {
  struct sp_stream *s = sp_calloc(ctx, 1, sizeof *s, "output stream");
  if (s) {
    s->ctx = ctx;
    s->v = v;
  }
  return s;
}

static void free_room(struct sp_stream *s) {
  sp_free(s->ctx, s->in, s->room, 1);
  sp_free(s->ctx, s->out, s->room, REPLACEMENT);
  s->in = s->out = NULL;
}

void sp_stream_free(struct sp_stream *s) {
  if (!s) return;
  free_room(s);
  sp_free(s->ctx, s, 1, sizeof *s);
}

/* Room for the longest token so far. What was there need not be kept: each call fills it anew. */
static still_status reserve(struct sp_stream *s, size_t bytes) {
  if (bytes <= s->room) return STILL_OK;
  free_room(s);
  s->room = bytes < 128 ? 256 : 2 * bytes;
  s->in = sp_alloc(s->ctx, s->room, 1, "output stream");
  s->out = sp_alloc(s->ctx, s->room, REPLACEMENT, "output stream");
  if (s->in && s->out) return STILL_OK;
  free_room(s);
  s->room = 0;
  return STILL_ENOMEM;
}

/* Moves the characters of s->in[0, bytes) to s->out; their bytes. An unfinished one at the end waits, unless `last`. */
static size_t take_characters(struct sp_stream *s, size_t bytes, bool last) {
  size_t n = 0;
  for (size_t at = 0; at < bytes;) {
    bool whole;
    size_t start = sp_utf8_scan(s->in + at, bytes - at, &whole);
    if (!whole && start == bytes - at && !last) { /* start >= 1 here: may become a character */
      memcpy(s->waiting, s->in + at, start);
      s->n_waiting = start;
      break;
    }
    size_t width = whole ? start : REPLACEMENT;
    memcpy(s->out + n, whole ? s->in + at : replacement, width);
    n += width;
    at += start > 0 ? start : 1;
  }
  return n;
}

/* What waits and then `bytes` of piece, as far as they are characters. */
static still_status pass(struct sp_stream *s, const char *piece, size_t bytes, bool last, const char **text, size_t *n) {
  *text = "";
  *n = 0;
  SP_TRY(reserve(s, bytes + WAITING_MOST));
  size_t waiting = s->n_waiting;
  s->n_waiting = 0;
  memcpy(s->in, s->waiting, waiting);
  memcpy(s->in + waiting, piece, bytes);
  *n = take_characters(s, waiting + bytes, last);
  *text = s->out;
  return STILL_OK;
}

still_status sp_stream_push(struct sp_stream *s, still_token token, const char **text, size_t *bytes) {
  const char *piece;
  size_t n;
  *text = "";
  *bytes = 0;
  if (!sp_vocab_piece(s->v, token, &piece, &n))
    return sp_fail(&s->ctx->error, STILL_EARG, "token %d is none of this vocabulary; ids go from 0 to %u", (int)token,
                   sp_vocab_size(s->v) - 1);
  bool special = sp_vocab_is_special(s->v, token); /* nothing can continue a character across one */
  return pass(s, piece, special ? 0 : n, special, text, bytes);
}

still_status sp_stream_end(struct sp_stream *s, const char **text, size_t *bytes) { return pass(s, "", 0, true, text, bytes); }
