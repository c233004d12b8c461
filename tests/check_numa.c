/*
 * check_numa.c - placement: the plan against a table of faked topologies, the team on faked nodes, whole prefills on them.
 *
 * In:       topologies as text, tiny models.  Out: TAP.
 * Not here: speed.
 */
#include <check.h>
#include <fenv.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/numa.h"
#include "src/session.h"
#include "tests/run.h"

/* ---- the plan --------------------------------------------------------------------------------------------------- */

/* "0:0-3,8 2:4 5:" - numbers of nodes, and the processors of each. */
static struct sp_topology topology(const char *text) {
  struct sp_topology t = {0};
  char *end;
  int n = 0;
  for (const char *at = text; *at; at = *end == ' ' ? end + 1 : end) {
    t.id[t.nodes++] = (int16_t)strtol(at, &end, 10);
    ck_assert_int_eq(*end, ':');
    while (*end && *end != ' ' && end[1] >= '0' && end[1] <= '9') {
      long from = strtol(end + 1, &end, 10), to = *end == '-' ? strtol(end + 1, &end, 10) : from;
      for (long p = from; p <= to; p++) t.processor[n++] = (int16_t)p;
    }
    if (*end == ':') end++;
    t.first[t.nodes] = (int16_t)n;
  }
  return t;
}

enum { COLUMNS = 24, HEADS = 4 };

/* "node: processors of its threads | its columns | its KV heads", node after node. */
static void show(const struct sp_place *p, char *text, size_t size) {
  static const char *const names[] = {"not", "node", "processor"};
  size_t n = (size_t)snprintf(text, size, "%s x%d", names[p->bind], p->copies);
  for (int i = 0; i < p->on.nodes; i++) {
    n += (size_t)snprintf(text + n, size - n, "; %d:", p->on.id[i]);
    for (int t = p->first[i]; t < p->first[i + 1]; t++) {
      ck_assert_int_eq(sp_place_node(p, t), i);
      n += (size_t)snprintf(text + n, size - n, " %d", sp_place_processor(p, t));
    }
    n += (size_t)snprintf(text + n, size - n, " | %zu-%zu | %zu-%zu", sp_place_from(p, COLUMNS, i),
                          sp_place_from(p, COLUMNS, i + 1), sp_place_from(p, HEADS, i), sp_place_from(p, HEADS, i + 1));
  }
}

