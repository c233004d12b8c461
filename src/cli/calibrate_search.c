/*
 * calibrate_search.c - the fastest candidate of each quality: what is cheap to know comes first; who is shown worse runs no more.
 *
 * In:       candidates with their bounds.  Out: choices.
 * Not here: the runs (calibrate_work.c).
 *
 *   screen   Gates alone, on all questions: whose gate halts so many facts that dense finds that answers which others alone
 *            find could hardly make up for them, by the lower end of the interval, is out. Pools cost nothing there.
 *   race     From the fastest on, a few at a time: losses first, because they take one prefill of the upper layers a place. Who
 *            is two standard errors above the bound is out. Then answers, one candidate after the other.
 *   final    Who holds in the race runs on texts that the search has not seen: points within the bounds, and intervals within
 *            the wider ones of calibrate_confirms. Who fails is out, and the race goes on with slower ones.
 *   choice   The first that is confirmed; without one, dense.
 *
 * The widest bounds come first: what fails them fails the others, too, and its results are there.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate_work.h"

enum { AT_ONCE = 4, LEAST_PLACES = 3, LEAST_QUESTIONS = 10 };

/* How far the ends of the intervals of 95 % may lie beyond a bound: four points; three times the loss. */
static const double SPARE_POINTS = 4, SPARE_LOSS = 3;

/* Standard errors beyond a bound that put a candidate out before its sample is whole. */
static const double LATITUDE = 2, LATITUDE_ANSWERS = 1;

/* ---- figures ---------------------------------------------------------------------------------------------------- */

static void count_answers(const struct calibrate *c, const struct candidate *d, int part, struct figures *f) {
  const signed char *dense = c->candidate[0].right[part], *own = d->right[part];
  size_t each = (size_t)c->sample.per_text;
  for (size_t i = 0; i < c->part[part].n_texts * each; i++) {
    if (i % each >= c->part[part].answers || own[i] == CALIBRATE_UNKNOWN || dense[i] == CALIBRATE_UNKNOWN) continue;
    f->questions++;
    f->n_right[0] += (size_t)dense[i];
    f->n_right[1] += (size_t)own[i];
    f->gained += own[i] > dense[i];
    f->lost += own[i] < dense[i];
  }
}

static void add_losses(const struct calibrate *c, const struct candidate *d, int part, struct figures *f) {
  const double *dense = c->candidate[0].loss[part], *own = d->loss[part];
  for (size_t i = 0; i < c->part[part].n_places; i++) {
    if (isnan(own[i]) || isnan(dense[i])) continue;
    f->places++;
    mean_add(&f->sum[0], dense[i]);
    mean_add(&f->sum[1], own[i]);
    mean_add(&f->sum_of_differences, own[i] - dense[i]);
  }
}

/* Counts and sums without intervals, which take long and which a race does not ask for. */
static void tally(const struct calibrate *c, size_t candidate, int part, struct figures *f) {
  *f = (struct figures){0};
  count_answers(c, &c->candidate[candidate], part, f);
  add_losses(c, &c->candidate[candidate], part, f);
}

void calibrate_figures(const struct calibrate *c, size_t candidate, int part, struct figures *f) {
  tally(c, candidate, part, f);
  for (int mode = 0; mode < EVAL_MODES; mode++) {
    f->right[mode] = stats_proportion(f->n_right[mode], f->questions);
    f->loss[mode] = stats_mean(&f->sum[mode]);
  }
  f->difference = stats_paired(f->gained, f->lost, f->questions);
  f->loss_difference = stats_mean(&f->sum_of_differences);
}

bool calibrate_ran(const struct calibrate *c, size_t candidate, int part) {
  const struct part *p = &c->part[part];
  struct figures f;
  tally(c, candidate, part, &f);
  return f.places == p->n_places && f.questions == p->n_texts * p->answers;
}

