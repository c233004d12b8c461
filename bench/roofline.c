/*
 * roofline.c - the limits of this machine, and how near a prefill comes to them, by kind of work.
 *
 * In:       a model file.  Out: two tables.
 * Not here: the loops that find the limits (peak.c), other programs (peers.py).
 *
 * `make bench/roofline`, then bench/roofline [-t threads] [-i level] [-l tokens] [-r repeats] model.gguf. Linear layers and
 * attention are held against int8 products of the level, the preparing of rows against reading memory: each byte of its inputs
 * and outputs counts once, so a machine whose caches hold a chunk may pass 100 %. Only operations that the result needs count:
 * attention's are causal. Of several prefills the fastest is shown.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peak.h"
#include "src/session.h"

enum { TRIES = 7, MOST_LENGTHS = 16, EXP2_N = 4096 };

struct roofline {
  const char *model_path, *threads, *isa, *lengths;
  int repeats;
  struct sp_ctx ctx;
  struct sp_team team;
  const struct sp_kernels *kernels; /* of the level in use */
  double int8, exp2, memory;        /* limits, a second */
};

/* ---- limits ---------------------------------------------------------------------------------------------------- */

/* A loop for every thread, and what it works on. */
struct load {
  void (*run)(const struct load *load, int thread);
  const struct peak *peak;
  const struct sp_kernels *kernels;
  size_t rounds, bytes;
  char *memory;
};

static void run_peak(const struct load *load, int thread) {
  (void)thread;
  load->peak->run(load->rounds);
}

static void run_exp2(const struct load *load, int thread) {
  (void)thread;
  float x[EXP2_N];
  for (size_t i = 0; i < EXP2_N; i++) x[i] = -(float)(i % 100);
  for (size_t i = 0; i < load->rounds; i++) {
    load->kernels->exp2(x, x, EXP2_N);
    for (size_t k = 0; k < EXP2_N; k += SP_LANES) x[k] = -1;
  }
}

/* Looks for a byte that is not there. */
static void run_memory(const struct load *load, int thread) {
  const char *volatile found = memchr(load->memory + load->bytes * (size_t)thread, 1, load->bytes);
  (void)found;
}

static void task(void *job, size_t number, int thread) {
  (void)thread;
  const struct load *load = job;
  load->run(load, (int)number);
}

/* The best of some tries, in `work` a second, where one round of one thread is `work`. */
static double rate(struct roofline *r, struct load *load, double work) {
  double best = 0;
  for (int i = 0; i < TRIES; i++) {
    double start = sp_seconds();
    if (sp_team_run(&r->team, &r->ctx, (size_t)r->team.threads, task, load) != STILL_OK) return 0;
    double seconds = sp_seconds() - start, one = work * (double)load->rounds * r->team.threads / seconds;
    best = one > best ? one : best;
  }
  return best;
}

/* NULL if the machine has the level. */
static const char *missing(const char *level) {
  size_t count;
  const struct sp_isa_level *levels = sp_isa_levels(&count);
  for (size_t i = 0; i < count; i++)
    if (strcmp(levels[i].name, level) == 0) return sp_isa_missing(i);
  return "not built";
}

static void find_products(struct roofline *r) {
  size_t count;
  const struct peak *peak = peaks(&count);
  for (size_t i = 0; i < count; i++) {
    const char *why = missing(peak[i].level);
    printf("  %-27s %-8s ", peak[i].name, peak[i].level);
    if (why) {
      printf("left out: %s\n", why);
      continue;
    }
    struct load load = {.run = run_peak, .peak = &peak[i], .rounds = (size_t)(2e10 / peak[i].operations)};
    double found = rate(r, &load, peak[i].operations);
    printf("%8.1f GOP/s\n", found * 1e-9);
    if (peak[i].integers && strcmp(peak[i].level, r->kernels->isa) == 0) r->int8 = found;
  }
}

