/*
 * cmd_bench.c - `stillpoint bench`: speed of prefill by length and of decode by depth, dense and halted.
 *
 * In:       a model; a text, or seeded token ids.  Out: medians as a table or JSON, which also holds every single measurement.
 * Not here: comparing with other programs (bench/).
 *
 * Dense and halted runs of one length take turns, so that a machine that slows down does so for both. "Cold" is what a first
 * prompt pays: opening the file, and the first prefill with the building of the panels. All other figures are warm.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "interrupt.h"
#include "random.h"
#include "report.h"
#include "src/session.h"

enum { MOST_SIZES = 16, MOST_REPEATS = 100, MODES = 2 };

/* By enum sp_time; the same words in JSON. */
static const char *const kind_names[SP_TIMES] = {"linear", "attention", "prepare", "gate", "tokens", "panels", "memory"};
static const char *const mode_names[MODES] = {"dense", "halted"};

struct figures { /* of one length or depth in one mode */
  still_report report; /* of the last prefill */
  double spent[SP_TIMES]; /* the same in seconds, by kind of work */
  double seconds[MOST_REPEATS];
};

struct bench {
  struct cli_engine engine[MODES]; /* the second borrows the model of the first */
  still_settings *settings[MODES];
  int modes;             /* 1 with --dense */
  struct cli_tokens tokens;
  uint64_t length[MOST_SIZES], depth[MOST_SIZES], repeats, n_decode;
  size_t n_lengths, n_depths;
  struct figures cold;   /* first prefill, of the first length, panels included */
  struct figures prefill[MOST_SIZES][MODES], decode[MOST_SIZES][MODES];
};

/* ---- what is fed in ------------------------------------------------------------------------------------------ */

/* Ids that stand for text: no special tokens. */
static int seeded_tokens(struct bench *b, const struct cli *cli, size_t n) {
  struct cli_engine *e = &b->engine[0];
  still_model_info info = {.size = sizeof info};
  int64_t seed = 1;
  if (still_model_describe(e->model, &info) != STILL_OK || info.n_vocab == 0) return cli_model_failed(e, STILL_ESTATE);
  still_get_int(cli->settings, "seed", &seed);
  uint64_t state = (uint64_t)seed;
  b->tokens.id = malloc((n + 1) * sizeof *b->tokens.id);
  if (!b->tokens.id) return cli_no_memory(cli);
  for (uint64_t tries = 0; b->tokens.count < n && tries < 1000 + 100 * (uint64_t)n; tries++) {
    still_token id = (still_token)(cli_random(&state) % info.n_vocab);
    const char *piece;
    size_t bytes = 0;
    if (still_token_piece(e->model, id, 0, &piece, &bytes) == STILL_OK && bytes > 0) b->tokens.id[b->tokens.count++] = id;
  }
  return b->tokens.count == n ? CLI_OK
                              : cli_fail(cli, STILL_EUNSUPPORTED, "the vocabulary holds too few plain tokens; use -f FILE");
}

/* The text of the files, again and again until there are n tokens. */
static int file_tokens(struct bench *b, const struct cli *cli, size_t n) {
  struct cli_tokens once;
  int code = cli_prompt(&b->engine[0], false, false, &once);
  if (code != CLI_OK) return code;
  if (once.count) b->tokens.id = malloc((n + 1) * sizeof *b->tokens.id);
  for (; b->tokens.id && b->tokens.count < n; b->tokens.count++)
    b->tokens.id[b->tokens.count] = once.id[b->tokens.count % once.count];
  free(once.id);
  return b->tokens.id ? CLI_OK : cli_no_memory(cli);
}

/* ---- measuring ----------------------------------------------------------------------------------------------- */

static still_status prefill(struct cli_engine *e, const struct cli_tokens *tokens, size_t n, struct figures *f,
                            double *seconds) {
  f->report = (still_report){.size = sizeof f->report};
  still_status status = still_session_reset(e->session);
  double start = cli_seconds();
  if (status == STILL_OK) status = still_prefill(e->session, tokens->id, n, &f->report);
  *seconds = cli_seconds() - start;
  memcpy(f->spent, e->session->ctx.spent, sizeof f->spent);
  return status;
}

