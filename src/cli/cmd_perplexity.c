/*
 * cmd_perplexity.c - `stillpoint perplexity`: how well a model predicts texts, and what another arithmetic or halting changes.
 *
 * In:       a model, files.  Out: means with their standard errors, over all files and for each.
 * Not here: the arithmetic of losses (score.c), two models in step (duet.c).
 *
 * Each file is tokenised as plain text and cut into windows; a session sees one window at a time. Three measurements:
 *   plain         loss of every token of a window. Dense: each position's logits are wanted, so no row could be halted.
 *   against       the same with a second model beside it on other arithmetic, and for each window one prefill on both with the
 *                 gate as the settings say, whose kept rows are compared.
 *   continuation  prefill of all but the last N tokens, then those one by one through the decode path: dense, and as the settings
 *                 say. The difference of the two losses is what halting costs.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "duet.h"
#include "input.h"
#include "interrupt.h"
#include "report.h"
#include "score.h"

struct tally { /* of one file, or of all */
  uint64_t windows, tokens;         /* tokens: read */
  struct mean loss, reference_loss; /* reference: the other arithmetic, or dense */
  struct mean difference;           /* loss - reference_loss, token by token */
  struct mean kl, same_choice;      /* 1 where both like the same token best */
  uint64_t kept, kept_both;         /* rows kept by the gate; by both */
  double seconds[2];                /* of the prefills of continuation: dense, halted */
};

enum measurement { PLAIN, AGAINST, CONTINUATION };

struct perplexity {
  struct cli *cli;
  enum measurement measurement;
  uint64_t window, windows, first, continuation;
  still_settings *dense, *in_force, *other, *other_dense;
  struct cli_engine engine;    /* dense session */
  struct cli_engine gated;     /* the same model, gate as the settings say */
  struct cli_engine reference; /* other arithmetic, dense session */
  struct cli_engine reference_gated;
  bool gates;                  /* the settings are not dense */
  struct tally *file, all;     /* file: one each */
  const still_token *now;      /* tokens of the window that is scored, for the callbacks */
  size_t n_now;
  struct tally *into;
};

/* ---- plain and against ---------------------------------------------------------------------------------------- */

/* The last position predicts a token that is not there. */
static int on_position(void *user, size_t position, const float *logits, size_t n_vocab) {
  struct perplexity *p = user;
  if (position + 1 < p->n_now) mean_add(&p->into->loss, score_loss(logits, n_vocab, (size_t)p->now[position + 1]));
  return cli_interrupted();
}

/* Both rows of logits at one position. The divergence is that of the reference's distribution R from this model's P: the sum of
 * R ln(R / P). */
static void on_pair(void *user, size_t position, const float *logits, const float *reference, size_t n_vocab) {
  struct perplexity *p = user;
  if (position + 1 >= p->n_now) return;
  size_t next = (size_t)p->now[position + 1];
  double loss = score_loss(logits, n_vocab, next), reference_loss = score_loss(reference, n_vocab, next);
  mean_add(&p->into->loss, loss);
  mean_add(&p->into->reference_loss, reference_loss);
  mean_add(&p->into->difference, loss - reference_loss);
  mean_add(&p->into->kl, score_kl(reference, logits, n_vocab));
  mean_add(&p->into->same_choice, score_best(logits, n_vocab) == score_best(reference, n_vocab));
}

static int score_plain(struct perplexity *p) {
  struct cli_engine *e = &p->engine;
  still_report report = {.size = sizeof report};
  still_status status = still_session_reset(e->session);
  if (status == STILL_OK) status = still_score(e->session, p->now, p->n_now, p->first - 1, on_position, p, &report);
  return status == STILL_OK ? CLI_OK : cli_session_failed(e, status);
}

