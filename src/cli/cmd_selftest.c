/*
 * cmd_selftest.c - `stillpoint selftest`: every kernel that this machine can run, against the reference, bit for bit.
 *
 * In:       --isa, --seed.  Out: one line a kernel and level; exit code 9 (STILL_EDEVICE) at the first difference.
 * Not here: the cases (the library).
 */
#include <string.h>

#include "cli.h"
#include "interrupt.h"
#include "json.h"

struct lines {
  const struct cli *cli;
  struct json *json;
  size_t count;
};

static void on_line(void *user, const char *line) {
  struct lines *lines = user;
  lines->count++;
  if (lines->cli->given.json)
    json_text(lines->json, NULL, line);
  else if (!lines->cli->given.quiet)
    puts(line);
}

int cmd_selftest(struct cli *cli) {
  struct json j;
  struct lines lines = {cli, &j, 0};
  still_error error = {.size = sizeof error};
  char isa[32];
  int64_t seed = 0;
  if (still_get(cli->settings, "isa", isa, sizeof isa) != STILL_OK || still_get_int(cli->settings, "seed", &seed) != STILL_OK)
    return cli_fail(cli, STILL_EARG, "the settings isa and seed are not known to this library");
  if (cli->given.json) {
    json_begin(&j, stdout, "stillpoint.selftest/1");
    json_text(&j, "version", still_version());
    json_text(&j, "isa", isa);
    json_int(&j, "seed", seed);
    json_array(&j, "lines");
  }
  still_status status = still_selftest(isa, (uint64_t)seed, on_line, &lines, &error);
  if (cli->given.json) {
    json_array_end(&j);
    json_count(&j, "kernels", lines.count);
    json_bool(&j, "equal", status == STILL_OK);
    json_text(&j, "error", status == STILL_OK ? NULL : error.text);
    json_end(&j);
  }
  if (status != STILL_OK) return cli_fail(cli, status, "%s", *error.text ? error.text : still_status_text(status));
  if (!cli->given.json) printf("%zu kernels equal the reference (seed %lld)\n", lines.count, (long long)seed);
  return CLI_OK;
}
