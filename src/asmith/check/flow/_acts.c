/* What the plain instructions do, in C: as the functions in moves.py and arithmetic.py do it.

   Values of the common kinds only: for all others the function in Python is called. */

#include "_frame.h"

/* The functions that are cut short, in the order in which loops.py names them. */
enum {
    OTHER, MOV_RR, MOV_RR32, MOV_RI, LOAD64, LOAD64_FRAME, LOAD32, LOAD_NARROW, LEA, LEA32, STORE64,
    STORE64_I, STORE_NARROW, PUSH_R, POP_R, ZERO, ALU, CMP_RR, CMP_RI, CMP_M, ADD_RI, ADD_RSPI,
    EXTEND, CALL
};
static PyTypeObject *call_class;
static PyObject *call_platform;
enum { PLACES = 256, NUMBERS = 1 << CONST | 1 << ROUND };
static struct { PyObject *act; int number; } table[PLACES];

void learn_acts(PyObject *acts, PyObject *call, PyObject *platform)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(acts); i++) {
        size_t n = (uintptr_t)PyTuple_GET_ITEM(acts, i) >> 4;
        while (table[n % PLACES].act)
            n++;
        table[n % PLACES].act = Py_NewRef(PyTuple_GET_ITEM(acts, i));
        table[n % PLACES].number = (int)i + 1;
    }
    call_class = (PyTypeObject *)Py_NewRef(call);
    call_platform = Py_NewRef(platform);
}

static int number_of(PyObject *act)
{
    for (size_t n = (uintptr_t)act >> 4;; n++)
        if (table[n % PLACES].act == act || !table[n % PLACES].act)
            return table[n % PLACES].number;
}

/* Return the low 32 bits of a value, or null: moves.low32. */
static PyObject *low32(PyObject *value)
{
    int kind = kind_of(value);
    if (kind == CONST)
        return PyLong_FromLongLong(
            (int64_t)(PyLong_AsUnsignedLongLongMask(value) >> 4 & 0xFFFFFFFF) << 4 | CONST);
    if (IN(kind, JUNK | 1 << ROUND | 1 << SYM))
        return Py_NewRef(value);
    if (kind == MAYBE || kind == TABLE)
        return NULL;
    if (kind == RESULT)
        return PyLong_FromLongLong(small(value) & ~(int64_t)NARROW);
    return PyLong_FromLong(kind == STACK ? HALF : TOP);
}

/* Load 8 bytes: moves.fetch. */
static int load64(PyObject *m, PyObject *r, PyObject *e)
{
    int kind;
    int64_t at;
    if (!address(m, r, e, &kind, &at) || kind == SYM || kind == AREA)
        return 0;
    if (kind == STACK) {
        PyObject *found = is_below(r, at, 0) ? NULL : slot(m, at);
        if (found) {
            KEEP(N(a), found);
            return 1;
        }
        if (is_below(r, at, 0) || !is_loaded(m, r, at, 8))
            return 0;
    }
    SETN(N(a), LOADED);
    return 1;
}

static int load_less(PyObject *m, PyObject *r, PyObject *e, int act)
{
    int kind;
    int64_t at;
    PyObject *made = NULL;
    if (!address(m, r, e, &kind, &at))
        return 0;
    if (kind != STACK)
        made = PyLong_FromLong(TOP);
    else if (act == LOAD32) {
        PyObject *found = slot(m, at);
        made = found                      ? low32(found)
               : is_loaded(m, r, at, 4) ? PyLong_FromLong(TOP)
                                          : NULL;
    } else {
        PyObject *found = slot(m, at - ((at >> SHIFT & 7) << SHIFT));
        if (found && IN(kind_of(found), JUNK))
            made = Py_NewRef(found);
        else if (found ? kind_of(found) != TOP || !small(found)
                       : is_loaded(m, r, at, N(size) ? N(size) : 1))
            made = PyLong_FromLong(TOP);
    }
    if (!made)
        return 0;
    SET(N(a), made);
    return 1;
}

static int lea(PyObject *m, PyObject *r, PyObject *e, int act)
{
    int kind;
    int64_t at;
    PyObject *followed = M(followed);
    Py_INCREF(followed);
    int found = address(m, r, e, &kind, &at);
    if (act == LEA32)
        become(&M(followed), followed); /* a number leads nowhere */
    else
        Py_DECREF(followed);
    if (!found || (kind == LOCAL && N(a) == RSP))
        return 0;
    PyObject *value = PyLong_FromLongLong(at), *made = value;
    if (act == LEA32) {
        made = low32(value);
        Py_DECREF(value);
    }
    if (!made)
        return 0;
    SET(N(a), made);
    return 1;
}

