/*
 * cmd_chat.c - `stillpoint chat`: messages and answers in turn, all of them on one session.
 *
 * In:       messages, a text before the first.  Out: an answer each.
 * Not here: turns (dialogue.c), the gate (the library).
 *
 * Earlier turns stay as they are, answers token by token as they were drawn. From min-tokens on, each turn chooses anew which of
 * the earlier rows it needs: the gate looks at all of them with the eyes of the last message.
 */
#include <stdlib.h>
#include <string.h>

#include "dialogue.h"

/* The template for {user, assistant, user}: before the first message, between that and its answer (unused: what follows a message
 * that is to be answered is TAIL), between the answer and the next message, and after that. */
enum { HEAD, HEADER, BETWEEN, TAIL, PIECES };

/* The files stand before the first message. */
static int message_text(struct dialogue *d, const struct cli_text *message, struct cli_text *text) {
  const struct cli *cli = d->engine.cli;
  *text = (struct cli_text){0};
  int code = d->n_turns == 0 ? cli_read_files(cli, NULL, "\n\n", text) : CLI_OK;
  if (code != CLI_OK) return code;
  size_t gap = text->bytes ? 2 : 0;
  char *grown = realloc(text->text, text->bytes + gap + message->bytes + 1);
  if (!grown) {
    free(text->text);
    return cli_no_memory(cli);
  }
  text->text = grown;
  memcpy(grown + text->bytes, "\n\n", gap);
  memcpy(grown + text->bytes + gap, message->text, message->bytes + 1);
  text->bytes += gap + message->bytes;
  return CLI_OK;
}

static int turn(struct dialogue *d, struct cli_text message) {
  struct cli_tokens tokens = {0};
  struct cli_text text = {0};
  int code = message_text(d, &message, &text);
  if (code == CLI_OK) code = dialogue_piece(d, d->n_turns ? BETWEEN : HEAD, &tokens);
  if (code == CLI_OK) code = dialogue_text(d, &text, 0, &tokens);
  if (code == CLI_OK) code = dialogue_piece(d, TAIL, &tokens);
  if (code == CLI_OK)
    code = dialogue_turn(d, message, &tokens);
  else
    free(message.text);
  free(text.text);
  free(tokens.id);
  return code;
}

static void print_json(struct dialogue *d) {
  struct json j;
  json_begin(&j, stdout, "stillpoint.chat/1");
  json_text(&j, "version", still_version());
  report_json_model(&j, d->engine.model);
  report_json_session(&j, &d->engine);
  json_real(&j, "load_seconds", d->engine.load_seconds);
  dialogue_json(&j, d, "turns");
  dialogue_json_end(&j, d);
}

int cmd_chat(struct cli *cli) {
  struct dialogue d;
  still_message messages[4] = {{"system", cli->given.system}, {"user", NULL}, {"assistant", NULL}, {"user", NULL}};
  size_t skip = cli->given.system ? 0 : 1;
  int code = dialogue_open(&d, cli, messages + skip, 4 - skip, PIECES);
  bool ready = code == CLI_OK;
  for (bool more = ready; more && code == CLI_OK;) {
    struct cli_text message;
    code = dialogue_next(&d, &message, &more);
    if (code == CLI_OK && more) code = turn(&d, message);
  }
  if (ready && cli->given.json) print_json(&d);
  if (d.n_turns && !cli->given.json && !cli->given.quiet) report_memory(stderr, &d.turn[d.n_turns - 1].report);
  dialogue_close(&d);
  return code;
}
