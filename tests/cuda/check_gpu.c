/*
 * check_gpu.c - a model on a GPU through the public API: the CPU's bits, also when the device fails in the middle.
 *
 * In:       tests/cuda's driver, found as libcuda.so.1, which fails when it is told to.
 * Out:      TAP.
 * Not here: single kernels (kernels.c); the command, machines without a driver (gpu.sh).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cuda/gpu.h"
#include "tests/cuda/fake_cuda.h"
#include "tests/run.h"

enum { N = 40, DECODED = 4 };

static const char *const policies[] = {"policy=query", "policy=block"};
enum { POLICIES = sizeof policies / sizeof policies[0] };

static struct tiny_spec small(void) {
  struct tiny_spec spec;
  tiny_preset(&spec);
  spec.layers = 2, spec.embd = spec.ff = 64, spec.heads = spec.kv_heads = 2, spec.head_dim = 32, spec.vocab = 270;
  spec.type = SP_Q8_0;
  return spec;
}

/* What the fake driver is told from here on; its counts begin anew. */
static void tell(const char *format, unsigned long n) {
  char words[64];
  snprintf(words, sizeof words, format, n);
  setenv("STILLPOINT_FAKE_CUDA", "", 1);
  still_devices(0, &(still_device){.size = sizeof(still_device)}); /* it listens when it is called */
  setenv("STILLPOINT_FAKE_CUDA", words, 1);
}

struct heard { /* what a model and its sessions logged of a GPU that is not used */
  int n;
  char last[512];
};

static void hear(void *user, still_log_level level, const char *line) {
  struct heard *h = user;
  bool left = level == STILL_LOG_INFO && strncmp(line, "no GPU is used: ", 16) == 0;
  if (level != STILL_LOG_WARN && !left) return;
  h->n++;
  snprintf(h->last, sizeof h->last, "%s", line);
}

/* An open model whose sessions are heard. */
static struct opened open_heard(const struct tiny_spec *spec, const char *settings, struct heard *heard) {
  struct opened o;
  struct tiny_bytes bytes = {0};
  char path[32];
  still_error error = {.size = sizeof error};
  still_settings *s = run_settings(settings);
  still_hooks hooks = {.size = sizeof hooks, .user = heard, .log = hear};
  tiny_make(spec, 0, &bytes);
  o.file = tiny_share(&bytes, path);
  ck_assert_msg(still_model_open(path, s, &hooks, &o.model, &error) == STILL_OK, "%s", error.text);
  tiny_free(&bytes);
  still_settings_free(s);
  return o;
}

static still_session *session_heard(still_model *model, const char *settings, struct heard *heard) {
  still_error error = {.size = sizeof error};
  still_settings *s = run_settings(settings);
  still_hooks hooks = {.size = sizeof hooks, .user = heard, .log = hear};
  still_session *session;
  ck_assert_msg(still_session_open(model, s, &hooks, &session, &error) == STILL_OK, "%s", error.text);
  still_settings_free(s);
  return session;
}

/* A prefill and some tokens after it; what the session holds then. */
static struct run whole(still_model *model, const char *settings, const still_token *tokens, size_t n,
                        struct heard *heard) {
  still_session *session = session_heard(model, settings, heard);
  ck_assert_msg(still_prefill(session, tokens, n, NULL) == STILL_OK, "%s", still_session_error(session));
  for (int i = 0; i < DECODED; i++)
    ck_assert_msg(still_decode(session, tokens[i]) == STILL_OK, "%s", still_session_error(session));
  struct run r = run_take(session, model);
  still_session_close(session);
  return r;
}

static struct run on_cpu(const struct tiny_spec *spec, const char *settings, const still_token *tokens, size_t n) {
  struct heard heard = {0};
  struct opened o = open_heard(spec, "device=none", &heard);
  struct run r = whole(o.model, settings, tokens, n, &heard);
  ck_assert_int_eq(heard.n, 0);
  run_close(&o);
  return r;
}

/* ---- equal bits --------------------------------------------------------------------------------------------------------- */

static const struct {
  const char *arch;
  enum sp_type type;
  unsigned embd, ff, heads, kv_heads, head_dim, n;
  bool tied;
} models[] = {{"llama", SP_TYPES, 256, 256, 4, 2, 64, 40, true},
              {"qwen2", SP_Q5_0, 96, 160, 3, 1, 32, 140, true}, /* two tiles of rows */
              {"qwen3", SP_Q8_0, 64, 96, 2, 2, 128, 40, false}};
