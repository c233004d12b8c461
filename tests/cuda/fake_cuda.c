/*
 * fake_cuda.c - a libcuda.so.1 without a GPU: device memory is the host's, and kernels run in the emulator. It can be told to
 * fail.
 *
 * In:       the entry points of cuda/driver.h; STILLPOINT_FAKE_CUDA in the environment, words between spaces:
 *             devices=N  stub  cc=N  context  image      how the device presents itself; context and image fail
 *             alloc=N  launch=N  sync=N                  the N-th such call fails, counted since the text last changed
 *             sticky                                     and all later ones of any kind, as after a fault on a real device
 *             memory=N                                   bytes of the device
 * Out:      what a driver would give.
 * Not here: asynchrony. Work is done when it is asked for.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cuda/driver.h"
#include "tests/cuda/emulate.h"
#include "tests/cuda/emulate_kernels.h"

#define API __attribute__((visibility("default")))

enum { INVALID = 1, NO_MEMORY = 2, FAULT = 719, CALLS_ALLOC = 0, CALLS_LAUNCH, CALLS_SYNC, CALLS };

static struct {
  char text[256];
  unsigned long calls[CALLS];
  bool broken;
  size_t used;
} fake;

/* Every entry point, for the compiler's eyes. */
#define DECLARE(member, symbol, parameters) API int symbol parameters;
SP_DRIVER_LIST(DECLARE)
#undef DECLARE

static const char *wishes(void) {
  const char *text = getenv("STILLPOINT_FAKE_CUDA");
  if (!text) text = "";
  if (strcmp(text, fake.text) != 0) {
    snprintf(fake.text, sizeof fake.text, "%s", text);
    memset(fake.calls, 0, sizeof fake.calls);
    fake.broken = false;
  }
  return fake.text;
}

static bool wished(const char *word) { return strstr(wishes(), word) != NULL; }

static unsigned long number(const char *word, unsigned long otherwise) {
  const char *at = strstr(wishes(), word);
  return at ? strtoul(at + strlen(word), NULL, 10) : otherwise;
}

/* 0, or `error` if it is this call's turn to fail. */
static int turn(int kind, const char *word, int error) {
  unsigned long n = number(word, 0);
  if (fake.broken) return FAULT;
  if (++fake.calls[kind] != n) return 0;
  fake.broken = wished("sticky");
  return error;
}

int cuInit(unsigned flags) {
  if (flags) return INVALID;
  return wished("stub") ? SP_CUDA_STUB : number("devices=", 1) ? 0 : SP_CUDA_NO_DEVICE;
}
int cuDriverGetVersion(int *version) { return *version = 13000, 0; }
int cuDeviceGetCount(int *count) { return *count = (int)number("devices=", 1), 0; }
int cuDeviceGet(int *device, int ordinal) { return *device = ordinal, 0; }
int cuDeviceGetName(char *name, int size, int device) { return snprintf(name, (size_t)size, "Emulated GPU %d", device), 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { return (void)device, *bytes = number("memory=", 1ul << 32), 0; }

int cuDeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  unsigned long cc = number("cc=", 90);
  *value = attribute == 75 ? (int)cc / 10 : attribute == 76 ? (int)cc % 10 : attribute == 97 ? 227 << 10 : 0;
  return 0;
}

int cuDevicePrimaryCtxRetain(void **context, int device) {
  return (void)device, *context = &fake, wished("context") ? NO_MEMORY : 0;
}
int cuDevicePrimaryCtxRelease_v2(int device) { return (void)device, 0; }
int cuCtxPushCurrent_v2(void *context) { return context ? 0 : INVALID; }
int cuCtxPopCurrent_v2(void **context) { return *context = &fake, 0; }
int cuModuleLoadData(void **module, const void *image) {
  return *module = &fake, !image || wished("image") ? SP_CUDA_NO_IMAGE : 0;
}
int cuModuleUnload(void *module) { return module ? 0 : INVALID; }

/* ---- kernels ------------------------------------------------------------------------------------------------------------ */

struct kernel {
  const char *name;
  void (*run)(const void *job);
  unsigned threads;
};

static struct kernel kernels[] = {
#define ENTRY(name, job, threads) {#name, name, threads},
    SP_GPU_KERNELS(ENTRY)
#undef ENTRY
};

int cuModuleGetFunction(void **function, void *module, const char *name) {
  (void)module;
  for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
    if (strcmp(name, kernels[i].name) == 0) return *function = &kernels[i], 0;
  return 500; /* not found */
}

