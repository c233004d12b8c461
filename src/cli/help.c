/*
 * help.c - what is made from the table of options besides the parser: --help in 80 columns, completions of bash, zsh and fish.
 *
 * In:       cli_options_of, cli_commands.  Out: text.
 * Not here: man pages (man/, by hand).
 */
#include <string.h>

#include "options.h"

enum { WIDTH = 80, TEXT_COLUMN = 28 };

/* Text from column `at` on, wrapped at spaces, later lines indented to `indent`. */
static void wrap(FILE *out, const char *text, int at, int indent) {
  const char *word = text;
  bool first = true;
  while (*word) {
    int length = (int)strcspn(word, " ");
    if (!first && at + 1 + length > WIDTH) {
      fprintf(out, "\n%*s", indent, "");
      at = indent;
    } else if (!first) {
      fputc(' ', out);
      at++;
    }
    fprintf(out, "%.*s", length, word);
    at += length;
    first = false;
    word += length;
    word += strspn(word, " ");
  }
  fputc('\n', out);
}

static size_t append(char *text, size_t size, size_t n, const char *more, size_t bytes) {
  for (size_t i = 0; i < bytes && n + 1 < size; i++) text[n++] = more[i];
  text[n] = '\0';
  return n;
}

static size_t append_text(char *text, size_t size, size_t n, const char *more) {
  return append(text, size, n, more, strlen(more));
}

/* " [a, b, c; default b]": choices, and the preset of a setting, which is the number of the choice where there are choices. */
static void describe_values(const struct cli_option *o, char *text, size_t size) {
  char number[32];
  const char *preset = NULL;
  size_t n = append_text(text, size, strlen(text), " ["), i = 0;
  for (const char *c = o->choices; c; c = strchr(c, '|'), i++) {
    c += *c == '|';
    if (i) n = append_text(text, size, n, ", ");
    n = append(text, size, n, c, strcspn(c, "|"));
    if ((double)i == o->preset) preset = c;
  }
  if (o->has_preset) {
    if (i) n = append_text(text, size, n, "; ");
    n = append_text(text, size, n, "default ");
    snprintf(number, sizeof number, "%.6g", o->preset);
    n = preset ? append(text, size, n, preset, strcspn(preset, "|")) : append_text(text, size, n, number);
  }
  append_text(text, size, n, "]");
}

static void print_option(FILE *out, const struct cli_option *o) {
  char left[96], text[512], letter[5] = "    ";
  if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
  int at = snprintf(left, sizeof left, "  %s--%s%s%s", letter, o->name, o->argument ? " " : "", o->argument ? o->argument : "");
  snprintf(text, sizeof text, "%s", o->text);
  if (o->choices || o->has_preset) describe_values(o, text, sizeof text);
  if (at < TEXT_COLUMN - 1)
    fprintf(out, "%-*s", TEXT_COLUMN, left);
  else
    fprintf(out, "%s\n%*s", left, TEXT_COLUMN, "");
  wrap(out, text, TEXT_COLUMN, TEXT_COLUMN);
}

static const struct {
  const char *scope, *heading;
} groups[] = {
    {NULL, "Options"},
    {"session", "Prefill and gate"},
    {"sampler", "Sampler"},
    {"model", "Model"},
    {"common", "Common options"},
};