/* Rows in both ascending lists. */
static uint64_t count_common(const uint32_t *a, size_t n_a, const uint32_t *b, size_t n_b) {
  uint64_t common = 0;
  for (size_t i = 0, k = 0; i < n_a && k < n_b;) {
    common += a[i] == b[k];
    uint32_t least = a[i] < b[k] ? a[i] : b[k];
    i += a[i] == least;
    k += b[k] == least;
  }
  return common;
}

/* Adds the rows that both gates keep. Windows that stay dense by their length have no gate and add nothing. */
static int compare_kept(struct perplexity *p) {
  struct cli_engine *engines[2] = {&p->gated, &p->reference_gated};
  uint32_t *kept[2] = {NULL, NULL};
  size_t n[2] = {0, 0};
  int code = CLI_OK;
  for (int i = 0; i < 2 && code == CLI_OK; i++) {
    still_session *session = engines[i]->session;
    still_status status = still_session_reset(session);
    if (status == STILL_OK) status = still_prefill(session, p->now, p->n_now, NULL);
    if (status != STILL_OK) code = cli_session_failed(engines[i], status);
    n[i] = still_kept(session, NULL, 0);
    kept[i] = malloc((n[i] + 1) * sizeof **kept);
    if (kept[i]) still_kept(session, kept[i], n[i]);
    if (code == CLI_OK && !kept[i]) code = cli_no_memory(p->cli);
  }
  if (code == CLI_OK) {
    p->into->kept += n[0];
    p->into->kept_both += count_common(kept[0], n[0], kept[1], n[1]);
  }
  free(kept[0]);
  free(kept[1]);
  return code;
}

static int score_against(struct perplexity *p) {
  struct cli_engine *engines[2] = {&p->engine, &p->reference};
  for (int i = 0; i < 2; i++) {
    still_status status = still_session_reset(engines[i]->session);
    if (status != STILL_OK) return cli_session_failed(engines[i], status);
  }
  int code = duet_score(&p->engine, &p->reference, p->now, p->n_now, p->first - 1, on_pair, p);
  return code == CLI_OK && p->gates ? compare_kept(p) : code;
}

/* ---- continuation --------------------------------------------------------------------------------------------- */

/* Losses of the last tokens, one by one. */
static int continue_window(struct perplexity *p, struct cli_engine *e, size_t n_vocab, double *losses, double *seconds,
                           still_report *report) {
  size_t prompt = p->n_now - p->continuation;
  still_status status = still_session_reset(e->session);
  double start = cli_seconds();
  if (status == STILL_OK) status = still_prefill(e->session, p->now, prompt, report);
  *seconds += cli_seconds() - start;
  for (size_t i = 0; i < p->continuation && status == STILL_OK; i++) {
    losses[i] = score_loss(still_logits(e->session), n_vocab, (size_t)p->now[prompt + i]);
    if (i + 1 < p->continuation) status = cli_interrupted() ? STILL_ECANCELLED : still_decode(e->session, p->now[prompt + i]);
  }
  return status == STILL_OK ? CLI_OK : cli_session_failed(e, status);
}

/* Losses of the same tokens behind both prefills, so that their difference is taken token by token: its error is smaller. */
static int score_continuation(struct perplexity *p) {
  still_model_info info = {.size = sizeof info};
  still_report dense = {.size = sizeof dense}, halted = {.size = sizeof halted};
  still_status status = still_model_describe(p->engine.model, &info);
  if (status != STILL_OK) return cli_model_failed(&p->engine, status);
  double *losses = calloc(2 * p->continuation, sizeof *losses), *of_halted = losses ? losses + p->continuation : NULL;
  if (!losses) return cli_no_memory(p->cli);
  int code = continue_window(p, &p->engine, info.n_vocab, losses, &p->into->seconds[0], &dense);
  if (code == CLI_OK && p->gates) code = continue_window(p, &p->gated, info.n_vocab, of_halted, &p->into->seconds[1], &halted);
  for (size_t i = 0; i < p->continuation && code == CLI_OK; i++) {
    mean_add(&p->into->reference_loss, losses[i]);
    mean_add(&p->into->loss, p->gates ? of_halted[i] : losses[i]);
    mean_add(&p->into->difference, p->gates ? of_halted[i] - losses[i] : 0);
  }
  if (code == CLI_OK && p->gates) p->into->kept += halted.kept;
  free(losses);
  return code;
}

