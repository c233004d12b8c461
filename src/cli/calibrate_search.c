/*
 * calibrate_search.c - the fastest candidate of each quality: what is cheap to know comes first; who is shown worse runs no more.
 *
 * In:       candidates with their bounds.  Out: choices.
 * Not here: the runs (calibrate_work.c).
 *
 *   screen   Gates alone, on all questions: whose gate halts so many facts that dense finds that answers which others alone
 *            find could hardly make up for them, by the lower end of the interval, is out. Pools cost nothing there.
 *            Of the pools of one start and ratio, which cost the same, the one that halts the fewest facts races.
 *   race     From the fastest on, one after the other. Who is beyond a bound by some standard errors is out at once. Whose loss
 *            is too much is followed by the same with a lower wake.
 *   final    Who holds in the race runs on texts that the search has not seen: within the bounds, the loss by a standard error,
 *            no set and no length surely beyond them. Who fails is out, and the race goes on with slower ones.
 *            Of losses and answers come first in each part those that take less time.
 *   choice   The first that is confirmed; without one, dense.
 *
 * The widest bounds come first: what fails them fails the others, too, and its results are there.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate_work.h"

enum { LEAST_PLACES = 3, LEAST_QUESTIONS = 20 };

/* Standard errors that a candidate may lie beyond a bound while a part is under way, and at its end. The search lets pass what
 * may well hold: half of what is as good as dense would look worse on a sample of its size. The final goes by the points, and
 * the loss must be as far inside its bound: other kinds of text have lost twice as much as those that confirmed a setting. */
static const double UNDER_WAY = 1.5;
static const struct { double loss, points; } AT_END[CALIBRATE_PARTS] = {
    [CALIBRATE_SEARCH] = {1, 1},
    [CALIBRATE_FINAL] = {-1, 0},
};

/* The same for a set and for a length alone, which a sum over all could hide, and for a set at a length: of these there are many,
 * and each has few questions. */
static const double OF_EACH = 1, OF_BOTH = 1.5;

/* How far the ends of the intervals of 95 % may lie beyond a bound: so many points; so many times the loss. */
static const double SPARE_POINTS = 5, SPARE_LOSS = 3;

/* A lower wake may save whose loss is up to so many times its bound. */
static const double LISTENS = 3;

/* What is much like a candidate that failed the final would hardly do better: the n-th that fails is followed by one of at least
 * n - 1 times so much less speed. So few finals lead from the fastest to dense, whatever comes out of them. */
static const double STEP = 0.01;

/* ---- figures ---------------------------------------------------------------------------------------------------- */

struct slice { /* of a part: of one set, of one length */
  size_t set, length;
};

static const struct slice ALL = {SIZE_MAX, SIZE_MAX};

static bool takes(size_t wanted, size_t has) { return wanted == SIZE_MAX || wanted == has; }

/* Texts of all lengths and sets in turn. */
static bool takes_text(const struct calibrate *c, struct slice slice, size_t text) {
  const struct eval *e = &c->sample;
  return takes(slice.set, text % e->n_sets) && takes(slice.length, text / e->n_sets % e->n_lengths);
}

static void count_answers(const struct calibrate *c, const struct candidate *d, int part, struct slice slice, struct figures *f) {
  const signed char *dense = c->candidate[0].right[part], *own = d->right[part];
  size_t each = (size_t)c->sample.per_text;
  for (size_t i = 0; i < c->part[part].n_texts * each; i++) {
    if (i % each >= c->part[part].answers || own[i] == CALIBRATE_UNKNOWN || dense[i] == CALIBRATE_UNKNOWN) continue;
    if (!takes_text(c, slice, i / each)) continue;
    f->questions++;
    f->n_right[0] += (size_t)dense[i];
    f->n_right[1] += (size_t)own[i];
    f->gained += own[i] > dense[i];
    f->lost += own[i] < dense[i];
  }
}

