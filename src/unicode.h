/*
 * unicode.h - UTF-8 and the three properties of characters that pre-tokenisers ask for.
 *
 * In:       bytes, code points.  Out: characters one by one; letter, number, white space or none of these.
 * Not here: case, normalisation, grapheme clusters: no supported tokeniser needs them.
 */
#ifndef SP_UNICODE_H
#define SP_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* \p{L}, \p{N}, \s of the published patterns; numbered as in the table. */
enum sp_class { SP_OTHER, SP_LETTER, SP_NUMBER, SP_SPACE };

enum { SP_NOT_UTF8 = 0x110000 }; /* stands for a byte that is no part of a character; its class is SP_OTHER */

enum sp_class sp_unicode_class(uint32_t c);

/* Bytes of the longest start of text that also starts some character (0..4; bytes >= 1); *whole: they are that character.
 * Overlong forms, surrogates and code points above U+10FFFF start nothing. */
size_t sp_utf8_scan(const char *text, size_t bytes, bool *whole);
/* The character at text (bytes >= 1) and its length; *c = SP_NOT_UTF8 and 1 when there is none. */
size_t sp_utf8_next(const char *text, size_t bytes, uint32_t *c);
/* Where the last character of text begins (bytes >= 1); the last byte when it belongs to none. */
size_t sp_utf8_last(const char *text, size_t bytes);

#endif
