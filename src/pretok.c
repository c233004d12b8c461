/*
 * pretok.c - the published pre-tokenising patterns as linear scanners.
 *
 * In:       text.  Out: the length of its first piece.
 * Not here: a regular-expression engine. The patterns, with L = \p{L}, N = \p{N}:
 *
 *   classic   's|'t|'re|'ve|'m|'ll|'d| ?L+| ?N+| ?[^\sLN]+|\s+(?!\S)|\s+
 *             (digits_first: each N is a piece of its own, and the pattern sees what is between them)
 *   modern    (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\nLN]?L+|N{1,digits}| ?[^\sLN]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 *
 * Each alternative is one function below that returns the bytes it takes, or 0; they are asked in the order of the pattern. Only
 * white space is looked at more than once: a run with line ends in it is taken up to the last of them, and the rest of it by the
 * next call.
 */
#include "pretok.h"

#include <string.h>
#include "unicode.h"

struct cursor {
  const struct sp_pretok *rules;
  const char *text;
  size_t bytes;
};

static const struct sp_pretok gpt2 = {.name = "gpt-2"};
static const struct sp_pretok smollm = {.name = "smollm", .digits = 1, .digits_first = true};
static const struct sp_pretok llama3 = {.name = "llama-bpe", .modern = true, .digits = 3, .whole_pieces = true, .adds_bos = true};
static const struct sp_pretok qwen2 = {.name = "qwen2", .modern = true, .digits = 1};

/* Names in files -> rules. Different names with one pattern come from models that were converted one after the other. A file
 * without a name, or with "default", is older than the names; the classic pattern is what its time used. */
static const struct {
  const char *name;
  const struct sp_pretok *rules;
} names[] = {
  {"gpt-2", &gpt2}, {"default", &gpt2}, {"", &gpt2}, {"phi-2", &gpt2}, {"jina-es", &gpt2}, {"jina-de", &gpt2},
  {"jina-v2-es", &gpt2}, {"jina-v2-de", &gpt2}, {"gigachat", &gpt2}, {"a.x-4.0", &gpt2}, {"mellum", &gpt2},
  {"modern-bert", &gpt2},
  {"smollm", &smollm}, {"starcoder", &smollm}, {"refact", &smollm}, {"command-r", &smollm}, {"codeshell", &smollm},
  {"exaone", &smollm}, {"minerva-7b", &smollm},
  {"llama-bpe", &llama3}, {"llama3", &llama3}, {"llama-v3", &llama3}, {"falcon3", &llama3}, {"falcon-h1", &llama3},
  {"pixtral", &llama3}, {"midm-2.0", &llama3}, {"lfm2", &llama3}, {"jina-v5-nano", &llama3},
  {"qwen2", &qwen2}, {"deepseek-r1-qwen", &qwen2}, {"stablelm2", &qwen2}, {"megrez", &qwen2}, {"kormo", &qwen2},
  {"f2llmv2", &qwen2},
};

enum { NAMES = sizeof names / sizeof names[0] };

const struct sp_pretok *sp_pretok_find(const char *name, size_t bytes) {
  for (size_t i = 0; i < NAMES; i++)
    if (strlen(names[i].name) == bytes && memcmp(names[i].name, name, bytes) == 0) return names[i].rules;
  return NULL;
}

/* The character at offset `at`: its length (0 at the end of the text) and class. */
static size_t peek(const struct cursor *in, size_t at, enum sp_class *class) {
  uint32_t c;
  *class = SP_OTHER;
  if (at >= in->bytes) return 0;
  size_t n = sp_utf8_next(in->text + at, in->bytes - at, &c);
  *class = sp_unicode_class(c);
  return n;
}

/* The end of the run of `wanted` that begins at `at`, at most `most` characters (0: any number). */
static size_t run_end(const struct cursor *in, size_t at, enum sp_class wanted, unsigned most) {
  enum sp_class class;
  for (unsigned count = 0; most == 0 || count < most; count++) {
    size_t n = peek(in, at, &class);
    if (n == 0 || class != wanted) break;
    at += n;
  }
  return at;
}