/* Lengths, then the places of each. */
static void add_losses(const struct calibrate *c, const struct candidate *d, int part, struct slice slice, struct figures *f) {
  const double *dense = c->candidate[0].loss[part], *own = d->loss[part];
  for (size_t i = 0; i < c->part[part].n_places; i++) {
    if (isnan(own[i]) || isnan(dense[i]) || !takes(slice.length, i / c->part[part].places)) continue;
    f->places++;
    mean_add(&f->sum[0], dense[i]);
    mean_add(&f->sum[1], own[i]);
    mean_add(&f->sum_of_differences, own[i] - dense[i]);
  }
}

/* Counts and sums without intervals, which take long and which a race does not ask for. */
static void tally(const struct calibrate *c, size_t candidate, int part, struct slice slice, struct figures *f) {
  *f = (struct figures){0};
  count_answers(c, &c->candidate[candidate], part, slice, f);
  add_losses(c, &c->candidate[candidate], part, slice, f);
}

void calibrate_figures(const struct calibrate *c, size_t candidate, int part, struct figures *f) {
  tally(c, candidate, part, ALL, f);
  for (int mode = 0; mode < EVAL_MODES; mode++) {
    f->right[mode] = stats_proportion(f->n_right[mode], f->questions);
    f->loss[mode] = stats_mean(&f->sum[mode]);
  }
  f->difference = stats_paired(f->gained, f->lost, f->questions);
  f->loss_difference = stats_mean(&f->sum_of_differences);
}

static double most_loss(const struct bounds *b, const struct figures *f) {
  return b->relative ? b->loss * mean_value(&f->sum[0]) : b->loss;
}

/* The mean difference, less so many of its standard errors, is within the bound. */
static bool loss_holds(const struct bounds *b, const struct figures *f, double errors) {
  return mean_value(&f->sum_of_differences) - errors * mean_error(&f->sum_of_differences) <= most_loss(b, f);
}

/* So are net losses, counted in questions. */
static bool answers_hold(const struct bounds *b, const struct figures *f, double errors) {
  double n = (double)f->questions, net = (double)f->lost - (double)f->gained;
  double error = n > 0 ? sqrt((double)(f->lost + f->gained) - net * net / n) : 0;
  return net - errors * error <= b->points / 100 * n;
}

/* On all of a part. */
static bool holds(const struct calibrate *c, int part, const struct bounds *b, const struct figures *f) {
  const struct part *p = &c->part[part];
  bool ran = f->places == p->n_places && f->questions == p->n_texts * p->answers;
  return ran && loss_holds(b, f, AT_END[part].loss) && answers_hold(b, f, AT_END[part].points);
}

/* The answers to no set, at no length and to no set at a length are surely beyond a bound. The last turn of a loop takes all. */
static bool each_set_holds(const struct calibrate *c, const struct bounds *b, size_t candidate) {
  struct figures f;
  bool good = true;
  for (size_t set = 0; set <= c->sample.n_sets && good; set++)
    for (size_t length = 0; length <= c->sample.n_lengths && good; length++) {
      struct slice slice = {set < c->sample.n_sets ? set : ALL.set, length < c->sample.n_lengths ? length : ALL.length};
      bool both = slice.set != ALL.set && slice.length != ALL.length;
      tally(c, candidate, CALIBRATE_FINAL, slice, &f);
      good = answers_hold(b, &f, both ? OF_BOTH : OF_EACH);
    }
  return good;
}

static bool each_length_holds(const struct calibrate *c, const struct bounds *b, size_t candidate) {
  struct figures f;
  bool good = true;
  for (size_t length = 0; length < c->sample.n_lengths && good; length++) {
    tally(c, candidate, CALIBRATE_FINAL, (struct slice){ALL.set, length}, &f);
    good = loss_holds(b, &f, OF_EACH);
  }
  return good;
}

/* The ends of the intervals are not far out: a sample too small to show it does not confirm. */
static bool is_confirmed(const struct calibrate *c, const struct bounds *b, size_t candidate) {
  struct figures f;
  calibrate_figures(c, candidate, CALIBRATE_FINAL, &f);
  return holds(c, CALIBRATE_FINAL, b, &f) && each_set_holds(c, b, candidate) && each_length_holds(c, b, candidate) &&
         -100 * f.difference.low <= b->points + SPARE_POINTS && f.loss_difference.high <= SPARE_LOSS * most_loss(b, &f);
}

