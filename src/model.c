/*
 * model.c - opens a model and answers what is known of it.
 *
 * In:       a GGUF file, settings, hooks.  Out: struct still_model; text to tokens.
 * Not here: prefill and decode (session.c).
 */
#ifdef HAVE_CONFIG_H
#include "build.h" /* PACKAGE_VERSION */
#endif
#include "model.h"

#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gpu_plan.h"
#include "text.h"

/* The sentence of a model's call belongs to the thread that made it: threads share the model. */
static _Thread_local struct sp_error last_error;

const char *still_model_error(const still_model *model) {
  (void)model;
  return last_error.text;
}

const char *still_version(void) { return PACKAGE_VERSION; }

/* A context for one call of one thread: the model's hooks, its own error and counts. */
static void call_begin(const still_model *m, struct sp_ctx *ctx) {
  sp_ctx_init(ctx, &m->ctx.hooks);
  ctx->hooks.progress = NULL;
  sp_error_clear(&last_error);
}

static still_status call_end(const struct sp_ctx *ctx, still_status status) {
  if (status != STILL_OK) last_error = ctx->error;
  return status;
}

/* ---- open and close ------------------------------------------------------------------------------------------- */

static still_status pick_kernels(still_model *m, const struct sp_kernels **kernels) {
  const char *why = "";
  *kernels = sp_kernels_pick(m->settings.isa_name, &why);
  if (*kernels) return STILL_OK;
  return sp_fail(&m->ctx.error, STILL_EDEVICE, "the kernels of \"%s\" cannot be used: %s; take --isa auto", m->settings.isa_name,
                 why);
}

static still_status check_blas(still_model *m) {
  const char *what = "";
  if (m->settings.value.numerics != SP_NUMERICS_FLOAT || sp_blas_available(&what)) return STILL_OK;
  return sp_fail(&m->ctx.error, STILL_EUNSUPPORTED, "the float path needs OpenBLAS: %s", what);
}

static still_status keep_path(still_model *m, const char *path) {
  size_t bytes = strlen(path) + 1;
  m->path = sp_alloc(&m->ctx, bytes, 1, "the name of the model file");
  if (!m->path) return STILL_ENOMEM;
  m->path_bytes = bytes;
  memcpy(m->path, path, bytes);
  return STILL_OK;
}

static still_status open_parts(still_model *m, const char *path) {
  const struct sp_settings *s = &m->settings.value;
  const struct sp_kernels *kernels;
  struct sp_team team;
  SP_TRY(pick_kernels(m, &kernels));
  SP_TRY(check_blas(m));
  SP_TRY(sp_team_open(&team, (int)s->threads, (enum sp_numa)s->numa, &m->ctx));
  SP_TRY(keep_path(m, path));
  SP_TRY(sp_gguf_open(&m->ctx, path, s->mmap != 0, &m->gguf));
  SP_TRY(sp_config_read(&m->ctx, m->gguf, &m->config));
  SP_TRY(sp_vocab_open(&m->ctx, m->gguf, m->config.n_vocab, &m->vocab));
  SP_TRY(sp_weights_open(&m->ctx, m->gguf, &m->config, kernels, team, s, &m->weights));
  m->engine = (struct sp_engine){.config = &m->config, .kernels = kernels, .weights = &m->weights};
  SP_TRY(sp_probe_init(&m->ctx, &m->engine));
  SP_TRY(sp_device_pick(&m->ctx, s, &m->engine, &m->backend));
  m->fixed_bytes = atomic_load(&m->ctx.bytes);
  return STILL_OK;
}

void still_model_close(still_model *m) {
  if (!m) return;
  sp_device_close(&m->ctx, &m->engine);
  sp_probe_free(&m->ctx, &m->engine);
  if (m->weights.ctx) sp_weights_close(&m->weights);
  sp_vocab_close(m->vocab);
  sp_gguf_close(m->gguf);
  sp_free(&m->ctx, m->path, m->path_bytes, 1);
  pthread_mutex_destroy(&m->lock);
  free(m);
}

