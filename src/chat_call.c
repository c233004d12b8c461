/*
 * chat_call.c - the filters and methods that templates call: one table each.
 *
 * In:       a value, arguments.  Out: a value.
 * Not here: the language (chat_eval.c), tests and functions (chat_builtin.c).
 *
 * Both have one shape: they turn *v into the result. Filters print what is not a string first, methods refuse it. What a table
 * lacks is refused by name when a template reaches it, not before: templates carry branches for tools that never run here.
 * Trust travels with bytes: what a function cuts, joins or escapes keeps the marks of its source.
 */
#include <string.h>
#include "chat_run.h"
#include "unicode.h"

typedef still_status (*call_fn)(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how);

struct call {
  const char *name;
  call_fn fn;
  int how;             /* one function does for several names: which */
  uint8_t least, most; /* arguments */
  bool named;          /* takes arguments by name */
  unsigned kinds;      /* bits of sp_value_kind that it takes, 0: any; a filter of strings alone prints others first */
};

enum { ON_STRING = 1 << SP_V_STRING, ON_MAP = 1 << SP_V_MESSAGE | 1 << SP_V_SPACE };
enum { LEFT = 1, RIGHT = 2 };                    /* how: which ends of a string */
enum { UPPER, LOWER, UPPER_TEXT, UPPER_WORD };   /* how: all, none, the first of the text, the first of each word */
enum { SET_MOST = 64 }; /* bytes of strip's argument; each character of the text is compared with all of it */

/* ---- arguments ---- */

/* By position or name; NULL when it is not given. */
static const struct sp_value *argument(const struct sp_arguments *a, size_t i, const char *name) {
  if (i < a->n && !a->items[i].name) return &a->items[i].value;
  for (size_t k = 0; k < a->n; k++)
    if (a->items[k].name && sp_is(a->items[k].name, a->items[k].bytes, name)) return &a->items[k].value;
  return NULL;
}

/* Argument i, which the table promises is there, if it is a string. */
static still_status string_argument(struct sp_run *r, const struct sp_arguments *a, size_t i, struct sp_text *text) {
  *text = (struct sp_text){0};
  if (a->items[i].value.kind != SP_V_STRING)
    return sp_run_refuse(r, "%s where a string belongs", sp_value_type(&a->items[i].value));
  *text = a->items[i].value.string;
  return STILL_OK;
}

/* ---- strings ---- */

static bool is_blank(uint32_t c) { return sp_unicode_class(c) == SP_SPACE || (c >= 0x1c && c <= 0x1f); } /* as Python's strip() */

/* Is the character to be taken off? `set`: the characters to take; NULL: white space. */
static bool is_stripped(const char *at, size_t bytes, const struct sp_text *set) {
  uint32_t c, other;
  sp_utf8_next(at, bytes, &c);
  if (!set) return is_blank(c);
  for (size_t i = 0; i < set->bytes;) {
    i += sp_utf8_next(set->at + i, set->bytes - i, &other);
    if (other == c) return true;
  }
  return false;
}

/* strip, lstrip, rstrip, trim: a part of the string, not a copy. Paid for by what is taken off and what it is compared with. */
static still_status strip(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  struct sp_text text = v->string, set = {0};
  bool chosen = a->n > 0 && a->items[0].value.kind != SP_V_NONE;
  size_t from = 0, to = text.bytes, last;
  uint32_t c;
  if (chosen) SP_TRY(string_argument(r, a, 0, &set));
  if (set.bytes > SET_MOST) return sp_run_refuse(r, "more than %d bytes of characters to take off", SET_MOST);
  while (how & LEFT && from < to && is_stripped(text.at + from, to - from, chosen ? &set : NULL))
    from += sp_utf8_next(text.at + from, to - from, &c);
  for (; how & RIGHT && to > from; to = last) {
    last = from + sp_utf8_last(text.at + from, to - from);
    if (!is_stripped(text.at + last, to - last, chosen ? &set : NULL)) break;
  }
  *v = sp_value_text(sp_text_part(text, from, to - from));
  return sp_run_spend(r, (text.bytes - (to - from)) * (1 + set.bytes));
}

/* startswith (how: LEFT), endswith (RIGHT) */
static still_status has_end(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  struct sp_text part, text = v->string;
  SP_TRY(string_argument(r, a, 0, &part));
  SP_TRY(sp_run_spend(r, part.bytes));
  bool fits = part.bytes <= text.bytes;
  *v = sp_value_bool(fits && memcmp(text.at + (how == RIGHT ? text.bytes - part.bytes : 0), part.at, part.bytes) == 0);
  return STILL_OK;
}

