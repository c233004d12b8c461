/*
 * session.c - the public calls on a session: arguments, limits, floating-point state, report.
 *
 * In:       handles and arrays of the caller.  Out: statuses; everything else from below.
 * Not here: the method.
 */
#include "session.h"

#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- open and close ------------------------------------------------------------------------------------------- */

/* Panels get what the rest leaves of the limit. parked: as in struct sp_timeline. */
static still_status check_memory(still_session *s, bool parked, size_t n) {
  still_plan plan = {.size = sizeof plan};
  struct sp_settings settings = s->settings.value; /* on a GPU, too, the CPU's plan must fit: the session may come to need it */
  sp_model_plan(s->model, &settings, parked, n, &plan);
  unsigned layers = (unsigned)(plan.panels / sp_weights_panel_bytes(&s->model->config, s->model->weights.team.place.copies, 1));
  layers = layers > 0 ? layers : s->model->config.n_layers; /* the float path has no panels */
  sp_weights_set_budget(&s->model->weights, layers);
  unsigned all = s->model->config.n_layers, own = all - sp_device_layers(&s->model->engine, s->timeline.backend);
  s->timeline.lift = layers < own ? layers : all; /* panels are for the layers of the CPU's own */
  if (n <= plan.largest_context) return STILL_OK;
  int64_t limit = s->model->settings.value.memory_limit ? s->model->settings.value.memory_limit : s->settings.value.memory_limit;
  return sp_fail(&s->ctx.error, STILL_ENOMEM,
                 "%zu tokens would take %.1f MiB and %s is smaller: %llu tokens fit; use fewer, a smaller "
                 "--chunk or fewer --panels",
                 n, (double)plan.total / 0x1p20, limit ? "the memory limit" : "this machine's memory",
                 (unsigned long long)plan.largest_context);
}

/* A context that was asked for must fit as a whole; the model's own is a limit that a short prompt need not pay for. */
static still_status check_context(still_session *s) {
  const struct sp_config *c = &s->model->config;
  size_t wish = (size_t)s->settings.value.context;
  s->most = sp_settings_context(&s->settings.value, c->n_ctx_train);
  if (wish > c->n_ctx_train)
    sp_log(&s->ctx, STILL_LOG_WARN, "a context of %zu tokens is longer than the %u that the model was trained for", wish,
           c->n_ctx_train);
  return wish ? check_memory(s, false, wish) : STILL_OK;
}

static still_status open_timeline(still_session *s) {
  struct sp_timeline *t = &s->timeline;
  size_t n_vocab = s->model->config.n_vocab;
  *t = (struct sp_timeline){
      .ctx = &s->ctx, .engine = &s->model->engine, .settings = &s->settings.value, .backend = s->model->backend};
  SP_TRY(check_context(s));
  if ((size_t)s->settings.value.chunk > s->most) s->settings.value.chunk = (int64_t)s->most;
  t->logits = sp_alloc(&s->ctx, SP_FILE_ROWS * n_vocab, sizeof(float), "the logits");
  return t->logits ? STILL_OK : STILL_ENOMEM;
}

void still_session_close(still_session *s) {
  if (!s) return;
  struct sp_timeline *t = &s->timeline;
  if (t->lane) t->backend->end(t->lane);
  sp_timeline_free(t);
  sp_free(&s->ctx, t->logits, SP_FILE_ROWS * (size_t)s->model->config.n_vocab, sizeof(float));
  sp_free(&s->ctx, t->eligible, t->n_eligible, 1);
  sp_gate_free(&s->ctx, &t->gate);
  for (size_t i = 0; i < SP_MOST_STAGES - 1; i++) sp_seen_free(&s->ctx, &t->seen[i]);
  free(s);
}

