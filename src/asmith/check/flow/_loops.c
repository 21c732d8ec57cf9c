/* The inner loops of the analysis in C: what asmith.check.flow.loops does without it.

   Built when asmith is installed where there is a compiler and Python's headers. It does the common
   cases and hands all others to the functions in Python, so both give the same results
   (tests/unit/check holds them against each other). */

#include "_values.h"
#include <string.h>

enum { FORMAT = 1 }; /* of the arguments; asmith.check.flow.loops uses no other */

enum {
    MOST_RUNS = 200, /* of one block: loops.py */
    MEETING = 1 << STACK | 1 << LOCAL | 1 << CONST | 1 << ROUND /* with each other: not plain */
};

#define DEFINE(class, name) Py_ssize_t class##_##name;
SLOTS(DEFINE)

PyObject *nothing, *block_class, *end_branch, *end_jump, *on_rcx;
static PyObject *modes, *either, *joined, *ended;

/* Join what stands behind the flags, but for what is owned: joining.joined_modes. */
static int join_modes(PyObject *made, PyObject *old, PyObject *new)
{
    static const int numbers[] = {DF, MMX, UPPER, MXCSR, FCW, X87, VECTORS, SOME, X87_JUNK};
    int64_t a[SOME + 1], b[SOME + 1];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        a[numbers[i]] = small(PyTuple_GET_ITEM(old, numbers[i]));
        b[numbers[i]] = small(PyTuple_GET_ITEM(new, numbers[i]));
    }
    for (int n = DF; n <= UPPER; n++)
        a[n] = a[n] > b[n] ? a[n] : b[n];
    for (int n = MXCSR; n <= FCW; n++)
        a[n] = a[n] == b[n] ? a[n] : 2;
    a[X87] = a[X87] == b[X87] ? a[X87] : 99;
    a[X87_JUNK] |= b[X87_JUNK];
    a[SOME] |= a[VECTORS] ^ b[VECTORS];
    a[VECTORS] &= b[VECTORS];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        become(&((PyTupleObject *)made)->ob_item[numbers[i]], PyLong_FromLongLong(a[numbers[i]]));
    PyObject *frame = PyNumber_Or(PyTuple_GET_ITEM(old, FRAME), PyTuple_GET_ITEM(new, FRAME));
    if (frame)
        become(&((PyTupleObject *)made)->ob_item[FRAME], frame);
    return !!frame;
}

static int is_part(int64_t value) { return (value & 15) == MAYBE && value > 15 && value < HALF; }

static int is_whole(PyObject *value)
{
    int kind = kind_of(value);
    if (kind == TABLE)
        return !!(small(value) & LOADED);
    return IN(kind, 1 << SYM | 1 << CHOICE | 1 << ENTRY | 1 << RESULT) || (!kind && small(value));
}

/* Tell whether a value is junk: Machine.is_junk. */
static int is_junk(PyObject *m, PyObject *value)
{
    int kind = kind_of(value);
    return IN(kind, JUNK) || (kind == ENTRY && !(small(SLOT(m, machine_given)) >> (small(value) >> 4) & 1));
}

/* Join two values that differ: joining.either. */
static PyObject *join(PyObject *m, PyObject *a, PyObject *b, PyObject *address)
{
    int one = kind_of(a), other = kind_of(b);
    int64_t place = small(address);
    if (one == SYM || one == CHOICE)
        return PyObject_CallFunctionObjArgs(either, m, a, b, address, NULL);
    if (one == MAYBE || other == MAYBE) {
        PyObject *maybe = one == MAYBE ? a : b, *rest = one == MAYBE ? b : a;
        int64_t x = small(maybe), y = kind_of(rest) == MAYBE ? small(rest) : 0;
        if (!is_part(x))
            return Py_NewRef(is_part(y) ? rest : maybe);
        if (IN(kind_of(rest), JUNK))
            return Py_NewRef(maybe);
        return PyLong_FromLongLong(is_part(y) ? (x > y ? x : y) : MAYBE);
    }
    int first = is_junk(m, a), second = is_junk(m, b);
    if (first && second)
        return one == other && one != ENTRY ? Py_NewRef(a) : PyLong_FromLongLong(place << 4 | UNDEF);
    if (first || second) {
        PyObject *junk = first ? a : b;
        int64_t behind = place - (small(junk) >> 4);
        int call = kind_of(junk) == STALE && behind > 0 && behind <= 8;
        return PyLong_FromLongLong(call ? MAYBE : place << 4 | MAYBE);
    }
    if (IN(one, MEETING) && IN(other, MEETING))
        return PyObject_CallFunctionObjArgs(either, m, a, b, address, NULL);
    int tables = one == TABLE && other == TABLE;
    return PyLong_FromLong(is_whole(a) && is_whole(b) && !tables ? LOADED : TOP);
}

