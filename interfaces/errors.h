#ifndef ERRORS_H
#define ERRORS_H

#include "buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appends the JSON body of an error that says nothing more than its status. */
/*@ requires \valid(out) && out->len <= out->cap;
  @ requires \valid(out->data + (0 .. out->cap-1));
  @ requires 400 <= status <= 599;
  @ assigns  out->len, out->data[0 .. out->cap-1];
  @ ensures  \result == 0 || \result == BUFFER_FULL;
  @ asm outcome full: \result == BUFFER_FULL;
  @ asm stack 64;
  @*/
int error_body(buffer *out, int status);

#ifdef __cplusplus
}
#endif

#endif
