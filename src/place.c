/*
 * place.c - deals threads to nodes.
 *
 * In:       struct sp_topology.  Out: struct sp_place.
 * Not here: any look at the machine.
 */
#include "place.h"

#include <string.h>

static const struct wish {
  bool one_node_too; /* binds also where there is nothing to choose between */
  bool pack;
  enum sp_bind bind;
  bool copies;
} wishes[] = {
    [SP_NUMA_AUTO] = {false, false, SP_BIND_NODE, false},
    [SP_NUMA_OFF] = {false, false, SP_BIND_NOT, false},
    [SP_NUMA_SPREAD] = {true, false, SP_BIND_PROCESSOR, false},
    [SP_NUMA_LOCAL] = {true, true, SP_BIND_PROCESSOR, false},
    [SP_NUMA_REPLICATE] = {true, false, SP_BIND_PROCESSOR, true},
};

/* Threads that stand on the first `before` of `all` processors. Never more than processors, unless there are more threads. */
static int threads_before(int threads, int before, int all, bool pack) {
  if (pack && threads <= all) return before < threads ? before : threads;
  return (2 * threads * before + all) / (2 * all);
}

/* Everything on one node that has no number. */
static void place_nothing(const struct sp_topology *t, int threads, struct sp_place *place) {
  memset(place, 0, sizeof *place);
  place->on = *t;
  place->on.nodes = 1;
  place->on.id[0] = -1;
  place->on.first[1] = t->first[t->nodes];
  place->threads = place->first[1] = threads;
  place->copies = 1;
}

void sp_place(const struct sp_topology *t, int threads, enum sp_numa wanted, struct sp_place *place) {
  const struct wish *wish = &wishes[wanted];
  int all = t->first[t->nodes], nodes = 0;
  place_nothing(t, threads, place);
  if (wish->bind == SP_BIND_NOT || all == 0) return;
  struct sp_topology *on = &place->on;
  for (int i = 0; i < t->nodes; i++) {
    int to = threads_before(threads, t->first[i + 1], all, wish->pack);
    if (to == place->first[nodes]) continue;
    int16_t n = (int16_t)(t->first[i + 1] - t->first[i]);
    memmove(on->processor + on->first[nodes], t->processor + t->first[i], (size_t)n * sizeof *on->processor);
    on->id[nodes] = t->id[i];
    on->first[nodes + 1] = (int16_t)(on->first[nodes] + n);
    place->first[++nodes] = to;
  }
  if (nodes == 1 && !wish->one_node_too) {
    place_nothing(t, threads, place);
    return;
  }
  on->nodes = nodes;
  place->bind = wish->bind;
  place->copies = wish->copies ? nodes : 1;
}

int sp_place_node(const struct sp_place *place, int thread) {
  int node = 0;
  while (node + 1 < place->on.nodes && thread >= place->first[node + 1]) node++;
  return node;
}

int sp_place_processor(const struct sp_place *place, int thread) {
  int node = sp_place_node(place, thread), from = place->on.first[node], n = place->on.first[node + 1] - from;
  return n ? place->on.processor[from + (thread - place->first[node]) % n] : -1;
}
