/*
 * kern.c - every kernel of every usable level against the reference, on memory between guard pages; exp2; the choice of a level.
 *
 * In:       kern [--shapes N] [--seed S] [--level NAME] [--kernel NAME], or kern --bench [KERNEL].
 * Out:      TAP, one test per level and kernel; with --bench a table of rates (kern_bench.c).
 * Not here: the cases (src/selftest_cases.c: the product runs the same ones).
 *
 * `make check` runs some hundred shapes per kernel, fewer under an emulator (EMULATOR); `kern --shapes 10000` is the bar for a
 * release.
 */
#ifdef HAVE_CONFIG_H
#include "build.h"
#endif
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined __x86_64__
#include <cpuid.h>
#endif
#include <sys/mman.h>
#include <unistd.h>
#include "kern.h"
#include "selftest.h"
#include "simd/cpu.h"

/* ---- TAP ---------------------------------------------------------------------------------------------------- */

static size_t n_tests;

static void ok(bool good, const char *name, const char *why) {
  printf("%s %zu - %s\n", good ? "ok" : "not ok", ++n_tests, name);
  if (!good) printf("# %s\n", why);
  fflush(stdout);
}

static void skip(const char *name, const char *why) {
  printf("ok %zu - %s # SKIP %s\n", ++n_tests, name, why);
}

/* ---- memory between guard pages ----------------------------------------------------------------------------- */

/* A place per buffer of a trial: a region of pages with PROT_NONE on both sides, mapped once. A buffer lies at the region's end,
 * or at its start, by turns, so that a step over either end is a fault; the margin on the other side, and what alignment leaves
 * free before the guard page, hold a pattern that must still be there when the buffer is released. */
enum { PLACES = SP_TRIAL_BUFFERS, PLACE_BYTES = 24 << 20, MARGIN = 64, PATTERN = 0xa5 };

struct guard {
  uint8_t *region[PLACES];
  uint8_t *buffer[PLACES]; /* NULL: free */
  uint64_t turn;
  size_t touched; /* buffers whose margin was written to */
};

static bool guard_open(struct guard *g) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE);
  for (size_t i = 0; i < PLACES; i++) {
    uint8_t *at = mmap(NULL, PLACE_BYTES + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED || mprotect(at + page, PLACE_BYTES, PROT_READ | PROT_WRITE) != 0) return false;
    g->region[i] = at + page;
  }
  return true;
}

/* The margins of a buffer inside its region: filled with the pattern, or looked at. */
static bool margins(uint8_t *region, uint8_t *buffer, size_t bytes, bool fill) {
  uint8_t *end = region + PLACE_BYTES, *first = buffer - region < MARGIN ? region : buffer - MARGIN;
  uint8_t *last = end - (buffer + bytes) < MARGIN ? end : buffer + bytes + MARGIN;
  bool whole = true;
  for (uint8_t *p = first; p < last; p++) {
    if (p == buffer) p += bytes;
    if (p >= last) break;
    if (fill) *p = PATTERN;
    whole = whole && *p == PATTERN;
  }
  return whole;
}

static void *guard_alloc(void *user, size_t bytes, size_t align) {
  struct guard *g = user;
  for (size_t i = 0; i < PLACES; i++) {
    if (g->buffer[i] != NULL || bytes > PLACE_BYTES) continue;
    bool at_end = (g->turn = g->turn * 6364136223846793005u + 1442695040888963407u) >> 63;
    size_t offset = at_end ? (PLACE_BYTES - bytes) / align * align : 0;
    g->buffer[i] = g->region[i] + offset;
    margins(g->region[i], g->buffer[i], bytes, true);
    return g->buffer[i];
  }
  return NULL;
}

static void guard_release(void *user, void *memory, size_t bytes) {
  struct guard *g = user;
  for (size_t i = 0; i < PLACES; i++) {
    if (g->buffer[i] != memory) continue;
    if (!margins(g->region[i], g->buffer[i], bytes, false)) g->touched++;
    g->buffer[i] = NULL;
    return;
  }
}