static bool same(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

void cli_help_command(const struct cli_command *command, FILE *out) {
  struct cli_options options;
  cli_options_of(command, &options);
  fprintf(out, "Usage: stillpoint %s [option ...]%s%s\n\n", command->name, command->operand ? " " : "",
          command->operand ? command->operand : "");
  fprintf(out, "stillpoint %s: ", command->name);
  wrap(out, command->text, (int)strlen(command->name) + 13, 2);
  for (size_t g = 0; g < sizeof groups / sizeof groups[0]; g++) {
    bool begun = false;
    for (size_t i = 0; i < options.count; i++) {
      if (!same(options.option[i].scope, groups[g].scope)) continue;
      if (!begun) fprintf(out, "\n%s:\n", groups[g].heading);
      begun = true;
      print_option(out, &options.option[i]);
    }
  }
  fprintf(out, "\nMore, with examples: man stillpoint-%s\n", command->name);
}

void cli_help(FILE *out) {
  fputs("Usage: stillpoint COMMAND [option ...]\n\n", out);
  wrap(out, "Runs language models on the processor, with a prefill that halts the tokens that have settled.", 0, 0);
  fputs("\nCommands:\n", out);
  for (const struct cli_command *c = cli_commands; c->name; c++) {
    fprintf(out, "  %-12s", c->name);
    wrap(out, c->text, 14, 14);
  }
  fputs("  help        the options of a command: stillpoint help COMMAND\n"
        "  completion  a completion script: stillpoint completion bash|zsh|fish\n\n"
        "For example:\n"
        "  stillpoint run -m MODEL.gguf -f REPORT.txt -p 'What was decided?'\n\n"
        "Each command has --help and a man page, as stillpoint-run(1); see stillpoint(1).\n",
        out);
}

/* ---- completions --------------------------------------------------------------------------------------------- */

/* Calls `each` for every option of every command. */
static void for_options(FILE *out, void (*each)(FILE *, const struct cli_command *, const struct cli_option *)) {
  for (const struct cli_command *c = cli_commands; c->name; c++) {
    struct cli_options options;
    cli_options_of(c, &options);
    for (size_t i = 0; i < options.count; i++) each(out, c, &options.option[i]);
  }
}

/* As words of a shell. */
static void print_commands(FILE *out) {
  for (const struct cli_command *c = cli_commands; c->name; c++) fprintf(out, "%s ", c->name);
  fputs("help completion", out);
}

static void put_choices(FILE *out, const char *choices) {
  for (const char *c = choices; *c; c++) fputc(*c == '|' ? ' ' : *c, out);
}

static bool is_file(const struct cli_option *o) { return o->argument && strcmp(o->argument, "FILE") == 0; }

/* One case of the shell script: the values that an option takes. */
static void bash_value(FILE *out, const struct cli_command *c, const struct cli_option *o) {
  if (!o->choices) return;
  fprintf(out, "    %s:--%s) words='", c->name, o->name);
  put_choices(out, o->choices);
  fputs("' ;;\n", out);
}

/* Words by command and by what stands before the cursor; files where there are none. */
static void bash(FILE *out) {
  fputs("# bash completion of stillpoint, made by `stillpoint completion bash`\n"
        "_stillpoint() {\n"
        "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=\n"
        "  COMPREPLY=()\n"
        "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "    COMPREPLY=($(compgen -W '",
        out);
  print_commands(out);
  fputs("' -- \"$current\"))\n    return\n  fi\n  case $command:$before in\n", out);
  for_options(out, bash_value);
  fputs("    completion:*) words='bash zsh fish' ;;\n    help:*) words='", out);
  print_commands(out);
  fputs("' ;;\n    *:--model|*:-m|*:--file|*:-f) ;;\n    *)\n      case $command:$current in\n", out);
  for (const struct cli_command *c = cli_commands; c->name; c++) {
    struct cli_options options;
    cli_options_of(c, &options);
    fprintf(out, "        %s:-*) words='", c->name);
    for (size_t i = 0; i < options.count; i++) fprintf(out, "%s--%s", i ? " " : "", options.option[i].name);
    fputs("' ;;\n", out);
  }
  fputs("      esac ;;\n  esac\n"
        "  if [ -n \"$words\" ]; then COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
        "  else COMPREPLY=($(compgen -f -- \"$current\")); fi\n"
        "}\n"
        "complete -o filenames -F _stillpoint stillpoint\n",
        out);
}

/* A text inside single quotes of a shell; zsh also gives [ ] and : a meaning there. */
static void put_quoted(FILE *out, const char *text, const char *escape) {
  for (const char *c = text; *c; c++) {
    if (*c == '\'')
      fputs("'\\''", out);
    else
      fprintf(out, "%s%c", strchr(escape, *c) ? "\\" : "", *c);
  }
}

/* One specification of _arguments: name, text, argument, where its values come from. */
static void zsh_option(FILE *out, const struct cli_option *o) {
  fprintf(out, " \\\n      '%s--%s[", o->kind == CLI_LIST ? "*" : "", o->name);
  put_quoted(out, o->text, "[]:\\");
  fputc(']', out);
  if (o->argument) fprintf(out, ":%s:", o->argument);
  if (is_file(o)) fputs("_files", out);
  if (o->choices) {
    fputc('(', out);
    put_choices(out, o->choices);
    fputc(')', out);
  }
  fputc('\'', out);
}

static void zsh(FILE *out) {
  fputs("#compdef stillpoint\n# zsh completion of stillpoint, made by `stillpoint completion zsh`\n"
        "_stillpoint() {\n  if (( CURRENT == 2 )); then\n    compadd -- ",
        out);
  print_commands(out);
  fputs("\n    return\n  fi\n  local command=$words[2]\n  shift words\n  (( CURRENT-- ))\n  case $command in\n", out);
  for (const struct cli_command *c = cli_commands; c->name; c++) {
    struct cli_options options;
    cli_options_of(c, &options);
    fprintf(out, "    %s) _arguments -s", c->name);
    for (size_t i = 0; i < options.count; i++) zsh_option(out, &options.option[i]);
    fputs(" \\\n      '*:file:_files' ;;\n", out);
  }
  fputs("    completion) compadd bash zsh fish ;;\n    help) compadd ", out);
  print_commands(out);
  fputs(" ;;\n  esac\n}\n_stillpoint \"$@\"\n", out);
}

/* fish reads one line an option, each with the command that it belongs to. */
static void fish_option(FILE *out, const struct cli_command *c, const struct cli_option *o) {
  fprintf(out, "complete -c stillpoint -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
  if (o->letter) fprintf(out, " -s %c", o->letter);
  if (o->argument) fputs(is_file(o) ? " -r -F" : " -x", out);
  if (o->choices) {
    fputs(" -a '", out);
    put_choices(out, o->choices);
    fputc('\'', out);
  }
  fputs(" -d '", out);
  for (const char *t = o->text; *t; t++) fprintf(out, "%s%c", *t == '\'' || *t == '\\' ? "\\" : "", *t);
  fputs("'\n", out);
}

static void fish(FILE *out) {
  fputs("# fish completion of stillpoint, made by `stillpoint completion fish`\n", out);
  for (const struct cli_command *c = cli_commands; c->name; c++)
    fprintf(out, "complete -c stillpoint -n __fish_use_subcommand -f -a %s -d '%s'\n", c->name, c->text);
  fputs("complete -c stillpoint -n __fish_use_subcommand -f -a help -d 'the options of a command'\n"
        "complete -c stillpoint -n __fish_use_subcommand -f -a completion -d 'a completion script'\n"
        "complete -c stillpoint -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n",
        out);
  for_options(out, fish_option);
}

bool cli_completion(const char *shell, FILE *out) {
  static const struct {
    const char *name;
    void (*print)(FILE *);
  } shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};
  for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
    if (strcmp(shells[i].name, shell) == 0) {
      shells[i].print(out);
      return true;
    }
  return false;
}
