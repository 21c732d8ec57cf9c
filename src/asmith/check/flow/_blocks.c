/* Blocks of code in C: what walk, ordered and leaving in asmith.check.flow.loops do without it. */

#include "_values.h"
#include <string.h>

enum { CALL = 1, BRANCH = 3, JUMP }; /* of an instruction's flow: insn.py */

/* Set a slot to a new reference; false after an error. */
static int set(PyObject **place, PyObject *value)
{
    if (value)
        become(place, value);
    return !!value;
}

/* Begin a block, one of `blocks`; borrowed. */
static PyObject *begun(PyObject *blocks, PyObject *at)
{
    PyObject *block = PyObject_CallOneArg(block_class, at);
    if (block && PyDict_SetItem(blocks, at, block))
        Py_CLEAR(block);
    Py_XDECREF(block);
    return block;
}

/* Say that a block ends in a jump; 1, 0 if it is not a plain one, -1 after an error. */
static int jumps(PyObject *where, PyObject *block, PyObject *e, PyObject *at, PyObject *after)
{
    PyObject *target = PyDict_GetItemWithError(PyTuple_GET_ITEM(where, 4), at), *goal;
    PyObject *begin = PyTuple_GET_ITEM(where, 7), *end = PyTuple_GET_ITEM(where, 8);
    int branch = small(SLOT(e, insn_flow)) == BRANCH;
    if (!target || (goal = PyTuple_GET_ITEM(target, 0)) == Py_None || small(goal) < small(begin) ||
        small(goal) >= small(end) || PySet_Contains(on_rcx, SLOT(e, insn_name)) ||
        (small(goal) != small(begin) && PyDict_Contains(PyTuple_GET_ITEM(where, 5), goal)))
        return 0;
    become(&SLOT(block, block_insn), Py_NewRef(e));
    become(&SLOT(block, block_target), Py_NewRef(target));
    become(&SLOT(block, block_end), Py_NewRef(branch ? end_branch : end_jump));
    become(&SLOT(block, block_plain), Py_NewRef(Py_True));
    if (!set(&SLOT(block, block_goals), branch ? PyTuple_Pack(2, after, goal) : PyTuple_Pack(1, goal)))
        return -1;
    int failed = PySet_Add(PyTuple_GET_ITEM(where, 2), goal);
    if (!PyDict_Contains(PyTuple_GET_ITEM(where, 1), goal))
        failed = failed || PyList_Append(PyTuple_GET_ITEM(where, 6), goal);
    return failed ? -1 : 1;
}

/* walk(where, block, address): loops.walk_in_python, and past plain jumps. */
PyObject *walk(PyObject *self, PyObject *const *of, Py_ssize_t count)
{
    PyObject *where = of[0], *block = of[1], *known = PyTuple_GET_ITEM(where, 0);
    PyObject *seen = PyTuple_GET_ITEM(where, 1), *leaders = PyTuple_GET_ITEM(where, 2);
    PyObject *blocks = PyTuple_GET_ITEM(where, 3), *at = Py_NewRef(of[2]);
    int64_t address = small(at), stop = small(PyTuple_GET_ITEM(where, 9));
    (void)self;
    (void)count;
    while (block && block != Py_None && address < stop) {
        PyObject *within = PyLong_FromLongLong(address & 0xFFFFFFFF);
        PyObject *e = PyDict_GetItemWithError(known, within), *op = NULL;
        Py_DECREF(within);
        int64_t flow = e ? small(SLOT(e, insn_flow)) : CALL;
        if (flow && flow != BRANCH && flow != JUMP)
            break;
        PyObject *after = PyLong_FromLongLong(address + small(SLOT(e, insn_length)));
        int done = flow ? jumps(where, block, e, at, after) : 1;
        if (!done) {
            Py_DECREF(after);
            break;
        }
        int failed = done < 0 || PyDict_SetItem(seen, at, e);
        if (!flow && SLOT(e, insn_act) != nothing) {
            op = PyTuple_Pack(3, SLOT(e, insn_act), e, at);
            failed = failed || !op || PyList_Append(SLOT(block, block_ops), op);
            Py_XDECREF(op);
        }
        become(&SLOT(block, block_last), at);
        become(&SLOT(block, block_next), Py_NewRef(after));
        at = after;
        address = small(at);
        if (flow == JUMP)
            block = Py_None;
        else if (flow == BRANCH && !failed) {
            failed = PySet_Add(leaders, at);
            if (address >= stop)
                failed = failed || PyList_Append(PyTuple_GET_ITEM(where, 6), at);
            block = address >= stop || PyDict_Contains(seen, at) ? Py_None : begun(blocks, at);
        } else if (!failed && (PySet_Contains(leaders, at) || PyDict_Contains(seen, at))) {
            failed = PySet_Add(leaders, at) || !set(&SLOT(block, block_goals), PyTuple_Pack(1, at));
            become(&SLOT(block, block_plain), Py_NewRef(Py_True));
            block = PyDict_Contains(seen, at) ? Py_None : begun(blocks, at);
        }
        if (failed)
            block = NULL;
    }
    PyObject *made = block ? PyTuple_Pack(2, block, at) : NULL;
    Py_DECREF(at);
    return made;
}

/* Put the blocks that are reached into `found`, each behind all that it leads to, but loops; their
   places are 1 then. `todo` has room for all of them and their goals. */
