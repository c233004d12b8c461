/*
 * door.c - opens libcuda.so.1 with dlopen and asks it what there is. No other file includes dlfcn.h.
 *
 * In:       the system's dynamic linker.  Out: device count and names, or why there is none.
 * Not here: device kernels. This version has none, so that a driver is reported and not used.
 *
 * The driver's interface is declared here and not taken from cuda.h: a build needs no CUDA toolkit, a run no CUDA library. Only
 * functions of the frozen C interface are used, under the versioned names that the driver exports.
 */
#ifdef HAVE_CONFIG_H
#include "build.h"
#endif
#include "cuda/door.h"

#include <stdio.h>

#ifdef HAVE_CUDA
#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

/* CUresult: 0 is success; 100 is "no device", which a driver without hardware gives. 34 is the toolkit's stub library. */
enum { CUDA_SUCCESS = 0, CUDA_STUB = 34, CUDA_NO_DEVICE = 100 };
enum { NAME_SIZE = 64 };

struct driver {
  int (*init)(unsigned flags);
  int (*version)(int *version); /* 1000 * major + 10 * minor */
  int (*count)(int *count);
  int (*device)(int *device, int ordinal);
  int (*name)(char *name, int size, int device);
};

/* Appends to a text of n bytes of which `used` are taken; returns how many are taken then, at most n - 1. */
static size_t append(char *text, size_t n, size_t used, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int added = vsnprintf(text + used, n - used, format, arguments);
  va_end(arguments);
  return added < 0 ? used : (size_t)added < n - used ? used + (size_t)added : n - 1;
}

/* Name of the first entry point that the library lacks, or NULL. POSIX lets the object pointer of dlsym be read as a function
 * pointer; C has no conversion for it, so the bits are copied. */
static const char *resolve(void *library, struct driver *driver) {
  const struct {
    const char *symbol;
    void *entry;
  } table[] = {
    {"cuInit", &driver->init},
    {"cuDriverGetVersion", &driver->version},
    {"cuDeviceGetCount", &driver->count},
    {"cuDeviceGet", &driver->device},
    {"cuDeviceGetName", &driver->name},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    void *found = dlsym(library, table[i].symbol);
    if (!found) return table[i].symbol;
    memcpy(table[i].entry, &found, sizeof found);
  }
  return NULL;
}

static void say_why_not(int failed, char *why, size_t n) {
  if (failed == CUDA_SUCCESS || failed == CUDA_NO_DEVICE)
    append(why, n, 0, "an NVIDIA driver is installed but finds no GPU");
  else if (failed == CUDA_STUB)
    append(why, n, 0, "libcuda.so.1 is the CUDA toolkit's stub and no driver");
  else
    append(why, n, 0, "the NVIDIA driver failed with error %d", failed);
}

static int describe(const struct driver *driver, char *why, size_t n) {
  int version = 0, count = 0;
  int failed = driver->init(0);
  if (failed == CUDA_SUCCESS) failed = driver->version(&version);
  if (failed == CUDA_SUCCESS) failed = driver->count(&count);
  if (failed != CUDA_SUCCESS || count < 1) {
    say_why_not(failed, why, n);
    return 0;
  }
  size_t used = append(why, n, 0, "driver %d.%d, %d device%s", version / 1000, version % 1000 / 10, count,
                       count == 1 ? "" : "s");
  for (int i = 0; i < count; i++) {
    char name[NAME_SIZE];
    int device;
    bool named = driver->device(&device, i) == CUDA_SUCCESS && driver->name(name, NAME_SIZE, device) == CUDA_SUCCESS;
    used = append(why, n, used, "%s%s", i ? ", " : ": ", named ? name : "nameless");
  }
  return count;
}

int sp_cuda_probe(char *why, size_t n) {
  struct driver driver;
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    append(why, n, 0, "no NVIDIA driver (libcuda.so.1) on this machine");
    return 0;
  }
  const char *missing = resolve(library, &driver);
  if (!missing) return describe(&driver, why, n);
  append(why, n, 0, "libcuda.so.1 lacks %s; it is too old or no driver", missing);
  dlclose(library);
  return 0;
}

#else /* no HAVE_CUDA */

int sp_cuda_probe(char *why, size_t n) {
  snprintf(why, n, "built without CUDA (configure --with-cuda=no)");
  return 0;
}

#endif
