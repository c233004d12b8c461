/*
 * check_calibration.c - calibration files: what is read, what is refused, where one is found, who decides, and sessions whose
 * settings change while rows wait.
 *
 * In:       tiny models, a folder.  Out: TAP.
 * Not here: the search that writes them (check_calibrate.c, cli_eval.sh).
 */
#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/session.h"
#include "tests/states.h"

static char text[4096], model_path[128], digest_hex[65];
static still_model *model;

static const char gate[] = "policy query\nstart %s\nratio %s\ntau -1\ntau-only 0\nevery 0\nwindow 8\ngate-layers 2\npool 3\n"
                           "wake 0.5\nmin-tokens 4\n";
static const char head[] = "stillpoint-calibration 1\n# by hand\nmodel %s\nnumerics %d\nnote a test\n\n"
                           "quality strict\npolicy dense\n\nquality balanced\n";
static const char measured[] = "bound 1.25\nquestions 40\nretrieval 0.9 0.8 0.95\nloss-difference 0.01 -0.02 0.04\n\n";

/* A sound file for a model; fast is another start than balanced, strict is dense. */
static const char *sound(const char *hex) {
  size_t n = (size_t)snprintf(text, sizeof text, head, hex, SP_NUMERICS_VERSION);
  n += (size_t)snprintf(text + n, sizeof text - n, gate, "0.5", "0.5");
  n += (size_t)snprintf(text + n, sizeof text - n, "%squality fast\n", measured);
  snprintf(text + n, sizeof text - n, gate, "0.2", "0.75");
  return text;
}