enum { MODELS = sizeof models / sizeof models[0] };

START_TEST(same_bits) {
  struct tiny_spec spec = small();
  const char *settings = policies[_i % POLICIES];
  int m = _i / POLICIES;
  struct heard heard = {0};
  spec.arch = models[m].arch, spec.type = models[m].type, spec.head_dim = models[m].head_dim, spec.heads = models[m].heads;
  spec.kv_heads = models[m].kv_heads, spec.tied = models[m].tied, spec.embd = models[m].embd, spec.ff = models[m].ff;
  char text[128];
  snprintf(text, sizeof text, "%s min-tokens=0 start=0.5 window=20 suffix=4 wake=0.01", settings);
  still_token *tokens = run_tokens(models[m].n, spec.vocab, 5);
  struct run wanted = on_cpu(&spec, text, tokens, models[m].n);
  ck_assert_uint_gt(wanted.n_woken, 0);
  struct opened o = open_heard(&spec, "device=cuda", &heard);
  struct run found = whole(o.model, text, tokens, models[m].n, &heard);
  run_same(&wanted, &found, settings);
  ck_assert_int_eq(heard.n, 0);
  run_close(&o);
  run_free(&wanted), run_free(&found), free(tokens);
}
END_TEST

/* How many graphs the driver has launched. */
static int replays(void) {
  struct sp_gpu gpu;
  char why[64];
  int n;
  ck_assert_int_eq(sp_gpu_describe(&gpu, 0, why, sizeof why), 0);
  ck_assert_int_eq(gpu.driver.attribute(&n, FAKE_REPLAYS, gpu.device), 0);
  return n;
}

/* Decoded rows go the same way again and again: below and above a gate, over the ends of tiles and of the room that lists have,
 * and after another question with another window. */
START_TEST(steps_are_kept) {
  static const char settings[] = "policy=query min-tokens=0 start=0.5 window=20 suffix=4 wake=0.01";
  struct tiny_spec spec = small();
  still_token *tokens = run_tokens(300, spec.vocab, 12);
  struct run run[2];
  for (int gpu = 0; gpu < 2; gpu++) {
    struct heard heard = {0};
    int before = replays();
    struct opened o = open_heard(&spec, gpu ? "device=cuda" : "device=none", &heard);
    still_session *session = session_heard(o.model, settings, &heard);
    ck_assert_int_eq(still_append(session, tokens, 110, NULL), STILL_OK);
    for (size_t question = 0; question < 2; question++) {
      ck_assert_msg(still_prefill(session, tokens + 110 + question, 10, NULL) == STILL_OK, "%s", still_session_error(session));
      for (size_t i = 0; i < 20; i++)
        ck_assert_msg(still_decode(session, tokens[130 + i]) == STILL_OK, "%s", still_session_error(session));
    }
    run[gpu] = run_take(session, o.model);
    ck_assert_int_eq(heard.n, 0);
    still_session_close(session);
    run_close(&o);
    if (gpu) ck_assert_int_ge(replays() - before, 40);
  }
  run_same(&run[0], &run[1], settings);
  run_free(&run[0]), run_free(&run[1]), free(tokens);
}
END_TEST

/* Every seam of a model of four layers, with gates below it, at it and above it, and queries from both of its sides; a limit of
 * memory makes a seam as well. */
static const char *const split_policies[] = {"policy=query gate-layers=3", "policy=delta every=1", "policy=block", "policy=dense",
                                             "policy=query every=2 gate-layers=2 panels=1"};
enum { LAYERS = 4, SPLITS = LAYERS - 1, SPLIT_POLICIES = sizeof split_policies / sizeof split_policies[0] };

START_TEST(any_split) {
  struct tiny_spec spec = small();
  char text[128], device[64];
  const char *settings = split_policies[_i / SPLITS];
  spec.layers = LAYERS;
  still_token *tokens = run_tokens(N, spec.vocab, 10);
  for (int start = 0; start < 4; start++) {
    struct heard heard = {0};
    snprintf(text, sizeof text, "%s min-tokens=0 start=0.%02d window=20 suffix=4 chunk=16 wake=0.01", settings, 25 * start);
    const char *panels = strstr(settings, "panels") ? " panels=1" : "";
    snprintf(device, sizeof device, "device=cuda gpu-layers=%d%s", 1 + _i % SPLITS, panels);
    struct run wanted = on_cpu(&spec, text, tokens, N);
    struct opened o = open_heard(&spec, device, &heard);
    struct run found = whole(o.model, text, tokens, N, &heard);
    run_same(&wanted, &found, text);
    ck_assert_int_eq(heard.n, 0);
    run_close(&o);
    run_free(&wanted), run_free(&found);
  }
  free(tokens);
}
END_TEST