static const struct {
  const char *what, *nodes;
  int threads;
  enum sp_numa wanted;
  const char *expected;
} plans[] = {
    {"one node", "0:0-3", 4, SP_NUMA_AUTO, "not x1; -1: 0 1 2 3 | 0-24 | 0-4"},
    {"one node, asked for", "0:0-3", 2, SP_NUMA_SPREAD, "processor x1; 0: 0 1 | 0-24 | 0-4"},
    {"one node, copies", "3:4-7", 4, SP_NUMA_REPLICATE, "processor x1; 3: 4 5 6 7 | 0-24 | 0-4"},
    {"nobody knows", "0:", 2, SP_NUMA_SPREAD, "not x1; -1: -1 -1 | 0-24 | 0-4"},
    {"two nodes", "0:0-3 1:4-7", 8, SP_NUMA_AUTO, "node x1; 0: 0 1 2 3 | 0-12 | 0-2; 1: 4 5 6 7 | 12-24 | 2-4"},
    {"two nodes, off", "0:0-3 1:4-7", 8, SP_NUMA_OFF, "not x1; -1: 0 1 2 3 4 5 6 7 | 0-24 | 0-4"},
    {"two nodes, half", "0:0-3 1:4-7", 4, SP_NUMA_SPREAD, "processor x1; 0: 0 1 | 0-12 | 0-2; 1: 4 5 | 12-24 | 2-4"},
    {"two nodes, local", "0:0-3 1:4-7", 4, SP_NUMA_LOCAL, "processor x1; 0: 0 1 2 3 | 0-24 | 0-4"},
    {"two nodes, local and more", "0:0-3 1:4-7", 6, SP_NUMA_LOCAL,
     "processor x1; 0: 0 1 2 3 | 0-16 | 0-3; 1: 4 5 | 16-24 | 3-4"},
    {"two nodes, copies", "0:0-1 1:2-3", 4, SP_NUMA_REPLICATE, "processor x2; 0: 0 1 | 0-12 | 0-2; 1: 2 3 | 12-24 | 2-4"},
    {"two nodes, one thread", "0:0-3 1:4-7", 1, SP_NUMA_AUTO, "not x1; -1: 0 | 0-24 | 0-4"},
    {"numbers that interleave", "0:0,2,4,6 1:1,3,5,7", 6, SP_NUMA_AUTO,
     "node x1; 0: 0 2 4 | 0-12 | 0-2; 1: 1 3 5 | 12-24 | 2-4"},
    {"numbers with holes", "0:16-17,80-81 8:40,99", 6, SP_NUMA_SPREAD,
     "processor x1; 0: 16 17 80 81 | 0-16 | 0-3; 8: 40 99 | 16-24 | 3-4"},
    {"uneven", "0:0-5 1:6-7", 8, SP_NUMA_AUTO, "node x1; 0: 0 1 2 3 4 5 | 0-18 | 0-3; 1: 6 7 | 18-24 | 3-4"},
    {"uneven, few threads", "0:0 1:1-12", 2, SP_NUMA_AUTO, "not x1; -1: 0 1 | 0-24 | 0-4"},
    {"a node without processors", "0:0-1 1: 2:2-3", 4, SP_NUMA_AUTO, "node x1; 0: 0 1 | 0-12 | 0-2; 2: 2 3 | 12-24 | 2-4"},
    {"one of eight is left", "0: 1: 2: 3: 4: 5:40-43 6: 7:", 4, SP_NUMA_AUTO, "not x1; -1: 40 41 42 43 | 0-24 | 0-4"},
    {"more threads than processors", "0:0-1 1:2-3", 7, SP_NUMA_SPREAD,
     "processor x1; 0: 0 1 0 1 | 0-14 | 0-2; 1: 2 3 2 | 14-24 | 2-4"},
    {"more threads, local", "0:0 1:1", 4, SP_NUMA_LOCAL, "processor x1; 0: 0 0 | 0-12 | 0-2; 1: 1 1 | 12-24 | 2-4"},
    {"eight nodes", "0:0 1:1 2:2 3:3 4:4 5:5 6:6 7:7", 8, SP_NUMA_AUTO,
     "node x1; 0: 0 | 0-3 | 0-1; 1: 1 | 3-6 | 1-1; 2: 2 | 6-9 | 1-2; 3: 3 | 9-12 | 2-2; "
     "4: 4 | 12-15 | 2-3; 5: 5 | 15-18 | 3-3; 6: 6 | 18-21 | 3-4; 7: 7 | 21-24 | 4-4"},
    {"eight nodes, three threads", "0:0-7 1:8-15 2:16-23 3:24-31 4:32-39 5:40-47 6:48-55 7:56-63", 3, SP_NUMA_AUTO,
     "node x1; 1: 8 | 0-8 | 0-1; 3: 24 | 8-16 | 1-3; 6: 48 | 16-24 | 3-4"},
};

START_TEST(the_plan_is_the_table) {
  struct sp_topology t = topology(plans[_i].nodes);
  struct sp_place place;
  char text[1024];
  sp_place(&t, plans[_i].threads, plans[_i].wanted, &place);
  show(&place, text, sizeof text);
  ck_assert_msg(strcmp(text, plans[_i].expected) == 0, "%s:\n  %s\nnot\n  %s", plans[_i].what, text, plans[_i].expected);
}
END_TEST

