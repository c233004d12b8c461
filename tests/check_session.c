/*
 * check_session.c - what the public header promises: errors, limits, cancel, memory, threads, forks.
 *
 * In:       tiny models.  Out: TAP.
 * Not here: equality of bits between ways to compute (check_bits.c), the command (cli.sh).
 */
#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/session.h"
#include "tests/run.h"

enum { N = 160, VOCAB = 384 };
static const char *const halted = "min-tokens=0 suffix=16 chunk=64";

static struct opened open_preset(const char *settings) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  return run_open(&spec, settings);
}

/* ---- errors ---------------------------------------------------------------------------------------------------- */

START_TEST(refusals_have_a_sentence) {
  struct opened o = open_preset("");
  still_session *s = run_session(o.model, "ctx=100");
  still_token *tokens = run_tokens(N, VOCAB, 1), bad[3] = {5, VOCAB, 7}, token = 5;
  ck_assert_int_eq(still_prefill(s, tokens, 0, NULL), STILL_EARG);
  ck_assert_ptr_nonnull(strstr(still_session_error(s), "empty"));
  ck_assert_int_eq(still_prefill(s, tokens, N, NULL), STILL_ELIMIT);
  ck_assert_ptr_nonnull(strstr(still_session_error(s), "--ctx"));
  ck_assert_int_eq(still_prefill(s, bad, 3, NULL), STILL_EARG);
  ck_assert_ptr_nonnull(strstr(still_session_error(s), "vocabulary"));
  ck_assert_int_eq(still_decode(s, 5), STILL_ESTATE);
  ck_assert_ptr_null(still_logits(s));
  ck_assert_int_eq(still_prefill(s, tokens, 100, NULL), STILL_OK);
  ck_assert_str_eq(still_session_error(s), "");
  ck_assert_int_eq(still_decode(s, token), STILL_ELIMIT); /* the context is full */
  ck_assert_uint_eq(still_session_tokens(s, NULL, 0), 100);
  still_session_close(s);
  run_close(&o);
  free(tokens);
}
END_TEST

START_TEST(null_everywhere) {
  still_error error = {.size = sizeof error};
  still_model *model;
  still_session *session;
  const char *text;
  size_t n;
  ck_assert_int_eq(still_model_open(NULL, NULL, NULL, &model, &error), STILL_EARG);
  ck_assert_int_eq(still_model_open("x", NULL, NULL, NULL, NULL), STILL_EARG);
  ck_assert_int_eq(still_model_open("/nonexistent/model.gguf", NULL, NULL, &model, &error), STILL_EIO);
  ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent/model.gguf"));
  ck_assert_int_eq(still_session_open(NULL, NULL, NULL, &session, NULL), STILL_EARG);
  ck_assert_int_eq(still_prefill(NULL, NULL, 0, NULL), STILL_EARG);
  ck_assert_int_eq(still_decode(NULL, 0), STILL_EARG);
  ck_assert_int_eq(still_session_reset(NULL), STILL_EARG);
  ck_assert_int_eq(still_append(NULL, NULL, 0, NULL), STILL_EARG);
  ck_assert_int_eq(still_session_rewind(NULL, 0), STILL_EARG);
  ck_assert_int_eq(still_session_save(NULL, "x"), STILL_EARG);
  ck_assert_int_eq(still_session_load(NULL, "x"), STILL_EARG);
  ck_assert_int_eq(still_model_digest(NULL, NULL), STILL_EARG);
  ck_assert_int_eq(still_chat_pieces(NULL, NULL, 0, 0, NULL, 0, &n, 1, &n), STILL_EARG);
  ck_assert_int_eq(still_tokenize(NULL, "", 0, 0, NULL, 0, &n), STILL_EARG);
  ck_assert_int_eq(still_token_piece(NULL, 0, 0, &text, &n), STILL_EARG);
  ck_assert_int_eq(still_stream_push(NULL, 0, &text, &n), STILL_EARG);
  ck_assert_int_eq(still_sample(NULL, NULL, NULL, NULL), STILL_EARG);
  ck_assert_int_eq(still_set(NULL, "x", "y"), STILL_EARG);
  ck_assert_ptr_null(still_stream_new(NULL));
  ck_assert_uint_eq(still_scores(NULL, NULL, 0) + still_kept(NULL, NULL, 0) + still_session_tokens(NULL, NULL, 0), 0);
  still_model_close(NULL);
  still_session_close(NULL);
  still_sampler_close(NULL);
  still_settings_free(NULL);
  still_stream_free(NULL);
}
END_TEST

