/*
 * json.c - the writer of JSON.
 *
 * In:       values.  Out: text on a FILE; write errors are found when it is flushed (cli_finish_output).
 * Not here: schemas (each command's man page).
 */
#include "json.h"

#include <math.h>
#include <string.h>

#include "utf8.h"

void json_quote(FILE *out, const char *text, size_t bytes) {
  static const char plain[] = "\"\\\b\f\n\r\t", escaped[] = "\"\\bfnrt";
  const unsigned char *at = (const unsigned char *)text;
  fputc('"', out);
  for (size_t left = bytes, n; left > 0; at += n, left -= n) {
    size_t good = utf8_character(at, left);
    n = good ? good : 1;
    const char *special = good == 1 && *at ? strchr(plain, *at) : NULL;
    if (special)
      fprintf(out, "\\%c", escaped[special - plain]);
    else if (good == 1 && (*at < 0x20 || *at == 0x7f))
      fprintf(out, "\\u%04x", *at);
    else if (good)
      fwrite(at, 1, n, out);
    else
      fputs("\\ufffd", out);
  }
  fputc('"', out);
}

static void indent(struct json *j) {
  if (!j->flat) fprintf(j->out, "\n%*s", 2 * j->depth, "");
}

/* Comma, line and key before a value. `wide`: the value is an object or array, which begins a line of its own in an array. */
static void before(struct json *j, const char *key, bool wide) {
  bool line = !j->array[j->depth] || wide;
  if (!j->empty[j->depth]) fputs(line && !j->flat ? "," : ", ", j->out);
  if (line) indent(j);
  if (wide && j->array[j->depth]) j->broken = true;
  j->empty[j->depth] = false;
  if (!key) return;
  json_quote(j->out, key, strlen(key));
  fputs(": ", j->out);
}

static void descend(struct json *j, const char *key, char bracket, bool wide) {
  before(j, key, wide);
  fputc(bracket, j->out);
  if (j->depth + 1 < JSON_DEPTH) j->depth++;
  j->empty[j->depth] = true;
  j->array[j->depth] = bracket == '[';
  j->broken = false;
}

static void ascend(struct json *j, char bracket, bool line) {
  bool empty = j->empty[j->depth];
  if (j->depth > 0) j->depth--;
  if (line && !empty) indent(j);
  fputc(bracket, j->out);
}

void json_begin(struct json *j, FILE *out, const char *schema) {
  *j = (struct json){.out = out, .depth = 1, .empty = {[1] = true}};
  fputc('{', out);
  json_text(j, "schema", schema);
}

void json_line(struct json *j, FILE *out) {
  *j = (struct json){.out = out, .depth = 1, .empty = {[1] = true}, .flat = true};
  fputc('{', out);
}

void json_end(struct json *j) {
  j->depth = 0;
  fputs(j->flat ? "}\n" : "\n}\n", j->out);
}

void json_object(struct json *j, const char *key) { descend(j, key, '{', true); }

void json_object_end(struct json *j) {
  ascend(j, '}', true);
  j->broken = j->array[j->depth];
}

void json_array(struct json *j, const char *key) { descend(j, key, '[', false); }

void json_array_end(struct json *j) {
  ascend(j, ']', j->broken);
  j->broken = false;
}

void json_text(struct json *j, const char *key, const char *text) {
  if (text)
    json_bytes(j, key, text, strlen(text));
  else
    json_null(j, key);
}

void json_bytes(struct json *j, const char *key, const char *text, size_t bytes) {
  before(j, key, false);
  json_quote(j->out, text, bytes);
}

void json_int(struct json *j, const char *key, int64_t value) {
  before(j, key, false);
  fprintf(j->out, "%lld", (long long)value);
}

void json_count(struct json *j, const char *key, uint64_t value) {
  before(j, key, false);
  fprintf(j->out, "%llu", (unsigned long long)value);
}

static void number(struct json *j, const char *key, double value, int digits) {
  if (!isfinite(value)) {
    json_null(j, key);
    return;
  }
  before(j, key, false);
  fprintf(j->out, "%.*g", digits, value);
}

/* The shortest of 15 and 17 digits that comes back to the same double: 0.1 stays 0.1. */
void json_real(struct json *j, const char *key, double value) {
  char text[32];
  double back = 0;
  snprintf(text, sizeof text, "%.15g", value);
  bool short_enough = sscanf(text, "%lf", &back) == 1 && back == value;
  number(j, key, value, short_enough ? 15 : 17);
}

void json_float(struct json *j, const char *key, float value) { number(j, key, (double)value, 9); }

void json_bool(struct json *j, const char *key, bool value) {
  before(j, key, false);
  fputs(value ? "true" : "false", j->out);
}

void json_null(struct json *j, const char *key) {
  before(j, key, false);
  fputs("null", j->out);
}
