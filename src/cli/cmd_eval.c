/*
 * cmd_eval.c - `stillpoint eval`: the quality of a halting setting against dense on the same model.
 *
 * In:       a model, settings, texts.  Out: a table or JSON, a picture, a file of single results.
 * Not here: the runs (eval_work.c), the figures (eval_sum.c), their output (eval_print.c, eval_plot.c).
 *
 *   questions   one exact answer each, to texts made from a seed (eval_sets.c); a setting is right where it gives it.
 *   loss        of the tokens that follow a long prefix of a given text, on the path that answers take.
 *   agree       of the first 64 tokens that continue such a prefix with those that follow a dense prefill.
 */
#include <stdlib.h>
#include <string.h>

#include "eval_key.h"
#include "eval_work.h"
#include "interrupt.h"
#include "output.h"

const char *const eval_mode_names[EVAL_MODES] = {"dense", "setting"};

/* ---- what can be checked before a model is opened ----------------------------------------------------------------- */

/* Names that are no set of questions. */
static bool take_other(struct eval *e, const char *name, size_t bytes) {
  static const char *const names[EVAL_KINDS] = {[EVAL_LOSS] = "loss", [EVAL_AGREE] = "agree"};
  for (int kind = EVAL_LOSS; kind < EVAL_KINDS; kind++)
    if (strlen(names[kind]) == bytes && memcmp(names[kind], name, bytes) == 0) return e->wanted[kind] = true;
  return false;
}

static bool has_set(const struct eval *e, const struct eval_set *set) {
  for (size_t i = 0; i < e->n_sets; i++)
    if (e->set[i] == set) return true;
  return false;
}

/* "one,many": every name once, in any order. Without the option all, as far as there are texts for them. */
static int read_sets(struct eval *e) {
  const struct cli_values *given = &e->cli->given;
  const char *at = given->sets;
  for (const struct eval_set *set = eval_sets; !at && set->name; set++) e->set[e->n_sets++] = set;
  if (!at) e->wanted[EVAL_LOSS] = e->wanted[EVAL_AGREE] = given->files.count > 0;
  while (at) {
    size_t bytes = strcspn(at, ",");
    const struct eval_set *set = eval_set_find(at, bytes);
    if (!set && !take_other(e, at, bytes))
      return cli_usage(e->cli, "--sets takes names of one, many, table, chain, count, loss, agree; \"%.*s\" is none",
                       (int)bytes, at);
    if (set && !has_set(e, set)) e->set[e->n_sets++] = set;
    at = at[bytes] ? at + bytes + 1 : NULL;
  }
  e->wanted[EVAL_QUESTION] = e->n_sets > 0;
  bool texts = e->wanted[EVAL_LOSS] || e->wanted[EVAL_AGREE];
  if (texts && given->files.count == 0) return cli_usage(e->cli, "loss and agree need a text; name one with -f FILE");
  if (!texts && given->files.count > 0)
    return cli_usage(e->cli, "-f names texts for loss and agree, which --sets leaves out; hay for questions is --hay FILE");
  return CLI_OK;
}

static bool read_numbers(struct eval *e) {
  const struct cli *cli = e->cli;
  const struct cli_values *given = &cli->given;
  const char *lengths = given->lengths ? given->lengths : "2048,4096", *depths = given->depths ? given->depths : "10,30,50,70,90";
  int64_t seed = 1;
  still_get_int(cli->settings, "seed", &seed);
  e->seed = (uint64_t)seed;
  return cli_counts(cli, "lengths", lengths, e->length, EVAL_MOST_SIZES, &e->n_lengths) &&
         cli_counts(cli, "depths", depths, e->depth, EVAL_MOST_SIZES, &e->n_depths) &&
         cli_count(cli, "questions", given->questions, 1, 100000, &e->questions) &&
         cli_count(cli, "per-text", given->per_text, 1, EVAL_MOST_QUESTIONS, &e->per_text) &&
         cli_count(cli, "places", given->places, 1, 10000, &e->places) &&
         cli_count(cli, "continuation", given->continuation, 1, 1 << 20, &e->continuation) &&
         cli_count(cli, "predict", given->predict, 1, EVAL_GREEDY, &e->predict);
}

static bool twice(const uint64_t *value, size_t n) {
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < i; k++)
      if (value[i] == value[k]) return true;
  return false;
}

static int read_options(struct eval *e) {
  char policy[32] = "";
  if (!read_numbers(e)) return CLI_USAGE;
  for (size_t i = 0; i < e->n_depths; i++)
    if (e->depth[i] > 100)
      return cli_usage(e->cli, "--depths takes per cents from 0 to 100, not %llu", (unsigned long long)e->depth[i]);
  if (twice(e->length, e->n_lengths) || twice(e->depth, e->n_depths))
    return cli_usage(e->cli, "--lengths and --depths take each number once");
  still_get(e->cli->settings, "policy", policy, sizeof policy);
  if (strcmp(policy, "dense") == 0) return cli_usage(e->cli, "dense is what a setting is held against; name another --policy");
  int code = read_sets(e);
  uint64_t places = e->places * (e->wanted[EVAL_LOSS] + e->wanted[EVAL_AGREE]);
  e->most_items = e->n_lengths * (size_t)(e->n_sets * e->questions + places);
  if (code != CLI_OK) return code;
  e->item = calloc(e->most_items, sizeof *e->item);
  return e->item ? CLI_OK : cli_no_memory(e->cli);
}

