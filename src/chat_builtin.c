/*
 * chat_builtin.c - the tests ("x is defined") and functions (namespace(), raise_exception()) that templates find built in.
 *
 * In:       a value, arguments.  Out: yes or no; a value.
 * Not here: filters and methods (chat_call.c), variables of a rendering (chat.c).
 */
#include "chat_run.h"

/* ---- tests ---- */

/* `other` is the test's argument; undefined for tests without one. */
typedef still_status (*test_fn)(struct sp_run *r, const struct sp_value *v, const struct sp_value *other, bool *yes);

static still_status test_equal(struct sp_run *r, const struct sp_value *v, const struct sp_value *other, bool *yes) {
  return sp_value_equal(r, v, other, yes);
}

static still_status test_unequal(struct sp_run *r, const struct sp_value *v, const struct sp_value *other, bool *yes) {
  SP_TRY(sp_value_equal(r, v, other, yes));
  *yes = !*yes;
  return STILL_OK;
}

static still_status test_in(struct sp_run *r, const struct sp_value *v, const struct sp_value *other, bool *yes) {
  return sp_value_contains(r, other, v, yes);
}

static still_status test_divisible(struct sp_run *r, const struct sp_value *v, const struct sp_value *other, bool *yes) {
  if (v->kind != SP_V_INT || other->kind != SP_V_INT || other->number <= 0)
    return sp_run_refuse(r, "%s divided by %s", sp_value_type(v), sp_value_type(other));
  *yes = v->number % other->number == 0;
  return STILL_OK;
}

static still_status test_odd(struct sp_run *r, const struct sp_value *v, const struct sp_value *other, bool *yes) {
  struct sp_value two = sp_value_int(2);
  (void)other;
  SP_TRY(test_divisible(r, v, &two, yes));
  *yes = !*yes;
  return STILL_OK;
}

static still_status test_even(struct sp_run *r, const struct sp_value *v, const struct sp_value *other, bool *yes) {
  struct sp_value two = sp_value_int(2);
  (void)other;
  return test_divisible(r, v, &two, yes);
}

#define KIND(kind) (1u << SP_V_##kind)

/* A test is a set of kinds, or of kinds with one number, or a function with so many arguments. */
static const struct test {
  const char *name;
  unsigned kinds;
  int number; /* the bool that counts; -1: any */
  test_fn fn;
  uint8_t arguments;
} tests[] = {
  {"defined", ~KIND(UNDEFINED), -1, NULL, 0},
  {"undefined", KIND(UNDEFINED), -1, NULL, 0},
  {"none", KIND(NONE), -1, NULL, 0},
  {"string", KIND(STRING), -1, NULL, 0},
  {"number", KIND(INT) | KIND(BOOL), -1, NULL, 0},
  {"integer", KIND(INT), -1, NULL, 0},
  {"boolean", KIND(BOOL), -1, NULL, 0},
  {"true", KIND(BOOL), 1, NULL, 0},
  {"false", KIND(BOOL), 0, NULL, 0},
  {"mapping", KIND(MESSAGE) | KIND(SPACE), -1, NULL, 0},
  {"sequence", KIND(STRING) | KIND(LIST) | KIND(MESSAGE) | KIND(UNDEFINED), -1, NULL, 0},
  {"iterable", KIND(STRING) | KIND(LIST) | KIND(MESSAGE) | KIND(UNDEFINED), -1, NULL, 0},
  {"callable", KIND(FUNCTION), -1, NULL, 0},
  {"equalto", 0, 0, test_equal, 1},
  {"eq", 0, 0, test_equal, 1},
  {"==", 0, 0, test_equal, 1},
  {"ne", 0, 0, test_unequal, 1},
  {"!=", 0, 0, test_unequal, 1},
  {"in", 0, 0, test_in, 1},
  {"divisibleby", 0, 0, test_divisible, 1},
  {"odd", 0, 0, test_odd, 0},
  {"even", 0, 0, test_even, 0},
};

