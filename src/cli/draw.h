/*
 * draw.h - a picture made of boxes and lines of text, as SVG or as PNG.
 *
 * In:       boxes and texts, in units of which a picture has as many as its width says.  Out: a file on a stream.
 * Not here: what is shown (eval_plot.c, trace_plot.c).
 *
 * An SVG needs no fonts, scripts or files beside it. A PNG has two dots a unit, and letters of a font of its own (draw_font.c),
 * which knows ASCII alone.
 */
#ifndef CLI_DRAW_H
#define CLI_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include "stillpoint.h"

enum draw_kind { DRAW_SVG, DRAW_PNG };
enum draw_anchor { DRAW_START, DRAW_MIDDLE, DRAW_END };
enum { DRAW_NONE = -1, DRAW_BLACK = 0x000000, DRAW_WHITE = 0xffffff, DRAW_GREY = 0x444444 }; /* colours are 0xrrggbb */
enum { DRAW_TITLE = 15, DRAW_TITLE_LETTER = 9 }; /* size of a title; width of its letters, at the most as a mean */

struct draw {
  enum draw_kind kind;
  FILE *out;
  int width, height;
  unsigned char *dots; /* PNG: rows of 3 bytes a dot */
};

/* A PNG if the name ends in .png, in any case of its letters. */
enum draw_kind draw_kind_of(const char *path);
bool draw_has(enum draw_kind kind); /* what this build can write */

/* A white picture: STILL_OK or STILL_ENOMEM. */
still_status draw_begin(struct draw *d, enum draw_kind kind, FILE *out, int width, int height);
/* fill, edge: a colour, or DRAW_NONE. An edge is one unit wide and within the box. */
void draw_box(const struct draw *d, double x, double y, double width, double height, int fill, int edge);
/* x, y: where the line begins, has its middle or ends, and its foot. Bytes that cannot be shown become a sign for that. */
void draw_text(const struct draw *d, double x, double y, int size, enum draw_anchor anchor, int colour, const char *text);
still_status draw_end(struct draw *d); /* writes what is left: STILL_OK or STILL_EIO; errors of the stream stay on it as well */

struct draw_stop { /* of a scale of colours, ascending */
  double at;
  int colour;
};
int draw_colour(const struct draw_stop *scale, size_t stops, double value);
int draw_ink(int fill); /* black or white, whichever can be read on it */

#endif
