/*
 * wake.c - weighs passages, wakes the heaviest.
 *
 * In:       the attention mass of one row on all others.  Out: rows above the gate.
 * Not here: the mass (mass.c, cuda/mass.cu).
 *
 * Rows below the gate wait there all along, and the lists above it take rows at their end at any time. So a passage costs what
 * its own rows cost. They see all that stands in the lists before them, also what comes later in the text: as good, at the two
 * places where both were tried, as one in the order of the text, for which the caches would have to be moved.
 */
#include "wake.h"

#include "stage.h"

static bool is_awake(const struct sp_timeline *t, size_t row) { return t->gate.mask[row / 64] >> row % 64 & 1; }

static size_t count_halted(const struct sp_timeline *t) { return t->seen[0].rows - t->seen[0].n_kept - t->n_woken; }

bool sp_wake_watch(const struct sp_timeline *t, struct sp_watch *watch) {
  if (t->settings->wake <= 0 || t->why_dense || t->n_stages != 2 || t->n_seen != 1 || count_halted(t) == 0) return false;
  size_t at = t->stage[0].rows + t->decoded;
  *watch = sp_stage_watch(t, 0);
  watch->delta = watch->block = false;
  watch->query = true;
  watch->rows = at + 1;
  watch->window_from = at;
  return true;
}

/* Behind the last row of a passage. */
static size_t end_of(const struct sp_timeline *t, size_t passage) {
  size_t end = (passage + 1) * SP_PASSAGE, rows = t->stage[0].rows;
  return end < rows ? end : rows;
}

/* The mass of the halted rows of a passage, in their order; of all heads. */
static float weigh(const struct sp_timeline *t, size_t passage) {
  float sum = 0;
  for (size_t r = passage * SP_PASSAGE; r < end_of(t, passage); r++)
    if (!is_awake(t, r)) sum += t->raw[r];
  return sum * (float)t->engine->config->n_heads;
}

struct heaviest { /* the heaviest first; of equal ones that which comes first in the text */
  size_t n, passage[SP_WAKE_MOST];
  float mass[SP_WAKE_MOST];
};

static void consider(struct heaviest *h, size_t passage, float mass) {
  size_t at = h->n;
  while (at > 0 && mass > h->mass[at - 1]) at--;
  if (at == SP_WAKE_MOST) return;
  if (h->n < SP_WAKE_MOST) h->n++;
  for (size_t i = h->n - 1; i > at; i--) h->mass[i] = h->mass[i - 1], h->passage[i] = h->passage[i - 1];
  h->mass[at] = mass, h->passage[at] = passage;
}

static bool is_among(const struct heaviest *h, size_t passage) {
  size_t i = 0;
  while (i < h->n && h->passage[i] != passage) i++;
  return i < h->n;
}

/* The halted rows of the passages that wake, ascending, into t->kept. */
static size_t choose(struct sp_timeline *t) {
  struct heaviest heaviest = {.n = 0};
  size_t passages = (t->stage[0].rows + SP_PASSAGE - 1) / SP_PASSAGE, n = 0;
  for (size_t p = 0; p < passages; p++) {
    float mass = weigh(t, p);
    if (mass > (float)t->settings->wake) consider(&heaviest, p, mass);
  }
  for (size_t p = 0; heaviest.n && p < passages; p++) {
    if (!is_among(&heaviest, p)) continue;
    for (size_t r = p * SP_PASSAGE; r < end_of(t, p); r++)
      if (!is_awake(t, r)) t->kept[n++] = (uint32_t)r;
  }
  return n;
}

/* t->kept[0, n), list rows of stage 0 and so also positions, to the end of the lists above the gate. */
static still_status climb(struct sp_timeline *t, size_t n) {
  const struct sp_stage *stage = &t->stage[1];
  size_t chunk = (size_t)t->settings->chunk, end = stage->rows + t->decoded;
  SP_TRY(t->backend->reserve(t->lane, sp_stage_first(stage), sp_stage_last(stage), end + n, t->n + 1));
  for (size_t at = 0; at < n; at += chunk) {
    struct sp_pass pass = {.from = stage->from, .to = stage->to, .at = end + at, .phase = STILL_PHASE_DECODE,
                           .done = t->decoded, .total = t->decoded + 1, .live = 1};
    SP_TRY(t->backend->take(t->lane, 0, t->kept + at, t->kept + at, n - at < chunk ? n - at : chunk));
    SP_TRY(t->backend->run(t->lane, &pass));
  }
  return STILL_OK;
}

still_status sp_wake(struct sp_timeline *t, const struct sp_watch *watch) {
  uint32_t first = 0, position = (uint32_t)t->n;
  SP_TRY(t->backend->scores(t->lane, watch, t->raw));
  size_t n = choose(t);
  if (n == 0) return STILL_OK;
  SP_TRY(t->backend->reserve_park(t->lane, 1, 1)); /* the decoded row makes room for them */
  SP_TRY(t->backend->put(t->lane, 1, 0));
  SP_TRY(climb(t, n));
  SP_TRY(t->backend->take(t->lane, 1, &first, &position, 1));
  for (size_t i = 0; i < n; i++) {
    t->gate.mask[t->kept[i] / 64] |= (uint64_t)1 << t->kept[i] % 64;
    t->woken[t->n_woken++] = t->kept[i];
  }
  t->stage[1].rows += n;
  return STILL_OK;
}

void sp_wake_undo(struct sp_timeline *t, size_t before) {
  t->stage[1].rows -= t->n_woken - before;
  while (t->n_woken > before) {
    uint32_t row = t->woken[--t->n_woken];
    t->gate.mask[row / 64] &= ~((uint64_t)1 << row % 64);
  }
}
