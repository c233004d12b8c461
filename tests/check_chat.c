/*
 * check_chat.c - chat templates: what they give, which bytes are trusted, what is refused, what is bounded.
 *
 * In:       chat_cases.c.  Out: TAP.
 * Not here: tokenising the result (check_vocab.c), templates of other files (model/templates.py).
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/chat.h"
#include "tests/chat_cases.h"

static struct sp_ctx ctx;
static struct sp_chat_text out;

static const still_message row_messages[] = {
  {"system", "Be kind."}, {"user", " Hi \n"}, {"assistant", "a</t>b</t>c"}, {"user", "Bye \xc3\xa9"},
};
static const still_message chat0[] = {{"user", "Hi"}};
static const still_message chat1[] = {
  {"system", "Be brief."}, {"user", " Hi\n"}, {"assistant", "<think>\nhm\n</think>\n\nSo."}, {"user", "Bye"},
};
static const still_message chat2[] = {{"user", "a"}, {"assistant", "<think>b</think>c"}};
static const struct {
  const still_message *messages;
  size_t n;
} chats[] = {{chat0, 1}, {chat1, 4}, {chat2, 2}};

static void setup(void) { sp_ctx_init(&ctx, NULL); }

static void teardown(void) {
  sp_chat_text_free(&ctx, &out);
  ck_assert_uint_eq(atomic_load(&ctx.bytes), 0);
}

static still_status render(const char *source, const still_message *messages, size_t n) {
  sp_chat_text_free(&ctx, &out);
  return sp_chat_render(&ctx, source, strlen(source), messages, n, "<s>", "</s>", true, &out);
}

/* The trust marks as text: "1" and "0". */
static const char *marks(void) {
  static char text[256];
  ck_assert_uint_lt(out.bytes, sizeof text);
  for (size_t i = 0; i < out.bytes; i++) text[i] = (char)('0' + out.trusted[i]);
  text[out.bytes] = '\0';
  return text;
}

/* ---- what they give -------------------------------------------------------------------------------------------- */

START_TEST(rows_give_what_jinja_gives) {
  const struct chat_row *row = &chat_rows[_i];
  ck_assert_msg(render(row->source, row_messages, 4) == STILL_OK, "%s: %s", row->source, ctx.error.text);
  ck_assert_msg(strcmp(out.text, row->text) == 0, "%s gave \"%s\"", row->source, out.text);
  ck_assert_uint_eq(out.bytes, strlen(out.text));
}
END_TEST

START_TEST(models_give_what_jinja_gives) {
  const struct chat_model *m = &chat_models[_i];
  still_status status = sp_chat_render(&ctx, m->source, strlen(m->source), chats[m->chat].messages, chats[m->chat].n, "<s>",
                                       "</s>", m->add_header, &out);
  ck_assert_msg(status == STILL_OK, "%s: %s", m->name, ctx.error.text);
  ck_assert_msg(strcmp(out.text, m->text) == 0, "%s, conversation %d gave \"%s\"", m->name, m->chat, out.text);
}
END_TEST

/* ---- trust ----------------------------------------------------------------------------------------------------- */

