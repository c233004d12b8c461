/*
 * stillpoint.h - run language models without a GPU, with a prefill that halts the tokens that have settled.
 *
 * In:      a GGUF model file, token ids or text.
 * Out:     logits, sampled tokens, text, and a report of which tokens were kept and what that cost.
 * Not here: training, quantisation of model files, network access. The library prints nothing and never ends the process.
 *
 * Rules that hold for every function
 *   - A call that can fail returns a still_status. STILL_OK is 0. The sentence behind a failure is on the handle
 *     (still_model_error, still_session_error) or, where no handle exists yet, in the still_error that was passed.
 *   - Pointers that a function does not document as optional must not be NULL; NULL there gives STILL_EARG.
 *   - Structs that the library fills begin with `size`: set it to sizeof the struct before the call. Members may be added
 *     at the end in later versions; a caller compiled against an older header gets the members that it knows.
 *   - A model may be used by any number of sessions and threads at once. A session belongs to one thread at a time;
 *     only still_session_cancel may be called on it from elsewhere, also from a signal handler.
 *   - A process that has forked after using the library must not use it in the child: calls there return STILL_EFORK.
 *   - Settings, prompt and model file decide every bit of the result; threads, chunk size and processor do not.
 */
#ifndef STILLPOINT_H
#define STILLPOINT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef STILL_API
#define STILL_API
#endif

/* ---- status ------------------------------------------------------------------------------------------------- */

/* X(NAME, number, one-line meaning). The numbers are part of the ABI. */
#define STILL_STATUS_LIST(X)                                                                                        \
  X(STILL_OK, 0, "success")                                                                                         \
  X(STILL_ECANCELLED, 1, "cancelled by the caller; what was finished before stays valid")                            \
  X(STILL_EARG, 2, "an argument or a setting is out of its range")                                                   \
  X(STILL_ENOMEM, 3, "memory could not be allocated, or a memory limit would be passed")                             \
  X(STILL_EIO, 4, "a file could not be opened, read or written")                                                     \
  X(STILL_EFORMAT, 5, "a file is damaged or contradicts itself")                                                     \
  X(STILL_EUNSUPPORTED, 6, "a well-formed file or request asks for what this version does not do")                   \
  X(STILL_ELIMIT, 7, "a prompt or output is longer than the context or buffer that should hold it")                  \
  X(STILL_ENUMERIC, 8, "a NaN or an infinity appeared where numbers must be finite")                                 \
  X(STILL_EDEVICE, 9, "the processor or device lacks what was asked for, or failed")                                 \
  X(STILL_ESTATE, 10, "the call does not fit the state of the handle")                                               \
  X(STILL_EFORK, 11, "the process is a forked child of one that used the library")

typedef enum still_status {
#define STILL_X(name, number, text) name = number,
  STILL_STATUS_LIST(STILL_X)
#undef STILL_X
} still_status;

/* Error of a call that has no handle to keep it. `text` is one sentence: what went wrong, where, and how to go on. */
typedef struct still_error {
  size_t size; /* sizeof(still_error) */
  still_status status;
  char text[512];
} still_error;

STILL_API const char *still_version(void);                    /* "1.2.3"; static */
STILL_API const char *still_status_name(still_status status); /* "STILL_EARG"; static; "STILL_?" for an unknown number */
STILL_API const char *still_status_text(still_status status); /* the meaning in the list above; static */

/* ---- hooks -------------------------------------------------------------------------------------------------- */

typedef enum still_log_level { STILL_LOG_DEBUG = 0, STILL_LOG_INFO = 1, STILL_LOG_WARN = 2 } still_log_level;

typedef enum still_phase {
  STILL_PHASE_LOAD = 0,   /* done/total: bytes of a file's header and tensor table; of a state that is loaded or saved */
  STILL_PHASE_PANELS = 1, /* done/total: layers whose weights are in the form that a prefill reads */
  STILL_PHASE_LOWER = 2,  /* done/total: tokens x layers below and at the gate */
  STILL_PHASE_GATE = 3,   /* done/total: gates */
  STILL_PHASE_UPPER = 4,  /* done/total: kept tokens x layers above the gate */
  STILL_PHASE_DECODE = 5,
  STILL_PHASES = 6
} still_phase;

typedef struct still_progress {
  size_t size;
  still_phase phase;
  uint64_t done, total;
  double seconds;  /* since the phase began */
  double live;     /* share of the tokens that are not halted, 0..1 */
  uint32_t layer;  /* LOWER, UPPER: the layer that rows enter now; behind the last of a pass, the number after it */
} still_progress;

