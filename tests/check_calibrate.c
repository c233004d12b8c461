/*
 * check_calibrate.c - what calibrate asks a gate alone is what the library's gate does.
 *
 * In:       a tiny model.  Out: TAP.
 * Not here: the command (cli_eval.sh), the files it writes (check_calibration.c).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cli/calibrate_gate.h"
#include "tests/run.h"

enum { TOKENS = 200, PREFIX = 4, SUFFIX = 9 };

static const char common[] = "policy=query start=0.5 window=8 min-tokens=0 prefix=4 suffix=9";

/* Each row as a fact of its own: kept by the library if and only if its place is before the number of kept rows. */
START_TEST(places_are_those_of_the_gate) {
  static const struct {
    const char *pool, *ratio;
  } cases[] = {{"1", "0.5"}, {"3", "0.5"}, {"31", "0.3"}, {"31", "0.75"}, {"513", "0.6"}, {"7", "0.9"}};
  struct tiny_spec spec;
  tiny_preset(&spec);
  struct opened o = run_open(&spec, "");
  still_token *tokens = run_tokens(TOKENS, 384, 4);
  char settings[200];
  snprintf(settings, sizeof settings, "%s pool=1 ratio=0.999999", common);
  struct run alone = run_prefill(o.model, settings, tokens, TOKENS);
  ck_assert_uint_eq(alone.n_scores, TOKENS);
  ck_assert_uint_eq(alone.n_kept, PREFIX + SUFFIX);
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
    snprintf(settings, sizeof settings, "%s pool=%s ratio=%s", common, cases[c].pool, cases[c].ratio);
    struct run whole = run_prefill(o.model, settings, tokens, TOKENS);
    for (size_t i = 0, k = 0; i < TOKENS; i++) {
      struct gate_rows row = {i, i + 1};
      uint64_t place;
      bool kept = k < whole.n_kept && whole.kept[k] == i;
      k += kept;
      ck_assert(gate_place(alone.scores, TOKENS, (size_t)atoi(cases[c].pool), PREFIX, SUFFIX, &row, &place));
      ck_assert_msg((place < whole.n_kept) == kept, "pool %s, ratio %s, row %zu: place %llu", cases[c].pool, cases[c].ratio, i,
                    (unsigned long long)place);
    }
    run_free(&whole);
  }
  run_free(&alone);
  run_close(&o);
  free(tokens);
}
END_TEST

START_TEST(half_a_fact_is_enough) {
  static const float score[10] = {0, 9, 8, 7, 6, 5, 4, 3, 2, 0};
  uint64_t place;
  ck_assert(gate_place(score, 10, 1, 1, 1, &(struct gate_rows){1, 4}, &place));
  ck_assert_uint_eq(place, 2 + 1); /* behind the two protected rows and one with a greater score */
  ck_assert(gate_place(score, 10, 1, 1, 1, &(struct gate_rows){6, 8}, &place));
  ck_assert_uint_eq(place, 2 + 5);
}
END_TEST

START_TEST(facts_are_found_among_the_tokens) {
  static const char text[] = "Much is said. The code of the mill is 40417. More is said.";
  static const char fact[] = "The code of the mill is 40417.";
  struct tiny_spec spec;
  struct gate_rows rows;
  tiny_preset(&spec);
  struct opened o = run_open(&spec, "");
  still_token id[100];
  size_t n;
  ck_assert_int_eq(still_tokenize(o.model, text, strlen(text), 0, id, 100, &n), STILL_OK);
  struct cli_tokens prompt = {id, n};
  ck_assert(!gate_find(o.model, &prompt, "It is not there.", &rows));
  ck_assert(gate_find(o.model, &prompt, fact, &rows));
  char found[200] = "";
  for (size_t i = rows.from; i < rows.to; i++) {
    const char *piece;
    size_t bytes;
    ck_assert_int_eq(still_token_piece(o.model, id[i], 1, &piece, &bytes), STILL_OK);
    strncat(found, piece, bytes);
  }
  ck_assert_msg(strstr(found, fact) != NULL, "%s", found);
  ck_assert_uint_lt(strlen(found), strlen(fact) + 8);
  run_close(&o);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("calibrate");
  TCase *tc = tcase_create("gates");
  tcase_add_test(tc, places_are_those_of_the_gate);
  tcase_add_test(tc, half_a_fact_is_enough);
  tcase_add_test(tc, facts_are_found_among_the_tokens);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
