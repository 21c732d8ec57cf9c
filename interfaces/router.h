#ifndef ROUTER_H
#define ROUTER_H

#include <stdint.h>

#include "http.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ROUTE_NONE 0      /* no such path */
#define ROUTE_BAD_ID 1    /* the path's identifier is no positive 63-bit integer */
#define ROUTE_METHOD 2    /* the path exists, the method does not */
#define ROUTE_HEALTH 3
#define ROUTE_TASK 4      /* GET /api/tasks/{id} */

typedef struct route {
    uint64_t id;        /* of ROUTE_TASK; else 0 */
    const char *allow;  /* of ROUTE_METHOD: the value of the Allow field, a string; else null */
} route;

/* Finds what a request asks for, by its method and path alone. */
/*@ requires \valid_read(req) && \valid(found);
  @ requires req->path.len > 0 && \valid_read(req->path.data + (0 .. req->path.len-1));
  @ assigns  *found;
  @ ensures  ROUTE_NONE <= \result <= ROUTE_TASK;
  @ ensures  \result == ROUTE_METHOD ==> valid_read_string(found->allow);
  @ asm outcome none: \result == ROUTE_NONE;
  @ asm outcome bad_id: \result == ROUTE_BAD_ID;
  @ asm outcome method: \result == ROUTE_METHOD;
  @ asm stack 64;
  @*/
int route_find(const http_request *req, route *found);

#ifdef __cplusplus
}
#endif

#endif
