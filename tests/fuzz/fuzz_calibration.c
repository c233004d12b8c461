/*
 * fuzz_calibration.c - any bytes at all as a calibration file.
 *
 * In:       bytes from libFuzzer or AFL++; with -DSTANDALONE, files named on the command line, or else mutants of a sound file
 *           made from a seed (first argument "mutants", then how many, then the seed).
 * Out:      nothing but the absence of crashes, leaks, sanitizer reports and broken promises (abort).
 * Not here: verdicts on single flaws, and which file is found (check_calibration.c).
 *
 * Promises: what is refused has a sentence that begins with the file's name; what is accepted has a version of the arithmetic,
 * and in each quality either the policy dense or every key of the gate, with a value that a caller could have set.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/calibration.h"
#include "tests/tiny.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long accepted;

/* A value goes through text and back, into settings that check it. */
static bool can_be_set(const still_settings *level, const char *key) {
  still_settings copy;
  char value[128];
  sp_settings_preset(&copy);
  return still_get(level, key, value, sizeof value) == STILL_OK && still_set(&copy, key, value) == STILL_OK;
}

static void check_level(const still_settings *level) {
  bool dense = sp_settings_has(level, "policy") && level->value.policy == SP_POLICY_DENSE;
  for (size_t i = 0; sp_gate_keys[i]; i++) {
    bool there = sp_settings_has(level, sp_gate_keys[i]);
    if (!there && !dense) abort();
    if (there && !can_be_set(level, sp_gate_keys[i])) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const char name[] = "FILE";
  struct sp_error error = {0};
  struct sp_calibration c;
  char *text = malloc(size ? size : 1); /* a byte past its end is a byte past an allocation */
  if (!text) return 0;
  if (size) memcpy(text, data, size);
  still_status status = sp_calibration_parse(&error, name, text, size, &c);
  free(text);
  if (status != STILL_OK) {
    if (status != STILL_EFORMAT && status != STILL_EUNSUPPORTED) abort();
    if (strncmp(error.text, name, sizeof name - 1) != 0) abort();
    return 0;
  }
  accepted++;
  if (c.numerics == 0) abort();
  for (int q = 0; q < SP_QUALITIES; q++) check_level(&c.level[q]);
  return 0;
}

#ifdef STANDALONE

static int replay(const char *path) {
  static uint8_t block[128 << 10];
  FILE *f = fopen(path, "rb");
  if (!f) return perror(path), 2;
  size_t n = fread(block, 1, sizeof block, f);
  fclose(f);
  LLVMFuzzerTestOneInput(block, n);
  return 0;
}

#define GATE                                                                                                              \
  "policy query\nstart 0.3\nratio 0.6666667\ntau -1\ntau-only 0\nevery 0\nwindow 64\ngate-layers 4\npool 31\n"           \
  "wake 0.2\nmin-tokens 99\n"                                                                                           \
  "bound 1.9\nspeed-up 1.8\nquestions 240\nretrieval 0.9 0.8 0.95\nplaces 24\nloss-difference 0.01 -0.02 0.04\n"

static const char sound[] = "stillpoint-calibration 1\n# by hand\nmodel "
                            "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\nnumerics 1\nnote a test\n\n"
                            "quality strict\npolicy dense\n\nquality balanced\n" GATE "\nquality fast\n" GATE;

static const char *const words[] = {"\n",   " ",        "-",       "e308", "nan",   "0x1p9",          "inf",          "1e20",
                                    "\r\n", "\xff",     "note \n", "#",    "1 2 3", "quality fast\n", "tau-only 1\n", "pool 2\n",
                                    "numerics 0\n", "policy dense\n", "99999999999999999999"};

/* One byte, a word that stands there or is put in, or the end cut off. */
static size_t mutate(char *text, size_t size, uint64_t *seed) {
  uint64_t r = tiny_random(seed);
  size_t at = (size_t)(tiny_random(seed) % size);
  const char *word = words[r / 8 % (sizeof words / sizeof words[0])];
  size_t n = strlen(word);
  if (r % 8 == 0) return at ? at : 1;
  if (r % 8 < 4) return text[at] = (char)tiny_random(seed), size;
  if (r % 8 < 6) return memmove(text + at + n, text + at, size - at), memcpy(text + at, word, n), size + n;
  for (size_t i = 0; i < n && at + i < size; i++) text[at + i] = word[i];
  return size;
}

static void mutants(unsigned long count, uint64_t seed) {
  enum { MOST = 3, LONGEST = 32 };
  static char text[sizeof sound + MOST * LONGEST];
  for (unsigned long i = 0; i < count; i++) {
    size_t size = sizeof sound - 1;
    memcpy(text, sound, size);
    for (uint64_t n = tiny_random(&seed) % (MOST + 1); n > 0; n--) size = mutate(text, size, &seed);
    LLVMFuzzerTestOneInput((const uint8_t *)text, size);
  }
}

int main(int argc, char **argv) {
  int worst = 0;
  if (argc > 1 && !strcmp(argv[1], "mutants")) {
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000, seed = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
    mutants(count, seed);
    printf("%lu mutants of seed %lu: %lu calibrations, no crash\n", count, seed, accepted);
    return accepted == 0 || accepted > count / 2; /* then the mutants were too wild or too tame to mean anything */
  }
  for (int i = 1; i < argc; i++) {
    int result = replay(argv[i]);
    if (result > worst) worst = result;
  }
  printf("%d files replayed\n", argc - 1);
  return worst;
}

#endif