static const char some_hex[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

static still_status parse(const char *bytes, size_t n, struct sp_error *e, struct sp_calibration *c) {
  *e = (struct sp_error){0};
  return sp_calibration_parse(e, "FILE", bytes, n, c);
}

static void folder_open(void) {
  struct tiny_spec spec;
  still_error error = {.size = sizeof error};
  uint8_t digest[32];
  states_folder_open();
  setenv("STILLPOINT_CALIBRATION_DIR", states_path("installed"), 1);
  tiny_preset(&spec);
  spec.tied = true;
  char first[256];
  snprintf(model_path, sizeof model_path, "%s", states_path("tiny.gguf"));
  tiny_write(&spec, model_path, first, sizeof first);
  ck_assert_int_eq(still_model_open(model_path, NULL, NULL, &model, &error), STILL_OK);
  ck_assert_int_eq(still_model_digest(model, digest), STILL_OK);
  for (size_t i = 0; i < 32; i++) snprintf(digest_hex + 2 * i, 3, "%02x", digest[i]);
}

static void folder_close(void) {
  still_model_close(model);
  states_folder_close();
}

/* ---- the format ------------------------------------------------------------------------------------------------- */

START_TEST(a_sound_file_is_read) {
  struct sp_error e;
  struct sp_calibration c;
  sound(some_hex);
  ck_assert_msg(parse(text, strlen(text), &e, &c) == STILL_OK, "%s", e.text);
  ck_assert_int_eq(c.model[1], 0x11);
  ck_assert_int_eq(c.numerics, SP_NUMERICS_VERSION);
  ck_assert_int_eq(c.level[SP_QUALITY_STRICT].value.policy, SP_POLICY_DENSE);
  ck_assert_double_eq(c.level[SP_QUALITY_BALANCED].value.start, 0.5);
  ck_assert_double_eq(c.level[SP_QUALITY_FAST].value.ratio, 0.75);
  ck_assert_int_eq(c.level[SP_QUALITY_FAST].value.window, 8);
  ck_assert_int_eq(c.level[SP_QUALITY_FAST].value.min_tokens, 4);
}
END_TEST

/* Those that are installed: sound, each under the digest of its model, of the present arithmetic. */
START_TEST(shipped_ones_are_sound) {
  char pattern[512];
  glob_t found;
  const char *source = getenv("SRC");
  snprintf(pattern, sizeof pattern, "%s/calibration/*.calibration", source ? source : ".");
  int status = glob(pattern, 0, NULL, &found);
  if (status == GLOB_NOMATCH) printf("# none is shipped\n");
  ck_assert_msg(status == 0 || status == GLOB_NOMATCH, "%s", pattern);
  for (size_t i = 0; i < found.gl_pathc; i++) {
    static char bytes[1 << 16];
    struct sp_error e;
    struct sp_calibration c;
    char hex[65];
    FILE *file = fopen(found.gl_pathv[i], "rb");
    size_t n = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    ck_assert_msg(parse(bytes, n, &e, &c) == STILL_OK, "%s: %s", found.gl_pathv[i], e.text);
    ck_assert_uint_eq(c.numerics, SP_NUMERICS_VERSION);
    for (size_t k = 0; k < 32; k++) snprintf(hex + 2 * k, 3, "%02x", c.model[k]);
    ck_assert_ptr_nonnull(strstr(found.gl_pathv[i], hex));
  }
  globfree(&found);
}
END_TEST

/* Only whole lines of measures at the end may be missing, and there are none at the end of this file. */
START_TEST(every_length_counts) {
  struct sp_error e;
  struct sp_calibration c;
  size_t n = strlen(sound(some_hex));
  for (size_t i = 0; i < n; i++) {
    ck_assert_msg(parse(text, i, &e, &c) == STILL_EFORMAT, "%zu bytes", i);
    ck_assert_msg(strstr(e.text, "FILE") && strchr(e.text, ';'), "%s", e.text);
  }
}
END_TEST

/* A flipped bit either is refused with file, line and remedy or leaves values that a caller could have set. */
START_TEST(every_bit_is_safe) {
  struct sp_error e;
  struct sp_calibration c;
  size_t n = strlen(sound(some_hex)), refused = 0;
  for (size_t i = 0; i < n; i++)
    for (int bit = 0; bit < 8; bit++) {
      text[i] ^= (char)(1 << bit);
      still_status status = parse(text, n, &e, &c);
      ck_assert_msg(status == STILL_OK || status == STILL_EFORMAT || status == STILL_EUNSUPPORTED, "byte %zu: %d", i, status);
      if (status != STILL_OK) ck_assert_msg(strstr(e.text, "FILE") && strchr(e.text, ';'), "%s", e.text);
      refused += status != STILL_OK;
      for (int q = 0; status == STILL_OK && q < SP_QUALITIES; q++) {
        const struct sp_settings *s = &c.level[q].value;
        ck_assert(s->ratio >= 0 && s->ratio < 1 && s->start >= 0 && s->start <= 1 && s->pool % 2 == 1 && s->window >= 1);
      }
      text[i] ^= (char)(1 << bit);
    }
  ck_assert_uint_gt(refused, 6 * n);
}
END_TEST

static const struct {
  const char *line, *instead;   /* what a sound file says, and what is put there */
  still_status status;
  const char *word;             /* of the sentence */
} wrong[] = {
    {"stillpoint-calibration 1", "stillpoint-calibration 2", STILL_EUNSUPPORTED, "format 2"},
    {"stillpoint-calibration 1", "stillpoint-state 1", STILL_EFORMAT, "no calibration"},
    {"stillpoint-calibration 1", "stillpoint-calibration one", STILL_EFORMAT, "line 1"},
    {"model 00", "model 0", STILL_EFORMAT, "64 hexadecimal digits"},
    {"model 00", "model 0g", STILL_EFORMAT, "line 3"},
    {"model 00", "node 00", STILL_EFORMAT, "node"},
    {"numerics 1", "numerics 0", STILL_EFORMAT, "line 4"},
    {"numerics 1\n", "", STILL_EFORMAT, "numerics"},
    {"numerics 1", "numerics 1\nnumerics 1", STILL_EFORMAT, "twice"},
    {"note a test", "note ", STILL_EFORMAT, "note"},
    {"note a test", "policy query", STILL_EFORMAT, "before the first quality"},
    {"quality strict\npolicy dense\n", "", STILL_EFORMAT, "without the quality strict"},
    {"quality strict\npolicy dense\n", "quality strict\n", STILL_EFORMAT, "without its policy"},
    {"quality strict", "quality best", STILL_EFORMAT, "best"},
    {"quality strict", "quality balanced\npolicy dense\nquality strict", STILL_EFORMAT, "twice"},
    {"policy query", "policy guess", STILL_EFORMAT, "policy"},
    {"ratio 0.5", "ratio 1", STILL_EFORMAT, "ratio"},
    {"ratio 0.5", "ratio  0.5", STILL_EFORMAT, "blank"},
    {"ratio 0.5", "ratio 0.5\nratio 0.5", STILL_EFORMAT, "twice"},
    {"ratio 0.5\n", "", STILL_EFORMAT, "without its ratio"},
    {"pool 3", "pool 4", STILL_EFORMAT, "odd"},
    {"pool 3", "pools 3", STILL_EFORMAT, "pools"},
    {"window 8", "suffix 8", STILL_EFORMAT, "suffix"},
    {"bound 1.25", "bound 1.25 2", STILL_EFORMAT, "bound"},
    {"bound 1.25", "bound nan", STILL_EFORMAT, "bound"},
    {"retrieval 0.9 0.8 0.95", "retrieval 0.9 0.8", STILL_EFORMAT, "3 numbers"},
    {"retrieval 0.9 0.8 0.95", "retrieval 0.9  0.8 0.95", STILL_EFORMAT, "blank"},
    {"questions 40", "questions 40\nquestions 40", STILL_EFORMAT, "twice"},
    {"note a test", "note a \x01", STILL_EFORMAT, "ASCII"},
    {"note a test", "note \xc3\xa4", STILL_EFORMAT, "ASCII"},
};

START_TEST(what_is_wrong_is_named) {
  struct sp_error e;
  struct sp_calibration c;
  char changed[sizeof text + 64];
  sound(some_hex);
  const char *at = strstr(text, wrong[_i].line);
  ck_assert_ptr_nonnull(at);
  snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - text), text, wrong[_i].instead, at + strlen(wrong[_i].line));
  ck_assert_msg(parse(changed, strlen(changed), &e, &c) == wrong[_i].status, "%s: %s", wrong[_i].instead, e.text);
  ck_assert_msg(strstr(e.text, wrong[_i].word) && strstr(e.text, "FILE") && strchr(e.text, ';'), "%s", e.text);
}
END_TEST

