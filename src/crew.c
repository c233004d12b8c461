/*
 * crew.c - hands out tasks through one counter a node; on one node that is one counter.
 *
 * In:       tasks.  Out: each run once.
 * Not here: what a task computes.
 *
 * Counters run down, so that taking a task needs no look at the run that it belongs to: whoever finds 1 or more owns a task of
 * the run that is on, and that run cannot end before the task is done. A thread that comes late finds 0 or less, or tasks of the
 * next run.
 */
#include "crew.h"

#include <sched.h>
#include <string.h>

#include "log.h"

/* Longer than what lies between two runs and than most tasks, shorter than a time slice. Who looks gives way all the while. */
static const double look_seconds = 1e-3;

enum { LOOKS = 64 }; /* between two times that the processor is offered to others */

static void open_rest(struct sp_rest *r) {
  pthread_cond_init(&r->wake, NULL);
  atomic_init(&r->asleep, 0);
}

/* With more threads than processors a look keeps somebody else from working. */
void sp_crew_open(struct sp_crew *c, const struct sp_place *place) {
  int processors = place->on.first[place->on.nodes];
  c->place = place;
  c->patience = processors && place->threads > processors ? 0 : look_seconds;
  pthread_mutex_init(&c->lock, NULL);
  open_rest(&c->others);
  open_rest(&c->first);
  atomic_init(&c->run, 0);
  atomic_init(&c->open, 0);
  for (int i = 0; i < place->on.nodes; i++) atomic_init(&c->queue[i].left, 0);
}

void sp_crew_close(struct sp_crew *c) {
  pthread_cond_destroy(&c->others.wake);
  pthread_cond_destroy(&c->first.wake);
  pthread_mutex_destroy(&c->lock);
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

/* Until *word is `value`, or is anything else. */
static void wait_until(struct sp_crew *c, struct sp_rest *rest, atomic_size_t *word, bool is, size_t value) {
  for (double since = c->patience > 0 ? sp_seconds() : 0; c->patience > 0 && sp_seconds() - since < c->patience; sched_yield())
    for (int i = 0; i < LOOKS; i++) {
      if ((atomic_load_explicit(word, memory_order_acquire) == value) == is) return;
      atomic_thread_fence(memory_order_seq_cst); /* what C has for a pause */
    }
  pthread_mutex_lock(&c->lock);
  atomic_fetch_add(&rest->asleep, 1);
  while ((atomic_load(word) == value) != is) pthread_cond_wait(&rest->wake, &c->lock);
  atomic_fetch_sub(&rest->asleep, 1);
  pthread_mutex_unlock(&c->lock);
}

/* After the word was changed: wakes so many of those who sleep. Who holds the lock is about to, and must hear the call. */
static void wake(struct sp_crew *c, struct sp_rest *rest, size_t threads) {
  size_t asleep = atomic_load(&rest->asleep);
  if (asleep == 0) return;
  pthread_mutex_lock(&c->lock);
  pthread_mutex_unlock(&c->lock);
  if (threads >= asleep) pthread_cond_broadcast(&rest->wake);
  for (; threads < asleep && threads > 0; threads--) pthread_cond_signal(&rest->wake);
}

/* ---- runs ------------------------------------------------------------------------------------------------------- */

static void take_tasks(struct sp_crew *c, int thread) {
  int nodes = c->place->on.nodes, home = sp_place_node(c->place, thread);
  size_t done = 0;
  for (int i = 0; i < nodes; i++) {
    struct sp_queue *q = &c->queue[(home + i) % nodes];
    if (i > 0 && atomic_load_explicit(&q->left, memory_order_relaxed) < 1) continue;
    for (ptrdiff_t left; (left = atomic_fetch_sub_explicit(&q->left, 1, memory_order_acquire)) > 0; done++) {
      size_t j = q->tasks - (size_t)left;
      c->fn(c->job, nodes == 1 ? j : j / q->width * c->units + q->from + j % q->width, thread);
    }
  }
  if (done && atomic_fetch_sub(&c->open, done) == done) wake(c, &c->first, 1);
}

void sp_crew_run(struct sp_crew *c, size_t tasks, size_t units, sp_task_fn fn, void *job) {
  c->fn = fn;
  c->job = job;
  c->units = units;
  atomic_store_explicit(&c->open, tasks, memory_order_relaxed);
  for (int i = 0; i < c->place->on.nodes; i++) {
    struct sp_queue *q = &c->queue[i];
    q->from = sp_place_from(c->place, units, i);
    q->width = sp_place_from(c->place, units, i + 1) - q->from;
    q->tasks = tasks / units * q->width;
    atomic_store_explicit(&q->left, (ptrdiff_t)q->tasks, memory_order_release);
  }
  atomic_fetch_add(&c->run, 1);
  wake(c, &c->others, tasks - 1);
  take_tasks(c, 0);
  wait_until(c, &c->first, &c->open, true, 0);
}

void sp_crew_dismiss(struct sp_crew *c) {
  atomic_store(&c->run, SIZE_MAX);
  wake(c, &c->others, SIZE_MAX);
}

void sp_crew_serve(struct sp_crew *c, int thread) {
  for (size_t seen = 0;;) {
    wait_until(c, &c->others, &c->run, false, seen);
    seen = atomic_load(&c->run);
    if (seen == SIZE_MAX) return;
    take_tasks(c, thread);
  }
}
