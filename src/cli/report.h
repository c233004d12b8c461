/*
 * report.h - what several commands print alike: the report of a prefill, the model's shape, settings, memory, digests.
 *
 * In:       structs of the library.  Out: lines for people, members of JSON.
 * Not here: measuring (the library and the commands).
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "engine.h"
#include "json.h"

/* Bytes with a unit, "1.5 GiB", in text. Returns text. */
enum { REPORT_BYTES = 24 };
const char *report_bytes(uint64_t bytes, char text[REPORT_BYTES]);

/* Memory of this process as the system sees it; 0 where it does not say. */
struct report_process {
  uint64_t peak_resident; /* most that was ever resident (VmHWM), mapped pages of the model file included */
  uint64_t anonymous;     /* resident now, not from files (RssAnon) */
  uint64_t mapped;        /* resident now, pages of files (RssFile) */
};
void report_process_memory(struct report_process *process);

void report_prefill(FILE *out, double load_seconds, const still_report *report);
void report_memory(FILE *out, const still_report *report);

enum { REPORT_VALUE = 4097 }; /* bytes of the text of any setting: a path may be long */
void report_json_model(struct json *j, const still_model *model);     /* "model": {...} */
void report_json_settings(struct json *j, const still_settings *settings); /* "settings": {...}, all keys */
/* The same with the values in force in a session; those that were given if it has none. */
void report_json_session(struct json *j, const struct cli_engine *engine);
void report_json_prefill(struct json *j, const char *key, const still_report *report);
void report_json_plan(struct json *j, const still_plan *plan);
void report_json_memory(struct json *j, const still_report *report);

/* The settings that decide what is halted, as options. */
void report_describe(const still_settings *settings, char *text, size_t size);
/* The same of settings in force, and who decided them. */
void report_gate(const still_settings *settings, char *text, size_t size);

extern const char *const report_phase_keys[STILL_PHASES]; /* as in JSON */

/* The 64 hexadecimal digits of a SHA-256. */
enum { REPORT_HEX = 65 };
void report_hex(const uint8_t digest[32], char hex[REPORT_HEX]);
void report_sha256(const void *data, size_t bytes, char hex[REPORT_HEX]);

#endif
