/*
 * eval_text.c - facts into hay.
 *
 * In:       units of hay, facts with depths.  Out: a text that fits.
 * Not here: tokens; they are counted by the caller.
 *
 * The number of units is found by doubling and bisection on the prompt whose question is longest. Depth is measured in bytes of
 * hay; a fact stands before the first unit that has so much in front of it, and two facts have a unit between them where there is
 * one.
 */
#include "eval_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLACK = 200 }; /* tokens that a text may fall short of its length: the longest units */

static size_t unit_of(const struct eval_fit *fit, size_t i) { return (fit->start + i) % fit->hay->n; }

/* ---- places ---------------------------------------------------------------------------------------------------- */

/* Facts by depth; those of one depth in the order in which they were drawn. */
static void sort_facts(const struct eval_draft *draft, size_t *order) {
  for (size_t i = 0; i < draft->n_facts; i++) {
    size_t at = i;
    for (; at > 0 && draft->fact[order[at - 1]].depth > draft->fact[i].depth; at--) order[at] = order[at - 1];
    order[at] = i;
  }
}

/* The unit before which each fact stands, of `units`. */
static void place_facts(struct eval_draft *draft, const struct eval_fit *fit, size_t units, const size_t *order) {
  size_t total = 0, before = 0, unit = 0, bytes, next = 0;
  for (size_t i = 0; i < units; i++) total += (eval_hay_unit(fit->hay, unit_of(fit, i), &bytes), bytes);
  for (size_t i = 0; i < draft->n_facts; i++) {
    struct eval_fact *fact = &draft->fact[order[i]];
    for (; unit < units && (double)before < fact->depth * (double)total; unit++)
      before += (eval_hay_unit(fit->hay, unit_of(fit, unit), &bytes), bytes);
    fact->unit = unit > next ? unit : next;
    next = fact->unit + 1;
  }
  for (size_t i = draft->n_facts, most = units; i-- > 0;) { /* those pushed out at the end move up again */
    struct eval_fact *fact = &draft->fact[order[i]];
    if (fact->unit > most) fact->unit = most;
    most = fact->unit > 0 ? fact->unit - 1 : 0;
  }
}

/* ---- the text -------------------------------------------------------------------------------------------------- */

/* On a line of its own, or inside a paragraph: what stood before says which. */
static size_t put_fact(char *out, size_t at, struct eval_fact *fact) {
  bool line = at == 0 || out[at - 1] == '\n';
  if (at > 0 && out[at - 1] != '\n' && out[at - 1] != ' ') out[at++] = ' ';
  fact->at = at;
  fact->bytes = strlen(fact->text);
  memcpy(out + at, fact->text, fact->bytes);
  at += fact->bytes;
  out[at++] = line ? '\n' : ' ';
  return at;
}

static bool build(struct eval_draft *draft, const struct eval_fit *fit, size_t units, struct eval_text *out) {
  size_t order[EVAL_MOST_FACTS], room = 1, next = 0, at = 0, bytes;
  sort_facts(draft, order);
  place_facts(draft, fit, units, order);
  for (size_t i = 0; i < units; i++) room += (eval_hay_unit(fit->hay, unit_of(fit, i), &bytes), bytes + 1);
  for (size_t i = 0; i < draft->n_facts; i++) room += sizeof draft->fact[i].text + 3;
  char *text = realloc(out->text, room);
  if (!text) return false;
  for (size_t i = 0; i <= units; i++) {
    for (; next < draft->n_facts && draft->fact[order[next]].unit <= i; next++)
      at = put_fact(text, at, &draft->fact[order[next]]);
    if (i == units) break;
    const char *unit = eval_hay_unit(fit->hay, unit_of(fit, i), &bytes);
    memcpy(text + at, unit, bytes);
    at += bytes;
    bool end_of_file = unit_of(fit, i) + 1 == fit->hay->n && text[at - 1] != '\n';
    if (end_of_file) text[at++] = '\n';
  }
  while (at > 0 && (text[at - 1] == '\n' || text[at - 1] == ' ')) at--;
  text[at] = '\0';
  *out = (struct eval_text){.text = text, .bytes = at, .units = units};
  return true;
}