still_status still_session_open(still_model *model, const still_settings *settings, const still_hooks *hooks,
                                still_session **session, still_error *error) {
  if (session) *session = NULL;
  still_session *s = model && session ? calloc(1, sizeof *s) : NULL;
  if (!s) {
    still_status status = model && session ? STILL_ENOMEM : STILL_EARG;
    if (error) error->status = status, snprintf(error->text, sizeof error->text, "%s", still_status_text(status));
    return status;
  }
  s->model = model;
  sp_ctx_init(&s->ctx, hooks ? hooks : &model->ctx.hooks);
  still_status status = sp_model_settings(model, &s->ctx, settings, &s->settings);
  if (status == STILL_OK) status = open_timeline(s);
  if (status == STILL_OK) return *session = s, STILL_OK;
  if (error) error->status = status, snprintf(error->text, sizeof error->text, "%s", s->ctx.error.text);
  still_session_close(s);
  return status;
}

const char *still_session_error(const still_session *s) { return s ? s->ctx.error.text : ""; }

void still_session_cancel(still_session *s) { atomic_store(&s->ctx.cancel, 1); }

still_status still_session_settings(const still_session *s, still_settings *settings) {
  if (!s || !settings) return STILL_EARG;
  *settings = s->settings;
  settings->value.context = (int64_t)s->most;
  return STILL_OK;
}

/* ---- every call: clear the error, take the floating-point state, give it back, consume the cancel ---------------- */

static void enter(still_session *s, fenv_t *caller) {
  sp_error_clear(&s->ctx.error);
  sp_times_begin(&s->ctx);
  fegetenv(caller);
  fesetenv(FE_DFL_ENV);
}

static still_status leave(still_session *s, const fenv_t *caller, still_status status) {
  fesetenv(caller);
  if (status == STILL_ECANCELLED) atomic_store(&s->ctx.cancel, 0);
  return status;
}

still_status still_session_reset(still_session *s) {
  if (!s) return STILL_EARG;
  sp_timeline_rewind(&s->timeline, 0);
  s->timeline.parked = false;
  sp_error_clear(&s->ctx.error);
  return STILL_OK;
}

still_status still_session_rewind(still_session *s, size_t n) {
  if (!s) return STILL_EARG;
  sp_error_clear(&s->ctx.error);
  if (n > s->timeline.n)
    return sp_fail(&s->ctx.error, STILL_EARG, "the session holds %zu tokens and cannot be taken back to %zu", s->timeline.n, n);
  sp_timeline_rewind(&s->timeline, n);
  return STILL_OK;
}

/* Sums of the policy block exist only if it was the policy when rows passed; all else that a gate asks for is there. */
static void change(still_session *s, const still_settings *to) {
  struct sp_timeline *t = &s->timeline;
  bool block = sp_policies[s->settings.value.policy].block;
  sp_settings_change(&s->settings, to);
  sp_timeline_rewind(t, t->n);
  if (!block && sp_policies[s->settings.value.policy].block) t->finished = 0;
}

still_status still_session_change(still_session *s, const still_settings *settings) {
  if (!s) return STILL_EARG;
  still_settings to;
  sp_error_clear(&s->ctx.error);
  SP_TRY(sp_model_settings(s->model, &s->ctx, settings, &to));
  change(s, &to);
  return STILL_OK;
}

/* ---- prefill -------------------------------------------------------------------------------------------------- */

static still_status check_tokens(still_session *s, const still_token *tokens, size_t n) {
  const struct sp_timeline *t = &s->timeline;
  if (!tokens && n) return sp_fail(&s->ctx.error, STILL_EARG, "tokens is NULL but n_tokens is %zu", n);
  if (n == 0 && (t->n == 0 || (t->ready && t->decoded == 0)))
    return sp_fail(&s->ctx.error, STILL_EARG, "the prompt is empty: a prefill needs one token at least");
  if (n > s->most || t->n > s->most - n)
    return sp_fail(&s->ctx.error, STILL_ELIMIT, "%zu tokens do not fit in the context of %zu; shorten the prompt or raise --ctx",
                   t->n + n, s->most);
  for (size_t i = 0; i < n; i++)
    if (tokens[i] < 0 || (uint32_t)tokens[i] >= s->model->config.n_vocab)
      return sp_fail(&s->ctx.error, STILL_EARG, "token %zu is %d, which is not in the vocabulary of %u", i, (int)tokens[i],
                     s->model->config.n_vocab);
  return STILL_OK;
}

