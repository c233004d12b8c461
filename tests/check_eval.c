/*
 * check_eval.c - the questions of `stillpoint eval`: hay, facts at their depths, lengths, answers worked out again from the text.
 *
 * In:       seeds; a tiny model's vocabulary to count tokens with.  Out: TAP.
 * Not here: intervals, costs and the file of results (check_eval_figures.c), the command (cli_eval.sh).
 */
#include <check.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/eval_answer.h"
#include "src/cli/random.h"
#include "src/cli/eval_text.h"
#include "src/cli/eval_words.h"
#include "tests/run.h"

enum { LENGTH = 6000, SHORT = 300 }; /* tokens of a tiny vocabulary: two bytes each; what a text may fall short */

static const unsigned depths[EVAL_MOST_QUESTIONS] = {10, 30, 50, 70, 90, 0, 100, 50, 33, 67};

static still_status count(void *user, char *content, size_t *tokens) {
  still_status status = still_tokenize(user, content, strlen(content), 0, NULL, 0, tokens);
  return status == STILL_ELIMIT ? STILL_OK : status;
}

static size_t tokens_of(const still_model *model, const char *text, size_t bytes) {
  size_t n;
  still_tokenize(model, text, bytes, 0, NULL, 0, &n);
  return n;
}

struct made {
  struct opened opened;
  struct eval_hay hay;
  struct eval_draft draft;
  struct eval_text text;
};

static struct opened open_tiny(void) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  return run_open(&spec, "threads=1");
}

static struct made make(const struct eval_set *set, uint64_t seed, size_t questions, uint64_t length) {
  struct made m = {.opened = open_tiny()};
  still_error error;
  ck_assert(eval_hay_make(&m.hay, seed, length * 8));
  ck_assert(eval_draft_make(&m.draft, set, seed, depths, questions, length / 2));
  struct eval_fit fit = {.hay = m.draft.lines.n ? &m.draft.lines : &m.hay, .start = 7, .length = length, .plain = true,
                         .count = count, .user = m.opened.model};
  if (m.draft.lines.n) fit.start = 0;
  ck_assert_msg(eval_text_fit(&m.draft, &fit, &m.text, &error) == STILL_OK, "%s: %s", set->name, error.text);
  return m;
}

static void drop(struct made *m) {
  eval_text_free(&m->text);
  eval_draft_free(&m->draft);
  eval_hay_free(&m->hay);
  run_close(&m->opened);
}

static size_t occurrences(const char *text, const char *word) {
  size_t n = 0;
  for (const char *at = text; (at = strstr(at, word)); at++) n++;
  return n;
}

/* ---- hay -------------------------------------------------------------------------------------------------------- */

START_TEST(random_numbers_are_those_of_splitmix64) {
  uint64_t state = 0;
  ck_assert_uint_eq(cli_random(&state), 0xe220a8397b1dcdafu);
  ck_assert_uint_eq(cli_random(&state), 0x6e789e6aa1b965f4u);
  size_t seen[7] = {0}, order[50];
  for (int i = 0; i < 7000; i++) seen[cli_below(&state, 7)]++;
  for (int i = 0; i < 7; i++) ck_assert(seen[i] > 850 && seen[i] < 1150);
  for (size_t i = 0; i < 50; i++) order[i] = i;
  cli_shuffle(&state, order, 50);
  size_t sum = 0, moved = 0;
  for (size_t i = 0; i < 50; i++) sum += order[i], moved += order[i] != i;
  ck_assert(sum == 49 * 50 / 2 && moved > 40);
}
END_TEST

START_TEST(units_end_where_sentences_do) {
  static const char text[] = "One is here.  Two is not!\nA line\nof a paragraph\n\nAnother. 3.14 is a number";
  static const char *const units[] = {"One is here.  ", "Two is not!\n", "A line\nof a paragraph\n\n", "Another. ",
                                      "3.14 is a number"};
  struct eval_hay hay = {0};
  size_t bytes;
  ck_assert(eval_hay_split(&hay, text, strlen(text)));
  ck_assert_uint_eq(hay.n, 5);
  for (size_t i = 0; i < 5; i++) {
    const char *unit = eval_hay_unit(&hay, i, &bytes);
    ck_assert_uint_eq(bytes, strlen(units[i]));
    ck_assert_mem_eq(unit, units[i], bytes);
  }
  eval_hay_free(&hay);
}
END_TEST

