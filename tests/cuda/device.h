/*
 * device.h - buffers on a GPU for the programs that test and time kernels by themselves.
 *
 * In:       a driver, real or fake.  Out: uploads, downloads, launches; a failing call ends the program with a sentence.
 * Not here: what is tested.
 */
#ifndef TEST_DEVICE_H
#define TEST_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "cuda/gpu.h"

struct device {
  struct sp_gpu gpu;
  void *held[128]; /* released together by device_release */
  size_t n_held;
};

bool device_open(struct device *d, char *why, size_t n); /* GPU 0 */
void device_close(struct device *d);
void *device_alloc(struct device *d, size_t bytes);                  /* all bytes 0xff, held */
void *device_up(struct device *d, const void *from, size_t bytes);   /* a held copy */
void device_down(struct device *d, void *to, const void *from, size_t bytes);
void device_run(struct device *d, enum sp_gpu_kernel kernel, const void *job, size_t x, size_t y); /* and waits */
void device_release(struct device *d);
/* seconds, median */
double device_time(struct device *d, enum sp_gpu_kernel kernel, const void *job, size_t x, size_t y, int rounds);

#endif
