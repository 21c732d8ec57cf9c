#ifndef MAIN_H
#define MAIN_H

/* The program's entry, called by the C runtime. */
/*@ requires argc >= 0 && \valid_read(argv + (0 .. argc));
  @ assigns  errno;
  @ ensures  0 <= \result <= 2;
  @ asm stack 128;
  @*/
int main(int argc, char **argv);

#endif
