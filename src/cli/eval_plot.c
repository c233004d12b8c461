/*
 * eval_plot.c - heat maps of depth and length as SVG: for each set one of dense, one of the setting, one of the difference.
 *
 * In:       struct eval with its items.  Out: one SVG, which needs no fonts, scripts or files beside it.
 * Not here: the figures (eval_sum.c).
 *
 * Numbers stand in the cells, so that no one must read colours. A set without depths is one row of cells.
 */
#include <math.h>
#include <string.h>

#include "eval.h"

enum {
  CELL_WIDTH = 64, CELL_HEIGHT = 30, LEFT = 104, TOP = 92, PANEL_GAP = 56, ROW_GAP = 46, LEGEND = 76, PANELS = 3,
  TITLE_LETTER = 9,  /* width of a letter of the title, at the most as a mean */
  LEAST_PANEL = 192, /* so that headings and the scale have room over a single length */
};

struct stop {
  double at;
  unsigned char rgb[3];
};

/* Light where answers are right, and readable without red and green; the difference is white where there is none. */
static const struct stop share_scale[] = {{0, {68, 1, 84}},      {0.25, {59, 82, 139}}, {0.5, {33, 145, 140}},
                                          {0.75, {94, 201, 98}}, {1, {253, 231, 37}}};
static const struct stop difference_scale[] = {{-1, {178, 24, 43}}, {-0.25, {244, 165, 130}}, {0, {250, 250, 250}},
                                               {0.25, {146, 197, 222}}, {1, {33, 102, 172}}};
enum { STOPS = 5 };

static void colour_of(const struct stop scale[STOPS], double value, unsigned rgb[3]) {
  size_t i = 0;
  while (i + 2 < STOPS && value > scale[i + 1].at) i++;
  double part = (value - scale[i].at) / (scale[i + 1].at - scale[i].at);
  part = part < 0 ? 0 : part > 1 ? 1 : part;
  for (int c = 0; c < 3; c++) rgb[c] = (unsigned)lrint((1 - part) * scale[i].rgb[c] + part * scale[i + 1].rgb[c]);
}

struct plot {
  const struct eval *eval;
  FILE *out;
  int panel_width, width, height;
};

static void put_escaped(FILE *out, const char *text) {
  for (; *text; text++) {
    const char *name = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;
    if (name)
      fputs(name, out);
    else if ((unsigned char)*text >= 0x20)
      fputc(*text, out);
  }
}

/* anchor: "start", "middle" or "end". */
static void put_text(const struct plot *p, double x, double y, int size, const char *anchor, const char *fill, const char *text) {
  fprintf(p->out, "<text x=\"%g\" y=\"%g\" font-size=\"%d\" text-anchor=\"%s\" fill=\"%s\">", x, y, size, anchor, fill);
  put_escaped(p->out, text);
  fputs("</text>\n", p->out);
}

static int panel_left(const struct plot *p, int panel) { return LEFT + panel * (p->panel_width + PANEL_GAP); }

/* One cell: colour, value, number of questions. */
static void put_cell(const struct plot *p, int panel, int x, int y, const struct eval_sum *sum) {
  const struct interval *i = panel < EVAL_MODES ? &sum->of[panel] : &sum->difference;
  unsigned rgb[3] = {224, 224, 224};
  char text[32];
  if (sum->n) colour_of(panel < EVAL_MODES ? share_scale : difference_scale, i->value, rgb);
  const char *ink = 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] > 140000 ? "#000000" : "#ffffff";
  fprintf(p->out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"#%02x%02x%02x\" stroke=\"#ffffff\"/>\n", x, y,
          CELL_WIDTH, CELL_HEIGHT, rgb[0], rgb[1], rgb[2]);
  if (sum->n == 0) return;
  snprintf(text, sizeof text, panel < EVAL_MODES ? "%.2f" : "%+.2f", i->value);
  put_text(p, x + CELL_WIDTH / 2, y + 15, 12, "middle", ink, text);
  snprintf(text, sizeof text, "n %zu", sum->n);
  put_text(p, x + CELL_WIDTH / 2, y + 26, 8, "middle", ink, text);
}