struct brake { /* cancels the `left`-th time that it is asked */
  long left;
};

static int press(void *user, const still_progress *progress) {
  struct brake *brake = user;
  (void)progress;
  return --brake->left == 0;
}

/* A prefill that is cancelled at any step, the next chunk of it already below the seam, leaves nothing behind. */
START_TEST(cancelled_halves) {
  static const char settings[] = "policy=dense chunk=16";
  struct tiny_spec spec = small();
  struct heard heard = {0};
  still_token *tokens = run_tokens(N, spec.vocab, 12);
  struct run wanted = on_cpu(&spec, settings, tokens, N);
  struct opened o = open_heard(&spec, "device=cuda gpu-layers=1", &heard);
  still_settings *s = run_settings(settings);
  struct brake brake;
  still_hooks hooks = {.size = sizeof hooks, .user = &brake, .progress = press};
  still_session *session;
  long cancelled = 0;
  ck_assert_int_eq(still_session_open(o.model, s, &hooks, &session, NULL), STILL_OK);
  for (long n = 1; brake.left = n, still_prefill(session, tokens, N, NULL) != STILL_OK; n++, cancelled++) {
    brake.left = -1;
    ck_assert_int_eq(still_session_reset(session), STILL_OK);
    ck_assert_msg(still_prefill(session, tokens, N, NULL) == STILL_OK, "%s", still_session_error(session));
    ck_assert_int_eq(still_session_reset(session), STILL_OK);
  }
  ck_assert_int_ge(cancelled, 6);
  brake.left = -1;
  for (int i = 0; i < DECODED; i++) ck_assert_int_eq(still_decode(session, tokens[i]), STILL_OK);
  struct run found = run_take(session, o.model);
  run_same(&wanted, &found, settings);
  ck_assert_int_eq(heard.n, 0);
  still_session_close(session);
  still_settings_free(s);
  run_close(&o);
  run_free(&wanted), run_free(&found), free(tokens);
}
END_TEST

static uint64_t free_on_device(void) {
  struct sp_gpu gpu;
  char why[64];
  size_t left = 0;
  ck_assert_int_eq(sp_gpu_describe(&gpu, 0, why, sizeof why), 0);
  ck_assert_int_eq(sp_gpu_left(&gpu, &left), 0);
  return left;
}

/* What the plan says of the device is what a session takes there, for every seam, and all of it comes back. */
START_TEST(device_is_planned) {
  struct tiny_spec spec = small();
  char device[64];
  struct heard heard = {0};
  spec.layers = LAYERS;
  snprintf(device, sizeof device, "device=cuda gpu-layers=%d", _i + 1);
  still_token *tokens = run_tokens(N, spec.vocab, 11);
  uint64_t before = free_on_device();
  struct opened o = open_heard(&spec, device, &heard);
  still_session *session = session_heard(o.model, "min-tokens=0 start=0.5 window=20", &heard);
  still_settings *settings = run_settings("min-tokens=0 start=0.5 window=20");
  still_plan plan = {.size = sizeof plan};
  ck_assert_int_eq(still_model_plan(o.model, settings, N, &plan), STILL_OK);
  ck_assert_uint_eq(plan.device_layers, (unsigned)_i + 1);
  ck_assert_int_eq(still_prefill(session, tokens, N, NULL), STILL_OK);
  ck_assert_int_eq(still_decode(session, tokens[0]), STILL_OK);
  double taken = (double)(before - free_on_device()), planned = (double)plan.device;
  ck_assert_msg(planned > 0.95 * taken && planned < 1.05 * taken, "planned %.0f bytes, taken %.0f", planned, taken);
  still_session_close(session);
  run_close(&o);
  still_settings_free(settings), free(tokens);
  ck_assert_uint_eq(free_on_device(), before);
}
END_TEST