/* Join all registers but rsp: joining.registers; a new reference, to `old` if that stays. */
static PyObject *join_registers(PyObject *m, PyObject *address, PyObject *old, PyObject *new)
{
    Py_ssize_t size = PyTuple_GET_SIZE(old);
    int changed = 0;
    PyObject *made = PyTuple_New(size);
    for (Py_ssize_t n = 0; made && n < size; n++)
        PyTuple_SET_ITEM(made, n, Py_NewRef(PyTuple_GET_ITEM(old, n)));
    for (Py_ssize_t n = 0; made && n <= FLAGS; n++) {
        PyObject *a = PyTuple_GET_ITEM(old, n), *b = PyTuple_GET_ITEM(new, n);
        if (a == b || n == RSP || PyObject_RichCompareBool(a, b, Py_EQ))
            continue;
        PyObject *both = join(m, a, b, address);
        if (!both)
            Py_CLEAR(made);
        else if (both != a) {
            changed = changed || !PyObject_RichCompareBool(both, a, Py_EQ);
            become(&((PyTupleObject *)made)->ob_item[n], both);
        } else
            Py_DECREF(both);
    }
    Py_ssize_t behind = FLAGS + 1;
    while (made && behind < size && PyTuple_GET_ITEM(old, behind) == PyTuple_GET_ITEM(new, behind))
        behind++;
    if (!made)
        return NULL;
    PyObject *owned = PyTuple_GET_ITEM(old, OWNED), *other = PyTuple_GET_ITEM(new, OWNED);
    if (small(owned) == small(other)) {
        if (behind < size && !join_modes(made, old, new))
            Py_CLEAR(made);
    } else {
        PyObject *rest = PyObject_CallFunctionObjArgs(modes, m, old, new, NULL);
        for (Py_ssize_t n = FLAGS + 1; rest && n < size; n++)
            become(&((PyTupleObject *)made)->ob_item[n], Py_NewRef(PyList_GET_ITEM(rest, n)));
        if (!rest)
            Py_CLEAR(made);
        Py_XDECREF(rest);
    }
    if (made && !changed && PyObject_RichCompareBool(made, old, Py_EQ)) {
        Py_DECREF(made);
        return Py_NewRef(old);
    }
    return made;
}

/* registers(machine, address, old, new) */
static PyObject *registers(PyObject *self, PyObject *const *of, Py_ssize_t count)
{
    (void)self;
    (void)count;
    return join_registers(of[0], of[1], of[2], of[3]);
}

/* Join the slots of two states: the second half of joining.joined; a new reference, to `known` if
   that stays. */
static PyObject *join_slots(PyObject *m, PyObject *address, PyObject *known, PyObject *incoming)
{
    PyObject *key, *value, *made = PyDict_Copy(known);
    Py_ssize_t i = 0;
    int changed = 0;
    while (made && PyDict_Next(known, &i, &key, &value)) {
        PyObject *other = PyDict_GetItemWithError(incoming, key), *both;
        int failed = 0;
        if (other == value || (other && PyObject_RichCompareBool(other, value, Py_EQ)))
            continue;
        if (!other) {
            changed = 1;
            failed = PyDict_DelItem(made, key);
        } else if ((both = join(m, value, other, address))) {
            changed = changed || !PyObject_RichCompareBool(both, value, Py_EQ);
            failed = PyDict_SetItem(made, key, both);
            Py_DECREF(both);
        } else
            failed = 1;
        if (failed)
            Py_CLEAR(made);
    }
    if (made && !changed) {
        Py_DECREF(made);
        return Py_NewRef(known);
    }
    return made;
}