/* All optional. A hook is called from the calling thread only, while the thread team stands by: a parallel region of OpenMP that
 * it begins has one thread. */
typedef struct still_hooks {
  size_t size; /* sizeof(still_hooks) */
  void *user;  /* handed to each hook */
  /* Allocator: `alloc` returns memory aligned to `align` (a power of two, at most 4096) or NULL; `release` gets the same
   * pointer and byte count back. Both or neither. Default: the C library's. */
  void *(*alloc)(void *user, size_t bytes, size_t align);
  void (*release)(void *user, void *memory, size_t bytes);
  void (*log)(void *user, still_log_level level, const char *line); /* without newline */
  int (*progress)(void *user, const still_progress *progress);      /* non-zero cancels the call: STILL_ECANCELLED */
} still_hooks;

/* ---- settings ----------------------------------------------------------------------------------------------- */

/* A set of named values; every key has a type, a range and a default (stillpoint-settings in section 5 lists them, and so
 * does still_settings_key). Setting an unknown key or a value out of range returns STILL_EARG and changes nothing.
 * Model, session and sampler each read the keys that concern them when they are opened; later changes have no effect. */
typedef struct still_settings still_settings;

STILL_API still_settings *still_settings_new(void); /* NULL when out of memory */
/* The same values, and the same of them set. settings may be NULL: the presets. NULL when out of memory. */
STILL_API still_settings *still_settings_copy(const still_settings *settings);
STILL_API void still_settings_free(still_settings *settings); /* NULL is allowed */
STILL_API still_status still_set(still_settings *settings, const char *key, const char *value); /* value as text */
STILL_API still_status still_set_int(still_settings *settings, const char *key, int64_t value);
STILL_API still_status still_set_real(still_settings *settings, const char *key, double value);
STILL_API still_status still_get_int(const still_settings *settings, const char *key, int64_t *value);
STILL_API still_status still_get_real(const still_settings *settings, const char *key, double *value);
/* Text form of a value; always terminated; STILL_ELIMIT when it does not fit. */
STILL_API still_status still_get(const still_settings *settings, const char *key, char *text, size_t text_size);
/* Who decided the gate, of settings in force: "presets", "caller", "calibration FILE, quality balanced" (of a long path the
 * end), or "no calibration, quality strict". As still_get. */
STILL_API still_status still_settings_origin(const still_settings *settings, char *text, size_t text_size);
/* Sentence of the last still_set* that failed on this object; "" if none. Valid until the next call on it. */
STILL_API const char *still_settings_error(const still_settings *settings);

typedef struct still_key {
  size_t size;
  const char *name, *type;            /* type: "int", "real", "choice", "bytes", "path" (text alone) */
  const char *choices;                /* "a|b|c" for a choice, else NULL */
  const char *scope;                  /* "model", "session" or "sampler" */
  const char *text;                   /* one line of help */
  double least, most, preset;
} still_key;

/* The i-th key, i from 0; STILL_EARG past the last. All strings are static. */
STILL_API still_status still_settings_key(size_t i, still_key *key);

/* ---- model -------------------------------------------------------------------------------------------------- */

typedef struct still_model still_model;

/* Opens a GGUF file (the first part, for split files). The file stays mapped until still_model_close. `settings`, `hooks` and
 * `error` may be NULL. On failure *model is NULL. hooks are copied; hooks->user must outlive the model. */
STILL_API still_status still_model_open(const char *path, const still_settings *settings, const still_hooks *hooks,
                                        still_model **model, still_error *error);
/* Frees the model. Every session on it must have been closed before. NULL is allowed. */
STILL_API void still_model_close(still_model *model);
STILL_API const char *still_model_error(const still_model *model); /* last failure of the calling thread's call, or "" */

typedef struct still_model_info {
  size_t size;
  char architecture[32], name[128], isa[16], file_type[16];
  uint32_t n_layers, n_embd, n_heads, n_kv_heads, head_dim, n_ff, n_vocab, n_ctx_train, threads;
  uint64_t n_parameters, file_bytes;
} still_model_info;

STILL_API still_status still_model_describe(const still_model *model, still_model_info *info);
/* What a model is known by, wherever its file lies: SHA-256 of the file's header and table of tensors and of the first 4 KiB of
 * each tensor; of a split model, of each part in turn. */
STILL_API still_status still_model_digest(const still_model *model, uint8_t digest[32]);

