/*
 * check_vocab_limits.c - vocabularies that are damaged, texts that could be slow, memory that runs out.
 *
 * In:       vocabularies made by vocabs.c.  Out: TAP.
 * Not here: right ids (check_vocab.c).
 */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/text.h"
#include "tests/vocabs.h"

/* ---- damage ---------------------------------------------------------------------------------------------------- */

static void nothing(struct vocabs *b) { (void)b; }
static void add_bytes(struct vocabs *b) { vocabs_add_all_bytes(b); }
static void add_half_a_merge(struct vocabs *b) {
  vocabs_add_all_bytes(b);
  vocabs_line(b, "ab");
}
static void add_wild_type(struct vocabs *b) { vocabs_add(b, "a", (enum vocabs_type)7, 0); }
static void add_nan(struct vocabs *b) { vocabs_add(b, "a", NORMAL, (float)(0.0 / (double)b->n)); }
static void add_letter(struct vocabs *b) { vocabs_add(b, "a", NORMAL, 0); }

static const struct {
  const char *model, *pre, *without;
  void (*fill)(struct vocabs *b);
  still_status status;
  const char *says; /* a part of the sentence */
} damages[] = {
  {"gpt2", "gpt-2", NULL, nothing, STILL_EUNSUPPORTED, "0 tokens"},
  {"bert", "gpt-2", NULL, add_bytes, STILL_EUNSUPPORTED, "\"bert\""},
  {"", "gpt-2", NULL, add_bytes, STILL_EUNSUPPORTED, "tokenizer.ggml.model"},
  {"gpt2", "tekken", NULL, add_bytes, STILL_EUNSUPPORTED, "\"tekken\""},
  {"gpt2", "gpt-2", "tokenizer.ggml.tokens", add_bytes, STILL_EFORMAT, "tokenizer.ggml.tokens"},
  {"gpt2", "gpt-2", "tokenizer.ggml.merges", add_bytes, STILL_EFORMAT, "tokenizer.ggml.merges"},
  {"gpt2", "gpt-2", NULL, add_half_a_merge, STILL_EFORMAT, "tokenizer.ggml.merges[0] \"ab\""},
  {"gpt2", "gpt-2", NULL, add_wild_type, STILL_EFORMAT, "tokenizer.ggml.token_type[0]"},
  {"llama", NULL, "tokenizer.ggml.scores", add_letter, STILL_EFORMAT, "tokenizer.ggml.scores"},
  {"llama", NULL, NULL, add_nan, STILL_EFORMAT, "tokenizer.ggml.scores[0]"},
};

START_TEST(damage_is_refused) {
  struct vocabs b = {.without = damages[_i].without};
  struct vocabs_open o;
  damages[_i].fill(&b);
  still_status status = vocabs_open(&o, &b, damages[_i].model, damages[_i].pre);
  ck_assert_msg(status == damages[_i].status, "%s: %s", still_status_name(status), o.ctx.error.text);
  ck_assert_msg(strstr(o.ctx.error.text, damages[_i].says) && strchr(o.ctx.error.text, ';'), "it says: %s", o.ctx.error.text);
  vocabs_close(&o);
}
END_TEST

static void number_tokens(struct tiny_gguf *g) {
  tiny_key_array(g, "tokenizer.ggml.tokens", SP_GGUF_U32, 1);
  tiny_put(&g->keys, 7, 4);
}

START_TEST(tokens_must_be_strings) {
  struct vocabs b = {.without = "tokenizer.ggml.tokens", .extra = number_tokens};
  struct vocabs_open o;
  vocabs_add(&b, "a", NORMAL, 0);
  ck_assert_int_eq(vocabs_open(&o, &b, "gpt2", "gpt-2"), STILL_EFORMAT);
  ck_assert_ptr_nonnull(strstr(o.ctx.error.text, "tokenizer.ggml.tokens[0] is no string"));
  vocabs_close(&o);
}
END_TEST

/* More tokens than the model has rows would be ids outside of it; fewer leave rows without a spelling. */
START_TEST(numbers_of_tokens_and_rows) {
  struct vocabs b = {0};
  struct vocabs_open o;
  struct sp_vocab *other;
  const char *piece;
  size_t bytes;
  vocabs_add_all_bytes(&b);
  ck_assert_int_eq(vocabs_open(&o, &b, "gpt2", "gpt-2"), STILL_OK);
  ck_assert_int_eq(sp_vocab_open(&o.ctx, o.gguf, 255, &other), STILL_EFORMAT);
  ck_assert_ptr_nonnull(strstr(o.ctx.error.text, "256 elements where the model has 255 tokens"));
  ck_assert_int_eq(sp_vocab_open(&o.ctx, o.gguf, 300, &other), STILL_OK);
  ck_assert(sp_vocab_piece(other, 299, &piece, &bytes) && bytes == 0);
  ck_assert(!sp_vocab_piece(other, 300, &piece, &bytes) && !sp_vocab_piece(other, -1, &piece, &bytes));
  ck_assert(!sp_vocab_adds_bos(other));
  sp_vocab_close(other);
  vocabs_close(&o);
}
END_TEST

