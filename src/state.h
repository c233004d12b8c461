/*
 * state.h - a timeline as a file: its tokens, and all that is known of its rows up to the first gate.
 *
 * In:       struct sp_timeline, the digest of its model.  Out: a file; a timeline whose next prefill is a question.
 * Not here: what a row consists of (backend.h: struct sp_image), limits of a session (session.c).
 *
 * Rows below a gate depend on the tokens, the model, the arithmetic and the gate's layer, so these four are in the header, and
 * nothing that is settled above the gate. Whatever is read is checked against the checksum before a byte of it is believed.
 */
#ifndef SP_STATE_H
#define SP_STATE_H

#include "file.h"
#include "timeline.h"

struct sp_state { /* an open file, checked */
  struct sp_file file;
  const uint8_t *tokens, *rows;
  size_t n;          /* tokens */
  unsigned to;       /* halves that its rows went through: the end of stage 0 */
  struct sp_image image;
};

still_status sp_state_save(struct sp_timeline *t, const uint8_t model[32], const char *path);

/* Opens a state and checks all of it: that it is whole, and that it is of this model and fits this timeline. */
still_status sp_state_open(struct sp_timeline *t, const uint8_t model[32], const char *path, struct sp_state *state);
/* Makes it the timeline, which must have room for its tokens. After an error the timeline is as it was. */
still_status sp_state_take(struct sp_timeline *t, const struct sp_state *state);
void sp_state_close(struct sp_timeline *t, struct sp_state *state);

#endif
