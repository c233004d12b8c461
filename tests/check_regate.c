/*
 * check_regate.c - one text and many questions: what is asked of parked rows equals a fresh prefill of the same tokens, bit for
 * bit.
 *
 * In:       tiny models, seeded texts and questions; STILLPOINT_PAIRS, if set, how many pairs of both (100).  Out: TAP.
 * Not here: state files in themselves (check_state.c).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/session.h"
#include "tests/run.h"

enum { VOCAB = 384, PAIRS = 100, GROUPS = 10, MOST = 400 };

static const char *const policies[] = {"query", "delta", "block", "random", "inverse", "recent", "dense"};
enum { POLICIES = sizeof policies / sizeof policies[0], BLOCK = 2, DENSE = 6 };

static struct opened open_small(const char *settings) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  spec.layers = 5, spec.embd = 128, spec.heads = 4, spec.kv_heads = 2, spec.head_dim = 32, spec.ff = 160, spec.type = SP_Q8_0;
  spec.ctx = 4096;
  return run_open(&spec, settings);
}

static size_t between(uint64_t *seed, size_t least, size_t most) { return least + tiny_random(seed) % (most - least + 1); }

/* Settings of everything above the gate, by lot, for a gate at layer start / 2 of 5. A third of the sessions are dense by length.
 */
static void settle(char settings[192], uint64_t *seed, int policy, int start) {
  static const int minima[] = {0, 120, 1024};
  snprintf(settings, 192,
           "start=0.%d policy=%s ratio=0.%zu window=%zu pool=%zu every=%zu gate-seed=%zu chunk=%zu suffix=8 min-tokens=%d",
           start, policies[policy], between(seed, 1, 9), between(seed, 1, 64), 2 * between(seed, 0, 8) + 1, between(seed, 0, 1),
           between(seed, 0, 99), between(seed, 1, 200), minima[between(seed, 0, 2)]);
}

static void append_in_pieces(still_session *s, const still_token *tokens, size_t n, uint64_t *seed) {
  for (size_t at = 0, length; at < n; at += length) {
    length = between(seed, 1, n - at);
    ck_assert_msg(still_append(s, tokens + at, length, NULL) == STILL_OK, "%s", still_session_error(s));
    ck_assert_ptr_null(still_logits(s));
  }
}

/* The state goes to a file and from there into a session with these settings. */
static still_session *through_a_file(still_session *from, still_model *model, const char *settings) {
  char path[] = "check_regate_XXXXXX";
  close(mkstemp(path));
  ck_assert_msg(still_session_save(from, path) == STILL_OK, "%s", still_session_error(from));
  still_session *to = run_session(model, settings);
  still_status status = still_session_load(to, path);
  unlink(path);
  ck_assert_msg(status == STILL_OK, "%s: %s", settings, still_session_error(to));
  still_session_close(from);
  return to;
}

static void ask(still_session *s, size_t text, const still_token *question, size_t n) {
  ck_assert_msg(still_session_rewind(s, text) == STILL_OK, "%s", still_session_error(s));
  ck_assert_ptr_null(still_logits(s));
  ck_assert_msg(still_prefill(s, question, n, NULL) == STILL_OK, "%s", still_session_error(s));
}

