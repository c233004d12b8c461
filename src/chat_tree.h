/*
 * chat_tree.h - a chat template as a tree: tokens, nodes, parser.
 *
 * In:       the source of a template.  Out: a flat array of nodes.
 * Not here: values and what nodes do (chat_run.h). Only chat*.c includes this.
 */
#ifndef SP_CHAT_TREE_H
#define SP_CHAT_TREE_H

#include "chat.h"

enum {
  SP_CHAT_DEPTH = 64,      /* nesting of expressions and of blocks */
  SP_CHAT_SOURCE = 1 << 20 /* bytes of a template; published ones stay below 20 KiB */
};

enum sp_node_kind {
  /* statements */
  SP_N_BODY,       /* statements */
  SP_N_TEXT,       /* text: as it stands in the template */
  SP_N_OUTPUT,     /* expression */
  SP_N_IF,         /* condition, body, condition, body, ...; the condition of an else is absent */
  SP_N_FOR,        /* list of names, iterable, condition or absent, body, else body */
  SP_N_SET,        /* text: variable, or its attribute in a member node; value */
  SP_N_SET_BLOCK,  /* text: variable; body */
  SP_N_MACRO,      /* text: its name; nothing is kept of it: only templates for tools call macros */
  SP_N_BREAK, SP_N_CONTINUE,
  /* expressions */
  SP_N_ABSENT,     /* an optional part that is not there: undefined */
  SP_N_STRING, SP_N_INT, SP_N_TRUE, SP_N_FALSE, SP_N_NONE,
  SP_N_NAME,
  SP_N_LIST,       /* items; also a tuple */
  SP_N_MAP,        /* key, value, key, value, ... */
  SP_N_COND,       /* value, condition, other value or absent */
  SP_N_OR, SP_N_AND, SP_N_NOT,
  SP_N_COMPARE, SP_N_SUM, SP_N_CONCAT, SP_N_PRODUCT, /* operands; each but the first carries its operator */
  SP_N_NEGATE,
  SP_N_CHAIN,      /* a value, then links: */
  SP_N_MEMBER,     /* .text */
  SP_N_INDEX,      /* [expression] */
  SP_N_SLICE,      /* [first:last:step], each may be absent */
  SP_N_CALL,       /* (arguments) */
  SP_N_FILTER,     /* | text (arguments) */
  SP_N_TEST,       /* is text (arguments); op SP_OP_NOT: is not */
  SP_N_ARGUMENT,   /* text = expression */
  SP_NODE_KINDS
};

enum sp_op {
  SP_OP_NONE,
  SP_OP_EQ, SP_OP_NE, SP_OP_LE, SP_OP_GE, SP_OP_LESS, SP_OP_MORE,
  SP_OP_PLUS, SP_OP_MINUS, SP_OP_TIMES, SP_OP_DIVIDE, SP_OP_DIVIDE_DOWN, SP_OP_MODULO, SP_OP_POWER, SP_OP_TILDE,
  SP_OP_OPEN, SP_OP_CLOSE, SP_OP_OPEN_LIST, SP_OP_CLOSE_LIST, SP_OP_OPEN_MAP, SP_OP_CLOSE_MAP,
  SP_OP_DOT, SP_OP_COMMA, SP_OP_COLON, SP_OP_PIPE, SP_OP_ASSIGN,
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

bool sp_is(const char *text, size_t bytes, const char *word); /* are these bytes the word? */

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

/* Text up to the next tag: [*text, *bytes), white space taken off as the tag asks; then the tag's first token. Comments are
 * skipped. */
still_status sp_lexer_text(struct sp_lexer *l, const char **text, uint32_t *bytes, enum sp_tag *tag);
still_status sp_lexer_next(struct sp_lexer *l);

/* Fills c->nodes. */
still_status sp_chat_parse(struct sp_chat *c);

#endif
