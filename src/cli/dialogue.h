/*
 * dialogue.h - what `ask` and `chat` share: a line of the user after another, the template around it, and what came of each turn.
 *
 * In:       struct cli.  Out: turns, as they are answered and as they are reported.
 * Not here: what stays on the session between two turns (cmd_ask.c, cmd_chat.c).
 */
#ifndef CLI_DIALOGUE_H
#define CLI_DIALOGUE_H

#include "answer.h"
#include "input.h"
#include "report.h"

struct turn {
  struct cli_text asked;
  size_t n_tokens;    /* of what was asked, template included */
  double seconds;     /* to its first logits */
  still_report report;
  struct answer answer;
};

enum { DIALOGUE_PIECES = 4 };

struct dialogue {
  struct cli_engine engine;
  struct speaker speaker;
  struct cli_text lines;      /* of --questions, and the next one */
  size_t next, given;
  struct cli_tokens pieces;   /* the template around its gaps */
  size_t end[DIALOGUE_PIECES];
  struct turn *turn;
  size_t n_turns;
};

/* Model, template, session and speaker. The template is rendered for `messages`, whose NULLs are gaps; none with n_pieces 0. */
int dialogue_open(struct dialogue *d, struct cli *cli, const still_message *messages, size_t n_messages, size_t n_pieces);
void dialogue_close(struct dialogue *d);

/* The next question or message that is not empty; *more false at their end. They are those of the command line, or else the lines
 * of --questions, or else those of standard input as they come. */
int dialogue_next(struct dialogue *d, struct cli_text *text, bool *more);

/* Appends piece i of the template, or the tokens of a text, to `tokens`. */
int dialogue_piece(struct dialogue *d, size_t i, struct cli_tokens *tokens);
int dialogue_text(struct dialogue *d, const struct cli_text *text, unsigned flags, struct cli_tokens *tokens);

/* Prefills `tokens`, answers, reports. Takes `asked` over. */
int dialogue_turn(struct dialogue *d, struct cli_text asked, const struct cli_tokens *tokens);

void dialogue_json(struct json *j, const struct dialogue *d, const char *key); /* the turns, an array */
/* Members that end an object: plan for all tokens of the session, memory. */
void dialogue_json_end(struct json *j, struct dialogue *d);

#endif
