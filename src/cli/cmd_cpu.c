/*
 * cmd_cpu.c - `stillpoint cpu`: what this machine offers and what of it will be used.
 *
 * In:       the library's levels, memory nodes, the team, the door to GPUs.  Out: a table or JSON.
 * Not here: choosing (the library does, for each model).
 */
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "cuda/door.h"
#include "json.h"
#include "src/numa.h"
#include "src/team.h"

static const char *const bindings[] = {
    [SP_BIND_NOT] = "none", [SP_BIND_NODE] = "node", [SP_BIND_PROCESSOR] = "processor"};

/* The team that a model would get with the settings given. */
static struct sp_team team_of(const struct cli *cli) {
  struct sp_ctx ctx;
  struct sp_team team = {0};
  int64_t threads = 0, numa = 0;
  sp_ctx_init(&ctx, NULL);
  still_get_int(cli->settings, "threads", &threads);
  still_get_int(cli->settings, "numa", &numa);
  sp_team_open(&team, (int)threads, (enum sp_numa)numa, &ctx);
  return team;
}

/* Threads of the team on the node with this number of the system's; -1: wherever the system wants. */
static int threads_on(const struct sp_place *place, int id) {
  if (place->bind == SP_BIND_NOT) return -1;
  for (int i = 0; i < place->on.nodes; i++)
    if (place->on.id[i] == id) return place->first[i + 1] - place->first[i];
  return 0;
}

static void print_nodes(const struct sp_team *team) {
  struct sp_topology t;
  sp_numa_topology(&t);
  printf("nodes     %d; threads bound to: %s\n", t.nodes, bindings[team->place.bind]);
  for (int i = 0; i < t.nodes && team->place.bind != SP_BIND_NOT; i++)
    printf("  node %-3d %d processors, %d threads\n", t.id[i], t.first[i + 1] - t.first[i], threads_on(&team->place, t.id[i]));
}

static void json_nodes(struct json *j, const struct sp_team *team) {
  struct sp_topology t;
  sp_numa_topology(&t);
  json_text(j, "binding", bindings[team->place.bind]);
  json_int(j, "panel_copies", team->place.copies);
  json_array(j, "nodes");
  for (int i = 0; i < t.nodes; i++) {
    int threads = threads_on(&team->place, t.id[i]);
    json_object(j, NULL);
    json_int(j, "node", t.id[i]);
    json_int(j, "processors", t.first[i + 1] - t.first[i]);
    if (threads < 0)
      json_null(j, "threads");
    else
      json_int(j, "threads", threads);
    json_object_end(j);
  }
  json_array_end(j);
}

/* Devices, and a line about them. --device none leaves the driver alone. */
static int devices(const struct cli *cli, char *line, size_t size) {
  char device[16] = "";
  still_get(cli->settings, "device", device, sizeof device);
  if (strcmp(device, "none") != 0) return sp_cuda_probe(line, size);
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
  struct sp_team team = team_of(cli);
  printf("threads   %d of %ld processors\n", team.threads, sysconf(_SC_NPROCESSORS_ONLN));
  print_nodes(&team);
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
  struct sp_team team = team_of(cli);
  json_int(&j, "threads", team.threads);
  json_int(&j, "processors", sysconf(_SC_NPROCESSORS_ONLN));
  json_nodes(&j, &team);
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
