/*
 * dialogue.c - turns.
 *
 * In:       lines.  Out: answers, reports.
 * Not here: see dialogue.h.
 */
#include "dialogue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"

/* ---- what is asked --------------------------------------------------------------------------------------------- */

static int copy(const struct cli *cli, const char *from, size_t bytes, struct cli_text *to) {
  char *text = malloc(bytes + 1);
  if (!text) return cli_no_memory(cli);
  memcpy(text, from, bytes);
  text[bytes] = '\0';
  *to = (struct cli_text){text, bytes};
  return CLI_OK;
}

/* Bytes of a line without what ends it. */
static size_t bare(const char *line, size_t bytes) {
  while (bytes > 0 && (line[bytes - 1] == '\n' || line[bytes - 1] == '\r')) bytes--;
  return bytes;
}

/* A line as it comes, for a person or a pipe that waits for the answer before the next one. */
static int line_of_input(const struct cli *cli, struct cli_text *text, bool *more) {
  char *line = NULL;
  size_t capacity = 0;
  if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) fputs("> ", stderr);
  errno = 0;
  ssize_t bytes = getline(&line, &capacity, stdin);
  int why = errno;
  *more = bytes >= 0;
  *text = (struct cli_text){line, bytes > 0 ? bare(line, (size_t)bytes) : 0};
  if (*more) {
    line[text->bytes] = '\0';
    return CLI_OK;
  }
  free(line);
  text->text = NULL;
  if (cli_interrupted()) return cli_fail(cli, STILL_ECANCELLED, "stopped while reading standard input");
  if (why == ENOMEM) return cli_no_memory(cli);
  return ferror(stdin) ? cli_fail(cli, STILL_EIO, "standard input could not be read: %s", strerror(why)) : CLI_OK;
}

/* A line of --questions, which was read as a whole. */
static int line_of_file(struct dialogue *d, struct cli_text *text, bool *more) {
  const char *line = d->lines.text + d->next;
  size_t left = d->lines.bytes - d->next, bytes;
  *more = left > 0;
  if (!*more) return CLI_OK;
  const char *end = memchr(line, '\n', left);
  bytes = end ? (size_t)(end - line) + 1 : left;
  d->next += bytes;
  return copy(d->engine.cli, line, bare(line, bytes), text);
}

static int any(struct dialogue *d, struct cli_text *text, bool *more) {
  const struct cli *cli = d->engine.cli;
  const struct cli_list *asked = &cli->given.asked;
  if (d->given < asked->count) {
    const char *item = asked->item[d->given++];
    *more = true;
    return copy(cli, item, strlen(item), text);
  }
  if (cli->given.questions && !d->lines.text) {
    int code = cli_read(cli, cli->given.questions, &d->lines);
    if (code != CLI_OK) return code;
  }
  if (d->lines.text) return line_of_file(d, text, more);
  *more = false;
  return asked->count ? CLI_OK : line_of_input(cli, text, more);
}

int dialogue_next(struct dialogue *d, struct cli_text *text, bool *more) {
  int code;
  for (;; free(text->text)) {
    *text = (struct cli_text){0};
    code = any(d, text, more);
    if (code != CLI_OK || !*more || text->bytes > 0) return code;
  }
}

/* ---- tokens ---------------------------------------------------------------------------------------------------- */

static int add(const struct cli *cli, struct cli_tokens *tokens, const still_token *id, size_t n) {
  still_token *grown = realloc(tokens->id, (tokens->count + n + 1) * sizeof *grown);
  if (!grown) return cli_no_memory(cli);
  tokens->id = grown;
  if (n) memcpy(grown + tokens->count, id, n * sizeof *id);
  tokens->count += n;
  return CLI_OK;
}

int dialogue_piece(struct dialogue *d, size_t i, struct cli_tokens *tokens) {
  size_t from = i ? d->end[i - 1] : 0;
  return add(d->engine.cli, tokens, d->pieces.id + from, d->end[i] - from);
}

int dialogue_text(struct dialogue *d, const struct cli_text *text, unsigned flags, struct cli_tokens *tokens) {
  struct cli_tokens more;
  if (d->engine.cli->given.parse_special) flags |= STILL_TEXT_PARSE_SPECIAL;
  int code = cli_encode(&d->engine, text, flags, &more);
  if (code != CLI_OK) return code;
  code = add(d->engine.cli, tokens, more.id, more.count);
  free(more.id);
  return code;
}

/* Asked first for how many there are. */
static int render(struct dialogue *d, const still_message *messages, size_t n_messages, size_t n_pieces) {
  const still_model *model = d->engine.model;
  unsigned flags = d->engine.cli->given.parse_special ? STILL_TEXT_PARSE_SPECIAL : 0;
  size_t n = 0;
  still_status status = still_chat_pieces(model, messages, n_messages, flags, NULL, 0, d->end, n_pieces, &n);
  if (status != STILL_OK && status != STILL_ELIMIT) return cli_model_failed(&d->engine, status);
  d->pieces.id = malloc((n + 1) * sizeof *d->pieces.id);
  if (!d->pieces.id) return cli_no_memory(d->engine.cli);
  status = still_chat_pieces(model, messages, n_messages, flags, d->pieces.id, n, d->end, n_pieces, &n);
  d->pieces.count = n;
  return status == STILL_OK ? CLI_OK : cli_model_failed(&d->engine, status);
}