/* ---- windows -------------------------------------------------------------------------------------------------- */

static int (*const scorers[])(struct perplexity *p) = {
    [PLAIN] = score_plain, [AGAINST] = score_against, [CONTINUATION] = score_continuation};

/* A last window that is too short to score anything, or (continuation) not whole, is left out. */
static int score_file(struct perplexity *p, const struct cli_tokens *tokens) {
  size_t least = p->measurement == CONTINUATION ? p->window : p->first + 1;
  int code = CLI_OK;
  for (size_t at = 0; at < tokens->count && code == CLI_OK && p->into->windows < p->windows; at += p->window) {
    p->now = tokens->id + at;
    p->n_now = tokens->count - at < p->window ? tokens->count - at : p->window;
    if (p->n_now < least) break;
    code = scorers[p->measurement](p);
    p->into->windows++;
    p->into->tokens += p->n_now;
  }
  return code;
}

static int score_files(struct perplexity *p) {
  const struct cli_list *files = &p->cli->given.files;
  unsigned flags = p->cli->given.no_bos ? 0 : STILL_TEXT_ADD_BOS;
  int code = CLI_OK;
  for (size_t i = 0; i < files->count && code == CLI_OK; i++) {
    struct cli_text text;
    struct cli_tokens tokens = {0};
    p->into = &p->file[i];
    code = cli_read(p->cli, files->item[i], &text);
    if (code == CLI_OK) code = cli_encode(&p->engine, &text, flags, &tokens);
    if (code == CLI_OK) code = score_file(p, &tokens);
    free(text.text);
    free(tokens.id);
  }
  return code;
}

/* Means over all tokens, not over files: a long file counts for more. */
static void add_up(struct perplexity *p) {
  for (size_t i = 0; i < p->cli->given.files.count; i++) {
    const struct tally *t = &p->file[i];
    p->all.windows += t->windows;
    p->all.tokens += t->tokens;
    mean_join(&p->all.loss, &t->loss);
    mean_join(&p->all.reference_loss, &t->reference_loss);
    mean_join(&p->all.difference, &t->difference);
    mean_join(&p->all.kl, &t->kl);
    mean_join(&p->all.same_choice, &t->same_choice);
    p->all.kept += t->kept;
    p->all.kept_both += t->kept_both;
    for (int mode = 0; mode < 2; mode++) p->all.seconds[mode] += t->seconds[mode];
  }
}

/* ---- printing ------------------------------------------------------------------------------------------------- */

static double share(uint64_t part, uint64_t whole) { return whole ? (double)part / (double)whole : 0; }

static void print_mean(const char *name, const struct mean *m, const char *unit) {
  printf("%-18s %+.6f +- %.6f %s\n", name, mean_value(m), mean_error(m), unit);
}

