/*
 * chat_value.c - what values of a template are and do: truth, equality, members, slices, text.
 *
 * In:       values.  Out: values.
 * Not here: names that templates call (chat_call.c), control flow (chat_eval.c).
 *
 * Strings are views: a part of a string shares its bytes and trust marks. Work on strings is paid for by length, so that no
 * template can make a rendering slow.
 */
#include <stdio.h>
#include <string.h>
#include "chat_run.h"
#include "unicode.h"

struct sp_value sp_value_bool(bool b) { return (struct sp_value){.kind = SP_V_BOOL, .number = b}; }
struct sp_value sp_value_int(int64_t n) { return (struct sp_value){.kind = SP_V_INT, .number = n}; }
struct sp_value sp_value_text(struct sp_text text) { return (struct sp_value){.kind = SP_V_STRING, .string = text}; }

const char *sp_value_type(const struct sp_value *v) {
  static const char *const names[] = {
    "an undefined value", "none", "a boolean", "a number", "a string", "a list", "a message", "a loop", "a map", "a function",
  };
  return names[v->kind];
}

/* Booleans count as 1 and 0, as they do in Python. */
static bool is_number(const struct sp_value *v) { return v->kind == SP_V_INT || v->kind == SP_V_BOOL; }

/* ---- text ---- */

/* One allocation: the bytes, then as many marks. */
still_status sp_text_new(struct sp_run *r, size_t bytes, char **at, uint8_t **trust, struct sp_text *text) {
  *at = NULL;
  *trust = NULL;
  SP_TRY(sp_run_spend(r, bytes));
  if (bytes > SP_CHAT_OUTPUT)
    return sp_chat_fail(r->c, STILL_ELIMIT, r->at, "a string grows over %d bytes", SP_CHAT_OUTPUT);
  *at = sp_arena_alloc(&r->c->arena, bytes, 2, "chat text");
  if (!*at) return STILL_ENOMEM;
  *trust = (uint8_t *)*at + bytes;
  *text = (struct sp_text){*at, *trust, bytes};
  return STILL_OK;
}

still_status sp_text_literal(struct sp_run *r, const char *at, size_t bytes, struct sp_text *text) {
  char *copy;
  uint8_t *trust;
  SP_TRY(sp_text_new(r, bytes, &copy, &trust, text));
  memcpy(copy, at, bytes);
  memset(trust, 1, bytes);
  return STILL_OK;
}

struct sp_text sp_text_part(struct sp_text text, size_t from, size_t bytes) {
  return (struct sp_text){text.at + from, text.trust + from, bytes};
}

/* Looks for the first byte, then compares. The worst case is paid for start by start, so fuel bounds it. */
still_status sp_text_find(struct sp_run *r, struct sp_text text, struct sp_text part, size_t from, size_t *at) {
  size_t start = from;
  *at = text.bytes;
  if (part.bytes == 0) *at = from;
  while (part.bytes > 0 && from <= text.bytes && text.bytes - from >= part.bytes) {
    const char *first = memchr(text.at + from, part.at[0], text.bytes - part.bytes - from + 1);
    if (!first) break;
    from = (size_t)(first - text.at);
    SP_TRY(sp_run_spend(r, part.bytes)); /* a comparison may look at all of it */
    if (memcmp(first, part.at, part.bytes) == 0) {
      *at = from;
      break;
    }
    from++;
  }
  return sp_run_spend(r, (*at < text.bytes ? *at : text.bytes) - start);
}

size_t sp_text_characters(struct sp_text text) {
  size_t n = 0;
  for (size_t at = 0; at < text.bytes; n++) {
    uint32_t c;
    at += sp_utf8_next(text.at + at, text.bytes - at, &c);
  }
  return n;
}

/* Offset of character number n; text.bytes past the end. */
static size_t offset_of(struct sp_text text, size_t n) {
  size_t at = 0;
  while (n-- > 0 && at < text.bytes) {
    uint32_t c;
    at += sp_utf8_next(text.at + at, text.bytes - at, &c);
  }
  return at;
}

still_status sp_value_print(struct sp_run *r, const struct sp_value *v, struct sp_text *text) {
  char digits[24];
  switch (v->kind) {
  case SP_V_STRING:
    *text = v->string;
    return STILL_OK;
  case SP_V_UNDEFINED: return sp_text_literal(r, "", 0, text);
  case SP_V_NONE: return sp_text_literal(r, "None", 4, text);
  case SP_V_BOOL: return sp_text_literal(r, v->number ? "True" : "False", v->number ? 4 : 5, text);
  case SP_V_INT:
    snprintf(digits, sizeof digits, "%lld", (long long)v->number);
    return sp_text_literal(r, digits, strlen(digits), text);
  default: return sp_run_refuse(r, "%s cannot be printed here", sp_value_type(v));
  }
}