/* Spellings chosen to fall on one slot of the index: without a bound, each would be compared with all before it. */
START_TEST(colliding_spellings_are_refused) {
  struct vocabs b = {0};
  struct vocabs_open o;
  char spelling[16];
  for (unsigned i = 0; b.n < 1100; i++) { /* 4096 slots for up to 2048 tokens */
    int n = snprintf(spelling, sizeof spelling, "%x", i);
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a, folded, as in vocab.c */
    for (int k = 0; k < n; k++) hash = (hash ^ (uint8_t)spelling[k]) * 0x100000001b3u;
    if (((hash ^ hash >> 32) & 4095) == 0) vocabs_add(&b, spelling, NORMAL, 0);
  }
  ck_assert_int_eq(vocabs_open(&o, &b, "gpt2", "gpt-2"), STILL_EFORMAT);
  ck_assert_ptr_nonnull(strstr(o.ctx.error.text, "fall on one place"));
  vocabs_close(&o);
}
END_TEST

/* A byte-level file with a token outside the alphabet of bytes: it stands for itself. */
START_TEST(odd_spellings_stand_for_themselves) {
  struct vocabs b = {0};
  struct vocabs_open o;
  const char *piece;
  size_t bytes;
  vocabs_add_all_bytes(&b);
  vocabs_add(&b, "\xe6\x97\xa5", NORMAL, 0);
  vocabs_add(&b, "a b", NORMAL, 0);
  ck_assert_int_eq(vocabs_open(&o, &b, "gpt2", "gpt-2"), STILL_OK);
  ck_assert(sp_vocab_piece(o.vocab, 256, &piece, &bytes) && bytes == 3 && memcmp(piece, "\xe6\x97\xa5", 3) == 0);
  ck_assert(sp_vocab_piece(o.vocab, 257, &piece, &bytes) && bytes == 3 && memcmp(piece, "a b", 3) == 0);
  size_t n;
  ck_assert_int_eq(sp_vocab_encode(&o.ctx, o.vocab, "", (1 << 30) + 1, NULL, false, NULL, 0, &n), STILL_ELIMIT);
  vocabs_close(&o);
}
END_TEST

/* Files without types, with merges of unknown tokens, without pre-tokeniser's name: they work, as well as they can. */
START_TEST(old_files_work) {
  struct vocabs b = {.without = "tokenizer.ggml.token_type"};
  struct vocabs_open o;
  still_token ids[4];
  uint8_t trusted[16];
  size_t n;
  memset(trusted, 1, sizeof trusted);
  vocabs_add_all_bytes(&b);
  vocabs_add(&b, "<|im_end|>", NORMAL, 0);
  vocabs_line(&b, "a b");
  ck_assert_msg(vocabs_open(&o, &b, "gpt2", NULL) == STILL_OK, "%s", o.ctx.error.text);
  ck_assert_int_eq(sp_vocab_encode(&o.ctx, o.vocab, "ab<|im_end|>", 12, trusted, true, ids, 4, &n), STILL_OK);
  ck_assert(n == 3 && ids[0] == 'a' && ids[1] == 'b' && ids[2] == 256);
  ck_assert(sp_vocab_is_end(o.vocab, 256));
  vocabs_close(&o);
}
END_TEST

/* A byte or character that no token stands for. */
START_TEST(text_without_tokens_is_refused) {
  struct vocabs b = {0};
  struct vocabs_open o;
  still_token id;
  size_t n = 9;
  for (unsigned byte = 'a'; byte < 256; byte++) vocabs_add_bytes(&b, &(char){(char)byte}, 1);
  ck_assert_int_eq(vocabs_open(&o, &b, "gpt2", "gpt-2"), STILL_OK);
  ck_assert_int_eq(sp_vocab_encode(&o.ctx, o.vocab, "abc\x01", 4, NULL, false, NULL, 0, &n), STILL_EARG);
  ck_assert_ptr_nonnull(strstr(o.ctx.error.text, "0x01 at offset 3"));
  ck_assert_uint_eq(n, 0);
  vocabs_close(&o);

  vocabs_add(&b, "a", NORMAL, 0); /* no byte tokens; the kind's unknown token is 0, which is "a" here */
  ck_assert_int_eq(vocabs_open(&o, &b, "llama", NULL), STILL_OK);
  ck_assert_int_eq(sp_vocab_encode(&o.ctx, o.vocab, "\xc3\xa9", 2, NULL, false, &id, 1, &n), STILL_OK);
  ck_assert_int_eq(sp_vocab_encode(&o.ctx, o.vocab, "\xff", 1, NULL, false, &id, 1, &n), STILL_EARG);
  vocabs_close(&o);
}
END_TEST

