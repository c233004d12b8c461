/*
 * team.c - the thread team, by OpenMP.
 *
 * In:       tasks.  Out: each run once, under the floating-point state that the numeric contract needs.
 * Not here: what a task computes. No other file includes omp.h.
 */
#include "team.h"

#include <fenv.h>
#include <omp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST_THREADS = 1024 };

/* A team that was run in a process cannot be run in its forked child: the OpenMP runtime waits for threads that fork did not
 * copy. */
static atomic_int forked_after_use;
static atomic_int in_use;
static pthread_once_t watch_once = PTHREAD_ONCE_INIT;

static void note_fork(void) {
  if (atomic_load(&in_use)) atomic_store(&forked_after_use, 1);
}
static void watch_forks(void) { pthread_atfork(NULL, NULL, note_fork); }

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

static int processors(void) {
  cpu_set_t set;
  int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
  int allowed = quota();
  if (allowed > 0 && allowed < n) n = allowed;
  return n < 1 ? 1 : n > MOST_THREADS ? MOST_THREADS : n;
}

still_status sp_team_open(struct sp_team *team, int threads, struct sp_ctx *ctx) {
  pthread_once(&watch_once, watch_forks);
  if (threads < 0 || threads > MOST_THREADS)
    return sp_fail(&ctx->error, STILL_EARG, "threads must be 0 (all that the process may use) to %d, not %d", MOST_THREADS,
                   threads);
  team->threads = threads ? threads : processors();
  return STILL_OK;
}

/* Round to nearest, no flush-to-zero, no denormals-are-zero: FE_DFL_ENV is just that. */
static void run_tasks(size_t tasks, sp_task_fn fn, void *job, atomic_size_t *next, int thread) {
  fenv_t caller;
  fegetenv(&caller);
  fesetenv(FE_DFL_ENV);
  for (size_t i; (i = atomic_fetch_add_explicit(next, 1, memory_order_relaxed)) < tasks;) fn(job, i, thread);
  fesetenv(&caller);
}

still_status sp_team_run(const struct sp_team *team, struct sp_ctx *ctx, size_t tasks, sp_task_fn fn, void *job) {
  if (atomic_load_explicit(&forked_after_use, memory_order_relaxed))
    return sp_fail(&ctx->error, STILL_EFORK,
                   "this process was forked from one that had used the library; start a new process (exec) before using it");
  atomic_size_t next = 0;
  int threads = tasks < (size_t)team->threads ? (int)tasks : team->threads;
  if (threads <= 1) {
    run_tasks(tasks, fn, job, &next, 0);
    return STILL_OK;
  }
  atomic_store_explicit(&in_use, 1, memory_order_relaxed);
#pragma omp parallel num_threads(threads)
  run_tasks(tasks, fn, job, &next, omp_get_thread_num());
  return STILL_OK;
}
