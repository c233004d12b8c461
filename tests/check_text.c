/*
 * check_text.c - characters, pre-tokenisers and the output stream.
 *
 * In:       nothing.  Out: TAP.
 * Not here: vocabularies (check_vocab.c), chat templates (check_chat.c), comparison with other tokenisers (model/tokens.py).
 */
#include <check.h>
#include <string.h>
#include <unistd.h>

#include "src/pretok.h"
#include "src/text.h"
#include "src/unicode.h"
#include "tests/tiny.h"

enum { ROUNDS = 20000 };

/* ---- characters ------------------------------------------------------------------------------------------------ */

static size_t put_utf8(char *out, uint32_t c) {
  if (c < 0x80) return out[0] = (char)c, 1;
  size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = n; --i > 0; c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
  out[0] = (char)(0xf0 << (4 - n) | c);
  return n;
}

START_TEST(classes_of_characters) {
  static const struct {
    uint32_t c;
    enum sp_class class;
  } cases[] = {
    {'a', SP_LETTER}, {'Z', SP_LETTER}, {'0', SP_NUMBER}, {'9', SP_NUMBER}, {' ', SP_SPACE}, {'\n', SP_SPACE}, {0x0b, SP_SPACE},
    {0x1c, SP_OTHER}, {0x85, SP_SPACE}, {0xa0, SP_SPACE}, {'_', SP_OTHER}, {0x7f, SP_OTHER}, {0, SP_OTHER},
    {0xaa, SP_LETTER}, {0xb2, SP_NUMBER}, {0xbd, SP_NUMBER}, {0xd7, SP_OTHER}, {0xdf, SP_LETTER}, {0x301, SP_OTHER},
    {0x3b1, SP_LETTER}, {0x660, SP_NUMBER}, {0x93f, SP_OTHER}, {0x1680, SP_SPACE}, {0x180e, SP_OTHER}, {0x200b, SP_OTHER},
    {0x2028, SP_SPACE}, {0x2160, SP_NUMBER}, {0x3000, SP_SPACE}, {0x3007, SP_NUMBER}, {0x4e2d, SP_LETTER}, {0xac00, SP_LETTER},
    {0xd800, SP_OTHER}, {0xe000, SP_OTHER}, {0xfffd, SP_OTHER}, {0x1f600, SP_OTHER}, {0x1d7ce, SP_NUMBER}, {0x20000, SP_LETTER},
    {0x10ffff, SP_OTHER}, {SP_NOT_UTF8, SP_OTHER},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
    ck_assert_msg(sp_unicode_class(cases[i].c) == cases[i].class, "U+%04X is %d", cases[i].c, sp_unicode_class(cases[i].c));
}
END_TEST

/* The short way for ASCII and the table agree where they meet: nothing between U+0000 and U+007F is missing or doubled. */
START_TEST(numbers_of_characters_in_classes) {
  size_t counts[4] = {0};
  for (uint32_t c = 0; c < 0x110000; c++) counts[sp_unicode_class(c)]++;
  ck_assert_uint_eq(counts[SP_SPACE], 25); /* the property White_Space has 25 characters since Unicode 6.3 */
  ck_assert_uint_gt(counts[SP_LETTER], 130000);
  ck_assert_uint_gt(counts[SP_NUMBER], 1700);
  ck_assert_uint_eq(counts[0] + counts[1] + counts[2] + counts[3], 0x110000);
}
END_TEST

START_TEST(every_character_decodes) {
  for (uint32_t c = 0; c < 0x110000; c++) {
    char text[4] = {0};
    uint32_t back;
    bool whole, surrogate = c >= 0xd800 && c < 0xe000; /* which are no characters */
    size_t n = put_utf8(text, c), taken = sp_utf8_next(text, n, &back);
    bool right = surrogate ? taken == 1 && back == SP_NOT_UTF8 : taken == n && back == c && sp_utf8_last(text, n) == 0;
    for (size_t cut = 1; cut < n && !surrogate; cut++) right = right && sp_utf8_scan(text, cut, &whole) == cut && !whole;
    if (!right) ck_abort_msg("U+%04X", c); /* not ck_assert: it talks to the parent process each time */
  }
}
END_TEST

START_TEST(bytes_that_are_no_character) {
  static const struct {
    const char *bytes;
    size_t start; /* bytes that could begin a character */
  } cases[] = {
    {"\x80", 0}, {"\xbf", 0}, {"\xc0\x80", 0}, {"\xc1\xbf", 0}, {"\xe0\x9f\xbf", 1}, {"\xed\xa0\x80", 1}, {"\xf0\x8f\xbf\xbf", 1},
    {"\xf4\x90\x80\x80", 1}, {"\xf5\x80\x80\x80", 0}, {"\xff", 0}, {"\xe2\x82(", 2}, {"\xf0\x9f\x98(", 3}, {"\xc3(", 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint32_t c;
    bool whole;
    size_t n = strlen(cases[i].bytes);
    ck_assert_msg(sp_utf8_scan(cases[i].bytes, n, &whole) == cases[i].start && !whole, "case %zu", i);
    ck_assert_uint_eq(sp_utf8_next(cases[i].bytes, n, &c), 1);
    ck_assert_uint_eq(c, SP_NOT_UTF8);
  }
  uint32_t c;
  ck_assert_uint_eq(sp_utf8_next("\xc3\xa9\x80", 3, &c), 2); /* what follows a character is no part of it */
  ck_assert_uint_eq(c, 0xe9);
  ck_assert_uint_eq(sp_utf8_last("ab", 2), 1);
  ck_assert_uint_eq(sp_utf8_last("a\xc3\xa9", 3), 1);
  ck_assert_uint_eq(sp_utf8_last("\xe2\x82", 2), 1);
}
END_TEST

/* ---- pre-tokenisers -------------------------------------------------------------------------------------------- */

/* Expectations were taken from the published patterns in a regular-expression engine. */
static const struct {
  const char *rules, *text, *pieces; /* pieces with "|" between them */
} cuts[] = {
  {"gpt-2", "Hello world", "Hello| world"},
  {"gpt-2", "don't I'LL", "don|'t| I|'|LL"},
  {"gpt-2", "a  b", "a| | b"},
  {"gpt-2", "a\n\n b", "a|\n\n| b"},
  {"gpt-2", "tail  ", "tail|  "},
  {"gpt-2", "x 12345", "x| 12345"},
  {"gpt-2", "a1b2", "a|1|b|2"},
  {"gpt-2", "f(x)=y;\n", "f|(|x|)=|y|;|\n"},
  {"gpt-2", "\t\tx", "\t|\t|x"},
  {"gpt-2", "e\xcc\x81t\xc3\xa9", "e|\xcc\x81|t\xc3\xa9"},
  {"gpt-2", "\xff\xfe" "a", "\xff\xfe|a"},
  {"smollm", "x 12 3", "x| |1|2| |3"},
  {"smollm", "a  1b", "a|  |1|b"},
  {"smollm", "it's 2nd", "it|'s| |2|nd"},
  {"smollm", " \n7", " \n|7"},
  {"smollm", "x\xc2\xbd", "x|\xc2\xbd"},
  {"llama-bpe", "don't I'LL", "don|'t| I|'LL"},
  {"llama-bpe", "it'\xc5\xbf ok", "it|'\xc5\xbf| ok"},
  {"llama-bpe", "1234567", "123|456|7"},
  {"llama-bpe", "x 12", "x| |12"},
  {"llama-bpe", "a.b $c", "a|.b| $|c"},
  {"llama-bpe", "a\r\n\r\n  b", "a|\r\n\r\n| | b"},
  {"llama-bpe", "f();\n\n x", "f|();\n\n| x"},
  {"llama-bpe", "a   b", "a|  | b"},
  {"llama-bpe", "a \n \n  ", "a| \n \n|  "},
  {"llama-bpe", "\tx", "\tx"},
  {"llama-bpe", "\nx", "\n|x"},
  {"llama-bpe", "\xc2\xa0w", "\xc2\xa0w"},
  {"llama-bpe", "\xff" "a\xff\xff", "\xff" "a|\xff\xff"},
  {"qwen2", "1234 5", "1|2|3|4| |5"},
  {"qwen2", "\xe6\x97\xa5\xe6\x9c\xac 3", "\xe6\x97\xa5\xe6\x9c\xac| |3"},
  {"qwen2", "'sx 's", "'s|x| '|s"},
  {"qwen2", "x\xf0\x9f\x98\x80y", "x|\xf0\x9f\x98\x80y"},
  {"qwen2", "a!\n?", "a|!\n|?"},
};

START_TEST(texts_are_cut_as_published) {
  for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
    const struct sp_pretok *rules = sp_pretok_find(cuts[i].rules, strlen(cuts[i].rules));
    char pieces[64] = "";
    size_t n = 0, bytes = strlen(cuts[i].text);
    ck_assert_ptr_nonnull(rules);
    for (size_t at = 0, piece; at < bytes; at += piece) {
      piece = sp_pretok_next(rules, cuts[i].text + at, bytes - at);
      if (at > 0) pieces[n++] = '|';
      memcpy(pieces + n, cuts[i].text + at, piece);
      n += piece;
    }
    ck_assert_msg(strcmp(pieces, cuts[i].pieces) == 0, "%s: \"%s\" became \"%s\"", cuts[i].rules, cuts[i].text, pieces);
  }
}
END_TEST

START_TEST(names_of_rules) {
  static const char *const same[][2] = {
    {"default", "gpt-2"}, {"", "gpt-2"}, {"starcoder", "smollm"}, {"llama3", "llama-bpe"}, {"llama-v3", "llama-bpe"},
    {"deepseek-r1-qwen", "qwen2"},
  };
  for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
    const struct sp_pretok *rules = sp_pretok_find(same[i][0], strlen(same[i][0]));
    ck_assert_ptr_nonnull(rules);
    ck_assert_str_eq(rules->name, same[i][1]);
  }
  ck_assert_ptr_null(sp_pretok_find("tekken", 6));
  ck_assert_ptr_null(sp_pretok_find("qwen", 4));
  ck_assert(sp_pretok_find("llama-bpe", 9)->whole_pieces && !sp_pretok_find("qwen2", 5)->whole_pieces);
}
END_TEST

