/*
 * utf8.c - checks UTF-8, character by character.
 *
 * In:       bytes that may be anything.  Out: lengths.
 * Not here: replacing what is none (each writer does).
 */
#include "utf8.h"

#include <stdint.h>

/* The character's code into *code. */
static size_t decode(const unsigned char *text, size_t bytes, uint32_t *code) {
  static const struct {
    unsigned char mask, head;
    uint32_t least;
  } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
  for (size_t n = 0; n < 4 && n < bytes; n++) {
    if ((text[0] & forms[n].mask) != forms[n].head) continue;
    *code = text[0] & (unsigned char)~forms[n].mask;
    for (size_t i = 1; i <= n; i++) {
      if ((text[i] & 0xc0) != 0x80) return 0;
      *code = *code << 6 | (text[i] & 0x3f);
    }
    bool good = *code >= forms[n].least && *code <= 0x10ffff && !(*code >= 0xd800 && *code <= 0xdfff);
    return good ? n + 1 : 0;
  }
  return 0;
}

size_t utf8_character(const void *text, size_t bytes) {
  uint32_t code;
  return decode(text, bytes, &code);
}

size_t utf8_printable(const void *text, size_t bytes) {
  uint32_t code;
  size_t n = decode(text, bytes, &code);
  bool control = n && (code < 0x20 || (code >= 0x7f && code < 0xa0)), blank = n && (code == '\t' || code == '\n');
  return (control && !blank) || (n && (code == 0xfffe || code == 0xffff)) ? 0 : n;
}

bool utf8_valid(const void *text, size_t bytes) {
  const unsigned char *at = text;
  for (size_t left = bytes, n; left > 0; at += n, left -= n)
    if ((n = utf8_character(at, left)) == 0) return false;
  return true;
}
