/*
 * eval_print.c - the figures of `stillpoint eval` as a table and as JSON.
 *
 * In:       struct eval with its items.  Out: standard output.
 * Not here: the figures (eval_sum.c), pictures (eval_plot.c).
 */
#include <math.h>

#include "eval.h"
#include "report.h"

/* ---- rows: every set at every length, then together ------------------------------------------------------------- */

typedef void (*row_fn)(const struct eval *e, const struct eval_filter *filter, void *user);

/* Calls back for each row of a kind: by length and set, and their sums where there are several. */
static void for_rows(const struct eval *e, enum eval_kind kind, row_fn row, void *user) {
  size_t sets = kind == EVAL_QUESTION ? e->n_sets : 1, lengths = e->n_lengths;
  if (!e->wanted[kind]) return;
  for (size_t l = 0; l < lengths + (lengths > 1); l++)
    for (size_t s = 0; s < sets + (sets > 1); s++) {
      struct eval_filter filter = {.kind = kind, .length = l < lengths ? l : EVAL_ANY, .depth = EVAL_ANY};
      if (kind == EVAL_QUESTION && s < sets) filter.set = e->set[s];
      row(e, &filter, user);
    }
}

static const char *row_name(const struct eval_filter *f) {
  static const char *const names[EVAL_KINDS] = {"all", "loss", "agree"};
  return f->set ? f->set->name : names[f->kind];
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

static void print_interval(const struct interval *i, int digits, bool sign, bool pad) {
  char text[64] = "";
  if (isnan(i->value))
    snprintf(text, sizeof text, "-");
  else if (isnan(i->low))
    snprintf(text, sizeof text, sign ? "%+.*f" : "%.*f", digits, i->value);
  else
    snprintf(text, sizeof text, sign ? "%+.*f [%+.*f, %+.*f]" : "%.*f [%.*f, %.*f]", digits, i->value, digits, i->low, digits,
             i->high);
  printf(pad ? "  %-26s" : "  %s", text);
}

static void print_row(const struct eval *e, const struct eval_filter *f, void *user) {
  struct eval_sum sum;
  int digits = f->kind == EVAL_LOSS ? 4 : 3;
  static const struct interval none = {NAN, NAN, NAN};
  (void)user;
  eval_sum(e, f, &sum);
  if (f->length == EVAL_ANY)
    printf("%8s  %-5s  %5zu", "all", row_name(f), sum.n);
  else
    printf("%8llu  %-5s  %5zu", (unsigned long long)e->length[f->length], row_name(f), sum.n);
  print_interval(f->kind == EVAL_AGREE ? &none : &sum.of[0], digits, false, true);
  print_interval(&sum.of[1], digits, false, true);
  print_interval(f->kind == EVAL_AGREE ? &none : &sum.difference, digits, true, false);
  if (sum.woken > 0) printf("  %.1f woke", sum.woken);
  printf("%s\n", sum.n && sum.stayed == sum.n ? "  stayed dense" : "");
}

static void print_speed(const struct eval *e) {
  printf("\n  length  prefills     kept  bound x  measured x  of the bound  dense s  setting s\n");
  for (size_t l = 0; l < e->n_lengths; l++) {
    struct eval_speed s;
    eval_speed(e, l, &s);
    if (s.n == 0) continue;
    double bound = s.cost[0] / s.cost[1], measured = s.seconds[1] > 0 ? s.seconds[0] / s.seconds[1] : 0;
    printf("%8llu  %8zu  %5.1f %%  %7.2f  %10.2f  %12.2f  %7.3f  %9.3f\n", (unsigned long long)e->length[l], s.n,
           100 * (double)s.kept / (double)s.tokens, bound, measured, measured / bound, s.seconds[0] / (double)s.n,
           s.seconds[1] / (double)s.n);
  }
}

void eval_print(const struct eval *e) {
  if (!e->cli->given.quiet)
    printf("%s, %s, %s, %u threads; %s; intervals of 95 %%\n", *e->model.name ? e->model.name : e->cli->given.model,
           e->model.file_type, e->model.isa, e->model.threads, e->plain ? "plain prompts" : "chat template");
  char setting[512];
  report_gate(e->settings[1], setting, sizeof setting);
  if (!e->cli->given.quiet) printf("setting: %s\n\n", setting);
  printf("  length  set        n  %-26s  %-26s  difference\n", "dense", "setting");
  for (int kind = 0; kind < EVAL_KINDS; kind++) for_rows(e, (enum eval_kind)kind, print_row, NULL);
  print_speed(e);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

static void json_interval(struct json *j, const char *key, const struct interval *i) {
  json_object(j, key);
  json_real(j, "value", i->value);
  json_real(j, "low", i->low);
  json_real(j, "high", i->high);
  json_object_end(j);
}

static void json_row(const struct eval *e, const struct eval_filter *f, void *user) {
  struct json *j = user;
  struct eval_sum sum;
  eval_sum(e, f, &sum);
  json_object(j, NULL);
  json_text(j, "set", row_name(f));
  if (f->length == EVAL_ANY)
    json_null(j, "length");
  else
    json_count(j, "length", e->length[f->length]);
  if (f->depth != EVAL_ANY) json_count(j, "depth", f->depth);
  json_count(j, "n", sum.n);
  json_count(j, "stayed_dense", sum.stayed);
  if (f->kind != EVAL_AGREE) json_interval(j, "dense", &sum.of[0]);
  json_interval(j, "setting", &sum.of[1]);
  if (f->kind != EVAL_AGREE) json_interval(j, "difference", &sum.difference);
  json_real(j, "woken", sum.woken);
  if (f->kind == EVAL_QUESTION) json_count(j, "gained", sum.gained);
  if (f->kind == EVAL_QUESTION) json_count(j, "lost", sum.lost);
  json_object_end(j);
}

static void json_cells(struct json *j, const struct eval *e) {
  json_array(j, "cells");
  for (size_t s = 0; s < e->n_sets; s++)
    for (size_t l = 0; l < e->n_lengths && e->set[s]->placed; l++)
      for (size_t d = 0; d < e->n_depths; d++) {
        struct eval_filter f = {.kind = EVAL_QUESTION, .set = e->set[s], .length = l, .depth = (unsigned)e->depth[d]};
        json_row(e, &f, j);
      }
  json_array_end(j);
}

static void json_speed(struct json *j, const struct eval *e) {
  json_array(j, "speed");
  for (size_t l = 0; l < e->n_lengths; l++) {
    struct eval_speed s;
    eval_speed(e, l, &s);
    json_object(j, NULL);
    json_count(j, "length", e->length[l]);
    json_count(j, "prefills", s.n);
    json_count(j, "tokens", s.tokens);
    json_count(j, "kept", s.kept);
    json_real(j, "bound", s.cost[0] / s.cost[1]);
    json_real(j, "measured", s.seconds[0] / s.seconds[1]);
    json_real(j, "dense_seconds", s.seconds[0]);
    json_real(j, "setting_seconds", s.seconds[1]);
    json_object_end(j);
  }
  json_array_end(j);
}

void eval_print_json(const struct eval *e) {
  struct json j;
  json_begin(&j, stdout, "stillpoint.eval/1");
  json_text(&j, "version", still_version());
  report_json_model(&j, e->engine[0].model);
  report_json_session(&j, &e->engine[1]);
  json_text(&j, "model_digest", e->model_digest);
  json_text(&j, "prompts", e->plain ? "plain" : "chat");
  json_text(&j, "hay", e->cli->given.hay.count ? "file" : "seeded");
  json_count(&j, "seed", e->seed);
  json_count(&j, "per_text", e->per_text);
  json_count(&j, "continuation", e->continuation);
  json_count(&j, "runs", EVAL_MODES * e->n_items);
  json_count(&j, "reused", e->reused);
  json_array(&j, "rows");
  for (int kind = 0; kind < EVAL_KINDS; kind++) for_rows(e, (enum eval_kind)kind, json_row, &j);
  json_array_end(&j);
  json_cells(&j, e);
  json_speed(&j, e);
  json_end(&j);
}