static bool is_screened_out(const struct calibrate *c, const struct candidate *d, const struct bounds *b) {
  struct interval halted = stats_proportion(d->halted, c->part[CALIBRATE_SEARCH].n_texts * (size_t)c->sample.per_text);
  return 100 * halted.low > b->points + SPARE_POINTS;
}

/* ---- screen ----------------------------------------------------------------------------------------------------- */

/* What is raced is told by its bound. */
static void begin_step(struct calibrate *c, const char *what, size_t candidate, size_t total) {
  snprintf(c->step_name, sizeof c->step_name, candidate ? "%s %.2fx" : "%s", what, c->candidate[candidate].bound);
  c->step = (struct cli_step){.name = c->step_name, .total = total};
  c->step_since = cli_seconds();
}

static int screen(struct calibrate *c) {
  int code = CLI_OK;
  begin_step(c, "screen", 0, c->part[CALIBRATE_SEARCH].n_texts);
  for (size_t text = 0; text < c->part[CALIBRATE_SEARCH].n_texts && code == CLI_OK; text++) code = calibrate_screen(c, text);
  return code;
}

/* ---- race ------------------------------------------------------------------------------------------------------- */

/* Candidates from the fastest on; of equal ones, whose gate halts fewer facts, then who keeps more of what stands around them,
 * then who wakes less. */
static bool comes_before(const struct candidate *a, const struct candidate *b) {
  if (a->bound != b->bound) return a->bound > b->bound;
  if (a->halted != b->halted) return a->halted < b->halted;
  return a->pool != b->pool ? a->pool > b->pool : a->wake >= b->wake;
}

static void sort_candidates(const struct calibrate *c, size_t *order) {
  for (size_t i = 1; i < c->n_candidates; i++) {
    size_t at = i - 1;
    for (; at > 0 && !comes_before(&c->candidate[order[at - 1]], &c->candidate[i]); at--) order[at] = order[at - 1];
    order[at] = i;
  }
}

/* Losses of one and of dense at the places of a part, as long as it is in. */
static int race_losses(struct calibrate *c, int part, const struct bounds *b, size_t candidate, bool *in) {
  const size_t both[] = {candidate, 0}, places = c->part[part].n_places;
  struct figures f;
  int code = CLI_OK;
  begin_step(c, "loss", candidate, places);
  for (size_t place = 0; place < places && *in && code == CLI_OK; place++) {
    code = calibrate_score(c, part, place, both, 2);
    tally(c, candidate, part, ALL, &f);
    bool ends = place + 1 == places;
    *in = loss_holds(b, &f, ends ? AT_END[part].loss : UNDER_WAY) || (f.places < LEAST_PLACES && !ends);
  }
  return code;
}

/* Answers on the texts of a part, in the same way; at the end of the final also those of each set. */
static int race_answers(struct calibrate *c, int part, const struct bounds *b, size_t candidate, bool *in) {
  const size_t both[] = {candidate, 0}, texts = c->part[part].n_texts;
  struct figures f;
  int code = CLI_OK;
  begin_step(c, "ask", candidate, texts);
  for (size_t text = 0; text < texts && *in && code == CLI_OK; text++, c->step.done++) {
    code = calibrate_ask(c, part, text, both, 2);
    tally(c, candidate, part, ALL, &f);
    bool ends = text + 1 == texts;
    *in = answers_hold(b, &f, ends ? AT_END[part].points : UNDER_WAY) || (f.questions < LEAST_QUESTIONS && !ends);
  }
  if (*in && code == CLI_OK && part == CALIBRATE_FINAL) *in = each_set_holds(c, b, candidate);
  return code;
}

/* Losses of the search take fewer runs than its answers; of the final, which has more places, they take more time. */
static const struct leg {
  int part;
  int (*run)(struct calibrate *c, int part, const struct bounds *b, size_t candidate, bool *in);
} LEGS[] = {
    {CALIBRATE_SEARCH, race_losses},
    {CALIBRATE_SEARCH, race_answers},
    {CALIBRATE_FINAL, race_answers},
    {CALIBRATE_FINAL, race_losses},
};

