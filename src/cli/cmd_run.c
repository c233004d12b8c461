/*
 * cmd_run.c - `stillpoint run`: prompt in, answer out, report on stderr.
 *
 * In:       options.  Out: the answer on stdout as it comes (or one JSON object), the report on stderr.
 * Not here: prompts (input.c), drawing tokens (the library's sampler).
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "interrupt.h"
#include "report.h"

struct sampled { /* one token of the answer */
  still_token id;
  float log_probability;
};

struct answer {
  const struct cli_list *stops;
  bool streams;      /* text goes to stdout as it comes */
  char *text;        /* all of it, whole characters */
  size_t bytes, capacity;
  size_t printed;    /* bytes that went to stdout, the others may begin a stop text */
  struct sampled *token;
  size_t n_tokens, token_capacity;
  const char *finish; /* "end", "stop", "length", "context", "cancelled" */
  double seconds;     /* of decoding */
};

/* Makes room for `more` elements of `size` bytes beyond n. */
static bool reserve(void **memory, size_t *capacity, size_t n, size_t more, size_t size) {
  if (n + more <= *capacity) return true;
  size_t wanted = 2 * (n + more) + 64;
  void *grown = realloc(*memory, wanted * size);
  if (!grown) return false;
  *memory = grown;
  *capacity = wanted;
  return true;
}

/* How many bytes at the end of text begin one of the stop texts. */
static size_t held_back(const struct answer *a) {
  size_t most = 0;
  for (size_t s = 0; s < a->stops->count; s++) {
    size_t length = strlen(a->stops->item[s]);
    size_t n = length ? length - 1 : 0;
    for (n = n < a->bytes ? n : a->bytes; n > most; n--)
      if (memcmp(a->text + a->bytes - n, a->stops->item[s], n) == 0) most = n;
  }
  return most;
}

/* The first place at or after `from` where a stop text stands; bytes if there is none. */
static size_t find_stop(const struct answer *a, size_t from) {
  size_t first = a->bytes;
  for (size_t s = 0; s < a->stops->count; s++) {
    size_t length = strlen(a->stops->item[s]);
    for (size_t at = from; length && at + length <= a->bytes && at < first; at++)
      if (memcmp(a->text + at, a->stops->item[s], length) == 0) first = at;
  }
  return first;
}

/* Text goes out as soon as it is sure: a reader at a pipe sees the answer grow. */
static void print_up_to(struct answer *a, size_t end) {
  if (a->streams && end > a->printed) {
    fwrite(a->text + a->printed, 1, end - a->printed, stdout);
    fflush(stdout);
  }
  if (end > a->printed) a->printed = end;
}

/* Takes whole characters in and prints what can no longer be part of a stop text. */
static bool take_text(struct answer *a, const char *text, size_t bytes) {
  if (bytes == 0) return true;
  if (!reserve((void **)&a->text, &a->capacity, a->bytes, bytes, 1)) return false;
  memcpy(a->text + a->bytes, text, bytes);
  a->bytes += bytes;
  size_t stop = find_stop(a, a->printed);
  if (stop < a->bytes) {
    a->bytes = stop;
    a->finish = "stop";
  }
  print_up_to(a, a->finish ? a->bytes : a->bytes - held_back(a));
  return true;
}

/* Also the token that ends the answer is kept, for --json. */
static bool take_token(struct answer *a, still_token id, float log_probability) {
  if (!reserve((void **)&a->token, &a->token_capacity, a->n_tokens, 1, sizeof *a->token)) return false;
  a->token[a->n_tokens++] = (struct sampled){id, log_probability};
  return true;
}

/* Special tokens show their spelling here, unlike in the answer. */
static void print_logprob(const still_model *model, const struct sampled *token) {
  const char *piece = "";
  size_t bytes = 0;
  still_token_piece(model, token->id, 1, &piece, &bytes);
  printf("%d\t%.6f\t", token->id, (double)token->log_probability);
  json_quote(stdout, piece, bytes);
  putchar('\n');
  fflush(stdout);
}

struct run {
  struct cli_engine engine;
  struct cli_tokens prompt;
  struct answer answer;
  still_report report;
  still_sampler *sampler;
  still_stream *stream;
  uint64_t most; /* tokens of the answer */
};

/* Draws one token and takes it in. `*status` says how the library's part went; false ends the answer. */
static bool next_token(struct run *run, still_status *status) {
  struct cli_engine *e = &run->engine;
  struct answer *a = &run->answer;
  still_token id = 0;
  float log_probability = 0;
  const char *text;
  size_t bytes;
  *status = still_sample(run->sampler, e->session, &id, &log_probability);
  if (*status != STILL_OK) return false;
  if (!take_token(a, id, log_probability)) *status = STILL_ENOMEM;
  if (*status == STILL_OK && e->cli->given.logprobs && !e->cli->given.json) print_logprob(e->model, &a->token[a->n_tokens - 1]);
  if (still_token_is_end(e->model, id)) a->finish = "end";
  if (*status == STILL_OK && !a->finish) *status = still_stream_push(run->stream, id, &text, &bytes);
  if (*status == STILL_OK && !a->finish && !take_text(a, text, bytes)) *status = STILL_ENOMEM;
  if (*status != STILL_OK || a->finish) return false;
  if (a->n_tokens == run->most) {
    a->finish = "length";
    return false;
  }
  *status = cli_interrupted() ? STILL_ECANCELLED : still_decode(e->session, id);
  return *status == STILL_OK;
}

