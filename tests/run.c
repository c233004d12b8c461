/*
 * run.c - prefills for tests.
 *
 * In:       specs, settings.  Out: struct run.
 * Not here: expectations.
 */
#include "tests/run.h"

#include <check.h>
#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

still_settings *run_settings(const char *text) {
  still_settings *s = still_settings_new();
  char copy[256], *rest = copy, *pair;
  snprintf(copy, sizeof copy, "%s", text);
  while ((pair = strsep(&rest, " ")) != NULL) {
    char *value = strchr(pair, '=');
    if (!value) continue;
    *value = '\0';
    ck_assert_msg(still_set(s, pair, value + 1) == STILL_OK, "%s", still_settings_error(s));
  }
  return s;
}

struct opened run_open(const struct tiny_spec *spec, const char *settings) {
  struct opened o;
  struct tiny_bytes bytes = {0};
  char path[32];
  still_error error = {.size = sizeof error};
  still_settings *s = run_settings(settings);
  fenv_t caller; /* a test may have changed it for the library's sake, not for the model's */
  fegetenv(&caller);
  fesetenv(FE_DFL_ENV);
  tiny_make(spec, 0, &bytes);
  fesetenv(&caller);
  o.file = tiny_share(&bytes, path);
  ck_assert_msg(still_model_open(path, s, NULL, &o.model, &error) == STILL_OK, "%s", error.text);
  tiny_free(&bytes);
  still_settings_free(s);
  return o;
}

bool run_open_floats(const struct tiny_spec *spec, struct opened *o) {
  struct tiny_bytes bytes = {0};
  char path[32];
  still_error error = {.size = sizeof error};
  still_settings *s = run_settings("numerics=float");
  tiny_make(spec, 0, &bytes);
  o->file = tiny_share(&bytes, path);
  still_status status = still_model_open(path, s, NULL, &o->model, &error);
  tiny_free(&bytes);
  still_settings_free(s);
  if (status == STILL_OK) return true;
  ck_assert_msg(status == STILL_EUNSUPPORTED, "%s", error.text);
  printf("# SKIP float path: %s\n", error.text);
  close(o->file);
  return false;
}

void run_close(struct opened *o) {
  still_model_close(o->model);
  close(o->file);
}

still_session *run_session(still_model *model, const char *settings) {
  still_error error = {.size = sizeof error};
  still_session *session;
  still_settings *s = run_settings(settings);
  ck_assert_msg(still_session_open(model, s, NULL, &session, &error) == STILL_OK, "%s", error.text);
  still_settings_free(s);
  return session;
}

still_token *run_tokens(size_t n, unsigned vocab, uint64_t seed) {
  still_token *tokens = malloc((n ? n : 1) * sizeof *tokens);
  for (size_t i = 0; i < n; i++) tokens[i] = (still_token)(3 + tiny_random(&seed) % (vocab - 3)); /* 0..2 are special */
  return tokens;
}

struct run run_take(const still_session *session, const still_model *model) {
  still_model_info info = {.size = sizeof info};
  struct run r = {.n_scores = still_scores(session, NULL, 0), .n_kept = still_kept(session, NULL, 0),
                  .n_woken = still_woken(session, NULL, 0)};
  still_model_describe(model, &info);
  r.n_vocab = info.n_vocab;
  r.scores = malloc((r.n_scores + 1) * sizeof *r.scores);
  r.kept = malloc((r.n_kept + 1) * sizeof *r.kept);
  r.logits = malloc(r.n_vocab * sizeof *r.logits);
  still_scores(session, r.scores, r.n_scores);
  still_kept(session, r.kept, r.n_kept);
  ck_assert_ptr_nonnull(still_logits(session));
  memcpy(r.logits, still_logits(session), r.n_vocab * sizeof *r.logits);
  return r;
}

struct run run_prefill(still_model *model, const char *settings, const still_token *tokens, size_t n) {
  still_report report = {.size = sizeof report};
  still_session *session = run_session(model, settings);
  ck_assert_msg(still_prefill(session, tokens, n, &report) == STILL_OK, "%s: %s", settings, still_session_error(session));
  struct run r = run_take(session, model);
  r.report = report;
  still_session_close(session);
  return r;
}

void run_free(struct run *r) {
  free(r->scores);
  free(r->kept);
  free(r->logits);
}

void run_same(const struct run *a, const struct run *b, const char *what) {
  ck_assert_msg(a->n_scores == b->n_scores && a->n_kept == b->n_kept, "%s: %zu and %zu scores, %zu and %zu kept rows", what,
                a->n_scores, b->n_scores, a->n_kept, b->n_kept);
  ck_assert_msg(a->n_woken == b->n_woken, "%s: %zu and %zu rows woke", what, a->n_woken, b->n_woken);
  ck_assert_msg(!memcmp(a->scores, b->scores, a->n_scores * sizeof *a->scores), "%s: the scores differ", what);
  ck_assert_msg(!memcmp(a->kept, b->kept, a->n_kept * sizeof *a->kept), "%s: the kept rows differ", what);
  ck_assert_msg(!memcmp(a->logits, b->logits, a->n_vocab * sizeof *a->logits), "%s: the logits differ", what);
}
