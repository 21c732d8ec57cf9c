"""External interfaces against the real headers and libraries of this machine, and drafts."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from asmith.contract.reader import read_interfaces
from asmith.errors import AsmithError, UnavailableError, UsageError
from asmith.host import files
from asmith.model.contract import Interface, Pointer
from asmith.model.names import InterfaceName
from asmith.toolchain import elf, header, link
from asmith.toolchain.header_draft import draft
from asmith.toolchain.parameter_names import parameter_names

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="the C compiler judges headers")

ROOT = Path(__file__).parents[3]
LIBC = r"""//@ asm library "libc" header "stdlib.h" header "stdio.h" header "time.h";
#include <stddef.h>
#include <stdarg.h>
typedef struct { int quot, rem; } div_t;
typedef struct _IO_FILE FILE;
struct timespec {
    long tv_sec;
    long tv_nsec;
};
#define EXIT_FAILURE 1
#define P_tmpdir "/tmp"
extern FILE *stdout;
div_t div(int a, int b);
int printf(const char *format, ...);
int vprintf(const char *format, va_list rest);
int nanosleep(const struct timespec *wanted, struct timespec *rest);
int pipe_is_not_here(void);
"""
AGREEING = LIBC.replace("int pipe_is_not_here(void);\n", "")


def read(text: str, name: str = "outside") -> Interface:
    """Return the interface that a header's text says."""
    key = InterfaceName(name)
    return read_interfaces({key: (f"interfaces/{name}.h", text.encode())})[key]


def installed(package: str) -> bool:
    done = subprocess.run(["pkg-config", "--exists", package], check=False)
    return done.returncode == 0


# ---- comparing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["libc", "libpq", "yajl"])
def test_the_interfaces_of_the_repository_agree_with_what_is_installed(name: str) -> None:
    if name != "libc" and not installed(name):
        pytest.skip(f"{name} is not installed")
    interface = read((ROOT / f"interfaces/{name}.h").read_text(), name)
    assert interface.library is not None
    assert header.compare(interface) == {}
    path = link.resolve(interface.library.name, "").path
    symbols = elf.dynamic_symbols(files.read_bytes(path), str(path))
    assert header.exported(interface, symbols) == ()
    assert header.findings(interface, {}, ()) == ()


@pytest.mark.parametrize(
    ("old", "new", "subject", "line", "what"),
    [
        ("int b);", "long b);", "div", 13, "has another type: div_t div(int numer, int denom)"),
        ("format, ...", "format", "printf", 14, "another type: int printf(const char *format, ..."),
        ("va_list rest", "void *rest", "vprintf", 15, "int vprintf(const char *format, va_list"),
        ("FILE *stdout", "FILE **stdout", "stdout", 12, "another type"),
        ("FAILURE 1", "FAILURE 2", "EXIT_FAILURE", 10, "the header has another value: 1"),
        ('"/tmp"', '"/tmp/"', "P_tmpdir", 11, 'the header has another value: "/tmp"'),
        ("long tv_nsec;", "int tv_nsec;", "timespec.tv_nsec", 8, "long tv_nsec at offset 8"),
        ("long tv_sec;", "", "timespec.tv_nsec", 8, "another offset: long tv_nsec at offset 8"),
        ("tv_nsec;", "tv_nsec, more;", "timespec", 6, "another size: 16 bytes"),
        ("tv_nsec;", "tv_nsec; int more;", "timespec.more", 8, "no member named 'more'"),
        ("int quot, rem", "int rem, quot", "div_t.rem", 4, "int rem at offset 4"),
        ("", "int absent(void);", "absent", 17, "'absent' undeclared"),
        ("", "int sscanf(const char *, const char *, ...);", "sscanf", 17, "'__isoc99_sscanf'"),
    ],
)
def test_each_kind_of_difference_is_found_with_its_line(
    old: str, new: str, subject: str, line: int, what: str
) -> None:
    text = AGREEING.replace(old, new, 1) if old else f"{AGREEING}{new}\n"
    interface = read(text)
    told = header.compare(interface)
    what = what.replace("has another type", "declares another type")
    assert what in told[subject]
    found = {f.message.split("'")[1]: f for f in header.findings(interface, told, ())}
    assert (found[subject].rule, found[subject].line) == ("EXT001", line)


