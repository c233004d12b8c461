/*
 * settings.c - the table of settings and the public calls on it.
 *
 * In:       key and value.  Out: struct sp_settings, every member in range.
 * Not here: what the members do.
 */
#include "settings.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { INT, REAL, CHOICE, BYTES, PATH };

#define AT(member) offsetof(struct sp_settings, member)
#define PATH_AT(member) offsetof(struct still_settings, member) /* the one kind that is not in struct sp_settings */
#define ISAS "auto|ref|avx2|avxvnni|avx512|vnni|amx|neon|dot|i8mm"

#define DEVICES "auto|none|cuda|cuda:0|cuda:1|cuda:2|cuda:3|cuda:4|cuda:5|cuda:6|cuda:7"

static const struct key {
  const char *name;
  enum kind kind;
  const char *scope, *choices;
  size_t offset;
  double least, most, preset;
  const char *text;
} keys[] = {
    {"isa", CHOICE, "model", ISAS, AT(isa), 0, 9, 0,
     "instruction set level of the kernels; one that the machine lacks is an error"},
    {"threads", INT, "model", NULL, AT(threads), 0, 1024, 0, "threads of the team; 0: as many as the process may use"},
    {"numa", CHOICE, "model", "auto|off|spread|local|replicate", AT(numa), 0, 4, 0,
     "where threads stand and memory lies on a machine with several memory nodes"},
    {"numerics", CHOICE, "model", "int8|float", AT(numerics), 0, 1, 0,
     "int8: the same bits everywhere; float: fp32 through BLAS"},
    {"device", CHOICE, "model", DEVICES, AT(device), 0, 10, 0,
     "auto: a GPU if one can take layers; none: touch no driver; cuda:N: GPU N or an error"},
    {"gpu-layers", INT, "model", NULL, AT(gpu_layers), -1, 1024, -1, "layers on the GPU, the lowest; -1: all that fit"},
    {"gpu-memory", BYTES, "model", NULL, AT(gpu_memory), 0, 0x1p60, 0,
     "most bytes to take on the GPU; 0: what is free there, but an eighth"},
    {"mmap", INT, "model", NULL, AT(mmap), 0, 1, 1, "1: map the model file, 0: read it into memory"},
    {"panels", INT, "model", NULL, AT(panels), 0, 1024, 0, "layers whose panels are kept at once; 0: all that fit"},
    {"memory-limit", BYTES, "model", NULL, AT(memory_limit), 0, 0x1p60, 0, "most bytes to allocate; 0: no limit"},
    {"ctx", INT, "session", NULL, AT(context), 0, 1 << 24, 0, "most tokens of a session; 0: what the model was trained for"},
    {"chunk", INT, "session", NULL, AT(chunk), 1, 1 << 20, 512, "rows that go through the layers together; on a GPU up to 16 x"},
    {"policy", CHOICE, "session", "query|delta|block|random|inverse|recent|dense", AT(policy), 0, 6, 0,
     "how rows are scored at the gate"},
    {"start", REAL, "session", NULL, AT(start), 0, 1, 0.4, "layer of the gate as a part of all layers (l_s)"},
    {"ratio", REAL, "session", NULL, AT(ratio), 0, 0.999999, 2.0 / 3, "part of the tokens to halt (rho)"},
    {"tau", REAL, "session", NULL, AT(tau), -1, 1e30, -1, "halt only rows that score below this; -1: no threshold"},
    {"tau-only", INT, "session", NULL, AT(tau_only), 0, 1, 0, "1: the threshold alone decides, not the ratio"},
    {"every", INT, "session", NULL, AT(every), 0, 1024, 0, "another gate every so many layers; 0: one gate"},
    {"window", INT, "session", NULL, AT(window), 1, 4096, 64, "last rows whose attention scores the others (query)"},
    {"gate-layers", INT, "session", NULL, AT(layers), 1, 64, 4, "layers up to the gate that the score looks at (query)"},
    {"pool", INT, "session", NULL, AT(pool), 1, 513, 31, "neighbours over which a score's maximum is taken; odd (query)"},
    {"prefix", INT, "session", NULL, AT(prefix), 1, 1 << 24, 4, "first rows that are never halted"},
    {"suffix", INT, "session", NULL, AT(suffix), 1, 1 << 24, 64, "last rows that are never halted"},
    {"min-tokens", INT, "session", NULL, AT(min_tokens), 0, 1 << 24, 1024, "shorter prompts stay dense"},
    {"wake", REAL, "session", NULL, AT(wake), 0, 1000, 0.2,
     "attention heads' worth on a halted passage that wakes it in decoding; 0: none"},
    {"gate-seed", INT, "session", NULL, AT(gate_seed), 0, 0x1p53, 0, "seed of the policy random"},
    {"quality", CHOICE, "session", "strict|balanced|fast", AT(quality), 0, 2, 1,
     "what the model's calibration may cost; it decides the gate unless a setting of the gate is given"},
    {"calibration", PATH, "session", NULL, PATH_AT(calibration), 0, SP_PATH - 1, 0,
     "calibration file; none: go without [default: beside the model, or installed]"},
    {"temperature", REAL, "sampler", NULL, AT(temperature), 0, 100, 0, "0: the most probable token"},
    {"top-p", REAL, "sampler", NULL, AT(top_p), 0, 1, 1, "keep the most probable tokens that sum up to this; 1: all"},
    {"min-p", REAL, "sampler", NULL, AT(min_p), 0, 1, 0, "drop tokens less probable than this part of the best"},
    {"repeat-penalty", REAL, "sampler", NULL, AT(repeat_penalty), 0.01, 100, 1,
     "divides logits of tokens that occurred; 1: none"},
    {"top-k", INT, "sampler", NULL, AT(top_k), 0, 1 << 24, 0, "keep the k most probable tokens; 0: all"},
    {"repeat-last", INT, "sampler", NULL, AT(repeat_last), 0, 1 << 24, 64, "tokens back that the repetition penalty looks"},
    {"seed", INT, "sampler", NULL, AT(seed), 0, 0x1p53, 1, "seed of the sampler"},
};

