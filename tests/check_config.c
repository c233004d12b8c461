/*
 * check_config.c - from the keys and tensors of a file to the shape of a model.
 *
 * In:       files made by tiny.c, with keys and tensors left out, added or replaced.  Out: TAP.
 * Not here: the format of the file (check_gguf.c).
 */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "src/config.h"
#include "tests/tiny.h"

static struct sp_ctx ctx;
static struct sp_config config;
static char warning[512]; /* the last line of the log */

static void keep_line(void *user, still_log_level level, const char *line) {
  (void)user;
  if (level == STILL_LOG_WARN) snprintf(warning, sizeof warning, "%s", line);
}

/* Makes the file, reads it into `config`, closes it. */
static still_status attempt(const struct tiny_spec *spec) {
  still_hooks hooks = {.size = sizeof hooks, .log = keep_line};
  struct tiny_bytes file;
  struct sp_gguf *g;
  char path[32];
  tiny_make(spec, 0, &file);
  int fd = tiny_share(&file, path);
  warning[0] = '\0';
  sp_ctx_init(&ctx, &hooks);
  still_status status = sp_gguf_open(&ctx, path, true, &g);
  ck_assert_msg(status == STILL_OK, "%s", ctx.error.text);
  status = sp_config_read(&ctx, g, &config);
  sp_gguf_close(g);
  close(fd);
  tiny_free(&file);
  ck_assert_msg(status == STILL_OK || strchr(ctx.error.text, ';'), "no way to go on: %s", ctx.error.text);
  return status;
}

static struct tiny_spec small_spec(const char *arch) {
  struct tiny_spec s;
  tiny_preset(&s);
  s.arch = arch;
  s.layers = 2, s.embd = 64, s.heads = 4, s.kv_heads = 2, s.head_dim = 32, s.ff = 96, s.vocab = 300, s.ctx = 4096;
  s.type = s.embd_type = SP_Q8_0;
  return s;
}

static void refused(still_status status, still_status wanted, const char *what, const char *word) {
  ck_assert_msg(status == wanted, "%s: %s (%s)", what, still_status_name(status), ctx.error.text);
  ck_assert_msg(strstr(ctx.error.text, word), "%s: no \"%s\" in: %s", what, word, ctx.error.text);
}

/* ---- sound models --------------------------------------------------------------------------------------------- */

START_TEST(numbers_are_those_of_the_file) {
  static const char *const archs[] = {"llama", "qwen2", "qwen3"};
  struct tiny_spec s = small_spec(archs[_i]);
  s.tied = _i != 1;
  ck_assert_msg(attempt(&s) == STILL_OK, "%s", ctx.error.text);
  ck_assert_int_eq(config.arch, _i);
  ck_assert_str_eq(config.arch_name, archs[_i]);
  ck_assert_str_eq(config.name, "Tiny");
  ck_assert_str_eq(config.file_type, "Q4_K_M");
  ck_assert_uint_eq(config.n_layers, 2);
  ck_assert_uint_eq(config.n_embd, 64);
  ck_assert_uint_eq(config.n_heads, 4);
  ck_assert_uint_eq(config.n_kv_heads, 2);
  ck_assert_uint_eq(config.head_dim, 32);
  ck_assert_uint_eq(config.n_ff, 96);
  ck_assert_uint_eq(config.n_vocab, 300);
  ck_assert_uint_eq(config.n_ctx_train, 4096);
  ck_assert_float_eq(config.norm_eps, 1e-5f);
  ck_assert_int_eq(config.tied, _i != 1);
  ck_assert_int_eq(config.rope.style, _i == 0 ? SP_ROPE_PAIR : SP_ROPE_HALF);
  ck_assert_uint_eq(config.rope.n_rot, 32);
  ck_assert_double_eq(config.rope.base, 10000);
  ck_assert_int_eq(config.rope.scaling, SP_SCALING_NONE);
  ck_assert_ptr_null(config.rope.freqs);
  ck_assert_str_eq(warning, "");
  /* embedding (twice if not tied), final norm; per layer two norms, q, k, v, o, three of feed-forward, biases or head norms */
  uint64_t layer = 2 * 64 + 128 * 64 + 2 * 64 * 64 + 64 * 128 + 3 * 64 * 96;
  layer += _i == 1 ? 128 + 2 * 64 : _i == 2 ? 2 * 32 : 0;
  ck_assert_uint_eq(config.n_parameters, (_i == 1 ? 2u : 1u) * 300 * 64 + 64 + 2 * layer);
}
END_TEST