/* Bytes of all kinds: pieces are never empty, nor longer than the text. */
START_TEST(any_bytes_are_cut) {
  static const char *const kinds[] = {"gpt-2", "smollm", "llama-bpe", "qwen2"};
  static const char parts[][5] = {"a", "Z", "'", "s", "1", " ", " ", "\n", "\r", "\t", ".", "(",
                                  "\xc2\xa0", "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\xff", "\xe2\x82"};
  uint64_t seed = 7;
  for (int round = 0; round < ROUNDS; round++) {
    const struct sp_pretok *rules = sp_pretok_find(kinds[round % 4], strlen(kinds[round % 4]));
    char text[256];
    size_t n = 0, most = tiny_random(&seed) % 200;
    while (n < most) {
      const char *part = parts[tiny_random(&seed) % (sizeof parts / sizeof parts[0])];
      memcpy(text + n, part, strlen(part));
      n += strlen(part);
    }
    for (size_t at = 0, piece; at < n; at += piece) {
      piece = sp_pretok_next(rules, text + at, n - at);
      if (piece == 0 || piece > n - at) ck_abort_msg("seed 7, round %d, at %zu", round, at);
    }
  }
}
END_TEST

/* ---- the stream ------------------------------------------------------------------------------------------------ */

static struct sp_ctx ctx;
static struct sp_gguf *gguf;
static struct sp_vocab *vocab;

