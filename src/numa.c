/*
 * numa.c - libnuma behind two calls.
 *
 * In:       untouched memory.  Out: the same, placed.
 * Not here: anything that changes a result.
 */
#include "numa.h"

#include <stdint.h>
#include <unistd.h>

#ifdef HAVE_CONFIG_H
#include "build.h"
#endif

#ifdef HAVE_NUMA

#include <numa.h>

int sp_numa_nodes(void) {
  if (numa_available() < 0) return 1;
  unsigned nodes = numa_bitmask_weight(numa_all_nodes_ptr);
  return nodes > 1 ? (int)nodes : 1;
}

void sp_numa_spread(void *memory, size_t bytes) {
  if (sp_numa_nodes() == 1) return;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = ((uintptr_t)memory + page - 1) / page * page;
  uintptr_t end = ((uintptr_t)memory + bytes) / page * page;
  if (end > start) numa_interleave_memory((void *)start, end - start, numa_all_nodes_ptr);
}

#else

int sp_numa_nodes(void) { return 1; }

void sp_numa_spread(void *memory, size_t bytes) {
  (void)memory;
  (void)bytes;
}

#endif