START_TEST(scalings_of_rope) {
  struct tiny_spec s = small_spec("llama");
  s.scaling = TINY_ROPE_LINEAR;
  ck_assert_int_eq(attempt(&s), STILL_OK);
  ck_assert_int_eq(config.rope.scaling, SP_SCALING_LINEAR);
  ck_assert_double_eq(config.rope.factor, 4);
  s.scaling = TINY_ROPE_YARN;
  ck_assert_int_eq(attempt(&s), STILL_OK);
  ck_assert_int_eq(config.rope.scaling, SP_SCALING_YARN);
  ck_assert_uint_eq(config.rope.original_ctx, 1024);
  ck_assert_double_eq(config.rope.attn_factor, 1);
  ck_assert_double_eq(config.rope.ext_factor, 1);
  ck_assert_double_eq(config.rope.beta_fast, 32);
  ck_assert_double_eq(config.rope.beta_slow, 1);
  s.scaling = TINY_ROPE_LLAMA3;
  ck_assert_int_eq(attempt(&s), STILL_OK);
  ck_assert_int_eq(config.rope.scaling, SP_SCALING_LLAMA3);
  ck_assert_uint_eq(config.rope.original_ctx, 1024);
  ck_assert_double_eq(config.rope.low_freq, 1);
  ck_assert_double_eq(config.rope.high_freq, 4);
  s.scaling = TINY_ROPE_FREQS;
  ck_assert_int_eq(attempt(&s), STILL_OK);
  ck_assert_int_eq(config.rope.scaling, SP_SCALING_NONE);
  ck_assert_ptr_nonnull(config.rope.freqs);
}
END_TEST

/* ---- keys left out -------------------------------------------------------------------------------------------- */

START_TEST(needed_keys_are_missed) {
  static const char *const keys[] = {
    "general.architecture", "llama.block_count", "llama.context_length", "llama.embedding_length", "llama.feed_forward_length",
    "llama.attention.head_count", "llama.attention.layer_norm_rms_epsilon",
  };
  for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    struct tiny_spec s = small_spec("llama");
    s.without = keys[i];
    refused(attempt(&s), STILL_EFORMAT, keys[i], keys[i]);
  }
}
END_TEST

START_TEST(other_keys_have_presets) {
  struct tiny_spec s = small_spec("llama");
  s.without = "llama.rope.freq_base";
  s.rope_base = 5;
  ck_assert_int_eq(attempt(&s), STILL_OK);
  ck_assert_double_eq(config.rope.base, 10000);
  s.without = "llama.rope.dimension_count";
  ck_assert_int_eq(attempt(&s), STILL_OK);
  ck_assert_uint_eq(config.rope.n_rot, 32);
  s.without = "general.file_type";
  ck_assert_int_eq(attempt(&s), STILL_OK);
  ck_assert_str_eq(config.file_type, "unknown");
  s = small_spec("llama"); /* as many KV heads as heads; key_length n_embd / heads */
  s.embd = 128, s.kv_heads = 4, s.without = "llama.attention.head_count_kv";
  ck_assert_msg(attempt(&s) == STILL_OK, "%s", ctx.error.text);
  ck_assert_uint_eq(config.n_kv_heads, 4);
  ck_assert_uint_eq(config.head_dim, 32);
  s = small_spec("llama"); /* a factor without a type is linear */
  s.scaling = TINY_ROPE_LINEAR, s.without = "llama.rope.scaling.type";
  ck_assert_int_eq(attempt(&s), STILL_OK);
  ck_assert_int_eq(config.rope.scaling, SP_SCALING_LINEAR);
  s.scaling = TINY_ROPE_YARN, s.without = "llama.rope.scaling.original_context_length";
  ck_assert_int_eq(attempt(&s), STILL_OK);
  ck_assert_uint_eq(config.rope.original_ctx, 4096);
}
END_TEST

