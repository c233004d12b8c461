/*
 * calibrate_search.c - the fastest candidate of each quality: what is cheap to know comes first; who is shown worse runs no more.
 *
 * In:       candidates with their bounds.  Out: choices.
 * Not here: the runs (calibrate_work.c).
 *
 *   screen   Gates alone, on all questions: whose gate halts more facts that dense finds than the bound allows, by the lower
 *            end of the interval, is out. Pools cost nothing, so the one that halts least stands for its start and ratio.
 *   race     From the fastest on, a few at a time: losses first, because they take one prefill of the upper layers a place. Who
 *            is a standard error above the bound is out. Then answers, one candidate after the other.
 *   choice   The first whose point estimates on the whole sample are within the bounds; without one, dense.
 *
 * The widest bounds come first: what fails them fails the others, too, and its results are there.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate_work.h"

enum { AT_ONCE = 4, LEAST_PLACES = 3, LEAST_QUESTIONS = 10 };

/* ---- figures ---------------------------------------------------------------------------------------------------- */

static void figures_of_answers(const struct calibrate *c, const struct candidate *d, struct figures *f) {
  const struct candidate *dense = &c->candidate[0];
  size_t right[EVAL_MODES] = {0}, each = (size_t)c->sample.per_text;
  for (size_t i = 0; i < c->n_texts * each; i++) {
    if (i % each >= c->answers || d->right[i] == CALIBRATE_UNKNOWN || dense->right[i] == CALIBRATE_UNKNOWN) continue;
    f->questions++;
    right[0] += (size_t)dense->right[i];
    right[1] += (size_t)d->right[i];
    f->gained += d->right[i] > dense->right[i];
    f->lost += d->right[i] < dense->right[i];
  }
  for (int mode = 0; mode < EVAL_MODES; mode++) f->right[mode] = stats_proportion(right[mode], f->questions);
  f->difference = stats_paired(f->gained, f->lost, f->questions);
}

static void figures_of_losses(const struct calibrate *c, const struct candidate *d, struct figures *f) {
  const struct candidate *dense = &c->candidate[0];
  struct mean loss[EVAL_MODES] = {{0}}, difference = {0};
  for (size_t i = 0; i < c->n_places; i++) {
    if (isnan(d->loss[i]) || isnan(dense->loss[i])) continue;
    f->places++;
    mean_add(&loss[0], dense->loss[i]);
    mean_add(&loss[1], d->loss[i]);
    mean_add(&difference, d->loss[i] - dense->loss[i]);
  }
  for (int mode = 0; mode < EVAL_MODES; mode++) f->loss[mode] = stats_mean(&loss[mode]);
  f->loss_difference = stats_mean(&difference);
  f->error = mean_error(&difference);
}

void calibrate_figures(const struct calibrate *c, size_t candidate, struct figures *f) {
  *f = (struct figures){0};
  figures_of_answers(c, &c->candidate[candidate], f);
  figures_of_losses(c, &c->candidate[candidate], f);
}

bool calibrate_ran(const struct calibrate *c, size_t candidate) {
  struct figures f;
  calibrate_figures(c, candidate, &f);
  return f.places == c->n_places && f.questions == c->n_texts * c->answers;
}

static double most_loss(const struct bounds *b, const struct figures *f) {
  return b->relative ? b->loss * f->loss[0].value : b->loss;
}

static bool loss_holds(const struct bounds *b, const struct figures *f) {
  return f->places > 0 && f->loss_difference.value <= most_loss(b, f);
}

/* Net losses, in questions, that the bound allows. */
static double most_lost(const struct bounds *b, size_t questions) { return b->points / 100 * (double)questions; }

static double net_lost(const struct figures *f) { return (double)f->lost - (double)f->gained; }

bool calibrate_holds(const struct bounds *b, const struct figures *f) {
  return loss_holds(b, f) && f->questions > 0 && net_lost(f) <= most_lost(b, f->questions);
}

/* ---- who is out ------------------------------------------------------------------------------------------------- */

static bool is_screened_out(const struct calibrate *c, const struct candidate *d, const struct bounds *b) {
  struct interval halted = stats_proportion(d->halted, c->n_texts * (size_t)c->sample.per_text);
  return d->doubled || 100 * halted.low > b->points;
}

static bool loss_is_out(const struct bounds *b, const struct figures *f) {
  return f->places >= LEAST_PLACES && f->loss_difference.value - f->error > most_loss(b, f);
}

/* A standard error beyond the bound, or so many lost that the questions left could not make up for it. */
static bool answers_are_out(const struct calibrate *c, const struct bounds *b, const struct figures *f) {
  double n = (double)f->questions, all = (double)(c->n_texts * c->answers), net = net_lost(f);
  double error = n > 0 ? sqrt((double)(f->lost + f->gained) - net * net / n) : 0;
  bool beyond = f->questions >= LEAST_QUESTIONS && net - error > most_lost(b, f->questions);
  return beyond || net - (all - n) > most_lost(b, (size_t)all);
}

/* ---- screen ----------------------------------------------------------------------------------------------------- */

static double from_preset(const struct calibrate *c, size_t pool) { return fabs((double)c->pool[pool] - 31); }

/* Of the pools of one start and ratio the one that halts least stays, of equal ones that nearest to the preset. */
static void keep_best_pools(struct calibrate *c) {
  for (size_t i = 1; i < c->n_candidates; i += c->n_pools) {
    size_t best = i;
    for (size_t k = i; k < i + c->n_pools; k++) {
      const struct candidate *a = &c->candidate[k], *b = &c->candidate[best];
      bool nearer = from_preset(c, a->pool) < from_preset(c, b->pool);
      if (a->halted < b->halted || (a->halted == b->halted && nearer)) best = k;
    }
    for (size_t k = i; k < i + c->n_pools; k++) c->candidate[k].doubled = k != best;
  }
}

