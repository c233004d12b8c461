/*
 * options.c - the table of options and its parser.
 *
 * In:       argv, and the settings that the library has: each key is an option, so that there is no second list of them.
 * Out:      struct cli.
 * Not here: the text of --help and completions (help.c).
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define TRACED (CLI_TRACE | CLI_PLOT)
#define PROMPTED (CLI_RUN | CLI_DIGEST | TRACED)
#define TALKS (CLI_ASK | CLI_CHAT)
#define LOADS (CLI_ALL & ~(CLI_CPU | CLI_SELFTEST))

/* Rows of the table: name, letter or 0, argument or preset, member of struct cli_values, commands, text. Of choices, the first is
 * the preset. */
#define ROW(k, n, l, a, m, c, t) .name = n, .letter = l, .kind = k, .argument = a, .offset = offsetof(struct cli_values, m), \
                                 .commands = c, .text = t
#define FLAG(n, l, m, c, t) {ROW(CLI_FLAG, n, l, NULL, m, c, t)}
#define TEXT(n, l, a, m, c, t) {ROW(CLI_TEXT, n, l, a, m, c, t)}
#define LIST(n, l, a, m, c, t) {ROW(CLI_LIST, n, l, a, m, c, t)}
#define COUNT(n, l, p, m, c, t) {ROW(CLI_TEXT, n, l, "N", m, c, t), .preset = p, .has_preset = true}
#define CHOICE(n, a, list, m, c, t) {ROW(CLI_TEXT, n, 0, a, m, c, t), .choices = list, .has_preset = true}
#define ALIAS(n, a, key, value, c, t) {.name = n, .kind = CLI_SETTING, .argument = a, .setting = key, .fixed = value, \
                                       .commands = c, .text = t}

