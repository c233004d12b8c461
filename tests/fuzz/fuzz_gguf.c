/*
 * fuzz_gguf.c - any bytes at all as a model file: opened, every value read, the config taken.
 *
 * In:       bytes from libFuzzer or AFL++; with -DSTANDALONE, files named on the command line, or else mutants of tiny models
 *           made from a seed (first argument "mutants", then how many, then the seed).
 * Out:      nothing but the absence of crashes, leaks and sanitizer reports.
 * Not here: verdicts on single flaws (check_gguf.c).
 *
 * To fuzz, build this file, tiny.c, tiny_vocab.c and the reader's sources with clang -g -O1 -fsanitize=fuzzer,address,undefined;
 * mktiny makes seeds. The file is read, not mapped, so that a byte past its end is a byte past an allocation.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/config.h"
#include "tests/tiny.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sink;       /* keeps reads alive */
static unsigned long opened, models; /* inputs that were files, and those that were models */

static void read_keys(const struct sp_gguf *g) {
  for (size_t i = 0; i < sp_gguf_keys(g); i++) {
    const struct sp_key *key = sp_gguf_key_at(g, i);
    for (size_t j = 0; j <= sp_key_count(key) && j < 100000; j++) {
      struct sp_string text;
      int64_t whole;
      double real;
      if (sp_key_int(key, j, &whole)) sink += (uint64_t)whole;
      if (sp_key_real(key, j, &real)) sink += real > 0;
      if (sp_key_string(key, j, &text) && text.bytes) sink += (uint8_t)text.text[0] + (uint8_t)text.text[text.bytes - 1];
    }
    if (sp_gguf_key(g, sp_key_name(key)) != key) abort();
  }
}

static void read_tensors(const struct sp_gguf *g) {
  for (size_t i = 0; i < sp_gguf_tensors(g); i++) {
    const struct sp_tensor *t = sp_gguf_tensor_at(g, i);
    for (size_t j = 0; j < t->bytes; j += t->row_bytes) sink += t->data[j] + t->data[j + t->row_bytes - 1];
    if (sp_gguf_tensor(g, t->name) != t) abort();
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct tiny_bytes file = {0};
  struct sp_ctx ctx;
  struct sp_gguf *g;
  struct sp_config config;
  char path[32];
  tiny_raw(&file, data, size);
  int fd = tiny_share(&file, path);
  tiny_free(&file);
  sp_ctx_init(&ctx, NULL);
  if (sp_gguf_open(&ctx, path, false, &g) == STILL_OK) {
    read_keys(g);
    read_tensors(g);
    opened++;
    models += sp_config_read(&ctx, g, &config) == STILL_OK;
    sp_gguf_close(g);
  }
  close(fd);
  if (atomic_load(&ctx.bytes)) abort(); /* a leak, by the library's own count */
  return 0;
}

#ifdef STANDALONE

static int replay(const char *path) {
  struct tiny_bytes file = {0};
  uint8_t block[4096];
  FILE *f = fopen(path, "rb");
  if (!f) return perror(path), 2;
  for (size_t n; (n = fread(block, 1, sizeof block, f)) > 0;) tiny_raw(&file, block, n);
  fclose(f);
  LLVMFuzzerTestOneInput(file.data, file.size);
  tiny_free(&file);
  return 0;
}

/* Values at which lengths, counts and offsets tend to go wrong. */
static uint64_t awkward(uint64_t *seed) {
  static const uint64_t values[] = {0,   1,   2,     7,     8,         9,          31,        32,        33,
                                    255, 256, 65535, 65536, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
  uint64_t r = tiny_random(seed), value = values[r % (sizeof values / sizeof values[0])];
  return r >> 60 ? value : (uint64_t)0 - value;
}

/* One to four fields of 1, 2, 4 or 8 bytes in the header get another value; sometimes the end is cut off. */
static size_t mutate(uint8_t *data, size_t size, size_t header, uint64_t *seed) {
  for (uint64_t n = 1 + tiny_random(seed) % 4; n > 0; n--) {
    unsigned width = 1u << tiny_random(seed) % 4;
    size_t at = tiny_random(seed) % (header - width);
    uint64_t value = tiny_random(seed) % 3 ? awkward(seed) : tiny_random(seed);
    for (unsigned i = 0; i < width; i++) data[at + i] = (uint8_t)(value >> 8 * i);
  }
  return tiny_random(seed) % 16 ? size : tiny_random(seed) % size;
}

static void mutants(unsigned long count, uint64_t seed) {
  static const char *const archs[] = {"llama", "qwen2", "qwen3"};
  for (unsigned which = 0; which < 3; which++) {
    struct tiny_spec s;
    struct tiny_bytes sound, copy = {0};
    tiny_preset(&s);
    s.arch = archs[which], s.tokenizer = which == 2 ? "spm" : "qwen2", s.scaling = (enum tiny_scaling)(2 * which);
    s.layers = 1, s.embd = 32, s.heads = 2, s.kv_heads = 1, s.head_dim = 16, s.ff = 32, s.vocab = 270;
    s.type = s.embd_type = SP_Q4_0;
    tiny_make(&s, 0, &sound);
    for (unsigned long i = which; i < count; i += 3) {
      copy.size = 0;
      tiny_raw(&copy, sound.data, sound.size);
      LLVMFuzzerTestOneInput(copy.data, mutate(copy.data, copy.size, sound.size / 2, &seed));
    }
    tiny_free(&sound);
    tiny_free(&copy);
  }
}

int main(int argc, char **argv) {
  int worst = 0;
  if (argc > 1 && !strcmp(argv[1], "mutants")) {
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000, seed = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
    mutants(count, seed);
    printf("%lu mutants of seed %lu: %lu files, %lu models, no crash\n", count, seed, opened, models);
    return models == 0 || opened == count; /* then the mutants were too wild or too tame to mean anything */
  }
  for (int i = 1; i < argc; i++) {
    int result = replay(argv[i]);
    if (result > worst) worst = result;
  }
  printf("%d files replayed\n", argc - 1);
  return worst;
}

#endif