/* One text, another question and a few decoded tokens before, then the question that is compared. */
static void check_pair(uint64_t pair, struct opened models[3]) {
  uint64_t seed = pair * 7919 + 1;
  char settings[192];
  int policy = (int)(pair % POLICIES), other = policy == BLOCK ? BLOCK : (int)(tiny_random(&seed) % (BLOCK + 1));
  if (policy == DENSE && pair % 2) other = DENSE; /* a state without parked rows, or one with them that halts nothing */
  size_t text = between(&seed, 1, 230), n = between(&seed, 1, 90), before = between(&seed, 1, 90);
  still_token *tokens = run_tokens(MOST, VOCAB, seed), all[MOST];
  settle(settings, &seed, other, 4);
  still_session *s = run_session(models[pair % 3].model, settings);
  append_in_pieces(s, tokens, text, &seed);
  ask(s, text, tokens + MOST - before, before);
  for (size_t i = 0; i < pair % 4; i++) ck_assert(still_decode(s, tokens[i]) == STILL_OK);
  if (policy != other || pair % 2) {
    settle(settings, &seed, policy, pair % 3 && policy != DENSE ? 4 : 6); /* some rows climb two layers */
    s = through_a_file(s, models[(pair + 1) % 3].model, settings);
  }
  ask(s, text, tokens + text, n);
  ck_assert_uint_eq(still_session_tokens(s, all, MOST), text + n);
  ck_assert(!memcmp(all, tokens, (text + n) * sizeof *tokens));
  struct run asked = run_take(s, models[0].model), fresh = run_prefill(models[2].model, settings, tokens, text + n);
  char what[256];
  snprintf(what, sizeof what, "pair %llu, %zu + %zu tokens, %s", (unsigned long long)pair, text, n, settings);
  run_same(&fresh, &asked, what);
  run_free(&fresh);
  run_free(&asked);
  still_session_close(s);
  free(tokens);
}

START_TEST(a_question_is_a_fresh_prefill) {
  const char *wish = getenv("STILLPOINT_PAIRS");
  uint64_t pairs = wish ? strtoull(wish, NULL, 10) : PAIRS;
  struct opened models[3] = {open_small("threads=1"), open_small("threads=2 panels=2"), open_small("threads=3")};
  for (uint64_t pair = (uint64_t)_i; pair < pairs; pair += GROUPS) check_pair(pair, models);
  for (int i = 0; i < 3; i++) run_close(&models[i]);
}
END_TEST

/* Every level sees keys of an older question behind the last row. */
START_TEST(every_level) {
  still_isa isa = {.size = sizeof isa};
  still_token *tokens = run_tokens(MOST, VOCAB, 3);
  struct run first = {0};
  for (size_t i = 0; still_isa_describe(i, &isa) == STILL_OK; i++) {
    char settings[32];
    if (!isa.usable) continue; /* counted by tests/kern */
    snprintf(settings, sizeof settings, "isa=%s", isa.name);
    struct opened o = open_small(settings);
    still_session *s = run_session(o.model, "min-tokens=0 suffix=8 window=32 ratio=0.5");
    ck_assert(still_append(s, tokens, 140, NULL) == STILL_OK);
    ask(s, 140, tokens + 140, 110);
    ask(s, 140, tokens + 250, 9);
    struct run r = run_take(s, o.model);
    if (first.logits)
      run_same(&first, &r, isa.name), run_free(&r);
    else
      first = r;
    still_session_close(s);
    run_close(&o);
  }
  run_free(&first);
  free(tokens);
}
END_TEST

START_TEST(float_path_asks_too) {
  struct tiny_spec spec;
  struct opened o;
  static const char settings[] = "min-tokens=0 suffix=8 window=32 ratio=0.5";
  tiny_preset(&spec);
  if (run_open_floats(&spec, &o)) {
    still_token *tokens = run_tokens(MOST, VOCAB, 4);
    still_session *s = run_session(o.model, settings);
    ck_assert(still_append(s, tokens, 140, NULL) == STILL_OK);
    ask(s, 140, tokens + 140, 20);
    struct run before = run_take(s, o.model);
    s = through_a_file(s, o.model, settings);
    ask(s, 140, tokens + 140, 20);
    struct run after = run_take(s, o.model);
    ck_assert_uint_eq(before.n_kept, after.n_kept);
    for (size_t i = 0; i < VOCAB; i++) ck_assert_float_eq_tol(before.logits[i], after.logits[i], 1e-3f);
    run_free(&before);
    run_free(&after);
    still_session_close(s);
    run_close(&o);
    free(tokens);
  }
}
END_TEST

/* ---- what the calls promise ------------------------------------------------------------------------------------ */

struct counts { /* rows x layers that passed, below and above the gate; the longest way of a call */
  uint64_t done[STILL_PHASES], most;
};

