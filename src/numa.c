/*
 * numa.c - nodes by libnuma, processors by the scheduler, pages by mbind.
 *
 * In:       the system.  Out: struct sp_topology; untouched memory, placed.
 * Not here: anything that changes a result.
 *
 * libnuma prints when a system call is refused, so it is asked only for what it read when it was loaded.
 */
#include "numa.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_CONFIG_H
#include "build.h"
#endif

#ifdef HAVE_NUMA

#include <numa.h>
#include <numaif.h>

static bool has_memory(int node) { return numa_bitmask_isbitset(numa_all_nodes_ptr, (unsigned)node) != 0; }

/* The largest number of a node; 0 where there is but one or nobody knows. */
static int last_node(void) {
  return numa_available() >= 0 && numa_bitmask_weight(numa_all_nodes_ptr) > 1 ? numa_max_node() : 0;
}

static int node_of(int processor, int last) {
  int node = last > 0 ? numa_node_of_cpu(processor) : 0, nearest = 0;
  if (node < 0) node = 0;
  if (last == 0 || has_memory(node)) return node;
  while (!has_memory(nearest)) nearest++;
  for (int i = nearest + 1; i <= last; i++)
    if (has_memory(i) && numa_distance(node, i) < numa_distance(node, nearest)) nearest = i;
  return nearest;
}

/* Preferred, not bound: a full node is no reason to fail. Pages that the allocator had used before move. */
static bool prefer(void *pages, size_t bytes, int id) {
  enum { BITS = 8 * sizeof(unsigned long) };
  unsigned long mask[1024 / BITS] = {0};
  if (id < 0 || id >= 1024) return false;
  mask[id / BITS] = 1ul << id % BITS;
  return mbind(pages, bytes, MPOL_PREFERRED, mask, 1025, MPOL_MF_MOVE) == 0;
}

#else

static int last_node(void) { return 0; }

static int node_of(int processor, int last) {
  (void)processor;
  return last;
}

static bool prefer(void *pages, size_t bytes, int id) {
  (void)pages;
  (void)bytes;
  (void)id;
  return false;
}

#endif

/* Hardware threads of the processor's core that have smaller numbers, from a list like "0,64" or "0-1". */
static int rank_in_core(int processor) {
  char path[96], text[256], *end;
  int rank = 0;
  snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", processor);
  FILE *f = fopen(path, "re");
  if (!f) return 0;
  size_t n = fread(text, 1, sizeof text - 1, f);
  fclose(f);
  text[n] = '\0';
  for (const char *at = text;; at = end + 1) {
    long from = strtol(at, &end, 10), to = end > at && *end == '-' ? strtol(end + 1, &end, 10) : from;
    if (end == at) break;
    to = to < processor ? to : processor - 1;
    rank += to >= from ? (int)(to - from + 1) : 0;
    if (*end != ',') break;
  }
  return rank;
}

/* One hardware thread of every core of a node comes before the second of any. */
void sp_numa_topology(struct sp_topology *t) {
  enum { MOST_RANK = 8 };
  int16_t node[SP_MOST_PROCESSORS];
  uint8_t rank[SP_MOST_PROCESSORS];
  cpu_set_t mine;
  int last = last_node(), n = 0;
  memset(t, 0, sizeof *t);
  if (sched_getaffinity(0, sizeof mine, &mine) != 0) CPU_ZERO(&mine);
  for (int p = 0; p < SP_MOST_PROCESSORS; p++) {
    if (!CPU_ISSET(p, &mine)) continue;
    int in_core = rank_in_core(p);
    node[p] = (int16_t)node_of(p, last);
    rank[p] = (uint8_t)(in_core < MOST_RANK ? in_core : MOST_RANK - 1);
  }
  for (int id = 0; id <= last && t->nodes < SP_MOST_NODES; id++) { /* processors of a 65th node are left alone */
    int before = n;
    for (int r = 0; r < MOST_RANK; r++)
      for (int p = 0; p < SP_MOST_PROCESSORS; p++)
        if (CPU_ISSET(p, &mine) && node[p] == id && rank[p] == r) t->processor[n++] = (int16_t)p;
    if (n == before) continue;
    t->id[t->nodes++] = (int16_t)id;
    t->first[t->nodes] = (int16_t)n;
  }
  if (t->nodes == 0) t->nodes = 1;
}

bool sp_numa_bind(const struct sp_place *place, int node, void *memory, size_t bytes) {
  if (place->on.nodes == 1) return true;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = ((uintptr_t)memory + page - 1) / page * page;
  uintptr_t end = ((uintptr_t)memory + bytes) / page * page;
  return end <= start || prefer((void *)start, end - start, place->on.id[node]);
}

void sp_numa_split(const struct sp_place *place, void *memory, size_t bytes, size_t first, size_t n, size_t all) {
  for (int node = 0; place->on.nodes > 1 && n && node < place->on.nodes; node++) {
    size_t from = sp_place_from(place, all, node), to = sp_place_from(place, all, node + 1);
    from = from < first ? first : from;
    to = to > first + n ? first + n : to;
    if (from < to) sp_numa_bind(place, node, (uint8_t *)memory + (from - first) * (bytes / n), (to - from) * (bytes / n));
  }
}
