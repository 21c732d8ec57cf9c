#ifndef MAIN_H
#define MAIN_H

/* The program's entry, called by the C runtime. */
/*@ requires argc >= 0 && \valid_read(argv + (0 .. argc));
  @ assigns  \nothing;
  @ ensures  \result == 0 || \result == 1;
  @ asm stack 128;
  @*/
int main(int argc, char **argv);

#endif
