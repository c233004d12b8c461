/*
 * quant.h - the table of tensor types: the file's number, name, elements and bytes of a block, how it is read.
 *
 * In:       a file's type number.  Out: our enum sp_type, sizes in checked arithmetic.
 * Not here: the arithmetic of blocks (simd/ref_blocks.c and its ISA siblings, through simd/kernels.h).
 */
#ifndef SP_QUANT_H
#define SP_QUANT_H

#include "arena.h"
#include "simd/kernels.h"

struct sp_quant {
  const char *name;       /* "Q4_K" */
  uint32_t file_number;   /* GGML's */
  uint16_t block, bytes;  /* elements and bytes of a block */
  uint16_t sub;           /* weights that share one scale in decode: 16, 32; 1 for the float types */
};

extern const struct sp_quant sp_quants[SP_TYPES];

bool sp_quant_find(uint32_t file_number, enum sp_type *type);
const char *sp_quant_unknown(uint32_t file_number); /* name of a type that exists in the field but not here ("IQ2_XS"), or NULL */
/* Bytes of a row of k elements; false when k is not a multiple of the block or the size overflows. */
bool sp_quant_row_bytes(enum sp_type type, uint64_t k, size_t *bytes);
/* The first block of [row, row + bytes) whose scale or minimum (or, for float types, whose value) is NaN or infinite; -1 if all
 * are finite. */
int64_t sp_quant_not_finite(enum sp_type type, const uint8_t *data, size_t bytes);

#endif
