/*
 * chat_parse.c - tokens of a template to a flat array of nodes.
 *
 * In:       source.  Out: c->nodes; node 0 is the body.
 * Not here: what names mean: unknown filters, tests and functions are found when they are reached, since templates carry branches
 * for
 *           tools that never run here.
 *
 * Chains (a + b + c, a.b[c]|d, elif after elif) are lists of siblings, so the tree is only as deep as brackets, "not", "if else"
 * and blocks nest, and that is bounded.
 */
#include <string.h>
#include "chat_tree.h"

struct parser {
  struct sp_lexer l;
  struct sp_chat *c;
  unsigned depth;
};

struct children { /* of a node under construction */
  uint32_t parent, last;
};

static still_status expression(struct parser *p, uint32_t *out);
static still_status unary(struct parser *p, uint32_t *out);
static still_status body(struct parser *p, const char *const *ends, uint32_t *out);

/* ---- small things ---- */

static bool is_op(const struct parser *p, enum sp_op op) { return p->l.kind == SP_T_OP && p->l.op == op; }
static bool is_word(const struct parser *p, const char *word) {
  return p->l.kind == SP_T_NAME && sp_is(p->l.text, p->l.bytes, word);
}

static still_status refuse(struct parser *p, const char *wanted) {
  return sp_chat_fail(p->c, STILL_EUNSUPPORTED, p->l.at, "%s is missing", wanted);
}

static still_status expect(struct parser *p, enum sp_op op, const char *wanted) {
  return is_op(p, op) ? sp_lexer_next(&p->l) : refuse(p, wanted);
}

static still_status expect_word(struct parser *p, const char *word) {
  return is_word(p, word) ? sp_lexer_next(&p->l) : refuse(p, word);
}

static still_status expect_end(struct parser *p) { return p->l.kind == SP_T_END ? STILL_OK : refuse(p, "the end of the tag"); }

/* One more level of nesting; whoever calls takes it back with p->depth--. */
static still_status deeper(struct parser *p) {
  if (++p->depth <= SP_CHAT_DEPTH) return STILL_OK;
  return sp_chat_fail(p->c, STILL_ELIMIT, p->l.at, "nested more than %d deep", SP_CHAT_DEPTH);
}

static struct sp_node *node_at(const struct parser *p, uint32_t node) { return &p->c->nodes[node]; }

/* A new node that carries the present token's text. */
static still_status make(struct parser *p, enum sp_node_kind kind, uint32_t *out) {
  SP_TRY(sp_chat_node(p->c, kind, p->l.at, out));
  struct sp_node *node = node_at(p, *out);
  if (p->l.kind != SP_T_NAME && p->l.kind != SP_T_STRING) return STILL_OK;
  node->text = p->l.text;
  node->bytes = p->l.bytes;
  return STILL_OK;
}

/* The new child goes last. Nodes are appended to one parent only. */
static void append(struct parser *p, struct children *list, uint32_t child) {
  if (list->last)
    node_at(p, list->last)->next = child;
  else
    node_at(p, list->parent)->child = child;
  list->last = child;
}

/* A new node of `kind` as the last child. */
static still_status append_new(struct parser *p, struct children *list, enum sp_node_kind kind) {
  uint32_t child;
  SP_TRY(make(p, kind, &child));
  append(p, list, child);
  return STILL_OK;
}

static still_status append_expression(struct parser *p, struct children *list) {
  uint32_t child;
  SP_TRY(expression(p, &child));
  append(p, list, child);
  return STILL_OK;
}

/* ---- expressions ---- */

/* Expressions with commas between, up to `close`, which is taken. */
static still_status items(struct parser *p, struct children *list, enum sp_op close, const char *wanted) {
  while (!is_op(p, close)) {
    SP_TRY(append_expression(p, list));
    if (!is_op(p, SP_OP_COMMA)) break;
    SP_TRY(sp_lexer_next(&p->l));
  }
  return expect(p, close, wanted);
}

/* One argument: an expression, or name = expression. */
static still_status argument(struct parser *p, struct children *list) {
  uint32_t child;
  SP_TRY(expression(p, &child));
  if (node_at(p, child)->kind == SP_N_NAME && is_op(p, SP_OP_ASSIGN)) {
    SP_TRY(sp_lexer_next(&p->l));
    node_at(p, child)->kind = SP_N_ARGUMENT;
    struct children value = {.parent = child};
    SP_TRY(append_expression(p, &value));
  }
  append(p, list, child);
  return STILL_OK;
}