static size_t rows_of(const struct eval *e, const struct eval_set *set) { return set->placed ? e->n_depths : 1; }

/* The three panels of a set from y on. */
static void put_set(const struct plot *p, const struct eval_set *set, int y) {
  const struct eval *e = p->eval;
  size_t rows = rows_of(e, set);
  char text[32];
  put_text(p, 12, y + 18, 14, "start", "#000000", set->name);
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
      put_text(p, left - 6, y + (int)d * CELL_HEIGHT + 19, 10, "end", "#444444", text);
    }
    for (size_t l = 0; l < e->n_lengths; l++) {
      snprintf(text, sizeof text, "%llu", (unsigned long long)e->length[l]);
      put_text(p, left + (int)l * CELL_WIDTH + CELL_WIDTH / 2, below + 14, 10, "middle", "#444444", text);
    }
  }
}

/* A bar of colours with its two ends and its middle. */
static void put_scale(const struct plot *p, int panel, const struct stop scale[STOPS], const char *const label[3]) {
  enum { STEPS = 32 };
  int left = panel_left(p, panel), y = p->height - LEGEND + 24, step = LEAST_PANEL / STEPS;
  double low = scale[0].at, high = scale[STOPS - 1].at;
  for (int i = 0; i < STEPS; i++) {
    unsigned rgb[3];
    colour_of(scale, low + (high - low) * i / (STEPS - 1), rgb);
    fprintf(p->out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"12\" fill=\"#%02x%02x%02x\"/>\n", left + i * step, y, step,
            rgb[0], rgb[1], rgb[2]);
  }
  for (int i = 0; i < 3; i++) put_text(p, left + i * LEAST_PANEL / 2, y + 26, 10, "middle", "#444444", label[i]);
}

static void write_title(const struct eval *e, char *text, size_t size) {
  snprintf(text, size, "%s: part of exact answers, by depth (down) and tokens (across)",
           *e->model.name ? e->model.name : e->cli->given.model);
}

static void put_head(const struct plot *p) {
  static const char *const names[PANELS] = {"dense", "setting", "setting - dense"};
  const struct eval *e = p->eval;
  char text[640];
  fprintf(p->out,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
          "font-family=\"sans-serif\">\n<rect width=\"%d\" height=\"%d\" fill=\"#ffffff\"/>\n",
          p->width, p->height, p->width, p->height, p->width, p->height);
  write_title(e, text, sizeof text);
  put_text(p, 12, 26, 15, "start", "#000000", text);
  eval_describe(e, text, sizeof text);
  put_text(p, 12, 46, 10, "start", "#444444", text);
  for (int panel = 0; panel < PANELS; panel++) put_text(p, panel_left(p, panel), TOP - 14, 13, "start", "#000000", names[panel]);
}

void eval_plot(const struct eval *e, FILE *out) {
  static const char *const share[] = {"0", "0.5", "1"}, *const difference[] = {"-1", "0", "+1"};
  struct plot p = {.eval = e, .out = out, .panel_width = (int)e->n_lengths * CELL_WIDTH, .height = TOP + LEGEND};
  char title[640];
  if (p.panel_width < LEAST_PANEL) p.panel_width = LEAST_PANEL;
  write_title(e, title, sizeof title);
  p.width = panel_left(&p, PANELS) - PANEL_GAP + 24;
  if (p.width < TITLE_LETTER * (int)strlen(title) + 24) p.width = TITLE_LETTER * (int)strlen(title) + 24;
  for (size_t s = 0; s < e->n_sets; s++) p.height += (int)rows_of(e, e->set[s]) * CELL_HEIGHT + ROW_GAP;
  put_head(&p);
  int y = TOP;
  for (size_t s = 0; s < e->n_sets; s++) {
    put_set(&p, e->set[s], y);
    y += (int)rows_of(e, e->set[s]) * CELL_HEIGHT + ROW_GAP;
  }
  put_scale(&p, 0, share_scale, share);
  put_scale(&p, 2, difference_scale, difference);
  fputs("</svg>\n", out);
}
