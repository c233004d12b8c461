/*
 * door.c - opens libcuda.so.1 with dlopen and asks it what there is. No other file includes dlfcn.h.
 *
 * In:       the system's dynamic linker.  Out: the driver's entry points, device count and names, or why there is none.
 * Not here: memory and kernels of a device (gpu.c).
 */
#ifdef HAVE_CONFIG_H
#include "build.h"
#endif
#include "cuda/door.h"

#include <stdio.h>

#include "cuda/driver.h"

#ifdef HAVE_CUDA
#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

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
static const char *resolve(void *library, struct sp_driver *driver) {
  const struct {
    const char *symbol;
    void *entry;
  } table[] = {
#define ENTRY(member, symbol, parameters) {#symbol, &driver->member},
    SP_DRIVER_LIST(ENTRY)
#undef ENTRY
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    void *found = dlsym(library, table[i].symbol);
    if (!found) return table[i].symbol;
    memcpy(table[i].entry, &found, sizeof found);
  }
  return NULL;
}

static void say_why_not(int failed, char *why, size_t n) {
  if (failed == SP_CUDA_SUCCESS || failed == SP_CUDA_NO_DEVICE)
    append(why, n, 0, "an NVIDIA driver is installed but finds no GPU");
  else if (failed == SP_CUDA_STUB)
    append(why, n, 0, "libcuda.so.1 is the CUDA toolkit's stub and no driver");
  else
    append(why, n, 0, "the NVIDIA driver failed with error %d", failed);
}

int sp_driver_open(struct sp_driver *driver, char *why, size_t n) {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    append(why, n, 0, "no NVIDIA driver (libcuda.so.1) on this machine");
    return 0;
  }
  const char *missing = resolve(library, driver);
  if (missing) {
    append(why, n, 0, "libcuda.so.1 lacks %s; it is too old or no driver", missing);
    dlclose(library);
    return 0;
  }
  int count = 0, failed = driver->init(0);
  if (failed == SP_CUDA_SUCCESS) failed = driver->count(&count);
  if (failed == SP_CUDA_SUCCESS && count > 0) return count;
  say_why_not(failed, why, n);
  return 0;
}

int sp_cuda_probe(char *why, size_t n) {
  enum { NAME_SIZE = 64 };
  struct sp_driver driver;
  int version = 0, count = sp_driver_open(&driver, why, n);
  if (count < 1) return 0;
  driver.version(&version);
  size_t used = append(why, n, 0, "driver %d.%d, %d device%s", version / 1000, version % 1000 / 10, count,
                       count == 1 ? "" : "s");
  for (int i = 0; i < count; i++) {
    char name[NAME_SIZE];
    int device;
    bool named = driver.device(&device, i) == SP_CUDA_SUCCESS && driver.name(name, NAME_SIZE, device) == SP_CUDA_SUCCESS;
    used = append(why, n, used, "%s%s", i ? ", " : ": ", named ? name : "nameless");
  }
  return count;
}

#else /* no HAVE_CUDA */

int sp_driver_open(struct sp_driver *driver, char *why, size_t n) {
  (void)driver;
  snprintf(why, n, "built without CUDA (configure --with-cuda=no)");
  return 0;
}

int sp_cuda_probe(char *why, size_t n) {
  struct sp_driver driver;
  return sp_driver_open(&driver, why, n);
}

#endif
