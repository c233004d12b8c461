/*
 * fake_cuda.c - a libcuda.so.1 without a GPU: device memory is the host's, and kernels run in the emulator. It can be told to
 * fail.
 *
 * In:       the entry points of cuda/driver.h; STILLPOINT_FAKE_CUDA in the environment, words between spaces:
 *             devices=N  stub  cc=N  context  image      how the device presents itself; context and image fail
 *             alloc=N  launch=N  sync=N  graph=N         the N-th such call fails, counted since the text last changed
 *             sticky                                     and all later ones of any kind, as after a fault on a real device
 *             memory=N                                   bytes of the device
 *             groups                                     kernels in their branch for compute capability 9.0
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
#include "tests/cuda/fake_cuda.h"

#define API __attribute__((visibility("default")))

enum { INVALID = 1, NO_MEMORY = 2, FAULT = 719, NOT_WHILE_CAPTURING = 900 };
enum { CALLS_ALLOC, CALLS_LAUNCH, CALLS_SYNC, CALLS_GRAPH, CALLS };
enum { MOST_NODES = 4096, MOST_JOB = 256, PROCESSORS = 4 };

struct kernel {
  const char *name;
  void (*run)(const void *job);
  unsigned threads;
  size_t job;
};

struct node { /* a launch, or a copy on the device where kernel is NULL */
  const struct kernel *kernel;
  unsigned x, y;
  uint64_t to, from;
  size_t bytes;
  uint8_t job[MOST_JOB];
};

struct graph {
  size_t n;
  struct node node[];
};

