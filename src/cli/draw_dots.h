/*
 * draw_dots.h - a picture as dots, its letters, and the PNG that they become.
 *
 * In:       boxes, texts.  Out: dots; a PNG where libpng was there at build time.
 * Not here: the choice of a form (draw.c).
 */
#ifndef CLI_DRAW_DOTS_H
#define CLI_DRAW_DOTS_H

#include "draw.h"

enum { DOTS = 2 }; /* dots of a unit, each way */
enum { FONT_WIDTH = 5, FONT_HEIGHT = 9, FONT_FOOT = 7, FONT_FIRST = ' ', FONT_GLYPHS = 96 };

/* Letters from ' ' on, and at last a sign for what is none: rows of five dots, the lowest bit at the right; two rows are below
 * the foot of the line. */
extern const unsigned char font_glyph[FONT_GLYPHS][FONT_HEIGHT];

unsigned char *dots_new(int width, int height); /* in units; white. free() */
void dots_box(const struct draw *d, double x, double y, double width, double height, int fill, int edge);
void dots_text(const struct draw *d, double x, double y, int size, enum draw_anchor anchor, int colour, const char *text);

bool dots_can_write(void);
bool dots_write(FILE *out, const unsigned char *dots, int width, int height); /* in dots */

#endif
