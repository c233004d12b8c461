/*
 * cmd_calibrate.c - `stillpoint calibrate`: the fastest setting of the gate for one model at each quality, measured, into a file.
 *
 * In:       a model, texts, bounds.  Out: a calibration file; a table or JSON; a file of single results.
 * Not here: candidates (calibrate_grid.c), the search (calibrate_search.c), runs (calibrate_work.c), output (calibrate_print.c,
 * calibrate_file.c).
 */
#include <stdlib.h>
#include <string.h>

#include "calibrate_work.h"
#include "eval_key.h"
#include "eval_work.h"
#include "random.h"

enum { DEPTHS = 5, SALT = 0x63616c69 }; /* SALT: a seed gives other texts than for eval, which is to ask what was not seen */

/* Names in the order of the setting `quality`. Those of balanced are options; fast is never narrower. */
static const struct bounds presets[CALIBRATE_LEVELS] = {
    {.name = "strict", .loss = 0.005, .relative = true, .points = 0},
    {.name = "balanced", .loss = 0.02, .points = 1},
    {.name = "fast", .loss = 0.05, .points = 3},
};

static int read_bound(const struct cli *cli, const char *option, const char *text, double most, double *value) {
  char *end;
  double number = text ? strtod(text, &end) : *value;
  if (text && (end == text || *end || !(number >= 0 && number <= most)))
    return cli_usage(cli, "--%s takes a number from 0 to %g, not \"%s\"", option, most, text);
  *value = number;
  return CLI_OK;
}

static int read_bounds(struct calibrate *c) {
  struct bounds *b = c->bounds;
  memcpy(b, presets, sizeof presets);
  int code = read_bound(c->cli, "eps", c->cli->given.eps, 100, &b[1].loss);
  if (code == CLI_OK) code = read_bound(c->cli, "points", c->cli->given.points, 100, &b[1].points);
  if (b[2].loss < b[1].loss) b[2].loss = b[1].loss;
  if (b[2].points < b[1].points) b[2].points = b[1].points;
  return code;
}

/* Facts at five depths, of the sets that bars are set for. */
static void fill_sample(struct eval *e) {
  static const char *const sets[] = {"one", "many", "chain"};
  static const unsigned depth[DEPTHS] = {10, 30, 50, 70, 90};
  for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) e->set[e->n_sets++] = eval_set_find(sets[i], strlen(sets[i]));
  for (size_t i = 0; i < DEPTHS; i++) e->depth[e->n_depths++] = depth[i];
  e->wanted[EVAL_QUESTION] = e->wanted[EVAL_LOSS] = true;
  e->predict = 32;
}

/* Both parts; all questions are answered in the final one. */
static void size_up(struct calibrate *c) {
  const struct eval *e = &c->sample;
  c->part[CALIBRATE_FINAL].answers = e->per_text;
  for (int i = 0; i < CALIBRATE_PARTS; i++) {
    struct part *p = &c->part[i];
    p->seed = cli_mix(cli_mix((uint64_t)c->seed, SALT), (uint64_t)i);
    p->n_texts = (size_t)p->texts * e->n_sets * e->n_lengths;
    p->n_places = (size_t)p->places * e->n_lengths;
  }
}

static int read_numbers(struct calibrate *c) {
  struct eval *e = &c->sample;
  const struct cli *cli = c->cli;
  const struct cli_values *given = &cli->given;
  bool good = cli_counts(cli, "lengths", given->lengths ? given->lengths : "4096", e->length, EVAL_MOST_SIZES, &e->n_lengths) &&
              cli_count(cli, "texts", given->texts, 1, 1000, &c->part[CALIBRATE_SEARCH].texts) &&
              cli_count(cli, "final-texts", given->final_texts, 1, 1000, &c->part[CALIBRATE_FINAL].texts) &&
              cli_count(cli, "per-text", given->per_text, 1, EVAL_MOST_QUESTIONS, &e->per_text) &&
              cli_count(cli, "answers", given->answers, 1, EVAL_MOST_QUESTIONS, &c->part[CALIBRATE_SEARCH].answers) &&
              cli_count(cli, "places", given->places, 2, 10000, &c->part[CALIBRATE_SEARCH].places) &&
              cli_count(cli, "final-places", given->final_places, 2, 10000, &c->part[CALIBRATE_FINAL].places) &&
              cli_count(cli, "continuation", given->continuation, 1, 1 << 20, &e->continuation);
  still_get_int(cli->settings, "seed", &c->seed);
  if (!good) return CLI_USAGE;
  if (c->part[CALIBRATE_SEARCH].answers > e->per_text)
    return cli_usage(cli, "--answers %llu are more than --per-text %llu", (unsigned long long)c->part[CALIBRATE_SEARCH].answers,
                     (unsigned long long)e->per_text);
  size_up(c);
  c->min_tokens = e->length[0];
  for (size_t i = 1; i < e->n_lengths; i++)
    if (e->length[i] < c->min_tokens) c->min_tokens = e->length[i];
  c->min_tokens /= 2; /* what was measured at a length is not believed at less than half of it */
  return cli_count(cli, "min-tokens", given->min_tokens, 0, 1 << 24, &c->min_tokens) ? CLI_OK : CLI_USAGE;
}