/* Join the machine's state, whose registers are `new`, into the one before a block: whether that
   has changed, or -1. */
static int flow(PyObject *m, PyObject *block, PyObject *new)
{
    PyObject *state = SLOT(block, block_state), *slots = SLOT(m, machine_slots), *made = NULL;
    if (state == Py_None) {
        become(&SLOT(m, machine_own), Py_NewRef(Py_False));
        made = PyTuple_Pack(2, new, slots);
    } else {
        PyObject *old = PyTuple_GET_ITEM(state, 0), *known = PyTuple_GET_ITEM(state, 1);
        PyObject *one = PyTuple_GET_ITEM(old, RSP), *other = PyTuple_GET_ITEM(new, RSP);
        if (one == other || PyObject_RichCompareBool(one, other, Py_EQ)) {
            PyObject *start = SLOT(block, block_start), *both = join_registers(m, start, old, new);
            int same = known == slots || PyObject_RichCompareBool(known, slots, Py_EQ);
            PyObject *kept = same ? Py_NewRef(known) : both ? join_slots(m, start, known, slots) : NULL;
            if (both && kept)
                made = both == old && kept == known ? Py_NewRef(Py_None) : PyTuple_Pack(2, both, kept);
            Py_XDECREF(both);
            Py_XDECREF(kept);
        } else
            made = PyObject_CallFunctionObjArgs(joined, m, SLOT(block, block_start), state, NULL);
    }
    if (!made)
        return -1;
    if (made == Py_None) {
        Py_DECREF(made);
        return 0;
    }
    become(&SLOT(block, block_state), made);
    return 1;
}

/* Run the instructions of a block; 0 if a call in it does not return, -1 after an error. */
static int run(PyObject *m, PyObject *block)
{
    PyObject *state = SLOT(block, block_state), *events = PyList_New(0);
    PyObject *registers = PySequence_List(PyTuple_GET_ITEM(state, 0));
    if (!events || !registers)
        return -1;
    become(&SLOT(m, machine_r), registers);
    become(&SLOT(m, machine_slots), Py_NewRef(PyTuple_GET_ITEM(state, 1)));
    become(&SLOT(m, machine_own), Py_NewRef(Py_False));
    become(&SLOT(m, machine_block), Py_NewRef(SLOT(block, block_start)));
    become(&SLOT(m, machine_events), Py_NewRef(events));
    become(&SLOT(block, block_events), events);
    PyObject *ops = SLOT(block, block_ops);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(ops); i++) {
        PyObject *op = PyList_GET_ITEM(ops, i);
        int plain = act_plainly(m, registers, PyTuple_GET_ITEM(op, 0), PyTuple_GET_ITEM(op, 1),
                                PyTuple_GET_ITEM(op, 2));
        if (plain < 0)
            return -1;
        if (plain)
            continue;
        PyObject *of[] = {m, PyTuple_GET_ITEM(op, 1), PyTuple_GET_ITEM(op, 2)};
        PyObject *done = PyObject_Vectorcall(PyTuple_GET_ITEM(op, 0), of, 3, NULL);
        if (!done) {
            if (!PyErr_ExceptionMatches(ended))
                return -1;
            PyErr_Clear();
            return 0;
        }
        Py_DECREF(done);
    }
    return 1;
}

