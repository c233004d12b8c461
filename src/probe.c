/*
 * probe.c - runs the probe once and keeps the mean keys.
 *
 * In:       the engine with a zero shift.  Out: the engine with the model's own.
 * Not here: when (model.c: before the first prefill).
 */
#include "probe.h"

#include <string.h>

still_status sp_probe_tokens(struct sp_ctx *ctx, const struct sp_vocab *vocab, still_token tokens[SP_PROBE_TOKENS]) {
  static const char text[] = SP_PROBE_TEXT;
  size_t n = 0;
  SP_TRY(sp_vocab_encode(ctx, vocab, text, sizeof text - 1, NULL, false, tokens, SP_PROBE_TOKENS, &n));
  if (n == 0) return sp_fail(&ctx->error, STILL_EUNSUPPORTED, "the vocabulary makes no tokens of an English text");
  for (size_t i = n; i < SP_PROBE_TOKENS; i++) tokens[i] = tokens[i - n];
  return STILL_OK;
}

still_status sp_probe(struct sp_ctx *ctx, const struct sp_backend *backend, struct sp_engine *engine,
                      const struct sp_vocab *vocab) {
  if (engine->weights->float_path) return STILL_OK;
  still_token tokens[SP_PROBE_TOKENS];
  struct sp_lane *lane;
  size_t n = sp_probe_length(engine->config);
  SP_TRY(sp_probe_tokens(ctx, vocab, tokens));
  float *sum = sp_calloc(ctx, n, sizeof *sum, "the mean keys");
  if (!sum) return STILL_ENOMEM;
  still_status status = backend->begin(engine, ctx, SP_PROBE_TOKENS, &lane);
  if (status == STILL_OK) {
    status = backend->probe(lane, tokens, SP_PROBE_TOKENS, sum);
    backend->end(lane);
  }
  for (size_t i = 0; status == STILL_OK && i < n; i++) engine->shift[i] = sum[i] * (1.0f / SP_PROBE_TOKENS);
  sp_free(ctx, sum, n, sizeof *sum);
  return status;
}
