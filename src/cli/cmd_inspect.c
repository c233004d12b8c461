/*
 * cmd_inspect.c - `stillpoint inspect`: what is in a model file, whether it can be used, and the memory that it will take.
 *
 * In:       a path, also of a broken file.
 * Out:      shape, plan, keys and tensors; why the file is refused, with the status as exit code.
 * Not here: reading the file (gguf.h of the core), the plan (the library).
 *
 * Three steps, each only after the one before: the container (keys, tensors), the model (architecture, vocabulary), the plan.
 * What a step found is printed even if the next one fails.
 */
#include <string.h>

#include "engine.h"
#include "report.h"
#include "src/gguf.h"
#include "src/quant.h"

static const char *const value_types[] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                          "bool", "string", "array", "u64", "i64", "f64"};

static const char *type_name(enum sp_gguf_type type) {
  return (size_t)type < sizeof value_types / sizeof value_types[0] ? value_types[type] : "?";
}

enum { SHOWN_ELEMENTS = 6, SHOWN_BYTES = 160 }; /* of arrays and strings, unless --json */

/* ---- for people ---------------------------------------------------------------------------------------------- */

/* Element i, cut: a vocabulary has a hundred thousand of them, a template thousands of bytes. */
static void print_value(const struct sp_key *key, size_t i) {
  struct sp_string text;
  int64_t whole;
  double real;
  if (sp_key_string(key, i, &text)) {
    json_quote(stdout, text.text, text.bytes < SHOWN_BYTES ? text.bytes : SHOWN_BYTES);
    if (text.bytes > SHOWN_BYTES) printf(" ... (%zu bytes)", text.bytes);
  } else if (sp_key_int(key, i, &whole)) {
    printf("%lld", (long long)whole);
  } else if (sp_key_real(key, i, &real)) {
    printf("%.9g", real);
  } else {
    fputs("?", stdout);
  }
}

static void print_key(const struct sp_key *key) {
  enum sp_gguf_type type = sp_key_type(key);
  size_t count = sp_key_count(key);
  if (type != SP_GGUF_ARRAY) {
    printf("  %-8s %s = ", type_name(type), sp_key_name(key));
    print_value(key, 0);
  } else {
    printf("  %-8s %s[%zu] = ", type_name(sp_key_array_type(key)), sp_key_name(key), count);
    for (size_t i = 0; i < count && i < SHOWN_ELEMENTS; i++) {
      if (i) fputs(", ", stdout);
      print_value(key, i);
    }
    if (count > SHOWN_ELEMENTS) fputs(", ...", stdout);
  }
  putchar('\n');
}

/* Shape as in the file: the length of a row first. */
static void print_tensor(const struct sp_tensor *t) {
  char shape[96];
  size_t n = 0;
  for (unsigned i = 0; i < t->n_dims && n < sizeof shape; i++)
    n += (size_t)snprintf(shape + n, sizeof shape - n, "%s%llu", i ? " x " : "", (unsigned long long)t->ne[i]);
  printf("  %-7s %-20s %12zu bytes at %-12llu %s\n", sp_quants[t->type].name, shape, t->bytes, (unsigned long long)t->offset,
         t->name);
}

static void print_container(const struct cli *cli, const struct sp_gguf *g) {
  char bytes[REPORT_BYTES];
  size_t of_type[SP_TYPES] = {0};
  printf("file          %s: GGUF v%u, %s\n", cli->given.model, sp_gguf_version(g), report_bytes(sp_gguf_bytes(g), bytes));
  for (size_t i = 0; i < sp_gguf_tensors(g); i++) of_type[sp_gguf_tensor_at(g, i)->type]++;
  printf("tensors       %zu:", sp_gguf_tensors(g));
  for (int type = 0; type < SP_TYPES; type++)
    if (of_type[type]) printf(" %zu %s", of_type[type], sp_quants[type].name);
  printf("\nkeys          %zu\n", sp_gguf_keys(g));
  for (size_t i = 0; cli->given.keys && i < sp_gguf_keys(g); i++) print_key(sp_gguf_key_at(g, i));
  for (size_t i = 0; cli->given.tensors && i < sp_gguf_tensors(g); i++) print_tensor(sp_gguf_tensor_at(g, i));
}

