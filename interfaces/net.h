#ifndef NET_H
#define NET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NET_CONNECTIONS 512   /* clients at a time */
#define NET_TAG_DATABASE 4096 /* tags from here on belong to the database's connections */

/* A client's connection. Only net looks into it. */
typedef struct conn conn;

/* Opens the listening socket on 127.0.0.1 and the epoll instance. */
/*@ requires 1 <= port <= 65535;
  @ assigns  errno;
  @ ensures  \result == 0 || \result == -1;
  @ asm outcome failed: \result == -1;
  @ asm stack 128;
  @*/
int net_open(uint32_t port);

/* Adds a descriptor of the database to the epoll instance, or changes its events. */
/*@ requires fd >= 0 && tag >= NET_TAG_DATABASE;
  @ assigns  errno;
  @ ensures  \result == 0 || \result == -1;
  @ asm outcome failed: \result == -1;
  @ asm stack 64;
  @*/
int net_watch(int fd, uint32_t events, uint64_t tag);

/* Answers the request that a connection waits with; exactly once for each request. */
/*@ requires c != \null && 200 <= status <= 599;
  @ requires n == 0 || \valid_read(body + (0 .. n-1));
  @ requires allow == \null || valid_read_string(allow);
  @ assigns  errno;
  @ asm mutates c;
  @ asm stack 128;
  @*/
void net_answer(conn *c, int status, const char *body, size_t n, const char *allow);

/* Serves until SIGTERM or SIGINT has come and every request is answered. */
/*@ assigns  errno;
  @ ensures  \result == 0 || \result == 1;
  @ asm outcome failed: \result == 1;
  @ asm stack 4096;
  @*/
int net_run(void);

#ifdef __cplusplus
}
#endif

#endif
