/*
 * check_state.c - state files: refused when they are damaged, foreign or hostile, and never a change of the session that refuses.
 *
 * In:       tiny models.  Out: TAP.
 * Not here: that a loaded state gives the right bits (check_regate.c), how files come to be (check_save.c).
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/session.h"
#include "tests/states.h"

enum { DIGEST = 32, HEADER = 72, WORDS = 8 }; /* of the format, src/state.c */

/* ---- a session that refuses ------------------------------------------------------------------------------------ */

/* It has tokens and logits of its own. */
struct witness {
  still_session *session;
  struct run before;
};

static struct witness witness_open(still_model *model) {
  struct witness w = {.session = run_session(model, states_settings)};
  still_token *tokens = run_tokens(STATES_TOKENS + 3, STATES_VOCAB, 2);
  ck_assert_int_eq(still_prefill(w.session, tokens, STATES_TOKENS + 3, NULL), STILL_OK);
  w.before = run_take(w.session, model);
  free(tokens);
  return w;
}

static void unchanged(struct witness *w, still_model *model) {
  struct run now = run_take(w->session, model);
  ck_assert_uint_eq(still_session_tokens(w->session, NULL, 0), STATES_TOKENS + 3);
  run_same(&w->before, &now, "after a refusal");
  run_free(&now);
}

/* It goes on as one that never met a state. */
static void witness_close(struct witness *w, still_model *model) {
  still_token *tokens = run_tokens(STATES_TOKENS + 3, STATES_VOCAB, 2);
  unchanged(w, model);
  ck_assert_int_eq(still_decode(w->session, 7), STILL_OK);
  ck_assert_int_eq(still_prefill(w->session, tokens, 2, NULL), STILL_OK);
  struct run now = run_take(w->session, model);
  still_session *other = run_session(model, states_settings);
  ck_assert_int_eq(still_append(other, tokens, STATES_TOKENS + 3, NULL), STILL_OK);
  still_token rest[3] = {7, tokens[0], tokens[1]};
  ck_assert_int_eq(still_prefill(other, rest, 3, NULL), STILL_OK);
  struct run fresh = run_take(other, model);
  run_same(&fresh, &now, "after all refusals");
  run_free(&fresh);
  run_free(&now);
  run_free(&w->before);
  still_session_close(other);
  still_session_close(w->session);
  free(tokens);
}

static still_status load_bytes(still_session *s, const uint8_t *data, size_t size) {
  states_write(states_path("other"), data, size);
  return still_session_load(s, states_path("other"));
}

/* ---- damaged --------------------------------------------------------------------------------------------------- */

START_TEST(every_bit_counts) {
  struct opened o = states_open();
  struct tiny_bytes state;
  still_session *s = states_saved(o.model, states_settings, &state);
  struct witness w = witness_open(o.model);
  ck_assert_uint_lt(state.size, 2000);
  int fd = open(states_path("state"), O_WRONLY);
  for (size_t i = 0; i < state.size; i++)
    for (int bit = 0; bit < 8; bit++) {
      uint8_t wrong = state.data[i] ^ (uint8_t)(1 << bit);
      ck_assert_int_eq(pwrite(fd, &wrong, 1, (off_t)i), 1);
      ck_assert_msg(still_session_load(w.session, states_path("state")) == STILL_EFORMAT, "byte %zu, bit %d", i, bit);
      if (bit == 7) ck_assert_int_eq(pwrite(fd, &state.data[i], 1, (off_t)i), 1);
    }
  states_sentence(w.session);
  close(fd);
  witness_close(&w, o.model);
  tiny_free(&state);
  still_session_close(s);
  run_close(&o);
}
END_TEST

