/*
 * chat_cases.h - templates and what Jinja makes of them.
 *
 * In:       nothing.  Out: tables for check_chat.c.
 * Not here: templates that must be refused (check_chat.c).
 */
#ifndef CHAT_CASES_H
#define CHAT_CASES_H

#include <stdbool.h>
#include <stddef.h>

struct chat_row {
  const char *source, *text;
};

struct chat_model {
  const char *name, *source;
  int chat;        /* which conversation: 0, 1, 2 */
  bool add_header; /* add_generation_prompt */
  const char *text; /* bos_token is "<s>", eos_token "</s>" */
};

extern const struct chat_row chat_rows[];
extern const size_t n_chat_rows;
extern const struct chat_model chat_models[];
extern const size_t n_chat_models;

#endif