static void print_tally(const struct perplexity *p, const char *name, const struct tally *t) {
  printf("%s: %llu windows, %llu tokens scored\n", name, (unsigned long long)t->windows, (unsigned long long)t->loss.n);
  printf("%-18s %.6f +- %.6f nats\n", "loss", mean_value(&t->loss), mean_error(&t->loss));
  printf("%-18s %.4f\n", "perplexity", exp(mean_value(&t->loss)));
  if (p->measurement == AGAINST) {
    printf("%-18s %.6f nats with %s\n", "reference loss", mean_value(&t->reference_loss), p->cli->given.against);
    print_mean("difference", &t->difference, "nats");
    print_mean("KL divergence", &t->kl, "nats");
    printf("%-18s %.3f %%\n", "same first choice", 100 * mean_value(&t->same_choice));
    if (t->kept)
      printf("%-18s %.3f %% of %llu\n", "same kept rows", 100 * share(t->kept_both, t->kept), (unsigned long long)t->kept);
  }
  if (p->measurement == CONTINUATION && p->gates) {
    printf("%-18s %.6f nats\n", "dense loss", mean_value(&t->reference_loss));
    print_mean("cost of halting", &t->difference, "nats");
    printf("%-18s %.1f %%\n", "kept", 100 * share(t->kept, t->tokens - t->windows * p->continuation));
    printf("%-18s %.3f s dense, %.3f s halted, %.2f x\n", "prefill", t->seconds[0], t->seconds[1],
           t->seconds[1] > 0 ? t->seconds[0] / t->seconds[1] : 0);
  }
}

static void json_mean(struct json *j, const char *name, const struct mean *m) {
  json_object(j, name);
  json_real(j, "mean", mean_value(m));
  json_real(j, "error", mean_error(m));
  json_object_end(j);
}

static void json_tally(struct json *j, const struct perplexity *p, const struct tally *t) {
  json_count(j, "windows", t->windows);
  json_count(j, "tokens_scored", t->loss.n);
  json_mean(j, "loss", &t->loss);
  json_real(j, "perplexity", exp(mean_value(&t->loss)));
  if (p->measurement == PLAIN) return;
  json_mean(j, "reference_loss", &t->reference_loss);
  json_mean(j, "difference", &t->difference);
  if (p->measurement == AGAINST) {
    json_mean(j, "kl", &t->kl);
    json_real(j, "same_first_choice", mean_value(&t->same_choice));
    json_count(j, "kept", t->kept);
    json_count(j, "kept_by_both", t->kept_both);
  } else {
    json_count(j, "kept", t->kept);
    json_count(j, "prompt_tokens", t->tokens - t->windows * p->continuation);
    json_real(j, "dense_prefill_seconds", t->seconds[0]);
    json_real(j, "halted_prefill_seconds", t->seconds[1]);
  }
}

static void print_json(const struct perplexity *p) {
  static const char *const names[] = {[PLAIN] = "plain", [AGAINST] = "against", [CONTINUATION] = "continuation"};
  const struct cli_list *files = &p->cli->given.files;
  struct json j;
  json_begin(&j, stdout, "stillpoint.perplexity/1");
  json_text(&j, "version", still_version());
  report_json_model(&j, p->engine.model);
  report_json_settings(&j, p->in_force);
  json_text(&j, "measurement", names[p->measurement]);
  json_text(&j, "against", p->cli->given.against);
  json_count(&j, "chunk_tokens", p->window);
  json_count(&j, "first", p->first);
  json_count(&j, "continuation", p->continuation);
  json_array(&j, "files");
  for (size_t i = 0; i < files->count; i++) {
    json_object(&j, NULL);
    json_text(&j, "file", files->item[i]);
    json_tally(&j, p, &p->file[i]);
    json_object_end(&j);
  }
  json_array_end(&j);
  json_object(&j, "all");
  json_tally(&j, p, &p->all);
  json_object_end(&j);
  json_end(&j);
}

static void print(const struct perplexity *p) {
  const struct cli_list *files = &p->cli->given.files;
  if (p->cli->given.json) {
    print_json(p);
    return;
  }
  for (size_t i = 0; files->count > 1 && !p->cli->given.quiet && i < files->count; i++) {
    print_tally(p, files->item[i], &p->file[i]);
    putchar('\n');
  }
  print_tally(p, files->count > 1 ? "all files" : files->item[0], &p->all);
}

/* ---- setting up ----------------------------------------------------------------------------------------------- */

