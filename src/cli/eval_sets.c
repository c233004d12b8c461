/*
 * eval_sets.c - drawing facts and questions.
 *
 * In:       a seed.  Out: struct eval_draft.
 * Not here: words (eval_words.c).
 *
 * Everything is drawn from one state in one order, so that a seed gives the same draft everywhere. Within a text no number occurs
 * twice and no key is asked for twice.
 */
#include "eval_sets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "eval_words.h"

enum { LEAST_NUMBER = 10000, NUMBERS = 90000, FAMILY = 10 };

struct eval_drawing {
  struct eval_draft *draft;
  uint64_t state;
  uint8_t used[NUMBERS / 8]; /* numbers that occur in the text */
};

/* ---- filling in ------------------------------------------------------------------------------------------------ */

/* Writes a form with its slots filled; what does not fit is cut, which the longest words of the tables do not reach. */
static size_t fill_in(char *out, size_t size, const char *form, const char *k, const char *j, const char *v) {
  size_t n = 0;
  for (const char *at = form; *at; at++) {
    bool slot = at[0] == '{' && at[1] && at[2] == '}';
    const char *word = !slot ? NULL : at[1] == 'K' ? k : at[1] == 'J' ? j : v;
    size_t bytes = slot ? strlen(word) : 1;
    if (n + bytes + 1 > size) break;
    memcpy(out + n, slot ? word : at, bytes);
    n += bytes;
    if (slot) at += 2;
  }
  out[n] = '\0';
  return n;
}

static void number(struct eval_drawing *d, char text[8]) {
  size_t drawn;
  do drawn = cli_below(&d->state, NUMBERS);
  while (d->used[drawn / 8] >> drawn % 8 & 1);
  d->used[drawn / 8] |= (uint8_t)(1u << drawn % 8);
  snprintf(text, 8, "%u", (unsigned)(LEAST_NUMBER + drawn) % 100000u);
}

static struct eval_fact *add_fact(struct eval_draft *draft, double depth) {
  struct eval_fact *fact = &draft->fact[draft->n_facts++];
  fact->depth = depth;
  return fact;
}

static double part(unsigned percent) { return percent / 100.0; }

/* A form of a list of phrasings, drawn. */
static const char *draw(struct eval_drawing *d, const char *const *form, size_t n) { return form[cli_below(&d->state, n)]; }

static void ask(struct eval_question *q, const char *form, const char *key, const char *answer, const char *const *rivals) {
  size_t n = fill_in(q->ask, sizeof q->ask, form, key, "", "");
  snprintf(q->ask + n, sizeof q->ask - n, "%s", rivals ? eval_say_word : eval_say_number);
  snprintf(q->answer, sizeof q->answer, "%s", answer);
  q->rivals = rivals;
}

/* 0 .. n - 1 in a drawn order. */
static void permutation(struct eval_drawing *d, size_t *value, size_t n) {
  for (size_t i = 0; i < n; i++) value[i] = i;
  cli_shuffle(&d->state, value, n);
}

/* ---- one: facts of different kinds ------------------------------------------------------------------------------ */

static void draw_fact(struct eval_drawing *d, const struct eval_topic *topic, const char *form, const char *key, double depth,
                      char value[32]) {
  char digits[8];
  if (topic->value) {
    snprintf(value, 32, "%s", draw(d, topic->value, eval_length(topic->value)));
  } else {
    number(d, digits);
    snprintf(value, 32, "%s", digits);
  }
  struct eval_fact *fact = add_fact(d->draft, depth);
  fill_in(fact->text, sizeof fact->text, form, key, "", value);
}

static bool draw_one(struct eval_drawing *d, size_t lines) {
  size_t topic[32], place[32];
  (void)lines;
  permutation(d, topic, eval_n_topics);
  permutation(d, place, eval_length(eval_places));
  for (size_t i = 0; i < d->draft->n_questions; i++) {
    const struct eval_topic *t = &eval_topics[topic[i]];
    struct eval_question *q = &d->draft->question[i];
    const char *key = eval_places[place[i]];
    char value[32];
    q->fact = d->draft->n_facts;
    draw_fact(d, t, draw(d, t->fact, EVAL_PHRASINGS), key, part(q->depth), value);
    ask(q, draw(d, t->ask, EVAL_PHRASINGS), key, value, t->value);
  }
  return true;
}

