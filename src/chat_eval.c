/*
 * chat_eval.c - runs the nodes of a template: statements write text, expressions give values.
 *
 * In:       nodes, variables.  Out: text.
 * Not here: what values do (chat_value.c), what templates call (chat_call.c).
 *
 * One function per kind of node, in a table. They call each other only as deep as the parser let nodes nest. A `for` gives each
 * of its turns a scope of its own; `if` does not: a variable set there is seen until the turn, or the template, ends.
 */
#include <string.h>
#include "chat_run.h"

typedef still_status (*statement_fn)(struct sp_run *r, const struct sp_node *node);
typedef still_status (*expression_fn)(struct sp_run *r, const struct sp_node *node, struct sp_value *out);

static still_status run(struct sp_run *r, uint32_t number);
static still_status eval(struct sp_run *r, uint32_t number, struct sp_value *out);

static const struct sp_node *node_at(const struct sp_run *r, uint32_t number) { return &r->c->nodes[number]; }
static uint32_t next_of(const struct sp_run *r, uint32_t number) { return r->c->nodes[number].next; }

/* ---- variables ---- */

/* The youngest variable of that name, not older than number `from`. */
static struct sp_variable *find(struct sp_run *r, const char *name, size_t bytes, size_t from) {
  for (size_t i = r->n_variables; i-- > from;)
    if (r->variables[i].bytes == bytes && memcmp(r->variables[i].name, name, bytes) == 0) return &r->variables[i];
  return NULL;
}

/* Sets a variable of the present scope. */
static still_status assign(struct sp_run *r, const char *name, uint32_t bytes, struct sp_value value) {
  struct sp_variable *variable = find(r, name, bytes, r->scope);
  if (!variable) {
    if (r->n_variables == SP_CHAT_VARIABLES)
      return sp_chat_fail(r->c, STILL_ELIMIT, r->at, "more than %d variables at once", SP_CHAT_VARIABLES);
    variable = &r->variables[r->n_variables++];
  }
  *variable = (struct sp_variable){name, bytes, value};
  return STILL_OK;
}

/* ---- expressions ---- */

static still_status eval_absent(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  (void)r, (void)node;
  *out = (struct sp_value){0};
  return STILL_OK;
}

static still_status eval_none(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  (void)r, (void)node;
  *out = (struct sp_value){.kind = SP_V_NONE};
  return STILL_OK;
}

static still_status eval_bool(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  (void)r;
  *out = sp_value_bool(node->kind == SP_N_TRUE);
  return STILL_OK;
}

static still_status eval_int(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  (void)r;
  *out = sp_value_int(node->number);
  return STILL_OK;
}

static still_status eval_string(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  struct sp_text text;
  SP_TRY(sp_text_literal(r, node->text, node->bytes, &text));
  *out = sp_value_text(text);
  return STILL_OK;
}

/* Variables hide functions. What is neither is undefined, which is no error until something is asked of it. */
static still_status eval_name(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  const struct sp_variable *variable = find(r, node->text, node->bytes, 0);
  *out = variable ? variable->value : sp_call_find(node->text, node->bytes);
  return STILL_OK;
}

static still_status eval_list(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  size_t n = 0;
  for (uint32_t i = node->child; i; i = next_of(r, i)) n++;
  struct sp_value *items = sp_arena_alloc(&r->c->arena, n, sizeof *items, "chat list");
  if (!items) return STILL_ENOMEM;
  n = 0;
  for (uint32_t i = node->child; i; i = next_of(r, i)) SP_TRY(eval(r, i, &items[n++]));
  *out = (struct sp_value){.kind = SP_V_LIST, .list = {items, n}};
  return STILL_OK;
}

static still_status eval_map(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  struct sp_space *space = sp_arena_alloc(&r->c->arena, 1, sizeof *space, "chat map");
  if (!space) return STILL_ENOMEM;
  for (uint32_t i = node->child; i; i = next_of(r, next_of(r, i))) {
    struct sp_value key, value;
    SP_TRY(eval(r, i, &key));
    SP_TRY(eval(r, next_of(r, i), &value));
    if (key.kind != SP_V_STRING) return sp_run_refuse(r, "%s as the key of a map", sp_value_type(&key));
    SP_TRY(sp_value_assign(r, space, key.string.at, (uint32_t)key.string.bytes, value));
  }
  *out = (struct sp_value){.kind = SP_V_SPACE, .space = space};
  return STILL_OK;
}

