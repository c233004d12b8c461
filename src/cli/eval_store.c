/*
 * eval_store.c - writing and reading lines of results.
 *
 * In:       records, a file.  Out: a file, records.
 * Not here: their meaning.
 *
 * The reader takes what the writer writes: one flat object a line, its members in any order, unknown ones skipped.
 */
#include "eval_store.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "json_read.h"

enum kind { TEXT, COUNT, REAL, FLAG, IDS };

#define AT(member) offsetof(struct eval_record, member), sizeof ((struct eval_record *)0)->member

static const struct {
  const char *name;
  enum kind kind;
  size_t offset, size;
} members[] = {
    {"key", TEXT, AT(key)},           {"set", TEXT, AT(set)},           {"mode", TEXT, AT(mode)},
    {"length", COUNT, AT(length)},    {"text", COUNT, AT(text)},        {"question", COUNT, AT(question)},
    {"depth", COUNT, AT(depth)},      {"ask", TEXT, AT(ask)},           {"expected", TEXT, AT(expected)},
    {"answer", TEXT, AT(answer)},     {"right", FLAG, AT(right)},       {"loss", REAL, AT(loss)},
    {"n_greedy", COUNT, AT(n_greedy)}, {"greedy", IDS, AT(greedy)},     {"tokens", COUNT, AT(tokens)},
    {"kept", COUNT, AT(kept)},        {"start_layer", COUNT, AT(start_layer)}, {"woken", COUNT, AT(woken)},
    {"seconds", REAL, AT(seconds)},
};

#undef AT

enum { N_MEMBERS = sizeof members / sizeof members[0] };

/* ---- writing --------------------------------------------------------------------------------------------------- */

static void write_ids(FILE *out, const struct eval_record *r) {
  for (uint64_t i = 0; i < r->n_greedy && i < EVAL_GREEDY; i++)
    fprintf(out, "%s%llu", i ? ", " : "", (unsigned long long)r->greedy[i]);
}

