/*
 * draw_dots.c - boxes and letters as dots.
 *
 * In:       places in units.  Out: dots, 3 bytes each, row by row.
 * Not here: files (draw_png.c), the font's shapes (draw_font.c).
 */
#include "draw_dots.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

unsigned char *dots_new(int width, int height) {
  size_t bytes = (size_t)3 * DOTS * DOTS * (size_t)width * (size_t)height;
  unsigned char *dots = malloc(bytes);
  return dots ? memset(dots, 0xff, bytes) : NULL;
}

/* Dots [x, to_x) x [y, to_y), as far as they are within the picture. */
static void fill_dots(const struct draw *d, long x, long y, long to_x, long to_y, int colour) {
  long width = DOTS * d->width, height = DOTS * d->height;
  to_x = to_x < width ? to_x : width;
  to_y = to_y < height ? to_y : height;
  for (long row = y < 0 ? 0 : y; row < to_y; row++)
    for (long at = x < 0 ? 0 : x; at < to_x; at++) {
      unsigned char *dot = d->dots + 3 * (row * width + at);
      dot[0] = (unsigned char)(colour >> 16), dot[1] = (unsigned char)(colour >> 8), dot[2] = (unsigned char)colour;
    }
}

/* Edges are rounded, not widths, so that boxes side by side leave no gap; what has a width at all is seen. */
void dots_box(const struct draw *d, double x, double y, double width, double height, int fill, int edge) {
  long left = lrint(DOTS * x), top = lrint(DOTS * y), right = lrint(DOTS * (x + width)), bottom = lrint(DOTS * (y + height));
  if (width > 0 && right == left) right++;
  if (height > 0 && bottom == top) bottom++;
  if (fill != DRAW_NONE) fill_dots(d, left, top, right, bottom, fill);
  if (edge == DRAW_NONE) return;
  fill_dots(d, left, top, right, top + DOTS, edge);
  fill_dots(d, left, bottom - DOTS, right, bottom, edge);
  fill_dots(d, left, top, left + DOTS, bottom, edge);
  fill_dots(d, right - DOTS, top, right, bottom, edge);
}

/* One character and its letter; the sign for none where the font has no letter. */
static size_t next_glyph(const char *text, size_t left, const unsigned char **glyph) {
  size_t n = utf8_character(text, left);
  int index = n == 1 ? (unsigned char)*text - FONT_FIRST : FONT_GLYPHS - 1;
  *glyph = font_glyph[index >= 0 && index < FONT_GLYPHS ? index : FONT_GLYPHS - 1];
  return n ? n : 1;
}

static long count_glyphs(const char *text) {
  const unsigned char *glyph;
  long n = 0;
  for (size_t left = strlen(text), bytes; left > 0; text += bytes, left -= bytes, n++) bytes = next_glyph(text, left, &glyph);
  return n;
}

/* The font's letters are 7 dots high, those of a size two thirds of it; so each dot becomes a square of this many. */
void dots_text(const struct draw *d, double x, double y, int size, enum draw_anchor anchor, int colour, const char *text) {
  long dot = size >= DRAW_TITLE ? 3 : size >= 9 ? 2 : 1, step = dot * (FONT_WIDTH + 1);
  long left = lrint(DOTS * x) - count_glyphs(text) * step * anchor / 2, top = lrint(DOTS * y) - dot * FONT_FOOT;
  const unsigned char *glyph;
  for (size_t rest = strlen(text), bytes; rest > 0; text += bytes, rest -= bytes, left += step) {
    bytes = next_glyph(text, rest, &glyph);
    for (int row = 0; row < FONT_HEIGHT; row++)
      for (int bit = 0; bit < FONT_WIDTH; bit++)
        if (glyph[row] >> (FONT_WIDTH - 1 - bit) & 1)
          fill_dots(d, left + bit * dot, top + row * dot, left + (bit + 1) * dot, top + (row + 1) * dot, colour);
  }
}
