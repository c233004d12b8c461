/*
 * eval.h - what the parts of `stillpoint eval` share: what was asked for, and what came out of each run.
 *
 * In:       the command line.  Out: struct eval.
 * Not here: the work (cmd_eval.c), figures (eval_sum.c), printing (eval_print.c, eval_plot.c).
 */
#ifndef CLI_EVAL_H
#define CLI_EVAL_H

#include "draw.h"
#include "eval_cost.h"
#include "eval_sets.h"
#include "eval_stats.h"
#include "eval_store.h"
#include "input.h"

enum { EVAL_MODES = 2, EVAL_MOST_SIZES = 16, EVAL_MOST_SETS = 8 }; /* modes: dense, and as the settings say */
enum { EVAL_IDENTITY = 512 };
enum eval_kind { EVAL_QUESTION, EVAL_LOSS, EVAL_AGREE, EVAL_KINDS };

extern const char *const eval_mode_names[EVAL_MODES];

struct eval_outcome {
  bool right;
  double loss;
  uint64_t tokens, kept, start_layer, woken;
  double seconds;
};

struct eval_item { /* one question, or one place in a text, in both modes */
  enum eval_kind kind;
  const struct eval_set *set; /* of a question */
  size_t length;              /* index of eval->length */
  unsigned depth;             /* in per cent; 0 where the set has none */
  bool timed;                 /* both prefills read the whole prompt: the first question on a text */
  double agreement;           /* part of the tokens before the first that differs */
  struct eval_outcome of[EVAL_MODES];
};

struct eval {
  struct cli *cli;
  struct cli_engine engine[EVAL_MODES]; /* the second borrows the model of the first */
  still_settings *settings[EVAL_MODES];
  still_model_info model;
  bool plain;                           /* no chat template */
  const struct eval_set *set[EVAL_MOST_SETS];
  size_t n_sets;
  bool wanted[EVAL_KINDS];
  uint64_t length[EVAL_MOST_SIZES], depth[EVAL_MOST_SIZES], seed;
  size_t n_lengths, n_depths;
  uint64_t questions, per_text, places, continuation, predict;
  struct eval_hay hay;
  struct cli_tokens *file; /* [n_files] texts for losses */
  size_t n_files;
  const char *files_name;  /* of texts that are one: what a sentence calls them */
  struct eval_store store;
  char identity[2][EVAL_IDENTITY]; /* of the model, and of the settings of each mode: part of every key */
  char model_digest[EVAL_KEY];
  struct eval_item *item;
  size_t n_items, most_items;
  uint64_t reused;         /* runs that the file of results had */
};

/* ---- figures: eval_sum.c ---------------------------------------------------------------------------------------- */

enum { EVAL_ANY = 255 };

struct eval_filter { /* which items */
  enum eval_kind kind;
  const struct eval_set *set; /* NULL: any */
  size_t length;              /* EVAL_ANY: any */
  unsigned depth;             /* EVAL_ANY: any */
};

struct eval_sum {
  size_t n, gained, lost, stayed; /* gained: right as the settings say and not dense. stayed: prefills that halted nothing */
  struct interval of[EVAL_MODES], difference; /* of agreement: of[1] alone */
  double woken; /* rows that woke as the settings say, a question or place */
};

struct eval_speed {
  size_t n;
  double cost[EVAL_MODES], seconds[EVAL_MODES]; /* multiply-adds; of prefills */
  uint64_t tokens, kept;                        /* as the settings say */
};

void eval_sum(const struct eval *eval, const struct eval_filter *filter, struct eval_sum *sum);
void eval_speed(const struct eval *eval, size_t length, struct eval_speed *speed); /* EVAL_ANY: of all lengths */

/* ---- output ----------------------------------------------------------------------------------------------------- */

void eval_print(const struct eval *eval);
void eval_print_json(const struct eval *eval);
still_status eval_plot(const struct eval *eval, enum draw_kind kind, FILE *out); /* STILL_ENOMEM, STILL_EIO */

#endif
