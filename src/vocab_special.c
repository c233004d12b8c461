/*
 * vocab_special.c - tokens that are found in text as a whole, before anything is cut or joined.
 *
 * In:       the vocabulary's types.  Out: a sorted list of spellings; the first of them in a text.
 * Not here: what happens to the text between them.
 *
 * Control tokens (<|im_end|>) steer the model, so they count only where the caller trusts the text; user-defined tokens (runs of
 * spaces, <tool_call>) are text like any other and count everywhere. Leftmost first, then longest. A search walks down the sorted
 * list byte by byte, at most SP_SPELLING_MOST deep, so that time is linear in the text.
 */
#include <stdlib.h>
#include <string.h>
#include "vocab_parts.h"

/* Spellings that end an answer in published models, when they are control tokens. The last three end a file where a model was
 * trained on repositories. */
static const char *const ends[] = {
  "<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|endoftext|>", "</s>", "<end_of_turn>", "<|end|>", "<|eos|>",
  "<eos>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|return|>", "<|call|>", "<|calls|>", "<|flush|>", "<|end_of_turn|>",
  "<|endofturn|>", "<end_of_utterance>", "<\xef\xbd\x9c" "end\xe2\x96\x81" "of\xe2\x96\x81" "sentence\xef\xbd\x9c>",
  "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>",
};

bool sp_special_is_end(const char *text, size_t bytes) {
  for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
    if (strlen(ends[i]) == bytes && memcmp(ends[i], text, bytes) == 0) return true;
  return false;
}

/* By bytes, a start before what it starts; of equal spellings, control tokens first, then by id. */
static int compare(const void *a, const void *b) {
  const struct sp_special *x = a, *y = b;
  int order = memcmp(x->text, y->text, x->bytes < y->bytes ? x->bytes : y->bytes);
  if (order == 0) order = (x->bytes > y->bytes) - (x->bytes < y->bytes);
  if (order == 0) order = x->user - y->user;
  return order ? order : (x->id > y->id) - (x->id < y->id);
}

/* Of several tokens with one spelling and one trust, the first stays: a search never meets more than two. */
static size_t without_twins(struct sp_special *list, size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    const struct sp_special *last = kept ? &list[kept - 1] : NULL;
    bool twin =
        last && last->user == list[i].user && last->bytes == list[i].bytes && memcmp(last->text, list[i].text, last->bytes) == 0;
    if (!twin) list[kept++] = list[i];
  }
  return kept;
}

/* Types that text is searched for. Longer spellings would make the search slow; nobody has them. */
static bool is_looked_for(const struct sp_vocab *v, uint32_t id, size_t bytes) {
  uint8_t type = v->type[id];
  return bytes > 0 && bytes <= SP_SPELLING_MOST &&
         (type == SP_TOKEN_CONTROL || type == SP_TOKEN_UNKNOWN || type == SP_TOKEN_USER);
}

still_status sp_special_open(struct sp_vocab *v) {
  size_t bytes, n = 0;
  for (uint32_t id = 0; id < v->size; id++) n += is_looked_for(v, id, v->start[id + 1] - v->start[id]);
  v->specials = sp_vocab_take(v, n, sizeof *v->specials);
  if (!v->specials) return STILL_ENOMEM;
  for (uint32_t id = 0; id < v->size; id++) {
    const char *text = sp_vocab_text(v, (still_token)id, &bytes);
    if (is_looked_for(v, id, bytes))
      v->specials[v->n_specials++] = (struct sp_special){text, (uint32_t)bytes, v->type[id] == SP_TOKEN_USER, (still_token)id};
  }
  qsort(v->specials, n, sizeof *v->specials, compare);
  v->n_specials = without_twins(v->specials, n);
  for (size_t i = 0; i < v->n_specials; i++) v->first[(uint8_t)v->specials[i].text[0] + 1]++; /* counts, then their running sum */
  for (size_t b = 0; b < 256; b++) v->first[b + 1] += v->first[b];
  return STILL_OK;
}

/* The first of specials [low, high), which agree before byte `at`, whose byte there is at least `byte` (256: past all). */
static size_t bound(const struct sp_special *list, size_t low, size_t high, size_t at, unsigned byte) {
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    bool below = list[middle].bytes <= at || (uint8_t)list[middle].text[at] < byte;
    if (below)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* The longest special token at the start of text; -1 if there is none. */
static still_token match(const struct sp_vocab *v, const char *text, size_t bytes, const uint8_t *trusted) {
  const struct sp_special *list = v->specials;
  size_t low = v->first[(uint8_t)text[0]], high = v->first[(uint8_t)text[0] + 1];
  bool trust = trusted != NULL;
  still_token found = -1;
  for (size_t at = 0; at < bytes && low < high; at++) { /* [low, high) begin with the first `at` bytes of text */
    trust = trust && trusted[at];
    low = bound(list, low, high, at, (uint8_t)text[at]);
    high = bound(list, low, high, at, (uint8_t)text[at] + 1u);
    for (size_t i = low; i < high && list[i].bytes == at + 1; i++)
      if (trust || list[i].user) {
        found = list[i].id;
        break;
      }
  }
  return found;
}

size_t sp_special_next(const struct sp_vocab *v, const char *text, size_t bytes, const uint8_t *trusted, size_t from,
                       still_token *id) {
  *id = -1;
  for (size_t at = from; at < bytes; at++) {
    uint8_t byte = (uint8_t)text[at];
    if (v->first[byte] == v->first[byte + 1]) continue;
    *id = match(v, text + at, bytes - at, trusted ? trusted + at : NULL);
    if (*id >= 0) return at;
  }
  return bytes;
}
