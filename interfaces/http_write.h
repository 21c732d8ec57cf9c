#ifndef HTTP_WRITE_H
#define HTTP_WRITE_H

#include <stddef.h>

#include "buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ANSWER_HEAD 1  /* the request's method was HEAD: the body is announced, not sent */
#define ANSWER_CLOSE 2 /* the connection is closed after this answer */

/* Appends a whole answer: status line, header fields, body. allow is the value of the Allow field
 * of a 405, or null for none. */
/*@ requires \valid(out) && out->len <= out->cap;
  @ requires \valid(out->data + (0 .. out->cap-1));
  @ requires 100 <= status <= 599;
  @ requires n == 0 || \valid_read(body + (0 .. n-1));
  @ requires 0 <= flags <= 3;
  @ requires allow == \null || valid_read_string(allow);
  @ assigns  out->len, out->data[0 .. out->cap-1];
  @ ensures  \result == 0 || \result == BUFFER_FULL;
  @ asm outcome full: \result == BUFFER_FULL;
  @ asm stack 192;
  @*/
int http_answer(buffer *out, int status, const char *body, size_t n, int flags, const char *allow);

#ifdef __cplusplus
}
#endif

#endif