/* What can be checked before a model is opened. */
static int read_options(struct perplexity *p) {
  const struct cli_values *given = &p->cli->given;
  if (!cli_count(p->cli, "chunk-tokens", given->chunk_tokens, 2, 1 << 24, &p->window)) return CLI_USAGE;
  p->windows = UINT64_MAX;
  if (!cli_count(p->cli, "chunks", given->chunks, 1, UINT64_MAX, &p->windows)) return CLI_USAGE;
  if (!cli_count(p->cli, "first", given->first, 1, p->window - 1, &p->first)) return CLI_USAGE;
  if (!cli_count(p->cli, "continuation", given->continuation, 1, p->window - 1, &p->continuation)) return CLI_USAGE;
  if (p->continuation && given->against)
    return cli_usage(p->cli, "--continuation and --against are two measurements; choose one");
  if (given->files.count == 0) return cli_usage(p->cli, "name a text with -f FILE");
  if (given->against && strcmp(given->against, "float") != 0 && strcmp(given->against, "int8") != 0)
    return cli_usage(p->cli, "--against takes float or int8, not \"%s\"", given->against);
  p->measurement = given->against ? AGAINST : p->continuation ? CONTINUATION : PLAIN;
  p->file = calloc(given->files.count, sizeof *p->file);
  return p->file ? CLI_OK : cli_no_memory(p->cli);
}

/* Four sets from one: dense or as given, on the arithmetic given or on the other. */
static int make_settings(struct perplexity *p) {
  p->dense = cli_settings_with(p->cli->settings, "policy", "dense");
  if (!p->dense) return cli_no_memory(p->cli);
  if (p->measurement != AGAINST) return CLI_OK;
  p->other = cli_settings_with(p->cli->settings, "numerics", p->cli->given.against);
  p->other_dense = p->other ? cli_settings_with(p->other, "policy", "dense") : NULL;
  return p->other_dense ? CLI_OK : cli_no_memory(p->cli);
}

static int find_gates(struct perplexity *p) {
  bool dense = true;
  int code = cli_engine_settings(&p->engine, p->cli->settings, &p->in_force, &dense);
  p->gates = !dense;
  return code;
}

/* Only what the measurement needs: a model on the float path takes four bytes a weight. */
static int open_all(struct perplexity *p) {
  int code = cli_engine_open(&p->engine, p->cli, p->dense);
  if (code == CLI_OK) code = find_gates(p);
  if (code == CLI_OK) code = cli_engine_session(&p->engine, p->dense);
  if (code == CLI_OK && p->gates && p->measurement != PLAIN) code = cli_engine_share(&p->gated, &p->engine, p->cli->settings);
  if (code != CLI_OK || p->measurement != AGAINST) return code;
  code = cli_engine_open(&p->reference, p->cli, p->other_dense);
  if (code == CLI_OK) code = cli_engine_session(&p->reference, p->other_dense);
  if (code == CLI_OK && p->gates) code = cli_engine_share(&p->reference_gated, &p->reference, p->other);
  return code;
}

static void close_all(struct perplexity *p) {
  struct cli_engine *engines[] = {&p->reference_gated, &p->reference, &p->gated, &p->engine};
  still_settings *settings[] = {p->dense, p->in_force, p->other, p->other_dense};
  for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) cli_engine_close(engines[i]);
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) still_settings_free(settings[i]);
  free(p->file);
}

int cmd_perplexity(struct cli *cli) {
  struct perplexity p = {.cli = cli};
  int code = read_options(&p);
  if (code == CLI_OK) code = make_settings(&p);
  if (code == CLI_OK) code = open_all(&p);
  if (code == CLI_OK) code = score_files(&p);
  if (code == CLI_OK) add_up(&p);
  cli_progress_clear(&p.engine.progress);
  if (code == CLI_OK && p.all.loss.n == 0)
    code = cli_fail(cli, STILL_EARG, "the files hold no window to score; give longer texts or a smaller --chunk-tokens");
  if (code == CLI_OK) print(&p);
  close_all(&p);
  return code;
}