START_TEST(settings_keep_their_ranges) {
  static const char *const wrong[][2] = {{"ratio", "1"},        {"ratio", "-0.1"},     {"ratio", "nan"}, {"pool", "30"},
                                         {"policy", "loudest"}, {"chunk", "0"},        {"threads", "x"}, {"ctx", "1.5"},
                                         {"nothing", "1"},      {"memory-limit", "5Q"}};
  still_settings *s = still_settings_new();
  char before[64], after[64];
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    bool known = still_get(s, wrong[i][0], before, sizeof before) == STILL_OK;
    ck_assert_int_eq(still_set(s, wrong[i][0], wrong[i][1]), STILL_EARG);
    ck_assert_msg(*still_settings_error(s), "%s", wrong[i][0]);
    if (!known) continue;
    ck_assert_int_eq(still_get(s, wrong[i][0], after, sizeof after), STILL_OK);
    ck_assert_str_eq(before, after);
  }
  ck_assert_int_eq(still_set(s, "memory-limit", "1.5G"), STILL_OK);
  int64_t bytes;
  ck_assert_int_eq(still_get_int(s, "memory-limit", &bytes), STILL_OK);
  ck_assert_int_eq(bytes, 3ll << 29);
  still_key key = {.size = sizeof key};
  for (size_t i = 0; still_settings_key(i, &key) == STILL_OK; i++) { /* every preset is a value that can be set */
    ck_assert_int_eq(still_get(s, key.name, before, sizeof before), STILL_OK);
    if (strcmp(key.name, "memory-limit") != 0) ck_assert_msg(still_set(s, key.name, before) == STILL_OK, "%s", key.name);
  }
  still_settings_free(s);
}
END_TEST

START_TEST(a_nan_is_named) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  spec.flaw = TINY_NAN;
  struct opened o = run_open(&spec, "");
  still_session *s = run_session(o.model, halted);
  still_token *tokens = run_tokens(N, VOCAB, 2);
  ck_assert_int_eq(still_prefill(s, tokens, N, NULL), STILL_ENUMERIC);
  ck_assert_msg(strstr(still_session_error(s), "blk.0.ffn_down.weight") != NULL, "%s", still_session_error(s));
  still_session_close(s);
  run_close(&o);
  free(tokens);
}
END_TEST

START_TEST(levels_that_are_missing) {
  struct tiny_spec spec;
  struct tiny_bytes bytes = {0};
  still_error error = {.size = sizeof error};
  still_model *model;
  char path[32];
  still_settings *s = run_settings("isa=neon"), *t;
  tiny_preset(&spec);
  tiny_make(&spec, 0, &bytes);
  int file = tiny_share(&bytes, path);
  still_status status = still_model_open(path, s, NULL, &model, &error);
#if defined __x86_64__
  ck_assert_int_eq(status, STILL_EDEVICE);
  ck_assert_ptr_nonnull(strstr(error.text, "neon"));
#else
  (void)status;
#endif
  setenv("STILLPOINT_ISA", "nonsense", 1);
  t = still_settings_new();
  ck_assert_int_eq(still_model_open(path, t, NULL, &model, &error), STILL_EDEVICE);
  ck_assert_ptr_nonnull(strstr(error.text, "nonsense"));
  setenv("STILLPOINT_ISA", "ref", 1);
  ck_assert_int_eq(still_model_open(path, t, NULL, &model, &error), STILL_OK);
  still_model_info info = {.size = sizeof info};
  still_model_describe(model, &info);
  ck_assert_str_eq(info.isa, "ref");
  unsetenv("STILLPOINT_ISA");
  still_model_close(model);
  still_settings_free(s);
  still_settings_free(t);
  tiny_free(&bytes);
  close(file);
}
END_TEST

