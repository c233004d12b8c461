/*
 * draw.c - pictures as SVG, and the choice between that and PNG.
 *
 * In:       boxes, texts.  Out: SVG on a stream.
 * Not here: dots (draw_dots.c).
 */
#include "draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "draw_dots.h"
#include "utf8.h"

enum draw_kind draw_kind_of(const char *path) {
  size_t n = strlen(path);
  return n >= 4 && strcasecmp(path + n - 4, ".png") == 0 ? DRAW_PNG : DRAW_SVG;
}

bool draw_has(enum draw_kind kind) { return kind == DRAW_SVG || dots_can_write(); }

still_status draw_begin(struct draw *d, enum draw_kind kind, FILE *out, int width, int height) {
  *d = (struct draw){.kind = kind, .out = out, .width = width, .height = height};
  if (kind == DRAW_PNG) return (d->dots = dots_new(width, height)) ? STILL_OK : STILL_ENOMEM;
  fprintf(out,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
          "font-family=\"sans-serif\">\n",
          width, height, width, height);
  draw_box(d, 0, 0, width, height, DRAW_WHITE, DRAW_NONE);
  return STILL_OK;
}

still_status draw_end(struct draw *d) {
  bool good = true;
  if (d->kind == DRAW_PNG)
    good = dots_write(d->out, d->dots, DOTS * d->width, DOTS * d->height);
  else
    fputs("</svg>\n", d->out);
  free(d->dots);
  d->dots = NULL;
  return good ? STILL_OK : STILL_EIO;
}

void draw_box(const struct draw *d, double x, double y, double width, double height, int fill, int edge) {
  if (d->kind == DRAW_PNG) {
    dots_box(d, x, y, width, height, fill, edge);
    return;
  }
  double in = edge == DRAW_NONE ? 0 : 0.5; /* a stroke lies on both sides of its line */
  fprintf(d->out, "<rect x=\"%.6g\" y=\"%.6g\" width=\"%.6g\" height=\"%.6g\"", x + in, y + in, width - 2 * in, height - 2 * in);
  if (fill == DRAW_NONE)
    fputs(" fill=\"none\"", d->out);
  else
    fprintf(d->out, " fill=\"#%06x\"", (unsigned)fill);
  if (edge != DRAW_NONE) fprintf(d->out, " stroke=\"#%06x\"", (unsigned)edge);
  fputs("/>\n", d->out);
}

static void put_escaped(FILE *out, const char *text) {
  for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
    const char *name = *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : *text == '>' ? "&gt;" : NULL;
    size_t good = utf8_printable(text, left);
    n = good ? good : 1;
    if (name)
      fputs(name, out);
    else if (good)
      fwrite(text, 1, n, out);
    else
      fputs(UTF8_REPLACEMENT, out);
  }
}

void draw_text(const struct draw *d, double x, double y, int size, enum draw_anchor anchor, int colour, const char *text) {
  static const char *const anchors[] = {"start", "middle", "end"};
  if (d->kind == DRAW_PNG) {
    dots_text(d, x, y, size, anchor, colour, text);
    return;
  }
  fprintf(d->out, "<text x=\"%.6g\" y=\"%.6g\" font-size=\"%d\" text-anchor=\"%s\" fill=\"#%06x\">", x, y, size, anchors[anchor],
          (unsigned)colour);
  put_escaped(d->out, text);
  fputs("</text>\n", d->out);
}

int draw_colour(const struct draw_stop *scale, size_t stops, double value) {
  size_t i = 0;
  while (i + 2 < stops && value > scale[i + 1].at) i++;
  double part = (value - scale[i].at) / (scale[i + 1].at - scale[i].at);
  part = part < 0 ? 0 : part > 1 ? 1 : part;
  int colour = 0;
  for (int shift = 16; shift >= 0; shift -= 8) {
    int low = scale[i].colour >> shift & 0xff, high = scale[i + 1].colour >> shift & 0xff;
    colour |= (int)lrint((1 - part) * low + part * high) << shift;
  }
  return colour;
}

int draw_ink(int fill) {
  int light = 299 * (fill >> 16 & 0xff) + 587 * (fill >> 8 & 0xff) + 114 * (fill & 0xff);
  return light > 140000 ? DRAW_BLACK : DRAW_WHITE;
}