/* Long lines without ends of sentences are cut, and nothing is lost. */
START_TEST(long_units_are_cut) {
  struct eval_hay hay = {0};
  size_t n = 20000, bytes;
  char *text = malloc(n);
  for (size_t i = 0; i < n; i++) text[i] = i % 7 == 6 ? (i % 1001 == 1000 ? '\n' : ' ') : (char)('a' + i % 5);
  ck_assert(eval_hay_split(&hay, text, n));
  ck_assert_uint_eq(hay.bytes, n);
  ck_assert_mem_eq(hay.text, text, n);
  for (size_t i = 0; i < hay.n; i++) ck_assert(eval_hay_unit(&hay, i, &bytes) && bytes <= 810);
  free(text);
  eval_hay_free(&hay);
}
END_TEST

START_TEST(made_hay_has_no_figures_and_reads_as_sentences) {
  struct eval_hay hay = {0};
  ck_assert(eval_hay_make(&hay, 5, 100000));
  ck_assert_uint_ge(hay.bytes, 100000);
  for (size_t i = 0; i < hay.n; i++) {
    size_t bytes;
    const char *unit = eval_hay_unit(&hay, i, &bytes);
    ck_assert_msg(unit[0] >= 'A' && unit[0] <= 'Z' && unit[bytes - 2] == '.', "%.*s", (int)bytes, unit);
    for (size_t k = 0; k < bytes; k++)
      ck_assert_msg(!isdigit((unsigned char)unit[k]) && unit[k] != '^', "%.*s", (int)bytes, unit);
    for (size_t k = 1; k + 1 < bytes; k++) /* a slot that was not filled */
      ck_assert_msg(!(isupper((unsigned char)unit[k]) && unit[k - 1] == ' ' && !isalpha((unsigned char)unit[k + 1])), "%.*s",
                    (int)bytes, unit);
  }
  eval_hay_free(&hay);
}
END_TEST

/* ---- texts ------------------------------------------------------------------------------------------------------ */

/* Every set, several seeds, one question and ten. */
START_TEST(facts_stand_at_their_depths) {
  const struct eval_set *set = &eval_sets[_i % 5];
  size_t questions = _i / 5 % 2 ? 10 : 1;
  struct made m = make(set, 100 + (uint64_t)_i, questions, LENGTH);
  size_t whole = tokens_of(m.opened.model, m.text.text, m.text.bytes);
  for (size_t i = 0; i < m.draft.n_facts; i++) {
    const struct eval_fact *fact = &m.draft.fact[i];
    ck_assert_uint_eq(strlen(fact->text), fact->bytes);
    ck_assert_mem_eq(m.text.text + fact->at, fact->text, fact->bytes);
    ck_assert_uint_eq(occurrences(m.text.text, fact->text), 1);
    double depth = (double)tokens_of(m.opened.model, m.text.text, fact->at) / (double)whole;
    ck_assert_msg(fabs(depth - fact->depth) < 0.06, "%s, seed %d: \"%s\" at %.3f, not %.3f", set->name, _i, fact->text, depth,
                  fact->depth);
  }
  for (size_t q = 0; q < questions && set->placed; q++)
    ck_assert(fabs(m.draft.fact[m.draft.question[q].fact].depth - depths[q] / 100.0) < 1e-9);
  drop(&m);
}
END_TEST

START_TEST(prompts_are_as_long_as_wanted) {
  const struct eval_set *set = &eval_sets[_i % 5];
  for (uint64_t length = 3000; length <= 9000; length += 1500) {
    struct made m = make(set, length + (uint64_t)_i, 1 + (size_t)_i, length);
    size_t most = 0, tokens;
    for (size_t q = 0; q < m.draft.n_questions; q++) {
      char *prompt = eval_prompt(&m.draft, &m.text, q, true);
      ck_assert(strstr(prompt, m.text.text) && strstr(prompt, m.draft.question[q].ask));
      count(m.opened.model, prompt, &tokens);
      ck_assert_uint_le(tokens, length);
      most = tokens > most ? tokens : most;
      free(prompt);
    }
    ck_assert_msg(most + SHORT > length, "%s: %zu of %llu", set->name, most, (unsigned long long)length);
    drop(&m);
  }
}
END_TEST

/* The same bytes on every machine: SHA-256 of each set's text and questions, its first 16 digits. */
START_TEST(a_seed_gives_the_same_text_everywhere) {
  static const char *const known[5] = {"a6b1d32d1e75a81d", "f96945d33619dbb3", "f4cc0e4c87d01cf2", "9d5f1c16c08dfed5",
                                      "697229dbabe070bc"};
  struct made m = make(&eval_sets[_i], 42, 10, LENGTH);
  struct tiny_bytes all = {0};
  uint8_t digest[32];
  char found[17];
  tiny_raw(&all, m.text.text, m.text.bytes);
  for (size_t q = 0; q < 10; q++) {
    tiny_string(&all, m.draft.question[q].ask);
    tiny_string(&all, m.draft.question[q].answer);
  }
  still_sha256(all.data, all.size, digest);
  for (int i = 0; i < 8; i++) snprintf(found + 2 * i, 3, "%02x", digest[i]);
  ck_assert_str_eq(found, known[_i]);
  tiny_free(&all);
  drop(&m);
}
END_TEST