static int store(PyObject *m, PyObject *r, PyObject *e, int act)
{
    int kind;
    int64_t at, b = N(b);
    if ((act == STORE64_I && is_relocated(m, N(imm_at))) || !address(m, r, e, &kind, &at) || kind == LOCAL)
        return 0;
    PyObject *value = act == STORE64_I ? SLOT(e, insn_c) : b >= 0 ? R(b) : NULL;
    int stored = value ? kind_of(value) : TOP;
    if (kind == STACK && act != STORE_NARROW)
        return put(m, r, at, value);
    if (!value && SLOT(e, insn_vector) != Py_False)
        return 0;
    if (IN(stored, UNSAFE) && (stored != ENTRY || kind == STACK || !given(m, small(value), 0)))
        return 0;
    if (kind == STACK)
        return spoil(m, r, at, N(size));
    return act == STORE_NARROW || !small(R(OWNED));
}

static int push(PyObject *m, PyObject *r, PyObject *value)
{
    int64_t rsp;
    if (kind_of(R(RSP)) != STACK || !whole(R(RSP), &rsp))
        return 0;
    rsp -= EIGHT;
    int done = put(m, r, rsp, value);
    if (done == 1) {
        SETN(RSP, rsp);
        if (rsp < small(M(lowest)) && in_frame(rsp))
            become(&M(lowest), PyLong_FromLongLong(rsp));
    }
    return done;
}

static int pop(PyObject *m, PyObject *r, PyObject *e)
{
    int64_t rsp;
    if (kind_of(R(RSP)) != STACK || !whole(R(RSP), &rsp))
        return 0;
    PyObject *found = slot(m, rsp);
    if (!found && !is_loaded(m, r, rsp, 8))
        return 0;
    SETN(RSP, rsp + EIGHT);
    SET(N(a), found ? Py_NewRef(found) : PyLong_FromLong(LOADED));
    return 1;
}

/* Compute 32 or 64 bits of plain numbers: arithmetic.alu, where nothing is known of the result. */
static int alu(PyObject *r, PyObject *e)
{
    int64_t b = N(b);
    int one = kind_of(R(N(a))), other = b >= 0 ? kind_of(R(b)) : TOP;
    int odd = SUSPECT | NUMBERS | 1 << TABLE;
    if (IN(one, odd) || IN(other, odd) || IN(kind_of(R(FLAGS)), JUNK) || N(a) == RSP)
        return 0;
    if (b < 0) {
        const char *name = PyUnicode_AsUTF8(SLOT(e, insn_name));
        if (!(N(c) & 15) || (name[0] == 's' && (name[1] == 'h' || name[1] == 'a')))
            return 0;
    }
    SETN(N(a), TOP);
    SETN(FLAGS, TOP);
    return 1;
}

/* Compare a register: 1 if its value counts for nothing else, 2 if the flags are set. */
static int compared(PyObject *m, PyObject *r, PyObject *e, int64_t n)
{
    int64_t value;
    int kind = kind_of(R(n));
    if (!IN(kind, SUSPECT))
        return 1;
    if (!whole(R(n), &value))
        return 0;
    if (kind == ENTRY)
        return given(m, value, 0);
    if (kind != RESULT || !sound(r, value))
        return 0;
    const char *name = PyUnicode_AsUTF8(SLOT(e, insn_name));
    if (N(size) == 8 && (name[0] == 't' || (N(b) < 0 && !N(c)))) {
        KEEP(FLAGS, R(n));
        return 2;
    }
    return 1;
}

static int compare(PyObject *m, PyObject *r, PyObject *e, int act)
{
    int64_t a = N(a), b = act == CMP_RR ? N(b) : -1;
    if (act == CMP_M) {
        int kind;
        int64_t at;
        if (!address(m, r, e, &kind, &at))
            return 0;
        PyObject *found = kind == STACK ? slot(m, at) : NULL;
        if (kind == STACK && (found ? IN(kind_of(found), JUNK) : !is_loaded(m, r, at, N(size))))
            return 0;
    }
    if (b >= 0 && kind_of(R(a)) == STACK && kind_of(R(b)) == STACK)
        return 0;
    int done = a >= 0 ? compared(m, r, e, a) : 1;
    if (done == 1 && b >= 0 && a != b)
        done = compared(m, r, e, b);
    if (done == 1)
        SETN(FLAGS, TOP);
    return done > 0;
}

