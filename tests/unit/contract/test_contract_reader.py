"""What a header says, as the reader tells it."""

from __future__ import annotations

import pytest

from asmith.contract import sheet
from asmith.contract.basic import SCALARS
from asmith.contract.reader import read_interface, read_interfaces
from asmith.contract.render import declare
from asmith.errors import UsageError
from asmith.model.contract import (
    Applied,
    FunctionType,
    Interface,
    Name,
    Named,
    Operation,
    Pointer,
    Predicate,
    Role,
)
from asmith.model.names import InterfaceName, digest_bytes

BUFFER = rb"""/* growable bytes */
#ifndef BUFFER_H
#define BUFFER_H
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#ifdef __cplusplus
extern "C" {
#endif
#define BUFFER_MAX (1u << 4)  // bytes
#define GREETING "hi " "there\n"
#define NOTHING 0x7fffffffffffffff
enum state { IDLE, BUSY = BUFFER_MAX, DONE, LOW = -1 };
typedef enum { RED, GREEN } color;
typedef struct buffer {
    char *data;
    size_t len, cap;
    char name[BUFFER_MAX + 1];
    union { int a; float b[2]; };
    /*@ requires n > 0;
      @ assigns s[0 .. n-1]; */
    int (*write)(char *s, int n);
    enum state state;
} buffer;
typedef struct { double x, y; } point;
typedef const struct buffer *view;
extern const uint32_t crc_table[256];
extern point origin;
//@ requires \valid(b) && b->len < b->cap;
//@ assigns *b;
//@ asm waive ABI001 "it is only a test";
bool push(buffer *b, view v, int byte);
//@ assigns \nothing;
_Noreturn void stop(const char *const *words, int counts[4], int each(int), ...);
#ifdef __cplusplus
}
#endif
#endif
"""


def read(text: bytes | str, **others: str) -> Interface:
    """Return the interface `main` that `text` says, among others by name."""
    data = text if isinstance(text, bytes) else text.encode()
    sources = {InterfaceName("main"): ("interfaces/main.h", data)}
    sources |= {InterfaceName(n): (f"interfaces/{n}.h", t.encode()) for n, t in others.items()}
    return read_interfaces(sources)[InterfaceName("main")]


def test_a_whole_header() -> None:
    interface = read(BUFFER)
    assert interface.name == "main"
    assert interface.path == "interfaces/main.h"
    assert interface.digest == digest_bytes(BUFFER)
    assert interface.has_module
    assert list(interface.functions) == ["push", "stop"]
    assert {n: c.value for n, c in interface.constants.items()} == {
        "BUFFER_MAX": 16,
        "GREETING": "hi there\n",
        "NOTHING": (1 << 63) - 1,
        "IDLE": 0,
        "BUSY": 16,
        "DONE": 17,
        "LOW": -1,
        "RED": 0,
        "GREEN": 1,
    }
    assert list(interface.aggregates) == ["state", "color", "buffer", "point"]
    assert interface.aggregates == interface.types
    assert interface.data["crc_table"].const
    assert not interface.data["origin"].const
    assert interface.data["origin"].type == Named("struct", "point")


def test_fields_are_placed_and_nameless_members_are_flattened() -> None:
    found = read(BUFFER).aggregates["buffer"]
    assert [(f.name, f.offset, f.size) for f in found.fields] == [
        ("data", 0, 8),
        ("len", 8, 8),
        ("cap", 16, 8),
        ("name", 24, 17),
        ("a", 44, 4),
        ("b", 44, 8),
        ("write", 56, 8),
        ("state", 64, 4),
    ]
    assert (found.size, found.align, found.spelling) == (72, 8, "struct buffer")
    point = read(BUFFER).aggregates["point"]
    assert (point.anonymous, point.spelling) == (True, "point")


def test_parameters_are_adjusted_and_named() -> None:
    interface = read(BUFFER)
    push, stop = interface.functions["push"], interface.functions["stop"]
    assert [declare(p.type, p.name) for p in push.parameters] == [
        "struct buffer *b",
        "const struct buffer *v",
        "int byte",
    ]
    assert push.result == SCALARS["_Bool"]
    assert [declare(p.type, p.name) for p in stop.parameters] == [
        "const char *const *words",
        "int *counts",
        "int (*each)(int arg1)",
    ]
    assert stop.variadic
    assert stop.noreturn
    (nameless,) = read("//@ assigns \\nothing;\nint f(int);").functions["f"].parameters
    assert nameless.name == "arg1"


def test_clauses_belong_to_what_follows_them() -> None:
    interface = read(BUFFER)
    assert [(c.keyword, c.text, c.line) for c in interface.functions["push"].clauses] == [
        ("requires", "\\valid(b) && b->len < b->cap", 29),
        ("assigns", "*b", 30),
        ("waive", 'ABI001 "it is only a test"', 31),
    ]
    write = next(f for f in interface.aggregates["buffer"].fields if f.name == "write")
    assert [(c.keyword, c.text) for c in write.clauses] == [
        ("requires", "n > 0"),
        ("assigns", "s[0 .. n - 1]"),
    ]
    assert isinstance(write.type, Pointer)
    assert isinstance(write.type.target, FunctionType)
    assert write.type.target.clauses == write.clauses
    assert write.type.target.names == ("s", "n")