START_TEST(nothing_huge_is_read) {
  struct sp_error e;
  struct sp_calibration c;
  size_t n = 1 << 20;
  char *huge = malloc(n);
  memset(huge, '#', n);
  ck_assert_int_eq(parse(huge, n, &e, &c), STILL_EFORMAT);
  ck_assert_ptr_nonnull(strstr(e.text, "65536"));
  ck_assert_int_eq(parse(huge, 1000, &e, &c), STILL_EFORMAT);
  ck_assert_ptr_nonnull(strstr(e.text, "1000 bytes"));
  free(huge);
}
END_TEST

/* ---- where it is found, and who decides ------------------------------------------------------------------------ */

static void put(const char *name, const char *content) {
  states_write(states_path(name), (const uint8_t *)content, strlen(content));
}

/* Settings in force and what the report says of them; `wanted` is the status of opening. */
static still_settings *in_force(const char *given, still_status wanted, char *sentence, size_t size) {
  still_settings *settings = run_settings(given), *out = still_settings_new();
  still_session *s = NULL;
  still_error error = {.size = sizeof error};
  ck_assert_msg(still_session_open(model, settings, NULL, &s, &error) == wanted, "%s: %s", given, error.text);
  snprintf(sentence, size, "%s", error.text);
  if (s) {
    ck_assert_int_eq(still_session_settings(s, out), STILL_OK);
    ck_assert_int_eq(still_settings_origin(out, sentence, size), STILL_OK);
  }
  still_session_close(s);
  still_settings_free(settings);
  return out;
}

