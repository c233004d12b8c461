/*
 * trace_read.c - reads a trace back from its lines.
 *
 * In:       a file.  Out: struct trace; a sentence that names the line where it cannot be one.
 * Not here: what the members mean (stillpoint-trace(1)).
 *
 * Members may come in any order and unknown ones are skipped, so that later versions can add some. Every number is checked before
 * it is used as a place.
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "json_read.h"
#include "report.h"
#include "trace.h"

enum { MOST_TOKENS = 1 << 24, MOST_LAYERS = 1 << 16 };

struct line { /* what lines may hold; each type uses some of it */
  char schema[32], type[16], phase[16];
  uint64_t tokens, bytes, gates, layer_lines, gate, layer, rows, kept, at, byte;
  double tau, seconds, tokens_per_second, id;
  size_t scores, passed, came; /* items of the arrays of a token */
  float score[TRACE_MOST_GATES];
  char *text;                  /* of a token: room for the bytes of the line */
  size_t text_bytes;
  bool hex;
};

struct reader {
  struct trace *trace;
  struct line line;
  size_t gates, tokens, layers, phases, end; /* of the text: bytes up to here are known */
  bool ended;
};

/* ---- members ------------------------------------------------------------------------------------------------------ */

#define COUNT(name, member) {name, offsetof(struct line, member), true}
#define REAL(name, member) {name, offsetof(struct line, member), false}
static const struct {
  const char *name;
  size_t offset;
  bool whole;
} numbers[] = {
    COUNT("tokens", tokens), COUNT("bytes", bytes), COUNT("gates", gates), COUNT("layer_lines", layer_lines),
    COUNT("gate", gate),     COUNT("layer", layer), COUNT("rows", rows),   COUNT("at", at),
    COUNT("byte", byte),     COUNT("kept", kept),   REAL("id", id),        REAL("tau", tau),
    REAL("seconds", seconds), REAL("tokens_per_second", tokens_per_second),
};
#undef COUNT
#undef REAL

static const char *read_numbers(const char *at, const char *name, struct line *l) {
  double real;
  uint64_t count;
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    if (strcmp(numbers[i].name, name) != 0) continue;
    void *place = (char *)l + numbers[i].offset;
    at = json_read_number(at, &real, &count);
    if (at && numbers[i].whole) *(uint64_t *)place = count;
    if (at && !numbers[i].whole) *(double *)place = real;
    return at;
  }
  return json_skip(at);
}

/* A null is a score that was no number; there is none in a sound trace. */
static const char *read_scores(const char *at, struct line *l) {
  double real;
  uint64_t count;
  int more = json_next(&at, true, NULL, 0);
  for (; more > 0; more = json_next(&at, false, NULL, 0)) {
    at = json_read_number(at, &real, &count);
    if (!at || l->scores == TRACE_MOST_GATES) return NULL;
    l->score[l->scores++] = (float)real;
  }
  return more == 0 ? at : NULL;
}

/* true, true, false: the gates that it went through, and perhaps one that it did not. */
static const char *read_verdicts(const char *at, struct line *l) {
  int more = json_next(&at, true, NULL, 0);
  for (; more > 0; more = json_next(&at, false, NULL, 0)) {
    bool yes = strncmp(at, "true", 4) == 0;
    if ((!yes && strncmp(at, "false", 5) != 0) || l->passed != l->came) return NULL;
    l->came++;
    l->passed += yes;
    at += yes ? 4 : 5;
  }
  return more == 0 ? at : NULL;
}

static int digit(char c) {
  static const char digits[] = "0123456789abcdef";
  const char *at = c ? strchr(digits, c) : NULL;
  return at ? (int)(at - digits) : -1;
}

/* Replaces the text. Its digits take more room in the line than the bytes that they stand for. */
static const char *read_hex(const char *at, struct line *l) {
  char part[2 * 64 + 1];
  int more = json_next(&at, true, NULL, 0);
  l->hex = true;
  for (l->text_bytes = 0; more > 0; more = json_next(&at, false, NULL, 0)) {
    size_t n;
    at = json_read_text(at, part, sizeof part, &n);
    if (!at || n >= sizeof part || n % 2) return NULL;
    for (size_t i = 0; i < n; i += 2) {
      if (digit(part[i]) < 0 || digit(part[i + 1]) < 0) return NULL;
      l->text[l->text_bytes++] = (char)(16 * digit(part[i]) + digit(part[i + 1]));
    }
  }
  return more == 0 ? at : NULL;
}

/* Any value of a setting, as still_set takes it; keys that this version does not know are left alone. */
static const char *read_settings(const char *at, still_settings *settings) {
  char name[32], value[64];
  int more = json_next(&at, true, name, sizeof name);
  for (; more > 0; more = json_next(&at, false, name, sizeof name)) {
    const char *end = json_skip(at);
    if (!end) return NULL;
    if (*at == '"')
      json_read_text(at, value, sizeof value, NULL);
    else
      snprintf(value, sizeof value, "%.*s", (int)(end - at), at);
    still_set(settings, name, value);
    at = end;
  }
  return more == 0 ? at : NULL;
}