/* Decodes the tokens that follow in the text, so that the sampler and early ends play no part. */
static still_status decode(struct bench *b, struct cli_engine *e, size_t depth, double *seconds) {
  still_status status = STILL_OK;
  double start = cli_seconds();
  for (uint64_t i = 0; i < b->n_decode && status == STILL_OK; i++)
    status = cli_interrupted() ? STILL_ECANCELLED : still_decode(e->session, b->tokens.id[depth + i]);
  *seconds = cli_seconds() - start;
  return status;
}

/* The first prefill on this model: it builds the panels and runs the probe. */
static int measure_cold(struct bench *b) {
  struct cli_engine *e = &b->engine[0];
  still_status status = prefill(e, &b->tokens, b->length[0], &b->cold, &b->cold.seconds[0]);
  return status == STILL_OK ? CLI_OK : cli_session_failed(e, status);
}

/* Decoding is measured behind a fresh prefill each time: a session that has decoded once is deeper than it says. */
static int measure(struct bench *b) {
  double seconds;
  for (size_t i = 0; i < b->n_lengths; i++)
    for (uint64_t r = 0; r < b->repeats; r++)
      for (int mode = 0; mode < b->modes; mode++) {
        struct figures *f = &b->prefill[i][mode];
        still_status status = prefill(&b->engine[mode], &b->tokens, b->length[i], f, &f->seconds[r]);
        if (status != STILL_OK) return cli_session_failed(&b->engine[mode], status);
      }
  for (size_t i = 0; i < b->n_depths; i++)
    for (uint64_t r = 0; r < b->repeats; r++)
      for (int mode = 0; mode < b->modes; mode++) {
        struct figures *f = &b->decode[i][mode];
        still_status status = prefill(&b->engine[mode], &b->tokens, b->depth[i], f, &seconds);
        if (status == STILL_OK) status = decode(b, &b->engine[mode], b->depth[i], &f->seconds[r]);
        if (status != STILL_OK) return cli_session_failed(&b->engine[mode], status);
      }
  return CLI_OK;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Of an even number of values, the mean of the two in the middle. */
static double median(const double *seconds, size_t n) {
  double sorted[MOST_REPEATS];
  memcpy(sorted, seconds, n * sizeof *sorted);
  qsort(sorted, n, sizeof *sorted, ascending);
  return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

/* ---- printing ------------------------------------------------------------------------------------------------ */

/* `tokens`: how many one measurement took, all of a prompt or those decoded behind it. */
static void print_row(const struct bench *b, const struct figures *row, uint64_t size, uint64_t tokens) {
  double dense = median(row[0].seconds, b->repeats);
  for (int mode = 0; mode < b->modes; mode++) {
    double seconds = median(row[mode].seconds, b->repeats);
    printf("%8llu  %-6s  %8llu  %9.3f  %9.1f  %6.2f%s\n", (unsigned long long)size, mode_names[mode],
           (unsigned long long)row[mode].report.kept, seconds, seconds > 0 ? (double)tokens / seconds : 0,
           seconds > 0 ? dense / seconds : 0, mode == 1 && row[mode].report.dense ? "  stayed dense" : "");
  }
}

/* What the last prefill of each length and mode went into, in parts of a hundred. */
static void print_kinds(const struct bench *b) {
  printf("\n %% of a   mode  ");
  for (size_t i = 0; i < SP_TIMES; i++) printf(" %9s", kind_names[i]);
  for (size_t n = 0; n < b->n_lengths * (size_t)b->modes; n++) {
    size_t length = n / (size_t)b->modes, mode = n % (size_t)b->modes;
    const double *spent = b->prefill[length][mode].spent;
    double all = 0;
    for (size_t i = 0; i < SP_TIMES; i++) all += spent[i];
    printf("\n%8llu  %-6s", (unsigned long long)b->length[length], mode_names[mode]);
    for (size_t i = 0; i < SP_TIMES; i++) printf(" %9.2f", all > 0 ? 100 * spent[i] / all : 0);
  }
  putchar('\n');
}

static void print_table(const struct bench *b, const struct cli *cli) {
  static const char head[] = "      kept    seconds   tokens/s  x dense";
  still_model_info m = {.size = sizeof m};
  if (!cli->given.quiet && still_model_describe(b->engine[0].model, &m) == STILL_OK)
    printf("%s, %s, %s, %u threads; medians of %llu\n", *m.name ? m.name : cli->given.model, m.file_type, m.isa, m.threads,
           (unsigned long long)b->repeats);
  char gate[512];
  report_gate(b->settings[1], gate, sizeof gate);
  if (!cli->given.quiet) printf("gate: %s\n", gate);
  printf("cold: load %.3f s, first prefill of %llu tokens %.3f s, %.3f s of it panels\n\n", b->engine[0].load_seconds,
         (unsigned long long)b->length[0], b->cold.seconds[0], b->cold.report.seconds[STILL_PHASE_PANELS]);
  printf(" prefill  mode  %s\n", head);
  for (size_t i = 0; i < b->n_lengths; i++) print_row(b, b->prefill[i], b->length[i], b->length[i]);
  if (cli->given.kinds) print_kinds(b);
  if (b->n_depths) printf("\n  decode  mode  %s\n", head);
  for (size_t i = 0; i < b->n_depths; i++) print_row(b, b->decode[i], b->depth[i], b->n_decode);
}

static void json_figures(struct json *j, const struct bench *b, const struct figures *f, const char *size_name, uint64_t size,
                         uint64_t tokens, int mode) {
  double seconds = median(f->seconds, b->repeats);
  json_object(j, NULL);
  json_count(j, size_name, size);
  json_text(j, "mode", mode_names[mode]);
  json_real(j, "median_seconds", seconds);
  json_real(j, "tokens_per_second", seconds > 0 ? (double)tokens / seconds : 0);
  json_array(j, "seconds");
  for (uint64_t r = 0; r < b->repeats; r++) json_real(j, NULL, f->seconds[r]);
  json_array_end(j);
  report_json_prefill(j, "prefill", &f->report);
  json_object(j, "kinds");
  for (size_t i = 0; i < SP_TIMES; i++) json_real(j, kind_names[i], f->spent[i]);
  json_object_end(j);
  json_object_end(j);
}

static void print_json(const struct bench *b, const struct cli *cli) {
  struct json j;
  json_begin(&j, stdout, "stillpoint.bench/1");
  json_text(&j, "version", still_version());
  report_json_model(&j, b->engine[0].model);
  report_json_settings(&j, b->settings[1]);
  json_text(&j, "text", cli->given.files.count ? "file" : "seeded");
  json_count(&j, "repeat", b->repeats);
  json_object(&j, "cold");
  json_real(&j, "load_seconds", b->engine[0].load_seconds);
  json_count(&j, "tokens", b->length[0]);
  json_real(&j, "seconds", b->cold.seconds[0]);
  json_real(&j, "panels_seconds", b->cold.report.seconds[STILL_PHASE_PANELS]);
  json_object_end(&j);
  json_array(&j, "prefill");
  for (size_t i = 0; i < b->n_lengths; i++)
    for (int mode = 0; mode < b->modes; mode++)
      json_figures(&j, b, &b->prefill[i][mode], "length", b->length[i], b->length[i], mode);
  json_array_end(&j);
  json_count(&j, "decode_tokens", b->n_decode);
  json_array(&j, "decode");
  for (size_t i = 0; i < b->n_depths; i++)
    for (int mode = 0; mode < b->modes; mode++) json_figures(&j, b, &b->decode[i][mode], "depth", b->depth[i], b->n_decode, mode);
  json_array_end(&j);
  report_json_memory(&j, &b->prefill[b->n_lengths - 1][0].report);
  json_end(&j);
}

/* ---- setting up ---------------------------------------------------------------------------------------------- */

/* What can be checked before the model is opened. */
static bool read_sizes(struct bench *b, const struct cli *cli) {
  const struct cli_values *given = &cli->given;
  const char *lengths = given->lengths ? given->lengths : "512,2048,8192", *depths = given->depths ? given->depths : "512,2048";
  if (!cli_counts(cli, "lengths", lengths, b->length, MOST_SIZES, &b->n_lengths)) return false;
  if (!cli_counts(cli, "depths", depths, b->depth, MOST_SIZES, &b->n_depths)) return false;
  if (!cli_count(cli, "repeat", given->repeat, 1, MOST_REPEATS, &b->repeats)) return false;
  if (!cli_count(cli, "predict", given->predict, 1, 1 << 20, &b->n_decode)) return false;
  if (b->n_depths == 1 && b->depth[0] == 0) b->n_depths = 0;
  return true;
}

/* Sizes that were not asked for by name and do not fit the context are left out. */
static size_t fitting(uint64_t *size, size_t n, uint64_t most) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++)
    if (size[i] <= most) size[kept++] = size[i];
  return kept;
}