/* "a if b else c": the condition goes first and decides what is looked at at all. */
static still_status eval_cond(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  uint32_t condition = next_of(r, node->child);
  SP_TRY(eval(r, condition, out));
  return eval(r, sp_value_true(out) ? node->child : next_of(r, condition), out);
}

/* The first operand that decides, or the last. */
static still_status eval_logic(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  for (uint32_t i = node->child; i; i = next_of(r, i)) {
    SP_TRY(eval(r, i, out));
    if (sp_value_true(out) == (node->kind == SP_N_OR)) break;
  }
  return STILL_OK;
}

static still_status eval_not(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  SP_TRY(eval(r, node->child, out));
  *out = sp_value_bool(!sp_value_true(out));
  return STILL_OK;
}

/* One comparison; "!=" and "not in" are "==" and "in" turned round. */
static still_status compare(struct sp_run *r, enum sp_op op, const struct sp_value *a, const struct sp_value *b, bool *yes) {
  int order;
  if (op == SP_OP_EQ || op == SP_OP_NE)
    SP_TRY(sp_value_equal(r, a, b, yes));
  else if (op == SP_OP_IN || op == SP_OP_NOT_IN)
    SP_TRY(sp_value_contains(r, b, a, yes));
  else {
    SP_TRY(sp_value_order(r, a, b, &order));
    *yes = op == SP_OP_LESS ? order < 0 : op == SP_OP_LE ? order <= 0 : op == SP_OP_MORE ? order > 0 : order >= 0;
  }
  *yes = *yes != (op == SP_OP_NE || op == SP_OP_NOT_IN);
  return STILL_OK;
}

/* a < b < c: all neighbours compare. */
static still_status eval_compare(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  struct sp_value left, right;
  bool yes = true;
  SP_TRY(eval(r, node->child, &left));
  for (uint32_t i = next_of(r, node->child); i && yes; i = next_of(r, i), left = right) {
    SP_TRY(eval(r, i, &right));
    SP_TRY(compare(r, node_at(r, i)->op, &left, &right, &yes));
  }
  *out = sp_value_bool(yes);
  return STILL_OK;
}

/* Whole numbers as Python has them: division rounds down, the remainder has the divisor's sign. */
static still_status calculate(struct sp_run *r, enum sp_op op, int64_t a, int64_t b, int64_t *out) {
  bool sound;
  *out = 0;
  switch (op) {
  case SP_OP_PLUS: sound = !__builtin_add_overflow(a, b, out); break;
  case SP_OP_MINUS: sound = !__builtin_sub_overflow(a, b, out); break;
  case SP_OP_TIMES: sound = !__builtin_mul_overflow(a, b, out); break;
  case SP_OP_DIVIDE_DOWN:
  case SP_OP_MODULO:
    sound = b != 0 && !(a == INT64_MIN && b == -1);
    if (!sound) break;
    bool down = a % b != 0 && (a % b < 0) != (b < 0);
    *out = op == SP_OP_MODULO ? a % b + (down ? b : 0) : a / b - down;
    break;
  default: return sp_run_refuse(r, "this operator is not known here");
  }
  return sound ? STILL_OK : sp_run_refuse(r, "a calculation leaves the range of numbers");
}

/* *a = *a op *b. "~" prints both sides first; "+" also joins strings and lists; all else wants numbers. */
static still_status combine(struct sp_run *r, enum sp_op op, const struct sp_value *b, struct sp_value *a) {
  struct sp_text x, y;
  if (op == SP_OP_TILDE) {
    SP_TRY(sp_value_print(r, a, &x));
    SP_TRY(sp_value_print(r, b, &y));
    struct sp_value left = sp_value_text(x), right = sp_value_text(y);
    return sp_value_add(r, &left, &right, a);
  }
  bool numbers = (a->kind == SP_V_INT || a->kind == SP_V_BOOL) && (b->kind == SP_V_INT || b->kind == SP_V_BOOL);
  if (!numbers && op == SP_OP_PLUS) return sp_value_add(r, a, b, a);
  if (!numbers)
    return sp_run_refuse(r, "%s and %s do not go together here", sp_value_type(a), sp_value_type(b));
  int64_t n;
  SP_TRY(calculate(r, op, a->number, b->number, &n));
  *a = sp_value_int(n);
  return STILL_OK;
}