/* ---- the floating-point control word ------------------------------------------------------------------------ */

/* Rounding, exception masks, FTZ and DAZ; not the flags that arithmetic sets. */
static uint32_t fp_control(void) {
#if defined __x86_64__
  uint32_t mxcsr;
  uint16_t x87;
  __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
  __asm__ volatile("fnstcw %0" : "=m"(x87));
  return (mxcsr & 0xffc0) | (uint32_t)x87 << 16;
#elif defined __aarch64__
  uint64_t fpcr;
  __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
  return (uint32_t)fpcr;
#else
  return 0;
#endif
}

/* ---- tiles -------------------------------------------------------------------------------------------------- */

/* True if this thread has tile registers that are not in their initial state: the system would save 8 KB for them. */
static bool tiles_in_use(void) {
#if defined __x86_64__
  enum { XGETBV_IN_USE = 4, TILES = 0x60000 };
  unsigned a, b, c, d;
  if (!__get_cpuid_count(0xd, 1, &a, &b, &c, &d) || (a & XGETBV_IN_USE) == 0) return false;
  __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(1));
  return (a & TILES) != 0;
#else
  return false;
#endif
}

/* Level "amx" on emulated tiles, or NULL and why not. */
static const struct sp_kernels *emulated_amx(const char **why) {
#ifdef HAVE_ISA_VNNI
  static struct sp_kernels table;
  table = kern_amx;
  table.isa = "amx emulated";
  return sp_kernels_pick("vnni", why) == NULL ? NULL : &table;
#else
  *why = "not built";
  return NULL;
#endif
}

static bool emulated_in_use(void) {
#ifdef HAVE_ISA_VNNI
  return kern_amx_in_use();
#else
  return false;
#endif
}

/* ---- levels against the reference --------------------------------------------------------------------------- */

struct options {
  size_t shapes;
  uint64_t seed;
  const char *level, *kernel, *bench;
  bool benchmark;
};

static void test_kernel(const struct options *o, const struct sp_kernels *level, size_t which, struct guard *g) {
  struct sp_selftest_memory memory = {g, guard_alloc, guard_release};
  struct sp_error error = {STILL_OK, ""};
  char kernel[32], name[96];
  sp_selftest_name(which, kernel, sizeof kernel);
  if (o->kernel != NULL && strcmp(o->kernel, kernel) != 0) return;
  uint32_t control = fp_control();
  size_t touched = g->touched;
  still_status status = sp_selftest_case(which, level, o->seed, 0, o->shapes, &memory, &error);
  if (status == STILL_OK && g->touched != touched) {
    sp_fail(&error, status = STILL_EDEVICE, "%zu buffers were written to outside of their bounds", g->touched - touched);
  }
  if (status == STILL_OK && fp_control() != control) {
    sp_fail(&error, status = STILL_EDEVICE, "the floating-point control word was 0x%x and is 0x%x", control, fp_control());
  }
  if (status == STILL_OK && (tiles_in_use() || emulated_in_use())) {
    sp_fail(&error, status = STILL_EDEVICE, "tiles were left in use");
  }
  snprintf(name, sizeof name, "%s: %s equals ref on %zu shapes", level->isa, kernel, o->shapes);
  ok(status == STILL_OK, name, error.text);
}

static void test_levels(const struct options *o, struct guard *g) {
  size_t count;
  const struct sp_isa_level *levels = sp_isa_levels(&count);
  for (size_t i = 1; i < count; i++) {
    if (o->level != NULL && strcmp(o->level, levels[i].name) != 0) continue;
    const char *why = sp_isa_missing(i);
    if (why != NULL) {
      skip(levels[i].name, why);
      continue;
    }
    for (size_t which = 0; which < sp_selftest_cases(); which++) test_kernel(o, levels[i].table, which, g);
  }
}

