/*
 * random.h - what `stillpoint bench` and `stillpoint eval` draw with: the same numbers for a seed on every machine.
 *
 * In:       a state that the caller keeps.  Out: numbers.
 * Not here: what is drawn (cmd_bench.c, eval_hay.c, eval_sets.c).
 */
#ifndef CLI_RANDOM_H
#define CLI_RANDOM_H

#include <stddef.h>
#include <stdint.h>

uint64_t cli_random(uint64_t *state);             /* splitmix64 */
size_t cli_below(uint64_t *state, size_t n);      /* 0 .. n - 1, all alike; n > 0 */
uint64_t cli_mix(uint64_t state, uint64_t value); /* a state of its own for each value */
void cli_shuffle(uint64_t *state, size_t *value, size_t n);

#endif
