/*
 * check_eval_figures.c - intervals against published ones, operations counted by hand, the file of results.
 *
 * In:       nothing.  Out: TAP.
 * Not here: questions (check_eval.c), the command (cli_eval.sh).
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/cli/eval_cost.h"
#include "src/cli/eval_stats.h"
#include "src/cli/eval_store.h"

static void near(double found, double wanted, double within) {
  ck_assert_msg(fabs(found - wanted) <= within, "%.6f instead of %.6f", found, wanted);
}

/* ---- intervals --------------------------------------------------------------------------------------------------- */

/* R. G. Newcombe, Statistics in Medicine 17 (1998), 857-872, table I, method 3. */
START_TEST(proportions_have_the_intervals_of_wilson) {
  static const struct {
    size_t r, n;
    double low, high;
  } cases[] = {{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    size_t r = cases[i].r, n = cases[i].n;
    struct interval found = stats_proportion(r, n), other = stats_proportion(n - r, n);
    near(found.low, cases[i].low, 5e-5);
    near(found.high, cases[i].high, 5e-5);
    near(other.low, 1 - found.high, 1e-12);
    near(other.high, 1 - found.low, 1e-12);
  }
  ck_assert(isnan(stats_proportion(0, 0).value));
}
END_TEST

/* The likelihood of b and c gained and lost of n, under a difference: its maximum over the probability of a loss, by search. */
static double most_likely(double b, double c, double n, double delta) {
  double low = fmax(0, -delta), high = (1 - delta) / 2;
  for (int i = 0; i < 200; i++) {
    double x[2] = {low + (high - low) * 0.381966, low + (high - low) * 0.618034}, l[2];
    for (int k = 0; k < 2; k++)
      l[k] = (b > 0 ? b * log(x[k] + delta) : 0) + (c > 0 ? c * log(x[k]) : 0) + (n - b - c) * log(1 - 2 * x[k] - delta);
    if (l[0] < l[1]) low = x[0];
    else high = x[1];
  }
  return (low + high) / 2;
}

static void ends_have_the_score(double b, double c, double n, double delta) {
  double lost = most_likely(b, c, n, delta);
  near(fabs(b - c - n * delta) / sqrt(n * (2 * lost + delta * (1 - delta))), 1.959964, 1e-4);
}

/* By definition: at both ends the score is 1.96 with the deviation of the most likely probabilities. And published: M. W.
 * Fagerland and others, Statistics in Medicine 33 (2014), 2850-2875, the airway data, 1 and 7 of 21. */
START_TEST(paired_differences_have_the_intervals_of_tango) {
  static const size_t cases[][3] = {{1, 7, 21}, {6, 16, 161}, {12, 2, 50}, {40, 20, 160}, {3, 3, 200}, {5, 0, 30}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    size_t b = cases[i][0], c = cases[i][1], n = cases[i][2];
    struct interval found = stats_paired(b, c, n), turned = stats_paired(c, b, n);
    near(found.value, ((double)b - (double)c) / (double)n, 1e-12);
    ends_have_the_score((double)b, (double)c, (double)n, found.low);
    ends_have_the_score((double)b, (double)c, (double)n, found.high);
    near(turned.low, -found.high, 1e-9);
    near(turned.high, -found.low, 1e-9);
  }
  near(stats_paired(1, 7, 21).low, -0.517, 5e-4);
  near(stats_paired(1, 7, 21).high, -0.026, 5e-4);
  double z2 = 1.959964 * 1.959964; /* nothing gained or lost: z2 / (n + z2), as of Wilson for none of n */
  near(stats_paired(0, 0, 100).high, z2 / (100 + z2), 1e-6);
  near(stats_paired(0, 0, 100).low, -z2 / (100 + z2), 1e-6);
  ck_assert(stats_paired(9, 0, 9).high == 1 && stats_paired(0, 9, 9).low == -1);
}
END_TEST

START_TEST(means_have_the_intervals_of_student) {
  static const double known[][2] = {{1, 12.7062}, {2, 4.3027}, {3, 3.1824}, {11, 2.2010}, {30, 2.0423}, {120, 1.9799}};
  struct mean m = {0};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) near(stats_t(known[i][0]), known[i][1], 6e-5);
  ck_assert(isnan(stats_mean(&m).value));
  mean_add(&m, 4);
  ck_assert(stats_mean(&m).value == 4 && isnan(stats_mean(&m).low));
  mean_add(&m, 6); /* 5 +- 12.7062 * 1 */
  near(stats_mean(&m).low, 5 - 12.7062, 1e-4);
  near(stats_mean(&m).high, 5 + 12.7062, 1e-4);
}
END_TEST

