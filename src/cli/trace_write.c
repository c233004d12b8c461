/*
 * trace_write.c - a trace as lines of JSON.
 *
 * In:       struct trace.  Out: one object a line; stillpoint-trace(1) documents them.
 * Not here: reading them back (trace_read.c).
 *
 * Text that is no UTF-8 by itself, as a token within a character, also stands there as hexadecimal digits: nothing is lost.
 */
#include "json.h"
#include "report.h"
#include "trace.h"
#include "utf8.h"

static void begin(struct json *j, FILE *out, const char *type) {
  json_line(j, out);
  json_text(j, "type", type);
}

static void write_head(const struct trace *t, FILE *out) {
  struct json j;
  json_line(&j, out);
  json_text(&j, "schema", "stillpoint.trace/1");
  json_text(&j, "type", "head");
  json_text(&j, "version", t->version);
  json_object(&j, "model");
  json_text(&j, "architecture", t->architecture);
  json_text(&j, "name", t->name);
  json_text(&j, "file_type", t->file_type);
  json_text(&j, "digest", t->digest);
  json_count(&j, "layers", t->n_layers);
  json_text(&j, "isa", t->isa);
  json_count(&j, "threads", t->threads);
  json_object_end(&j);
  report_json_settings(&j, t->settings);
  json_count(&j, "tokens", t->n_tokens);
  json_count(&j, "bytes", t->bytes);
  json_count(&j, "gates", t->n_gates);
  json_count(&j, "layer_lines", t->n_layer_rows);
  json_text(&j, "why_dense", t->why_dense);
  json_end(&j);
}

static void write_gate(const struct trace *t, size_t g, FILE *out) {
  struct json j;
  begin(&j, out, "gate");
  json_count(&j, "gate", g);
  json_count(&j, "layer", t->gate[g].layer);
  json_count(&j, "rows", t->gate[g].rows);
  json_count(&j, "kept", t->gate[g].kept);
  json_float(&j, "tau", t->gate[g].tau);
  json_end(&j);
}

static void write_hex(struct json *j, const char *text, size_t bytes) {
  static const char digits[] = "0123456789abcdef";
  char hex[2 * 64 + 1];
  json_array(j, "hex"); /* in parts, since a token may be as long as it likes */
  for (size_t at = 0, n; at < bytes; at += n) {
    n = bytes - at < 64 ? bytes - at : 64;
    for (size_t i = 0; i < n; i++) {
      hex[2 * i] = digits[(unsigned char)text[at + i] >> 4];
      hex[2 * i + 1] = digits[(unsigned char)text[at + i] & 15];
    }
    json_bytes(j, NULL, hex, 2 * n);
  }
  json_array_end(j);
}

static void write_token(const struct trace *t, size_t i, FILE *out) {
  const struct trace_token *token = &t->token[i];
  const char *text = t->text + token->byte;
  size_t came = token->passed < t->n_gates ? token->passed + 1 : t->n_gates; /* gates that the token came to */
  struct json j;
  begin(&j, out, "token");
  json_count(&j, "at", i);
  json_int(&j, "id", token->id);
  json_count(&j, "byte", token->byte);
  json_count(&j, "bytes", token->bytes);
  json_bytes(&j, "text", text, token->bytes);
  if (!utf8_valid(text, token->bytes)) write_hex(&j, text, token->bytes);
  json_array(&j, "scores");
  for (size_t g = 0; g < came; g++) json_float(&j, NULL, t->gate[g].score[i]);
  json_array_end(&j);
  json_array(&j, "kept");
  for (size_t g = 0; g < came; g++) json_bool(&j, NULL, token->passed > g);
  json_array_end(&j);
  json_end(&j);
}

static void write_layer(const struct trace_layer *l, FILE *out) {
  struct json j;
  begin(&j, out, "layer");
  json_count(&j, "layer", l->layer);
  json_text(&j, "phase", report_phase_keys[l->phase]);
  json_count(&j, "rows", l->rows);
  json_real(&j, "seconds", l->seconds);
  json_end(&j);
}

static void write_end(const struct trace *t, FILE *out) {
  struct json j;
  for (int phase = 0; phase < STILL_PHASE_DECODE; phase++) {
    begin(&j, out, "phase");
    json_text(&j, "phase", report_phase_keys[phase]);
    json_real(&j, "seconds", t->seconds[phase]);
    json_end(&j);
  }
  begin(&j, out, "end");
  json_count(&j, "kept", trace_kept(t));
  json_real(&j, "tokens_per_second", t->tokens_per_second);
  json_end(&j);
}

void trace_write(const struct trace *t, FILE *out) {
  write_head(t, out);
  for (size_t g = 0; g < t->n_gates; g++) write_gate(t, g, out);
  for (size_t i = 0; i < t->n_tokens; i++) write_token(t, i, out);
  for (size_t l = 0; l < t->n_layer_rows; l++) write_layer(&t->layer[l], out);
  write_end(t, out);
}
