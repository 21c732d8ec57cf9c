/* Addresses and the stack frame, in C: as machine.py, frame.py and summary.py have them.

   Each function returns 1 when it is done, 0 if the values are not plain, which is before anything
   is changed but what is known of the entry's values, and -1 after an error. */

#include "_frame.h"

PyObject *place;

void add_bit(PyObject **mask, int64_t bit)
{
    int64_t known = small(*mask);
    if (!(known >> bit & 1))
        become(mask, PyLong_FromLongLong(known | (int64_t)1 << bit));
}

/* Tell whether an entry value is all there; say that it goes into something. */
int given(PyObject *m, int64_t value, int address)
{
    int64_t n = value >> 4;
    if (n > 31 || !(small(M(given)) >> n & 1) || small(M(narrow)) >> n & 1)
        return 0;
    add_bit(&M(used), n);
    if (address)
        add_bit(&M(followed), n);
    return 1;
}

/* Tell whether a result is all there, and looked at, and nobody's to release. */
int sound(PyObject *r, int64_t value)
{
    return !(value & (NARROW | UNCHECKED)) && !small(R(OWNED));
}

/* Tell whether the linker fills in a field of the instruction. */
int is_relocated(PyObject *m, int64_t field)
{
    if (!field)
        return 0;
    PyObject *there = PyLong_FromLongLong(small(place) + field);
    int found = PyDict_Contains(M(relocations), there);
    Py_DECREF(there);
    return found;
}

/* Compute the address of an operand: Machine.address. Of kinds that are plain, 1. */
int address(PyObject *m, PyObject *r, PyObject *e, int *kind, int64_t *value)
{
    int64_t first = N(base), index = N(index), disp = N(disp);
    if (first < 0 || index < -1 || SLOT(e, insn_segment) != Py_False)
        return 0;
    int other = index < 0 ? TOP : kind_of(R(index)); /* first: lea says nothing of a base beside junk */
    if (other == CONST || IN(other, SUSPECT))
        return 0;
    int k = kind_of(R(first)), noted = index == -1 && M(accesses) != Py_False;
    int64_t v;
    if (!whole(R(first), &v) || (k != STACK && is_relocated(m, N(disp_at))))
        return 0;
    switch (k) {
    case STACK: v += disp * ((int64_t)1 << SHIFT); break;
    case TOP: v = disp ? TOP : v; break;
    case ENTRY:
        if (noted || v >> 4 > 15 || !given(m, v, 1))
            return 0;
        if (disp) {
            k = OFFSET;
            v = disp * 4096 + (v & ~15) + OFFSET;
        }
        break;
    case OFFSET:
        if (noted || small(M(narrow)) >> (v >> 4 & 15) & 1)
            return 0;
        add_bit(&M(followed), v >> 4 & 15);
        v += disp * 4096;
        break;
    case RESULT:
        if (!sound(r, v))
            return 0;
        if (disp)
            k = TOP, v = TOP;
        break;
    default: return 0;
    }
    if (index >= 0) {
        int one = N(scale) == 1;
        if (k == STACK || (other == STACK && one))
            k = LOCAL, v = LOCAL;
        else if (one && other != TOP && other != ROUND)
            return 0;
        else
            k = TOP, v = TOP;
    }
    *kind = k;
    *value = v;
    return 1;
}

/* Find what a slot holds, or null; borrowed. */
PyObject *slot(PyObject *m, int64_t key)
{
    PyObject *name = PyLong_FromLongLong(key);
    PyObject *found = PyDict_GetItemWithError(M(slots), name);
    Py_DECREF(name);
    return found;
}

/* Tell whether what is loaded from a place without a known value is defined: Frame.blank. */
int is_loaded(PyObject *m, PyObject *r, int64_t key, int64_t size)
{
    int64_t depth = (AT_ENTRY - key) >> SHIFT, known, every = ((int64_t)1 << size) - 1;
    if (size > 32)
        return 0;
    if (!in_frame(key) || depth < size || depth > DEEPEST)
        return !in_frame(key) || !small(M(arguments_end));
    if (whole(R(FRAME), &known))
        return known == -1 || (depth < 63 && (known >> (depth - size) & every) == every);
    PyObject *by = PyLong_FromLongLong(depth - size), *moved = PyNumber_Rshift(R(FRAME), by);
    int all = moved && (PyLong_AsUnsignedLongLongMask(moved) & every) == (uint64_t)every;
    Py_DECREF(by);
    Py_XDECREF(moved);
    return all;
}

int in_frame(int64_t key) { return (key & BASE) == AT_ENTRY; }

/* Tell whether a place is below the red zone, as the others are not: or, for `room` 0, below rsp. */
int is_below(PyObject *r, int64_t key, int64_t room)
{
    int64_t rsp;
    if (!whole(R(RSP), &rsp))
        return 1;
    return rsp - key > room << SHIFT && !((rsp - key) & BASE);
}

