#ifndef LIBPQ_H
#define LIBPQ_H

/* What the modules use of PostgreSQL's C library: connections without waiting, pipeline mode. */
/*@ asm library "libpq" header "libpq-fe.h"; */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;

/* The states that decide something; the server's library has more between them. */
typedef enum { CONNECTION_OK, CONNECTION_BAD } ConnStatusType;

typedef enum {
    PGRES_POLLING_FAILED,
    PGRES_POLLING_READING,
    PGRES_POLLING_WRITING,
    PGRES_POLLING_OK
} PostgresPollingStatusType;

typedef enum {
    PGRES_EMPTY_QUERY,
    PGRES_COMMAND_OK,
    PGRES_TUPLES_OK,
    PGRES_BAD_RESPONSE = 5,
    PGRES_NONFATAL_ERROR,
    PGRES_FATAL_ERROR,
    PGRES_PIPELINE_SYNC = 10,
    PGRES_PIPELINE_ABORTED
} ExecStatusType;

/* Fields of an error report, for PQresultErrorField. */
#define PG_DIAG_SQLSTATE 67 /* 'C' */
#define PG_DIAG_CONSTRAINT_NAME 110 /* 'n' */

typedef unsigned int Oid;

/* Closes a connection, good or bad, and frees it with all that is unsent. */
/*@ assigns  errno;
  @ asm releases conn;
  @*/
void PQfinish(PGconn *conn);

/* Starts to connect and does not wait. The result must be polled even when it is already bad. */
/*@ requires valid_read_string(conninfo);
  @ assigns  errno;
  @ asm outcome out_of_memory: \result == \null;
  @ asm acquires \result by PQfinish;
  @*/
PGconn *PQconnectStart(const char *conninfo);

/* Goes on with connecting, after PQsocket was ready for what the last call asked for. */
/*@ requires conn != \null;
  @ assigns  errno;
  @ asm mutates conn;
  @ asm outcome failed: \result == PGRES_POLLING_FAILED;
  @*/
PostgresPollingStatusType PQconnectPoll(PGconn *conn);

/* CONNECTION_BAD for a null or lost connection. */
/*@ assigns  \nothing;
  @ asm outcome lost: \result == CONNECTION_BAD;
  @*/
ConnStatusType PQstatus(const PGconn *conn);

/* The descriptor to wait on; it may change during PQconnectPoll. */
/*@ requires conn != \null;
  @ assigns  \nothing;
  @ asm outcome no_socket: \result == -1;
  @*/
int PQsocket(const PGconn *conn);

/*@ requires conn != \null && (arg == 0 || arg == 1);
  @ assigns  errno;
  @ ensures  \result == 0 || \result == -1;
  @ asm mutates conn;
  @ asm outcome failed: \result == -1;
  @*/
int PQsetnonblocking(PGconn *conn, int arg);

/* The last error, for people; valid until the next call on the connection. */
/*@ assigns  \nothing;
  @ ensures  valid_read_string(\result);
  @ asm borrows \result from conn;
  @*/
char *PQerrorMessage(const PGconn *conn);

/*@ requires conn != \null;
  @ assigns  errno;
  @ ensures  \result == 0 || \result == 1;
  @ asm mutates conn;
  @ asm outcome refused: \result == 0;
  @*/
int PQenterPipelineMode(PGconn *conn);

/* Queues the preparation of a statement; types may be left to the server. */
/*@ requires conn != \null && valid_read_string(stmtName) && valid_read_string(query);
  @ requires nParams >= 0;
  @ requires paramTypes == \null || \valid_read(paramTypes + (0 .. nParams-1));
  @ assigns  errno;
  @ ensures  \result == 0 || \result == 1;
  @ asm mutates conn;
  @ asm outcome failed: \result == 0;
  @*/
int PQsendPrepare(PGconn *conn, const char *stmtName, const char *query, int nParams,
                  const Oid *paramTypes);

/* Queues a prepared statement. A null value is SQL's null; texts end at their zero byte. */
/*@ requires conn != \null && valid_read_string(stmtName) && nParams >= 0;
  @ requires nParams == 0 || \valid_read(paramValues + (0 .. nParams-1));
  @ requires paramLengths == \null || \valid_read(paramLengths + (0 .. nParams-1));
  @ requires paramFormats == \null || \valid_read(paramFormats + (0 .. nParams-1));
  @ requires \forall integer i; 0 <= i < nParams ==>
  @          (paramValues[i] == \null || \valid_read(paramValues[i]));
  @ requires resultFormat == 0 || resultFormat == 1;
  @ assigns  errno;
  @ ensures  \result == 0 || \result == 1;
  @ asm mutates conn;
  @ asm outcome failed: \result == 0;
  @*/
