/*
 * probe.c - runs the probe once and keeps what attention takes from it.
 *
 * In:       the engine with shift 0 and balance 1.  Out: the engine with the model's own.
 * Not here: when (model.c: before the first prefill).
 */
#include "probe.h"

#include <float.h>
#include <string.h>

enum { BALANCE_MOST = 8 }; /* powers of two in [1/256, 256] */

still_status sp_probe_tokens(struct sp_ctx *ctx, const struct sp_vocab *vocab, still_token tokens[SP_PROBE_TOKENS]) {
  static const char text[] = SP_PROBE_TEXT;
  size_t n = 0;
  SP_TRY(sp_vocab_encode(ctx, vocab, text, sizeof text - 1, NULL, false, tokens, SP_PROBE_TOKENS, &n));
  if (n == 0) return sp_fail(&ctx->error, STILL_EUNSUPPORTED, "the vocabulary makes no tokens of an English text");
  for (size_t i = n; i < SP_PROBE_TOKENS; i++) tokens[i] = tokens[i - n];
  return STILL_OK;
}

static size_t length_of(const struct sp_config *c) { return (size_t)c->n_layers * c->n_kv_heads * c->head_dim; }

still_status sp_probe_init(struct sp_ctx *ctx, struct sp_engine *engine) {
  size_t n = length_of(engine->config);
  engine->shift = sp_calloc(ctx, n, sizeof *engine->shift, "the mean keys");
  engine->balance = sp_calloc(ctx, n, sizeof *engine->balance, "the balance of keys and queries");
  engine->inverse_balance = sp_calloc(ctx, n, sizeof *engine->inverse_balance, "the balance of keys and queries");
  if (!engine->shift || !engine->balance || !engine->inverse_balance) return STILL_ENOMEM;
  for (size_t i = 0; i < n; i++) engine->balance[i] = engine->inverse_balance[i] = 1;
  return STILL_OK;
}

void sp_probe_free(struct sp_ctx *ctx, struct sp_engine *engine) {
  if (!engine->config) return;
  size_t n = length_of(engine->config);
  sp_free(ctx, engine->shift, n, sizeof *engine->shift);
  sp_free(ctx, engine->balance, n, sizeof *engine->balance);
  sp_free(ctx, engine->inverse_balance, n, sizeof *engine->inverse_balance);
}

/* 2^e or 2^-e with 16^e <= larger / smaller < 16^(e + 1), of sums of squares: then keys / r and queries * r are alike in size. */
static float balance_of(float keys, float queries) {
  if (!(keys >= 0x1p-100f && keys <= FLT_MAX && queries >= 0x1p-100f && queries <= FLT_MAX)) return 1;
  float ratio = keys > queries ? keys / queries : queries / keys;
  uint32_t bits;
  memcpy(&bits, &ratio, sizeof bits);
  uint32_t e = ((bits >> 23) - 127) / 4; /* the exponent of infinity, 128, is past the limit too */
  float r = (float)(1u << (e < BALANCE_MOST ? e : BALANCE_MOST));
  return keys > queries ? r : 1 / r;
}

/* Both elements of a pair that turns together get the same factor, so that it holds at every position. */
static void keep(struct sp_engine *engine, const struct sp_probe_sums *sums) {
  const struct sp_config *c = engine->config;
  for (size_t i = 0; i < length_of(c); i++) {
    size_t e = i % c->head_dim, partner = i - e + sp_rope_partner(&c->rope, e);
    engine->shift[i] = sums->key[i] * (1.0f / SP_PROBE_TOKENS);
    engine->balance[i] = balance_of(sums->key_squared[i] + sums->key_squared[partner],
                                    sums->query_squared[i] + sums->query_squared[partner]);
    engine->inverse_balance[i] = 1 / engine->balance[i];
  }
}

static still_status run_probe(const struct sp_backend *backend, struct sp_lane *lane, unsigned layers, const still_token *tokens,
                              struct sp_probe_sums *sums) {
  struct sp_pass pass = {.to = 2 * layers, .phase = STILL_PHASE_PANELS, .total = layers, .worth = 1, .live = 1};
  SP_TRY(backend->reserve(lane, 0, layers, SP_PROBE_TOKENS, SP_PROBE_TOKENS));
  SP_TRY(backend->load(lane, tokens, 0, SP_PROBE_TOKENS));
  return backend->probe(lane, &pass, sums);
}

still_status sp_probe(struct sp_ctx *ctx, const struct sp_backend *backend, struct sp_engine *engine,
                      const struct sp_vocab *vocab) {
  if (engine->weights->float_path) return STILL_OK;
  still_token tokens[SP_PROBE_TOKENS];
  struct sp_lane *lane;
  size_t n = length_of(engine->config);
  SP_TRY(sp_probe_tokens(ctx, vocab, tokens));
  float *memory = sp_calloc(ctx, 3 * n, sizeof *memory, "the sums of the probe");
  if (!memory) return STILL_ENOMEM;
  struct sp_probe_sums sums = {.key = memory, .key_squared = memory + n, .query_squared = memory + 2 * n};
  still_status status = backend->begin(engine, ctx, SP_PROBE_TOKENS, SP_PROBE_TOKENS, &lane);
  if (status == STILL_OK) {
    status = run_probe(backend, lane, engine->config->n_layers, tokens, &sums);
    backend->end(lane);
  }
  if (status == STILL_OK) keep(engine, &sums);
  sp_free(ctx, memory, 3 * n, sizeof *memory);
  return status;
}
