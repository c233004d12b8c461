/*
 * eval_hay.h - hay: a long text as a list of units between which something can be put, from files or made from a seed.
 *
 * In:       bytes, or a seed.  Out: units, which put together again give the text.
 * Not here: what is put between them (eval_sets.c), how many are taken (eval_text.c).
 */
#ifndef CLI_EVAL_HAY_H
#define CLI_EVAL_HAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct eval_hay { /* zero to begin with; release with eval_hay_free */
  char *text;      /* not terminated */
  size_t *end;     /* where each unit ends; it begins where the one before ends */
  size_t bytes, n; /* n: units */
  size_t room, unit_room;
};

/* Adds a unit. Each of these gives false when memory is out. */
bool eval_hay_add(struct eval_hay *hay, const char *text, size_t bytes);
/* Adds a text in units: a unit ends with a sentence, a paragraph or, where those are long, with a line or a word. */
bool eval_hay_split(struct eval_hay *hay, const char *text, size_t bytes);
/* Adds sentences without figures until the hay has so many bytes. */
bool eval_hay_make(struct eval_hay *hay, uint64_t seed, size_t bytes);
void eval_hay_free(struct eval_hay *hay);

const char *eval_hay_unit(const struct eval_hay *hay, size_t i, size_t *bytes);

#endif