def test_what_agrees_differs_in_nothing_and_the_golden_message_of_what_does_not() -> None:
    assert header.compare(read(AGREEING)) == {}
    interface = read(AGREEING.replace("int b);", "long b);"))
    (finding,) = header.findings(interface, header.compare(interface), ())
    assert finding.render() == (
        """\
error[EXT001]: 'div' differs from the real header: the header declares another type: \
div_t div(int numer, int denom)
  --> interfaces/outside.h:13
why:  libc was compiled with <stdlib.h>, <stdio.h>, <time.h>: calls under another declaration break
help: write what the header says; 'asmith import-header' drafts it"""
    )


def test_a_name_that_is_no_type_hides_no_other_difference() -> None:
    text = "typedef struct { int x; } absent_t;\nint puts(absent_t *p);\nlong getchar(void);\n"
    told = header.compare(read(f'//@ asm library "libc" header "stdio.h";\n{text}'))
    assert set(told) == {"absent_t", "absent_t.x", "puts", "getchar"}


def test_names_of_gnu_source_count_as_declared() -> None:
    text = '//@ asm library "libc" header "sys/socket.h";\nstruct sockaddr;\n'
    text += "int accept4(int fd, struct sockaddr *address, unsigned int *size, int flags);\n"
    assert header.compare(read(text)) == {}


def test_what_the_library_does_not_export_is_named_with_its_line() -> None:
    interface = read(LIBC)
    missing = header.exported(interface, frozenset({"div", "printf", "vprintf", "nanosleep"}))
    assert missing == ("pipe_is_not_here", "stdout")
    found = header.findings(interface, {}, missing)
    assert [(f.rule, f.line) for f in found] == [("EXT002", 12), ("EXT002", 17)]
    assert found[1].message == "libc does not export 'pipe_is_not_here'"


@pytest.mark.parametrize(
    ("clause", "kind", "message"),
    [
        ('"libc" header "no/such.h"', UnavailableError, "header 'no/such.h' is not installed"),
        ('"nosuch" header "stdio.h"', UnavailableError, "headers of 'nosuch' are not installed"),
        ('"libc" header "vector"', UsageError, "<vector> is a C++ header"),
        ('"libc"', UsageError, "names no header"),
    ],
)
def test_headers_that_cannot_be_compared(
    clause: str, kind: type[AsmithError], message: str
) -> None:
    with pytest.raises(kind, match=re.escape(message)) as caught:
        header.compare(read(f"//@ asm library {clause};\nint f(void);\n"))
    assert caught.value.help


# ---- drafting ------------------------------------------------------------------------------------

HEADERS = {
    "libpq-fe.h": "libpq: PQconnectStart PQsendQueryPrepared PQresultStatus PG_DIAG_SQLSTATE "
    "PQsetNoticeProcessor PQconninfoOption PGconn Oid",
    "yajl/yajl_parse.h": "yajl: yajl_alloc yajl_parse yajl_config yajl_callbacks yajl_status",
    "zlib.h": "zlib: inflate z_stream ZLIB_VERSION Z_OK crc32 zlibVersion",
    "sys/epoll.h": "libc: epoll_create1 epoll_ctl epoll_wait epoll_event EPOLLIN EPOLLET",
    "netinet/in.h": "libc: sockaddr_in in_addr htons INADDR_ANY IPPROTO_TCP",
    "sys/socket.h": "libc: accept connect bind sockaddr msghdr SOCK_STREAM SO_REUSEADDR",
    "time.h": "libc: clock_gettime strftime tm timespec timezone CLOCK_MONOTONIC",
    "stdio.h": "libc: fopen fprintf vprintf getline stdin BUFSIZ EOF P_tmpdir",
    "stdlib.h": "libc: abort div qsort getenv div_t EXIT_FAILURE",
    "signal.h": "libc: signal sigaction SIGTERM",
    "limits.h": "libc: INT_MIN LONG_MIN ULONG_MAX",
}


