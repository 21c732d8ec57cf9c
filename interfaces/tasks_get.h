#ifndef TASKS_GET_H
#define TASKS_GET_H

#include <stdint.h>

#include "net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Answers GET /api/tasks/{id}. */
/*@ requires c != \null && 1 <= id <= 9223372036854775807;
  @ assigns  errno;
  @ asm mutates c;
  @ asm stack 128;
  @*/
void tasks_get(conn *c, uint64_t id);

#ifdef __cplusplus
}
#endif

#endif
