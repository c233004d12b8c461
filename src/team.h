/*
 * team.h - the thread team. The only file that knows OpenMP.
 *
 * In:       a number of tasks and a function.  Out: each task run once, by one thread.
 * Not here: who computes what (callers cut the work into tasks), any order among tasks.
 */
#ifndef SP_TEAM_H
#define SP_TEAM_H

#include "log.h"

struct sp_team {
  int threads;
};

/* `threads` 0: the processors this process may use (affinity mask and cgroup quota), at most 1024. */
still_status sp_team_open(struct sp_team *team, int threads, struct sp_ctx *ctx);

/* One task. thread in [0, team->threads). Must not call sp_team_run, allocate, log or fail. */
typedef void (*sp_task_fn)(void *job, size_t task, int thread);

/* Runs fn(job, i, thread) for i in [0, tasks), handed out dynamically in ascending order. Every thread runs with round-to-nearest
 * and without FTZ/DAZ, and has its own floating-point state back afterwards. STILL_EFORK in a forked child. */
still_status sp_team_run(const struct sp_team *team, struct sp_ctx *ctx, size_t tasks, sp_task_fn fn, void *job);

#endif
