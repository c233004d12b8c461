/*
 * selftest.c - runs the cases of selftest_cases.c: random numbers, memory, comparison, sentences.
 *
 * In:       selftest.h.  Out: a status; one line per kernel and level through the public still_selftest.
 * Not here: what a kernel is given (selftest_cases.c).
 */
#include "selftest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- random numbers ----------------------------------------------------------------------------------------- */

/* splitmix64 */
uint64_t sp_draw(struct sp_trial *t) {
  uint64_t z = t->random += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

size_t sp_draw_size(struct sp_trial *t, size_t least, size_t most) {
  return least + (size_t)(sp_draw(t) % (most - least + 1));
}

size_t sp_draw_length(struct sp_trial *t) {
  static const size_t most[8] = {16, 16, 40, 40, 80, 300, 300, 3000};
  return sp_draw_size(t, 1, most[sp_draw(t) % 8]);
}

static float draw_unit(struct sp_trial *t) { /* [0, 1) */
  return (float)(sp_draw(t) >> 40) * 0x1p-24f;
}

void sp_draw_range(struct sp_trial *t, float *x, size_t n, float least, float most) {
  for (size_t i = 0; i < n; i++) x[i] = least + (most - least) * draw_unit(t);
}

static float draw_normal(struct sp_trial *t) {
  return 2 * draw_unit(t) - 1;
}

/* Any float of magnitude below 2^100, subnormal ones and zero among them. */
static float draw_any(struct sp_trial *t) {
  uint64_t r = sp_draw(t);
  uint32_t bits = (uint32_t)(r % 227) << 23 | (uint32_t)(r >> 40 & 0x7fffff) | (uint32_t)(r >> 63) << 31;
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static float draw_zero(struct sp_trial *t) {
  uint64_t r = sp_draw(t);
  return r % 16 == 0 ? draw_normal(t) : r & 16 ? -0.0f : 0.0f;
}

static float draw_tiny(struct sp_trial *t) { /* a row of them counts as zero */
  return draw_normal(t) * 0x1p-101f;
}

static float draw_huge(struct sp_trial *t) {
  return draw_normal(t) * 1e30f;
}

static float draw_one(struct sp_trial *t) { /* ties: few distinct values */
  return (float)(int)(sp_draw(t) % 5) - 2;
}

void sp_draw_floats(struct sp_trial *t, float *x, size_t n) {
  static float (*const kinds[8])(struct sp_trial *) = {draw_normal, draw_normal, draw_normal, draw_any,
                                                       draw_zero,   draw_tiny,   draw_huge,   draw_one};
  float (*kind)(struct sp_trial *) = kinds[sp_draw(t) % 8];
  for (size_t i = 0; i < n; i++) x[i] = kind(t);
}

void sp_draw_bytes(struct sp_trial *t, void *p, size_t bytes) {
  uint8_t *to = p;
  for (size_t i = 0; i < bytes; i += 8) {
    uint64_t r = sp_draw(t);
    memcpy(to + i, &r, bytes - i < 8 ? bytes - i : 8);
  }
}

void sp_draw_int8(struct sp_trial *t, int8_t *q, size_t n) {
  bool extreme = sp_draw(t) % 4 == 0; /* only -127 and 127: the sums that come nearest to a limit */
  for (size_t i = 0; i < n; i++) {
    uint64_t r = sp_draw(t);
    q[i] = (int8_t)(extreme ? (r & 1) != 0 ? 127 : -127 : (int)(r % 255) - 127);
  }
}

/* ---- memory and comparison ---------------------------------------------------------------------------------- */

void *sp_hold(struct sp_trial *t, size_t count, size_t size, size_t align) {
  void *memory = NULL;
  if (!t->no_memory && t->n_held < SP_TRIAL_BUFFERS) memory = t->memory->alloc(t->memory->user, count * size, align);
  if (memory == NULL) {
    t->no_memory = true;
    return NULL;
  }
  t->held[t->n_held].memory = memory;
  t->held[t->n_held++].bytes = count * size;
  return memory;
}

static void let_go(struct sp_trial *t) {
  for (size_t i = 0; i < t->n_held; i++) t->memory->release(t->memory->user, t->held[i].memory, t->held[i].bytes);
  t->n_held = 0;
}

struct sp_twin sp_hold_twin(struct sp_trial *t, size_t count, size_t size, size_t align) {
  struct sp_twin twin = {sp_hold(t, count, size, align), sp_hold(t, count, size, align)};
  if (t->no_memory) return twin;
  sp_draw_bytes(t, twin.ref, count * size);
  sp_same(t, &twin, count * size);
  return twin;
}

void sp_same(struct sp_trial *t, struct sp_twin *twin, size_t bytes) {
  if (!t->no_memory) memcpy(twin->level, twin->ref, bytes);
}

void sp_shape(struct sp_trial *t, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(t->shape, sizeof t->shape, format, arguments);
  va_end(arguments);
}

/* The bytes of an element as a number, for the sentence. */
static unsigned long long element(const uint8_t *p, size_t size) {
  uint64_t value = 0;
  for (size_t i = size; i-- > 0;) value = value << 8 | p[i];
  return value;
}

void sp_compare(struct sp_trial *t, const char *what, const void *ref, const void *level, size_t count, size_t size) {
  const uint8_t *a = ref, *b = level;
  if (t->difference[0] != 0 || memcmp(a, b, count * size) == 0) return;
  size_t i = 0;
  while (memcmp(a + i * size, b + i * size, size) == 0) i++;
  snprintf(t->difference, sizeof t->difference, "%s[%zu] is 0x%0*llx instead of 0x%0*llx", what, i, (int)(2 * size),
           element(b + i * size, size), (int)(2 * size), element(a + i * size, size));
}

/* ---- cases -------------------------------------------------------------------------------------------------- */

static const char *const slot_names[SP_SLOTS] = {
#define NAME(result, name, parameters) #name,
  SP_SLOT_LIST(NAME)
#undef NAME
  "dequant", "dot",
};

size_t sp_selftest_cases(void) {
  return SP_SLOT_dequant + 2 * SP_TYPES;
}

/* Cases after the slots are dequant of each type, then dot of each type. */
static enum sp_slot slot_of(size_t which, enum sp_type *type) {
  *type = SP_F32;
  if (which < SP_SLOT_dequant) return (enum sp_slot)which;
  which -= SP_SLOT_dequant;
  *type = (enum sp_type)(which % SP_TYPES);
  return which < SP_TYPES ? SP_SLOT_dequant : SP_SLOT_dot;
}

void sp_selftest_name(size_t which, char *name, size_t bytes) {
  enum sp_type type;
  enum sp_slot slot = slot_of(which, &type);
  bool typed = slot == SP_SLOT_dequant || slot == SP_SLOT_dot;
  snprintf(name, bytes, "%s%s%s", slot_names[slot], typed ? " " : "", typed ? sp_quants[type].name : "");
}

still_status sp_selftest_case(size_t which, const struct sp_kernels *level, uint64_t seed, size_t first, size_t trials,
                              const struct sp_selftest_memory *memory, struct sp_error *error) {
  char name[32];
  sp_selftest_name(which, name, sizeof name);
  for (size_t i = first; i < first + trials; i++) {
    struct sp_trial t = {.level = level, .memory = memory, .random = seed};
    t.random = sp_draw(&t) ^ (uint64_t)which << 32 ^ i;
    sp_draw(&t);
    sp_trial_cases[slot_of(which, &t.type)](&t);
    let_go(&t);
    if (t.no_memory) return sp_fail(error, STILL_ENOMEM, "no memory for the self-test of kernel %s (%s)", name, t.shape);
    if (t.difference[0] != 0) {
      return sp_fail(error, STILL_EDEVICE,
                     "kernel %s of level %s differs from the reference: %s (seed %llu, trial %zu: %s); use a weaker level and "
                     "report it",
                     name, level->isa, t.difference, (unsigned long long)seed, i, t.shape);
    }
  }
  return STILL_OK;
}

/* ---- the public call ---------------------------------------------------------------------------------------- */

/* The self-test has no handle, hence no allocator of the caller's: it uses the C library's. */
static void *plain_alloc(void *user, size_t bytes, size_t align) {
  (void)user;
  void *memory = NULL;
  return posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, bytes > 0 ? bytes : 1) == 0 ? memory : NULL;
}

static void plain_release(void *user, void *memory, size_t bytes) {
  (void)user, (void)bytes;
  free(memory);
}

static still_status test_level(const struct sp_kernels *level, uint64_t seed, still_line_fn line, void *user,
                               struct sp_error *error) {
  enum { TRIALS = 48 }; /* shapes per kernel: about two seconds a level */
  static const struct sp_selftest_memory plain = {NULL, plain_alloc, plain_release};
  for (size_t i = 0; i < sp_selftest_cases(); i++) {
    char name[32], text[96];
    SP_TRY(sp_selftest_case(i, level, seed, 0, TRIALS, &plain, error));
    sp_selftest_name(i, name, sizeof name);
    snprintf(text, sizeof text, "%s %s: %d shapes equal", level->isa, name, TRIALS);
    if (line != NULL) line(user, text);
  }
  return STILL_OK;
}

static still_status run(const char *isa, uint64_t seed, still_line_fn line, void *user, struct sp_error *error) {
  const char *why;
  if (isa == NULL) return sp_fail(error, STILL_EARG, "the name of an instruction set level is missing; \"auto\" takes all");
  if (strcmp(isa, "auto") != 0) {
    const struct sp_kernels *level = sp_kernels_pick(isa, &why);
    if (level == NULL) {
      return sp_fail(error, STILL_EDEVICE, "level %s cannot be tested: %s; stillpoint cpu lists the levels", isa, why);
    }
    return test_level(level, seed, line, user, error);
  }
  size_t count;
  const struct sp_isa_level *levels = sp_isa_levels(&count);
  for (size_t i = 0; i < count; i++) {
    if (sp_isa_missing(i) == NULL) SP_TRY(test_level(levels[i].table, seed, line, user, error));
  }
  return STILL_OK;
}

still_status still_selftest(const char *isa, uint64_t seed, still_line_fn line, void *user, still_error *error) {
  struct sp_error e = {STILL_OK, ""};
  still_status status = run(isa, seed, line, user, &e);
  if (error != NULL && error->size >= sizeof *error) {
    error->status = status;
    memcpy(error->text, e.text, sizeof error->text);
  }
  return status;
}
