/*
 * check_gates.c - what the gates of a prefill saw, and that each of them chose as stillpoint-halting(7) says.
 *
 * In:       tiny models; every policy with one gate and with several, by ratio, by threshold, by both.  Out: TAP.
 * Not here: the scores themselves and the logits behind them (tests/oracle).
 *
 * The choice is made again here from the scores alone: by sorting, where the library selects.
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/run.h"

enum { N = 210, VOCAB = 384, PREFIX = 4, SUFFIX = 16, LAYERS = 6 };

static const char *const policies[] = {"query", "delta", "block", "random", "inverse", "recent"};
enum { POLICIES = sizeof policies / sizeof policies[0] };

/* Ways to decide; a threshold of 1 stands for the middle score of a gate that halts nobody. */
static const struct way {
  double ratio;
  bool tau, tau_only;
} ways[] = {{0.3, false, false}, {0.7, true, false}, {0.2, true, false}, {0.3, true, true}};
enum { WAYS = sizeof ways / sizeof ways[0], CASES = POLICIES * WAYS * 2 };

static still_gate gate_at(const still_session *s, size_t i) {
  still_gate g = {.size = sizeof g};
  ck_assert_msg(still_gate_describe(s, i, &g) == STILL_OK, "no gate %zu", i);
  return g;
}

