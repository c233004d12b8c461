/*
 * random.c - splitmix64 and what is made of it.
 *
 * In:       a state.  Out: numbers.
 * Not here: texts.
 */
#include "random.h"

uint64_t cli_random(uint64_t *state) {
  uint64_t z = *state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

/* Numbers of the last, incomplete round of n are drawn again. */
size_t cli_below(uint64_t *state, size_t n) {
  uint64_t whole = UINT64_MAX - UINT64_MAX % n, drawn;
  do drawn = cli_random(state);
  while (drawn >= whole);
  return (size_t)(drawn % n);
}

uint64_t cli_mix(uint64_t state, uint64_t value) {
  uint64_t mixed = state ^ (value + 1) * 0xd1342543de82ef95u;
  return cli_random(&mixed);
}

void cli_shuffle(uint64_t *state, size_t *value, size_t n) {
  for (size_t i = n; i > 1; i--) {
    size_t k = cli_below(state, i), swap = value[i - 1];
    value[i - 1] = value[k];
    value[k] = swap;
  }
}