/* Only the letters of ASCII are known; others are refused rather than left as they are. */
static still_status change_case(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  (void)a;
  struct sp_text text;
  char *at;
  uint8_t *trust;
  bool in_word = false;
  SP_TRY(sp_text_new(r, v->string.bytes, &at, &trust, &text));
  for (size_t i = 0; i < text.bytes; i++) {
    char c = v->string.at[i], low = (char)(c | 0x20);
    bool letter = low >= 'a' && low <= 'z', up = how == UPPER || (how == UPPER_TEXT && i == 0) || (how == UPPER_WORD && !in_word);
    if ((unsigned char)c >= 0x80) return sp_run_refuse(r, "upper and lower case beyond ASCII are not known here");
    at[i] = !letter ? c : up ? (char)(low - 0x20) : low;
    trust[i] = v->string.trust[i];
    in_word = letter;
  }
  *v = sp_value_text(text);
  return STILL_OK;
}

/* A string to look for: not empty, which would be found everywhere. */
static still_status separator(struct sp_run *r, const struct sp_arguments *a, struct sp_text *part) {
  SP_TRY(string_argument(r, a, 0, part));
  return part->bytes ? STILL_OK : sp_run_refuse(r, "an empty string to look for");
}

/* How often `part` occurs in text, without overlap. */
static still_status occurrences(struct sp_run *r, struct sp_text text, struct sp_text part, size_t *n) {
  *n = 0;
  for (size_t at = 0;; at += part.bytes, ++*n) {
    SP_TRY(sp_text_find(r, text, part, at, &at));
    if (at >= text.bytes) return STILL_OK;
  }
}

/* split(separator[, most]): the parts are views of the string; at most so many cuts, a negative number means all. */
static still_status split(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  (void)how;
  struct sp_text text = v->string, part;
  size_t n, from = 0, at;
  SP_TRY(separator(r, a, &part));
  SP_TRY(occurrences(r, text, part, &n));
  if (a->n > 1 && a->items[1].value.kind != SP_V_INT)
    return sp_run_refuse(r, "%s as the number of splits", sp_value_type(&a->items[1].value));
  if (a->n > 1 && (uint64_t)a->items[1].value.number < n) n = (size_t)a->items[1].value.number; /* a negative one: all */
  struct sp_value *items = sp_arena_alloc(&r->c->arena, n + 1, sizeof *items, "chat list");
  if (!items) return STILL_ENOMEM;
  SP_TRY(sp_run_spend(r, (n + 1) * sizeof *items));
  for (size_t i = 0; i <= n; i++, from = at + part.bytes) {
    at = text.bytes;
    if (i < n) SP_TRY(sp_text_find(r, text, part, from, &at));
    items[i] = sp_value_text(sp_text_part(text, from, at - from));
  }
  *v = (struct sp_value){.kind = SP_V_LIST, .list = {items, n + 1}};
  return STILL_OK;
}

/* Appends bytes and marks and moves both ends on. */
static void copy_text(char **at, uint8_t **trust, struct sp_text text) {
  memcpy(*at, text.at, text.bytes);
  memcpy(*trust, text.trust, text.bytes);
  *at += text.bytes;
  *trust += text.bytes;
}

/* replace(old, new): the size is known before a byte is copied. New text brings the marks of the argument. */
static still_status replace(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  (void)how;
  struct sp_text text = v->string, from, to, whole;
  size_t n, start = 0, found;
  char *at;
  uint8_t *trust;
  SP_TRY(separator(r, a, &from));
  SP_TRY(string_argument(r, a, 1, &to));
  SP_TRY(occurrences(r, text, from, &n));
  if (to.bytes && n > SP_CHAT_OUTPUT / to.bytes)
    return sp_chat_fail(r->c, STILL_ELIMIT, r->at, "a string grows over %d bytes", SP_CHAT_OUTPUT);
  SP_TRY(sp_text_new(r, text.bytes - n * from.bytes + n * to.bytes, &at, &trust, &whole));
  for (size_t i = 0; i < n; i++, start = found + from.bytes) {
    SP_TRY(sp_text_find(r, text, from, start, &found));
    copy_text(&at, &trust, sp_text_part(text, start, found - start));
    copy_text(&at, &trust, to);
  }
  copy_text(&at, &trust, sp_text_part(text, start, text.bytes - start));
  *v = sp_value_text(whole);
  return STILL_OK;
}

