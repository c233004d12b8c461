/*
 * calibration.c - reads calibration files, finds the one of a model, and lets it decide.
 *
 * In:       text; a model's path and digest.  Out: settings of the gate.
 * Not here: writing them (src/cli/calibrate_file.c).
 *
 * One pass, line by line, each of a bounded length. Whatever a line says is checked by the table of settings, or by the table of
 * measures below, so that no value reaches the gate that a caller could not have set.
 */
#ifdef HAVE_CONFIG_H
#include "build.h" /* PKGDATADIR comes from the makefile */
#endif
#include "calibration.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FORMAT = 1, MOST_BYTES = 64 << 10, MOST_LINE = 256 };

static const char first_word[] = "stillpoint-calibration";
static const char *const quality_names[SP_QUALITIES] = {"strict", "balanced", "fast"};

/* What a section may say about how it was measured: numbers for readers, checked and not used. */
static const struct {
  const char *name;
  int numbers; /* 3: value, low and high end of its interval */
} measures[] = {{"bound", 1},     {"speed-up", 1},  {"questions", 1},
                {"places", 1},    {"retrieval", 3}, {"retrieval-dense", 3}, {"retrieval-difference", 3},
                {"loss", 3},      {"loss-dense", 3}, {"loss-difference", 3}};

enum { N_MEASURES = sizeof measures / sizeof measures[0], HEAD = -1 };

struct reader {
  struct sp_error *error;
  const char *name;
  unsigned line;
  struct sp_calibration *out;
  int section;              /* HEAD, or a quality */
  unsigned sections;        /* bits: seen */
  unsigned head, measured;  /* bits: lines of the head, of the section */
};

#define BAD(r, format, ...)                                                                                              \
  sp_fail((r)->error, STILL_EFORMAT, "%s, line %u: " format "; calibrate the model again, or mend the line", (r)->name, \
          (r)->line, __VA_ARGS__)

/* ---- lines of the head ---------------------------------------------------------------------------------------- */

static still_status read_digest(struct reader *r, const char *value) {
  uint8_t *digest = r->out->model;
  size_t n = strspn(value, "0123456789abcdef");
  if (n != 64 || value[n]) return BAD(r, "a model is 64 hexadecimal digits, not \"%.80s\"", value);
  for (size_t i = 0; i < 32; i++) {
    char pair[3] = {value[2 * i], value[2 * i + 1], '\0'};
    digest[i] = (uint8_t)strtoul(pair, NULL, 16);
  }
  return STILL_OK;
}

static still_status read_numerics(struct reader *r, const char *value) {
  char *end;
  unsigned long version = strtoul(value, &end, 10);
  if (*value < '1' || *value > '9' || *end || version > 1 << 20)
    return BAD(r, "\"%.80s\" is no version of the arithmetic", value);
  r->out->numerics = (unsigned)version;
  return STILL_OK;
}

static still_status read_note(struct reader *r, const char *value) {
  return *value ? STILL_OK : BAD(r, "a note without text%s", "");
}

static const struct {
  const char *name;
  still_status (*read)(struct reader *r, const char *value);
  bool often; /* may stand more than once, or not at all */
} heads[] = {{"model", read_digest, false}, {"numerics", read_numerics, false}, {"note", read_note, true}};

enum { N_HEADS = sizeof heads / sizeof heads[0] };

static still_status read_head(struct reader *r, const char *key, const char *value) {
  size_t i = 0;
  while (i < N_HEADS && strcmp(heads[i].name, key) != 0) i++;
  if (i == N_HEADS) return BAD(r, "\"%.80s\" is nothing that stands before the first quality", key);
  if (!heads[i].often && r->head >> i & 1) return BAD(r, "%s stands there twice", key);
  r->head |= 1u << i;
  return heads[i].read(r, value);
}

/* ---- lines of a section ---------------------------------------------------------------------------------------- */

static still_status bad_measure(const struct reader *r, size_t i, const char *value) {
  return BAD(r, "%s has %d numbers with a blank between, not \"%.80s\"", measures[i].name, measures[i].numbers, value);
}

static still_status read_measure(struct reader *r, size_t i, const char *value) {
  const char *at = value;
  if (r->measured >> i & 1) return BAD(r, "%s stands there twice", measures[i].name);
  r->measured |= 1u << i;
  for (int k = 0; k < measures[i].numbers; k++) {
    char *end;
    double number = strtod(at, &end);
    if (end == at || !isfinite(number) || (k > 0) != (at[0] == ' ') || (k > 0 && at[1] == ' '))
      return bad_measure(r, i, value);
    at = end;
  }
  return *at ? bad_measure(r, i, value) : STILL_OK;
}

static still_status read_setting(struct reader *r, const char *key, const char *value) {
  still_settings *level = &r->out->level[r->section];
  if (sp_settings_has(level, key)) return BAD(r, "%s stands there twice", key);
  if (*value == ' ') return BAD(r, "%s has one blank before its value", key);
  if (still_set(level, key, value) != STILL_OK) return BAD(r, "%s", still_settings_error(level));
  return STILL_OK;
}