/* "(a, b, name = c)"; the bracket is the present token. */
static still_status arguments(struct parser *p, uint32_t node) {
  struct children list = {.parent = node};
  SP_TRY(sp_lexer_next(&p->l));
  while (!is_op(p, SP_OP_CLOSE)) {
    SP_TRY(argument(p, &list));
    if (!is_op(p, SP_OP_COMMA)) break;
    SP_TRY(sp_lexer_next(&p->l));
  }
  return expect(p, SP_OP_CLOSE, "\")\"");
}

/* "(value)" or "(a, b)"; the bracket is the present token. */
static still_status bracket(struct parser *p, uint32_t *out) {
  uint32_t first = 0;
  SP_TRY(sp_lexer_next(&p->l));
  if (!is_op(p, SP_OP_CLOSE)) SP_TRY(expression(p, &first));
  if (first && is_op(p, SP_OP_CLOSE)) {
    *out = first;
    return sp_lexer_next(&p->l);
  }
  SP_TRY(make(p, SP_N_LIST, out));
  struct children list = {.parent = *out};
  if (first) {
    append(p, &list, first);
    SP_TRY(expect(p, SP_OP_COMMA, "\",\" or \")\""));
  }
  return items(p, &list, SP_OP_CLOSE, "\")\"");
}

/* A string; strings that follow one another are one. */
static still_status string(struct parser *p, uint32_t *out) {
  SP_TRY(make(p, SP_N_STRING, out));
  SP_TRY(sp_lexer_next(&p->l));
  while (p->l.kind == SP_T_STRING) {
    struct sp_node *node = node_at(p, *out);
    char *both = sp_arena_alloc(&p->c->arena, (size_t)node->bytes + p->l.bytes + 1, 1, "chat template");
    if (!both) return STILL_ENOMEM;
    memcpy(both, node->text, node->bytes);
    memcpy(both + node->bytes, p->l.text, p->l.bytes);
    node->text = both;
    node->bytes += p->l.bytes;
    SP_TRY(sp_lexer_next(&p->l));
  }
  return STILL_OK;
}

/* A variable, unless it is one of the constants, which no template can hide. */
static still_status name(struct parser *p, uint32_t *out) {
  static const struct {
    const char *word;
    enum sp_node_kind kind;
  } constants[] = {{"true", SP_N_TRUE},   {"True", SP_N_TRUE}, {"false", SP_N_FALSE},
                   {"False", SP_N_FALSE}, {"none", SP_N_NONE}, {"None", SP_N_NONE}};
  enum sp_node_kind kind = SP_N_NAME;
  for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
    if (is_word(p, constants[i].word)) kind = constants[i].kind;
  SP_TRY(make(p, kind, out));
  return sp_lexer_next(&p->l);
}

/* "{key: value, ...}"; the bracket is the present token. */
static still_status map(struct parser *p, uint32_t *out) {
  SP_TRY(make(p, SP_N_MAP, out));
  struct children list = {.parent = *out};
  SP_TRY(sp_lexer_next(&p->l));
  while (!is_op(p, SP_OP_CLOSE_MAP)) {
    SP_TRY(append_expression(p, &list));
    SP_TRY(expect(p, SP_OP_COLON, "\":\""));
    SP_TRY(append_expression(p, &list));
    if (!is_op(p, SP_OP_COMMA)) break;
    SP_TRY(sp_lexer_next(&p->l));
  }
  return expect(p, SP_OP_CLOSE_MAP, "\"}\"");
}

static still_status primary(struct parser *p, uint32_t *out) {
  if (p->l.kind == SP_T_NAME) return name(p, out);
  if (p->l.kind == SP_T_STRING) return string(p, out);
  if (p->l.kind == SP_T_INT) {
    SP_TRY(make(p, SP_N_INT, out));
    node_at(p, *out)->number = p->l.number;
    return sp_lexer_next(&p->l);
  }
  if (is_op(p, SP_OP_OPEN)) return bracket(p, out);
  if (is_op(p, SP_OP_OPEN_MAP)) return map(p, out);
  if (!is_op(p, SP_OP_OPEN_LIST)) return refuse(p, "a value");
  SP_TRY(make(p, SP_N_LIST, out));
  SP_TRY(sp_lexer_next(&p->l));
  return items(p, &(struct children){.parent = *out}, SP_OP_CLOSE_LIST, "\"]\"");
}

