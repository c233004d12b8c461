/*
 * wake.h - halted passages come back when what is decoded looks at them.
 *
 * In:       a timeline whose one gate halted rows; a decoded row that waits at that gate.  Out: woken rows, each at its
 *           place in the lists above the gate.
 * Not here: the gate itself (gate.c), which chooses anew when text is appended.
 *
 * stillpoint-numerics(7), Waking: the decoded row's attention mass on the passages of 64 rows, by the layers that the query score
 * looks at. The heaviest passages above the setting `wake` wake, and before them the one that the decoded tokens
 * are found in, four a token at the most: their halted rows go through the
 * layers above the gate before the decoded row does, at the places that they would have had if the gate had kept them.
 */
#ifndef SP_WAKE_H
#define SP_WAKE_H

#include "timeline.h"

enum { SP_PASSAGE = 64, SP_WAKE_MOST = 4, SP_WAKE_MATCH = 8 };
enum { SP_WOKEN_MOST = SP_WAKE_MOST * SP_PASSAGE }; /* rows that wake for a token */

/* True if rows may wake; then *watch is what the pass of the decoded row below the gate must record. */
bool sp_wake_watch(const struct sp_timeline *t, struct sp_watch *watch);
/* The row of this token waits in the lane's chunk, and does so afterwards. On failure call sp_wake_undo. */
still_status sp_wake(struct sp_timeline *t, const struct sp_watch *watch, still_token token);
/* Rows that woke after the first `before` are halted again. Only a device can fail here; the lists are in disorder then. */
still_status sp_wake_undo(struct sp_timeline *t, size_t before);

#endif