static still_status read_line_of_section(struct reader *r, const char *key, const char *value) {
  for (size_t i = 0; sp_gate_keys[i]; i++)
    if (strcmp(sp_gate_keys[i], key) == 0) return read_setting(r, key, value);
  for (size_t i = 0; i < N_MEASURES; i++)
    if (strcmp(measures[i].name, key) == 0) return read_measure(r, i, value);
  return BAD(r, "\"%.80s\" is neither a setting of the gate nor a measure", key);
}

/* A section says all that it decides, so that it means the same whatever the presets of a version are. Dense needs no more. */
static still_status end_section(struct reader *r) {
  if (r->section == HEAD) return STILL_OK;
  const still_settings *level = &r->out->level[r->section];
  bool dense = sp_settings_has(level, "policy") && level->value.policy == SP_POLICY_DENSE;
  for (size_t i = 0; sp_gate_keys[i] && !dense; i++)
    if (!sp_settings_has(level, sp_gate_keys[i]))
      return BAD(r, "quality %s ends without its %s", quality_names[r->section], sp_gate_keys[i]);
  return STILL_OK;
}

static still_status begin_section(struct reader *r, const char *value) {
  int q = 0;
  while (q < SP_QUALITIES && strcmp(quality_names[q], value) != 0) q++;
  if (q == SP_QUALITIES) return BAD(r, "\"%.80s\" is none of the qualities strict, balanced and fast", value);
  if (r->sections >> q & 1) return BAD(r, "quality %s stands there twice", value);
  SP_TRY(end_section(r));
  r->section = q;
  r->sections |= 1u << q;
  r->measured = 0;
  return STILL_OK;
}

/* ---- the file -------------------------------------------------------------------------------------------------- */

static still_status read_first(struct reader *r, const char *key, const char *value) {
  char *end;
  if (strcmp(key, first_word) != 0)
    return sp_fail(r->error, STILL_EFORMAT, "%s is no calibration: its first line does not say \"%s\"; name another file",
                   r->name, first_word);
  unsigned long format = strtoul(value, &end, 10);
  if (*value < '1' || *value > '9' || *end) return BAD(r, "\"%.80s\" is no version of the format", value);
  if (format == FORMAT) return STILL_OK;
  return sp_fail(r->error, STILL_EUNSUPPORTED,
                 "%s is a calibration of format %.20s and this library reads format %d; calibrate the model again", r->name,
                 value, FORMAT);
}

/* `line` is terminated; its key ends at the first blank. */
static still_status read_line(struct reader *r, char *line) {
  char *blank = strchr(line, ' ');
  const char *value = blank ? blank + 1 : "";
  if (r->line > 1 && (!*line || *line == '#')) return STILL_OK;
  if (blank) *blank = '\0';
  if (r->line == 1) return read_first(r, line, value);
  if (strcmp(line, "quality") == 0) return begin_section(r, value);
  return r->section == HEAD ? read_head(r, line, value) : read_line_of_section(r, line, value);
}

static still_status check_whole(struct reader *r) {
  SP_TRY(end_section(r));
  for (size_t i = 0; i < N_HEADS; i++)
    if (!heads[i].often && !(r->head >> i & 1)) return BAD(r, "the file ends and did not say its %s", heads[i].name);
  for (int q = 0; q < SP_QUALITIES; q++)
    if (!(r->sections >> q & 1)) return BAD(r, "the file ends without the quality %s", quality_names[q]);
  return STILL_OK;
}

still_status sp_calibration_parse(struct sp_error *e, const char *name, const char *text, size_t bytes,
                                  struct sp_calibration *c) {
  struct reader r = {.error = e, .name = name, .out = c, .section = HEAD};
  char line[MOST_LINE];
  memset(c, 0, sizeof *c);
  for (int q = 0; q < SP_QUALITIES; q++) sp_settings_preset(&c->level[q]);
  if (bytes > MOST_BYTES)
    return sp_fail(e, STILL_EFORMAT, "%s has %zu bytes and calibrations have at most %d; name another file", name, bytes,
                   MOST_BYTES);
  for (size_t at = 0; at < bytes || r.line == 0;) {
    const char *end = at < bytes ? memchr(text + at, '\n', bytes - at) : NULL;
    size_t n = end ? (size_t)(end - text) - at : bytes - at;
    r.line++;
    if (n >= sizeof line) return BAD(&r, "the line has %zu bytes, and at most %d are read", n, MOST_LINE - 1);
    if (n) memcpy(line, text + at, n);
    line[n] = '\0';
    for (size_t i = 0; i < n; i++)
      if ((unsigned char)line[i] < ' ' || (unsigned char)line[i] > '~') return BAD(&r, "byte %zu is no printable ASCII", i + 1);
    SP_TRY(read_line(&r, line));
    if (!end) return BAD(&r, "the file ends within a line%s", "");
    at += n + 1;
  }
  return check_whole(&r);
}

/* ---- which file ------------------------------------------------------------------------------------------------ */