int PQsendQueryPrepared(PGconn *conn, const char *stmtName, int nParams,
                        const char *const *paramValues, const int *paramLengths,
                        const int *paramFormats, int resultFormat);

/* Ends a unit of the pipeline, and sends what is queued. */
/*@ requires conn != \null;
  @ assigns  errno;
  @ ensures  \result == 0 || \result == 1;
  @ asm mutates conn;
  @ asm outcome failed: \result == 0;
  @*/
int PQpipelineSync(PGconn *conn);

/* 0: all is sent; 1: wait until the descriptor takes more; -1: the connection is lost. */
/*@ requires conn != \null;
  @ assigns  errno;
  @ ensures  -1 <= \result <= 1;
  @ asm mutates conn;
  @ asm outcome lost: \result == -1;
  @ asm outcome unsent: \result == 1;
  @*/
int PQflush(PGconn *conn);

/*@ requires conn != \null;
  @ assigns  errno;
  @ ensures  \result == 0 || \result == 1;
  @ asm mutates conn;
  @ asm outcome lost: \result == 0;
  @*/
int PQconsumeInput(PGconn *conn);

/* 1: PQgetResult would wait. */
/*@ requires conn != \null;
  @ assigns  errno;
  @ ensures  \result == 0 || \result == 1;
  @ asm mutates conn;
  @*/
int PQisBusy(PGconn *conn);

/*@ assigns  errno;
  @ asm releases res;
  @*/
void PQclear(PGresult *res);

/* The next result, or null after the last one of a query. Every result is cleared by its caller. */
/*@ requires conn != \null;
  @ assigns  errno;
  @ asm mutates conn;
  @ asm outcome none_left: \result == \null;
  @ asm acquires \result by PQclear;
  @*/
PGresult *PQgetResult(PGconn *conn);

/* PGRES_FATAL_ERROR for null. */
/*@ assigns  \nothing;
  @ asm outcome error: \result == PGRES_FATAL_ERROR;
  @ asm outcome aborted: \result == PGRES_PIPELINE_ABORTED;
  @*/
ExecStatusType PQresultStatus(const PGresult *res);

/*@ requires res != \null;
  @ assigns  \nothing;
  @ ensures  \result >= 0;
  @*/
int PQntuples(const PGresult *res);

/*@ requires res != \null;
  @ assigns  \nothing;
  @ ensures  \result >= 0;
  @*/
int PQnfields(const PGresult *res);

/* The value of a field, a text that ends in a zero byte; empty for SQL's null. */
/*@ requires res != \null && 0 <= tup_num && 0 <= field_num;
  @ assigns  \nothing;
  @ ensures  valid_read_string(\result);
  @ asm borrows \result from res;
  @*/
char *PQgetvalue(const PGresult *res, int tup_num, int field_num);

/*@ requires res != \null && 0 <= tup_num && 0 <= field_num;
  @ assigns  \nothing;
  @ ensures  \result >= 0;
  @*/
int PQgetlength(const PGresult *res, int tup_num, int field_num);

/*@ requires res != \null && 0 <= tup_num && 0 <= field_num;
  @ assigns  \nothing;
  @ ensures  \result == 0 || \result == 1;
  @*/
int PQgetisnull(const PGresult *res, int tup_num, int field_num);

/* A part of an error report, or null where the report lacks it. */
/*@ requires res != \null;
  @ assigns  \nothing;
  @ ensures  \result == \null || valid_read_string(\result);
  @ asm outcome lacking: \result == \null;
  @ asm borrows \result from res;
  @*/
char *PQresultErrorField(const PGresult *res, int fieldcode);

/* Rows that a command touched, as decimal text; empty where that says nothing. */
/*@ requires res != \null;
  @ assigns  \nothing;
  @ ensures  valid_read_string(\result);
  @ asm borrows \result from res;
  @*/
char *PQcmdTuples(PGresult *res);

#ifdef __cplusplus
}
#endif

#endif
