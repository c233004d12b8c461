/*
 * selftest.h - every kernel of every level against the reference, bit for bit, on random shapes and extreme values.
 *
 * In:       a level, a case, a seed, memory.  Out: equal, or a sentence that names kernel, level, seed, shape and the first
 *           difference.
 * Not here: exhaustive proofs and speed (tests/kern), equality of whole prefills (digests).
 *
 * The product carries this test, so that a user can ask a machine that nobody else has. The same cases run in tests/kern on
 * memory between guard pages: the allocator is the caller's.
 */
#ifndef SP_SELFTEST_H
#define SP_SELFTEST_H

#include "quant.h"
#include "status.h"

/* Memory of one trial. `alloc` gives bytes (maybe 0) aligned to `align`, a power of two up to 64. Sizes are exact, nothing is
 * rounded up. */
struct sp_selftest_memory {
  void *user;
  void *(*alloc)(void *user, size_t bytes, size_t align);
  void (*release)(void *user, void *memory, size_t bytes);
};

/* The cases: one per slot of the table, then dequant and dot once per tensor type. */
size_t sp_selftest_cases(void);
/* Writes the name of a case: "gemm", "dot Q4_K". */
void sp_selftest_name(size_t which, char *name, size_t bytes);
/* Trials [first, first + trials) of a case on `level`. Trial i depends on seed, case and i alone. STILL_EDEVICE at the first
 * difference. */
still_status sp_selftest_case(size_t which, const struct sp_kernels *level, uint64_t seed, size_t first, size_t trials,
                              const struct sp_selftest_memory *memory, struct sp_error *error);

/* ---- between selftest.c and selftest_cases.c ---- */

enum { SP_TRIAL_BUFFERS = 32 };

/* One random shape of one kernel. */
struct sp_trial {
  const struct sp_kernels *level;
  const struct sp_selftest_memory *memory;
  enum sp_type type;  /* of the dequant and dot cases */
  uint64_t random;    /* state of the generator */
  struct {
    void *memory;
    size_t bytes;
  } held[SP_TRIAL_BUFFERS];
  size_t n_held;
  bool no_memory;
  char shape[160], difference[160]; /* difference: "" while equal */
};

typedef void (*sp_trial_fn)(struct sp_trial *t);
extern const sp_trial_fn sp_trial_cases[SP_SLOTS];

/* An output twice, with the same bytes before the kernels run: bytes that differ afterwards, in gaps and margins too, are an
 * error. */
struct sp_twin {
  void *ref, *level;
};

uint64_t sp_draw(struct sp_trial *t);                               /* 64 random bits */
size_t sp_draw_size(struct sp_trial *t, size_t least, size_t most); /* both included */
size_t sp_draw_length(struct sp_trial *t);                          /* 1..3000, mostly short, so that tails are met often */
/* Fill with random numbers of one kind: around 1, of all exponents down to subnormal ones, mostly zeros of both signs, tiny, or
 * huge. */
void sp_draw_floats(struct sp_trial *t, float *x, size_t n);
void sp_draw_range(struct sp_trial *t, float *x, size_t n, float least, float most); /* uniform */
void sp_draw_bytes(struct sp_trial *t, void *p, size_t bytes);
void sp_draw_int8(struct sp_trial *t, int8_t *q, size_t n); /* -127..127 */

/* Memory that lives as long as the trial; NULL and t->no_memory when there is none. */
void *sp_hold(struct sp_trial *t, size_t count, size_t size, size_t align);
struct sp_twin sp_hold_twin(struct sp_trial *t, size_t count, size_t size, size_t align); /* random bytes in both */
void sp_same(struct sp_trial *t, struct sp_twin *twin, size_t bytes); /* copies ref's content to level's */
/* Notes a difference between count elements of `size` bytes. */
void sp_compare(struct sp_trial *t, const char *what, const void *ref, const void *level, size_t count, size_t size);
void sp_shape(struct sp_trial *t, const char *format, ...) SP_PRINTF(2, 3);

#endif