/* What a prefill needs of memory before its first row moves. */
static still_status prepare(still_session *s, size_t n) {
  struct sp_timeline *t = &s->timeline;
  SP_TRY(check_memory(s, t->parked, n));
  SP_TRY(sp_timeline_grow(t, n));
  SP_TRY(sp_model_probe(s->model, &s->ctx, t->backend));
  return t->lane ? STILL_OK : sp_timeline_lane(t, &t->lane);
}

/* Of a session whose policy is dense: who said so. */
static void say_dense(const still_session *s, char *text, size_t size) {
  char quality[16] = "";
  still_get(&s->settings, "quality", quality, sizeof quality);
  if (s->settings.origin == SP_ORIGIN_CALIBRATION)
    snprintf(text, size, "the calibration says dense at quality %s", quality);
  else if (s->settings.origin == SP_ORIGIN_NONE)
    snprintf(text, size, "no calibration of this model proves a setting at quality strict");
  else
    snprintf(text, size, "%s", s->timeline.why_dense);
}

static void fill_report(const still_session *s, size_t fresh, still_report *r) {
  const struct sp_timeline *t = &s->timeline;
  size_t size = r->size < sizeof *r ? r->size : sizeof *r;
  bool whole = t->n_stages == 1; /* no gate: rows go to the top also when they are only appended */
  const struct sp_seen *first = t->n_seen ? &t->seen[0] : NULL;
  size_t kept = first ? first->n_kept : t->ready || whole ? t->n : 0;
  still_report full = {.size = r->size, .tokens = t->n, .kept = kept, .tau = first ? first->tau : 0};
  full.dense = t->why_dense && (t->ready || whole);
  full.start_layer = full.dense ? t->engine->config->n_layers : t->stage[0].to / 2;
  if (full.dense && s->settings.value.policy == SP_POLICY_DENSE)
    say_dense(s, full.why_dense, sizeof full.why_dense);
  else if (full.dense)
    snprintf(full.why_dense, sizeof full.why_dense, "%s", t->why_dense);
  still_settings_origin(&s->settings, full.settings, sizeof full.settings);
  double work = 0;
  for (int i = 0; i < STILL_PHASES; i++) {
    full.seconds[i] = s->ctx.seconds[i];
    if (i >= STILL_PHASE_LOWER) work += s->ctx.seconds[i];
  }
  full.tokens_per_second = work > 0 ? (double)fresh / work : 0;
  full.peak_bytes = atomic_load(&s->ctx.peak) + atomic_load(&s->model->ctx.peak);
  memcpy(r, &full, size);
}

struct prompt {
  still_session *session;
  const still_token *tokens;
  size_t n;
  bool question; /* to the logits, else to the gate */
  const struct sp_observer *observer;
};

static still_status lengthen_once(void *arg) {
  const struct prompt *p = arg;
  struct sp_timeline *t = &p->session->timeline;
  size_t before = t->n;
  SP_TRY(prepare(p->session, before + p->n));
  if (p->n) memcpy(t->tokens + before, p->tokens, p->n * sizeof *p->tokens);
  t->n = before + p->n;
  still_status status = p->question ? sp_prefill(t, p->observer) : sp_append(t);
  if (status != STILL_OK) t->n = before;
  return status;
}

/* An observer that hears of no position twice, also when a prefill begins again because its device failed. */
struct relay {
  const struct sp_observer *to;
  size_t next;
};

static int hear(void *user, size_t position, const float *logits, size_t n_vocab) {
  struct relay *r = user;
  if (position < r->next) return 0;
  r->next = position + 1;
  return r->to->fn(r->to->user, position, logits, n_vocab);
}

static still_status lengthen_gathered(void *arg) {
  const struct prompt *p = arg;
  struct relay relay = {.to = p->observer};
  struct sp_observer observer = {.fn = hear, .user = &relay, .first = p->observer ? p->observer->first : 0};
  struct prompt heard = *p;
  if (p->observer) heard.observer = &observer;
  return sp_recover(&p->session->timeline, false, lengthen_once, &heard);
}

static still_status lengthen(still_session *s, const still_token *tokens, size_t n, bool question,
                             const struct sp_observer *observer) {
  SP_TRY(check_tokens(s, tokens, n));
  struct prompt prompt = {s, tokens, n, question, observer};
  still_status status = sp_team_gather(&s->model->weights.team, &s->ctx, lengthen_gathered, &prompt);
  sp_lap(&s->ctx, SP_TIME_MEMORY);
  return status;
}

