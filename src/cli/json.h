/*
 * json.h - a writer of JSON: one value at a time, in order, indented by two.
 *
 * In:       values.  Out: text that every JSON parser reads back to the same values.
 * Not here: reading JSON.
 *
 * `key` is NULL inside arrays. Bytes that are not UTF-8 become U+FFFD; NaN and infinities become null; floats have the digits
 * that bring them back (9 for fp32, 17 for double).
 */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH = 16 };

struct json {
  FILE *out;
  int depth;
  bool empty[JSON_DEPTH]; /* nothing yet at this depth */
  bool array[JSON_DEPTH]; /* arrays of scalars stay on one line */
  bool broken;            /* the current array holds an object: one line each */
  bool flat;              /* all on one line */
};

void json_begin(struct json *j, FILE *out, const char *schema); /* opens the object and writes "schema" */
void json_line(struct json *j, FILE *out); /* opens an object that stays on one line */
void json_end(struct json *j);
void json_object(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *key);
void json_array_end(struct json *j);
void json_text(struct json *j, const char *key, const char *text); /* NULL gives null */
void json_bytes(struct json *j, const char *key, const char *text, size_t bytes);
void json_int(struct json *j, const char *key, int64_t value);
void json_count(struct json *j, const char *key, uint64_t value);
void json_real(struct json *j, const char *key, double value);
void json_float(struct json *j, const char *key, float value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);

/* A string with its quotes, alone; also for the lines of --logprobs and tokenize. */
void json_quote(FILE *out, const char *text, size_t bytes);

#endif
