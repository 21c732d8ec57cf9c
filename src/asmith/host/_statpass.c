/* The stat pass of asmith.host.signature, in C.

   Built when asmith is installed where there is a compiler and Python's headers; without it the
   same pass in Python gives the same answer (tests/unit/host holds them against each other). */

#define _GNU_SOURCE
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FORMAT = 2,  /* of the arguments; asmith.host.signature uses no other */
    FIELDS = 4,  /* numbers a signature */
    SHARE = 1000 /* files that are worth a thread */
};

struct part {
    int root;               /* descriptor of the directory that paths are relative to */
    const char *directory;  /* the one in effect at `at`, or null */
    const char *at, *end;   /* blocks of a zero, a directory, and the names in it, each with a zero */
    const int64_t *wanted;  /* mtime, ctime, inode, size of each */
    Py_ssize_t count;
    int64_t written;
    unsigned char *differs; /* the answer, one byte a file */
    pthread_t thread;
};

static int64_t nanoseconds(struct timespec time)
{
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Return the next name and take note of its directory; null at the end. */
static const char *next(struct part *part)
{
    while (part->at < part->end) {
        const char *text = part->at;
        part->at += strlen(text) + 1;
        if (text[0])
            return text;
        if (part->at < part->end) {
            part->directory = part->at;
            part->at += strlen(part->at) + 1;
        }
    }
    return NULL;
}

/* Look at the files of one part, each relative to its directory. */
static void *look(void *argument)
{
    struct part *part = argument;
    const char *opened = NULL;
    int directory = -1;

    for (Py_ssize_t k = 0; k < part->count; k++) {
        const char *name = next(part);
        const int64_t *wanted = part->wanted + FIELDS * k;
        struct stat found;

        if (part->directory && part->directory != opened) {
            if (directory >= 0)
                close(directory);
            opened = part->directory;
            directory = openat(part->root, opened, O_PATH | O_DIRECTORY | O_CLOEXEC);
        }
        part->differs[k] =
            !name || directory < 0 || fstatat(directory, name, &found, 0)
            || nanoseconds(found.st_mtim) != wanted[0] || nanoseconds(found.st_ctim) != wanted[1]
            || (int64_t)found.st_ino != wanted[2] || (int64_t)found.st_size != wanted[3]
            || nanoseconds(found.st_ctim) >= part->written;
    }
    if (directory >= 0)
        close(directory);
    return NULL;
}

/* Look at all files, the second half of many in a thread of its own. */
static void look_at_all(struct part *all)
{
    struct part second = *all;
    Py_ssize_t half = all->count / 2;

    if (all->count >= 2 * SHARE) {
        for (Py_ssize_t k = 0; k < half; k++)
            next(&second);
        second.wanted += FIELDS * half;
        second.differs += half;
        second.count -= half;
        if (!pthread_create(&second.thread, NULL, look, &second)) {
            all->count = half;
            look(all);
            pthread_join(second.thread, NULL);
            return;
        }
    }
    look(all);
}

/* Return how many names there are: all zeros, less the two of each directory. */
static Py_ssize_t names(const char *paths, Py_ssize_t size)
{
    Py_ssize_t zeros = 0, directories = 0;

    for (Py_ssize_t k = 0; k < size; k++) {
        zeros += !paths[k];
        directories += !paths[k] && (!k || !paths[k - 1]);
    }
    return zeros - 2 * directories;
}

static PyObject *indices(const unsigned char *differs, Py_ssize_t count)
{
    PyObject *made = PyList_New(0);

    for (Py_ssize_t k = 0; made && k < count; k++) {
        PyObject *index = differs[k] ? PyLong_FromSsize_t(k) : NULL;
        if (differs[k] && (!index || PyList_Append(made, index)))
            Py_CLEAR(made);
        Py_XDECREF(index);
    }
    return made;
}

static PyObject *differing(PyObject *module, PyObject *arguments)
{
    const char *root;
    Py_buffer paths, wanted;
    long long written;
    PyObject *made = NULL;

    (void)module;
    if (!PyArg_ParseTuple(arguments, "sy*y*L", &root, &paths, &wanted, &written))
        return NULL;
    const char *text = paths.buf;
    Py_ssize_t size = paths.len, count = names(text, size);
    struct part all = {.at = text, .end = text + size, .wanted = wanted.buf, .count = count,
                       .written = written};
    if (count < 0 || count * (Py_ssize_t)sizeof(int64_t) * FIELDS != wanted.len
        || (size && (text[0] || text[size - 1]))) {
        PyErr_SetString(PyExc_ValueError, "as many signatures as paths are needed");
    } else if (!(all.differs = PyMem_Malloc((size_t)count + 1))) {
        PyErr_NoMemory();
    } else if ((all.root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0) {
        PyErr_SetFromErrnoWithFilename(PyExc_OSError, root);
    } else {
        Py_BEGIN_ALLOW_THREADS
        look_at_all(&all);
        close(all.root);
        Py_END_ALLOW_THREADS
        made = indices(all.differs, count);
    }
    PyMem_Free(all.differs);
    PyBuffer_Release(&paths);
    PyBuffer_Release(&wanted);
    return made;
}

static PyMethodDef methods[] = {
    {"differing", differing, METH_VARARGS, "See asmith.host.signature.differing."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "_statpass", "The stat pass in C.", -1, methods, NULL, NULL, NULL, NULL,
};

PyMODINIT_FUNC PyInit__statpass(void)
{
    PyObject *module = PyModule_Create(&definition);

    if (module && PyModule_AddIntConstant(module, "FORMAT", FORMAT))
        Py_CLEAR(module);
    return module;
}