/* The whole answer. A full context and Ctrl-C end it like its last token does: what is there is printed. */
static int answer(struct run *run) {
  struct answer *a = &run->answer;
  const char *text;
  size_t bytes;
  still_status status = STILL_OK;
  double start = cli_seconds();
  if (run->most == 0) a->finish = "length";
  while (!a->finish && next_token(run, &status)) continue;
  a->seconds = cli_seconds() - start;
  if (status == STILL_ELIMIT) a->finish = "context";
  if (status == STILL_ECANCELLED) a->finish = "cancelled";
  bool cut = a->finish && strcmp(a->finish, "stop") == 0;
  if (a->finish && !cut && still_stream_end(run->stream, &text, &bytes) == STILL_OK && !take_text(a, text, bytes))
    status = STILL_ENOMEM;
  print_up_to(a, a->bytes);
  if (a->streams && a->bytes && a->text[a->bytes - 1] != '\n') putchar('\n');
  fflush(stdout);
  if (status == STILL_OK || status == STILL_ELIMIT) return CLI_OK;
  return status == STILL_ENOMEM ? cli_no_memory(run->engine.cli) : cli_session_failed(&run->engine, status);
}

/* To stderr, so that stdout holds the answer alone. */
static void print_report(const struct run *run) {
  const struct answer *a = &run->answer;
  size_t decoded = a->n_tokens ? a->n_tokens - 1 : 0; /* the first token comes from the prefill's logits */
  fputc('\n', stderr);
  report_prefill(stderr, run->engine.load_seconds, &run->report);
  if (a->n_tokens) fprintf(stderr, "%-13s %zu tokens, finished by %s", "answer", a->n_tokens, a->finish);
  if (decoded && a->seconds > 0) fprintf(stderr, ", %.1f tokens/s", (double)decoded / a->seconds);
  if (a->n_tokens) fputc('\n', stderr);
  report_memory(stderr, &run->report);
}

/* Ids on one line, and their log probabilities on the next. */
static void json_tokens(struct json *j, const struct run *run) {
  const struct answer *a = &run->answer;
  json_array(j, "tokens");
  for (size_t i = 0; i < a->n_tokens; i++) json_int(j, NULL, a->token[i].id);
  json_array_end(j);
  if (!run->engine.cli->given.logprobs) return;
  json_array(j, "logprobs");
  for (size_t i = 0; i < a->n_tokens; i++) json_float(j, NULL, a->token[i].log_probability);
  json_array_end(j);
}

static void print_json(const struct run *run) {
  const struct answer *a = &run->answer;
  const struct cli_engine *e = &run->engine;
  still_plan plan = {.size = sizeof plan};
  struct json j;
  size_t decoded = a->n_tokens ? a->n_tokens - 1 : 0;
  json_begin(&j, stdout, "stillpoint.run/1");
  json_text(&j, "version", still_version());
  report_json_model(&j, e->model);
  report_json_session(&j, e);
  json_count(&j, "prompt_tokens", run->prompt.count);
  json_bytes(&j, "text", a->text ? a->text : "", a->bytes);
  json_tokens(&j, run);
  json_text(&j, "finish", a->finish);
  json_real(&j, "load_seconds", e->load_seconds);
  report_json_prefill(&j, "prefill", &run->report);
  json_object(&j, "decode");
  json_count(&j, "tokens", decoded);
  json_real(&j, "seconds", a->seconds);
  json_real(&j, "tokens_per_second", decoded && a->seconds > 0 ? (double)decoded / a->seconds : 0);
  json_object_end(&j);
  if (still_model_plan(e->model, e->cli->settings, run->prompt.count, &plan) == STILL_OK) report_json_plan(&j, &plan);
  report_json_memory(&j, &run->report);
  json_end(&j);
}

/* Everything that can fail before the first token is computed, in the order in which a user would want to hear of it. */
static int prepare(struct run *run, struct cli *cli) {
  struct cli_engine *e = &run->engine;
  still_error error = {.size = sizeof error};
  int code = cli_engine_open(e, cli, cli->settings);
  if (code == CLI_OK) code = cli_prompt(e, !cli->given.raw, false, &run->prompt);
  if (code == CLI_OK) code = cli_engine_session(e, cli->settings);
  if (code != CLI_OK) return code;
  still_status status = still_sampler_open(cli->settings, &run->sampler, &error);
  if (status != STILL_OK) return cli_fail(cli, status, "%s", error.text);
  run->stream = still_stream_new(e->model);
  return run->stream ? CLI_OK : cli_no_memory(cli);
}

int cmd_run(struct cli *cli) {
  struct run run = {.report = {.size = sizeof run.report}, .answer = {.stops = &cli->given.stops}};
  struct cli_engine *e = &run.engine;
  if (!cli_count(cli, "predict", cli->given.predict, 0, UINT32_MAX, &run.most)) return CLI_USAGE;
  run.answer.streams = !cli->given.json && !cli->given.logprobs;
  int code = prepare(&run, cli);
  still_status status = STILL_OK;
  if (code == CLI_OK) status = still_prefill(e->session, run.prompt.id, run.prompt.count, &run.report);
  if (code == CLI_OK && status != STILL_OK) code = cli_session_failed(e, status);
  cli_progress_clear(&e->progress);
  if (code == CLI_OK) {
    code = answer(&run);
    if (run.answer.finish && cli->given.json) print_json(&run);
    if (run.answer.finish && !cli->given.json && !cli->given.quiet) print_report(&run);
  }
  still_stream_free(run.stream);
  still_sampler_close(run.sampler);
  cli_engine_close(e);
  free(run.prompt.id);
  free(run.answer.text);
  free(run.answer.token);
  return code;
}