static int open_model(struct calibrate *c) {
  struct eval *e = &c->sample;
  e->model.size = sizeof e->model;
  int code = cli_engine_open(&e->engine[0], c->cli, c->cli->settings);
  if (code != CLI_OK) return code;
  still_status status = still_model_describe(e->engine[0].model, &e->model);
  if (status != STILL_OK) return cli_model_failed(&e->engine[0], status);
  uint64_t after = e->continuation > EVAL_GREEDY ? e->continuation : EVAL_GREEDY, most = eval_longest(e);
  if (most + after > e->model.n_ctx_train)
    return cli_fail(c->cli, STILL_ELIMIT, "prompts of %llu tokens and up to %llu behind them do not fit in the model's "
                    "context of %u; take smaller --lengths", (unsigned long long)most, (unsigned long long)after,
                    e->model.n_ctx_train);
  e->settings[0] = cli_settings_with(c->cli->settings, "policy", "dense");
  if (!e->settings[0]) return cli_no_memory(c->cli);
  e->plain = !eval_has_template(&e->engine[0]);
  eval_identify_model(e);
  return cli_engine_session(&e->engine[0], e->settings[0]);
}

static int open_results(struct calibrate *c) {
  still_error error = {.size = sizeof error};
  if (!c->cli->given.results) return CLI_OK;
  if (eval_store_open(&c->sample.store, c->cli->given.results, &error) == STILL_OK) return CLI_OK;
  return cli_fail(c->cli, error.status, "%s", error.text);
}

/* Where the library looks first: MODEL.calibration, for MODEL.gguf. */
static char *path_of(const struct cli *cli) {
  static const char ending[] = ".gguf";
  const char *name = cli->given.out ? cli->given.out : cli->given.model;
  size_t n = strlen(name), e = sizeof ending - 1, room = n + sizeof ".calibration";
  char *path = malloc(room);
  if (!cli->given.out && n > e && strcmp(name + n - e, ending) == 0) n -= e;
  if (path) snprintf(path, room, "%.*s%s", (int)n, name, cli->given.out ? "" : ".calibration");
  return path;
}

/* Known before an hour of work and not after it. The file itself is not touched. */
static int check_place(const struct cli *cli, const char *path) {
  if (!path) return cli_no_memory(cli);
  size_t room = strlen(path) + 5;
  char *beside = malloc(room);
  if (!beside) return cli_no_memory(cli);
  snprintf(beside, room, "%s.new", path);
  FILE *file = fopen(beside, "wb");
  int code = file ? CLI_OK : cli_fail(cli, STILL_EIO, "%s could not be written; name another place with --out", path);
  if (file) fclose(file), remove(beside);
  free(beside);
  return code;
}

static int set_up(struct calibrate *c) {
  struct eval *e = &c->sample;
  fill_sample(e);
  int code = read_bounds(c);
  if (code == CLI_OK) code = read_numbers(c);
  if (code == CLI_OK) code = open_model(c);
  if (code == CLI_OK) code = calibrate_grid(c);
  if (code == CLI_OK) code = calibrate_read(c);
  return code == CLI_OK ? open_results(c) : code;
}

static void release(struct calibrate *c) {
  struct eval *e = &c->sample;
  cli_engine_close(&e->engine[0]);
  calibrate_release(c);
  still_settings_free(e->settings[0]);
  for (int i = 0; i < CALIBRATE_PARTS; i++) {
    free(c->part[i].file.id);
    eval_hay_free(&c->part[i].hay);
  }
  free(e->file);
  eval_store_close(&e->store);
  free(c);
}

static void say_where(const struct calibrate *c) {
  const char *next = c->cli->given.results ? "the same command goes on from there" : "with --results FILE a run would go on";
  unsigned long long runs = c->ran + c->reused;
  if (!c->cli->given.quiet) fprintf(stderr, "stillpoint calibrate: %llu runs are done; %s\n", runs, next);
}

int cmd_calibrate(struct cli *cli) {
  struct calibrate *c = calloc(1, sizeof *c);
  if (!c) return cli_no_memory(cli);
  if (!cli->given.model) return free(c), cli_usage(cli, "no model was named; give its GGUF file with -m FILE");
  if (!cli->given.files.count)
    return free(c), cli_usage(cli, "no text was given, and what is measured on made-up sentences does not hold on real ones; "
                              "give texts of the kind that the model is to read with -f FILE");
  c->cli = c->sample.cli = cli;
  c->since = cli_seconds();
  char *path = path_of(cli);
  int code = check_place(cli, path);
  if (code == CLI_OK) code = set_up(c);
  if (code == CLI_OK) code = calibrate_search(c);
  if (code == CLI_OK && cli->given.timed) code = calibrate_time(c);
  c->seconds = cli_seconds() - c->since;
  cli_progress_clear(&c->sample.engine[0].progress);
  if (code > CLI_SIGNAL) say_where(c);
  if (code == CLI_OK) code = calibrate_write(c, path);
  if (code == CLI_OK && cli->given.json) calibrate_print_json(c, path);
  if (code == CLI_OK && !cli->given.json) calibrate_print(c, path);
  release(c);
  free(path);
  return code;
}
