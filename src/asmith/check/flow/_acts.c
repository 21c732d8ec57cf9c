/* What the plain instructions do, in C: as the functions in moves.py and arithmetic.py do it.

   Values of the common kinds only: for all others the function in Python is called. */

#include "_values.h"

enum { NARROW = 1 << 4, UNCHECKED = 1 << 6, SHIFT = 28, DEEPEST = 4096 };
#define BASE (((int64_t)1 << SHIFT) - 1)
#define EIGHT ((int64_t)8 << SHIFT)
#define AT_ENTRY (8 << 4 | STACK)
enum { NUMBERS = 1 << CONST | 1 << ROUND };
#define N(name) PyLong_AsLongLong(SLOT(e, insn_##name))
#define M(name) SLOT(m, machine_##name)

/* The functions that are cut short, in the order in which plain.py names them. */
enum {
    OTHER, MOV_RR, MOV_RR32, MOV_RI, LOAD64, LOAD64_FRAME, LOAD32, LOAD_NARROW, LEA, LEA32, STORE64, STORE64_I,
    STORE_NARROW, PUSH_R, POP_R, ZERO, ALU, CMP_RR, CMP_RI, CMP_M, ADD_RI, ADD_RSPI, EXTEND,
    CALL
};
static PyTypeObject *call_class;
static PyObject *call_platform;
static PyObject *place; /* of the instruction that is run */
enum { PLACES = 256 };
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

/* Give a value that fits 64 bits. */
static int whole(PyObject *value, int64_t *out)
{
    int over;
    *out = PyLong_AsLongLongAndOverflow(value, &over);
    return !over;
}

#define R(n) PyList_GET_ITEM(r, n)
#define SET(n, value) become(&((PyListObject *)r)->ob_item[n], value)
#define SETN(n, number) SET(n, PyLong_FromLongLong(number))
#define KEEP(n, value) SET(n, Py_NewRef(value))

static void add_bit(PyObject **mask, int64_t bit)
{
    int64_t known = small(*mask);
    if (!(known >> bit & 1))
        become(mask, PyLong_FromLongLong(known | (int64_t)1 << bit));
}

/* Tell whether an entry value is all there; say that it goes into something. */
static int given(PyObject *m, int64_t value, int address)
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
static int sound(PyObject *r, int64_t value)
{
    return !(value & (NARROW | UNCHECKED)) && !small(R(OWNED));
}

/* Tell whether the linker fills in a field of the instruction. */
static int is_relocated(PyObject *m, int64_t field)
{
    if (!field)
        return 0;
    PyObject *there = PyLong_FromLongLong(small(place) + field);
    int found = PyDict_Contains(M(relocations), there);
    Py_DECREF(there);
    return found;
}

/* Compute the address of an operand: Machine.address. Of kinds that are plain, 1. */
static int address(PyObject *m, PyObject *r, PyObject *e, int *kind, int64_t *value)
{
    int64_t first = N(base), index = N(index), disp = N(disp);
    if (first < 0 || index < -1 || SLOT(e, insn_segment) != Py_False)
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
        int other = kind_of(R(index)), one = N(scale) == 1;
        if (other == CONST || IN(other, SUSPECT))
            return 0;
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
static PyObject *slot(PyObject *m, int64_t key)
{
    PyObject *name = PyLong_FromLongLong(key);
    PyObject *found = PyDict_GetItemWithError(M(slots), name);
    Py_DECREF(name);
    return found;
}

static int in_frame(int64_t key);

/* Tell whether what is loaded from a place without a known value is defined: Frame.blank. */
static int is_loaded(PyObject *m, PyObject *r, int64_t key, int64_t size)
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

static int in_frame(int64_t key) { return (key & BASE) == AT_ENTRY; }

/* Tell whether a place is below the red zone, as the others are not: or, for `room` 0, below rsp. */
static int is_below(PyObject *r, int64_t key, int64_t room)
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
static int put(PyObject *m, PyObject *r, int64_t key, PyObject *value)
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
static int spoil(PyObject *m, PyObject *r, int64_t key, int64_t size)
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
    if (!address(m, r, e, &kind, &at) || (kind == LOCAL && N(a) == RSP))
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

/* Forget what a callee may have stored: summary._slots; 0 if the slots are not plain. */
static int settle(PyObject *m, PyObject *r)
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

