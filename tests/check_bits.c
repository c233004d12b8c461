/*
 * check_bits.c - the numeric contract end to end: scores, kept rows and logits do not depend on who computes them.
 *
 * In:       tiny models.  Out: TAP.
 * Not here: whether the numbers are right (tests/oracle), single kernels (tests/kern).
 */
#include <check.h>
#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/run.h"

enum { N = 170, VOCAB = 384 };
static const char *const halted = "min-tokens=0 suffix=16 window=48";

static const char *const policies[] = {"query", "delta", "block", "random", "inverse", "recent", "dense"};
enum { POLICIES = sizeof policies / sizeof policies[0] };

/* Shapes that meet every tail: heads of 80 and 96 (padding), an odd number of heads a KV head, rows no multiple of 64. */
static void shape(int i, struct tiny_spec *spec) {
  static const struct {
    const char *arch;
    unsigned embd, heads, kv_heads, head_dim, ff;
    enum sp_type type;
  } shapes[] = {
      {"llama", 256, 4, 2, 64, 512, SP_Q4_K},  {"qwen2", 320, 6, 2, 80, 288, SP_Q5_0},  {"qwen3", 192, 3, 1, 96, 416, SP_Q8_0},
      {"llama", 256, 4, 4, 128, 768, SP_TYPES}, {"qwen2", 448, 7, 1, 64, 256, SP_Q4_1},
  };
  tiny_preset(spec);
  spec->arch = shapes[i].arch;
  spec->embd = shapes[i].embd;
  spec->heads = shapes[i].heads;
  spec->kv_heads = shapes[i].kv_heads;
  spec->head_dim = shapes[i].head_dim;
  spec->ff = shapes[i].ff;
  spec->type = shapes[i].type;
}
enum { SHAPES = 5 };

START_TEST(threads_and_chunks) {
  static const struct {
    const char *threads;
    int chunk;
  } ways[] = {{"threads=1", 512}, {"threads=1", 63}, {"threads=2", 64}, {"threads=2", 1}, {"threads=3", 65}, {"threads=8", 512}};
  struct tiny_spec spec;
  shape(_i, &spec);
  still_token *tokens = run_tokens(N, VOCAB, 7);
  for (int p = 0; p < POLICIES; p += 6) { /* query and dense */
    struct run first = {0};
    for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++) {
      char settings[128];
      struct opened o = run_open(&spec, ways[w].threads);
      snprintf(settings, sizeof settings, "%s policy=%s chunk=%d", halted, policies[p], ways[w].chunk);
      struct run r = run_prefill(o.model, settings, tokens, N);
      if (first.logits)
        run_same(&first, &r, settings), run_free(&r);
      else
        first = r;
      run_close(&o);
    }
    run_free(&first);
  }
  free(tokens);
}
END_TEST

/* Every shape with the policy query, and the first shape with every other policy. */
START_TEST(every_level) {
  struct tiny_spec spec;
  shape(_i < SHAPES ? _i : 0, &spec);
  const char *policy = policies[_i < SHAPES ? 0 : _i - SHAPES + 1];
  still_token *tokens = run_tokens(N, VOCAB, 8);
  char settings[128], model_settings[32];
  snprintf(settings, sizeof settings, "%s policy=%s chunk=128", halted, policy);
  struct opened ref = run_open(&spec, "isa=ref");
  struct run expected = run_prefill(ref.model, settings, tokens, N);
  still_isa isa = {.size = sizeof isa};
  for (size_t i = 1; still_isa_describe(i, &isa) == STILL_OK; i++) {
    if (!isa.usable) continue; /* counted by tests/kern */
    snprintf(model_settings, sizeof model_settings, "isa=%s", isa.name);
    struct opened o = run_open(&spec, model_settings);
    struct run r = run_prefill(o.model, settings, tokens, N);
    run_same(&expected, &r, isa.name);
    run_free(&r);
    run_close(&o);
  }
  run_free(&expected);
  run_close(&ref);
  free(tokens);
}
END_TEST