/* Add a constant: Machine.plus. */
static int add(PyObject *m, PyObject *r, PyObject *e, int act)
{
    int64_t a = N(a), value, c = N(c);
    int kind = kind_of(R(a));
    if ((act == ADD_RI && is_relocated(m, N(imm_at))) || !whole(R(a), &value) || !c)
        return 0;
    switch (kind) {
    case TOP: value = TOP; break;
    case STACK: value += c * ((int64_t)1 << SHIFT); break;
    case OFFSET: value += c * 4096; break;
    case RESULT: value = value >> 4 & 1 ? 32 << 4 | MAYBE : TOP; break;
    case ENTRY:
        if (value >> 4 > 15 || !(small(M(given)) >> (value >> 4) & 1))
            return 0;
        add_bit(&M(used), value >> 4);
        value = c * 4096 + (value & ~15) + OFFSET;
        break;
    default: return 0;
    }
    if (act == ADD_RSPI && kind != STACK)
        return 0;
    SETN(a, value);
    SETN(FLAGS, TOP);
    if (act == ADD_RSPI && value < small(M(lowest)) && in_frame(value))
        become(&M(lowest), PyLong_FromLongLong(value));
    return 1;
}

static int extend(PyObject *m, PyObject *r, PyObject *e)
{
    int64_t value;
    int kind = kind_of(R(N(b)));
    if (kind == ENTRY || kind == RESULT) {
        if (!whole(R(N(b)), &value))
            return 0;
        if (kind == ENTRY ? !given(m, value, 0) : value & NARROW && N(c) > 32)
            return 0;
    } else if (IN(kind, SUSPECT) || kind == TABLE)
        return 0;
    SETN(N(a), TOP);
    return 1;
}

static int mov_rr32(PyObject *m, PyObject *r, PyObject *e)
{
    PyObject *value = R(N(b));
    if (kind_of(value) == ENTRY && (small(M(paths)) || !(small(M(given)) >> (small(value) >> 4) & 1)))
        return 0;
    PyObject *made = low32(value);
    if (!made)
        return 0;
    SET(N(a), made);
    return 1;
}

/* Call what nothing is known of: summary.call_outside. */
static int call(PyObject *m, PyObject *r)
{
    static const int cleared[] = {DF, MMX, UPPER, SOME, X87_JUNK};
    PyObject *target = PyDict_GetItemWithError(M(branches), place);
    int64_t at = small(place);
    if (!target)
        return 0;
    for (int n = 0; n < 16; n++)
        if (n != RSP && IN(kind_of(R(n)), 1 << STACK | 1 << LOCAL)) {
            SETN(FRAME, -1);
            break;
        }
    PyObject *before = PyList_AsTuple(r);
    int done = before ? settle(m, r) : -1;
    if (done != 1) {
        Py_XDECREF(before);
        return done;
    }
    PyObject *fields = Py_BuildValue("((OOOOO))", place, before, target, call_platform, Py_None);
    PyObject *event = fields ? PyTuple_Type.tp_new(call_class, fields, NULL) : NULL;
    int failed = !event || PyList_Append(M(events), event);
    Py_DECREF(before);
    Py_XDECREF(fields);
    Py_XDECREF(event);
    if (failed)
        return -1;
    PyObject *stale = PyLong_FromLongLong(at << 4 | STALE);
    for (int n = 1; n < 12; n++)
        if (n < 3 || n > 5)
            KEEP(n, stale);
    SET(FLAGS, stale);
    SETN(0, at << 7 | RESULT);
    SETN(2, at << 7 | 1 << 5 | RESULT);
    for (size_t i = 0; i < sizeof cleared / sizeof *cleared; i++)
        SETN(cleared[i], 0);
    SETN(VECTORS, 0xFFFFFFFC);
    SETN(X87, 99);
    return 1;
}

int act_plainly(PyObject *m, PyObject *r, PyObject *function, PyObject *e, PyObject *at)
{
    int act = number_of(function);
    place = at;
    switch (act) {
    case MOV_RR: KEEP(N(a), R(N(b))); return 1;
    case MOV_RR32: return mov_rr32(m, r, e);
    case MOV_RI:
        if (is_relocated(m, N(imm_at)))
            return 0;
        KEEP(N(a), SLOT(e, insn_c));
        return 1;
    case LOAD64:
    case LOAD64_FRAME: return load64(m, r, e);
    case LOAD32:
    case LOAD_NARROW: return load_less(m, r, e, act);
    case LEA:
    case LEA32: return lea(m, r, e, act);
    case STORE64:
    case STORE64_I:
    case STORE_NARROW: return store(m, r, e, act);
    case PUSH_R: return push(m, r, R(N(a)));
    case POP_R: return pop(m, r, e);
    case ZERO:
        SETN(N(a), CONST);
        SETN(FLAGS, TOP);
        return 1;
    case ALU: return alu(r, e);
    case CMP_RR:
    case CMP_RI:
    case CMP_M: return compare(m, r, e, act);
    case ADD_RI:
    case ADD_RSPI: return add(m, r, e, act);
    case EXTEND: return extend(m, r, e);
    case CALL: return call(m, r);
    default: return 0;
    }
}