static void report_error(still_error *error, const struct sp_error *from) {
  if (!error) return;
  error->status = from->status;
  snprintf(error->text, sizeof error->text, "%s", from->text);
}

still_status still_model_open(const char *path, const still_settings *settings, const still_hooks *hooks, still_model **model,
                              still_error *error) {
  struct sp_error bad = {.status = STILL_EARG, .text = "still_model_open needs a path and a place for the model"};
  if (model) *model = NULL;
  if (!path || !model) return report_error(error, &bad), STILL_EARG;
  still_model *m = calloc(1, sizeof *m);
  if (!m) {
    bad = (struct sp_error){.status = STILL_ENOMEM, .text = "no memory for a model"};
    return report_error(error, &bad), STILL_ENOMEM;
  }
  fenv_t caller;
  fegetenv(&caller);
  fesetenv(FE_DFL_ENV);
  sp_ctx_init(&m->ctx, hooks);
  pthread_mutex_init(&m->lock, NULL);
  sp_settings_resolve(settings, &m->settings);
  still_status status = open_parts(m, path);
  fesetenv(&caller);
  if (status == STILL_OK) return *model = m, STILL_OK;
  report_error(error, &m->ctx.error);
  still_model_close(m);
  return status;
}

still_status sp_model_probe(still_model *m, struct sp_ctx *ctx, const struct sp_backend *backend) {
  still_status status = STILL_OK;
  pthread_mutex_lock(&m->lock);
  if (!m->probed) {
    double start = sp_seconds();
    sp_phase_begin(ctx);
    status = sp_probe(ctx, backend, &m->engine, m->vocab);
    m->probed = status == STILL_OK;
    ctx->seconds[STILL_PHASE_PANELS] = sp_seconds() - start; /* the panels that it built are in it */
  }
  pthread_mutex_unlock(&m->lock);
  return status;
}

/* ---- settings of a session ------------------------------------------------------------------------------------ */

void sp_model_digest(still_model *m, uint8_t digest[32]) {
  pthread_mutex_lock(&m->lock);
  if (!m->digested) sp_gguf_digest(m->gguf, m->digest);
  m->digested = true;
  memcpy(digest, m->digest, sizeof m->digest);
  pthread_mutex_unlock(&m->lock);
}

static void digest_of(void *user, uint8_t digest[32]) { sp_model_digest(user, digest); }

still_status sp_model_settings(still_model *m, struct sp_ctx *ctx, const still_settings *settings, still_settings *out) {
  sp_settings_resolve(settings, out);
  return sp_calibration_apply(ctx, &(struct sp_calibration_place){.model = m->path, .digest = digest_of, .user = m}, out);
}

still_status still_model_settings(const still_model *m, const still_settings *settings, still_settings *in_force) {
  if (!m || !in_force) return STILL_EARG;
  struct sp_ctx ctx;
  call_begin(m, &ctx);
  return call_end(&ctx, sp_model_settings((still_model *)m, &ctx, settings, in_force));
}

/* ---- what is known -------------------------------------------------------------------------------------------- */

still_status still_model_describe(const still_model *m, still_model_info *info) {
  if (!m || !info || info->size < sizeof *info) return STILL_EARG;
  const struct sp_config *c = &m->config;
  *info = (still_model_info){.size = info->size, .n_layers = c->n_layers, .n_embd = c->n_embd, .n_heads = c->n_heads,
                             .n_kv_heads = c->n_kv_heads, .head_dim = c->head_dim, .n_ff = c->n_ff, .n_vocab = c->n_vocab,
                             .n_ctx_train = c->n_ctx_train, .threads = (uint32_t)m->weights.team.threads,
                             .n_parameters = c->n_parameters, .file_bytes = sp_gguf_bytes(m->gguf)};
  snprintf(info->architecture, sizeof info->architecture, "%s", c->arch_name);
  snprintf(info->name, sizeof info->name, "%s", c->name);
  snprintf(info->isa, sizeof info->isa, "%s", m->engine.kernels->isa);
  snprintf(info->file_type, sizeof info->file_type, "%s", c->file_type);
  return STILL_OK;
}

