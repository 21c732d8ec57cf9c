#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include <stddef.h>

#include "http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HTTP_INCOMPLETE 0 /* more bytes are needed */

/* Reads one request from data[0..len). A positive result is the number of bytes that it takes up;
 * 0 means that more are needed; a negative one is the HTTP status to refuse it with, negated. The
 * slices of *req point into data. */
/*@ requires len == 0 || \valid_read(data + (0 .. len-1));
  @ requires \valid(req);
  @ assigns  *req;
  @ ensures  -505 <= \result <= len;
  @ asm outcome incomplete: \result == HTTP_INCOMPLETE;
  @ asm outcome refused: \result < 0;
  @ asm stack 192;
  @*/
long http_parse(const char *data, size_t len, http_request *req);

#ifdef __cplusplus
}
#endif

#endif
