/*
 * cmd_tokenize.c - `stillpoint tokenize`: the tokens of a text, or the text of tokens.
 *
 * In:       options, a model's vocabulary.  Out: a table, ids, text or a number on stdout.
 * Not here: tokenising (the library).
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "report.h"

static int piece_of(struct cli_engine *e, still_token id, int special, const char **piece, size_t *bytes) {
  still_status status = still_token_piece(e->model, id, special, piece, bytes);
  if (status == STILL_OK) return CLI_OK;
  return cli_fail(e->cli, status, "token %d is not in the vocabulary of this model", (int)id);
}

static int show_table(struct cli_engine *e, const struct cli_tokens *tokens) {
  const char *piece;
  size_t bytes;
  for (size_t i = 0; i < tokens->count; i++) {
    int code = piece_of(e, tokens->id[i], 1, &piece, &bytes);
    if (code != CLI_OK) return code;
    printf("%d\t", tokens->id[i]);
    json_quote(stdout, piece, bytes);
    putchar('\n');
  }
  return CLI_OK;
}

static int show_ids(struct cli_engine *e, const struct cli_tokens *tokens) {
  (void)e;
  for (size_t i = 0; i < tokens->count; i++) printf("%s%d", i ? "," : "", tokens->id[i]);
  putchar('\n');
  return CLI_OK;
}

/* The bytes themselves, nothing added. */
static int show_text(struct cli_engine *e, const struct cli_tokens *tokens) {
  const char *piece;
  size_t bytes;
  for (size_t i = 0; i < tokens->count; i++) {
    int code = piece_of(e, tokens->id[i], 1, &piece, &bytes);
    if (code != CLI_OK) return code;
    fwrite(piece, 1, bytes, stdout);
  }
  return CLI_OK;
}

static int show_count(struct cli_engine *e, const struct cli_tokens *tokens) {
  (void)e;
  printf("%zu\n", tokens->count);
  return CLI_OK;
}

static int show_json(struct cli_engine *e, const struct cli_tokens *tokens) {
  struct json j;
  json_begin(&j, stdout, "stillpoint.tokenize/1");
  json_text(&j, "version", still_version());
  report_json_model(&j, e->model);
  json_count(&j, "count", tokens->count);
  json_array(&j, "tokens");
  for (size_t i = 0; i < tokens->count; i++) json_int(&j, NULL, tokens->id[i]);
  json_array_end(&j);
  json_array(&j, "pieces");
  int code = CLI_OK;
  for (size_t i = 0; i < tokens->count && code == CLI_OK; i++) {
    const char *piece = "";
    size_t bytes = 0;
    code = piece_of(e, tokens->id[i], 1, &piece, &bytes);
    json_bytes(&j, NULL, piece, bytes);
  }
  json_array_end(&j);
  json_end(&j);
  return code;
}

static const struct {
  const char *name;
  int (*show)(struct cli_engine *e, const struct cli_tokens *tokens);
} views[] = {{"table", show_table}, {"ids", show_ids}, {"text", show_text}, {"count", show_count}};

int cmd_tokenize(struct cli *cli) {
  struct cli_engine engine;
  struct cli_tokens tokens = {0};
  int code = cli_engine_open(&engine, cli, cli->settings);
  if (code == CLI_OK) code = cli_prompt(&engine, cli->given.chat, true, &tokens);
  if (code == CLI_OK && cli->given.json) {
    code = show_json(&engine, &tokens);
  } else if (code == CLI_OK) {
    const char *wish = cli->given.show ? cli->given.show : "table";
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++)
      if (strcmp(views[i].name, wish) == 0) code = views[i].show(&engine, &tokens);
  }
  free(tokens.id);
  cli_engine_close(&engine);
  return code;
}
