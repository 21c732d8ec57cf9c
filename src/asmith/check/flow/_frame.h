/* What _frame.c has for _acts.c: addresses, the slots of the frame, and what is said of values. */

#ifndef FRAME_H
#define FRAME_H

#include "_values.h"

enum { NARROW = 1 << 4, UNCHECKED = 1 << 6, SHIFT = 28, DEEPEST = 4096 };
#define BASE (((int64_t)1 << SHIFT) - 1)
#define EIGHT ((int64_t)8 << SHIFT)
#define AT_ENTRY (8 << 4 | STACK)
#define N(name) PyLong_AsLongLong(SLOT(e, insn_##name))
#define M(name) SLOT(m, machine_##name)
#define R(n) PyList_GET_ITEM(r, n)
#define SET(n, value) become(&((PyListObject *)r)->ob_item[n], value)
#define SETN(n, number) SET(n, PyLong_FromLongLong(number))
#define KEEP(n, value) SET(n, Py_NewRef(value))

extern PyObject *place; /* of the instruction that is run */

/* Give a value that fits 64 bits. */
static inline int whole(PyObject *value, int64_t *out)
{
    int over;
    *out = PyLong_AsLongLongAndOverflow(value, &over);
    return !over;
}

void add_bit(PyObject **mask, int64_t bit);
int given(PyObject *m, int64_t value, int address);
int sound(PyObject *r, int64_t value);
int is_relocated(PyObject *m, int64_t field);
int address(PyObject *m, PyObject *r, PyObject *e, int *kind, int64_t *value);
PyObject *slot(PyObject *m, int64_t key);
int in_frame(int64_t key);
int is_loaded(PyObject *m, PyObject *r, int64_t key, int64_t size);
int is_below(PyObject *r, int64_t key, int64_t room);
int put(PyObject *m, PyObject *r, int64_t key, PyObject *value);
int spoil(PyObject *m, PyObject *r, int64_t key, int64_t size);
int settle(PyObject *m, PyObject *r);

#endif