#undef ISAS
#undef PATH_AT
#undef DEVICES
#undef AT

enum { N_KEYS = sizeof keys / sizeof keys[0] };

static const struct key *find(const char *name) {
  for (size_t i = 0; i < N_KEYS; i++)
    if (strcmp(keys[i].name, name) == 0) return &keys[i];
  return NULL;
}

static uint64_t bit(const struct key *k) { return (uint64_t)1 << (k - keys); }

_Static_assert(N_KEYS <= 64, "one bit a key");

static char *path_at(const still_settings *s, const struct key *k) { return (char *)s + k->offset; }

static int64_t *int_at(const struct sp_settings *s, const struct key *k) { return (int64_t *)((char *)s + k->offset); }
static double *real_at(const struct sp_settings *s, const struct key *k) { return (double *)((char *)s + k->offset); }

/* The i-th of "a|b|c" into text; false past the last. */
static bool choice_at(const char *choices, int64_t i, char *text, size_t size) {
  for (; i > 0 && choices; i--) choices = strchr(choices, '|') ? strchr(choices, '|') + 1 : NULL;
  if (!choices) return false;
  int length = (int)strcspn(choices, "|");
  return snprintf(text, size, "%.*s", length, choices) < (int)size;
}

void sp_settings_preset(still_settings *settings) {
  memset(settings, 0, sizeof *settings);
  for (size_t i = 0; i < N_KEYS; i++) {
    if (keys[i].kind == REAL)
      *real_at(&settings->value, &keys[i]) = keys[i].preset;
    else if (keys[i].kind != PATH)
      *int_at(&settings->value, &keys[i]) = (int64_t)keys[i].preset;
  }
}

void sp_settings_resolve(const still_settings *settings, still_settings *out) {
  if (settings)
    *out = *settings;
  else
    sp_settings_preset(out);
  choice_at(find("isa")->choices, out->value.isa, out->isa_name, sizeof out->isa_name);
  const char *wish = getenv("STILLPOINT_ISA");
  if (out->value.isa == 0 && wish && *wish) snprintf(out->isa_name, sizeof out->isa_name, "%s", wish);
}

still_settings *still_settings_new(void) {
  still_settings *settings = malloc(sizeof *settings);
  if (settings) sp_settings_preset(settings);
  return settings;
}

still_settings *still_settings_copy(const still_settings *settings) {
  still_settings *copy = malloc(sizeof *copy);
  if (!copy) return NULL;
  if (settings)
    *copy = *settings;
  else
    sp_settings_preset(copy);
  sp_error_clear(&copy->error);
  return copy;
}

