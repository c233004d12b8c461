/*
 * gpu.c - opens a GPU and launches kernels on it, through the driver's entry points.
 *
 * In:       sp_driver, the embedded code of the kernels.  Out: struct sp_gpu.
 * Not here: how the driver is found (door.c); the kernels (.cu).
 */
#ifdef HAVE_CONFIG_H
#include "build.h"
#endif
#include "cuda/gpu.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cuda/fatbin.h"

enum { /* of cuda.h */
  ATTRIBUTE_PROCESSORS = 16,
  ATTRIBUTE_MAJOR = 75, ATTRIBUTE_MINOR = 76, ATTRIBUTE_SHARED = 97, /* the most shared memory of a block */
  FUNCTION_SHARED = 8, STREAM_NON_BLOCKING = 1, CAPTURE_THREAD_LOCAL = 1
};
enum { LEAST_CC = 75 };

/* How many GPUs the driver has; none without device code. */
static int open_driver(struct sp_driver *driver, char *why, size_t n) {
  if (sp_fatbin[0].data) return sp_driver_open(driver, why, n);
  snprintf(why, n, "%s", sp_fatbin_missing);
  return 0;
}

int sp_gpu_count(char *why, size_t n) {
  struct sp_driver driver;
  return open_driver(&driver, why, n);
}

static int fail(const struct sp_gpu *gpu, int error, const char *what, char *why, size_t n) {
  snprintf(why, n, "GPU %d: %s: %s (error %d)", gpu->ordinal, what, sp_gpu_text(gpu, error), error);
  return error;
}

static int ask(struct sp_gpu *gpu) {
  int major = 0, minor = 0, error;
  size_t memory = 0;
  if ((error = gpu->driver.device(&gpu->device, gpu->ordinal))) return error;
  if ((error = gpu->driver.name(gpu->name, sizeof gpu->name, gpu->device))) return error;
  if ((error = gpu->driver.memory(&memory, gpu->device))) return error;
  if ((error = gpu->driver.attribute(&major, ATTRIBUTE_MAJOR, gpu->device))) return error;
  if ((error = gpu->driver.attribute(&minor, ATTRIBUTE_MINOR, gpu->device))) return error;
  if ((error = gpu->driver.attribute(&gpu->shared, ATTRIBUTE_SHARED, gpu->device))) return error;
  if ((error = gpu->driver.attribute(&gpu->processors, ATTRIBUTE_PROCESSORS, gpu->device))) return error;
  gpu->cc = 10 * major + minor;
  gpu->memory = memory;
  return 0;
}

int sp_gpu_describe(struct sp_gpu *gpu, int ordinal, char *why, size_t n) {
  int error;
  *gpu = (struct sp_gpu){.ordinal = ordinal};
  int count = open_driver(&gpu->driver, why, n);
  if (count < 1) return SP_CUDA_NO_DEVICE;
  if (ordinal >= count) {
    snprintf(why, n, "there is no GPU %d: the driver has %d", ordinal, count);
    return SP_CUDA_NO_DEVICE;
  }
  if ((error = ask(gpu))) return fail(gpu, error, "it cannot be asked", why, n);
  if (gpu->cc < LEAST_CC || gpu->shared < SP_GPU_SHARED_GEMM(gpu->cc, SP_GPU_ROWS) ||
      gpu->shared < SP_GPU_SHARED_ATTEND(gpu->cc, 128)) {
    snprintf(why, n, "%s has compute capability %d.%d; 7.5 is the least", gpu->name, gpu->cc / 10, gpu->cc % 10);
    return SP_CUDA_NO_IMAGE;
  }
  why[0] = '\0';
  return 0;
}

