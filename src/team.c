/*
 * team.c - the thread team, by OpenMP: one parallel region a gathering, in which the threads stand by as a crew.
 *
 * In:       tasks.  Out: each run once, under the floating-point state that the numeric contract needs.
 * Not here: what a task computes, how tasks are handed out (crew.c). No other file includes omp.h.
 *
 * A region always has all threads of the team: libgomp ends those that the next region does not ask for, and starts others for
 * the one after it.
 */
#include "team.h"

#include <fenv.h>
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "numa.h"

/* A team that was run in a process cannot be run in its forked child: the OpenMP runtime waits for threads that fork did not
 * copy. */
static atomic_int forked_after_use;
static atomic_int in_use;
static pthread_once_t watch_once = PTHREAD_ONCE_INIT;

static void note_fork(void) {
  if (atomic_load(&in_use)) atomic_store(&forked_after_use, 1);
}
static void watch_forks(void) { pthread_atfork(NULL, NULL, note_fork); }

static still_status check_fork(struct sp_ctx *ctx) {
  if (!atomic_load_explicit(&forked_after_use, memory_order_relaxed)) return STILL_OK;
  return sp_fail(&ctx->error, STILL_EFORK,
                 "this process was forked from one that had used the library; start a new process (exec) before using it");
}

/* ---- how many threads, and where -------------------------------------------------------------------------------- */

/* Processors that the control group's quota allows, rounded up; 0 when there is no quota. */
static int quota(void) {
  char text[64];
  FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
  if (!f) return 0;
  size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = '\0';
  char *end;
  long allowed = strtol(text, &end, 10);
  long period = end == text ? 0 : strtol(end, NULL, 10); /* "max 100000" has no number first */
  return allowed > 0 && period > 0 ? (int)((allowed + period - 1) / period) : 0;
}

static int processors(const struct sp_topology *t) {
  int n = t->first[t->nodes] ? t->first[t->nodes] : (int)sysconf(_SC_NPROCESSORS_ONLN), allowed = quota();
  if (allowed > 0 && allowed < n) n = allowed;
  return n < 1 ? 1 : n > SP_MOST_THREADS ? SP_MOST_THREADS : n;
}

still_status sp_team_open(struct sp_team *team, int threads, enum sp_numa wanted, struct sp_ctx *ctx) {
  struct sp_topology topology;
  pthread_once(&watch_once, watch_forks);
  if (threads < 0 || threads > SP_MOST_THREADS)
    return sp_fail(&ctx->error, STILL_EARG, "threads must be 0 (all that the process may use) to %d, not %d", SP_MOST_THREADS,
                   threads);
  sp_numa_topology(&topology);
  team->threads = threads ? threads : processors(&topology);
  sp_place(&topology, team->threads, wanted, &team->place);
  return STILL_OK;
}

/* ---- a gathering ------------------------------------------------------------------------------------------------ */

/* What a thread is a part of now. */
struct part {
  const struct sp_team *team;
  struct sp_crew *crew;
  int node;
};
static _Thread_local struct part here;

/* What a thread has back when the gathering is over. */
struct before {
  struct part part;
  fenv_t floating;
  cpu_set_t mask;
  bool bound;
};

/* Round to nearest, no flush-to-zero, no denormals-are-zero: FE_DFL_ENV is just that. */
static void take_floating(fenv_t *before) {
  fegetenv(before);
  fesetenv(FE_DFL_ENV);
}

static bool bind_thread(const struct sp_place *p, int thread, int node) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (p->bind == SP_BIND_PROCESSOR) CPU_SET((size_t)sp_place_processor(p, thread), &set);
  for (int i = p->on.first[node]; p->bind == SP_BIND_NODE && i < p->on.first[node + 1]; i++)
    CPU_SET((size_t)p->on.processor[i], &set);
  return sched_setaffinity(0, sizeof set, &set) == 0; /* a processor may have gone since */
}

static void join(const struct sp_team *team, struct sp_crew *crew, int thread, struct before *before) {
  int node = sp_place_node(&team->place, thread);
  before->part = here;
  here = (struct part){team, crew, node};
  take_floating(&before->floating);
  before->bound = team->place.bind != SP_BIND_NOT && sched_getaffinity(0, sizeof before->mask, &before->mask) == 0 &&
                  bind_thread(&team->place, thread, node);
}

static void leave(const struct before *before) {
  if (before->bound) sched_setaffinity(0, sizeof before->mask, &before->mask);
  fesetenv(&before->floating);
  here = before->part;
}

still_status sp_team_gather(const struct sp_team *team, struct sp_ctx *ctx, still_status (*fn)(void *arg), void *arg) {
  SP_TRY(check_fork(ctx));
  if (here.team == team || (team->threads == 1 && team->place.bind == SP_BIND_NOT)) return fn(arg);
  struct sp_crew crew;
  still_status status = STILL_OK;
  sp_crew_open(&crew, &team->place);
  atomic_store_explicit(&in_use, 1, memory_order_relaxed);
#pragma omp parallel num_threads(team->threads)
  {
    struct before before;
    int thread = omp_get_thread_num();
    join(team, &crew, thread, &before);
    if (thread == 0) {
      status = fn(arg);
      sp_crew_dismiss(&crew);
    } else {
      sp_crew_serve(&crew, thread);
    }
    leave(&before);
  }
  sp_crew_close(&crew);
  return status;
}

/* ---- runs ------------------------------------------------------------------------------------------------------- */

struct run {
  const struct sp_team *team;
  struct sp_ctx *ctx;
  size_t tasks, units;
  sp_task_fn fn;
  void *job;
};

static still_status run_gathered(void *arg) {
  const struct run *r = arg;
  return sp_team_run_turns(r->team, r->ctx, r->tasks, r->units, r->fn, r->job);
}

static void run_alone(size_t tasks, sp_task_fn fn, void *job) {
  fenv_t caller;
  take_floating(&caller);
  for (size_t i = 0; i < tasks; i++) fn(job, i, 0);
  fesetenv(&caller);
}

still_status sp_team_run_turns(const struct sp_team *team, struct sp_ctx *ctx, size_t tasks, size_t units, sp_task_fn fn,
                               void *job) {
  if (tasks > 1 && team->threads > 1 && here.team != team)
    return sp_team_gather(team, ctx, run_gathered, &(struct run){team, ctx, tasks, units, fn, job});
  SP_TRY(check_fork(ctx));
  if (tasks > 1 && team->threads > 1)
    sp_crew_run(here.crew, tasks, units, fn, job);
  else
    run_alone(tasks, fn, job);
  return STILL_OK;
}

still_status sp_team_run(const struct sp_team *team, struct sp_ctx *ctx, size_t tasks, sp_task_fn fn, void *job) {
  return sp_team_run_turns(team, ctx, tasks, tasks, fn, job);
}

int sp_team_copy(const struct sp_team *team) { return team->place.copies > 1 && here.team == team ? here.node : 0; }