/* ---- the gate as the header promises --------------------------------------------------------------------------- */

START_TEST(protected_rows_stay) {
  struct opened o = open_preset("");
  still_token *tokens = run_tokens(N, VOCAB, 3);
  static const char *const policies[] = {"query", "delta", "block", "random", "inverse", "recent"};
  for (int p = 0; p < 6; p++) {
    char settings[96];
    snprintf(settings, sizeof settings, "min-tokens=0 prefix=7 suffix=20 ratio=0.5 policy=%s", policies[p]);
    struct run r = run_prefill(o.model, settings, tokens, N);
    ck_assert_uint_eq(r.n_kept, N - N / 2);
    ck_assert_uint_eq(r.n_scores, N);
    for (uint32_t i = 0; i < 7; i++) ck_assert_uint_eq(r.kept[i], i);
    for (uint32_t i = 0; i < 20; i++) ck_assert_uint_eq(r.kept[r.n_kept - 20 + i], N - 20 + i);
    for (size_t i = 1; i < r.n_kept; i++) ck_assert_uint_lt(r.kept[i - 1], r.kept[i]);
    run_free(&r);
  }
  run_close(&o);
  free(tokens);
}
END_TEST

START_TEST(scores_decide) {
  struct opened o = open_preset("");
  still_token *tokens = run_tokens(N, VOCAB, 4);
  struct run r = run_prefill(o.model, "min-tokens=0 prefix=1 suffix=1 ratio=0.6 policy=delta", tokens, N);
  float lowest = INFINITY, highest = 0;
  for (size_t i = 1, k = 1; i + 1 < N; i++) {
    bool kept = k < r.n_kept && r.kept[k] == i;
    if (kept) {
      k++;
      lowest = r.scores[i] < lowest ? r.scores[i] : lowest;
    } else {
      highest = r.scores[i] > highest ? r.scores[i] : highest;
    }
  }
  ck_assert(highest <= lowest);
  ck_assert(r.report.tau == lowest);
  char settings[96]; /* that tau as a threshold alone, a little lower for the root's rounding, keeps the same rows */
  snprintf(settings, sizeof settings, "min-tokens=0 prefix=1 suffix=1 policy=delta tau-only=1 tau=%.9g", (highest + lowest) / 2);
  struct run t = run_prefill(o.model, settings, tokens, N);
  run_same(&r, &t, settings);
  run_free(&t);
  snprintf(settings, sizeof settings, "min-tokens=0 prefix=1 suffix=1 policy=delta ratio=0.9 tau=%.9g", (highest + lowest) / 2);
  t = run_prefill(o.model, settings, tokens, N); /* with a ratio, rows that reach tau stay as well */
  run_same(&r, &t, settings);
  run_free(&t);
  run_free(&r);
  run_close(&o);
  free(tokens);
}
END_TEST

START_TEST(eligible_rows) {
  struct opened o = open_preset("");
  still_token *tokens = run_tokens(N, VOCAB, 5);
  uint8_t eligible[N];
  for (int i = 0; i < N; i++) eligible[i] = i >= 40 && i < 80;
  still_session *s = run_session(o.model, "min-tokens=0 prefix=1 suffix=1 ratio=0.9");
  ck_assert_int_eq(still_set_eligible(s, eligible, N), STILL_OK);
  ck_assert_int_eq(still_prefill(s, tokens, N, NULL), STILL_OK);
  uint32_t kept[N];
  ck_assert_uint_eq(still_kept(s, kept, N), N - 40); /* all that may be halted are, no more */
  for (int i = 0; i < N - 40; i++) ck_assert_uint_eq(kept[i], (uint32_t)(i < 40 ? i : i + 40));
  still_session_close(s);
  run_close(&o);
  free(tokens);
}
END_TEST

