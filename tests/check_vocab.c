/*
 * check_vocab.c - text to ids and back, against slow renderings of the rules written here.
 *
 * In:       vocabularies made by vocabs.c.  Out: TAP.
 * Not here: pre-tokenisers (check_text.c), limits on time, memory and damage (check_vocab_limits.c), real vocabularies
 *           (model/tokens.py).
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "tests/vocabs.h"

enum { TEXT = 96 };

static still_token got[4 * TEXT + 8];

/* Ids of text, all of it trusted or none. */
static size_t encode(struct vocabs_open *o, const char *text, size_t n, bool trust, bool add_bos) {
  uint8_t trusted[4 * TEXT];
  size_t count;
  memset(trusted, 1, sizeof trusted);
  still_status status =
      sp_vocab_encode(&o->ctx, o->vocab, text, n, trust ? trusted : NULL, add_bos, got, sizeof got / sizeof *got, &count);
  ck_assert_msg(status == STILL_OK, "%s", o->ctx.error.text);
  return count;
}

/* Ids as text: "3 17 4". */
static const char *ids(size_t n) {
  static char text[1024];
  size_t used = 0;
  text[0] = '\0';
  for (size_t i = 0; i < n; i++) used += (size_t)snprintf(text + used, sizeof text - used, i ? " %d" : "%d", (int)got[i]);
  return text;
}

/* ---- byte-level BPE, slowly ------------------------------------------------------------------------------------ */

struct slow_merge {
  char left[16], right[16];
  size_t n_left, n_right;
};

struct slow_piece {
  const char *at;
  size_t n;
};

static bool is(struct slow_piece piece, const char *text, size_t n) { return piece.n == n && memcmp(piece.at, text, n) == 0; }

/* Joins the first pair that the first merge in the list allows, again and again. Returns the number of pieces left. */
static size_t slow_bpe(const struct slow_merge *merges, size_t n_merges, struct slow_piece *pieces, size_t n) {
  for (size_t m = 0; m < n_merges; m++)
    for (size_t i = 0; i + 1 < n; i++)
      if (is(pieces[i], merges[m].left, merges[m].n_left) && is(pieces[i + 1], merges[m].right, merges[m].n_right)) {
        pieces[i].n += pieces[i + 1].n;
        memmove(pieces + i + 1, pieces + i + 2, (n - i - 2) * sizeof *pieces);
        return slow_bpe(merges, n_merges, pieces, n - 1);
      }
  return n;
}

/* Random merges over few letters. Ranks need not grow with length as in trained vocabularies: any order must work. */
static size_t random_merges(struct vocabs *b, struct slow_merge *merges, size_t most, uint64_t *seed) {
  char known[80][32] = {"a", "b", "c"};
  size_t n_known = 3, n = 0;
  while (n < most) {
    const char *left = known[tiny_random(seed) % n_known], *right = known[tiny_random(seed) % n_known];
    size_t n_left = strlen(left), n_right = strlen(right);
    bool twice = false;
    for (size_t i = 0; i < n; i++) twice = twice || (!strcmp(merges[i].left, left) && !strcmp(merges[i].right, right));
    if (n_left + n_right > 9 || twice) continue;
    memcpy(merges[n].left, left, n_left + 1);
    memcpy(merges[n].right, right, n_right + 1);
    merges[n].n_left = n_left;
    merges[n++].n_right = n_right;
    snprintf(known[n_known++], sizeof known[0], "%s%s", left, right);
  }
  for (size_t i = n; i-- > 1;) { /* shuffle */
    size_t k = tiny_random(seed) % (i + 1);
    struct slow_merge other = merges[i];
    merges[i] = merges[k];
    merges[k] = other;
  }
  for (size_t i = 3; i < n_known; i++) vocabs_add_bytes(b, known[i], strlen(known[i]));
  for (size_t i = 0; i < n; i++) vocabs_merge(b, merges[i].left, merges[i].n_left, merges[i].right, merges[i].n_right);
  return n;
}