START_TEST(bytes_know_who_wrote_them) {
  static const struct {
    const char *source, *text, *marks;
  } cases[] = {
    {"a{{ messages[0].content }}b", "a<x>b", "10001"},
    {"{{ bos_token + messages[0].role }}{{ eos_token }}", "<s>user</s>", "11100001111"},
    {"{{ '<' ~ messages[0].content ~ 1 }}", "<<x>1", "10001"},
    {"{{ messages[0].content[1:2] }}", "x", "0"},
    {"{{ (' ' + messages[0].content + ' ') | trim }}", "<x>", "000"},
    {"{{ messages[0].content | replace('x', '<x>') }}", "<<x>>", "01110"},
    {"{{ ('a,' + messages[0].content).split(',') | join('-') }}", "a-<x>", "11000"},
    {"{{ messages[0].content | upper }}", "<X>", "000"},
    {"{{ messages[0].content | tojson }}", "\"<x>\"", "10001"},
    {"{% set b %}-{{ messages[0].content }}{% endset %}{{ b }}", "-<x>", "1000"},
    {"{% set ns = namespace(v=messages[0].content) %}{{ ns.v }}{{ {'k': ns.v}.k }}", "<x><x>", "000000"},
    {"{% for k, v in messages[0].items() %}{{ k }}{{ v }}{% endfor %}", "roleusercontent<x>", "111100001111111000"},
  };
  static const still_message messages[] = {{"user", "<x>"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    ck_assert_msg(render(cases[i].source, messages, 1) == STILL_OK, "%s", ctx.error.text);
    ck_assert_str_eq(out.text, cases[i].text);
    ck_assert_msg(strcmp(marks(), cases[i].marks) == 0, "%s: %s", cases[i].source, marks());
  }
}
END_TEST

/* Nothing is written for no content, and a NULL content is none. */
START_TEST(empty_messages) {
  static const still_message messages[] = {{"user", ""}, {"user", NULL}};
  ck_assert_int_eq(render("{{ messages[0].content }}{{ messages[1].content is none }}", messages, 2), STILL_OK);
  ck_assert_str_eq(out.text, "True");
  ck_assert_int_eq(render("", messages, 2), STILL_OK);
  ck_assert_str_eq(out.text, "");
  ck_assert_int_eq(render("x", messages, 0), STILL_EARG);
}
END_TEST

/* ---- what is refused ------------------------------------------------------------------------------------------- */

static const struct {
  const char *source;
  still_status status;
  const char *says;
} refusals[] = {
  {"{{ raise_exception('roles ' + messages[0].role) }}", STILL_EARG, "refuses these messages: roles system"},
  {"a\nb{% include 'x' %}", STILL_EUNSUPPORTED, "line 2: this statement is not known here, at \"include 'x' %}\""},
  {"{{ 'a'|wordwrap }}", STILL_EUNSUPPORTED, "the filter wordwrap"},
  {"{{ 'a'.zfill(3) }}", STILL_EUNSUPPORTED, "the method zfill"},
  {"{{ 1 is prime }}", STILL_EUNSUPPORTED, "the test prime"},
  {"{{ strftime_now('%Y') }}", STILL_EUNSUPPORTED, "an undefined value cannot be called, at \"('%Y') }}\""},
  {"{{ x.y }}", STILL_EUNSUPPORTED, "\"y\" is asked of something that is not defined"},
  {"{{ messages[7].role }}", STILL_EUNSUPPORTED, "not defined"},
  {"{{ 'a' + 1 }}", STILL_EUNSUPPORTED, "a string and a number cannot be added"},
  {"{{ messages }}", STILL_EUNSUPPORTED, "a list cannot be printed"},
  {"{{ 7 % 0 }}", STILL_EUNSUPPORTED, "range of numbers"},
  {"{{ 9223372036854775807 + 1 }}", STILL_EUNSUPPORTED, "range of numbers"},
  {"{{ 99999999999999999999 }}", STILL_EUNSUPPORTED, "64 bits"},
  {"{{ 1.5 }}", STILL_EUNSUPPORTED, "numbers with a point"},
  {"{{ 2 ** 3 }}", STILL_EUNSUPPORTED, "operator"},
  {"{{ '\xc3\xa4'|upper }}", STILL_EUNSUPPORTED, "beyond ASCII"},
  {"{% for c in 'abc' %}{% endfor %}", STILL_EUNSUPPORTED, "a string cannot be gone through"},
  {"{% for a, b in [1] %}{% endfor %}", STILL_EUNSUPPORTED, "loop's variables"},
  {"{% set x.y = 1 %}", STILL_EUNSUPPORTED, "\"x\" is no namespace"},
  {"{{ 'abc'.split('') }}", STILL_EUNSUPPORTED, "an empty string to look for"},
  {"{{ 'abc'|replace('a') }}", STILL_EUNSUPPORTED, "does not take these arguments"},
  {"{{ 'abc'|replace(old='a', new='b') }}", STILL_EUNSUPPORTED, "does not take these arguments"},
  {"{{ namespace(1) }}", STILL_EUNSUPPORTED, "named values only"},
  {"{{ 'abc'.split(1) }}", STILL_EUNSUPPORTED, "a number where a string belongs"},
  {"{{ 'abc'.split('b', 'c') }}", STILL_EUNSUPPORTED, "a string as the number of splits"},
  {"{{ messages|tojson }}", STILL_EUNSUPPORTED, "a list cannot become JSON here"},
  {"{{ 1.upper() }}", STILL_EUNSUPPORTED, "a number has no method upper"},
  {"{{ 'a' is odd }}", STILL_EUNSUPPORTED, "a string divided by a number"},
  {"{{ 'a' is divisibleby }}", STILL_EUNSUPPORTED, "the test divisibleby with 0 arguments"},
  {"{{ range() }}", STILL_EUNSUPPORTED, "range() does not take these arguments"},
  {"{{ range('a') }}", STILL_EUNSUPPORTED, "a string in range()"},
  {"{{ 'a' in 1 }}", STILL_EUNSUPPORTED, "a string cannot be looked for in a number"},
  {"{{ 'a' < 1 }}", STILL_EUNSUPPORTED, "a string and a number have no order"},
  {"{{ 'a' - 'b' }}", STILL_EUNSUPPORTED, "a string and a string do not go together"},
  {"{{ 1[:2] }}", STILL_EUNSUPPORTED, "a number cannot be sliced"},
  {"{{ 'abc'[::-1] }}", STILL_EUNSUPPORTED, "a slice of a string with this step"},
  {"{{ 'abc'['x':] }}", STILL_EUNSUPPORTED, "a string is no bound of a slice"},
  {"{{ messages[none] }}", STILL_EUNSUPPORTED, "none is no index"},
  {"{{ nothing[0] }}", STILL_EUNSUPPORTED, "an item is asked of something that is not defined"},
  {"{{ {1: 2} }}", STILL_EUNSUPPORTED, "a number as the key of a map"},
  {"{{ range(1, 2, 3, 4, 5, 6, 7, 8, 9) }}", STILL_EUNSUPPORTED, "more than 8 arguments"},
  {"{{ messages[] }}", STILL_EUNSUPPORTED, "an index is missing"},
  {"{{ }}", STILL_EUNSUPPORTED, "a value is missing"},
  {"{{ 1 2 }}", STILL_EUNSUPPORTED, "the end of the tag is missing"},
  {"{{ (1 }}", STILL_EUNSUPPORTED, "\")\" is missing"},
  {"{{ a[ }}", STILL_EUNSUPPORTED, "is missing"},
  {"{{ $ }}", STILL_EUNSUPPORTED, "a character that no expression has"},
  {"{{ 'a", STILL_EFORMAT, "a string never ends"},
  {"{{ 'a\\", STILL_EFORMAT, "a string never ends"},
  {"{{ a", STILL_EFORMAT, "a tag never ends"},
  {"{#", STILL_EFORMAT, "a comment never ends"},
  {"{% if 1 %}", STILL_EFORMAT, "is missing before the template's end"},
  {"{% endif %}", STILL_EUNSUPPORTED, "this statement is not known here"},
};

START_TEST(what_is_not_known_is_refused) {
  still_status status = render(refusals[_i].source, row_messages, 4);
  ck_assert_msg(status == refusals[_i].status, "%s gave %s: %s", refusals[_i].source, still_status_name(status), ctx.error.text);
  ck_assert_msg(strstr(ctx.error.text, refusals[_i].says), "%s: %s", refusals[_i].source, ctx.error.text);
  ck_assert_msg(strstr(ctx.error.text, "; --raw goes without"), "%s", ctx.error.text);
  ck_assert_ptr_null(out.text);
}
END_TEST

/* Templates carry branches that never run here: they must parse, whatever they call. */
START_TEST(branches_for_tools_do_not_matter) {
  static const char source[] =
    "{% macro f(x) %}{{ x|unknown }}{% endmacro %}"
    "{% if tools %}{{ f(tools|tojson(indent=4)) }}{{ tools | map('unknown') | strange(a=1, b=2) is peculiar }}{% endif %}ok";
  ck_assert_msg(render(source, row_messages, 4) == STILL_OK, "%s", ctx.error.text);
  ck_assert_str_eq(out.text, "ok");
}
END_TEST

/* ---- what is bounded ------------------------------------------------------------------------------------------- */

static char *repeat(const char *head, const char *unit, size_t n, const char *tail) {
  size_t bytes = strlen(unit);
  char *text = malloc(strlen(head) + n * bytes + strlen(tail) + 1), *at = text;
  at += sprintf(at, "%s", head);
  for (size_t i = 0; i < n; i++, at += bytes) memcpy(at, unit, bytes);
  strcpy(at, tail);
  return text;
}

/* A template that is too much is a limit; one of the same shape that is long but not deep works. */
static const struct {
  const char *head, *unit;
  size_t n;
  const char *tail;
  still_status status;
} bounds[] = {
  {"{{ ", "(", 200000, "", STILL_ELIMIT},
  {"{{ ", "[", 200000, "", STILL_ELIMIT},
  {"{{ ", "not ", 200000, "1 }}", STILL_ELIMIT},
  {"{{ ", "-", 200000, "1 }}", STILL_ELIMIT},
  {"{{ ", "1 if ", 100000, "1 }}", STILL_EUNSUPPORTED}, /* "a if b if c": no Jinja either */
  {"", "{% if 1 %}", 50000, "", STILL_ELIMIT},
  {"", "{% for a in b %}", 50000, "", STILL_ELIMIT},
  {"{{ 1", " + 1", 100000, " }}", STILL_OK},
  {"{{ 'a'", "|trim", 100000, " }}", STILL_OK},
  {"{{ messages", "[0:]", 100000, "|length }}", STILL_OK},
  {"{% if 0 %}", "{% elif 0 %}", 60000, "{% endif %}", STILL_OK},
  {"", "{# a #}{{ 1 }}", 60000, "", STILL_OK},
  {"", "{ ", 500000, "", STILL_OK},
  {"", "{{ 1 }}", 200000, "", STILL_ELIMIT}, /* a template of over 1 MiB */
};

START_TEST(depth_is_bounded_and_length_is_not) {
  char *source = repeat(bounds[_i].head, bounds[_i].unit, bounds[_i].n, bounds[_i].tail);
  still_status status = render(source, row_messages, 4);
  ck_assert_msg(status == bounds[_i].status, "\"%s\" gave %s: %s", bounds[_i].unit, still_status_name(status), ctx.error.text);
  free(source);
}
END_TEST

/* n copies of `unit` with every "#" replaced by the copy's number. */
static char *numbered(const char *unit, unsigned n) {
  char *text = malloc(n * (strlen(unit) + 16) + 1), *end = text;
  for (unsigned i = 0; i < n; i++)
    for (const char *at = unit; *at; at++) end += *at == '#' ? sprintf(end, "%u", i) : sprintf(end, "%c", *at);
  return text;
}

START_TEST(variables_and_entries_are_bounded) {
  static const struct {
    const char *unit;
    unsigned works, fails;
  } cases[] = {{"{% set v# = # %}", 240, 300}, {"{% set ns = ns or namespace() %}{% set ns.v# = # %}", 64, 65}};
  for (size_t i = 0; i < 2; i++) {
    char *works = numbered(cases[i].unit, cases[i].works), *fails = numbered(cases[i].unit, cases[i].fails);
    ck_assert_msg(render(works, row_messages, 4) == STILL_OK, "%s", ctx.error.text);
    ck_assert_int_eq(render(fails, row_messages, 4), STILL_ELIMIT);
    free(works);
    free(fails);
  }
}
END_TEST

/* Loops and strings that never come to an end. Each stops within the fuel, with memory to match. */
static const char *const runaways[] = {
  "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}{% endfor %}{% endfor %}{% endfor %}",
  "{% for a in range(999999999999) %}{% endfor %}",
  "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
  "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s|replace('x', 'xx') %}{% endfor %}",
  "{% set ns = namespace(s='x') %}{% for i in range(60) %}{% set ns.s = ns.s|tojson %}{% endfor %}",
  "{% set ns = namespace(l=[1]) %}{% for i in range(60) %}{% set ns.l = ns.l + ns.l %}{% endfor %}",
  ("{% set ns = namespace(l=[]) %}{% for i in range(100) %}{% set ns.l = [ns.l] %}{% endfor %}"
   "{{ ns.l == [ns.l] or ns.l == ns.l }}"),
  "{% for i in range(18) %}{% set x = (x or 'x') + (x or 'x') %}{% endfor %}{{ ('x' * 1) }}",
  "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(9) %}{% set ns.s = ns.s + ns.s %}{% endfor %}"
  "{{ ns.s.replace('x', ns.s) }}",
  "{% for i in range(100000) %}0123456789012345678901234567890123456789012345678901234567890123456789{% endfor %}",
  "{% for i in range(300000) %}{{ messages[0].content.split('') }}{% endfor %}",
};

START_TEST(runaways_are_stopped) {
  still_status status = render(runaways[_i], row_messages, 4);
  ck_assert_msg(status == STILL_ELIMIT || status == STILL_EUNSUPPORTED, "%s gave %s", runaways[_i], still_status_name(status));
  ck_assert_msg(atomic_load(&ctx.peak) < 300u << 20, "%zu bytes", (size_t)atomic_load(&ctx.peak));
}
END_TEST

START_TEST(looking_for_text_is_bounded) {
  still_message message = {"user", repeat("", "a", 3 << 20, "")};
  char *source = repeat("{{ '", "a", 500000, "b' in messages[0].content }}");
  ck_assert_int_eq(render(source, &message, 1), STILL_ELIMIT); /* 3 Mi starts, each to be compared with 500,000 bytes */
  ck_assert_int_eq(render("{{ 'b' in messages[0].content }}", &message, 1), STILL_OK);
  free(source);
  free((char *)message.content);
}
END_TEST

/* A long message is no runaway: 3 MiB pass through a real template. */
START_TEST(long_messages_pass) {
  still_message message = {"user", repeat("", "word ", (3 << 20) / 5, "")};
  for (size_t i = 0; i < n_chat_models; i++) {
    if (chat_models[i].chat != 0) continue;
    ck_assert_msg(render(chat_models[i].source, &message, 1) == STILL_OK, "%s: %s", chat_models[i].name, ctx.error.text);
    ck_assert_uint_gt(out.bytes, 3u << 20 >> 1);
  }
  free((char *)message.content);
  message.content = repeat("", "word ", (5 << 20) / 5, "");
  ck_assert_int_eq(render(chat_models[0].source, &message, 1), STILL_ELIMIT);
  free((char *)message.content);
}
END_TEST

START_TEST(many_messages_pass) {
  still_message *messages = malloc(4000 * sizeof *messages);
  for (size_t i = 0; i < 4000; i++) messages[i] = (still_message){i % 2 ? "assistant" : "user", "text"};
  for (size_t i = 0; i < n_chat_models; i++)
    ck_assert_msg(render(chat_models[i].source, messages, 4000) == STILL_OK, "%s: %s", chat_models[i].name, ctx.error.text);
  free(messages);
}
END_TEST

/* ---- memory ---------------------------------------------------------------------------------------------------- */

static long left;    /* allocations until they fail */
static size_t taken; /* bytes not given back */

static void *take(void *user, size_t bytes, size_t align) {
  void *memory = left-- > 0 ? aligned_alloc(align, bytes) : NULL;
  (void)user;
  if (memory) taken += bytes;
  return memory;
}

static void give(void *user, void *memory, size_t bytes) {
  (void)user;
  taken -= bytes;
  free(memory);
}

START_TEST(memory_runs_out) {
  long failures = 0;
  for (still_status status = STILL_ENOMEM; status != STILL_OK; failures++) {
    sp_ctx_init(&ctx, &(still_hooks){.size = sizeof(still_hooks), .alloc = take, .release = give});
    left = failures;
    status = render(chat_models[_i].source, chat1, 4);
    ck_assert_msg(status == STILL_OK || status == STILL_ENOMEM, "%s", ctx.error.text);
    if (status == STILL_OK) sp_chat_text_free(&ctx, &out);
    ck_assert_uint_eq(taken, 0);
  }
  ck_assert_int_gt(failures, 4);
}
END_TEST

int main(void) {
  Suite *suite = suite_create("chat");
  TCase *text = tcase_create("text"), *refused = tcase_create("refused"), *bounded = tcase_create("bounded");
  tcase_add_loop_test(text, rows_give_what_jinja_gives, 0, (int)n_chat_rows);
  tcase_add_loop_test(text, models_give_what_jinja_gives, 0, (int)n_chat_models);
  tcase_add_test(text, bytes_know_who_wrote_them);
  tcase_add_test(text, empty_messages);
  tcase_add_loop_test(refused, what_is_not_known_is_refused, 0, sizeof refusals / sizeof refusals[0]);
  tcase_add_test(refused, branches_for_tools_do_not_matter);
  tcase_add_loop_test(bounded, depth_is_bounded_and_length_is_not, 0, sizeof bounds / sizeof bounds[0]);
  tcase_add_test(bounded, variables_and_entries_are_bounded);
  tcase_add_loop_test(bounded, runaways_are_stopped, 0, sizeof runaways / sizeof runaways[0]);
  tcase_add_test(bounded, looking_for_text_is_bounded);
  tcase_add_test(bounded, long_messages_pass);
  tcase_add_test(bounded, many_messages_pass);
  tcase_add_loop_test(bounded, memory_runs_out, 0, (int)n_chat_models);
  TCase *const cases[] = {text, refused, bounded};
  for (size_t i = 0; i < 3; i++) {
    tcase_add_checked_fixture(cases[i], setup, teardown);
    suite_add_tcase(suite, cases[i]);
  }
  SRunner *runner = srunner_create(suite);
  srunner_set_tap(runner, "-");
  srunner_run_all(runner, CK_SILENT);
  int failed = srunner_ntests_failed(runner);
  srunner_free(runner);
  return failed != 0;
}
