/*
 * calibrate_work.h - the runs of `stillpoint calibrate`: some candidates on one text or at one place of the sample.
 *
 * In:       candidates in any order.  Out: their results in struct candidate and in the file of results.
 * Not here: which candidates (calibrate_search.c).
 *
 * Candidates take turns on a text from the lowest gate to the highest, dense last: its rows climb and pass each layer once. Each
 * returns an exit code.
 */
#ifndef CLI_CALIBRATE_WORK_H
#define CLI_CALIBRATE_WORK_H

#include "calibrate.h"

/* Asks the gates of all starts about all questions on a text of the search, and dense for its answers: `halted` of every
 * candidate. */
int calibrate_screen(struct calibrate *c, size_t text);
/* The first `answers` questions on a text of a part. */
int calibrate_ask(struct calibrate *c, int part, size_t text, const size_t *candidate, size_t n);
/* The loss at a place. */
int calibrate_score(struct calibrate *c, int part, size_t place, const size_t *candidate, size_t n);
/* Whole prefills, dense and of the candidates that were chosen: choice->speed_up. */
int calibrate_time(struct calibrate *c);

#endif
