/*
 * numa.h - placement of large read-only memory on machines with several memory nodes. The only file that knows libnuma.
 *
 * In:       memory that was allocated and not touched yet.  Out: its pages dealt over the nodes, where there is more than one.
 * Not here: pinning of threads, replication. Placement is a hint: nothing depends on it, nothing fails.
 */
#ifndef SP_NUMA_H
#define SP_NUMA_H

#include <stddef.h>

/* Memory nodes that this process may use; 1 where that is unknown (no libnuma, no node files, a container that forbids it). */
int sp_numa_nodes(void);
/* Deals the whole pages inside [memory, memory + bytes) over the nodes, so that all sockets read panels at the same speed. */
void sp_numa_spread(void *memory, size_t bytes);

#endif