static const struct cli_option own[] = {
    TEXT("model", 'm', "FILE", model, LOADS, "GGUF model file (of a split one: the first part)"),
    TEXT("prompt", 'p', "TEXT", prompt, PROMPTED | CLI_TOKENIZE, "the prompt; \"-\" reads standard input"),
    LIST("file", 'f', "FILE", files, PROMPTED | CLI_TOKENIZE,
         "text from a file, before the prompt; \"-\" reads standard input; may be repeated"),
    LIST("file", 'f', "FILE", files, CLI_ASK, "the text; may be repeated"),
    LIST("file", 'f', "FILE", files, CLI_CHAT, "text before the first message; may be repeated"),
    LIST("question", 'p', "TEXT", asked, CLI_ASK, "a question; may be repeated [default: the lines of standard input]"),
    TEXT("questions", 0, "FILE", questions, CLI_ASK, "questions, one a line; \"-\" reads standard input"),
    LIST("prompt", 'p', "TEXT", asked, CLI_CHAT, "a message; may be repeated [default: the lines of standard input]"),
    TEXT("save", 0, "FILE", save, CLI_ASK, "write the text as it waits at the gate to a state file"),
    TEXT("load", 0, "FILE", load, CLI_ASK, "take the text from a state file"),
    LIST("file", 'f', "FILE", files, CLI_PERPLEXITY, "a text to predict; may be repeated"),
    LIST("file", 'f', "FILE", files, CLI_EVAL, "a text for the sets loss and agree; may be repeated"),
    LIST("hay", 0, "FILE", hay, CLI_EVAL,
         "text in which facts are hidden; may be repeated [default: sentences made from --seed]"),
    TEXT("sets", 0, "NAME,...", sets, CLI_EVAL,
         "which of one, many, table, chain, count (questions), loss and agree (with -f) [default: all]"),
    LIST("file", 'f', "FILE", files, CLI_CALIBRATE,
         "a text of the kind that the model is to read; may be repeated. Half of each is for the search, half confirms"),
    LIST("hay", 0, "FILE", hay, CLI_CALIBRATE, "text in which facts are hidden; may be repeated [default: those of -f]"),
    TEXT("lengths", 0, "N,N,...", lengths, CLI_CALIBRATE, "tokens of the prompts [default 4096]"),
    TEXT("eps", 0, "X", eps, CLI_CALIBRATE, "most loss of quality balanced above dense, in nats a token [default 0.02]"),
    TEXT("points", 0, "X", points, CLI_CALIBRATE, "most points of retrieval of quality balanced below dense [default 1]"),
    COUNT("texts", 0, 4, texts, CLI_CALIBRATE, "texts of each set of questions (one, many, chain) and length for the search"),
    COUNT("final-texts", 0, 5, final_texts, CLI_CALIBRATE, "the same to confirm what it found"),
    COUNT("per-text", 0, 10, per_text, CLI_CALIBRATE, "questions about a text that the gates are asked"),
    COUNT("answers", 0, 5, answers, CLI_CALIBRATE, "of these, questions that candidates must answer"),
    COUNT("places", 0, 8, places, CLI_CALIBRATE, "places in the texts of -f for each length, evenly spread"),
    COUNT("final-places", 0, 40, final_places, CLI_CALIBRATE, "the same to confirm what the search found"),
    COUNT("continuation", 0, 128, continuation, CLI_CALIBRATE, "tokens behind each place whose loss is measured"),
    TEXT("starts", 0, "X,X,...", starts, CLI_CALIBRATE, "start layers to try [default 0.25,0.3,0.35,0.4,0.5,0.6]"),
    TEXT("ratios", 0, "X,X,...", ratios, CLI_CALIBRATE, "ratios to try [default 0.5,0.6666667,0.75,0.8]"),
    TEXT("pools", 0, "N,N,...", pools, CLI_CALIBRATE, "pools to try [default 31,63]"),
    TEXT("wakes", 0, "X,X,...", wakes, CLI_CALIBRATE, "values of wake to try [default: the setting alone]"),
    TEXT("min-tokens", 0, "N", min_tokens, CLI_CALIBRATE,
         "the file's min-tokens: shorter prompts stay dense [default: half of the smallest length]"),
    TEXT("out", 0, "FILE", out, CLI_CALIBRATE, "the calibration file [default: beside the model, MODEL.calibration]"),
    TEXT("results", 0, "FILE", results, CLI_CALIBRATE,
         "keep single results in this file, a JSON object a line; those that it holds already are not run again"),
    FLAG("exhaustive", 0, exhaustive, CLI_CALIBRATE, "run all candidates on the whole sample as well, and compare"),
    FLAG("timed", 0, timed, CLI_CALIBRATE, "measure the speed-up of the chosen settings, and write it into the file"),
    LIST("file", 'f', "FILE", files, CLI_BENCH, "a text to prefill, repeated as needed [default: tokens made from --seed]"),
    TEXT("tokens", 0, "IDS", tokens, PROMPTED | CLI_TOKENIZE, "the prompt as token ids: 1,2,3 or @FILE"),
    TEXT("system", 0, "TEXT", system, PROMPTED | TALKS | CLI_TOKENIZE, "system message of the chat template"),
    FLAG("raw", 0, raw, PROMPTED | CLI_ASK, "no chat template: the model continues the text as it is"),
    FLAG("chat", 0, chat, CLI_TOKENIZE, "put the text through the chat template"),
    FLAG("parse-special", 0, parse_special, PROMPTED | TALKS | CLI_TOKENIZE,
         "spellings of special tokens in the text become those tokens"),
    FLAG("no-bos", 0, no_bos, PROMPTED | CLI_ASK | CLI_TOKENIZE | CLI_PERPLEXITY,
         "no beginning-of-sequence token before plain text, even if the file asks for it"),
    CHOICE("show", "WHAT", "table|ids|text|count", show, CLI_TOKENIZE, "what to print"),
    COUNT("predict", 'n', 256, predict, CLI_RUN | TALKS, "most tokens of the answer"),
    COUNT("predict", 'n', 16, predict, CLI_DIGEST, "greedy tokens to decode"),
    COUNT("predict", 'n', 32, predict, CLI_BENCH, "tokens to decode at each depth"),
    COUNT("predict", 'n', 32, predict, CLI_EVAL, "most tokens of an answer"),
    LIST("stop", 0, "TEXT", stops, CLI_RUN | TALKS, "end the answer where this text would begin; may be repeated"),
    FLAG("logprobs", 0, logprobs, CLI_RUN, "one line a token: id, log probability, text"),
    FLAG("keys", 0, keys, CLI_INSPECT, "list the file's keys"),
    FLAG("tensors", 0, tensors, CLI_INSPECT, "list the file's tensors"),
    COUNT("chunk-tokens", 0, 2048, chunk_tokens, CLI_PERPLEXITY, "tokens of a window; each file is cut into windows"),
    TEXT("chunks", 0, "N", chunks, CLI_PERPLEXITY, "most windows of a file [default: all]"),
    COUNT("first", 0, 1, first, CLI_PERPLEXITY,
          "tokens at the start of a window that are read and not scored; nothing predicts the first"),
    TEXT("against", 0, "NUMERICS", against, CLI_PERPLEXITY,
         "compare with float (or int8): KL divergence, difference in loss, agreement of first choices and of kept tokens"),
    TEXT("continuation", 0, "N", continuation, CLI_PERPLEXITY,
         "loss of the last N tokens of each window after a prefill of the others, dense and halted"),
    COUNT("continuation", 0, 256, continuation, CLI_EVAL, "tokens behind each place that the set loss scores"),
    COUNT("places", 0, 12, places, CLI_EVAL, "places in the texts of -f for each length, evenly spread"),
    COUNT("questions", 0, 20, questions, CLI_EVAL, "questions of each set for each length"),
    COUNT("per-text", 0, 10, per_text, CLI_EVAL, "most questions about one text"),
    TEXT("lengths", 0, "N,N,...", lengths, CLI_EVAL, "tokens of the prompts [default 2048,4096]"),
    TEXT("depths", 0, "N,N,...", depths, CLI_EVAL,
         "where facts stand, in per cent of the text before them [default 10,30,50,70,90]"),
    TEXT("out", 0, "FILE", out, CLI_EVAL,
         "keep single results in this file, a JSON object a line; those that it holds already are not run again"),
    TEXT("plot", 0, "FILE", plot, CLI_EVAL, "write heat maps of depth and length: SVG, or PNG if the name ends so"),
    TEXT("out", 0, "FILE", out, CLI_TRACE, "write the trace to this file"),
    CHOICE("show", "WHAT", "trace|text|none", show, CLI_TRACE,
           "on standard output: the trace (with --out nothing, unless asked for), or the text with what was halted dimmed"),
    TEXT("html", 0, "FILE", html, CLI_TRACE, "write the text as a page, with scores where the pointer rests"),
    TEXT("out", 0, "FILE", out, CLI_PLOT, "write the picture to this file"),
    CHOICE("format", "NAME", "auto|svg|png", format, CLI_PLOT, "auto: PNG if the file's name ends so, else SVG"),
    TEXT("lengths", 0, "N,N,...", lengths, CLI_BENCH, "prompt lengths of the prefill [default 512,2048,8192]"),
    TEXT("depths", 0, "N,N,...", depths, CLI_BENCH, "prompt lengths before the decoding; 0: none [default 512,2048]"),
    FLAG("kinds", 0, kinds, CLI_BENCH, "what the time of each prefill went into, by kind of work"),
    COUNT("repeat", 0, 3, repeat, CLI_BENCH, "measurements behind each median"),
    ALIAS("dense", NULL, "policy", "dense", PROMPTED | TALKS | CLI_INSPECT | CLI_PERPLEXITY | CLI_BENCH,
          "halt nothing: --policy dense"),
    ALIAS("temp", "X", "temperature", NULL, CLI_RUN | CLI_DIGEST | TALKS, "short for --temperature"),
    /* common to all */
    FLAG("json", 0, json, CLI_ALL, "one JSON object on standard output; the schema is in the man page"),
    FLAG("quiet", 'q', quiet, CLI_ALL, "no report and no progress, only the result"),
    CHOICE("progress", "WHEN", "auto|always|never", progress, CLI_ALL, "progress on standard error; auto: on a terminal"),
    FLAG("help", 'h', help, CLI_ALL, "print this help"),
    FLAG("version", 'V', version, CLI_ALL, "print the version"),
};