def drafted(name: str, *symbols: str) -> tuple[str, Interface]:
    library, _, names = HEADERS[name].partition(": ")
    if library != "libc" and not installed(library):
        pytest.skip(f"{library} is not installed")
    return draft(name, symbols or names.split(), library=library)


@pytest.mark.parametrize("name", HEADERS)
def test_a_draft_is_an_interface_that_agrees_with_its_header(name: str) -> None:
    text, interface = drafted(name)
    again = read(text)
    assert header.compare(again) == {}
    assert again.functions == interface.functions
    subjects = {*again.functions, *again.data, *again.constants, *again.aggregates}
    opaque = {"PGconn", "Oid", "PQconninfoOption", "z_stream"}  # names of other types
    assert set(HEADERS[name].partition(": ")[2].split()) <= subjects | opaque


@pytest.mark.parametrize("name", HEADERS)
def test_the_clauses_in_comments_are_clauses(name: str) -> None:
    text, _ = drafted(name)
    spoken = re.sub(r"// (requires|assigns|asm) ", r"\1 ", text)
    assert sum(len(f.clauses) for f in read(spoken).functions.values()) == spoken.count(
        "assigns "
    ) + spoken.count("requires ") + len(re.findall("asm (?:mutates|outcome) ", spoken))


def test_drafts_are_c_and_cplusplus(tmp_path: Path) -> None:
    text = "".join(drafted(name)[0] for name in ("sys/epoll.h", "stdio.h", "zlib.h"))
    (tmp_path / "draft.h").write_text(text)
    for language in ("c", "c++"):
        command = [language.replace("c", "cc", 1) if language == "c" else "c++", "-x", language]
        subprocess.run([*command, "-fsyntax-only", tmp_path / "draft.h"], check=True)


def test_only_what_is_asked_for_is_complete() -> None:
    text, interface = drafted("stdio.h")
    assert "typedef struct _IO_FILE FILE;" in text
    assert interface.aggregates == {}
    text, interface = drafted("sys/epoll.h", "epoll_ctl")
    assert "struct epoll_event;\n" in text
    _, interface = draft("sys/stat.h", ["stat", "struct stat"], library="libc")
    assert (interface.aggregates["stat"].size, set(interface.functions)) == (144, {"stat"})
    _, interface = drafted("sys/epoll.h", "struct epoll_event")
    assert interface.aggregates["epoll_event"].packed
    assert (interface.aggregates["epoll_event"].size, set(interface.functions)) == (12, set())


def test_the_golden_draft_of_a_function() -> None:
    text, _ = drafted("time.h", "strftime")
    assert text == (
        r"""#ifndef TIME_H
#define TIME_H

#include <stddef.h>

/*@ asm library "libc" header "time.h"; */

#ifdef __cplusplus
extern "C" {
#endif

struct tm;

/*@ // requires maxsize == 0 || \valid(s + (0 .. maxsize-1));
  @ // requires valid_read_string(format);
  @ // requires tp != \null;
  @ // assigns errno;
  @*/
size_t strftime(char *s, size_t maxsize, const char *format, const struct tm *tp);

#ifdef __cplusplus
}
#endif

#endif
"""
    )


def test_what_never_returns_and_function_pointers_are_drafted() -> None:
    _, interface = drafted("stdlib.h")
    assert interface.functions["abort"].noreturn
    text, interface = drafted("signal.h", "signal")
    assert isinstance(interface.functions["signal"].result, Pointer)
    assert "void (*signal(int sig, void (*handler)(int)))(int);" in text


MADE = r"""
#ifndef MADE_H
#define MADE_H
#include <stdint.h>
struct list { struct list *next; struct rope *other; int (*visit)(struct list *self); };
struct rope { struct list head; char text[]; };
typedef struct node node_t;
struct node {
    node_t *next;
    enum { RED, BLACK } color;
    struct { int a; union { int b; long c; }; };
};
typedef const char *const *names;
typedef struct { uint8_t kind; uint32_t size; } __attribute__((packed)) wire;
struct aligned { int x; } __attribute__((aligned(64)));
struct bits { unsigned a : 3; };
struct fixed { const int x; };
struct loose { struct { int x; } inner; };
enum wide { WIDE = 0x80000000 };
enum far { NEAR = -2, FAR = 7 };
extern volatile int flag;
extern _Atomic int counter;
extern const char *const words[3];
extern int table[][4];
int old();
static inline int quick(int x) { return x; }
int bound(int x) __asm__("bound_v2");
int by_value(wire w, enum far f, names n, int, struct loose *template, int [4], int x, int y);
void unnamed(int, char *);
#define TEXT "a\"b\001c" "d"
#define HUGE 0xffffffffffffffffu
#define CALL(x) (x)
#define NOTHING
#define REAL 1.5
#endif
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a header that the compiler finds."""
    (tmp_path / "made.h").write_text(MADE)
    monkeypatch.setenv("CPATH", str(tmp_path))
    return "made.h"