/* ---- maps ---- */

/* Maps are small (SP_CHAT_ENTRIES), so a list will do. */
static struct sp_attribute *attribute_of(const struct sp_space *space, const char *name, size_t bytes) {
  struct sp_attribute *a = space->first;
  while (a && (a->bytes != bytes || memcmp(a->name, name, bytes) != 0)) a = a->next;
  return a;
}

still_status sp_value_assign(struct sp_run *r, struct sp_space *space, const char *name, uint32_t bytes, struct sp_value value) {
  struct sp_attribute *a = attribute_of(space, name, bytes);
  if (!a) {
    if (++space->n > SP_CHAT_ENTRIES)
      return sp_chat_fail(r->c, STILL_ELIMIT, r->at, "a map of more than %d entries", SP_CHAT_ENTRIES);
    a = sp_arena_alloc(&r->c->arena, 1, sizeof *a, "chat map");
    if (!a) return STILL_ENOMEM;
    *a = (struct sp_attribute){.next = space->first, .name = name, .bytes = bytes};
    space->first = a;
  }
  a->value = value;
  return STILL_OK;
}

/* ---- questions ---- */

bool sp_value_true(const struct sp_value *v) {
  switch (v->kind) {
  case SP_V_UNDEFINED:
  case SP_V_NONE: return false;
  case SP_V_BOOL:
  case SP_V_INT: return v->number != 0;
  case SP_V_STRING: return v->string.bytes > 0;
  case SP_V_LIST: return v->list.n > 0;
  default: return true;
  }
}

/* Values without parts. */
static bool same(const struct sp_value *a, const struct sp_value *b) {
  if (is_number(a) && is_number(b)) return a->number == b->number;
  if (a->kind != b->kind) return false;
  switch (a->kind) {
  case SP_V_STRING: return a->string.bytes == b->string.bytes && memcmp(a->string.at, b->string.at, a->string.bytes) == 0;
  case SP_V_LOOP: return a->loop == b->loop;
  case SP_V_SPACE: return a->space == b->space;
  case SP_V_FUNCTION: return a->number == b->number;
  default: return true; /* undefined, none */
  }
}

/* Lists and messages go part by part. Lists can hold lists to any depth, so depth is counted here too. */
still_status sp_value_equal(struct sp_run *r, const struct sp_value *a, const struct sp_value *b, bool *equal) {
  SP_TRY(sp_run_spend(r, a->kind == SP_V_STRING ? a->string.bytes : 0));
  const struct sp_value *left = NULL, *right = NULL;
  size_t n = 0;
  if (a->kind == SP_V_LIST && b->kind == SP_V_LIST && a->list.n == b->list.n) {
    left = a->list.items;
    right = b->list.items;
    n = a->list.n;
  } else if (a->kind == SP_V_MESSAGE && b->kind == SP_V_MESSAGE) { /* as maps: equal when their parts are */
    left = &r->messages[2 * a->number];
    right = &r->messages[2 * b->number];
    n = 2;
  } else if (a->kind != SP_V_LIST) {
    *equal = same(a, b);
    return STILL_OK;
  }
  *equal = left != NULL;
  if (++r->depth > SP_CHAT_DEPTH)
    return sp_chat_fail(r->c, STILL_ELIMIT, r->at, "a list is nested more than %d deep", SP_CHAT_DEPTH);
  for (size_t i = 0; i < n && *equal; i++) SP_TRY(sp_value_equal(r, &left[i], &right[i], equal));
  r->depth--;
  return STILL_OK;
}

/* Strings hold strings, lists items, messages and maps keys. */
still_status sp_value_contains(struct sp_run *r, const struct sp_value *whole, const struct sp_value *part, bool *found) {
  *found = false;
  if (whole->kind == SP_V_STRING && part->kind == SP_V_STRING) {
    size_t at;
    SP_TRY(sp_text_find(r, whole->string, part->string, 0, &at));
    *found = at < whole->string.bytes || part->string.bytes == 0;
    return STILL_OK;
  }
  if (whole->kind == SP_V_MESSAGE && part->kind == SP_V_STRING) {
    *found = sp_is(part->string.at, part->string.bytes, "role") || sp_is(part->string.at, part->string.bytes, "content");
    return STILL_OK;
  }
  if (whole->kind == SP_V_SPACE && part->kind == SP_V_STRING) {
    *found = attribute_of(whole->space, part->string.at, part->string.bytes) != NULL;
    return STILL_OK;
  }
  if (whole->kind == SP_V_UNDEFINED) return STILL_OK;
  if (whole->kind != SP_V_LIST)
    return sp_run_refuse(r, "%s cannot be looked for in %s", sp_value_type(part), sp_value_type(whole));
  for (size_t i = 0; i < whole->list.n && !*found; i++) SP_TRY(sp_value_equal(r, &whole->list.items[i], part, found));
  return STILL_OK;
}

