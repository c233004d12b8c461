/*
 * fuzz_text.c - any bytes as text, as a chat template, as messages, as tokens to stream.
 *
 * In:       bytes from libFuzzer or AFL++, the first of which says what the rest is; with -DSTANDALONE, files named on the
 *           command line, or else inputs made from a seed (first argument "mutants", then how many, then the seed).
 * Out:      nothing but the absence of crashes, leaks, sanitizer reports and broken promises (abort).
 * Not here: vocabularies from damaged files (fuzz_gguf.c opens those).
 *
 * Promises: byte-level vocabularies give the text back; a stream gives valid UTF-8; trust marks are 0 or 1 and a message's
 * bytes are never trusted; all memory comes back.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/chat.h"
#include "src/text.h"
#include "src/unicode.h"
#include "tests/tiny.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const tokenizers[] = {"gpt-2", "smollm", "llama-bpe", "qwen2", "spm"};
enum { VOCABS = 5, MESSAGE = VOCABS, TEMPLATE, KINDS }; /* what an input is: text for one of the vocabularies, or one of these */
enum { MARK = 0x7f };                                   /* a byte that messages have and templates have not */

static struct sp_ctx ctx;
static struct sp_gguf *ggufs[VOCABS];
static struct sp_vocab *vocabs[VOCABS];
static unsigned long texts, rendered, refused;

static void promise(bool kept) {
  if (!kept) abort();
}

static void open_vocabs(void) {
  for (int i = 0; i < VOCABS && !vocabs[i]; i++) {
    struct tiny_spec s;
    struct tiny_bytes file;
    char path[32];
    tiny_preset(&s);
    s.layers = 1, s.embd = 32, s.heads = 2, s.kv_heads = 1, s.head_dim = 16, s.ff = 32, s.type = s.embd_type = SP_Q4_0;
    s.tokenizer = tokenizers[i], s.vocab = 420;
    tiny_make(&s, 0, &file);
    int fd = tiny_share(&file, path);
    tiny_free(&file);
    sp_ctx_init(&ctx, NULL);
    promise(sp_gguf_open(&ctx, path, false, &ggufs[i]) == STILL_OK);
    promise(sp_vocab_open(&ctx, ggufs[i], s.vocab, &vocabs[i]) == STILL_OK);
    close(fd);
  }
}

/* The stream of these ids: valid at every moment. */
static void stream(struct sp_ctx *own, const struct sp_vocab *v, const still_token *ids, size_t n) {
  struct sp_stream *s = sp_stream_new(own, v);
  promise(s != NULL);
  for (size_t i = 0; i <= n; i++) {
    const char *text;
    size_t bytes;
    promise((i < n ? sp_stream_push(s, ids[i], &text, &bytes) : sp_stream_end(s, &text, &bytes)) == STILL_OK);
    for (size_t at = 0; at < bytes;) {
      uint32_t c;
      at += sp_utf8_next(text + at, bytes - at, &c);
      promise(c != SP_NOT_UTF8);
    }
  }
  sp_stream_free(s);
}

/* Text through a vocabulary and back. Bytes 0x01 and 0x02 switch trust off and on, so that inputs reach every mixture. */
static void try_text(struct sp_ctx *own, int which, const char *text, size_t size) {
  const struct sp_vocab *v = vocabs[which];
  uint8_t *trusted = malloc(size + 1), trust = 1;
  still_token *ids = malloc((size + 2) * sizeof *ids);
  size_t n, used = 0;
  for (size_t i = 0; i < size; i++) trusted[i] = trust = text[i] == 1 ? 0 : text[i] == 2 ? 1 : trust;
  promise(sp_vocab_encode(own, v, text, size, trusted, false, ids, size + 2, &n) == STILL_OK && n <= size + 2);
  for (size_t i = 0; i < n && which < 4; i++) {
    const char *piece;
    size_t bytes;
    promise(sp_vocab_piece(v, ids[i], &piece, &bytes) && bytes <= size - used && !memcmp(piece, text + used, bytes));
    used += bytes;
  }
  promise(which == 4 || used == size);
  stream(own, v, ids, n);
  texts++;
  free(trusted);
  free(ids);
}

/* A template with four messages, all of whose own bytes are marks. */
static void try_chat(struct sp_ctx *own, const char *source, size_t bytes, const char *content) {
  const still_message messages[] = {{"system", "\x7f"}, {"user", content}, {"assistant", "\x7f\x7f"}, {"user", "\x7f </t>h"}};
  struct sp_chat_text out;
  bool marked = memchr(source, MARK, bytes) || memchr(source, '\\', bytes); /* by itself or by an escape */
  still_status status = sp_chat_render(own, source, bytes, messages, 4, "<s>", "</s>", bytes % 2, &out);
  if (status != STILL_OK) {
    promise(!out.text && own->error.text[0]);
    refused++;
    return;
  }
  promise(out.text[out.bytes] == '\0' && out.bytes <= 4 << 20);
  for (size_t i = 0; i < out.bytes; i++) promise(out.trusted[i] == 0 || (out.trusted[i] == 1 && (marked || out.text[i] != MARK)));
  sp_chat_text_free(own, &out);
  rendered++;
}

