/*
 * file.c - a file as bytes, mapped, read or written.
 *
 * In:       a path.  Out: struct sp_file; a file.
 * Not here: formats.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_STEP = 16 << 20 }; /* bytes between two looks at the cancel flag: about 10 ms of a fast disk */

/* Names in sentences: the end of a long path says more than its beginning. */
static const char *tail(const char *path) {
  size_t n = strlen(path);
  return n > 160 ? path + n - 160 : path;
}

static still_status fail_errno(struct sp_ctx *ctx, const char *path, const char *verb) {
  int e = errno;
  const char *hint = e == ENOENT                  ? "check the spelling of its name"
                     : e == EACCES || e == EPERM  ? "give yourself the right to it, or take another place"
                     : e == ENOMEM                ? "free memory, or map the file instead of reading it"
                     : e == ENOSPC || e == EDQUOT ? "make room there, or take another place"
                     : e == EFBIG                 ? "raise the limit on the size of files (ulimit -f)"
                                                  : "check the disk or the mount";
  /* strerror keeps its text per thread since glibc 2.32. */
  return sp_fail(&ctx->error, STILL_EIO, "cannot %s %s: %s; %s", verb, tail(path), strerror(e), hint);
}

static still_status map_whole(struct sp_ctx *ctx, const char *path, int fd, struct sp_file *file) {
  void *data = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) return fail_errno(ctx, path, "map");
  file->data = data;
  file->mapped = true;
  return STILL_OK;
}

/* Reads until the buffer is full. A file that got shorter since fstat is an error, one that got longer is cut. */
static still_status fill(struct sp_ctx *ctx, const char *path, int fd, uint8_t *buffer, size_t size) {
  for (size_t done = 0; done < size;) {
    size_t want = size - done < READ_STEP ? size - done : READ_STEP;
    ssize_t got = read(fd, buffer + done, want);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(ctx, path, "read");
    if (got == 0)
      return sp_fail(&ctx->error, STILL_EIO, "%s ended after %zu of %zu bytes: it is being changed; wait until it is complete",
                     tail(path), done, size);
    done += (size_t)got;
    SP_TRY(sp_progress(ctx, STILL_PHASE_LOAD, done, size, 1));
  }
  return STILL_OK;
}

static still_status read_whole(struct sp_ctx *ctx, const char *path, int fd, struct sp_file *file) {
  uint8_t *buffer = sp_alloc(ctx, file->size, 1, "a file that is read and not mapped");
  if (!buffer) return STILL_ENOMEM;
  still_status status = fill(ctx, path, fd, buffer, file->size);
  if (status == STILL_OK) file->data = buffer;
  else sp_free(ctx, buffer, file->size, 1);
  return status;
}

static still_status open_regular(struct sp_ctx *ctx, const char *path, int fd, bool map, struct sp_file *file) {
  struct stat info;
  if (fstat(fd, &info) != 0) return fail_errno(ctx, path, "look at");
  if (!S_ISREG(info.st_mode))
    return sp_fail(&ctx->error, STILL_EIO, "%s is %s, not a regular file; name the file itself", tail(path),
                   S_ISDIR(info.st_mode) ? "a directory" : "a device, pipe or socket");
  if ((uintmax_t)info.st_size > SIZE_MAX / 2)
    return sp_fail(&ctx->error, STILL_EIO, "%s is too large for the address space of this process; use a 64-bit build",
                   tail(path));
  file->size = (size_t)info.st_size;
  if (file->size == 0) { /* cannot be mapped; any address will do for no bytes */
    file->data = (const uint8_t *)"";
    file->mapped = true;
    return STILL_OK;
  }
  return map ? map_whole(ctx, path, fd, file) : read_whole(ctx, path, fd, file);
}

still_status sp_file_open(struct sp_ctx *ctx, const char *path, bool map, struct sp_file *file) {
  *file = (struct sp_file){0};
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* non-blocking: a FIFO must not hang the caller */
  if (fd < 0) return fail_errno(ctx, path, "open");
  still_status status = open_regular(ctx, path, fd, map, file);
  if (status != STILL_OK) *file = (struct sp_file){0};
  close(fd); /* a map outlives its descriptor */
  return status;
}

