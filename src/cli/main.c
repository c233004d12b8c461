/*
 * main.c - the command `stillpoint`: finds the sub-command, parses its options, runs it, gives the exit code.
 *
 * In:       argv.  Out: an exit code, and sentences on stderr.
 * Not here: the options (options.c), the work (cmd_*.c).
 */
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "interrupt.h"
#include "options.h"

const struct cli_command cli_commands[] = {
    {"run", CLI_RUN, CLI_SESSION | CLI_SAMPLER, "[TEXT]", cmd_run, "answer a prompt"},
    {"ask", CLI_ASK, CLI_SESSION | CLI_SAMPLER, "[FILE]", cmd_ask, "answer many questions about one text, which is read once"},
    {"chat", CLI_CHAT, CLI_SESSION | CLI_SAMPLER, NULL, cmd_chat, "talk with a model, turn by turn"},
    {"tokenize", CLI_TOKENIZE, 0, "[TEXT]", cmd_tokenize, "show the tokens of a text, or the text of tokens"},
    {"inspect", CLI_INSPECT, CLI_SESSION, "[FILE]", cmd_inspect, "show what is in a model file and what memory it will take"},
    {"perplexity", CLI_PERPLEXITY, CLI_SESSION, NULL, cmd_perplexity,
     "measure how well a model predicts a text, and what halting costs"},
    {"eval", CLI_EVAL, CLI_SESSION, NULL, cmd_eval, "measure what a halting setting answers, predicts and saves, against dense"},
    {"calibrate", CLI_CALIBRATE, 0, NULL, cmd_calibrate, "find the fastest halting setting of a model for each quality"},
    {"trace", CLI_TRACE, CLI_SESSION, "[TRACE]", cmd_trace, "show what a prefill halted: as data, in the text itself, as a page"},
    {"plot", CLI_PLOT, CLI_SESSION, "[TRACE]", cmd_plot, "draw which tokens are alive in which layer, and their scores"},
    {"bench", CLI_BENCH, CLI_SESSION, NULL, cmd_bench, "measure the speed of prefill and decode"},
    {"cpu", CLI_CPU, 0, NULL, cmd_cpu, "show the instruction sets of this machine and the one that is used"},
    {"selftest", CLI_SELFTEST, 0, NULL, cmd_selftest, "compare every kernel with the reference on this machine"},
    {"digest", CLI_DIGEST, CLI_SESSION | CLI_SAMPLER, "[TEXT]", cmd_digest,
     "print checksums of all that the bits of a run depend on"},
    {NULL, 0, 0, NULL, NULL, NULL},
};

/* "stillpoint COMMAND: ...", without an end of line. */
static void say(const struct cli *cli, const char *format, va_list arguments) {
  fprintf(stderr, "stillpoint %s: ", cli->command->name);
  vfprintf(stderr, format, arguments);
}

int cli_usage(const struct cli *cli, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  say(cli, format, arguments);
  va_end(arguments);
  fprintf(stderr, "; see stillpoint %s --help\n", cli->command->name);
  return CLI_USAGE;
}

int cli_fail(const struct cli *cli, still_status status, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  say(cli, format, arguments);
  va_end(arguments);
  fputc('\n', stderr);
  return cli_exit_code(status);
}

int cli_no_memory(const struct cli *cli) {
  return cli_fail(cli, STILL_ENOMEM, "out of memory; a smaller --ctx or --chunk needs less");
}

int cli_exit_code(still_status status) {
  if (status == STILL_OK) return CLI_OK;
  if (status != STILL_ECANCELLED) return (int)status;
  int signal_number = cli_interrupted();
  return CLI_SIGNAL + (signal_number ? signal_number : 2);
}

int cli_finish_output(const struct cli *cli, int code) {
  bool written = fflush(stdout) == 0 && !ferror(stdout);
  if (written || code != CLI_OK) return code;
  return cli_fail(cli, STILL_EIO, "standard output could not be written: %s", strerror(errno));
}

bool cli_counts(const struct cli *cli, const char *option, const char *text, uint64_t *value, size_t capacity, size_t *n) {
  *n = 0;
  for (const char *at = text; *n < capacity; at++) {
    char *end;
    errno = 0;
    value[*n] = strtoull(at, &end, 10);
    bool good = *at >= '0' && *at <= '9' && errno == 0 && value[*n] <= 1u << 24 && (*end == ',' || *end == '\0');
    if (!good) break;
    ++*n;
    if (*end == '\0') return true;
    at = end;
  }
  cli_usage(cli, "--%s takes at most %zu numbers of tokens, as in 512,2048; \"%s\" is not that", option, capacity, text);
  return false;
}

double cli_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static const struct cli_command *find(const char *name) {
  for (const struct cli_command *c = cli_commands; c->name; c++)
    if (strcmp(c->name, name) == 0) return c;
  return NULL;
}

static int version(void) {
  printf("stillpoint %s\n", still_version());
  return fflush(stdout) == 0 ? CLI_OK : STILL_EIO;
}

/* --help and --version win over everything else that was given, as long as it parses. */
static int run(const struct cli_command *command, int argc, char **argv) {
  struct cli cli = {.command = command};
  int code = cli_parse(&cli, argc, argv);
  if (code == CLI_OK && cli.given.help) {
    cli_help_command(command, stdout);
    code = cli_finish_output(&cli, CLI_OK);
  } else if (code == CLI_OK && cli.given.version) {
    code = version();
  } else if (code == CLI_OK) {
    code = cli_finish_output(&cli, command->run(&cli));
  }
  cli_release(&cli);
  return code;
}

/* `stillpoint help [COMMAND]` */
static int help(const char *about) {
  const struct cli_command *command = about ? find(about) : NULL;
  if (about && !command) {
    fprintf(stderr, "stillpoint help: there is no command \"%s\"; see stillpoint --help\n", about);
    return CLI_USAGE;
  }
  if (command)
    cli_help_command(command, stdout);
  else
    cli_help(stdout);
  return fflush(stdout) == 0 ? CLI_OK : STILL_EIO;
}

/* `stillpoint completion SHELL` */
static int completion(const char *shell) {
  if (shell && cli_completion(shell, stdout)) return fflush(stdout) == 0 ? CLI_OK : STILL_EIO;
  fprintf(stderr, "stillpoint completion: name one of bash, zsh, fish\n");
  return CLI_USAGE;
}

int main(int argc, char **argv) {
  setlocale(LC_CTYPE, ""); /* not LC_NUMERIC: numbers have a point everywhere */
  const char *word = argc > 1 ? argv[1] : "";
  if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) return version();
  if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) return help(NULL);
  if (strcmp(word, "help") == 0) return help(argc > 2 ? argv[2] : NULL);
  if (strcmp(word, "completion") == 0) return completion(argc > 2 ? argv[2] : NULL);
  const struct cli_command *command = find(word);
  if (command) return run(command, argc - 1, argv + 1);
  if (argc > 1) {
    fprintf(stderr, "stillpoint: there is no command \"%s\"; see stillpoint --help\n", word);
  } else {
    cli_help(stderr);
  }
  return CLI_USAGE;
}
