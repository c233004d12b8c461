/*
 * gpu_memory.c - device memory that a model and a session take, beside what was planned, and whether it comes back.
 *
 * In:       gpu_memory MODEL TOKENS CYCLES, GPU 0.
 * Out:      planned and taken bytes; what is missing after so many loads and closings. Exit code 1 where planned is off by
 *           more than 5 %, or more than 2 MiB (what a driver hands out at once) is missing.
 * Not here: the plan (src/gpu_plan.c).
 */
#include <stdio.h>
#include <stdlib.h>

#include "cuda/gpu.h"
#include "stillpoint.h"

enum { GRANULE = 2 << 20 };

static struct sp_gpu gpu; /* holds the context: its own memory is not counted */

static double left(void) {
  size_t bytes = 0;
  sp_gpu_enter(&gpu);
  sp_gpu_left(&gpu, &bytes);
  sp_gpu_leave(&gpu);
  return (double)bytes;
}

static void must(still_status status, const char *text) {
  if (status == STILL_OK) return;
  printf("failed: %s\n", text);
  exit(2);
}

/* Loads, prefills, closes. Returns the bytes taken meanwhile; *planned: what the plan says. */
static double cycle(const char *path, const still_settings *settings, size_t n, double *planned) {
  still_model *model;
  still_session *session;
  still_error error = {.size = sizeof error};
  still_plan plan = {.size = sizeof plan};
  double before = left();
  must(still_model_open(path, settings, NULL, &model, &error), error.text);
  must(still_session_open(model, settings, NULL, &session, &error), error.text);
  must(still_model_plan(model, settings, n, &plan), "the plan");
  still_token *tokens = malloc(n * sizeof *tokens);
  for (size_t i = 0; i < n; i++) tokens[i] = (still_token)(3 + i * 7919 % 250);
  must(still_prefill(session, tokens, n, NULL), still_session_error(session));
  double taken = before - left();
  *planned = (double)plan.device;
  free(tokens);
  still_session_close(session);
  still_model_close(model);
  return taken;
}

int main(int argc, char **argv) {
  char why[256];
  double planned = 0;
  if (argc != 4) return fprintf(stderr, "usage: gpu_memory MODEL TOKENS CYCLES\n"), 2;
  if (sp_gpu_open(&gpu, 0, why, sizeof why)) return printf("no GPU: %s\n", why), 77;
  still_settings *settings = still_settings_new();
  size_t n = strtoul(argv[2], NULL, 10);
  must(still_set(settings, "device", "cuda"), "the setting");
  must(still_set(settings, "policy", "dense"), "the setting");
  double taken = cycle(argv[1], settings, n, &planned), before = left();
  for (unsigned long i = strtoul(argv[3], NULL, 10); i > 0; i--) cycle(argv[1], settings, n, &planned);
  double missing = before - left();
  printf("planned %.1f MiB, taken %.1f MiB (%.3f); missing after %s cycles: %.1f MiB\n", planned / 0x1p20, taken / 0x1p20,
         planned / taken, argv[3], missing / 0x1p20);
  still_settings_free(settings);
  sp_gpu_close(&gpu);
  bool close_enough = planned > 0.95 * taken - GRANULE && planned < 1.05 * taken + GRANULE;
  return close_enough && missing <= GRANULE ? 0 : 1;
}