START_TEST(bpe_equals_the_slow_rendering) {
  uint64_t seed = 1;
  for (int round = 0; round < 40; round++) {
    struct vocabs b = {0};
    struct vocabs_open o;
    struct slow_merge merges[40];
    vocabs_add_all_bytes(&b);
    size_t n_merges = random_merges(&b, merges, 3 + tiny_random(&seed) % 37, &seed);
    ck_assert_msg(vocabs_open(&o, &b, "gpt2", "gpt-2") == STILL_OK, "%s", o.ctx.error.text);
    for (int text_round = 0; text_round < 50; text_round++) {
      char text[TEXT];
      struct slow_piece pieces[TEXT];
      size_t n = 1 + tiny_random(&seed) % (TEXT - 1), letters = 1 + tiny_random(&seed) % 3;
      for (size_t i = 0; i < n; i++) {
        text[i] = (char)('a' + tiny_random(&seed) % letters);
        pieces[i] = (struct slow_piece){text + i, 1};
      }
      size_t want = slow_bpe(merges, n_merges, pieces, n), count = encode(&o, text, n, false, false);
      bool same = want == count;
      for (size_t i = 0; same && i < want; i++) {
        const char *piece;
        size_t bytes;
        same = sp_vocab_piece(o.vocab, got[i], &piece, &bytes) && is(pieces[i], piece, bytes);
      }
      if (!same) ck_abort_msg("seed 1, round %d/%d, \"%.*s\": ids %s", round, text_round, (int)n, text, ids(count));
    }
    vocabs_close(&o);
  }
}
END_TEST

/* ---- SentencePiece style, slowly ------------------------------------------------------------------------------- */

struct slow_token {
  char text[12];
  float score;
  still_token id;
};

static const struct slow_token *slow_find(const struct slow_token *tokens, size_t n_tokens, struct slow_piece piece) {
  const struct slow_token *found = NULL;
  for (size_t i = 0; i < n_tokens; i++)
    if (is(piece, tokens[i].text, strlen(tokens[i].text))) found = &tokens[i];
  return found;
}

/* Joins the neighbours that make the token with the best score, the leftmost of equals, again and again. */
static size_t slow_spm(const struct slow_token *tokens, size_t n_tokens, struct slow_piece *pieces, size_t n) {
  for (;;) {
    const struct slow_token *best = NULL;
    size_t at = 0;
    for (size_t i = 0; i + 1 < n; i++) {
      const struct slow_token *token =
          slow_find(tokens, n_tokens, (struct slow_piece){pieces[i].at, pieces[i].n + pieces[i + 1].n});
      if (!token || (best && token->score <= best->score)) continue;
      best = token;
      at = i;
    }
    if (!best) return n;
    pieces[at].n += pieces[at + 1].n;
    memmove(pieces + at + 1, pieces + at + 2, (n - at - 2) * sizeof *pieces);
    n--;
  }
}

static void add_byte_tokens(struct vocabs *b) {
  for (unsigned byte = 0; byte < 256; byte++) {
    char spelling[8];
    snprintf(spelling, sizeof spelling, "<0x%02X>", byte);
    vocabs_add(b, spelling, BYTE, 0);
  }
}

/* <unk> <s> </s>, 256 bytes, then "a", "b" and random strings of a, b, c: "c" alone is no token. */
static size_t random_tokens(struct vocabs *b, struct slow_token *tokens, size_t most, uint64_t *seed) {
  size_t n = 0;
  vocabs_add(b, "<unk>", UNKNOWN, 0);
  vocabs_add(b, "<s>", CONTROL, 0);
  vocabs_add(b, "</s>", CONTROL, 0);
  add_byte_tokens(b);
  while (n < most) {
    struct slow_token t = {.score = (float)(tiny_random(seed) % 12) - 8}; /* many equal scores */
    size_t bytes = n < 2 ? 1 : 2 + tiny_random(seed) % 5;
    for (size_t i = 0; i < bytes; i++) t.text[i] = (char)(n < 2 ? 'a' + (char)n : 'a' + (char)(tiny_random(seed) % 3));
    if (slow_find(tokens, n, (struct slow_piece){t.text, bytes})) continue;
    t.id = vocabs_add(b, t.text, NORMAL, t.score);
    tokens[n++] = t;
  }
  return n;
}