/* The slots that use tiles, over tiles in C: on processors without them, and where they are because this is stricter. */
static void test_emulated(const struct options *o, struct guard *g) {
  static const enum sp_slot slots[] = {SP_SLOT_gemm, SP_SLOT_attn, SP_SLOT_mass};
  const char *why;
  const struct sp_kernels *level = emulated_amx(&why);
  if (o->level != NULL && strcmp(o->level, "amx") != 0) return;
  if (level == NULL) skip("amx emulated", why);
  for (size_t i = 0; level != NULL && i < sizeof slots / sizeof slots[0]; i++) test_kernel(o, level, slots[i], g);
}

/* ---- the harness itself ------------------------------------------------------------------------------------- */

static float sumsq_one_ulp_off(const float *x, size_t n) {
  return nextafterf(sp_kernels_ref.sumsq(x, n), INFINITY);
}

static void add_in_tens(float *y, const float *x, size_t n) { /* forgets a tail */
  sp_kernels_ref.add(y, x, n / 10 * 10);
}

static void order_keys_past_end(uint32_t *key, const float *x, size_t n) {
  sp_kernels_ref.order_keys(key, x, n);
  if (((uintptr_t)(key + n) & 4095) != 0) key[n] = 0; /* not onto the guard page: the margin must catch it */
}

/* Tables with one broken kernel each must be found out. */
static void test_harness(struct guard *g) {
  struct sp_selftest_memory memory = {g, guard_alloc, guard_release};
  struct sp_kernels broken = sp_kernels_ref;
  struct sp_error error = {STILL_OK, ""};
  broken.sumsq = sumsq_one_ulp_off;
  still_status status = sp_selftest_case(SP_SLOT_sumsq, &broken, 1, 0, 20, &memory, &error);
  ok(status == STILL_EDEVICE, "an error of one ulp is found", "it was not");
  broken.add = add_in_tens;
  status = sp_selftest_case(SP_SLOT_add, &broken, 1, 0, 20, &memory, &error);
  ok(status == STILL_EDEVICE, "a forgotten tail is found", "it was not");
  broken.order_keys = order_keys_past_end;
  size_t touched = g->touched;
  status = sp_selftest_case(SP_SLOT_order_keys, &broken, 1, 0, 20, &memory, &error);
  ok(status == STILL_OK && g->touched > touched, "a store past the end is found", "it was not");
}

/* ---- exp2 --------------------------------------------------------------------------------------------------- */

enum { EXP2_BATCH = 4096 };

/* Largest error, in ulps of the true result's binade, of the floats with bits first, first + step, .. up to `last` and of their
 * negatives. */
static double exp2_error(const struct sp_kernels *k, uint32_t first, uint32_t last, uint32_t step) {
  float x[EXP2_BATCH], y[EXP2_BATCH];
  double worst = 0;
  for (uint64_t bits = first; bits <= last;) {
    size_t n = 0;
    for (; n + 2 <= EXP2_BATCH && bits <= last; n += 2, bits += step) {
      uint32_t b = (uint32_t)bits;
      memcpy(&x[n], &b, sizeof b);
      x[n + 1] = -x[n];
    }
    k->exp2(y, x, n);
    for (size_t i = 0; i < n; i++) {
      double truth = exp2((double)x[i]), error = fabs(y[i] - truth) * (truth < 1 ? 0x1p24 : 0x1p23);
      if (!(error <= worst)) worst = error; /* a NaN shows, too */
    }
  }
  return worst;
}

/* The scaling by 2^n is exact: exp2(n + f) == exp2(f) * 2^n wherever n + f is exact. */
static size_t exp2_wrong_scales(const struct sp_kernels *k) {
  size_t wrong = 0;
  for (int n = -126; n <= 128; n++) {
    for (int eighth = -4; eighth <= 4; eighth++) {
      float f = (float)eighth / 8, x = (float)n + f, y, p;
      if (rintf(x) != (float)n || x < -126 || x >= 128) continue;
      k->exp2(&y, &x, 1);
      k->exp2(&p, &f, 1);
      if (y != ldexpf(p, n)) wrong++;
    }
  }
  return wrong;
}