START_TEST(ratio_zero_is_dense) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  struct opened o = run_open(&spec, "");
  still_token *tokens = run_tokens(N, VOCAB, 9);
  struct run dense = run_prefill(o.model, "policy=dense", tokens, N);
  for (int p = 0; p + 1 < POLICIES; p++) {
    char settings[128];
    snprintf(settings, sizeof settings, "%s ratio=0 policy=%s", halted, policies[p]);
    struct run r = run_prefill(o.model, settings, tokens, N);
    ck_assert_uint_eq(r.n_kept, N);
    ck_assert_msg(!memcmp(r.logits, dense.logits, r.n_vocab * sizeof *r.logits), "%s", settings);
    ck_assert(!r.report.dense && dense.report.dense);
    run_free(&r);
  }
  run_free(&dense);
  run_close(&o);
  free(tokens);
}
END_TEST

/* Panels of few layers at a time, a file that is read instead of mapped: the same bits. */
START_TEST(memory_modes) {
  static const char *const modes[] = {"panels=1", "panels=3", "mmap=0", "panels=1 threads=3"};
  struct tiny_spec spec;
  char settings[128];
  tiny_preset(&spec);
  snprintf(settings, sizeof settings, "%s policy=%s%s", halted, policies[_i % POLICIES], _i >= POLICIES ? " every=2" : "");
  struct opened o = run_open(&spec, "");
  still_token *tokens = run_tokens(N, VOCAB, 10);
  struct run expected = run_prefill(o.model, settings, tokens, N);
  run_close(&o);
  for (int i = 0; i < 4; i++) {
    o = run_open(&spec, modes[i]);
    struct run r = run_prefill(o.model, settings, tokens, N);
    run_same(&expected, &r, modes[i]);
    run_free(&r);
    run_close(&o);
  }
  run_free(&expected);
  free(tokens);
}
END_TEST

/* A session is a function of its token list: text in pieces, with decoded tokens in between and panels of few layers, equals one
 * fresh prefill. */
START_TEST(pieces) {
  struct tiny_spec spec;
  char settings[128];
  tiny_preset(&spec);
  snprintf(settings, sizeof settings, "%s policy=%s%s", halted, policies[_i % POLICIES], _i >= POLICIES ? " every=2" : "");
  struct opened o = run_open(&spec, ""), tight = run_open(&spec, _i % 2 ? "panels=1" : "panels=2");
  still_token *tokens = run_tokens(N, VOCAB, 11), all[N + 8];
  still_session *session = run_session(tight.model, settings);
  size_t n = 0;
  static const size_t lengths[] = {60, 1, 30, N - 91};
  for (int i = 0; i < 4; n += lengths[i], i++) ck_assert(still_prefill(session, tokens + n, lengths[i], NULL) == STILL_OK);
  for (int i = 0; i < 3; i++) ck_assert(still_decode(session, tokens[i]) == STILL_OK);
  ck_assert(still_prefill(session, tokens + 5, 5, NULL) == STILL_OK);
  size_t length = still_session_tokens(session, all, N + 8);
  ck_assert_uint_eq(length, N + 8);
  struct run pieced = run_take(session, tight.model), fresh = run_prefill(o.model, settings, all, length);
  run_same(&fresh, &pieced, settings);
  run_free(&pieced);
  run_free(&fresh);
  still_session_close(session);
  run_close(&tight);
  run_close(&o);
  free(tokens);
}
END_TEST

/* A session that was dense by length and grows past min-tokens is gated as if it had come at once. */
START_TEST(growing_past_the_minimum) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  struct opened o = run_open(&spec, "");
  still_token *tokens = run_tokens(N, VOCAB, 12);
  still_session *session = run_session(o.model, "min-tokens=120 suffix=16");
  ck_assert(still_prefill(session, tokens, 90, NULL) == STILL_OK);
  ck_assert_uint_eq(still_kept(session, NULL, 0), 0);
  ck_assert(still_prefill(session, tokens + 90, N - 90, NULL) == STILL_OK);
  struct run grown = run_take(session, o.model), fresh = run_prefill(o.model, "min-tokens=120 suffix=16", tokens, N);
  ck_assert_uint_gt(fresh.n_kept, 0);
  run_same(&fresh, &grown, "grown");
  run_free(&grown);
  run_free(&fresh);
  still_session_close(session);
  run_close(&o);
  free(tokens);
}
END_TEST

