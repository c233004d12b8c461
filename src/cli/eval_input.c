/*
 * eval_input.c - hay for facts, texts for losses.
 *
 * In:       files of the command line, or a seed.  Out: units of hay; tokens.
 * Not here: what is made of them (eval_work.c).
 */
#include "eval_work.h"

#include <stdlib.h>
#include <string.h>

uint64_t eval_longest(const struct eval *e) {
  uint64_t most = 0;
  for (size_t i = 0; i < e->n_lengths; i++) most = e->length[i] > most ? e->length[i] : most;
  return most;
}

int eval_read_text(const struct cli *cli, const char *path, struct cli_text *text) {
  *text = (struct cli_text){0};
  int code = cli_read(cli, path, text);
  if (code != CLI_OK || !memchr(text->text, '\0', text->bytes)) return code;
  code = cli_fail(cli, STILL_EFORMAT, "%s holds a NUL byte at offset %zu; hay must be text", path, strlen(text->text));
  free(text->text);
  *text = (struct cli_text){0};
  return code;
}

/* Adds a file to the hay, and its tokens to *tokens. */
static int add_hay(struct eval *e, const char *path, size_t *tokens) {
  struct cli_text text;
  struct cli_tokens ids = {0};
  int code = eval_read_text(e->cli, path, &text);
  if (code == CLI_OK) code = cli_encode(&e->engine[0], &text, 0, &ids);
  if (code == CLI_OK && !eval_hay_split(&e->hay, text.text, text.bytes)) code = cli_no_memory(e->cli);
  *tokens += ids.count;
  free(ids.id);
  free(text.text);
  return code;
}

int eval_read_hay(struct eval *e) {
  enum { BYTES_A_TOKEN = 8 }; /* more than any vocabulary takes of plain English */
  const struct cli_list *files = &e->cli->given.hay;
  uint64_t most = eval_longest(e);
  size_t tokens = 0;
  int code = CLI_OK;
  if (files->count == 0) return eval_hay_make(&e->hay, e->seed, (size_t)most * BYTES_A_TOKEN) ? CLI_OK : cli_no_memory(e->cli);
  for (size_t i = 0; i < files->count && code == CLI_OK; i++) code = add_hay(e, files->item[i], &tokens);
  if (code == CLI_OK && tokens < most)
    code = cli_fail(e->cli, STILL_EARG, "the hay has %zu tokens, and texts of %llu are wanted; give more with --hay", tokens,
                    (unsigned long long)most);
  return code;
}

int eval_read_texts(struct eval *e) {
  const struct cli_list *files = &e->cli->given.files;
  int code = CLI_OK;
  if (files->count == 0) return CLI_OK;
  e->file = calloc(files->count, sizeof *e->file);
  if (!e->file) return cli_no_memory(e->cli);
  e->n_files = files->count;
  for (size_t i = 0; i < files->count && code == CLI_OK; i++) {
    struct cli_text text;
    code = cli_read(e->cli, files->item[i], &text);
    if (code == CLI_OK) code = cli_encode(&e->engine[0], &text, STILL_TEXT_ADD_BOS, &e->file[i]);
    free(text.text);
  }
  return code;
}

bool eval_has_template(const struct cli_engine *engine) {
  size_t n;
  return still_chat_tokenize(engine->model, &(still_message){"user", "x"}, 1, 0, NULL, 0, &n) != STILL_EUNSUPPORTED;
}
