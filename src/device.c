/*
 * device.c - asks for a GPU and takes it, or says why not.
 *
 * In:       settings.  Out: a backend; what GPUs there are.
 * Not here: the GPU itself (gpu_model.c, cuda/).
 */
#include "device.h"

#include <stdio.h>

#include "backend_cuda.h"
#include "backend_split.h"
#include "gpu_plan.h"

static still_status open_gpu(struct sp_ctx *ctx, const struct sp_settings *s, struct sp_engine *engine, int ordinal) {
  SP_TRY(sp_gpu_model_open(ctx, engine, ordinal, &engine->gpu));
  still_status status = sp_gpu_plan_seam(engine->gpu, ctx, s);
  if (status != STILL_OK) sp_device_close(ctx, engine);
  return status;
}

still_status sp_device_pick(struct sp_ctx *ctx, const struct sp_settings *s, struct sp_engine *engine,
                            const struct sp_backend **backend) {
  *backend = &sp_backend_cpu;
  if (s->device == SP_DEVICE_NONE || s->gpu_layers == 0) return STILL_OK;
  if (s->device == SP_DEVICE_AUTO && engine->weights->float_path) return STILL_OK;
  if (engine->weights->float_path)
    return sp_fail(&ctx->error, STILL_EUNSUPPORTED, "the float path runs on the CPU alone; take --device none");
  int ordinal = s->device <= SP_DEVICE_CUDA ? 0 : (int)(s->device - SP_DEVICE_CUDA - 1); /* auto, cuda, cuda:0, cuda:1, .. */
  still_status status = open_gpu(ctx, s, engine, ordinal);
  if (status == STILL_OK) {
    unsigned layers = engine->config->n_layers, seam = engine->gpu->seam;
    *backend = seam < layers ? &sp_backend_split : &sp_backend_cuda;
    sp_log(ctx, STILL_LOG_INFO, "%u of %u layers run on GPU %d (%s)", seam, layers, ordinal, engine->gpu->gpu.name);
    return STILL_OK;
  }
  if (status != STILL_EDEVICE) return status;
  if (s->device == SP_DEVICE_AUTO) {
    sp_log(ctx, STILL_LOG_INFO, "no GPU is used: %s", ctx->error.text);
    sp_error_clear(&ctx->error);
    return STILL_OK;
  }
  struct sp_error why = ctx->error;
  return sp_fail(&ctx->error, STILL_EDEVICE, "%.400s; --device none goes without a GPU", why.text);
}

unsigned sp_device_layers(const struct sp_engine *engine, const struct sp_backend *backend) {
  return backend == &sp_backend_cpu ? 0 : engine->gpu->seam;
}

void sp_device_close(struct sp_ctx *ctx, struct sp_engine *engine) {
  sp_gpu_model_close(ctx, engine->gpu);
  engine->gpu = NULL;
}

still_status still_devices(size_t i, still_device *device) {
  struct sp_gpu gpu;
  char why[256];
  if (!device || device->size < sizeof *device || i > 1024) return STILL_EARG;
  if (i >= (size_t)sp_gpu_count(why, sizeof why)) return STILL_EARG;
  int error = sp_gpu_describe(&gpu, (int)i, why, sizeof why);
  *device = (still_device){.size = device->size, .usable = error == 0, .memory_bytes = gpu.memory, .capability = gpu.cc};
  snprintf(device->name, sizeof device->name, "%s", gpu.name);
  snprintf(device->why, sizeof device->why, "%.*s", (int)sizeof device->why - 1, why);
  return STILL_OK;
}
