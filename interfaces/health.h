#ifndef HEALTH_H
#define HEALTH_H

#include "net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Answers GET /health. */
/*@ requires c != \null;
  @ assigns  errno;
  @ asm mutates c;
  @ asm stack 64;
  @*/
void health_get(conn *c);

#ifdef __cplusplus
}
#endif

#endif
