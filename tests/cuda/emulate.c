/*
 * emulate.c - threads of a block as fibers: each runs until it meets others, and goes on when they have come.
 *
 * In:       a kernel as a C function, its job, a grid.  Out: what the kernel writes.
 * Not here: the language of kernels (emulate.h).
 */
#include "tests/cuda/emulate.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

enum { MOST_THREADS = 256, STACK = 128 << 10, WARP = 32, SHARED_SIZE = 256 << 10 };

struct fiber {
  jmp_buf at;
  bool started, done;
  unsigned phase; /* which of the two buffers its next exchange uses */
  char *stack;
};

struct warp {
  uint32_t words[2][WARP][8];
  unsigned arrived, alive, round;
  const void *place; /* in the code, where the first of them exchanges */
};

struct emulated_place emulated_place;
_Alignas(128) uint8_t emulated_shared[SHARED_SIZE];

static struct {
  struct fiber fiber[MOST_THREADS];
  struct warp warp[MOST_THREADS / WARP];
  unsigned threads, alive, arrived, round;
  void (*kernel)(const void *job);
  const void *job;
  jmp_buf home;
  ucontext_t caller, first;
} block;

static void run_fiber(void) {
  block.kernel(block.job);
  struct fiber *f = &block.fiber[emulated_place.thread];
  f->done = true;
  block.alive--;
  block.warp[emulated_place.thread / WARP].alive--;
  _longjmp(block.home, 1);
}

/* Starts or goes on with a fiber; comes back when it waits or ends. */
static void enter(unsigned thread) {
  struct fiber *f = &block.fiber[thread];
  emulated_place.thread = thread;
  if (_setjmp(block.home)) return;
  if (f->started) _longjmp(f->at, 1);
  f->started = true;
  getcontext(&block.first);
  block.first.uc_stack.ss_sp = f->stack;
  block.first.uc_stack.ss_size = STACK;
  block.first.uc_link = NULL;
  makecontext(&block.first, run_fiber, 0);
  setcontext(&block.first);
}

static void wait_here(void) {
  struct fiber *f = &block.fiber[emulated_place.thread];
  if (!_setjmp(f->at)) _longjmp(block.home, 1);
}

/* An exchange is of all 32 threads: one that has ended, or exchanges elsewhere, hangs a real GPU. */
static void meet(struct warp *w, const void *place) {
  if (w->arrived == 0) w->place = place;
  if (w->alive == WARP && w->place == place) return;
  fprintf(stderr, "thread %u of a block exchanges words where others of its warp do not\n", emulated_place.thread);
  abort();
}

const uint32_t (*emulated_exchange(const uint32_t x[8]))[8] {
  unsigned thread = emulated_place.thread;
  struct warp *w = &block.warp[thread / WARP];
  struct fiber *f = &block.fiber[thread];
  unsigned phase = f->phase, round = w->round;
  meet(w, __builtin_return_address(0));
  f->phase = 1 - phase;
  memcpy(w->words[phase][thread % WARP], x, sizeof w->words[0][0]);
  if (++w->arrived == WARP) {
    w->arrived = 0;
    w->round++;
  }
  while (w->round == round) wait_here();
  return (const uint32_t(*)[8])w->words[phase];
}

void emulated_sync_block(void) {
  unsigned round = block.round;
  if (++block.arrived >= block.alive) {
    block.arrived = 0;
    block.round++;
  }
  while (block.round == round) wait_here();
}

void emulated_wait(const uint64_t *word, uint64_t least) {
  while (*word < least) wait_here();
}

static void run_block(void) {
  block.alive = block.threads;
  block.arrived = 0;
  for (unsigned i = 0; i < block.threads; i++) {
    block.fiber[i].started = block.fiber[i].done = false;
    block.fiber[i].phase = 0;
  }
  for (unsigned w = 0; w < block.threads / WARP; w++) block.warp[w].arrived = 0, block.warp[w].alive = WARP;
  while (block.alive > 0)
    for (unsigned w = 0; w < block.threads / WARP; w++) {
      unsigned round; /* a warp goes on for as long as its threads only wait for each other */
      do {
        round = block.warp[w].round;
        for (unsigned i = w * WARP; i < (w + 1) * WARP; i++)
          if (!block.fiber[i].done) enter(i);
      } while (block.warp[w].round != round && block.warp[w].alive > 0);
    }
}

void emulated_launch(void (*kernel)(const void *job), const void *job, unsigned x, unsigned y, unsigned threads) {
  block.kernel = kernel;
  block.job = job;
  block.threads = threads;
  for (unsigned i = 0; i < threads; i++)
    if (!block.fiber[i].stack) block.fiber[i].stack = malloc(STACK);
  for (unsigned b = 0; b < x * y; b++) {
    emulated_place.block = b % x;
    emulated_place.block_y = b / x;
    memset(emulated_shared, 0xa5, SHARED_SIZE);
    run_block();
  }
}
