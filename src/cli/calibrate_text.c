/*
 * calibrate_text.c - the texts of a calibration, cut in halves: the first ones find a setting, the second ones confirm it.
 *
 * In:       files of the command line.  Out: hay and tokens of each part.
 * Not here: what is made of them (eval_work.c).
 *
 * Every file gives to both parts, so that both are of the same kinds, and no passage is in both. Nothing is made up: settings
 * that were found on sentences made from a seed did not hold on real texts.
 */
#include <stdlib.h>
#include <string.h>

#include "calibrate.h"
#include "eval_work.h"

static const char *const names[CALIBRATE_PARTS] = {"the first half of the texts", "the second half of the texts"};

struct joined { /* halves of files, one after the other */
  char *text;
  size_t bytes;
};

static bool join(struct joined *j, const char *text, size_t bytes) {
  char *grown = realloc(j->text, j->bytes + bytes + 2);
  if (!grown) return false;
  memcpy(grown + j->bytes, text, bytes);
  *j = (struct joined){grown, j->bytes + bytes};
  j->text[j->bytes++] = '\n';
  return true;
}

/* Behind the first line that ends in the second half; a text of one line is cut before a blank. */
static size_t middle_of(const struct cli_text *text) {
  const char *from = text->text + text->bytes / 2, *end = memchr(from, '\n', text->bytes - text->bytes / 2);
  if (end && end + 1 < text->text + text->bytes) return (size_t)(end + 1 - text->text);
  end = memchr(from, ' ', text->bytes - text->bytes / 2);
  return end ? (size_t)(end - text->text) : text->bytes;
}

static int read_halves(struct calibrate *c, const struct cli_list *files, struct joined half[CALIBRATE_PARTS]) {
  int code = CLI_OK;
  for (size_t i = 0; i < files->count && code == CLI_OK; i++) {
    struct cli_text text;
    code = eval_read_text(c->cli, files->item[i], &text);
    if (code == CLI_OK) {
      size_t middle = middle_of(&text);
      bool good = join(&half[0], text.text, middle) && join(&half[1], text.text + middle, text.bytes - middle);
      if (!good) code = cli_no_memory(c->cli);
    }
    free(text.text);
  }
  return code;
}

static int make_hay(struct calibrate *c, struct part *p, const struct joined *half, const char *name) {
  struct cli_tokens ids = {0};
  uint64_t most = eval_longest(&c->sample);
  int code = cli_encode(&c->sample.engine[0], &(struct cli_text){half->text, half->bytes}, 0, &ids);
  if (code == CLI_OK && !eval_hay_split(&p->hay, half->text, half->bytes)) code = cli_no_memory(c->cli);
  if (code == CLI_OK && ids.count < most)
    code = cli_fail(c->cli, STILL_EARG, "%s has %zu tokens to hide facts in, and texts of %llu are wanted; give more with -f or "
                    "--hay", name, ids.count, (unsigned long long)most);
  free(ids.id);
  return code;
}

static int make_file(struct calibrate *c, struct part *p, const struct joined *half) {
  return cli_encode(&c->sample.engine[0], &(struct cli_text){half->text, half->bytes}, STILL_TEXT_ADD_BOS, &p->file);
}

void calibrate_use(struct calibrate *c, int part) {
  const struct part *p = &c->part[part];
  struct eval *e = &c->sample;
  e->hay = p->hay;
  *e->file = p->file;
  e->files_name = names[part];
  e->seed = p->seed;
  e->places = p->places;
  e->questions = p->texts * e->per_text;
}

int calibrate_read(struct calibrate *c) {
  const struct cli_values *given = &c->cli->given;
  struct joined half[CALIBRATE_PARTS] = {{0}}, hay[CALIBRATE_PARTS] = {{0}};
  struct eval *e = &c->sample;
  e->file = calloc(1, sizeof *e->file);
  e->n_files = 1;
  int code = e->file ? read_halves(c, &given->files, half) : cli_no_memory(c->cli);
  if (code == CLI_OK) code = read_halves(c, &given->hay, hay);
  for (int i = 0; i < CALIBRATE_PARTS && code == CLI_OK; i++) {
    struct part *p = &c->part[i];
    code = make_hay(c, p, given->hay.count ? &hay[i] : &half[i], names[i]);
    if (code == CLI_OK) code = make_file(c, p, &half[i]);
    calibrate_use(c, i);
    if (code == CLI_OK) code = eval_check(e);
  }
  for (int i = 0; i < CALIBRATE_PARTS; i++) free(half[i].text), free(hay[i].text);
  return code;
}