START_TEST(texts_that_cannot_be_made_are_refused) {
  struct made m = make(&eval_sets[0], 1, 10, LENGTH);
  struct eval_hay little = {0};
  struct eval_text text;
  still_error error;
  ck_assert(eval_hay_make(&little, 1, 2000));
  struct eval_fit fit = {.hay = &little, .length = LENGTH, .count = count, .user = m.opened.model};
  ck_assert_int_eq(eval_text_fit(&m.draft, &fit, &text, &error), STILL_EARG);
  ck_assert(strstr(error.text, "give more with --hay") && !text.text);
  fit.length = 100;
  ck_assert_int_eq(eval_text_fit(&m.draft, &fit, &text, &error), STILL_EARG);
  ck_assert(strstr(error.text, "take greater --lengths") && !text.text);
  eval_hay_free(&little);
  drop(&m);
}
END_TEST

/* ---- answers, worked out again ---------------------------------------------------------------------------------- */

/* Whether `ask` names `key` as a word of its own. */
static bool names(const char *ask, const char *key) {
  for (const char *at = ask; (at = strstr(at, key)); at++) {
    char before = at > ask ? at[-1] : ' ', after = at[strlen(key)];
    if (!isalnum((unsigned char)before) && before != '-' && !isalnum((unsigned char)after) && after != '-') return true;
  }
  return false;
}

START_TEST(one_number_or_word_answers) {
  struct made m = make(&eval_sets[_i % 2], 200 + (uint64_t)_i, 10, LENGTH);
  for (size_t q = 0; q < 10; q++) {
    const struct eval_question *question = &m.draft.question[q];
    const struct eval_fact *fact = &m.draft.fact[question->fact];
    size_t places = 0, answers = 0;
    for (size_t p = 0; eval_places[p]; p++) places += names(question->ask, eval_places[p]) && strstr(fact->text, eval_places[p]);
    ck_assert_uint_eq(places, 1);
    ck_assert_ptr_nonnull(strstr(fact->text, question->answer));
    for (const char *const *rival = question->rivals; rival && *rival; rival++) answers += names(fact->text, *rival);
    if (question->rivals) ck_assert_uint_eq(answers, 1);
    else ck_assert_uint_eq(occurrences(m.text.text, question->answer), 1);
    for (size_t o = 0; o < q; o++) ck_assert_str_ne(question->ask, m.draft.question[o].ask);
  }
  drop(&m);
}
END_TEST

START_TEST(rows_of_a_table_differ_and_answer) {
  struct made m = make(&eval_sets[2], 300 + (uint64_t)_i, 10, LENGTH);
  size_t rows = 0, answered = 0;
  char value[16], (*key)[48] = calloc(LENGTH, sizeof *key);
  for (char *line = strtok(m.text.text, "\n"); line; line = strtok(NULL, "\n"), rows++) {
    bool read = sscanf(line, "| %47s | %15[0-9] |", key[rows], value) == 2 ||
                sscanf(line, "%47[a-z-]: %15[0-9]", key[rows], value) == 2 ||
                sscanf(line, "%47[a-z-] = %15[0-9]", key[rows], value) == 2;
    ck_assert_msg(read && strlen(value) == 5, "%s", line);
    for (size_t r = 0; r < rows; r++) ck_assert_str_ne(key[r], key[rows]);
    for (size_t q = 0; q < 10; q++)
      answered += names(m.draft.question[q].ask, key[rows]) && strcmp(value, m.draft.question[q].answer) == 0;
  }
  ck_assert_uint_eq(answered, 10);
  ck_assert_uint_gt(rows, 250);
  free(key);
  drop(&m);
}
END_TEST

/* From the one fact that begins with the name to what it ends with, another name or the number; both have five characters. */
static void follow(const struct eval_draft *draft, char name[8]) {
  size_t n = 0, next = 0;
  for (size_t f = 0; f < draft->n_facts; f++)
    if (strncmp(draft->fact[f].text, name, 5) == 0 && draft->fact[f].text[5] == ' ') n++, next = f;
  ck_assert_uint_eq(n, 1);
  memcpy(name, draft->fact[next].text + strlen(draft->fact[next].text) - 6, 5);
}