/* What holds for every topology: shares are proportional, ranges cover everything, processors are not shared. */
START_TEST(any_plan_is_fair) {
  uint64_t seed = 4242 + (uint64_t)_i;
  struct sp_topology t = {.nodes = 1 + (int)(tiny_random(&seed) % SP_MOST_NODES)};
  for (int i = 0; i < t.nodes; i++) {
    int n = t.first[i] + (int)(tiny_random(&seed) % 12);
    for (int p = t.first[i]; p < n; p++) t.processor[p] = (int16_t)p;
    t.id[i] = (int16_t)i;
    t.first[i + 1] = (int16_t)n;
  }
  int all = t.first[t.nodes], threads = 1 + (int)(tiny_random(&seed) % SP_MOST_THREADS);
  bool whole = true, near = true, apart = true;
  struct sp_place place;
  sp_place(&t, threads, SP_NUMA_SPREAD, &place);
  ck_assert_int_eq(place.first[0], 0);
  ck_assert_int_eq(place.first[place.on.nodes], threads);
  for (int i = 0; all && i < place.on.nodes; i++) {
    int n = place.first[i + 1] - place.first[i], processors = place.on.first[i + 1] - place.on.first[i];
    ck_assert_int_gt(n, 0);
    ck_assert(threads > all || n <= processors);
    double share = (double)threads * processors / all;
    ck_assert_msg(n > share - 1 && n < share + 1, "seed %d: node %d has %d threads of a share of %g", 4242 + _i, i, n, share);
    for (size_t units = 0; units < 50; units++) {
      double exact = (double)units * place.first[i] / threads;
      whole &= sp_place_from(&place, units, place.on.nodes) == units;
      near &= fabs((double)sp_place_from(&place, units, i) - exact) <= 0.5;
    }
  }
  for (int a = 1; all && threads <= all && a < threads; a++)
    apart &= sp_place_processor(&place, a) > sp_place_processor(&place, a - 1);
  ck_assert_msg(whole && near && apart, "seed %d: %d %d %d", 4242 + _i, whole, near, apart);
}
END_TEST

START_TEST(this_machine) {
  struct sp_topology t;
  cpu_set_t mine;
  int seen[SP_MOST_PROCESSORS] = {0};
  ck_assert_int_eq(sched_getaffinity(0, sizeof mine, &mine), 0);
  sp_numa_topology(&t);
  ck_assert_int_ge(t.nodes, 1);
  ck_assert_int_eq(t.first[t.nodes], CPU_COUNT(&mine));
  for (int i = 0; i < t.first[t.nodes]; i++) {
    ck_assert(CPU_ISSET((size_t)t.processor[i], &mine));
    ck_assert_int_eq(seen[t.processor[i]]++, 0);
  }
}
END_TEST

/* ---- the team --------------------------------------------------------------------------------------------------- */

/* Nodes and processors that no machine has: binding and placing are refused, and nothing else happens. */
static const char *const faked[] = {
    "900:1000-1001 901:1002-1003",
    "900:1000 901:1001 902:1002 903:1003 904:1004 905:1005 906:1006 907:1007",
    "900:1000-1004 901: 902:1005",
};
enum { FAKED = sizeof faked / sizeof faked[0] };

static struct sp_team team_on(const char *nodes, int threads, enum sp_numa wanted) {
  struct sp_topology t = topology(nodes);
  struct sp_team team = {.threads = threads};
  sp_place(&t, threads, wanted, &team.place);
  return team;
}

enum { MOST_TASKS = 1000 };

struct work {
  struct sp_team *team;
  struct sp_ctx *ctx;
  atomic_int count[MOST_TASKS]; /* how often a task ran */
  atomic_size_t done;
  size_t tasks, units;
  atomic_int at_work[64];       /* by thread: tasks begun */
  atomic_int failed;
};

static void count_task(void *job, size_t task, int thread) {
  struct work *w = job;
  atomic_fetch_add(&w->count[task], 1);
  atomic_fetch_add(&w->done, 1);
  if (thread < 0 || thread >= w->team->threads || fegetround() != FE_TONEAREST) atomic_store(&w->failed, 1);
}

static void expect_once(struct work *w, const char *what) {
  size_t bad = MOST_TASKS; /* one assertion for all: each is a message to the process that runs the tests */
  for (size_t i = 0; i < MOST_TASKS; i++)
    if (atomic_exchange(&w->count[i], 0) != (i < w->tasks)) bad = i;
  ck_assert_msg(bad == MOST_TASKS && !atomic_load(&w->failed), "%s of %zu tasks: task %zu", what, w->tasks, bad);
  atomic_store(&w->done, 0);
}