static double most_loss(const struct bounds *b, const struct figures *f) {
  return b->relative ? b->loss * mean_value(&f->sum[0]) : b->loss;
}

static bool loss_holds(const struct bounds *b, const struct figures *f) {
  return f->places > 0 && mean_value(&f->sum_of_differences) <= most_loss(b, f);
}

/* Net losses, in questions, that the bound allows. */
static double most_lost(const struct bounds *b, size_t questions) { return b->points / 100 * (double)questions; }

static double net_lost(const struct figures *f) { return (double)f->lost - (double)f->gained; }

bool calibrate_holds(const struct bounds *b, const struct figures *f) {
  return loss_holds(b, f) && f->questions > 0 && net_lost(f) <= most_lost(b, f->questions);
}

/* A sample too small to show it does not confirm. */
bool calibrate_confirms(const struct bounds *b, const struct figures *f) {
  return calibrate_holds(b, f) && -100 * f->difference.low <= b->points + SPARE_POINTS &&
         f->loss_difference.high <= SPARE_LOSS * most_loss(b, f);
}

/* ---- who is out ------------------------------------------------------------------------------------------------- */

static bool is_screened_out(const struct calibrate *c, const struct candidate *d, const struct bounds *b) {
  struct interval halted = stats_proportion(d->halted, c->part[CALIBRATE_SEARCH].n_texts * (size_t)c->sample.per_text);
  return 100 * halted.low > b->points + SPARE_POINTS;
}

static bool loss_is_out(const struct bounds *b, const struct figures *f) {
  return f->places >= LEAST_PLACES &&
         mean_value(&f->sum_of_differences) - LATITUDE * mean_error(&f->sum_of_differences) > most_loss(b, f);
}

/* Standard errors beyond the bound, or so many lost that the questions left could not make up for it. */
static bool answers_are_out(const struct part *p, const struct bounds *b, const struct figures *f) {
  double n = (double)f->questions, all = (double)(p->n_texts * p->answers), net = net_lost(f);
  double error = n > 0 ? sqrt((double)(f->lost + f->gained) - net * net / n) : 0;
  bool beyond = f->questions >= LEAST_QUESTIONS && net - LATITUDE_ANSWERS * error > most_lost(b, f->questions);
  return beyond || net - (all - n) > most_lost(b, (size_t)all);
}

/* ---- screen ----------------------------------------------------------------------------------------------------- */

static void begin_step(struct calibrate *c, const char *name, size_t total) {
  c->step = (struct cli_step){.name = name, .total = total};
  c->step_since = cli_seconds();
}