still_status still_prefill(still_session *s, const still_token *tokens, size_t n_tokens, still_report *report) {
  if (!s) return STILL_EARG;
  fenv_t caller;
  enter(s, &caller);
  still_status status = lengthen(s, tokens, n_tokens, true, NULL);
  if (status == STILL_OK && report) fill_report(s, n_tokens, report);
  return leave(s, &caller, status);
}

still_status still_append(still_session *s, const still_token *tokens, size_t n_tokens, still_report *report) {
  if (!s) return STILL_EARG;
  fenv_t caller;
  enter(s, &caller);
  still_status status = lengthen(s, tokens, n_tokens, false, NULL);
  if (status == STILL_OK && report) fill_report(s, n_tokens, report);
  return leave(s, &caller, status);
}

still_status still_score(still_session *s, const still_token *tokens, size_t n_tokens, size_t first, still_position_fn fn,
                         void *user, still_report *report) {
  if (!s || !fn) return STILL_EARG;
  fenv_t caller;
  still_session_reset(s);
  enter(s, &caller);
  struct sp_observer observer = {.fn = fn, .user = user, .first = first};
  still_status status = lengthen(s, tokens, n_tokens, true, &observer);
  if (status == STILL_OK && report) fill_report(s, n_tokens, report);
  return leave(s, &caller, status);
}

/* ---- states --------------------------------------------------------------------------------------------------- */

struct saving {
  struct sp_timeline *timeline;
  const uint8_t *model;
  const char *path;
};

static still_status save_once(void *arg) {
  const struct saving *s = arg;
  return sp_state_save(s->timeline, s->model, s->path);
}

still_status still_session_save(still_session *s, const char *path) {
  if (!s || !path) return STILL_EARG;
  uint8_t model[32];
  fenv_t caller;
  enter(s, &caller);
  sp_model_digest(s->model, model);
  struct saving saving = {&s->timeline, model, path};
  return leave(s, &caller, sp_recover(&s->timeline, true, save_once, &saving));
}

struct taking {
  still_session *session;
  const struct sp_state *state;
};

/* A lane of a device has a copy of what the probe found, so that the probe goes first. */
static still_status take_once(void *arg) {
  const struct taking *taking = arg;
  struct sp_timeline *t = &taking->session->timeline;
  if (t->backend != &sp_backend_cpu) SP_TRY(sp_model_probe(taking->session->model, t->ctx, t->backend));
  return sp_state_take(t, taking->state);
}

/* What a session asks of a state beyond what it must be by itself. */
static still_status take_state(still_session *s, const struct sp_state *state) {
  if (state->n > s->most)
    return sp_fail(&s->ctx.error, STILL_ELIMIT, "the %zu tokens of the state do not fit in the context of %zu; raise --ctx",
                   state->n, s->most);
  SP_TRY(check_memory(s, state->image.parked, state->n));
  SP_TRY(sp_timeline_grow(&s->timeline, state->n));
  struct taking taking = {s, state};
  return sp_recover(&s->timeline, false, take_once, &taking);
}

still_status still_session_load(still_session *s, const char *path) {
  if (!s || !path) return STILL_EARG;
  uint8_t model[32];
  struct sp_state state;
  fenv_t caller;
  enter(s, &caller);
  sp_model_digest(s->model, model);
  still_status status = sp_state_open(&s->timeline, model, path, &state);
  if (status == STILL_OK) {
    status = take_state(s, &state);
    sp_state_close(&s->timeline, &state);
  }
  return leave(s, &caller, status);
}

/* ---- decode --------------------------------------------------------------------------------------------------- */

struct step {
  still_session *session;
  still_token token;
};

static still_status decode_once(void *arg) {
  const struct step *step = arg;
  return sp_decode(&step->session->timeline, step->token);
}

static still_status decode_gathered(void *arg) {
  still_session *s = ((const struct step *)arg)->session;
  return sp_recover(&s->timeline, true, decode_once, arg);
}