/* ---- time and stack -------------------------------------------------------------------------------------------- */

#ifdef __SANITIZE_ADDRESS__ /* its thread-local data alone is larger than 64 KiB */
enum { SHORT = 1 << 19, STACK = 1024 * 1024 };
#else
enum { SHORT = 1 << 19, STACK = 64 * 1024 };
#endif

static const char classes[] = "a \n7.'";

/* Merges as in trained vocabularies: two of a kind, two of those, ... up to 64, for each class of characters. */
static void fill_runs(struct vocabs *b) {
  char run[64];
  vocabs_add_all_bytes(b);
  for (const char *c = classes; *c; c++) {
    memset(run, *c, sizeof run);
    for (size_t half = 1; half < sizeof run; half *= 2) {
      vocabs_add_bytes(b, run, 2 * half);
      vocabs_merge(b, run, half, run, half);
    }
  }
}

/* The same for SentencePiece: longer runs have lower scores. */
static void fill_scores(struct vocabs *b) {
  char spelling[65];
  for (unsigned byte = 0; byte < 256; byte++) {
    snprintf(spelling, sizeof spelling, "<0x%02X>", byte);
    vocabs_add(b, spelling, BYTE, 0);
  }
  for (const char *c = classes; *c; c++)
    for (size_t n = 1; n <= 64; n *= 2) {
      memset(spelling, *c, n);
      spelling[n] = '\0';
      vocabs_add(b, spelling, NORMAL, -(float)n);
    }
}

static const struct {
  const char *name, *unit;
} texts[] = {
    {"letters", "a"},
    {"spaces", " "},
    {"line ends", "\n"},
    {"digits", "7"},
    {"marks", "."},
    {"bytes that are no UTF-8", "\xff"},
    {"apostrophes", "'"},
    {"spaces and line ends", "  \n"},
    {"words", "a "},
    {"carriage returns", " \r"},
    {"characters", "\xe6\x97\xa5"},
    {"starts of a special token", "<|im_"},
    {"word marks", "\xe2\x96\x81"},
};

struct job {
  struct vocabs_open *o;
  const char *text;
  size_t bytes, n;
  still_status status;
  double seconds; /* of this thread, whatever else the machine does */
};

static double thread_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void *encode(void *data) {
  struct job *job = data;
  double start = thread_seconds();
  job->status = sp_vocab_encode(&job->o->ctx, job->o->vocab, job->text, job->bytes, NULL, false, NULL, 0, &job->n);
  job->seconds = thread_seconds() - start;
  return NULL;
}

/* Encodes on a thread with a small stack, so that recursion on the length would be a signal. Arm's least is 128 KiB. */
static void encode_on_small_stack(struct job *job) {
  pthread_t thread;
  pthread_attr_t attributes;
  const long least = sysconf(_SC_THREAD_STACK_MIN);
  ck_assert_int_eq(pthread_attr_init(&attributes), 0);
  ck_assert_int_eq(pthread_attr_setstacksize(&attributes, least > STACK ? (size_t)least : STACK), 0);
  ck_assert_int_eq(pthread_create(&thread, &attributes, encode, job), 0);
  ck_assert_int_eq(pthread_join(thread, NULL), 0);
  pthread_attr_destroy(&attributes);
}

/* Twice the text takes about twice the time. Four times would be quadratic; 3 leaves room for caches of a busy machine. */
START_TEST(time_is_linear) {
  static const char *const kinds[] = {"gpt-2", "smollm", "llama-bpe", "qwen2", NULL};
  const char *kind = kinds[_i % 5], *unit = texts[_i / 5].unit;
  struct vocabs b = {0};
  struct vocabs_open o;
  if (kind) fill_runs(&b);
  else fill_scores(&b);
  ck_assert_msg(vocabs_open(&o, &b, kind ? "gpt2" : "llama", kind) == STILL_OK, "%s", o.ctx.error.text);
  char *text = malloc(2 * SHORT);
  for (size_t i = 0, n = strlen(unit); i < 2 * SHORT; i++) text[i] = unit[i % n];
  double ratio = 9;
  for (int attempt = 0; attempt < 5 && ratio > 3; attempt++) {
    struct job one = {.o = &o, .text = text, .bytes = SHORT}, two = {.o = &o, .text = text, .bytes = 2 * SHORT};
    encode_on_small_stack(&one);
    encode_on_small_stack(&two);
    ck_assert_msg(one.status == STILL_OK && two.status == STILL_OK, "%s", o.ctx.error.text);
    ck_assert(one.n > 0 && two.n > one.n);
    ratio = two.seconds / one.seconds;
  }
  ck_assert_msg(ratio <= 3, "%s, %s: %.2f times the time for 1 MiB as for half of it", kind ? kind : "SentencePiece",
                texts[_i / 5].name, ratio);
  free(text);
  vocabs_close(&o);
}
END_TEST