/* The settings in force in a session that is opened with `settings` (NULL: the presets): its calibration has been looked for. */
STILL_API still_status still_model_settings(const still_model *model, const still_settings *settings, still_settings *in_force);

/* What a prefill of n tokens will take, before anything is allocated. Bytes. Decoding adds rows to the KV cache: those of its
 * tokens, and above the gate those that wake. */
typedef struct still_plan {
  size_t size;
  uint64_t mapped;   /* the file, paged in by the system as it is read; not counted in total */
  uint64_t weights;  /* float copies (norms, biases; all tensors on the float path) and vocabulary */
  uint64_t panels;   /* int8 panels of the layers kept at once, in all their copies */
  uint64_t kv;       /* KV cache for n tokens, halted as the settings say */
  uint64_t parked;   /* parked rows */
  uint64_t scratch;  /* working rows of a chunk, logits, threads */
  uint64_t total;    /* the sum of the five above */
  uint64_t largest_context; /* tokens that fit in the memory limit (or in physical memory) */
  uint64_t device;   /* on the GPU, where the model has layers there; the others then say what going on without it would take */
  uint32_t device_layers; /* so many of the layers, from the lowest up, are the GPU's */
} still_plan;

STILL_API still_status still_model_plan(const still_model *model, const still_settings *settings, uint64_t n_tokens,
                                        still_plan *plan);

/* ---- text --------------------------------------------------------------------------------------------------- */

typedef int32_t still_token;

enum { STILL_TEXT_PARSE_SPECIAL = 1, STILL_TEXT_ADD_BOS = 2 }; /* flags of still_tokenize */

/* Text to token ids. Writes at most `capacity` ids and sets *n_tokens to the number that the text has; STILL_ELIMIT when
 * that is more than capacity (tokens may be NULL with capacity 0, to ask for the number). Invalid UTF-8 is tokenised byte
 * by byte, or refused by vocabularies without byte tokens. */
STILL_API still_status still_tokenize(const still_model *model, const char *text, size_t bytes, unsigned flags,
                                      still_token *tokens, size_t capacity, size_t *n_tokens);
/* The bytes of one token (may be a part of a character). Special tokens give their spelling if `special` is non-zero, else "".
 * *piece stays valid as long as the model. */
STILL_API still_status still_token_piece(const still_model *model, still_token token, int special, const char **piece,
                                         size_t *bytes);
STILL_API int still_token_is_end(const still_model *model, still_token token); /* any end-of-generation token */

typedef struct still_message {
  const char *role;    /* "system", "user", "assistant" */
  const char *content; /* UTF-8, NUL-terminated */
} still_message;

/* Renders messages with the model's own chat template and tokenises the result. Special tokens are recognised in the
 * template's text only, in the messages' text only with STILL_TEXT_PARSE_SPECIAL. Adds the header of the answer.
 * STILL_EUNSUPPORTED when the file has no template or the template uses what the interpreter does not know. */
STILL_API still_status still_chat_tokenize(const still_model *model, const still_message *messages, size_t n_messages,
                                           unsigned flags, still_token *tokens, size_t capacity, size_t *n_tokens);

/* The same for a dialogue whose texts come later: a message without content (NULL) is a gap, and what comes out are the tokens of
 * the template around the gaps, one piece more than there are gaps. Piece i ends before tokens[end[i]]. What fills a gap is
 * tokenised by itself (still_tokenize), so that no token reaches across a seam and what stands before it never changes.
 * STILL_EARG unless n_pieces is the number of pieces; STILL_EUNSUPPORTED also when the template leaves out or repeats a gap. */
STILL_API still_status still_chat_pieces(const still_model *model, const still_message *messages, size_t n_messages,
                                         unsigned flags, still_token *tokens, size_t capacity, size_t *end, size_t n_pieces,
                                         size_t *n_tokens);

/* Joins token pieces into whole UTF-8 characters. */
typedef struct still_stream still_stream;
STILL_API still_stream *still_stream_new(const still_model *model); /* NULL when out of memory */
STILL_API void still_stream_free(still_stream *stream);
/* Adds a token. *text (valid until the next call, not terminated) holds the characters that are now complete; bytes that can
 * never become a character come out as U+FFFD. */
STILL_API still_status still_stream_push(still_stream *stream, still_token token, const char **text, size_t *bytes);
STILL_API still_status still_stream_end(still_stream *stream, const char **text, size_t *bytes); /* what is left */

/* ---- session: a timeline of tokens -------------------------------------------------------------------------- */