START_TEST(every_length_counts) {
  struct opened o = states_open();
  struct tiny_bytes state;
  still_session *s = states_saved(o.model, states_settings, &state);
  struct witness w = witness_open(o.model);
  for (size_t size = 0; size < state.size; size++) {
    ck_assert_msg(load_bytes(w.session, state.data, size) == STILL_EFORMAT, "%zu bytes", size);
    states_sentence(w.session);
  }
  tiny_put(&state, 0, 1);
  ck_assert_int_eq(load_bytes(w.session, state.data, state.size), STILL_EFORMAT);
  ck_assert_int_eq(load_bytes(w.session, state.data, state.size - 1), STILL_OK); /* at last the whole one */
  run_free(&w.before);
  still_session_close(w.session);
  tiny_free(&state);
  still_session_close(s);
  run_close(&o);
}
END_TEST

static void sum_again(struct tiny_bytes *b) { still_sha256(b->data, b->size - DIGEST, b->data + b->size - DIGEST); }

/* Whoever can compute a checksum can write anything: words of the header, tokens. None may do more than be refused. */
START_TEST(checksums_prove_nothing) {
  static const uint32_t values[] = {0, 1, 2, 3, 5, 255, 65536, 1u << 24,
                                    (1u << 24) + 1, 1u << 30, 1u << 31, UINT32_MAX - 3, UINT32_MAX};
  struct opened o = states_open();
  struct tiny_bytes state;
  still_session *s = states_saved(o.model, states_settings, &state);
  struct witness w = witness_open(o.model);
  uint32_t all[WORDS + STATES_TOKENS];
  for (size_t word = 0; word < WORDS + STATES_TOKENS; word++) {
    uint8_t *place = state.data + (word < WORDS ? 8 + 4 * word : HEADER + 4 * (word - WORDS));
    memcpy(&all[word], place, 4);
    for (size_t v = 0; v < sizeof values / sizeof values[0]; v++) {
      if (values[v] == all[word] || (word >= WORDS && values[v] < STATES_VOCAB)) continue;
      memcpy(place, &values[v], 4);
      sum_again(&state);
      still_status status = load_bytes(w.session, state.data, state.size);
      ck_assert_msg(status == STILL_EFORMAT || status == STILL_EUNSUPPORTED, "word %zu = %u: %s", word, values[v],
                    still_status_name(status));
      states_sentence(w.session);
    }
    memcpy(place, &all[word], 4);
  }
  size_t rows = HEADER + 4 * STATES_TOKENS;
  memset(state.data + rows, 0xff, state.size - DIGEST - rows); /* NaN everywhere */
  sum_again(&state);
  witness_close(&w, o.model);
  ck_assert_int_eq(load_bytes(s, state.data, state.size), STILL_OK);
  ck_assert_int_eq(still_prefill(s, NULL, 0, NULL), STILL_ENUMERIC);
  tiny_free(&state);
  still_session_close(s);
  run_close(&o);
}
END_TEST

/* ---- foreign --------------------------------------------------------------------------------------------------- */

/* `from` saves, `to` refuses and says the word. */
static void refuses(still_model *from_model, const char *from, still_model *to_model, const char *to, still_status wanted,
                    const char *word) {
  struct tiny_bytes state;
  still_session *a = states_saved(from_model, from, &state), *b = run_session(to_model, to);
  still_status status = still_session_load(b, states_path("state"));
  ck_assert_msg(status == wanted && strstr(still_session_error(b), word), "%s, then %s: %s: %s", from, to,
                still_status_name(status), still_session_error(b));
  if (status != STILL_OK) states_sentence(b);
  ck_assert_uint_eq(still_session_tokens(b, NULL, 0), status == STILL_OK ? STATES_TOKENS : 0);
  tiny_free(&state);
  still_session_close(a);
  still_session_close(b);
}

