/*
 * eval_answer.h - whether a generated answer is right.
 *
 * In:       the answer, the right one, words that would be wrong.  Out: yes or no.
 * Not here: generating it.
 *
 * The answer is read up to the end of its first line that holds a letter or a digit. Letters become lower case, commas and blanks
 * in a number (12,345 and 12 345) go, and all else but letters and digits parts words. It is right if the expected word stands
 * there and no other candidate does: for a number, any other number of as many digits; for a word, any other of its kind.
 */
#ifndef CLI_EVAL_ANSWER_H
#define CLI_EVAL_ANSWER_H

#include "eval_sets.h"

bool eval_answer_right(const char *answer, const struct eval_question *question);

#endif
