/*
 * states.h - a folder for state files, and a session so small that a test may try every bit of its state.
 *
 * In:       settings.  Out: sessions; files and their bytes.
 * Not here: what is expected of them.
 */
#ifndef TEST_STATES_H
#define TEST_STATES_H

#include "tests/run.h"

enum { STATES_VOCAB = 270, STATES_TOKENS = 6 };

extern const char *const states_settings;

/* A fresh folder, for a checked fixture; removed with all that is in it. */
void states_folder_open(void);
void states_folder_close(void);
extern char states_folder[64];
const char *states_path(const char *name); /* in the folder; two at a time */
int states_files(void);                    /* how many are in it */

struct tiny_bytes states_read(const char *path);
bool states_same(const char *path, const struct tiny_bytes *wanted);
void states_write(const char *path, const uint8_t *data, size_t size);

struct tiny_spec states_spec(void);
struct opened states_open(void);
/* A session of STATES_TOKENS tokens, whose state is at "state". */
still_session *states_saved(still_model *model, const char *settings, struct tiny_bytes *state);
/* The last sentence says how to go on. */
void states_sentence(const still_session *s);

#endif