static still_status run_many(void *arg) {
  static const size_t units[] = {1, 2, 3, 7, 8};
  struct work *w = arg;
  for (w->tasks = 0; w->tasks < MOST_TASKS; w->tasks += 1 + w->tasks / 3) {
    ck_assert_int_eq(sp_team_run(w->team, w->ctx, w->tasks, count_task, w), STILL_OK);
    expect_once(w, "a contiguous run");
  }
  for (size_t i = 0; i < 5; i++)
    for (size_t each = 0; each < 40; each = 2 * each + 1) {
      w->tasks = units[i] * each;
      ck_assert_int_eq(sp_team_run_turns(w->team, w->ctx, w->tasks, units[i], count_task, w), STILL_OK);
      expect_once(w, "a run in turns");
    }
  return STILL_EDEVICE; /* what the function returns is what the gathering returns */
}

START_TEST(every_task_runs_once) {
  static const int threads[] = {1, 2, 3, 5, 9};
  struct sp_ctx ctx;
  sp_ctx_init(&ctx, NULL);
  for (size_t i = 0; i < sizeof threads / sizeof threads[0]; i++) {
    struct sp_team team = team_on(faked[_i % FAKED], threads[i], _i < FAKED ? SP_NUMA_AUTO : SP_NUMA_OFF);
    struct work w = {.team = &team, .ctx = &ctx};
    fesetround(FE_UPWARD);
    ck_assert_int_eq(run_many(&w), STILL_EDEVICE); /* each run a gathering of its own */
    ck_assert_int_eq(sp_team_gather(&team, &ctx, run_many, &w), STILL_EDEVICE);
    ck_assert_int_eq(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
  }
}
END_TEST

static bool give_way(int *turns) { /* false after ten seconds */
  if (++*turns % 100 == 0) usleep(1000);
  sched_yield();
  return *turns < 1000000;
}

/* Task 0 waits for all others: they end only if threads of the other node take them from this one. */
static void wait_for_others(void *job, size_t task, int thread) {
  struct work *w = job;
  count_task(job, task, thread);
  for (int turns = 0; task == 0 && atomic_load(&w->done) < w->tasks;)
    if (!give_way(&turns)) {
      atomic_store(&w->failed, 1);
      return;
    }
}

START_TEST(what_waits_is_stolen) {
  struct sp_ctx ctx;
  sp_ctx_init(&ctx, NULL);
  struct sp_team team = team_on("900:1000 901:1001", 2, SP_NUMA_AUTO);
  struct work w = {.team = &team, .ctx = &ctx, .tasks = 100};
  ck_assert_int_eq(sp_team_run(&team, &ctx, w.tasks, wait_for_others, &w), STILL_OK);
  expect_once(&w, "stealing");
}
END_TEST

/* Every thread's first task is of its own node, because nobody begins a second one before all have begun their first. */
static void begin_at_home(void *job, size_t task, int thread) {
  struct work *w = job;
  const struct sp_place *place = &w->team->place;
  count_task(job, task, thread);
  if (atomic_fetch_add(&w->at_work[thread], 1) > 0) return;
  int node = sp_place_node(place, thread), begun = 0;
  size_t unit = task % w->units;
  if (unit < sp_place_from(place, w->units, node) || unit >= sp_place_from(place, w->units, node + 1))
    atomic_store(&w->failed, 1);
  for (int turns = 0; begun < w->team->threads;) {
    begun = 0;
    for (int t = 0; t < w->team->threads; t++) begun += atomic_load(&w->at_work[t]) > 0;
    if (begun < w->team->threads && !give_way(&turns)) {
      atomic_store(&w->failed, 1);
      return;
    }
  }
}

START_TEST(threads_begin_at_home) {
  struct sp_ctx ctx;
  sp_ctx_init(&ctx, NULL);
  for (size_t units = 8; units <= 64; units *= 8) { /* 8 take turns; 64 are the tasks themselves */
    struct sp_team team = team_on(faked[_i], 5, SP_NUMA_AUTO);
    struct work w = {.team = &team, .ctx = &ctx, .tasks = 64, .units = units};
    ck_assert_int_gt(team.place.on.nodes, 1);
    ck_assert_int_eq(sp_team_run_turns(&team, &ctx, w.tasks, units, begin_at_home, &w), STILL_OK);
    expect_once(&w, "homes");
  }
}
END_TEST

/* Many short runs, so that threads come late, fall asleep and meet the next run. */
static still_status run_short(void *arg) {
  struct work *w = arg;
  for (size_t i = 0; i < 4000; i++) {
    w->tasks = 2 + i % 5;
    SP_TRY(sp_team_run(w->team, w->ctx, w->tasks, count_task, w));
    if (atomic_exchange(&w->done, 0) != w->tasks) return STILL_ESTATE;
    if (i % 400 == 0) usleep(3000); /* longer than anyone looks */
  }
  for (size_t i = 0; i < 7; i++) atomic_store(&w->count[i], 0);
  return STILL_OK;
}

START_TEST(short_runs) {
  struct sp_ctx ctx;
  sp_ctx_init(&ctx, NULL);
  for (int threads = 2; threads <= 6; threads += 2) {
    struct sp_team team = team_on(_i ? faked[0] : "0:0-7", threads, SP_NUMA_AUTO);
    struct work w = {.team = &team, .ctx = &ctx};
    ck_assert_int_eq(sp_team_gather(&team, &ctx, run_short, &w), STILL_OK);
    ck_assert_int_eq(atomic_load(&w.failed), 0);
  }
}
END_TEST

/* ---- binding ---------------------------------------------------------------------------------------------------- */

static void check_mask(void *job, size_t task, int thread) {
  struct work *w = job;
  const struct sp_place *place = &w->team->place;
  int node = sp_place_node(place, thread);
  cpu_set_t mask;
  count_task(job, task, thread);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) atomic_store(&w->failed, 1);
  for (int i = 0; i < place->on.first[place->on.nodes]; i++) {
    int p = place->on.processor[i];
    bool expected = place->bind == SP_BIND_NOT || (place->bind == SP_BIND_PROCESSOR && p == sp_place_processor(place, thread)) ||
                    (place->bind == SP_BIND_NODE && i >= place->on.first[node] && i < place->on.first[node + 1]);
    if (expected != (CPU_ISSET((size_t)p, &mask) != 0)) atomic_store(&w->failed, 1);
  }
}

