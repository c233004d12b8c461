/*
 * pretok.h - cuts text into the pieces inside which byte-level BPE merges: words, numbers, marks, white space.
 *
 * In:       the pre-tokeniser that a model file names, text.  Out: the length of the first piece.
 * Not here: merging (vocab_bpe.c), special tokens (vocab.c).
 *
 * The pieces are those of the published patterns (stated in pretok.c). Bytes that are no UTF-8 count as marks. A whole text is
 * cut in time linear in its length, whatever it holds.
 */
#ifndef SP_PRETOK_H
#define SP_PRETOK_H

#include <stdbool.h>
#include <stddef.h>

struct sp_pretok {
  const char *name;
  bool modern;         /* the newer pattern: a mark joins the word after it, line ends stick to what is before them */
  unsigned digits;     /* a number is cut after so many digits; 0: never */
  bool digits_first;   /* digits are cut out before anything else is looked at, so no space joins them */
  bool whole_pieces;   /* a piece that is a token is taken as it is, without merging ("ignore_merges") */
  bool adds_bos;       /* BOS comes first unless the file says otherwise */
};

/* By the value of tokenizer.ggml.pre; NULL when it is not known. Static. */
const struct sp_pretok *sp_pretok_find(const char *name, size_t bytes);
/* Bytes of the first piece; 0 only when bytes is 0. Nothing is remembered between calls. */
size_t sp_pretok_next(const struct sp_pretok *rules, const char *text, size_t bytes);

#endif