/* ---- model and output --------------------------------------------------------------------------------------------- */

static int check_context(const struct eval *e) {
  uint64_t most = eval_longest(e), after = e->wanted[EVAL_LOSS] && e->continuation > EVAL_GREEDY ? e->continuation : EVAL_GREEDY;
  int64_t wish = 0;
  still_get_int(e->cli->settings, "ctx", &wish);
  uint64_t context = wish > 0 ? (uint64_t)wish : e->model.n_ctx_train;
  if (most + after <= context) return CLI_OK;
  return cli_fail(e->cli, STILL_ELIMIT, "prompts of %llu tokens and up to %llu behind them do not fit in the context of %llu; "
                  "take smaller --lengths or raise --ctx", (unsigned long long)most, (unsigned long long)after,
                  (unsigned long long)context);
}

/* One model, two sessions: panels are shared, KV caches are not. */
static int open_engines(struct eval *e) {
  bool dense = false;
  e->settings[0] = cli_settings_with(e->cli->settings, "policy", "dense");
  if (!e->settings[0]) return cli_no_memory(e->cli);
  int code = cli_engine_open(&e->engine[0], e->cli, e->cli->settings);
  if (code != CLI_OK) return code;
  e->model.size = sizeof e->model;
  still_status status = still_model_describe(e->engine[0].model, &e->model);
  if (status != STILL_OK) return cli_model_failed(&e->engine[0], status);
  e->plain = !eval_has_template(&e->engine[0]);
  code = check_context(e);
  if (code == CLI_OK) code = cli_engine_settings(&e->engine[0], e->cli->settings, &e->settings[1], &dense);
  if (code == CLI_OK && dense)
    code = cli_fail(e->cli, STILL_EARG, "the setting in force is dense, and dense is what a setting is held against; take "
                    "another --quality or a --policy");
  if (code == CLI_OK) code = cli_engine_session(&e->engine[0], e->settings[0]);
  if (code == CLI_OK) code = cli_engine_share(&e->engine[1], &e->engine[0], e->settings[1]);
  return code;
}

static int open_store(struct eval *e) {
  still_error error = {.size = sizeof error};
  if (!e->cli->given.out) return CLI_OK;
  if (eval_store_open(&e->store, e->cli->given.out, &error) == STILL_OK) return CLI_OK;
  return cli_fail(e->cli, error.status, "%s", error.text);
}

/* Opened before the work, so that a path that cannot be written is known early. */
static int open_plot(struct eval *e, struct cli_output *plot) {
  const char *path = e->cli->given.plot;
  if (!path) return CLI_OK;
  if (e->n_sets == 0) return cli_usage(e->cli, "--plot shows questions, and --sets names none");
  int code = output_picture(e->cli, draw_kind_of(path));
  return code == CLI_OK ? output_open(e->cli, path, plot) : code;
}

static int write_plot(struct eval *e, struct cli_output *plot) {
  int code = output_begin(e->cli, plot);
  return code == CLI_OK ? output_end(e->cli, plot, eval_plot(e, draw_kind_of(plot->path), plot->file)) : code;
}

static void say_where(const struct eval *e) {
  if (e->cli->given.quiet) return;
  fprintf(stderr, "stillpoint eval: %zu of %zu questions and places are done; %s\n", e->n_items, e->most_items,
          e->cli->given.out ? "the same command goes on from there" : "with --out FILE a later run would go on from there");
}

static void release(struct eval *e) {
  cli_engine_close(&e->engine[1]);
  cli_engine_close(&e->engine[0]);
  for (int mode = 0; mode < EVAL_MODES; mode++) still_settings_free(e->settings[mode]);
  for (size_t i = 0; e->file && i < e->n_files; i++) free(e->file[i].id);
  free(e->file);
  eval_hay_free(&e->hay);
  eval_store_close(&e->store);
  free(e->item);
  free(e);
}

int cmd_eval(struct cli *cli) {
  struct eval *e = calloc(1, sizeof *e);
  struct cli_output plot = {0};
  if (!e) return cli_no_memory(cli);
  e->cli = cli;
  int code = read_options(e);
  if (code == CLI_OK) code = open_engines(e);
  if (code == CLI_OK) code = eval_read_hay(e);
  if (code == CLI_OK) code = eval_read_texts(e);
  if (code == CLI_OK) code = eval_check(e);
  if (code == CLI_OK) eval_identify(e);
  if (code == CLI_OK) code = open_store(e);
  if (code == CLI_OK) code = open_plot(e, &plot);
  if (code == CLI_OK) code = eval_work(e);
  cli_progress_clear(&e->engine[0].progress);
  cli_progress_clear(&e->engine[1].progress);
  if (code > CLI_SIGNAL) say_where(e);
  if (code == CLI_OK && plot.file) code = write_plot(e, &plot);
  if (code == CLI_OK && cli->given.json) eval_print_json(e);
  if (code == CLI_OK && !cli->given.json) eval_print(e);
  output_drop(&plot);
  release(e);
  return code;
}
