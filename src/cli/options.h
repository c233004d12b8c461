/*
 * options.h - the one table of options, and what is made from it: the parser, --help, the completions of three shells.
 *
 * In:       the command, still_settings_key().  Out: struct cli filled; text.
 * Not here: checking that a model was named, or any other need of a command.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli.h"

enum cli_kind { CLI_FLAG, CLI_TEXT, CLI_LIST, CLI_SETTING };

struct cli_option {
  const char *name;             /* long name */
  int letter;                   /* short name, or 0 */
  enum cli_kind kind;
  const char *argument;         /* "FILE"; NULL for a flag */
  const char *choices;          /* "a|b|c", or NULL */
  size_t offset;                /* into struct cli_values, unless it is a setting */
  const char *setting, *fixed;  /* CLI_SETTING: the key, and the value of a flag that stands for one (--dense) */
  unsigned commands;
  const char *scope;            /* heading in --help: NULL for the command's own, "common", or the scope of a setting */
  const char *text;             /* one line or more; --help wraps it */
  double preset;                /* of a setting; the number of the choice where there are choices */
  bool has_preset;
};

enum { CLI_MAX_OPTIONS = 96 };

struct cli_options { /* those that one command takes, in the order of --help */
  struct cli_option option[CLI_MAX_OPTIONS];
  size_t count;
};

void cli_options_of(const struct cli_command *command, struct cli_options *out);

/* Reads argv[1..argc) (argv[0] is the command's name). CLI_OK, or the exit code after a sentence on stderr. */
int cli_parse(struct cli *cli, int argc, char **argv);
void cli_release(struct cli *cli);

void cli_help(FILE *out);                                                 /* of `stillpoint` itself */
void cli_help_command(const struct cli_command *command, FILE *out);      /* 80 columns */
/* The script of a shell: "bash", "zsh" or "fish". False when there is none of that name. */
bool cli_completion(const char *shell, FILE *out);

#endif
