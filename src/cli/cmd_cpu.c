/*
 * cmd_cpu.c - `stillpoint cpu`: what this machine offers and what of it will be used.
 *
 * In:       the library's levels, the team, the door to GPUs.  Out: a table or JSON.
 * Not here: choosing (the library does, for each model).
 */
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "cuda/door.h"
#include "json.h"
#include "src/team.h"

/* Threads that a model would get with the settings given; 0 when the team cannot be made. */
static int team_threads(const struct cli *cli) {
  struct sp_ctx ctx;
  struct sp_team team = {0};
  int64_t wanted = 0;
  sp_ctx_init(&ctx, NULL);
  still_get_int(cli->settings, "threads", &wanted);
  return sp_team_open(&team, (int)wanted, &ctx) == STILL_OK ? team.threads : 0;
}

/* Devices, and a line about them. --device none leaves the driver alone. */
static int devices(const struct cli *cli, char *line, size_t size) {
  if (!cli->given.device || strcmp(cli->given.device, "none") != 0) return sp_cuda_probe(line, size);
  snprintf(line, size, "not asked: --device none");
  return 0;
}

static void print_lines(const struct cli *cli) {
  char line[256];
  still_isa isa = {.size = sizeof isa};
  printf("%-8s  %-5s  %-6s  %-6s  %s\n", "level", "built", "usable", "chosen", "why not");
  for (size_t i = 0; still_isa_describe(i, &isa) == STILL_OK; i++)
    printf("%-8s  %-5s  %-6s  %-6s  %s\n", isa.name, isa.built ? "yes" : "no", isa.usable ? "yes" : "no",
           isa.chosen ? "yes" : "", isa.why);
  printf("threads   %d of %ld processors\n", team_threads(cli), sysconf(_SC_NPROCESSORS_ONLN));
  int n = devices(cli, line, sizeof line);
  printf("GPUs      %d: %s\n", n, line);
}

static void print_json(const struct cli *cli) {
  char line[256];
  int n = devices(cli, line, sizeof line);
  struct json j;
  still_isa isa = {.size = sizeof isa};
  json_begin(&j, stdout, "stillpoint.cpu/1");
  json_text(&j, "version", still_version());
  json_array(&j, "levels");
  for (size_t i = 0; still_isa_describe(i, &isa) == STILL_OK; i++) {
    json_object(&j, NULL);
    json_text(&j, "name", isa.name);
    json_bool(&j, "built", isa.built != 0);
    json_bool(&j, "usable", isa.usable != 0);
    json_bool(&j, "chosen", isa.chosen != 0);
    json_text(&j, "why", isa.why);
    json_object_end(&j);
  }
  json_array_end(&j);
  json_int(&j, "threads", team_threads(cli));
  json_int(&j, "processors", sysconf(_SC_NPROCESSORS_ONLN));
  json_int(&j, "gpus", n);
  json_text(&j, "gpus_text", line);
  json_end(&j);
}

int cmd_cpu(struct cli *cli) {
  if (cli->given.json)
    print_json(cli);
  else
    print_lines(cli);
  return CLI_OK;
}
