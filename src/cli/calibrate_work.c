/*
 * calibrate_work.c - one text or place: makes its tokens, gives the session one setting after the other, keeps what came out.
 *
 * In:       candidates, the sample.  Out: results.
 * Not here: answers and losses (eval_ask.c), places in a gate's order (calibrate_gate.c).
 *
 * One session does it all. Prompts on one text begin alike, and still_session_change leaves what waits at its gate where it is,
 * or lets it climb to a higher one: so a text is read once for all settings of a visit.
 */
#include "calibrate_work.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "calibrate_gate.h"
#include "eval_answer.h"
#include "eval_ask.h"
#include "eval_key.h"
#include "eval_work.h"

struct visit { /* of a text: one prompt a question */
  struct calibrate *c;
  int part;
  size_t place;             /* of the text in the part */
  const struct eval_set *set;
  size_t length;
  uint64_t number;
  struct eval_draft draft;
  struct eval_text text;
  struct eval_run run[EVAL_MOST_QUESTIONS];
};

struct task { /* one run */
  const char *what;
  const still_settings *settings;
  const char *identity;
  const struct eval_run *run;
  int (*go)(struct calibrate *c, const struct task *task, struct eval_record *record);
  const struct visit *visit; /* of a gate, the text and */
  size_t question;           /* the question */
};

/* A result of before, or a run. */
static int perform(struct calibrate *c, const struct task *task, struct eval_record *r) {
  struct cli_engine *e = &c->sample.engine[0];
  still_error error = {.size = sizeof error};
  if (!eval_key(task->identity, task->what, task->run, r->key)) return cli_no_memory(c->cli);
  const struct eval_record *known = eval_store_find(&c->sample.store, r->key);
  if (known) {
    *r = *known;
    c->reused++;
    return CLI_OK;
  }
  still_status status = still_session_change(e->session, task->settings);
  if (status != STILL_OK) return cli_session_failed(e, status);
  int code = task->go(c, task, r);
  if (code != CLI_OK) return code;
  c->ran++;
  if (eval_store_add(&c->sample.store, r, &error) == STILL_OK) return CLI_OK;
  return cli_fail(c->cli, error.status, "%s", error.text);
}

static void show(struct calibrate *c) {
  struct cli_step *step = &c->step;
  double spent = cli_seconds() - c->step_since;
  step->left = step->done > 0 ? spent / (double)step->done * (double)(step->total - step->done) : 0;
  cli_progress_step(&c->sample.engine[0].progress, step);
}

/* Candidates by layer, dense last; as many as are new. */
static size_t in_order(const struct calibrate *c, const size_t *candidate, size_t n, size_t *order) {
  for (size_t i = 0; i < n; i++) {
    size_t at = i;
    for (; at > 0 && c->candidate[order[at - 1]].layer > c->candidate[candidate[i]].layer; at--) order[at] = order[at - 1];
    order[at] = candidate[i];
  }
  return n;
}

/* ---- texts with questions --------------------------------------------------------------------------------------- */

static void leave(struct visit *v) {
  for (size_t q = 0; q < v->draft.n_questions; q++) free(v->run[q].prompt.id);
  eval_text_free(&v->text);
  eval_draft_free(&v->draft);
}

/* Texts of all lengths and sets in turn. */
static int enter(struct calibrate *c, int part, size_t text, struct visit *v) {
  struct eval *e = &c->sample;
  calibrate_use(c, part);
  *v = (struct visit){.c = c, .part = part, .place = text, .set = e->set[text % e->n_sets]};
  v->length = text / e->n_sets % e->n_lengths;
  v->number = text / e->n_sets / e->n_lengths;
  int code = eval_make_text(e, v->set, v->length, v->number, &v->draft, &v->text);
  if (code != CLI_OK) return code;
  for (size_t q = 0; q < v->draft.n_questions && code == CLI_OK; q++) {
    char *prompt = eval_prompt(&v->draft, &v->text, q, e->plain);
    v->run[q] = (struct eval_run){.most = e->predict, .n_vocab = e->model.n_vocab};
    code = prompt ? eval_encode(e, prompt, &v->run[q].prompt) : cli_no_memory(c->cli);
    free(prompt);
  }
  if (code != CLI_OK) leave(v);
  return code;
}

static void describe(const struct visit *v, size_t q, const char *mode, struct eval_record *r) {
  const struct eval_question *question = &v->draft.question[q];
  *r = (struct eval_record){.length = v->c->sample.length[v->length], .text = v->number, .question = q, .depth = question->depth};
  snprintf(r->set, sizeof r->set, "%s", v->set->name);
  snprintf(r->mode, sizeof r->mode, "%s", mode);
  snprintf(r->ask, sizeof r->ask, "%s", question->ask);
  snprintf(r->expected, sizeof r->expected, "%s", question->answer);
}