/* ".name"; the point is the present token. */
static still_status member(struct parser *p, struct children *chain) {
  SP_TRY(sp_lexer_next(&p->l));
  if (p->l.kind != SP_T_NAME) return refuse(p, "a name after \".\"");
  SP_TRY(append_new(p, chain, SP_N_MEMBER));
  return sp_lexer_next(&p->l);
}

/* "[index]" or "[first:last:step]"; the bracket is the present token. */
static still_status subscript(struct parser *p, struct children *chain) {
  SP_TRY(append_new(p, chain, SP_N_INDEX));
  uint32_t node = chain->last;
  struct children parts = {.parent = node};
  SP_TRY(sp_lexer_next(&p->l));
  for (unsigned part = 0; part < 3; part++) {
    bool absent = is_op(p, SP_OP_COLON) || is_op(p, SP_OP_CLOSE_LIST);
    SP_TRY(absent ? append_new(p, &parts, SP_N_ABSENT) : append_expression(p, &parts));
    if (part == 2 || !is_op(p, SP_OP_COLON)) continue;
    node_at(p, node)->kind = SP_N_SLICE;
    SP_TRY(sp_lexer_next(&p->l));
  }
  if (node_at(p, node)->kind == SP_N_INDEX && node_at(p, node_at(p, node)->child)->kind == SP_N_ABSENT)
    return refuse(p, "an index");
  return expect(p, SP_OP_CLOSE_LIST, "\"]\"");
}

/* "| name" or "| name(arguments)"; the bar is the present token. */
static still_status filter(struct parser *p, struct children *chain) {
  SP_TRY(sp_lexer_next(&p->l));
  if (p->l.kind != SP_T_NAME) return refuse(p, "a filter after \"|\"");
  SP_TRY(append_new(p, chain, SP_N_FILTER));
  SP_TRY(sp_lexer_next(&p->l));
  return is_op(p, SP_OP_OPEN) ? arguments(p, chain->last) : STILL_OK;
}

/* "is [not] name", with arguments in brackets or one value behind; "is" is the present token. */
static still_status test(struct parser *p, struct children *chain) {
  static const char *const after[] = {"and", "or", "else", "if", "in", "is", "not"};
  SP_TRY(sp_lexer_next(&p->l));
  bool negated = is_word(p, "not");
  if (negated) SP_TRY(sp_lexer_next(&p->l));
  if (p->l.kind != SP_T_NAME) return refuse(p, "a test after \"is\"");
  SP_TRY(append_new(p, chain, SP_N_TEST));
  if (negated) node_at(p, chain->last)->op = SP_OP_NOT;
  SP_TRY(sp_lexer_next(&p->l));
  if (is_op(p, SP_OP_OPEN)) return arguments(p, chain->last);
  bool value = p->l.kind == SP_T_NAME || p->l.kind == SP_T_STRING || p->l.kind == SP_T_INT || is_op(p, SP_OP_OPEN_LIST);
  for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) value = value && !is_word(p, after[i]);
  if (!value) return STILL_OK;
  uint32_t node;
  SP_TRY(unary(p, &node));
  node_at(p, chain->last)->child = node;
  return STILL_OK;
}

/* One more link of a chain; *more: there was one. */
static still_status link(struct parser *p, struct children *chain, bool *more) {
  *more = true;
  if (is_op(p, SP_OP_DOT)) return member(p, chain);
  if (is_op(p, SP_OP_OPEN_LIST)) return subscript(p, chain);
  if (is_op(p, SP_OP_PIPE)) return filter(p, chain);
  if (is_word(p, "is")) return test(p, chain);
  if (is_op(p, SP_OP_OPEN)) {
    SP_TRY(append_new(p, chain, SP_N_CALL));
    return arguments(p, chain->last);
  }
  *more = false;
  return STILL_OK;
}

/* "-" before a value, perhaps again. */
static still_status negative(struct parser *p, uint32_t *out) {
  uint32_t value;
  SP_TRY(make(p, SP_N_NEGATE, out));
  SP_TRY(deeper(p));
  SP_TRY(sp_lexer_next(&p->l));
  SP_TRY(unary(p, &value));
  p->depth--;
  node_at(p, *out)->child = value;
  return STILL_OK;
}