/* A tiny byte-level vocabulary: token 3 + b is the byte b, 0..2 are control tokens. */
static void open_vocab(void) {
  struct tiny_spec s;
  struct tiny_bytes file;
  char path[32];
  tiny_preset(&s);
  tiny_make(&s, 0, &file);
  int fd = tiny_share(&file, path);
  tiny_free(&file);
  sp_ctx_init(&ctx, NULL);
  ck_assert_msg(sp_gguf_open(&ctx, path, false, &gguf) == STILL_OK, "%s", ctx.error.text);
  ck_assert_msg(sp_vocab_open(&ctx, gguf, s.vocab, &vocab) == STILL_OK, "%s", ctx.error.text);
  close(fd);
}

static void close_vocab(void) {
  sp_vocab_close(vocab);
  sp_gguf_close(gguf);
  ck_assert_uint_eq(atomic_load(&ctx.bytes), 0);
}

START_TEST(stream_gives_whole_characters) {
  static const struct {
    const char *bytes, *calls; /* what each byte's push gives, and the end; "." for nothing */
  } cases[] = {
    {"ab", "a|b|."},
    {"\xc3\xa9x", ".|\xc3\xa9|x|."},
    {"\xf0\x9f\x98\x80", ".|.|.|\xf0\x9f\x98\x80|."},
    {"\xff" "a", "\xef\xbf\xbd|a|."},
    {"\xe2\x82" "a", ".|.|\xef\xbf\xbd" "a|."},         /* one start, one U+FFFD */
    {"\xed\xa0\x80", ".|\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd|."}, /* a surrogate: three starts */
    {"\xe2\x82", ".|.|\xef\xbf\xbd"},
  };
  struct sp_stream *s = sp_stream_new(&ctx, vocab);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char calls[128] = "";
    const char *text;
    size_t n;
    for (const char *at = cases[i].bytes; *at; at++) {
      ck_assert_int_eq(sp_stream_push(s, 3 + (uint8_t)*at, &text, &n), STILL_OK);
      strncat(calls, n ? text : ".", n ? n : 1);
      strcat(calls, "|");
    }
    ck_assert_int_eq(sp_stream_end(s, &text, &n), STILL_OK);
    strncat(calls, n ? text : ".", n ? n : 1);
    ck_assert_msg(strcmp(calls, cases[i].calls) == 0, "case %zu gave \"%s\"", i, calls);
  }
  sp_stream_free(s);
}
END_TEST