def test_every_construct_of_the_language_is_drafted(made: str) -> None:
    symbols = "list rope node_t names wire far words table by_value unnamed TEXT HUGE NEAR"
    text, interface = draft(made, symbols.split(), library="libc")
    assert interface.constants["TEXT"].value == 'a"b\001cd'
    assert interface.constants["HUGE"].value == (1 << 64) - 1
    assert interface.constants["NEAR"].value == -2
    assert interface.aggregates["wire"].packed
    assert [f.name for f in interface.aggregates["node"].fields] == ["next", "color", "a", "b", "c"]
    assert "int by_value(wire w, enum far f, names n, int p4, struct loose *p5, int *p6," in text
    assert "void unnamed(int p1, char *p2);" in text
    assert "extern const char *const words[3];" in text


@pytest.mark.parametrize(
    ("symbol", "message"),
    [
        ("bits", "a bit-field in 'bits.a'"),
        ("aligned", "an alignment of its own in 'aligned'"),
        ("fixed", "a const member in 'fixed.x'"),
        ("loose", "a member whose struct has neither tag nor typedef in 'loose.inner'"),
        ("wide", "an enum whose values do not fit into int in 'wide'"),
        ("flag", "'volatile' in 'flag'"),
        ("counter", "'_Atomic' in 'counter'"),
        ("old", "a function without a prototype in 'old'"),
        ("quick", "'quick' is defined in <made.h> itself"),
        ("bound", "'bound' is bound to another symbol by <made.h>: 'bound_v2'"),
        ("CALL", "'CALL' is a macro with parameters in <made.h>"),
        ("NOTHING", "the macro 'NOTHING' of <made.h> is neither an integer nor a string"),
        ("REAL", "the macro 'REAL' of <made.h> is neither an integer nor a string"),
        ("by_valu", "<made.h> declares no 'by_valu'; did you mean 'by_value'?"),
        ("enum list", "<made.h> declares no 'list'"),
        ("a b", "'a b' is no name of C"),
    ],
)
def test_what_no_interface_can_say_is_refused_by_name(made: str, symbol: str, message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        draft(made, [symbol], library="libc")
    assert caught.value.help


def test_a_header_that_is_no_c_is_refused_with_its_own_message(made: str, tmp_path: Path) -> None:
    (tmp_path / "made.h").write_text("int f(unknown_t x);\n")
    with pytest.raises(UnavailableError, match="cannot be compiled as C") as caught:
        draft(made, ["f"], library="libc")
    assert "unknown type name 'unknown_t'" in (caught.value.why or "")


@pytest.mark.parametrize(
    ("declaration", "names"),
    [
        ("int f(int __fd, const char *__restrict __name);", ["fd", "name"]),
        ("int f(int, void *);", ["p1", "p2"]),
        ("int f(struct a, struct a *a);", ["p1", "a"]),
        ("int (f) (size_t n, int (*cmp)(int a, int b));", ["n", "cmp"]),
        ("int f(int class, int x);", ["p1", "x"]),
        ("int f(int a[2], int taken) __attribute__ ((x));", ["a", "p2"]),
        ("int f(int x, int x_);", ["x", "x_"]),
        ("int g(int a, int b);", ["p1", "p2"]),
        ("extern int y = f(1, 2); int f(int a, int b, ...);", ["a", "b"]),
    ],
)
def test_names_of_parameters(declaration: str, names: list[str]) -> None:
    assert parameter_names(declaration, "f", 2, {"taken"}) == names
