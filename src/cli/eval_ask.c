/*
 * eval_ask.c - prefill, then decode.
 *
 * In:       tokens.  Out: answers, losses.
 * Not here: sampling: the most probable token is taken, of equal ones that with the lowest id.
 */
#include "eval_ask.h"

#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "score.h"

/* Tokens with which the session and the prompt begin alike. */
static size_t shared(struct cli_engine *e, const struct cli_tokens *prompt) {
  size_t count = still_session_tokens(e->session, NULL, 0), n = 0;
  still_token *held = malloc((count ? count : 1) * sizeof *held);
  if (held) count = still_session_tokens(e->session, held, count);
  while (held && n < count && n < prompt->count && held[n] == prompt->id[n]) n++;
  free(held); /* without memory for it nothing is shared */
  return n;
}

/* Prompts on one text begin alike and come one after the other: what they share stays, and the gate chooses anew for each. */
still_status eval_begin(struct cli_engine *e, const struct eval_run *run, struct eval_record *r) {
  still_report report = {.size = sizeof report};
  size_t stays = run->timed ? 0 : shared(e, &run->prompt);
  still_status status = still_session_rewind(e->session, stays);
  if (status == STILL_OK)
    status = still_prefill(e->session, run->prompt.id + stays, run->prompt.count - stays, &report);
  if (status != STILL_OK) return status;
  r->tokens = report.tokens;
  r->kept = report.kept;
  r->start_layer = report.start_layer;
  r->seconds = report.seconds[STILL_PHASE_LOWER] + report.seconds[STILL_PHASE_GATE] + report.seconds[STILL_PHASE_UPPER];
  return STILL_OK;
}

static still_status step(struct cli_engine *e, still_token token) {
  return cli_interrupted() ? STILL_ECANCELLED : still_decode(e->session, token);
}

static int finish(struct cli_engine *e, still_status status, struct eval_record *r) {
  r->woken = still_woken(e->session, NULL, 0);
  return status == STILL_OK ? CLI_OK : cli_session_failed(e, status);
}

/* Up to run->most tokens, without one that ends the answer. */
static still_status generate(struct cli_engine *e, const struct eval_run *run, struct eval_record *r) {
  still_status status = eval_begin(e, run, r);
  r->n_greedy = 0;
  while (status == STILL_OK && r->n_greedy < run->most && r->n_greedy < EVAL_GREEDY) {
    still_token token = (still_token)score_best(still_logits(e->session), run->n_vocab);
    if (still_token_is_end(e->model, token)) break;
    r->greedy[r->n_greedy++] = (uint64_t)token;
    if (r->n_greedy < run->most) status = step(e, token);
  }
  return status;
}

/* The tokens' text; special tokens have none. What is longer than an answer may be is cut. */
static void spell(struct cli_engine *e, struct eval_record *r) {
  size_t n = 0;
  for (uint64_t i = 0; i < r->n_greedy; i++) {
    const char *piece;
    size_t bytes = 0;
    if (still_token_piece(e->model, (still_token)r->greedy[i], 0, &piece, &bytes) != STILL_OK) continue;
    for (size_t k = 0; k < bytes && n + 1 < sizeof r->answer; k++)
      if (piece[k]) r->answer[n++] = piece[k];
  }
  r->answer[n] = '\0';
}

int eval_greedy(struct cli_engine *e, const struct eval_run *run, struct eval_record *r) {
  return finish(e, generate(e, run, r), r);
}

int eval_ask(struct cli_engine *e, const struct eval_run *run, struct eval_record *r) {
  still_status status = generate(e, run, r);
  if (status == STILL_OK) spell(e, r);
  return finish(e, status, r);
}

/* The continuation is decoded token by token: each sees the caches that the prefill left, with the rows that it kept. Through the
 * prefill path its own rows would take part in the choice. */
int eval_loss(struct cli_engine *e, const struct eval_run *run, struct eval_record *r) {
  struct mean loss = {0};
  still_status status = eval_begin(e, run, r);
  for (size_t i = 0; i < run->next.count && status == STILL_OK; i++) {
    mean_add(&loss, score_loss(still_logits(e->session), run->n_vocab, (size_t)run->next.id[i]));
    if (i + 1 < run->next.count) status = step(e, run->next.id[i]);
  }
  r->loss = mean_value(&loss);
  return finish(e, status, r);
}