typedef struct still_session still_session;

STILL_API still_status still_session_open(still_model *model, const still_settings *settings, const still_hooks *hooks,
                                          still_session **session, still_error *error);
STILL_API void still_session_close(still_session *session);
STILL_API const char *still_session_error(const still_session *session); /* "" if the last call succeeded */
STILL_API void still_session_cancel(still_session *session); /* async-signal-safe; the running or next call ends */
STILL_API still_status still_session_reset(still_session *session); /* forget all tokens, keep the memory */
STILL_API still_status still_session_settings(const still_session *session, still_settings *settings); /* those in force */
/* Other settings for the prefills to come, all of scope session but ctx and chunk; NULL: the presets. What waits at the gate
 * stays unless the gate moves to a lower layer or the policy becomes block; at a higher gate the next prefill takes the rows
 * there, once. There are no logits until then. The result is that of a session opened with these settings. On failure nothing
 * changes. */
STILL_API still_status still_session_change(still_session *session, const still_settings *settings);

typedef struct still_report {
  size_t size;
  uint64_t tokens;      /* on the timeline */
  uint64_t kept;        /* by the (first) gate; 0 while rows only wait (still_append) */
  uint32_t start_layer; /* of the (first) gate; the number of layers if dense */
  int dense;            /* non-zero: nothing was halted */
  char why_dense[96];   /* "" or the reason, e.g. "239 tokens are under min-tokens 1024" */
  float tau;            /* score of the last kept row of the selection */
  double seconds[STILL_PHASES];
  double tokens_per_second; /* tokens of this call / all phases of this call without load and panels */
  uint64_t peak_bytes;      /* allocated by library for model and session, at the most */
  char settings[224];       /* who decided the gate, as still_settings_origin says it */
} still_report;

/* Appends tokens to the timeline and computes the logits of the last. Tokens that were decoded since the last prefill are
 * taken through the prefill path with the new ones, so that a session is a function of its token list alone. After an error
 * or a cancel, the timeline is as before the call. report may be NULL. */
STILL_API still_status still_prefill(still_session *session, const still_token *tokens, size_t n_tokens,
                                     still_report *report);
/* Appends tokens and stops at the gate, where their rows wait for a question: there are no logits until the next prefill, which
 * then computes what stands above the gate, and below it the new tokens and the last `window` ones alone. Under the policy dense,
 * which has no gate, all layers run. Tokens that were decoded pass with the others; n_tokens may be 0 for them alone. The same
 * promises as still_prefill. In the report, kept is 0 while rows wait. */
STILL_API still_status still_append(still_session *session, const still_token *tokens, size_t n_tokens, still_report *report);
/* Forgets all tokens but the first n_tokens. What waits at the gate of these stays, so that the next question about a text costs
 * what stands above the gate. There are no logits, scores and kept rows until the next prefill, which may append 0 tokens.
 * STILL_EARG when there are fewer tokens. */
STILL_API still_status still_session_rewind(still_session *session, size_t n_tokens);
/* Appends one sampled token and computes the logits that follow it. */
STILL_API still_status still_decode(still_session *session, still_token token);
/* n_vocab floats of the last row, valid until the next call on the session; NULL before the first prefill. */
STILL_API const float *still_logits(const still_session *session);
STILL_API size_t still_session_tokens(const still_session *session, still_token *tokens, size_t capacity);

/* Loss of the given tokens: prefill with logits at each position from `first` on; calls back with position, the logits that
 * predict token[position + 1]. A non-zero return cancels. */
typedef int (*still_position_fn)(void *user, size_t position, const float *logits, size_t n_vocab);
STILL_API still_status still_score(still_session *session, const still_token *tokens, size_t n_tokens, size_t first,
                                   still_position_fn fn, void *user, still_report *report);

/* What the last prefill's (first) gate saw: one score per timeline row, and the rows that were kept, ascending. Both copy at most
 * `capacity` values and return how many there are. 0 when dense by length. */
STILL_API size_t still_scores(const still_session *session, float *scores, size_t capacity);
STILL_API size_t still_kept(const still_session *session, uint32_t *rows, size_t capacity);
/* Rows that the gate halted and that woke since, because a decoded token attended to their passage or copies from it (setting
 * `wake`): ascending for each token, tokens in their order. Copies and returns as still_kept; the next prefill begins anew. */