/* A value with its links, or one with "-" before it. */
static still_status unary(struct parser *p, uint32_t *out) {
  if (is_op(p, SP_OP_MINUS)) return negative(p, out);
  struct children chain = {.last = 0};
  uint32_t value;
  bool more = true;
  SP_TRY(make(p, SP_N_CHAIN, &chain.parent));
  SP_TRY(primary(p, &value));
  append(p, &chain, value);
  while (more) SP_TRY(link(p, &chain, &more));
  *out = chain.last == value ? value : chain.parent;
  return STILL_OK;
}

/* Operators by level, loosest first. "not" stands between and and comparisons. */
static const struct level {
  enum sp_node_kind kind;
  enum sp_op ops[8];
} levels[] = {
  {SP_N_OR, {SP_OP_OR}},
  {SP_N_AND, {SP_OP_AND}},
  {SP_N_NOT, {SP_OP_NONE}},
  {SP_N_COMPARE, {SP_OP_EQ, SP_OP_NE, SP_OP_LESS, SP_OP_LE, SP_OP_MORE, SP_OP_GE, SP_OP_IN, SP_OP_NOT_IN}},
  {SP_N_SUM, {SP_OP_PLUS, SP_OP_MINUS}},
  {SP_N_CONCAT, {SP_OP_TILDE}},
  {SP_N_PRODUCT, {SP_OP_TIMES, SP_OP_DIVIDE_DOWN, SP_OP_MODULO, SP_OP_DIVIDE, SP_OP_POWER}},
};

enum { LEVELS = sizeof levels / sizeof levels[0] };

/* The operator of a level that is the present token; SP_OP_NONE if there is none. `not in` is two words. */
static enum sp_op operator_of(const struct parser *p, const struct level *level) {
  static const struct {
    const char *word;
    enum sp_op op;
  } words[] = {{"or", SP_OP_OR}, {"and", SP_OP_AND}, {"in", SP_OP_IN}, {"not", SP_OP_NOT_IN}};
  enum sp_op op = p->l.op;
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
    if (is_word(p, words[i].word)) op = words[i].op;
  for (size_t i = 0; i < 8 && op != SP_OP_NONE; i++)
    if (level->ops[i] == op) return op;
  return SP_OP_NONE;
}

static still_status operation(struct parser *p, size_t level, uint32_t *out);

/* "not" holds for the whole comparison that follows: not a == b. */
static still_status negation(struct parser *p, size_t level, uint32_t *out) {
  uint32_t value;
  SP_TRY(make(p, SP_N_NOT, out));
  SP_TRY(deeper(p));
  SP_TRY(sp_lexer_next(&p->l));
  SP_TRY(operation(p, level, &value));
  p->depth--;
  node_at(p, *out)->child = value;
  return STILL_OK;
}

/* Operands of one level with its operators between them. */
static still_status operation(struct parser *p, size_t level, uint32_t *out) {
  if (level == LEVELS) return unary(p, out);
  if (levels[level].kind == SP_N_NOT && is_word(p, "not")) return negation(p, level, out);
  SP_TRY(operation(p, level + 1, out));
  enum sp_op op = operator_of(p, &levels[level]);
  if (op == SP_OP_NONE) return STILL_OK;
  struct children list = {.last = 0};
  SP_TRY(make(p, levels[level].kind, &list.parent));
  append(p, &list, *out);
  for (; op != SP_OP_NONE; op = operator_of(p, &levels[level])) {
    uint32_t operand;
    SP_TRY(sp_lexer_next(&p->l));
    if (op == SP_OP_NOT_IN) SP_TRY(expect_word(p, "in"));
    SP_TRY(operation(p, level + 1, &operand));
    node_at(p, operand)->op = (uint8_t)op;
    append(p, &list, operand);
  }
  *out = list.parent;
  return STILL_OK;
}