/* The processors of this process as two nodes. */
START_TEST(threads_are_bound_and_freed) {
  struct sp_ctx ctx;
  struct sp_topology t;
  cpu_set_t before, after;
  sp_ctx_init(&ctx, NULL);
  sp_numa_topology(&t);
  int n = t.first[t.nodes];
  if (n < 2) {
    printf("# SKIP binding: this process may use one processor\n");
    return;
  }
  struct sp_topology two = {.nodes = 2, .id = {900, 901}, .first = {0, (int16_t)(n / 2), (int16_t)n}};
  memcpy(two.processor, t.processor, sizeof t.processor);
  ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
  for (enum sp_numa wanted = SP_NUMA_AUTO; wanted <= SP_NUMA_REPLICATE; wanted++) {
    struct sp_team team = {.threads = 2};
    sp_place(&two, 2, wanted, &team.place);
    struct work w = {.team = &team, .ctx = &ctx, .tasks = 64};
    ck_assert_int_eq(sp_team_run(&team, &ctx, w.tasks, check_mask, &w), STILL_OK);
    expect_once(&w, "binding");
    ck_assert_int_eq(sched_getaffinity(0, sizeof after, &after), 0);
    ck_assert(CPU_EQUAL(&before, &after));
  }
}
END_TEST

/* Pages of both "nodes" shall come from node 0: the system's own table says so. */
START_TEST(memory_is_placed) {
  enum { BYTES = 64 << 20 };
  struct sp_topology t = topology("0:0 0:1");
  struct sp_place place;
  char line[1024], address[64];
  bool found = false;
  uint8_t *memory = aligned_alloc(1 << 20, BYTES);
  sp_place(&t, 2, SP_NUMA_SPREAD, &place);
  if (!sp_numa_bind(&place, 0, memory, BYTES)) {
    printf("# SKIP placing memory: not built with libnuma, or this system forbids it\n");
    free(memory);
    return;
  }
  sp_numa_split(&place, memory, BYTES, 0, 1024, 1024);
  memory[0] = memory[BYTES - 1] = 1;
  FILE *f = fopen("/proc/self/numa_maps", "r");
  snprintf(address, sizeof address, "%lx ", (unsigned long)memory);
  while (f && fgets(line, sizeof line, f))
    if (strncmp(line, address, strlen(address)) == 0) found = strstr(line, "prefer") != NULL;
  if (f) fclose(f);
  free(memory);
  ck_assert_msg(found || !f, "no policy of %s in numa_maps", address);
}
END_TEST

