/*
 * sha256.h - SHA-256 of bytes that come in pieces.
 *
 * In:       bytes.  Out: 32 bytes.
 * Not here: still_sha256, of bytes that lie together (stillpoint.h).
 */
#ifndef SP_SHA256_H
#define SP_SHA256_H

#include "stillpoint.h"

struct sp_sha256 {
  uint32_t state[8];
  uint8_t waiting[64]; /* bytes % 64 of them */
  uint64_t bytes;      /* so far */
};

void sp_sha256_begin(struct sp_sha256 *sha);
void sp_sha256_add(struct sp_sha256 *sha, const void *data, size_t bytes);
void sp_sha256_end(struct sp_sha256 *sha, uint8_t digest[32]);

#endif