/* From left to right; a level's operators bind alike. */
static still_status eval_operators(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  struct sp_value right;
  SP_TRY(eval(r, node->child, out));
  for (uint32_t i = next_of(r, node->child); i; i = next_of(r, i)) {
    SP_TRY(eval(r, i, &right));
    r->at = node_at(r, i)->at;
    SP_TRY(combine(r, node_at(r, i)->op, &right, out));
  }
  return STILL_OK;
}

static still_status eval_negate(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  struct sp_value zero = sp_value_int(0), value;
  SP_TRY(eval(r, node->child, &value));
  SP_TRY(combine(r, SP_OP_MINUS, &value, &zero));
  *out = zero;
  return STILL_OK;
}

/* ---- chains: a.b[c](d)|e is f ---- */

/* By position or by name; which names are right is for the called one to say. */
static still_status eval_arguments(struct sp_run *r, const struct sp_node *node, struct sp_arguments *a) {
  a->n = 0;
  for (uint32_t i = node->child; i; i = next_of(r, i)) {
    const struct sp_node *child = node_at(r, i);
    bool named = child->kind == SP_N_ARGUMENT;
    if (a->n == SP_CHAT_ARGUMENTS)
      return sp_chat_fail(r->c, STILL_EUNSUPPORTED, child->at, "more than %d arguments", SP_CHAT_ARGUMENTS);
    struct sp_argument *argument = &a->items[a->n++];
    *argument = (struct sp_argument){.name = named ? child->text : NULL, .bytes = child->bytes};
    SP_TRY(eval(r, named ? child->child : i, &argument->value));
  }
  return STILL_OK;
}

static still_status eval_slice(struct sp_run *r, const struct sp_node *node, struct sp_value *v) {
  struct sp_value part[3];
  size_t n = 0;
  for (uint32_t i = node->child; i; i = next_of(r, i)) SP_TRY(eval(r, i, &part[n++]));
  struct sp_value whole = *v;
  return sp_value_slice(r, &whole, part, v);
}

/* Applies one link to *v. A member that is called is a method; *used: the call went with it. */
static still_status apply(struct sp_run *r, const struct sp_node *link, struct sp_value *v, bool *used) {
  struct sp_arguments a;
  struct sp_value index;
  bool yes;
  const struct sp_node *next = link->next ? node_at(r, link->next) : NULL;
  *used = link->kind == SP_N_MEMBER && next && next->kind == SP_N_CALL;
  switch (link->kind) {
  case SP_N_MEMBER:
    if (!*used) return sp_value_member(r, v, link->text, link->bytes, v);
    SP_TRY(eval_arguments(r, next, &a));
    return sp_call_method(r, link, v, &a);
  case SP_N_INDEX:
    SP_TRY(eval(r, link->child, &index));
    return sp_value_index(r, v, &index, v);
  case SP_N_SLICE: return eval_slice(r, link, v);
  case SP_N_CALL:
    if (v->kind != SP_V_FUNCTION)
      return sp_chat_fail(r->c, STILL_EUNSUPPORTED, link->at, "%s cannot be called", sp_value_type(v));
    SP_TRY(eval_arguments(r, link, &a));
    index = *v;
    return sp_call_function(r, &index, &a, v);
  case SP_N_FILTER:
    SP_TRY(eval_arguments(r, link, &a));
    return sp_call_filter(r, link, v, &a);
  default: /* SP_N_TEST */
    SP_TRY(eval_arguments(r, link, &a));
    SP_TRY(sp_call_test(r, (struct sp_text){link->text, NULL, link->bytes}, v, &a, &yes));
    *v = sp_value_bool(yes != (link->op == SP_OP_NOT));
    return STILL_OK;
  }
}

/* Link by link; *out is always the value so far. */
static still_status eval_chain(struct sp_run *r, const struct sp_node *node, struct sp_value *out) {
  bool used;
  SP_TRY(eval(r, node->child, out));
  for (uint32_t i = next_of(r, node->child); i; i = next_of(r, i)) {
    r->at = node_at(r, i)->at;
    SP_TRY(sp_run_spend(r, node_at(r, i)->bytes));
    SP_TRY(apply(r, node_at(r, i), out, &used));
    if (used) i = next_of(r, i);
  }
  return STILL_OK;
}

