/*
 * file.h - files as bytes: a read-only map or a plain read of the whole file.
 *
 * In:       a path.  Out: pointer and length, valid until closed. A file that shrinks while mapped is the reader's risk: SIGBUS
 *           is avoided by reading (map = false).
 * Not here: formats.
 */
#ifndef SP_FILE_H
#define SP_FILE_H

#include <stdbool.h>
#include "arena.h"

struct sp_file {
  const uint8_t *data;
  size_t size;
  bool mapped;
};

/* Regular files only (a directory, FIFO or device is STILL_EIO with a sentence). An empty file gives size 0. */
still_status sp_file_open(struct sp_ctx *ctx, const char *path, bool map, struct sp_file *file);
void sp_file_close(struct sp_ctx *ctx, struct sp_file *file);
/* Tells the system that [offset, offset + bytes) will be read soon. A hint. */
void sp_file_will_need(const struct sp_file *file, size_t offset, size_t bytes);

#endif
