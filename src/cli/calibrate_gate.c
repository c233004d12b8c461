/*
 * calibrate_gate.c - the order of a gate, as gate.c and policy.c of the library make it, for any pool and ratio at once.
 *
 * In:       scores.  Out: places.
 * Not here: the choice itself, which the library makes when a candidate is asked.
 */
#include "calibrate_gate.h"

#include <stdlib.h>
#include <string.h>

/* The text of all tokens, and where each begins. */
static char *spell(const still_model *model, const struct cli_tokens *prompt, size_t *begin, size_t *bytes) {
  char *text = NULL;
  size_t room = 0;
  *bytes = 0;
  for (size_t i = 0; i < prompt->count; i++) {
    const char *piece = "";
    size_t n = 0;
    begin[i] = *bytes;
    if (still_token_piece(model, prompt->id[i], 1, &piece, &n) != STILL_OK) n = 0;
    if (*bytes + n >= room) {
      char *grown = realloc(text, room = 2 * room + n + 4096);
      if (!grown) return free(text), NULL;
      text = grown;
    }
    memcpy(text + *bytes, piece, n);
    *bytes += n;
  }
  begin[prompt->count] = *bytes;
  return text;
}

static bool find_rows(const char *text, size_t bytes, const size_t *begin, size_t n, const char *fact, struct gate_rows *rows) {
  const char *at = memmem(text, bytes, fact, strlen(fact));
  if (!at) return false;
  size_t from = (size_t)(at - text), to = from + strlen(fact);
  for (rows->from = 0; rows->from + 1 < n && begin[rows->from + 1] <= from; rows->from++) continue;
  for (rows->to = rows->from + 1; rows->to < n && begin[rows->to] < to; rows->to++) continue;
  return true;
}

bool gate_find(const still_model *model, const struct cli_tokens *prompt, const char *fact, struct gate_rows *rows) {
  size_t *begin = malloc((prompt->count + 1) * sizeof *begin), bytes;
  char *text = begin ? spell(model, prompt, begin, &bytes) : NULL;
  bool found = text && find_rows(text, bytes, begin, prompt->count, fact, rows);
  free(text);
  free(begin);
  return found;
}

/* The maximum over pool neighbours, cut at the ends. */
static float pooled_at(const float *score, size_t n, size_t pool, size_t i) {
  size_t half = pool / 2, from = i > half ? i - half : 0, to = i + half + 1 < n ? i + half + 1 : n;
  float most = score[from];
  for (size_t k = from + 1; k < to; k++) most = score[k] > most ? score[k] : most;
  return most;
}

static int by_size(const void *a, const void *b) {
  const uint64_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

/* Rows before row i in the gate's order: those that are protected, those with a greater score, those of its own before it. */
static uint64_t place_of(const float *pooled, size_t n, size_t prefix, size_t suffix, size_t i) {
  uint64_t place = prefix + suffix;
  if (i < prefix || i + suffix >= n) return 0;
  for (size_t k = prefix; k + suffix < n; k++) place += pooled[k] > pooled[i] || (pooled[k] == pooled[i] && k < i);
  return place;
}

bool gate_place(const float *score, size_t n, size_t pool, size_t prefix, size_t suffix, const struct gate_rows *rows,
                uint64_t *place) {
  size_t count = rows->to - rows->from;
  float *pooled = malloc((n ? n : 1) * sizeof *pooled);
  uint64_t *of = malloc(count * sizeof *of);
  bool good = pooled && of;
  for (size_t i = 0; good && i < n; i++) pooled[i] = pooled_at(score, n, pool, i);
  for (size_t i = 0; good && i < count; i++) of[i] = place_of(pooled, n, prefix, suffix, rows->from + i);
  if (good) qsort(of, count, sizeof *of, by_size);
  if (good) *place = of[(count - 1) / 2];
  free(pooled);
  free(of);
  return good;
}