static void expect(const char *given, const char *policy, double start, const char *origin) {
  char found[32], sentence[512];
  double real;
  still_settings *s = in_force(given, STILL_OK, sentence, sizeof sentence);
  ck_assert_int_eq(still_get(s, "policy", found, sizeof found), STILL_OK);
  ck_assert_int_eq(still_get_real(s, "start", &real), STILL_OK);
  ck_assert_msg(strcmp(found, policy) == 0, "%s: %s", given, found);
  ck_assert_msg(real == start, "%s: %g", given, real);
  ck_assert_msg(strstr(sentence, origin) != NULL, "%s: %s", given, sentence);
  still_settings_free(s);
}

static void expect_refused(const char *given, still_status status, const char *word) {
  char sentence[512];
  still_settings_free(in_force(given, status, sentence, sizeof sentence));
  ck_assert_msg(strstr(sentence, word) && strchr(sentence, ';'), "%s: %s", given, sentence);
}

START_TEST(without_a_file_the_presets_hold) {
  expect("", "query", 0.4, "presets");
  expect("quality=fast", "query", 0.4, "presets");
  expect("quality=strict", "dense", 0.4, "no calibration, quality strict");
  expect("quality=strict ratio=0.5", "query", 0.4, "caller");
  expect("start=0.3", "query", 0.3, "caller");
  expect_refused("calibration=/none/such", STILL_EIO, "No such file");
}
END_TEST

START_TEST(three_places) {
  char named[256], installed[256];
  snprintf(installed, sizeof installed, "installed/%s.calibration", digest_hex);
  ck_assert_int_eq(mkdir(states_path("installed"), 0700), 0);
  put(installed, sound(digest_hex));
  expect("", "query", 0.5, digest_hex);
  put("tiny.calibration", sound(digest_hex)); /* beside the model goes first */
  expect("", "query", 0.5, "tiny.calibration, quality balanced");
  put("other", sound(digest_hex));
  snprintf(named, sizeof named, "calibration=%s quality=fast", states_path("other"));
  expect(named, "query", 0.2, "other, quality fast");
  expect("calibration=none", "query", 0.4, "presets");
  unlink(states_path(installed));
  rmdir(states_path("installed"));
}
END_TEST

START_TEST(a_foreign_file_is_refused_everywhere) {
  char named[256], installed[256];
  snprintf(installed, sizeof installed, "installed/%s.calibration", digest_hex);
  ck_assert_int_eq(mkdir(states_path("installed"), 0700), 0);
  put(installed, sound(some_hex));
  expect_refused("", STILL_EUNSUPPORTED, "another model");
  put("tiny.calibration", sound(some_hex));
  expect_refused("", STILL_EUNSUPPORTED, "tiny.calibration is the calibration of another model");
  put("other", sound(some_hex));
  snprintf(named, sizeof named, "calibration=%s", states_path("other"));
  expect_refused(named, STILL_EUNSUPPORTED, "--calibration none");
  snprintf(named, sizeof named, "calibration=%s ratio=0.5", states_path("other")); /* named, so checked in any case */
  expect_refused(named, STILL_EUNSUPPORTED, "another model");
  expect("calibration=none", "query", 0.4, "presets");
  expect("ratio=0.5", "query", 0.4, "caller"); /* not looked for */
  put("tiny.calibration", "stillpoint-calibration 1\nmodel x\n");
  expect_refused("", STILL_EFORMAT, "line 2");
  still_plan plan = {.size = sizeof plan};
  ck_assert_int_eq(still_model_plan(model, NULL, 100, &plan), STILL_EFORMAT);
  ck_assert_ptr_nonnull(strstr(still_model_error(model), "line 2"));
  unlink(states_path(installed));
  rmdir(states_path("installed"));
}
END_TEST