still_status sp_value_order(struct sp_run *r, const struct sp_value *a, const struct sp_value *b, int *order) {
  if (is_number(a) && is_number(b)) {
    *order = (a->number > b->number) - (a->number < b->number);
    return STILL_OK;
  }
  if (a->kind != SP_V_STRING || b->kind != SP_V_STRING)
    return sp_run_refuse(r, "%s and %s have no order", sp_value_type(a), sp_value_type(b));
  size_t n = a->string.bytes < b->string.bytes ? a->string.bytes : b->string.bytes;
  SP_TRY(sp_run_spend(r, n));
  *order = memcmp(a->string.at, b->string.at, n); /* UTF-8 orders as its characters do */
  if (*order == 0) *order = (a->string.bytes > b->string.bytes) - (a->string.bytes < b->string.bytes);
  return STILL_OK;
}

/* ---- parts ---- */

static still_status add_lists(struct sp_run *r, const struct sp_value *a, const struct sp_value *b, struct sp_value *out) {
  size_t n = a->list.n + b->list.n;
  SP_TRY(sp_run_spend(r, n * sizeof *out));
  struct sp_value *items = sp_arena_alloc(&r->c->arena, n, sizeof *items, "chat list");
  if (!items) return STILL_ENOMEM;
  memcpy(items, a->list.items, a->list.n * sizeof *items);
  memcpy(items + a->list.n, b->list.items, b->list.n * sizeof *items);
  *out = (struct sp_value){.kind = SP_V_LIST, .list = {items, n}};
  return STILL_OK;
}

still_status sp_value_add(struct sp_run *r, const struct sp_value *a, const struct sp_value *b, struct sp_value *out) {
  if (a->kind == SP_V_LIST && b->kind == SP_V_LIST) return add_lists(r, a, b, out);
  if (a->kind != SP_V_STRING || b->kind != SP_V_STRING)
    return sp_run_refuse(r, "%s and %s cannot be added", sp_value_type(a), sp_value_type(b));
  struct sp_text x = a->string, y = b->string, text;
  char *at;
  uint8_t *trust;
  SP_TRY(sp_text_new(r, x.bytes + y.bytes, &at, &trust, &text));
  memcpy(at, x.at, x.bytes);
  memcpy(trust, x.trust, x.bytes);
  memcpy(at + x.bytes, y.at, y.bytes);
  memcpy(trust + x.bytes, y.trust, y.bytes);
  *out = sp_value_text(text);
  return STILL_OK;
}

/* All members are made on each call: there are nine and they are cheap. What is not among them is undefined. */
static struct sp_value loop_member(const struct sp_loop *loop, const char *name, size_t bytes) {
  const struct {
    const char *name;
    struct sp_value value;
  } members[] = {
      {"index", sp_value_int((int64_t)loop->i + 1)},
      {"index0", sp_value_int((int64_t)loop->i)},
      {"length", sp_value_int((int64_t)loop->n)},
      {"revindex", sp_value_int((int64_t)(loop->n - loop->i))},
      {"revindex0", sp_value_int((int64_t)(loop->n - loop->i) - 1)},
      {"first", sp_value_bool(loop->i == 0)},
      {"last", sp_value_bool(loop->i + 1 == loop->n)},
      {"previtem", loop->i > 0 ? loop->items[loop->i - 1] : (struct sp_value){0}},
      {"nextitem", loop->i + 1 < loop->n ? loop->items[loop->i + 1] : (struct sp_value){0}},
  };
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
    if (sp_is(name, bytes, members[i].name)) return members[i].value;
  return (struct sp_value){0};
}

/* What a value does not have is undefined; only what is undefined itself has no members at all. */
still_status sp_value_member(struct sp_run *r, const struct sp_value *v, const char *name, size_t bytes, struct sp_value *out) {
  struct sp_value value = *v; /* v and out may be one */
  *out = (struct sp_value){0};
  if (value.kind == SP_V_UNDEFINED)
    return sp_run_refuse(r, "\"%.*s\" is asked of something that is not defined", (int)bytes, name);
  if (value.kind == SP_V_MESSAGE && sp_is(name, bytes, "role")) *out = r->messages[2 * value.number];
  if (value.kind == SP_V_MESSAGE && sp_is(name, bytes, "content")) *out = r->messages[2 * value.number + 1];
  if (value.kind == SP_V_LOOP) *out = loop_member(value.loop, name, bytes);
  const struct sp_attribute *a = value.kind == SP_V_SPACE ? attribute_of(value.space, name, bytes) : NULL;
  if (a) *out = a->value;
  return STILL_OK;
}

