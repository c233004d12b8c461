/*
 * calibrate_print.c - what `stillpoint calibrate` found, as a table and as JSON.
 *
 * In:       struct calibrate after the search.  Out: standard output.
 * Not here: the file (calibrate_file.c).
 */
#include <math.h>

#include "calibrate.h"
#include "report.h"

/* ---- the table -------------------------------------------------------------------------------------------------- */

static void print_interval(const struct interval *i, int digits, bool last) {
  char text[64] = "-";
  if (!isnan(i->value) && isnan(i->low)) snprintf(text, sizeof text, "%+.*f", digits, i->value);
  if (!isnan(i->value) && !isnan(i->low))
    snprintf(text, sizeof text, "%+.*f [%+.*f, %+.*f]", digits, i->value, digits, i->low, digits, i->high);
  printf(last ? "%s" : "%-28s", text);
}

/* Figures of the final part, of those that came so far. */
static int shown_part(const struct calibrate *c, size_t i) {
  struct figures f;
  calibrate_figures(c, i, CALIBRATE_FINAL, &f);
  return f.places || f.questions ? CALIBRATE_FINAL : CALIBRATE_SEARCH;
}

static void print_candidate(const struct calibrate *c, const char *name, size_t i, double speed_up) {
  const struct candidate *d = &c->candidate[i];
  int part = shown_part(c, i);
  struct figures f;
  calibrate_figures(c, i, part, &f);
  if (i == 0) {
    printf("%-9s dense\n", name);
    return;
  }
  printf("%-9s %5.3g  %5.3g  %4llu  %4.3g  %5.2f  ", name, d->start, d->ratio, (unsigned long long)c->pool[d->pool], d->wake,
         d->bound);
  if (speed_up > 0)
    printf("%8.2f  ", speed_up);
  else
    printf("%8s  ", "-");
  printf("%6zu  ", d->halted);
  print_interval(&f.difference, 3, false);
  print_interval(&f.loss_difference, 4, true);
  printf("  (%zu, %zu)%s\n", f.questions, f.places, part == CALIBRATE_SEARCH ? " search" : "");
}

static bool is_chosen(const struct calibrate *c, size_t i) {
  bool chosen = i == 0;
  for (size_t k = 0; k < CALIBRATE_LEVELS; k++) chosen = chosen || c->choice[k].candidate == i;
  return chosen;
}

/* Raced and not chosen. */
static bool is_loser(const struct calibrate *c, size_t i) {
  struct figures f;
  calibrate_figures(c, i, CALIBRATE_SEARCH, &f);
  return !is_chosen(c, i) && (f.questions || f.places);
}

static void print_exhaustive(const struct calibrate *c) {
  printf("\nall candidates on the same sample:\n");
  for (size_t i = 0; i < CALIBRATE_LEVELS; i++) {
    const struct choice *choice = &c->choice[i];
    double found = c->candidate[choice->candidate].bound, best = c->candidate[choice->exhaustive].bound;
    print_candidate(c, c->bounds[i].name, choice->exhaustive, 0);
    printf("%-9s the search's choice has %.1f %% of its bound\n", "", 100 * found / best);
  }
}

static void print_head(const struct calibrate *c) {
  const still_model_info *m = &c->sample.model;
  struct figures f;
  calibrate_figures(c, 0, shown_part(c, 0), &f);
  printf("%s, %s, %s, %u threads; intervals of 95 %%\n", *m->name ? m->name : c->cli->given.model, m->file_type, m->isa,
         m->threads);
  printf("%llu runs, %llu of them from the file of results; %.0f s\n", (unsigned long long)(c->ran + c->reused),
         (unsigned long long)c->reused, c->seconds);
  printf("dense: ");
  if (f.questions > 0) printf("%.0f of %zu questions right, ", f.right[0].value * (double)f.questions, f.questions);
  printf("loss %.4f at %zu places\n\n", f.loss[0].value, f.places);
}

