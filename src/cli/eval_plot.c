/*
 * eval_plot.c - heat maps of depth and length: for each set one of dense, one of the setting, one of the difference.
 *
 * In:       struct eval with its items.  Out: one picture.
 * Not here: the figures (eval_sum.c), boxes and letters (draw.h).
 *
 * Numbers stand in the cells, so that no one must read colours. A set without depths is one row of cells.
 */
#include <string.h>

#include "eval.h"
#include "report.h"

enum {
  CELL_WIDTH = 64, CELL_HEIGHT = 30, LEFT = 104, TOP = 92, PANEL_GAP = 56, ROW_GAP = 46, LEGEND = 76, PANELS = 3,
  LEAST_PANEL = 192, /* so that headings and the scale have room over a single length */
};

/* Light where answers are right, and readable without red and green; the difference is white where there is none. */
enum { STOPS = 5 };
static const struct draw_stop share_scale[STOPS] = {{0, 0x440154}, {0.25, 0x3b528b}, {0.5, 0x21918c}, {0.75, 0x5ec962},
                                                    {1, 0xfde725}};
static const struct draw_stop difference_scale[STOPS] = {{-1, 0xb2182b}, {-0.25, 0xf4a582}, {0, 0xfafafa}, {0.25, 0x92c5de},
                                                         {1, 0x2166ac}};

struct plot {
  const struct eval *eval;
  struct draw draw;
  int panel_width, width, height;
};

static int panel_left(const struct plot *p, int panel) { return LEFT + panel * (p->panel_width + PANEL_GAP); }

/* One cell: colour, value, number of questions. */
static void put_cell(const struct plot *p, int panel, int x, int y, const struct eval_sum *sum) {
  const struct interval *i = panel < EVAL_MODES ? &sum->of[panel] : &sum->difference;
  int fill = 0xe0e0e0;
  char text[32];
  if (sum->n) fill = draw_colour(panel < EVAL_MODES ? share_scale : difference_scale, STOPS, i->value);
  draw_box(&p->draw, x, y, CELL_WIDTH, CELL_HEIGHT, fill, DRAW_WHITE);
  if (sum->n == 0) return;
  snprintf(text, sizeof text, panel < EVAL_MODES ? "%.2f" : "%+.2f", i->value);
  draw_text(&p->draw, x + CELL_WIDTH / 2, y + 15, 12, DRAW_MIDDLE, draw_ink(fill), text);
  snprintf(text, sizeof text, "n %zu", sum->n);
  draw_text(&p->draw, x + CELL_WIDTH / 2, y + 26, 8, DRAW_MIDDLE, draw_ink(fill), text);
}

static size_t rows_of(const struct eval *e, const struct eval_set *set) { return set->placed ? e->n_depths : 1; }

/* The three panels of a set from y on. */
static void put_set(const struct plot *p, const struct eval_set *set, int y) {
  const struct eval *e = p->eval;
  size_t rows = rows_of(e, set);
  char text[32];
  draw_text(&p->draw, 12, y + 18, 14, DRAW_START, DRAW_BLACK, set->name);
  for (int panel = 0; panel < PANELS; panel++) {
    int left = panel_left(p, panel), below = y + (int)rows * CELL_HEIGHT;
    for (size_t d = 0; d < rows; d++)
      for (size_t l = 0; l < e->n_lengths; l++) {
        struct eval_sum sum;
        unsigned depth = set->placed ? (unsigned)e->depth[d] : EVAL_ANY;
        eval_sum(e, &(struct eval_filter){.kind = EVAL_QUESTION, .set = set, .length = l, .depth = depth}, &sum);
        put_cell(p, panel, left + (int)l * CELL_WIDTH, y + (int)d * CELL_HEIGHT, &sum);
      }
    for (size_t d = 0; d < rows && set->placed; d++) {
      snprintf(text, sizeof text, "%u %%", (unsigned)e->depth[d]);
      draw_text(&p->draw, left - 6, y + (int)d * CELL_HEIGHT + 19, 10, DRAW_END, DRAW_GREY, text);
    }
    for (size_t l = 0; l < e->n_lengths; l++) {
      snprintf(text, sizeof text, "%llu", (unsigned long long)e->length[l]);
      draw_text(&p->draw, left + (int)l * CELL_WIDTH + CELL_WIDTH / 2, below + 14, 10, DRAW_MIDDLE, DRAW_GREY, text);
    }
  }
}

/* A bar of colours with its two ends and its middle. */
static void put_scale(const struct plot *p, int panel, const struct draw_stop scale[STOPS], const char *const label[3]) {
  enum { STEPS = 32 };
  int left = panel_left(p, panel), y = p->height - LEGEND + 24, step = LEAST_PANEL / STEPS;
  double low = scale[0].at, high = scale[STOPS - 1].at;
  for (int i = 0; i < STEPS; i++)
    draw_box(&p->draw, left + i * step, y, step, 12, draw_colour(scale, STOPS, low + (high - low) * i / (STEPS - 1)), DRAW_NONE);
  for (int i = 0; i < 3; i++) draw_text(&p->draw, left + i * LEAST_PANEL / 2, y + 26, 10, DRAW_MIDDLE, DRAW_GREY, label[i]);
}

static void write_title(const struct eval *e, char *text, size_t size) {
  snprintf(text, size, "%s: part of exact answers, by depth (down) and tokens (across)",
           *e->model.name ? e->model.name : e->cli->given.model);
}

static void put_head(const struct plot *p) {
  static const char *const names[PANELS] = {"dense", "setting", "setting - dense"};
  const struct eval *e = p->eval;
  char text[640];
  write_title(e, text, sizeof text);
  draw_text(&p->draw, 12, 26, DRAW_TITLE, DRAW_START, DRAW_BLACK, text);
  report_gate(e->settings[1], text, sizeof text);
  draw_text(&p->draw, 12, 46, 10, DRAW_START, DRAW_GREY, text);
  for (int panel = 0; panel < PANELS; panel++)
    draw_text(&p->draw, panel_left(p, panel), TOP - 14, 13, DRAW_START, DRAW_BLACK, names[panel]);
}

still_status eval_plot(const struct eval *e, enum draw_kind kind, FILE *out) {
  static const char *const share[] = {"0", "0.5", "1"}, *const difference[] = {"-1", "0", "+1"};
  struct plot p = {.eval = e, .panel_width = (int)e->n_lengths * CELL_WIDTH, .height = TOP + LEGEND};
  char title[640];
  if (p.panel_width < LEAST_PANEL) p.panel_width = LEAST_PANEL;
  write_title(e, title, sizeof title);
  p.width = panel_left(&p, PANELS) - PANEL_GAP + 24;
  if (p.width < DRAW_TITLE_LETTER * (int)strlen(title) + 24) p.width = DRAW_TITLE_LETTER * (int)strlen(title) + 24;
  for (size_t s = 0; s < e->n_sets; s++) p.height += (int)rows_of(e, e->set[s]) * CELL_HEIGHT + ROW_GAP;
  still_status status = draw_begin(&p.draw, kind, out, p.width, p.height);
  if (status != STILL_OK) return status;
  put_head(&p);
  int y = TOP;
  for (size_t s = 0; s < e->n_sets; s++) {
    put_set(&p, e->set[s], y);
    y += (int)rows_of(e, e->set[s]) * CELL_HEIGHT + ROW_GAP;
  }
  put_scale(&p, 0, share_scale, share);
  put_scale(&p, 2, difference_scale, difference);
  return draw_end(&p.draw);
}