#undef ROW
#undef FLAG
#undef TEXT
#undef LIST
#undef COUNT
#undef CHOICE
#undef ALIAS

enum { N_OWN = sizeof own / sizeof own[0] };

static const struct {
  const char *type, *argument;
} arguments[] = {{"int", "N"}, {"real", "X"}, {"bytes", "BYTES"}, {"choice", "NAME"}, {"path", "FILE"}};

static const char *argument_of(const char *type) {
  for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++)
    if (strcmp(arguments[i].type, type) == 0) return arguments[i].argument;
  return "VALUE";
}

/* The model's settings and the seed are common to all commands, so that a script may pass them anywhere. */
static bool takes(const struct cli_command *command, const still_key *key) {
  if (strcmp(key->scope, "session") == 0) return command->scopes & CLI_SESSION;
  if (strcmp(key->scope, "sampler") == 0) return (command->scopes & CLI_SAMPLER) || strcmp(key->name, "seed") == 0;
  return true;
}

/* CLI_MAX_OPTIONS leaves room for twice the options of today; the test of --help would see one missing. */
static void add(struct cli_options *out, const struct cli_option *option) {
  if (out->count < CLI_MAX_OPTIONS) out->option[out->count++] = *option;
}

/* Rows of the table above, either those that all commands take or the command's own. */
static void add_own(const struct cli_command *command, bool common, struct cli_options *out) {
  for (size_t i = 0; i < N_OWN; i++) {
    struct cli_option option = own[i];
    if (!(option.commands & command->bit) || (option.commands == CLI_ALL) != common) continue;
    option.scope = common ? "common" : NULL;
    add(out, &option);
  }
}