static const expression_fn expressions[SP_NODE_KINDS] = {
  [SP_N_ABSENT] = eval_absent, [SP_N_STRING] = eval_string, [SP_N_INT] = eval_int, [SP_N_TRUE] = eval_bool,
  [SP_N_FALSE] = eval_bool, [SP_N_NONE] = eval_none, [SP_N_NAME] = eval_name, [SP_N_LIST] = eval_list, [SP_N_MAP] = eval_map,
  [SP_N_COND] = eval_cond, [SP_N_OR] = eval_logic, [SP_N_AND] = eval_logic, [SP_N_NOT] = eval_not,
  [SP_N_COMPARE] = eval_compare, [SP_N_SUM] = eval_operators, [SP_N_CONCAT] = eval_operators,
  [SP_N_PRODUCT] = eval_operators, [SP_N_NEGATE] = eval_negate, [SP_N_CHAIN] = eval_chain,
};

/* Every visit costs, so that no template runs for ever. */
static still_status eval(struct sp_run *r, uint32_t number, struct sp_value *out) {
  const struct sp_node *node = node_at(r, number);
  r->at = node->at;
  SP_TRY(sp_run_spend(r, node->bytes)); /* names are compared, literals copied */
  return expressions[node->kind](r, node, out);
}

/* ---- statements ---- */

/* Stops where a break or continue was met; the loop that it belongs to goes on from there. */
static still_status run_body(struct sp_run *r, const struct sp_node *node) {
  for (uint32_t i = node->child; i && r->flow == SP_FLOW_ON; i = next_of(r, i)) SP_TRY(run(r, i));
  return STILL_OK;
}

/* What stands in the template is trusted. */
static still_status run_text(struct sp_run *r, const struct sp_node *node) {
  struct sp_text text;
  SP_TRY(sp_text_literal(r, node->text, node->bytes, &text));
  return sp_run_put(r, text);
}

static still_status run_output(struct sp_run *r, const struct sp_node *node) {
  struct sp_value value;
  struct sp_text text;
  SP_TRY(eval(r, node->child, &value));
  SP_TRY(sp_value_print(r, &value, &text));
  return sp_run_put(r, text);
}

/* Conditions and bodies in turn; the first that holds has its body run. */
static still_status run_if(struct sp_run *r, const struct sp_node *node) {
  for (uint32_t i = node->child; i; i = next_of(r, next_of(r, i))) {
    struct sp_value condition = sp_value_bool(true);
    if (node_at(r, i)->kind != SP_N_ABSENT) SP_TRY(eval(r, i, &condition));
    if (sp_value_true(&condition)) return run(r, next_of(r, i));
  }
  return STILL_OK;
}

/* "set x = ..." makes or changes a variable of this scope; "set space.x = ..." changes a namespace, whichever scope it is of. */
static still_status run_set(struct sp_run *r, const struct sp_node *node) {
  const struct sp_node *first = node_at(r, node->child);
  struct sp_value value;
  if (first->kind != SP_N_MEMBER) {
    SP_TRY(eval(r, node->child, &value));
    return assign(r, node->text, node->bytes, value);
  }
  SP_TRY(eval(r, first->next, &value));
  const struct sp_variable *space = find(r, node->text, node->bytes, 0);
  if (!space || space->value.kind != SP_V_SPACE)
    return sp_chat_fail(r->c, STILL_EUNSUPPORTED, node->at, "\"%.*s\" is no namespace", (int)node->bytes, node->text);
  return sp_value_assign(r, space->value.space, first->text, first->bytes, value);
}

/* What the body writes becomes the value. */
static still_status run_set_block(struct sp_run *r, const struct sp_node *node) {
  size_t start = r->out->bytes;
  struct sp_text text;
  char *at;
  uint8_t *trust;
  SP_TRY(run(r, node->child));
  size_t n = r->out->bytes - start;
  SP_TRY(sp_text_new(r, n, &at, &trust, &text));
  memcpy(at, r->out->text + start, n);
  memcpy(trust, r->out->trusted + start, n);
  r->out->bytes = start;
  r->out->text[start] = '\0';
  return assign(r, node->text, node->bytes, sp_value_text(text));
}

