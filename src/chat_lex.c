/*
 * chat_lex.c - a template's source as text between tags and tokens inside tags.
 *
 * In:       source.  Out: one piece of text or one token at a time.
 * Not here: what tokens mean (chat_parse.c).
 *
 * White space follows the settings under which published templates are written (trim_blocks and lstrip_blocks on): the line end
 * after a block tag goes, and so do blanks between the line's start and a block tag; "-" at a tag's edge takes all white space on
 * that side, "+" keeps it. Only the edges that face text matter, so they are handled here and nowhere else.
 */
#include <string.h>
#include "chat_tree.h"

bool sp_is(const char *text, size_t bytes, const char *word) { return strlen(word) == bytes && memcmp(text, word, bytes) == 0; }

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/* Does the source go on with `word` at pos? */
static bool at_word(const struct sp_lexer *l, uint32_t pos, const char *word) {
  size_t n = strlen(word);
  return n <= l->c->bytes - pos && memcmp(l->c->source + pos, word, n) == 0;
}

static void skip_space(struct sp_lexer *l) {
  while (l->pos < l->c->bytes && is_space(l->c->source[l->pos])) l->pos++;
}

/* ---- text ---- */

/* Where the next tag's "{" stands; the source's end if there is none. */
static uint32_t find_tag(const struct sp_lexer *l) {
  for (uint32_t at = l->pos; at < l->c->bytes; at++) {
    const char *brace = memchr(l->c->source + at, '{', l->c->bytes - at);
    if (!brace) break;
    at = (uint32_t)(brace - l->c->source);
    if (at_word(l, at, "{{") || at_word(l, at, "{%") || at_word(l, at, "{#")) return at;
  }
  return l->c->bytes;
}

/* The end of text [start, tag) as the tag's left edge leaves it. */
static uint32_t cut_right(const struct sp_lexer *l, uint32_t start, uint32_t tag) {
  const char *source = l->c->source;
  char sign = tag + 2 < l->c->bytes ? source[tag + 2] : '\0';
  uint32_t end = tag;
  if (tag == l->c->bytes || sign == '+') return tag;
  if (sign == '-') {
    while (end > start && is_space(source[end - 1])) end--;
    return end;
  }
  if (source[tag + 1] == '{') return tag;
  while (end > start && is_space(source[end - 1]) && source[end - 1] != '\n') end--;
  bool line_starts = end > 0 ? source[end - 1] == '\n' : true;
  return line_starts ? end : tag;
}

/* Stands behind a closing edge whose sign was `sign`: takes what it takes of the text that follows. */
static void cut_left(struct sp_lexer *l, char sign, bool block) {
  if (sign == '-')
    skip_space(l);
  else if (block && sign != '+' && l->pos < l->c->bytes && l->c->source[l->pos] == '\n')
    l->pos++;
}

/* Comments count as blocks for the white space around them. */
static still_status skip_comment(struct sp_lexer *l, uint32_t tag) {
  for (uint32_t at = tag + 2; at + 1 < l->c->bytes; at++) {
    const char *mark = memchr(l->c->source + at, '#', l->c->bytes - at);
    if (!mark) break;
    at = (uint32_t)(mark - l->c->source);
    if (!at_word(l, at, "#}")) continue;
    l->pos = at + 2;
    cut_left(l, l->c->source[at - 1], true);
    return STILL_OK;
  }
  return sp_chat_fail(l->c, STILL_EFORMAT, tag, "a comment never ends");
}

/* After the text, the tag is entered: l stands on its first token, its opening sign is taken. */
still_status sp_lexer_text(struct sp_lexer *l, const char **text, uint32_t *bytes, enum sp_tag *tag) {
  uint32_t start = l->pos, at = find_tag(l);
  *text = l->c->source + start;
  *bytes = cut_right(l, start, at) - start;
  *tag = SP_TAG_NONE;
  l->pos = at;
  if (at == l->c->bytes) return STILL_OK;
  if (l->c->source[at + 1] == '#') return skip_comment(l, at);
  l->block = l->c->source[at + 1] == '%';
  *tag = l->block ? SP_TAG_BLOCK : SP_TAG_OUTPUT;
  l->open = 0;
  l->pos = at + 2;
  if (l->pos < l->c->bytes && (l->c->source[l->pos] == '-' || (l->block && l->c->source[l->pos] == '+'))) l->pos++;
  return sp_lexer_next(l);
}

/* ---- tokens ---- */

/* Inside brackets, "}}" closes maps. */
static bool take_tag_end(struct sp_lexer *l) {
  char sign = l->pos < l->c->bytes ? l->c->source[l->pos] : '\0';
  uint32_t at = l->pos + (sign == '-' || (l->block && sign == '+'));
  if (l->open > 0 || !at_word(l, at, l->block ? "%}" : "}}")) return false;
  l->kind = SP_T_END;
  l->pos = at + 2;
  cut_left(l, sign, l->block);
  return true;
}

static void take_name(struct sp_lexer *l) {
  while (l->pos < l->c->bytes && (is_letter(l->c->source[l->pos]) || is_digit(l->c->source[l->pos]))) l->pos++;
  l->kind = SP_T_NAME;
  l->text = l->c->source + l->at;
  l->bytes = l->pos - l->at;
}

/* Digits alone: the sign is an operator. A number with a point is refused rather than cut in two. */
static still_status take_number(struct sp_lexer *l) {
  l->kind = SP_T_INT;
  l->number = 0;
  for (; l->pos < l->c->bytes && is_digit(l->c->source[l->pos]); l->pos++) {
    int digit = l->c->source[l->pos] - '0';
    if (l->number > (INT64_MAX - digit) / 10)
      return sp_chat_fail(l->c, STILL_EUNSUPPORTED, l->at, "a number does not fit 64 bits");
    l->number = l->number * 10 + digit;
  }
  bool point = l->pos + 1 < l->c->bytes && l->c->source[l->pos] == '.' && is_digit(l->c->source[l->pos + 1]);
  return point ? sp_chat_fail(l->c, STILL_EUNSUPPORTED, l->at, "numbers with a point are not known here") : STILL_OK;
}

