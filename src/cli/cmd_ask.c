/*
 * cmd_ask.c - `stillpoint ask`: a text is read once, up to the gate, and questions about it are answered one after the other.
 *
 * In:       a text or a state file; questions.  Out: an answer a question; a state file.
 * Not here: turns (dialogue.c), the gate (the library).
 *
 * The session's tokens are the template up to the text, the text, then one question at a time with the rest of the template: each
 * begins where the text ends, and none sees another. The pieces are tokenised one by one, so the text's tokens never change.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "dialogue.h"

enum { HEAD, TAIL, PIECES };

struct ask {
  struct dialogue dialogue;
  size_t text;           /* tokens: where each question begins */
  double seconds;        /* to read or load it, and to save it */
  double save_seconds;
  still_report report;   /* of reading it */
};

static int check_options(const struct cli *cli) {
  const struct cli_values *given = &cli->given;
  bool text = given->files.count || given->operand;
  if (given->load && (text || given->save))
    return cli_usage(cli, "--load brings the text; leave -f, the operand and --save away");
  if (!given->load && !text) return cli_usage(cli, "there is no text to ask about; name its file, or a state with --load");
  if (given->asked.count && given->questions) return cli_usage(cli, "questions were given twice, with -p and with --questions");
  if (given->raw && given->system) return cli_usage(cli, "--system needs the chat template");
  return CLI_OK;
}

/* Up to the text's end. */
static int text_tokens(struct ask *a, const struct cli *cli, struct cli_tokens *tokens) {
  struct cli_text text;
  bool raw = cli->given.raw;
  int code = cli_read_files(cli, cli->given.operand, raw ? "" : "\n\n", &text);
  if (code != CLI_OK) return code;
  if (text.bytes == 0) code = cli_fail(cli, STILL_EARG, "the text is empty; name a file that holds one");
  if (code == CLI_OK && !raw) code = dialogue_piece(&a->dialogue, HEAD, tokens);
  if (code == CLI_OK) code = dialogue_text(&a->dialogue, &text, raw && !cli->given.no_bos ? STILL_TEXT_ADD_BOS : 0, tokens);
  free(text.text);
  return code;
}

static int read_text(struct ask *a, const struct cli *cli) {
  struct cli_engine *e = &a->dialogue.engine;
  struct cli_tokens tokens = {0};
  int code = text_tokens(a, cli, &tokens);
  double start = cli_seconds();
  if (code == CLI_OK) {
    still_status status = still_append(e->session, tokens.id, tokens.count, &a->report);
    if (status != STILL_OK) code = cli_session_failed(e, status);
  }
  a->seconds = cli_seconds() - start;
  free(tokens.id);
  return code;
}

/* A limit on the size of files shall be a sentence, not the end of the process. */
static int save(struct ask *a, const char *path) {
  double start = cli_seconds();
  signal(SIGXFSZ, SIG_IGN);
  still_status status = still_session_save(a->dialogue.engine.session, path);
  a->save_seconds = cli_seconds() - start;
  return status == STILL_OK ? CLI_OK : cli_session_failed(&a->dialogue.engine, status);
}

static int load(struct ask *a, const char *path) {
  double start = cli_seconds();
  still_status status = still_session_load(a->dialogue.engine.session, path);
  a->seconds = cli_seconds() - start;
  return status == STILL_OK ? CLI_OK : cli_session_failed(&a->dialogue.engine, status);
}

static void print_text(const struct ask *a, const struct cli *cli) {
  fprintf(stderr, "%-13s %zu tokens ", "text", a->text);
  if (cli->given.load)
    fprintf(stderr, "from %s in %.3f s\n", cli->given.load, a->seconds);
  else if (a->report.dense)
    fprintf(stderr, "through all layers in %.3f s\n", a->seconds);
  else
    fprintf(stderr, "wait at layer %u after %.3f s\n", a->report.start_layer, a->seconds);
  if (cli->given.save) fprintf(stderr, "%-13s in %s after %.3f s\n", "saved", cli->given.save, a->save_seconds);
}

static int prepare(struct ask *a, const struct cli *cli) {
  struct cli_engine *e = &a->dialogue.engine;
  int code = cli->given.load ? load(a, cli->given.load) : read_text(a, cli);
  if (code == CLI_OK && cli->given.save) code = save(a, cli->given.save);
  cli_progress_clear(&e->progress);
  a->text = still_session_tokens(e->session, NULL, 0);
  if (code == CLI_OK && !cli->given.quiet && !cli->given.json) print_text(a, cli);
  return code;
}

/* The question behind the text, as `run` has them, then the rest of the template. */
static int question_tokens(struct ask *a, const struct cli *cli, const struct cli_text *question, struct cli_tokens *tokens) {
  if (cli->given.raw) return dialogue_text(&a->dialogue, question, 0, tokens);
  struct cli_text parted = {malloc(question->bytes + 3), question->bytes + 2};
  if (!parted.text) return cli_no_memory(cli);
  memcpy(parted.text, "\n\n", 2);
  memcpy(parted.text + 2, question->text, question->bytes + 1);
  int code = dialogue_text(&a->dialogue, &parted, 0, tokens);
  free(parted.text);
  return code == CLI_OK ? dialogue_piece(&a->dialogue, TAIL, tokens) : code;
}

static int answer_all(struct ask *a, const struct cli *cli) {
  struct dialogue *d = &a->dialogue;
  for (;;) {
    struct cli_text question;
    struct cli_tokens tokens = {0};
    bool more;
    int code = dialogue_next(d, &question, &more);
    if (code != CLI_OK || !more) return code;
    code = question_tokens(a, cli, &question, &tokens);
    still_status status = code == CLI_OK ? still_session_rewind(d->engine.session, a->text) : STILL_OK;
    if (status != STILL_OK) code = cli_session_failed(&d->engine, status);
    if (code == CLI_OK)
      code = dialogue_turn(d, question, &tokens);
    else
      free(question.text);
    free(tokens.id);
    if (code != CLI_OK) return code;
  }
}

static void print_json(struct ask *a, const struct cli *cli) {
  struct dialogue *d = &a->dialogue;
  struct json j;
  json_begin(&j, stdout, "stillpoint.ask/1");
  json_text(&j, "version", still_version());
  report_json_model(&j, d->engine.model);
  report_json_session(&j, &d->engine);
  json_real(&j, "load_seconds", d->engine.load_seconds);
  json_object(&j, "text");
  json_count(&j, "tokens", a->text);
  json_real(&j, "seconds", a->seconds);
  json_text(&j, "loaded", cli->given.load);
  json_text(&j, "saved", cli->given.save);
  json_object_end(&j);
  dialogue_json(&j, d, "questions");
  dialogue_json_end(&j, d);
}

int cmd_ask(struct cli *cli) {
  struct ask a = {.report = {.size = sizeof a.report}};
  struct dialogue *d = &a.dialogue;
  still_message messages[2] = {{"system", cli->given.system}, {"user", NULL}};
  size_t skip = cli->given.system ? 0 : 1;
  int code = check_options(cli);
  if (code != CLI_OK) return code;
  code = dialogue_open(d, cli, messages + skip, 2 - skip, cli->given.raw ? 0 : PIECES);
  if (code == CLI_OK) code = prepare(&a, cli);
  bool ready = code == CLI_OK;
  if (ready) code = answer_all(&a, cli);
  if (ready && cli->given.json) print_json(&a, cli);
  if (d->n_turns && !cli->given.json && !cli->given.quiet) report_memory(stderr, &d->turn[d->n_turns - 1].report);
  dialogue_close(d);
  return code;
}
