/*
 * eval_key.c - what a result depends on, in one string of bytes.
 *
 * In:       see eval_key.h.  Out: digests.
 * Not here: anything that changes no bit of a result: threads, chunks, instruction sets, the size of the context.
 *
 * A dense run depends on no setting of the gate, so that several settings can be held against the same dense results.
 */
#include "eval_key.h"

#include <stdlib.h>
#include <string.h>

#include "report.h"

enum { SPARE = 1024 };

/* Memory alone, or how the other settings came about. */
static bool is_free_of_bits(const char *key) {
  static const char *const keys[] = {"ctx", "chunk", "quality", "calibration"};
  bool found = false;
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) found = found || strcmp(keys[i], key) == 0;
  return found;
}

/* Keys of the session that change a result; the policy of a dense one alone. */
static void describe_settings(const still_settings *settings, bool dense, char *text, size_t size) {
  still_key key = {.size = sizeof key};
  char value[64];
  size_t n = strlen(text);
  for (size_t i = 0; still_settings_key(i, &key) == STILL_OK; i++) {
    bool session = strcmp(key.scope, "session") == 0;
    bool matters = dense ? strcmp(key.name, "policy") == 0 : session && !is_free_of_bits(key.name);
    if (!matters && strcmp(key.name, "numerics") != 0) continue;
    if (n >= size || still_get(settings, key.name, value, sizeof value) != STILL_OK) continue;
    n += (size_t)snprintf(text + n, size - n, " %s=%s", key.name, value);
  }
}

void eval_identity(const char *model_digest, const still_settings *settings, bool dense, char identity[EVAL_IDENTITY]) {
  snprintf(identity, EVAL_IDENTITY, "stillpoint.eval/1 %s %s", still_version(), model_digest);
  describe_settings(settings, dense, identity, EVAL_IDENTITY);
}

void eval_identify_model(struct eval *e) {
  uint8_t digest[32];
  still_model_digest(e->engine[0].model, digest);
  report_hex(digest, e->model_digest);
}

void eval_identify(struct eval *e) {
  eval_identify_model(e);
  for (int mode = 0; mode < EVAL_MODES; mode++)
    eval_identity(e->model_digest, e->settings[mode], mode == 0, e->identity[mode]);
}

static size_t put_tokens(unsigned char *out, const struct cli_tokens *tokens) {
  size_t n = 0;
  uint32_t count = (uint32_t)tokens->count;
  for (int i = 0; i < 4; i++) out[n++] = (unsigned char)(count >> 8 * i);
  for (size_t t = 0; t < tokens->count; t++)
    for (int i = 0; i < 4; i++) out[n++] = (unsigned char)((uint32_t)tokens->id[t] >> 8 * i);
  return n;
}

bool eval_key(const char *identity, const char *what, const struct eval_run *run, char key[EVAL_KEY]) {
  unsigned char *bytes = malloc(EVAL_IDENTITY + SPARE + 4 * (run->prompt.count + run->next.count));
  if (!bytes) return false;
  size_t n = (size_t)snprintf((char *)bytes, EVAL_IDENTITY + SPARE - 8, "%s %s %llu\n", identity, what,
                              (unsigned long long)run->most);
  n += put_tokens(bytes + n, &run->prompt);
  n += put_tokens(bytes + n, &run->next);
  report_sha256(bytes, n, key);
  free(bytes);
  return true;
}