/* ---- many: facts that differ in place and number alone ---------------------------------------------------------- */

/* Those that nobody asks for stand at even distances. */
static bool draw_many(struct eval_drawing *d, size_t lines) {
  size_t place[32], n = d->draft->n_questions, others = FAMILY - n;
  const struct eval_topic *t = &eval_families[cli_below(&d->state, eval_n_families)];
  const char *form = draw(d, t->fact, EVAL_PHRASINGS);
  (void)lines;
  permutation(d, place, eval_length(eval_places));
  for (size_t i = 0; i < FAMILY; i++) {
    struct eval_question *q = i < n ? &d->draft->question[i] : NULL;
    double depth = q ? part(q->depth) : (double)(i - n + 1) / (double)(others + 1);
    char value[32];
    if (q) q->fact = d->draft->n_facts;
    draw_fact(d, t, form, eval_places[place[i]], depth, value);
    if (q) ask(q, draw(d, t->ask, EVAL_PHRASINGS), eval_places[place[i]], value, NULL);
  }
  return true;
}

/* ---- table ------------------------------------------------------------------------------------------------------ */

/* The i-th of the names of rows in an order of its own for each text: an affine permutation of the 4096 pairs of words. */
static void row_name(uint64_t turn, size_t i, char name[48]) {
  size_t adjectives = eval_length(eval_adjectives), nouns = eval_length(eval_nouns), pairs = adjectives * nouns;
  size_t pair = (size_t)((2 * (turn % pairs) + 1) * i + turn / pairs % pairs) % pairs, round = i / pairs;
  const char *end = round ? eval_ends[(round - 1) % eval_length(eval_ends)] : "";
  snprintf(name, 48, "%s-%s%s%s", eval_adjectives[pair % adjectives], eval_nouns[pair / adjectives], round ? "-" : "", end);
}

static bool draw_table(struct eval_drawing *d, size_t lines) {
  uint64_t turn = cli_random(&d->state);
  const char *form = draw(d, eval_rows, eval_n_rows);
  size_t n = d->draft->n_questions, most = NUMBERS / 2;
  char name[48], value[8], row[128];
  for (size_t i = 0; i < n; i++) {
    struct eval_question *q = &d->draft->question[i];
    row_name(turn, i, name);
    number(d, value);
    q->fact = d->draft->n_facts;
    fill_in(add_fact(d->draft, part(q->depth))->text, sizeof row, form, name, "", value);
    ask(q, draw(d, eval_table_asks, eval_length(eval_table_asks)), name, value, NULL);
  }
  for (size_t i = n; i < n + lines && i < most && i / 4096 <= eval_length(eval_ends); i++) {
    row_name(turn, i, name);
    number(d, value);
    size_t bytes = fill_in(row, sizeof row - 1, form, name, "", value);
    row[bytes] = '\n';
    if (!eval_hay_add(&d->draft->lines, row, bytes + 1)) return false;
  }
  return true;
}

/* ---- chain ------------------------------------------------------------------------------------------------------ */

/* A name of five letters, unlike those before. */
static void coin(struct eval_drawing *d, char names[][8], size_t n) {
  static const char consonants[] = "bdfgklmnprstvz", capitals[] = "BDFGKLMNPRSTVZ", vowels[] = "aeiou";
  bool fresh;
  do {
    for (size_t i = 1; i < 5; i++)
      names[n][i] = i % 2 ? vowels[cli_below(&d->state, 5)] : consonants[cli_below(&d->state, sizeof consonants - 1)];
    names[n][0] = capitals[cli_below(&d->state, sizeof capitals - 1)];
    names[n][5] = '\0';
    fresh = true;
    for (size_t i = 0; i < n; i++) fresh = fresh && strcmp(names[i], names[n]) != 0;
  } while (!fresh);
}

/* Each chain is about another kind of thing: ten chains about one kind are more than small models can follow, even densely. The
 * number stands at the depth asked for; each further link a third of the text later, going on from the start. */