/* ---- cost -------------------------------------------------------------------------------------------------------- */

/* Two layers, n_embd 4, 2 heads of 2 over 1, n_ff 6, vocabulary 10, by hand. Attention of n rows: q and output 4 * 4 each, k and
 * v 4 * 2 each, 48 n; scores and values n (n + 1) / 2 pairs * 4 each. Feed-forward: 3 * 24 n. Logits: 40. */
START_TEST(operations_are_counted_as_by_hand) {
  still_model_info m = {.n_layers = 2, .n_embd = 4, .n_heads = 2, .n_kv_heads = 1, .head_dim = 2, .n_ff = 6, .n_vocab = 10};
  double dense = 2 * (48 * 10 + 110 * 4 + 72 * 10) + 40, upper = 48 * 4 + 20 * 4 + 72 * 4;
  near(eval_cost(&m, &(struct eval_shape){.tokens = 10, .kept = 10, .start_layer = 2}), dense, 0);
  near(eval_cost(&m, &(struct eval_shape){.tokens = 10, .kept = 10, .start_layer = 0}), dense, 0);
  near(eval_cost(&m, &(struct eval_shape){.tokens = 10, .kept = 4, .start_layer = 0}),
       48 * 10 + 110 * 4 + 72 * 4 + upper + 40, 0);
  near(eval_cost(&m, &(struct eval_shape){.tokens = 10, .kept = 4, .start_layer = 0, .block = true}),
       48 * 10 + 110 * 4 + 72 * 10 + upper + 40, 0);
  near(eval_cost(&m, &(struct eval_shape){.tokens = 10, .kept = 4, .start_layer = 0, .every = 1, .ratio = 0.5}),
       48 * 10 + 110 * 4 + 72 * 4 + 48 * 4 + 20 * 4 + 72 * 2 + 40, 0);
}
END_TEST

/* ---- the file of results ----------------------------------------------------------------------------------------- */

static struct eval_record sample(unsigned number) {
  struct eval_record r = {.length = 2048, .text = 3, .question = number, .depth = 50, .right = number % 2, .loss = 1.0 / 3,
                          .n_greedy = 3, .greedy = {1, 151643, number}, .tokens = 2040, .kept = 700, .start_layer = 9,
                          .seconds = 0.1};
  memset(r.key, 'a', EVAL_KEY - 1);
  r.key[0] = (char)('0' + number);
  strcpy(r.set, "many");
  strcpy(r.mode, "dense");
  strcpy(r.ask, "Which \"code\"?");
  strcpy(r.expected, "48213");
  strcpy(r.answer, "tab\t line\n quote\" back\\slash \x01 f\xc3\xbcr");
  return r;
}

static void same(const struct eval_record *a, const struct eval_record *b) {
  ck_assert_str_eq(a->key, b->key);
  ck_assert_str_eq(a->set, b->set);
  ck_assert_str_eq(a->mode, b->mode);
  ck_assert_str_eq(a->ask, b->ask);
  ck_assert_str_eq(a->expected, b->expected);
  ck_assert_str_eq(a->answer, b->answer);
  ck_assert(a->length == b->length && a->text == b->text && a->question == b->question && a->depth == b->depth);
  ck_assert(a->right == b->right && a->loss == b->loss && a->seconds == b->seconds && a->n_greedy == b->n_greedy);
  ck_assert_mem_eq(a->greedy, b->greedy, sizeof a->greedy);
  ck_assert(a->tokens == b->tokens && a->kept == b->kept && a->start_layer == b->start_layer);
}

struct scratch {
  char path[64];
};

static struct scratch scratch(const char *content) {
  struct scratch s;
  strcpy(s.path, "/tmp/stillpoint-results.XXXXXX");
  int file = mkstemp(s.path);
  ck_assert(file >= 0 && write(file, content, strlen(content)) == (ssize_t)strlen(content));
  close(file);
  return s;
}

static long size_of(const char *path) {
  FILE *file = fopen(path, "rb");
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  fclose(file);
  return size;
}

