#ifndef LIBC_H
#define LIBC_H

#include <stddef.h>
#include <sys/types.h>

/* What the modules use of the C library. */
/*@ asm library "libc" header "unistd.h" header "string.h"; */

#ifdef __cplusplus
extern "C" {
#endif

/*@ requires \valid_read((const char *)buf + (0 .. n-1));
  @ assigns  errno;
  @ ensures  -1 <= \result <= n;
  @ asm outcome failed: \result == -1;
  @*/
ssize_t write(int fd, const void *buf, size_t n);

/*@ requires valid_read_string(s);
  @ assigns  \nothing;
  @*/
size_t strlen(const char *s);

#ifdef __cplusplus
}
#endif

#endif