/* More than any cache holds, up to 2 GiB. */
static int find_memory(struct roofline *r) {
  long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  size_t all = cache > 0 && cache < 1 << 29 ? 4 * (size_t)cache : (size_t)1 << 29;
  struct load load = {.run = run_memory, .rounds = 1, .bytes = all / (size_t)r->team.threads};
  load.memory = malloc(all);
  if (!load.memory) return fprintf(stderr, "roofline: no memory\n"), 1;
  memset(load.memory, 2, all);
  r->memory = rate(r, &load, (double)load.bytes);
  free(load.memory);
  printf("  %-27s %-8s %8.1f GB/s\n", "reading memory", "", r->memory * 1e-9);
  return 0;
}

static int find_limits(struct roofline *r) {
  printf("Limits, %d threads; best of %d tries\n", r->team.threads, TRIES);
  find_products(r);
  struct load load = {.run = run_exp2, .kernels = r->kernels, .rounds = 2000};
  r->exp2 = rate(r, &load, EXP2_N);
  printf("  %-27s %-8s %8.2f G/s\n", "exp2 as attention takes it", r->kernels->isa, r->exp2 * 1e-9);
  return find_memory(r);
}

/* ---- a prefill ------------------------------------------------------------------------------------------------- */

static const char *const names[SP_TIMES] = {"linear layers", "attention", "preparing rows", "gate", "tokens", "panels", "memory"};

/* What the prefill of n tokens takes of each kind: operations, or bytes of prepared rows. */
static void count(const struct sp_config *c, double n, double work[SP_TIMES]) {
  double e = c->n_embd, f = c->n_ff, q = (double)c->n_heads * c->head_dim, kv = (double)c->n_kv_heads * c->head_dim;
  work[SP_TIME_LINEAR] = 2 * n * c->n_layers * (e * (q + 2 * kv) + q * e + 3 * e * f);
  work[SP_TIME_ATTENTION] = 4 * q * c->n_layers * n * (n + 1) / 2;
  /* Rows of 4 bytes become 1: both norms, q, k and v, heads, h. */
  work[SP_TIME_PREPARE] = n * c->n_layers * 5 * (2 * e + q + 2 * kv + q + f);
}

static void print_prefill(const struct roofline *r, const struct sp_config *c, size_t n, const double spent[SP_TIMES]) {
  const double limit[SP_TIMES] = {[SP_TIME_LINEAR] = r->int8, [SP_TIME_ATTENTION] = r->int8, [SP_TIME_PREPARE] = r->memory};
  double work[SP_TIMES] = {0}, all = 0;
  count(c, (double)n, work);
  for (size_t i = 0; i < SP_TIMES; i++) all += spent[i];
  printf("\n%zu tokens in %.3f s: %.1f tokens/s\n", n, all, (double)n / all);
  for (size_t i = 0; i < SP_TIMES; i++) {
    if (spent[i] < 0.0005 * all) continue;
    printf("  %-15s %8.3f s %6.2f %%", names[i], spent[i], 100 * spent[i] / all);
    if (work[i] > 0) printf(" %9.1f %s", work[i] / spent[i] * 1e-9, i == SP_TIME_PREPARE ? "GB/s " : "GOP/s");
    if (work[i] > 0 && limit[i] > 0) printf(" %6.1f %% of the limit", 100 * work[i] / spent[i] / limit[i]);
    printf("\n");
  }
  double pairs = work[SP_TIME_ATTENTION] / 4 / c->head_dim;
  if (r->exp2 > 0) printf("  exp2 alone would take %.1f %% of attention\n", 100 * pairs / r->exp2 / spent[SP_TIME_ATTENTION]);
}

static double sum(const double spent[SP_TIMES]) {
  double all = 0;
  for (size_t i = 0; i < SP_TIMES; i++) all += spent[i];
  return all;
}

