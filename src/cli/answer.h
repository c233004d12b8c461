/*
 * answer.h - an answer as it is made: tokens drawn, characters joined, stop texts looked for, text printed as soon as it is sure.
 *
 * In:       a session that has logits.  Out: the answer on stdout, or kept for JSON.
 * Not here: prompts, drawing tokens (the library's sampler).
 */
#ifndef CLI_ANSWER_H
#define CLI_ANSWER_H

#include "engine.h"
#include "json.h"

struct sampled { /* one token of the answer */
  still_token id;
  float log_probability;
};

struct answer { /* answer_free */
  const struct cli_list *stops;
  bool streams;      /* text goes to stdout as it comes */
  char *text;        /* all of it, whole characters */
  size_t bytes, capacity;
  size_t printed;    /* bytes that went to stdout, the others may begin a stop text */
  struct sampled *token;
  size_t n_tokens, token_capacity;
  const char *finish; /* "end", "stop", "length", "context", "cancelled" */
  double seconds;     /* of decoding */
  size_t woken;       /* rows of the prompt */
};

struct speaker { /* what answers are made with, as the command line says */
  struct cli_engine *engine;
  still_sampler *sampler;
  uint64_t most; /* tokens of an answer */
};

/* Each returns an exit code. The engine may be opened later; a speaker that failed to open may be closed. */
int speaker_open(struct speaker *speaker, struct cli_engine *engine, const struct cli *cli);
void speaker_close(struct speaker *speaker);
/* The whole answer to what the session was prefilled with. A full context and Ctrl-C end it like its last token does: what is
 * there is printed, and `finish` says so. */
int speaker_answer(struct speaker *speaker, struct answer *answer);
void answer_free(struct answer *answer);

/* "answer         23 tokens, finished by end, 45.1 tokens/s, for which 128 halted woke"; nothing without tokens. */
void answer_print(FILE *out, const char *name, const struct answer *answer);
/* Members text, tokens, logprobs (with --logprobs), finish; and the object decode. */
void answer_json(struct json *j, const struct cli *cli, const struct answer *answer);
void answer_json_decode(struct json *j, const struct answer *answer);

#endif
