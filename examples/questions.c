/*
 * questions.c - read a document once, ask it several questions, and see how much of it each question kept.
 *
 *   questions MODEL.gguf DOCUMENT.txt QUESTION...
 *
 * Shows:    settings, the pieces of the chat template, a text that waits at the gate, the report of a prefill, progress and its
 *           cancel.
 * Build:    cc questions.c $(pkg-config --cflags --libs stillpoint)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stillpoint.h>

enum { MOST_ANSWER = 48, MOST_FRAME = 512 };

static int fail(const char *what, const char *sentence) {
  fprintf(stderr, "questions: %s: %s\n", what, sentence);
  return EXIT_FAILURE;
}

/* A progress hook runs between chunk and layer. To return non-zero would cancel; the call then ends with STILL_ECANCELLED. */
static int count_calls(void *user, const still_progress *progress) {
  (void)progress;
  ++*(unsigned long *)user;
  return 0;
}

/* The whole file, terminated; NULL on failure. */
static char *read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  char *text = NULL;
  size_t bytes = 0, capacity = 0;
  while (file && !ferror(file) && !feof(file)) {
    capacity = capacity ? 2 * capacity : 1 << 16;
    char *grown = realloc(text, capacity + 1);
    if (!grown) break;
    text = grown;
    bytes += fread(text + bytes, 1, capacity - bytes, file);
  }
  int whole = file && feof(file);
  if (file) fclose(file);
  if (text) text[bytes] = '\0';
  if (whole) return text;
  free(text);
  return NULL;
}

/* What the document is asked with: the template's tokens around the gap of a message, before it and after it. */
struct frame {
  still_token tokens[MOST_FRAME];
  size_t end[2];
};

static int make_frame(const still_model *model, struct frame *frame) {
  const still_message message = {"user", NULL};
  size_t n;
  if (still_chat_pieces(model, &message, 1, 0, frame->tokens, MOST_FRAME, frame->end, 2, &n) == STILL_OK) return EXIT_SUCCESS;
  return fail("template", still_model_error(model));
}

/* The tokens of a text, with room for `more`. The caller frees. */
static still_token *tokens_of(const still_model *model, const char *text, size_t more, size_t *n) {
  still_tokenize(model, text, strlen(text), 0, NULL, 0, n); /* STILL_ELIMIT, and the number in *n */
  still_token *tokens = malloc((*n + more + 1) * sizeof *tokens);
  if (tokens && still_tokenize(model, text, strlen(text), 0, tokens, *n, n) != STILL_OK) {
    fail("text", still_model_error(model));
    free(tokens);
    tokens = NULL;
  }
  return tokens;
}

/* The document goes to the gate, where it waits for questions. Its tokens, or 0 on failure. */
static size_t read_document(const still_model *model, still_session *session, const struct frame *frame, const char *document) {
  const char *const texts[] = {document, "\n\n"};
  still_status status = still_append(session, frame->tokens, frame->end[0], NULL);
  for (int i = 0; i < 2 && status == STILL_OK; i++) {
    size_t n;
    still_token *tokens = tokens_of(model, texts[i], 0, &n);
    if (!tokens) return 0;
    status = still_append(session, tokens, n, NULL);
    free(tokens);
  }
  if (status != STILL_OK) fail("document", still_session_error(session));
  return status == STILL_OK ? still_session_tokens(session, NULL, 0) : 0;
}

static void print_report(const still_report *report) {
  printf("  %llu of %llu tokens kept", (unsigned long long)report->kept, (unsigned long long)report->tokens);
  if (report->dense && report->why_dense[0]) printf(" (%s)", report->why_dense);
  printf(", %.0f tokens/s\n", report->tokens_per_second);
}

static int answer(still_model *model, still_session *session, still_sampler *sampler) {
  still_stream *stream = still_stream_new(model);
  if (!stream) return fail("answer", "out of memory");
  int status = EXIT_SUCCESS;
  const char *text;
  size_t bytes;
  printf("  ");
  for (int i = 0; i < MOST_ANSWER && status == EXIT_SUCCESS; i++) {
    still_token token;
    if (still_sample(sampler, session, &token, NULL) != STILL_OK) break;
    if (still_token_is_end(model, token)) break;
    if (still_stream_push(stream, token, &text, &bytes) == STILL_OK) fwrite(text, 1, bytes, stdout);
    if (still_decode(session, token) != STILL_OK) status = fail("decode", still_session_error(session));
  }
  if (still_stream_end(stream, &text, &bytes) == STILL_OK) fwrite(text, 1, bytes, stdout);
  putchar('\n');
  still_stream_free(stream);
  return status;
}

/* A session is a timeline: back to the document's end, then this question and the rest of the template. */
static int ask(still_model *model, still_session *session, still_sampler *sampler, const struct frame *frame, size_t document,
               const char *question) {
  size_t n, tail = frame->end[1] - frame->end[0];
  still_report report = {.size = sizeof report};
  still_token *tokens = tokens_of(model, question, tail, &n);
  if (!tokens) return EXIT_FAILURE;
  memcpy(tokens + n, frame->tokens + frame->end[0], tail * sizeof *tokens);
  still_status status = still_session_rewind(session, document);
  if (status == STILL_OK) status = still_prefill(session, tokens, n + tail, &report);
  free(tokens);
  if (status != STILL_OK) return fail("prefill", still_session_error(session));
  printf("%s\n", question);
  print_report(&report);
  return answer(model, session, sampler);
}

int main(int argc, char **argv) {
  if (argc < 4) return fail("usage", "questions MODEL.gguf DOCUMENT.txt QUESTION...");
  unsigned long calls = 0;
  const still_hooks hooks = {.size = sizeof hooks, .user = &calls, .progress = count_calls};
  still_error error = {.size = sizeof error};
  still_model *model = NULL;
  still_session *session = NULL;
  still_sampler *sampler = NULL;
  still_settings *settings = still_settings_new();
  char *document = read_file(argv[2]);
  int status = EXIT_FAILURE;
  if (!settings || !document) {
    fail(argv[2], "cannot be read");
  } else if (still_set(settings, "policy", "query") != STILL_OK || still_set_real(settings, "temperature", 0) != STILL_OK) {
    fail("settings", still_settings_error(settings));
  } else if (still_model_open(argv[1], settings, &hooks, &model, &error) != STILL_OK ||
             still_session_open(model, settings, &hooks, &session, &error) != STILL_OK ||
             still_sampler_open(settings, &sampler, &error) != STILL_OK) {
    fail(argv[1], error.text);
  } else {
    struct frame frame;
    status = make_frame(model, &frame);
    size_t n = status == EXIT_SUCCESS ? read_document(model, session, &frame, document) : 0;
    if (n == 0) status = EXIT_FAILURE;
    for (int i = 3; i < argc && status == EXIT_SUCCESS; i++) status = ask(model, session, sampler, &frame, n, argv[i]);
    fprintf(stderr, "questions: %lu progress calls\n", calls);
  }
  free(document);
  still_sampler_close(sampler);
  still_session_close(session);
  still_model_close(model);
  still_settings_free(settings);
  return status;
}
