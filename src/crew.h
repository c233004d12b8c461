/*
 * crew.h - threads that stand by while one of them hands out runs of tasks: queues by node, stealing, waiting.
 *
 * In:       threads that somebody else started (team.c), tasks.  Out: each task run once, by one thread.
 * Not here: starting and binding threads, floating-point state.
 *
 * A run is over when its tasks are done, not when all threads have come by: a thread that the system has put aside between two
 * runs is not waited for. In this it differs from a parallel region for each run, and small runs stay cheap with many threads.
 */
#ifndef SP_CREW_H
#define SP_CREW_H

#include <pthread.h>
#include <stdatomic.h>

#include "place.h"

/* One task. thread in [0, place->threads). Must not start a run, allocate, log or fail. */
typedef void (*sp_task_fn)(void *job, size_t task, int thread);

/* Tasks of one node: the j-th of them is task j / width * units + from + j % width. */
struct sp_queue {
  _Alignas(64) atomic_ptrdiff_t left; /* who takes it from 1 or more has the task `tasks - left`; below 1 there is none */
  size_t from, width, tasks;
};

/* Threads that wait for one word. */
struct sp_rest {
  pthread_cond_t wake;
  atomic_size_t asleep;
};

struct sp_crew {
  const struct sp_place *place;
  double patience;                  /* seconds that a thread looks before it sleeps */
  sp_task_fn fn;                    /* of the present run, as job and units: constant while a task of it is not done */
  void *job;
  size_t units;
  pthread_mutex_t lock;             /* over falling asleep */
  struct sp_rest others, first;
  _Alignas(64) atomic_size_t run;   /* number of the present run; SIZE_MAX: the crew is dismissed */
  _Alignas(64) atomic_size_t open;  /* tasks of it that are not done */
  struct sp_queue queue[SP_MOST_NODES];
};

void sp_crew_open(struct sp_crew *crew, const struct sp_place *place);
void sp_crew_close(struct sp_crew *crew); /* after every thread has returned */

/* By thread 0: runs all tasks, as sp_team_run_turns says. */
void sp_crew_run(struct sp_crew *crew, size_t tasks, size_t units, sp_task_fn fn, void *job);
void sp_crew_dismiss(struct sp_crew *crew);
/* By the others: takes part in every run until the crew is dismissed. */
void sp_crew_serve(struct sp_crew *crew, int thread);

#endif