/* Bytes of dynamic shared memory of a kernel. */
static unsigned shared_of(const struct sp_gpu *gpu, enum sp_gpu_kernel kernel) {
  switch (kernel) {
    case SP_GPU_sp_gpu_multiply: return SP_GPU_SHARED_GEMM(gpu->cc, SP_GPU_ROWS);
    case SP_GPU_sp_gpu_multiply_low: return SP_GPU_SHARED_GEMM(gpu->cc, SP_GPU_LOW);
    case SP_GPU_sp_gpu_attend_64: return SP_GPU_SHARED_ATTEND(gpu->cc, 64);
    case SP_GPU_sp_gpu_attend_128: return SP_GPU_SHARED_ATTEND(gpu->cc, 128);
    case SP_GPU_sp_gpu_attend_256: return SP_GPU_SHARED_ATTEND(gpu->cc, 256);
    default: return 0;
  }
}

static const char *const names[SP_GPU_COUNT] = {
#define NAME(name, job, threads) #name,
    SP_GPU_KERNELS(NAME)
#undef NAME
};
static const unsigned threads_of[SP_GPU_COUNT] = {
#define THREADS(name, job, threads) threads,
    SP_GPU_KERNELS(THREADS)
#undef THREADS
};

/* Which module has a kernel is its own affair: the first that knows the name. */
static int find_kernel(struct sp_gpu *gpu, int kernel) {
  int error = 0;
  if (shared_of(gpu, kernel) > (unsigned)gpu->shared) return 0;
  for (int m = 0; m < SP_GPU_MODULES; m++) {
    error = gpu->driver.function(&gpu->kernel[kernel], gpu->module[m], names[kernel]);
    if (error) continue;
    unsigned shared = shared_of(gpu, kernel);
    return shared ? gpu->driver.set_function(gpu->kernel[kernel], FUNCTION_SHARED, (int)shared) : 0;
  }
  return error;
}

static int load(struct sp_gpu *gpu) {
  int error = 0;
  for (int m = 0; m < SP_GPU_MODULES && !error; m++) error = gpu->driver.load(&gpu->module[m], sp_fatbin[m].data);
  for (int k = 0; k < SP_GPU_COUNT && !error; k++) error = find_kernel(gpu, k);
  return error;
}

int sp_gpu_open(struct sp_gpu *gpu, int ordinal, char *why, size_t n) {
  int error = sp_gpu_describe(gpu, ordinal, why, n);
  if (error) return error;
  if ((error = gpu->driver.retain(&gpu->context, gpu->device))) {
    gpu->context = NULL;
    return fail(gpu, error, "no context", why, n);
  }
  error = sp_gpu_enter(gpu);
  if (!error) {
    error = load(gpu);
    sp_gpu_leave(gpu);
  }
  if (!error) return 0;
  fail(gpu, error, error == SP_CUDA_NO_IMAGE ? "this build has no code for it" : "its kernels cannot be loaded (an old driver?)",
       why, n);
  sp_gpu_close(gpu);
  return error;
}

void sp_gpu_close(struct sp_gpu *gpu) {
  if (!gpu->context) return;
  if (!sp_gpu_enter(gpu)) {
    for (int m = 0; m < SP_GPU_MODULES; m++)
      if (gpu->module[m]) gpu->driver.unload(gpu->module[m]);
    sp_gpu_leave(gpu);
  }
  gpu->driver.release(gpu->device);
  gpu->context = NULL;
}

int sp_gpu_enter(struct sp_gpu *gpu) { return gpu->driver.push(gpu->context); }

void sp_gpu_leave(struct sp_gpu *gpu) {
  void *context;
  gpu->driver.pop(&context);
}

const char *sp_gpu_text(const struct sp_gpu *gpu, int error) {
  const char *text = NULL;
  if (!gpu->driver.error_text || gpu->driver.error_text(error, &text) || !text) return "unknown";
  return text;
}

/* ---- memory and work -------------------------------------------------------------------------------------------------- */

static uint64_t at_device(const void *pointer) { return (uintptr_t)pointer; }

int sp_gpu_alloc(struct sp_gpu *gpu, void **at, size_t bytes) {
  uint64_t address = 0;
  int error = gpu->driver.alloc(&address, bytes ? bytes : 1);
  *at = error ? NULL : (void *)(uintptr_t)address;
  return error;
}

