#ifndef BUFFER_H
#define BUFFER_H

#include <stddef.h>

/* A caller-owned run of bytes that functions append to. Types only: no module implements it. */

#define BUFFER_FULL (-1) /* what an append returns when its text does not fit; nothing is written */

typedef struct buffer {
    char *data;  /* data[0 .. cap) is writable */
    size_t len;  /* data[0 .. len) is text; len <= cap */
    size_t cap;
} buffer;

#endif
