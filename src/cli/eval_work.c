/*
 * eval_work.c - makes texts, asks each question in both modes, keeps what came out.
 *
 * In:       struct eval.  Out: items; lines in the file of results.
 * Not here: sessions (eval_ask.c), how texts are made (eval_text.c).
 *
 * Dense and halted runs take turns, so that a machine that slows down does so for both. A run whose key is in the file of results
 * is not run again.
 */
#include "eval_work.h"

#include <stdlib.h>
#include <string.h>

#include "eval_answer.h"
#include "eval_key.h"
#include "random.h"
#include "interrupt.h"

static const struct {
  const char *name;
  int (*run)(struct cli_engine *engine, const struct eval_run *run, struct eval_record *record);
} kinds[EVAL_KINDS] = {[EVAL_QUESTION] = {"answer", eval_ask}, [EVAL_LOSS] = {"loss", eval_loss},
                       [EVAL_AGREE] = {"agree", eval_greedy}};

struct work {
  struct eval *eval;
  double since;
  uint64_t ran; /* runs since then */
};

/* ---- one item in both modes ------------------------------------------------------------------------------------- */

static void show(struct work *w, int mode, const struct eval_record *r) {
  struct eval *e = w->eval;
  struct cli_step step = {.done = EVAL_MODES * e->n_items + (uint64_t)mode, .total = EVAL_MODES * e->most_items};
  char name[32];
  snprintf(name, sizeof name, "%s %llu", r->set, (unsigned long long)r->length);
  step.name = name;
  if (w->ran) step.left = (cli_seconds() - w->since) / (double)w->ran * (double)(step.total - step.done);
  cli_progress_step(&e->engine[mode].progress, &step);
}

/* One mode: a result of before, or a run. */
static int run_mode(struct work *w, int mode, enum eval_kind kind, const struct eval_run *run, const struct eval_question *q,
                    struct eval_record *r) {
  struct eval *e = w->eval;
  still_error error = {.size = sizeof error};
  show(w, mode, r);
  snprintf(r->mode, sizeof r->mode, "%s", eval_mode_names[mode]);
  if (!eval_key(e->identity[mode], kinds[kind].name, run, r->key)) return cli_no_memory(e->cli);
  const struct eval_record *known = eval_store_find(&e->store, r->key);
  if (known) {
    *r = *known;
    r->right = q && eval_answer_right(r->answer, q);
    e->reused++;
    return CLI_OK;
  }
  int code = kinds[kind].run(&e->engine[mode], run, r);
  if (code != CLI_OK) return code;
  r->right = q && eval_answer_right(r->answer, q);
  w->ran++;
  if (eval_store_add(&e->store, r, &error) == STILL_OK) return CLI_OK;
  return cli_fail(e->cli, error.status, "%s", error.text);
}

/* Tokens before the first that differs, as a part of the longer of the two. */
static double agreement(const struct eval_record r[EVAL_MODES]) {
  uint64_t longer = r[0].n_greedy > r[1].n_greedy ? r[0].n_greedy : r[1].n_greedy, same = 0;
  while (same < r[0].n_greedy && same < r[1].n_greedy && r[0].greedy[same] == r[1].greedy[same]) same++;
  return longer ? (double)same / (double)longer : 1;
}

/* `r`: what is known of the record before the run. `q`: NULL at a place in a text. */
static int run_item(struct work *w, const struct eval_item *start, const struct eval_run *run, const struct eval_record *r,
                    const struct eval_question *q) {
  struct eval *e = w->eval;
  struct eval_record *both = calloc(EVAL_MODES, sizeof *both);
  struct eval_item item = *start;
  int code = both ? CLI_OK : cli_no_memory(e->cli);
  for (int mode = 0; mode < EVAL_MODES && code == CLI_OK; mode++) {
    struct eval_record *got = &both[mode];
    *got = *r;
    code = run_mode(w, mode, item.kind, run, q, got);
    item.of[mode] = (struct eval_outcome){.right = got->right, .loss = got->loss, .tokens = got->tokens, .kept = got->kept,
                                          .start_layer = got->start_layer, .woken = got->woken,
                                          .seconds = got->seconds};
  }
  if (code == CLI_OK) {
    item.agreement = agreement(both);
    e->item[e->n_items++] = item;
  }
  free(both);
  return code;
}

/* ---- questions -------------------------------------------------------------------------------------------------- */

struct counting { /* for eval_text_fit */
  struct eval *eval;
  int code;
};

int eval_encode(struct eval *e, char *content, struct cli_tokens *out) {
  struct cli_text text = {content, strlen(content)};
  return e->plain ? cli_encode(&e->engine[0], &text, STILL_TEXT_ADD_BOS, out) : cli_encode_chat(&e->engine[0], &text, 0, out);
}

