/*
 * options.c - the table of options and its parser.
 *
 * In:       argv, and the settings that the library has: each key is an option, so that there is no second list of them.
 * Out:      struct cli.
 * Not here: the text of --help and completions (help.c), numbers inside values (main.c).
 */
#include "options.h"

#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct cli_values, member)
#define PROMPTED (CLI_RUN | CLI_DIGEST)
#define LOADS (CLI_ALL & ~(CLI_CPU | CLI_SELFTEST))

static const struct cli_option own[] = {
    {"model", 'm', CLI_TEXT, "FILE", NULL, AT(model), NULL, NULL, LOADS, NULL,
     "GGUF model file (of a split one: the first part)", 0, false},
    {"prompt", 'p', CLI_TEXT, "TEXT", NULL, AT(prompt), NULL, NULL, PROMPTED | CLI_TOKENIZE, NULL,
     "the prompt; \"-\" reads standard input", 0, false},
    {"file", 'f', CLI_LIST, "FILE", NULL, AT(files), NULL, NULL, PROMPTED | CLI_TOKENIZE, NULL,
     "text from a file, before the prompt; \"-\" reads standard input; may be repeated", 0, false},
    {"file", 'f', CLI_LIST, "FILE", NULL, AT(files), NULL, NULL, CLI_PERPLEXITY, NULL,
     "a text to predict; may be repeated", 0, false},
    {"file", 'f', CLI_LIST, "FILE", NULL, AT(files), NULL, NULL, CLI_BENCH, NULL,
     "a text to prefill, repeated as needed [default: tokens made from --seed]", 0, false},
    {"tokens", 0, CLI_TEXT, "IDS", NULL, AT(tokens), NULL, NULL, PROMPTED | CLI_TOKENIZE, NULL,
     "the prompt as token ids: 1,2,3 or @FILE", 0, false},
    {"system", 0, CLI_TEXT, "TEXT", NULL, AT(system), NULL, NULL, PROMPTED | CLI_TOKENIZE, NULL,
     "system message of the chat template", 0, false},
    {"raw", 0, CLI_FLAG, NULL, NULL, AT(raw), NULL, NULL, PROMPTED, NULL,
     "no chat template: the model continues the text as it is", 0, false},
    {"chat", 0, CLI_FLAG, NULL, NULL, AT(chat), NULL, NULL, CLI_TOKENIZE, NULL, "put the text through the chat template", 0, false},
    {"parse-special", 0, CLI_FLAG, NULL, NULL, AT(parse_special), NULL, NULL, PROMPTED | CLI_TOKENIZE, NULL,
     "spellings of special tokens in the text become those tokens", 0, false},
    {"no-bos", 0, CLI_FLAG, NULL, NULL, AT(no_bos), NULL, NULL, PROMPTED | CLI_TOKENIZE | CLI_PERPLEXITY, NULL,
     "no beginning-of-sequence token before plain text, even if the file asks for it", 0, false},
    {"show", 0, CLI_TEXT, "WHAT", "table|ids|text|count", AT(show), NULL, NULL, CLI_TOKENIZE, NULL,
     "what to print", 0, true},
    {"predict", 'n', CLI_TEXT, "N", NULL, AT(predict), NULL, NULL, CLI_RUN, NULL, "most tokens of the answer", 256, true},
    {"predict", 'n', CLI_TEXT, "N", NULL, AT(predict), NULL, NULL, CLI_DIGEST, NULL, "greedy tokens to decode", 16, true},
    {"predict", 'n', CLI_TEXT, "N", NULL, AT(predict), NULL, NULL, CLI_BENCH, NULL,
     "tokens to decode at each depth", 32, true},
    {"stop", 0, CLI_LIST, "TEXT", NULL, AT(stops), NULL, NULL, CLI_RUN, NULL,
     "end the answer where this text would begin; may be repeated", 0, false},
    {"logprobs", 0, CLI_FLAG, NULL, NULL, AT(logprobs), NULL, NULL, CLI_RUN, NULL,
     "one line a token: id, log probability, text", 0, false},
    {"keys", 0, CLI_FLAG, NULL, NULL, AT(keys), NULL, NULL, CLI_INSPECT, NULL, "list the file's keys", 0, false},
    {"tensors", 0, CLI_FLAG, NULL, NULL, AT(tensors), NULL, NULL, CLI_INSPECT, NULL, "list the file's tensors", 0, false},
    {"chunk-tokens", 0, CLI_TEXT, "N", NULL, AT(chunk_tokens), NULL, NULL, CLI_PERPLEXITY, NULL,
     "tokens of a window; each file is cut into windows", 2048, true},
    {"chunks", 0, CLI_TEXT, "N", NULL, AT(chunks), NULL, NULL, CLI_PERPLEXITY, NULL, "most windows of a file [default all]", 0, false},
    {"first", 0, CLI_TEXT, "N", NULL, AT(first), NULL, NULL, CLI_PERPLEXITY, NULL,
     "tokens at the start of a window that are read but not scored [default 1, as nothing predicts the first]", 0, false},
    {"against", 0, CLI_TEXT, "NUMERICS", "float|int8", AT(against), NULL, NULL, CLI_PERPLEXITY, NULL,
     "compare with this arithmetic: KL divergence, difference in loss, agreement of first choices and of kept tokens", 0, false},
    {"continuation", 0, CLI_TEXT, "N", NULL, AT(continuation), NULL, NULL, CLI_PERPLEXITY, NULL,
     "loss of the last N tokens of each window after a prefill of the others, dense and halted", 0, false},
    {"lengths", 0, CLI_TEXT, "N,N,...", NULL, AT(lengths), NULL, NULL, CLI_BENCH, NULL,
     "prompt lengths of the prefill [default 512,2048,8192]", 0, false},
    {"depths", 0, CLI_TEXT, "N,N,...", NULL, AT(depths), NULL, NULL, CLI_BENCH, NULL,
     "prompt lengths before the decoding; 0 leaves it out [default 512,2048]", 0, false},
    {"repeat", 0, CLI_TEXT, "N", NULL, AT(repeat), NULL, NULL, CLI_BENCH, NULL, "measurements behind each median", 3, true},
    {"dense", 0, CLI_SETTING, NULL, NULL, 0, "policy", "dense", PROMPTED | CLI_INSPECT | CLI_PERPLEXITY | CLI_BENCH, NULL,
     "halt nothing: --policy dense", 0, false},
    {"temp", 0, CLI_SETTING, "X", NULL, 0, "temperature", NULL, PROMPTED, NULL, "short for --temperature", 0, false},
    {"json", 0, CLI_FLAG, NULL, NULL, AT(json), NULL, NULL, CLI_ALL, "common",
     "one JSON object on standard output; the schema is in the man page", 0, false},
    {"quiet", 'q', CLI_FLAG, NULL, NULL, AT(quiet), NULL, NULL, CLI_ALL, "common", "no report and no progress, only the result", 0, false},
    {"progress", 0, CLI_TEXT, "WHEN", "auto|always|never", AT(progress), NULL, NULL, CLI_ALL, "common",
     "progress on standard error; auto: on a terminal", 0, true},
    {"device", 0, CLI_TEXT, "NAME", "auto|none", AT(device), NULL, NULL, CLI_ALL, "common",
     "auto: use a GPU when this build can; none: touch no driver", 0, true},
    {"help", 'h', CLI_FLAG, NULL, NULL, AT(help), NULL, NULL, CLI_ALL, "common", "print this help", 0, false},
    {"version", 'V', CLI_FLAG, NULL, NULL, AT(version), NULL, NULL, CLI_ALL, "common", "print the version", 0, false},
};

