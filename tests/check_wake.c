/*
 * check_wake.c - passages that wake while an answer is decoded: which, when, and that nothing but the tokens decides it.
 *
 * In:       a tiny model, seeded texts.  Out: TAP.
 * Not here: the arithmetic (tests/oracle has it, too); GPUs (tests/cuda).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/wake.h"
#include "tests/run.h"

enum { VOCAB = 384, N = 330, STEPS = 12, MOST = N + STEPS + 40 };

#define HALTED "min-tokens=0 suffix=16 window=16 ratio=0.75 "

static struct opened open_tiny(const char *settings) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  return run_open(&spec, settings);
}

struct story { /* of a session: logits of each step, and how many rows were awake after it */
  size_t n_vocab, woken[STEPS];
  float *logits;
  uint32_t rows[MOST];
};

static void note(const still_session *s, size_t i, struct story *story) {
  story->woken[i] = still_woken(s, story->rows, MOST);
  memcpy(story->logits + i * story->n_vocab, still_logits(s), story->n_vocab * sizeof(float));
}

static void decode(still_session *s, const still_token *tokens, size_t from, size_t to, struct story *story) {
  for (size_t i = from; i < to; i++) {
    ck_assert_msg(still_decode(s, tokens[N + i]) == STILL_OK, "%s", still_session_error(s));
    note(s, i, story);
  }
}

static struct story begin(const still_model *model) {
  still_model_info info = {.size = sizeof info};
  still_model_describe(model, &info);
  struct story story = {.n_vocab = info.n_vocab, .logits = malloc(STEPS * info.n_vocab * sizeof(float))};
  return story;
}

static struct story tell(still_model *model, const char *settings, const still_token *tokens) {
  struct story story = begin(model);
  still_session *s = run_session(model, settings);
  ck_assert_msg(still_prefill(s, tokens, N, NULL) == STILL_OK, "%s", still_session_error(s));
  ck_assert_uint_eq(still_woken(s, NULL, 0), 0);
  decode(s, tokens, 0, STEPS, &story);
  still_session_close(s);
  return story;
}

static void same(const struct story *a, const struct story *b, const char *what) {
  for (size_t i = 0; i < STEPS; i++) {
    ck_assert_msg(a->woken[i] == b->woken[i], "%s, step %zu: %zu and %zu rows woke", what, i, a->woken[i], b->woken[i]);
    ck_assert_msg(!memcmp(a->logits + i * a->n_vocab, b->logits + i * a->n_vocab, a->n_vocab * sizeof(float)),
                  "%s, step %zu: the logits differ", what, i);
  }
  ck_assert(!memcmp(a->rows, b->rows, a->woken[STEPS - 1] * sizeof *a->rows));
}

/* ---- which rows ------------------------------------------------------------------------------------------------ */

static int compare(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return (x > y) - (x < y);
}

/* Rows of one token: ascending, of at most four passages, each with all that it has left. */
static void check_step(const uint32_t *rows, size_t n, const bool *halted) {
  size_t passages = 0;
  for (size_t i = 0; i < n; i++) {
    ck_assert(halted[rows[i]]);
    ck_assert(i == 0 || rows[i] > rows[i - 1]);
    if (i > 0 && rows[i] / SP_PASSAGE == rows[i - 1] / SP_PASSAGE) continue;
    passages++;
    for (size_t r = rows[i] / SP_PASSAGE * SP_PASSAGE; r < rows[i]; r++) ck_assert(!halted[r]);
  }
  ck_assert_uint_le(passages, SP_WAKE_MOST);
}

START_TEST(halted_rows_wake_once) {
  struct opened o = open_tiny("");
  still_token *tokens = run_tokens(MOST, VOCAB, 31);
  struct story story = tell(o.model, HALTED "wake=1", tokens), all = tell(o.model, HALTED "wake=1e-30", tokens);
  struct run r = run_prefill(o.model, HALTED, tokens, N);
  struct story *stories[] = {&story, &all};
  for (size_t k = 0; k < 2; k++) {
    bool halted[N];
    memset(halted, 1, sizeof halted);
    for (size_t i = 0; i < r.n_kept; i++) halted[r.kept[i]] = false;
    for (size_t i = 0, before = 0; i < STEPS; before = stories[k]->woken[i++]) {
      check_step(stories[k]->rows + before, stories[k]->woken[i] - before, halted);
      for (size_t w = before; w < stories[k]->woken[i]; w++) halted[stories[k]->rows[w]] = false;
    }
    qsort(stories[k]->rows, stories[k]->woken[STEPS - 1], sizeof(uint32_t), compare);
    for (size_t w = 1; w < stories[k]->woken[STEPS - 1]; w++) ck_assert(stories[k]->rows[w] != stories[k]->rows[w - 1]);
  }
  ck_assert_uint_gt(story.woken[STEPS - 1], 0);
  ck_assert_uint_lt(story.woken[0], all.woken[0]);
  ck_assert_uint_eq(all.woken[STEPS - 1], N - r.n_kept); /* six passages, four a token: then all are awake */
  ck_assert_uint_eq(all.woken[1], N - r.n_kept);
  ck_assert(memcmp(story.logits, all.logits, story.n_vocab * sizeof(float)) != 0);
  run_free(&r);
  free(story.logits);
  free(all.logits);
  free(tokens);
  run_close(&o);
}
END_TEST

