/*
 * config.c - from keys and tensors to the numbers of a model.
 *
 * In:       struct sp_gguf.  Out: struct sp_config, or a sentence that names the key or tensor in the way.
 * Not here: the vocabulary's keys (vocab.c), what the numbers do.
 *
 * Names and presets of keys are those that llama.cpp writes. A key or tensor that would change the result and is not honoured
 * here refuses the file; one that is merely not known is logged as a warning.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
  MOST_LAYERS = 1024, MOST_WIDTH = 131072, MOST_HEADS = 1024, LEAST_HEAD_DIM = 16, MOST_HEAD_DIM = 256, MOST_VOCAB = 1 << 21
};

static const struct {
  const char *name;
  enum sp_rope_style style;
} archs[SP_ARCHS] = {
  [SP_ARCH_LLAMA] = {"llama", SP_ROPE_PAIR},
  [SP_ARCH_QWEN2] = {"qwen2", SP_ROPE_HALF},
  [SP_ARCH_QWEN3] = {"qwen3", SP_ROPE_HALF},
};

struct reader {
  struct sp_ctx *ctx;
  const struct sp_gguf *g;
  struct sp_config *c;
  char name[160]; /* the key at hand, with the architecture in front */
};

/* The two ways to refuse: a file that contradicts itself, and a sound one that asks for what is not done here. */
#define BROKEN(r, ...) sp_fail(&(r)->ctx->error, STILL_EFORMAT, __VA_ARGS__)
#define UNSUPPORTED(r, ...) sp_fail(&(r)->ctx->error, STILL_EUNSUPPORTED, __VA_ARGS__)

