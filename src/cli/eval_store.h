/*
 * eval_store.h - results of single runs, and the file that keeps them: one JSON object a line, added as soon as it is known.
 *
 * In:       records with a key.  Out: the record of a key, from this run or an earlier one.
 * Not here: what goes into a key (cmd_eval.c), what is made of records (eval_print.c).
 */
#ifndef CLI_EVAL_STORE_H
#define CLI_EVAL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "stillpoint.h"

enum { EVAL_KEY = 65, EVAL_GREEDY = 64, EVAL_ANSWER = 1024 };

struct eval_record {
  char key[EVAL_KEY];     /* SHA-256 of all that the result depends on, in hexadecimal digits */
  char set[16], mode[16]; /* for readers of the file */
  uint64_t length, text, question, depth;
  char ask[240], expected[32], answer[EVAL_ANSWER];
  bool right;
  double loss;            /* nats a token */
  uint64_t greedy[EVAL_GREEDY], n_greedy; /* tokens; of a gate, places of a fact (calibrate_gate.h) */
  uint64_t tokens, kept, start_layer; /* of the prefill; start_layer: the number of layers if dense */
  uint64_t woken;         /* rows that woke while the answer or the continuation was decoded */
  double seconds;         /* of its phases, without load and panels */
};

struct eval_store { /* zero to begin with */
  struct eval_record *record;
  size_t n, room;
  FILE *file; /* NULL: results are kept in memory alone */
};

/* Reads what is there and opens the file for more. A last line without an end is taken away: a run ended while it was written.
 * STILL_EIO, STILL_EFORMAT (it is no file of results; nothing is changed), STILL_ENOMEM; *error says why. */
still_status eval_store_open(struct eval_store *store, const char *path, still_error *error);
void eval_store_close(struct eval_store *store);

/* The result of a key, or NULL. Valid until the next record is added. */
const struct eval_record *eval_store_find(const struct eval_store *store, const char *key);
still_status eval_store_add(struct eval_store *store, const struct eval_record *record, still_error *error);

/* One line, with its end; and back. False when the line is none. */
void eval_record_write(FILE *out, const struct eval_record *record);
bool eval_record_read(const char *line, size_t bytes, struct eval_record *record);

#endif
