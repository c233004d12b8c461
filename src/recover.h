/*
 * recover.h - a session whose GPU fails goes on on the CPU: the same tokens through the same arithmetic, so the same bits.
 *
 * In:       a timeline and what was being done to it.  Out: the same done, on the CPU if need be, with one line in the log.
 * Not here: what can fail (backend_cuda.c).
 */
#ifndef SP_RECOVER_H
#define SP_RECOVER_H

#include "decode.h"
#include "prefill.h"

/* Calls fn(arg). If it ends in STILL_EDEVICE on a device, moves the timeline to the CPU, whole as it was before (prefilled,
 * decoded) where `whole`, else as bare tokens of which no row is finished; and calls fn(arg) again. */
still_status sp_recover(struct sp_timeline *t, bool whole, still_status (*fn)(void *arg), void *arg);

#endif