static int measure(const struct roofline *r, still_session *s, size_t n) {
  still_token *tokens = calloc(n, sizeof *tokens);
  double best[SP_TIMES] = {0};
  still_status status = tokens ? STILL_OK : STILL_ENOMEM;
  for (size_t i = 0; tokens && i < n; i++) tokens[i] = (still_token)(i * 7919 % s->model->config.n_vocab);
  for (int i = 0; i <= r->repeats && status == STILL_OK; i++) { /* the first builds panels and grows caches */
    still_session_reset(s);
    status = still_prefill(s, tokens, n, NULL);
    if (i == 1 || (i > 1 && sum(s->ctx.spent) < sum(best))) memcpy(best, s->ctx.spent, sizeof best);
  }
  free(tokens);
  if (status == STILL_OK) return print_prefill(r, &s->model->config, n, best), 0;
  return fprintf(stderr, "roofline: %s\n", still_session_error(s)), 1;
}

static int measure_all(const struct roofline *r, const still_settings *settings) {
  still_error error = {.size = sizeof error};
  still_model *model = NULL;
  still_session *session = NULL;
  still_status status = still_model_open(r->model_path, settings, NULL, &model, &error);
  if (status == STILL_OK) status = still_session_open(model, settings, NULL, &session, &error);
  if (status != STILL_OK) fprintf(stderr, "roofline: %s\n", error.text);
  int failed = status != STILL_OK;
  for (const char *at = r->lengths; at && *at && !failed; at = strchr(at, ',')) {
    at += *at == ',';
    failed = measure(r, session, (size_t)strtoul(at, NULL, 10));
  }
  still_session_close(session);
  still_model_close(model);
  return failed;
}

/* ---- set-up ---------------------------------------------------------------------------------------------------- */

static int usage(void) {
  fprintf(stderr, "usage: roofline [-t threads] [-i level] [-l tokens,...] [-r repeats] model.gguf\n");
  return 2;
}

static int read_options(struct roofline *r, int argc, char **argv) {
  for (int option; (option = getopt(argc, argv, "t:i:l:r:")) != -1;) {
    if (option == 't') r->threads = optarg;
    else if (option == 'i') r->isa = optarg;
    else if (option == 'l') r->lengths = optarg;
    else if (option == 'r') r->repeats = atoi(optarg);
    else return usage();
  }
  if (argc - optind != 1 || r->repeats < 1) return usage();
  r->model_path = argv[optind];
  return 0;
}

static int set(const struct roofline *r, still_settings *settings) {
  const char *const pairs[][2] = {{"policy", "dense"}, {"isa", r->isa}, {"threads", r->threads}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
    if (still_set(settings, pairs[i][0], pairs[i][1]) != STILL_OK)
      return fprintf(stderr, "roofline: %s\n", still_settings_error(settings)), 1;
  return 0;
}

/* What the loops need, in the way in which a model gets it. */
static int set_up(struct roofline *r) {
  const char *why = "";
  sp_ctx_init(&r->ctx, NULL);
  r->kernels = sp_kernels_pick(r->isa, &why);
  if (!r->kernels) return fprintf(stderr, "roofline: level %s: %s\n", r->isa, why), 1;
  if (sp_team_open(&r->team, atoi(r->threads), SP_NUMA_AUTO, &r->ctx) == STILL_OK) return 0;
  return fprintf(stderr, "roofline: %s\n", r->ctx.error.text), 1;
}

int main(int argc, char **argv) {
  struct roofline r = {.threads = "0", .isa = "auto", .lengths = "512,2048,8192", .repeats = 3};
  int failed = read_options(&r, argc, argv);
  if (failed) return failed;
  still_settings *settings = still_settings_new();
  if (!settings) return fprintf(stderr, "roofline: no memory\n"), 1;
  failed = set(&r, settings) || set_up(&r) || find_limits(&r) || measure_all(&r, settings);
  still_settings_free(settings);
  return failed;
}
