"""External interfaces are compared with the real headers, one construct at a time."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from asmith.abi.external import differences, probe_source, spelled
from asmith.errors import UsageError
from unit.abi.gcc_oracle import interface_of

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc compiles the probe")

LIBC = r"""//@ asm library "c" header "stdlib.h" "time.h" "unistd.h" "stdio.h" "limits.h";
#include <sys/types.h>
typedef struct { int quot, rem; } div_t;
struct tm {
    int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
    long tm_gmtoff;
    const char *tm_zone;
};
#define EXIT_FAILURE 1
#define P_tmpdir "/tmp"
#define INT_MIN (-2147483647 - 1)
#define ULONG_MAX 18446744073709551615ul
#define BUFSIZ 8192
extern char **environ2;
extern int opterr;
div_t div(int a, int b);
//@ requires compare != \null;
void qsort(void *base, size_t n, size_t size, int (*compare)(const void *a, const void *b));
int printf(const char *format, ...);
struct tm *gmtime_r(const time_t *when, struct tm *out);
"""


def told(text: str) -> dict[str, str]:
    """Return what gcc says of the probe of a header."""
    source = probe_source(interface_of(text))
    command = ["gcc", "-std=gnu11", "-D_GNU_SOURCE", "-fsyntax-only", "-x", "c", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, check=False)
    found = differences(done.stderr)
    assert bool(done.returncode) == bool(found), done.stderr
    return found


def test_a_faithful_interface_differs_in_nothing() -> None:
    assert told(LIBC.replace("extern char **environ2;\n", "")) == {}


@pytest.mark.parametrize(
    ("old", "new", "subject", "what"),
    [
        ("div(int a, int b)", "div(int a, long b)", "div", "another type"),
        ("int printf", "long printf", "printf", "another type"),
        ("format, ...", "format", "printf", "another type"),
        ("int quot, rem", "int rem, quot", "div_t.rem", "another offset"),
        ("const char *tm_zone", "char *tm_zone", "tm.tm_zone", "another type"),
        ("tm_zone;", "tm_zone; long more;", "tm", "another size"),
        ("EXIT_FAILURE 1", "EXIT_FAILURE 2", "EXIT_FAILURE", "another value"),
        ('"/tmp"', '"/tmp/"', "P_tmpdir", "another value"),
        ("int opterr", "long opterr", "opterr", "another type"),
        ("environ2", "environ3", "environ3", "undeclared"),
    ],
)
def test_a_difference_is_told_by_its_subject(old: str, new: str, subject: str, what: str) -> None:
    text = LIBC if "environ" in old else LIBC.replace("extern char **environ2;\n", "")
    assert text.count(old) == 1
    assert what in told(text.replace(old, new))[subject]


def test_an_interface_without_headers_cannot_be_compared() -> None:
    for text in ("extern int x;", '//@ asm library "c";\nint f(void);'):
        with pytest.raises(UsageError, match="names no header"):
            probe_source(interface_of(text))


def test_types_are_spelled_without_contracts() -> None:
    interface = interface_of(
        "typedef struct { int a; } item;\n//@ requires n > 0; assigns \\nothing;\n"
        "typedef item *(*visit)(item *i, int n);\nextern visit all[3];"
    )
    assert spelled(interface.data["all"].type, interface.types, "x") == "item *(*x[3])(item *, int)"
