/*
 * door.h - whether this machine has an NVIDIA driver that could take heavy layers.
 *
 * In:       nothing.  Out: the number of devices, and one line for people.
 * Not here: kernels, device memory, the choice of a backend.
 */
#ifndef SP_DOOR_H
#define SP_DOOR_H

#include <stddef.h>

/* Number of devices. The line (n >= 1 bytes with its end, cut if longer) is "driver 13.0, 2 devices: NVIDIA H200, NVIDIA H200"
 * or, with 0, the reason why there is none. Asks devices for their names and nothing else. The driver stays loaded: it cannot be
 * unloaded safely. Not to be called in a forked child. */
int sp_cuda_probe(char *why, size_t n);

#endif
