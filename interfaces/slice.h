#ifndef SLICE_H
#define SLICE_H

#include <stddef.h>

/* A run of bytes that somebody else owns. Types only. */
typedef struct slice {
    const char *data; /* data[0 .. len) is readable; anything when len is 0 */
    size_t len;
} slice;

#endif