static still_status count_tokens(void *user, char *content, size_t *tokens) {
  struct counting *c = user;
  struct cli_tokens ids = {0};
  c->code = eval_encode(c->eval, content, &ids);
  *tokens = ids.count;
  free(ids.id);
  return c->code == CLI_OK ? STILL_OK : STILL_ESTATE;
}

static uint64_t seed_of(const struct eval *e, const struct eval_set *set, size_t length, uint64_t text) {
  uint64_t state = cli_mix(e->seed, e->length[length]);
  for (const char *c = set->name; *c; c++) state = cli_mix(state, (unsigned char)*c);
  return cli_mix(state, text);
}

int eval_make_text(struct eval *e, const struct eval_set *set, size_t length, uint64_t text, struct eval_draft *draft,
                   struct eval_text *out) {
  uint64_t left = e->questions - text * e->per_text, n = left < e->per_text ? left : e->per_text;
  uint64_t seed = seed_of(e, set, length, text), state = cli_mix(seed, 1);
  unsigned depth[EVAL_MOST_QUESTIONS];
  struct counting counting = {.eval = e};
  still_error error;
  for (size_t i = 0; i < n; i++) depth[i] = (unsigned)e->depth[(text * e->per_text + i) % e->n_depths];
  if (!eval_draft_make(draft, set, seed, depth, n, (size_t)e->length[length] / 2)) return cli_no_memory(e->cli);
  struct eval_fit fit = {.hay = draft->lines.n ? &draft->lines : &e->hay, .length = e->length[length], .plain = e->plain,
                         .count = count_tokens, .user = &counting};
  if (!draft->lines.n) fit.start = cli_below(&state, e->hay.n);
  still_status status = eval_text_fit(draft, &fit, out, &error);
  if (status == STILL_OK && !set->placed && out->units < EVAL_COUNT_BLOCK) {
    snprintf(error.text, sizeof error.text, "%llu tokens hold %zu lines only, and it needs %d; take greater --lengths",
             (unsigned long long)e->length[length], out->units, EVAL_COUNT_BLOCK);
    eval_text_free(out);
    status = STILL_EARG;
  }
  if (status == STILL_OK) return CLI_OK;
  eval_draft_free(draft);
  if (counting.code != CLI_OK) return counting.code;
  return status == STILL_ENOMEM ? cli_no_memory(e->cli) : cli_fail(e->cli, status, "set %s: %s", set->name, error.text);
}

static int run_question(struct work *w, const struct eval_item *item, const struct eval_draft *draft,
                        const struct eval_text *text, size_t question, struct eval_record *r) {
  struct eval *e = w->eval;
  const struct eval_question *q = &draft->question[question];
  struct eval_run run = {.most = e->predict, .n_vocab = e->model.n_vocab, .timed = item->timed};
  char *prompt = eval_prompt(draft, text, question, e->plain);
  int code = prompt ? eval_encode(e, prompt, &run.prompt) : cli_no_memory(e->cli);
  r->question = question;
  r->depth = item->depth;
  snprintf(r->ask, sizeof r->ask, "%s", q->ask);
  snprintf(r->expected, sizeof r->expected, "%s", q->answer);
  if (code == CLI_OK) code = run_item(w, item, &run, r, q);
  free(run.prompt.id);
  free(prompt);
  return code;
}

static int run_text(struct work *w, const struct eval_set *set, size_t length, uint64_t number) {
  struct eval *e = w->eval;
  struct eval_draft draft;
  struct eval_text text;
  struct eval_record *r = calloc(1, sizeof *r);
  if (!r) return cli_no_memory(e->cli);
  snprintf(r->set, sizeof r->set, "%s", set->name);
  r->length = e->length[length];
  r->text = number;
  int code = eval_make_text(e, set, length, number, &draft, &text);
  bool made = code == CLI_OK;
  for (size_t i = 0; made && code == CLI_OK && i < draft.n_questions; i++) {
    struct eval_item item = {.kind = EVAL_QUESTION, .set = set, .length = length, .timed = i == 0,
                             .depth = set->placed ? draft.question[i].depth : 0};
    code = run_question(w, &item, &draft, &text, i, r);
  }
  if (made) eval_text_free(&text);
  if (made) eval_draft_free(&draft);
  free(r);
  return code;
}

/* ---- places in texts -------------------------------------------------------------------------------------------- */

size_t eval_places_in(const struct eval *e, size_t file) {
  size_t files = e->n_files;
  return e->places / files + (file < e->places % files);
}

