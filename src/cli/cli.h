/*
 * cli.h - what the parts of the command share: the commands, one parsed command line, exit codes, the way errors are said.
 *
 * In:       argv.  Out: struct cli with every option in its place, settings ready for the library.
 * Not here: what a command does (cmd_*.c), models and sessions (engine.h).
 *
 * The command stands on <stillpoint.h> alone. Exceptions, all in the static core: `inspect` lists keys and tensors (gguf.h,
 * quant.h), `cpu` asks what team and which devices there are (team.h, the door of cuda/), `bench` where time went (session.h),
 * `calibrate` which keys its file has (settings.h).
 */
#ifndef CLI_H
#define CLI_H

#include <stdbool.h>
#include <stdio.h>
#include "stillpoint.h"

/* Exit codes: these, or the number of the still_status (2 and up) that ended the command; stillpoint(1) lists them. */
enum { CLI_OK = 0, CLI_USAGE = 1, CLI_SIGNAL = 128 };

/* One bit a command, for "which commands take this option". */
enum {
  CLI_RUN = 1, CLI_TOKENIZE = 2, CLI_INSPECT = 4, CLI_PERPLEXITY = 8, CLI_BENCH = 16, CLI_CPU = 32, CLI_SELFTEST = 64,
  CLI_DIGEST = 128, CLI_ASK = 256, CLI_CHAT = 512, CLI_EVAL = 1024, CLI_TRACE = 2048, CLI_PLOT = 4096, CLI_CALIBRATE = 8192,
  CLI_ALL = 16383
};

/* Which settings of the library a command takes, by scope. Those of the model are taken by all. */
enum { CLI_SESSION = 1, CLI_SAMPLER = 2 };

struct cli_list { /* an option that may be repeated; points into argv */
  const char **item;
  size_t count;
};

struct cli_values { /* where options.c puts what it reads; a zero is "not given" */
  const char *model, *prompt, *tokens, *system, *progress, *against, *lengths, *depths, *show, *operand;
  const char *questions; /* ask: a file; eval: a number */
  const char *save, *load, *sets, *out, *plot, *html, *format, *results, *eps, *points, *starts, *ratios, *pools, *wakes;
  const char *final_texts, *final_places;
  struct cli_list files, stops, asked, hay;
  const char *predict, *chunk_tokens, *chunks, *first, *continuation, *repeat, *per_text, *places, *texts, *answers,
      *min_tokens; /* numbers, by cli_count */
  bool json, quiet, raw, parse_special, logprobs, keys, tensors, kinds, chat, no_bos, exhaustive, timed, help, version;
};

struct cli {
  const struct cli_command *command;
  struct cli_values given;
  still_settings *settings;
};

struct cli_command {
  const char *name;
  unsigned bit;
  unsigned scopes;      /* of CLI_SESSION, CLI_SAMPLER */
  const char *operand;  /* "[TEXT]", or NULL when it takes none */
  int (*run)(struct cli *cli); /* returns an exit code */
  const char *text;     /* one line */
};

extern const struct cli_command cli_commands[]; /* ends with a NULL name */

int cmd_run(struct cli *cli);
int cmd_ask(struct cli *cli);
int cmd_chat(struct cli *cli);
int cmd_tokenize(struct cli *cli);
int cmd_inspect(struct cli *cli);
int cmd_perplexity(struct cli *cli);
int cmd_bench(struct cli *cli);
int cmd_cpu(struct cli *cli);
int cmd_selftest(struct cli *cli);
int cmd_digest(struct cli *cli);
int cmd_eval(struct cli *cli);
int cmd_trace(struct cli *cli);
int cmd_plot(struct cli *cli);
int cmd_calibrate(struct cli *cli);

#if defined __GNUC__
#define CLI_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define CLI_PRINTF(f, a)
#endif

/* "stillpoint COMMAND: sentence" on stderr. Each returns the exit code that goes with it. */
int cli_usage(const struct cli *cli, const char *format, ...) CLI_PRINTF(2, 3); /* points to --help, too */
int cli_fail(const struct cli *cli, still_status status, const char *format, ...) CLI_PRINTF(3, 4);
int cli_no_memory(const struct cli *cli);
/* 0, 128 + n when signal n ended the work, or the status's number. */
int cli_exit_code(still_status status);
/* Flushes stdout; a full disk or a closed pipe must not pass for success. `code` is what the command would return. */
int cli_finish_output(const struct cli *cli, int code);

/* Number of an option, or its preset when it was not given (text NULL); *value stays as it is when there is no preset either.
 * False, after saying so, when the text is no whole number in range. */
bool cli_count(const struct cli *cli, const char *option, const char *text, uint64_t least, uint64_t most, uint64_t *value);
/* "512,2048": at most `capacity` numbers of 1 and up. False, after saying so, when it is anything else. */
bool cli_counts(const struct cli *cli, const char *option, const char *text, uint64_t *value, size_t capacity, size_t *n);

double cli_seconds(void); /* monotonic clock */

#endif