/* ---- cancel, memory -------------------------------------------------------------------------------------------- */

struct hooks_state {
  int progress_left; /* calls until a cancel; < 0: never */
  long fail_at;      /* allocation to fail; 0: none */
  bool sticky;
  long allocations, live;
};

static int count_progress(void *user, const still_progress *progress) {
  struct hooks_state *h = user;
  ck_assert(progress->phase < STILL_PHASES && (progress->total == 0 || progress->done <= progress->total));
  return h->progress_left >= 0 && h->progress_left-- == 0;
}

static void *failing_alloc(void *user, size_t bytes, size_t align) {
  struct hooks_state *h = user;
  h->allocations++;
  if (h->fail_at && (h->allocations == h->fail_at || (h->sticky && h->allocations > h->fail_at))) return NULL;
  void *memory = aligned_alloc(align, bytes);
  if (memory) h->live += (long)bytes;
  return memory;
}

static void failing_release(void *user, void *memory, size_t bytes) {
  ((struct hooks_state *)user)->live -= (long)bytes;
  free(memory);
}

START_TEST(cancel_anywhere) {
  struct opened o = open_preset("threads=2");
  still_token *tokens = run_tokens(N, VOCAB, 6);
  struct run expected = run_prefill(o.model, halted, tokens, N);
  struct hooks_state h = {.progress_left = -1};
  still_hooks hooks = {.size = sizeof hooks, .user = &h, .progress = count_progress};
  still_settings *settings = run_settings(halted);
  still_session *s;
  ck_assert_int_eq(still_session_open(o.model, settings, &hooks, &s, NULL), STILL_OK);
  ck_assert_int_eq(still_prefill(s, tokens, 30, NULL), STILL_OK);
  int cancelled = 0;
  for (int at = 0;; at++) {
    h.progress_left = at;
    still_status status = still_prefill(s, tokens + 30, N - 30, NULL);
    if (status == STILL_OK) break;
    ck_assert_int_eq(status, STILL_ECANCELLED);
    ck_assert_ptr_nonnull(strstr(still_session_error(s), "cancelled"));
    ck_assert_uint_eq(still_session_tokens(s, NULL, 0), 30);
    ck_assert_int_eq(still_decode(s, 5), STILL_ESTATE);
    cancelled++;
  }
  ck_assert_int_gt(cancelled, 10);
  struct run r = run_take(s, o.model);
  run_same(&expected, &r, "after cancels");
  h.progress_left = -1;
  still_session_reset(s);
  still_session_cancel(s);
  ck_assert_int_eq(still_prefill(s, tokens, N, NULL), STILL_ECANCELLED);
  ck_assert_int_eq(still_prefill(s, tokens, N, NULL), STILL_OK);
  run_free(&r);
  run_free(&expected);
  still_session_close(s);
  still_settings_free(settings);
  run_close(&o);
  free(tokens);
}
END_TEST

/* Fails allocation 1, 2, 3, ... of opening, prefill and decode: a status each time, nothing leaks, and the last round succeeds.
 */