still_status still_model_digest(const still_model *m, uint8_t digest[32]) {
  if (!m || !digest) return STILL_EARG;
  sp_model_digest((still_model *)m, digest);
  return STILL_OK;
}

void sp_model_plan(const still_model *m, const struct sp_settings *settings, bool parked, uint64_t n_tokens,
                   still_plan *plan) {
  struct sp_settings s = *settings;
  s.panels = m->settings.value.panels;
  if (m->settings.value.memory_limit) s.memory_limit = m->settings.value.memory_limit;
  sp_plan(&(struct sp_plan_job){.config = &m->config,
                                .settings = &s,
                                .float_path = m->weights.float_path,
                                .parked = parked,
                                .threads = (size_t)m->weights.team.threads,
                                .copies = m->weights.team.place.copies,
                                .mapped = sp_gguf_bytes(m->gguf),
                                .weights = m->fixed_bytes},
          n_tokens, plan);
  plan->device_layers = sp_device_layers(&m->engine, m->backend);
  plan->device = 0;
  if (plan->device_layers)
    plan->device = sp_gpu_plan(&m->engine, settings, plan->device_layers, m->engine.gpu->wide, parked, n_tokens);
}

still_status still_model_plan(const still_model *m, const still_settings *settings, uint64_t n_tokens, still_plan *plan) {
  if (!m || !plan || plan->size < sizeof *plan || n_tokens > 1 << 24) return STILL_EARG;
  struct sp_ctx ctx;
  still_settings resolved;
  call_begin(m, &ctx);
  still_status status = sp_model_settings((still_model *)m, &ctx, settings, &resolved);
  if (status == STILL_OK) sp_model_plan(m, &resolved.value, false, n_tokens, plan);
  return call_end(&ctx, status);
}

still_status still_kernel_calls(const still_model *m, size_t i, const char **name, uint64_t *calls) {
  static const char *const names[SP_SLOTS] = {
#define NAME(result, slot, parameters) #slot,
      SP_SLOT_LIST(NAME) "dequant", "dot"
#undef NAME
  };
  if (!m || !name || !calls || i >= SP_SLOTS) return STILL_EARG;
  *name = names[i];
  *calls = atomic_load(&((still_model *)m)->engine.calls[i]);
  return STILL_OK;
}

still_status still_isa_describe(size_t i, still_isa *isa) {
  size_t n;
  const struct sp_isa_level *levels = sp_isa_levels(&n);
  if (!isa || isa->size < sizeof *isa || i >= n) return STILL_EARG;
  const char *missing = sp_isa_missing(i), *why;
  const struct sp_kernels *best = sp_kernels_pick("auto", &why);
  *isa = (still_isa){.size = isa->size, .built = levels[i].table != NULL, .usable = !missing, .chosen = levels[i].table == best};
  snprintf(isa->name, sizeof isa->name, "%s", levels[i].name);
  snprintf(isa->why, sizeof isa->why, "%s", missing ? missing : "");
  return STILL_OK;
}

/* ---- text ----------------------------------------------------------------------------------------------------- */

static still_status fit(struct sp_ctx *ctx, size_t n, size_t capacity) {
  if (n <= capacity) return STILL_OK;
  return sp_fail(&ctx->error, STILL_ELIMIT, "the text has %zu tokens and there is room for %zu", n, capacity);
}

still_status still_tokenize(const still_model *m, const char *text, size_t bytes, unsigned flags, still_token *tokens,
                            size_t capacity, size_t *n_tokens) {
  if (!m || (!text && bytes) || !n_tokens || (!tokens && capacity)) return STILL_EARG;
  struct sp_ctx ctx;
  call_begin(m, &ctx);
  uint8_t *trusted = NULL;
  still_status status = STILL_OK;
  if (flags & STILL_TEXT_PARSE_SPECIAL) {
    trusted = sp_alloc(&ctx, bytes, 1, "the marks of special tokens");
    if (trusted)
      memset(trusted, 1, bytes);
    else
      status = STILL_ENOMEM;
  }
  if (status == STILL_OK)
    status = sp_vocab_encode(&ctx, m->vocab, text, bytes, trusted, (flags & STILL_TEXT_ADD_BOS) && sp_vocab_adds_bos(m->vocab),
                             tokens, capacity, n_tokens);
  if (status == STILL_OK) status = fit(&ctx, *n_tokens, capacity);
  sp_free(&ctx, trusted, bytes, 1);
  return call_end(&ctx, status);
}

