/*
 * calibrate_grid.c - the candidates: every start layer with every ratio, pool and value of wake, and dense.
 *
 * In:       lists of numbers, the model's shape.  Out: candidates with their settings and bounds, room for their results.
 * Not here: running them.
 */
#include "calibrate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval_key.h"

/* "0.3,0.4": numbers in [0, most), ascending and each once, so that one order serves layers and speed. */
static int read_list(const struct cli *cli, const char *option, const char *text, double most, double *value, size_t *n) {
  *n = 0;
  for (const char *at = text; *n < CALIBRATE_GRID;) {
    char *end;
    value[*n] = strtod(at, &end);
    bool good = end != at && value[*n] >= 0 && value[*n] < most && (*n == 0 || value[*n] > value[*n - 1]);
    if (!good || (*end && *end != ',')) break;
    ++*n;
    if (!*end) return CLI_OK;
    at = end + 1;
  }
  return cli_usage(cli, "--%s takes at most %d numbers below %g, ascending, as in 0.3,0.5; \"%s\" is not that",
                   option, CALIBRATE_GRID, most, text);
}

static int read_pools(struct calibrate *c, const char *text) {
  if (!cli_counts(c->cli, "pools", text, c->pool, CALIBRATE_POOLS, &c->n_pools)) return CLI_USAGE;
  for (size_t i = 0; i < c->n_pools; i++)
    if (c->pool[i] % 2 == 0 || c->pool[i] > 513)
      return cli_usage(c->cli, "--pools takes odd numbers up to 513, as the setting pool does");
  return CLI_OK;
}

static int read_wakes(struct calibrate *c, const char *text) {
  if (text) return read_list(c->cli, "wakes", text, 1000, c->wake, &c->n_wakes);
  c->n_wakes = 1;
  still_get_real(c->cli->settings, "wake", &c->wake[0]);
  return CLI_OK;
}

/* Settings of the gate set all, so that no calibration decides; short prompts halt, too, since they are what is measured. */
static still_settings *settings_of(const struct calibrate *c, const char *policy, double start, double ratio, uint64_t pool,
                                   double wake) {
  still_settings *s = still_settings_copy(c->cli->settings);
  bool good = s && still_set(s, "policy", policy) == STILL_OK && still_set_real(s, "start", start) == STILL_OK &&
              still_set_real(s, "ratio", ratio) == STILL_OK && still_set_int(s, "pool", (int64_t)pool) == STILL_OK &&
              still_set_real(s, "wake", wake) == STILL_OK && still_set_int(s, "min-tokens", 0) == STILL_OK;
  if (good) return s;
  still_settings_free(s);
  return NULL;
}

/* Operations of a prefill of each length, summed up. */
static double cost(const struct calibrate *c, unsigned layer, double ratio) {
  double sum = 0;
  for (size_t l = 0; l < c->sample.n_lengths; l++) {
    uint64_t n = c->sample.length[l], kept = layer < c->sample.model.n_layers ? n - (uint64_t)floor(ratio * (double)n) : n;
    sum += eval_cost(&c->sample.model, &(struct eval_shape){.tokens = n, .kept = kept, .start_layer = layer});
  }
  return sum;
}

static bool add_results(const struct calibrate *c, struct candidate *d) {
  for (int i = 0; i < CALIBRATE_PARTS; i++) {
    const struct part *p = &c->part[i];
    size_t n = p->n_texts * (size_t)c->sample.per_text;
    d->right[i] = malloc(n + 1);
    d->loss[i] = malloc((p->n_places + 1) * sizeof *d->loss[i]);
    if (!d->right[i] || !d->loss[i]) return false;
    memset(d->right[i], CALIBRATE_UNKNOWN, n);
    for (size_t k = 0; k < p->n_places; k++) d->loss[i][k] = NAN;
  }
  return true;
}

static bool add(struct calibrate *c, double start, double ratio, size_t pool, double wake, bool dense) {
  unsigned layers = c->sample.model.n_layers;
  struct candidate *d = &c->candidate[c->n_candidates++];
  *d = (struct candidate){.start = start, .ratio = ratio, .wake = wake, .pool = pool};
  d->layer = dense ? layers : (unsigned)(start * layers + 1e-9);
  d->bound = cost(c, layers, 0) / cost(c, d->layer, ratio);
  d->settings = settings_of(c, dense ? "dense" : "query", start, ratio, c->pool[pool], wake);
  if (!d->settings || !add_results(c, d)) return false;
  eval_identity(c->sample.model_digest, d->settings, dense, d->identity);
  return true;
}

/* Starts that give one layer are one start. */
static void merge_starts(struct calibrate *c) {
  size_t n = 0;
  unsigned layers = c->sample.model.n_layers;
  for (size_t i = 0; i < c->n_starts; i++) {
    bool same = n > 0 && (unsigned)(c->start[i] * layers + 1e-9) == (unsigned)(c->start[n - 1] * layers + 1e-9);
    if (!same) c->start[n++] = c->start[i];
  }
  c->n_starts = n;
}

/* The gate alone, for its scores: what passes it are the protected rows. */
static bool add_gates(struct calibrate *c) {
  for (size_t s = 0; s < c->n_starts; s++) {
    c->gate[s] = settings_of(c, "query", c->start[s], 0.999999, 1, 0);
    if (!c->gate[s]) return false;
    eval_identity(c->sample.model_digest, c->gate[s], false, c->gate_identity[s]);
  }
  return true;
}

int calibrate_grid(struct calibrate *c) {
  const struct cli_values *given = &c->cli->given;
  const char *starts = given->starts ? given->starts : "0.25,0.3,0.35,0.4,0.5,0.6";
  const char *ratios = given->ratios ? given->ratios : "0.5,0.6666667,0.75,0.8";
  int code = read_list(c->cli, "starts", starts, 1, c->start, &c->n_starts);
  if (code == CLI_OK) code = read_list(c->cli, "ratios", ratios, 1, c->ratio, &c->n_ratios);
  if (code == CLI_OK) code = read_pools(c, given->pools ? given->pools : "31,63");
  if (code == CLI_OK) code = read_wakes(c, given->wakes);
  if (code != CLI_OK) return code;
  merge_starts(c);
  c->candidate = calloc(1 + c->n_starts * c->n_ratios * c->n_pools * c->n_wakes, sizeof *c->candidate);
  bool good = c->candidate && add(c, 0, 0, 0, 0, true) && add_gates(c);
  for (size_t s = 0; s < c->n_starts; s++)
    for (size_t r = 0; r < c->n_ratios; r++)
      for (size_t p = 0; p < c->n_pools; p++)
        for (size_t w = 0; w < c->n_wakes; w++) good = good && add(c, c->start[s], c->ratio[r], p, c->wake[w], false);
  return good ? CLI_OK : cli_no_memory(c->cli);
}

void calibrate_release(struct calibrate *c) {
  for (size_t i = 0; i < c->n_candidates; i++) {
    still_settings_free(c->candidate[i].settings);
    for (int part = 0; part < CALIBRATE_PARTS; part++) {
      free(c->candidate[i].right[part]);
      free(c->candidate[i].loss[part]);
    }
  }
  for (size_t s = 0; s < c->n_starts; s++) still_settings_free(c->gate[s]);
  free(c->candidate);
}