/* advance(machine, order, waiting, once): loops.advance_in_python, and past plain ends of blocks. */
static PyObject *advance(PyObject *self, PyObject *const *of, Py_ssize_t count)
{
    PyObject *m = of[0], *order = of[1];
    Py_ssize_t size = PyByteArray_GET_SIZE(of[2]);
    char *waiting = PyByteArray_AS_STRING(of[2]), *first;
    (void)self;
    (void)count;
    while ((first = memchr(waiting, 1, size))) {
        *first = 0;
        PyObject *block = PyList_GET_ITEM(order, first - waiting);
        int64_t runs = small(SLOT(block, block_runs)) + 1;
        become(&SLOT(block, block_runs), PyLong_FromLongLong(runs));
        int done = runs > MOST_RUNS ? 1 : run(m, block);
        if (done < 0)
            return NULL;
        if (!done)
            continue;
        PyObject *r = SLOT(m, machine_r);
        PyObject *places = SLOT(block, block_places);
        int flags = kind_of(PyList_GET_ITEM(r, FLAGS));
        if (runs > MOST_RUNS || places == Py_None || of[3] == Py_True || small(SLOT(m, machine_paths)) ||
            (PyTuple_GET_SIZE(places) > 1 && IN(flags, UNSAFE | 1 << STACK | 1 << RESULT)))
            return Py_NewRef(block);
        become(&((PyListObject *)r)->ob_item[SOME], PyLong_FromLong(0));
        PyObject *new = PyList_AsTuple(r);
        for (Py_ssize_t i = PyTuple_GET_SIZE(places); new && i-- > 0;) {
            Py_ssize_t place = (Py_ssize_t)small(PyTuple_GET_ITEM(places, i));
            int changed = flow(m, PyList_GET_ITEM(order, place), new);
            if (changed < 0)
                Py_CLEAR(new);
            else if (changed)
                waiting[place] = 1;
        }
        if (!new)
            return NULL;
        Py_DECREF(new);
    }
    Py_RETURN_NONE;
}

static int offset_of(PyObject *class, const char *name, Py_ssize_t *at)
{
    PyObject *found = PyObject_GetAttrString(class, name);
    int fits = found && Py_IS_TYPE(found, &PyMemberDescr_Type);
    if (fits)
        *at = ((PyMemberDescrObject *)found)->d_member->offset;
    Py_XDECREF(found);
    return fits;
}

/* setup((Insn, Machine, Block), acts, (Call, PLATFORM), ends, nothing, joined_modes, either, joined, Ended):
   whether it can be used. */
static PyObject *setup(PyObject *self, PyObject *arguments)
{
    PyObject *insn, *machine, *acts, *call, *platform;
    (void)self;
    if (!PyArg_ParseTuple(arguments, "(OOO)O!(OO)(OOO)OOOOO", &insn, &machine, &block_class,
                          &PyTuple_Type, &acts, &call, &platform, &end_branch, &end_jump,
                          &on_rcx, &nothing, &modes, &either, &joined, &ended))
        return NULL;
    learn_acts(acts, call, platform);
    PyObject *const kept[] = {nothing, modes, either, joined, ended, block_class, end_branch,
                              end_jump, on_rcx};
    PyObject *block = block_class;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        Py_INCREF(kept[i]);
    int fits = 1;
#define FIND(class, name) fits = fits && offset_of(class, #name, &class##_##name);
    SLOTS(FIND)
    return PyBool_FromLong(fits);
}

static PyMethodDef methods[] = {
    {"setup", setup, METH_VARARGS, "Learn where things are."},
    {"advance", (PyCFunction)(void (*)(void))advance, METH_FASTCALL, "Run blocks."},
    {"registers", (PyCFunction)(void (*)(void))registers, METH_FASTCALL, "Join registers."},
    {"leaving", (PyCFunction)(void (*)(void))leaving, METH_FASTCALL, "Note targets of jumps."},
    {"ordered", (PyCFunction)(void (*)(void))ordered, METH_FASTCALL, "Order blocks."},
    {"walk", (PyCFunction)(void (*)(void))walk, METH_FASTCALL, "Make blocks of code."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_loops", "The inner loops of the analysis.", -1, methods,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__loops(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made && PyModule_AddIntConstant(made, "FORMAT", FORMAT))
        Py_CLEAR(made);
    return made;
}