static void no_prefix(struct tiny_gguf *g) {
  tiny_key_bool(g, "tokenizer.ggml.add_space_prefix", false);
  tiny_key_bool(g, "tokenizer.ggml.add_bos_token", false);
}

START_TEST(spm_equals_the_slow_rendering) {
  uint64_t seed = 2;
  for (int round = 0; round < 40; round++) {
    struct vocabs b = {.extra = no_prefix};
    struct vocabs_open o;
    struct slow_token tokens[40];
    size_t n_tokens = random_tokens(&b, tokens, 2 + tiny_random(&seed) % 38, &seed);
    ck_assert_msg(vocabs_open(&o, &b, "llama", NULL) == STILL_OK, "%s", o.ctx.error.text);
    for (int text_round = 0; text_round < 50; text_round++) {
      char text[TEXT];
      struct slow_piece pieces[TEXT];
      still_token want[TEXT];
      size_t n = 1 + tiny_random(&seed) % (TEXT - 1), n_want = 0;
      for (size_t i = 0; i < n; i++) {
        text[i] = (char)('a' + tiny_random(&seed) % 3);
        pieces[i] = (struct slow_piece){text + i, 1};
      }
      size_t left = slow_spm(tokens, n_tokens, pieces, n);
      for (size_t i = 0; i < left; i++) {
        const struct slow_token *token = slow_find(tokens, n_tokens, pieces[i]);
        want[n_want++] = token ? token->id : 3 + (uint8_t)pieces[i].at[0]; /* no token: its byte */
      }
      size_t count = encode(&o, text, n, false, true);
      if (count != n_want || memcmp(want, got, count * sizeof *got) != 0)
        ck_abort_msg("seed 2, round %d/%d, \"%.*s\": ids %s", round, text_round, (int)n, text, ids(count));
    }
    vocabs_close(&o);
  }
}
END_TEST

/* ---- what the kinds do with spaces, bytes and BOS --------------------------------------------------------------- */

START_TEST(spm_spaces_and_bytes) {
  struct vocabs b = {0};
  struct vocabs_open o;
  vocabs_add(&b, "<unk>", UNKNOWN, 0);
  vocabs_add(&b, "<s>", CONTROL, 0);
  vocabs_add(&b, "</s>", CONTROL, 0);
  add_byte_tokens(&b);                                     /* 3..258 */
  vocabs_add(&b, "\xe2\x96\x81", NORMAL, -3);               /* 259: the space */
  vocabs_add(&b, "a", NORMAL, -2);                          /* 260 */
  vocabs_add(&b, "\xe2\x96\x81" "a", NORMAL, -1);           /* 261 */
  vocabs_add(&b, "   ", USER, 0);                           /* 262: three spaces, spelled as they are */
  ck_assert_int_eq(vocabs_open(&o, &b, "llama", NULL), STILL_OK);
  static const struct {
    const char *text;
    bool trust, bos;
    const char *ids;
  } cases[] = {
    {"a", false, true, "1 261"},       /* BOS and the space before the text are this kind's defaults */
    {"a", false, false, "261"},
    {"", false, true, "1"},
    {"aa a", false, false, "261 260 261"},
    {"\xe2\x96\x81" "a", false, false, "259 261"}, /* a word mark in text is a space */
    {"\xc3\xa9", false, false, "259 198 172"},     /* bytes of what is no token */
    {"\xff", false, false, "259 258"},
    {"a</s>a", true, false, "261 2 261"},          /* after a special token, the space again */
    {"a</s></s>", true, false, "261 2 2"},         /* but not where there is no text */
    {"a</s>", false, false, "261 63 50 118 65"},   /* untrusted: bytes of its letters */
    {"a   a", false, false, "261 262 261"},        /* user-defined tokens count everywhere */
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    size_t n = encode(&o, cases[i].text, strlen(cases[i].text), cases[i].trust, cases[i].bos);
    ck_assert_msg(strcmp(ids(n), cases[i].ids) == 0, "case %zu: ids %s", i, ids(n));
  }
  const char *piece;
  size_t bytes;
  ck_assert(sp_vocab_piece(o.vocab, 261, &piece, &bytes) && bytes == 2 && memcmp(piece, " a", 2) == 0);
  ck_assert(sp_vocab_piece(o.vocab, 3 + 10, &piece, &bytes) && bytes == 1 && piece[0] == '\n');
  ck_assert(sp_vocab_piece(o.vocab, 2, &piece, &bytes) && bytes == 4 && memcmp(piece, "</s>", 4) == 0);
  vocabs_close(&o);
}
END_TEST