/* An option for each key of a scope; names, texts and presets are the library's own. */
static void add_settings(const struct cli_command *command, const char *scope, struct cli_options *out) {
  still_key key = {.size = sizeof key};
  for (size_t i = 0; still_settings_key(i, &key) == STILL_OK; i++) {
    if (strcmp(key.scope, scope) != 0 || !takes(command, &key)) continue;
    add(out, &(struct cli_option){.name = key.name, .kind = CLI_SETTING, .argument = argument_of(key.type),
                                  .choices = key.choices, .setting = key.name, .commands = command->bit, .scope = key.scope,
                                  .text = key.text, .preset = key.preset, .has_preset = strcmp(key.type, "path") != 0});
  }
}

void cli_options_of(const struct cli_command *command, struct cli_options *out) {
  out->count = 0;
  add_own(command, false, out);
  add_settings(command, "session", out);
  add_settings(command, "sampler", out);
  add_settings(command, "model", out);
  add_own(command, true, out);
}

/* ---- parsing ------------------------------------------------------------------------------------------------- */

/* Whether value is one of "a|b|c". */
static bool is_choice(const char *choices, const char *value) {
  size_t length = strlen(value);
  for (const char *at = choices; at; at = strchr(at, '|')) {
    at += *at == '|';
    if (strcspn(at, "|") == length && strncmp(at, value, length) == 0) return true;
  }
  return false;
}

static int push(struct cli *cli, struct cli_list *list, const char *value) {
  const char **item = realloc(list->item, (list->count + 1) * sizeof *item);
  if (!item) return cli_no_memory(cli);
  list->item = item;
  list->item[list->count++] = value;
  return CLI_OK;
}

/* Puts one option in its place. value is NULL for flags. */
static int apply(struct cli *cli, const struct cli_option *option, const char *value) {
  char *place = (char *)&cli->given + option->offset;
  if (option->kind == CLI_SETTING) {
    if (still_set(cli->settings, option->setting, option->fixed ? option->fixed : value) == STILL_OK) return CLI_OK;
    return cli_usage(cli, "%s", still_settings_error(cli->settings));
  }
  if (option->choices && !is_choice(option->choices, value))
    return cli_usage(cli, "--%s takes one of %s, not \"%s\"", option->name, option->choices, value);
  if (option->kind == CLI_FLAG)
    *(bool *)place = true;
  else if (option->kind == CLI_LIST)
    return push(cli, (struct cli_list *)place, value);
  else
    *(const char **)place = value;
  return CLI_OK;
}

