/*
 * mass.h - raw scores of the query policy: how much the window's rows attend to each row of the list.
 *
 * In:       what attention recorded of the window's queries, the KV caches of the watched layers.
 * Out:      one score a row: mean over rows and heads, maximum over layers (numerics, section 5).
 * Not here: pooling and selection (gate.c).
 */
#ifndef SP_MASS_H
#define SP_MASS_H

#include "work.h"

still_status sp_mass(struct sp_work *work, const struct sp_watch *watch, float *scores);

#endif
