/* The sweep of asmith.toolchain.decode over instructions that have been seen before, in C.

   Built when asmith is installed where there is a compiler and Python's headers. How long an
   instruction is, it only guesses, for common opcodes: no instruction is the beginning of another
   one, so a guess that finds a description has found the right one. The rest is the decoder's. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>
#include <stdint.h>
#include <string.h>

enum { FORMAT = 1 }; /* of the arguments; asmith.toolchain.decode uses no other */
enum { LONGEST = 16, CALL = 1, BRANCH = 3, JUMP = 4 };
enum { MODRM = 16, WIDE = 32, UNKNOWN = 64 }; /* what follows an opcode, besides bytes */

static Py_ssize_t at_flow, at_length, at_disp, first_slot, last_slot;

/* The shape of an instruction: its length; of a near branch, how many bytes come before its
   distance; where its displacement is, if it has one, and if that is its only constant. */
struct shape { int length, before, disp_at, disp_size; };

/* Say what follows an opcode of one byte: so many bytes, a ModRM byte. */
static int after(int op, int reg)
{
    if (op < 0x40)
        return (op & 7) < 4 ? MODRM : (op & 7) < 6 ? 1 + 3 * (op & 1) : UNKNOWN;
    if (op >= 0x50 && op < 0x60)
        return 0;
    if (op >= 0xB0 && op < 0xC0)
        return op < 0xB8 ? 1 : 4 | WIDE;
    switch (op) {
    case 0x68: case 0xA9: return 4;
    case 0x6A: case 0xA8: return 1;
    case 0x69: case 0x81: case 0xC7: return MODRM | 4;
    case 0x6B: case 0x80: case 0x83: case 0xC0: case 0xC1: case 0xC6: return MODRM | 1;
    case 0xF6: return MODRM | (reg < 2);
    case 0xF7: return MODRM | 4 * (reg < 2);
    case 0x63: case 0xFE: case 0xFF: return MODRM;
    case 0x90: case 0x98: case 0x99: case 0xC3: case 0xC9: case 0xCC: return 0;
    }
    return (op >= 0x84 && op < 0x8E) || (op >= 0xD0 && op < 0xD4) || (op >= 0xD8 && op < 0xE0)
               ? MODRM : UNKNOWN;
}

/* The same for those of two bytes, after 0f. */
static int after_0f(int op)
{
    if (op == 0x0B || op == 0x05 || op == 0xA2 || (op >= 0xC8 && op < 0xD0))
        return 0;
    if ((op >= 0x70 && op < 0x74) || op == 0xA4 || op == 0xAC || op == 0xBA || op == 0xC2 ||
        (op >= 0xC4 && op < 0xC7))
        return MODRM | 1;
    return op < 0x10 || op == 0x38 || op == 0x3A || op == 0x77 ? UNKNOWN : MODRM;
}

/* Guess the shape of an instruction; false if it is not a common one. `code` has LONGEST bytes. */
static int guessed(const uint8_t *code, struct shape *found)
{
    const uint8_t *at = code;
    int half = 0, rex = 0, more;
    if (*at == 0x66 || *at == 0xF2 || *at == 0xF3)
        half = *at++ == 0x66;
    if ((*at & 0xF0) == 0x40)
        rex = *at++;
    int op = *at++;
    *found = (struct shape){0, 0, 0, 0};
    if (at == code + 1 && ((op & 0xF0) == 0x70 || op == 0xE8 || op == 0xE9 || op == 0xEB)) {
        found->before = 1;
        found->length = op == 0xE8 || op == 0xE9 ? 5 : 2;
        return 1;
    }
    if (op == 0x0F) {
        op = *at++;
        if ((op & 0xF0) == 0x80) {
            found->before = 2;
            found->length = 6;
            return at == code + 2;
        }
        more = after_0f(op);
    } else
        more = after(op, *at >> 3 & 7);
    if (more & UNKNOWN)
        return 0;
    int size = more & 7;
    if (size == 4 && half)
        size = 2;
    if (more & WIDE && rex & 8)
        size = 8;
    if (more & MODRM) {
        int mod = *at >> 6, rm = *at & 7;
        at++;
        if (mod != 3 && rm == 4)
            rm = *at++ & 7;
        int disp = mod == 1 ? 1 : mod == 2 || (mod == 0 && rm == 5) ? 4 : 0;
        if (!size) {
            found->disp_at = (int)(at - code);
            found->disp_size = disp;
        }
        at += disp;
    }
    found->length = (int)(at - code) + size;
    return 1;
}

/* copied(insn): another description that is the same: Insn.copy. */
static PyObject *copied(PyObject *self, PyObject *insn)
{
    PyObject *made = Py_TYPE(insn)->tp_alloc(Py_TYPE(insn), 0);
    (void)self;
    for (Py_ssize_t at = first_slot; made && at <= last_slot; at += sizeof(PyObject *))
        *(PyObject **)((char *)made + at) = Py_XNewRef(*(PyObject **)((char *)insn + at));
    return made;
}