static bool is_line_end(char c) { return c == '\n' || c == '\r'; }

/* 's 't 're 've 'm 'll 'd. Without regard to case in the modern pattern, where the long s (C5 BF) folds to s as well. */
static size_t contraction(const struct cursor *in) {
  static const char tails[][3] = {"s", "t", "re", "ve", "m", "ll", "d"};
  const char fold = in->rules->modern ? 0x20 : 0;
  if (in->text[0] != '\'') return 0;
  for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
    size_t n = strlen(tails[i]), same = 0;
    if (1 + n > in->bytes) continue;
    while (same < n && (in->text[1 + same] | fold) == tails[i][same]) same++;
    if (same == n) return 1 + n;
  }
  return fold && in->bytes > 2 && memcmp(in->text + 1, "\xc5\xbf", 2) == 0 ? 3 : 0;
}

/* One class, with a single space before it: " ?L+", " ?N+", " ?[^\sLN]+". */
static size_t spaced_run(const struct cursor *in, enum sp_class wanted, unsigned most) {
  size_t space = in->text[0] == ' ', end = run_end(in, space, wanted, most);
  return end > space ? end : 0;
}

/* "[^\r\nLN]?L+": letters, with any one character before them that is neither letter, number nor line end. */
static size_t marked_word(const struct cursor *in) {
  enum sp_class class;
  size_t mark = peek(in, 0, &class);
  if (class == SP_LETTER) return run_end(in, 0, SP_LETTER, 0);
  if (class == SP_NUMBER || is_line_end(in->text[0])) return 0;
  size_t end = run_end(in, mark, SP_LETTER, 0);
  return end > mark ? end : 0;
}

/* " ?[^\sLN]+[\r\n]*" */
static size_t marks_and_line_ends(const struct cursor *in) {
  size_t end = spaced_run(in, SP_OTHER, 0);
  while (end > 0 && end < in->bytes && is_line_end(in->text[end])) end++;
  return end;
}

/* White space, at least one character of it: "\s*[\r\n]+" where the pattern has that; then "\s+(?!\S)": all of a run that nothing
 * follows, else all but its last character, which belongs to the next piece; then "\s+". */
static size_t white_space(const struct cursor *in) {
  size_t end = run_end(in, 0, SP_SPACE, 0), line = in->rules->modern ? end : 0;
  while (line > 0 && !is_line_end(in->text[line - 1])) line--;
  if (line > 0) return line;
  if (end == in->bytes) return end;
  enum sp_class next;
  peek(in, end, &next);
  if (in->rules->digits_first && next == SP_NUMBER) return end; /* to the pattern, the text ends before a digit */
  size_t last = sp_utf8_last(in->text, end);
  return last > 0 ? last : end;
}

/* Digits that come first are never joined by a space; otherwise numbers are a class like the others. */
static size_t classic(const struct cursor *in) {
  const struct sp_pretok *rules = in->rules;
  size_t n = contraction(in);
  if (n == 0) n = spaced_run(in, SP_LETTER, 0);
  if (n == 0) n = rules->digits_first ? run_end(in, 0, SP_NUMBER, rules->digits) : spaced_run(in, SP_NUMBER, rules->digits);
  if (n == 0) n = spaced_run(in, SP_OTHER, 0);
  return n ? n : white_space(in);
}

static size_t modern(const struct cursor *in) {
  size_t n = contraction(in);
  if (n == 0) n = marked_word(in);
  if (n == 0) n = run_end(in, 0, SP_NUMBER, in->rules->digits);
  if (n == 0) n = marks_and_line_ends(in);
  return n ? n : white_space(in);
}

size_t sp_pretok_next(const struct sp_pretok *rules, const char *text, size_t bytes) {
  struct cursor in = {.rules = rules, .text = text, .bytes = bytes};
  if (bytes == 0) return 0;
  return rules->modern ? modern(&in) : classic(&in);
}
