/*
 * complete.c - the smallest use of Stillpoint: continue a text, greedily.
 *
 *   complete MODEL.gguf "Once upon a time" [TOKENS]
 *
 * Shows:    model, session, tokens, prefill, sample, decode, UTF-8 safe output; one way to handle errors.
 * Build:    cc complete.c $(pkg-config --cflags --libs stillpoint)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stillpoint.h>

struct run {
  still_model *model;
  still_session *session;
  still_sampler *sampler;
  still_stream *stream;
  still_token *tokens;
};

static int fail(const char *what, const char *sentence) {
  fprintf(stderr, "complete: %s: %s\n", what, sentence);
  return EXIT_FAILURE;
}

/* Opens everything. A NULL for settings and hooks takes the defaults: greedy, halting from 1024 tokens on, all processors. */
static int open_all(struct run *run, const char *path) {
  still_error error = {.size = sizeof error};
  still_settings *greedy = still_settings_new();
  if (!greedy || still_set_real(greedy, "temperature", 0) != STILL_OK) return fail("settings", "out of memory");
  still_status status = still_model_open(path, NULL, NULL, &run->model, &error);
  if (status == STILL_OK) status = still_session_open(run->model, NULL, NULL, &run->session, &error);
  if (status == STILL_OK) status = still_sampler_open(greedy, &run->sampler, &error);
  still_settings_free(greedy);
  if (status != STILL_OK) return fail(path, error.text);
  run->stream = still_stream_new(run->model);
  return run->stream ? EXIT_SUCCESS : fail(path, "out of memory");
}

/* Asks for the number of tokens first, then for the tokens, and takes them through the layers. */
static int prefill(struct run *run, const char *prompt) {
  size_t n = 0;
  still_tokenize(run->model, prompt, strlen(prompt), STILL_TEXT_ADD_BOS, NULL, 0, &n);
  run->tokens = malloc((n ? n : 1) * sizeof *run->tokens);
  if (!run->tokens) return fail("prompt", "out of memory");
  if (still_tokenize(run->model, prompt, strlen(prompt), STILL_TEXT_ADD_BOS, run->tokens, n, &n) != STILL_OK)
    return fail("prompt", still_model_error(run->model));
  if (still_prefill(run->session, run->tokens, n, NULL) != STILL_OK) return fail("prefill", still_session_error(run->session));
  return EXIT_SUCCESS;
}

/* The stream holds back the bytes of a character until it is whole. */
static int generate(struct run *run, int most) {
  const char *text;
  size_t bytes;
  for (int i = 0; i < most; i++) {
    still_token token;
    if (still_sample(run->sampler, run->session, &token, NULL) != STILL_OK) return fail("sample", "no logits");
    if (still_token_is_end(run->model, token)) break;
    if (still_stream_push(run->stream, token, &text, &bytes) == STILL_OK) fwrite(text, 1, bytes, stdout);
    if (still_decode(run->session, token) != STILL_OK) return fail("decode", still_session_error(run->session));
  }
  if (still_stream_end(run->stream, &text, &bytes) == STILL_OK) fwrite(text, 1, bytes, stdout);
  putchar('\n');
  return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  if (argc < 3) return fail("usage", "complete MODEL.gguf PROMPT [TOKENS]");
  struct run run = {0};
  int status = open_all(&run, argv[1]);
  if (status == EXIT_SUCCESS) status = prefill(&run, argv[2]);
  if (status == EXIT_SUCCESS) status = generate(&run, argc > 3 ? atoi(argv[3]) : 64);
  free(run.tokens);
  still_stream_free(run.stream);
  still_sampler_close(run.sampler);
  still_session_close(run.session); /* each close takes NULL, so that this line is right after any failure */
  still_model_close(run.model);
  return status;
}
