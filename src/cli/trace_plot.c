/*
 * trace_plot.c - a trace as a picture: which token is alive in which layer, the scores along the text, the kept passages.
 *
 * In:       struct trace.  Out: one picture.
 * Not here: boxes and letters (draw.c).
 *
 * Tokens run from left to right. Where there are more of them than columns, a column stands for several: in the map its colour is
 * the part of them that is alive, at the scores a bar reaches to the highest.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "trace.h"

enum {
  LEFT = 84, COLUMNS = 960, TIMES = 110, RIGHT = 24, TOP = 84, GAP = 18, /* TIMES: bars of seconds, to the right of the map */
  WIDTH = LEFT + COLUMNS + GAP + TIMES + RIGHT,
  MAP_HEIGHT = 300, SCORES = 120, HEADING = 24, AXIS = 30, STRIP = 14, PASSAGE = 17, MOST_PASSAGES = 12,
  LETTER = 6, /* width of a letter of size 10, at the most as a mean */
};

enum { KEPT = 0x2166ac, HALTED = 0xc9c9c9, MARK = 0xb2182b, BACK = 0xf4f4f4 };
static const struct draw_stop alive_scale[] = {{0, 0xe4e4e4}, {1, KEPT}};

struct passage { /* kept tokens [first, last) */
  size_t first, last;
};

struct picture {
  const struct trace *trace;
  struct draw draw;
  size_t columns;       /* as many as tokens, or COLUMNS */
  double column, layer; /* width and height of one */
  int map_top, strip_top;
  struct passage passage[MOST_PASSAGES]; /* the longest, in the text's order */
  size_t n_passages, all_passages;
};

static double column_at(const struct picture *p, size_t c) { return LEFT + p->column * (double)c; }
static size_t first_token(const struct picture *p, size_t c) { return c * p->trace->n_tokens / p->columns; }
static double token_at(const struct picture *p, size_t i) { return LEFT + COLUMNS * (double)i / (double)p->trace->n_tokens; }

/* The height at which so many layers are below. */
static double above_layers(const struct picture *p, double layers) {
  return p->map_top + p->layer * (p->trace->n_layers - layers);
}

/* ---- passages ----------------------------------------------------------------------------------------------------- */

static bool is_kept(const struct trace *t, size_t i) { return t->token[i].passed == t->n_gates; }

/* Drops the shortest if there is no room for one more. */
static void keep_passage(struct picture *p, struct passage one) {
  p->all_passages++;
  if (p->n_passages == MOST_PASSAGES) {
    size_t least = 0;
    for (size_t i = 1; i < MOST_PASSAGES; i++) {
      const struct passage *a = &p->passage[i], *b = &p->passage[least];
      if (a->last - a->first < b->last - b->first) least = i;
    }
    if (one.last - one.first <= p->passage[least].last - p->passage[least].first) return;
    p->n_passages--;
    memmove(&p->passage[least], &p->passage[least + 1], (p->n_passages - least) * sizeof one);
  }
  p->passage[p->n_passages++] = one;
}

static void find_passages(struct picture *p) {
  const struct trace *t = p->trace;
  for (size_t i = 0; i < t->n_tokens && t->n_gates; i++) {
    size_t first = i;
    while (i < t->n_tokens && is_kept(t, i)) i++;
    if (i > first) keep_passage(p, (struct passage){first, i});
  }
}

/* ---- the map ------------------------------------------------------------------------------------------------------ */

/* Part of a column's tokens that went through so many gates. */
static double alive(const struct picture *p, size_t c, size_t gates) {
  size_t from = first_token(p, c), to = first_token(p, c + 1), n = 0;
  for (size_t i = from; i < to; i++) n += p->trace->token[i].passed >= gates;
  return (double)n / (double)(to - from);
}

/* The band of layers between two gates: columns of one colour side by side are one box. */
static void put_band(const struct picture *p, size_t gates, double from, double to) {
  double top = above_layers(p, to), height = above_layers(p, from) - top;
  for (size_t c = 0, first = 0; c < p->columns; first = c) {
    int colour = draw_colour(alive_scale, 2, alive(p, c, gates));
    while (c < p->columns && draw_colour(alive_scale, 2, alive(p, c, gates)) == colour) c++;
    draw_box(&p->draw, column_at(p, first), top, p->column * (double)(c - first), height, colour, DRAW_NONE);
  }
}