START_TEST(none_wakes_unasked) {
  static const char *const settings[] = {HALTED "wake=0", "policy=dense wake=1e-30", "min-tokens=9999 wake=1e-30",
                                         "min-tokens=0 suffix=16 ratio=0 wake=1e-30", HALTED "every=1 wake=1e-30"};
  struct opened o = open_tiny("");
  still_token *tokens = run_tokens(MOST, VOCAB, 32);
  for (size_t k = 0; k < sizeof settings / sizeof settings[0]; k++) {
    struct story story = tell(o.model, settings[k], tokens);
    ck_assert_msg(story.woken[STEPS - 1] == 0, "%s", settings[k]);
    free(story.logits);
  }
  ck_assert_uint_eq(still_woken(NULL, NULL, 0), 0);
  free(tokens);
  run_close(&o);
}
END_TEST

/* The row after the last of the longest strings, of up to eight tokens, that end as tokens [0, n) do, and for one token the only
 * one; 0: there is none. */
static size_t next_in_prompt(const still_token *tokens, size_t n) {
  size_t found = 0;
  for (size_t length = SP_WAKE_MATCH; length > 0; length--) {
    for (size_t row = N - 1; row >= length; row--) {
      if (memcmp(tokens + row - length, tokens + n - length, length * sizeof *tokens) != 0) continue;
      if (length > 1) return row;
      if (found) return 0;
      found = row;
    }
  }
  return found;
}

/* With a threshold that no attention reaches: the passages, each once, in which the prompt goes on as the answer might. */
START_TEST(what_is_copied_wakes) {
  struct opened o = open_tiny("");
  still_token *tokens = run_tokens(MOST, VOCAB, 37);
  memcpy(tokens + N, tokens + 90, 5 * sizeof *tokens); /* five of a passage, then one of another, and what the seed gives */
  tokens[N + 5] = tokens[10];
  struct story story = tell(o.model, HALTED "wake=999", tokens);
  struct run r = run_prefill(o.model, HALTED, tokens, N);
  bool halted[N];
  memset(halted, 1, sizeof halted);
  for (size_t i = 0; i < r.n_kept; i++) halted[r.kept[i]] = false;
  for (size_t i = 0, n = 0; i < STEPS; i++) {
    size_t next = next_in_prompt(tokens, N + i + 1);
    if (i > 0 && i < 5) ck_assert_uint_eq(next, 91 + i);
    size_t row = next && halted[next] ? next / SP_PASSAGE * SP_PASSAGE : N, end = row + SP_PASSAGE < N ? row + SP_PASSAGE : N;
    for (; row < end; row++) {
      if (!halted[row]) continue;
      ck_assert_uint_lt(n, story.woken[i]);
      ck_assert_uint_eq(story.rows[n++], row);
      halted[row] = false;
    }
    ck_assert_uint_eq(story.woken[i], n);
  }
  ck_assert_uint_gt(story.woken[4], 0);
  run_free(&r);
  free(story.logits);
  free(tokens);
  run_close(&o);
}
END_TEST

/* ---- the same bits --------------------------------------------------------------------------------------------- */

START_TEST(nothing_but_tokens_decides) {
  static const char *const sessions[] = {"", " chunk=1", " chunk=7", " chunk=64"};
  static const char *const models[] = {"threads=1", "threads=3", "threads=2 panels=1", "isa=ref"};
  static const char *const settings[] = {HALTED "wake=1", HALTED "wake=1e-30 policy=delta gate-layers=1"};
  still_token *tokens = run_tokens(MOST, VOCAB, 33);
  for (size_t k = 0; k < 2; k++) {
    struct story first = {.logits = NULL};
    for (size_t m = 0; m < 4; m++) {
      struct opened o = open_tiny(models[m]);
      for (size_t c = 0; c < 4; c++) {
        char text[192];
        snprintf(text, sizeof text, "%s%s", settings[k], sessions[c]);
        struct story story = tell(o.model, text, tokens);
        if (!first.logits) {
          first = story;
          continue;
        }
        same(&first, &story, text);
        free(story.logits);
      }
      run_close(&o);
    }
    ck_assert_uint_gt(first.woken[STEPS - 1], 0);
    free(first.logits);
  }
  free(tokens);
}
END_TEST