void calibrate_print(const struct calibrate *c, const char *path) {
  size_t losers = 0;
  if (!c->cli->given.quiet) print_head(c);
  printf("quality   start  ratio  pool  wake  bound  measured  halted  %-28s%s\n", "retrieval", "loss  (questions, places)");
  for (size_t i = 0; i < CALIBRATE_LEVELS; i++)
    print_candidate(c, c->bounds[i].name, c->choice[i].candidate, c->choice[i].speed_up);
  for (size_t i = 1; i < c->n_candidates; i++) losers += is_loser(c, i);
  if (losers && !c->cli->given.quiet) {
    printf("\nthat lost:\n");
    for (size_t i = 1; i < c->n_candidates; i++)
      if (is_loser(c, i)) print_candidate(c, "", i, 0);
  }
  if (c->cli->given.exhaustive) print_exhaustive(c);
  if (!c->cli->given.quiet) printf("\nwritten to %s\n", path);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void json_interval(struct json *j, const char *key, const struct interval *i) {
  json_object(j, key);
  json_real(j, "value", i->value);
  json_real(j, "low", i->low);
  json_real(j, "high", i->high);
  json_object_end(j);
}

static void json_candidate(struct json *j, const struct calibrate *c, const char *key, size_t i) {
  const struct candidate *d = &c->candidate[i];
  int part = shown_part(c, i);
  struct figures f;
  calibrate_figures(c, i, part, &f);
  json_object(j, key);
  json_text(j, "policy", i ? "query" : "dense");
  if (i) {
    json_real(j, "start", d->start);
    json_count(j, "start_layer", d->layer);
    json_real(j, "ratio", d->ratio);
    json_count(j, "pool", c->pool[d->pool]);
    json_real(j, "wake", d->wake);
    json_count(j, "facts_halted", d->halted);
  }
  json_real(j, "bound", d->bound);
  json_text(j, "part", part == CALIBRATE_FINAL ? "final" : "search");
  json_count(j, "questions", f.questions);
  json_count(j, "gained", f.gained);
  json_count(j, "lost", f.lost);
  json_interval(j, "retrieval_dense", &f.right[0]);
  json_interval(j, "retrieval", &f.right[1]);
  json_interval(j, "retrieval_difference", &f.difference);
  json_count(j, "places", f.places);
  json_interval(j, "loss_dense", &f.loss[0]);
  json_interval(j, "loss", &f.loss[1]);
  json_interval(j, "loss_difference", &f.loss_difference);
  json_object_end(j);
}

static void json_level(struct json *j, const struct calibrate *c, size_t i) {
  const struct bounds *b = &c->bounds[i];
  json_object(j, NULL);
  json_text(j, "quality", b->name);
  json_real(j, "most_loss", b->loss);
  json_bool(j, "relative", b->relative);
  json_real(j, "most_points", b->points);
  json_candidate(j, c, "choice", c->choice[i].candidate);
  if (c->cli->given.timed) json_real(j, "speed_up", c->choice[i].speed_up);
  if (c->cli->given.exhaustive) json_candidate(j, c, "exhaustive", c->choice[i].exhaustive);
  json_object_end(j);
}

void calibrate_print_json(const struct calibrate *c, const char *path) {
  struct json j;
  json_begin(&j, stdout, "stillpoint.calibrate/1");
  json_text(&j, "version", still_version());
  report_json_model(&j, c->sample.engine[0].model);
  json_text(&j, "model_digest", c->sample.model_digest);
  json_text(&j, "file", path);
  json_int(&j, "seed", c->seed);
  json_array(&j, "lengths");
  for (size_t i = 0; i < c->sample.n_lengths; i++) json_count(&j, NULL, c->sample.length[i]);
  json_array_end(&j);
  json_count(&j, "min_tokens", c->min_tokens);
  json_count(&j, "runs", c->ran);
  json_count(&j, "reused", c->reused);
  json_real(&j, "seconds", c->seconds);
  json_array(&j, "qualities");
  for (size_t i = 0; i < CALIBRATE_LEVELS; i++) json_level(&j, c, i);
  json_array_end(&j);
  json_array(&j, "lost");
  for (size_t i = 1; i < c->n_candidates; i++)
    if (is_loser(c, i)) json_candidate(&j, c, NULL, i);
  json_array_end(&j);
  json_end(&j);
}