static int by_value(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* Between two scores of the first gate, in the middle of them, so that no rounding decides. */
static double middle(still_model *model, const char *policy, const still_token *tokens) {
  char settings[128];
  float sorted[N];
  snprintf(settings, sizeof settings, "min-tokens=0 suffix=%d window=32 ratio=0 policy=%s", SUFFIX, policy);
  still_session *s = run_session(model, settings);
  ck_assert(still_prefill(s, tokens, N, NULL) == STILL_OK);
  ck_assert_uint_eq(still_scores(s, sorted, N), N);
  still_session_close(s);
  qsort(sorted, N, sizeof *sorted, by_value);
  size_t at = N / 2;
  while (at + 1 < N && sorted[at] == sorted[at + 1]) at++;
  return at + 1 < N ? ((double)sorted[at] + (double)sorted[at + 1]) / 2 : 2.0 * (double)sorted[at];
}

/* Whether row i goes before row k: by score, of equal ones the lower first. */
static bool before(const still_gate *g, bool inverse, size_t i, size_t k) {
  float a = inverse ? -g->scores[i] : g->scores[i], b = inverse ? -g->scores[k] : g->scores[k];
  return a > b || (a == b && i < k);
}

/* The rows that go on, by counting for each how many of those that may be halted go before it. */
static void check_choice(const still_gate *g, const struct way *way, double tau, bool inverse, const char *what) {
  size_t n = (size_t)g->n_rows, kept = 0, free_rows = n > PREFIX + SUFFIX ? n - PREFIX - SUFFIX : 0;
  size_t wanted = (size_t)floor(way->ratio * (double)n), halted = wanted < free_rows ? wanted : free_rows;
  for (size_t i = 0; i < n; i++) {
    bool fixed = i < PREFIX || n - i <= SUFFIX, reaches = inverse ? g->scores[i] <= (float)tau : g->scores[i] >= (float)tau;
    size_t ahead = 0;
    for (size_t k = PREFIX; k < n - SUFFIX; k++) ahead += k != i && before(g, inverse, k, i);
    bool by_ratio = ahead < free_rows - halted, stays = fixed || (way->tau && reaches) || (!way->tau_only && by_ratio);
    bool found = kept < g->n_kept && g->kept[kept] == g->rows[i];
    ck_assert_msg(found == stays, "%s, layer %u: row %zu of %zu, score %g, tau %g: %s", what, g->layer, i, n,
                  (double)g->scores[i], tau, found ? "was kept" : "was halted");
    kept += found;
  }
  ck_assert_uint_eq(kept, g->n_kept);
}

/* Every policy, single and multi shot, by ratio, threshold and both. */
START_TEST(the_choice_is_that_of_the_page) {
  const struct way *way = &ways[_i % WAYS];
  const char *policy = policies[_i / WAYS % POLICIES];
  bool many = _i / WAYS / POLICIES > 0, inverse = strcmp(policy, "inverse") == 0;
  struct tiny_spec spec;
  tiny_preset(&spec);
  ck_assert_uint_eq(spec.layers, LAYERS);
  struct opened o = run_open(&spec, "");
  still_token *tokens = run_tokens(N, VOCAB, 21);
  double tau = way->tau ? middle(o.model, policy, tokens) : -1;
  char settings[192];
  snprintf(settings, sizeof settings,
           "min-tokens=0 prefix=%d suffix=%d window=32 policy=%s ratio=%g tau=%.17g tau-only=%d every=%d", PREFIX, SUFFIX,
           policy, way->ratio, tau, way->tau_only, many ? 2 : 0);
  still_session *s = run_session(o.model, settings);
  still_report report = {.size = sizeof report};
  ck_assert(still_prefill(s, tokens, N, &report) == STILL_OK);
  size_t gates = many ? 2 : 1; /* start 0.4 of 6 layers: the gates are at layers 2 and 4 */
  for (size_t i = 0; i < gates; i++) {
    still_gate g = gate_at(s, i);
    ck_assert_uint_eq(g.layer, 2 + 2 * i);
    check_choice(&g, way, tau, inverse, settings);
    if (i == 0) ck_assert_uint_eq(g.n_kept, report.kept);
    if (i == 0 && way->ratio < 0.7) ck_assert_uint_lt(g.n_kept, N);
  }
  still_gate none = {.size = sizeof none};
  ck_assert(still_gate_describe(s, gates, &none) == STILL_EARG);
  still_session_close(s);
  free(tokens);
  run_close(&o);
}
END_TEST

/* The first gate is what still_scores and still_kept tell; to a later one come the rows that the one before kept. */
START_TEST(gates_follow_each_other) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  struct opened o = run_open(&spec, "");
  still_token *tokens = run_tokens(N, VOCAB, 22);
  still_session *s = run_session(o.model, "min-tokens=0 suffix=16 every=1 ratio=0.25");
  ck_assert(still_prefill(s, tokens, N, NULL) == STILL_OK);
  float scores[N];
  uint32_t kept[N];
  size_t n = still_scores(s, scores, N), n_kept = still_kept(s, kept, N);
  still_gate first = gate_at(s, 0);
  ck_assert_uint_eq(first.n_rows, n);
  ck_assert_uint_eq(first.n_kept, n_kept);
  ck_assert(!memcmp(first.scores, scores, n * sizeof *scores) && !memcmp(first.kept, kept, n_kept * sizeof *kept));
  for (size_t i = 0; i < n; i++) ck_assert_uint_eq(first.rows[i], i);
  for (size_t i = 1; i < 4; i++) {
    still_gate g = gate_at(s, i), low = gate_at(s, i - 1);
    ck_assert_uint_eq(g.n_rows, low.n_kept);
    ck_assert(!memcmp(g.rows, low.kept, g.n_rows * sizeof *g.rows));
    ck_assert_uint_eq(g.n_kept, g.n_rows - g.n_rows / 4);
  }
  still_session_close(s);
  free(tokens);
  run_close(&o);
}
END_TEST

