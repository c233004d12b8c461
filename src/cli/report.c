/*
 * report.c - lines and JSON members that several commands share.
 *
 * In:       structs of the library.  Out: text.
 * Not here: schemas' versions (each command).
 */
#include "report.h"

#include <string.h>

const char *const report_phase_keys[STILL_PHASES] = {
    [STILL_PHASE_LOAD] = "load", [STILL_PHASE_PANELS] = "panels", [STILL_PHASE_LOWER] = "lower",
    [STILL_PHASE_GATE] = "gate", [STILL_PHASE_UPPER] = "upper",   [STILL_PHASE_DECODE] = "decode",
};
static const char *const phase_names[STILL_PHASES] = {
    [STILL_PHASE_LOAD] = "load", [STILL_PHASE_PANELS] = "panels",       [STILL_PHASE_LOWER] = "lower layers",
    [STILL_PHASE_GATE] = "gate", [STILL_PHASE_UPPER] = "upper layers", [STILL_PHASE_DECODE] = "decode",
};

const char *report_bytes(uint64_t bytes, char text[REPORT_BYTES]) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = (double)bytes;
  size_t u = 0;
  for (; value >= 1024 && u + 1 < sizeof units / sizeof units[0]; u++) value /= 1024;
  snprintf(text, REPORT_BYTES, "%.*f %s", u > 0 && value < 100 ? 1 : 0, value, units[u]);
  return text;
}

/* /proc gives KiB. The three lines may come in any order, and other systems have no such file. */
void report_process_memory(struct report_process *process) {
  static const char *const names[] = {"VmHWM:", "RssAnon:", "RssFile:"};
  uint64_t *places[] = {&process->peak_resident, &process->anonymous, &process->mapped};
  char line[128];
  *process = (struct report_process){0};
  FILE *file = fopen("/proc/self/status", "r");
  while (file && fgets(line, sizeof line, file)) {
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
      unsigned long long kib;
      size_t n = strlen(names[i]);
      if (strncmp(line, names[i], n) == 0 && sscanf(line + n, "%llu", &kib) == 1) *places[i] = (uint64_t)kib * 1024;
    }
  }
  if (file) fclose(file);
}

/* Phases that took no time, as panels after the first prompt, have no line. */
static void print_phase(FILE *out, const still_report *report, still_phase phase) {
  if (report->seconds[phase] > 0) fprintf(out, "%-13s %.3f s\n", phase_names[phase], report->seconds[phase]);
}

void report_prefill(FILE *out, double load_seconds, const still_report *r) {
  double share = r->tokens ? 100.0 * (double)r->kept / (double)r->tokens : 0;
  fprintf(out, "%-13s %llu, ", "tokens", (unsigned long long)r->tokens);
  if (r->dense)
    fprintf(out, "all kept%s%s\n", *r->why_dense ? ": " : "", r->why_dense);
  else
    fprintf(out, "%llu kept (%.1f %%), gate at layer %u, tau %.6g\n", (unsigned long long)r->kept, share, r->start_layer,
            (double)r->tau);
  fprintf(out, "%-13s %s\n", "settings", r->settings);
  fprintf(out, "%-13s %.3f s\n", "load", load_seconds);
  for (int phase = STILL_PHASE_PANELS; phase < STILL_PHASE_DECODE; phase++) print_phase(out, r, (still_phase)phase);
  fprintf(out, "%-13s %.1f tokens/s\n", "prefill", r->tokens_per_second);
}

void report_memory(FILE *out, const still_report *r) {
  char allocated[REPORT_BYTES], resident[REPORT_BYTES], mapped[REPORT_BYTES];
  struct report_process process;
  report_process_memory(&process);
  fprintf(out, "%-13s %s allocated at most", "memory", report_bytes(r->peak_bytes, allocated));
  if (process.peak_resident)
    fprintf(out, "; %s resident at most (mapped files: %s at the end)", report_bytes(process.peak_resident, resident),
            report_bytes(process.mapped, mapped));
  fputc('\n', out);
}

void report_json_model(struct json *j, const still_model *model) {
  still_model_info info = {.size = sizeof info};
  json_object(j, "model");
  if (still_model_describe(model, &info) == STILL_OK) {
    json_text(j, "architecture", info.architecture);
    json_text(j, "name", info.name);
    json_text(j, "file_type", info.file_type);
    json_count(j, "layers", info.n_layers);
    json_count(j, "embedding", info.n_embd);
    json_count(j, "heads", info.n_heads);
    json_count(j, "kv_heads", info.n_kv_heads);
    json_count(j, "head_dim", info.head_dim);
    json_count(j, "feed_forward", info.n_ff);
    json_count(j, "vocabulary", info.n_vocab);
    json_count(j, "context", info.n_ctx_train);
    json_count(j, "parameters", info.n_parameters);
    json_count(j, "file_bytes", info.file_bytes);
    json_text(j, "isa", info.isa);
    json_count(j, "threads", info.threads);
  }
  json_object_end(j);
}

