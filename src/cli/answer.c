/*
 * answer.c - makes answers.
 *
 * In:       logits, token by token.  Out: text.
 * Not here: what was asked.
 */
#include "answer.h"

#include <stdlib.h>
#include <string.h>

#include "interrupt.h"

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

/* Draws one token and takes it in. `*status` says how the library's part went; false ends the answer. */
static bool next_token(struct speaker *speaker, struct answer *a, still_stream *stream, still_status *status) {
  struct cli_engine *e = speaker->engine;
  still_token id = 0;
  float log_probability = 0;
  const char *text;
  size_t bytes;
  *status = still_sample(speaker->sampler, e->session, &id, &log_probability);
  if (*status != STILL_OK) return false;
  if (!take_token(a, id, log_probability)) *status = STILL_ENOMEM;
  if (*status == STILL_OK && e->cli->given.logprobs && !e->cli->given.json) print_logprob(e->model, &a->token[a->n_tokens - 1]);
  if (still_token_is_end(e->model, id)) a->finish = "end";
  if (*status == STILL_OK && !a->finish) *status = still_stream_push(stream, id, &text, &bytes);
  if (*status == STILL_OK && !a->finish && !take_text(a, text, bytes)) *status = STILL_ENOMEM;
  if (*status != STILL_OK || a->finish) return false;
  if (a->n_tokens == speaker->most) {
    a->finish = "length";
    return false;
  }
  *status = cli_interrupted() ? STILL_ECANCELLED : still_decode(e->session, id);
  return *status == STILL_OK;
}

int speaker_answer(struct speaker *speaker, struct answer *a) {
  const char *text;
  size_t bytes;
  still_status status = STILL_OK;
  still_stream *stream = still_stream_new(speaker->engine->model);
  if (!stream) return cli_no_memory(speaker->engine->cli);
  double start = cli_seconds();
  if (speaker->most == 0) a->finish = "length";
  while (!a->finish && next_token(speaker, a, stream, &status)) continue;
  a->seconds = cli_seconds() - start;
  a->woken = still_woken(speaker->engine->session, NULL, 0);
  if (status == STILL_ELIMIT) a->finish = "context";
  if (status == STILL_ECANCELLED) a->finish = "cancelled";
  bool cut = a->finish && strcmp(a->finish, "stop") == 0;
  if (a->finish && !cut && still_stream_end(stream, &text, &bytes) == STILL_OK && !take_text(a, text, bytes))
    status = STILL_ENOMEM;
  still_stream_free(stream);
  print_up_to(a, a->bytes);
  if (a->streams && a->bytes && a->text[a->bytes - 1] != '\n') putchar('\n');
  fflush(stdout);
  if (status == STILL_OK || status == STILL_ELIMIT) return CLI_OK;
  return status == STILL_ENOMEM ? cli_no_memory(speaker->engine->cli) : cli_session_failed(speaker->engine, status);
}

int speaker_open(struct speaker *speaker, struct cli_engine *engine, const struct cli *cli) {
  still_error error = {.size = sizeof error};
  *speaker = (struct speaker){.engine = engine};
  if (!cli_count(cli, "predict", cli->given.predict, 0, UINT32_MAX, &speaker->most)) return CLI_USAGE;
  still_status status = still_sampler_open(cli->settings, &speaker->sampler, &error);
  return status == STILL_OK ? CLI_OK : cli_fail(cli, status, "%s", error.text);
}

void speaker_close(struct speaker *speaker) { still_sampler_close(speaker->sampler); }

void answer_free(struct answer *a) {
  free(a->text);
  free(a->token);
}

/* ---- reports -------------------------------------------------------------------------------------------------- */

/* The first token comes from the prefill's logits. */
static size_t decoded(const struct answer *a) { return a->n_tokens ? a->n_tokens - 1 : 0; }

static double rate(const struct answer *a) { return a->seconds > 0 ? (double)decoded(a) / a->seconds : 0; }

void answer_print(FILE *out, const char *name, const struct answer *a) {
  if (!a->n_tokens) return;
  fprintf(out, "%-13s %zu tokens, finished by %s", name, a->n_tokens, a->finish);
  if (rate(a) > 0) fprintf(out, ", %.1f tokens/s", rate(a));
  if (a->woken) fprintf(out, ", for which %zu halted woke", a->woken);
  fputc('\n', out);
}

/* Ids on one line, and their log probabilities on the next. */
void answer_json(struct json *j, const struct cli *cli, const struct answer *a) {
  json_bytes(j, "text", a->text ? a->text : "", a->bytes);
  json_array(j, "tokens");
  for (size_t i = 0; i < a->n_tokens; i++) json_int(j, NULL, a->token[i].id);
  json_array_end(j);
  if (cli->given.logprobs) {
    json_array(j, "logprobs");
    for (size_t i = 0; i < a->n_tokens; i++) json_float(j, NULL, a->token[i].log_probability);
    json_array_end(j);
  }
  json_text(j, "finish", a->finish);
}

void answer_json_decode(struct json *j, const struct answer *a) {
  json_object(j, "decode");
  json_count(j, "tokens", decoded(a));
  json_real(j, "seconds", a->seconds);
  json_real(j, "tokens_per_second", rate(a));
  json_count(j, "woken", a->woken);
  json_object_end(j);
}
