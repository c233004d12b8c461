/*
 * file.h - files as bytes: a read-only map or a plain read of the whole file; a new file that appears whole or not at all.
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

/* A file being written, under a name of its own beside its place: whenever the process dies, the place holds what was there
 * before or all of the new file. Only its owner may read it. */
struct sp_new_file {
  int fd;
  const char *path;
  char *name; /* of name_bytes */
  size_t name_bytes;
};

/* path must live until the end. Its place may be free or hold a regular file. On failure there is nothing to end. */
still_status sp_file_create(struct sp_ctx *ctx, const char *path, struct sp_new_file *file);
still_status sp_file_write(struct sp_ctx *ctx, struct sp_new_file *file, const void *data, size_t bytes);
/* Ends it: `status` is what became of the writing, and only STILL_OK lets the file appear. Returns it, or why that failed. */
still_status sp_file_end(struct sp_ctx *ctx, struct sp_new_file *file, still_status status);

/* n numbers of 4 bytes from the host's order to that of files, which is little-endian, or back. */
void sp_file_words(void *to, const void *from, size_t n);

#endif
