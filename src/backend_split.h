/*
 * backend_split.h - the filling of backend.h for a model whose lower layers alone lie on a GPU.
 *
 * In:       nothing.  Out: the table; an engine whose `gpu` is open, with a seam below the last layer, can use it.
 * Not here: which backend a model gets (device.h).
 */
#ifndef SP_BACKEND_SPLIT_H
#define SP_BACKEND_SPLIT_H

#include "backend.h"

extern const struct sp_backend sp_backend_split;

#endif