/* ---- keys with other values ----------------------------------------------------------------------------------- */

/* A key put in the place of the one that the model would have. */
static const struct other {
  const char *key;
  unsigned type;
  const char *text; /* of a string; else */
  double value;
  still_status status;
  const char *word; /* of the sentence, or of the warning when the status is STILL_OK ("" for none) */
} others[] = {
  {"general.architecture", SP_GGUF_STRING, "gemma2", 0, STILL_EUNSUPPORTED, "\"gemma2\""},
  {"general.architecture", SP_GGUF_STRING, "", 0, STILL_EFORMAT, "general.architecture"},
  {"general.architecture", SP_GGUF_STRING, "ll\033[2Jama", 0, STILL_EUNSUPPORTED, "\"ll?[2Jama\""},
  {"general.architecture", SP_GGUF_U32, NULL, 1, STILL_EFORMAT, "general.architecture"},
  {"general.type", SP_GGUF_STRING, "adapter", 0, STILL_EUNSUPPORTED, "\"adapter\""},
  {"general.type", SP_GGUF_STRING, "model", 0, STILL_OK, ""},
  {"llama.block_count", SP_GGUF_U32, NULL, 0, STILL_EFORMAT, "llama.block_count is 0"},
  {"llama.block_count", SP_GGUF_U32, NULL, 1025, STILL_EUNSUPPORTED, "llama.block_count is 1025"},
  {"llama.block_count", SP_GGUF_U32, NULL, 3, STILL_EFORMAT, "blk.2."},
  {"llama.block_count", SP_GGUF_U32, NULL, 1, STILL_EUNSUPPORTED, "blk.1."},
  {"llama.block_count", SP_GGUF_I64, NULL, -1, STILL_EFORMAT, "llama.block_count is -1"},
  {"llama.block_count", SP_GGUF_F32, NULL, 2, STILL_EFORMAT, "llama.block_count"},
  {"llama.block_count", SP_GGUF_STRING, "2", 0, STILL_EFORMAT, "llama.block_count"},
  {"llama.context_length", SP_GGUF_U32, NULL, 0, STILL_EFORMAT, "llama.context_length"},
  {"llama.embedding_length", SP_GGUF_U32, NULL, 96, STILL_EFORMAT, "the keys want 96"},
  {"llama.embedding_length", SP_GGUF_U32, NULL, 63, STILL_EUNSUPPORTED, "multiples of 32"},
  {"llama.embedding_length", SP_GGUF_U32, NULL, 131104, STILL_EUNSUPPORTED, "llama.embedding_length"},
  {"llama.feed_forward_length", SP_GGUF_U32, NULL, 100, STILL_EUNSUPPORTED, "multiples of 32"},
  {"llama.feed_forward_length", SP_GGUF_U32, NULL, 128, STILL_EFORMAT, "ffn_gate"},
  {"llama.attention.head_count", SP_GGUF_U32, NULL, 0, STILL_EFORMAT, "head_count is 0"},
  {"llama.attention.head_count", SP_GGUF_U32, NULL, 1025, STILL_EUNSUPPORTED, "head_count is 1025"},
  {"llama.attention.head_count_kv", SP_GGUF_U32, NULL, 3, STILL_EFORMAT, "head_count_kv"},
  {"llama.attention.head_count_kv", SP_GGUF_U32, NULL, 4, STILL_EFORMAT, "attn_k.weight"},
  {"llama.attention.key_length", SP_GGUF_U32, NULL, 8, STILL_EFORMAT, "key_length is 8"},
  {"llama.attention.key_length", SP_GGUF_U32, NULL, 257, STILL_EUNSUPPORTED, "key_length is 257"},
  {"llama.attention.key_length", SP_GGUF_U32, NULL, 64, STILL_EUNSUPPORTED, "64 elements in keys and 32 in values"},
  {"llama.attention.layer_norm_rms_epsilon", SP_GGUF_F32, NULL, 0, STILL_EFORMAT, "layer_norm_rms_epsilon"},
  {"llama.attention.layer_norm_rms_epsilon", SP_GGUF_F32, NULL, NAN, STILL_EFORMAT, "layer_norm_rms_epsilon"},
  {"llama.attention.layer_norm_rms_epsilon", SP_GGUF_F32, NULL, INFINITY, STILL_EFORMAT, "layer_norm_rms_epsilon"},
  {"llama.attention.layer_norm_rms_epsilon", SP_GGUF_F64, NULL, 1e-6, STILL_OK, ""},
  {"llama.rope.dimension_count", SP_GGUF_U32, NULL, 16, STILL_OK, ""},
  {"llama.rope.dimension_count", SP_GGUF_U32, NULL, 15, STILL_EFORMAT, "dimension_count is 15"},
  {"llama.rope.dimension_count", SP_GGUF_U32, NULL, 34, STILL_EUNSUPPORTED, "dimension_count is 34"},
  {"llama.rope.freq_base", SP_GGUF_F32, NULL, 1, STILL_EUNSUPPORTED, "freq_base"},
  {"llama.rope.freq_base", SP_GGUF_F32, NULL, NAN, STILL_EUNSUPPORTED, "freq_base"},
  {"llama.rope.freq_base", SP_GGUF_U32, NULL, 1000000, STILL_OK, ""},
  {"llama.rope.scaling.type", SP_GGUF_STRING, "longrope", 0, STILL_EUNSUPPORTED, "\"longrope\""},
  {"llama.rope.scaling.type", SP_GGUF_STRING, "none", 0, STILL_OK, ""},
  {"llama.rope.scaling.factor", SP_GGUF_F32, NULL, 0.5, STILL_EUNSUPPORTED, "factor is 0.5"},
  {"llama.rope.scaling.factor", SP_GGUF_F32, NULL, NAN, STILL_EUNSUPPORTED, "factor is"},
  {"llama.rope.scale_linear", SP_GGUF_F32, NULL, 2, STILL_OK, ""},
  {"llama.rope.scaling.attn_factor", SP_GGUF_F32, NULL, 2, STILL_EUNSUPPORTED, "attn_factor is 2"},
  {"llama.rope.scaling.yarn_log_multiplier", SP_GGUF_F32, NULL, 0.1, STILL_EUNSUPPORTED, "yarn_log_multiplier"},
  {"llama.attention.causal", SP_GGUF_BOOL, NULL, 0, STILL_EUNSUPPORTED, "attention.causal"},
  {"llama.attention.causal", SP_GGUF_BOOL, NULL, 1, STILL_OK, ""},
  {"llama.attention.sliding_window", SP_GGUF_U32, NULL, 1024, STILL_EUNSUPPORTED, "sliding_window is 1024"},
  {"llama.attention.sliding_window", SP_GGUF_U32, NULL, 4096, STILL_OK, ""},
  {"llama.attention.sliding_window", SP_GGUF_U32, NULL, 0, STILL_OK, ""},
  {"llama.attention.scale", SP_GGUF_F32, NULL, 0.25, STILL_EUNSUPPORTED, "attention.scale is 0.25"},
  {"llama.attention.scale", SP_GGUF_F32, NULL, 0.17677669529663687, STILL_OK, ""}, /* 1/sqrt(32) */
  {"llama.attention.clamp_kqv", SP_GGUF_F32, NULL, 8, STILL_EUNSUPPORTED, "clamp_kqv is 8"},
  {"llama.attention.max_alibi_bias", SP_GGUF_F32, NULL, 8, STILL_EUNSUPPORTED, "max_alibi_bias is 8"},
  {"llama.attn_logit_softcapping", SP_GGUF_F32, NULL, 50, STILL_EUNSUPPORTED, "attn_logit_softcapping is 50"},
  {"llama.final_logit_softcapping", SP_GGUF_F32, NULL, 30, STILL_EUNSUPPORTED, "final_logit_softcapping is 30"},
  {"llama.final_logit_softcapping", SP_GGUF_F32, NULL, 0, STILL_OK, ""},
  {"llama.logit_scale", SP_GGUF_F32, NULL, 0.1, STILL_EUNSUPPORTED, "logit_scale is 0.1"},
  {"llama.residual_scale", SP_GGUF_F32, NULL, 0.2, STILL_EUNSUPPORTED, "residual_scale is 0.2"},
  {"llama.embedding_scale", SP_GGUF_F32, NULL, 12, STILL_EUNSUPPORTED, "embedding_scale is 12"},
  {"llama.expert_count", SP_GGUF_U32, NULL, 8, STILL_EUNSUPPORTED, "expert_count is 8"},
  {"llama.expert_count", SP_GGUF_U32, NULL, 0, STILL_OK, ""},
  {"llama.pooling_type", SP_GGUF_U32, NULL, 3, STILL_EUNSUPPORTED, "pooling_type is 3"},
  {"llama.use_parallel_residual", SP_GGUF_BOOL, NULL, 1, STILL_EUNSUPPORTED, "use_parallel_residual"},
  {"llama.logit_scale", SP_GGUF_STRING, "one", 0, STILL_EUNSUPPORTED, "logit_scale"},
  {"llama.some.new_key", SP_GGUF_U32, NULL, 1, STILL_OK, "llama.some.new_key"},
  {"gemma2.final_logit_softcapping", SP_GGUF_F32, NULL, 30, STILL_OK, ""}, /* of another architecture */
};
enum { OTHERS = sizeof others / sizeof others[0] };

