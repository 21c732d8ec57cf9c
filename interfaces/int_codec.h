#ifndef INT_CODEC_H
#define INT_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

#define INT_MALFORMED (-2) /* the text is no decimal integer, or exceeds 64 bits */

/* Appends the decimal text of value. */
/*@ requires \valid(out) && out->len <= out->cap;
  @ requires \valid(out->data + (0 .. out->cap-1));
  @ assigns  out->len, out->data[0 .. out->cap-1];
  @ ensures  \result == 0 || \result == BUFFER_FULL;
  @ asm outcome full: \result == BUFFER_FULL;
  @ asm stack 64;
  @*/
int u64_format(buffer *out, uint64_t value);

/* Reads s[0..n), which must be nothing but decimal digits. */
/*@ requires \valid(value) && \valid_read(s + (0 .. n-1));
  @ assigns  *value;
  @ ensures  \result == 0 || \result == INT_MALFORMED;
  @ asm outcome malformed: \result == INT_MALFORMED;
  @ asm stack 16;
  @*/
int u64_parse(const char *s, size_t n, uint64_t *value);

#ifdef __cplusplus
}
#endif

#endif
