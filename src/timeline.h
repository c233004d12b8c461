/*
 * timeline.h - a session's tokens, the stages that they go through, and what of them stays.
 *
 * In:       tokens that come and go.  Out: the stages of a prefill, and the first row that it must compute.
 * Not here: how rows move (stage.c), when (prefill.c), the public handle (session.c).
 */
#ifndef SP_TIMELINE_H
#define SP_TIMELINE_H

#include "backend.h"
#include "seen.h"

enum { SP_MOST_STAGES = 64 };

/* Layers between two gates and the list of rows that they see. Halves [from, to); the last stage ends above the last layer. */
struct sp_stage {
  unsigned from, to;
  size_t rows;
};

/* Rows below the first gate, and x + U of each there, depend on the tokens before them alone: they stay when tokens come, go or
 * are asked about. What stands above a gate belongs to one question; above an open gate, where nobody halts, it stays as well. */
struct sp_timeline {
  struct sp_ctx *ctx;
  struct sp_engine *engine;
  const struct sp_settings *settings;
  const struct sp_backend *backend;
  struct sp_lane *lane;
  still_token *tokens;
  size_t n, cap;         /* tokens on the timeline, decoded ones included */
  size_t finished;       /* rows that went through stage 0 on the prefill path */
  size_t above;          /* of those, rows that went on to the top through an open gate */
  bool parked;           /* rows wait at the gate even under the policy dense: they came from a state that was saved there */
  bool ready;            /* the caches and logits belong to tokens [0, n) */
  struct sp_stage stage[SP_MOST_STAGES];
  size_t n_stages;
  unsigned lift;         /* layers that chunks go through together: as many as have their panels at once */
  size_t decoded;        /* rows after the prefill, at the end of every stage's list */
  uint32_t *position;    /* [cap] original positions of the present stage's list */
  uint32_t *kept;        /* [cap] what the present gate kept, as list rows */
  float *raw, *score;    /* [cap] of the present gate */
  struct sp_seen seen[SP_MOST_STAGES - 1]; /* what each gate of the last question saw */
  size_t n_seen;
  uint32_t *woken;       /* [cap] rows that woke since, in that order */
  size_t n_woken;
  const char *why_dense; /* NULL, or why nothing is to be halted: the gate, if there is one, is open */
  uint8_t *eligible;     /* [n_eligible] or NULL */
  size_t n_eligible;
  struct sp_gate gate;
  float *logits;         /* [SP_FILE_ROWS][n_vocab]; the last row's stand first when a call is done */
};

/* Room in the arrays for n tokens and some that are decoded after; what they hold stays. */
still_status sp_timeline_grow(struct sp_timeline *t, size_t n);
void sp_timeline_free(struct sp_timeline *t); /* the arrays by token */
/* A lane of the backend's, for chunks as the settings have them. */
still_status sp_timeline_lane(const struct sp_timeline *t, struct sp_lane **lane);

/* Lays out the stages of a prefill of all tokens and finds what of the rows below the gate it can use: rows before `finished`.
 * Where attention scores, the window's rows pass again for what the gate records of them. *climb: 0, or the half below the gate
 * where rows wait that came from a state; they must go on to the gate first. */
void sp_timeline_begin(struct sp_timeline *t, bool question, unsigned *climb);
/* Forgets all tokens but the first n <= t->n. */
void sp_timeline_rewind(struct sp_timeline *t, size_t n);

/* The stages of a timeline of n tokens; returns their number. *why_dense is NULL, or says why nothing is to be halted: then
 * there is one stage, or rows wait at the first gate all the same (a short timeline may grow; `parked`) and all of them go on. */
size_t sp_timeline_stages(const struct sp_config *config, const struct sp_settings *settings, bool parked, size_t n,
                          struct sp_stage stage[SP_MOST_STAGES], const char **why_dense);
/* True if rows also wait within the stage, because it has more layers than a lift. */
static inline bool sp_stage_waits(const struct sp_stage *s, unsigned lift) { return (s->to + 1) / 2 - s->from / 2 > lift; }
/* Layers whose KV cache belongs to a stage. */
static inline unsigned sp_stage_first(const struct sp_stage *s) { return (s->from + 1) / 2; }
static inline unsigned sp_stage_last(const struct sp_stage *s) { return (s->to + 1) / 2; }

#endif