static void add_other(struct tiny_gguf *g, void *user) {
  const struct other *o = user;
  double value = o->value;
  tiny_key(g, o->key, o->type);
  if (o->type == SP_GGUF_STRING) {
    tiny_string(&g->keys, o->text);
  } else if (o->type == SP_GGUF_F32 || o->type == SP_GGUF_F64) {
    float narrow = (float)value;
    if (o->type == SP_GGUF_F32) tiny_raw(&g->keys, &narrow, sizeof narrow);
    else tiny_raw(&g->keys, &value, sizeof value);
  } else {
    tiny_put(&g->keys, (uint64_t)(int64_t)value, o->type == SP_GGUF_BOOL ? 1 : o->type == SP_GGUF_I64 ? 8 : 4);
  }
}

START_TEST(other_values_are_honoured_or_refused) {
  struct tiny_spec s = small_spec("llama");
  const struct other *o = &others[_i];
  s.without = o->key;
  s.extra = add_other;
  s.user = (void *)o;
  still_status status = attempt(&s);
  if (o->status != STILL_OK) {
    refused(status, o->status, o->key, o->word);
    return;
  }
  ck_assert_msg(status == STILL_OK, "%s: %s", o->key, ctx.error.text);
  if (*o->word) ck_assert_msg(strstr(warning, o->word), "no warning of %s: \"%s\"", o->word, warning);
  else ck_assert_str_eq(warning, "");
}
END_TEST

