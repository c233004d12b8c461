/*
 * eval_hay.c - cutting texts into units, and making up hay where no file is given.
 *
 * In:       bytes, or a seed.  Out: struct eval_hay.
 * Not here: files (cmd_eval.c reads them).
 *
 * The sentences that are made say nothing that a question asks for: they hold no figures, and their words are none of those in
 * eval_sets.c that facts are about.
 */
#include "eval_hay.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"

enum { LONG_SENTENCE = 400, LONG_LINE = 800, PARAGRAPH = 5 }; /* bytes, bytes, sentences */

static bool grow(void **memory, size_t *room, size_t needed, size_t size) {
  if (needed <= *room) return true;
  size_t wanted = needed + needed / 2 + 64;
  void *grown = realloc(*memory, wanted * size);
  if (!grown) return false;
  *memory = grown;
  *room = wanted;
  return true;
}

bool eval_hay_add(struct eval_hay *hay, const char *text, size_t bytes) {
  void *all = hay->text, *ends = hay->end;
  bool good = grow(&all, &hay->room, hay->bytes + bytes + 1, 1);
  hay->text = all;
  good = good && grow(&ends, &hay->unit_room, hay->n + 1, sizeof *hay->end);
  hay->end = ends;
  if (!good) return false;
  memcpy(hay->text + hay->bytes, text, bytes);
  hay->bytes += bytes;
  hay->end[hay->n++] = hay->bytes;
  return true;
}

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Whether a unit of `length` bytes may end behind text[at], the last of some blanks: they stay with what stands before them. */
static bool may_end(const char *text, size_t at, size_t bytes, size_t length) {
  if (!is_blank(text[at]) || (at + 1 < bytes && is_blank(text[at + 1]))) return false;
  size_t left = length, lines = 0;
  for (; left > 0 && is_blank(text[at]); at--, left--) lines += text[at] == '\n';
  if (left == 0) return false; /* blanks alone */
  return strchr(".!?", text[at]) || lines > 1 || (lines && length > LONG_SENTENCE) || length > LONG_LINE;
}

bool eval_hay_split(struct eval_hay *hay, const char *text, size_t bytes) {
  size_t from = 0;
  for (size_t at = 0; at < bytes; at++) {
    if (!may_end(text, at, bytes, at + 1 - from)) continue;
    if (!eval_hay_add(hay, text + from, at + 1 - from)) return false;
    from = at + 1;
  }
  return from == bytes || eval_hay_add(hay, text + from, bytes - from);
}

void eval_hay_free(struct eval_hay *hay) {
  free(hay->text);
  free(hay->end);
  *hay = (struct eval_hay){0};
}

const char *eval_hay_unit(const struct eval_hay *hay, size_t i, size_t *bytes) {
  size_t from = i ? hay->end[i - 1] : 0;
  *bytes = hay->end[i] - from;
  return hay->text + from;
}

/* ---- made up ---------------------------------------------------------------------------------------------------- */

/* In a form, a capital letter stands for a word of a list; "^" in front of it: with a capital letter. */
static const char *const forms[] = {
    "^W the P D, and nobody on the Q gave it much thought. ",
    "^The A P near the Q V D W. ",
    "It was said that every P on the Q D, but the A ones V longest. ",
    "^The S V the P D, W, and then went back to the Q. ",
    "^W, S after S V past the Q without a word about the A P. ",
    "No one could say why the P beside the Q had become so A W. ",
    "^The A Q belonged to a S who D V the P. ",
    "When the weather turned, the S V the A P and D left the Q. ",
    "^There was little to see on the Q W but a P, a A fence and a few stones. ",
    "^S and neighbours agreed that the P V better W than on any other Q. ",
};

#define LIST(...) (const char *const[]){__VA_ARGS__, NULL}
static const struct {
  char letter;
  const char *const *word;
} lists[] = {
    {'A', LIST("old", "quiet", "narrow", "weathered", "pale", "crooked", "heavy", "plain", "forgotten", "wet", "dusty",
               "steep", "shallow", "broad", "mossy", "tidy", "empty", "rough")},
    {'P', LIST("wagon", "ladder", "barrel", "rope", "blanket", "cart", "sledge", "shutter", "bench", "plank", "bucket",
               "fence post", "haystack", "well", "chimney", "footpath", "stone wall", "boat shed")},
    {'Q', LIST("hillside", "meadow", "river bank", "market square", "shore", "upper field", "ridge", "moor", "road to the mill",
               "edge of the wood", "common", "slope behind the church", "marsh", "headland")},
    {'S', LIST("shepherd", "carter", "miller", "neighbour", "traveller", "fisherman", "teacher", "gardener", "widow", "smith",
               "boatman", "weaver", "stranger", "carpenter")},
    {'V', LIST("mended", "carried", "left", "watched", "moved", "measured", "painted", "covered", "kept", "lent", "counted",
               "sold", "cleaned", "turned")},
    {'D', LIST("slowly", "without haste", "as before", "by lamplight", "with great care", "against all advice", "once more",
               "in silence", "from habit", "for a small price", "after some talk", "with a borrowed tool")},
    {'W', LIST("in early spring", "before the rain", "towards evening", "all through the winter", "at low tide",
               "on market days", "after the harvest", "in a dry summer", "long after sunset", "on the way home",
               "while the bells rang", "when the wind dropped")},
};
#undef LIST

enum { N_FORMS = sizeof forms / sizeof forms[0], N_LISTS = sizeof lists / sizeof lists[0] };

static const char *draw_word(uint64_t *state, char letter) {
  for (size_t i = 0; i < N_LISTS; i++) {
    size_t n = 0;
    if (lists[i].letter != letter) continue;
    while (lists[i].word[n]) n++;
    return lists[i].word[cli_below(state, n)];
  }
  return NULL;
}

/* A letter of a list stands alone: it neither follows nor precedes another letter. */
static size_t write_sentence(uint64_t *state, const char *form, char *out) {
  size_t n = 0;
  for (const char *at = form; *at; at++) {
    bool alone = (at == form || strchr(" ^", at[-1])) && strchr(" ,.", at[1]) && at[1];
    const char *word = alone ? draw_word(state, *at) : NULL;
    if (*at == '^') continue;
    size_t bytes = word ? strlen(word) : 1, from = n;
    memcpy(out + n, word ? word : at, bytes);
    n += bytes;
    bool first = at > form && at[-1] == '^' && out[from] >= 'a' && out[from] <= 'z';
    if (first) out[from] = (char)(out[from] - 'a' + 'A');
  }
  return n;
}

bool eval_hay_make(struct eval_hay *hay, uint64_t seed, size_t bytes) {
  char sentence[512]; /* a form has at most 90 letters and 6 words of at most 24 */
  uint64_t state = seed;
  for (size_t i = 1; hay->bytes < bytes; i++) {
    size_t n = write_sentence(&state, forms[cli_below(&state, N_FORMS)], sentence);
    if (i % PARAGRAPH == 0) sentence[n - 1] = '\n';
    if (!eval_hay_add(hay, sentence, n)) return false;
  }
  return true;
}