static void test_exp2(const struct sp_kernels *k, uint32_t step) {
  char name[128], why[64];
  double worst = exp2_error(k, 0x3a000000, 0x3f000000, step), small = exp2_error(k, 0x00000000, 0x3a000000, 1009 * step);
  snprintf(name, sizeof name, "%s: exp2 is within 2 ulp of double on every float of 2^-11 <= |x| <= 1/2 by steps of %u", k->isa,
           step);
  snprintf(why, sizeof why, "the largest error is %.3f ulp", worst);
  ok(worst <= 2, name, why);
  printf("# the largest error is %.4f ulp\n", worst);
  snprintf(why, sizeof why, "the largest error is %.3f ulp", small);
  ok(small <= 1, "exp2 is within 1 ulp below that", why);
  snprintf(why, sizeof why, "%zu are not", exp2_wrong_scales(k));
  ok(exp2_wrong_scales(k) == 0, "exp2 scales exactly from 2^-126 to 2^128", why);
  const float x[] = {0, -0.0f, -126, nextafterf(-126, -200), -1000, -INFINITY, 128, 1e30f, nextafterf(128, 0)};
  float y[9];
  k->exp2(y, x, 9);
  bool good = y[0] == 1 && y[1] == 1 && y[2] == 0x1p-126f && y[3] == 0 && y[4] == 0 && y[5] == 0;
  good = good && isinf(y[6]) && isinf(y[7]) && isfinite(y[8]);
  ok(good, "exp2 is 1 at 0, 0 below -126, infinite from 128 on", "one of them is not");
}

/* ---- the choice of a level ---------------------------------------------------------------------------------- */

static void count_line(void *user, const char *line) {
  (void)line;
  ++*(size_t *)user;
}

static void test_choice(void) {
  const char *why = NULL;
  size_t count, lines = 0;
  const struct sp_isa_level *levels = sp_isa_levels(&count);
  bool ref = count >= 1 && levels[0].table == &sp_kernels_ref && sp_isa_missing(0) == NULL;
  ok(ref, "ref is level 0 and runs everywhere", "it is not");
  ok(sp_kernels_pick("abacus", &why) == NULL && why != NULL, "an unknown level is refused with a reason", "it was not");
  const struct sp_kernels *best = sp_kernels_pick("auto", &why);
  ok(best != NULL && why == NULL, "auto finds a level", why != NULL ? why : "none");
  bool agree = true;
  for (size_t i = 0; i < count; i++) {
    const char *missing = sp_isa_missing(i);
    const struct sp_kernels *table = sp_kernels_pick(levels[i].name, &why);
    agree = agree && (missing == NULL ? table == levels[i].table && why == NULL : table == NULL && why != NULL);
    if (missing == NULL) agree = agree && strcmp(table->isa, levels[i].name) == 0;
  }
  ok(agree, "a level is picked by name exactly when nothing is missing", "one is not");
  ok(strcmp(sp_isa_missing(count), "no such level") == 0, "past the last level there is none", "there is");
  const char *lacks = sp_cpu_lacks(~SP_CPU_BIT(AVX512_STATE), SP_CPU_BIT(AVX512F) | SP_CPU_BIT(AVX512_STATE));
  bool named = lacks != NULL && strstr(lacks, "does not save") != NULL;
  ok(named, "registers that the system does not save are named", "they are not");
  still_error error = {.size = sizeof error};
  still_status status = still_selftest("ref", 7, count_line, &lines, &error);
  ok(status == STILL_OK && lines == sp_selftest_cases(), "the public self-test has a line for each case", error.text);
  status = still_selftest("abacus", 7, NULL, NULL, &error);
  ok(status == STILL_EDEVICE && error.text[0] != 0, "and refuses an unknown level", "it did not");
}