struct last {
  size_t positions;
  float *logits;
  size_t n;
};

static int keep_last(void *user, size_t position, const float *logits, size_t n_vocab) {
  struct last *last = user;
  ck_assert_uint_eq(position, 40 + last->positions++);
  memcpy(last->logits, logits, n_vocab * sizeof *logits);
  return 0;
}

START_TEST(scored_positions) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  struct opened o = run_open(&spec, "");
  still_token *tokens = run_tokens(N, VOCAB, 13);
  struct run dense = run_prefill(o.model, "policy=dense chunk=100", tokens, N);
  struct last last = {.logits = malloc(dense.n_vocab * sizeof(float))};
  still_session *session = run_session(o.model, "policy=dense chunk=64");
  ck_assert(still_score(session, tokens, N, 40, keep_last, &last, NULL) == STILL_OK);
  ck_assert_uint_eq(last.positions, N - 40);
  ck_assert(!memcmp(last.logits, dense.logits, dense.n_vocab * sizeof(float)));
  still_session_close(session);
  free(last.logits);
  run_free(&dense);
  run_close(&o);
  free(tokens);
}
END_TEST

START_TEST(callers_rounding) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  still_token *tokens = run_tokens(N, VOCAB, 14);
  struct opened o = run_open(&spec, "threads=2");
  struct run expected = run_prefill(o.model, halted, tokens, N);
  run_close(&o);
  o = run_open(&spec, "threads=2"); /* before the change: the generator rounds, too */
  fesetround(FE_UPWARD);
  struct run r = run_prefill(o.model, halted, tokens, N);
  ck_assert_int_eq(fegetround(), FE_UPWARD);
  fesetround(FE_TONEAREST);
  run_same(&expected, &r, "rounding upward");
  run_free(&r);
  run_free(&expected);
  run_close(&o);
  free(tokens);
}
END_TEST

/* The float path is the oracle that ships: close to the int8 path, and the same gate within reason. */
START_TEST(float_path) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  still_token *tokens = run_tokens(N, VOCAB, 15);
  struct opened o = run_open(&spec, "");
  struct run exact = run_prefill(o.model, "policy=dense", tokens, N);
  run_close(&o);
  if (run_open_floats(&spec, &o)) {
    struct run r = run_prefill(o.model, "policy=dense", tokens, N);
    double error2 = 0, norm2 = 0;
    for (size_t i = 0; i < r.n_vocab; i++) {
      error2 += pow((double)r.logits[i] - exact.logits[i], 2);
      norm2 += pow((double)r.logits[i], 2);
    }
    /* Random weights have no redundancy: 0.16 here. Another RoPE style or a lost bias gives more than 1. */
    ck_assert_msg(error2 < 0.06 * norm2, "relative error of the logits: %g", sqrt(error2 / norm2));
    ck_assert_msg(error2 > 0, "the float path gave the bits of the int8 path");
    run_free(&r);
    run_close(&o);
  }
  run_free(&exact);
  free(tokens);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("bits");
  TCase *tc = tcase_create("contract");
  tcase_add_loop_test(tc, threads_and_chunks, 0, SHAPES);
  tcase_add_loop_test(tc, every_level, 0, SHAPES + POLICIES - 1);
  tcase_add_test(tc, ratio_zero_is_dense);
  tcase_add_loop_test(tc, memory_modes, 0, 2 * POLICIES);
  tcase_add_loop_test(tc, pieces, 0, 2 * POLICIES);
  tcase_add_test(tc, growing_past_the_minimum);
  tcase_add_test(tc, scored_positions);
  tcase_add_test(tc, callers_rounding);
  tcase_add_test(tc, float_path);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