static const char *key_name(struct reader *r, const char *tail) {
  snprintf(r->name, sizeof r->name, "%s.%s", r->c->arch_name, tail);
  return r->name;
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

/* A string of the file for sentences and terminals: cut to fit between characters, control characters as "?". */
static void copy_text(char *out, size_t size, struct sp_string s) {
  size_t n = s.bytes < size ? s.bytes : size - 1;
  while (n < s.bytes && n > 0 && ((unsigned char)s.text[n] & 0xc0) == 0x80) n--;
  for (size_t i = 0; i < n; i++) out[i] = (unsigned char)s.text[i] < 0x20 || s.text[i] == 0x7f ? '?' : s.text[i];
  out[n] = '\0';
}

/* What `general.file_type` calls the mixture of tensor types. */
static const struct {
  int64_t number;
  const char *name;
} file_types[] = {
  {0, "F32"},      {1, "F16"},      {2, "Q4_0"},    {3, "Q4_1"},    {7, "Q8_0"},    {8, "Q5_0"},    {9, "Q5_1"},
  {10, "Q2_K"},    {11, "Q3_K_S"},  {12, "Q3_K_M"}, {13, "Q3_K_L"}, {14, "Q4_K_S"}, {15, "Q4_K_M"}, {16, "Q5_K_S"},
  {17, "Q5_K_M"},  {18, "Q6_K"},    {19, "IQ2_XXS"}, {20, "IQ2_XS"}, {21, "Q2_K_S"}, {22, "IQ3_XS"}, {23, "IQ3_XXS"},
  {24, "IQ1_S"},   {25, "IQ4_NL"},  {26, "IQ3_S"},  {27, "IQ3_M"},  {28, "IQ2_S"},  {29, "IQ2_M"},  {30, "IQ4_XS"},
  {31, "IQ1_M"},   {32, "BF16"},    {36, "TQ1_0"},  {37, "TQ2_0"},  {38, "MXFP4"},
};

static still_status read_names(struct reader *r) {
  struct sp_string name = {"", 0};
  int64_t type = -1;
  SP_TRY(sp_gguf_string(r->g, "general.name", &name));
  SP_TRY(sp_gguf_int(r->g, "general.file_type", &type));
  copy_text(r->c->name, sizeof r->c->name, name);
  snprintf(r->c->file_type, sizeof r->c->file_type, "unknown");
  for (size_t i = 0; i < sizeof file_types / sizeof file_types[0]; i++)
    if (file_types[i].number == type) snprintf(r->c->file_type, sizeof r->c->file_type, "%s", file_types[i].name);
  return STILL_OK;
}

static bool equals(struct sp_string s, const char *text) {
  return s.bytes == strlen(text) && !memcmp(s.text, text, s.bytes);
}

static still_status read_arch(struct reader *r) {
  struct sp_string arch = {"", 0}, type = {"model", 5};
  char text[48];
  SP_TRY(sp_gguf_string(r->g, "general.type", &type));
  SP_TRY(sp_gguf_string(r->g, "general.architecture", &arch));
  copy_text(text, sizeof text, equals(type, "model") ? arch : type);
  if (!equals(type, "model"))
    return UNSUPPORTED(r, "key general.type is \"%s\": the file holds no whole model; name the model's own file", text);
  if (!arch.bytes)
    return BROKEN(r, "key general.architecture is missing: the file holds no model; get or convert it again");
  for (int i = 0; i < SP_ARCHS; i++)
    if (equals(arch, archs[i].name)) {
      r->c->arch = (enum sp_arch)i;
      snprintf(r->c->arch_name, sizeof r->c->arch_name, "%s", archs[i].name);
      return STILL_OK;
    }
  return UNSUPPORTED(r, "architecture \"%s\" is not supported; this version runs llama, qwen2 and qwen3 models", text);
}

/* ---- numbers -------------------------------------------------------------------------------------------------- */

enum { REQUIRED = -1 };

/* One integer, or an array with the same integer for each layer. */
static still_status uniform(struct reader *r, const struct sp_key *key, int64_t *value) {
  for (size_t i = 0; i < sp_key_count(key); i++) {
    int64_t it;
    if (!sp_key_int(key, i, &it))
      return BROKEN(r, "key %s is not an integer where one is needed; convert the model again", r->name);
    if (i > 0 && it != *value)
      return UNSUPPORTED(r, "key %s differs between layers (%lld and %lld), which this version does not do; use another model",
                         r->name, (long long)*value, (long long)it);
    *value = it;
  }
  return STILL_OK;
}

/* An integer in [least, most]; `preset` stands for an absent key unless it is REQUIRED. */
static still_status count_of(struct reader *r, const char *tail, int64_t least, int64_t most, int64_t preset, uint32_t *out) {
  const struct sp_key *key = sp_gguf_key(r->g, key_name(r, tail));
  int64_t value = preset;
  if (key && sp_key_count(key)) SP_TRY(uniform(r, key, &value));
  else if (preset == REQUIRED)
    return BROKEN(r, "key %s is missing; get or convert the model again", r->name);
  if (value < least || value > most)
    return sp_fail(&r->ctx->error, value < least ? STILL_EFORMAT : STILL_EUNSUPPORTED,
                   "key %s is %lld%s; this version takes %lld to %lld; check the file", r->name, (long long)value,
                   key ? "" : " by default", (long long)least, (long long)most);
  *out = (uint32_t)value;
  return STILL_OK;
}

/* A finite number in [least, most]; *out holds the preset. */
static still_status real_of(struct reader *r, const char *tail, double least, double most, double *out) {
  SP_TRY(sp_gguf_real(r->g, key_name(r, tail), out));
  if (*out >= least && *out <= most) return STILL_OK; /* a NaN is in no range */
  return UNSUPPORTED(r, "key %s is %g; this version takes %g to %g; check the file", r->name, *out, least, most);
}

static still_status read_heads(struct reader *r) {
  struct sp_config *c = r->c;
  uint32_t value_dim;
  SP_TRY(count_of(r, "attention.head_count", 1, MOST_HEADS, REQUIRED, &c->n_heads));
  SP_TRY(count_of(r, "attention.head_count_kv", 1, MOST_HEADS, c->n_heads, &c->n_kv_heads));
  if (c->n_heads % c->n_kv_heads)
    return BROKEN(r, "%u heads cannot share %u KV heads evenly (key %s); check the file", c->n_heads, c->n_kv_heads, r->name);
  SP_TRY(count_of(r, "attention.key_length", LEAST_HEAD_DIM, MOST_HEAD_DIM, c->n_embd / c->n_heads, &c->head_dim));
  SP_TRY(count_of(r, "attention.value_length", LEAST_HEAD_DIM, MOST_HEAD_DIM, c->n_embd / c->n_heads, &value_dim));
  if (value_dim != c->head_dim || c->head_dim % 2)
    return UNSUPPORTED(r, "heads have %u elements in keys and %u in values (key %s); this version wants equal even numbers; "
                       "use another model", c->head_dim, value_dim, r->name);
  return STILL_OK;
}

static still_status read_sizes(struct reader *r) {
  struct sp_config *c = r->c;
  double eps = NAN;
  SP_TRY(count_of(r, "block_count", 1, MOST_LAYERS, REQUIRED, &c->n_layers));
  SP_TRY(count_of(r, "context_length", 1, INT32_MAX, REQUIRED, &c->n_ctx_train));
  SP_TRY(count_of(r, "embedding_length", 1, MOST_WIDTH, REQUIRED, &c->n_embd));
  SP_TRY(count_of(r, "feed_forward_length", 1, MOST_WIDTH, REQUIRED, &c->n_ff));
  SP_TRY(read_heads(r));
  /* Decode cuts activation rows into blocks of 32. */
  if (c->n_embd % 32 || c->n_ff % 32 || c->n_heads * c->head_dim % 32 || c->n_heads * c->head_dim > MOST_WIDTH)
    return UNSUPPORTED(r, "n_embd %u, n_ff %u and %u heads of %u must give multiples of 32 up to %d; use another model",
                       c->n_embd, c->n_ff, c->n_heads, c->head_dim, MOST_WIDTH);
  SP_TRY(sp_gguf_real(r->g, key_name(r, "attention.layer_norm_rms_epsilon"), &eps));
  c->norm_eps = (float)eps;
  if (!(eps > 0 && eps <= 1))
    return BROKEN(r, "key %s is missing or not in (0, 1]; get or convert the model again", r->name);
  return STILL_OK;
}

/* ---- RoPE ----------------------------------------------------------------------------------------------------- */

/* The divisors of Llama 3.1 and later: one for each pair, finite and positive. */
static still_status read_freqs(struct reader *r) {
  struct sp_rope_config *rope = &r->c->rope;
  const struct sp_tensor *t;
  SP_TRY(sp_config_tensor(r->ctx, r->g, true, rope->n_rot / 2, 0, &t, "rope_freqs.weight", 0));
  if (!t) return STILL_OK;
  if (t->type != SP_F32)
    return UNSUPPORTED(r, "tensor rope_freqs.weight must be F32; convert the model again");
  for (uint32_t i = 0; i < rope->n_rot / 2; i++) {
    float divisor;
    memcpy(&divisor, t->data + i * sizeof divisor, sizeof divisor);
    if (!(divisor > 0) || isinf(divisor))
      return BROKEN(r, "tensor rope_freqs.weight at byte %llu: element %u is not a positive number; get the file again",
                    (unsigned long long)t->offset, i);
  }
  rope->freqs = t;
  return STILL_OK;
}

static still_status read_yarn(struct reader *r) {
  struct sp_rope_config *rope = &r->c->rope;
  SP_TRY(count_of(r, "rope.scaling.original_context_length", 1, INT32_MAX, r->c->n_ctx_train, &rope->original_ctx));
  SP_TRY(real_of(r, "rope.scaling.attn_factor", 1e-3, 1e3, &rope->attn_factor));
  SP_TRY(real_of(r, "rope.scaling.yarn_beta_slow", 1e-3, 1e6, &rope->beta_slow));
  SP_TRY(real_of(r, "rope.scaling.yarn_beta_fast", rope->beta_slow, 1e6, &rope->beta_fast));
  SP_TRY(real_of(r, "rope.scaling.yarn_ext_factor", -1, 1, &rope->ext_factor));
  if (rope->ext_factor < 0) rope->ext_factor = 1; /* the field's way to say "not set" */
  return STILL_OK;
}

static still_status read_llama3(struct reader *r) {
  struct sp_rope_config *rope = &r->c->rope;
  SP_TRY(count_of(r, "rope.scaling.original_context_length", 1, INT32_MAX, 8192, &rope->original_ctx));
  SP_TRY(real_of(r, "rope.scaling.low_freq_factor", 1e-3, 1e3, &rope->low_freq));
  return real_of(r, "rope.scaling.high_freq_factor", rope->low_freq * 1.001, 1e6, &rope->high_freq);
}

/* A factor without a type means linear, as in files older than the type. */
static still_status read_scaling(struct reader *r) {
  static const struct {
    const char *name;
    enum sp_rope_scaling scaling;
    still_status (*read)(struct reader *r);
  } kinds[] = {
    {"none", SP_SCALING_NONE, NULL}, {"linear", SP_SCALING_LINEAR, NULL}, {"yarn", SP_SCALING_YARN, read_yarn},
    {"llama3", SP_SCALING_LLAMA3, read_llama3},
  };
  struct sp_rope_config *rope = &r->c->rope;
  struct sp_string type = {"linear", 6};
  char text[32];
  SP_TRY(sp_gguf_string(r->g, key_name(r, "rope.scaling.type"), &type));
  SP_TRY(real_of(r, "rope.scale_linear", 0, 65536, &rope->factor));
  SP_TRY(real_of(r, "rope.scaling.factor", 0, 65536, &rope->factor));
  if (rope->factor == 0) rope->factor = 1; /* "not set" */
  if (rope->factor < 1)
    return UNSUPPORTED(r, "key %s is %g; a context can be stretched (1 or more), not shrunk; check the file", r->name,
                       rope->factor);
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (equals(type, kinds[i].name)) {
      rope->scaling = kinds[i].scaling;
      if (rope->scaling == SP_SCALING_LINEAR && rope->factor == 1) rope->scaling = SP_SCALING_NONE;
      if (rope->scaling == SP_SCALING_NONE) rope->factor = 1;
      return kinds[i].read ? kinds[i].read(r) : STILL_OK;
    }
  copy_text(text, sizeof text, type);
  return UNSUPPORTED(r, "RoPE scaling \"%s\" (key %s) is not supported; this version knows linear, yarn and llama3", text,
                     key_name(r, "rope.scaling.type"));
}

static still_status read_rope(struct reader *r) {
  struct sp_rope_config *rope = &r->c->rope;
  *rope = (struct sp_rope_config){.style = archs[r->c->arch].style, .base = 10000, .factor = 1,
                                  .original_ctx = r->c->n_ctx_train, .attn_factor = 1, .beta_fast = 32, .beta_slow = 1,
                                  .ext_factor = 1, .low_freq = 1, .high_freq = 4};
  SP_TRY(count_of(r, "rope.dimension_count", 2, r->c->head_dim, r->c->head_dim, &rope->n_rot));
  if (rope->n_rot % 2)
    return BROKEN(r, "key %s is %u, but elements turn in pairs; check the file", r->name, rope->n_rot);
  SP_TRY(real_of(r, "rope.freq_base", 1.001, 1e18, &rope->base)); /* YaRN divides by its logarithm */
  SP_TRY(read_scaling(r));
  return read_freqs(r);
}

/* ---- keys that would change the result ------------------------------------------------------------------------ */

/* Every key below the architecture's name that is known. NEUTRAL ones are not honoured, so they must have the one value that
 * changes nothing, or 0 where that means "off". */
static const struct known_key {
  const char *tail;
  enum { READ, HARMLESS, NEUTRAL } use;
  double neutral;
  bool zero_is_off;
} known_keys[] = {
  {"block_count", READ, 0, false},
  {"context_length", READ, 0, false},
  {"embedding_length", READ, 0, false},
  {"feed_forward_length", READ, 0, false},
  {"attention.head_count", READ, 0, false},
  {"attention.head_count_kv", READ, 0, false},
  {"attention.key_length", READ, 0, false},
  {"attention.value_length", READ, 0, false},
  {"attention.layer_norm_rms_epsilon", READ, 0, false},
  {"rope.dimension_count", READ, 0, false},
  {"rope.freq_base", READ, 0, false},
  {"rope.scale_linear", READ, 0, false},
  {"rope.scaling.type", READ, 0, false},
  {"rope.scaling.factor", READ, 0, false},
  {"rope.scaling.original_context_length", READ, 0, false},
  {"rope.scaling.attn_factor", READ, 0, false},
  {"rope.scaling.yarn_ext_factor", READ, 0, false},
  {"rope.scaling.yarn_beta_fast", READ, 0, false},
  {"rope.scaling.yarn_beta_slow", READ, 0, false},
  {"rope.scaling.low_freq_factor", READ, 0, false},
  {"rope.scaling.high_freq_factor", READ, 0, false},
  {"attention.sliding_window", READ, 0, false},
  {"attention.scale", READ, 0, false},
  {"vocab_size", HARMLESS, 0, false},
  {"tensor_data_layout", HARMLESS, 0, false},
  {"rope.scaling.finetuned", HARMLESS, 0, false},
  {"attention.causal", NEUTRAL, 1, false},
  {"attention.clamp_kqv", NEUTRAL, 0, true},
  {"attention.max_alibi_bias", NEUTRAL, 0, true},
  {"attention.temperature_scale", NEUTRAL, 0, true},
  {"attention.output_scale", NEUTRAL, 1, true},
  {"attention.shared_kv_layers", NEUTRAL, 0, true},
  {"attn_logit_softcapping", NEUTRAL, 0, true},
  {"final_logit_softcapping", NEUTRAL, 0, true},
  {"logit_scale", NEUTRAL, 1, true},
  {"residual_scale", NEUTRAL, 1, true},
  {"embedding_scale", NEUTRAL, 1, true},
  {"expert_count", NEUTRAL, 0, true},
  {"expert_used_count", NEUTRAL, 0, true},
  {"expert_shared_count", NEUTRAL, 0, true},
  {"nextn_predict_layers", NEUTRAL, 0, true},
  {"pooling_type", NEUTRAL, 0, true},
  {"rope.dimension_sections", NEUTRAL, 0, true},
  {"rope.scaling.alpha", NEUTRAL, 0, true},
  {"rope.scaling.yarn_log_multiplier", NEUTRAL, 0, true},
  {"rope.scaling.yarn_attn_factor", NEUTRAL, 1, true},
  {"use_parallel_residual", NEUTRAL, 0, true},
};

static still_status check_neutral(struct reader *r, const struct sp_key *key, const struct known_key *known) {
  for (size_t i = 0; i < sp_key_count(key); i++) {
    double value = NAN;
    bool off = sp_key_real(key, i, &value) && (value == known->neutral || (value == 0 && known->zero_is_off));
    if (off) continue;
    return UNSUPPORTED(r, "key %s is %g, which this version does not do (it takes %g); use another model", sp_key_name(key),
                       value, known->neutral);
  }
  return STILL_OK;
}

/* Two keys whose neutral value depends on the model: the scale of scores, and a window that reaches over the whole context. */
static still_status check_attention(struct reader *r) {
  double plain = 1 / sqrt((double)r->c->head_dim), scale = plain, window = 0, attn_factor = 1;
  SP_TRY(sp_gguf_real(r->g, key_name(r, "attention.scale"), &scale));
  if (scale != 0 && !(fabs(scale - plain) <= 1e-6 * plain))
    return UNSUPPORTED(r, "key %s is %g; this version scales scores by 1/sqrt(head_dim) = %g; use another model", r->name,
                       scale, plain);
  SP_TRY(real_of(r, "attention.sliding_window", 0, 1e18, &window));
  if (window > 0 && window < r->c->n_ctx_train)
    return UNSUPPORTED(r, "key %s is %g, shorter than the context of %u; sliding windows are not supported; use another model",
                       r->name, window, r->c->n_ctx_train);
  SP_TRY(sp_gguf_real(r->g, key_name(r, "rope.scaling.attn_factor"), &attn_factor));
  if (r->c->rope.scaling != SP_SCALING_YARN && attn_factor != 1)
    return UNSUPPORTED(r, "key %s is %g without YaRN, which this version does not do; use another model", r->name, attn_factor);
  return STILL_OK;
}

static still_status check_keys(struct reader *r) {
  size_t prefix = strlen(r->c->arch_name), n_known = sizeof known_keys / sizeof known_keys[0];
  for (size_t i = 0; i < sp_gguf_keys(r->g); i++) {
    const struct sp_key *key = sp_gguf_key_at(r->g, i);
    const char *name = sp_key_name(key);
    if (strncmp(name, r->c->arch_name, prefix) || name[prefix] != '.') continue;
    size_t k = 0;
    while (k < n_known && strcmp(name + prefix + 1, known_keys[k].tail)) k++;
    if (k == n_known) sp_log(r->ctx, STILL_LOG_WARN, "key %s is not known to this version and has no effect", name);
    else if (known_keys[k].use == NEUTRAL) SP_TRY(check_neutral(r, key, &known_keys[k]));
  }
  return check_attention(r);
}

/* ---- tensors -------------------------------------------------------------------------------------------------- */

/* The name with the layer in the place of "%u", if there is one. */
static void name_of(char *out, size_t size, const char *format, unsigned layer) {
  const char *place = strstr(format, "%u");
  if (place) snprintf(out, size, "%.*s%u%s", (int)(place - format), format, layer, place + 2);
  else snprintf(out, size, "%s", format);
}

still_status sp_config_tensor(struct sp_ctx *ctx, const struct sp_gguf *g, bool optional, uint64_t k, uint64_t n,
                              const struct sp_tensor **tensor, const char *format, unsigned layer) {
  char name[96];
  uint64_t rows = n ? n : 1;
  name_of(name, sizeof name, format, layer);
  const struct sp_tensor *t = *tensor = sp_gguf_tensor(g, name);
  if (!t && optional) return STILL_OK;
  if (!t) return sp_fail(&ctx->error, STILL_EFORMAT, "tensor %s is missing; get or convert the model again", name);
  if (t->ne[0] == k && t->ne[1] == rows && t->ne[2] == 1 && t->ne[3] == 1) return STILL_OK;
  return sp_fail(&ctx->error, STILL_EFORMAT,
                 "tensor %s is %llu x %llu x %llu x %llu, the keys want %llu x %llu; get or convert the model again", name,
                 (unsigned long long)t->ne[0], (unsigned long long)t->ne[1], (unsigned long long)t->ne[2],
                 (unsigned long long)t->ne[3], (unsigned long long)k, (unsigned long long)rows);
}

enum { IN_LLAMA = 1 << SP_ARCH_LLAMA, IN_QWEN2 = 1 << SP_ARCH_QWEN2, IN_QWEN3 = 1 << SP_ARCH_QWEN3, IN_ALL = 7 };

/* The tensors of a layer. Shapes: e n_embd, q query rows, v key and value rows, f n_ff, d head_dim. Bit sets say which
 * architectures must have a tensor and which may; elsewhere it is refused. */
static const struct layer_tensor {
  const char *format;
  char k, n;
  unsigned must, may;
} layer_tensors[] = {
  {"blk.%u.attn_norm.weight", 'e', 0, IN_ALL, IN_ALL},
  {"blk.%u.attn_q.weight", 'e', 'q', IN_ALL, IN_ALL},
  {"blk.%u.attn_k.weight", 'e', 'v', IN_ALL, IN_ALL},
  {"blk.%u.attn_v.weight", 'e', 'v', IN_ALL, IN_ALL},
  {"blk.%u.attn_output.weight", 'q', 'e', IN_ALL, IN_ALL},
  {"blk.%u.attn_q.bias", 'q', 0, IN_QWEN2, IN_ALL},
  {"blk.%u.attn_k.bias", 'v', 0, IN_QWEN2, IN_ALL},
  {"blk.%u.attn_v.bias", 'v', 0, IN_QWEN2, IN_ALL},
  {"blk.%u.attn_output.bias", 'e', 0, 0, IN_ALL},
  {"blk.%u.attn_q_norm.weight", 'd', 0, IN_QWEN3, IN_QWEN3},
  {"blk.%u.attn_k_norm.weight", 'd', 0, IN_QWEN3, IN_QWEN3},
  {"blk.%u.ffn_norm.weight", 'e', 0, IN_ALL, IN_ALL},
  {"blk.%u.ffn_gate.weight", 'e', 'f', IN_ALL, IN_ALL},
  {"blk.%u.ffn_up.weight", 'e', 'f', IN_ALL, IN_ALL},
  {"blk.%u.ffn_down.weight", 'f', 'e', IN_ALL, IN_ALL},
  {"blk.%u.ffn_gate.bias", 'f', 0, 0, IN_ALL},
  {"blk.%u.ffn_up.bias", 'f', 0, 0, IN_ALL},
  {"blk.%u.ffn_down.bias", 'e', 0, 0, IN_ALL},
};
enum { LAYER_TENSORS = sizeof layer_tensors / sizeof layer_tensors[0], PREFIX = sizeof "blk.%u." - 1 };

static uint64_t extent(const struct sp_config *c, char code) {
  switch (code) {
    case 'e': return c->n_embd;
    case 'q': return (uint64_t)c->n_heads * c->head_dim;
    case 'v': return (uint64_t)c->n_kv_heads * c->head_dim;
    case 'f': return c->n_ff;
    case 'd': return c->head_dim;
    default: return 0;
  }
}

/* The part of a layer tensor's name behind "blk.N." with N below n_layers, or NULL. */
static const char *layer_tail(const char *name, uint32_t n_layers) {
  uint32_t layer = 0;
  if (strncmp(name, "blk.", 4) || name[4] < '0' || name[4] > '9' || (name[4] == '0' && name[5] != '.')) return NULL;
  for (name += 4; *name >= '0' && *name <= '9'; name++) {
    layer = layer * 10 + (uint32_t)(*name - '0');
    if (layer >= n_layers) return NULL;
  }
  return *name == '.' ? name + 1 : NULL;
}

/* Whether a tensor is one that the model uses, or one that is known to change nothing. */
static bool known_tensor(const struct sp_config *c, const char *name) {
  static const char *const ends[] = {"token_embd.weight", "output_norm.weight", "output.weight", "rope_freqs.weight"};
  const char *tail = layer_tail(name, c->n_layers);
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
    if (!strcmp(name, ends[i])) return true;
  if (!tail) return false;
  for (size_t i = 0; i < LAYER_TENSORS; i++)
    if (!strcmp(tail, layer_tensors[i].format + PREFIX)) return layer_tensors[i].may >> c->arch & 1;
  return !strcmp(tail, "attn_rot_embd.weight"); /* the angles of RoPE, which old converters kept */
}

static still_status check_layers(struct reader *r) {
  const struct sp_tensor *t;
  for (uint32_t layer = 0; layer < r->c->n_layers; layer++)
    for (size_t i = 0; i < LAYER_TENSORS; i++) {
      const struct layer_tensor *l = &layer_tensors[i];
      bool optional = !(l->must >> r->c->arch & 1);
      SP_TRY(sp_config_tensor(r->ctx, r->g, optional, extent(r->c, l->k), extent(r->c, l->n), &t, l->format, layer));
    }
  return STILL_OK;
}

static still_status check_leftovers(struct reader *r) {
  r->c->n_parameters = 0;
  for (size_t i = 0; i < sp_gguf_tensors(r->g); i++) {
    const struct sp_tensor *t = sp_gguf_tensor_at(r->g, i);
    r->c->n_parameters += t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3]; /* each is bounded by its file's bits, so the sum fits */
    if (!known_tensor(r->c, t->name))
      return UNSUPPORTED(r, "tensor %.100s at byte %llu has no place in a %s model of %u layers here, and leaving it out "
                         "would change the result; use another model", t->name, (unsigned long long)t->offset, r->c->arch_name,
                         r->c->n_layers);
  }
  return STILL_OK;
}