/* What a gate saw belongs to one question: nothing is told after a dense prefill, a rewind or of rows that only wait. */
START_TEST(nothing_is_told_of_what_was_not) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  struct opened o = run_open(&spec, "");
  still_token *tokens = run_tokens(N, VOCAB, 23);
  still_gate g = {.size = sizeof g};
  still_session *s = run_session(o.model, "min-tokens=100 suffix=16");
  ck_assert(still_gate_describe(s, 0, &g) == STILL_EARG);
  ck_assert(still_prefill(s, tokens, 50, NULL) == STILL_OK);
  ck_assert(still_gate_describe(s, 0, &g) == STILL_EARG);
  ck_assert(still_prefill(s, tokens + 50, N - 60, NULL) == STILL_OK);
  ck_assert(still_gate_describe(s, 0, &g) == STILL_OK);
  ck_assert_uint_eq(g.n_rows, N - 10);
  ck_assert(still_gate_describe(s, 0, NULL) == STILL_EARG && still_gate_describe(NULL, 0, &g) == STILL_EARG);
  ck_assert(still_append(s, tokens + N - 10, 5, NULL) == STILL_OK);
  ck_assert(still_gate_describe(s, 0, &g) == STILL_EARG);
  ck_assert(still_prefill(s, tokens + N - 5, 5, NULL) == STILL_OK);
  g = gate_at(s, 0);
  ck_assert_uint_eq(g.n_rows, N);
  ck_assert(still_session_rewind(s, 120) == STILL_OK);
  ck_assert(still_gate_describe(s, 0, &g) == STILL_EARG);
  still_session_close(s);
  free(tokens);
  run_close(&o);
}
END_TEST

/* An older caller's struct is filled as far as it goes. */
START_TEST(a_shorter_struct) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  struct opened o = run_open(&spec, "");
  still_token *tokens = run_tokens(N, VOCAB, 24);
  still_session *s = run_session(o.model, "min-tokens=0 suffix=16");
  ck_assert(still_prefill(s, tokens, N, NULL) == STILL_OK);
  still_gate g = {.size = offsetof(still_gate, n_rows), .n_rows = 77};
  ck_assert(still_gate_describe(s, 0, &g) == STILL_OK);
  ck_assert_uint_eq(g.layer, 2);
  ck_assert_uint_eq(g.n_rows, 77);
  still_session_close(s);
  free(tokens);
  run_close(&o);
}
END_TEST

struct layers { /* what the progress hook saw */
  unsigned entered[STILL_PHASES][LAYERS + 1];
};

static int count_layer(void *user, const still_progress *p) {
  struct layers *l = user;
  if (p->phase != STILL_PHASE_LOWER && p->phase != STILL_PHASE_UPPER) return 0;
  ck_assert_uint_le(p->layer, LAYERS);
  l->entered[p->phase][p->layer]++;
  return 0;
}

/* Chunks of 70: three below the gate, and of the 105 kept rows two above it. The layer of the gate is entered in both phases. */
START_TEST(progress_names_layers) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  struct opened o = run_open(&spec, "");
  still_token *tokens = run_tokens(N, VOCAB, 25);
  struct layers seen = {0};
  still_hooks hooks = {.size = sizeof hooks, .user = &seen, .progress = count_layer};
  still_settings *settings = run_settings("min-tokens=0 suffix=16 ratio=0.5 chunk=70");
  still_session *s;
  ck_assert(still_session_open(o.model, settings, &hooks, &s, NULL) == STILL_OK);
  ck_assert(still_prefill(s, tokens, N, NULL) == STILL_OK);
  for (unsigned l = 0; l <= LAYERS; l++) {
    ck_assert_uint_eq(seen.entered[STILL_PHASE_LOWER][l], l <= 3 ? 3 : 0);
    ck_assert_uint_eq(seen.entered[STILL_PHASE_UPPER][l], l >= 2 ? 2 : 0);
  }
  still_settings_free(settings);
  still_session_close(s);
  free(tokens);
  run_close(&o);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("gates");
  TCase *tc = tcase_create("gates");
  tcase_add_loop_test(tc, the_choice_is_that_of_the_page, 0, CASES);
  tcase_add_test(tc, gates_follow_each_other);
  tcase_add_test(tc, nothing_is_told_of_what_was_not);
  tcase_add_test(tc, a_shorter_struct);
  tcase_add_test(tc, progress_names_layers);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
