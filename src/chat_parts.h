/*
 * chat_parts.h - what the files of the template interpreter share: nodes, values, the state of one rendering.
 *
 * In:       chat.h.  Out: lexer and parser -> flat array of nodes -> evaluator, which calls values and functions.
 * Not here: anything that a user of templates needs. Only chat*.c includes this.
 *
 * Everything of one rendering lives in one arena and dies with it. Nodes are numbered, values are copied, nothing is counted.
 */
#ifndef SP_CHAT_PARTS_H
#define SP_CHAT_PARTS_H

#include "chat.h"

enum {
  SP_CHAT_FUEL = 1000000,        /* steps: a node visited, or FUEL_BYTES bytes moved or compared */
  SP_CHAT_FUEL_BYTES = 64,
  SP_CHAT_DEPTH = 64,            /* nesting of expressions and of blocks */
  SP_CHAT_OUTPUT = 4 << 20,      /* bytes of the result, and of any string on the way */
  SP_CHAT_SOURCE = 1 << 20,      /* bytes of a template; published ones stay below 20 KiB */
  SP_CHAT_VARIABLES = 256,
  SP_CHAT_ARGUMENTS = 8
};

/* ---- nodes ---- */

enum sp_node_kind {
  /* statements */
  SP_N_BODY,     /* statements */
  SP_N_TEXT,     /* text: as it stands in the template */
  SP_N_OUTPUT,   /* expression */
  SP_N_IF,       /* condition, body, condition, body, ...; the condition of an else is absent */
  SP_N_FOR,      /* list of names, iterable, condition or absent, body, else body */
  SP_N_SET,      /* text: variable, or its attribute in a member node; value */
  SP_N_SET_BLOCK, /* text: variable; body */
  SP_N_MACRO,    /* text: its name; nothing is kept of it: only templates for tools call macros */
  SP_N_BREAK, SP_N_CONTINUE,
  /* expressions */
  SP_N_ABSENT,   /* an optional part that is not there: undefined */
  SP_N_STRING, SP_N_INT, SP_N_TRUE, SP_N_FALSE, SP_N_NONE,
  SP_N_NAME,
  SP_N_LIST,     /* items; also a tuple */
  SP_N_MAP,      /* key, value, key, value, ... */
  SP_N_COND,     /* value, condition, other value or absent */
  SP_N_OR, SP_N_AND, SP_N_NOT,
  SP_N_COMPARE, SP_N_SUM, SP_N_CONCAT, SP_N_PRODUCT, /* operands; each but the first carries its operator */
  SP_N_NEGATE,
  SP_N_CHAIN,    /* a value, then links: */
  SP_N_MEMBER,   /* .text */
  SP_N_INDEX,    /* [expression] */
  SP_N_SLICE,    /* [first:last:step], each may be absent */
  SP_N_CALL,     /* (arguments) */
  SP_N_FILTER,   /* | text (arguments) */
  SP_N_TEST,     /* is text (arguments); op SP_OP_NOT: is not */
  SP_N_ARGUMENT, /* text = expression */
  SP_NODE_KINDS
};

enum sp_op {
  SP_OP_NONE, SP_OP_EQ, SP_OP_NE, SP_OP_LE, SP_OP_GE, SP_OP_DIVIDE_DOWN, SP_OP_POWER, SP_OP_PLUS, SP_OP_MINUS, SP_OP_TIMES, SP_OP_DIVIDE,
  SP_OP_MODULO, SP_OP_TILDE, SP_OP_LESS, SP_OP_MORE, SP_OP_OPEN, SP_OP_CLOSE, SP_OP_OPEN_LIST, SP_OP_CLOSE_LIST, SP_OP_OPEN_MAP,
  SP_OP_CLOSE_MAP, SP_OP_DOT, SP_OP_COMMA, SP_OP_COLON, SP_OP_PIPE, SP_OP_ASSIGN,
  SP_OP_IN, SP_OP_NOT_IN, SP_OP_NOT, SP_OP_OR, SP_OP_AND /* words */
};

struct sp_node {
  uint8_t kind, op;     /* op: by which the node hangs on the one before it */
  uint32_t at;          /* offset in the source, for messages */
  uint32_t child, next; /* numbers of nodes; 0: none (node 0 is the template's body, nobody's child) */
  const char *text;     /* a name, or the text of a literal */
  uint32_t bytes;
  int64_t number;       /* SP_N_INT */
};

struct sp_chat { /* a parsed template */
  struct sp_ctx *ctx;
  struct sp_arena arena;
  const char *source; /* line ends as \n, the last one taken off */
  uint32_t bytes;
  struct sp_node *nodes;
  uint32_t n_nodes, room;
};

/* The sentence names line and place. Returns status. */
still_status sp_chat_fail(const struct sp_chat *c, still_status status, uint32_t at, const char *format, ...) SP_PRINTF(4, 5);
still_status sp_chat_node(struct sp_chat *c, enum sp_node_kind kind, uint32_t at, uint32_t *node);

/* ---- lexer ---- */

enum sp_token_kind { SP_T_END, SP_T_NAME, SP_T_STRING, SP_T_INT, SP_T_OP };

struct sp_lexer {
  struct sp_chat *c;
  uint32_t pos;         /* after the present token */
  bool block;           /* inside {% %}, else inside {{ }} */
  unsigned open;        /* brackets that are open: inside them }} does not end the tag */
  enum sp_token_kind kind; /* the present token; SP_T_END: the tag is over and pos stands where text goes on */
  uint32_t at, bytes;
  const char *text;     /* of names and (unescaped) strings */
  int64_t number;
  enum sp_op op;
};

enum sp_tag { SP_TAG_NONE, SP_TAG_BLOCK, SP_TAG_OUTPUT };

/* Text up to the next tag: [*text, *bytes), white space taken off as the tag asks; then the tag's first token. Comments are skipped. */
still_status sp_lexer_text(struct sp_lexer *l, const char **text, uint32_t *bytes, enum sp_tag *tag);
still_status sp_lexer_next(struct sp_lexer *l);

/* Fills c->nodes. */
still_status sp_chat_parse(struct sp_chat *c);

/* ---- values ---- */

enum sp_value_kind { SP_V_UNDEFINED, SP_V_NONE, SP_V_BOOL, SP_V_INT, SP_V_STRING, SP_V_LIST, SP_V_MESSAGE, SP_V_LOOP, SP_V_SPACE, SP_V_FUNCTION };

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
  struct sp_attribute *first;
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

/* Takes steps for one node and `bytes` of work; STILL_ELIMIT when they are used up. */
still_status sp_run_spend(struct sp_run *r, size_t bytes);
still_status sp_run_put(struct sp_run *r, struct sp_text text); /* to the output */
still_status sp_run_body(struct sp_run *r);                     /* runs the template */

bool sp_is(const char *text, size_t bytes, const char *word);
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
still_status sp_call_test(struct sp_run *r, struct sp_text name, const struct sp_value *v, const struct sp_arguments *a, bool *yes);
still_status sp_call_function(struct sp_run *r, const struct sp_value *function, const struct sp_arguments *a, struct sp_value *out);
struct sp_value sp_call_find(const char *name, size_t bytes); /* a function by name; undefined if there is none */

#endif