static int go_ask(struct calibrate *c, const struct task *task, struct eval_record *r) {
  int code = eval_ask(&c->sample.engine[0], task->run, r);
  r->right = code == CLI_OK && eval_answer_right(r->answer, &task->visit->draft.question[task->question]);
  return code;
}

static int ask(struct visit *v, struct candidate *d, size_t q) {
  struct calibrate *c = v->c;
  signed char *right = &d->right[v->part][v->place * (size_t)c->sample.per_text + q];
  struct task task = {.what = "answer", .settings = d->settings, .identity = d->identity, .run = &v->run[q], .go = go_ask,
                      .visit = v, .question = q};
  struct eval_record *r = malloc(sizeof *r);
  if (!r) return cli_no_memory(c->cli);
  describe(v, q, d == c->candidate ? "dense" : "candidate", r);
  int code = perform(c, &task, r);
  if (code == CLI_OK) *right = eval_answer_right(r->answer, &v->draft.question[q]);
  free(r);
  return code;
}

static bool has_answers(const struct calibrate *c, int part, size_t text, const struct candidate *d) {
  for (uint64_t q = 0; q < c->part[part].answers; q++)
    if (d->right[part][text * (size_t)c->sample.per_text + q] == CALIBRATE_UNKNOWN) return false;
  return true;
}

int calibrate_ask(struct calibrate *c, int part, size_t text, const size_t *candidate, size_t n) {
  size_t *order = malloc((n + 1) * sizeof *order), wanted = 0;
  struct visit v;
  if (!order) return cli_no_memory(c->cli);
  in_order(c, candidate, n, order);
  for (size_t i = 0; i < n; i++)
    if (!has_answers(c, part, text, &c->candidate[order[i]])) order[wanted++] = order[i];
  show(c);
  int code = wanted ? enter(c, part, text, &v) : CLI_OK;
  bool entered = wanted && code == CLI_OK;
  for (size_t i = 0; i < wanted && code == CLI_OK; i++)
    for (uint64_t q = 0; q < c->part[part].answers && code == CLI_OK; q++) code = ask(&v, &c->candidate[order[i]], (size_t)q);
  if (entered) leave(&v);
  free(order);
  return code;
}

/* ---- gates alone ------------------------------------------------------------------------------------------------ */

/* The places of a fact for each pool, in r->greedy. */
static bool place_fact(const struct calibrate *c, const struct task *task, const struct gate_rows *rows, struct eval_record *r) {
  still_session *session = c->sample.engine[0].session;
  size_t n = still_scores(session, NULL, 0);
  float *score = malloc((n + 1) * sizeof *score);
  int64_t prefix = 0, suffix = 0;
  bool good = score != NULL;
  if (good) still_scores(session, score, n);
  still_get_int(task->settings, "prefix", &prefix);
  still_get_int(task->settings, "suffix", &suffix);
  r->n_greedy = c->n_pools;
  for (size_t p = 0; p < c->n_pools; p++)
    good = good && gate_place(score, n, (size_t)c->pool[p], (size_t)prefix, (size_t)suffix, rows, &r->greedy[p]);
  free(score);
  return good;
}

/* A fact that the tokens do not spell out as it was written is nothing to judge a gate by: it has the first place. */
static int go_gate(struct calibrate *c, const struct task *task, struct eval_record *r) {
  struct cli_engine *e = &c->sample.engine[0];
  const struct eval_draft *draft = &task->visit->draft;
  const char *fact = draft->fact[draft->question[task->question].fact].text;
  struct gate_rows rows;
  still_status status = eval_begin(e, task->run, r);
  if (status != STILL_OK) return cli_session_failed(e, status);
  r->n_greedy = c->n_pools;
  bool found = gate_find(e->model, &task->run->prompt, fact, &rows);
  return !found || place_fact(c, task, &rows, r) ? CLI_OK : cli_no_memory(c->cli);
}

/* Counts against all candidates of a start what their gates halt. */
static void count_halted(struct calibrate *c, size_t start, const struct eval_record *r) {
  for (size_t i = 1; i < c->n_candidates; i++) {
    struct candidate *d = &c->candidate[i];
    if (d->start != c->start[start]) continue;
    uint64_t kept = r->tokens - (uint64_t)floor(d->ratio * (double)r->tokens);
    d->halted += r->greedy[d->pool] >= kept;
  }
}

