/*
 * eval_answer.c - reading answers.
 *
 * In:       text.  Out: a verdict.
 * Not here: see eval_answer.h.
 */
#include "eval_answer.h"

#include <string.h>

enum { MOST = 1024 }; /* bytes of an answer that are read; answers have a few dozen tokens */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80; }

/* A comma or a blank that parts thousands: a digit before it, exactly three behind. */
static bool parts_thousands(const char *text, const char *at) {
  bool three = is_digit(at[1]) && is_digit(at[2]) && is_digit(at[3]) && !is_digit(at[4]);
  return (*at == ',' || *at == ' ') && at > text && is_digit(at[-1]) && three;
}

/* Words in lower case with one blank before and after each, so that a word can be looked for with its blanks. */
static void normalise(const char *text, char out[MOST]) {
  bool begun = false;
  size_t n = 0;
  out[n++] = ' ';
  for (const char *at = text; *at && n + 2 < MOST && !(begun && *at == '\n'); at++) {
    bool word = is_digit(*at) || is_letter(*at);
    begun = begun || word;
    if (word)
      out[n++] = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    else if (out[n - 1] != ' ' && !parts_thousands(text, at))
      out[n++] = ' ';
  }
  if (out[n - 1] != ' ') out[n++] = ' ';
  out[n] = '\0';
}

/* `word` stands between blanks; its case is that of the text. */
static bool holds(const char *words, const char *word) {
  char wanted[64];
  size_t bytes = strlen(word);
  if (bytes + 3 > sizeof wanted) return false;
  wanted[0] = ' ';
  for (size_t i = 0; i < bytes; i++) wanted[1 + i] = word[i] >= 'A' && word[i] <= 'Z' ? (char)(word[i] - 'A' + 'a') : word[i];
  memcpy(wanted + 1 + bytes, " ", 2);
  return strstr(words, wanted) != NULL;
}

/* Whether there are numbers with as many digits as `expected`, and all are that one. */
static bool numbers_are(const char *words, const char *expected) {
  size_t digits = strlen(expected), run = 0, n = 0;
  for (const char *at = words; *at; at++) {
    run = is_digit(*at) ? run + 1 : 0;
    if (run != digits || is_digit(at[1])) continue;
    if (memcmp(at + 1 - digits, expected, digits) != 0) return false;
    n++;
  }
  return n > 0;
}

bool eval_answer_right(const char *answer, const struct eval_question *q) {
  char words[MOST];
  normalise(answer, words);
  if (!q->rivals) return numbers_are(words, q->answer);
  for (const char *const *rival = q->rivals; *rival; rival++)
    if (strcmp(*rival, q->answer) != 0 && holds(words, *rival)) return false;
  return holds(words, q->answer);
}