void eval_record_write(FILE *out, const struct eval_record *r) {
  for (size_t i = 0; i < N_MEMBERS; i++) {
    const void *at = (const char *)r + members[i].offset;
    fprintf(out, "%s\"%s\": ", i ? ", " : "{", members[i].name);
    switch (members[i].kind) {
      case TEXT: json_quote(out, at, strlen(at)); break;
      case COUNT: fprintf(out, "%llu", (unsigned long long)*(const uint64_t *)at); break;
      case REAL: fprintf(out, "%.17g", *(const double *)at); break;
      case FLAG: fputs(*(const bool *)at ? "true" : "false", out); break;
      case IDS: fputc('[', out), write_ids(out, r), fputc(']', out); break;
    }
  }
  fputs("}\n", out);
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

static const char *read_ids(const char *at, uint64_t *ids) {
  double real;
  if (*at++ != '[') return NULL;
  for (size_t n = 0; at && *(at = json_skip_blanks(at)) != ']'; n++) {
    if (n > 0 && *at++ != ',') return NULL;
    uint64_t count;
    at = json_read_number(json_skip_blanks(at), &real, &count);
    if (at && n < EVAL_GREEDY) ids[n] = count;
  }
  return at ? at + 1 : NULL;
}

/* Any value into the member of its name and kind, or nowhere. */
static const char *read_value(const char *at, const char *name, struct eval_record *r) {
  uint64_t ids[EVAL_GREEDY], count;
  double real;
  size_t i = 0;
  while (i < N_MEMBERS && strcmp(members[i].name, name) != 0) i++;
  void *place = i < N_MEMBERS ? (char *)r + members[i].offset : NULL;
  int kind = i < N_MEMBERS ? (int)members[i].kind : -1;
  if (*at == '"') return kind == TEXT ? json_read_text(at, place, members[i].size, NULL) : json_skip(at);
  if (*at == '[') return read_ids(at, kind == IDS ? place : ids);
  bool yes = strncmp(at, "true", 4) == 0;
  if (yes || strncmp(at, "false", 5) == 0) {
    if (kind == FLAG) *(bool *)place = yes;
    return at + (yes ? 4 : 5);
  }
  at = json_read_number(at, &real, &count);
  if (at && kind == COUNT) *(uint64_t *)place = count;
  if (at && kind == REAL) *(double *)place = real;
  return at;
}

bool eval_record_read(const char *line, size_t bytes, struct eval_record *r) {
  char name[32];
  *r = (struct eval_record){0};
  if (memchr(line, '\0', bytes)) return false;
  const char *at = json_skip_blanks(line);
  if (*at++ != '{') return false;
  for (bool first = true; *(at = json_skip_blanks(at)) != '}'; first = false) {
    if (!first && *at++ != ',') return false;
    at = json_read_text(json_skip_blanks(at), name, sizeof name, NULL);
    if (!at || *(at = json_skip_blanks(at)) != ':') return false;
    at = read_value(json_skip_blanks(at + 1), name, r);
    if (!at) return false;
  }
  if (r->n_greedy > EVAL_GREEDY) return false;
  return *json_skip_blanks(at + 1) == '\0' && strlen(r->key) == EVAL_KEY - 1;
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

static still_status fail(still_error *error, still_status status, const char *path, const char *what) {
  error->status = status;
  snprintf(error->text, sizeof error->text, "%s %s", path, what);
  return status;
}

static still_status fail_io(still_error *error, const char *path) {
  error->status = STILL_EIO;
  snprintf(error->text, sizeof error->text, "%s could not be read or written: %s", path, strerror(errno));
  return STILL_EIO;
}

static bool keep(struct eval_store *s, const struct eval_record *r) {
  if (s->n == s->room) {
    size_t room = 2 * s->room + 64;
    struct eval_record *grown = realloc(s->record, room * sizeof *grown);
    if (!grown) return false;
    s->record = grown;
    s->room = room;
  }
  s->record[s->n++] = *r;
  return true;
}

/* Whether what stands behind the last whole line is the beginning of one. */
static bool is_torn_line(const char *line) {
  static const char head[] = "{\"key\": \"";
  size_t n = strlen(line), known = sizeof head - 1;
  return n == 0 || strncmp(line, head, n < known ? n : known) == 0;
}

/* *good: bytes of whole lines. */
static still_status read_lines(struct eval_store *s, FILE *file, const char *path, off_t *good, still_error *error) {
  char *line = NULL;
  size_t room = 0;
  still_status status = STILL_OK;
  for (ssize_t n; status == STILL_OK && (n = getline(&line, &room, file)) > 0;) {
    struct eval_record r;
    bool whole = line[n - 1] == '\n';
    if (whole) line[n - 1] = '\0';
    bool right = whole ? eval_record_read(line, (size_t)n - 1, &r) : is_torn_line(line);
    if (!right)
      status = fail(error, STILL_EFORMAT, path, "holds something else than results of eval; name another file with --out");
    else if (whole && !keep(s, &r))
      status = fail(error, STILL_ENOMEM, path, "does not fit in memory");
    if (whole) *good += n;
  }
  if (status == STILL_OK && ferror(file)) status = fail_io(error, path);
  free(line);
  return status;
}

still_status eval_store_open(struct eval_store *s, const char *path, still_error *error) {
  off_t good = 0;
  still_status status = STILL_OK;
  FILE *before = fopen(path, "rb");
  if (!before && errno != ENOENT) return fail_io(error, path);
  if (before) {
    status = read_lines(s, before, path, &good, error);
    fclose(before);
    if (status == STILL_OK && truncate(path, good) != 0) status = fail_io(error, path);
  }
  if (status == STILL_OK) s->file = fopen(path, "ab");
  if (status == STILL_OK && !s->file) status = fail_io(error, path);
  return status;
}

void eval_store_close(struct eval_store *s) {
  if (s->file) fclose(s->file);
  free(s->record);
  *s = (struct eval_store){0};
}

const struct eval_record *eval_store_find(const struct eval_store *s, const char *key) {
  for (size_t i = 0; i < s->n; i++)
    if (strcmp(s->record[i].key, key) == 0) return &s->record[i];
  return NULL;
}

still_status eval_store_add(struct eval_store *s, const struct eval_record *r, still_error *error) {
  if (!keep(s, r)) return fail(error, STILL_ENOMEM, "the results", "do not fit in memory");
  if (!s->file) return STILL_OK;
  eval_record_write(s->file, r);
  if (fflush(s->file) == 0 && !ferror(s->file)) return STILL_OK;
  return fail_io(error, "the file of results");
}
