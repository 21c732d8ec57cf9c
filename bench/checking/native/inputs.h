/* Inputs: what a function is called with, by the letters of its arguments (subjects.py). */
#ifndef INPUTS_H
#define INPUTS_H

#include <stdint.h>

#include "runner.h"

/* The usual inputs of each function, and all of them: those beyond are to reach what the usual do not. */
enum { INPUTS = 600, ALL = 4000 };
enum { BUFFERS = 8, BUFFER = 4096 };
static const char NUMBERS[] = "lihcz"; /* letters of arguments that are numbers */

extern const unit *current;
extern char *buffers;
extern int input_now;
extern uint64_t dice_state;

uint64_t mix(uint64_t hash, uint64_t value);
uint64_t dice(void);

/* Returns an argument. `turn` is -1, or which of the numbers that the code names is to be taken;
 * `buffer` counts the buffers that are in use; `length` is that of the last text. */
uint64_t value_of(char letter, int turn, int *buffer, uint64_t *length);

#endif