static still_status decode(still_session *s, still_token token) {
  struct sp_timeline *t = &s->timeline;
  if (!t->ready) return sp_fail(&s->ctx.error, STILL_ESTATE, "decode needs a prefill that succeeded before it");
  if (token < 0 || (uint32_t)token >= s->model->config.n_vocab)
    return sp_fail(&s->ctx.error, STILL_EARG, "token %d is not in the vocabulary of %u", (int)token, s->model->config.n_vocab);
  if (t->n >= s->most)
    return sp_fail(&s->ctx.error, STILL_ELIMIT, "the context of %zu tokens is full; raise --ctx or begin a new session", s->most);
  SP_TRY(sp_timeline_grow(t, t->n + 1));
  return sp_team_gather(&s->model->weights.team, &s->ctx, decode_gathered, &(struct step){s, token});
}

still_status still_decode(still_session *s, still_token token) {
  if (!s) return STILL_EARG;
  fenv_t caller;
  enter(s, &caller);
  return leave(s, &caller, decode(s, token));
}

/* ---- what came out -------------------------------------------------------------------------------------------- */

const float *still_logits(const still_session *s) { return s && s->timeline.ready ? s->timeline.logits : NULL; }

static size_t copy_out(void *to, const void *from, size_t n, size_t size, size_t capacity) {
  if (to && n) memcpy(to, from, (n < capacity ? n : capacity) * size);
  return n;
}

size_t still_session_tokens(const still_session *s, still_token *tokens, size_t capacity) {
  return s ? copy_out(tokens, s->timeline.tokens, s->timeline.n, sizeof *tokens, capacity) : 0;
}

size_t still_scores(const still_session *s, float *scores, size_t capacity) {
  const struct sp_seen *first = s && s->timeline.n_seen ? &s->timeline.seen[0] : NULL;
  return first ? copy_out(scores, first->score, first->rows, sizeof *scores, capacity) : 0;
}

size_t still_kept(const still_session *s, uint32_t *rows, size_t capacity) {
  const struct sp_seen *first = s && s->timeline.n_seen ? &s->timeline.seen[0] : NULL;
  return first ? copy_out(rows, first->kept, first->n_kept, sizeof *rows, capacity) : 0;
}

size_t still_woken(const still_session *s, uint32_t *rows, size_t capacity) {
  return s ? copy_out(rows, s->timeline.woken, s->timeline.n_woken, sizeof *rows, capacity) : 0;
}

still_status still_gate_describe(const still_session *s, size_t i, still_gate *gate) {
  if (!s || !gate || i >= s->timeline.n_seen) return STILL_EARG;
  const struct sp_seen *seen = &s->timeline.seen[i];
  still_gate full = {.size = gate->size, .layer = seen->layer, .tau = seen->tau, .n_rows = seen->rows, .n_kept = seen->n_kept,
                     .rows = seen->row, .scores = seen->score, .kept = seen->kept};
  memcpy(gate, &full, gate->size < sizeof full ? gate->size : sizeof full);
  return STILL_OK;
}

still_status still_set_eligible(still_session *s, const uint8_t *eligible, size_t n) {
  if (!s) return STILL_EARG;
  struct sp_timeline *t = &s->timeline;
  uint8_t *copy = eligible ? sp_alloc(&s->ctx, n, 1, "the eligible rows") : NULL;
  if (eligible && !copy) return STILL_ENOMEM;
  if (eligible) memcpy(copy, eligible, n);
  sp_free(&s->ctx, t->eligible, t->n_eligible, 1);
  t->eligible = copy;
  t->n_eligible = eligible ? n : 0;
  return STILL_OK;
}

still_status still_sample(still_sampler *sampler, const still_session *s, still_token *token, float *log_probability) {
  if (!sampler || !s || !token) return STILL_EARG;
  if (!s->timeline.ready) return STILL_ESTATE;
  fenv_t caller;
  fegetenv(&caller);
  fesetenv(FE_DFL_ENV);
  still_status status = sp_sample(sampler, s->model->engine.kernels, s->timeline.logits, s->model->config.n_vocab,
                                  s->timeline.tokens, s->timeline.n, token, log_probability);
  fesetenv(&caller);
  return status;
}
