/*
 * fake_cuda.h - what tests may ask the driver of fake_cuda.c besides what drivers are asked.
 *
 * In, Out:  an attribute of a device.
 * Not here: what it is told (fake_cuda.c).
 */
#ifndef FAKE_CUDA_H
#define FAKE_CUDA_H

enum { FAKE_REPLAYS = 1 << 20 }; /* attribute: how many graphs were launched */

#endif
