/* What the parts of _loops share: values, and where things are in objects. */

#ifndef VALUES_H
#define VALUES_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stdint.h>

/* Kinds of values and places in the registers: values.py and frame.py. */
enum {
    TOP, CONST, STACK, ENTRY, STALE, UNDEF, SYM, RESULT, ROUND, TABLE, TARGET, MAYBE, LOCAL, OFFSET,
    AREA, CHOICE
};
enum { RSP = 4, FLAGS = 16, DF, MMX, UPPER, MXCSR, FCW, VECTORS, OWNED, FRAME, X87, X87_JUNK, SOME };
enum { LOADED = 1 << 4, HALF = 64 << 4 | MAYBE };
#define IN(kind, kinds) ((kinds) >> (kind) & 1)
enum {
    JUNK = 1 << STALE | 1 << UNDEF,
    UNSAFE = JUNK | 1 << MAYBE | 1 << ENTRY,
    SUSPECT = UNSAFE | 1 << RESULT | 1 << OFFSET
};

/* Slots of Insn, Machine and Block, and where they are in an object. */
#define SLOTS(X) X(insn, a) X(insn, act) X(insn, b) X(insn, base) X(insn, c) X(insn, disp) \
    X(insn, disp_at) X(insn, flow) X(insn, imm_at) X(insn, index) X(insn, length) X(insn, name) \
    X(insn, near) \
    X(insn, scale) X(insn, segment) X(insn, size) X(insn, vector) \
    X(machine, accesses) X(machine, arguments_end) X(machine, block) X(machine, branches) \
    X(machine, controls) X(machine, events) X(machine, relocations) X(machine, settled) \
    X(machine, settled_at) \
    X(machine, followed) X(machine, given) X(machine, lowest) X(machine, narrow) X(machine, own) \
    X(machine, paths) X(machine, r) X(machine, slots) X(machine, spilled) X(machine, used) \
    X(block, end) X(block, events) X(block, goals) X(block, insn) X(block, last) X(block, next) \
    X(block, ops) X(block, place) X(block, places) X(block, plain) X(block, runs) X(block, start) \
    X(block, state) X(block, target)
#define DECLARE(class, name) extern Py_ssize_t class##_##name;
SLOTS(DECLARE)
#define SLOT(object, name) (*(PyObject **)((char *)(object) + (name)))

static inline int kind_of(PyObject *value) { return PyLong_AsUnsignedLongLongMask(value) & 15; }
static inline int64_t small(PyObject *value) { return PyLong_AsLongLong(value); }

/* Set a slot or an item; a reference is taken over. */
static inline void become(PyObject **place, PyObject *value)
{
    PyObject *old = *place;
    *place = value;
    Py_XDECREF(old);
}

/* Do what the function `act` does, if it is known and its values are plain: 1; 0: nothing is done;
   -1 after an error. */
int act_plainly(PyObject *m, PyObject *r, PyObject *act, PyObject *e, PyObject *at);

/* Learn the functions, in the order of loops.py; the class of calls, and what they do if nothing is
   known of the callee. */
void learn_acts(PyObject *acts, PyObject *call, PyObject *platform);

/* What setup was told. */
extern PyObject *nothing, *block_class, *end_branch, *end_jump, *on_rcx;

/* Functions of the module that are in _blocks.c. */
PyObject *leaving(PyObject *self, PyObject *const *of, Py_ssize_t count);
PyObject *ordered(PyObject *self, PyObject *const *of, Py_ssize_t count);
PyObject *walk(PyObject *self, PyObject *const *of, Py_ssize_t count);

#endif