START_TEST(every_allocation_may_fail) {
  struct tiny_spec spec;
  struct tiny_bytes bytes = {0};
  char path[32];
  tiny_preset(&spec);
  spec.layers = 3;
  tiny_make(&spec, 0, &bytes);
  int file = tiny_share(&bytes, path);
  still_token *tokens = run_tokens(N, VOCAB, 16);
  still_settings *settings = run_settings("min-tokens=0 suffix=16 threads=1");
  still_status status = STILL_ENOMEM;
  for (long at = 1; status != STILL_OK; at += _i ? 1 : 1 + at / 40) {
    struct hooks_state h = {.progress_left = -1, .fail_at = at, .sticky = _i};
    still_hooks hooks = {.size = sizeof hooks, .user = &h, .alloc = failing_alloc, .release = failing_release};
    still_error error = {.size = sizeof error};
    still_model *model = NULL;
    still_session *s = NULL;
    status = still_model_open(path, settings, &hooks, &model, &error);
    if (status == STILL_OK) status = still_session_open(model, settings, &hooks, &s, &error);
    if (status == STILL_OK) status = still_prefill(s, tokens, N, NULL);
    if (status == STILL_OK) status = still_decode(s, 7);
    ck_assert_msg(status == STILL_OK || status == STILL_ENOMEM, "allocation %ld: %s", at, still_status_name(status));
    if (s && status != STILL_OK && !h.sticky) { /* the session goes on as if nothing had been */
      still_session_reset(s);
      ck_assert_msg(still_prefill(s, tokens, N, NULL) == STILL_OK, "after allocation %ld: %s", at, still_session_error(s));
    }
    still_session_close(s);
    still_model_close(model);
    ck_assert_msg(h.live == 0, "allocation %ld: %ld bytes leaked", at, h.live);
    ck_assert_msg(status != STILL_OK || h.allocations < at, "allocation %ld failed and nobody noticed", at);
    ck_assert_int_lt(at, 100000);
  }
  still_settings_free(settings);
  tiny_free(&bytes);
  free(tokens);
  close(file);
}
END_TEST

START_TEST(nothing_grows) {
  struct opened o = open_preset("");
  still_token *tokens = run_tokens(N, VOCAB, 17);
  still_session *s = run_session(o.model, halted);
  size_t bytes = 0;
  for (int i = 0; i < 100; i++) {
    still_session_reset(s);
    ck_assert_int_eq(still_prefill(s, tokens, N, NULL), STILL_OK);
    if (i == 0) bytes = atomic_load(&s->ctx.bytes) + atomic_load(&o.model->ctx.bytes);
    ck_assert_uint_eq(atomic_load(&s->ctx.bytes) + atomic_load(&o.model->ctx.bytes), bytes);
  }
  still_session_close(s);
  run_close(&o);
  free(tokens);
}
END_TEST

START_TEST(plan_tells_the_truth) {
  static const char *const settings[] = {"min-tokens=0", "policy=dense", "min-tokens=0 policy=delta every=2",
                                         "min-tokens=0 chunk=64"};
  struct tiny_spec spec;
  tiny_preset(&spec);
  spec.ctx = 4096;
  struct opened o = run_open(&spec, "threads=2");
  still_token *tokens = run_tokens(2000, VOCAB, 18);
  still_settings *t = run_settings(settings[_i]);
  still_plan plan = {.size = sizeof plan};
  ck_assert_int_eq(still_model_plan(o.model, t, 2000, &plan), STILL_OK);
  struct run r = run_prefill(o.model, settings[_i], tokens, 2000);
  double ratio = (double)r.report.peak_bytes / (double)plan.total;
  ck_assert_msg(ratio > 0.95 && ratio < 1.05, "%s: planned %.2f MiB, took %.2f", settings[_i], (double)plan.total / 0x1p20,
                (double)r.report.peak_bytes / 0x1p20);
  still_settings_free(t);
  run_free(&r);
  run_close(&o);
  free(tokens);
}
END_TEST

