/*
 * team.h - the thread team. The only file that knows OpenMP.
 *
 * In:       a number of tasks and a function.  Out: each task run once, by one thread.
 * Not here: who computes what (callers cut the work into tasks), any order among tasks, where threads stand (place.h).
 */
#ifndef SP_TEAM_H
#define SP_TEAM_H

#include "crew.h"
#include "log.h"

struct sp_team {
  int threads;
  struct sp_place place;
};

/* `threads` 0: the processors this process may use (affinity mask and cgroup quota), at most SP_MOST_THREADS. */
still_status sp_team_open(struct sp_team *team, int threads, enum sp_numa wanted, struct sp_ctx *ctx);

/* Calls fn(arg) on the calling thread while the others stand by: runs of the same team inside it find them awake. A prefill or a
 * decoded token is one gathering. Threads are bound as the place says, and all have their affinity masks back afterwards, the
 * calling one among them. Returns what fn returns, or STILL_EFORK in a forked child. */
still_status sp_team_gather(const struct sp_team *team, struct sp_ctx *ctx, still_status (*fn)(void *arg), void *arg);

/* Runs fn(job, i, thread) for i in [0, tasks), handed out dynamically. Every thread runs with round-to-nearest and without
 * FTZ/DAZ, and has its own floating-point state back afterwards. Tasks belong to nodes by contiguous ranges, as sp_place_from
 * splits them; threads begin with those of their node, in ascending order, and go on with what is left of others. STILL_EFORK in
 * a forked child. */
still_status sp_team_run(const struct sp_team *team, struct sp_ctx *ctx, size_t tasks, sp_task_fn fn, void *job);
/* The same for tasks in turns: task i belongs to unit i % units, and units are split over the nodes. units divides tasks. */
still_status sp_team_run_turns(const struct sp_team *team, struct sp_ctx *ctx, size_t tasks, size_t units, sp_task_fn fn,
                               void *job);

/* In a task: which copy of a panel lies beside the thread, in [0, team->place.copies). */
int sp_team_copy(const struct sp_team *team);

#endif