START_TEST(chains_end_in_their_number) {
  struct made m = make(&eval_sets[3], 400 + (uint64_t)_i, 10, LENGTH);
  for (size_t q = 0; q < 10; q++) {
    const struct eval_question *question = &m.draft.question[q];
    char name[8] = "";
    int steps = 0;
    for (size_t f = 0; f < m.draft.n_facts; f++) {
      char key[8];
      snprintf(key, sizeof key, "%.5s", m.draft.fact[f].text);
      if (names(question->ask, key)) strcpy(name, key);
    }
    for (; isalpha((unsigned char)name[0]); steps++) follow(&m.draft, name);
    ck_assert_int_eq(steps, EVAL_HOPS + 1);
    ck_assert_str_eq(name, question->answer);
  }
  drop(&m);
}
END_TEST

START_TEST(the_most_frequent_word_is_counted) {
  struct made m = make(&eval_sets[4], 500 + (uint64_t)_i, 10, 2500 + 333 * (uint64_t)_i);
  for (size_t q = 0; q < 10; q++) {
    const struct eval_question *question = &m.draft.question[q];
    size_t most = 0, second = 0;
    for (const char *const *word = question->rivals; *word; word++) {
      char line[64];
      snprintf(line, sizeof line, ": %s\n", *word);
      size_t n = 0;
      for (const char *at = m.text.text; (at = strstr(at, line)); at++) { /* of the kind that was asked for */
        const char *kind = at;
        while (kind > m.text.text && kind[-1] != '\n') kind--;
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)(at - kind), kind);
        n += names(question->ask, name);
      }
      if (strcmp(*word, question->answer) == 0) most = n;
      else second = n > second ? n : second;
    }
    ck_assert_msg(most > second + 2, "%s %zu %zu", question->ask, most, second);
  }
  drop(&m);
}
END_TEST

/* ---- reading answers -------------------------------------------------------------------------------------------- */

START_TEST(answers_are_judged_strictly_and_fairly) {
  static const char *const colours[] = {"green", "blue", "white", NULL}, *const months[] = {"June", "July", NULL};
  static const struct {
    const char *answer, *expected;
    const char *const *rivals;
    bool right;
  } cases[] = {
      {"48213", "48213", NULL, true},
      {"The code is **48,213**.", "48213", NULL, true},
      {"The code is 48 213.", "48213", NULL, true},
      {"\n 48213\n\nThe other is 11111.", "48213", NULL, true},
      {"Depot 7 has 48213", "48213", NULL, true},
      {"482130", "48213", NULL, false},
      {"148213", "48213", NULL, false},
      {"4821", "48213", NULL, false},
      {"", "48213", NULL, false},
      {"no idea\n48213", "48213", NULL, false},
      {"48213 or 48231", "48213", NULL, false},
      {"48213, 48213", "48213", NULL, true},
      {"Green.", "green", colours, true},
      {"It is green, not blue", "green", colours, false},
      {"greenish", "green", colours, false},
      {"JULY", "July", months, true},
      {"July\nJune", "July", months, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct eval_question q = {.rivals = cases[i].rivals};
    strcpy(q.answer, cases[i].expected);
    ck_assert_msg(eval_answer_right(cases[i].answer, &q) == cases[i].right, "\"%s\"", cases[i].answer);
  }
  char longest[5000];
  memset(longest, '1', sizeof longest - 1);
  longest[sizeof longest - 1] = '\0';
  ck_assert(!eval_answer_right(longest, &(struct eval_question){.answer = "11111"}));
}
END_TEST

int main(void) {
  Suite *suite = suite_create("eval");
  TCase *hay = tcase_create("hay"), *texts = tcase_create("texts"), *answers = tcase_create("answers");
  tcase_add_test(hay, random_numbers_are_those_of_splitmix64);
  tcase_add_test(hay, units_end_where_sentences_do);
  tcase_add_test(hay, long_units_are_cut);
  tcase_add_test(hay, made_hay_has_no_figures_and_reads_as_sentences);
  tcase_add_loop_test(texts, facts_stand_at_their_depths, 0, 20);
  tcase_add_loop_test(texts, prompts_are_as_long_as_wanted, 0, 5);
  tcase_add_loop_test(texts, a_seed_gives_the_same_text_everywhere, 0, 5);
  tcase_add_test(texts, texts_that_cannot_be_made_are_refused);
  tcase_add_loop_test(answers, one_number_or_word_answers, 0, 10);
  tcase_add_loop_test(answers, rows_of_a_table_differ_and_answer, 0, 4);
  tcase_add_loop_test(answers, chains_end_in_their_number, 0, 4);
  tcase_add_loop_test(answers, the_most_frequent_word_is_counted, 0, 6);
  tcase_add_test(answers, answers_are_judged_strictly_and_fairly);
  suite_add_tcase(suite, hay);
  suite_add_tcase(suite, texts);
  suite_add_tcase(suite, answers);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
