/*
 * gguf_key.c - values of keys.
 *
 * In:       struct sp_key, checked by gguf_parse.c.  Out: integers, reals, strings.
 * Not here: which keys there are.
 */
#include "gguf_parts.h"

#include <string.h>

const struct sp_gguf_value sp_gguf_values[SP_GGUF_TYPES] = {
  [SP_GGUF_U8] = {"u8", 1},        [SP_GGUF_I8] = {"i8", 1},       [SP_GGUF_U16] = {"u16", 2}, [SP_GGUF_I16] = {"i16", 2},
  [SP_GGUF_U32] = {"u32", 4},      [SP_GGUF_I32] = {"i32", 4},     [SP_GGUF_F32] = {"f32", 4}, [SP_GGUF_BOOL] = {"bool", 1},
  [SP_GGUF_STRING] = {"string", 0}, [SP_GGUF_ARRAY] = {"array", 0}, [SP_GGUF_U64] = {"u64", 8}, [SP_GGUF_I64] = {"i64", 8},
  [SP_GGUF_F64] = {"f64", 8},
};

uint64_t sp_gguf_load(const uint8_t *p, unsigned width) {
  uint64_t value = 0;
  for (unsigned i = width; i-- > 0;) value = value << 8 | p[i];
  return value;
}

const char *sp_key_name(const struct sp_key *key) { return key->name; }
enum sp_gguf_type sp_key_type(const struct sp_key *key) { return key->type; }
enum sp_gguf_type sp_key_array_type(const struct sp_key *key) { return key->element; }
size_t sp_key_count(const struct sp_key *key) { return key->count; }

/* Bits of element i, its sign spread to 64 bits if it has one. The element has a width. */
static uint64_t bits_at(const struct sp_key *key, size_t i) {
  unsigned width = sp_gguf_values[key->element].width;
  uint64_t bits = sp_gguf_load(key->value + i * width, width);
  bool has_sign = key->element == SP_GGUF_I8 || key->element == SP_GGUF_I16 || key->element == SP_GGUF_I32;
  if (!has_sign) return bits;
  uint64_t sign = (uint64_t)1 << (8 * width - 1);
  return (bits ^ sign) - sign;
}

bool sp_key_int(const struct sp_key *key, size_t i, int64_t *value) {
  if (i >= key->count || !sp_gguf_values[key->element].width) return false;
  uint64_t bits = bits_at(key, i);
  switch (key->element) {
    case SP_GGUF_F32:
    case SP_GGUF_F64: return false;
    case SP_GGUF_BOOL: if (bits > 1) return false; break;
    case SP_GGUF_U64: if (bits > INT64_MAX) return false; break;
    default: break;
  }
  memcpy(value, &bits, sizeof bits);
  return true;
}

bool sp_key_real(const struct sp_key *key, size_t i, double *value) {
  int64_t whole;
  if (i < key->count && key->element == SP_GGUF_F32) {
    uint32_t bits = (uint32_t)bits_at(key, i);
    float number;
    memcpy(&number, &bits, sizeof number);
    *value = (double)number;
    return true;
  }
  if (i < key->count && key->element == SP_GGUF_F64) {
    uint64_t bits = bits_at(key, i);
    memcpy(value, &bits, sizeof *value);
    return true;
  }
  if (!sp_key_int(key, i, &whole)) return false;
  *value = (double)whole;
  return true;
}

bool sp_key_string(const struct sp_key *key, size_t i, struct sp_string *value) {
  if (i >= key->count || key->element != SP_GGUF_STRING) return false;
  const uint8_t *start = key->value + (key->starts ? key->starts[i] : 0);
  *value = (struct sp_string){.text = (const char *)start + 8, .bytes = (size_t)sp_gguf_load(start, 8)};
  return true;
}

/* ---- scalars by name ------------------------------------------------------------------------------------------ */

static still_status wrong_kind(struct sp_ctx *ctx, const struct sp_key *key, const char *wanted) {
  bool array = key->type == SP_GGUF_ARRAY;
  return sp_fail(&ctx->error, STILL_EFORMAT,
                 "key %s is %s%s, or a value out of range, where %s is needed; convert the model again", key->name,
                 array ? "an array of " : "of type ", sp_gguf_values[key->element].name, wanted);
}

still_status sp_part_int(struct sp_ctx *ctx, const struct sp_part *part, const char *name, int64_t *value) {
  const struct sp_key *key = sp_names_find(&part->key_names, name);
  if (!key || (key->type != SP_GGUF_ARRAY && sp_key_int(key, 0, value))) return STILL_OK;
  return wrong_kind(ctx, key, "one integer");
}

still_status sp_gguf_int(const struct sp_gguf *g, const char *name, int64_t *value) {
  return sp_part_int(g->ctx, &g->parts[0], name, value);
}

still_status sp_gguf_real(const struct sp_gguf *g, const char *name, double *value) {
  const struct sp_key *key = sp_gguf_key(g, name);
  if (!key || (key->type != SP_GGUF_ARRAY && sp_key_real(key, 0, value))) return STILL_OK;
  return wrong_kind(g->ctx, key, "one number");
}

still_status sp_gguf_string(const struct sp_gguf *g, const char *name, struct sp_string *value) {
  const struct sp_key *key = sp_gguf_key(g, name);
  if (!key || (key->type != SP_GGUF_ARRAY && sp_key_string(key, 0, value))) return STILL_OK;
  return wrong_kind(g->ctx, key, "one string");
}
