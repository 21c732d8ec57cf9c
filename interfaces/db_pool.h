#ifndef DB_POOL_H
#define DB_POOL_H

#include <stdint.h>

#include "libpq.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DB_CONNECTIONS 2 /* connections to the server */
#define DB_PENDING 256   /* queries that wait for their result on one connection */

/* Gets the result of a query, which is cleared afterwards; null: the database is away. */
/*@ assigns \nothing; */
typedef void (*db_callback)(void *context, const PGresult *result);

/* Remembers where the database is and starts to connect. */
/*@ requires valid_read_string(conninfo);
  @ assigns  errno;
  @ asm stack 64;
  @*/
void db_open(const char *conninfo);

/* Queues a statement of sql_statements with its parameters as texts. */
/*@ requires 0 <= statement;
  @ requires values == \null || valid_read_string(values[0]);
  @ assigns  errno;
  @ ensures  \result == 0 || \result == -1;
  @ asm outcome away: \result == -1;
  @ asm mutates context;
  @ asm stack 128;
  @*/
int db_query(int statement, const char *const *values, db_callback done, void *context);

/* Handles an event of epoll on connection index. */
/*@ requires 0 <= index < DB_CONNECTIONS;
  @ assigns  errno;
  @ asm stack 256;
  @*/
void db_event(int index, uint32_t events);

/* Sends what was queued; called once after the events of a turn. */
/*@ assigns  errno;
  @ asm stack 128;
  @*/
void db_flush(void);

/* Connects again where it is time; called at least every 200 ms. */
/*@ assigns  errno;
  @ asm stack 128;
  @*/
void db_tick(void);

#ifdef __cplusplus
}
#endif

#endif
