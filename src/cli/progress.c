/*
 * progress.c - draws progress on stderr.
 *
 * In:       still_progress.  Out: at most ten redraws a second, or one line a second.
 * Not here: what the numbers mean (stillpoint.h: still_phase).
 */
#include "progress.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"

enum { BAR = 14, TEXT = 51 }; /* characters; with the phase's name a line stays under 80, or it could not be redrawn */

static const struct {
  const char *name, *unit, *rate; /* rate NULL: its parts take too different times for a rate or an ETA to mean something */
  double scale;                   /* of one unit shown */
} phases[STILL_PHASES] = {
    [STILL_PHASE_LOAD] = {"load", " MiB", " MiB/s", 1.0 / (1 << 20)},
    [STILL_PHASE_PANELS] = {"panels", "", NULL, 1},
    [STILL_PHASE_LOWER] = {"lower layers", "k", "k/s", 1e-3},
    [STILL_PHASE_GATE] = {"gate", "", NULL, 1},
    [STILL_PHASE_UPPER] = {"upper layers", "k", "k/s", 1e-3},
    [STILL_PHASE_DECODE] = {"decode", " tokens", " tokens/s", 1},
};

void cli_progress_init(struct cli_progress *progress, const struct cli *cli) {
  const char *when = cli->given.progress ? cli->given.progress : "auto", *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
  bool redraws = isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
  bool never = cli->given.quiet || strcmp(when, "never") == 0;
  *progress = (struct cli_progress){.colour = !(no_color && *no_color), .phase = STILL_PHASES};
  if (never || (!redraws && strcmp(when, "always") != 0))
    progress->mode = CLI_SILENT;
  else
    progress->mode = redraws ? CLI_BAR : CLI_LINES;
}

/* " 12 %  3.4 of 28.0k  1.2k/s  live 33 %  ETA 12 s"; rows are counted in tokens x layers */
static void describe(const still_progress *p, double share, char *text, size_t size) {
  double scale = phases[p->phase].scale, rate = p->seconds > 0 ? (double)p->done / p->seconds : 0;
  bool rated = phases[p->phase].rate && rate > 0, rows = p->phase == STILL_PHASE_LOWER || p->phase == STILL_PHASE_UPPER;
  int digits = scale == 1 ? 0 : 1;
  size_t n = (size_t)snprintf(text, size, "%3.0f %%  %.*f of %.*f%s", 100 * share, digits, (double)p->done * scale, digits,
                              (double)p->total * scale, phases[p->phase].unit);
  if (rated && n < size) n += (size_t)snprintf(text + n, size - n, "  %.*f%s", digits, rate * scale, phases[p->phase].rate);
  if (rows && p->live < 1 && n < size) n += (size_t)snprintf(text + n, size - n, "  live %.0f %%", 100 * p->live);
  if (rated && p->done < p->total && p->seconds > 0.5 && n < size)
    snprintf(text + n, size - n, "  ETA %.0f s", (double)(p->total - p->done) / rate);
}

static double share_of(uint64_t done, uint64_t total) {
  double share = total ? (double)done / (double)total : 0;
  return share > 1 ? 1 : share;
}

/* A bar that overwrites itself, or a line. */
static void draw(struct cli_progress *progress, const char *name, double share, const char *text) {
  static const char full[] = "##############", none[] = "..............";
  if (progress->mode == CLI_LINES) {
    fprintf(stderr, "%s: %s\n", name, text + strspn(text, " "));
    return;
  }
  int filled = (int)(share * BAR);
  fprintf(stderr, "\r%s%.*s%s%.*s %-12s %s\033[K", progress->colour ? "\033[32m" : "", filled, full,
          progress->colour ? "\033[0m" : "", BAR - filled, none, name, text);
  progress->drawn = true;
}

static void draw_phase(struct cli_progress *progress, const still_progress *p) {
  char text[TEXT];
  double share = share_of(p->done, p->total);
  describe(p, share, text, sizeof text);
  draw(progress, phases[p->phase].name, share, text);
}

/* A bar is redrawn ten times a second. Lines come once a second, and once at the end of each phase. */
static bool is_due(struct cli_progress *progress, const still_progress *p, double now) {
  bool lines = progress->mode == CLI_LINES, other = p->phase != progress->phase, last = p->done >= p->total;
  bool repeated = last && progress->ended && !other;
  if (lines && other) progress->next = now + 1;
  progress->phase = p->phase;
  progress->ended = last;
  if (repeated || (now < progress->next && !(lines && last))) return false;
  progress->next = now + (lines ? 1.0 : 0.1);
  return true;
}

int cli_progress_hook(void *user, const still_progress *p) {
  struct cli_progress *progress = user;
  bool own = progress->steps || p->phase >= STILL_PHASE_DECODE; /* an answer is its own progress */
  if (progress->mode != CLI_SILENT && !own && is_due(progress, p, cli_seconds())) draw_phase(progress, p);
  return cli_interrupted();
}

void cli_progress_step(struct cli_progress *progress, const struct cli_step *step) {
  char text[TEXT], left[24] = "";
  double now = cli_seconds(), share = share_of(step->done, step->total);
  progress->steps = true;
  if (progress->mode == CLI_SILENT || (now < progress->next && step->done < step->total)) return;
  progress->next = now + (progress->mode == CLI_LINES ? 1.0 : 0.1);
  if (step->left > 0 && step->done < step->total) snprintf(left, sizeof left, "  ETA %.0f s", step->left);
  snprintf(text, sizeof text, "%3.0f %%  %llu of %llu%s", 100 * share, (unsigned long long)step->done,
           (unsigned long long)step->total, left);
  draw(progress, step->name, share, text);
}

void cli_progress_clear(struct cli_progress *progress) {
  if (progress->drawn) fputs("\r\033[K", stderr);
  progress->drawn = false;
}