def test_a_clause_is_a_value() -> None:
    (clause,) = (c for c in read(BUFFER).functions["push"].clauses if c.keyword == "requires")
    assert isinstance(clause.body, Predicate)
    assert isinstance(clause.body.term, Operation)
    first, _ = clause.body.term.operands
    assert first == Applied("\\valid", (Name("b", Role.PARAMETER),))


def test_a_contract_of_a_function_type_goes_where_the_type_goes() -> None:
    interface = read(
        "//@ requires n > 0; assigns \\nothing;\ntypedef int (*visit)(int n);\n"
        "//@ assigns \\nothing;\ntypedef int plain(int n);\n"
        "struct row { visit on_row; };\n"
        "//@ assigns \\nothing;\nextern visit first;\n"
        "//@ assigns \\nothing;\nint each(visit v, plain *p);"
    )
    text = interface.surface["each"].caller.splitlines()[0]
    assert text == (
        "int each(int (*v)(int n) {requires n > 0; assigns \\nothing}, "
        "int (*p)(int n) {assigns \\nothing})"
    )
    assert "{requires n > 0; assigns \\nothing}" in interface.surface["row.on_row"].caller
    assert interface.surface["first"].caller == "extern int (*first)(int n) {assigns \\nothing}"


def test_a_pointer_knows_whether_its_target_is_const() -> None:
    interface = read(
        "typedef char *text; typedef const char byte; extern byte *a; extern const text b;"
    )
    assert interface.data["a"].type == Pointer(SCALARS["char"], const=True)
    assert (interface.data["b"].type, interface.data["b"].const) == (Pointer(SCALARS["char"]), True)


def test_blocks_of_every_form() -> None:
    for block in (
        "//@ requires n > 0; assigns \\nothing;\n",
        "//@ requires n > 0;\n//@ assigns \\nothing\n",
        "//@ requires n >\n  //@   0; // the number\n//@ assigns \\nothing;\n",
        "/*@ requires n > 0; assigns \\nothing; @*/",
        "/*@@ requires n > 0;\n  @@ assigns \\nothing\n  @*/ /* so */",
        "/*@ requires n > 0; */ /*@ assigns \\nothing; */\n\n",
        "/*@ ; requires (((n) > 0x0)) ;; assigns \\nothing ; ; */",
    ):
        (function,) = read(f"{block}int f(int n);").functions.values()
        assert [(c.keyword, c.text) for c in function.clauses] == [
            ("requires", "n > 0"),
            ("assigns", "\\nothing"),
        ], block


def test_columns_survive_what_stands_before() -> None:
    with pytest.raises(UsageError) as caught:
        read("/*@ assigns \\nothing; */ int f(struct nowhere x);")
    assert str(caught.value.where) == "interfaces/main.h:1:30"
    with pytest.raises(UsageError) as caught:
        read("/* one\n two */ extern foo x;")
    assert str(caught.value.where) == "interfaces/main.h:2:16"


# ---- includes ------------------------------------------------------------------------------------


def test_included_names_are_visible_but_not_own() -> None:
    interface = read(
        '#pragma once\n#include "base.h"\n/*@ requires n < LIMIT; @*/\n'
        "//@ assigns \\nothing; asm acquires \\result by drop;\nitem *f(size n);",
        base="typedef struct { int a; } item; typedef long size;\n#define LIMIT 9\n"
        "//@ assigns \\nothing; asm releases i;\nvoid drop(item *i);",
    )
    assert interface.includes == ("base",)
    assert list(interface.surface) == ["f"]
    assert list(interface.types) == ["item"]
    assert not interface.aggregates
    assert interface.surface["f"].caller.startswith("struct item *f(long n)")


def test_a_name_included_on_two_ways_is_one_name() -> None:
    base = "struct item { int a; };\n#include <stddef.h>\n"
    read(
        '#include "left.h"\n#include "right.h"\n#include "base.h"\n'
        "extern struct item i; extern size_t n;",
        left='#include "base.h"\n',
        right='#include "base.h"\n',
        base=base,
    )