static int screen(struct calibrate *c) {
  int code = CLI_OK;
  begin_step(c, "screen", c->part[CALIBRATE_SEARCH].n_texts);
  for (size_t text = 0; text < c->part[CALIBRATE_SEARCH].n_texts && code == CLI_OK; text++) code = calibrate_screen(c, text);
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

static const char *const loss_steps[CALIBRATE_PARTS] = {"loss", "final loss"};
static const char *const answer_steps[CALIBRATE_PARTS] = {"answers", "final"};

/* Losses of some at all places of a part, as long as each is not out. */
static int race_losses(struct calibrate *c, int part, const struct bounds *b, const size_t *batch, size_t n) {
  size_t places = c->part[part].n_places;
  struct figures f;
  int code = CLI_OK;
  begin_step(c, loss_steps[part], places);
  for (size_t place = 0; place < places && code == CLI_OK; place++) {
    size_t some[AT_ONCE + 1], count = 0;
    for (size_t i = 0; i < n; i++) {
      tally(c, batch[i], part, &f);
      if (!loss_is_out(b, &f)) some[count++] = batch[i];
    }
    if (count == 0) break;
    some[count++] = 0;
    code = calibrate_score(c, part, place, some, count);
  }
  return code;
}

/* Dense answers with it: its answers are wanted for the same questions. */
static int race_answers(struct calibrate *c, int part, const struct bounds *b, size_t candidate) {
  const struct part *p = &c->part[part];
  const size_t both[] = {candidate, 0};
  struct figures f;
  int code = CLI_OK;
  begin_step(c, answer_steps[part], p->n_texts);
  for (size_t text = 0; text < p->n_texts && code == CLI_OK; text++, c->step.done++) {
    tally(c, candidate, part, &f);
    if (answers_are_out(p, b, &f)) break;
    code = calibrate_ask(c, part, text, both, 2);
  }
  return code;
}

static bool holds_in_search(const struct calibrate *c, const struct bounds *b, size_t candidate) {
  struct figures f;
  tally(c, candidate, CALIBRATE_SEARCH, &f);
  return calibrate_ran(c, candidate, CALIBRATE_SEARCH) && calibrate_holds(b, &f);
}

static bool is_confirmed(const struct calibrate *c, const struct bounds *b, size_t candidate) {
  struct figures f;
  calibrate_figures(c, candidate, CALIBRATE_FINAL, &f);
  return calibrate_ran(c, candidate, CALIBRATE_FINAL) && calibrate_confirms(b, &f);
}

static bool all_losses_hold(const struct calibrate *c, int part, const struct bounds *b, size_t candidate) {
  struct figures f;
  tally(c, candidate, part, &f);
  return f.places == c->part[part].n_places && loss_holds(b, &f);
}

/* On texts of its own, which nothing was chosen by. */
static int confirm(struct calibrate *c, const struct bounds *b, size_t candidate) {
  int code = race_losses(c, CALIBRATE_FINAL, b, &candidate, 1);
  bool goes_on = code == CLI_OK && all_losses_hold(c, CALIBRATE_FINAL, b, candidate);
  return goes_on ? race_answers(c, CALIBRATE_FINAL, b, candidate) : code;
}

/* The first of a batch, which is ordered by speed, that holds and is confirmed. */
static int race_batch(struct calibrate *c, const struct bounds *b, const size_t *batch, size_t n, size_t *winner) {
  int code = race_losses(c, CALIBRATE_SEARCH, b, batch, n);
  for (size_t i = 0; i < n && code == CLI_OK && *winner == 0; i++) {
    if (!all_losses_hold(c, CALIBRATE_SEARCH, b, batch[i])) continue;
    code = race_answers(c, CALIBRATE_SEARCH, b, batch[i]);
    if (code == CLI_OK && holds_in_search(c, b, batch[i])) code = confirm(c, b, batch[i]);
    if (code == CLI_OK && holds_in_search(c, b, batch[i]) && is_confirmed(c, b, batch[i])) *winner = batch[i];
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

static int run_part(struct calibrate *c, int part, const size_t *all) {
  const struct part *p = &c->part[part];
  int code = CLI_OK;
  begin_step(c, "all: loss", p->n_places);
  for (size_t place = 0; place < p->n_places && code == CLI_OK; place++)
    code = calibrate_score(c, part, place, all, c->n_candidates);
  begin_step(c, "all: answers", p->n_texts);
  for (size_t text = 0; text < p->n_texts && code == CLI_OK; text++, c->step.done++)
    code = calibrate_ask(c, part, text, all, c->n_candidates);
  return code;
}

static int run_all(struct calibrate *c) {
  size_t *all = malloc((c->n_candidates + 1) * sizeof *all);
  int code = all ? CLI_OK : cli_no_memory(c->cli);
  for (size_t i = 0; all && i < c->n_candidates; i++) all[i] = i;
  for (int part = 0; part < CALIBRATE_PARTS && code == CLI_OK; part++) code = run_part(c, part, all);
  free(all);
  return code;
}

static size_t fastest(const struct calibrate *c, const struct bounds *b, const size_t *order) {
  for (size_t i = 0; i + 1 < c->n_candidates; i++)
    if (holds_in_search(c, b, order[i]) && is_confirmed(c, b, order[i])) return order[i];
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
