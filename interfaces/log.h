#ifndef LOG_H
#define LOG_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes a line to standard error. */
/*@ requires n == 0 || \valid_read(text + (0 .. n-1));
  @ assigns  errno;
  @ asm stack 64;
  @*/
void log_line(const char *text, size_t n);

#ifdef __cplusplus
}
#endif

#endif