/* "value" or "value if condition else other". */
static still_status expression(struct parser *p, uint32_t *out) {
  SP_TRY(deeper(p));
  SP_TRY(operation(p, 0, out));
  if (is_word(p, "if")) {
    struct children list = {.last = 0};
    uint32_t condition;
    SP_TRY(make(p, SP_N_COND, &list.parent));
    append(p, &list, *out);
    SP_TRY(sp_lexer_next(&p->l));
    SP_TRY(operation(p, 0, &condition));
    append(p, &list, condition);
    bool otherwise = is_word(p, "else");
    if (otherwise) SP_TRY(sp_lexer_next(&p->l));
    SP_TRY(otherwise ? append_expression(p, &list) : append_new(p, &list, SP_N_ABSENT));
    *out = list.parent;
  }
  p->depth--;
  return STILL_OK;
}

/* ---- statements: each stands behind its keyword ---- */

static const char *const if_ends[] = {"elif", "else", "endif", NULL}, *const else_ends[] = {"endif", NULL};
static const char *const for_ends[] = {"else", "endfor", NULL}, *const for_else_ends[] = {"endfor", NULL};
static const char *const set_ends[] = {"endset", NULL}, *const generation_ends[] = {"endgeneration", NULL},
                         *const macro_ends[] = {"endmacro", NULL};

/* The end of this tag, then statements as the last child; stops at a tag that begins with one of `ends`, which is the present
 * token. */
static still_status append_body(struct parser *p, struct children *list, const char *const *ends) {
  uint32_t child;
  SP_TRY(expect_end(p));
  SP_TRY(body(p, ends, &child));
  append(p, list, child);
  return STILL_OK;
}

/* Conditions and bodies in turn; an else has an absent condition. */
static still_status if_statement(struct parser *p, uint32_t node) {
  struct children list = {.parent = node};
  do {
    SP_TRY(append_expression(p, &list));
    SP_TRY(append_body(p, &list, if_ends));
    if (!is_word(p, "elif")) break;
    SP_TRY(sp_lexer_next(&p->l));
  } while (true);
  if (is_word(p, "else")) {
    SP_TRY(append_new(p, &list, SP_N_ABSENT));
    SP_TRY(sp_lexer_next(&p->l));
    SP_TRY(append_body(p, &list, else_ends));
  }
  return sp_lexer_next(&p->l);
}

/* "a in" or "a, b in". */
static still_status for_targets(struct parser *p, struct children *list) {
  SP_TRY(append_new(p, list, SP_N_LIST));
  struct children targets = {.parent = list->last};
  do {
    if (targets.last) SP_TRY(sp_lexer_next(&p->l));
    if (p->l.kind != SP_T_NAME) return refuse(p, "the name of a loop's variable");
    SP_TRY(append_new(p, &targets, SP_N_NAME));
    SP_TRY(sp_lexer_next(&p->l));
  } while (is_op(p, SP_OP_COMMA));
  return expect_word(p, "in");
}

/* "for targets in iterable [if condition]", body, perhaps "else" and a body for no items. */
static still_status for_statement(struct parser *p, uint32_t node) {
  struct children list = {.parent = node};
  uint32_t iterable;
  SP_TRY(for_targets(p, &list));
  SP_TRY(operation(p, 0, &iterable));
  append(p, &list, iterable);
  bool condition = is_word(p, "if");
  if (condition) SP_TRY(sp_lexer_next(&p->l));
  SP_TRY(condition ? append_expression(p, &list) : append_new(p, &list, SP_N_ABSENT));
  SP_TRY(append_body(p, &list, for_ends));
  if (is_word(p, "else")) {
    SP_TRY(sp_lexer_next(&p->l));
    SP_TRY(append_body(p, &list, for_else_ends));
  }
  return sp_lexer_next(&p->l);
}

/* "set x = value", "set space.x = value", or "set x" with a body up to endset. */
static still_status set_statement(struct parser *p, uint32_t node) {
  struct children list = {.parent = node};
  if (p->l.kind != SP_T_NAME) return refuse(p, "a name after set");
  node_at(p, node)->text = p->l.text;
  node_at(p, node)->bytes = p->l.bytes;
  SP_TRY(sp_lexer_next(&p->l));
  if (p->l.kind == SP_T_END) {
    node_at(p, node)->kind = SP_N_SET_BLOCK;
    SP_TRY(append_body(p, &list, set_ends));
    return sp_lexer_next(&p->l);
  }
  if (is_op(p, SP_OP_DOT)) SP_TRY(member(p, &list));
  SP_TRY(expect(p, SP_OP_ASSIGN, "\"=\""));
  return append_expression(p, &list);
}