static int count_work(void *user, const still_progress *p) {
  struct counts *c = user;
  c->done[p->phase] = p->done;
  if (p->phase == STILL_PHASE_LOWER && p->total > c->most) c->most = p->total;
  return 0;
}

static still_session *counted(still_model *model, const char *settings, struct counts *counts) {
  still_hooks hooks = {.size = sizeof hooks, .user = counts, .progress = count_work};
  still_settings *s = run_settings(settings);
  still_session *session;
  ck_assert_int_eq(still_session_open(model, s, &hooks, &session, NULL), STILL_OK);
  still_settings_free(s);
  return session;
}

/* The work is what the header says: nothing above the gate for a text, the new rows and the window below it for a question. */
START_TEST(work_is_done_once) {
  struct opened o = open_small("");
  struct counts c = {0};
  still_report report = {.size = sizeof report};
  still_token *tokens = run_tokens(MOST, VOCAB, 6);
  still_session *s = counted(o.model, "min-tokens=0 start=0.4 window=16 suffix=8 ratio=0.5", &c); /* gate: layer 2 of 5 */
  ck_assert_int_eq(still_append(s, tokens, 300, &report), STILL_OK);
  ck_assert_uint_eq(c.done[STILL_PHASE_LOWER], 300 * 3);
  ck_assert_uint_eq(c.done[STILL_PHASE_UPPER], 0);
  ck_assert_uint_eq(report.kept, 0);
  ck_assert_uint_eq(report.tokens, 300);
  ck_assert_uint_eq(report.start_layer, 2);
  ck_assert_int_eq(report.dense, 0);
  ck_assert_int_eq(still_prefill(s, tokens + 300, 10, &report), STILL_OK);
  ck_assert_uint_eq(c.done[STILL_PHASE_LOWER], 16 * 3);
  ck_assert_uint_eq(report.kept, 155);
  ck_assert_uint_eq(still_kept(s, NULL, 0), 155);
  ck_assert_int_eq(still_session_rewind(s, 300), STILL_OK);
  ck_assert_uint_eq(still_kept(s, NULL, 0) + still_scores(s, NULL, 0), 0);
  ck_assert_int_eq(still_prefill(s, tokens + 300, 40, NULL), STILL_OK);
  ck_assert_uint_eq(c.done[STILL_PHASE_LOWER], 40 * 3);
  still_session_close(s);
  s = counted(o.model, "min-tokens=0 start=0.4 policy=delta suffix=8 ratio=0.5", &c); /* no row passes twice */
  ck_assert_int_eq(still_append(s, tokens, 300, NULL), STILL_OK);
  ck_assert_int_eq(still_prefill(s, tokens + 300, 10, NULL), STILL_OK);
  ck_assert_uint_eq(c.done[STILL_PHASE_LOWER], 10 * 3);
  still_session_close(s);
  run_close(&o);
  free(tokens);
}
END_TEST

/* Rows that wait below the gate go on from there, and those of the question alone begin at the bottom. */
START_TEST(rows_climb) {
  static const char *const settings[] = {"min-tokens=0 start=0.6 window=16 suffix=8 ratio=0.5", "start=0.6",
                                         "min-tokens=0 start=0.6 window=16 suffix=8 ratio=0.5 policy=block every=1",
                                         "policy=dense start=0.6", "start=1"};
  struct opened o = open_small(_i % 2 ? "panels=1" : "");
  struct counts c = {0};
  still_token *tokens = run_tokens(MOST, VOCAB, 12);
  char path[] = "check_regate_XXXXXX";
  close(mkstemp(path));
  still_session *low = run_session(o.model, "start=0.2"), *high = counted(o.model, settings[_i], &c);
  ck_assert_int_eq(still_append(low, tokens, 300, NULL), STILL_OK);
  ck_assert_int_eq(still_session_save(low, path), STILL_OK);
  ck_assert_msg(still_session_load(high, path) == STILL_OK, "%s", still_session_error(high));
  ck_assert_int_eq(still_prefill(high, tokens + 300, 20, NULL), STILL_OK);
  ck_assert_uint_le(c.most, 300 * 4); /* of layers 1 to 4 at the most; 320 rows x 4 layers and more from the bottom */
  struct run climbed = run_take(high, o.model), fresh = run_prefill(o.model, settings[_i], tokens, 320);
  run_same(&fresh, &climbed, settings[_i]);
  run_free(&climbed);
  ask(high, 300, tokens + 300, 20); /* once is enough */
  climbed = run_take(high, o.model);
  run_same(&fresh, &climbed, settings[_i]);
  run_free(&climbed);
  run_free(&fresh);
  unlink(path);
  still_session_close(low);
  still_session_close(high);
  run_close(&o);
  free(tokens);
}
END_TEST