void still_settings_free(still_settings *settings) { free(settings); }

const char *still_settings_error(const still_settings *settings) { return settings ? settings->error.text : ""; }

static still_status store(still_settings *s, const struct key *k, double value) {
  bool whole = k->kind == REAL || value == floor(value);
  if (!(value >= k->least && value <= k->most) || !whole)
    return sp_fail(&s->error, STILL_EARG, "%s must be %s from %g to %g, not %g", k->name, k->kind == REAL ? "a number" : "whole",
                   k->least, k->most, value);
  if (k->offset == offsetof(struct sp_settings, pool) && (int64_t)value % 2 == 0)
    return sp_fail(&s->error, STILL_EARG, "pool must be odd, not %g", value);
  if (k->kind == REAL)
    *real_at(&s->value, k) = value;
  else
    *int_at(&s->value, k) = (int64_t)value;
  s->given |= bit(k);
  return STILL_OK;
}

static still_status store_path(still_settings *s, const struct key *k, const char *value) {
  if (strlen(value) > (size_t)k->most)
    return sp_fail(&s->error, STILL_EARG, "%s takes a path of at most %.0f bytes; take a shorter one", k->name, k->most);
  memcpy(path_at(s, k), value, strlen(value) + 1);
  s->given |= bit(k);
  return STILL_OK;
}

static still_status known(still_settings *s, const char *name, const struct key **k) {
  if (!s || !name) return STILL_EARG;
  sp_error_clear(&s->error);
  *k = find(name);
  return *k ? STILL_OK : sp_fail(&s->error, STILL_EARG, "there is no setting called \"%s\"", name);
}

still_status still_set_real(still_settings *settings, const char *name, double value) {
  const struct key *k;
  SP_TRY(known(settings, name, &k));
  if (k->kind == PATH) return sp_fail(&settings->error, STILL_EARG, "%s is a path, not a number; set it as text", name);
  return store(settings, k, value);
}

still_status still_set_int(still_settings *settings, const char *name, int64_t value) {
  return still_set_real(settings, name, (double)value);
}

static still_status set_choice(still_settings *s, const struct key *k, const char *value) {
  char text[32];
  for (int64_t i = 0; choice_at(k->choices, i, text, sizeof text); i++)
    if (strcmp(text, value) == 0) return store(s, k, (double)i);
  return sp_fail(&s->error, STILL_EARG, "%s must be one of %s, not \"%s\"", k->name, k->choices, value);
}

/* 1, 1.5, 512M, 2GiB: the factor of a byte suffix, 0 if it is none. */
static double suffix_factor(const char *end) {
  static const char letters[] = "KMGT";
  const char *at = *end ? strchr(letters, *end & ~0x20) : NULL;
  if (!*end) return 1;
  if (!at || (end[1] && strcmp(end + 1, "iB") != 0 && strcmp(end + 1, "B") != 0)) return 0;
  return ldexp(1, 10 * (int)(at - letters + 1));
}

still_status still_set(still_settings *settings, const char *name, const char *value) {
  const struct key *k;
  SP_TRY(known(settings, name, &k));
  if (!value) return sp_fail(&settings->error, STILL_EARG, "%s was given no value", name);
  if (k->kind == CHOICE) return set_choice(settings, k, value);
  if (k->kind == PATH) return store_path(settings, k, value);
  char *end;
  double number = strtod(value, &end);
  double factor = end == value ? 0 : k->kind == BYTES ? suffix_factor(end) : *end == '\0';
  if (factor == 0)
    return sp_fail(&settings->error, STILL_EARG, "%s must be a number%s, not \"%s\"", name,
                   k->kind == BYTES ? " of bytes (with K, M, G or T)" : "", value);
  return store(settings, k, k->kind == BYTES ? floor(number * factor) : number);
}

still_status still_get_real(const still_settings *settings, const char *name, double *value) {
  const struct key *k = name ? find(name) : NULL;
  if (!settings || !k || !value || k->kind == PATH) return STILL_EARG;
  *value = k->kind == REAL ? *real_at(&settings->value, k) : (double)*int_at(&settings->value, k);
  return STILL_OK;
}

still_status still_get_int(const still_settings *settings, const char *name, int64_t *value) {
  const struct key *k = name ? find(name) : NULL;
  if (!settings || !k || !value || k->kind == REAL || k->kind == PATH) return STILL_EARG;
  *value = *int_at(&settings->value, k);
  return STILL_OK;
}

