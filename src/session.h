/*
 * session.h - the handle of a session: a timeline, its settings, its lane on the device.
 *
 * In:       calls of the public header.  Out: the same, checked.
 * Not here: the method (prefill.c, decode.c).
 */
#ifndef SP_SESSION_H
#define SP_SESSION_H

#include "decode.h"
#include "model.h"
#include "recover.h"
#include "prefill.h"
#include "sample.h"
#include "state.h"

struct still_session {
  still_model *model;
  struct sp_ctx ctx;
  still_settings settings;
  struct sp_timeline timeline;
  size_t most; /* tokens of the context */
};

#endif