still_status sp_call_test(struct sp_run *r, struct sp_text name, const struct sp_value *v, const struct sp_arguments *a,
                          bool *yes) {
  for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
    const struct test *test = &tests[i];
    if (!sp_is(name.at, name.bytes, test->name)) continue;
    if (a->n != test->arguments) return sp_run_refuse(r, "the test %s with %zu arguments", test->name, a->n);
    if (test->fn) return test->fn(r, v, &a->items[0].value, yes);
    *yes = (test->kinds >> v->kind & 1) && (test->number < 0 || v->number == test->number);
    return STILL_OK;
  }
  return sp_run_refuse(r, "the test %.*s is not known here", (int)name.bytes, name.at);
}

/* ---- functions ---- */

/* The template finds the messages wrong and says why: the caller's mistake, not the file's. */
static still_status raise_exception(struct sp_run *r, const struct sp_arguments *a, struct sp_value *out) {
  (void)out;
  struct sp_text text;
  SP_TRY(sp_value_print(r, &a->items[0].value, &text));
  return sp_fail(&r->c->ctx->error, STILL_EARG, "the chat template refuses these messages: %.*s; --raw goes without it",
                 (int)(text.bytes < 400 ? text.bytes : 400), text.at);
}

/* namespace(name=value, ...): what a loop may change and its end does not undo. */
static still_status new_space(struct sp_run *r, const struct sp_arguments *a, struct sp_value *out) {
  struct sp_space *space = sp_arena_alloc(&r->c->arena, 1, sizeof *space, "chat map");
  if (!space) return STILL_ENOMEM;
  for (size_t i = 0; i < a->n; i++) {
    if (!a->items[i].name) return sp_run_refuse(r, "namespace() takes named values only");
    SP_TRY(sp_value_assign(r, space, a->items[i].name, a->items[i].bytes, a->items[i].value));
  }
  *out = (struct sp_value){.kind = SP_V_SPACE, .space = space};
  return STILL_OK;
}

/* range(last), range(first, last): a list, paid for by its length. */
static still_status range(struct sp_run *r, const struct sp_arguments *a, struct sp_value *out) {
  int64_t bounds[2] = {0, 0};
  for (size_t i = 0; i < a->n; i++) {
    if (a->items[i].value.kind != SP_V_INT) return sp_run_refuse(r, "%s in range()", sp_value_type(&a->items[i].value));
    bounds[a->n == 1 ? 1 : i] = a->items[i].value.number;
  }
  size_t n = bounds[1] > bounds[0] ? (size_t)bounds[1] - (size_t)bounds[0] : 0;
  SP_TRY(sp_run_spend(r, n < SP_CHAT_FUEL ? n * sizeof *out : SIZE_MAX));
  struct sp_value *items = sp_arena_alloc(&r->c->arena, n, sizeof *items, "chat list");
  if (!items) return STILL_ENOMEM;
  for (size_t i = 0; i < n; i++) items[i] = sp_value_int(bounds[0] + (int64_t)i);
  *out = (struct sp_value){.kind = SP_V_LIST, .list = {items, n}};
  return STILL_OK;
}

/* There is no strftime_now: a rendering depends on nothing but its arguments. Templates ask whether it is defined. */
static const struct {
  const char *name;
  still_status (*fn)(struct sp_run *r, const struct sp_arguments *a, struct sp_value *out);
  uint8_t least, most; /* arguments */
  bool named;
} functions[] = {
  {"raise_exception", raise_exception, 1, 1, false},
  {"namespace", new_space, 0, SP_CHAT_ARGUMENTS, true},
  {"range", range, 1, 2, false},
};

enum { FUNCTIONS = sizeof functions / sizeof functions[0] };

struct sp_value sp_call_find(const char *name, size_t bytes) {
  for (size_t i = 0; i < FUNCTIONS; i++)
    if (sp_is(name, bytes, functions[i].name)) return (struct sp_value){.kind = SP_V_FUNCTION, .number = (int64_t)i};
  return (struct sp_value){0};
}

still_status sp_call_function(struct sp_run *r, const struct sp_value *function, const struct sp_arguments *a,
                              struct sp_value *out) {
  size_t i = (size_t)function->number;
  bool named = a->n > 0 && a->items[0].name;
  if (a->n < functions[i].least || a->n > functions[i].most || (named && !functions[i].named))
    return sp_run_refuse(r, "%s() does not take these arguments here", functions[i].name);
  return functions[i].fn(r, a, out);
}
