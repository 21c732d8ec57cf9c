#ifndef APP_H
#define APP_H

#include "http.h"
#include "net.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Answers a request, now or later, by net_answer. */
/*@ requires c != \null && \valid_read(req);
  @ requires req->path.len > 0 && \valid_read(req->path.data + (0 .. req->path.len-1));
  @ assigns  errno;
  @ asm mutates c;
  @ asm stack 128;
  @*/
void app_request(conn *c, const http_request *req);

/* Answers with an error that says nothing more than its status. */
/*@ requires c != \null && 400 <= status <= 599;
  @ requires allow == \null || valid_read_string(allow);
  @ assigns  errno;
  @ asm mutates c;
  @ asm stack 512;
  @*/
void app_fail(conn *c, int status, const char *allow);

#ifdef __cplusplus
}
#endif

#endif