/* `places`: [start][question] records of the gates. */
static int ask_gates(struct visit *v, struct eval_record *places) {
  struct calibrate *c = v->c;
  int code = CLI_OK;
  char what[128];
  int n = snprintf(what, sizeof what, "gate of the answer");
  for (size_t p = 0; p < c->n_pools; p++)
    n += snprintf(what + n, sizeof what - (size_t)n, " %llu", (unsigned long long)c->pool[p]);
  for (size_t s = 0; s < c->n_starts && code == CLI_OK; s++)
    for (size_t q = 0; q < v->draft.n_questions && code == CLI_OK; q++) {
      struct task task = {.what = what, .settings = c->gate[s], .identity = c->gate_identity[s], .run = &v->run[q], .go = go_gate,
                          .visit = v, .question = q};
      struct eval_record *r = &places[s * EVAL_MOST_QUESTIONS + q];
      describe(v, q, "gate", r);
      code = perform(c, &task, r);
    }
  return code;
}

int calibrate_screen(struct calibrate *c, size_t text) {
  struct visit v;
  struct eval_record *places = calloc(c->n_starts * EVAL_MOST_QUESTIONS, sizeof *places);
  if (!places) return cli_no_memory(c->cli);
  int code = enter(c, CALIBRATE_SEARCH, text, &v);
  bool entered = code == CLI_OK;
  show(c);
  if (entered) code = ask_gates(&v, places);
  for (size_t q = 0; entered && q < v.draft.n_questions && code == CLI_OK; q++) {
    code = ask(&v, &c->candidate[0], q);
    if (code == CLI_OK && c->candidate[0].right[CALIBRATE_SEARCH][text * (size_t)c->sample.per_text + q] == 1)
      for (size_t s = 0; s < c->n_starts; s++) count_halted(c, s, &places[s * EVAL_MOST_QUESTIONS + q]);
  }
  if (entered) leave(&v);
  free(places);
  c->step.done++;
  show(c);
  return code;
}

/* ---- places ------------------------------------------------------------------------------------------------------ */

static int go_loss(struct calibrate *c, const struct task *task, struct eval_record *r) {
  return eval_loss(&c->sample.engine[0], task->run, r);
}

/* Place `place` of a part: lengths, then the places of each. */
static int find_place(struct calibrate *c, int part, size_t place, struct eval_run *run, struct eval_record *r) {
  struct eval *e = &c->sample;
  size_t each = (size_t)c->part[part].places, length = place / each, k = place % each;
  calibrate_use(c, part);
  *run = (struct eval_run){.most = EVAL_GREEDY, .n_vocab = e->model.n_vocab};
  *r = (struct eval_record){.length = e->length[length], .text = (uint64_t)part, .question = k};
  snprintf(r->set, sizeof r->set, "loss");
  return eval_place(e, length, 0, k, &run->prompt, &run->next);
}

int calibrate_score(struct calibrate *c, int part, size_t place, const size_t *candidate, size_t n) {
  size_t *order = malloc((n + 1) * sizeof *order);
  struct eval_record *start = malloc(2 * sizeof *start), *r = start + 1;
  struct eval_run run = {.most = 0};
  int code = order && start ? find_place(c, part, place, &run, start) : cli_no_memory(c->cli);
  if (order) in_order(c, candidate, n, order);
  show(c);
  for (size_t i = 0; i < n && code == CLI_OK; i++) {
    struct candidate *d = &c->candidate[order[i]];
    struct task task = {.what = "loss", .settings = d->settings, .identity = d->identity, .run = &run, .go = go_loss};
    if (!isnan(d->loss[part][place])) continue;
    *r = *start;
    snprintf(r->mode, sizeof r->mode, "%s", order[i] ? "candidate" : "dense");
    code = perform(c, &task, r);
    if (code == CLI_OK) d->loss[part][place] = r->loss;
  }
  free(run.prompt.id);
  free(start);
  free(order);
  c->step.done++;
  show(c);
  return code;
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

/* One whole prefill at the first place. */
static int time_one(struct calibrate *c, const struct eval_run *run, size_t candidate, double *seconds) {
  struct cli_engine *e = &c->sample.engine[0];
  struct eval_record *r = calloc(1, sizeof *r);
  if (!r) return cli_no_memory(c->cli);
  still_status status = still_session_change(e->session, c->candidate[candidate].settings);
  if (status == STILL_OK) status = eval_begin(e, run, r);
  *seconds = r->seconds;
  free(r);
  return status == STILL_OK ? CLI_OK : cli_session_failed(e, status);
}

int calibrate_time(struct calibrate *c) {
  struct eval_record start;
  struct eval_run run;
  double dense = 0, seconds = 0;
  int code = find_place(c, CALIBRATE_SEARCH, 0, &run, &start);
  run.timed = true;
  if (code == CLI_OK) code = time_one(c, &run, 0, &dense);
  for (size_t i = 0; i < CALIBRATE_LEVELS && code == CLI_OK; i++) {
    struct choice *choice = &c->choice[i];
    if (choice->candidate) code = time_one(c, &run, choice->candidate, &seconds);
    choice->speed_up = choice->candidate && seconds > 0 ? dense / seconds : 1;
  }
  free(run.prompt.id);
  return code;
}
