/*
 * settings.h - every number that a caller may choose: one table of key, type, range, preset, and one struct that the code reads.
 *
 * In:       key and value as text or number.  Out: struct sp_settings with every member in range.
 * Not here: what a setting means to the arithmetic (policy.h), command-line syntax (the command makes its options from this
 * table).
 */
#ifndef SP_SETTINGS_H
#define SP_SETTINGS_H

#include <stdbool.h>
#include "status.h"

enum sp_policy {
  SP_POLICY_QUERY,
  SP_POLICY_DELTA,
  SP_POLICY_BLOCK,
  SP_POLICY_RANDOM,
  SP_POLICY_INVERSE,
  SP_POLICY_RECENT,
  SP_POLICY_DENSE,
  SP_POLICIES
};
enum sp_quality { SP_QUALITY_STRICT, SP_QUALITY_BALANCED, SP_QUALITY_FAST, SP_QUALITIES };
/* What decided the settings of the gate; NONE: the presets would, but nothing proves them for the quality strict. */
enum sp_origin { SP_ORIGIN_PRESETS, SP_ORIGIN_CALLER, SP_ORIGIN_CALIBRATION, SP_ORIGIN_NONE };
enum { SP_PATH = 4096 }; /* bytes of a path that is a setting */
enum sp_numa { SP_NUMA_AUTO, SP_NUMA_OFF, SP_NUMA_SPREAD, SP_NUMA_LOCAL, SP_NUMA_REPLICATE };
enum sp_numerics { SP_NUMERICS_INT8, SP_NUMERICS_FLOAT };
enum sp_device { SP_DEVICE_AUTO, SP_DEVICE_NONE, SP_DEVICE_CUDA }; /* and then GPU 0, 1, .. by number */
enum { SP_NUMERICS_VERSION = 1 }; /* of stillpoint-numerics(7): one more with every line of NEWS marked [digests] */

struct sp_settings { /* in the order of the table */
  /* model */
  int64_t isa;          /* choice: auto, or a level's name */
  int64_t threads;      /* 0: what the process may use */
  int64_t numa;         /* enum sp_numa */
  int64_t numerics;     /* enum sp_numerics */
  int64_t device;       /* enum sp_device */
  int64_t gpu_layers;   /* layers on the GPU; < 0: all that fit */
  int64_t gpu_memory;   /* bytes there; 0: what is free */
  int64_t mmap;         /* 1: map the file, 0: read it */
  int64_t panels;       /* layers whose panels are kept at once; 0: all */
  int64_t memory_limit; /* bytes; 0: none */
  /* session */
  int64_t context;      /* most tokens on the timeline; 0: what the model was trained for */
  int64_t chunk;        /* rows that go through the layers together */
  int64_t policy;       /* enum sp_policy */
  double start;         /* l_s as a part of the layers: l_s = int(start * L + 1e-9) */
  double ratio;         /* rho: part of the tokens to halt, [0, 1) */
  double tau;           /* threshold; < 0: none. A row is halted only if its score is below */
  int64_t tau_only;     /* 1: the threshold alone decides, ratio is not used */
  int64_t every;        /* another gate every so many layers; 0: single shot */
  int64_t window;       /* W: last rows that ask (query) */
  int64_t layers;       /* layers up to the gate that the query score looks at */
  int64_t pool;         /* neighbours of the maximum, odd */
  int64_t prefix, suffix; /* rows at both ends that are never halted */
  int64_t min_tokens;   /* shorter timelines stay dense */
  double wake;          /* heads' worth of a decoded row's attention on a halted passage that wakes it; 0: none */
  int64_t gate_seed;    /* of policy random */
  int64_t quality;      /* enum sp_quality: the section of a calibration */
  /* sampler */
  double temperature, top_p, min_p, repeat_penalty;
  int64_t top_k, repeat_last, seed;
};

struct still_settings {
  struct sp_settings value;
  char calibration[SP_PATH]; /* a file, "none", or "": look for one. In a session: the file that decided, or "none" */
  uint64_t given;            /* bit i: the i-th key was set */
  enum sp_origin origin;     /* of the gate's settings, in a session */
  char isa_name[16];
  struct sp_error error;
};

void sp_settings_preset(struct still_settings *settings);
/* settings may be NULL: the presets. STILLPOINT_ISA overrides a preset isa of "auto". */
void sp_settings_resolve(const still_settings *settings, struct still_settings *out);

/* The keys that a calibration decides, NULL behind the last. Who sets one of those before wake decides all of these; wake and
 * min-tokens may be set beside it. */
extern const char *const sp_gate_keys[];
bool sp_settings_has(const still_settings *settings, const char *key); /* it was set */
bool sp_settings_decide(const still_settings *settings);               /* the caller set one that decides */
/* Takes the keys above over, except a min-tokens that was set. */
void sp_settings_take(still_settings *settings, const still_settings *from);
/* Takes all keys of the scope session over that may change while a session is open: all but ctx and chunk. */
void sp_settings_change(still_settings *settings, const still_settings *to);

/* Tokens that a session has room for. */
static inline size_t sp_settings_context(const struct sp_settings *settings, size_t trained) {
  return settings->context ? (size_t)settings->context : trained;
}

#endif