static struct {
  char text[256];
  unsigned long calls[CALLS];
  bool broken, capturing;
  size_t used, n_nodes;
  int replays;
  struct node node[MOST_NODES]; /* what is being captured */
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
  if (fake.capturing && kind != CALLS_LAUNCH && kind != CALLS_GRAPH) return NOT_WHILE_CAPTURING;
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

/* Bytes of shared memory that a block can have, by compute capability, as CUDA's programming guide has them. */
static int shared_most(void) {
  unsigned long cc = number("cc=", 90);
  return (cc < 80 ? 64 : cc == 80 || cc == 87 ? 163 : cc < 90 || cc >= 120 ? 99 : 227) << 10;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
  (void)device;
  unsigned long cc = number("cc=", 90);
  *value = attribute == 75 ? (int)cc / 10 : attribute == 76 ? (int)cc % 10 : attribute == 97 ? shared_most() : PROCESSORS;
  if (attribute == FAKE_REPLAYS) *value = fake.replays;
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

static struct kernel kernels[] = {
#define ENTRY(name, job, threads) {#name, name, threads, sizeof(struct job)},
    SP_GPU_KERNELS(ENTRY)
#undef ENTRY
};
#define FITS(name, job, threads) _Static_assert(sizeof(struct job) <= MOST_JOB, #job);
SP_GPU_KERNELS(FITS)
#undef FITS

static const struct {
  const char *name;
  void (*run)(const void *job);
} groups[] = {
#define ENTRY(name) {#name, name##_groups},
    EMULATED_GROUPS(ENTRY)
#undef ENTRY
};

/* As a kernel runs on the device that is wished for. */
static void (*runs(const struct kernel *kernel))(const void *job) {
  for (size_t i = 0; wished("groups") && i < sizeof groups / sizeof groups[0]; i++)
    if (strcmp(kernel->name, groups[i].name) == 0) return groups[i].run;
  return kernel->run;
}

int cuModuleGetFunction(void **function, void *module, const char *name) {
  (void)module;
  for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
    if (strcmp(name, kernels[i].name) == 0) return *function = &kernels[i], 0;
  return 500; /* not found */
}

int cuFuncSetAttribute(void *function, int attribute, int value) {
  return function && attribute == 8 && value > 0 && value <= shared_most() ? 0 : INVALID;
}

/* Where what is asked for goes now; NULL: it is done at once. */
static struct node *next_node(void) {
  if (!fake.capturing) return NULL;
  if (fake.n_nodes == MOST_NODES) abort();
  return &fake.node[fake.n_nodes++];
}

int cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                   void *stream, void **parameters, void **extra) {
  (void)shared, (void)stream, (void)extra;
  const struct kernel *k = function;
  int error = turn(CALLS_LAUNCH, "launch=", FAULT);
  if (error) return error;
  if (z != 1 || by != 1 || bz != 1 || bx != k->threads) return INVALID;
  struct node *node = next_node();
  if (!node) {
    emulated_launch(runs(k), parameters[0], x, y, bx);
    return 0;
  }
  *node = (struct node){.kernel = k, .x = x, .y = y};
  memcpy(node->job, parameters[0], k->job);
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

int cuMemHostAlloc(void **at, size_t bytes, unsigned flags) {
  (void)flags;
  int error = turn(CALLS_ALLOC, "alloc=", NO_MEMORY);
  if (error) return error;
  *at = malloc(bytes);
  return *at ? 0 : NO_MEMORY;
}

int cuMemFreeHost(void *at) {
  free(at);
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
  if (fake.capturing) return NOT_WHILE_CAPTURING;
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
  struct node *node = fake.broken ? NULL : next_node();
  if (!node) return (void)stream, move(to, (void *)(uintptr_t)from, bytes);
  *node = (struct node){.to = to, .from = from, .bytes = bytes};
  return 0;
}
int cuMemsetD8Async(uint64_t at, unsigned char byte, size_t bytes, void *stream) {
  (void)stream;
  if (fake.broken) return FAULT;
  if (fake.capturing) return NOT_WHILE_CAPTURING;
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

/* ---- graphs ----------------------------------------------------------------------------------------------------------- */

int cuStreamBeginCapture_v2(void *stream, int mode) {
  int error = turn(CALLS_GRAPH, "graph=", FAULT);
  if (error) return error;
  if (fake.capturing || mode != 1) return INVALID;
  fake.capturing = true;
  fake.n_nodes = 0;
  return (void)stream, 0;
}

int cuStreamEndCapture(void *stream, void **graph) {
  (void)stream;
  if (!fake.capturing) return INVALID;
  fake.capturing = false;
  int error = turn(CALLS_GRAPH, "graph=", FAULT);
  if (error) return *graph = NULL, error;
  struct graph *g = malloc(sizeof *g + fake.n_nodes * sizeof g->node[0]);
  if (!g) return NO_MEMORY;
  g->n = fake.n_nodes;
  memcpy(g->node, fake.node, g->n * sizeof g->node[0]);
  return *graph = g, 0;
}

int cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long flags) {
  const struct graph *g = graph;
  int error = turn(CALLS_GRAPH, "graph=", NO_MEMORY);
  if (error || flags) return error ? error : INVALID;
  size_t bytes = sizeof *g + g->n * sizeof g->node[0];
  void *copy = malloc(bytes);
  if (!copy) return NO_MEMORY;
  return *executable = memcpy(copy, graph, bytes), 0;
}

int cuGraphDestroy(void *graph) { return free(graph), 0; }
int cuGraphExecDestroy(void *executable) { return free(executable), 0; }

int cuGraphLaunch(void *executable, void *stream) {
  const struct graph *g = executable;
  int error = turn(CALLS_LAUNCH, "launch=", FAULT);
  (void)stream;
  for (size_t i = 0; i < g->n && !error; i++) {
    const struct node *node = &g->node[i];
    if (node->kernel)
      emulated_launch(runs(node->kernel), node->job, node->x, node->y, node->kernel->threads);
    else
      error = move(node->to, (void *)(uintptr_t)node->from, node->bytes);
  }
  if (!error) fake.replays++;
  return error;
}

int cuGetErrorString(int error, const char **text) {
  *text = error == NO_MEMORY ? "out of memory" : error == FAULT ? "unspecified launch failure" : "another error";
  return 0;
}
