/*
 * chat.c - renders messages with a template: sets the stage, keeps the books (fuel, output), tells errors with their place.
 *
 * In:       source, messages.  Out: text with a trust mark per byte.
 * Not here: language (chat_lex.c, chat_parse.c, chat_eval.c), values and what templates call (chat_value.c, chat_call.c).
 */
#include "chat.h"

#include <stdio.h>
#include <string.h>
#include "chat_run.h"
#include "unicode.h"

/* ---- errors ---- */

/* The sentence has three parts: which line, what is wrong and where, how to go on. The quote ends with its line. */
static still_status fail(const struct sp_chat *c, still_status status, uint32_t at, const char *format, va_list arguments) {
  char what[256];
  uint32_t line = 1, end = at;
  vsnprintf(what, sizeof what, format, arguments);
  for (uint32_t i = 0; i < at && i < c->bytes; i++) line += c->source[i] == '\n';
  while (end < c->bytes && end < at + 40 && c->source[end] != '\n') { /* a quote of whole characters */
    uint32_t code;
    end += (uint32_t)sp_utf8_next(c->source + end, c->bytes - end, &code);
  }
  return sp_fail(&c->ctx->error, status, "chat template, line %u: %s, at \"%.*s\"; --raw goes without the template", line, what,
                 (int)(end - at), c->source + at);
}

still_status sp_chat_fail(const struct sp_chat *c, still_status status, uint32_t at, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fail(c, status, at, format, arguments);
  va_end(arguments);
  return status;
}

still_status sp_run_refuse(const struct sp_run *r, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fail(r->c, STILL_EUNSUPPORTED, r->at, format, arguments);
  va_end(arguments);
  return STILL_EUNSUPPORTED;
}

still_status sp_run_spend(struct sp_run *r, size_t bytes) {
  size_t steps = 1 + bytes / SP_CHAT_FUEL_BYTES;
  if (steps <= r->fuel) {
    r->fuel -= steps;
    return STILL_OK;
  }
  return sp_chat_fail(r->c, STILL_ELIMIT, r->at, "it takes more than %d steps for these messages", SP_CHAT_FUEL);
}

/* ---- nodes ---- */

/* Doubles. Numbers of nodes stay what they are; pointers do not, so nobody keeps one across a new node. */
static still_status grow_nodes(struct sp_chat *c) {
  uint32_t room = c->room ? 2 * c->room : 256;
  struct sp_node *nodes = sp_alloc(c->ctx, room, sizeof *nodes, "chat template");
  if (!nodes) return STILL_ENOMEM;
  if (c->n_nodes) memcpy(nodes, c->nodes, c->n_nodes * sizeof *nodes);
  sp_free(c->ctx, c->nodes, c->room, sizeof *nodes);
  c->nodes = nodes;
  c->room = room;
  return STILL_OK;
}

still_status sp_chat_node(struct sp_chat *c, enum sp_node_kind kind, uint32_t at, uint32_t *node) {
  if (c->n_nodes == c->room) SP_TRY(grow_nodes(c));
  *node = c->n_nodes++;
  c->nodes[*node] = (struct sp_node){.kind = (uint8_t)kind, .at = at};
  return STILL_OK;
}

/* ---- output ---- */

/* Text and marks move together, with room for as much again. */
static still_status grow_output(struct sp_ctx *ctx, struct sp_chat_text *out, size_t bytes) {
  size_t capacity = 2 * bytes + 1024;
  char *text = sp_alloc(ctx, capacity, 1, "chat text");
  uint8_t *trusted = sp_alloc(ctx, capacity, 1, "chat text");
  if (!text || !trusted) {
    sp_free(ctx, text, capacity, 1);
    sp_free(ctx, trusted, capacity, 1);
    return STILL_ENOMEM;
  }
  if (out->bytes) {
    memcpy(text, out->text, out->bytes);
    memcpy(trusted, out->trusted, out->bytes);
  }
  size_t n = out->bytes;
  sp_chat_text_free(ctx, out);
  *out = (struct sp_chat_text){text, trusted, n, capacity};
  return STILL_OK;
}

still_status sp_run_put(struct sp_run *r, struct sp_text text) {
  struct sp_chat_text *out = r->out;
  SP_TRY(sp_run_spend(r, text.bytes));
  if (text.bytes > SP_CHAT_OUTPUT - out->bytes)
    return sp_chat_fail(r->c, STILL_ELIMIT, r->at, "it gives more than %d bytes for these messages", SP_CHAT_OUTPUT);
  if (out->bytes + text.bytes + 1 > out->capacity) SP_TRY(grow_output(r->c->ctx, out, out->bytes + text.bytes));
  if (text.bytes) {
    memcpy(out->text + out->bytes, text.at, text.bytes);
    memcpy(out->trusted + out->bytes, text.trust, text.bytes);
  }
  out->bytes += text.bytes;
  out->text[out->bytes] = '\0';
  return STILL_OK;
}

void sp_chat_text_free(struct sp_ctx *ctx, struct sp_chat_text *text) {
  sp_free(ctx, text->text, text->capacity, 1);
  sp_free(ctx, text->trusted, text->capacity, 1);
  *text = (struct sp_chat_text){0};
}