@pytest.mark.parametrize(
    ("main", "other", "what"),
    [
        ('#include "other.h"\n', '#include "main.h"\n', "each other: main -> other -> main"),
        ('#include "main.h"\n', "", "each other: main -> main"),
        ('#include "othr.h"\n', "", "no interface is 'othr.h'; did you mean 'other.h'?"),
        ('#include "other.h"\nextern int x;', "extern int x;", "'x' is declared twice, first in "),
        ('#include "other.h"\nstruct s { int a; };', "struct s { int b; };", "is defined twice"),
        ("#include <stdints.h>\n", "", "'<stdints.h>' is not part of"),
    ],
)
def test_includes_that_cannot_be(main: str, other: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(main, other=other)
    assert what in caught.value.what


def test_two_includes_may_not_declare_one_name() -> None:
    for text, what in (("extern int x;", "both in"), ("struct x { int a; };", "define 'x'")):
        with pytest.raises(UsageError) as caught:
            read('#include "a.h"\n#include "b.h"\n', a=text, b=text)
        assert what in caught.value.what


def test_an_interface_is_read_once_while_its_texts_stay() -> None:
    main, base = InterfaceName("main"), InterfaceName("base")
    sources = {main: ("m.h", b'#include "base.h"\n'), base: ("b.h", b"struct s { int a; };")}
    cache: dict = {}
    first = read_interface(main, sources, cache=cache)
    assert read_interface(main, sources, cache=cache) is first
    assert read_interfaces(sources, cache=cache)[main] is first
    sources[base] = ("b.h", b"struct s { long a; };")
    second = read_interface(main, sources, cache=cache)
    assert second.types["s"].size == 8


# ---- libraries -----------------------------------------------------------------------------------


def test_a_library_implements_an_external_interface() -> None:
    for text in (
        '//@ asm library "libpq" header "libpq-fe.h" header "pg.h";\n\nint PQlibVersion(void);',
        '/*@ asm library "libpq" header "libpq-fe.h" "pg.h" */ int PQlibVersion(void);',
        'int PQlibVersion(void);\n//@ asm library "libpq" header "libpq-fe.h" "pg.h";',
        '//@ asm library "libpq" header "libpq-fe.h" "pg.h";\nstruct s; int PQlibVersion(void);',
    ):
        interface = read(text)
        assert interface.library is not None
        assert interface.library.name == "libpq"
        assert interface.library.headers == ("libpq-fe.h", "pg.h")
        assert not interface.has_module
        assert interface.functions["PQlibVersion"].clauses == ()


def test_a_file_has_one_library() -> None:
    with pytest.raises(UsageError, match="a second 'asm library' clause"):
        read('//@ asm library "a";\nextern int x;\n//@ asm library "b";\nextern int y;')


def test_a_file_may_waive_a_rule() -> None:
    interface = read('extern int x;\n//@ asm waive ABI001 "all of it";')
    assert [c.keyword for c in interface.clauses] == ["waive"]
    interface = read('//@ asm waive ABI001 "one";\nextern int x;')
    assert [c.keyword for c in interface.data["x"].clauses] == ["waive"]


# ---- sheets --------------------------------------------------------------------------------------

SHEET = r"""interface main (interfaces/main.h)

_Bool push(struct buffer *b, const struct buffer *v, int byte);
    requires \valid(b) && b->len < b->cap
    assigns *b

extern struct point origin;

constants, by these names:
    BUFFER_MAX = 16
    GREETING = "hi there\n"

struct buffer: size t_buffer_size = 72, align 8
    t_buffer.len = 8 (size 8): unsigned long len;

point: size t_point_size = 16, align 8
    t_point.x = 0 (size 8): double x;
    t_point.y = 8 (size 8): double y;
"""


def test_a_sheet_shows_what_was_chosen() -> None:
    interface = read(BUFFER)
    chosen = {"push", "origin", "BUFFER_MAX", "GREETING", "buffer.len", "point"}
    assert sheet.render(interface, symbols=chosen) == SHEET
    assert sheet.render(interface, symbols=()) == ""
    assert "DONE = 17" in sheet.render(interface)


def test_a_sheet_shows_what_is_passed_by_value_and_who_implements() -> None:
    interface = read(
        '//@ asm library "m";\nstruct __attribute__((packed)) p { int a; char b; };\n'
        '#define Q "\\"\\\\\\x01"\nint f(struct p p);'
    )
    text = sheet.render(interface)
    assert text.startswith("interface main (interfaces/main.h), implemented by the library m\n")
    assert "by value: struct p { int a @0; char b @4; } size 5 align 1" in text
    assert "struct p (packed): size" in text
    assert 'Q = "\\"\\\\\\001"' in text


def test_a_standard_header_and_an_interface_may_not_clash() -> None:
    with pytest.raises(UsageError, match="'size_t' is declared twice, first in a standard header"):
        read("#include <stddef.h>\ntypedef int size_t;")


def test_an_enum_with_a_tag_is_used_by_it() -> None:
    interface = read("enum e { A }; enum e; extern enum e x; typedef enum { B } f; extern f y;")
    assert interface.data["x"].type == Named("enum", "e")
    assert interface.data["y"].type == Named("enum", "f")
    assert interface.types["f"].anonymous


def test_text_outside_the_basic_planes_stays_out_of_code() -> None:
    read("/* \U0001f600 */ extern int x; // \u00e9")
    with pytest.raises(UsageError, match="illegal character"):
        read("extern int \u00e9;")


def test_line_ends_of_every_kind() -> None:
    interface = read(b"#define A 1\r\n#define B 2\r#define C 3\n")
    assert list(interface.constants) == ["A", "B", "C"]


def test_a_plain_header_is_an_interface_where_contracts_may_be_incomplete() -> None:
    sources = {InterfaceName("plain"): ("plain.h", b"int f(int a);\n")}
    with pytest.raises(UsageError):
        read_interfaces(sources)
    (plain,) = read_interfaces(sources, complete=False).values()
    assert list(plain.functions) == ["f"]