static int reached(PyObject *blocks, PyObject *entry, PyObject *found, PyObject **todo)
{
    Py_ssize_t left = 0;
    todo[left++] = PyDict_GetItemWithError(blocks, entry);
    while (left) {
        PyObject *block = todo[--left];
        if ((uintptr_t)block & 1) { /* all behind it are there */
            if (PyList_Append(found, (PyObject *)((uintptr_t)block - 1)))
                return 0;
        } else if (block && SLOT(block, block_place) == Py_None) {
            PyObject *goals = SLOT(block, block_goals);
            become(&SLOT(block, block_place), PyLong_FromLong(1));
            todo[left++] = (PyObject *)((uintptr_t)block | 1);
            for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(goals); i++)
                todo[left++] = PyDict_GetItemWithError(blocks, PyTuple_GET_ITEM(goals, i));
        }
    }
    return 1;
}

/* Give a block the places of its goals, or None. */
static int placed(PyObject *blocks, PyObject *block)
{
    PyObject *goals = SLOT(block, block_goals), *places = PyTuple_New(PyTuple_GET_SIZE(goals));
    for (Py_ssize_t i = 0; places && i < PyTuple_GET_SIZE(goals); i++) {
        PyObject *goal = PyDict_GetItemWithError(blocks, PyTuple_GET_ITEM(goals, i));
        if (!goal) {
            Py_DECREF(places);
            places = Py_NewRef(Py_None);
            break;
        }
        PyTuple_SET_ITEM(places, i, Py_NewRef(SLOT(goal, block_place)));
    }
    return set(&SLOT(block, block_places), places);
}

/* ordered(blocks, entry): loops.ordered_in_python. */
PyObject *ordered(PyObject *self, PyObject *const *of, Py_ssize_t count)
{
    PyObject *blocks = of[0], *at, *block, *found = PyList_New(0), *rest = PyList_New(0);
    Py_ssize_t room = 2, i = 0;
    (void)self;
    (void)count;
    while (PyDict_Next(blocks, &i, &at, &block)) {
        room += 1 + PyTuple_GET_SIZE(SLOT(block, block_goals));
        become(&SLOT(block, block_place), Py_NewRef(Py_None));
    }
    PyObject **todo = PyMem_Malloc(room * sizeof *todo);
    int fine = todo && found && rest && reached(blocks, of[1], found, todo) && !PyList_Reverse(found);
    PyMem_Free(todo);
    for (i = 0; fine && PyDict_Next(blocks, &i, &at, &block);)
        if (SLOT(block, block_place) == Py_None)
            fine = !PyList_Append(rest, at);
    fine = fine && !PyList_Sort(rest);
    for (i = 0; fine && i < PyList_GET_SIZE(rest); i++)
        fine = !PyList_Append(found, PyDict_GetItem(blocks, PyList_GET_ITEM(rest, i)));
    for (i = 0; fine && i < PyList_GET_SIZE(found); i++)
        fine = set(&SLOT(PyList_GET_ITEM(found, i), block_place), PyLong_FromSsize_t(i));
    for (i = 0; fine && i < PyList_GET_SIZE(found); i++)
        if (SLOT(PyList_GET_ITEM(found, i), block_plain) != Py_False)
            fine = placed(blocks, PyList_GET_ITEM(found, i));
    Py_XDECREF(rest);
    if (!fine)
        Py_CLEAR(found);
    return found;
}

/* Return where an unrelocated jump at an offset goes, or -1 if it is none. */
static int64_t jump_of(PyObject *where, PyObject *offset, int64_t high)
{
    const char *data = PyBytes_AS_STRING(PyTuple_GET_ITEM(where, 0));
    PyObject *e = PyDict_GetItemWithError(PyTuple_GET_ITEM(where, 1), offset);
    if (!e || small(SLOT(e, insn_flow)) == CALL)
        return -1;
    int64_t behind = small(offset) + small(SLOT(e, insn_length)), near = small(SLOT(e, insn_near));
    PyObject *field = PyLong_FromLongLong(high + behind - 4);
    int relocated = PyDict_Contains(PyTuple_GET_ITEM(where, 2), field);
    Py_DECREF(field);
    if (relocated || (near != 1 && near != 4))
        return -1;
    int32_t distance = (int8_t)data[behind - 1];
    if (near == 4)
        memcpy(&distance, data + behind - 4, 4);
    return high + behind + distance;
}

/* leaving((data, at, relocations, branches, Target), offsets, start, end): see loops.py. */
PyObject *leaving(PyObject *self, PyObject *const *of, Py_ssize_t count)
{
    PyObject *where = of[0], *found = PyList_New(0), *branches = PyTuple_GET_ITEM(where, 3);
    int64_t start = small(of[2]), end = small(of[3]), high = start & ~(int64_t)0xFFFFFFFF;
    (void)self;
    (void)count;
    for (Py_ssize_t i = 0; found && i < PyList_GET_SIZE(of[1]); i++) {
        PyObject *offset = PyList_GET_ITEM(of[1], i);
        int64_t goal = jump_of(where, offset, high);
        int failed;
        if (goal < start || goal >= end)
            failed = PyList_Append(found, offset);
        else {
            PyObject *at = PyLong_FromLongLong(high | small(offset));
            PyObject *fields = Py_BuildValue("((LsiOO))", (long long)goal, "", 0, Py_False, Py_False);
            PyObject *target = PyTuple_Type.tp_new((PyTypeObject *)PyTuple_GET_ITEM(where, 4), fields,
                                                   NULL);
            failed = !target || PyDict_SetItem(branches, at, target);
            Py_DECREF(at);
            Py_XDECREF(fields);
            Py_XDECREF(target);
        }
        if (failed)
            Py_CLEAR(found);
    }
    return found;
}