uint64_t sp_gpu_taken(uint64_t bytes) {
  enum { PAGE = 2 << 20 };
  return bytes > PAGE / 2 ? (bytes + PAGE - 1) / PAGE * PAGE : bytes;
}

void sp_gpu_free(struct sp_gpu *gpu, void *at) {
  if (at) gpu->driver.free(at_device(at));
}

int sp_gpu_host_alloc(struct sp_gpu *gpu, void **at, size_t bytes) {
  int error = gpu->driver.host_alloc(at, bytes ? bytes : 1, 0);
  if (error) *at = NULL;
  return error;
}

void sp_gpu_host_free(struct sp_gpu *gpu, void *at) {
  if (at) gpu->driver.host_free(at);
}

int sp_gpu_left(struct sp_gpu *gpu, size_t *bytes) {
  size_t all;
  return gpu->driver.left(bytes, &all);
}

int sp_gpu_put(struct sp_gpu *gpu, void *stream, void *to, const void *from, size_t bytes) {
  return bytes ? gpu->driver.put(at_device(to), from, bytes, stream) : 0;
}

int sp_gpu_get(struct sp_gpu *gpu, void *stream, void *to, const void *from, size_t bytes) {
  return bytes ? gpu->driver.get(to, at_device(from), bytes, stream) : 0;
}

int sp_gpu_copy(struct sp_gpu *gpu, void *stream, void *to, const void *from, size_t bytes) {
  return bytes ? gpu->driver.copy(at_device(to), at_device(from), bytes, stream) : 0;
}

int sp_gpu_fill(struct sp_gpu *gpu, void *stream, void *to, unsigned char byte, size_t bytes) {
  return bytes ? gpu->driver.fill(at_device(to), byte, bytes, stream) : 0;
}

int sp_gpu_sync(struct sp_gpu *gpu, void *stream) { return gpu->driver.sync(stream); }

/* Multiprocessors take turns of one tile each; a low tile takes 0.55 of the time of a high one (bench/RESULTS). */
enum sp_gpu_kernel sp_gpu_multiplier(const struct sp_gpu *gpu, size_t rows, size_t n, size_t *tiles) {
  size_t cols = SP_GPU_UP(n, SP_GPU_COLS), high = SP_GPU_UP(rows, SP_GPU_ROWS) * cols, low = SP_GPU_UP(rows, SP_GPU_LOW) * cols;
  size_t processors = gpu->processors > 0 ? (size_t)gpu->processors : 1;
  bool better = 11 * SP_GPU_UP(low, processors) < 20 * SP_GPU_UP(high, processors);
  *tiles = better ? low : high;
  return better ? SP_GPU_sp_gpu_multiply_low : SP_GPU_sp_gpu_multiply;
}

int sp_gpu_launch(struct sp_gpu *gpu, void *stream, enum sp_gpu_kernel kernel, const void *job, size_t x, size_t y) {
  void *parameters[] = {(void *)(uintptr_t)job};
  if (x == 0 || y == 0) return 0;
  if (!gpu->kernel[kernel]) return SP_CUDA_NO_IMAGE;
  return gpu->driver.launch(gpu->kernel[kernel], (unsigned)x, (unsigned)y, 1, threads_of[kernel], 1, 1, shared_of(gpu, kernel),
                            stream, parameters, NULL);
}

int sp_gpu_keep(struct sp_gpu *gpu, void *stream) { return gpu->driver.capture(stream, CAPTURE_THREAD_LOCAL); }

int sp_gpu_kept(struct sp_gpu *gpu, void *stream, void **graph) {
  void *captured = NULL, *executable = NULL;
  int error = gpu->driver.captured(stream, &captured);
  if (!error) error = gpu->driver.instantiate(&executable, captured, 0);
  if (captured) gpu->driver.graph_end(captured);
  *graph = error ? NULL : executable;
  return error;
}

int sp_gpu_replay(struct sp_gpu *gpu, void *stream, void *graph) { return gpu->driver.replay(graph, stream); }

void sp_gpu_forget(struct sp_gpu *gpu, void *graph) {
  if (graph) gpu->driver.executable_end(graph);
}
