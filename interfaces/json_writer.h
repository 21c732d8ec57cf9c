#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include <stddef.h>

#include "buffer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Each function appends to a JSON text and either appends all of its part or returns BUFFER_FULL
 * with out->len as it was. */

/* Appends s[0..n) as it is. */
/*@ requires \valid(out) && out->len <= out->cap;
  @ requires \valid(out->data + (0 .. out->cap-1));
  @ requires n == 0 || \valid_read(s + (0 .. n-1));
  @ assigns  out->len, out->data[0 .. out->cap-1];
  @ ensures  \result == 0 || \result == BUFFER_FULL;
  @ asm outcome full: \result == BUFFER_FULL;
  @ asm stack 64;
  @*/
int json_append(buffer *out, const char *s, size_t n);

/* Appends a member whose value is s[0..n) as it is: a number, true, false, an object. */
/*@ requires \valid(out) && out->len <= out->cap;
  @ requires \valid(out->data + (0 .. out->cap-1));
  @ requires key_len > 0 && \valid_read(key + (0 .. key_len-1));
  @ requires n > 0 && \valid_read(s + (0 .. n-1));
  @ assigns  out->len, out->data[0 .. out->cap-1];
  @ ensures  \result == 0 || \result == BUFFER_FULL;
  @ asm outcome full: \result == BUFFER_FULL;
  @ asm stack 128;
  @*/
int json_member_raw(buffer *out, const char *key, size_t key_len, const char *s, size_t n);

/* Appends a member whose value is s[0..n) as a string literal. */
/*@ requires \valid(out) && out->len <= out->cap;
  @ requires \valid(out->data + (0 .. out->cap-1));
  @ requires key_len > 0 && \valid_read(key + (0 .. key_len-1));
  @ requires n == 0 || \valid_read(s + (0 .. n-1));
  @ assigns  out->len, out->data[0 .. out->cap-1];
  @ ensures  \result == 0 || \result == BUFFER_FULL;
  @ asm outcome full: \result == BUFFER_FULL;
  @ asm stack 128;
  @*/
int json_member_string(buffer *out, const char *key, size_t key_len, const char *s, size_t n);

#ifdef __cplusplus
}
#endif

#endif