START_TEST(whole_pieces_go_before_merges) {
  static const struct {
    const char *pre, *ids;
  } cases[] = {{"llama-bpe", "0"}, {"qwen2", "98 99"}};
  for (size_t i = 0; i < 2; i++) {
    struct vocabs b = {0};
    struct vocabs_open o;
    vocabs_add_bytes(&b, "ab", 2); /* 0: a token that no merge makes */
    vocabs_add_all_bytes(&b);
    ck_assert_int_eq(vocabs_open(&o, &b, "gpt2", cases[i].pre), STILL_OK);
    ck_assert_str_eq(ids(encode(&o, "ab", 2, false, false)), cases[i].ids);
    vocabs_close(&o);
  }
}
END_TEST

static void ask_bos(struct tiny_gguf *g) {
  tiny_key_u32(g, "tokenizer.ggml.bos_token_id", 256);
  tiny_key_bool(g, "tokenizer.ggml.add_bos_token", true);
}
static void have_bos(struct tiny_gguf *g) { tiny_key_u32(g, "tokenizer.ggml.bos_token_id", 256); }
static void wild_bos(struct tiny_gguf *g) {
  tiny_key_u32(g, "tokenizer.ggml.bos_token_id", UINT32_MAX);
  tiny_key_bool(g, "tokenizer.ggml.add_bos_token", true);
}

static void edge_bos(struct tiny_gguf *g) {
  tiny_key_u32(g, "tokenizer.ggml.bos_token_id", 257); /* the number of tokens */
  tiny_key_bool(g, "tokenizer.ggml.add_bos_token", true);
}