still_status still_token_piece(const still_model *m, still_token token, int special, const char **piece, size_t *bytes) {
  if (!m || !piece || !bytes) return STILL_EARG;
  if (!sp_vocab_piece(m->vocab, token, piece, bytes))
    return sp_fail(&last_error, STILL_EARG, "token %d is not in the vocabulary of %u", (int)token, m->config.n_vocab);
  if (!special && sp_vocab_is_special(m->vocab, token)) *bytes = 0;
  return STILL_OK;
}

int still_token_is_end(const still_model *m, still_token token) { return m && sp_vocab_is_end(m->vocab, token); }

/* Spelling of a special token as a terminated string; "" if the vocabulary has none. */
static void spelling(const still_model *m, still_token token, char text[64]) {
  const char *piece;
  size_t bytes;
  bool known = token >= 0 && sp_vocab_piece(m->vocab, token, &piece, &bytes) && bytes < 64;
  snprintf(text, 64, "%.*s", known ? (int)bytes : 0, known ? piece : "");
}

static still_status render(const still_model *m, struct sp_ctx *ctx, const still_message *messages, size_t n,
                           struct sp_chat_text *out) {
  struct sp_string source = {0};
  char bos[64], eos[64];
  SP_TRY(sp_gguf_string(m->gguf, "tokenizer.chat_template", &source));
  if (!source.text)
    return sp_fail(&ctx->error, STILL_EUNSUPPORTED, "the model file has no chat template; give the prompt as it is (--raw)");
  spelling(m, sp_vocab_bos(m->vocab), bos);
  spelling(m, sp_vocab_eos(m->vocab), eos);
  return sp_chat_render(ctx, source.text, source.bytes, messages, n, bos, eos, true, out);
}

still_status still_chat_tokenize(const still_model *m, const still_message *messages, size_t n_messages, unsigned flags,
                                 still_token *tokens, size_t capacity, size_t *n_tokens) {
  if (!m || (!messages && n_messages) || !n_tokens || (!tokens && capacity)) return STILL_EARG;
  struct sp_ctx ctx;
  struct sp_chat_text text = {0};
  call_begin(m, &ctx);
  still_status status = render(m, &ctx, messages, n_messages, &text);
  if (status == STILL_OK) {
    if (flags & STILL_TEXT_PARSE_SPECIAL) memset(text.trusted, 1, text.bytes);
    status = sp_vocab_encode(&ctx, m->vocab, text.text, text.bytes, text.trusted,
                             (flags & STILL_TEXT_ADD_BOS) && sp_vocab_adds_bos(m->vocab), tokens, capacity, n_tokens);
  }
  if (status == STILL_OK) status = fit(&ctx, *n_tokens, capacity);
  sp_chat_text_free(&ctx, &text);
  return call_end(&ctx, status);
}

/* ---- a dialogue with gaps ------------------------------------------------------------------------------------- */

/* Stands in the gaps while the template is rendered. No white space, which templates trim, and nothing that they look for. */
static const char gap[] = "\x1a(gap)\x1a";

static size_t find_gap(const struct sp_chat_text *text, size_t from) {
  const char *at = from < text->bytes ? memmem(text->text + from, text->bytes - from, gap, sizeof gap - 1) : NULL;
  return at ? (size_t)(at - text->text) : text->bytes;
}

struct pieces {
  const struct sp_chat_text *text;
  bool add_bos;
  still_token *tokens;
  size_t capacity, *end, n;
};

