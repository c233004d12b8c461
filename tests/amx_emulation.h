/*
 * amx_emulation.h - the verbs of simd/tiles_amx.h in C, over eight tiles in memory.
 *
 * In:       included before simd/k_amx.c, by a file compiled for AVX-512 with VNNI.
 * Out:      the TILE_* macros, in whose presence tiles_amx.h defines none; tiles_in_use().
 * Not here: time. What costs a processor with tiles a cycle or a hundred costs the same here.
 *
 * What a processor refuses ends the program here too: a tile outside a configuration, factors whose shapes do not fit, a
 * configuration that no processor takes. Loads and stores touch the bytes of the configured shape and no other, so that guard
 * pages find the rest.
 */
#ifndef AMX_EMULATION_H
#define AMX_EMULATION_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum { TILES = 8, TILE_ROWS = 16, TILE_BYTES = 64 };

struct emulated_tile {
  size_t rows, bytes; /* bytes: of a row */
  uint8_t at[TILE_ROWS][TILE_BYTES];
};

static _Thread_local struct {
  bool configured;
  struct emulated_tile tile[TILES];
} emulated;

static inline void tile_demand(bool good) {
  if (!good) __builtin_trap();
}

static inline struct emulated_tile *tile_of_number(size_t n) {
  tile_demand(emulated.configured && emulated.tile[n].rows != 0);
  return &emulated.tile[n];
}

/* 64 bytes: palette, first row, 14 of zeros, 16 x uint16 bytes of a row, 16 x uint8 rows. All tiles are zero after. */
static inline void tile_configure(const void *config) {
  uint8_t c[64];
  memcpy(c, config, sizeof c);
  memset(&emulated, 0, sizeof emulated);
  tile_demand(c[0] == 1 && c[1] == 0);
  for (size_t i = 2; i < 16; i++) tile_demand(c[i] == 0);
  for (size_t i = 0; i < 16; i++) {
    size_t bytes = c[16 + 2 * i] | (size_t)c[17 + 2 * i] << 8, rows = c[48 + i];
    tile_demand((bytes == 0) == (rows == 0) && bytes <= TILE_BYTES && rows <= TILE_ROWS && (i < TILES || rows == 0));
    if (i < TILES) emulated.tile[i].rows = rows, emulated.tile[i].bytes = bytes;
  }
  emulated.configured = true;
}

static inline void tile_release(void) { memset(&emulated, 0, sizeof emulated); }

static inline void tile_zero(size_t n) { memset(tile_of_number(n)->at, 0, sizeof emulated.tile[n].at); }

static inline void tile_load(size_t n, const void *p, size_t stride) {
  struct emulated_tile *t = tile_of_number(n);
  tile_zero(n);
  for (size_t r = 0; r < t->rows; r++) memcpy(t->at[r], (const uint8_t *)p + r * stride, t->bytes);
}

static inline void tile_store(size_t n, void *p, size_t stride) {
  const struct emulated_tile *t = tile_of_number(n);
  for (size_t r = 0; r < t->rows; r++) memcpy((uint8_t *)p + r * stride, t->at[r], t->bytes);
}

/* c[i][l] += the sum over step and e of a[i][4 * step + e] * b[step][l][e], modulo 2^32; b's bytes are int8, or uint8. */
static inline void tile_dot(size_t nc, size_t na, size_t nb, bool is_unsigned) {
  struct emulated_tile *c = tile_of_number(nc);
  const struct emulated_tile *a = tile_of_number(na), *b = tile_of_number(nb);
  tile_demand(nc != na && nc != nb && na != nb && c->rows == a->rows && c->bytes == b->bytes && a->bytes == 4 * b->rows);
  for (size_t i = 0; i < c->rows; i++) {
    for (size_t l = 0; l < c->bytes / 4; l++) {
      uint32_t sum;
      memcpy(&sum, c->at[i] + 4 * l, sizeof sum);
      for (size_t k = 0; k < a->bytes; k++) {
        uint8_t byte = b->at[k / 4][4 * l + k % 4];
        sum += (uint32_t)((int8_t)a->at[i][k] * (is_unsigned ? byte : (int8_t)byte));
      }
      memcpy(c->at[i] + 4 * l, &sum, sizeof sum);
    }
  }
}

#define TILE_CONFIGURE(config) tile_configure(&(config))
#define TILE_RELEASE() tile_release()
#define TILE_ZERO(n) tile_zero(n)
#define TILE_LOAD(n, p, stride) tile_load(n, p, stride)
#define TILE_LOAD_ONCE(n, p, stride) tile_load(n, p, stride)
#define TILE_STORE(n, p, stride) tile_store(n, p, stride)
#define TILE_DOT(c, a, b) tile_dot(c, a, b, false)
#define TILE_DOT_MIXED(c, a, b) tile_dot(c, a, b, true)

static inline bool tiles_in_use(void) { return emulated.configured; }

#endif
