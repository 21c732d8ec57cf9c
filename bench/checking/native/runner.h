/* What the runner and the generated table of units share. */
#ifndef RUNNER_H
#define RUNNER_H

/* A function that can be called: its result and arguments as letters (subjects.py). */
typedef struct {
    const char *name;
    void *address;
    char result;
    const char *arguments;
} function;

/* An object: its functions, the address of a symbol to which offsets refer, and the numbers that
 * its instructions name, which inputs are made of among others. */
typedef struct {
    char *anchor;
    const function *functions;
    int count;
    const long *numbers;
    int number_count;
} unit;

extern const unit units[];
extern const int unit_count;

#endif