START_TEST(the_float_path_wakes_too) {
  struct tiny_spec spec;
  struct opened o;
  tiny_preset(&spec);
  if (!run_open_floats(&spec, &o)) return;
  still_token *tokens = run_tokens(MOST, VOCAB, 36);
  struct run r = run_prefill(o.model, HALTED, tokens, N);
  struct story none = tell(o.model, HALTED "wake=0", tokens), all = tell(o.model, HALTED "wake=1e-30", tokens);
  ck_assert_uint_eq(all.woken[1], N - r.n_kept);
  ck_assert(memcmp(none.logits, all.logits, none.n_vocab * sizeof(float)) != 0);
  run_free(&r);
  free(none.logits);
  free(all.logits);
  free(tokens);
  run_close(&o);
}
END_TEST

/* What woke for an answer is forgotten with it: text that follows is gated anew, as in a session that never decoded. */
START_TEST(text_that_follows_gates_anew) {
  struct opened o = open_tiny("");
  still_token *tokens = run_tokens(MOST, VOCAB, 34);
  struct run fresh = run_prefill(o.model, HALTED "wake=1e-30", tokens, MOST);
  struct story story = begin(o.model);
  still_session *s = run_session(o.model, HALTED "wake=1e-30");
  ck_assert(still_prefill(s, tokens, N, NULL) == STILL_OK);
  decode(s, tokens, 0, STEPS, &story);
  ck_assert_uint_gt(still_woken(s, NULL, 0), 0);
  ck_assert(still_prefill(s, tokens + N + STEPS, MOST - N - STEPS, NULL) == STILL_OK);
  ck_assert_uint_eq(still_woken(s, NULL, 0), 0);
  struct run r = run_take(s, o.model);
  run_same(&fresh, &r, "after an answer for which rows woke");
  ck_assert(still_session_rewind(s, N) == STILL_OK);
  ck_assert(still_prefill(s, NULL, 0, NULL) == STILL_OK);
  struct story again = begin(o.model);
  decode(s, tokens, 0, STEPS, &again);
  same(&story, &again, "the same answer once more");
  run_free(&fresh);
  run_free(&r);
  free(story.logits);
  free(again.logits);
  still_session_close(s);
  free(tokens);
  run_close(&o);
}
END_TEST

/* ---- cancelled ------------------------------------------------------------------------------------------------- */

static int cancel(void *user, const still_progress *progress) {
  int *left = user;
  return progress->phase == STILL_PHASE_DECODE && *left >= 0 && (*left)-- == 0;
}

/* At every call of the hook, also between the layers of rows that wake: the step that is made again gives what it would have. */
START_TEST(a_cancelled_step_leaves_no_trace) {
  struct opened o = open_tiny("");
  still_token *tokens = run_tokens(MOST, VOCAB, 35);
  int left = -1, cancelled = 0;
  struct story whole = tell(o.model, HALTED "wake=1 chunk=20", tokens), story = begin(o.model);
  still_hooks hooks = {.size = sizeof hooks, .user = &left, .progress = cancel};
  still_settings *settings = run_settings(HALTED "wake=1 chunk=20");
  still_session *s;
  ck_assert(still_session_open(o.model, settings, &hooks, &s, NULL) == STILL_OK);
  ck_assert(still_prefill(s, tokens, N, NULL) == STILL_OK);
  for (size_t i = 0, before = 0; i < 3; before = story.woken[i++]) {
    for (int at = 0;; at++) {
      left = at;
      still_status status = still_decode(s, tokens[N + i]);
      if (status == STILL_OK) break;
      ck_assert_int_eq(status, STILL_ECANCELLED);
      ck_assert_uint_eq(still_woken(s, NULL, 0), before);
      ck_assert_uint_eq(still_session_tokens(s, NULL, 0), N + i);
      cancelled++;
      ck_assert_int_lt(cancelled, 1000);
    }
    left = -1;
    note(s, i, &story);
  }
  decode(s, tokens, 3, STEPS, &story);
  same(&whole, &story, "after cancels");
  ck_assert_int_gt(cancelled, 8);
  free(whole.logits);
  free(story.logits);
  still_settings_free(settings);
  still_session_close(s);
  free(tokens);
  run_close(&o);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("wake");
  TCase *tc = tcase_create("wake");
  tcase_add_test(tc, halted_rows_wake_once);
  tcase_add_test(tc, none_wakes_unasked);
  tcase_add_test(tc, what_is_copied_wakes);
  tcase_add_test(tc, nothing_but_tokens_decides);
  tcase_add_test(tc, the_float_path_wakes_too);
  tcase_add_test(tc, text_that_follows_gates_anew);
  tcase_add_test(tc, a_cancelled_step_leaves_no_trace);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
