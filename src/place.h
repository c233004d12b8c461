/*
 * place.h - the plan of placement: which thread stands where on a machine with several memory nodes, and what lies beside it.
 *
 * In:       a topology, a number of threads, what the user wants.  Out: struct sp_place, a pure function of these.
 * Not here: reading the topology and moving memory (numa.h), binding of threads (team.h). Placement never changes a result.
 *
 * Threads are numbered node after node, so that what is split in proportion to threads (rows of a chunk, columns of a panel, KV
 * heads) is split into one contiguous range a node.
 */
#ifndef SP_PLACE_H
#define SP_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "settings.h"

enum { SP_MOST_NODES = 64, SP_MOST_PROCESSORS = 1024, SP_MOST_THREADS = 1024 };

/* Memory nodes and the processors of each that this process may use. A node may have none; there may be none at all (unknown). */
struct sp_topology {
  int nodes;
  int16_t id[SP_MOST_NODES];                /* the system's number of a node */
  int16_t first[SP_MOST_NODES + 1];         /* node i has processor[first[i]] .. processor[first[i + 1] - 1] */
  int16_t processor[SP_MOST_PROCESSORS];    /* the system's numbers, in the order in which threads take them */
};

enum sp_bind {
  SP_BIND_NOT,       /* threads run where the system wants */
  SP_BIND_NODE,      /* on any processor of their node: programs beside this one may use the same processors */
  SP_BIND_PROCESSOR, /* each on one processor */
};

struct sp_place {
  struct sp_topology on;             /* nodes that have threads, one at least; one for all where nothing is placed */
  int threads;
  int first[SP_MOST_NODES + 1];      /* node i has threads [first[i], first[i + 1]) */
  enum sp_bind bind;
  int copies;                        /* of each panel: 1, or one a node */
};

/* threads in [1, SP_MOST_THREADS]. Nodes get threads in proportion to their processors; with `local` they are filled in order. */
void sp_place(const struct sp_topology *topology, int threads, enum sp_numa wanted, struct sp_place *place);

int sp_place_node(const struct sp_place *place, int thread);
int sp_place_processor(const struct sp_place *place, int thread); /* -1 if it is not known */

/* `units` of anything split over the nodes in proportion to threads: node i holds [this of i, this of i + 1). */
static inline size_t sp_place_from(const struct sp_place *place, size_t units, int node) {
  return (units * (size_t)place->first[node] + (size_t)place->threads / 2) / (size_t)place->threads;
}

#endif
