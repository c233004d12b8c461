/*
 * json_read.h - reads values of JSON from a line: each call takes one, and tells where it ends.
 *
 * In:       a NUL-terminated text.  Out: values; NULL where the text is not what was asked for.
 * Not here: files, schemas.
 *
 * For lines that json.c wrote: of \u it knows control characters and U+FFFD. Anything else of JSON can be skipped.
 */
#ifndef CLI_JSON_READ_H
#define CLI_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

const char *json_skip_blanks(const char *at);
/* A string into out[size], cut if need be and terminated; its bytes, uncut, into *bytes unless that is NULL. */
const char *json_read_text(const char *at, char *out, size_t size, size_t *bytes);
/* As a double, and as a whole number: 0 below 0. */
const char *json_read_number(const char *at, double *real, uint64_t *count);
/* Behind any value. */
const char *json_skip(const char *at);

/* Goes through the members of an object, or with name NULL through the items of an array. *at stands before '{' or '[' at first
 * and then, after each value was read, behind it. 1: *at is at the next value (and its name was read), 0: *at is behind the end,
 * -1: it is no such thing. */
int json_next(const char **at, bool first, char *name, size_t size);

#endif