/* Value of `digits` hexadecimal digits at pos; -1 if they are not. */
static int64_t hex(const struct sp_lexer *l, uint32_t pos, unsigned digits) {
  int64_t value = 0;
  if (l->c->bytes - pos < digits) return -1;
  for (unsigned i = 0; i < digits; i++) {
    char c = l->c->source[pos + i], low = (char)(c | 0x20);
    if (!is_digit(c) && (low < 'a' || low > 'f')) return -1;
    value = value * 16 + (is_digit(c) ? c - '0' : low - 'a' + 10);
  }
  return value;
}

/* c is a code point and no surrogate. */
static uint32_t put_utf8(char *out, uint32_t c) {
  uint32_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (uint32_t i = n; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
  out[0] = (char)(lead[n] | c);
  return n;
}

/* One escape; l->pos stands behind the backslash and moves on. What is no escape keeps its backslash. Writes at most as much as
 * it reads. */
static uint32_t unescape(struct sp_lexer *l, char *out) {
  static const char from[] = "nrtabfv0\\'\"", to[] = "\n\r\t\a\b\f\v\0\\'\"";
  static const struct {
    char letter;
    unsigned digits;
  } codes[] = {{'x', 2}, {'u', 4}, {'U', 8}};
  char c = l->c->source[l->pos++];
  const char *simple = memchr(from, c, sizeof from - 1);
  if (c == '\n') return 0;
  if (simple) {
    out[0] = to[simple - from];
    return 1;
  }
  for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
    int64_t code = c == codes[i].letter ? hex(l, l->pos, codes[i].digits) : -1;
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) continue;
    l->pos += codes[i].digits;
    return put_utf8(out, (uint32_t)code);
  }
  out[0] = '\\';
  out[1] = c;
  return 2;
}

/* Quotes of either kind. The unescaped text is never longer than the source. */
static still_status take_string(struct sp_lexer *l) {
  const char *source = l->c->source, quote = source[l->pos++];
  uint32_t end = l->pos, n = 0;
  while (end < l->c->bytes && source[end] != quote) end += source[end] == '\\' ? 2 : 1;
  if (end >= l->c->bytes) return sp_chat_fail(l->c, STILL_EFORMAT, l->at, "a string never ends");
  char *text = sp_arena_alloc(&l->c->arena, (size_t)(end - l->pos) + 1, 1, "chat template");
  if (!text) return STILL_ENOMEM;
  while (l->pos < end)
    if (source[l->pos] == '\\') {
      l->pos++;
      n += unescape(l, text + n);
    } else
      text[n++] = source[l->pos++];
  l->pos = end + 1;
  l->kind = SP_T_STRING;
  l->text = text;
  l->bytes = n;
  return STILL_OK;
}

/* Brackets are counted, so that the tag's end is found. */
static still_status take_operator(struct sp_lexer *l) {
  static const struct {
    char text[3];
    enum sp_op op;
  } operators[] = { /* longer ones first */
    {"==", SP_OP_EQ}, {"!=", SP_OP_NE}, {"<=", SP_OP_LE}, {">=", SP_OP_GE}, {"//", SP_OP_DIVIDE_DOWN}, {"**", SP_OP_POWER},
    {"+", SP_OP_PLUS}, {"-", SP_OP_MINUS}, {"*", SP_OP_TIMES}, {"/", SP_OP_DIVIDE}, {"%", SP_OP_MODULO}, {"~", SP_OP_TILDE},
    {"<", SP_OP_LESS}, {">", SP_OP_MORE}, {"(", SP_OP_OPEN}, {")", SP_OP_CLOSE}, {"[", SP_OP_OPEN_LIST}, {"]", SP_OP_CLOSE_LIST},
    {"{", SP_OP_OPEN_MAP}, {"}", SP_OP_CLOSE_MAP}, {".", SP_OP_DOT}, {",", SP_OP_COMMA}, {":", SP_OP_COLON}, {"|", SP_OP_PIPE},
    {"=", SP_OP_ASSIGN},
  };
  for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++)
    if (at_word(l, l->pos, operators[i].text)) {
      l->kind = SP_T_OP;
      l->op = operators[i].op;
      l->pos += (uint32_t)strlen(operators[i].text);
      l->open += l->op == SP_OP_OPEN || l->op == SP_OP_OPEN_LIST || l->op == SP_OP_OPEN_MAP;
      l->open -= l->open > 0 && (l->op == SP_OP_CLOSE || l->op == SP_OP_CLOSE_LIST || l->op == SP_OP_CLOSE_MAP);
      return STILL_OK;
    }
  return sp_chat_fail(l->c, STILL_EUNSUPPORTED, l->at, "a character that no expression has");
}

still_status sp_lexer_next(struct sp_lexer *l) {
  skip_space(l);
  l->at = l->pos;
  l->op = SP_OP_NONE;
  if (l->pos == l->c->bytes) return sp_chat_fail(l->c, STILL_EFORMAT, l->at, "a tag never ends");
  char c = l->c->source[l->pos];
  if (take_tag_end(l)) return STILL_OK;
  if (is_digit(c)) return take_number(l);
  if (c == '\'' || c == '"') return take_string(l);
  if (!is_letter(c)) return take_operator(l);
  take_name(l);
  return STILL_OK;
}
