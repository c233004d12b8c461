/*
 * eval_words.h - words and phrasings of the questions of `stillpoint eval`.
 *
 * In:       nothing.  Out: constant tables.
 * Not here: what is drawn from them (eval_sets.c).
 *
 * In a phrasing {K} is the key, {J} another key, {V} the value.
 */
#ifndef CLI_EVAL_WORDS_H
#define CLI_EVAL_WORDS_H

#include <stddef.h>

enum { EVAL_PHRASINGS = 3 };

struct eval_topic { /* one kind of fact, in several phrasings */
  const char *fact[EVAL_PHRASINGS], *ask[EVAL_PHRASINGS];
  const char *const *value; /* words that may be the value; NULL: a number of five digits */
};

struct eval_chain { /* of one kind of thing that has a number; as many kinds as there can be questions */
  const char *first[EVAL_PHRASINGS], *next[EVAL_PHRASINGS], *ask[EVAL_PHRASINGS]; /* {K} has {V}; {K} has what {J} has */
};

struct eval_class { /* of things that are counted */
  const char *name;
  const char *const *word;
};

extern const struct eval_topic eval_topics[], eval_families[];
extern const struct eval_chain eval_chains[];
extern const struct eval_class eval_classes[]; /* as many as there can be questions; 7 words each */
extern const char *const eval_rows[];
extern const size_t eval_n_topics, eval_n_families, eval_n_chains, eval_n_classes, eval_n_rows;

extern const char *const eval_places[], *const eval_intros[], *const eval_adjectives[], *const eval_nouns[], *const eval_ends[];
extern const char *const eval_table_asks[], *const eval_count_asks[];
size_t eval_length(const char *const *list);

extern const char eval_say_number[], eval_say_word[]; /* how to answer */

#endif
