/*
 * quant_dump.c - dequantises rows from standard input to standard output, for tests/oracle/quant_gguf.py.
 *
 * In:       LEVEL TYPE K, and rows of K weights of that type on standard input.
 * Out:      the weights as fp32 of this machine.  Exit 2: unknown type, 3: the machine lacks the level.
 * Not here: model files.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "src/quant.h"

static int find_type(const char *name) {
  for (int t = 0; t < SP_TYPES; t++)
    if (strcmp(sp_quants[t].name, name) == 0) return t;
  return -1;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int type = find_type(argv[2]);
  size_t k = strtoul(argv[3], NULL, 10), bytes;
  if (type < 0 || k == 0 || !sp_quant_row_bytes((enum sp_type)type, k, &bytes)) return 2;
  const char *why;
  const struct sp_kernels *kernels = sp_kernels_pick(argv[1], &why);
  if (kernels == NULL) return 3;
  uint8_t *row = malloc(bytes);
  float *y = malloc(k * sizeof *y);
  int result = row == NULL || y == NULL;
  while (result == 0 && fread(row, bytes, 1, stdin) == 1) {
    kernels->dequant[type](y, row, k);
    result = fwrite(y, sizeof *y, k, stdout) != k;
  }
  free(row);
  free(y);
  return result;
}