START_TEST(another_arithmetic_is_refused) {
  char *at = strstr(sound(digest_hex), "numerics 1");
  at[9] = '7';
  put("tiny.calibration", text);
  expect_refused("", STILL_EUNSUPPORTED, "version 7 of the arithmetic");
}
END_TEST

START_TEST(who_sets_one_decides_all) {
  static const char *const settings[] = {"policy=query", "start=0.4", "ratio=0.666", "tau=-1", "tau-only=0", "every=0",
                                         "window=64", "gate-layers=4", "pool=31"};
  put("tiny.calibration", sound(digest_hex));
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) expect(settings[i], "query", 0.4, "caller");
  expect("policy=dense", "dense", 0.4, "caller");
  expect("quality=balanced", "query", 0.5, "quality balanced");
  expect("quality=fast", "query", 0.2, "quality fast");
  expect("quality=strict", "dense", 0.4, "quality strict");
  expect("chunk=7 ctx=300 prefix=5 suffix=7 gate-seed=3 seed=5", "query", 0.5, "quality balanced");
}
END_TEST

START_TEST(wake_and_min_tokens_may_be_set_beside) {
  int64_t least;
  double wake;
  char sentence[512];
  put("tiny.calibration", sound(digest_hex));
  still_settings *s = in_force("", STILL_OK, sentence, sizeof sentence);
  still_get_int(s, "min-tokens", &least);
  ck_assert_int_eq(least, 4);
  still_get_real(s, "wake", &wake);
  ck_assert(wake == 0.5);
  still_settings_free(s);
  s = in_force("wake=0", STILL_OK, sentence, sizeof sentence);
  still_get_real(s, "wake", &wake);
  ck_assert(wake == 0);
  ck_assert_ptr_nonnull(strstr(sentence, "quality balanced"));
  still_settings_free(s);
  s = in_force("min-tokens=77", STILL_OK, sentence, sizeof sentence);
  still_get_int(s, "min-tokens", &least);
  ck_assert_int_eq(least, 77);
  ck_assert_ptr_nonnull(strstr(sentence, "quality balanced"));
  still_settings_free(s);
}
END_TEST

/* What came out of a session may be given to another. */
START_TEST(settings_in_force_mean_the_same_again) {
  static const char *const given[] = {"", "quality=fast", "quality=strict", "ratio=0.25", "calibration=none quality=strict"};
  put("tiny.calibration", sound(digest_hex));
  for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
    char first[512], second[512];
    still_settings *a = in_force(given[i], STILL_OK, first, sizeof first), *b = still_settings_new();
    still_settings *copy = still_settings_copy(a);
    still_session *s = NULL;
    ck_assert_int_eq(still_session_open(model, copy, NULL, &s, NULL), STILL_OK);
    ck_assert_int_eq(still_session_settings(s, b), STILL_OK);
    ck_assert_int_eq(memcmp(&a->value, &b->value, sizeof a->value), 0);
    still_settings_origin(b, second, sizeof second);
    ck_assert_str_eq(first, second);
    still_session_close(s);
    still_settings_free(a);
    still_settings_free(b);
    still_settings_free(copy);
  }
}
END_TEST