still_status still_get(const still_settings *settings, const char *name, char *text, size_t text_size) {
  const struct key *k = name ? find(name) : NULL;
  if (!settings || !k || !text) return STILL_EARG;
  int n = 0;
  if (k->kind == CHOICE)
    return choice_at(k->choices, *int_at(&settings->value, k), text, text_size) ? STILL_OK : STILL_ELIMIT;
  if (k->kind == PATH)
    n = snprintf(text, text_size, "%s", path_at(settings, k));
  else if (k->kind == REAL)
    n = snprintf(text, text_size, "%.17g", *real_at(&settings->value, k));
  else
    n = snprintf(text, text_size, "%lld", (long long)*int_at(&settings->value, k));
  return n >= 0 && (size_t)n < text_size ? STILL_OK : STILL_ELIMIT;
}

still_status still_settings_key(size_t i, still_key *key) {
  static const char *const kinds[] = {"int", "real", "choice", "bytes", "path"};
  if (!key || i >= N_KEYS || key->size < sizeof *key) return STILL_EARG;
  const struct key *k = &keys[i];
  *key = (still_key){.size = key->size, .name = k->name, .type = kinds[k->kind], .choices = k->choices, .scope = k->scope,
                     .text = k->text, .least = k->least, .most = k->most, .preset = k->preset};
  return STILL_OK;
}

/* ---- what a calibration decides -------------------------------------------------------------------------------- */

const char *const sp_gate_keys[] = {"policy", "start",       "ratio", "tau",        "tau-only", "every",
                                    "window", "gate-layers", "pool",  "wake",       "min-tokens", NULL};

/* The last two may be set beside a calibration: they take nothing from what the gate was measured to keep. */
static bool is_beside(size_t i) { return !sp_gate_keys[i + 1] || !sp_gate_keys[i + 2]; }

bool sp_settings_has(const still_settings *settings, const char *key) { return settings->given & bit(find(key)); }

bool sp_settings_decide(const still_settings *settings) {
  bool any = false;
  for (size_t i = 0; sp_gate_keys[i]; i++) any = any || (!is_beside(i) && sp_settings_has(settings, sp_gate_keys[i]));
  return any;
}

/* Of a long path the end is named: it says more than the beginning. */
still_status still_settings_origin(const still_settings *s, char *text, size_t text_size) {
  static const char *const plain[] = {[SP_ORIGIN_PRESETS] = "presets", [SP_ORIGIN_CALLER] = "caller",
                                      [SP_ORIGIN_NONE] = "no calibration, quality strict"};
  char quality[16] = "";
  int n = 0;
  if (!s || !text) return STILL_EARG;
  size_t bytes = strlen(s->calibration);
  still_get(s, "quality", quality, sizeof quality);
  if (s->origin == SP_ORIGIN_CALIBRATION)
    n = snprintf(text, text_size, "calibration %.160s, quality %s", s->calibration + (bytes > 160 ? bytes - 160 : 0), quality);
  else
    n = snprintf(text, text_size, "%s", plain[sp_settings_decide(s) ? SP_ORIGIN_CALLER : s->origin]);
  return n >= 0 && (size_t)n < text_size ? STILL_OK : STILL_ELIMIT;
}

static void copy_value(still_settings *settings, const still_settings *from, const struct key *k) {
  if (k->kind == PATH)
    memcpy(path_at(settings, k), path_at(from, k), SP_PATH);
  else
    memcpy((char *)&settings->value + k->offset, (const char *)&from->value + k->offset, sizeof(int64_t)); /* or a double */
}

void sp_settings_take(still_settings *settings, const still_settings *from) {
  for (size_t i = 0; sp_gate_keys[i]; i++)
    if (!is_beside(i) || !sp_settings_has(settings, sp_gate_keys[i])) copy_value(settings, from, find(sp_gate_keys[i]));
}

void sp_settings_change(still_settings *settings, const still_settings *to) {
  const struct key *context = find("ctx"), *chunk = find("chunk");
  for (const struct key *k = keys; k < keys + N_KEYS; k++)
    if (strcmp(k->scope, "session") == 0 && k != context && k != chunk) copy_value(settings, to, k);
  settings->given = to->given;
  settings->origin = to->origin;
}