char *eval_prompt(const struct eval_draft *draft, const struct eval_text *text, size_t question, bool plain) {
  const char *ask = draft->question[question].ask;
  const char *form = plain ? "%s\n\n%s\n\nQuestion: %s\nAnswer:" : "%s\n\n%s\n\n%s";
  size_t room = strlen(draft->intro) + text->bytes + strlen(ask) + 32;
  char *prompt = malloc(room);
  if (prompt) snprintf(prompt, room, form, draft->intro, text->text, ask);
  return prompt;
}

/* ---- how much of it -------------------------------------------------------------------------------------------- */

/* Tokens of the prompt of one question on a text of so many units. */
static still_status measure(struct eval_draft *draft, const struct eval_fit *fit, size_t units, size_t question,
                            struct eval_text *text, size_t *tokens) {
  if (!build(draft, fit, units, text)) return STILL_ENOMEM;
  char *prompt = eval_prompt(draft, text, question, fit->plain);
  if (!prompt) return STILL_ENOMEM;
  still_status status = fit->count(fit->user, prompt, tokens);
  free(prompt);
  return status;
}

static still_status find_longest(struct eval_draft *draft, const struct eval_fit *fit, struct eval_text *text,
                                 size_t *question) {
  size_t most = 0, tokens;
  for (size_t i = 0; i < draft->n_questions; i++) {
    still_status status = measure(draft, fit, 0, i, text, &tokens);
    if (status != STILL_OK) return status;
    if (tokens > most) most = tokens, *question = i;
  }
  return STILL_OK;
}

/* So many units that they are too long, or all: twice as many each time, since hay may be a thousand times as long as a text. */
static still_status find_enough(struct eval_draft *draft, const struct eval_fit *fit, size_t question, struct eval_text *text,
                                size_t *units, size_t *tokens) {
  for (*units = 1;; *units *= 2) {
    if (*units > fit->hay->n) *units = fit->hay->n;
    still_status status = measure(draft, fit, *units, question, text, tokens);
    if (status != STILL_OK || *tokens > fit->length || *units == fit->hay->n) return status;
  }
}

/* Sets the sentence; what `count` failed at has been said by the caller's own function. */
static still_status refuse(still_error *error, const char *what, const struct eval_fit *fit, size_t tokens) {
  error->status = STILL_EARG;
  snprintf(error->text, sizeof error->text, what, tokens, (unsigned long long)fit->length);
  return STILL_EARG;
}

still_status eval_text_fit(struct eval_draft *draft, const struct eval_fit *fit, struct eval_text *out, still_error *error) {
  size_t question = 0, tokens, low, high = 0;
  *error = (still_error){.size = sizeof *error};
  *out = (struct eval_text){0};
  still_status status = find_longest(draft, fit, out, &question);
  if (status == STILL_OK) status = measure(draft, fit, 0, question, out, &tokens);
  if (status == STILL_OK && tokens > fit->length)
    status = refuse(error, "facts and question alone take %zu tokens, and %llu are wanted; take greater --lengths", fit, tokens);
  if (status == STILL_OK) status = find_enough(draft, fit, question, out, &high, &tokens);
  if (status == STILL_OK && tokens + SLACK < fit->length)
    status = refuse(error, "there is text for %zu tokens only, and %llu are wanted; give more with --hay", fit, tokens);
  low = high / 2; /* which fitted */
  while (status == STILL_OK && low < high) {
    size_t middle = low + (high - low + 1) / 2;
    status = measure(draft, fit, middle, question, out, &tokens);
    if (tokens <= fit->length)
      low = middle;
    else
      high = middle - 1;
  }
  if (status == STILL_OK && !build(draft, fit, low, out)) status = STILL_ENOMEM;
  if (status != STILL_OK) eval_text_free(out);
  return status;
}

void eval_text_free(struct eval_text *text) {
  free(text->text);
  *text = (struct eval_text){0};
}