STILL_API size_t still_woken(const still_session *session, uint32_t *rows, size_t capacity);
/* What the i-th gate of the last prefill saw: with the setting `every` there are several, from low to high. STILL_EARG past
 * the last; there is none after a dense prefill. Rows are positions on the timeline, ascending; to the first gate all come, to a
 * later one those that the gate before kept. The arrays belong to the session and are valid until the next call on it. */
typedef struct still_gate {
  size_t size;
  uint32_t layer;       /* between its attention and its feed-forward */
  float tau;            /* score of the last row that the selection kept */
  uint64_t n_rows, n_kept;
  const uint32_t *rows; /* [n_rows] that came */
  const float *scores;  /* [n_rows] theirs, in the unit of the setting `tau` */
  const uint32_t *kept; /* [n_kept] that went on */
} still_gate;

STILL_API still_status still_gate_describe(const still_session *session, size_t i, still_gate *gate);
/* Rows that may be halted: eligible[i] != 0 for timeline row i, of the next prefill. NULL: all. Copied. */
STILL_API still_status still_set_eligible(still_session *session, const uint8_t *eligible, size_t n);

/* ---- states: a session's tokens and parked rows as a file ---------------------------------------------------- */

/* Writes the tokens and what is known of them below the first gate, so that their prefill happens once in their life. The file
 * appears under its name whole or not at all, beside it for a moment one with a name that begins alike; it can be read by its
 * owner alone, because it holds the text. STILL_ESTATE without tokens; STILL_EIO (a full disk, for example) leaves a file that
 * was there before as it is. The session is not changed. */
STILL_API still_status still_session_save(still_session *session, const char *path);
/* Replaces the session's tokens by those of a state; after a rewind or at once, the next prefill asks about them. Ratio,
 * threshold, policy, window, pool and the other settings of the gate may be others than when it was saved, except that the
 * policy block needs a state saved under block. So may the start layer be a higher one: the first prefill then takes the rows
 * through the layers between, once. Refused, with the session unchanged: a file that is no state, or damaged by so much as a bit
 * (STILL_EFORMAT); a state of another model or numerics, or of a higher start layer (STILL_EUNSUPPORTED); more tokens than the
 * context (STILL_ELIMIT) or memory holds. Until it is loaded, what the session held is in memory as well. */
STILL_API still_status still_session_load(still_session *session, const char *path);

/* ---- sampling ----------------------------------------------------------------------------------------------- */

typedef struct still_sampler still_sampler;

/* Chain: repetition penalty, top-k, top-p, min-p, temperature, draw. temperature 0 is greedy (ties: lowest id). */
STILL_API still_status still_sampler_open(const still_settings *settings, still_sampler **sampler, still_error *error);
STILL_API void still_sampler_close(still_sampler *sampler);
/* Draws from the session's logits. log_probability (of the unmodified distribution; may be NULL). */
STILL_API still_status still_sample(still_sampler *sampler, const still_session *session, still_token *token,
                                    float *log_probability);

/* ---- machine and proof -------------------------------------------------------------------------------------- */

typedef struct still_isa {
  size_t size;
  char name[16];
  int built, usable, chosen; /* chosen: what "auto" takes */
  char why[96];              /* why it is not usable, or "" */
} still_isa;

/* The i-th ISA level of this build's architecture, weakest first; STILL_EARG past the last. */
STILL_API still_status still_isa_describe(size_t i, still_isa *isa);

typedef struct still_device {
  size_t size;
  char name[64];
  uint64_t memory_bytes;
  int capability; /* CUDA compute capability, 10 * major + minor */
  int usable;     /* this build has kernels for it */
  char why[192];  /* why not, or "" */
} still_device;

/* The i-th GPU of this machine, which the setting device=cuda:i takes; STILL_EARG past the last, and for all where there is no
 * driver or the build has no GPU kernels. Opens the driver; not in a forked child. */
STILL_API still_status still_devices(size_t i, still_device *device);

/* Runs every kernel of one ISA level ("auto": all usable ones) against the reference on seeded shapes. Calls `line` (may be
 * NULL) once per kernel. STILL_EDEVICE at the first difference. */
typedef void (*still_line_fn)(void *user, const char *line);
STILL_API still_status still_selftest(const char *isa, uint64_t seed, still_line_fn line, void *user, still_error *error);

/* Kernel calls since the model was opened: name and count of the i-th slot; STILL_EARG past the last. */
STILL_API still_status still_kernel_calls(const still_model *model, size_t i, const char **name, uint64_t *calls);

STILL_API void still_sha256(const void *data, size_t bytes, uint8_t digest[32]);

#ifdef __cplusplus
}
#endif
#endif
