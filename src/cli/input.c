/*
 * input.c - reading files and making prompts.
 *
 * In:       paths, texts.  Out: bytes, token ids.
 * Not here: options.
 */
#include "input.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"

/* Appends all that can be read from `file`. errno says what went wrong when it returns false. */
static bool read_all(FILE *file, struct cli_text *out) {
  size_t capacity = out->bytes + 65536;
  for (;;) {
    char *text = realloc(out->text, capacity + 1);
    if (!text) return false;
    out->text = text;
    size_t n = fread(out->text + out->bytes, 1, capacity - out->bytes, file);
    out->bytes += n;
    out->text[out->bytes] = '\0';
    if (ferror(file) || cli_interrupted()) return false;
    if (feof(file)) return true;
    if (out->bytes == capacity) capacity *= 2;
  }
}

/* Leaves a text that may be dropped again. */
static void drop(struct cli_text *text) {
  free(text->text);
  *text = (struct cli_text){0};
}

int cli_read(const struct cli *cli, const char *path, struct cli_text *out) {
  bool standard = strcmp(path, "-") == 0;
  *out = (struct cli_text){0};
  errno = 0;
  FILE *file = standard ? stdin : fopen(path, "rb");
  bool good = file && read_all(file, out);
  int why = errno;
  if (file && !standard) fclose(file);
  if (good) return CLI_OK;
  drop(out);
  if (cli_interrupted()) return cli_fail(cli, STILL_ECANCELLED, "stopped while reading %s", standard ? "standard input" : path);
  if (why == ENOMEM) return cli_no_memory(cli);
  return cli_fail(cli, STILL_EIO, "%s could not be read: %s", standard ? "standard input" : path, strerror(why));
}

/* Adds `more` behind what is there, with `between` in the middle. */
static int append(const struct cli *cli, struct cli_text *text, const char *between, const struct cli_text *more) {
  size_t gap = text->bytes ? strlen(between) : 0;
  char *grown = realloc(text->text, text->bytes + gap + more->bytes + 1);
  if (!grown) return cli_no_memory(cli);
  text->text = grown;
  memcpy(grown + text->bytes, between, gap);
  if (more->bytes) memcpy(grown + text->bytes + gap, more->text, more->bytes);
  text->bytes += gap + more->bytes;
  grown[text->bytes] = '\0';
  return CLI_OK;
}

static int append_file(const struct cli *cli, struct cli_text *text, const char *between, const char *path) {
  struct cli_text more;
  int code = cli_read(cli, path, &more);
  if (code != CLI_OK) return code;
  code = append(cli, text, between, &more);
  drop(&more);
  return code;
}

int cli_read_files(const struct cli *cli, const char *more, const char *between, struct cli_text *out) {
  *out = (struct cli_text){0};
  int code = append(cli, out, "", &(struct cli_text){0});
  for (size_t i = 0; i < cli->given.files.count && code == CLI_OK; i++)
    code = append_file(cli, out, between, cli->given.files.item[i]);
  if (more && code == CLI_OK) code = append_file(cli, out, between, more);
  if (code != CLI_OK) drop(out);
  return code;
}

/* Files in order, then the prompt; standard input if there is neither and it is no terminal. */
static int gather(const struct cli *cli, const char *between, struct cli_text *text) {
  const struct cli_values *given = &cli->given;
  const char *prompt = given->prompt ? given->prompt : given->operand;
  if (given->prompt && given->operand)
    return cli_usage(cli, "the prompt was given twice, with --prompt and as \"%s\"", given->operand);
  if (!prompt && given->files.count == 0) {
    if (isatty(STDIN_FILENO)) return cli_usage(cli, "there is no prompt; give one with -p TEXT, -f FILE or on standard input");
    prompt = "-";
  }
  int code = cli_read_files(cli, NULL, between, text);
  if (code == CLI_OK && prompt && strcmp(prompt, "-") == 0)
    code = append_file(cli, text, between, prompt);
  else if (code == CLI_OK && prompt)
    code = append(cli, text, between, &(struct cli_text){(char *)(uintptr_t)prompt, strlen(prompt)});
  if (code != CLI_OK) drop(text);
  return code;
}

