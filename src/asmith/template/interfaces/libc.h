#ifndef LIBC_H
#define LIBC_H

/* What the modules use of the C library; it is checked against the library that is linked. */
/*@ asm library "libc" header "stdio.h"; */

#ifdef __cplusplus
extern "C" {
#endif

/*@ requires valid_read_string(s);
  @ assigns  errno;
  @*/
int puts(const char *s);

#ifdef __cplusplus
}
#endif

#endif