void sp_file_close(struct sp_ctx *ctx, struct sp_file *file) {
  if (!file->mapped) sp_free(ctx, (void *)file->data, file->size, 1);
  else if (file->size) munmap((void *)file->data, file->size);
  *file = (struct sp_file){0};
}

void sp_file_will_need(const struct sp_file *file, size_t offset, size_t bytes) {
  if (!file->mapped || offset >= file->size) return;
  size_t page = (size_t)sysconf(_SC_PAGESIZE), start = offset / page * page;
  size_t end = bytes < file->size - offset ? offset + bytes : file->size;
  madvise((void *)(file->data + start), end - start, MADV_WILLNEED);
}

/* ---- new files ------------------------------------------------------------------------------------------------ */

/* A file that is renamed to a device's name would take the device's place. */
static still_status check_place(struct sp_ctx *ctx, const char *path) {
  struct stat info;
  if (stat(path, &info) != 0) return errno == ENOENT ? STILL_OK : fail_errno(ctx, path, "write");
  if (S_ISREG(info.st_mode)) return STILL_OK;
  return sp_fail(&ctx->error, STILL_EIO, "%s is %s, not a regular file; take another name", tail(path),
                 S_ISDIR(info.st_mode) ? "a directory" : "a device, pipe or socket");
}

still_status sp_file_create(struct sp_ctx *ctx, const char *path, struct sp_new_file *file) {
  static const char ending[] = ".XXXXXX";
  size_t bytes = strlen(path) + sizeof ending;
  SP_TRY(check_place(ctx, path));
  char *name = sp_alloc(ctx, bytes, 1, "the name of a file");
  if (!name) return STILL_ENOMEM;
  snprintf(name, bytes, "%s%s", path, ending);
  *file = (struct sp_new_file){.path = path, .name = name, .name_bytes = bytes, .fd = mkostemp(name, O_CLOEXEC)};
  if (file->fd >= 0) return STILL_OK;
  still_status status = fail_errno(ctx, path, "write");
  sp_free(ctx, name, bytes, 1);
  return status;
}

still_status sp_file_write(struct sp_ctx *ctx, struct sp_new_file *file, const void *data, size_t bytes) {
  for (size_t done = 0; done < bytes;) {
    ssize_t n = write(file->fd, (const uint8_t *)data + done, bytes - done);
    if (n < 0 && errno != EINTR) return fail_errno(ctx, file->path, "write");
    if (n > 0) done += (size_t)n;
  }
  return STILL_OK;
}

/* The name itself lies in the folder. Where a system cannot say when that is on the disk, nothing is lost but time. */
static void sync_folder(char *name) {
  char *slash = strrchr(name, '/');
  if (slash) slash[slash == name] = '\0';
  int folder = open(slash ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  fsync(folder);
  close(folder);
}

still_status sp_file_end(struct sp_ctx *ctx, struct sp_new_file *file, still_status status) {
  if (status == STILL_OK && fsync(file->fd) != 0) status = fail_errno(ctx, file->path, "write");
  if (close(file->fd) != 0 && status == STILL_OK) status = fail_errno(ctx, file->path, "write");
  if (status == STILL_OK && rename(file->name, file->path) != 0) status = fail_errno(ctx, file->path, "write");
  if (status != STILL_OK)
    unlink(file->name);
  else
    sync_folder(file->name);
  sp_free(ctx, file->name, file->name_bytes, 1);
  return status;
}

void sp_file_words(void *to, const void *from, size_t n) {
  for (size_t i = 0; i < n; i++) {
    uint8_t bytes[4];
    uint32_t word;
    memcpy(bytes, (const uint8_t *)from + 4 * i, 4);
    word = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    memcpy((uint8_t *)to + 4 * i, &word, 4);
  }
}