/* Most of what templates do, once each. */
static const char sample[] =
    "{%- set ns = namespace(n=0, s='') -%}{% if messages[0]['role'] == 'system' %}{% set all = messages[1:] %}{% else %}"
    "{% set all = messages %}{% endif %}{% for m in all if m.role is string %}{%- set c = m.content | trim -%}"
    "{% if '</t>' in c %}{% set c = c.split('</t>')[-1].lstrip('\\n') %}{% endif %}{{ '<' + m.role + '>' ~ c.replace('a', 'b') }}"
    "{{ loop.index0 % 2 }}{% if not loop.last and c.startswith('h') or c[::1] in ['k', none] %}{{ c|tojson }}{% endif %}"
    "{% set ns.n = ns.n + loop.index %}{% endfor %}{{ bos_token if ns.n > 3 else eos_token }}"
    "{% if add_generation_prompt %}a{% endif %}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct sp_ctx own;
  if (size == 0) return 0;
  open_vocabs();
  sp_ctx_init(&own, NULL);
  int kind = data[0] % KINDS;
  char *rest = malloc(size); /* a byte past its end is a byte past an allocation */
  memcpy(rest, data + 1, size - 1);
  rest[size - 1] = '\0';
  if (kind < VOCABS) try_text(&own, kind, rest, size - 1);
  if (kind == MESSAGE) try_chat(&own, sample, sizeof sample - 1, rest);
  if (kind == TEMPLATE) try_chat(&own, rest, size - 1, "h\x7f</t>\x7f \n");
  free(rest);
  promise(atomic_load(&own.bytes) == 0);
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

/* What texts and templates are made of. */
static const char *const words[] = {
  "a", "the", " ", "  ", "\n", "\r\n", "'s", "'LL", "12345", "...", "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\xff",
  "\xe2\x82", "<|im_end|>", "<|im_", "</s>", "\x01", "\x02", "\xe2\x96\x81", "_", "\x7f",
};

static const char *const pieces[] = {
  "{{ ", " }}", "{% ", " %}", "{%- ", " -%}", "{# ", " #}", "if ", "elif ", "else", "endif", "for m in messages", "endfor",
  "set x = ", "set ns.x = ", "namespace(", "break", "continue", "macro f(", "endmacro", "messages", "[0]", "[1:]", "[::-1]",
  ".role", ".content", ".split('</t>')", ".strip(", ")", "(", "[", "]", "{", "}", "|trim", "|length", "|tojson", "|default(",
  "|join(", "|list", "|first", "|selectattr('role', 'equalto', 'user')", "|upper", " is ", "defined", "none", "not ", " in ",
  " and ", " or ", " + ", " ~ ", " - ", " * ", " % ", " // ", " == ", " < ", "'h'", "\"\\x7f\"", "1", "99999999999", "x", "ns",
  "loop.index0", "loop.last", "m", ", ", ": ", " = ", "range(", "raise_exception(", " text\n  ", "\n",
};

static size_t put(char *out, size_t used, size_t room, const char *word) {
  size_t n = strlen(word);
  if (n > room - used) return used;
  memcpy(out + used, word, n);
  return used + n;
}

/* Template: pieces at random, or the sample with one place made worse. */
static size_t make_template(char *out, size_t room, uint64_t *seed) {
  size_t n = 0;
  if (tiny_random(seed) % 2) {
    for (uint64_t i = 1 + tiny_random(seed) % 30; i > 0; i--)
      n = put(out, n, room, pieces[tiny_random(seed) % (sizeof pieces / sizeof *pieces)]);
    return n;
  }
  size_t cut = tiny_random(seed) % (sizeof sample - 1), skip = tiny_random(seed) % 12;
  memcpy(out, sample, cut);
  n = put(out, cut, room, pieces[tiny_random(seed) % (sizeof pieces / sizeof *pieces)]);
  return put(out, n, room, cut + skip < sizeof sample ? sample + cut + skip : "");
}

static size_t make_text(char *out, size_t room, uint64_t *seed) {
  size_t n = 0;
  for (uint64_t i = tiny_random(seed) % 60; i > 0; i--)
    n = put(out, n, room, words[tiny_random(seed) % (sizeof words / sizeof *words)]);
  for (uint64_t i = tiny_random(seed) % 4; i > 0 && n > 0; i--) out[tiny_random(seed) % n] = (char)tiny_random(seed);
  return n;
}

int main(int argc, char **argv) {
  int worst = 0;
  if (argc > 1 && !strcmp(argv[1], "mutants")) {
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 0) : 100000, first = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
    uint64_t seed = first;
    for (unsigned long i = 0; i < count; i++) {
      char input[4096];
      unsigned kind = i % (KINDS + 2); /* a third of all are templates */
      input[0] = (char)(kind < TEMPLATE ? kind : TEMPLATE);
      size_t n =
          kind < TEMPLATE ? make_text(input + 1, sizeof input - 1, &seed) : make_template(input + 1, sizeof input - 1, &seed);
      LLVMFuzzerTestOneInput((const uint8_t *)input, n + 1);
    }
    printf("%lu mutants of seed %lu: %lu texts, %lu renderings, %lu templates refused, no crash\n", count, first, texts, rendered,
           refused);
    return texts == 0 || rendered < count / 100 || refused == 0; /* then the mutants were too wild or too tame to mean anything */
  }
  for (int i = 1; i < argc; i++) {
    int result = replay(argv[i]);
    if (result > worst) worst = result;
  }
  printf("%d files replayed\n", argc - 1);
  return worst;
}

#endif