static still_status generation_statement(struct parser *p, uint32_t node) {
  struct children list = {.parent = node};
  SP_TRY(append_body(p, &list, generation_ends));
  return sp_lexer_next(&p->l);
}

/* Read to get past it; its node keeps the name alone. */
static still_status macro_statement(struct parser *p, uint32_t node) {
  struct children list = {.parent = node};
  if (p->l.kind != SP_T_NAME) return refuse(p, "a name after macro");
  node_at(p, node)->text = p->l.text;
  node_at(p, node)->bytes = p->l.bytes;
  SP_TRY(sp_lexer_next(&p->l));
  if (!is_op(p, SP_OP_OPEN)) return refuse(p, "\"(\"");
  SP_TRY(arguments(p, node));
  SP_TRY(append_body(p, &list, macro_ends));
  return sp_lexer_next(&p->l);
}

static still_status no_parts(struct parser *p, uint32_t node) {
  (void)p;
  (void)node;
  return STILL_OK;
}

static const struct {
  const char *word;
  enum sp_node_kind kind;
  still_status (*parse)(struct parser *p, uint32_t node);
} statements[] = {
  {"if", SP_N_IF, if_statement},
  {"for", SP_N_FOR, for_statement},
  {"set", SP_N_SET, set_statement},
  {"macro", SP_N_MACRO, macro_statement},
  {"break", SP_N_BREAK, no_parts},
  {"continue", SP_N_CONTINUE, no_parts},
  {"generation", SP_N_BODY, generation_statement}, /* marks what a model said, for training; its text counts as it is */
};

/* By its keyword, which is the present token. */
static still_status statement(struct parser *p, struct children *list) {
  for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
    if (!is_word(p, statements[i].word)) continue;
    SP_TRY(append_new(p, list, statements[i].kind));
    SP_TRY(sp_lexer_next(&p->l));
    SP_TRY(statements[i].parse(p, list->last));
    return expect_end(p);
  }
  return sp_chat_fail(p->c, STILL_EUNSUPPORTED, p->l.at, "this statement is not known here");
}

/* ---- bodies ---- */

static bool is_end(const struct parser *p, const char *const *ends) {
  while (*ends && !is_word(p, *ends)) ends++;
  return *ends != NULL;
}

static still_status append_text(struct parser *p, struct children *list, const char *text, uint32_t bytes) {
  if (bytes == 0) return STILL_OK;
  SP_TRY(append_new(p, list, SP_N_TEXT));
  node_at(p, list->last)->text = text;
  node_at(p, list->last)->bytes = bytes;
  return STILL_OK;
}

static still_status output(struct parser *p, struct children *list) {
  SP_TRY(append_new(p, list, SP_N_OUTPUT));
  struct children value = {.parent = list->last};
  SP_TRY(append_expression(p, &value));
  return expect_end(p);
}

/* Text and statements up to a tag that begins with one of `ends`, or, without any, up to the end of the source. */
static still_status body(struct parser *p, const char *const *ends, uint32_t *out) {
  SP_TRY(deeper(p));
  SP_TRY(make(p, SP_N_BODY, out));
  struct children list = {.parent = *out};
  for (;;) {
    const char *text;
    uint32_t bytes, before = p->l.pos;
    enum sp_tag tag;
    SP_TRY(sp_lexer_text(&p->l, &text, &bytes, &tag));
    SP_TRY(append_text(p, &list, text, bytes));
    if (tag == SP_TAG_OUTPUT) SP_TRY(output(p, &list));
    if (tag == SP_TAG_BLOCK && is_end(p, ends)) break;
    if (tag == SP_TAG_BLOCK) SP_TRY(statement(p, &list));
    if (tag != SP_TAG_NONE || p->l.pos < p->c->bytes) continue;
    if (*ends) return sp_chat_fail(p->c, STILL_EFORMAT, before, "%s is missing before the template's end", ends[0]);
    break;
  }
  p->depth--;
  return STILL_OK;
}

still_status sp_chat_parse(struct sp_chat *c) {
  static const char *const nothing[] = {NULL};
  struct parser p = {.l = {.c = c, .kind = SP_T_END}, .c = c};
  uint32_t root;
  return body(&p, nothing, &root);
}
