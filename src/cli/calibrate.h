/*
 * calibrate.h - what the parts of `stillpoint calibrate` share: the candidates, the sample, what came out, what was chosen.
 *
 * In:       the command line.  Out: struct calibrate.
 * Not here: texts (calibrate_text.c), runs (calibrate_work.c), the search (calibrate_search.c), output (calibrate_print.c,
 * calibrate_file.c).
 *
 * A part of the sample is a list of texts with questions and a list of places in texts, the same for all candidates. What finds a
 * setting and what confirms it are two parts that share no text. Candidate 0 is dense.
 */
#ifndef CLI_CALIBRATE_H
#define CLI_CALIBRATE_H

#include "eval.h"

enum { CALIBRATE_POOLS = 8, CALIBRATE_GRID = 16, CALIBRATE_LEVELS = 3, CALIBRATE_UNKNOWN = -1 };
enum { CALIBRATE_SEARCH, CALIBRATE_FINAL, CALIBRATE_PARTS };

struct candidate {
  double start, ratio, wake;
  unsigned layer;           /* l_s; the number of layers if dense */
  size_t pool;              /* index of calibrate->pool */
  still_settings *settings;
  char identity[EVAL_IDENTITY];
  double bound;             /* operations of dense over its own */
  signed char *right[CALIBRATE_PARTS]; /* [n_texts * per_text]: 1, 0 or CALIBRATE_UNKNOWN */
  double *loss[CALIBRATE_PARTS];       /* [n_places]; NaN: unknown */
  size_t halted;            /* facts of questions which dense answers that its gate halts */
};

struct bounds { /* of a quality */
  const char *name;
  double loss;              /* most loss above dense: nats a token, or a part of dense's */
  bool relative;
  double points;            /* most points of retrieval below dense */
};

struct part { /* of the sample; of all lengths */
  size_t n_texts, n_places;
  uint64_t texts, places;   /* of each set and length, of each length */
  uint64_t answers;         /* questions a text that candidates must answer */
  uint64_t seed;
  struct eval_hay hay;
  struct cli_tokens file;   /* halves of the texts, one after the other */
};

struct figures { /* of a candidate against dense, on what both have run */
  size_t questions, gained, lost, places, n_right[EVAL_MODES];
  struct interval right[EVAL_MODES], difference, loss[EVAL_MODES], loss_difference;
  struct mean sum[EVAL_MODES], sum_of_differences; /* of losses */
};

struct choice {
  size_t candidate, exhaustive; /* 0: dense */
  double speed_up;              /* measured; 0: not */
};

struct calibrate {
  struct cli *cli;
  struct eval sample;       /* of the part in work: texts, hay, files, results; its first engine runs everything */
  struct part part[CALIBRATE_PARTS];
  struct candidate *candidate;
  size_t n_candidates;
  still_settings *gate[CALIBRATE_GRID];  /* of each start: scores alone */
  char gate_identity[CALIBRATE_GRID][EVAL_IDENTITY];
  double start[CALIBRATE_GRID], ratio[CALIBRATE_GRID], wake[CALIBRATE_GRID];
  uint64_t pool[CALIBRATE_POOLS];
  size_t n_starts, n_ratios, n_pools, n_wakes;
  int64_t seed;             /* as given */
  struct bounds bounds[CALIBRATE_LEVELS]; /* strict, balanced, fast */
  struct choice choice[CALIBRATE_LEVELS];
  uint64_t min_tokens, ran, reused;
  struct cli_step step;     /* what is shown */
  char step_name[16];
  double step_since, since, seconds;
};

/* calibrate_grid.c: an exit code. */
int calibrate_grid(struct calibrate *c);
void calibrate_release(struct calibrate *c);

/* calibrate_search.c */
int calibrate_search(struct calibrate *c);
void calibrate_figures(const struct calibrate *c, size_t candidate, int part, struct figures *f);

/* calibrate_text.c: an exit code. */
int calibrate_read(struct calibrate *c);
void calibrate_use(struct calibrate *c, int part); /* the sample is that part's: hay, text, seed and numbers */

/* calibrate_print.c, calibrate_file.c */
void calibrate_print(const struct calibrate *c, const char *path);
void calibrate_print_json(const struct calibrate *c, const char *path);
int calibrate_write(struct calibrate *c, const char *path);

#endif