/* A step of 1, 2 or 5 times a power of ten, so that at most `most` of them fit. */
static size_t step_for(size_t n, size_t most) {
  static const size_t parts[] = {1, 2, 5};
  for (size_t ten = 1;; ten *= 10)
    for (size_t i = 0; i < 3; i++)
      if (n / (parts[i] * ten) < most) return parts[i] * ten;
}

static void put_positions(const struct picture *p, int y) {
  size_t n = p->trace->n_tokens, step = step_for(n, 12);
  char text[32];
  for (size_t i = 0; i < n; i += step) {
    snprintf(text, sizeof text, "%zu", i);
    draw_box(&p->draw, token_at(p, i), y, 1, 4, DRAW_GREY, DRAW_NONE);
    draw_text(&p->draw, token_at(p, i), y + 16, 10, DRAW_MIDDLE, DRAW_GREY, text);
  }
}

static void put_layer_names(const struct picture *p) {
  const struct trace *t = p->trace;
  size_t step = step_for(t->n_layers, 16);
  char text[32];
  for (size_t l = 0; l < t->n_layers; l += step) {
    snprintf(text, sizeof text, "%zu", l);
    draw_text(&p->draw, LEFT - 8, above_layers(p, (double)l + 0.5) + 4, 10, DRAW_END, DRAW_GREY, text);
  }
}

/* Seconds of each layer, both of its parts where a gate stands within it, as bars on the map's lines. */
static void put_times(const struct picture *p) {
  const struct trace *t = p->trace;
  double *seconds = calloc(t->n_layers, sizeof *seconds), most = 0;
  int left = LEFT + COLUMNS + GAP;
  char text[48];
  if (!seconds) return; /* a picture without them is one as well */
  for (size_t i = 0; i < t->n_layer_rows; i++) seconds[t->layer[i].layer] += t->layer[i].seconds;
  for (unsigned l = 0; l < t->n_layers; l++) most = seconds[l] > most ? seconds[l] : most;
  for (unsigned l = 0; l < t->n_layers && most > 0 && isfinite(most); l++)
    draw_box(&p->draw, left, above_layers(p, l + 0.9), TIMES * seconds[l] / most, 0.8 * p->layer, 0x8c8c8c, DRAW_NONE);
  snprintf(text, sizeof text, "seconds, most %.3g", most);
  draw_text(&p->draw, left, p->map_top - 8, 10, DRAW_START, DRAW_GREY, text);
  free(seconds);
}

/* Gates stand within their layer, between its attention and its feed-forward. */
static void put_map(const struct picture *p) {
  const struct trace *t = p->trace;
  double from = 0;
  char text[96];
  draw_text(&p->draw, 12, p->map_top - 8, 12, DRAW_START, DRAW_BLACK, "layer");
  for (size_t g = 0; g <= t->n_gates; g++) {
    double to = g < t->n_gates ? t->gate[g].layer + 0.5 : t->n_layers;
    put_band(p, g, from, to);
    from = to;
  }
  for (size_t g = 0; g < t->n_gates; g++) {
    double y = above_layers(p, t->gate[g].layer + 0.5);
    draw_box(&p->draw, LEFT - 4, y - 0.75, COLUMNS + 4, 1.5, MARK, DRAW_NONE);
    draw_text(&p->draw, LEFT - 30, y + 4, 10, DRAW_END, MARK, "gate");
  }
  put_layer_names(p);
  put_times(p);
  put_positions(p, p->map_top + MAP_HEIGHT);
  snprintf(text, sizeof text, "dark: tokens that are alive, light: halted");
  draw_text(&p->draw, LEFT, p->map_top - 8, 10, DRAW_START, DRAW_GREY, text);
}

/* ---- scores ------------------------------------------------------------------------------------------------------- */

struct scale { /* of one gate's scores */
  double low, high;
  bool log;
};

static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

/* By the logarithm where the highest score is far above the middle one, as with attention; else from 0. The logarithm ends four
 * powers of ten below the highest. */