/* Without halting what stands above stays, too: under the policy dense, and behind the open gate of a short timeline. */
START_TEST(dense_goes_on) {
  static const char *const settings[] = {"policy=dense", "start=0.4"};
  struct opened o = open_small("");
  struct counts c = {0};
  still_report report = {.size = sizeof report};
  still_token *tokens = run_tokens(MOST, VOCAB, 7);
  still_session *s = counted(o.model, settings[_i], &c);
  ck_assert_int_eq(still_append(s, tokens, 300, &report), STILL_OK);
  ck_assert_uint_eq(c.done[STILL_PHASE_LOWER], 300 * (_i ? 3 : 5));
  ck_assert_uint_eq(report.kept, _i ? 0 : 300);
  for (int round = 0; round < 2; round++) {
    ck_assert_int_eq(still_prefill(s, tokens + 300, 10, &report), STILL_OK);
    ck_assert_uint_eq(c.done[STILL_PHASE_LOWER], 10 * (_i ? 3 : 5));
    if (_i) ck_assert_uint_eq(c.done[STILL_PHASE_UPPER], (round ? 10 : 310) * 3);
    ck_assert(report.dense && report.kept == 310 && report.start_layer == 5);
    ck_assert_int_eq(still_session_rewind(s, 300), STILL_OK);
  }
  ck_assert_int_eq(still_prefill(s, NULL, 0, NULL), STILL_OK); /* asks with the text's own last row */
  struct run again = run_take(s, o.model), fresh = run_prefill(o.model, "policy=dense", tokens, 300);
  run_same(&fresh, &again, settings[_i]);
  run_free(&again);
  run_free(&fresh);
  still_session_close(s);
  run_close(&o);
  free(tokens);
}
END_TEST

static int cancel_at(void *user, const still_progress *progress) {
  (void)progress;
  return (*(int *)user)-- == 0;
}

START_TEST(cancel_an_append) {
  struct opened o = open_small("");
  still_token *tokens = run_tokens(MOST, VOCAB, 8);
  int left = -1, cancelled = 0;
  still_hooks hooks = {.size = sizeof hooks, .user = &left, .progress = cancel_at};
  still_settings *settings = run_settings("min-tokens=0 chunk=32 suffix=8");
  still_session *s;
  ck_assert_int_eq(still_session_open(o.model, settings, &hooks, &s, NULL), STILL_OK);
  ck_assert_int_eq(still_append(s, tokens, 100, NULL), STILL_OK);
  for (int at = 0;; at++) {
    left = at;
    still_status status = still_append(s, tokens + 100, 120, NULL);
    if (status == STILL_OK) break;
    ck_assert_int_eq(status, STILL_ECANCELLED);
    ck_assert_uint_eq(still_session_tokens(s, NULL, 0), 100);
    cancelled++;
  }
  ck_assert_int_gt(cancelled, 5);
  left = -1;
  ck_assert_int_eq(still_prefill(s, tokens + 220, 30, NULL), STILL_OK);
  struct run r = run_take(s, o.model), fresh = run_prefill(o.model, "min-tokens=0 suffix=8", tokens, 250);
  run_same(&fresh, &r, "after cancelled appends");
  run_free(&r);
  run_free(&fresh);
  still_session_close(s);
  still_settings_free(settings);
  run_close(&o);
  free(tokens);
}
END_TEST