START_TEST(foreign_states) {
  struct opened o = states_open(), other;
  struct tiny_spec spec = states_spec();
  spec.seed++;
  other = run_open(&spec, "threads=1");
  refuses(o.model, states_settings, o.model, states_settings, STILL_OK, "");
  refuses(o.model, states_settings, o.model, "start=0.5 ratio=0.1 policy=delta pool=3 window=1 tau=0.1 every=1", STILL_OK, "");
  refuses(o.model, states_settings, o.model, "start=0.5 policy=dense", STILL_OK, "");
  refuses(o.model, "start=0.5 policy=block", o.model, states_settings, STILL_OK, "");
  refuses(o.model, "policy=dense", o.model, "policy=dense start=0.1", STILL_OK, "");
  refuses(o.model, states_settings, other.model, states_settings, STILL_EUNSUPPORTED, "another model");
  refuses(o.model, states_settings, o.model, "start=0.4", STILL_EUNSUPPORTED, "--start 0.7500");
  refuses(o.model, "start=0.1", o.model, states_settings, STILL_OK, ""); /* its rows climb */
  refuses(o.model, "start=0.1", o.model, "start=0.5 policy=block", STILL_OK, "");
  refuses(o.model, "start=0.1", o.model, "start=0.1 policy=block", STILL_EUNSUPPORTED, "block");
  refuses(o.model, "policy=dense", o.model, states_settings, STILL_EUNSUPPORTED, "dense");
  refuses(o.model, states_settings, o.model, "start=0.5 policy=block", STILL_EUNSUPPORTED, "block");
  refuses(o.model, states_settings, o.model, "start=0.5 ctx=3", STILL_ELIMIT, "--ctx");
  run_close(&other);
  run_close(&o);
}
END_TEST

/* A hint of a refusal is one that helps. */
START_TEST(the_hint_helps) {
  struct opened o = states_open();
  refuses(o.model, states_settings, o.model, "start=0.75", STILL_OK, "");
  run_close(&o);
}
END_TEST

START_TEST(other_arithmetic) {
  struct opened o = states_open();
  struct tiny_spec spec = states_spec();
  struct opened f;
  if (run_open_floats(&spec, &f)) {
    refuses(o.model, states_settings, f.model, states_settings, STILL_EUNSUPPORTED, "--numerics int8");
    refuses(f.model, states_settings, o.model, states_settings, STILL_EUNSUPPORTED, "--numerics float");
    refuses(f.model, states_settings, f.model, states_settings, STILL_OK, "");
    run_close(&f);
  }
  run_close(&o);
}
END_TEST

/* Rows have the same bytes on every level and for any threads and chunk, and a state that was loaded is saved as it was. */
START_TEST(one_text_one_file) {
  static const char *const ways[] = {"isa=ref", "threads=3", "panels=1"};
  struct tiny_spec spec = states_spec();
  struct opened o = states_open();
  struct tiny_bytes first, state;
  still_session_close(states_saved(o.model, states_settings, &first));
  for (int i = 0; i < 3; i++) {
    struct opened p = run_open(&spec, ways[i]);
    still_session *s = states_saved(p.model, "min-tokens=0 start=0.5 suffix=2 prefix=1 window=2 chunk=4 ratio=0.9", &state);
    ck_assert_msg(states_same(states_path("state"), &first), "%s", ways[i]);
    ck_assert_int_eq(still_session_load(s, states_path("state")), STILL_OK);
    ck_assert_int_eq(still_session_save(s, states_path("again")), STILL_OK);
    ck_assert(states_same(states_path("again"), &first));
    still_token end[2] = {5, 9};
    ck_assert_int_eq(still_prefill(s, end, 1, NULL), STILL_OK);
    ck_assert_int_eq(still_decode(s, 9), STILL_OK); /* a decoded token is saved as one whose row is still to come */
    ck_assert_int_eq(still_session_save(s, states_path("again")), STILL_OK);
    ck_assert_int_eq(still_session_load(s, states_path("again")), STILL_OK);
    ck_assert_uint_eq(still_session_tokens(s, NULL, 0), STATES_TOKENS + 2);
    ck_assert_int_eq(still_prefill(s, end, 1, NULL), STILL_OK);
    tiny_free(&state);
    still_session_close(s);
    run_close(&p);
  }
  tiny_free(&first);
  run_close(&o);
}
END_TEST

