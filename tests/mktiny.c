/*
 * mktiny.c - writes a tiny model: `mktiny [options] -o FILE`. For shell tests and for the NumPy oracle.
 *
 * In:       options; what is not said is as tiny_preset has it.  Out: one file, or the parts of a split one. Prints the first
 *           one's name.
 * Not here: the model itself (tiny.c).
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tiny.h"

static const char usage[] =
  "usage: mktiny [options] -o FILE\n"
  "  --arch NAME         llama, qwen2, qwen3; another name gives a llama under that name\n"
  "  --type TYPE         of the matrices: F32 F16 BF16 Q8_0 Q4_0 Q4_1 Q5_0 Q5_1 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS, or mix\n"
  "  --embd-type TYPE    of token_embd and output (F16)\n"
  "  --layers N --embd N --heads N --kv-heads N --head-dim N --ff N --vocab N --ctx N\n"
  "  --tied --untied     without or with output.weight (tied)\n"
  "  --tokenizer NAME    smollm, qwen2, llama-bpe, gpt-2, spm\n"
  "  --rope-base X --rope-factor X --rope-scaling none|linear|yarn|llama3|freqs\n"
  "  --gguf-version N --align N --parts N --seed N\n"
  "  --flaw NAME         none, nan, overlap, type-unknown, type-other, twice-key, twice-tensor\n"
  "  --without NAME      leaves a key or a tensor out\n";

static uint64_t number(const char *text) {
  char *end;
  unsigned long long value = strtoull(text, &end, 0);
  if (*end || end == text) tiny_die("not a number: %s", text);
  return value;
}

static unsigned one_of(const char *text, const char *const *names, unsigned n, const char *what) {
  for (unsigned i = 0; i < n; i++)
    if (!strcmp(text, names[i])) return i;
  tiny_die("no such %s: %s", what, text);
}

static enum sp_type type_of(const char *text) {
  enum sp_type type;
  if (!tiny_type_find(text, &type)) tiny_die("no such type: %s", text);
  return type;
}

enum { ARCH = 256, TYPE, EMBD_TYPE, TIED, UNTIED, TOKENIZER, BASE, FACTOR, SCALING, SEED, FLAW, WITHOUT, NUMBERS };

static const struct option options[] = {
  {"arch", 1, 0, ARCH}, {"type", 1, 0, TYPE}, {"embd-type", 1, 0, EMBD_TYPE}, {"tied", 0, 0, TIED}, {"untied", 0, 0, UNTIED},
  {"tokenizer", 1, 0, TOKENIZER}, {"rope-base", 1, 0, BASE}, {"rope-factor", 1, 0, FACTOR}, {"rope-scaling", 1, 0, SCALING},
  {"seed", 1, 0, SEED}, {"flaw", 1, 0, FLAW}, {"without", 1, 0, WITHOUT}, {"output", 1, 0, 'o'}, {"help", 0, 0, 'h'},
  /* plain numbers, in the order of number_member */
  {"layers", 1, 0, NUMBERS}, {"embd", 1, 0, NUMBERS + 1}, {"heads", 1, 0, NUMBERS + 2}, {"kv-heads", 1, 0, NUMBERS + 3},
  {"head-dim", 1, 0, NUMBERS + 4}, {"ff", 1, 0, NUMBERS + 5}, {"vocab", 1, 0, NUMBERS + 6}, {"ctx", 1, 0, NUMBERS + 7},
  {"gguf-version", 1, 0, NUMBERS + 8}, {"align", 1, 0, NUMBERS + 9}, {"parts", 1, 0, NUMBERS + 10}, {0, 0, 0, 0},
};

static unsigned *number_member(struct tiny_spec *s, int i) {
  unsigned *const members[] = {&s->layers, &s->embd, &s->heads, &s->kv_heads, &s->head_dim, &s->ff,
                               &s->vocab,  &s->ctx,  &s->version, &s->alignment, &s->parts};
  return members[i];
}

static void take(struct tiny_spec *s, int option, const char *value) {
  switch (option) {
    case ARCH: s->arch = value; break;
    case TYPE: s->type = type_of(value); break;
    case EMBD_TYPE: s->embd_type = type_of(value); break;
    case TIED: s->tied = true; break;
    case UNTIED: s->tied = false; break;
    case TOKENIZER: s->tokenizer = value; break;
    case BASE: s->rope_base = strtod(value, NULL); break;
    case FACTOR: s->rope_factor = strtod(value, NULL); break;
    case SCALING: s->scaling = (enum tiny_scaling)one_of(value, tiny_scaling_names, TINY_SCALINGS, "scaling"); break;
    case SEED: s->seed = number(value); break;
    case FLAW: s->flaw = (enum tiny_flaw)one_of(value, tiny_flaw_names, TINY_FLAWS, "flaw"); break;
    case WITHOUT: s->without = value; break;
    default: *number_member(s, option - NUMBERS) = (unsigned)number(value);
  }
}

int main(int argc, char **argv) {
  struct tiny_spec spec;
  const char *path = NULL;
  char first[4096];
  int option;
  tiny_preset(&spec);
  while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
    if (option == 'h' || option == '?') return fputs(usage, option == 'h' ? stdout : stderr), option == 'h' ? 0 : 2;
    if (option == 'o') path = optarg;
    else take(&spec, option, optarg);
  }
  if (!path || optind < argc) return fputs(usage, stderr), 2;
  if (!spec.parts || !spec.alignment || spec.alignment > 1 << 20) tiny_die("--parts and --align want a small positive number");
  tiny_write(&spec, path, first, sizeof first);
  puts(first);
  return 0;
}