/* Number i, counted from the end if negative, as an index below n; false if it is none. */
static bool index_in(int64_t i, size_t n, size_t *at) {
  if (i < 0) i += (int64_t)n;
  *at = (size_t)i;
  return i >= 0 && (uint64_t)i < n;
}

/* Character number i of a string; undefined past its ends. */
static still_status character(struct sp_run *r, struct sp_text text, int64_t i, struct sp_value *out) {
  size_t at;
  *out = (struct sp_value){0};
  SP_TRY(sp_run_spend(r, text.bytes));
  if (!index_in(i, sp_text_characters(text), &at)) return STILL_OK;
  size_t from = offset_of(text, at);
  struct sp_text rest = sp_text_part(text, from, text.bytes - from);
  *out = sp_value_text(sp_text_part(rest, 0, offset_of(rest, 1)));
  return STILL_OK;
}

/* A string as index is a member's name; a number past the ends gives an undefined value. */
still_status sp_value_index(struct sp_run *r, const struct sp_value *v, const struct sp_value *index, struct sp_value *out) {
  struct sp_value value = *v; /* v and out may be one */
  size_t at;
  if (index->kind == SP_V_STRING) return sp_value_member(r, v, index->string.at, index->string.bytes, out);
  if (value.kind == SP_V_UNDEFINED) return sp_run_refuse(r, "an item is asked of something that is not defined");
  if (!is_number(index)) return sp_run_refuse(r, "%s is no index", sp_value_type(index));
  if (value.kind == SP_V_STRING) return character(r, value.string, index->number, out);
  *out = (struct sp_value){0};
  if (value.kind == SP_V_LIST && index_in(index->number, value.list.n, &at)) *out = value.list.items[at];
  return STILL_OK;
}

/* A bound of a slice over n items: as given, or the preset where it is absent; cut to [low, high]. */
static still_status bound(struct sp_run *r, const struct sp_value *v, int64_t n, int64_t preset, int64_t low, int64_t high,
                          int64_t *out) {
  *out = preset;
  if (v->kind == SP_V_UNDEFINED || v->kind == SP_V_NONE) return STILL_OK;
  if (!is_number(v)) return sp_run_refuse(r, "%s is no bound of a slice", sp_value_type(v));
  *out = v->number < 0 ? v->number + n : v->number;
  *out = *out < low ? low : *out > high ? high : *out;
  return STILL_OK;
}

static still_status slice_list(struct sp_run *r, const struct sp_value *v, int64_t first, int64_t last, int64_t step,
                               struct sp_value *out) {
  size_t n = 0;
  SP_TRY(sp_run_spend(r, v->list.n * sizeof *v));
  struct sp_value *items = sp_arena_alloc(&r->c->arena, v->list.n, sizeof *items, "chat list");
  if (!items) return STILL_ENOMEM;
  for (int64_t i = first; step > 0 ? i < last : i > last; i += step) items[n++] = v->list.items[i];
  *out = (struct sp_value){.kind = SP_V_LIST, .list = {items, n}};
  return STILL_OK;
}

/* As Python has it: absent bounds are the ends, others are cut to them, a negative step turns the list round. */
still_status sp_value_slice(struct sp_run *r, const struct sp_value *v, const struct sp_value part[3], struct sp_value *out) {
  int64_t n = v->kind == SP_V_LIST ? (int64_t)v->list.n : 0, first, last, step;
  if (v->kind == SP_V_STRING) {
    SP_TRY(sp_run_spend(r, v->string.bytes));
    n = (int64_t)sp_text_characters(v->string);
  } else if (v->kind != SP_V_LIST)
    return sp_run_refuse(r, "%s cannot be sliced", sp_value_type(v));
  SP_TRY(bound(r, &part[2], 0, 1, INT32_MIN, INT32_MAX, &step));
  if (step == 0 || (v->kind == SP_V_STRING && step != 1))
    return sp_run_refuse(r, "a slice of %s with this step", sp_value_type(v));
  int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
  SP_TRY(bound(r, &part[0], n, step > 0 ? 0 : n - 1, low, high, &first));
  SP_TRY(bound(r, &part[1], n, step > 0 ? n : -1, low, high, &last));
  if (v->kind == SP_V_LIST) return slice_list(r, v, first, last, step, out);
  size_t from = offset_of(v->string, (size_t)first), to = offset_of(v->string, (size_t)(last > first ? last : first));
  *out = sp_value_text(sp_text_part(v->string, from, to - from));
  return STILL_OK;
}

still_status sp_value_items(struct sp_run *r, const struct sp_value *v, const struct sp_value **items, size_t *n) {
  *items = NULL;
  *n = 0;
  if (v->kind == SP_V_UNDEFINED) return STILL_OK;
  if (v->kind != SP_V_LIST) return sp_run_refuse(r, "%s cannot be gone through", sp_value_type(v));
  *items = v->list.items;
  *n = v->list.n;
  return STILL_OK;
}
