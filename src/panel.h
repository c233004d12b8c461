/*
 * panel.h - a weight tensor as an int8 panel: file rows -> fp32 -> rotated -> one scale a row -> the layout of the kernels.
 *
 * In:       a tensor of the file.  Out: struct sp_panel, a pure function of the tensor's bytes (numerics, section 2, step 3).
 * Not here: when a panel is built and how long it is kept (weights.h).
 */
#ifndef SP_PANEL_H
#define SP_PANEL_H

#include "gguf.h"
#include "team.h"

/* Block of the Walsh-Hadamard rotation for rows of length k: the largest power of two that divides k, at most 256. */
size_t sp_rotation_block(size_t k);

/* Bytes of the three arrays of a panel of n rows of length k. */
size_t sp_panel_bytes(size_t n, size_t k);

/* Columns that one run of the team multiplies: the panel's are [first, first + n) of `all`. They are split over memory nodes as
 * the run's tasks are. */
struct sp_columns {
  size_t first, all;
};

/* Builds the panel with the team, in as many copies as its place wants. STILL_ENUMERIC names tensor and row where a weight is not
 * finite. Free with sp_panel_free. */
still_status sp_panel_build(struct sp_ctx *ctx, const struct sp_team *team, const struct sp_kernels *kernels,
                            const struct sp_tensor *tensor, struct sp_columns columns, struct sp_panel *panel);
/* STILL_ENUMERIC: the sentence for a row with a weight that is not finite. */
still_status sp_panel_bad_row(struct sp_ctx *ctx, const struct sp_tensor *tensor, size_t row);
void sp_panel_free(struct sp_ctx *ctx, const struct sp_team *team, struct sp_panel *panel); /* empties it; empty is allowed */

/* Copy i of a panel: all lie behind each other. */
struct sp_panel sp_panel_copy(const struct sp_panel *panel, int i);

#endif
