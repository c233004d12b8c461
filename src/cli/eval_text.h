/*
 * eval_text.h - a text of a wanted number of tokens with facts at their depths, and the prompts that ask about it.
 *
 * In:       a draft, hay, a way to count tokens.  Out: a text; one prompt a question, which all begin alike.
 * Not here: facts (eval_sets.c), vocabularies and chat templates (eval_ask.c counts with them).
 */
#ifndef CLI_EVAL_TEXT_H
#define CLI_EVAL_TEXT_H

#include "eval_sets.h"
#include "stillpoint.h"

struct eval_text { /* release with eval_text_free */
  char *text;      /* NUL-terminated */
  size_t bytes;
  size_t units;    /* of hay */
};

/* Tokens of a whole prompt; `content` is what eval_prompt gives. */
typedef still_status (*eval_count_fn)(void *user, char *content, size_t *tokens);

struct eval_fit {
  const struct eval_hay *hay; /* used from unit `start` on, around its end */
  size_t start;
  uint64_t length; /* most tokens of a prompt */
  bool plain;      /* the model has no chat template: the prompt ends in "Answer:" */
  eval_count_fn count;
  void *user;
};

/* As much hay as leaves every prompt within the length; writes the places of the facts into the draft. STILL_EARG when the hay is
 * too short or the length has no room for the facts: *error says so. */
still_status eval_text_fit(struct eval_draft *draft, const struct eval_fit *fit, struct eval_text *out, still_error *error);
void eval_text_free(struct eval_text *text);

/* The message to the model; free(). NULL when memory is out. */
char *eval_prompt(const struct eval_draft *draft, const struct eval_text *text, size_t question, bool plain);

#endif
