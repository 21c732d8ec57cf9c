#ifndef HELLO_H
#define HELLO_H

#ifdef __cplusplus
extern "C" {
#endif

/* What to say at an hour of the day. */
/*@ requires 0 <= hour <= 23;
  @ assigns  \nothing;
  @ ensures  valid_read_string(\result);
  @ asm stack 0;
  @*/
const char *greeting(int hour);

#ifdef __cplusplus
}
#endif

/* The program's entry, called by the C runtime. */
/*@ assigns  errno;
  @ ensures  \result == 0;
  @ asm stack 16;
  @*/
int main(void);

#endif
