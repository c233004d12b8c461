/*
 * quant.c - the table of tensor types, and a look at the scales of their blocks.
 *
 * In:       a file's type number; rows of blocks.  Out: names, sizes in checked arithmetic, the first block that is not finite.
 * Not here: the arithmetic of blocks (simd/ref_blocks.c states each layout in full).
 */
#include "quant.h"

const struct sp_quant sp_quants[SP_TYPES] = {
  /*               name      number  block bytes  sub */
  [SP_F32] =    {"F32",     0,      1,    4,     1},
  [SP_F16] =    {"F16",     1,      1,    2,     1},
  [SP_BF16] =   {"BF16",    30,     1,    2,     1},
  [SP_Q8_0] =   {"Q8_0",    8,      32,   34,    32},
  [SP_Q4_0] =   {"Q4_0",    2,      32,   18,    32},
  [SP_Q4_1] =   {"Q4_1",    3,      32,   20,    32},
  [SP_Q5_0] =   {"Q5_0",    6,      32,   22,    32},
  [SP_Q5_1] =   {"Q5_1",    7,      32,   24,    32},
  [SP_Q2_K] =   {"Q2_K",    10,     256,  84,    16},
  [SP_Q3_K] =   {"Q3_K",    11,     256,  110,   16},
  [SP_Q4_K] =   {"Q4_K",    12,     256,  144,   32},
  [SP_Q5_K] =   {"Q5_K",    13,     256,  176,   32},
  [SP_Q6_K] =   {"Q6_K",    14,     256,  210,   16},
  [SP_IQ4_NL] = {"IQ4_NL",  20,     32,   18,    32},
  [SP_IQ4_XS] = {"IQ4_XS",  23,     256,  136,   32},
};

/* Types that files in the field carry and this version refuses by name. */
static const struct {
  uint32_t file_number;
  const char *name;
} strangers[] = {
  {4, "Q4_2"},      {5, "Q4_3"},      {9, "Q8_1"},        {15, "Q8_K"},       {16, "IQ2_XXS"},    {17, "IQ2_XS"},
  {18, "IQ3_XXS"},  {19, "IQ1_S"},    {21, "IQ3_S"},      {22, "IQ2_S"},      {24, "I8"},         {25, "I16"},
  {26, "I32"},      {27, "I64"},      {28, "F64"},        {29, "IQ1_M"},      {31, "Q4_0_4_4"},   {32, "Q4_0_4_8"},
  {33, "Q4_0_8_8"}, {34, "TQ1_0"},    {35, "TQ2_0"},      {36, "IQ4_NL_4_4"}, {37, "IQ4_NL_4_8"}, {38, "IQ4_NL_8_8"},
  {39, "MXFP4"},    {40, "NVFP4"},    {41, "Q1_0"},
};

/* Where a block keeps its floats: `count` of them from byte `at`, each `bytes` wide, with the exponent in the bits `exponent`.
 * All ones there mean a NaN or an infinity; the integers beside them cannot make a finite scale infinite (2^16 * 2^7). */
static const struct scale_place {
  uint8_t at, count, bytes;
  uint32_t exponent;
} places[SP_TYPES] = {
  [SP_F32] = {0, 1, 4, 0x7f800000},
  [SP_F16] = {0, 1, 2, 0x7c00},
  [SP_BF16] = {0, 1, 2, 0x7f80},
  [SP_Q8_0] = {0, 1, 2, 0x7c00},
  [SP_Q4_0] = {0, 1, 2, 0x7c00},
  [SP_Q4_1] = {0, 2, 2, 0x7c00},
  [SP_Q5_0] = {0, 1, 2, 0x7c00},
  [SP_Q5_1] = {0, 2, 2, 0x7c00},
  [SP_Q2_K] = {80, 2, 2, 0x7c00},
  [SP_Q3_K] = {108, 1, 2, 0x7c00},
  [SP_Q4_K] = {0, 2, 2, 0x7c00},
  [SP_Q5_K] = {0, 2, 2, 0x7c00},
  [SP_Q6_K] = {208, 1, 2, 0x7c00},
  [SP_IQ4_NL] = {0, 1, 2, 0x7c00},
  [SP_IQ4_XS] = {0, 1, 2, 0x7c00},
};

bool sp_quant_find(uint32_t file_number, enum sp_type *type) {
  for (int t = 0; t < SP_TYPES; t++) {
    if (sp_quants[t].file_number == file_number) {
      *type = (enum sp_type)t;
      return true;
    }
  }
  return false;
}

const char *sp_quant_unknown(uint32_t file_number) {
  for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++)
    if (strangers[i].file_number == file_number) return strangers[i].name;
  return NULL;
}

bool sp_quant_row_bytes(enum sp_type type, uint64_t k, size_t *bytes) {
  const struct sp_quant *t = &sp_quants[type];
  if (k % t->block != 0 || k / t->block > SIZE_MAX / t->bytes) return false;
  *bytes = (size_t)(k / t->block) * t->bytes;
  return true;
}

/* A little-endian number of 2 or 4 bytes. */
static uint32_t number_at(const uint8_t *p, size_t bytes) {
  uint32_t low = p[0] | (uint32_t)p[1] << 8;
  return bytes == 2 ? low : low | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int64_t sp_quant_not_finite(enum sp_type type, const uint8_t *data, size_t bytes) {
  const struct scale_place *place = &places[type];
  size_t step = sp_quants[type].bytes, blocks = bytes / step;
  for (size_t b = 0; b < blocks; b++) {
    const uint8_t *p = data + b * step + place->at;
    for (size_t i = 0; i < place->count; i++)
      if ((number_at(p + i * place->bytes, place->bytes) & place->exponent) == place->exponent) return (int64_t)b;
  }
  return -1;
}