/* ---- digests --------------------------------------------------------------------------------------------------- */

/* FIPS 180-4's examples, whole and in pieces. */
START_TEST(sha256) {
  static const uint8_t abc[4] = {0xba, 0x78, 0x16, 0xbf}, million[4] = {0xcd, 0xc7, 0x6e, 0x5c};
  uint8_t digest[32], whole[32], text[1000];
  still_sha256("abc", 3, digest);
  ck_assert(!memcmp(digest, abc, 4));
  memset(text, 'a', sizeof text);
  for (size_t step = 1; step <= sizeof text; step = 3 * step + 1) {
    struct sp_sha256 sha;
    sp_sha256_begin(&sha);
    for (size_t done = 0, n; done < 1000000; done += n) {
      n = 1000000 - done < step ? 1000000 - done : step;
      sp_sha256_add(&sha, text, n);
    }
    sp_sha256_end(&sha, digest);
    ck_assert(!memcmp(digest, million, 4));
  }
  for (size_t n = 0; n < 200; n++) { /* every length of a last block */
    struct sp_sha256 sha;
    sp_sha256_begin(&sha);
    for (size_t i = 0; i < n; i++) sp_sha256_add(&sha, text + i, 1);
    sp_sha256_end(&sha, digest);
    still_sha256(text, n, whole);
    ck_assert(!memcmp(digest, whole, 32));
  }
}
END_TEST

static void digest_of(const struct tiny_bytes *file, uint8_t digest[32]) {
  char path[32];
  still_model *model;
  int fd = tiny_share(file, path);
  ck_assert_int_eq(still_model_open(path, NULL, NULL, &model, NULL), STILL_OK);
  ck_assert_int_eq(still_model_digest(model, digest), STILL_OK);
  still_model_close(model);
  close(fd);
}

/* Bytes of the header and the first 4 KiB of a tensor are in it, what lies behind is not. */
START_TEST(model_digest) {
  struct tiny_spec spec = states_spec();
  struct tiny_bytes file;
  struct sp_ctx ctx;
  struct sp_gguf *g;
  char path[32];
  uint8_t first[32], other[32];
  spec.ff = 512;
  tiny_make(&spec, 0, &file);
  sp_ctx_init(&ctx, NULL);
  int fd = tiny_share(&file, path);
  ck_assert_int_eq(sp_gguf_open(&ctx, path, true, &g), STILL_OK);
  const struct sp_tensor *t = sp_gguf_tensor(g, "blk.1.ffn_up.weight");
  size_t data = (size_t)t->offset;
  ck_assert_uint_gt(t->bytes, 4096 + 100);
  sp_gguf_close(g);
  close(fd);
  digest_of(&file, first);
  const size_t changed[] = {data, data + 4095, data + 4096};
  for (int i = 0; i < 3; i++) {
    file.data[changed[i]] ^= 1;
    digest_of(&file, other);
    ck_assert_msg(!memcmp(first, other, 32) == (i == 2), "place %d", i);
    file.data[changed[i]] ^= 1;
  }
  spec.ctx++; /* a key of the header */
  tiny_free(&file);
  tiny_make(&spec, 0, &file);
  digest_of(&file, other);
  ck_assert(memcmp(first, other, 32));
  tiny_free(&file);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("state");
  TCase *tc = tcase_create("files");
  tcase_set_timeout(tc, 3000);
  tcase_add_checked_fixture(tc, states_folder_open, states_folder_close);
  tcase_add_test(tc, every_bit_counts);
  tcase_add_test(tc, every_length_counts);
  tcase_add_test(tc, checksums_prove_nothing);
  tcase_add_test(tc, foreign_states);
  tcase_add_test(tc, the_hint_helps);
  tcase_add_test(tc, other_arithmetic);
  tcase_add_test(tc, one_text_one_file);
  tcase_add_test(tc, sha256);
  tcase_add_test(tc, model_digest);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
