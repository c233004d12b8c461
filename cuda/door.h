/*
 * door.h - whether this machine has an NVIDIA driver that could take heavy layers.
 *
 * In:       nothing.  Out: the number of devices, and one line for people.
 * Not here: kernels, device memory, the choice of a backend.
 */
#ifndef SP_DOOR_H
#define SP_DOOR_H

#include <stddef.h>

/* Number of usable devices. The line, at most n - 1 bytes and always terminated, is "driver 13.0, 2 devices: NVIDIA H200, NVIDIA H200"
 * or, with 0, the reason why no GPU is used. Touches no device beyond asking for its name; opens the driver and leaves it open, as it
 * cannot be unloaded safely. Not to be called in a forked child. */
int sp_cuda_probe(char *why, size_t n);

#endif
