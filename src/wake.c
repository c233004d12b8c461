/*
 * wake.c - weighs passages, finds what is being copied, and wakes them.
 *
 * In:       a decoded token, and the attention mass of its row on all others.  Out: rows above the gate.
 * Not here: the mass (mass.c, cuda/mass.cu).
 *
 * Rows below the gate wait there all along. Their places above it are those that they would have had if the gate had kept them:
 * they see what comes before them in the text and is awake, and nothing else. So the rows behind them move up.
 */
#include "wake.h"

#include <math.h>

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

/* How many tokens before `row` are the last ones of all, of which `token` is the last; SP_WAKE_MATCH at the most. */
static size_t match(const struct sp_timeline *t, still_token token, size_t row) {
  size_t n = 0;
  while (n < SP_WAKE_MATCH && n < row && t->tokens[row - 1 - n] == (n ? t->tokens[t->n - n] : token)) n++;
  return n;
}

/* Where who copies from the prompt would read on: the row after the longest match, of equal ones the last; 0: there is none. A
 * token alone says so only if it stands there once. Layers below the gate may not look, as heads that copy stand above it. */
static size_t find_next(const struct sp_timeline *t, still_token token) {
  size_t next = 0, longest = 0, times = 0;
  for (size_t row = t->stage[0].rows - 1; row > 0; row--) {
    size_t n = match(t, token, row);
    if (n > longest) longest = n, next = row, times = 0;
    times += n > 0 && n == longest;
  }
  return longest > 1 || times == 1 ? next : 0;
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

/* The halted rows of the passages that wake, ascending. */
static size_t choose(const struct sp_timeline *t, still_token token, uint32_t *rows) {
  struct heaviest heaviest = {.n = 0};
  size_t passages = (t->stage[0].rows + SP_PASSAGE - 1) / SP_PASSAGE, next = find_next(t, token), n = 0;
  for (size_t p = 0; p < passages; p++) {
    bool read_on = next / SP_PASSAGE == p && !is_awake(t, next);
    float mass = read_on ? INFINITY : weigh(t, p);
    if (mass > (float)t->settings->wake) consider(&heaviest, p, mass);
  }
  for (size_t p = 0; heaviest.n && p < passages; p++) {
    if (!is_among(&heaviest, p)) continue;
    for (size_t r = p * SP_PASSAGE; r < end_of(t, p); r++)
      if (!is_awake(t, r)) rows[n++] = (uint32_t)r;
  }
  return n;
}

/* ---- places: above the gate, rows of the prompt stand in the order of the text, the decoded ones behind them --------------- */

static size_t awake_before(const struct sp_timeline *t, size_t row) {
  size_t n = 0;
  for (size_t i = 0; i < row / 64; i++) n += (size_t)__builtin_popcountll(t->gate.mask[i]);
  return row % 64 ? n + (size_t)__builtin_popcountll(t->gate.mask[row / 64] << (64 - row % 64)) : n;
}

/* Rows that stand in the lists from `at` on, up to `end`, to `to`. */
static still_status shift(struct sp_timeline *t, size_t at, size_t end, size_t to) {
  const struct sp_stage *stage = &t->stage[1];
  if (at == end) return STILL_OK;
  return t->backend->move(t->lane, sp_stage_first(stage), sp_stage_last(stage), at, end - at, to);
}

/* Gaps in the lists for n halted rows, each at its place; from the end, so that each row moves once. */
static still_status open_gaps(struct sp_timeline *t, const uint32_t *rows, size_t n) {
  size_t end = t->stage[1].rows + t->decoded;
  while (n > 0) {
    size_t at = awake_before(t, rows[n - 1]), moves = n;
    while (n > 0 && awake_before(t, rows[n - 1]) == at) n--;
    SP_TRY(shift(t, at, end, at + moves));
    end = at;
  }
  return STILL_OK;
}

static still_status close_gaps(struct sp_timeline *t, const uint32_t *rows, size_t n) {
  for (size_t i = 0; i < n;) {
    size_t at = awake_before(t, rows[i]);
    while (i < n && awake_before(t, rows[i]) == at) i++;
    size_t end = i < n ? awake_before(t, rows[i]) : t->stage[1].rows + t->decoded;
    SP_TRY(shift(t, at + i, end + i, at));
  }
  return STILL_OK;
}

static void mark(struct sp_timeline *t, const uint32_t *rows, size_t n, bool awake) {
  for (size_t i = 0; i < n; i++) {
    uint64_t bit = (uint64_t)1 << rows[i] % 64, *word = &t->gate.mask[rows[i] / 64];
    *word = awake ? *word | bit : *word & ~bit;
  }
}

/* The places of as many of n rows as a chunk takes; how many those are. */
static size_t find_places(const struct sp_timeline *t, const uint32_t *rows, size_t n, uint32_t place[SP_WOKEN_MOST]) {
  size_t chunk = t->backend->rows(t->lane, t->stage[1].to), blocks = 0, i = 0;
  for (; i < n && i < chunk; i++) {
    place[i] = (uint32_t)awake_before(t, rows[i]);
    blocks += i == 0 || sp_begins_block(place[i], place[i - 1]);
    if (blocks > sp_work_blocks(chunk)) break;
  }
  return i;
}

/* List rows of stage 0, and so also positions, into their gaps: as chunks, of which each row sees what stands before it. */
static still_status climb(struct sp_timeline *t, const uint32_t *rows, size_t n) {
  const struct sp_stage *stage = &t->stage[1];
  uint32_t place[SP_WOKEN_MOST];
  struct sp_pass pass = {.from = stage->from, .to = stage->to, .place = place, .phase = STILL_PHASE_DECODE, .done = t->decoded,
                         .total = t->decoded + 1, .live = 1};
  for (size_t i = 0, m; i < n; i += m) {
    m = find_places(t, rows + i, n - i, place);
    SP_TRY(t->backend->take(t->lane, 0, rows + i, rows + i, m));
    SP_TRY(t->backend->run(t->lane, &pass));
  }
  return STILL_OK;
}

still_status sp_wake(struct sp_timeline *t, const struct sp_watch *watch, still_token token) {
  struct sp_stage *stage = &t->stage[1];
  uint32_t first = 0, position = (uint32_t)t->n, *rows = t->woken + t->n_woken;
  SP_TRY(t->backend->scores(t->lane, watch, t->raw));
  size_t n = choose(t, token, rows), end = stage->rows + t->decoded + n;
  if (n == 0) return STILL_OK;
  SP_TRY(t->backend->reserve_park(t->lane, 1, 1)); /* the decoded row makes room for them */
  SP_TRY(t->backend->put(t->lane, 1, 0));
  SP_TRY(t->backend->reserve(t->lane, sp_stage_first(stage), sp_stage_last(stage), end, t->n + 1));
  SP_TRY(open_gaps(t, rows, n));
  mark(t, rows, n, true);
  t->n_woken += n;
  stage->rows += n;
  SP_TRY(climb(t, rows, n));
  return t->backend->take(t->lane, 1, &first, &position, 1);
}

still_status sp_wake_undo(struct sp_timeline *t, size_t before) {
  size_t n = t->n_woken - before;
  const uint32_t *rows = t->woken + before;
  mark(t, rows, n, false);
  t->n_woken = before;
  t->stage[1].rows -= n;
  return close_gaps(t, rows, n);
}