START_TEST(panels_give_way) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  spec.layers = 6;
  spec.ctx = 4096;
  struct opened o = run_open(&spec, "threads=2");
  still_token *tokens = run_tokens(600, VOCAB, 23);
  still_plan all = {.size = sizeof all}, few = {.size = sizeof few};
  still_settings *t = run_settings("min-tokens=0");
  ck_assert_int_eq(still_model_plan(o.model, t, 600, &all), STILL_OK);
  struct run whole = run_prefill(o.model, "min-tokens=0", tokens, 600);
  char limit[64];
  for (uint64_t layers = 1; layers < 4; layers++) {
    snprintf(limit, sizeof limit, "threads=2 memory-limit=%llu",
             (unsigned long long)(all.total - all.panels + all.panels / 6 * layers + 600 * spec.embd * sizeof(float)));
    struct opened tight = run_open(&spec, limit);
    ck_assert_int_eq(still_model_plan(tight.model, t, 600, &few), STILL_OK);
    ck_assert_uint_ge(few.panels, all.panels / 6 * layers);
    ck_assert_uint_lt(few.panels, all.panels);
    struct run r = run_prefill(tight.model, "min-tokens=0", tokens, 600);
    run_same(&whole, &r, limit);
    ck_assert_uint_le(r.report.peak_bytes, few.total + few.total / 20);
    run_free(&r);
    run_close(&tight);
  }
  still_settings_free(t);
  run_free(&whole);
  run_close(&o);
  free(tokens);
}
END_TEST

START_TEST(memory_limit) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  spec.ctx = 4096;
  struct opened o = run_open(&spec, "memory-limit=8M threads=2"); /* each thread takes its share of the limit */
  still_token *tokens = run_tokens(3000, VOCAB, 19);
  still_session *s = run_session(o.model, "chunk=16");
  still_plan plan = {.size = sizeof plan};
  still_settings *t = run_settings("chunk=16");
  ck_assert_int_eq(still_model_plan(o.model, t, 3000, &plan), STILL_OK);
  ck_assert(plan.largest_context > 0 && plan.largest_context < 3000);
  ck_assert_int_eq(still_prefill(s, tokens, 3000, NULL), STILL_ENOMEM);
  ck_assert_ptr_nonnull(strstr(still_session_error(s), "memory limit"));
  ck_assert_int_eq(still_prefill(s, tokens, plan.largest_context, NULL), STILL_OK);
  still_error error = {.size = sizeof error};
  still_session *large; /* a context that was asked for is refused as a whole */
  ck_assert_int_eq(still_set(t, "ctx", "1000000"), STILL_OK);
  ck_assert_int_eq(still_session_open(o.model, t, NULL, &large, &error), STILL_ENOMEM);
  ck_assert_ptr_nonnull(strstr(error.text, "tokens fit"));
  still_settings_free(t);
  still_session_close(s);
  run_close(&o);
  free(tokens);
}
END_TEST

/* ---- threads, forks -------------------------------------------------------------------------------------------- */

struct worker {
  still_model *model;
  still_token *tokens;
  struct run result;
};

static void *work(void *arg) {
  struct worker *w = arg;
  w->result = run_prefill(w->model, halted, w->tokens, N);
  return NULL;
}

START_TEST(sessions_in_threads) {
  struct opened o = open_preset("threads=2 panels=2"); /* two sessions compete for the panels of two layers */
  struct worker workers[3];
  pthread_t threads[3];
  still_token *tokens = run_tokens(N, VOCAB, 20);
  for (int i = 0; i < 3; i++) {
    workers[i] = (struct worker){.model = o.model, .tokens = tokens};
    ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
  }
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  for (int i = 1; i < 3; i++) run_same(&workers[0].result, &workers[i].result, "sessions in threads");
  for (int i = 0; i < 3; i++) run_free(&workers[i].result);
  run_close(&o);
  free(tokens);
}
END_TEST