enum { LONG_BASE = 256 }; /* getopt's value of option i is LONG_BASE + i, above every letter */

/* The two forms that getopt wants. ":" first: errors are ours to say. */
static void make_getopt(const struct cli_options *options, struct option *longs, char *letters) {
  *letters++ = ':';
  for (size_t i = 0; i < options->count; i++) {
    const struct cli_option *o = &options->option[i];
    longs[i] = (struct option){o->name, o->argument ? required_argument : no_argument, NULL, LONG_BASE + (int)i};
    if (!o->letter) continue;
    *letters++ = (char)o->letter;
    if (o->argument) *letters++ = ':';
  }
  longs[options->count] = (struct option){0};
  *letters = '\0';
}

static const struct cli_option *option_of(const struct cli_options *options, int value) {
  if (value >= LONG_BASE) return &options->option[value - LONG_BASE];
  for (size_t i = 0; i < options->count; i++)
    if (options->option[i].letter == value) return &options->option[i];
  return NULL;
}

/* What getopt_long refused: a letter, or the whole word that optind has just passed. */
static int refuse(const struct cli *cli, bool lacks_value, char **argv) {
  char letter[3] = {'-', (char)optopt, '\0'};
  const char *word = optopt > 0 && optopt < LONG_BASE ? letter : argv[optind - 1];
  if (lacks_value) return cli_usage(cli, "%s needs a value", word);
  if (optopt >= LONG_BASE) return cli_usage(cli, "%s takes no value", word);
  return cli_usage(cli, "unknown or ambiguous option %s", word);
}

/* At most one: texts with blanks that lack quotes are a mistake, not several prompts. */
static int take_operands(struct cli *cli, int argc, char **argv) {
  if (optind == argc) return CLI_OK;
  if (!cli->command->operand) return cli_usage(cli, "what is \"%s\"? No operand is expected", argv[optind]);
  if (argc - optind > 1) return cli_usage(cli, "one operand is expected, \"%s\" is a second one (quote texts)", argv[optind + 1]);
  cli->given.operand = argv[optind];
  return CLI_OK;
}

int cli_parse(struct cli *cli, int argc, char **argv) {
  struct cli_options options;
  struct option longs[CLI_MAX_OPTIONS + 1];
  char letters[2 * CLI_MAX_OPTIONS + 2];
  cli_options_of(cli->command, &options);
  make_getopt(&options, longs, letters);
  cli->settings = still_settings_new();
  if (!cli->settings) return cli_no_memory(cli);
  opterr = 0;
  for (int value; (value = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
    if (value == '?' || value == ':') return refuse(cli, value == ':', argv);
    const struct cli_option *option = option_of(&options, value);
    int code = option ? apply(cli, option, optarg) : cli_usage(cli, "unknown option");
    if (code != CLI_OK) return code;
  }
  return take_operands(cli, argc, argv);
}

bool cli_count(const struct cli *cli, const char *name, const char *text, uint64_t least, uint64_t most, uint64_t *value) {
  for (size_t i = 0; !text && i < N_OWN; i++) {
    bool is_it = (own[i].commands & cli->command->bit) && strcmp(own[i].name, name) == 0;
    if (is_it && own[i].has_preset) *value = (uint64_t)own[i].preset;
  }
  if (!text) return true;
  char *end;
  errno = 0;
  *value = strtoull(text, &end, 10);
  bool digits = text[0] >= '0' && text[0] <= '9' && *end == '\0'; /* strtoull would take "-1" and " 1" */
  if (digits && errno == 0 && *value >= least && *value <= most) return true;
  cli_usage(cli, "--%s takes a whole number from %llu to %llu, not \"%s\"", name, (unsigned long long)least,
            (unsigned long long)most, text);
  return false;
}

void cli_release(struct cli *cli) {
  still_settings_free(cli->settings);
  free(cli->given.files.item);
  free(cli->given.stops.item);
  free(cli->given.asked.item);
  free(cli->given.hay.item);
}
