/*
 * driver.h - the entry points of libcuda.so.1 that are used, in a table.
 *
 * In:       nothing.  Out: struct sp_driver; sp_driver_open fills it.
 * Not here: what is done with them (door.c, gpu.c).
 *
 * The driver's interface is declared here and not taken from cuda.h: a build needs no CUDA library, a run none but the
 * driver's. Only
 * functions of the frozen C interface are used, under the versioned names that the driver exports. Device addresses are 64 bits.
 */
#ifndef SP_DRIVER_H
#define SP_DRIVER_H

#include <stddef.h>
#include <stdint.h>

/* CUresult: 0 is success, 2 no memory; 100 is "no device", which a driver without hardware gives. 34 is the toolkit's stub. */
enum { SP_CUDA_SUCCESS = 0, SP_CUDA_NO_MEMORY = 2, SP_CUDA_STUB = 34, SP_CUDA_NO_DEVICE = 100, SP_CUDA_NO_IMAGE = 209 };

/* X(member, symbol, parameters) */
#define SP_DRIVER_LIST(X)                                                                                             \
  X(init, cuInit, (unsigned flags))                                                                                   \
  X(version, cuDriverGetVersion, (int *version)) /* 1000 * major + 10 * minor */                                      \
  X(count, cuDeviceGetCount, (int *count))                                                                            \
  X(device, cuDeviceGet, (int *device, int ordinal))                                                                  \
  X(name, cuDeviceGetName, (char *name, int size, int device))                                                        \
  X(memory, cuDeviceTotalMem_v2, (size_t *bytes, int device))                                                         \
  X(attribute, cuDeviceGetAttribute, (int *value, int attribute, int device))                                         \
  X(retain, cuDevicePrimaryCtxRetain, (void **context, int device))                                                   \
  X(release, cuDevicePrimaryCtxRelease_v2, (int device))                                                              \
  X(push, cuCtxPushCurrent_v2, (void *context))                                                                       \
  X(pop, cuCtxPopCurrent_v2, (void **context))                                                                        \
  X(load, cuModuleLoadData, (void **module, const void *image))                                                       \
  X(unload, cuModuleUnload, (void *module))                                                                           \
  X(function, cuModuleGetFunction, (void **function, void *module, const char *name))                                 \
  X(set_function, cuFuncSetAttribute, (void *function, int attribute, int value))                                     \
  X(alloc, cuMemAlloc_v2, (uint64_t * at, size_t bytes))                                                              \
  X(free, cuMemFree_v2, (uint64_t at))                                                                                \
  X(host_alloc, cuMemHostAlloc, (void **at, size_t bytes, unsigned flags))                                            \
  X(host_free, cuMemFreeHost, (void *at))                                                                             \
  X(left, cuMemGetInfo_v2, (size_t *left, size_t *all))                                                               \
  X(put, cuMemcpyHtoDAsync_v2, (uint64_t to, const void *from, size_t bytes, void *stream))                           \
  X(get, cuMemcpyDtoHAsync_v2, (void *to, uint64_t from, size_t bytes, void *stream))                                 \
  X(copy, cuMemcpyDtoDAsync_v2, (uint64_t to, uint64_t from, size_t bytes, void *stream))                             \
  X(fill, cuMemsetD8Async, (uint64_t at, unsigned char byte, size_t bytes, void *stream))                             \
  X(stream, cuStreamCreate, (void **stream, unsigned flags))                                                          \
  X(stream_end, cuStreamDestroy_v2, (void *stream))                                                                   \
  X(sync, cuStreamSynchronize, (void *stream))                                                                        \
  X(event, cuEventCreate, (void **event, unsigned flags))                                                             \
  X(event_end, cuEventDestroy_v2, (void *event))                                                                      \
  X(record, cuEventRecord, (void *event, void *stream))                                                               \
  X(await, cuEventSynchronize, (void *event))                                                                         \
  X(elapsed, cuEventElapsedTime, (float *milliseconds, void *from, void *to))                                         \
  X(launch, cuLaunchKernel,                                                                                           \
    (void *function, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by, unsigned bz, unsigned shared,       \
     void *stream, void **parameters, void **extra))                                                                  \
  X(capture, cuStreamBeginCapture_v2, (void *stream, int mode))                                                       \
  X(captured, cuStreamEndCapture, (void *stream, void **graph))                                                       \
  X(instantiate, cuGraphInstantiateWithFlags, (void **executable, void *graph, unsigned long long flags))             \
  X(graph_end, cuGraphDestroy, (void *graph))                                                                         \
  X(replay, cuGraphLaunch, (void *executable, void *stream))                                                          \
  X(executable_end, cuGraphExecDestroy, (void *executable))                                                           \
  X(error_text, cuGetErrorString, (int error, const char **text))

struct sp_driver {
#define SP_DRIVER_MEMBER(member, symbol, parameters) int(*member) parameters;
  SP_DRIVER_LIST(SP_DRIVER_MEMBER)
#undef SP_DRIVER_MEMBER
};

/* Opens the driver and counts its devices: their number, or 0 and the reason in why (n >= 1 bytes with its end, cut if longer).
 * The
 * library stays loaded: it cannot be unloaded safely. */
int sp_driver_open(struct sp_driver *driver, char *why, size_t n);

#endif