START_TEST(a_forked_child_is_told) {
  struct opened o = open_preset("threads=2");
  still_token *tokens = run_tokens(N, VOCAB, 21);
  still_session *s = run_session(o.model, halted);
  ck_assert_int_eq(still_prefill(s, tokens, N, NULL), STILL_OK);
  pid_t child = fork();
  if (child == 0) {
    still_session_reset(s);
    still_status status = still_prefill(s, tokens, N, NULL);
    still_session_close(s); /* freeing is allowed */
    _exit(status == STILL_EFORK ? 0 : 1);
  }
  int state;
  ck_assert_int_eq(waitpid(child, &state, 0), child);
  ck_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0);
  ck_assert_int_eq(still_decode(s, 3), STILL_OK);
  still_session_close(s);
  run_close(&o);
  free(tokens);
}
END_TEST

/* ---- sampling -------------------------------------------------------------------------------------------------- */

static still_token draw(const char *settings, const still_session *s, int times, int *distinct) {
  still_settings *t = run_settings(settings);
  still_sampler *sampler;
  still_token token = -1, first = -1;
  float log_probability = 1;
  ck_assert_int_eq(still_sampler_open(t, &sampler, NULL), STILL_OK);
  *distinct = 0;
  for (int i = 0; i < times; i++) {
    ck_assert_int_eq(still_sample(sampler, s, &token, &log_probability), STILL_OK);
    ck_assert(log_probability <= 0);
    if (i == 0) first = token;
    *distinct += token != first;
  }
  still_sampler_close(sampler);
  still_settings_free(t);
  return token;
}

START_TEST(sampler_chain) {
  struct opened o = open_preset("");
  still_token *tokens = run_tokens(N, VOCAB, 22);
  still_session *s = run_session(o.model, halted);
  ck_assert_int_eq(still_prefill(s, tokens, N, NULL), STILL_OK);
  const float *logits = still_logits(s);
  still_token best = 0;
  for (int i = 1; i < VOCAB; i++) best = logits[i] > logits[best] ? i : best;
  int others;
  ck_assert_int_eq(draw("", s, 3, &others), best);
  ck_assert_int_eq(draw("temperature=2 top-k=1", s, 20, &others), best);
  ck_assert_int_eq(draw("temperature=2 top-p=0", s, 20, &others), best);
  ck_assert_int_eq(draw("temperature=2 min-p=1", s, 20, &others), best);
  draw("temperature=2", s, 200, &others);
  ck_assert_int_gt(others, 20);
  int a, b;
  ck_assert_int_eq(draw("temperature=1 seed=7", s, 50, &a), draw("temperature=1 seed=7", s, 50, &b));
  ck_assert_int_eq(a, b);
  ck_assert_int_eq(still_decode(s, best), STILL_OK); /* then a huge penalty on what occurred forbids it */
  still_token again = draw("repeat-penalty=100 repeat-last=100000", s, 1, &others), all[N + 1];
  size_t n = still_session_tokens(s, all, N + 1);
  for (size_t i = 0; i < n; i++) ck_assert(all[i] != again || still_logits(s)[again] <= 0);
  still_session_close(s);
  run_close(&o);
  free(tokens);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("session");
  TCase *tc = tcase_create("contract");
  tcase_add_test(tc, refusals_have_a_sentence);
  tcase_add_test(tc, null_everywhere);
  tcase_add_test(tc, settings_keep_their_ranges);
  tcase_add_test(tc, a_nan_is_named);
  tcase_add_test(tc, levels_that_are_missing);
  tcase_add_test(tc, protected_rows_stay);
  tcase_add_test(tc, scores_decide);
  tcase_add_test(tc, eligible_rows);
  tcase_add_test(tc, cancel_anywhere);
  tcase_add_loop_test(tc, every_allocation_may_fail, 0, 2);
  tcase_add_test(tc, nothing_grows);
  tcase_add_loop_test(tc, plan_tells_the_truth, 0, 4);
  tcase_add_test(tc, memory_limit);
  tcase_add_test(tc, panels_give_way);
  tcase_add_test(tc, sessions_in_threads);
  tcase_add_test(tc, a_forked_child_is_told);
  tcase_add_test(tc, sampler_chain);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