START_TEST(reports_say_who_decided) {
  static const struct {
    const char *given, *why, *settings;
  } cases[] = {{"quality=strict", "the calibration says dense at quality strict", "quality strict"},
               {"quality=strict calibration=none", "no calibration of this model proves a setting at quality strict",
                "no calibration"},
               {"policy=dense", "the policy is dense", "caller"},
               {"min-tokens=100", "fewer tokens than min-tokens", "quality balanced"},
               {"quality=fast", "", "quality fast"}};
  still_token *tokens = run_tokens(40, 384, 3);
  put("tiny.calibration", sound(digest_hex));
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char given[128];
    snprintf(given, sizeof given, "prefix=1 suffix=1 %s", cases[i].given);
    still_session *s = run_session(model, given);
    still_report r = {.size = sizeof r};
    ck_assert_int_eq(still_prefill(s, tokens, 40, &r), STILL_OK);
    ck_assert_str_eq(r.why_dense, cases[i].why);
    ck_assert_msg(strstr(r.settings, cases[i].settings) != NULL, "%s", r.settings);
    if (!*cases[i].why) ck_assert_uint_eq(r.kept, 10);
    still_report old = {.size = offsetof(still_report, settings)}; /* of a caller who knows no more */
    memset(old.settings, 'x', sizeof old.settings);
    ck_assert_int_eq(still_append(s, tokens, 1, &old), STILL_OK);
    ck_assert_int_eq(old.settings[0], 'x');
    still_session_close(s);
  }
  free(tokens);
}
END_TEST

START_TEST(a_path_is_a_setting_of_its_own_kind) {
  still_settings *s = still_settings_new();
  char value[5000], longest[5000];
  int64_t whole;
  double real;
  memset(longest, 'p', sizeof longest);
  longest[4095] = '\0';
  ck_assert_int_eq(still_set(s, "calibration", longest), STILL_OK);
  ck_assert_int_eq(still_get(s, "calibration", value, sizeof value), STILL_OK);
  ck_assert_str_eq(value, longest);
  ck_assert_int_eq(still_get(s, "calibration", value, 100), STILL_ELIMIT);
  longest[4095] = 'p', longest[4096] = '\0';
  ck_assert_int_eq(still_set(s, "calibration", longest), STILL_EARG);
  ck_assert_int_eq(still_set_int(s, "calibration", 1), STILL_EARG);
  ck_assert_int_eq(still_get_int(s, "calibration", &whole), STILL_EARG);
  ck_assert_int_eq(still_get_real(s, "calibration", &real), STILL_EARG);
  still_settings_free(s);
}
END_TEST

/* ---- a session whose settings change --------------------------------------------------------------------------- */

enum { TOKENS = 60, ASKED = 50 };

static const char *const walk[] = {
    "policy=query start=0.2 ratio=0.5 pool=3",
    "policy=query start=0.2 ratio=0.75 pool=5",
    "policy=delta start=0.4 ratio=0.6",
    "policy=query start=0.7 ratio=0.5",
    "policy=dense",
    "policy=query start=0.2 ratio=0.5",
    "policy=block start=0.2 ratio=0.5",
    "policy=block start=0.5 ratio=0.5",
    "policy=query start=0.5 ratio=0.9 window=16",
    "policy=block start=0.5 ratio=0.4",
    "policy=query start=0.4 every=1 ratio=0.3",
    "policy=query start=0.4 min-tokens=100",
    "policy=query start=0.4 ratio=0.5",
    "policy=recent start=0.99 ratio=0.5",
    "policy=dense",
};

static const char *with_ends(const char *settings) {
  static char all[200];
  snprintf(all, sizeof all, "chunk=13 prefix=1 suffix=2 window=8 min-tokens=0 %s", settings);
  return all;
}

/* Each step equals a fresh session, whatever was asked before it, with questions that begin at the same place of the text. */
START_TEST(changed_settings_are_those_of_a_fresh_session) {
  still_token *tokens = run_tokens(TOKENS, 384, 5);
  still_session *s = run_session(model, with_ends(walk[0]));
  for (size_t i = 0; i < sizeof walk / sizeof walk[0]; i++) {
    still_settings *settings = run_settings(with_ends(walk[i]));
    ck_assert_int_eq(still_session_change(s, settings), STILL_OK);
    ck_assert_ptr_null(still_logits(s));
    for (size_t q = 0; q < 2; q++) { /* a question of 10 tokens, and one of 4 */
      size_t n = q ? ASKED + 4 : TOKENS, held = still_session_tokens(s, NULL, 0), from = held < ASKED ? held : ASKED;
      ck_assert_int_eq(still_session_rewind(s, from), STILL_OK);
      ck_assert_int_eq(still_prefill(s, tokens + from, n - from, NULL), STILL_OK);
      struct run now = run_take(s, model), fresh = run_prefill(model, with_ends(walk[i]), tokens, n);
      run_same(&fresh, &now, walk[i]);
      run_free(&now);
      run_free(&fresh);
      if (i % 3 == 0) ck_assert_int_eq(still_decode(s, tokens[0]), STILL_OK);
    }
    still_settings_free(settings);
  }
  still_session_close(s);
  free(tokens);
}
END_TEST

