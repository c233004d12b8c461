/*
 * calibration.h - what was found to be the fastest setting of the gate for one model at each level of quality: a text file.
 *
 * In:       a file, the digest of a model.  Out: settings of the gate for strict, balanced and fast.
 * Not here: the search (the command `calibrate`), what the settings mean (policy.h). stillpoint-calibration(5) has the format.
 */
#ifndef SP_CALIBRATION_H
#define SP_CALIBRATION_H

#include "file.h"
#include "settings.h"

struct sp_calibration {
  uint8_t model[32];                   /* digest */
  unsigned numerics;                   /* version of the arithmetic that it was measured with */
  still_settings level[SP_QUALITIES];  /* the keys of sp_gate_keys */
};

/* Reads `bytes` of text. `name` is for the sentence, which has the line as well. STILL_EFORMAT, or STILL_EUNSUPPORTED for a later
 * version of the format. */
still_status sp_calibration_parse(struct sp_error *e, const char *name, const char *text, size_t bytes, struct sp_calibration *c);

struct sp_calibration_place { /* where to look */
  const char *model;                     /* path of the model's file */
  void (*digest)(void *user, uint8_t digest[32]); /* asked only when there is something to compare it with */
  void *user;
};

/* Decides the gate: as the caller says if he set any of its settings, else as the calibration does that is found, else as the
 * presets do. Sets settings->origin, and settings->calibration to the file that decided or to "none". A file that was named is
 * checked in any case. */
still_status sp_calibration_apply(struct sp_ctx *ctx, const struct sp_calibration_place *place, still_settings *settings);

#endif
