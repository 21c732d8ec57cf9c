#ifndef ROW_JSON_H
#define ROW_JSON_H

#include "buffer.h"
#include "libpq.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appends a row with the columns of TASK_* as a JSON object. */
/*@ requires \valid(out) && out->len <= out->cap;
  @ requires \valid(out->data + (0 .. out->cap-1));
  @ requires result != \null && 0 <= row;
  @ assigns  out->len, out->data[0 .. out->cap-1];
  @ ensures  \result == 0 || \result == BUFFER_FULL;
  @ asm outcome full: \result == BUFFER_FULL;
  @ asm stack 128;
  @*/
int row_json_task(buffer *out, const PGresult *result, int row);

#ifdef __cplusplus
}
#endif

#endif
