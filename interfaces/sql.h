#ifndef SQL_H
#define SQL_H

#ifdef __cplusplus
extern "C" {
#endif

/* The statements of the program, by number. They are prepared on every connection, in this order. */

#define SQL_HEALTH 0   /* no parameter; one row */
#define SQL_TASK_GET 1 /* $1: a task's id; no or one row with the columns of TASK_* */
#define SQL_COUNT 2

/* Columns of a task, in the order of its JSON. */
#define TASK_ID 0
#define TASK_PROJECT_ID 1
#define TASK_TITLE 2
#define TASK_DESCRIPTION 3
#define TASK_STATUS 4
#define TASK_POSITION 5
#define TASK_ASSIGNEE_ID 6
#define TASK_CREATED_BY 7
#define TASK_VERSION 8
#define TASK_CREATED_AT 9
#define TASK_UPDATED_AT 10
#define TASK_COLUMNS 11

typedef struct sql_statement {
    const char *name; /* a string: what it is called on the server */
    const char *text; /* a string: SQL with $1, $2, ... */
    int parameters;   /* how many of them */
} sql_statement;

extern const sql_statement sql_statements[SQL_COUNT];

#ifdef __cplusplus
}
#endif

#endif