static void print_model(const still_model *model) {
  still_model_info m = {.size = sizeof m};
  if (still_model_describe(model, &m) != STILL_OK) return;
  printf("model         %s, %s, %.3g parameters, %s\n", m.architecture, *m.name ? m.name : "without a name",
         (double)m.n_parameters, m.file_type);
  printf("shape         %u layers, %u wide, feed-forward %u, vocabulary %u, context %u\n", m.n_layers, m.n_embd, m.n_ff,
         m.n_vocab, m.n_ctx_train);
  printf("attention     %u heads, %u KV heads, %u a head\n", m.n_heads, m.n_kv_heads, m.head_dim);
  printf("kernels       %s, %u threads\n", m.isa, m.threads);
}

static void print_plan(const still_plan *p, uint64_t n_tokens) {
  const struct {
    const char *name;
    uint64_t bytes;
    const char *note;
    bool left_out;
  } rows[] = {{"weights", p->weights, "", false},
              {"panels", p->panels, "", false},
              {"KV cache", p->kv, "", false},
              {"parked rows", p->parked, "", false},
              {"scratch", p->scratch, "", false},
              {"total", p->total, "", false},
              {"mapped file", p->mapped, ", paged by the system", false},
              {"on the GPU", p->device, "", p->device == 0}};
  char bytes[REPORT_BYTES];
  printf("memory        for a prompt of %llu tokens\n", (unsigned long long)n_tokens);
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (!rows[i].left_out) printf("  %-11s %10s%s\n", rows[i].name, report_bytes(rows[i].bytes, bytes), rows[i].note);
  if (p->device) printf("  its layers  %10u the lowest\n", p->device_layers);
  printf("  largest     %10llu tokens fit\n", (unsigned long long)p->largest_context);
}

/* ---- JSON ---------------------------------------------------------------------------------------------------- */

/* Element i, whole. fp32 with the 9 digits that bring it back, not with the 17 of its double. */
static void json_value(struct json *j, const char *name, const struct sp_key *key, size_t i) {
  struct sp_string text;
  int64_t whole;
  double real;
  if (sp_key_string(key, i, &text))
    json_bytes(j, name, text.text, text.bytes);
  else if (sp_key_type(key) == SP_GGUF_BOOL && sp_key_int(key, i, &whole))
    json_bool(j, name, whole != 0);
  else if (sp_key_int(key, i, &whole))
    json_int(j, name, whole);
  else if (sp_key_real(key, i, &real) && (sp_key_type(key) == SP_GGUF_F64 || sp_key_array_type(key) == SP_GGUF_F64))
    json_real(j, name, real);
  else if (sp_key_real(key, i, &real))
    json_float(j, name, (float)real);
  else
    json_null(j, name);
}

static void json_key(struct json *j, const struct sp_key *key) {
  if (sp_key_type(key) != SP_GGUF_ARRAY) {
    json_value(j, sp_key_name(key), key, 0);
    return;
  }
  json_array(j, sp_key_name(key));
  for (size_t i = 0; i < sp_key_count(key); i++) json_value(j, NULL, key, i);
  json_array_end(j);
}

static void json_tensor(struct json *j, const struct sp_tensor *t) {
  json_object(j, NULL);
  json_text(j, "name", t->name);
  json_text(j, "type", sp_quants[t->type].name);
  json_array(j, "shape");
  for (unsigned i = 0; i < t->n_dims; i++) json_count(j, NULL, t->ne[i]);
  json_array_end(j);
  json_count(j, "bytes", t->bytes);
  json_count(j, "offset", t->offset);
  json_count(j, "part", t->part);
  json_object_end(j);
}

static void json_container(struct json *j, const struct sp_gguf *g) {
  json_count(j, "gguf_version", sp_gguf_version(g));
  json_count(j, "bytes", sp_gguf_bytes(g));
  json_object(j, "keys");
  for (size_t i = 0; i < sp_gguf_keys(g); i++) json_key(j, sp_gguf_key_at(g, i));
  json_object_end(j);
  json_array(j, "tensors");
  for (size_t i = 0; i < sp_gguf_tensors(g); i++) json_tensor(j, sp_gguf_tensor_at(g, i));
  json_array_end(j);
}

/* ---- the three steps ----------------------------------------------------------------------------------------- */