/* ---- turns ----------------------------------------------------------------------------------------------------- */

int dialogue_open(struct dialogue *d, struct cli *cli, const still_message *messages, size_t n_messages, size_t n_pieces) {
  *d = (struct dialogue){.engine = {.cli = cli}};
  int code = speaker_open(&d->speaker, &d->engine, cli);
  if (code == CLI_OK) code = cli_engine_open(&d->engine, cli, cli->settings);
  if (code == CLI_OK && n_pieces) code = render(d, messages, n_messages, n_pieces);
  return code == CLI_OK ? cli_engine_session(&d->engine, cli->settings) : code;
}

void dialogue_close(struct dialogue *d) {
  speaker_close(&d->speaker);
  cli_engine_close(&d->engine);
  for (size_t i = 0; i < d->n_turns; i++) {
    free(d->turn[i].asked.text);
    answer_free(&d->turn[i].answer);
  }
  free(d->turn);
  free(d->pieces.id);
  free(d->lines.text);
}

/* To stderr, so that stdout holds the answers alone. */
static void print_turn(const struct dialogue *d, const struct turn *t) {
  const still_report *r = &t->report;
  double share = r->tokens ? 100.0 * (double)r->kept / (double)r->tokens : 0;
  char name[32];
  snprintf(name, sizeof name, "%s %zu", d->engine.cli->command->bit == CLI_ASK ? "question" : "turn", d->n_turns);
  fprintf(stderr, "\n%-13s %zu tokens in %.3f s; ", name, t->n_tokens, t->seconds);
  if (r->dense)
    fprintf(stderr, "all %llu kept: %s\n", (unsigned long long)r->tokens, r->why_dense);
  else
    fprintf(stderr, "%llu of %llu kept (%.1f %%), gate at layer %u, tau %.6g\n", (unsigned long long)r->kept,
            (unsigned long long)r->tokens, share, r->start_layer, (double)r->tau);
  fprintf(stderr, "%-13s %s\n", "settings", r->settings);
  answer_print(stderr, "answer", &t->answer);
}

static struct turn *new_turn(struct dialogue *d, struct cli_text asked) {
  const struct cli *cli = d->engine.cli;
  struct turn *grown = realloc(d->turn, (d->n_turns + 1) * sizeof *grown);
  if (!grown) {
    free(asked.text);
    return NULL;
  }
  d->turn = grown;
  struct turn *t = &grown[d->n_turns++];
  *t = (struct turn){.asked = asked, .report = {.size = sizeof t->report}, .answer = {.stops = &cli->given.stops}};
  t->answer.streams = !cli->given.json;
  return t;
}

int dialogue_turn(struct dialogue *d, struct cli_text asked, const struct cli_tokens *tokens) {
  const struct cli *cli = d->engine.cli;
  struct turn *t = new_turn(d, asked);
  if (!t) return cli_no_memory(cli);
  t->n_tokens = tokens->count;
  double start = cli_seconds();
  still_status status = still_prefill(d->engine.session, tokens->id, tokens->count, &t->report);
  t->seconds = cli_seconds() - start;
  cli_progress_clear(&d->engine.progress);
  if (status != STILL_OK) return cli_session_failed(&d->engine, status);
  if (t->answer.streams && d->n_turns > 1) putchar('\n');
  int code = speaker_answer(&d->speaker, &t->answer);
  if (t->answer.finish && !cli->given.json && !cli->given.quiet) print_turn(d, t);
  return code;
}

void dialogue_json(struct json *j, const struct dialogue *d, const char *key) {
  json_array(j, key);
  for (size_t i = 0; i < d->n_turns; i++) {
    const struct turn *t = &d->turn[i];
    if (!t->answer.finish) continue; /* the one that failed */
    json_object(j, NULL);
    json_bytes(j, "asked", t->asked.text, t->asked.bytes);
    json_count(j, "asked_tokens", t->n_tokens);
    answer_json(j, d->engine.cli, &t->answer);
    json_real(j, "seconds", t->seconds);
    report_json_prefill(j, "prefill", &t->report);
    answer_json_decode(j, &t->answer);
    json_object_end(j);
  }
  json_array_end(j);
}

void dialogue_json_end(struct json *j, struct dialogue *d) {
  still_plan plan = {.size = sizeof plan};
  size_t n = still_session_tokens(d->engine.session, NULL, 0);
  if (still_model_plan(d->engine.model, d->engine.cli->settings, n, &plan) == STILL_OK) report_json_plan(j, &plan);
  if (d->n_turns) report_json_memory(j, &d->turn[d->n_turns - 1].report);
  json_end(j);
}
