/*
 * text_tool.c - vocabularies and chat templates for scripts, without a model around them.
 *
 * In:       tokens VOCAB.gguf TEXT [special]: ids of a file's text; with "special", special tokens are recognised in it.
 *           render TEMPLATE MESSAGES add|no: a template's file, and a file of role NUL content NUL role NUL ...
 * Out:      ids as little-endian int32 or the text, on standard output; the time and "round trip" on standard error. 1: refused.
 * Not here: the command, which wants whole models.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/chat.h"
#include "src/vocab.h"
#include "tests/tiny.h"

enum { MESSAGES = 4096 };

static struct sp_ctx ctx;

static int refuse(void) {
  fprintf(stderr, "text_tool: %s: %s\n", still_status_name(ctx.error.status), ctx.error.text);
  return 1;
}

static struct tiny_bytes read_file(const char *path) {
  struct tiny_bytes file = {0};
  uint8_t block[65536];
  FILE *f = fopen(path, "rb");
  if (!f) tiny_die("%s cannot be opened", path);
  for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;) tiny_raw(&file, block, n);
  fclose(f);
  return file;
}

/* Are the pieces of the ids the text again? */
static bool comes_back(const struct sp_vocab *v, const still_token *ids, size_t n, const struct tiny_bytes *text) {
  size_t at = 0, bytes;
  for (size_t i = 0; i < n; at += bytes, i++) {
    const char *piece;
    if (!sp_vocab_piece(v, ids[i], &piece, &bytes) || bytes > text->size - at || memcmp(piece, text->data + at, bytes))
      return false;
  }
  return at == text->size;
}

static int tokens(const char *path, const char *text_path, bool special) {
  struct sp_gguf *g;
  struct sp_vocab *v;
  struct tiny_bytes text = read_file(text_path);
  if (sp_gguf_open(&ctx, path, true, &g) != STILL_OK) return refuse();
  const struct sp_key *key = sp_gguf_key(g, "tokenizer.ggml.tokens");
  if (sp_vocab_open(&ctx, g, key ? (uint32_t)sp_key_count(key) : 1, &v) != STILL_OK) return refuse();
  uint8_t *trusted = special ? memset(malloc(text.size + 1), 1, text.size + 1) : NULL;
  still_token *ids = malloc((text.size + 2) * sizeof *ids);
  size_t n;
  double start = sp_seconds();
  if (sp_vocab_encode(&ctx, v, (const char *)text.data, text.size, trusted, true, ids, text.size + 2, &n) != STILL_OK)
    return refuse();
  fprintf(stderr, "%.3f s, round trip %s\n", sp_seconds() - start, comes_back(v, ids, n, &text) ? "same" : "differs");
  fwrite(ids, sizeof *ids, n, stdout);
  free(ids);
  free(trusted);
  tiny_free(&text);
  sp_vocab_close(v);
  sp_gguf_close(g);
  return 0;
}

static int render(const char *template_path, const char *messages_path, bool add_header) {
  static still_message messages[MESSAGES];
  struct tiny_bytes source = read_file(template_path), parts = read_file(messages_path);
  struct sp_chat_text out;
  size_t n = 0;
  tiny_put(&parts, 0, 1);
  for (const char *at = (const char *)parts.data, *end = at + parts.size - 1; at < end && n < MESSAGES; n++) {
    messages[n].role = at;
    at += strlen(at) + 1;
    messages[n].content = at < end ? at : "";
    at += strlen(messages[n].content) + 1;
  }
  still_status status =
      sp_chat_render(&ctx, (const char *)source.data, source.size, messages, n, "<s>", "</s>", add_header, &out);
  tiny_free(&source);
  if (status != STILL_OK) return refuse();
  fwrite(out.text, 1, out.bytes, stdout);
  sp_chat_text_free(&ctx, &out);
  tiny_free(&parts);
  return 0;
}

int main(int argc, char **argv) {
  sp_ctx_init(&ctx, NULL);
  if (argc >= 4 && !strcmp(argv[1], "tokens")) return tokens(argv[2], argv[3], argc > 4);
  if (argc == 5 && !strcmp(argv[1], "render")) return render(argv[2], argv[3], !strcmp(argv[4], "add"));
  fprintf(stderr, "usage: text_tool tokens VOCAB.gguf TEXT [special] | render TEMPLATE MESSAGES add|no\n");
  return 2;
}