struct outcome {
  bool in, final;
  bool may_listen; /* out, but not for its answers nor for much: a lower wake may do */
};

/* Through the search, and if it holds there through the final: on texts of its own, which nothing was chosen by. */
static int race_one(struct calibrate *c, const struct bounds *b, size_t candidate, struct outcome *o) {
  const struct leg *leg = NULL;
  struct figures f;
  int code = CLI_OK;
  *o = (struct outcome){.in = true};
  for (size_t i = 0; i < sizeof LEGS / sizeof LEGS[0] && o->in && code == CLI_OK; i++) {
    leg = &LEGS[i];
    code = leg->run(c, leg->part, b, candidate, &o->in);
  }
  bool answers = o->in || leg->run != race_answers;
  o->final = leg->part == CALIBRATE_FINAL;
  o->in = o->in && is_confirmed(c, b, candidate);
  tally(c, candidate, leg->part, ALL, &f);
  o->may_listen = !o->in && answers && mean_value(&f.sum_of_differences) <= LISTENS * most_loss(b, &f);
  return code;
}

static bool differs_in_wake(const struct candidate *a, const struct candidate *b) {
  return a->bound == b->bound && a->pool == b->pool && a->wake != b->wake;
}

static int race(struct calibrate *c, const struct bounds *b, const size_t *order, size_t *winner) {
  const struct candidate *last = NULL;
  struct outcome o = {.may_listen = false};
  double most = INFINITY;
  size_t finals = 0;
  int code = CLI_OK;
  *winner = 0;
  for (size_t i = 0; i + 1 < c->n_candidates && *winner == 0 && code == CLI_OK; i++) {
    const struct candidate *d = &c->candidate[order[i]];
    bool listens = last && o.may_listen && differs_in_wake(d, last);
    if (!listens && (d->bound > most || (last && d->bound == last->bound))) continue;
    if (is_screened_out(c, d, b)) continue;
    last = d;
    code = race_one(c, b, order[i], &o);
    if (o.in) *winner = order[i];
    if (!o.in && o.final && !listens) most = (1 - STEP * (double)finals++) * d->bound;
  }
  return code;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static int run_part(struct calibrate *c, int part, const size_t *list, size_t n) {
  const struct part *p = &c->part[part];
  int code = CLI_OK;
  begin_step(c, "all: loss", 0, p->n_places);
  for (size_t place = 0; place < p->n_places && code == CLI_OK; place++) code = calibrate_score(c, part, place, list, n);
  begin_step(c, "all: ask", 0, p->n_texts);
  for (size_t text = 0; text < p->n_texts && code == CLI_OK; text++, c->step.done++)
    code = calibrate_ask(c, part, text, list, n);
  return code;
}

/* Dense, and who is faster than the slowest choice: a choice is confirmed, so nobody slower can be the fastest that is. */
static size_t list_faster(const struct calibrate *c, size_t *list) {
  double slowest = INFINITY;
  size_t n = 0;
  for (size_t i = 0; i < CALIBRATE_LEVELS; i++) slowest = fmin(slowest, c->candidate[c->choice[i].candidate].bound);
  for (size_t i = 0; i < c->n_candidates; i++)
    if (i == 0 || c->candidate[i].bound > slowest) list[n++] = i;
  return n;
}

static int run_all(struct calibrate *c) {
  size_t *list = malloc((c->n_candidates + 1) * sizeof *list);
  int code = list ? CLI_OK : cli_no_memory(c->cli);
  size_t n = list ? list_faster(c, list) : 0;
  for (int part = 0; part < CALIBRATE_PARTS && code == CLI_OK; part++) code = run_part(c, part, list, n);
  free(list);
  return code;
}

static size_t fastest(const struct calibrate *c, const struct bounds *b, const size_t *order) {
  struct figures f;
  for (size_t i = 0; i + 1 < c->n_candidates; i++) {
    tally(c, order[i], CALIBRATE_SEARCH, ALL, &f);
    if (holds(c, CALIBRATE_SEARCH, b, &f) && is_confirmed(c, b, order[i])) return order[i];
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
