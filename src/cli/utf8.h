/*
 * utf8.h - where a character of UTF-8 ends.
 *
 * In:       bytes.  Out: lengths.
 * Not here: what the characters are.
 */
#ifndef CLI_UTF8_H
#define CLI_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the character at text, or 0 if there is none: truncated, overlong, surrogate, beyond U+10FFFF. */
size_t utf8_character(const void *text, size_t bytes);
/* The same, and 0 also for what no page, picture or terminal should be given: control characters but tab and end of line, and the
 * two codes that XML forbids. */
size_t utf8_printable(const void *text, size_t bytes);
bool utf8_valid(const void *text, size_t bytes);

#define UTF8_REPLACEMENT "\xef\xbf\xbd"

#endif