/* --ctx, or else what the model was trained for, is the limit. */
static void fit_defaults(struct bench *b, const struct cli *cli) {
  still_model_info m = {.size = sizeof m};
  int64_t context = 0;
  if (still_model_describe(b->engine[0].model, &m) != STILL_OK) return;
  still_get_int(cli->settings, "ctx", &context);
  uint64_t most = context > 0 ? (uint64_t)context : m.n_ctx_train;
  if (!cli->given.lengths) b->n_lengths = fitting(b->length, b->n_lengths, most);
  if (!cli->given.depths) b->n_depths = fitting(b->depth, b->n_depths, most > b->n_decode ? most - b->n_decode : 0);
}

/* The longest prompt, with what is decoded behind it. */
static uint64_t tokens_needed(const struct bench *b) {
  uint64_t most = 0;
  for (size_t i = 0; i < b->n_lengths; i++) most = b->length[i] > most ? b->length[i] : most;
  for (size_t i = 0; i < b->n_depths; i++) most = b->depth[i] + b->n_decode > most ? b->depth[i] + b->n_decode : most;
  return most;
}

/* One model, two sessions: panels are shared, KV caches are not. */
static int open_sessions(struct bench *b, const struct cli *cli) {
  bool dense = true;
  b->settings[0] = cli_settings_with(cli->settings, "policy", "dense");
  if (!b->settings[0]) return cli_no_memory(cli);
  int code = cli_engine_settings(&b->engine[0], cli->settings, &b->settings[1], &dense);
  b->modes = dense ? 1 : 2;
  if (code == CLI_OK) code = cli_engine_session(&b->engine[0], b->settings[0]);
  if (code == CLI_OK && b->modes == 2) code = cli_engine_share(&b->engine[1], &b->engine[0], b->settings[1]);
  return code;
}

