#ifndef JSON_ESCAPE_H
#define JSON_ESCAPE_H

#include <stddef.h>

#include "buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appends s[0..n) as a JSON string literal with its quotes. */
/*@ requires \valid(out) && out->len <= out->cap;
  @ requires \valid(out->data + (0 .. out->cap-1));
  @ requires n == 0 || \valid_read(s + (0 .. n-1));
  @ assigns  out->len, out->data[0 .. out->cap-1];
  @ ensures  \result == 0 || \result == BUFFER_FULL;
  @ asm outcome full: \result == BUFFER_FULL;
  @ asm stack 64;
  @*/
int json_escape(buffer *out, const char *s, size_t n);

#ifdef __cplusplus
}
#endif

#endif
