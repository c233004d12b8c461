/*
 * json_read.c - a reader of single values.
 *
 * In:       text.  Out: values.
 * Not here: trees. Nothing here calls itself, so that no input can be too deep.
 */
#include "json_read.h"

#include <stdlib.h>
#include <string.h>

const char *json_skip_blanks(const char *at) { return at + strspn(at, " \t\r"); }

/* What stands behind a backslash into c, and its last byte; of \u the writer knows control characters and U+FFFD. */
static const char *read_escape(const char *at, char c[4]) {
  static const char escaped[] = "bfnrt", plain[] = "\b\f\n\r\t";
  const char *known = *at ? strchr(escaped, *at) : NULL;
  char digits[5] = {0};
  c[0] = known ? plain[known - escaped] : *at;
  if (*at != 'u') return at;
  for (int i = 0; i < 4 && at[1]; i++) digits[i] = *++at;
  unsigned long code = strtoul(digits, NULL, 16);
  if (code < 0x80)
    c[0] = (char)code;
  else
    memcpy(c, "\xef\xbf\xbd", 4);
  return at;
}

const char *json_read_text(const char *at, char *out, size_t size, size_t *bytes) {
  size_t n = 0, all = 0;
  if (*at++ != '"') return NULL;
  for (; *at && *at != '"'; at++) {
    char c[4] = {*at, 0, 0, 0};
    if (*at == '\\') at = read_escape(at + 1, c);
    if (!*at) return NULL;
    size_t length = c[0] ? strlen(c) : 1;
    if (size > n + length) memcpy(out + n, c, length), n += length;
    all += length;
  }
  if (size) out[n] = '\0';
  if (bytes) *bytes = all;
  return *at == '"' ? at + 1 : NULL;
}

const char *json_read_number(const char *at, double *real, uint64_t *count) {
  char *end;
  *real = strtod(at, &end);
  if (end == at) return NULL;
  *count = *at == '-' ? 0 : strtoull(at, NULL, 10);
  return end;
}

/* Behind a string, a bracket, a comma or a word: what the nesting of a value is made of. */
static const char *skip_part(const char *at) {
  if (*at == '"') return json_read_text(at, NULL, 0, NULL);
  size_t word = strcspn(at, ",:[]{}\" \t\r");
  return *at ? at + (word ? word : 1) : NULL;
}

const char *json_skip(const char *at) {
  size_t depth = 0;
  do {
    at = json_skip_blanks(at);
    if (*at == '[' || *at == '{') depth++;
    if (*at == ']' || *at == '}') {
      if (depth == 0) return NULL;
      depth--;
    }
    at = skip_part(at);
  } while (at && depth > 0);
  return at;
}

int json_next(const char **at, bool first, char *name, size_t size) {
  const char *here = json_skip_blanks(*at);
  char close = name ? '}' : ']';
  if (first && *here++ != (name ? '{' : '[')) return -1;
  here = json_skip_blanks(here);
  if (*here == close) return *at = here + 1, 0;
  if (!first && *here++ != ',') return -1;
  here = json_skip_blanks(here);
  if (name) {
    here = json_read_text(here, name, size, NULL);
    if (!here || *(here = json_skip_blanks(here)) != ':') return -1;
    here = json_skip_blanks(here + 1);
  }
  *at = here;
  return 1;
}
