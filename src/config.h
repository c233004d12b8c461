/*
 * config.h - the shape of a model, read from a GGUF's keys and checked once, so that no later code has to.
 *
 * In:       sp_gguf.  Out: struct sp_config; every number in range, every needed tensor's shape as the numbers say.
 * Not here: the weights themselves (weights.h), the vocabulary (vocab.h).
 *
 * Nothing that changes the result is left out in silence. Refused by name (STILL_EUNSUPPORTED): other architectures; adapters and
 * projectors; per-layer head counts or widths; mixtures of experts; sliding windows shorter than the trained context; soft caps,
 * scales, clamps and ALiBi that are not neutral; RoPE scaling other than none, linear, yarn and llama3; every tensor that the
 * architecture does not use here (fused, per-expert, norms of other families, layers past block_count). Biases are optional on
 * every matrix of a layer, q and k norms belong to qwen3. Tolerated: blk.N.attn_rot_embd.weight (angles kept by old converters),
 * and keys of the architecture that are not known, each with a warning in the log.
 */
#ifndef SP_CONFIG_H
#define SP_CONFIG_H

#include "gguf.h"

enum sp_arch { SP_ARCH_LLAMA, SP_ARCH_QWEN2, SP_ARCH_QWEN3, SP_ARCHS };
enum sp_rope_scaling { SP_SCALING_NONE, SP_SCALING_LINEAR, SP_SCALING_YARN, SP_SCALING_LLAMA3 };

struct sp_rope_config {
  enum sp_rope_style style; /* llama files: pair; qwen: half */
  uint32_t n_rot;           /* rotated elements of a head, even, <= head_dim */
  double base;
  enum sp_rope_scaling scaling;
  double factor;            /* >= 1 for linear, yarn, llama3 */
  uint32_t original_ctx;    /* of yarn and llama3 */
  double attn_factor, beta_fast, beta_slow, ext_factor; /* yarn */
  double low_freq, high_freq;                           /* llama3 */
  const struct sp_tensor *freqs; /* rope_freqs.weight: n_rot/2 divisors in fp32, or NULL */
};

struct sp_config {
  enum sp_arch arch;
  char arch_name[32], name[128], file_type[16];
  uint32_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff, n_vocab, n_ctx_train;
  float norm_eps;
  struct sp_rope_config rope;
  bool tied;                 /* no output.weight: token_embd.weight serves */
  uint64_t n_parameters;
};

/* Limits (STILL_EUNSUPPORTED beyond): layers 1024, n_embd and n_ff 131072, head_dim 16..256, heads 1024, heads % kv_heads == 0,
 * vocabulary 2^21. */
still_status sp_config_read(struct sp_ctx *ctx, const struct sp_gguf *g, struct sp_config *config);
/* Finds a tensor and checks that it is [k] (n = 0) or n rows of k; the sentence names tensor, shape found and shape wanted.
 * With `optional`, an absent one gives STILL_OK and NULL. `format` makes the name ("blk.%u.attn_q.weight", layer). */
still_status sp_config_tensor(struct sp_ctx *ctx, const struct sp_gguf *g, bool optional, uint64_t k, uint64_t n,
                              const struct sp_tensor **tensor, const char *format, unsigned layer);

#endif
