/*
 * model.h - the handle of an open model: file, config, vocabulary, weights, team, kernels.
 *
 * In:       a path and settings.  Out: struct still_model, constant after opening but for panels, counters and the probe.
 * Not here: sessions (session.c).
 */
#ifndef SP_MODEL_H
#define SP_MODEL_H

#include "calibration.h"
#include "chat.h"
#include "device.h"
#include "plan.h"
#include "probe.h"

struct still_model {
  struct sp_ctx ctx;
  still_settings settings; /* as given, resolved */
  char *path;              /* [path_bytes] of the file, to look beside it */
  size_t path_bytes;
  struct sp_gguf *gguf;
  struct sp_config config;
  struct sp_vocab *vocab;
  struct sp_weights weights;
  struct sp_engine engine;
  const struct sp_backend *backend; /* of new sessions */
  size_t fixed_bytes;      /* allocated when opening was done: everything but panels */
  pthread_mutex_t lock;    /* over what follows */
  bool probed, digested;
  uint8_t digest[32];
};

/* Runs the probe on a backend if nobody has. Errors and time go to ctx. */
still_status sp_model_probe(still_model *model, struct sp_ctx *ctx, const struct sp_backend *backend);
void sp_model_digest(still_model *model, uint8_t digest[32]);
/* The settings in force in a session that is given these (or NULL): the gate as caller, calibration or presets decide. */
still_status sp_model_settings(still_model *model, struct sp_ctx *ctx, const still_settings *settings, still_settings *out);
/* The plan of a session with these settings; its own settings count for the session, the model's for threads and panels.
 * parked: as in struct sp_timeline. */
void sp_model_plan(const still_model *model, const struct sp_settings *settings, bool parked, uint64_t n_tokens,
                   still_plan *plan);

#endif