START_TEST(bos_comes_as_the_file_asks) {
  static const struct {
    const char *pre;
    void (*keys)(struct tiny_gguf *g);
    const char *ids;
  } cases[] = {
    {"gpt-2", NULL, "97"}, {"gpt-2", have_bos, "97"}, {"gpt-2", ask_bos, "256 97"}, {"gpt-2", wild_bos, "97"},
    {"gpt-2", edge_bos, "97"},
    {"llama-bpe", NULL, "97"}, {"llama-bpe", have_bos, "256 97"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct vocabs b = {.extra = cases[i].keys};
    struct vocabs_open o;
    vocabs_add_all_bytes(&b);
    vocabs_add(&b, "<bos>", CONTROL, 0);
    ck_assert_int_eq(vocabs_open(&o, &b, "gpt2", cases[i].pre), STILL_OK);
    ck_assert_msg(strcmp(ids(encode(&o, "a", 1, false, true)), cases[i].ids) == 0, "case %zu", i);
    ck_assert_str_eq(ids(encode(&o, "a", 1, false, false)), "97");
    vocabs_close(&o);
  }
}
END_TEST

/* ---- special tokens -------------------------------------------------------------------------------------------- */

START_TEST(special_tokens_are_found_where_text_is_trusted) {
  struct vocabs b = {0};
  struct vocabs_open o;
  vocabs_add_all_bytes(&b);
  vocabs_add(&b, "<x>", CONTROL, 0);    /* 256 */
  vocabs_add(&b, "<x><y>", CONTROL, 0); /* 257 */
  vocabs_add(&b, "<y>", CONTROL, 0);    /* 258 */
  vocabs_add(&b, "==", USER, 0);        /* 259 */
  vocabs_add(&b, "<x", UNUSED, 0);      /* 260: never */
  ck_assert_int_eq(vocabs_open(&o, &b, "gpt2", "gpt-2"), STILL_OK);
  static const struct {
    const char *text, *trust, *ids; /* trust: one digit a byte; "": NULL */
  } cases[] = {
    {"<x>", "111", "256"}, {"<x>", "", "60 120 62"}, {"<x>", "000", "60 120 62"}, {"<x>", "110", "60 120 62"},
    {"<x>", "011", "60 120 62"}, {"<x><y>", "111111", "257"}, {"<x><y>", "111110", "256 60 121 62"},
    {"<x><y>", "000111", "60 120 62 258"}, {"<<x>>", "11111", "60 256 62"}, {"<x<y>", "11111", "60 120 258"},
    {"a==b", "", "97 259 98"}, {"===", "000", "259 61"}, {"<x>==<y>", "11111111", "256 259 258"}, {"<y", "11", "60 121"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t trusted[16];
    size_t n = strlen(cases[i].text), count;
    for (size_t k = 0; k < n; k++) trusted[k] = cases[i].trust[0] ? cases[i].trust[k] - '0' : 0;
    const uint8_t *marks = cases[i].trust[0] ? trusted : NULL;
    ck_assert_int_eq(sp_vocab_encode(&o.ctx, o.vocab, cases[i].text, n, marks, false, got, 16, &count), STILL_OK);
    ck_assert_msg(strcmp(ids(count), cases[i].ids) == 0, "case %zu: ids %s", i, ids(count));
  }
  ck_assert(sp_vocab_is_special(o.vocab, 256) && !sp_vocab_is_special(o.vocab, 259) && !sp_vocab_is_special(o.vocab, 97));
  ck_assert(!sp_vocab_is_special(o.vocab, -1) && !sp_vocab_is_special(o.vocab, 261));
  vocabs_close(&o);
}
END_TEST

static void name_eos(struct tiny_gguf *g) {
  tiny_key_u32(g, "tokenizer.ggml.eos_token_id", 259);
  tiny_key_u32(g, "tokenizer.ggml.eot_token_id", 260);
}

START_TEST(end_tokens) {
  struct vocabs b = {.extra = name_eos};
  struct vocabs_open o;
  vocabs_add_all_bytes(&b);
  vocabs_add(&b, "<|im_end|>", CONTROL, 0);
  vocabs_add(&b, "<|eot_id|>", NORMAL, 0);    /* a spelling alone is not enough */
  vocabs_add(&b, "<|im_start|>", CONTROL, 0);
  vocabs_add(&b, "stop", CONTROL, 0);         /* 259: named by the file */
  vocabs_add(&b, "<|endoftext|>", NORMAL, 0); /* 260: named and known, so a control token, whatever its type says */
  ck_assert_int_eq(vocabs_open(&o, &b, "gpt2", "gpt-2"), STILL_OK);
  static const bool want[] = {true, false, false, true, true};
  for (int i = 0; i < 5; i++) ck_assert_msg(sp_vocab_is_end(o.vocab, 256 + i) == want[i], "token %d", 256 + i);
  ck_assert(!sp_vocab_is_end(o.vocab, 'a') && !sp_vocab_is_end(o.vocab, -1) && !sp_vocab_is_end(o.vocab, 261));
  ck_assert_int_eq(sp_vocab_eos(o.vocab), 259);
  ck_assert_int_eq(sp_vocab_bos(o.vocab), -1);
  ck_assert_str_eq(ids(encode(&o, "<|endoftext|>", 13, true, false)), "260");
  vocabs_close(&o);
}
END_TEST

/* ---- any bytes ------------------------------------------------------------------------------------------------- */

/* Byte-level vocabularies give back what they were given, whatever it is. */
START_TEST(bytes_come_back) {
  static const char *const kinds[] = {"gpt-2", "smollm", "llama-bpe", "qwen2"};
  uint64_t seed = 3;
  for (int kind = 0; kind < 4; kind++) {
    struct vocabs b = {0};
    struct vocabs_open o;
    struct slow_merge merges[40];
    vocabs_add_all_bytes(&b);
    random_merges(&b, merges, 40, &seed);
    vocabs_add(&b, "<|end|>", CONTROL, 0);
    ck_assert_int_eq(vocabs_open(&o, &b, "gpt2", kinds[kind]), STILL_OK);
    for (int round = 0; round < 5000; round++) {
      char text[TEXT], back[TEXT + 16];
      size_t n = tiny_random(&seed) % TEXT, n_back = 0, bytes;
      for (size_t i = 0; i < n; i++) text[i] = round % 2 ? (char)tiny_random(&seed) : "abc 1\n'<|end>."[tiny_random(&seed) % 14];
      if (n > 20) memcpy(text + n / 2, "<|end|>", 7);
      size_t count = encode(&o, text, n, round % 3 == 0, false);
      for (size_t i = 0; i < count; i++) {
        const char *piece;
        bool known = sp_vocab_piece(o.vocab, got[i], &piece, &bytes);
        if (!known || n_back + bytes > n) ck_abort_msg("seed 3, kind %d, round %d", kind, round);
        memcpy(back + n_back, piece, bytes);
        n_back += bytes;
      }
      if (n_back != n || memcmp(text, back, n) != 0) ck_abort_msg("seed 3, kind %d, round %d", kind, round);
    }
    vocabs_close(&o);
  }
}
END_TEST

START_TEST(capacity_is_kept) {
  struct vocabs b = {0};
  struct vocabs_open o;
  size_t n;
  vocabs_add_all_bytes(&b);
  ck_assert_int_eq(vocabs_open(&o, &b, "gpt2", "gpt-2"), STILL_OK);
  got[0] = got[1] = got[2] = -7;
  ck_assert_int_eq(sp_vocab_encode(&o.ctx, o.vocab, "abc", 3, NULL, false, got, 2, &n), STILL_OK);
  ck_assert_uint_eq(n, 3);
  ck_assert(got[0] == 'a' && got[1] == 'b' && got[2] == -7);
  ck_assert_int_eq(sp_vocab_encode(&o.ctx, o.vocab, "abc", 3, NULL, false, NULL, 0, &n), STILL_OK);
  ck_assert_uint_eq(n, 3);
  ck_assert_int_eq(sp_vocab_encode(&o.ctx, o.vocab, "", 0, NULL, false, NULL, 0, &n), STILL_OK);
  ck_assert_uint_eq(n, 0);
  ck_assert_uint_eq(sp_vocab_size(o.vocab), 256);
  ck_assert_uint_gt(sp_vocab_memory(o.vocab), 256 * 8);
  vocabs_close(&o);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("vocab");
  TCase *rules = tcase_create("rules"), *special = tcase_create("special");
  tcase_add_test(rules, bpe_equals_the_slow_rendering);
  tcase_add_test(rules, spm_equals_the_slow_rendering);
  tcase_add_test(rules, spm_spaces_and_bytes);
  tcase_add_test(rules, whole_pieces_go_before_merges);
  tcase_add_test(rules, bos_comes_as_the_file_asks);
  tcase_add_test(special, special_tokens_are_found_where_text_is_trusted);
  tcase_add_test(special, end_tokens);
  tcase_add_test(rules, bytes_come_back);
  tcase_add_test(rules, capacity_is_kept);
  suite_add_tcase(suite, rules);
  suite_add_tcase(suite, special);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
