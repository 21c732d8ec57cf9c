#ifndef CONFIG_H
#define CONFIG_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CONFIG_PORT 8080 /* where nothing else is said */

typedef struct config {
    const char *database; /* a string: what libpq connects to */
    uint32_t port;        /* 1..65535 */
} config;

/* Reads the command line and the environment. */
/*@ requires argc >= 0 && \valid_read(argv + (0 .. argc)) && \valid(out);
  @ assigns  *out;
  @ ensures  \result == 0 || \result == -1;
  @ ensures  \result == 0 ==> valid_read_string(out->database) && 1 <= out->port <= 65535;
  @ asm outcome malformed: \result == -1;
  @ asm stack 64;
  @*/
int config_read(int argc, char **argv, config *out);

#ifdef __cplusplus
}
#endif

#endif