static bool find_scale(const struct trace *t, size_t g, struct scale *s) {
  float *sorted = malloc((t->n_tokens + 1) * sizeof *sorted);
  size_t n = 0;
  if (!sorted) return false;
  for (size_t i = 0; i < t->n_tokens; i++)
    if (isfinite(t->gate[g].score[i])) sorted[n++] = t->gate[g].score[i];
  qsort(sorted, n, sizeof *sorted, ascending);
  double most = n ? (double)sorted[n - 1] : 1, middle = n ? (double)sorted[n / 2] : 0, least = n ? (double)sorted[0] : 0;
  free(sorted);
  *s = (struct scale){.high = most > 0 ? most : 1};
  s->log = least >= 0 && middle > 0 && most > 12 * middle;
  if (!s->log) return true;
  double floor_at = most * 1e-4;
  s->low = log10(least > floor_at ? least : floor_at);
  s->high = log10(most);
  return true;
}

/* From 0 to 1. */
static double height_of(const struct scale *s, double score) {
  double value = s->log ? (score > 0 ? log10(score) : s->low) : score;
  double part = (value - s->low) / (s->high - s->low);
  return part < 0 ? 0 : part > 1 ? 1 : part;
}

/* The bars of a column, kept and halted; the lower one stands in front, so that both are seen. */
static void put_bars(const struct picture *p, size_t g, const struct scale *s, size_t c, int bottom) {
  const struct trace *t = p->trace;
  double high[2] = {-1, -1};
  for (size_t i = first_token(p, c); i < first_token(p, c + 1); i++) {
    float score = t->gate[g].score[i];
    bool kept = t->token[i].passed > g;
    if (isfinite(score) && height_of(s, (double)score) > high[kept]) high[kept] = height_of(s, (double)score);
  }
  int behind = high[1] >= high[0];
  for (int k = 0; k < 2; k++) {
    int which = k ? !behind : behind;
    double height = high[which] * SCORES;
    if (height > 0) draw_box(&p->draw, column_at(p, c), bottom - height, p->column, height, which ? KEPT : HALTED, DRAW_NONE);
  }
}

static void put_value(const struct picture *p, const struct scale *s, double part, int y) {
  char text[32];
  double value = s->low + part * (s->high - s->low);
  snprintf(text, sizeof text, "%.3g", s->log ? pow(10, value) : value);
  draw_text(&p->draw, LEFT - 8, y + 4, 10, DRAW_END, DRAW_GREY, text);
}

static bool put_scores(const struct picture *p, size_t g, int top) {
  const struct trace_gate *gate = &p->trace->gate[g];
  struct scale s;
  char text[160];
  int bottom = top + SCORES;
  if (!find_scale(p->trace, g, &s)) return false;
  double tau = height_of(&s, (double)gate->tau) * SCORES;
  draw_box(&p->draw, LEFT, top, COLUMNS, SCORES, BACK, DRAW_NONE);
  for (size_t c = 0; c < p->columns; c++) put_bars(p, g, &s, c, bottom);
  for (int x = 0; x < COLUMNS; x += 12) draw_box(&p->draw, LEFT + x, bottom - tau - 0.5, 7, 1, MARK, DRAW_NONE);
  snprintf(text, sizeof text, "tau %.3g", (double)gate->tau);
  draw_text(&p->draw, LEFT + COLUMNS + 4, bottom - tau + 4, 10, DRAW_START, MARK, text);
  snprintf(text, sizeof text, "scores at the gate of layer %u: %llu tokens came, %llu kept (dark), %llu halted (light)%s",
           gate->layer, (unsigned long long)gate->rows, (unsigned long long)gate->kept,
           (unsigned long long)(gate->rows - gate->kept), s.log ? "; logarithmic" : "");
  draw_text(&p->draw, LEFT, top - 8, 10, DRAW_START, DRAW_GREY, text);
  draw_text(&p->draw, 12, top - 8, 12, DRAW_START, DRAW_BLACK, "score");
  for (int part = 0; part <= 2; part++) put_value(p, &s, part / 2.0, bottom - part * SCORES / 2);
  put_positions(p, bottom);
  return true;
}

/* ---- kept passages ------------------------------------------------------------------------------------------------ */

/* Tokens of a passage and the beginning of its text, blanks and ends of lines being one blank. */
static void describe_passage(const struct trace *t, const struct passage *one, size_t number, char *text, size_t size) {
  size_t last = one->last - 1, at = t->token[one->first].byte, end = t->token[last].byte + t->token[last].bytes;
  size_t n = (size_t)snprintf(text, size, "%zu: tokens %zu to %zu: ", number, one->first, last);
  bool blank = true;
  while (at < end && (t->text[at] & 0xc0) == 0x80) at++; /* the passage begins within a character */
  for (; at < end && n + 1 < size; at++) {
    bool gap = memchr(" \t\r\n", t->text[at], 4) != NULL;
    if (!gap || !blank) text[n++] = (char)(gap ? ' ' : t->text[at] ? t->text[at] : '?');
    blank = gap;
  }
  while (at < end && n > 0 && (text[n - 1] & 0x80)) n--; /* no part of a character */
  text[n < size ? n : size - 1] = '\0';
}

