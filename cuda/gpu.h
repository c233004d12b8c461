/*
 * gpu.h - one GPU: its context, memory, streams, and the kernels of jobs.h.
 *
 * In:       an ordinal of the driver's; jobs.  Out: device memory, launched kernels, error numbers of the driver (0: none).
 * Not here: models, rows, layers (src/backend_cuda.c).
 *
 * Between sp_gpu_enter and sp_gpu_leave the GPU's context is the thread's current one; all other calls stand between them. Work
 * is asynchronous: it is done, and its errors are known, after sp_gpu_sync. Not to be used in a forked child.
 */
#ifndef SP_GPU_H
#define SP_GPU_H

#include "cuda/driver.h"
#include "cuda/jobs.h"

enum { SP_GPU_MODULES = 6 };

struct sp_gpu {
  struct sp_driver driver;
  int ordinal, device, cc; /* cc: compute capability, 10 * major + minor */
  char name[64];
  uint64_t memory;         /* bytes */
  int shared;              /* bytes of shared memory that a block can have */
  int processors;          /* multiprocessors */
  void *context, *module[SP_GPU_MODULES];
  void *kernel[SP_GPU_COUNT]; /* NULL: one that takes more shared memory */
};

/* How many GPUs the driver has, or 0 and why. */
int sp_gpu_count(char *why, size_t n);
/* Name, memory and capability of a GPU, and whether the kernels of this build run on it: 0, or not and why. Opens no context. */
int sp_gpu_describe(struct sp_gpu *gpu, int ordinal, char *why, size_t n);
/* Describes it, takes its context and loads the kernels. 0, or an error with its reason in why. */
int sp_gpu_open(struct sp_gpu *gpu, int ordinal, char *why, size_t n);
void sp_gpu_close(struct sp_gpu *gpu); /* one that was not opened is allowed */

int sp_gpu_enter(struct sp_gpu *gpu);
void sp_gpu_leave(struct sp_gpu *gpu);
const char *sp_gpu_text(const struct sp_gpu *gpu, int error); /* static */

int sp_gpu_alloc(struct sp_gpu *gpu, void **at, size_t bytes); /* content undefined; on failure *at is NULL */
uint64_t sp_gpu_taken(uint64_t bytes); /* of the GPU's memory by an allocation: whole pages of 2 MiB, which small ones share */
void sp_gpu_free(struct sp_gpu *gpu, void *at);                /* NULL is allowed */
int sp_gpu_left(struct sp_gpu *gpu, size_t *bytes);            /* free device memory */
/* Memory of the host that the device writes to directly, and faster than to any other. */
int sp_gpu_host_alloc(struct sp_gpu *gpu, void **at, size_t bytes); /* as sp_gpu_alloc */
void sp_gpu_host_free(struct sp_gpu *gpu, void *at);
int sp_gpu_put(struct sp_gpu *gpu, void *stream, void *to, const void *from, size_t bytes); /* host to device */
int sp_gpu_get(struct sp_gpu *gpu, void *stream, void *to, const void *from, size_t bytes); /* device to host */
int sp_gpu_copy(struct sp_gpu *gpu, void *stream, void *to, const void *from, size_t bytes);
int sp_gpu_fill(struct sp_gpu *gpu, void *stream, void *to, unsigned char byte, size_t bytes);
int sp_gpu_sync(struct sp_gpu *gpu, void *stream);
/* job: of the kernel's type, copied before the call returns. x * y blocks; none is no error. */
int sp_gpu_launch(struct sp_gpu *gpu, void *stream, enum sp_gpu_kernel kernel, const void *job, size_t x, size_t y);
/* The kernel that multiplies rows by a panel of n with the tiles that keep multiprocessors busiest, and how many those are. */
enum sp_gpu_kernel sp_gpu_multiplier(const struct sp_gpu *gpu, size_t rows, size_t n, size_t *tiles);

/* Launches and copies on the device between these two are kept, and not done; nothing else may stand there, and the second
 * must follow whatever happened. *graph: NULL on failure. Each replay does them again, in order, with the jobs of then. */
int sp_gpu_keep(struct sp_gpu *gpu, void *stream);
int sp_gpu_kept(struct sp_gpu *gpu, void *stream, void **graph);
int sp_gpu_replay(struct sp_gpu *gpu, void *stream, void *graph);
void sp_gpu_forget(struct sp_gpu *gpu, void *graph); /* NULL is allowed */

#endif
