/*
 * eval_sets.h - the sets of questions: what is hidden in a text, what is asked, what the answer is.
 *
 * In:       a set, a seed, how many questions, their depths.  Out: facts, questions, and lines where the set brings its own hay.
 * Not here: putting facts into hay (eval_text.c), judging answers (eval_answer.c), words and phrasings (eval_words.c).
 */
#ifndef CLI_EVAL_SETS_H
#define CLI_EVAL_SETS_H

#include "eval_hay.h"

enum { EVAL_MOST_QUESTIONS = 10, EVAL_MOST_FACTS = 32, EVAL_HOPS = 2, EVAL_COUNT_BLOCK = 100 };

struct eval_fact {
  char text[200];   /* a sentence or a line, without an end of line */
  double depth;     /* part of the text that stands before it, 0..1 */
  size_t unit;      /* the unit before which it stands; eval_text.c chooses */
  size_t at, bytes; /* its place in the text that was made */
};

struct eval_question {
  char ask[240], answer[32];
  const char *const *rivals; /* NULL-terminated words of the answer's kind; NULL: the answer is a number */
  unsigned depth;            /* in per cent, of the first fact that answers it */
  size_t fact;               /* that fact; EVAL_MOST_FACTS when the whole text answers */
};

struct eval_draft { /* release with eval_draft_free */
  const char *intro; /* stands before the text */
  struct eval_fact fact[EVAL_MOST_FACTS];
  size_t n_facts;
  struct eval_question question[EVAL_MOST_QUESTIONS];
  size_t n_questions;
  struct eval_hay lines; /* hay of the set's own; empty: any will do */
};

struct eval_drawing; /* of eval_sets.c: a draft in the making */

struct eval_set {
  const char *name, *text; /* text: in a line */
  bool placed;             /* answers stand at a depth */
  bool (*make)(struct eval_drawing *drawing, size_t lines); /* false when memory is out */
};

extern const struct eval_set eval_sets[]; /* ends with a NULL name */
const struct eval_set *eval_set_find(const char *name, size_t bytes); /* NULL: there is none */

/* Question q gets depth[q] (per cent). `lines`: how many a set with hay of its own makes. False when memory is out. */
bool eval_draft_make(struct eval_draft *draft, const struct eval_set *set, uint64_t seed, const unsigned *depth,
                     size_t n_questions, size_t lines);
void eval_draft_free(struct eval_draft *draft);

#endif
