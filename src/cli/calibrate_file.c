/*
 * calibrate_file.c - writes a calibration file.
 *
 * In:       choices and their figures.  Out: a file as stillpoint-calibration(5) has it.
 * Not here: reading it (src/calibration.c).
 *
 * Nothing in it depends on the machine or the day, so that the same model, sample and options give the same bytes; the measured
 * speed-up alone does, and stands there only if it was asked for.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate.h"
#include "report.h"
#include "src/settings.h"

static void put_settings(FILE *out, const struct calibrate *c, const struct candidate *d) {
  char text[64];
  int64_t whole;
  double real;
  for (size_t i = 0; sp_gate_keys[i]; i++) {
    bool last = !sp_gate_keys[i + 1];
    if (still_get(d->settings, sp_gate_keys[i], text, sizeof text) != STILL_OK) continue;
    if (last)
      fprintf(out, "%s %llu\n", sp_gate_keys[i], (unsigned long long)c->min_tokens);
    else if (still_get_int(d->settings, sp_gate_keys[i], &whole) != STILL_OK &&
             still_get_real(d->settings, sp_gate_keys[i], &real) == STILL_OK)
      fprintf(out, "%s %.9g\n", sp_gate_keys[i], real);
    else
      fprintf(out, "%s %s\n", sp_gate_keys[i], text);
  }
}

static void put_interval(FILE *out, const char *name, const struct interval *i) {
  if (!isnan(i->value) && !isnan(i->low)) fprintf(out, "%s %.6f %.6f %.6f\n", name, i->value, i->low, i->high);
}

static void put_level(FILE *out, const struct calibrate *c, size_t level) {
  const struct choice *choice = &c->choice[level];
  const struct candidate *d = &c->candidate[choice->candidate];
  struct figures f;
  fprintf(out, "\nquality %s\n", c->bounds[level].name);
  if (choice->candidate == 0) {
    fprintf(out, "policy dense\n");
    return;
  }
  calibrate_figures(c, choice->candidate, CALIBRATE_FINAL, &f);
  put_settings(out, c, d);
  fprintf(out, "bound %.4f\n", d->bound);
  if (c->cli->given.timed) fprintf(out, "speed-up %.3f\n", choice->speed_up);
  fprintf(out, "questions %zu\n", f.questions);
  put_interval(out, "retrieval-dense", &f.right[0]);
  put_interval(out, "retrieval", &f.right[1]);
  put_interval(out, "retrieval-difference", &f.difference);
  fprintf(out, "places %zu\n", f.places);
  put_interval(out, "loss-dense", &f.loss[0]);
  put_interval(out, "loss", &f.loss[1]);
  put_interval(out, "loss-difference", &f.loss_difference);
}

/* A name from a file may hold anything; notes are printable ASCII. */
static void put_name(FILE *out, const char *name) {
  fputs("note model ", out);
  for (const char *at = name; *at; at++) fputc(*at >= ' ' && *at <= '~' ? *at : '?', out);
  fputs(*name ? "\n" : "without a name\n", out);
}

static void put_sample(FILE *out, const struct calibrate *c) {
  const struct eval *e = &c->sample;
  const struct cli_values *given = &c->cli->given;
  fprintf(out, "note lengths");
  for (size_t i = 0; i < e->n_lengths; i++) fprintf(out, " %llu", (unsigned long long)e->length[i]);
  const struct part *s = &c->part[CALIBRATE_SEARCH], *f = &c->part[CALIBRATE_FINAL];
  fprintf(out, "\nnote search: seed %lld, %zu texts with %llu questions each, of which %llu answered, and %zu places\n",
          (long long)c->seed, s->n_texts, (unsigned long long)e->per_text, (unsigned long long)s->answers, s->n_places);
  fprintf(out, "note confirmed on other halves of the texts: %zu texts with %llu questions each, and %zu places\n", f->n_texts,
          (unsigned long long)f->answers, f->n_places);
  fprintf(out, "note losses of %llu tokens behind a place, %zu files of text, %zu more to hide facts in\n",
          (unsigned long long)e->continuation, given->files.count, given->hay.count);
  fprintf(out, "note loss of fast at most %g, of balanced %g, of strict %g of dense\n", c->bounds[2].loss, c->bounds[1].loss,
          c->bounds[0].loss);
  fprintf(out, "note retrieval of fast at most %g points below dense, of balanced %g, of strict %g\n", c->bounds[2].points,
          c->bounds[1].points, c->bounds[0].points);
}

static bool put_all(FILE *out, const struct calibrate *c) {
  fprintf(out, "stillpoint-calibration 1\nmodel %s\nnumerics %d\n", c->sample.model_digest, SP_NUMERICS_VERSION);
  put_name(out, c->sample.model.name);
  put_sample(out, c);
  for (size_t level = 0; level < CALIBRATE_LEVELS; level++) put_level(out, c, level);
  return !ferror(out) && fflush(out) == 0;
}

/* Beside its place first: the place holds what was there or all of the new one. */
int calibrate_write(struct calibrate *c, const char *path) {
  size_t room = strlen(path) + 5;
  char *beside = malloc(room);
  if (!beside) return cli_no_memory(c->cli);
  snprintf(beside, room, "%s.new", path);
  FILE *out = fopen(beside, "wb");
  bool good = out && put_all(out, c);
  if (out && fclose(out) != 0) good = false;
  if (good) good = rename(beside, path) == 0;
  int code = CLI_OK;
  if (!good) code = cli_fail(c->cli, STILL_EIO, "%s could not be written: %s; take another --out", path, strerror(errno));
  if (!good) remove(beside);
  free(beside);
  return code;
}
