/*
 * device.h - which backend a model gets: the GPU that was asked for or found, or the CPU.
 *
 * In:       the setting `device`.  Out: a backend, and an engine that it can use.
 * Not here: what a session does when its device fails (recover.h).
 */
#ifndef SP_DEVICE_H
#define SP_DEVICE_H

#include "backend.h"

/* auto: GPU 0 if it can take all layers or the lower ones, else the CPU, with one line in the log that says why. none: no driver
 * is touched. A GPU that was asked for by name and cannot be had is STILL_EDEVICE. */
still_status sp_device_pick(struct sp_ctx *ctx, const struct sp_settings *settings, struct sp_engine *engine,
                            const struct sp_backend **backend);
/* How many layers, from the lowest up, a backend has on a device. */
unsigned sp_device_layers(const struct sp_engine *engine, const struct sp_backend *backend);
void sp_device_close(struct sp_ctx *ctx, struct sp_engine *engine);

#endif