/* ---- JSON ---- */

/* The escape of a byte in a JSON string, "" if it stands for itself. */
static const char *json_escape(char c, char out[7]) {
  static const char from[] = "\"\\\n\r\t\b\f", to[] = "\"\\nrtbf", digits[] = "0123456789abcdef";
  const char *simple = c ? memchr(from, c, sizeof from - 1) : NULL;
  out[0] = '\0';
  if (simple) {
    memcpy(out, (char[]){'\\', to[simple - from], '\0'}, 3);
  } else if ((unsigned char)c < 0x20) {
    memcpy(out, (char[]){'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15], '\0'}, 7);
  }
  return out;
}

/* The quotes are the template's; an escape has the mark of the byte that it stands for. */
static still_status json_string(struct sp_run *r, struct sp_value *v) {
  struct sp_text text = v->string, whole;
  char escape[7], *at;
  uint8_t *trust;
  size_t n = 2;
  for (size_t i = 0; i < text.bytes; i++) {
    size_t more = strlen(json_escape(text.at[i], escape));
    n += more ? more : 1;
  }
  SP_TRY(sp_text_new(r, n, &at, &trust, &whole));
  at[0] = at[n - 1] = '"';
  trust[0] = trust[n - 1] = 1;
  for (size_t i = 0, k = 1; i < text.bytes; i++) {
    size_t more = strlen(json_escape(text.at[i], escape));
    memcpy(at + k, more ? escape : text.at + i, more ? more : 1);
    memset(trust + k, text.trust[i], more ? more : 1);
    k += more ? more : 1;
  }
  *v = sp_value_text(whole);
  return STILL_OK;
}

/* As json.dumps(ensure_ascii=False). Lists and maps are for tools, which there are none of. */
static still_status tojson(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  (void)a, (void)how; /* indent and ensure_ascii mean nothing to the simple values that are known here */
  struct sp_text text;
  if (v->kind == SP_V_STRING) return json_string(r, v);
  if (v->kind == SP_V_NONE || v->kind == SP_V_BOOL) {
    const char *word = v->kind == SP_V_NONE ? "null" : v->number ? "true" : "false";
    SP_TRY(sp_text_literal(r, word, strlen(word), &text));
  } else if (v->kind == SP_V_INT)
    SP_TRY(sp_value_print(r, v, &text));
  else
    return sp_run_refuse(r, "%s cannot become JSON here", sp_value_type(v));
  *v = sp_value_text(text);
  return STILL_OK;
}

/* ---- lists and the rest ---- */

/* Characters, not bytes, of a string. */
static still_status length(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  (void)a, (void)how;
  const struct sp_value *items;
  size_t n = 2; /* of a message: role and content */
  if (v->kind == SP_V_STRING) {
    SP_TRY(sp_run_spend(r, v->string.bytes));
    n = sp_text_characters(v->string);
  } else if (v->kind != SP_V_MESSAGE)
    SP_TRY(sp_value_items(r, v, &items, &n));
  *v = sp_value_int((int64_t)n);
  return STILL_OK;
}

/* how: the index */
static still_status item(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  (void)a;
  struct sp_value index = sp_value_int(how);
  if (v->kind == SP_V_UNDEFINED) return STILL_OK;
  return sp_value_index(r, v, &index, v);
}

/* What can be gone through already is a list; the items are shared. */
static still_status list(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  (void)a, (void)how;
  const struct sp_value *items;
  size_t n;
  SP_TRY(sp_value_items(r, v, &items, &n));
  *v = (struct sp_value){.kind = SP_V_LIST, .list = {items, n}};
  return STILL_OK;
}

/* "safe" and, once filters have printed it, "string" change nothing: there is no escaping of HTML here. */
static still_status same(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  (void)r, (void)v, (void)a, (void)how;
  return STILL_OK;
}

/* default(value[, boolean]): for what is undefined or, with a true second argument, for all that is not true. */
static still_status preset(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  (void)how;
  struct sp_text empty;
  const struct sp_value *value = argument(a, 0, "default_value"), *boolean = argument(a, 1, "boolean");
  if (v->kind != SP_V_UNDEFINED && !(boolean && sp_value_true(boolean) && !sp_value_true(v))) return STILL_OK;
  SP_TRY(sp_text_literal(r, "", 0, &empty));
  *v = value ? *value : sp_value_text(empty);
  return STILL_OK;
}

/* join([separator]): each step copies what there is, and is paid for. */
static still_status join(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  (void)how;
  const struct sp_value *items;
  struct sp_text between = {0}, text;
  size_t n;
  SP_TRY(sp_value_items(r, v, &items, &n));
  if (a->n) SP_TRY(string_argument(r, a, 0, &between));
  SP_TRY(sp_text_literal(r, "", 0, &text));
  *v = sp_value_text(text);
  struct sp_value glue = sp_value_text(between);
  for (size_t i = 0; i < n; i++) {
    SP_TRY(sp_value_print(r, &items[i], &text));
    struct sp_value piece = sp_value_text(text);
    if (i > 0 && between.bytes) SP_TRY(sp_value_add(r, v, &glue, v));
    SP_TRY(sp_value_add(r, v, &piece, v));
  }
  return STILL_OK;
}

/* The items whose attribute passes a test (without one: is true), or those whose does not. */
static still_status select_items(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  const struct sp_value *items;
  struct sp_text name, test = {0};
  struct sp_arguments rest = {.n = 0};
  size_t n, kept = 0;
  if (!sp_value_true(v)) *v = (struct sp_value){.kind = SP_V_LIST};
  SP_TRY(sp_value_items(r, v, &items, &n));
  SP_TRY(string_argument(r, a, 0, &name));
  if (a->n > 1) SP_TRY(string_argument(r, a, 1, &test));
  for (size_t i = 2; i < a->n; i++) rest.items[rest.n++] = a->items[i];
  struct sp_value *chosen = sp_arena_alloc(&r->c->arena, n, sizeof *chosen, "chat list");
  if (!chosen) return STILL_ENOMEM;
  for (size_t i = 0; i < n; i++) {
    struct sp_value attribute;
    SP_TRY(sp_run_spend(r, 0));
    SP_TRY(sp_value_member(r, &items[i], name.at, name.bytes, &attribute));
    bool yes = sp_value_true(&attribute);
    if (a->n > 1) SP_TRY(sp_call_test(r, test, &attribute, &rest, &yes));
    if (yes == how) chosen[kept++] = items[i];
  }
  *v = (struct sp_value){.kind = SP_V_LIST, .list = {chosen, kept}};
  return STILL_OK;
}

/* One pair of a list of them. */
static still_status put_pair(struct sp_run *r, const char *name, size_t bytes, struct sp_value value, struct sp_value *out) {
  struct sp_value *parts = sp_arena_alloc(&r->c->arena, 2, sizeof *parts, "chat list");
  struct sp_text text;
  if (!parts) return STILL_ENOMEM;
  SP_TRY(sp_text_literal(r, name, bytes, &text));
  parts[0] = sp_value_text(text);
  parts[1] = value;
  *out = (struct sp_value){.kind = SP_V_LIST, .list = {parts, 2}};
  return STILL_OK;
}

/* A message or a map as a list of pairs. */
static still_status pairs(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  (void)a, (void)how;
  const struct sp_attribute *youngest = v->kind == SP_V_SPACE ? v->space->first : NULL;
  size_t n = v->kind == SP_V_MESSAGE ? 2 : 0;
  for (const struct sp_attribute *k = youngest; k; k = k->next) n++;
  struct sp_value *all = sp_arena_alloc(&r->c->arena, n, sizeof *all, "chat list");
  if (!all) return STILL_ENOMEM;
  if (v->kind == SP_V_MESSAGE) {
    SP_TRY(put_pair(r, "role", 4, r->messages[2 * v->number], &all[0]));
    SP_TRY(put_pair(r, "content", 7, r->messages[2 * v->number + 1], &all[1]));
  }
  size_t i = n; /* the list of attributes begins with the youngest */
  for (const struct sp_attribute *k = youngest; k; k = k->next) SP_TRY(put_pair(r, k->name, k->bytes, k->value, &all[--i]));
  *v = (struct sp_value){.kind = SP_V_LIST, .list = {all, n}};
  return STILL_OK;
}

/* get(key[, preset]); without a preset, none. */
static still_status get(struct sp_run *r, struct sp_value *v, const struct sp_arguments *a, int how) {
  (void)how;
  struct sp_text name;
  SP_TRY(string_argument(r, a, 0, &name));
  SP_TRY(sp_value_member(r, v, name.at, name.bytes, v));
  if (v->kind == SP_V_UNDEFINED) *v = a->n > 1 ? a->items[1].value : (struct sp_value){.kind = SP_V_NONE};
  return STILL_OK;
}

/* ---- the tables ---- */

static const struct call filters[] = {
  {"trim", strip, LEFT | RIGHT, 0, 1, false, ON_STRING},
  {"length", length, 0, 0, 0, false, 0},
  {"count", length, 0, 0, 0, false, 0},
  {"tojson", tojson, 0, 0, 2, true, 0},
  {"default", preset, 0, 0, 2, true, 0},
  {"d", preset, 0, 0, 2, true, 0},
  {"first", item, 0, 0, 0, false, 0},
  {"last", item, -1, 0, 0, false, 0},
  {"join", join, 0, 0, 1, false, 0},
  {"lower", change_case, LOWER, 0, 0, false, ON_STRING},
  {"upper", change_case, UPPER, 0, 0, false, ON_STRING},
  {"title", change_case, UPPER_WORD, 0, 0, false, ON_STRING},
  {"capitalize", change_case, UPPER_TEXT, 0, 0, false, ON_STRING},
  {"replace", replace, 0, 2, 2, false, ON_STRING},
  {"list", list, 0, 0, 0, false, 0},
  {"string", same, 0, 0, 0, false, ON_STRING},
  {"safe", same, 0, 0, 0, false, 0},
  {"selectattr", select_items, true, 1, 3, false, 0},
  {"rejectattr", select_items, false, 1, 3, false, 0},
  {"items", pairs, 0, 0, 0, false, ON_MAP},
  {NULL, NULL, 0, 0, 0, false, 0},
};

static const struct call methods[] = {
  {"startswith", has_end, LEFT, 1, 1, false, ON_STRING},
  {"endswith", has_end, RIGHT, 1, 1, false, ON_STRING},
  {"split", split, 0, 1, 2, false, ON_STRING},
  {"strip", strip, LEFT | RIGHT, 0, 1, false, ON_STRING},
  {"lstrip", strip, LEFT, 0, 1, false, ON_STRING},
  {"rstrip", strip, RIGHT, 0, 1, false, ON_STRING},
  {"replace", replace, 0, 2, 2, false, ON_STRING},
  {"lower", change_case, LOWER, 0, 0, false, ON_STRING},
  {"upper", change_case, UPPER, 0, 0, false, ON_STRING},
  {"title", change_case, UPPER_WORD, 0, 0, false, ON_STRING},
  {"capitalize", change_case, UPPER_TEXT, 0, 0, false, ON_STRING},
  {"get", get, 0, 1, 2, false, ON_MAP},
  {"items", pairs, 0, 0, 0, false, ON_MAP},
  {NULL, NULL, 0, 0, 0, false, 0},
};

/* Looks the name up and checks number, names and kind before the function sees anything. */
static still_status run_call(struct sp_run *r, const struct call *table, const char *what, const struct sp_node *node,
                             struct sp_value *v, const struct sp_arguments *a) {
  while (table->name && !sp_is(node->text, node->bytes, table->name)) table++;
  if (!table->name)
    return sp_run_refuse(r, "the %s %.*s is not known here", what, (int)node->bytes, node->text);
  bool named = false;
  for (size_t i = 0; i < a->n; i++) named = named || a->items[i].name;
  if (a->n < table->least || a->n > table->most || (named && !table->named))
    return sp_run_refuse(r, "the %s %s does not take these arguments here", what, table->name);
  if (table->kinds && !(table->kinds >> v->kind & 1))
    return sp_run_refuse(r, "%s has no %s %s here", sp_value_type(v), what, table->name);
  return table->fn(r, v, a, table->how);
}

/* A filter of strings sees any value as {{ }} would print it. */
still_status sp_call_filter(struct sp_run *r, const struct sp_node *node, struct sp_value *v, const struct sp_arguments *a) {
  const struct call *row = filters;
  struct sp_text text;
  while (row->name && !sp_is(node->text, node->bytes, row->name)) row++;
  if (row->name && row->kinds == ON_STRING && v->kind != SP_V_STRING) {
    SP_TRY(sp_value_print(r, v, &text));
    *v = sp_value_text(text);
  }
  return run_call(r, filters, "filter", node, v, a);
}

still_status sp_call_method(struct sp_run *r, const struct sp_node *node, struct sp_value *v, const struct sp_arguments *a) {
  return run_call(r, methods, "method", node, v, a);
}
