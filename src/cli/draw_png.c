/*
 * draw_png.c - dots as a PNG. The one file that knows libpng.
 *
 * In:       dots.  Out: a PNG on a stream; nothing where the build has no libpng.
 * Not here: what the dots show.
 */
#include "build.h"
#include "draw_dots.h"

#ifdef HAVE_PNG
#include <png.h>
#include <string.h>

bool dots_can_write(void) { return true; }

/* The simple interface of libpng: no long jumps, and its sentence would say no more than that writing failed. */
bool dots_write(FILE *out, const unsigned char *dots, int width, int height) {
  png_image image;
  memset(&image, 0, sizeof image);
  image.version = PNG_IMAGE_VERSION;
  image.width = (png_uint_32)width;
  image.height = (png_uint_32)height;
  image.format = PNG_FORMAT_RGB;
  return png_image_write_to_stdio(&image, out, 0, dots, 0, NULL) != 0;
}
#else
bool dots_can_write(void) { return false; }

bool dots_write(FILE *out, const unsigned char *dots, int width, int height) {
  (void)out, (void)dots, (void)width, (void)height;
  return false;
}
#endif
