/*
 * chat_run.h - one rendering of a chat template: its values, variables and books, and what templates call.
 *
 * In:       nodes (chat_tree.h).  Out: values; text with trust marks.
 * Not here: the tree. Only chat*.c includes this.
 *
 * Everything of a rendering lives in one arena and dies with it. Values are copied, strings are views, nothing is counted.
 */
#ifndef SP_CHAT_RUN_H
#define SP_CHAT_RUN_H

#include "chat_tree.h"

enum {
  SP_CHAT_FUEL = 1000000,   /* steps: a node visited, or FUEL_BYTES bytes moved or compared */
  SP_CHAT_FUEL_BYTES = 64,
  SP_CHAT_OUTPUT = 4 << 20, /* bytes of the result, and of any string on the way */
  SP_CHAT_VARIABLES = 256,
  SP_CHAT_ENTRIES = 64,     /* of a map or namespace */
  SP_CHAT_ARGUMENTS = 8
};

enum sp_value_kind {
  SP_V_UNDEFINED, SP_V_NONE, SP_V_BOOL, SP_V_INT, SP_V_STRING, SP_V_LIST, SP_V_MESSAGE, SP_V_LOOP, SP_V_SPACE, SP_V_FUNCTION
};

struct sp_text { /* bytes, and for each whether the template wrote it */
  const char *at;
  const uint8_t *trust;
  size_t bytes;
};

struct sp_value {
  enum sp_value_kind kind;
  union {
    int64_t number; /* bool, int; number of a message or function */
    struct sp_text string;
    struct {
      const struct sp_value *items;
      size_t n;
    } list;
    const struct sp_loop *loop;
    struct sp_space *space;
  };
};

struct sp_loop { /* what `loop` means inside a for */
  const struct sp_value *items;
  size_t n, i;
};

struct sp_attribute {
  struct sp_attribute *next;
  const char *name;
  uint32_t bytes;
  struct sp_value value;
};

struct sp_space { /* namespace(...) and {...}: both are names with values here */
  struct sp_attribute *first; /* the youngest */
  unsigned n;
};

struct sp_variable {
  const char *name;
  uint32_t bytes;
  struct sp_value value;
};

struct sp_argument {
  const char *name; /* NULL: by position */
  uint32_t bytes;
  struct sp_value value;
};

struct sp_arguments {
  struct sp_argument items[SP_CHAT_ARGUMENTS];
  size_t n;
};

enum sp_flow { SP_FLOW_ON, SP_FLOW_BREAK, SP_FLOW_CONTINUE };

struct sp_run { /* one rendering */
  struct sp_chat *c;
  struct sp_chat_text *out;
  struct sp_value *messages; /* [n_messages] role and content of each: two strings */
  size_t n_messages;
  size_t fuel;
  uint32_t at;               /* of the node in work, for messages */
  unsigned depth;
  enum sp_flow flow;
  size_t n_variables, scope; /* variables from scope on belong to the innermost loop's turn */
  struct sp_variable variables[SP_CHAT_VARIABLES];
};

/* STILL_EUNSUPPORTED at the node in work. */
still_status sp_run_refuse(const struct sp_run *r, const char *format, ...) SP_PRINTF(2, 3);
/* Takes steps for one node and `bytes` of work; STILL_ELIMIT when they are used up. */
still_status sp_run_spend(struct sp_run *r, size_t bytes);
still_status sp_run_put(struct sp_run *r, struct sp_text text); /* to the output */
still_status sp_run_body(struct sp_run *r);                     /* runs the template */

struct sp_value sp_value_bool(bool b);
struct sp_value sp_value_int(int64_t n);
struct sp_value sp_value_text(struct sp_text text);
const char *sp_value_type(const struct sp_value *v); /* for messages */
bool sp_value_true(const struct sp_value *v);
still_status sp_value_equal(struct sp_run *r, const struct sp_value *a, const struct sp_value *b, bool *equal);
still_status sp_value_contains(struct sp_run *r, const struct sp_value *whole, const struct sp_value *part, bool *found);
still_status sp_value_assign(struct sp_run *r, struct sp_space *space, const char *name, uint32_t bytes, struct sp_value value);
still_status sp_value_order(struct sp_run *r, const struct sp_value *a, const struct sp_value *b, int *order);
still_status sp_value_add(struct sp_run *r, const struct sp_value *a, const struct sp_value *b, struct sp_value *out);
/* Text of a value as {{ }} and ~ print it. */
still_status sp_value_print(struct sp_run *r, const struct sp_value *v, struct sp_text *text);
still_status sp_value_member(struct sp_run *r, const struct sp_value *v, const char *name, size_t bytes, struct sp_value *out);
still_status sp_value_index(struct sp_run *r, const struct sp_value *v, const struct sp_value *index, struct sp_value *out);
/* v[first:last:step]; undefined parts are absent. */
still_status sp_value_slice(struct sp_run *r, const struct sp_value *v, const struct sp_value part[3], struct sp_value *out);
/* The items that a for visits. */
still_status sp_value_items(struct sp_run *r, const struct sp_value *v, const struct sp_value **items, size_t *n);

/* Room for a text of the template's own bytes; both halves are writable until the caller shares it. */
still_status sp_text_new(struct sp_run *r, size_t bytes, char **at, uint8_t **trust, struct sp_text *text);
still_status sp_text_literal(struct sp_run *r, const char *at, size_t bytes, struct sp_text *text); /* trusted */
struct sp_text sp_text_part(struct sp_text text, size_t from, size_t bytes);
/* Offset of part in text from `from` on; text.bytes if it is not there. */
still_status sp_text_find(struct sp_run *r, struct sp_text text, struct sp_text part, size_t from, size_t *at);
size_t sp_text_characters(struct sp_text text);

/* ---- names that templates call ---- */

still_status sp_call_filter(struct sp_run *r, const struct sp_node *node, struct sp_value *v, const struct sp_arguments *a);
still_status sp_call_method(struct sp_run *r, const struct sp_node *node, struct sp_value *v, const struct sp_arguments *a);
still_status sp_call_test(struct sp_run *r, struct sp_text name, const struct sp_value *v, const struct sp_arguments *a,
                          bool *yes);
still_status sp_call_function(struct sp_run *r, const struct sp_value *function, const struct sp_arguments *a,
                              struct sp_value *out);
struct sp_value sp_call_find(const char *name, size_t bytes); /* a function by name; undefined if there is none */

#endif