/* The matrix that turns ids into rows has one row for each id. */
static still_status check_ends(struct reader *r) {
  const struct sp_tensor *t = sp_gguf_tensor(r->g, "token_embd.weight");
  uint64_t n_vocab = t ? t->ne[1] : 1;
  if (n_vocab > MOST_VOCAB)
    return UNSUPPORTED(r, "tensor token_embd.weight has %llu rows; this version takes vocabularies up to %d; check the file",
                       (unsigned long long)n_vocab, MOST_VOCAB);
  SP_TRY(sp_config_tensor(r->ctx, r->g, false, r->c->n_embd, n_vocab, &t, "token_embd.weight", 0));
  SP_TRY(sp_config_tensor(r->ctx, r->g, false, r->c->n_embd, 0, &t, "output_norm.weight", 0));
  SP_TRY(sp_config_tensor(r->ctx, r->g, true, r->c->n_embd, n_vocab, &t, "output.weight", 0));
  r->c->tied = !t;
  r->c->n_vocab = (uint32_t)n_vocab;
  return STILL_OK;
}

still_status sp_config_read(struct sp_ctx *ctx, const struct sp_gguf *g, struct sp_config *config) {
  struct reader r = {.ctx = ctx, .g = g, .c = config};
  *config = (struct sp_config){0};
  SP_TRY(read_arch(&r));
  SP_TRY(read_names(&r));
  SP_TRY(read_sizes(&r));
  SP_TRY(read_rope(&r));
  SP_TRY(check_keys(&r));
  SP_TRY(check_leftovers(&r));
  SP_TRY(check_layers(&r));
  return check_ends(&r);
}