/* ---- the float path's product ------------------------------------------------------------------------------- */

/* Against sums in double, with leading dimensions larger than the rows: the error of a sum of k products is within k half ulps of
 * its parts. */
static void test_blas(void) {
  enum { M = 7, N = 5, K = 33, LDA = 40, LDB = 35, LDC = 6 };
  const char *what, *name = "sgemm agrees with sums in double and leaves gaps alone";
  float a[M * LDA], b[N * LDB], c[M * LDC];
  if (!sp_blas_available(&what)) {
    skip(name, what);
    return;
  }
  for (int i = 0; i < M * LDA; i++) a[i] = (float)((i * 37) % 101 - 50) / 64;
  for (int i = 0; i < N * LDB; i++) b[i] = (float)((i * 53) % 97 - 48) / 64;
  for (int i = 0; i < M * LDC; i++) c[i] = 77;
  sp_blas_gemm(M, N, K, a, LDA, b, LDB, c, LDC);
  bool good = true;
  for (int i = 0; i < M; i++) {
    double sum = 0, bound = 0;
    for (int j = 0; j < LDC; j++, sum = 0, bound = 0) {
      for (int e = 0; j < N && e < K; e++) {
        sum += (double)a[i * LDA + e] * b[j * LDB + e];
        bound += fabs((double)a[i * LDA + e] * b[j * LDB + e]) * K * 0x1p-24;
      }
      good = good && (j < N ? fabs(c[i * LDC + j] - sum) <= bound : c[i * LDC + j] == 77);
    }
  }
  ok(good, name, what);
  printf("# %s\n", what);
}

/* ---- main --------------------------------------------------------------------------------------------------- */

static bool read_options(struct options *o, int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    const char *value = i + 1 < argc ? argv[i + 1] : NULL;
    if (strcmp(argv[i], "--bench") == 0) {
      o->benchmark = true;
      if (value != NULL) o->bench = argv[++i];
      continue;
    }
    if (value == NULL) return false;
    if (strcmp(argv[i], "--shapes") == 0) {
      o->shapes = (size_t)strtoul(value, NULL, 10);
    } else if (strcmp(argv[i], "--seed") == 0) {
      o->seed = strtoull(value, NULL, 0);
    } else if (strcmp(argv[i], "--level") == 0) {
      o->level = value;
    } else if (strcmp(argv[i], "--kernel") == 0) {
      o->kernel = value;
    } else {
      return false;
    }
    i++;
  }
  return true;
}

int main(int argc, char **argv) {
  static struct guard g = {.turn = 1};
  const char *emulator = getenv("EMULATOR"); /* make check exports it: what takes seconds on a processor may take minutes there */
  const bool slow = emulator != NULL && emulator[0] != 0;
  struct options o = {.shapes = slow ? 60 : 400, .seed = 20240229};
  if (!read_options(&o, argc, argv)) {
    fprintf(stderr, "usage: kern [--shapes N] [--seed S] [--level NAME] [--kernel NAME] | kern --bench [KERNEL]\n");
    return 2;
  }
  if (o.benchmark) return kern_bench(o.bench);
  const char *why;
  if (!guard_open(&g)) {
    printf("Bail out! no memory for guard pages\n");
    return 1;
  }
  printf("# seed %llu, %zu shapes per kernel\n", (unsigned long long)o.seed, o.shapes);
  if (o.level == NULL && o.kernel == NULL) {
    test_choice();
    test_harness(&g);
    test_blas();
    test_exp2(sp_kernels_pick("auto", &why), slow ? 61 : 1);
  }
  test_levels(&o, &g);
  test_emulated(&o, &g);
  printf("1..%zu\n", n_tests);
  return 0;
}