/* The end of a long path says more than its beginning. */
static const char *tail(const char *path) {
  size_t n = strlen(path);
  return n > 160 ? path + n - 160 : path;
}

static still_status refuse_place(struct sp_ctx *ctx, const char *path) {
  return sp_fail(&ctx->error, STILL_ELIMIT, "the path of the calibration of %s is longer than %d bytes; move the model",
                 tail(path), SP_PATH - 1);
}

/* MODEL.gguf: MODEL.calibration; any other name with .calibration behind it. */
static still_status beside(struct sp_ctx *ctx, const char *model, char path[SP_PATH]) {
  static const char ending[] = ".gguf";
  size_t n = strlen(model), e = sizeof ending - 1;
  if (n > e && strcmp(model + n - e, ending) == 0) n -= e;
  int bytes = n < SP_PATH ? snprintf(path, SP_PATH, "%.*s.calibration", (int)n, model) : SP_PATH;
  return bytes < SP_PATH ? STILL_OK : refuse_place(ctx, model);
}

/* Whether something has this name; what it is shows when it is opened. */
static bool exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/* Under the digest, in the folder of the environment or the one that was installed. "" if there is none. */
static still_status installed(struct sp_ctx *ctx, const struct sp_calibration_place *place, char path[SP_PATH]) {
  const char *folder = secure_getenv("STILLPOINT_CALIBRATION_DIR");
  char hex[65];
  uint8_t digest[32];
  *path = '\0';
  if (!folder || !*folder) folder = PKGDATADIR "/calibration";
  if (!exists(folder)) return STILL_OK;
  place->digest(place->user, digest);
  for (size_t i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
  if (snprintf(path, SP_PATH, "%s/%s.calibration", folder, hex) >= SP_PATH) return refuse_place(ctx, folder);
  if (!exists(path)) *path = '\0';
  return STILL_OK;
}

static still_status check_origin(struct sp_ctx *ctx, const struct sp_calibration_place *place, const char *path,
                                 const struct sp_calibration *c) {
  uint8_t digest[32];
  place->digest(place->user, digest);
  if (memcmp(digest, c->model, sizeof digest) != 0)
    return sp_fail(&ctx->error, STILL_EUNSUPPORTED,
                   "%s is the calibration of another model (%02x%02x%02x%02x..., and this one is %02x%02x%02x%02x...); calibrate "
                   "this model, or go without: --calibration none",
                   tail(path), c->model[0], c->model[1], c->model[2], c->model[3], digest[0], digest[1], digest[2], digest[3]);
  if (c->numerics == SP_NUMERICS_VERSION) return STILL_OK;
  return sp_fail(&ctx->error, STILL_EUNSUPPORTED,
                 "%s was measured with version %u of the arithmetic and this library computes version %d; calibrate the model "
                 "again, or go without: --calibration none",
                 tail(path), c->numerics, SP_NUMERICS_VERSION);
}

static still_status load(struct sp_ctx *ctx, const struct sp_calibration_place *place, const char *path,
                         struct sp_calibration *c) {
  struct stat info;
  struct sp_file file;
  if (stat(path, &info) == 0 && S_ISREG(info.st_mode) && info.st_size > MOST_BYTES) /* nothing so large is read */
    return sp_fail(&ctx->error, STILL_EFORMAT, "%s has %lld bytes and calibrations have at most %d; name another file",
                   tail(path), (long long)info.st_size, MOST_BYTES);
  SP_TRY(sp_file_open(ctx, path, false, &file));
  still_status status = sp_calibration_parse(&ctx->error, tail(path), (const char *)file.data, file.size, c);
  sp_file_close(ctx, &file);
  return status == STILL_OK ? check_origin(ctx, place, path, c) : status;
}

static still_status find_file(struct sp_ctx *ctx, const struct sp_calibration_place *place, char path[SP_PATH]) {
  SP_TRY(beside(ctx, place->model, path));
  return exists(path) ? STILL_OK : installed(ctx, place, path);
}

still_status sp_calibration_apply(struct sp_ctx *ctx, const struct sp_calibration_place *place, still_settings *s) {
  struct sp_calibration c;
  bool none = strcmp(s->calibration, "none") == 0, named = *s->calibration && !none, caller = sp_settings_decide(s);
  if (none || (caller && !named)) *s->calibration = '\0';
  if (!none && !named && !caller) SP_TRY(find_file(ctx, place, s->calibration));
  if (*s->calibration) SP_TRY(load(ctx, place, s->calibration, &c));
  bool found = *s->calibration && !caller;
  s->origin = caller ? SP_ORIGIN_CALLER : found ? SP_ORIGIN_CALIBRATION : SP_ORIGIN_PRESETS;
  if (found) sp_settings_take(s, &c.level[s->value.quality]);
  if (!found) snprintf(s->calibration, sizeof s->calibration, "none");
  if (s->origin != SP_ORIGIN_PRESETS || s->value.quality != SP_QUALITY_STRICT) return STILL_OK;
  s->origin = SP_ORIGIN_NONE;
  s->value.policy = SP_POLICY_DENSE;
  return STILL_OK;
}