/* ---- a prefill on faked nodes ----------------------------------------------------------------------------------- */

enum { N = 170, VOCAB = 384 };
static const char *const halted = "min-tokens=0 suffix=16 window=48";

/* A model stands on a faked topology from here on. Before its first prefill. */
static void stand_on(still_model *model, const char *nodes, int threads, enum sp_numa wanted) {
  model->weights.team = team_on(nodes, threads, wanted);
}

START_TEST(placement_changes_no_bit) {
  static const char *const policies[] = {"query", "dense"};
  struct tiny_spec spec;
  char settings[128], what[128];
  tiny_preset(&spec);
  still_token *tokens = run_tokens(N, VOCAB, 31);
  for (int p = 0; p < 2; p++) {
    snprintf(settings, sizeof settings, "%s policy=%s chunk=96", halted, policies[p]);
    struct opened o = run_open(&spec, "threads=2");
    struct run expected = run_prefill(o.model, settings, tokens, N);
    run_close(&o);
    for (enum sp_numa wanted = SP_NUMA_AUTO; wanted <= SP_NUMA_REPLICATE; wanted++) {
      o = run_open(&spec, _i == 1 ? "panels=1" : "");
      stand_on(o.model, faked[_i], 5, wanted);
      struct run r = run_prefill(o.model, settings, tokens, N), again = run_prefill(o.model, settings, tokens, N);
      snprintf(what, sizeof what, "%s, numa %d on %s", policies[p], wanted, faked[_i]);
      run_same(&expected, &r, what);
      run_same(&expected, &again, what);
      run_free(&r);
      run_free(&again);
      run_close(&o);
    }
    run_free(&expected);
  }
  free(tokens);
}
END_TEST

START_TEST(copies_are_planned) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  spec.ctx = 4096;
  still_token *tokens = run_tokens(1000, VOCAB, 32);
  still_settings *s = run_settings("min-tokens=0");
  still_plan one = {.size = sizeof one}, all = {.size = sizeof all};
  struct opened o = run_open(&spec, "");
  stand_on(o.model, faked[1], 8, SP_NUMA_SPREAD);
  ck_assert_int_eq(still_model_plan(o.model, s, 1000, &one), STILL_OK);
  stand_on(o.model, faked[1], 8, SP_NUMA_REPLICATE);
  ck_assert_int_eq(still_model_plan(o.model, s, 1000, &all), STILL_OK);
  ck_assert_uint_eq(all.panels, 8 * one.panels);
  ck_assert_uint_eq(all.total - all.panels, one.total - one.panels);
  struct run r = run_prefill(o.model, "min-tokens=0", tokens, 1000);
  double ratio = (double)r.report.peak_bytes / (double)all.total;
  ck_assert_msg(ratio > 0.95 && ratio < 1.05, "planned %.2f MiB, took %.2f", (double)all.total / 0x1p20,
                (double)r.report.peak_bytes / 0x1p20);
  run_free(&r);
  run_close(&o);
  still_settings_free(s);
  free(tokens);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("numa");
  TCase *tc = tcase_create("placement");
  tcase_add_loop_test(tc, the_plan_is_the_table, 0, sizeof plans / sizeof plans[0]);
  tcase_add_loop_test(tc, any_plan_is_fair, 0, 50);
  tcase_add_test(tc, this_machine);
  tcase_add_loop_test(tc, every_task_runs_once, 0, FAKED + 1);
  tcase_add_test(tc, what_waits_is_stolen);
  tcase_add_loop_test(tc, threads_begin_at_home, 0, FAKED);
  tcase_add_loop_test(tc, short_runs, 0, 2);
  tcase_add_test(tc, threads_are_bound_and_freed);
  tcase_add_test(tc, memory_is_placed);
  tcase_add_loop_test(tc, placement_changes_no_bit, 0, FAKED);
  tcase_add_test(tc, copies_are_planned);
  suite_add_tcase(suite, tc);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
