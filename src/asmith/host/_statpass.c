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

enum { FIELDS = 4, SHARE = 2000 }; /* numbers a signature; files that are worth a thread */

struct part {
    int root;               /* descriptor of the directory that paths are relative to */
    const char *path;       /* the first of `count` paths, each with its final zero */
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

/* Look at the files of one part. Paths come sorted, so the directory of most is open already. */
static void *look(void *argument)
{
    struct part *part = argument;
    const char *path = part->path, *opened = NULL;
    size_t length = 0;
    int directory = -1;

    for (Py_ssize_t k = 0; k < part->count; k++) {
        const char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        size_t above = (size_t)(name - path);
        struct stat found;

        if (!opened || above != length || memcmp(opened, path, above)) {
            char parent[4096] = ".";
            if (directory >= 0)
                close(directory);
            if (above >= sizeof parent) {
                directory = -1;
            } else {
                memcpy(parent, path, above);
                parent[above ? above : 1] = 0;
                directory = openat(part->root, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
            }
            opened = path;
            length = above;
        }
        const int64_t *wanted = part->wanted + FIELDS * k;
        part->differs[k] =
            directory < 0 || fstatat(directory, name, &found, 0)
            || nanoseconds(found.st_mtim) != wanted[0] || nanoseconds(found.st_ctim) != wanted[1]
            || (int64_t)found.st_ino != wanted[2] || (int64_t)found.st_size != wanted[3]
            || nanoseconds(found.st_ctim) >= part->written;
        path = name + strlen(name) + 1;
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
            second.path += strlen(second.path) + 1;
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
    const char *root, *paths;
    Py_ssize_t size;
    Py_buffer wanted;
    long long written;
    PyObject *made = NULL;

    (void)module;
    if (!PyArg_ParseTuple(arguments, "sy#y*L", &root, &paths, &size, &wanted, &written))
        return NULL;
    struct part all = {.path = paths, .wanted = wanted.buf, .written = written};
    for (Py_ssize_t k = 0; k < size; k++)
        all.count += !paths[k];
    Py_ssize_t count = all.count;
    if (count * (Py_ssize_t)sizeof(int64_t) * FIELDS != wanted.len || (size && paths[size - 1])) {
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
    return PyModule_Create(&definition);
}