static void begin_step(struct calibrate *c, const char *name, size_t total) {
  c->step = (struct cli_step){.name = name, .total = total};
  c->step_since = cli_seconds();
}

static int screen(struct calibrate *c) {
  int code = CLI_OK;
  begin_step(c, "screen", c->n_texts);
  for (size_t text = 0; text < c->n_texts && code == CLI_OK; text++) code = calibrate_screen(c, text);
  if (code == CLI_OK) keep_best_pools(c);
  return code;
}

/* ---- race ------------------------------------------------------------------------------------------------------- */

/* Candidates from the fastest on; of equal ones, who halts fewer facts. */
static void sort_candidates(const struct calibrate *c, size_t *order) {
  for (size_t i = 1; i < c->n_candidates; i++) {
    size_t at = i - 1;
    for (; at > 0; at--) {
      const struct candidate *a = &c->candidate[order[at - 1]], *b = &c->candidate[i];
      if (a->bound > b->bound || (a->bound == b->bound && a->halted <= b->halted)) break;
      order[at] = order[at - 1];
    }
    order[at] = i;
  }
}

/* Losses of some at all places, as long as each is not out. */
static int race_losses(struct calibrate *c, const struct bounds *b, const size_t *batch, size_t n) {
  struct figures f;
  int code = CLI_OK;
  begin_step(c, "loss", c->n_places);
  for (size_t place = 0; place < c->n_places && code == CLI_OK; place++) {
    size_t some[AT_ONCE + 1], count = 0;
    for (size_t i = 0; i < n; i++) {
      calibrate_figures(c, batch[i], &f);
      if (!loss_is_out(b, &f)) some[count++] = batch[i];
    }
    if (count == 0) break;
    some[count++] = 0;
    code = calibrate_score(c, place, some, count);
  }
  return code;
}

static int race_answers(struct calibrate *c, const struct bounds *b, size_t candidate, bool *holds) {
  struct figures f;
  int code = CLI_OK;
  begin_step(c, "answers", c->n_texts);
  for (size_t text = 0; text < c->n_texts && code == CLI_OK; text++, c->step.done++) {
    calibrate_figures(c, candidate, &f);
    if (answers_are_out(c, b, &f)) break;
    code = calibrate_ask(c, text, &candidate, 1);
  }
  calibrate_figures(c, candidate, &f);
  *holds = code == CLI_OK && calibrate_ran(c, candidate) && calibrate_holds(b, &f);
  return code;
}

/* The first of a batch, which is ordered by speed, that holds. */
static int race_batch(struct calibrate *c, const struct bounds *b, const size_t *batch, size_t n, size_t *winner) {
  int code = race_losses(c, b, batch, n);
  for (size_t i = 0; i < n && code == CLI_OK && *winner == 0; i++) {
    struct figures f;
    bool holds = false;
    calibrate_figures(c, batch[i], &f);
    if (f.places < c->n_places || !loss_holds(b, &f)) continue;
    code = race_answers(c, b, batch[i], &holds);
    if (holds) *winner = batch[i];
  }
  return code;
}

static int race(struct calibrate *c, const struct bounds *b, const size_t *order, size_t *winner) {
  size_t batch[AT_ONCE], n = 0, last = c->n_candidates - 1;
  int code = CLI_OK;
  *winner = 0;
  for (size_t i = 0; i < last && *winner == 0 && code == CLI_OK; i++) {
    if (!is_screened_out(c, &c->candidate[order[i]], b)) batch[n++] = order[i];
    if (n == 0 || (n < AT_ONCE && i + 1 < last)) continue;
    code = race_batch(c, b, batch, n, winner);
    n = 0;
  }
  return code;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static int run_all(struct calibrate *c) {
  size_t *all = malloc((c->n_candidates + 1) * sizeof *all);
  int code = all ? CLI_OK : cli_no_memory(c->cli);
  for (size_t i = 0; all && i < c->n_candidates; i++) all[i] = i;
  begin_step(c, "all: loss", c->n_places);
  for (size_t place = 0; place < c->n_places && code == CLI_OK; place++) code = calibrate_score(c, place, all, c->n_candidates);
  begin_step(c, "all: answers", c->n_texts);
  for (size_t text = 0; text < c->n_texts && code == CLI_OK; text++, c->step.done++)
    code = calibrate_ask(c, text, all, c->n_candidates);
  free(all);
  return code;
}

static size_t fastest(const struct calibrate *c, const struct bounds *b, const size_t *order) {
  for (size_t i = 0; i + 1 < c->n_candidates; i++) {
    struct figures f;
    calibrate_figures(c, order[i], &f);
    if (calibrate_ran(c, order[i]) && calibrate_holds(b, &f)) return order[i];
  }
  return 0;
}

int calibrate_search(struct calibrate *c) {
  size_t *order = malloc((c->n_candidates + 1) * sizeof *order);
  if (!order) return cli_no_memory(c->cli);
  int code = screen(c);
  sort_candidates(c, order);
  for (size_t i = CALIBRATE_LEVELS; i-- > 0 && code == CLI_OK;) code = race(c, &c->bounds[i], order, &c->choice[i].candidate);
  if (code == CLI_OK && c->cli->given.exhaustive) code = run_all(c);
  for (size_t i = 0; i < CALIBRATE_LEVELS && code == CLI_OK && c->cli->given.exhaustive; i++)
    c->choice[i].exhaustive = fastest(c, &c->bounds[i], order);
  free(order);
  return code;
}