/* A gate that is open to a short timeline, halts in a longer one (or was about to when it was cancelled) and opens again. */
START_TEST(gate_opens_and_closes) {
  static const char settings[] = "min-tokens=150 suffix=8 chunk=32";
  struct opened o = open_small("");
  still_token *tokens = run_tokens(MOST, VOCAB, 11);
  struct run open = run_prefill(o.model, settings, tokens, 110), halts = run_prefill(o.model, settings, tokens, 200);
  int left = -1, cancelled = 0;
  still_hooks hooks = {.size = sizeof hooks, .user = &left, .progress = cancel_at};
  still_settings *t = run_settings(settings);
  still_session *s;
  ck_assert_int_eq(still_session_open(o.model, t, &hooks, &s, NULL), STILL_OK);
  still_status status = STILL_ECANCELLED;
  for (int at = 0; status != STILL_OK; at++) {
    left = -1;
    ck_assert_int_eq(still_session_rewind(s, at ? 100 : 0), STILL_OK);
    ck_assert_int_eq(still_prefill(s, tokens + (at ? 100 : 0), at ? 10 : 110, NULL), STILL_OK);
    struct run r = run_take(s, o.model);
    run_same(&open, &r, "open");
    run_free(&r);
    left = at;
    status = still_prefill(s, tokens + 110, 90, NULL);
    cancelled += status != STILL_OK;
  }
  struct run r = run_take(s, o.model);
  run_same(&halts, &r, "halting");
  run_free(&r);
  ck_assert_int_gt(cancelled, 10);
  run_free(&open);
  run_free(&halts);
  still_session_close(s);
  still_settings_free(t);
  run_close(&o);
  free(tokens);
}
END_TEST

START_TEST(refusals) {
  struct opened o = open_small("");
  still_token *tokens = run_tokens(MOST, VOCAB, 9);
  still_session *s = run_session(o.model, "ctx=100");
  ck_assert_int_eq(still_append(s, tokens, 0, NULL), STILL_EARG);
  ck_assert_int_eq(still_append(s, tokens, 101, NULL), STILL_ELIMIT);
  ck_assert_int_eq(still_session_rewind(s, 1), STILL_EARG);
  ck_assert_int_eq(still_append(s, tokens, 50, NULL), STILL_OK);
  ck_assert_int_eq(still_decode(s, 5), STILL_ESTATE);
  ck_assert_int_eq(still_session_rewind(s, 51), STILL_EARG);
  ck_assert_ptr_nonnull(strstr(still_session_error(s), "50 tokens"));
  ck_assert_int_eq(still_session_rewind(s, 50), STILL_OK);
  ck_assert_int_eq(still_session_rewind(s, 0), STILL_OK);
  ck_assert_int_eq(still_prefill(s, tokens, 0, NULL), STILL_EARG);
  still_session_close(s);
  run_close(&o);
  free(tokens);
}
END_TEST

/* A session of questions takes what the plan says, and no question leaves anything behind. */
START_TEST(memory_as_planned) {
  static const char *const settings[] = {"min-tokens=0", "min-tokens=0 policy=block every=2", "min-tokens=4000"};
  struct opened o = open_small("threads=2");
  still_token *tokens = run_tokens(2000, VOCAB, 10);
  still_settings *t = run_settings(settings[_i]);
  still_plan plan = {.size = sizeof plan};
  still_report report = {.size = sizeof report};
  ck_assert_int_eq(still_model_plan(o.model, t, 2000, &plan), STILL_OK);
  still_session *s = run_session(o.model, settings[_i]);
  ck_assert_int_eq(still_append(s, tokens, 1700, NULL), STILL_OK);
  ck_assert_int_eq(still_prefill(s, tokens + 1700, 300, &report), STILL_OK);
  double ratio = (double)report.peak_bytes / (double)plan.total;
  ck_assert_msg(ratio > 0.95 && ratio < 1.05, "%s: planned %.2f MiB, took %.2f", settings[_i], (double)plan.total / 0x1p20,
                (double)report.peak_bytes / 0x1p20);
  size_t bytes = atomic_load(&s->ctx.bytes);
  for (size_t i = 1; i <= 20; i++) {
    ask(s, 1700, tokens + 1700, 15 * i);
    ck_assert_uint_eq(atomic_load(&s->ctx.bytes), bytes);
  }
  still_session_close(s);
  still_settings_free(t);
  run_close(&o);
  free(tokens);
}
END_TEST