/* "1,2 3": ids between commas and white space. */
static int parse_ids(const struct cli *cli, const char *list, struct cli_tokens *out) {
  const char *gap = ", \t\r\n";
  size_t capacity = strlen(list) / 2 + 1; /* an id takes a digit and a gap */
  *out = (struct cli_tokens){.id = malloc(capacity * sizeof *out->id)};
  if (!out->id) return cli_no_memory(cli);
  for (const char *at = list + strspn(list, gap); *at; at += strspn(at, gap)) {
    char *end;
    long id = strtol(at, &end, 10);
    bool good = *at >= '0' && *at <= '9' && id <= INT32_MAX && (*end == '\0' || strchr(gap, *end));
    if (!good) {
      free(out->id);
      *out = (struct cli_tokens){0};
      return cli_usage(cli, "--tokens takes ids as in 1,2,3; \"%.20s\" is none", at);
    }
    out->id[out->count++] = (still_token)id;
    at = end;
  }
  return CLI_OK;
}

/* --tokens IDS, or --tokens @FILE, for prompts longer than a command line may be. */
static int tokens_given(const struct cli *cli, struct cli_tokens *out) {
  const struct cli_values *given = &cli->given;
  if (given->prompt || given->operand || given->files.count || given->system)
    return cli_usage(cli, "--tokens is the whole prompt; leave texts and files away");
  if (given->tokens[0] != '@') return parse_ids(cli, given->tokens, out);
  struct cli_text text;
  int code = cli_read(cli, given->tokens + 1, &text);
  if (code != CLI_OK) return code;
  code = parse_ids(cli, text.text, out);
  drop(&text);
  return code;
}

/* One call of the library that gives ids: asked first for how many there are. */
struct request {
  const struct cli_text *text;
  const still_message *messages; /* NULL: plain text */
  size_t n_messages;
  unsigned flags;
};

static still_status encode(const still_model *model, const struct request *r, still_token *id, size_t capacity, size_t *n) {
  if (r->messages) return still_chat_tokenize(model, r->messages, r->n_messages, r->flags, id, capacity, n);
  return still_tokenize(model, r->text->text, r->text->bytes, r->flags, id, capacity, n);
}

/* Room for as many ids as there are bytes is nearly always enough; when it is not, the library says how many there are. */
static int encode_all(struct cli_engine *engine, const struct request *r, struct cli_tokens *out) {
  size_t capacity = r->text->bytes + 256, n = 0;
  still_status status;
  *out = (struct cli_tokens){0};
  for (int round = 0;; round++) {
    still_token *id = realloc(out->id, capacity * sizeof *id);
    if (id) out->id = id;
    status = id ? encode(engine->model, r, id, capacity, &n) : STILL_ENOMEM;
    if (status != STILL_ELIMIT || round > 0) break;
    capacity = n;
  }
  out->count = n;
  if (status == STILL_OK) return CLI_OK;
  free(out->id);
  *out = (struct cli_tokens){0};
  return status == STILL_ENOMEM ? cli_no_memory(engine->cli) : cli_model_failed(engine, status);
}

int cli_encode(struct cli_engine *engine, const struct cli_text *text, unsigned flags, struct cli_tokens *out) {
  return encode_all(engine, &(struct request){.text = text, .flags = flags}, out);
}

/* A message is a C string, so a NUL byte would cut it: better refused than cut. */
int cli_encode_chat(struct cli_engine *engine, const struct cli_text *text, unsigned flags, struct cli_tokens *out) {
  const struct cli *cli = engine->cli;
  if (memchr(text->text, '\0', text->bytes))
    return cli_fail(cli, STILL_EFORMAT, "the text holds a NUL byte at offset %zu, which no chat message can; --raw takes it",
                    strlen(text->text));
  still_message messages[2] = {{"system", cli->given.system}, {"user", text->text}};
  size_t skip = cli->given.system ? 0 : 1;
  return encode_all(engine, &(struct request){.text = text, .messages = messages + skip, .n_messages = 2 - skip, .flags = flags},
                    out);
}

int cli_prompt(struct cli_engine *engine, bool chat, bool may_be_empty, struct cli_tokens *out) {
  const struct cli *cli = engine->cli;
  if (cli->given.tokens) return tokens_given(cli, out);
  if (cli->given.system && !chat) return cli_usage(cli, "--system needs the chat template");
  struct cli_text text;
  int code = gather(cli, chat ? "\n\n" : "", &text);
  if (code != CLI_OK) return code;
  unsigned special = cli->given.parse_special ? STILL_TEXT_PARSE_SPECIAL : 0, bos = cli->given.no_bos ? 0 : STILL_TEXT_ADD_BOS;
  if (text.bytes == 0 && !may_be_empty)
    code = cli_fail(cli, STILL_EARG, "the prompt is empty; give one with -p TEXT, -f FILE or on standard input");
  else
    code = chat ? cli_encode_chat(engine, &text, special, out) : cli_encode(engine, &text, special | bos, out);
  drop(&text);
  return code;
}