static const char *read_model(const char *at, struct trace *t) {
  const struct {
    const char *name;
    char *place;
    size_t size;
  } texts[] = {{"architecture", t->architecture, sizeof t->architecture}, {"name", t->name, sizeof t->name},
               {"file_type", t->file_type, sizeof t->file_type},          {"digest", t->digest, sizeof t->digest},
               {"isa", t->isa, sizeof t->isa}};
  enum { TEXTS = sizeof texts / sizeof texts[0] };
  char name[32];
  int more = json_next(&at, true, name, sizeof name);
  for (; more > 0; more = json_next(&at, false, name, sizeof name)) {
    double real;
    uint64_t count;
    size_t i = 0;
    unsigned *number = strcmp(name, "layers") == 0 ? &t->n_layers : strcmp(name, "threads") == 0 ? &t->threads : NULL;
    while (i < TEXTS && strcmp(texts[i].name, name) != 0) i++;
    if (i < TEXTS)
      at = json_read_text(at, texts[i].place, texts[i].size, NULL);
    else
      at = number ? json_read_number(at, &real, &count) : json_skip(at);
    if (!at) return NULL;
    if (number) *number = count <= MOST_LAYERS ? (unsigned)count : 0;
  }
  return more == 0 ? at : NULL;
}

static const char *read_member(const char *at, const char *name, struct reader *r) {
  struct line *l = &r->line;
  struct trace *t = r->trace;
  if (strcmp(name, "schema") == 0) return json_read_text(at, l->schema, sizeof l->schema, NULL);
  if (strcmp(name, "type") == 0) return json_read_text(at, l->type, sizeof l->type, NULL);
  if (strcmp(name, "phase") == 0) return json_read_text(at, l->phase, sizeof l->phase, NULL);
  if (strcmp(name, "version") == 0) return json_read_text(at, t->version, sizeof t->version, NULL);
  if (strcmp(name, "why_dense") == 0) return json_read_text(at, t->why_dense, sizeof t->why_dense, NULL);
  if (strcmp(name, "model") == 0) return read_model(at, t);
  if (strcmp(name, "settings") == 0) return read_settings(at, t->settings);
  if (strcmp(name, "scores") == 0) return read_scores(at, l);
  if (strcmp(name, "kept") == 0 && *at == '[') return read_verdicts(at, l);
  if (strcmp(name, "hex") == 0) return read_hex(at, l);
  if (strcmp(name, "text") == 0 && l->hex) return json_skip(at);
  if (strcmp(name, "text") == 0) return json_read_text(at, l->text, strlen(at), &l->text_bytes);
  return read_numbers(at, name, l);
}

/* One object and nothing else. */
static bool read_line(const char *at, struct reader *r) {
  char name[32];
  int more = json_next(&at, true, name, sizeof name);
  for (; more > 0; more = json_next(&at, false, name, sizeof name))
    if ((at = read_member(at, name, r)) == NULL) return false;
  return more == 0 && *json_skip_blanks(at) == '\0';
}

/* ---- lines by their type ------------------------------------------------------------------------------------------ */

/* A NULL, or why the line cannot stand where it does. */

static const char *take_head(struct reader *r) {
  struct trace *t = r->trace;
  const struct line *l = &r->line;
  bool good = l->tokens > 0 && l->tokens <= MOST_TOKENS && l->bytes <= (uint64_t)MOST_TOKENS * 256 &&
              l->gates <= TRACE_MOST_GATES && l->layer_lines <= 2 * MOST_LAYERS && t->n_layers > 0;
  if (!good) return "its counts are none that a trace can have";
  t->n_tokens = (size_t)l->tokens;
  t->bytes = (size_t)l->bytes;
  t->n_gates = (size_t)l->gates;
  t->n_layer_rows = (size_t)l->layer_lines;
  return trace_reserve(t) ? NULL : "it does not fit in memory";
}

static const char *take_gate(struct reader *r) {
  const struct line *l = &r->line;
  if (l->gate != r->gates || r->gates == r->trace->n_gates) return "gates are out of order";
  if (l->layer >= r->trace->n_layers || l->rows > r->trace->n_tokens || l->kept > l->rows) return "the gate contradicts the head";
  struct trace_gate *g = &r->trace->gate[r->gates++];
  g->layer = (unsigned)l->layer;
  g->rows = l->rows;
  g->kept = l->kept;
  g->tau = (float)l->tau;
  return NULL;
}