int cuFuncSetAttribute(void *function, int attribute, int value) { return function && attribute == 8 && value > 0 ? 0 : INVALID; }

int cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                   void *stream, void **parameters, void **extra) {
  (void)shared, (void)stream, (void)extra;
  const struct kernel *k = function;
  int error = turn(CALLS_LAUNCH, "launch=", FAULT);
  if (error) return error;
  if (z != 1 || by != 1 || bz != 1 || bx != k->threads) return INVALID;
  emulated_launch(k->run, parameters[0], x, y, bx);
  return 0;
}

/* ---- memory: a header says how much ---------------------------------------------------------------------------------------- */

enum { HEADER = 256, PAGE = 2 << 20 };

/* As a real driver counts: pages, except for what is small. */
static size_t counted(size_t bytes) { return bytes <= PAGE / 2 ? bytes : (bytes + PAGE - 1) / PAGE * PAGE; }

int cuMemAlloc_v2(uint64_t *at, size_t bytes) {
  int error = turn(CALLS_ALLOC, "alloc=", NO_MEMORY);
  if (error) return error;
  if (fake.used + counted(bytes) > number("memory=", 1ul << 32)) return NO_MEMORY;
  uint8_t *memory = aligned_alloc(HEADER, HEADER + (bytes + HEADER - 1) / HEADER * HEADER);
  if (!memory) return NO_MEMORY;
  memcpy(memory, &bytes, sizeof bytes);
  memset(memory + HEADER, 0xff, bytes); /* NaN in every float that nobody wrote */
  fake.used += counted(bytes);
  *at = (uintptr_t)memory + HEADER;
  return 0;
}

int cuMemFree_v2(uint64_t at) {
  uint8_t *memory = (uint8_t *)(uintptr_t)at - HEADER;
  size_t bytes;
  memcpy(&bytes, memory, sizeof bytes);
  fake.used -= counted(bytes);
  free(memory);
  return 0;
}

int cuMemGetInfo_v2(size_t *left, size_t *all) {
  *all = number("memory=", 1ul << 32);
  *left = *all > fake.used ? *all - fake.used : 0;
  return fake.broken ? FAULT : 0;
}

static int move(uint64_t to, const void *from, size_t bytes) {
  wishes();
  if (fake.broken) return FAULT;
  memcpy((void *)(uintptr_t)to, from, bytes);
  return 0;
}

int cuMemcpyHtoDAsync_v2(uint64_t to, const void *from, size_t bytes, void *stream) {
  return (void)stream, move(to, from, bytes);
}
int cuMemcpyDtoHAsync_v2(void *to, uint64_t from, size_t bytes, void *stream) {
  return (void)stream, move((uintptr_t)to, (void *)(uintptr_t)from, bytes);
}
int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void *stream) {
  return (void)stream, move(to, (void *)(uintptr_t)from, bytes);
}
int cuMemsetD8Async(uint64_t at, unsigned char byte, size_t bytes, void *stream) {
  (void)stream;
  if (fake.broken) return FAULT;
  memset((void *)(uintptr_t)at, byte, bytes);
  return 0;
}

/* ---- order ------------------------------------------------------------------------------------------------------------ */

int cuStreamCreate(void **stream, unsigned flags) { return (void)flags, *stream = &fake, fake.broken ? FAULT : 0; }
int cuStreamDestroy_v2(void *stream) { return stream ? 0 : INVALID; }
int cuStreamSynchronize(void *stream) { return (void)stream, turn(CALLS_SYNC, "sync=", FAULT); }
int cuEventCreate(void **event, unsigned flags) { return (void)flags, *event = &fake, fake.broken ? FAULT : 0; }
int cuEventDestroy_v2(void *event) { return event ? 0 : INVALID; }
int cuEventRecord(void *event, void *stream) { return (void)event, (void)stream, fake.broken ? FAULT : 0; }
int cuEventSynchronize(void *event) { return (void)event, fake.broken ? FAULT : 0; }
int cuEventElapsedTime(float *milliseconds, void *from, void *to) { return (void)from, (void)to, *milliseconds = 1, 0; }

int cuGetErrorString(int error, const char **text) {
  *text = error == NO_MEMORY ? "out of memory" : error == FAULT ? "unspecified launch failure" : "another error";
  return 0;
}

/* Bytes that are allocated now: tests look whether all came back. */
API size_t fake_cuda_used(void);
size_t fake_cuda_used(void) { return fake.used; }