static int set_up(struct bench *b, struct cli *cli) {
  if (!read_sizes(b, cli)) return CLI_USAGE;
  int code = cli_engine_open(&b->engine[0], cli, cli->settings);
  if (code != CLI_OK) return code;
  fit_defaults(b, cli);
  if (b->n_lengths == 0) return cli_usage(cli, "no default length fits the context; give --lengths");
  code = cli->given.files.count ? file_tokens(b, cli, tokens_needed(b)) : seeded_tokens(b, cli, tokens_needed(b));
  return code == CLI_OK ? open_sessions(b, cli) : code;
}

int cmd_bench(struct cli *cli) {
  struct bench *b = calloc(1, sizeof *b); /* some 60 KB of figures */
  if (!b) return cli_no_memory(cli);
  int code = set_up(b, cli);
  if (code == CLI_OK) code = measure_cold(b);
  if (code == CLI_OK) code = measure(b);
  cli_progress_clear(&b->engine[0].progress);
  cli_progress_clear(&b->engine[1].progress);
  if (code == CLI_OK && cli->given.json) print_json(b, cli);
  if (code == CLI_OK && !cli->given.json) print_table(b, cli);
  cli_engine_close(&b->engine[1]);
  cli_engine_close(&b->engine[0]);
  still_settings_free(b->settings[0]);
  still_settings_free(b->settings[1]);
  free(b->tokens.id);
  free(b);
  return code;
}