static bool draw_chain(struct eval_drawing *d, size_t lines) {
  char names[EVAL_MOST_QUESTIONS * (EVAL_HOPS + 1)][8], value[8];
  size_t kind[EVAL_MOST_QUESTIONS], n = 0;
  (void)lines;
  permutation(d, kind, eval_n_chains);
  for (size_t i = 0; i < d->draft->n_questions; i++) {
    struct eval_question *q = &d->draft->question[i];
    const struct eval_chain *c = &eval_chains[kind[i]];
    number(d, value);
    q->fact = d->draft->n_facts;
    for (size_t hop = 0; hop <= EVAL_HOPS; hop++, n++) {
      double depth = part(q->depth) + (double)hop / (EVAL_HOPS + 1);
      struct eval_fact *fact = add_fact(d->draft, depth > 1 ? depth - 1 : depth);
      const char *form = draw(d, hop ? c->next : c->first, EVAL_PHRASINGS);
      coin(d, names, n);
      fill_in(fact->text, sizeof fact->text, form, names[n], hop ? names[n - 1] : "", value);
    }
    ask(q, draw(d, c->ask, EVAL_PHRASINGS), names[n - 1], value, NULL);
  }
  return true;
}

/* ---- count ------------------------------------------------------------------------------------------------------ */

/* Blocks of a hundred lines, each with ten of every kind: four of the most frequent word and one of each other. So the most
 * frequent word is the same for any number of lines from one block on. */
static bool draw_count(struct eval_drawing *d, size_t lines) {
  size_t top[EVAL_MOST_QUESTIONS], order[EVAL_COUNT_BLOCK];
  for (size_t k = 0; k < eval_n_classes; k++) top[k] = cli_below(&d->state, eval_length(eval_classes[k].word));
  for (size_t i = 0; i < lines; i++) {
    if (i % EVAL_COUNT_BLOCK == 0) permutation(d, order, EVAL_COUNT_BLOCK);
    size_t drawn = order[i % EVAL_COUNT_BLOCK], kind = drawn % 10, slot = drawn / 10;
    size_t words = eval_length(eval_classes[kind].word);
    char line[64];
    int n = snprintf(line, sizeof line, "%s: %s\n", eval_classes[kind].name,
                     eval_classes[kind].word[(top[kind] + (slot < words ? slot : 0)) % words]);
    if (!eval_hay_add(&d->draft->lines, line, (size_t)n)) return false;
  }
  size_t kind[EVAL_MOST_QUESTIONS];
  permutation(d, kind, eval_n_classes);
  for (size_t i = 0; i < d->draft->n_questions; i++) {
    const struct eval_class *k = &eval_classes[kind[i]];
    d->draft->question[i].fact = EVAL_MOST_FACTS;
    ask(&d->draft->question[i], draw(d, eval_count_asks, eval_length(eval_count_asks)), k->name, k->word[top[kind[i]]], k->word);
  }
  return true;
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

const struct eval_set eval_sets[] = {
    {"one", "one fact that is like no other in the text", true, draw_one},
    {"many", "one of ten facts that differ in place and number alone", true, draw_many},
    {"table", "one row of a table as long as the text", true, draw_table},
    {"chain", "a number that three facts lead to, from name to name", true, draw_chain},
    {"count", "the most frequent word of a kind in a list as long as the text", false, draw_count},
    {NULL, NULL, false, NULL},
};

const struct eval_set *eval_set_find(const char *name, size_t bytes) {
  for (const struct eval_set *set = eval_sets; set->name; set++)
    if (strlen(set->name) == bytes && memcmp(set->name, name, bytes) == 0) return set;
  return NULL;
}

bool eval_draft_make(struct eval_draft *draft, const struct eval_set *set, uint64_t seed, const unsigned *depth,
                     size_t n_questions, size_t lines) {
  struct eval_drawing *d = calloc(1, sizeof *d);
  *draft = (struct eval_draft){.n_questions = n_questions};
  if (!d) return false;
  *d = (struct eval_drawing){.draft = draft, .state = seed};
  draft->intro = draw(d, eval_intros, eval_length(eval_intros));
  for (size_t i = 0; i < n_questions; i++) draft->question[i].depth = depth[i];
  bool good = set->make(d, lines);
  free(d);
  if (!good) eval_draft_free(draft);
  return good;
}

void eval_draft_free(struct eval_draft *draft) { eval_hay_free(&draft->lines); }