/* Head counts for each layer: equal ones are as good as one number. */
static void add_list(struct tiny_gguf *g, void *user) {
  const unsigned *heads = user;
  tiny_key_array(g, "llama.attention.head_count_kv", SP_GGUF_U32, 2);
  tiny_put(&g->keys, heads[0], 4);
  tiny_put(&g->keys, heads[1], 4);
}

START_TEST(lists_of_equal_numbers_are_one_number) {
  struct tiny_spec s = small_spec("llama");
  unsigned equal[] = {2, 2}, different[] = {2, 1};
  s.without = "llama.attention.head_count_kv";
  s.extra = add_list;
  s.user = equal;
  ck_assert_msg(attempt(&s) == STILL_OK, "%s", ctx.error.text);
  ck_assert_uint_eq(config.n_kv_heads, 2);
  s.user = different;
  refused(attempt(&s), STILL_EUNSUPPORTED, "different", "differs between layers");
}
END_TEST

/* ---- tensors -------------------------------------------------------------------------------------------------- */

START_TEST(needed_tensors_are_missed) {
  static const struct {
    const char *arch, *tensor;
  } cases[] = {
    {"llama", "token_embd.weight"}, {"llama", "output_norm.weight"}, {"llama", "blk.0.attn_norm.weight"},
    {"llama", "blk.1.attn_q.weight"}, {"llama", "blk.0.attn_k.weight"}, {"llama", "blk.0.attn_v.weight"},
    {"llama", "blk.1.attn_output.weight"}, {"llama", "blk.0.ffn_norm.weight"}, {"llama", "blk.0.ffn_gate.weight"},
    {"llama", "blk.0.ffn_up.weight"}, {"llama", "blk.1.ffn_down.weight"}, {"qwen2", "blk.0.attn_q.bias"},
    {"qwen2", "blk.0.attn_k.bias"}, {"qwen2", "blk.1.attn_v.bias"}, {"qwen3", "blk.0.attn_q_norm.weight"},
    {"qwen3", "blk.1.attn_k_norm.weight"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct tiny_spec s = small_spec(cases[i].arch);
    s.without = cases[i].tensor;
    refused(attempt(&s), STILL_EFORMAT, cases[i].tensor, cases[i].tensor);
  }
}
END_TEST

/* A tensor of zeros that replaces the one of that name, or comes on top. */
static const struct added {
  const char *arch, *name;
  uint64_t k, n;
  uint32_t type; /* F32 0, F16 1 */
  still_status status;
} added[] = {
  {"llama", "blk.0.attn_qkv.weight", 64, 256, 0, STILL_EUNSUPPORTED},
  {"llama", "blk.0.ffn_gate_exps.weight", 64, 96, 0, STILL_EUNSUPPORTED},
  {"llama", "blk.0.attn_q_norm.weight", 32, 1, 0, STILL_EUNSUPPORTED},
  {"qwen2", "blk.0.attn_k_norm.weight", 32, 1, 0, STILL_EUNSUPPORTED},
  {"llama", "blk.0.post_attention_norm.weight", 64, 1, 0, STILL_EUNSUPPORTED},
  {"llama", "blk.2.attn_norm.weight", 64, 1, 0, STILL_EUNSUPPORTED},
  {"llama", "blk.4294967296.attn_norm.weight", 64, 1, 0, STILL_EUNSUPPORTED},
  {"llama", "blk.00.attn_norm.weight", 64, 1, 0, STILL_EUNSUPPORTED},
  {"llama", "blk..attn_norm.weight", 64, 1, 0, STILL_EUNSUPPORTED},
  {"llama", "output.bias", 300, 1, 0, STILL_EUNSUPPORTED},
  {"llama", "rope_factors_long.weight", 16, 1, 0, STILL_EUNSUPPORTED},
  {"llama", "something", 64, 1, 0, STILL_EUNSUPPORTED},
  {"llama", "rope_freqs.weight", 16, 1, 0, STILL_EFORMAT},      /* zeros are no divisors */
  {"llama", "rope_freqs.weight", 15, 1, 0, STILL_EFORMAT},
  {"llama", "rope_freqs.weight", 16, 1, 1, STILL_EUNSUPPORTED}, /* F16 */
  {"llama", "blk.0.attn_rot_embd.weight", 16, 1, 0, STILL_OK},
  {"llama", "blk.0.attn_q.bias", 128, 1, 0, STILL_OK},
  {"llama", "blk.0.attn_output.bias", 64, 1, 0, STILL_OK},
  {"llama", "blk.0.ffn_down.bias", 64, 1, 0, STILL_OK},
  {"llama", "blk.0.ffn_down.bias", 96, 1, 0, STILL_EFORMAT},
  {"qwen3", "blk.0.attn_k.bias", 64, 1, 0, STILL_OK},
  {"llama", "output.weight", 64, 300, 1, STILL_OK},
  {"llama", "output.weight", 64, 301, 1, STILL_EFORMAT},
  {"llama", "output.weight", 300, 64, 1, STILL_EFORMAT},
  {"llama", "token_embd.weight", 65, 300, 1, STILL_EFORMAT},
  {"llama", "token_embd.weight", 64, (1 << 21) + 1, 1, STILL_EUNSUPPORTED},
  {"llama", "output_norm.weight", 64, 2, 0, STILL_EFORMAT},
  {"llama", "blk.1.ffn_up.weight", 96, 64, 0, STILL_EFORMAT},
  {"llama", "blk.1.ffn_norm.weight", 65, 1, 0, STILL_EFORMAT},
};
enum { ADDED = sizeof added / sizeof added[0] };

static void add_tensor(struct tiny_gguf *g, void *user) {
  const struct added *a = user;
  struct tiny_bytes zeros = {0};
  tiny_zeros(&zeros, (size_t)(a->k * a->n) * (a->type ? 2 : 4));
  tiny_tensor(g, a->name, a->type, a->n > 1 ? 2 : 1, (uint64_t[]){a->k, a->n}, zeros.data, zeros.size);
  tiny_free(&zeros);
}

START_TEST(other_tensors_are_used_or_refused) {
  const struct added *a = &added[_i];
  struct tiny_spec s = small_spec(a->arch);
  s.without = a->name;
  s.extra = add_tensor;
  s.user = (void *)a;
  still_status status = attempt(&s);
  if (a->status == STILL_OK) ck_assert_msg(status == STILL_OK, "%s: %s", a->name, ctx.error.text);
  else refused(status, a->status, a->name, a->name);
}
END_TEST

/* A name is cut between characters, and control bytes do not reach a terminal. */
static void add_name(struct tiny_gguf *g, void *user) { tiny_key_string(g, "general.name", user); }

START_TEST(names_are_fit_to_print) {
  struct tiny_spec s = small_spec("llama");
  char name[160] = "a\nb\033c";
  memset(name + 5, 'x', 121);
  strcpy(name + 126, "\xc3\xa9!"); /* the 128th byte of the copy is the NUL, so the two bytes of the accent do not fit */
  s.without = "general.name";
  s.extra = add_name;
  s.user = name;
  ck_assert_int_eq(attempt(&s), STILL_OK);
  ck_assert_uint_eq(strlen(config.name), 126);
  ck_assert_int_eq(strncmp(config.name, "a?b?cx", 6), 0);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("config");
  TCase *sound = tcase_create("sound"), *keys = tcase_create("keys"), *tensors = tcase_create("tensors");
  tcase_add_loop_test(sound, numbers_are_those_of_the_file, 0, 3);
  tcase_add_test(sound, scalings_of_rope);
  tcase_add_test(sound, names_are_fit_to_print);
  tcase_add_test(keys, needed_keys_are_missed);
  tcase_add_test(keys, other_keys_have_presets);
  tcase_add_loop_test(keys, other_values_are_honoured_or_refused, 0, OTHERS);
  tcase_add_test(keys, lists_of_equal_numbers_are_one_number);
  tcase_add_test(tensors, needed_tensors_are_missed);
  tcase_add_loop_test(tensors, other_tensors_are_used_or_refused, 0, ADDED);
  suite_add_tcase(suite, sound);
  suite_add_tcase(suite, keys);
  suite_add_tcase(suite, tensors);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