/* Say that bytes of the frame were stored to. */
static int mark(PyObject *r, int64_t key, int64_t size)
{
    int64_t depth = (AT_ENTRY - key) >> SHIFT, known;
    if (!in_frame(key) || depth < size || depth > DEEPEST)
        return 1;
    int fits = whole(R(FRAME), &known);
    if (fits && known == -1)
        return 1;
    if (fits && depth < 63) {
        int64_t bytes = (((int64_t)1 << size) - 1) << (depth - size);
        if ((known | bytes) != known)
            SETN(FRAME, known | bytes);
        return 1;
    }
    PyObject *bytes = PyLong_FromLongLong(((int64_t)1 << size) - 1);
    PyObject *by = PyLong_FromLongLong(depth - size);
    PyObject *moved = PyNumber_Lshift(bytes, by);
    PyObject *both = moved ? PyNumber_Or(R(FRAME), moved) : NULL;
    Py_DECREF(bytes);
    Py_DECREF(by);
    Py_XDECREF(moved);
    if (!both)
        return -1;
    SET(FRAME, both);
    return 1;
}

static int may_store(PyObject *m, PyObject *r, int64_t key, int64_t size)
{
    if (in_frame(key) && key + (size << SHIFT) > AT_ENTRY)
        return 0;
    return !is_below(r, key, 128) && !PySet_GET_SIZE(M(controls));
}

/* Make the slots this machine's own: Frame.mine. */
static int mine(PyObject *m)
{
    if (M(own) != Py_False)
        return 1;
    PyObject *copy = PyDict_Copy(M(slots));
    if (!copy)
        return 0;
    become(&M(slots), copy);
    become(&M(own), Py_NewRef(Py_True));
    return 1;
}

/* Store 8 bytes: Frame.put. */
int put(PyObject *m, PyObject *r, int64_t key, PyObject *value)
{
    int kind = kind_of(value);
    if (!may_store(m, r, key, 8) || key >> SHIFT & 7 || (kind == RESULT && small(R(OWNED))))
        return 0;
    Py_INCREF(value); /* the register that holds it may change */
    PyObject *name = PyLong_FromLongLong(key);
    int done = mine(m) && !PyDict_SetItem(M(slots), name, value) ? mark(r, key, 8) : -1;
    Py_DECREF(name);
    if (kind == STACK || kind == LOCAL)
        SETN(FRAME, -1);
    else if (kind == ENTRY)
        add_bit(&M(spilled), small(value) >> 4);
    Py_DECREF(value);
    return done;
}

/* Store what is not followed: Frame.spoil, of what is defined. */
int spoil(PyObject *m, PyObject *r, int64_t key, int64_t size)
{
    if (size < 1 || size > 32 || !may_store(m, r, key, size))
        return 0;
    if (!mine(m))
        return -1;
    int64_t first = key - ((key >> SHIFT & 7) << SHIFT);
    for (; first < key + (size << SHIFT); first += EIGHT)
        if (slot(m, first)) {
            PyObject *name = PyLong_FromLongLong(first);
            PyDict_DelItem(M(slots), name);
            Py_DECREF(name);
        }
    return mark(r, key, size);
}

/* Forget what a callee may have stored: summary._slots; 0 if the slots are not plain. */
int settle(PyObject *m, PyObject *r)
{
    PyObject *key, *value, *slots = M(slots), *kept = NULL;
    int64_t rsp, at;
    Py_ssize_t i = 0;
    if (!PyDict_GET_SIZE(slots))
        return 1;
    if (!whole(R(RSP), &rsp))
        return 0;
    if (slots != M(settled) || !whole(M(settled_at), &at) || rsp != at) {
        if (!(kept = PyDict_New()))
            return -1;
        PyObject *stale = PyLong_FromLong(STALE);
        while (PyDict_Next(slots, &i, &key, &value)) {
            int kind = kind_of(value), failed = 0;
            if (!whole(key, &at))
                failed = 1;
            else if (rsp - at > 0 && !((rsp - at) & BASE))
                failed = PyDict_SetItem(kept, key, stale);
            else if (kind == ENTRY || kind == STACK || at > (int64_t)1 << 60)
                failed = PyDict_SetItem(kept, key, value);
            if (failed) {
                Py_DECREF(stale);
                Py_DECREF(kept);
                return PyErr_Occurred() ? -1 : 0;
            }
        }
        Py_DECREF(stale);
        if (!PyObject_RichCompareBool(kept, slots, Py_EQ))
            become(&M(slots), kept);
        else
            Py_DECREF(kept);
        become(&M(settled), Py_NewRef(M(slots)));
        become(&M(settled_at), Py_NewRef(R(RSP)));
        become(&M(own), Py_NewRef(Py_False));
    }
    int64_t depth = (AT_ENTRY - rsp) >> SHIFT;
    if (!in_frame(rsp) || depth < 0 || depth > DEEPEST)
        return 1;
    if (depth < 63) {
        SETN(FRAME, PyLong_AsUnsignedLongLongMask(R(FRAME)) & (((uint64_t)1 << depth) - 1));
        return 1;
    }
    PyObject *one = PyLong_FromLong(1), *by = PyLong_FromLongLong(depth);
    PyObject *above = PyNumber_Lshift(one, by), *mask = above ? PyNumber_Subtract(above, one) : NULL;
    PyObject *made = mask ? PyNumber_And(R(FRAME), mask) : NULL;
    Py_DECREF(one);
    Py_DECREF(by);
    Py_XDECREF(above);
    Py_XDECREF(mask);
    if (!made)
        return -1;
    SET(FRAME, made);
    return 1;
}