#undef AT

enum { N_OWN = sizeof own / sizeof own[0] };

static const struct {
  const char *type, *argument;
} arguments[] = {{"int", "N"}, {"real", "X"}, {"bytes", "BYTES"}, {"choice", "NAME"}};

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

static void add(struct cli_options *out, const struct cli_option *option) {
  if (out->count < CLI_MAX_OPTIONS) out->option[out->count++] = *option;
}

static void add_settings(const struct cli_command *command, const char *scope, struct cli_options *out) {
  still_key key = {.size = sizeof key};
  for (size_t i = 0; still_settings_key(i, &key) == STILL_OK; i++) {
    if (strcmp(key.scope, scope) != 0 || !takes(command, &key)) continue;
    add(out, &(struct cli_option){.name = key.name, .kind = CLI_SETTING, .argument = argument_of(key.type),
                                  .choices = key.choices, .setting = key.name, .commands = command->bit, .scope = key.scope,
                                  .text = key.text, .preset = key.preset, .has_preset = true});
  }
}

void cli_options_of(const struct cli_command *command, struct cli_options *out) {
  out->count = 0;
  for (size_t i = 0; i < N_OWN; i++)
    if ((own[i].commands & command->bit) && own[i].scope == NULL) add(out, &own[i]);
  add_settings(command, "session", out);
  add_settings(command, "sampler", out);
  add_settings(command, "model", out);
  for (size_t i = 0; i < N_OWN; i++)
    if ((own[i].commands & command->bit) && own[i].scope != NULL) add(out, &own[i]);
}

/* ---- parsing ------------------------------------------------------------------------------------------------- */

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

void cli_release(struct cli *cli) {
  still_settings_free(cli->settings);
  free(cli->given.files.item);
  free(cli->given.stops.item);
}
