#ifndef YAJL_H
#define YAJL_H

#include <stddef.h>

/* What the modules use of yajl to read JSON: a parser that calls back for each thing it meets. */
/*@ asm library "yajl" header "yajl/yajl_parse.h"; */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct yajl_handle_t *yajl_handle;

typedef enum { yajl_status_ok, yajl_status_client_canceled, yajl_status_error } yajl_status;

typedef enum {
    yajl_allow_comments = 1,
    yajl_dont_validate_strings = 2,
    yajl_allow_trailing_garbage = 4,
    yajl_allow_multiple_values = 8,
    yajl_allow_partial_values = 16
} yajl_option;

/* A callback gets the context given to yajl_alloc, and answers 0 to end the parse, else 1. Texts
 * are not ended by a zero byte, and may hold one; strings come unescaped, numbers as written. A
 * null pointer in this table means that the thing is of no interest. */
typedef struct {
    /*@ assigns \nothing; ensures \result == 0 || \result == 1; asm mutates ctx; */
    int (*yajl_null)(void *ctx);
    /*@ requires boolVal == 0 || boolVal == 1;
      @ assigns \nothing; ensures \result == 0 || \result == 1; asm mutates ctx; */
    int (*yajl_boolean)(void *ctx, int boolVal);
    /*@ assigns \nothing; ensures \result == 0 || \result == 1; asm mutates ctx; */
    int (*yajl_integer)(void *ctx, long long integerVal);
    /*@ assigns \nothing; ensures \result == 0 || \result == 1; asm mutates ctx; */
    int (*yajl_double)(void *ctx, double doubleVal);
    /*@ requires numberLen > 0 && \valid_read(numberVal + (0 .. numberLen-1));
      @ assigns \nothing; ensures \result == 0 || \result == 1; asm mutates ctx; */
    int (*yajl_number)(void *ctx, const char *numberVal, size_t numberLen);
    /*@ requires stringLen == 0 || \valid_read(stringVal + (0 .. stringLen-1));
      @ assigns \nothing; ensures \result == 0 || \result == 1; asm mutates ctx; */
    int (*yajl_string)(void *ctx, const unsigned char *stringVal, size_t stringLen);
    /*@ assigns \nothing; ensures \result == 0 || \result == 1; asm mutates ctx; */
    int (*yajl_start_map)(void *ctx);
    /*@ requires stringLen == 0 || \valid_read(key + (0 .. stringLen-1));
      @ assigns \nothing; ensures \result == 0 || \result == 1; asm mutates ctx; */
    int (*yajl_map_key)(void *ctx, const unsigned char *key, size_t stringLen);
    /*@ assigns \nothing; ensures \result == 0 || \result == 1; asm mutates ctx; */
    int (*yajl_end_map)(void *ctx);
    /*@ assigns \nothing; ensures \result == 0 || \result == 1; asm mutates ctx; */
    int (*yajl_start_array)(void *ctx);
    /*@ assigns \nothing; ensures \result == 0 || \result == 1; asm mutates ctx; */
    int (*yajl_end_array)(void *ctx);
} yajl_callbacks;

/* Memory functions; a null pointer to this table means malloc and its family. */
typedef struct {
    /*@ assigns errno; ensures \result == \null || \valid((char *)\result + (0 .. sz-1)); */
    void *(*malloc)(void *ctx, size_t sz);
    /*@ assigns errno; ensures \result == \null || \valid((char *)\result + (0 .. sz-1)); */
    void *(*realloc)(void *ctx, void *ptr, size_t sz);
    /*@ assigns errno; */
    void (*free)(void *ctx, void *ptr);
    void *ctx;
} yajl_alloc_funcs;

/*@ requires handle != \null;
  @ assigns  errno;
  @ asm releases handle;
  @*/
void yajl_free(yajl_handle handle);

/* A parser that keeps the two pointers given to it until yajl_free. */
/*@ requires callbacks == \null || \valid_read(callbacks);
  @ assigns  errno;
  @ asm outcome out_of_memory: \result == \null;
  @ asm acquires \result by yajl_free;
  @*/
yajl_handle yajl_alloc(const yajl_callbacks *callbacks, yajl_alloc_funcs *afs, void *ctx);

/* Sets an option; its one further argument is an int, 0 or 1. */
/*@ requires h != \null;
  @ assigns  \nothing;
  @ asm mutates h;
  @ asm outcome unknown: \result == 0;
  @*/
int yajl_config(yajl_handle h, yajl_option opt, ...);

/* Parses a piece of text; callbacks happen within. */
/*@ requires hand != \null;
  @ requires jsonTextLength == 0 || \valid_read(jsonText + (0 .. jsonTextLength-1));
  @ assigns  errno;
  @ asm mutates hand;
  @ asm outcome canceled: \result == yajl_status_client_canceled;
  @ asm outcome malformed: \result == yajl_status_error;
  @*/
yajl_status yajl_parse(yajl_handle hand, const unsigned char *jsonText, size_t jsonTextLength);

/* Says that the text is over; a number at its end is only now complete. */
/*@ requires hand != \null;
  @ assigns  errno;
  @ asm mutates hand;
  @ asm outcome canceled: \result == yajl_status_client_canceled;
  @ asm outcome malformed: \result == yajl_status_error;
  @*/
yajl_status yajl_complete_parse(yajl_handle hand);

/* How many bytes of the last piece were taken. */
/*@ requires hand != \null;
  @ assigns  \nothing;
  @*/
size_t yajl_get_bytes_consumed(yajl_handle hand);

#ifdef __cplusplus
}
#endif

#endif
