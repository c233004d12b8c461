/*
 * eval_sum.c - figures from single runs: how many were right, what was lost, what was saved.
 *
 * In:       struct eval with its items.  Out: sums with intervals.
 * Not here: the formulas (eval_stats.c, eval_cost.c), printing.
 */
#include <string.h>

#include "eval.h"

static bool passes(const struct eval_item *item, const struct eval_filter *f) {
  bool set = !f->set || item->set == f->set, length = f->length == EVAL_ANY || item->length == f->length;
  return item->kind == f->kind && set && length && (f->depth == EVAL_ANY || item->depth == f->depth);
}

void eval_sum(const struct eval *e, const struct eval_filter *filter, struct eval_sum *sum) {
  struct mean loss[EVAL_MODES] = {{0}}, difference = {0}, agreement = {0};
  size_t right[EVAL_MODES] = {0};
  *sum = (struct eval_sum){0};
  for (size_t i = 0; i < e->n_items; i++) {
    const struct eval_item *item = &e->item[i];
    if (!passes(item, filter)) continue;
    sum->n++;
    sum->stayed += item->of[1].start_layer >= e->model.n_layers;
    sum->gained += item->of[1].right && !item->of[0].right;
    sum->lost += item->of[0].right && !item->of[1].right;
    for (int mode = 0; mode < EVAL_MODES; mode++) {
      right[mode] += item->of[mode].right;
      mean_add(&loss[mode], item->of[mode].loss);
    }
    mean_add(&difference, item->of[1].loss - item->of[0].loss);
    mean_add(&agreement, item->agreement);
    sum->woken += (double)item->of[1].woken;
  }
  if (sum->n) sum->woken /= (double)sum->n;
  bool question = filter->kind == EVAL_QUESTION;
  for (int mode = 0; mode < EVAL_MODES; mode++)
    sum->of[mode] = question ? stats_proportion(right[mode], sum->n) : stats_mean(&loss[mode]);
  sum->difference = question ? stats_paired(sum->gained, sum->lost, sum->n) : stats_mean(&difference);
  if (filter->kind != EVAL_AGREE) return;
  sum->of[1] = stats_mean(&agreement); /* t knows nothing of the ends of a part */
  if (sum->of[1].low < 0) sum->of[1].low = 0;
  if (sum->of[1].high > 1) sum->of[1].high = 1;
}

static double cost_of(const struct eval *e, const struct eval_outcome *o, int mode) {
  char policy[32] = "";
  int64_t every = 0;
  struct eval_shape shape = {.tokens = o->tokens, .kept = o->kept, .start_layer = (unsigned)o->start_layer};
  still_get(e->settings[mode], "policy", policy, sizeof policy);
  still_get_int(e->settings[mode], "every", &every);
  still_get_real(e->settings[mode], "ratio", &shape.ratio);
  shape.every = (unsigned)every;
  shape.block = strcmp(policy, "block") == 0;
  return eval_cost(&e->model, &shape);
}

void eval_speed(const struct eval *e, size_t length, struct eval_speed *speed) {
  *speed = (struct eval_speed){0};
  for (size_t i = 0; i < e->n_items; i++) {
    const struct eval_item *item = &e->item[i];
    if (!item->timed || (length != EVAL_ANY && item->length != length)) continue;
    speed->n++;
    speed->tokens += item->of[1].tokens;
    speed->kept += item->of[1].kept;
    for (int mode = 0; mode < EVAL_MODES; mode++) {
      speed->cost[mode] += cost_of(e, &item->of[mode], mode);
      speed->seconds[mode] += item->of[mode].seconds;
    }
  }
}