/* ---- the pieces of a dialogue ---------------------------------------------------------------------------------- */

/* The text of tokens, special ones by their spelling. */
static void spell(const still_model *model, const still_token *tokens, size_t n, char *text, size_t size) {
  size_t length = strlen(text), bytes;
  const char *piece;
  for (size_t i = 0; i < n; i++, length += bytes) {
    ck_assert_int_eq(still_token_piece(model, tokens[i], 1, &piece, &bytes), STILL_OK);
    ck_assert_uint_lt(length + bytes, size);
    memcpy(text + length, piece, bytes);
    text[length + bytes] = '\0';
  }
}

/* Pieces with their gaps filled are the text of the whole dialogue. */
START_TEST(pieces_make_the_dialogue) {
  static const char *const roles[] = {"system", "user", "assistant", "user"};
  static const char *const words[] = {"Be <|im_end|> brief.", "one", "two", "3"};
  struct opened o = open_small("");
  still_message whole[4], gaps[4];
  still_token tokens[256];
  size_t n, end[4];
  char wanted[1024] = "", found[1024] = "";
  for (int i = 0; i < 4; i++) {
    whole[i] = (still_message){roles[i], words[i]};
    gaps[i] = (still_message){roles[i], i ? NULL : words[i]};
  }
  ck_assert_int_eq(still_chat_tokenize(o.model, whole, 4, 0, tokens, 256, &n), STILL_OK);
  spell(o.model, tokens, n, wanted, sizeof wanted);
  ck_assert_int_eq(still_chat_pieces(o.model, gaps, 4, 0, NULL, 0, end, 4, &n), STILL_ELIMIT);
  ck_assert_int_eq(still_chat_pieces(o.model, gaps, 4, 0, tokens, n, end, 4, &n), STILL_OK);
  ck_assert_uint_eq(end[3], n);
  for (size_t i = 0; i < 4; i++) {
    size_t from = i ? end[i - 1] : 0;
    ck_assert_uint_gt(end[i], from);
    spell(o.model, tokens + from, end[i] - from, found, sizeof found);
    if (i < 3) strcat(found, words[i + 1]);
  }
  ck_assert_str_eq(found, wanted);
  int ends = 0; /* those of the template; the one in a message is text */
  for (size_t i = 0; i < end[0]; i++) ends += still_token_is_end(o.model, tokens[i]);
  ck_assert_int_eq(ends, 1);
  ck_assert_int_eq(still_chat_pieces(o.model, gaps, 4, 0, tokens, 256, end, 3, &n), STILL_EARG);
  gaps[0].content = "\x1a(gap)\x1a"; /* a message that looks like a gap makes one too many */
  ck_assert_int_eq(still_chat_pieces(o.model, gaps, 4, 0, tokens, 256, end, 4, &n), STILL_EUNSUPPORTED);
  ck_assert_ptr_nonnull(strstr(still_model_error(o.model), "repeats"));
  run_close(&o);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("regate");
  TCase *tc = tcase_create("questions");
  tcase_set_timeout(tc, 3000);
  tcase_add_loop_test(tc, a_question_is_a_fresh_prefill, 0, GROUPS);
  tcase_add_test(tc, every_level);
  tcase_add_test(tc, float_path_asks_too);
  tcase_add_test(tc, work_is_done_once);
  tcase_add_loop_test(tc, rows_climb, 0, 5);
  tcase_add_loop_test(tc, dense_goes_on, 0, 2);
  tcase_add_test(tc, cancel_an_append);
  tcase_add_test(tc, gate_opens_and_closes);
  tcase_add_test(tc, refusals);
  tcase_add_loop_test(tc, memory_as_planned, 0, 3);
  tcase_add_test(tc, pieces_make_the_dialogue);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