/* Piece after piece, each by itself. *n_tokens may pass the capacity. */
static still_status encode_pieces(const still_model *m, struct sp_ctx *ctx, const struct pieces *p, size_t *n_tokens) {
  *n_tokens = 0;
  for (size_t i = 0, at = 0, to; i < p->n; i++, at = to + sizeof gap - 1) {
    size_t room = *n_tokens < p->capacity ? p->capacity - *n_tokens : 0, n = 0;
    to = find_gap(p->text, at);
    if ((to == p->text->bytes) != (i + 1 == p->n))
      return sp_fail(&ctx->error, STILL_EUNSUPPORTED,
                     "the chat template leaves out or repeats a message, so that a dialogue cannot go on; --raw goes without it");
    SP_TRY(sp_vocab_encode(ctx, m->vocab, p->text->text + at, to - at, p->text->trusted + at, p->add_bos && i == 0,
                           room ? p->tokens + *n_tokens : NULL, room, &n));
    *n_tokens += n;
    p->end[i] = *n_tokens;
  }
  return STILL_OK;
}

/* The messages with their gaps filled; their number must be n_gaps. Freed by the caller with (n, sizeof). */
static still_status fill_gaps(struct sp_ctx *ctx, const still_message *messages, size_t n, size_t n_gaps, still_message **out) {
  size_t gaps = 0;
  for (size_t i = 0; i < n; i++) gaps += messages[i].content == NULL;
  if (gaps != n_gaps) return sp_fail(&ctx->error, STILL_EARG, "%zu gaps make %zu pieces, not %zu", gaps, gaps + 1, n_gaps + 1);
  *out = sp_alloc(ctx, n, sizeof **out, "chat messages");
  if (!*out) return STILL_ENOMEM;
  for (size_t i = 0; i < n; i++) (*out)[i] = (still_message){messages[i].role, messages[i].content ? messages[i].content : gap};
  return STILL_OK;
}

still_status still_chat_pieces(const still_model *m, const still_message *messages, size_t n_messages, unsigned flags,
                               still_token *tokens, size_t capacity, size_t *end, size_t n_pieces, size_t *n_tokens) {
  if (!m || (!messages && n_messages) || !end || !n_pieces || !n_tokens || (!tokens && capacity)) return STILL_EARG;
  struct sp_ctx ctx;
  struct sp_chat_text text = {0};
  still_message *filled = NULL;
  call_begin(m, &ctx);
  still_status status = fill_gaps(&ctx, messages, n_messages, n_pieces - 1, &filled);
  if (status == STILL_OK) status = render(m, &ctx, filled, n_messages, &text);
  if (status == STILL_OK) {
    if (flags & STILL_TEXT_PARSE_SPECIAL) memset(text.trusted, 1, text.bytes);
    bool add_bos = (flags & STILL_TEXT_ADD_BOS) && sp_vocab_adds_bos(m->vocab);
    struct pieces pieces = {&text, add_bos, tokens, capacity, end, n_pieces};
    status = encode_pieces(m, &ctx, &pieces, n_tokens);
  }
  if (status == STILL_OK) status = fit(&ctx, *n_tokens, capacity);
  sp_chat_text_free(&ctx, &text);
  sp_free(&ctx, filled, n_messages, sizeof *filled);
  return call_end(&ctx, status);
}

/* ---- streams -------------------------------------------------------------------------------------------------- */

struct still_stream {
  struct sp_ctx ctx;
  struct sp_stream *stream;
};

still_stream *still_stream_new(const still_model *m) {
  still_stream *s = m ? calloc(1, sizeof *s) : NULL;
  if (!s) return NULL;
  sp_ctx_init(&s->ctx, &m->ctx.hooks);
  s->stream = sp_stream_new(&s->ctx, m->vocab);
  if (s->stream) return s;
  free(s);
  return NULL;
}

void still_stream_free(still_stream *s) {
  if (!s) return;
  sp_stream_free(s->stream);
  free(s);
}

still_status still_stream_push(still_stream *s, still_token token, const char **text, size_t *bytes) {
  return s && text && bytes ? sp_stream_push(s->stream, token, text, bytes) : STILL_EARG;
}

still_status still_stream_end(still_stream *s, const char **text, size_t *bytes) {
  return s && text && bytes ? sp_stream_end(s->stream, text, bytes) : STILL_EARG;
}
