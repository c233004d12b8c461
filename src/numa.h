/*
 * numa.h - the machine's memory nodes: what they are, and which one pages shall come from. The only file that knows libnuma.
 *
 * In:       the system; memory that was allocated and not touched yet.  Out: struct sp_topology; the same memory, placed.
 * Not here: what belongs where (place.h). Placement is a wish: where the system cannot or may not follow it, nothing happens.
 */
#ifndef SP_NUMA_H
#define SP_NUMA_H

#include "place.h"

/* Processors of the calling thread's affinity mask by memory node. One node where nodes are unknown (no libnuma, a container that
 * forbids it) and no processors where the mask is. A node without memory of its own is a part of the nearest that has some. */
void sp_numa_topology(struct sp_topology *topology);

/* Whole pages inside [memory, memory + bytes) shall come from node `node` of the place. False if the system refuses. */
bool sp_numa_bind(const struct sp_place *place, int node, void *memory, size_t bytes);

/* The memory holds units [first, first + n) of `all`, of the same size each: those of each node shall come from it. */
void sp_numa_split(const struct sp_place *place, void *memory, size_t bytes, size_t first, size_t n, size_t all);

#endif
