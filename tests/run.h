/*
 * run.h - one prefill of a tiny model through the public API, and what came out of it, for tests that compare.
 *
 * In:       a spec of tiny.h, settings as text.  Out: scores, kept rows, logits.
 * Not here: what is right.
 */
#ifndef TEST_RUN_H
#define TEST_RUN_H

#include "stillpoint.h"
#include "tests/tiny.h"

struct run {
  float *scores, *logits;
  uint32_t *kept;
  size_t n_scores, n_kept, n_woken, n_vocab;
  still_report report;
};

/* An open model over a file that has no name. */
struct opened {
  int file;
  still_model *model;
};

/* "key=value key=value". The test fails if a key or value is refused. Free with still_settings_free. */
still_settings *run_settings(const char *text);
struct opened run_open(const struct tiny_spec *spec, const char *settings);
/* The same on the float path. False, and says so, in a build that lacks the library for it. */
bool run_open_floats(const struct tiny_spec *spec, struct opened *o);
void run_close(struct opened *o);
still_session *run_session(still_model *model, const char *settings);

/* n tokens of a seeded text over the vocabulary's byte tokens. Free with free. */
still_token *run_tokens(size_t n, unsigned vocab, uint64_t seed);

/* What the session holds after a prefill. Free with run_free. */
struct run run_take(const still_session *session, const still_model *model);
/* Opens a session, prefills, takes, closes. */
struct run run_prefill(still_model *model, const char *settings, const still_token *tokens, size_t n);
void run_free(struct run *r);
/* Fails the test, naming `what`, unless every bit is equal. */
void run_same(const struct run *a, const struct run *b, const char *what);

#endif