/* ---- the stage ---- */

/* The source with \n for every kind of line end, and without the last one: so templates are read where they were written. */
static still_status take_source(struct sp_chat *c, const char *source, size_t bytes) {
  if (bytes > SP_CHAT_SOURCE)
    return sp_fail(&c->ctx->error, STILL_ELIMIT, "a chat template of %zu bytes, at most %d are read; --raw goes without it",
                   bytes, SP_CHAT_SOURCE);
  char *copy = sp_arena_alloc(&c->arena, bytes + 1, 1, "chat template");
  if (!copy) return STILL_ENOMEM;
  for (size_t i = 0; i < bytes; i++) {
    if (source[i] == '\n' && i > 0 && source[i - 1] == '\r') continue;
    copy[c->bytes++] = source[i] == '\r' ? '\n' : source[i];
  }
  if (c->bytes && copy[c->bytes - 1] == '\n') c->bytes--;
  c->source = copy;
  return STILL_OK;
}

/* A variable of the outermost scope. There are six; SP_CHAT_VARIABLES has room. */
static void define(struct sp_run *r, const char *name, struct sp_value value) {
  r->variables[r->n_variables++] = (struct sp_variable){name, (uint32_t)strlen(name), value};
}

/* A string of the caller: not trusted. NULL is none. */
static still_status message_text(struct sp_run *r, const char *text, struct sp_value *value) {
  *value = (struct sp_value){.kind = SP_V_NONE};
  if (!text) return STILL_OK;
  uint8_t *trust = sp_arena_alloc(&r->c->arena, strlen(text) + 1, 1, "chat messages"); /* zeroed */
  if (!trust) return STILL_ENOMEM;
  *value = sp_value_text((struct sp_text){text, trust, strlen(text)});
  return STILL_OK;
}

/* `messages` as a list; r->messages keeps role and content of each. */
static still_status take_messages(struct sp_run *r, const still_message *messages, size_t n) {
  struct sp_value *list = sp_arena_alloc(&r->c->arena, n, sizeof *list, "chat messages");
  r->messages = sp_arena_alloc(&r->c->arena, 2 * n, sizeof *r->messages, "chat messages");
  if (!list || !r->messages) return STILL_ENOMEM;
  r->n_messages = n;
  for (size_t i = 0; i < n; i++) {
    SP_TRY(message_text(r, messages[i].role, &r->messages[2 * i]));
    SP_TRY(message_text(r, messages[i].content, &r->messages[2 * i + 1]));
    list[i] = (struct sp_value){.kind = SP_V_MESSAGE, .number = (int64_t)i};
  }
  define(r, "messages", (struct sp_value){.kind = SP_V_LIST, .list = {list, n}});
  return STILL_OK;
}

/* What templates find defined, apart from the functions of chat_call.c. There are no tools and no documents. */
static still_status set_stage(struct sp_run *r, const still_message *messages, size_t n, const char *bos, const char *eos,
                              bool add_header) {
  struct sp_text text;
  SP_TRY(take_messages(r, messages, n));
  define(r, "add_generation_prompt", sp_value_bool(add_header));
  define(r, "tools", (struct sp_value){.kind = SP_V_NONE});
  define(r, "documents", (struct sp_value){.kind = SP_V_NONE});
  SP_TRY(sp_text_literal(r, bos, strlen(bos), &text));
  define(r, "bos_token", sp_value_text(text));
  SP_TRY(sp_text_literal(r, eos, strlen(eos), &text));
  define(r, "eos_token", sp_value_text(text));
  r->scope = r->n_variables; /* a template's own `set` makes a new variable and leaves these as they are */
  return STILL_OK;
}

still_status sp_chat_render(struct sp_ctx *ctx, const char *source, size_t source_bytes, const still_message *messages,
                            size_t n_messages, const char *bos, const char *eos, bool add_header, struct sp_chat_text *out) {
  struct sp_chat c = {.ctx = ctx};
  *out = (struct sp_chat_text){0};
  if (n_messages == 0 || n_messages > SP_CHAT_FUEL)
    return sp_fail(&ctx->error, STILL_EARG, "%zu messages for the chat template; it takes 1 to %d", n_messages, SP_CHAT_FUEL);
  struct sp_run *r = sp_calloc(ctx, 1, sizeof *r, "chat template");
  if (!r) return STILL_ENOMEM;
  sp_arena_init(&c.arena, ctx);
  *r = (struct sp_run){.c = &c, .out = out, .fuel = SP_CHAT_FUEL};
  still_status status = take_source(&c, source, source_bytes);
  if (status == STILL_OK) status = sp_chat_parse(&c);
  if (status == STILL_OK) status = set_stage(r, messages, n_messages, bos, eos, add_header);
  if (status == STILL_OK) status = sp_run_put(r, (struct sp_text){0}); /* an empty result is still a string */
  if (status == STILL_OK) status = sp_run_body(r);
  if (status != STILL_OK) sp_chat_text_free(ctx, out);
  sp_free(ctx, c.nodes, c.room, sizeof *c.nodes);
  sp_arena_free(&c.arena);
  sp_free(ctx, r, 1, sizeof *r);
  return status;
}
