/*
 * panel.c - builds int8 panels, 16 columns a task.
 *
 * In:       file rows.  Out: panels.
 * Not here: the arithmetic of types and of the rotation (simd/), budgets (weights.c).
 */
#include "panel.h"

#include <string.h>

#include "numa.h"

size_t sp_rotation_block(size_t k) {
  size_t b = k & (~k + 1); /* the lowest set bit */
  return b > 256 ? 256 : b;
}

static size_t padded(size_t n, size_t multiple) { return sp_round_up(n, multiple); }

/* One allocation holds weights, sums and scales, in this order. */
size_t sp_panel_bytes(size_t n, size_t k) {
  size_t np = padded(n, SP_PANEL_COLS);
  return np * padded(k, SP_PANEL_DEPTH) + np * (sizeof(int32_t) + sizeof(float));
}

static size_t all_bytes(const struct sp_team *team, size_t n, size_t k) {
  return (size_t)team->place.copies * sp_panel_bytes(n, k);
}

struct sp_panel sp_panel_copy(const struct sp_panel *panel, int i) {
  struct sp_panel copy = *panel;
  copy.w += (size_t)i * sp_panel_bytes(panel->n, panel->k);
  copy.wsum = (int32_t *)(copy.w + copy.np * copy.kp);
  copy.sw = (float *)(copy.wsum + copy.np);
  return copy;
}

struct build {
  const struct sp_kernels *kernels;
  const struct sp_tensor *tensor;
  struct sp_panel *panel;
  int copies;
  uint8_t *scratch;       /* per thread: 16 rows of kp int8, then k floats */
  size_t scratch_stride;
  atomic_size_t bad;      /* lowest row that is not finite, or SIZE_MAX */
};

static void note_bad_row(atomic_size_t *bad, size_t row) {
  size_t seen = atomic_load(bad);
  while (row < seen && !atomic_compare_exchange_weak(bad, &seen, row)) continue;
}

static void build_block(void *job, size_t task, int thread) {
  struct build *b = job;
  struct sp_panel *p = b->panel;
  uint8_t *q = b->scratch + (size_t)thread * b->scratch_stride, *to = q;
  float *row = (float *)(q + SP_LANES * p->kp);
  size_t first = task * SP_LANES;
  for (size_t c = first; c < first + SP_LANES; c++, to += p->kp) {
    bool padding = c >= p->n;
    memset(padding ? to : to + p->k, 0, padding ? p->kp : p->kp - p->k);
    p->sw[c] = 0;
    if (padding) continue;
    b->kernels->dequant[b->tensor->type](row, b->tensor->data + c * b->tensor->row_bytes, p->k);
    p->sw[c] = b->kernels->quantise(to, row, row, p->k, sp_rotation_block(p->k), 0);
    if (p->sw[c] < 0) note_bad_row(&b->bad, c);
  }
  for (int i = 0; i < b->copies; i++) {
    struct sp_panel copy = sp_panel_copy(p, i);
    b->kernels->panel_columns(&copy, first, (const int8_t *)q);
    if (i > 0) memcpy(copy.sw + first, p->sw + first, SP_LANES * sizeof *p->sw);
  }
}

/* Columns beside the threads that multiply them, or a copy on every node. */
static void place_panel(const struct sp_team *team, struct sp_columns columns, const struct sp_panel *p) {
  const struct sp_place *place = &team->place;
  if (place->copies == 1) sp_numa_split(place, p->w, p->np * p->kp, columns.first, p->np, columns.all + (p->np - p->n));
  for (int i = 0; place->copies > 1 && i < place->copies; i++)
    sp_numa_bind(place, i, sp_panel_copy(p, i).w, sp_panel_bytes(p->n, p->k));
}

still_status sp_panel_bad_row(struct sp_ctx *ctx, const struct sp_tensor *tensor, size_t row) {
  return sp_fail(&ctx->error, STILL_ENUMERIC,
                 "tensor %s has a weight in row %zu that is not finite (its data begin at offset %llu): "
                 "the file is damaged, get it again",
                 tensor->name, row, (unsigned long long)tensor->offset);
}

still_status sp_panel_build(struct sp_ctx *ctx, const struct sp_team *team, const struct sp_kernels *kernels,
                            const struct sp_tensor *tensor, struct sp_columns columns, struct sp_panel *panel) {
  size_t n = tensor->ne[1], k = tensor->ne[0];
  *panel = (struct sp_panel){.n = n, .k = k, .np = padded(n, SP_PANEL_COLS), .kp = padded(k, SP_PANEL_DEPTH)};
  struct build b = {.kernels = kernels, .tensor = tensor, .panel = panel, .copies = team->place.copies,
                    .scratch_stride = sp_round_up(SP_LANES * panel->kp + k * sizeof(float), SP_ALIGN)};
  atomic_init(&b.bad, SIZE_MAX);
  panel->w = sp_alloc(ctx, 1, all_bytes(team, n, k), "a weight panel");
  b.scratch = sp_alloc(ctx, (size_t)team->threads, b.scratch_stride, "the building of panels");
  still_status status = panel->w && b.scratch ? STILL_OK : STILL_ENOMEM;
  if (status == STILL_OK) {
    *panel = sp_panel_copy(panel, 0);
    place_panel(team, columns, panel);
    status = sp_team_run(team, ctx, panel->np / SP_LANES, build_block, &b);
  }
  size_t bad = atomic_load(&b.bad);
  if (status == STILL_OK && bad != SIZE_MAX) status = sp_panel_bad_row(ctx, tensor, bad);
  sp_free(ctx, b.scratch, (size_t)team->threads, b.scratch_stride);
  if (status != STILL_OK) sp_panel_free(ctx, team, panel);
  return status;
}

void sp_panel_free(struct sp_ctx *ctx, const struct sp_team *team, struct sp_panel *panel) {
  if (panel->w) sp_free(ctx, panel->w, 1, all_bytes(team, panel->n, panel->k));
  memset(panel, 0, sizeof *panel);
}
