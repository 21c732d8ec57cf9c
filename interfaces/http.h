#ifndef HTTP_H
#define HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "slice.h"

/* What a request is, once it is read. Types and limits only. */

#define HTTP_TARGET_MAX 4096  /* bytes of a request target */
#define HTTP_HEAD_MAX 8192    /* bytes of a request line with all header fields */
#define HTTP_BODY_MAX 65536   /* bytes of a body */

#define METHOD_OTHER 0
#define METHOD_GET 1
#define METHOD_HEAD 2
#define METHOD_POST 3
#define METHOD_PUT 4
#define METHOD_PATCH 5
#define METHOD_DELETE 6

typedef struct http_request {
    uint32_t method;     /* METHOD_* */
    uint32_t keep_alive; /* 1: the connection goes on after the answer; 0: it is closed */
    uint32_t expects_continue; /* 1: the client waits for 100 before it sends the body */
    uint32_t has_body;   /* 1: the request announced a body, of body.len bytes */
    slice path;          /* the target up to the first question mark, as sent */
    slice query;         /* what follows the question mark; len 0 without one */
    slice user;          /* the value of X-User-Id; data is null without one */
    slice content_type;  /* the value of Content-Type; data is null without one */
    slice body;
} http_request;

#endif