/* Describe an instruction like one that differs in its displacement alone: Code._described. Null if
   there is none, or after an error. */
static PyObject *varied(PyObject *forms, const char *code, const struct shape *shape)
{
    char form[LONGEST];
    int behind = shape->length - shape->disp_at - shape->disp_size;
    memcpy(form, code, shape->disp_at);
    memcpy(form + shape->disp_at, code + shape->disp_at + shape->disp_size, behind);
    PyObject *name = PyBytes_FromStringAndSize(form, shape->disp_at + behind);
    PyObject *like = name ? PyDict_GetItemWithError(forms, name) : NULL;
    PyObject *made = like ? copied(NULL, like) : NULL;
    Py_XDECREF(name);
    if (!made)
        return NULL;
    int32_t distance = (int8_t)code[shape->disp_at];
    if (shape->disp_size == 4)
        memcpy(&distance, code + shape->disp_at, 4);
    PyObject **place = (PyObject **)((char *)made + at_disp), *old = *place;
    *place = PyLong_FromLong(distance);
    Py_XDECREF(old);
    return made;
}

/* sweep(data, at, interned, forms, offset, stop, found): describe what is known from an offset on;
   return where something else comes. Direct calls and jumps are added to `found`. */
static PyObject *sweep(PyObject *self, PyObject *const *of, Py_ssize_t count)
{
    const uint8_t *data = (const uint8_t *)PyBytes_AS_STRING(of[0]);
    Py_ssize_t size = PyBytes_GET_SIZE(of[0]);
    Py_ssize_t offset = PyLong_AsSsize_t(of[4]), stop = PyLong_AsSsize_t(of[5]);
    (void)self;
    (void)count;
    while (offset < stop && !PyErr_Occurred()) {
        PyObject *place = PyLong_FromSsize_t(offset);
        PyObject *insn = PyDict_GetItemWithError(of[1], place);
        struct shape shape;
        if (!insn && offset + LONGEST <= size && guessed(data + offset, &shape)) {
            const char *code = (const char *)data + offset;
            PyObject *raw = PyBytes_FromStringAndSize(code, shape.before ? shape.before
                                                                         : shape.length);
            insn = PyDict_GetItemWithError(shape.before ? of[3] : of[2], raw);
            Py_XINCREF(insn);
            if (!insn && shape.disp_size && (insn = varied(of[3], code, &shape)) &&
                PyDict_SetItem(of[2], raw, insn))
                Py_CLEAR(insn);
            Py_DECREF(raw);
            if (insn && PyDict_SetItem(of[1], place, insn))
                Py_CLEAR(insn);
            Py_XDECREF(insn); /* `at` holds it */
        }
        if (!insn) {
            Py_DECREF(place);
            break;
        }
#define NUMBER(at) PyLong_AsLong(*(PyObject **)((char *)insn + (at)))
        long flow = NUMBER(at_flow);
        if (flow == CALL || flow == BRANCH || flow == JUMP)
            PyList_Append(of[6], place);
        offset += NUMBER(at_length);
        Py_DECREF(place);
    }
    return PyErr_Occurred() ? NULL : PyLong_FromSsize_t(offset);
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

/* setup(Insn): whether it can be used. */
static PyObject *setup(PyObject *self, PyObject *insn)
{
    PyObject *slots = PyObject_GetAttrString(insn, "__slots__");
    Py_ssize_t at, size = slots ? PyTuple_Size(slots) : -1;
    int fits = size > 0 && offset_of(insn, "flow", &at_flow) &&
               offset_of(insn, "length", &at_length) && offset_of(insn, "disp", &at_disp);
    (void)self;
    for (Py_ssize_t i = 0; fits && i < size; i++) {
        fits = offset_of(insn, PyUnicode_AsUTF8(PyTuple_GET_ITEM(slots, i)), &at);
        first_slot = !i || at < first_slot ? at : first_slot;
        last_slot = !i || at > last_slot ? at : last_slot;
    }
    Py_XDECREF(slots);
    fits = fits && last_slot - first_slot == (size - 1) * (Py_ssize_t)sizeof(PyObject *);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(fits);
}

static PyMethodDef methods[] = {
    {"setup", setup, METH_O, "Learn where things are."},
    {"copied", copied, METH_O, "Copy a description."},
    {"sweep", (PyCFunction)(void (*)(void))sweep, METH_FASTCALL, "Describe what is known."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "_known", "Instructions that have been seen before.", -1, methods,
    NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__known(void)
{
    PyObject *made = PyModule_Create(&module);
    if (made && PyModule_AddIntConstant(made, "FORMAT", FORMAT))
        Py_CLEAR(made);
    return made;
}
