/*
 * tiles_amx.h - the eight tile registers of AMX, 16 rows of 64 bytes each.
 *
 * In:       a thread that may use them: cpu.c has asked the system for its permission.
 * Out:      TILE_* verbs by register number; tiles_begin() and tiles_end() around their use.
 * Not here: what is multiplied (gemm_amx.inc, rows_amx.inc); the same verbs in C, for processors without tiles
 *           (tests/amx_emulation.h).
 *
 * c += a . b for a of 16 rows x 64 int8, b of 16 steps x 16 lanes x 4 int8 (or uint8), c of 16 rows x 16 lanes int32: c[i][l]
 * += the sum over step and e of a[i][4 * step + e] * b[step][l][e].
 *
 * Assembly, not intrinsics: those of gcc 12 say that loading a configuration reads 8 bytes of it, so that stores to the
 * others vanish. Volatile, because that alone keeps them in order: compilers know nothing of tiles. Loads and stores name all of
 * memory, so that bytes written just before a load, and sums read just after a store, are those that C means. No compiler uses
 * tiles by itself, so there is nothing to name as overwritten.
 */
#ifndef SP_TILES_AMX_H
#define SP_TILES_AMX_H

struct tile_config {
  uint8_t palette, start_row, reserved[14];
  uint16_t bytes[16]; /* of a row of tile i; tiles 8 .. 15 do not exist */
  uint8_t rows[16];
};
_Static_assert(sizeof(struct tile_config) == 64, "the layout is the processor's");

#ifndef TILE_LOAD
#define TILE_LOAD(n, p, stride) \
  __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #n : : "r"(p), "r"((size_t)(stride)) : "memory")
#define TILE_LOAD_ONCE(n, p, stride) /* what is not read again while it could stay in the nearest cache */ \
  __asm__ volatile("tileloaddt1 (%0,%1,1), %%tmm" #n : : "r"(p), "r"((size_t)(stride)) : "memory")
#define TILE_STORE(n, p, stride) \
  __asm__ volatile("tilestored %%tmm" #n ", (%0,%1,1)" : : "r"(p), "r"((size_t)(stride)) : "memory")
#define TILE_ZERO(n) __asm__ volatile("tilezero %tmm" #n)
#define TILE_DOT(c, a, b) __asm__ volatile("tdpbssd %tmm" #b ", %tmm" #a ", %tmm" #c)        /* int8 x int8 */
#define TILE_DOT_MIXED(c, a, b) __asm__ volatile("tdpbsud %tmm" #b ", %tmm" #a ", %tmm" #c) /* int8 x uint8 */
#define TILE_CONFIGURE(config) __asm__ volatile("ldtilecfg %0" : : "m"(config))
#define TILE_RELEASE() __asm__ volatile("tilerelease")
#endif

/* Sets the shapes of the tiles of this thread: tiles 0, 1, 4 have `upper` rows, 2, 3, 5 have `lower` (0: not used), 6 and 7
 * have 16. */
SP_INLINE void tiles_begin(uint8_t upper, uint8_t lower) {
  const uint16_t used = lower == 0 ? 0 : 64;
  const struct tile_config config = {
    .palette = 1,
    .bytes = {64, 64, used, used, 64, used, 64, 64},
    .rows = {upper, upper, lower, lower, upper, lower, 16, 16},
  };
  TILE_CONFIGURE(config);
}

/* Leaves the tiles in their initial state, so that switching threads does not save 8 KB for nothing. */
SP_INLINE void tiles_end(void) { TILE_RELEASE(); }

#endif