START_TEST(a_change_that_fails_changes_nothing) {
  still_token *tokens = run_tokens(TOKENS, 384, 5);
  still_session *s = run_session(model, with_ends(walk[0]));
  ck_assert_int_eq(still_prefill(s, tokens, TOKENS, NULL), STILL_OK);
  struct run before = run_take(s, model);
  still_settings *settings = run_settings("calibration=/none/such");
  ck_assert_int_eq(still_session_change(s, settings), STILL_EIO);
  ck_assert_ptr_nonnull(strstr(still_session_error(s), "No such file"));
  struct run now = run_take(s, model);
  run_same(&before, &now, "after a change that failed");
  ck_assert_int_eq(still_session_change(NULL, settings), STILL_EARG);
  run_free(&before);
  run_free(&now);
  still_settings_free(settings);
  still_session_close(s);
  free(tokens);
}
END_TEST

/* ctx and chunk stay: memory was laid out for them. */
START_TEST(a_change_keeps_what_memory_was_made_for) {
  still_session *s = run_session(model, "ctx=300 chunk=7");
  still_settings *settings = run_settings("ctx=200 chunk=9 ratio=0.25"), *now = still_settings_new();
  int64_t context, chunk;
  double ratio;
  ck_assert_int_eq(still_session_change(s, settings), STILL_OK);
  still_session_settings(s, now);
  still_get_int(now, "ctx", &context);
  still_get_int(now, "chunk", &chunk);
  still_get_real(now, "ratio", &ratio);
  ck_assert_int_eq(context, 300);
  ck_assert_int_eq(chunk, 7);
  ck_assert_double_eq(ratio, 0.25);
  still_settings_free(now);
  still_settings_free(settings);
  still_session_close(s);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("calibration");
  TCase *format = tcase_create("format"), *places = tcase_create("places"), *change = tcase_create("change");
  tcase_add_test(format, a_sound_file_is_read);
  tcase_add_test(format, shipped_ones_are_sound);
  tcase_add_test(format, every_length_counts);
  tcase_add_test(format, every_bit_is_safe);
  tcase_add_loop_test(format, what_is_wrong_is_named, 0, sizeof wrong / sizeof wrong[0]);
  tcase_add_test(format, nothing_huge_is_read);
  tcase_add_checked_fixture(places, folder_open, folder_close);
  tcase_add_test(places, without_a_file_the_presets_hold);
  tcase_add_test(places, three_places);
  tcase_add_test(places, a_foreign_file_is_refused_everywhere);
  tcase_add_test(places, another_arithmetic_is_refused);
  tcase_add_test(places, who_sets_one_decides_all);
  tcase_add_test(places, wake_and_min_tokens_may_be_set_beside);
  tcase_add_test(places, settings_in_force_mean_the_same_again);
  tcase_add_test(places, reports_say_who_decided);
  tcase_add_test(places, a_path_is_a_setting_of_its_own_kind);
  tcase_add_checked_fixture(change, folder_open, folder_close);
  tcase_add_test(change, changed_settings_are_those_of_a_fresh_session);
  tcase_add_test(change, a_change_that_fails_changes_nothing);
  tcase_add_test(change, a_change_keeps_what_memory_was_made_for);
  suite_add_tcase(suite, format);
  suite_add_tcase(suite, places);
  suite_add_tcase(suite, change);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