/* Each value as its own type: a choice by name, never by number, so that a longer list of choices changes no file. */
void report_json_settings(struct json *j, const still_settings *settings) {
  still_key key = {.size = sizeof key};
  char text[REPORT_VALUE];
  double real = 0;
  int64_t whole = 0;
  json_object(j, "settings");
  for (size_t i = 0; still_settings_key(i, &key) == STILL_OK; i++) {
    if (strcmp(key.type, "real") == 0 && still_get_real(settings, key.name, &real) == STILL_OK)
      json_real(j, key.name, real);
    else if (still_get_int(settings, key.name, &whole) == STILL_OK && strcmp(key.type, "choice") != 0)
      json_int(j, key.name, whole);
    else if (still_get(settings, key.name, text, sizeof text) == STILL_OK)
      json_text(j, key.name, text);
  }
  json_object_end(j);
}

void report_json_session(struct json *j, const struct cli_engine *engine) {
  still_settings *in_force = still_settings_new();
  bool known = in_force && still_session_settings(engine->session, in_force) == STILL_OK;
  report_json_settings(j, known ? in_force : engine->cli->settings);
  still_settings_free(in_force);
}

void report_json_prefill(struct json *j, const char *key, const still_report *r) {
  json_object(j, key);
  json_count(j, "tokens", r->tokens);
  json_count(j, "kept", r->kept);
  json_bool(j, "dense", r->dense != 0);
  if (r->dense) {
    json_text(j, "why_dense", r->why_dense);
  } else {
    json_count(j, "start_layer", r->start_layer);
    json_float(j, "tau", r->tau);
  }
  json_text(j, "settings_from", r->settings);
  json_object(j, "seconds");
  for (int phase = 0; phase < STILL_PHASE_DECODE; phase++) json_real(j, report_phase_keys[phase], r->seconds[phase]);
  json_object_end(j);
  json_real(j, "tokens_per_second", r->tokens_per_second);
  json_object_end(j);
}

void report_json_plan(struct json *j, const still_plan *plan) {
  json_object(j, "plan");
  json_count(j, "mapped", plan->mapped);
  json_count(j, "weights", plan->weights);
  json_count(j, "panels", plan->panels);
  json_count(j, "kv", plan->kv);
  json_count(j, "parked", plan->parked);
  json_count(j, "scratch", plan->scratch);
  json_count(j, "total", plan->total);
  json_count(j, "largest_context", plan->largest_context);
  json_count(j, "device", plan->device);
  json_count(j, "device_layers", plan->device_layers);
  json_object_end(j);
}

void report_json_memory(struct json *j, const still_report *r) {
  struct report_process process;
  report_process_memory(&process);
  json_object(j, "memory");
  json_count(j, "peak_allocated", r->peak_bytes);
  json_count(j, "peak_resident", process.peak_resident);
  json_count(j, "anonymous", process.anonymous);
  json_count(j, "mapped", process.mapped);
  json_object_end(j);
}

void report_hex(const uint8_t digest[32], char hex[REPORT_HEX]) {
  for (size_t i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void report_describe(const still_settings *settings, char *text, size_t size) {
  static const char *const keys[] = {"policy", "start", "ratio", "tau", "every", "window", "gate-layers",
                                     "pool",   "wake",  "min-tokens"};
  size_t n = 0;
  for (size_t i = 0; i < sizeof keys / sizeof keys[0] && n < size; i++) {
    char value[64] = "";
    int64_t whole;
    double real;
    bool fraction = still_get_int(settings, keys[i], &whole) != STILL_OK;
    still_get(settings, keys[i], value, sizeof value);
    if (fraction && still_get_real(settings, keys[i], &real) == STILL_OK) snprintf(value, sizeof value, "%.6g", real);
    n += (size_t)snprintf(text + n, size - n, "%s--%s %s", i ? " " : "", keys[i], value);
  }
}

void report_gate(const still_settings *settings, char *text, size_t size) {
  char origin[256] = "";
  report_describe(settings, text, size);
  size_t n = strlen(text);
  if (still_settings_origin(settings, origin, sizeof origin) == STILL_OK) snprintf(text + n, size - n, " (%s)", origin);
}

void report_sha256(const void *data, size_t bytes, char hex[REPORT_HEX]) {
  uint8_t digest[32];
  still_sha256(data, bytes, digest);
  report_hex(digest, hex);
}