/* Gives the loop's variables the parts of an item. */
static still_status bind(struct sp_run *r, const struct sp_node *names, const struct sp_value *item) {
  const struct sp_node *name = node_at(r, names->child);
  if (!name->next) return assign(r, name->text, name->bytes, *item);
  size_t n = 0;
  for (uint32_t i = names->child; i; i = next_of(r, i), n++) {
    if (item->kind != SP_V_LIST || n >= item->list.n) break;
    SP_TRY(assign(r, node_at(r, i)->text, node_at(r, i)->bytes, item->list.items[n]));
    if (!next_of(r, i) && n + 1 == item->list.n) return STILL_OK;
  }
  return sp_chat_fail(r->c, STILL_EUNSUPPORTED, names->at, "%s does not fall into the loop's variables", sp_value_type(item));
}

/* The items that pass the loop's condition. */
static still_status choose(struct sp_run *r, const struct sp_node *names, uint32_t condition, const struct sp_value **items,
                           size_t *n) {
  struct sp_value yes, *chosen = sp_arena_alloc(&r->c->arena, *n, sizeof *chosen, "chat list");
  size_t kept = 0, variables = r->n_variables;
  if (!chosen) return STILL_ENOMEM;
  for (size_t i = 0; i < *n; i++) {
    SP_TRY(bind(r, names, &(*items)[i]));
    SP_TRY(eval(r, condition, &yes));
    if (sp_value_true(&yes)) chosen[kept++] = (*items)[i];
    r->n_variables = variables;
  }
  *items = chosen;
  *n = kept;
  return STILL_OK;
}

/* Runs the body once for each item, each time with fresh variables. */
static still_status turns(struct sp_run *r, const struct sp_node *names, uint32_t body, struct sp_loop *loop) {
  size_t variables = r->n_variables;
  for (; loop->i < loop->n && r->flow != SP_FLOW_BREAK; loop->i++) {
    r->n_variables = variables;
    r->flow = SP_FLOW_ON;
    SP_TRY(assign(r, "loop", 4, (struct sp_value){.kind = SP_V_LOOP, .loop = loop}));
    SP_TRY(bind(r, names, &loop->items[loop->i]));
    SP_TRY(run(r, body));
  }
  r->flow = SP_FLOW_ON;
  return STILL_OK;
}

/* The loop's own record lives in the arena: a turn may put `loop` into a namespace and outlive it. */
static still_status run_for(struct sp_run *r, const struct sp_node *node) {
  uint32_t iterable = next_of(r, node->child), condition = next_of(r, iterable), body = next_of(r, condition);
  const struct sp_node *names = node_at(r, node->child);
  size_t scope = r->scope, variables = r->n_variables, n;
  const struct sp_value *items;
  struct sp_value value;
  SP_TRY(eval(r, iterable, &value));
  SP_TRY(sp_value_items(r, &value, &items, &n));
  r->scope = r->n_variables;
  if (node_at(r, condition)->kind != SP_N_ABSENT) SP_TRY(choose(r, names, condition, &items, &n));
  struct sp_loop *loop = sp_arena_alloc(&r->c->arena, 1, sizeof *loop, "chat loop");
  if (!loop) return STILL_ENOMEM;
  *loop = (struct sp_loop){.items = items, .n = n};
  SP_TRY(turns(r, names, body, loop));
  r->scope = scope;
  r->n_variables = variables;
  return n == 0 && next_of(r, body) ? run(r, next_of(r, body)) : STILL_OK;
}

static still_status run_break(struct sp_run *r, const struct sp_node *node) {
  r->flow = node->kind == SP_N_BREAK ? SP_FLOW_BREAK : SP_FLOW_CONTINUE;
  return STILL_OK;
}

static still_status run_macro(struct sp_run *r, const struct sp_node *node) {
  return assign(r, node->text, node->bytes, (struct sp_value){0}); /* calling it is refused */
}

static const statement_fn statements[SP_NODE_KINDS] = {
  [SP_N_BODY] = run_body, [SP_N_TEXT] = run_text, [SP_N_OUTPUT] = run_output, [SP_N_IF] = run_if, [SP_N_FOR] = run_for,
  [SP_N_SET] = run_set, [SP_N_SET_BLOCK] = run_set_block, [SP_N_MACRO] = run_macro,
  [SP_N_BREAK] = run_break, [SP_N_CONTINUE] = run_break,
};

static still_status run(struct sp_run *r, uint32_t number) {
  const struct sp_node *node = node_at(r, number);
  r->at = node->at;
  SP_TRY(sp_run_spend(r, 0));
  return statements[node->kind](r, node);
}

still_status sp_run_body(struct sp_run *r) { return run(r, 0); }
