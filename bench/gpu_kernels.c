/*
 * gpu_kernels.c - rates of the GPU kernels that take the time of a prefill, by themselves.
 *
 * In:       GPU 0.  Out: a line a shape: median seconds of 20 launches, and operations a second (a multiply and an add are two).
 * Not here: whether they are right (tests/cuda).
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/cuda/device.h"
#include "tests/tiny.h"

static struct device device;
static uint64_t state = 1;

static void *random_bytes(size_t n) {
  uint64_t *x = malloc(n + 8);
  for (size_t i = 0; i < n / 8 + 1; i++) x[i] = tiny_random(&state);
  void *at = device_up(&device, x, n);
  free(x);
  return at;
}

/* Around `middle`. */
static float *random_floats(size_t n, float middle) {
  float *x = malloc(n * sizeof *x), *at;
  for (size_t i = 0; i < n; i++) x[i] = middle * (1 + (float)(tiny_random(&state) % 1000) / 1000);
  at = device_up(&device, x, n * sizeof *x);
  free(x);
  return at;
}

static void report(const char *what, double seconds, double operations, double bytes) {
  printf("%-44s %9.3f ms %8.1f Tops/s %8.2f TB/s\n", what, seconds * 1e3, operations / seconds / 1e12, bytes / seconds / 1e12);
  fflush(stdout);
  device_release(&device);
}

static void time_gemm(size_t rows, size_t n, size_t k, enum sp_gpu_mode mode, int add) {
  size_t width = mode == SP_GPU_PAIRS ? n / 2 : n, tiles;
  enum sp_gpu_kernel kernel = sp_gpu_multiplier(&device.gpu, rows, n, &tiles);
  struct sp_gpu_gemm job = {.x = random_bytes(rows * k), .w = random_bytes((n + 127) / 128 * 128 * k),
                            .sx = random_floats(rows, 1e-3f), .sw = random_floats(n, 1e-3f),
                            .y = add ? NULL : device_alloc(&device, rows * width * 4),
                            .sum = add ? random_floats(rows * width, 1) : NULL, .rows = (uint32_t)rows,
                            .n = (uint32_t)n, .kp = (uint32_t)k, .ldy = (uint32_t)width, .mode = mode};
  char what[80];
  snprintf(what, sizeof what, "multiply%s %zu x %zu x %zu", mode == SP_GPU_PAIRS ? " pairs" : add ? " and add" : "", rows, n, k);
  report(what, device_time(&device, kernel, &job, tiles, 1, 20), 2.0 * (double)rows * (double)n * (double)k,
         (double)rows * (double)width * 4);
}

static void time_attend(size_t keys, size_t n, size_t H, size_t G, size_t d) {
  size_t dk = SP_GPU_HEAD(d), at = keys - n;
  struct sp_gpu_attend job = {.q = random_bytes(n * H * dk), .k = random_bytes(G * keys * dk), .v = random_bytes(G * keys * dk),
                              .sq = random_floats(n * H, 1e-5f), .sk = random_floats(G * keys, 1),
                              .sv = random_floats(G * keys, 1e-2f), .y = device_alloc(&device, n * H * d * 4),
                              .m = device_alloc(&device, n * H * 4),
                              .l = device_alloc(&device, n * H * 4), .n = (uint32_t)n, .at = (uint32_t)at, .cap = (uint32_t)keys,
                              .heads = (uint32_t)H, .kv_heads = (uint32_t)G, .d = (uint32_t)d};
  double pairs = ((double)at + (double)keys) / 2 * (double)n * (double)H;
  char what[80];
  snprintf(what, sizeof what, "attend %zu rows of %zu, %zu/%zu heads of %zu", n, keys, H, G, d);
  report(what, device_time(&device, SP_GPU_ATTEND(dk), &job, (keys - 1) / 64 - at / 64 + 1, H, 20), 4.0 * (double)d * pairs, 0);
}

static void time_quantise(size_t n, size_t k, int norm) {
  struct sp_gpu_quantise job = {.x = random_floats(n * k, 1), .norm = norm ? random_floats(k, 1) : NULL,
                                .q = device_alloc(&device, (n + 127) / 128 * 128 * k), .scale = device_alloc(&device, n * 4),
                                .bad = device_alloc(&device, 4), .n = (uint32_t)n, .k = (uint32_t)k,
                                .block = 256, .eps = 1e-6f};
  char what[80];
  snprintf(what, sizeof what, "quantise%s %zu x %zu", norm ? " with norm" : "", n, k);
  report(what, device_time(&device, norm ? SP_GPU_sp_gpu_norm_rows : SP_GPU_sp_gpu_quantise_rows, &job,
                           (n * SP_GPU_SHARE(k) + 7) / 8, 1, 20), 0,
         5.0 * (double)n * (double)k);
}