/* What follows the prefix must not follow another one, too: places are as far apart as what is scored is long. */
static int check_places(const struct eval *e, size_t file, size_t length) {
  size_t n = eval_places_in(e, file), needed = e->length[length] + n * e->continuation;
  const char *name = e->files_name ? e->files_name : e->cli->given.files.item[file];
  if (n == 0 || e->file[file].count >= needed) return CLI_OK;
  return cli_fail(e->cli, STILL_EARG,
                  "%s has %zu tokens, and %zu places behind %llu tokens each need %zu; give a longer text or fewer --places",
                  name, e->file[file].count, n, (unsigned long long)e->length[length], needed);
}

/* The tokens that a text of this model begins with: BOS, or none. */
static int beginning(struct eval *e, struct cli_tokens *out) {
  char nothing[] = "";
  return cli_encode(&e->engine[0], &(struct cli_text){nothing, 0}, STILL_TEXT_ADD_BOS, out);
}

int eval_place(struct eval *e, size_t length, size_t file, size_t k, struct cli_tokens *prompt, struct cli_tokens *next) {
  const struct cli_tokens *all = &e->file[file];
  size_t n = (size_t)e->length[length], places = eval_places_in(e, file), spare = all->count - n - (size_t)e->continuation;
  size_t at = places > 1 ? spare / (places - 1) * k : 0;
  struct cli_tokens head;
  int code = beginning(e, &head);
  *prompt = (struct cli_tokens){.id = malloc((n + 1) * sizeof *all->id), .count = n};
  *next = (struct cli_tokens){.id = all->id + at + n, .count = (size_t)e->continuation};
  if (code != CLI_OK) return code;
  if (prompt->id) memcpy(prompt->id, all->id + at, n * sizeof *all->id);
  if (prompt->id && head.count < n) memcpy(prompt->id, head.id, head.count * sizeof *all->id);
  free(head.id);
  return prompt->id ? CLI_OK : cli_no_memory(e->cli);
}

static int run_place(struct work *w, enum eval_kind kind, size_t length, size_t file, size_t k) {
  struct eval *e = w->eval;
  struct eval_item item = {.kind = kind, .length = length, .timed = kind == EVAL_LOSS};
  struct eval_run run = {.most = EVAL_GREEDY, .n_vocab = e->model.n_vocab, .timed = item.timed};
  struct eval_record *r = calloc(1, sizeof *r);
  if (!r) return cli_no_memory(e->cli);
  int code = eval_place(e, length, file, k, &run.prompt, &run.next);
  if (kind != EVAL_LOSS) run.next = (struct cli_tokens){0};
  snprintf(r->set, sizeof r->set, "%s", kinds[kind].name);
  r->length = e->length[length];
  r->text = file;
  r->question = k;
  if (code == CLI_OK) code = run_item(w, &item, &run, r, NULL);
  free(run.prompt.id);
  free(r);
  return code;
}

static int run_places(struct work *w, enum eval_kind kind, size_t length) {
  int code = CLI_OK;
  for (size_t f = 0; f < w->eval->n_files && code == CLI_OK; f++)
    for (size_t k = 0; k < eval_places_in(w->eval, f) && code == CLI_OK; k++) code = run_place(w, kind, length, f, k);
  return code;
}

/* ---- everything ------------------------------------------------------------------------------------------------- */

int eval_check(struct eval *e) {
  int code = CLI_OK;
  for (size_t l = 0; l < e->n_lengths && code == CLI_OK; l++) {
    for (size_t f = 0; f < e->n_files && code == CLI_OK; f++)
      code = check_places(e, f, l);
    for (size_t s = 0; s < e->n_sets && code == CLI_OK; s++) {
      struct eval_draft draft;
      struct eval_text text;
      code = eval_make_text(e, e->set[s], l, 0, &draft, &text);
      if (code == CLI_OK) eval_text_free(&text), eval_draft_free(&draft);
    }
  }
  return code;
}

int eval_work(struct eval *e) {
  struct work w = {.eval = e, .since = cli_seconds()};
  int code = CLI_OK;
  uint64_t texts = (e->questions + e->per_text - 1) / e->per_text;
  for (size_t l = 0; l < e->n_lengths && code == CLI_OK; l++) {
    for (size_t s = 0; s < e->n_sets && code == CLI_OK; s++)
      for (uint64_t t = 0; t < texts && code == CLI_OK; t++) code = run_text(&w, e->set[s], l, t);
    for (int kind = EVAL_LOSS; kind < EVAL_KINDS && code == CLI_OK; kind++)
      if (e->wanted[kind]) code = run_places(&w, (enum eval_kind)kind, l);
  }
  return code;
}