/* Less memory, fewer layers; too little for what was asked is an error under a device's name. */
START_TEST(memory_decides_the_seam) {
  struct tiny_spec spec = small();
  char device[64];
  uint64_t bytes[LAYERS + 1];
  struct heard heard = {0};
  spec.layers = LAYERS;
  for (unsigned l = 1; l <= LAYERS; l++) {
    still_plan plan = {.size = sizeof plan};
    snprintf(device, sizeof device, "device=cuda gpu-layers=%u ctx=100", l);
    struct opened o = open_heard(&spec, device, &heard);
    still_settings *settings = run_settings("ctx=100");
    ck_assert_int_eq(still_model_plan(o.model, settings, 100, &plan), STILL_OK);
    bytes[l] = plan.device;
    run_close(&o);
    snprintf(device, sizeof device, "device=cuda gpu-memory=%llu ctx=100", (unsigned long long)bytes[l]);
    o = open_heard(&spec, device, &heard);
    ck_assert_int_eq(still_model_plan(o.model, settings, 100, &plan), STILL_OK);
    ck_assert_uint_eq(plan.device_layers, l);
    run_close(&o);
    still_settings_free(settings);
  }
  /* chunks of all 4000 rows get narrower before a layer goes */
  still_settings *settings = run_settings("ctx=4000");
  still_plan plan = {.size = sizeof plan};
  struct opened o = open_heard(&spec, "device=cuda ctx=4000", &heard);
  ck_assert_int_eq(still_model_plan(o.model, settings, 4000, &plan), STILL_OK);
  uint64_t wide = plan.device;
  run_close(&o);
  snprintf(device, sizeof device, "device=cuda gpu-memory=%llu ctx=4000", (unsigned long long)wide - 1);
  o = open_heard(&spec, device, &heard);
  ck_assert_int_eq(still_model_plan(o.model, settings, 4000, &plan), STILL_OK);
  ck_assert_uint_eq(plan.device_layers, LAYERS);
  ck_assert_uint_lt(plan.device, wide);
  run_close(&o);
  still_settings_free(settings);
  snprintf(device, sizeof device, "device=auto gpu-layers=3 gpu-memory=%llu ctx=100", (unsigned long long)bytes[2]);
  o = open_heard(&spec, device, &heard);
  ck_assert_int_eq(heard.n, 1);
  ck_assert_msg(strstr(heard.last, "3 of 4 layers with a session of 100 tokens") != NULL, "%s", heard.last);
  run_close(&o);
}
END_TEST

/* ---- faults -------------------------------------------------------------------------------------------------------------- */

/* A device that fails at its N-th allocation, launch or wait, for N in steps until none is left to fail: every time the CPU's
 * bits and one line in the log. Sticky: it never answers again. */
static const struct {
  const char *words, *device;
  unsigned long step, least; /* how often it must have failed at the least */
} faults[] = {{"alloc=%lu", "device=auto", 7, 8}, {"launch=%lu", "device=auto", 17, 4}, {"graph=%lu", "device=auto", 1, 6},
              {"sync=%lu", "device=auto", 7, 4},
              {"launch=%lu sticky", "device=auto", 23, 3}, {"sync=%lu sticky", "device=auto", 11, 3},
              {"launch=%lu sticky", "device=auto gpu-layers=1", 13, 3}, {"alloc=%lu", "device=auto gpu-layers=1", 9, 4}};
enum { FAULTS = sizeof faults / sizeof faults[0] };

START_TEST(any_fault) {
  char settings[80];
  snprintf(settings, sizeof settings, "policy=query min-tokens=0 start=0.5 window=20 chunk=%d",
           strstr(faults[_i].device, "gpu-layers") ? 16 : 512);
  struct tiny_spec spec = small();
  still_token *tokens = run_tokens(N, spec.vocab, 6);
  struct run wanted = on_cpu(&spec, settings, tokens, N);
  struct heard heard;
  unsigned long n = 1, failed = 0;
  do {
    heard = (struct heard){0};
    tell(faults[_i].words, n);
    struct opened o = open_heard(&spec, faults[_i].device, &heard);
    struct run found = whole(o.model, settings, tokens, N, &heard);
    char what[64];
    snprintf(what, sizeof what, faults[_i].words, n);
    run_same(&wanted, &found, what);
    ck_assert_msg(heard.n <= 1, "%s: %d lines in the log, the last of them: %s", what, heard.n, heard.last);
    if (heard.n) ck_assert_msg(strstr(heard.last, "GPU 0 (Emulated GPU 0)") != NULL, "%s: %s", what, heard.last);
    run_close(&o);
    run_free(&found);
    failed += heard.n > 0;
    n += faults[_i].step;
  } while (heard.n);
  ck_assert_msg(failed >= faults[_i].least, "%s failed %lu times only", faults[_i].words, failed);
  run_free(&wanted), free(tokens);
}
END_TEST