static void time_heads(size_t n, size_t H, size_t G, size_t d) {
  size_t wide = (H + 2 * G) * d, dk = SP_GPU_HEAD(d);
  uint32_t *position = calloc(n, 4);
  for (size_t i = 0; i < n; i++) position[i] = (uint32_t)i;
  struct sp_gpu_heads job = {
      .qkv = random_floats(n * wide, 1), .position = device_up(&device, position, n * 4), .c = random_floats(n * d / 2, 1),
      .s = random_floats(n * d / 2, 1), .shift = random_floats(G * d, 1), .balance = random_floats(G * d, 1),
      .inverse_balance = random_floats(G * d, 1), .q = device_alloc(&device, n * H * dk), .k = device_alloc(&device, G * n * dk),
      .v = device_alloc(&device, G * n * dk), .sq = device_alloc(&device, n * H * 4), .sk = device_alloc(&device, G * n * 4),
      .sv = device_alloc(&device, G * n * 4), .bad = device_alloc(&device, 4), .n = (uint32_t)n, .cap = (uint32_t)n,
      .heads = (uint32_t)H, .kv_heads = (uint32_t)G, .d = (uint32_t)d, .block = (uint32_t)(d & (~d + 1)),
      .half = (uint32_t)d / 2, .scale = 0.1f};
  char what[80];
  snprintf(what, sizeof what, "prepare heads %zu rows, %zu/%zu of %zu", n, H, G, d);
  report(what, device_time(&device, SP_GPU_PREPARE(dk), &job, (SP_GPU_TASKS(n, H, G, dk) + 7) / 8, 1, 20), 0,
         (double)n * ((double)wide * 5));
  free(position);
}

static void time_mass(size_t keys, size_t H, size_t G, size_t d) {
  size_t dk = SP_GPU_HEAD(d), window = 64;
  struct sp_gpu_mass job = {.q = random_bytes(window * H * dk), .k = random_bytes(G * keys * dk),
                            .sq = random_floats(window * H, 1e-5f), .m = random_floats(window * H, 20),
                            .l = random_floats(window * H, 9), .sk = random_floats(G * keys, 1),
                            .per = device_alloc(&device, H * keys * 4), .rows = (uint32_t)keys, .window = (uint32_t)window,
                            .window_from = (uint32_t)(keys - window), .cap = (uint32_t)keys, .heads = (uint32_t)H,
                            .kv_heads = (uint32_t)G};
  char what[80];
  snprintf(what, sizeof what, "mass of %zu rows of %zu, %zu/%zu of %zu", window, keys, H, G, d);
  report(what, device_time(&device, SP_GPU_MASS(dk), &job, keys / SP_GPU_TILE, H, 20),
         2.0 * (double)d * (double)(keys * window * H), 0);
}

int main(void) {
  char why[256];
  if (!device_open(&device, why, sizeof why)) {
    printf("no GPU: %s\n", why);
    return 77;
  }
  printf("%s\n", device.gpu.name);
  time_gemm(8192, 18944, 3584, SP_GPU_PLAIN, 0);
  time_gemm(8192, 37888, 3584, SP_GPU_PAIRS, 0);
  time_gemm(8192, 3584, 18944, SP_GPU_PLAIN, 1);
  time_gemm(8192, 3584, 3584, SP_GPU_PLAIN, 1);
  time_gemm(8192, 9728, 896, SP_GPU_PAIRS, 0);
  time_gemm(8192, 896, 4864, SP_GPU_PLAIN, 1);
  time_gemm(8192, 896, 896, SP_GPU_PLAIN, 1);
  time_gemm(8192, 17920, 1536, SP_GPU_PAIRS, 0);
  time_gemm(8192, 1536, 8960, SP_GPU_PLAIN, 1);
  time_gemm(8192, 1536, 1536, SP_GPU_PLAIN, 1);
  time_gemm(2048, 17920, 1536, SP_GPU_PAIRS, 0);
  time_gemm(2048, 1536, 8960, SP_GPU_PLAIN, 1);
  time_gemm(2731, 9728, 896, SP_GPU_PAIRS, 0);
  time_gemm(2731, 896, 4864, SP_GPU_PLAIN, 1);
  time_gemm(2731, 896, 896, SP_GPU_PLAIN, 1);
  time_gemm(2731, 17920, 1536, SP_GPU_PAIRS, 0);
  time_gemm(2731, 1536, 8960, SP_GPU_PLAIN, 1);
  time_attend(16384, 8192, 28, 4, 128);
  time_attend(8192, 8192, 12, 2, 128);
  time_attend(16384, 8192, 14, 2, 64);
  time_attend(4096, 4096, 8, 2, 256);
  time_quantise(8192, 3584, 1);
  time_quantise(8192, 18944, 0);
  time_quantise(8192, 8960, 0);
  time_quantise(8192, 1536, 1);
  time_quantise(8192, 4864, 0);
  time_quantise(8192, 896, 1);
  time_heads(8192, 28, 4, 128);
  time_heads(8192, 12, 2, 128);
  time_heads(8192, 14, 2, 64);
  time_mass(8192, 28, 4, 128);
  time_mass(8192, 14, 2, 64);
  device_close(&device);
  return 0;
}