static void put_passages(const struct picture *p) {
  enum { ROOM = (WIDTH - LEFT - RIGHT) / LETTER };
  const struct trace *t = p->trace;
  char text[ROOM + 1];
  int y = p->strip_top;
  draw_text(&p->draw, 12, y + 11, 12, DRAW_START, DRAW_BLACK, "kept");
  draw_box(&p->draw, LEFT, y, COLUMNS, STRIP, BACK, DRAW_NONE);
  for (size_t i = 0, first = 0; i < t->n_tokens; i++) {
    first = i;
    while (i < t->n_tokens && is_kept(t, i)) i++;
    if (i > first) draw_box(&p->draw, token_at(p, first), y, token_at(p, i) - token_at(p, first), STRIP, KEPT, DRAW_NONE);
  }
  double free_from = 0; /* a number that would touch the one before is left out */
  for (size_t k = 0; k < p->n_passages; k++) {
    const struct passage *one = &p->passage[k];
    double middle = (token_at(p, one->first) + token_at(p, one->last)) / 2;
    int digits = snprintf(text, sizeof text, "%zu", k + 1);
    if (middle >= free_from) {
      draw_text(&p->draw, middle, y - 4, 10, DRAW_MIDDLE, DRAW_BLACK, text);
      free_from = middle + (digits + 1) * LETTER;
    }
    describe_passage(t, one, k + 1, text, sizeof text);
    draw_text(&p->draw, LEFT, y + STRIP + 24 + PASSAGE * (int)k, 10, DRAW_START, DRAW_BLACK, text);
  }
  if (p->all_passages > p->n_passages) {
    snprintf(text, sizeof text, "and %zu shorter passages", p->all_passages - p->n_passages);
    draw_text(&p->draw, LEFT, y + STRIP + 24 + PASSAGE * (int)p->n_passages, 10, DRAW_START, DRAW_GREY, text);
  }
}

/* ---- all of it ---------------------------------------------------------------------------------------------------- */

static void put_head(const struct picture *p) {
  const struct trace *t = p->trace;
  uint64_t kept = trace_kept(t);
  char text[640];
  snprintf(text, sizeof text, "%s: %llu of %zu tokens kept (%.1f %%)%s%s", trace_model(t), (unsigned long long)kept, t->n_tokens,
           100 * (double)kept / (double)t->n_tokens, *t->why_dense ? ": " : "", t->why_dense);
  draw_text(&p->draw, 12, 26, DRAW_TITLE, DRAW_START, DRAW_BLACK, text);
  report_describe(t->settings, text, sizeof text);
  draw_text(&p->draw, 12, 46, 10, DRAW_START, DRAW_GREY, text);
}

still_status trace_plot(const struct trace *t, enum draw_kind kind, FILE *out) {
  enum { GATE = HEADING + SCORES + AXIS };
  struct picture p = {.trace = t, .columns = t->n_tokens < COLUMNS ? t->n_tokens : COLUMNS, .map_top = TOP};
  p.column = (double)COLUMNS / (double)p.columns;
  p.layer = (double)MAP_HEIGHT / t->n_layers;
  find_passages(&p);
  int below_map = TOP + MAP_HEIGHT + AXIS, lines = (int)p.n_passages + (p.all_passages > p.n_passages);
  p.strip_top = below_map + (int)t->n_gates * GATE + HEADING;
  int height = t->n_gates ? p.strip_top + STRIP + 24 + PASSAGE * lines + 8 : below_map + 8;
  still_status status = draw_begin(&p.draw, kind, out, WIDTH, height);
  if (status != STILL_OK) return status;
  put_head(&p);
  put_map(&p);
  bool good = true;
  for (size_t g = 0; g < t->n_gates && good; g++) good = put_scores(&p, g, below_map + (int)g * GATE + HEADING);
  if (t->n_gates) put_passages(&p);
  status = draw_end(&p.draw);
  return good ? status : STILL_ENOMEM;
}