static const struct {
  const char *words, *why;
  unsigned head_dim;
} unfit[] = {{"devices=0", "finds no GPU", 32}, {"stub", "stub", 32}, {"cc=70", "compute capability 7.0", 32},
             {"context", "no context", 32}, {"image", "this build has no code for it", 32}, {"memory=100000", "MiB are free", 32},
             {"cc=75", "more than its 64 KiB of shared memory", 256}};
enum { UNFIT = sizeof unfit / sizeof unfit[0] };

/* Auto goes on without a word but in the log; a device that was asked for by name is an error that says how to go on. */
START_TEST(unfit_device) {
  static const char settings[] = "policy=delta min-tokens=0 start=0.5";
  struct tiny_spec spec = small();
  spec.head_dim = unfit[_i].head_dim;
  still_token *tokens = run_tokens(N, spec.vocab, 7);
  struct run wanted = on_cpu(&spec, settings, tokens, N);
  struct heard heard = {0};
  tell(unfit[_i].words, 0);
  struct opened o = open_heard(&spec, "device=auto", &heard);
  struct run found = whole(o.model, settings, tokens, N, &heard);
  run_same(&wanted, &found, unfit[_i].words);
  ck_assert_int_eq(heard.n, 1);
  ck_assert_msg(strstr(heard.last, unfit[_i].why) != NULL, "%s: %s", unfit[_i].words, heard.last);
  char path[32];
  still_model *model;
  still_error error = {.size = sizeof error};
  still_settings *cuda = run_settings("device=cuda");
  snprintf(path, sizeof path, "/proc/self/fd/%d", o.file);
  ck_assert_int_eq(still_model_open(path, cuda, NULL, &model, &error), STILL_EDEVICE);
  ck_assert_msg(strstr(error.text, unfit[_i].why) && strstr(error.text, "--device none"), "%s", error.text);
  still_settings_free(cuda);
  run_close(&o);
  run_free(&wanted), run_free(&found), free(tokens);
}
END_TEST

/* The same with as many stages and tiles as a GPU has room for. */
START_TEST(any_capability) {
  static const char settings[] = "policy=query min-tokens=0 start=0.5 window=20";
  static const char *const words[] = {"cc=75", "cc=80", "cc=86", "cc=89", "cc=100", "cc=120"};
  struct tiny_spec spec = small();
  spec.head_dim = 128;
  still_token *tokens = run_tokens(N, spec.vocab, 13);
  struct run wanted = on_cpu(&spec, settings, tokens, N);
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    struct heard heard = {0};
    tell(words[i], 0);
    struct opened o = open_heard(&spec, "device=cuda", &heard);
    struct run found = whole(o.model, settings, tokens, N, &heard);
    run_same(&wanted, &found, words[i]);
    ck_assert_int_eq(heard.n, 0);
    run_close(&o);
    run_free(&found);
  }
  run_free(&wanted), free(tokens);
}
END_TEST

START_TEST(devices_are_described) {
  still_device d = {.size = sizeof d};
  tell("devices=2", 0);
  ck_assert_int_eq(still_devices(1, &d), STILL_OK);
  ck_assert_str_eq(d.name, "Emulated GPU 1");
  ck_assert_msg(d.usable && d.capability == 90 && d.memory_bytes == 1ul << 32 && !*d.why, "%s", d.why);
  ck_assert_int_eq(still_devices(2, &d), STILL_EARG);
  tell("cc=61", 0);
  ck_assert_int_eq(still_devices(0, &d), STILL_OK);
  ck_assert_msg(!d.usable && strstr(d.why, "7.5 is the least"), "%s", d.why);
  tell("devices=0", 0);
  ck_assert_int_eq(still_devices(0, &d), STILL_EARG);
  d.size = 4;
  ck_assert_int_eq(still_devices(0, &d), STILL_EARG);
}
END_TEST

/* ---- what goes on after a fault --------------------------------------------------------------------------------------- */

static int each_once(void *user, size_t position, const float *logits, size_t n_vocab) {
  size_t *next = user;
  (void)n_vocab;
  ck_assert_uint_eq(position, (*next)++);
  ck_assert(logits[0] == logits[0]);
  return 0;
}