/* Spellings that are much alike, and many of them special. */
START_TEST(many_tokens_open_quickly) {
  struct vocabs b = {0};
  struct vocabs_open o;
  char spelling[32];
  vocabs_add_all_bytes(&b);
  for (unsigned i = 0; i < 300000; i++) {
    snprintf(spelling, sizeof spelling, "%u<%u", i % 7, i * 2654435761u);
    vocabs_add(&b, spelling, i % 3 ? NORMAL : i % 2 ? USER : CONTROL, 0);
  }
  double start = thread_seconds();
  ck_assert_msg(vocabs_open(&o, &b, "gpt2", "qwen2") == STILL_OK, "%s", o.ctx.error.text);
  double seconds = thread_seconds() - start;
  ck_assert_msg(seconds < 10, "%.1f s", seconds); /* 0.3 s where this was written; sanitizers take more */
  vocabs_close(&o);
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------------------------- */

struct memory {
  long left;  /* allocations until they fail */
  bool sticky;
  size_t bytes;
};

static void *take(void *user, size_t bytes, size_t align) {
  struct memory *m = user;
  bool fails = m->sticky ? m->left <= 0 : m->left == 0;
  m->left--;
  void *memory = fails ? NULL : aligned_alloc(align, bytes);
  if (memory) m->bytes += bytes;
  return memory;
}

static void give(void *user, void *memory, size_t bytes) {
  ((struct memory *)user)->bytes -= bytes;
  free(memory);
}

/* Opens, encodes and streams in a context whose memory runs out. */
static still_status use(struct sp_ctx *ctx, const struct sp_gguf *g, uint32_t size) {
  struct sp_vocab *v;
  size_t n = 0;
  const char *text;
  SP_TRY(sp_vocab_open(ctx, g, size, &v));
  still_status status = sp_vocab_encode(ctx, v, "some text, some more ab", 23, NULL, true, NULL, 0, &n);
  struct sp_stream *s = status == STILL_OK ? sp_stream_new(ctx, v) : NULL;
  if (status == STILL_OK) status = s ? sp_stream_push(s, 'a', &text, &n) : STILL_ENOMEM;
  sp_stream_free(s);
  sp_vocab_close(v);
  return status;
}

START_TEST(memory_runs_out) {
  static const char *const models[] = {"gpt2", "llama"};
  struct vocabs b = {0};
  struct vocabs_open o;
  if (_i < 2) fill_runs(&b);
  else fill_scores(&b);
  uint32_t size = b.n;
  ck_assert_int_eq(vocabs_open(&o, &b, models[_i / 2], "gpt-2"), STILL_OK);
  long failures = 0;
  for (still_status status = STILL_ENOMEM; status != STILL_OK; failures++) {
    struct memory memory = {.left = failures, .sticky = _i % 2};
    struct sp_ctx ctx;
    sp_ctx_init(&ctx, &(still_hooks){.size = sizeof(still_hooks), .user = &memory, .alloc = take, .release = give});
    status = use(&ctx, o.gguf, size);
    ck_assert_msg(status == STILL_OK || status == STILL_ENOMEM, "allocation %ld: %s", failures, ctx.error.text);
    ck_assert_uint_eq(memory.bytes, 0);
    ck_assert(status == STILL_OK || strstr(ctx.error.text, "no memory"));
  }
  ck_assert_int_gt(failures, 4); /* there were allocations to fail */
  vocabs_close(&o);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("vocabulary limits");
  TCase *damage = tcase_create("damage"), *limits = tcase_create("limits");
  tcase_add_loop_test(damage, damage_is_refused, 0, sizeof damages / sizeof damages[0]);
  tcase_add_test(damage, tokens_must_be_strings);
  tcase_add_test(damage, numbers_of_tokens_and_rows);
  tcase_add_test(damage, colliding_spellings_are_refused);
  tcase_add_test(damage, odd_spellings_stand_for_themselves);
  tcase_add_test(damage, old_files_work);
  tcase_add_test(damage, text_without_tokens_is_refused);
  tcase_add_loop_test(limits, time_is_linear, 0, 5 * (int)(sizeof texts / sizeof texts[0]));
  tcase_add_test(limits, many_tokens_open_quickly);
  tcase_add_loop_test(limits, memory_runs_out, 0, 4);
  suite_add_tcase(suite, damage);
  suite_add_tcase(suite, limits);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
