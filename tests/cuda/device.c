/*
 * device.c - buffers on a GPU for tests.
 *
 * In:       gpu.h.  Out: device.h.
 * Not here: kernels.
 */
#include "tests/cuda/device.h"

#include <stdio.h>
#include <stdlib.h>

static void must(struct device *d, int error, const char *what) {
  if (!error) return;
  printf("Bail out! %s: %s (error %d)\n", what, sp_gpu_text(&d->gpu, error), error);
  exit(99);
}

bool device_open(struct device *d, char *why, size_t n) {
  d->n_held = 0;
  if (sp_gpu_open(&d->gpu, 0, why, n)) return false;
  must(d, sp_gpu_enter(&d->gpu), "taking the context");
  return true;
}

void device_close(struct device *d) {
  device_release(d);
  sp_gpu_leave(&d->gpu);
  sp_gpu_close(&d->gpu);
}

void *device_alloc(struct device *d, size_t bytes) {
  void *at;
  must(d, sp_gpu_alloc(&d->gpu, &at, bytes), "device memory");
  must(d, sp_gpu_fill(&d->gpu, NULL, at, 0xff, bytes), "filling memory");
  return d->held[d->n_held++] = at;
}

void *device_up(struct device *d, const void *from, size_t bytes) {
  void *at = device_alloc(d, bytes);
  must(d, sp_gpu_put(&d->gpu, NULL, at, from, bytes), "an upload");
  must(d, sp_gpu_sync(&d->gpu, NULL), "an upload");
  return at;
}

void device_down(struct device *d, void *to, const void *from, size_t bytes) {
  must(d, sp_gpu_get(&d->gpu, NULL, to, from, bytes), "a download");
  must(d, sp_gpu_sync(&d->gpu, NULL), "a download");
}

void device_run(struct device *d, enum sp_gpu_kernel kernel, const void *job, size_t x, size_t y) {
  must(d, sp_gpu_launch(&d->gpu, NULL, kernel, job, x, y), "a launch");
  must(d, sp_gpu_sync(&d->gpu, NULL), "a kernel");
}

void device_release(struct device *d) {
  while (d->n_held > 0) sp_gpu_free(&d->gpu, d->held[--d->n_held]);
}

static int by_size(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

double device_time(struct device *d, enum sp_gpu_kernel kernel, const void *job, size_t x, size_t y, int rounds) {
  float ms[64];
  void *from, *to;
  must(d, d->gpu.driver.event(&from, 0) || d->gpu.driver.event(&to, 0), "an event");
  device_run(d, kernel, job, x, y);
  for (int i = 0; i < rounds && i < 64; i++) {
    must(d, d->gpu.driver.record(from, NULL), "an event");
    must(d, sp_gpu_launch(&d->gpu, NULL, kernel, job, x, y), "a launch");
    must(d, d->gpu.driver.record(to, NULL) || d->gpu.driver.await(to), "a kernel");
    must(d, d->gpu.driver.elapsed(&ms[i], from, to), "an event");
  }
  d->gpu.driver.event_end(from);
  d->gpu.driver.event_end(to);
  qsort(ms, (size_t)rounds, sizeof *ms, by_size);
  return ms[rounds / 2] / 1000.0;
}