START_TEST(stream_leaves_control_tokens_out) {
  const char *text;
  size_t n;
  struct sp_stream *s = sp_stream_new(&ctx, vocab);
  ck_assert_int_eq(sp_stream_push(s, 3 + 0xe2, &text, &n), STILL_OK);
  ck_assert_uint_eq(n, 0);
  ck_assert_int_eq(sp_stream_push(s, 2, &text, &n), STILL_OK); /* nothing goes on across it */
  ck_assert_uint_eq(n, 3);
  ck_assert_mem_eq(text, "\xef\xbf\xbd", 3);
  ck_assert_int_eq(sp_stream_push(s, -1, &text, &n), STILL_EARG);
  ck_assert_int_eq(sp_stream_push(s, (still_token)sp_vocab_size(vocab), &text, &n), STILL_EARG);
  ck_assert_uint_eq(n, 0);
  sp_stream_free(s);
  sp_stream_free(NULL);
}
END_TEST

/* Any bytes: all that comes out is valid, and valid text comes out as it went in. */
START_TEST(stream_is_valid_at_every_moment) {
  uint64_t seed = 11;
  struct sp_stream *s = sp_stream_new(&ctx, vocab);
  for (int round = 0; round < 2000; round++) {
    char in[400], out[1600];
    size_t n_in = 0, n_out = 0, n;
    const char *text;
    bool valid = round % 2;
    while (n_in < 300)
      if (valid) n_in += put_utf8(in + n_in, tiny_random(&seed) % 3 ? (uint32_t)(tiny_random(&seed) % 0xd800) : 0x1f600);
      else in[n_in++] = (char)tiny_random(&seed);
    for (size_t i = 0; i <= n_in; i++) {
      still_status status = i < n_in ? sp_stream_push(s, 3 + (uint8_t)in[i], &text, &n) : sp_stream_end(s, &text, &n);
      uint32_t c = 0;
      for (size_t at = 0; at < n && c != SP_NOT_UTF8;) at += sp_utf8_next(text + at, n - at, &c);
      if (status != STILL_OK || c == SP_NOT_UTF8) ck_abort_msg("seed 11, round %d, byte %zu", round, i);
      memcpy(out + n_out, text, n);
      n_out += n;
    }
    ck_assert(!valid || (n_out == n_in && memcmp(in, out, n_in) == 0));
  }
  sp_stream_free(s);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("text");
  TCase *characters = tcase_create("characters"), *pieces = tcase_create("pre-tokenisers"), *stream = tcase_create("stream");
  tcase_add_test(characters, classes_of_characters);
  tcase_add_test(characters, numbers_of_characters_in_classes);
  tcase_add_test(characters, every_character_decodes);
  tcase_add_test(characters, bytes_that_are_no_character);
  tcase_add_test(pieces, texts_are_cut_as_published);
  tcase_add_test(pieces, names_of_rules);
  tcase_add_test(pieces, any_bytes_are_cut);
  tcase_add_checked_fixture(stream, open_vocab, close_vocab);
  tcase_add_test(stream, stream_gives_whole_characters);
  tcase_add_test(stream, stream_leaves_control_tokens_out);
  tcase_add_test(stream, stream_is_valid_at_every_moment);
  suite_add_tcase(suite, characters);
  suite_add_tcase(suite, pieces);
  suite_add_tcase(suite, stream);
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
