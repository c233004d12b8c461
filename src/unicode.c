/*
 * unicode.c - UTF-8 decoding and a table of character classes.
 *
 * In:       bytes, code points.  Out: as unicode.h says.
 * Not here: how the table is made (build-aux/make-unicode.py).
 */
#include "unicode.h"

/* Runs of code points of one class: first code point << 2 | class, ascending; a run ends where the next begins. */
static const uint32_t runs[] = {
#include "unicode_data.inc"
};

enum { RUNS = sizeof runs / sizeof runs[0] };

enum sp_class sp_unicode_class(uint32_t c) {
  if (c < 0x80) { /* most text; equal to the table's first runs */
    if ((c | 0x20) - 'a' < 26) return SP_LETTER;
    if (c - '0' < 10) return SP_NUMBER;
    return c == ' ' || c - '\t' < 5 ? SP_SPACE : SP_OTHER;
  }
  size_t low = 0, high = RUNS; /* the run that holds c is in [low, high) */
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (runs[middle] >> 2 <= c)
      low = middle;
    else
      high = middle;
  }
  return (enum sp_class)(runs[low] & 3);
}

/* Length of a character by its first byte, and the range of its second byte: the table 3-7 of the Unicode standard. */
static const struct {
  uint8_t first, last, length, low, high;
} leads[] = {
  {0x00, 0x7f, 1, 0x00, 0x00}, {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
  {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf},
  {0xf4, 0xf4, 4, 0x80, 0x8f},
};

enum { LEADS = sizeof leads / sizeof leads[0] };

size_t sp_utf8_scan(const char *text, size_t bytes, bool *whole) {
  const uint8_t *at = (const uint8_t *)text;
  size_t i = 0, n = 1;
  while (i < LEADS && (at[0] < leads[i].first || at[0] > leads[i].last)) i++;
  *whole = false;
  if (i == LEADS) return 0;
  if (leads[i].length > 1 && bytes > 1 && at[1] >= leads[i].low && at[1] <= leads[i].high) {
    n = 2;
    while (n < leads[i].length && n < bytes && (at[n] & 0xc0) == 0x80) n++;
  }
  *whole = n == leads[i].length;
  return n;
}

size_t sp_utf8_next(const char *text, size_t bytes, uint32_t *c) {
  const uint8_t *at = (const uint8_t *)text;
  *c = at[0];
  if (at[0] < 0x80) return 1;
  bool whole;
  size_t n = sp_utf8_scan(text, bytes, &whole);
  if (!whole) {
    *c = SP_NOT_UTF8;
    return 1;
  }
  *c = at[0] & (0x7fu >> n);
  for (size_t i = 1; i < n; i++) *c = *c << 6 | (at[i] & 0x3f);
  return n;
}

size_t sp_utf8_last(const char *text, size_t bytes) {
  for (size_t n = 2; n <= 4 && n <= bytes; n++) { /* a character of n bytes that ends exactly at the end? */
    bool whole;
    if (sp_utf8_scan(text + bytes - n, n, &whole) == n && whole) return bytes - n;
  }
  return bytes - 1;
}