struct inspect {
  const struct cli *cli;
  struct json *json; /* NULL: lines */
};

/* The failure of a step: on stderr, and as the last members of the JSON object. */
static int say_why(const struct inspect *in, still_status status, const char *why) {
  if (in->json) {
    json_text(in->json, "status", still_status_name(status));
    json_text(in->json, "error", why);
  }
  return cli_fail(in->cli, status, "%s", why);
}

/* Opens the file for itself: keys and tensors are shown even when no model can be made of them. */
static int container(const struct inspect *in) {
  struct sp_ctx ctx;
  struct sp_gguf *g = NULL;
  int64_t map = 1;
  sp_ctx_init(&ctx, NULL);
  still_get_int(in->cli->settings, "mmap", &map);
  still_status status = sp_gguf_open(&ctx, in->cli->given.model, map != 0, &g);
  if (status != STILL_OK) return say_why(in, status, ctx.error.text);
  if (in->json)
    json_container(in->json, g);
  else
    print_container(in->cli, g);
  sp_gguf_close(g);
  return CLI_OK;
}

/* For --ctx tokens, or for as many as the model was trained for. */
static int plan(const struct inspect *in, const still_model *model) {
  still_model_info info = {.size = sizeof info};
  still_plan p = {.size = sizeof p};
  int64_t n_tokens = 0;
  still_status status = still_model_describe(model, &info);
  still_get_int(in->cli->settings, "ctx", &n_tokens);
  if (n_tokens == 0) n_tokens = info.n_ctx_train;
  if (status == STILL_OK) status = still_model_plan(model, in->cli->settings, (uint64_t)n_tokens, &p);
  if (status != STILL_OK) return say_why(in, status, still_model_error(model));
  if (in->json) {
    json_count(in->json, "plan_tokens", (uint64_t)n_tokens);
    report_json_plan(in->json, &p);
  } else {
    print_plan(&p, (uint64_t)n_tokens);
  }
  return CLI_OK;
}

/* The gate as it would be: what the options, a calibration or the presets say. */
static int gate(const struct inspect *in, const still_model *model) {
  char text[512];
  still_settings *in_force = still_settings_new();
  if (!in_force) return cli_no_memory(in->cli);
  still_status status = still_model_settings(model, in->cli->settings, in_force);
  int code = status == STILL_OK ? CLI_OK : say_why(in, status, still_model_error(model));
  if (code == CLI_OK && in->json) {
    still_settings_origin(in_force, text, sizeof text);
    json_text(in->json, "settings_from", text);
    report_json_settings(in->json, in_force);
  } else if (code == CLI_OK) {
    report_gate(in_force, text, sizeof text);
    printf("gate          %s\n", text);
  }
  still_settings_free(in_force);
  return code;
}

static int model(const struct inspect *in) {
  still_error error = {.size = sizeof error};
  still_model *model = NULL;
  still_status status = still_model_open(in->cli->given.model, in->cli->settings, NULL, &model, &error);
  if (status != STILL_OK) return say_why(in, status, error.text);
  if (in->json)
    report_json_model(in->json, model);
  else
    print_model(model);
  uint8_t digest[32];
  char hex[REPORT_HEX];
  still_model_digest(model, digest);
  report_hex(digest, hex);
  if (in->json)
    json_text(in->json, "model_digest", hex);
  else
    printf("digest        %s\n", hex);
  int code = gate(in, model);
  if (code == CLI_OK) code = plan(in, model);
  still_model_close(model);
  return code;
}

int cmd_inspect(struct cli *cli) {
  struct json j;
  struct inspect in = {cli, cli->given.json ? &j : NULL};
  if (cli->given.operand && cli->given.model)
    return cli_usage(cli, "two files were named: %s and %s", cli->given.model, cli->given.operand);
  if (cli->given.operand) cli->given.model = cli->given.operand;
  if (!cli->given.model) return cli_usage(cli, "name a GGUF file");
  if (in.json) {
    json_begin(&j, stdout, "stillpoint.inspect/1");
    json_text(&j, "version", still_version());
    json_text(&j, "file", cli->given.model);
  }
  int code = container(&in);
  if (code == CLI_OK) code = model(&in);
  if (in.json) json_end(&j);
  return code;
}
