/*
 * duet.c - the second thread of `perplexity --against` and the turns that the two take.
 *
 * In:       two sessions.  Out: pairs of rows of logits.
 * Not here: arithmetic.
 *
 * The reference's thread runs only while the caller's thread waits for it: between `reference_turn = true` and the next row.
 */
#include "duet.h"

#include <pthread.h>

#include "interrupt.h"

struct duet {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  bool reference_turn; /* the reference may compute, and the other waits */
  bool stop, ended;    /* asked to end; has ended */
  size_t position;     /* of the reference's row */
  const float *row;
  still_status reference_status;
  bool in_step;        /* both gave the same positions */

  struct cli_engine *engine, *reference;
  const still_token *tokens;
  size_t n, first;
  duet_fn fn;
  void *user;
};

/* Hands the turn over and waits to get it back. `mine` is the value of reference_turn that lets this side go on. */
static void pass_turn(struct duet *d, bool mine) {
  d->reference_turn = !mine;
  pthread_cond_broadcast(&d->changed);
  while (d->reference_turn != mine) pthread_cond_wait(&d->changed, &d->lock);
}

static int on_reference(void *user, size_t position, const float *logits, size_t n_vocab) {
  struct duet *d = user;
  (void)n_vocab;
  pthread_mutex_lock(&d->lock);
  d->position = position;
  d->row = logits;
  pass_turn(d, true);
  bool stop = d->stop;
  pthread_mutex_unlock(&d->lock);
  return stop;
}

static void *reference_thread(void *argument) {
  struct duet *d = argument;
  pthread_mutex_lock(&d->lock);
  while (!d->reference_turn) pthread_cond_wait(&d->changed, &d->lock);
  bool stop = d->stop;
  pthread_mutex_unlock(&d->lock);
  still_report report = {.size = sizeof report};
  still_status status = STILL_ECANCELLED;
  if (!stop) status = still_score(d->reference->session, d->tokens, d->n, d->first, on_reference, d, &report);
  pthread_mutex_lock(&d->lock);
  d->reference_status = status;
  d->ended = true;
  d->reference_turn = false;
  pthread_cond_broadcast(&d->changed);
  pthread_mutex_unlock(&d->lock);
  return NULL;
}

static int on_main(void *user, size_t position, const float *logits, size_t n_vocab) {
  struct duet *d = user;
  pthread_mutex_lock(&d->lock);
  if (!d->ended) pass_turn(d, false);
  d->in_step = !d->ended && d->position == position;
  pthread_mutex_unlock(&d->lock);
  if (d->in_step) d->fn(d->user, position, logits, d->row, n_vocab);
  return !d->in_step;
}

static int failure(struct duet *d, still_status status) {
  if (cli_interrupted()) return cli_fail(d->engine->cli, STILL_ECANCELLED, "stopped");
  if (d->ended && d->reference_status != STILL_OK && d->reference_status != STILL_ECANCELLED)
    return cli_session_failed(d->reference, d->reference_status);
  if (status == STILL_ECANCELLED && !d->in_step)
    return cli_fail(d->engine->cli, STILL_ESTATE, "the two models did not score the same positions");
  return cli_session_failed(d->engine, status);
}

int duet_score(struct cli_engine *engine, struct cli_engine *reference, const still_token *tokens, size_t n, size_t first,
               duet_fn fn, void *user) {
  struct duet d = {.engine = engine, .reference = reference, .tokens = tokens, .n = n, .first = first, .fn = fn, .user = user,
                   .in_step = true};
  pthread_t thread;
  pthread_mutex_init(&d.lock, NULL);
  pthread_cond_init(&d.changed, NULL);
  if (pthread_create(&thread, NULL, reference_thread, &d) != 0)
    return cli_fail(engine->cli, STILL_ENOMEM, "a second thread for the comparison could not be made");
  still_report report = {.size = sizeof report};
  still_status status = still_score(engine->session, tokens, n, first, on_main, &d, &report);
  pthread_mutex_lock(&d.lock);
  d.stop = true;
  d.reference_turn = true;
  pthread_cond_broadcast(&d.changed);
  bool reference_failed = d.ended && d.reference_status != STILL_OK; /* before it was told to stop */
  pthread_mutex_unlock(&d.lock);
  pthread_join(thread, NULL);
  int code = status == STILL_OK && !reference_failed ? CLI_OK : failure(&d, status);
  pthread_cond_destroy(&d.changed);
  pthread_mutex_destroy(&d.lock);
  return code;
}