static const char *take_token(struct reader *r) {
  struct trace *t = r->trace;
  const struct line *l = &r->line;
  if (l->at != r->tokens || r->tokens == t->n_tokens) return "tokens are out of order";
  if (l->byte != r->end || l->bytes != l->text_bytes || l->bytes > t->bytes - r->end)
    return "the text does not follow what stands before";
  if (!(l->id >= 0 && l->id <= INT32_MAX)) return "the id is none";
  if (l->scores != l->came || l->came > t->n_gates || (l->came < t->n_gates && l->came != l->passed + 1))
    return "scores and verdicts do not fit to each other";
  memcpy(t->text + r->end, l->text, l->text_bytes);
  for (size_t g = 0; g < l->scores; g++) t->gate[g].score[r->tokens] = l->score[g];
  t->token[r->tokens++] =
      (struct trace_token){.id = (still_token)l->id, .byte = r->end, .bytes = l->text_bytes, .passed = (unsigned)l->passed};
  r->end += l->text_bytes;
  return NULL;
}

static int phase_of(const char *name) {
  int phase = 0;
  while (phase < STILL_PHASES && strcmp(report_phase_keys[phase], name) != 0) phase++;
  return phase;
}

static const char *take_layer(struct reader *r) {
  const struct line *l = &r->line;
  int phase = phase_of(l->phase);
  if (r->layers == r->trace->n_layer_rows || l->layer >= r->trace->n_layers || phase == STILL_PHASES)
    return "the layer contradicts the head";
  r->trace->layer[r->layers++] = (struct trace_layer){(still_phase)phase, (unsigned)l->layer, l->rows, l->seconds};
  return NULL;
}

static const char *take_phase(struct reader *r) {
  int phase = phase_of(r->line.phase);
  if (phase < STILL_PHASES) r->trace->seconds[phase] = r->line.seconds;
  return NULL;
}

static const char *take_end(struct reader *r) {
  const struct trace *t = r->trace;
  if (r->tokens != t->n_tokens || r->gates != t->n_gates || r->layers != t->n_layer_rows || r->end != t->bytes)
    return "lines before it are missing";
  r->trace->tokens_per_second = r->line.tokens_per_second;
  r->ended = true;
  return NULL;
}

static const struct {
  const char *type;
  const char *(*take)(struct reader *r);
} types[] = {{"gate", take_gate}, {"token", take_token}, {"layer", take_layer}, {"phase", take_phase}, {"end", take_end}};

/* Lines of a type that this version does not know may come with a later one. */
static const char *take_line(struct reader *r) {
  if (r->ended) return "it stands behind the end";
  if (!r->trace->text) return strcmp(r->line.type, "head") == 0 ? take_head(r) : "the head is missing";
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
    if (strcmp(types[i].type, r->line.type) == 0) return types[i].take(r);
  return NULL;
}

/* ---- the file ----------------------------------------------------------------------------------------------------- */

static int refuse_schema(const struct cli *cli, const char *path, const char *schema) {
  static const char known[] = "stillpoint.trace/";
  if (strncmp(schema, known, sizeof known - 1) == 0)
    return cli_fail(cli, STILL_EUNSUPPORTED, "%s is of schema %s, and this version reads stillpoint.trace/1; make it again with "
                    "stillpoint trace", path, schema);
  return cli_fail(cli, STILL_EFORMAT, "%s is no trace; make one with stillpoint trace -m MODEL -f FILE --out %s", path, path);
}

/* One line without its end. The text of a token is never longer than its line. */
static int add_line(const struct cli *cli, const char *path, struct reader *r, char *line, size_t number) {
  char *text = malloc(strlen(line) + 1);
  if (!text) return cli_no_memory(cli);
  r->line = (struct line){.text = text, .id = -1};
  bool good = read_line(line, r);
  int code = CLI_OK;
  if (number == 1 && strcmp(r->line.schema, "stillpoint.trace/1") != 0) {
    code = refuse_schema(cli, path, good ? r->line.schema : "");
  } else {
    const char *why = good ? take_line(r) : "it is no object of JSON that a trace has";
    if (why) code = cli_fail(cli, STILL_EFORMAT, "line %zu of %s: %s; make the trace again", number, path, why);
  }
  free(text);
  return code;
}

int trace_read(const struct cli *cli, const char *path, struct trace *t) {
  struct reader r = {.trace = t};
  struct cli_text file;
  t->settings = still_settings_new();
  if (!t->settings) return cli_no_memory(cli);
  int code = cli_read(cli, path, &file);
  if (code != CLI_OK) return code;
  char *at = file.text, *end = file.text + file.bytes;
  size_t number = 0;
  if (file.bytes == 0) code = refuse_schema(cli, path, "");
  while (code == CLI_OK && at < end) {
    char *stop = memchr(at, '\n', (size_t)(end - at));
    if (!stop) stop = end;
    *stop = '\0';
    number++;
    bool whole = strlen(at) == (size_t)(stop - at);
    if (!whole && number == 1)
      code = refuse_schema(cli, path, "");
    else if (!whole)
      code = cli_fail(cli, STILL_EFORMAT, "line %zu of %s holds a NUL byte; name a trace", number, path);
    else
      code = add_line(cli, path, &r, at, number);
    at = stop + 1;
  }
  if (code == CLI_OK && !r.ended)
    code = cli_fail(cli, STILL_EFORMAT, "%s ends after line %zu, before its trace does; make it again", path, number);
  free(file.text);
  return code;
}
