/*
 * attempt.h - opening a model file in a test, with the checks that hold for every file.
 *
 * In:       a path or bytes.  Out: the status, the sentence in tried.error.
 * Not here: what a test expects of the file.
 *
 * Every attempt checks that a status goes with a sentence which says how to go on, that nothing is left allocated, and that a
 * refused file gives no handle. An opened file is walked: every value read, both ends of every tensor's data.
 */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include "src/config.h"
#include "tests/tiny.h"

extern struct sp_ctx tried; /* the context of the last attempt: tried.error.text is its sentence */

still_status attempt(const char *path, bool map);
/* With the caller's hooks (may be NULL), and the config read as well. */
still_status attempt_with(const still_hooks *hooks, const char *path, bool map, bool with_config);
still_status attempt_bytes(struct tiny_bytes *file, bool map); /* releases the bytes */

/* Three models of 14 to 30 kB: every architecture, both vocabularies, whole and scaled RoPE, GGUF 2 and 3. which: 0..2. */
struct tiny_spec attempt_spec(int which);

/* A key whose value is an integer of so many bytes; a tensor's entry of two dimensions. */
void attempt_key(struct tiny_gguf *g, const char *name, unsigned type, uint64_t bits, unsigned width);
void attempt_tensor(struct tiny_gguf *g, const char *name, uint32_t type, uint64_t k, uint64_t n, uint64_t offset);

#endif