START_TEST(results_come_back) {
  struct scratch s = scratch("");
  still_error error;
  for (unsigned round = 0; round < 3; round++) { /* opened again and again, more each time */
    struct eval_store store = {0};
    ck_assert_int_eq(eval_store_open(&store, s.path, &error), STILL_OK);
    ck_assert_uint_eq(store.n, 2 * round);
    for (unsigned i = 0; i < 2 * round; i++) {
      struct eval_record wanted = sample(i);
      same(eval_store_find(&store, wanted.key), &wanted);
    }
    for (unsigned i = 2 * round; i < 2 * round + 2; i++) {
      struct eval_record r = sample(i);
      ck_assert_ptr_null(eval_store_find(&store, r.key));
      ck_assert_int_eq(eval_store_add(&store, &r, &error), STILL_OK);
      ck_assert_ptr_nonnull(eval_store_find(&store, r.key));
    }
    eval_store_close(&store);
  }
  unlink(s.path);
}
END_TEST

/* A run that ends while it writes leaves the beginning of a line. Wherever it is cut, the lines before stay and the rest goes. */
START_TEST(a_torn_line_is_taken_away) {
  char *text = NULL;
  size_t bytes, first;
  still_error error;
  struct eval_record r[2] = {sample(0), sample(1)};
  FILE *out = open_memstream(&text, &bytes);
  eval_record_write(out, &r[0]);
  fflush(out);
  first = bytes;
  eval_record_write(out, &r[1]);
  fclose(out);
  for (size_t cut = first; cut <= bytes; cut++) {
    char kept = text[cut];
    text[cut] = '\0';
    struct scratch s = scratch(text);
    text[cut] = kept;
    struct eval_store store = {0};
    ck_assert_int_eq(eval_store_open(&store, s.path, &error), STILL_OK);
    ck_assert_uint_eq(store.n, cut == bytes ? 2 : 1);
    ck_assert_int_eq(size_of(s.path), cut == bytes ? bytes : first);
    ck_assert_int_eq(eval_store_add(&store, &r[1], &error), STILL_OK);
    eval_store_close(&store);
    ck_assert_int_eq(eval_store_open(&store, s.path, &error), STILL_OK);
    same(&store.record[store.n - 1], &r[1]);
    eval_store_close(&store);
    unlink(s.path);
  }
  free(text);
}
END_TEST

START_TEST(other_files_are_refused_and_unchanged) {
  static const char *const contents[] = {"my notes", "my notes\n", "{}\n", "{\"key\": \"short\"}\n", "[1, 2]\n", "{\"key\": 3",
                                         "{\"key\": \"a\", \"greedy\": [1\n", "\n", "{\"key\"\n", "{\"key\": \"\\\n"};
  struct eval_store store = {0};
  still_error error;
  for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
    struct scratch s = scratch(contents[i]);
    ck_assert_msg(eval_store_open(&store, s.path, &error) == STILL_EFORMAT, "%s", contents[i]);
    ck_assert_ptr_nonnull(strstr(error.text, "name another file with --out"));
    ck_assert_uint_eq((size_t)size_of(s.path), strlen(contents[i]));
    eval_store_close(&store);
    unlink(s.path);
  }
  ck_assert_int_eq(eval_store_open(&store, "/nonexistent/results", &error), STILL_EIO);
  eval_store_close(&store);
}
END_TEST

/* Members of a later version, in another order, are no trouble. */
START_TEST(unknown_members_are_skipped) {
  struct eval_record r;
  char line[256], key[EVAL_KEY];
  memset(key, 'b', EVAL_KEY - 1);
  key[EVAL_KEY - 1] = '\0';
  int n = snprintf(line, sizeof line,
                   "{\"new\":\"x\\\"y\",\"list\":[1,2],\"yes\":true,\"kept\":7 , \"n\":-1.5e3,\"key\":\"%s\"}", key);
  ck_assert(eval_record_read(line, (size_t)n, &r));
  ck_assert_str_eq(r.key, key);
  ck_assert_uint_eq(r.kept, 7);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("eval_figures");
  TCase *intervals = tcase_create("intervals"), *cost = tcase_create("cost"), *store = tcase_create("store");
  tcase_add_test(intervals, proportions_have_the_intervals_of_wilson);
  tcase_add_test(intervals, paired_differences_have_the_intervals_of_tango);
  tcase_add_test(intervals, means_have_the_intervals_of_student);
  tcase_add_test(cost, operations_are_counted_as_by_hand);
  tcase_add_test(store, results_come_back);
  tcase_add_test(store, a_torn_line_is_taken_away);
  tcase_add_test(store, other_files_are_refused_and_unchanged);
  tcase_add_test(store, unknown_members_are_skipped);
  suite_add_tcase(suite, intervals);
  suite_add_tcase(suite, cost);
  suite_add_tcase(suite, store);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