/* A caller of still_score hears of every position once, in order, also when the device fails between two of them. */
START_TEST(scoring_hears_each_position_once) {
  struct tiny_spec spec = small();
  still_token *tokens = run_tokens(N, spec.vocab, 8);
  int failed = 0;
  for (unsigned long n = 20; n < 140; n += 13) {
    struct heard heard = {0};
    size_t next = 0;
    tell("launch=%lu", n);
    struct opened o = open_heard(&spec, "device=cuda", &heard);
    still_session *session = session_heard(o.model, "policy=dense", &heard);
    ck_assert_int_eq(still_score(session, tokens, N, 0, each_once, &next, NULL), STILL_OK);
    ck_assert_uint_ge(next, N - 1);
    failed += heard.n;
    still_session_close(session);
    run_close(&o);
  }
  ck_assert_int_gt(failed, 2);
  free(tokens);
}
END_TEST

/* A question about a text that waits: on `device`, after the state was saved there and loaded on `other`. */
static struct run question(const struct tiny_spec *spec, const char *device, const char *other, const char *fault,
                           const still_token *tokens) {
  static const char settings[] = "policy=delta min-tokens=0 start=0.5";
  char path[] = "/tmp/stillpoint-gpu-XXXXXX";
  struct heard heard = {0};
  struct opened a = open_heard(spec, device, &heard), b = open_heard(spec, other, &heard);
  int file = mkstemp(path);
  still_session *from = session_heard(a.model, settings, &heard), *to = session_heard(b.model, settings, &heard);
  ck_assert_int_eq(still_append(from, tokens, N - 10, NULL), STILL_OK);
  tell(fault, 0);
  ck_assert_msg(still_session_save(from, path) == STILL_OK, "%s", still_session_error(from));
  ck_assert_msg(still_session_load(to, path) == STILL_OK, "%s", still_session_error(to));
  ck_assert_msg(still_prefill(to, tokens + N - 10, 10, NULL) == STILL_OK, "%s", still_session_error(to));
  ck_assert_msg(heard.n == (*fault != 0), "%s: %d lines: %s", fault, heard.n, heard.last);
  struct run r = run_take(to, b.model);
  still_session_close(from), still_session_close(to);
  run_close(&a), run_close(&b);
  close(file), unlink(path);
  tell("", 0);
  return r;
}

static const struct {
  const char *from, *to, *fault;
} ways[] = {{"device=cuda", "device=none", ""}, {"device=none", "device=cuda", ""}, {"device=cuda", "device=cuda", ""},
            {"device=cuda", "device=none", "alloc=1"}, {"device=cuda", "device=none", "launch=1 sticky"},
            {"device=none", "device=cuda", "launch=2"}, {"device=none", "device=cuda", "alloc=3"},
            {"device=cuda gpu-layers=1", "device=none", ""}, {"device=none", "device=cuda gpu-layers=1", ""},
            {"device=cuda gpu-layers=1", "device=cuda gpu-layers=2", ""},
            {"device=cuda gpu-layers=2", "device=cuda gpu-layers=1", ""},
            {"device=cuda gpu-layers=1", "device=none", "launch=1 sticky"},
            {"device=none", "device=cuda gpu-layers=1", "launch=2"}};

START_TEST(states_go_both_ways) {
  struct tiny_spec spec = small();
  still_token *tokens = run_tokens(N, spec.vocab, 9);
  struct run wanted = question(&spec, "device=none", "device=none", "", tokens);
  struct run found = question(&spec, ways[_i].from, ways[_i].to, ways[_i].fault, tokens);
  run_same(&wanted, &found, ways[_i].from);
  run_free(&wanted), run_free(&found), free(tokens);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("gpu");
  TCase *tc[] = {tcase_create("bits"), tcase_create("faults"), tcase_create("after")};
  tell("", 0);
  tcase_add_loop_test(tc[0], same_bits, 0, MODELS * POLICIES);
  tcase_add_test(tc[0], steps_are_kept);
  tcase_add_loop_test(tc[0], any_split, 0, SPLITS * SPLIT_POLICIES);
  tcase_add_test(tc[0], cancelled_halves);
  tcase_add_loop_test(tc[0], device_is_planned, 0, LAYERS);
  tcase_add_test(tc[0], memory_decides_the_seam);
  tcase_add_loop_test(tc[1], any_fault, 0, FAULTS);
  tcase_add_loop_test(tc[1], unfit_device, 0, UNFIT);
  tcase_add_test(tc[1], any_capability);
  tcase_add_test(tc[1], devices_are_described);
  tcase_add_test(tc[2], scoring_hears_each_position_once);
  tcase_add_loop_test(tc[2], states_go_both_ways, 0, (int)(sizeof ways / sizeof ways[0]));
  for (int i = 0; i < 3; i++) {
    tcase_set_timeout(tc[i], 3000);
    suite_add_tcase(suite, tc[i]);
  }
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
