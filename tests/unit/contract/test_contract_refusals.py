"""Everything outside the language ends in one message that says what, and where it stands."""

from __future__ import annotations

import pytest

from asmith.contract.reader import read_interfaces
from asmith.errors import Place, UsageError
from asmith.model.names import InterfaceName

DECLARATIONS = [
    ("int f(void);", "1", "'f' has no assigns clause"),
    ("struct s { int a : 3; };", "1:16", "a bit-field is not part of the interface language"),
    ("int f(void) { return 1; }", "1:5", "a function's body is not part of the interface language"),
    ("static inline int f(void);", "1:19", "'inline' is not part of the interface language"),
    ("static int x;", "1:12", "'static' is not part of the interface language"),
    ("int x;", "1:5", "'x' is not declared extern"),
    ("extern int x = 3;", "1:12", "an initial value is not part of the interface language"),
    ("typedef int (*f)();", "1:15", "a function without a prototype"),
    ("int f();", "1:5", "a function without a prototype"),
    ("_Atomic int x;", "1:13", "'_Atomic' is not part of the interface language"),
    ("int f(int *restrict p);", "1:11", "'restrict' is not part of the interface language"),
    ("extern volatile int x;", "1:21", "'volatile' is not part of the interface language"),
    ("struct s { const int a; };", "1:22", "a const member"),
    ("struct s { struct t { int a; } b; };", "1:32", "a struct defined inside a struct"),
    ("struct s { struct { int a; } b; };", "1:30", "a struct defined inside a struct"),
    ("struct { int a; } f(void);", "1:8", "a struct without a tag"),
    ("#define F(x) x", "1:1", "'F' is a macro with parameters"),
    ("#define X", "1:1", "'X' is defined without a value"),
    ("#if 1\n#endif", "1:1", "'#if' is not part of the interface language"),
    ("#ifdef FOO\n#endif", "1:1", "'#ifdef' is not part of the interface language"),
    ("#error x", "1:1", "'#error' is not part of the interface language"),
    (
        "#include <stdio.h>",
        "1:1",
        "'<stdio.h>' is not part of the interface language; did you mean 'stdint.h'?",
    ),
    ('#include "nope.h"', "1:1", "no interface is 'nope.h'"),
    ("#define A B", "1:11", "no name 'B' is visible here"),
    ("#define A 1/0", "1:9", "division by zero"),
    ("#define A (1<<40)", "1:9", "a shift by 40, expected 0 to 31"),
    ("#define A 1.5", "1:11", "'1.5' is no integer"),
    ('#define A "x" 3', "1:15", "'3' after a string"),
    ("#define A 08", "1:11", "'08' is no integer"),
    (
        "#define A 99999999999999999999999",
        "1:11",
        "'99999999999999999999999' does not fit into 64 bits",
    ),
    ("int f(foo x);", "1:7", "no type is named 'foo'"),
    ("int g(struct q x);", "1:5", "'struct q' is incomplete here"),
    ("struct s; struct s; int f(struct s);", "1:25", "'struct s' is incomplete here"),
    ("typedef struct s s; struct s { s x; };", "1:34", "'struct s' is incomplete here"),
    ("struct s {};", "1:8", "a struct without members"),
    (
        "struct __attribute__((aligned(16))) s { int a; };",
        "1:8",
        "an attribute other than 'packed'",
    ),
    ("int f(void) __attribute__((noreturn));", "1:13", "an attribute other than 'packed'"),
    ("__attribute__((packed)) int f(void);", "1:1", "'packed' belongs to no struct or union here"),
    ("enum e { A = 0x80000000 };", "1:10", "'A' is 2147483648, which does not fit into int"),
    ("enum e { A, A };", "1:13", "'A' is declared twice, first above"),
    ("int f(int a, int a);", "1:18", "two parameters are named 'a'"),
    ("int f(int); int f(int);", "1:17", "'f' is declared twice, first above"),
    ("struct s { int a; int a; };", "1:8", "two members are named 'a'"),
    ("int f(void), g(void);", "1", "'f' has no assigns clause"),
    (
        "//@ assigns \\nothing;\nint f(void), g(void);",
        "2:14",
        "a contract before a declaration of several names",
    ),
    ("int f(//@ assigns x;\n int a);", "1:7", "a clause block inside parentheses"),
    ("struct s { int a; //@ assigns x;\n };", "1:8", "a clause block after the last member"),
    (
        "enum e { //@ assigns x;\n A };",
        "1:1",
        "a clause block inside an enum is not part of the interface language",
    ),
    ("/* never", "1:1", "the comment is never closed"),
    ("int f(void", "1:6", "'(' is never closed"),
    ("int f)(;", "1:6", "')' closes nothing"),
    ('"abc', "1:1", "illegal character '\"'"),
    (r"int \ x;", "1:5", "a backslash outside a string"),
    (
        "struct s { int a[]; int b; };",
        "1:16",
        "an array without a size must be the last of several members",
    ),
    (
        "struct s { int a[]; }; ",
        "1:16",
        "an array without a size must be the last of several members",
    ),
    (
        "struct s { int n; int a[]; }; //@ assigns \\nothing;\nint f(struct s x);",
        "2:5",
        "'struct s' by value, whose last member has no size",
    ),
    ("struct s { int a[0]; };", "1:16", "an array of 0 elements, expected at least 1"),
    ("extern int a[-1];", "1:12", "an array of -1 elements, expected at least 1"),
    ("int f(void x);", "1:12", "a parameter of type void"),
    ("int f(...);", "1:7", "ellipsis-only parameter lists require C23"),
    ('_Static_assert(1,"");', "1:1", "'_Static_assert' is not part of the interface language"),
    ("_Alignas(16) extern int x;", "1:25", "'_Alignas' is not part of the interface language"),
    ('extern "C" int f(void);', "1:8", "'extern \"C\"' outside '#ifdef __cplusplus'"),
    (
        "#ifdef __cplusplus\nnamespace x {\n#endif",
        "2:1",
        "'namespace' between '#ifdef __cplusplus' and '#endif'",
    ),
    ('#ifdef __cplusplus\nextern "C" {\n', "1:1", "this conditional has no '#endif'"),
    ('_Pragma("x")', "1:1", "'_Pragma' is not part of the interface language"),
    ("int f(int x[n]);", "1:11", "no constant is named 'n'"),
    ("_Complex double f(void);", "1:1", "'_Complex double' is no type of the interface language"),
    ("long float f(void);", "1:1", "'long float' is no type of the interface language"),
    ("int 3;", "1:1", "invalid declaration"),
    ("\x01", "1:1", "the interface holds the control character 0x01"),
    ("union u { int a; }; struct u { int b; };", "1:28", "'struct u' is defined twice"),
    (
        "typedef int x; extern int x;",
        "1:27",
        "non-typedef 'x' previously declared as typedef in this scope",
    ),
    ("@", "1:1", "illegal character '@'"),
    ("//@ requires 1;", "1:5", "'requires' belongs to no function here"),
    ("//@ requires 1;\nstruct s { int a; };", "1:5", "'requires' belongs to no function here"),
    ("//@ requires 1;\nextern int x;", "1:5", "'requires' belongs to no function here"),
    ("foo f(void);", "1:1", "no type is named 'foo'"),
    (
        "int f(siez_t n);\ntypedef long size_t2;",
        "1:7",
        "no type is named 'siez_t'; did you mean 'size_t2'?",
    ),
    ('#include "a"', "1:1", "no interface is 'a'"),
    (
        'int f(int x[1 + "a"]);',
        "1:17",
        "this constant expression is not part of the interface language",
    ),
    ("typedef struct { int a; } s; struct s { int b; };", "1:37", "'struct s' is defined twice"),
    ("struct s { int f(void); };", "1:16", "a function as a member"),
    ("struct s { int; };", "1:12", "a member without a name"),
    ("int;", "1:1", "invalid declaration"),
    ("extern void x;", "1:13", "'x' has type void"),
    ("enum foo f(void);", "1:1", "'enum foo' is defined nowhere above"),
    ("enum e { A }; enum e { B };", "1:15", "'e' is already the tag of another type"),
    ("extern int (*x[2])(void)[3];", "1:14", "a function that returns an array or a function"),
    (
        "int f(register int x);",
        "1:20",
        "'register' on a parameter is not part of the interface language",
    ),
    ("struct s { int a; } __attribute__((packed)) *p;", "1:62", "'p' is not declared extern"),
    ("#define 3", "1:1", "'#define' without a name"),
    ("#include x", "1:1", "'#include x' names no file"),
    ("  int x; #define A 1", "1:10", "'#' inside a line"),
    ("struct s {\n#define A 1\n};", "2:1", "a directive inside brackets"),
    ("#endif", "1:1", "'#endif' ends nothing"),
    ("#ifndef A\nextern int x;\n#endif", "1:1", "expected '#define A' after '#ifndef A'"),
    ("#ifndef A\n#define B 1\n#endif", "2:1", "expected '#define A' after '#ifndef A'"),
    (
        "extern int x;\n#ifndef A\n#define A\n#endif",
        "2:1",
        "'#ifndef' is not part of the interface language",
    ),
    ('#define A "\\xff"', "1:11", "the string is not UTF-8"),
    ('#define A "\\0"', "1:11", "a zero byte inside a string"),
    ("#define A ''", "1:11", '"\'" has no meaning here'),
    ("#define A 'ab'", "1:11", "'ab' is not one byte"),
    (r"#define A '\q'", "1:11", r"'\q' is no escape sequence of C"),
    (r"#define A '\777'", "1:11", r"'\777' is no escape sequence of C"),
    ('#define A "\\xfff"', "1:11", r"'\x' is no escape sequence of C"),
    ("#define A -", "1:12", "expected a term, got the end"),
    ("#define A 1 2", "1:13", "'2' after the value of 'A'"),
    ("#define A 2147483647 + 1", "1:9", "2147483648 does not fit into 'int'"),
    ("#define A &A", "1:12", "no name 'A' is visible here"),
    ("#define A *3", "1:11", "'*' has no place in a constant"),
    (r"#define A \null", "1:11", r"'\null' in a constant"),
    ('#define A "s"\n#define B A', "2:11", "'A' is a string, expected an integer"),
    ("#define A sizeof(int", "1:21", "expected ')', got the end"),
    ("#define A 1 ==> 2", "1:9", "'==>' has no place in a constant expression"),
    ("#define A 1..2", "1:12", "'..' after the value of 'A'"),
    ("#define A 1 % 0", "1:9", "division by zero"),
    ("int f(int a[2][]);", "1:11", "an array whose elements have no size"),
    ("extern int a[4611686018427387904];", "1:12", "an array of 18446744073709551616 bytes"),
    (
        "struct s { char a[9223372036854775807]; int b; };",
        "1:8",
        "an aggregate of 9223372036854775812 bytes",
    ),
    ("typedef int t; typedef int t;", "1:28", "'t' is declared twice, first above"),
    ("int f(int (*g)(int, ...), ...);\nint g(int x, void);", "2:14", "a parameter of type void"),
    (
        "#ifdef __cplusplus\n#define A 1\n#endif",
        "2:1",
        "'#define' between '#ifdef __cplusplus' and '#endif'",
    ),
    ("goto x;", "1:1", "'goto' is not expected here"),
    (
        "struct s { int x; }; int f(struct s { int y; } p);",
        "1:48",
        "a type defined inside a parameter list is not part of the interface language",
    ),
    ("union u; struct u *f(void);", "1:17", "'struct u' is 'union u' elsewhere"),
    ("typedef int a[3]; a f(void);", "1:21", "a function that returns an array or a function"),
    ("extern int f(int)[3];", "1:12", "a function that returns an array or a function"),
    ("int f(int a) int a;", "1:5", "invalid function definition"),
    ("#pragma pack(1)", "1:1", "'#pragma' is not part of the interface language"),
    (
        'enum e { A = "x" };',
        "1:14",
        "this constant expression is not part of the interface language",
    ),
    (
        "enum e { A = 1.5 };",
        "1:14",
        "this constant expression is not part of the interface language",
    ),
    (
        "extern int x[(int)3];",
        "1:14",
        "this constant expression is not part of the interface language",
    ),
    ("char *f(void) //@ assigns x;\n;", "1:15", "a clause block inside a declaration"),
    (r"//@ assigns \nothing;", "1:5", "'assigns' belongs to no function here"),
]


def refused(text: str) -> UsageError:
    """Return the error that ends the reading of a header."""
    with pytest.raises(UsageError) as caught:
        read_interfaces({InterfaceName("i"): ("i.h", text.encode())})
    error = caught.value
    assert isinstance(error.where, Place)
    assert error.where.file == "i.h"
    return error


def place(error: UsageError) -> str:
    """Return line and column of an error."""
    return str(error.where).removeprefix("i.h").removeprefix(":")


@pytest.mark.parametrize(("text", "where", "what"), DECLARATIONS)
def test_a_declaration_outside_the_subset_is_refused(text: str, where: str, what: str) -> None:
    error = refused(text)
    assert (place(error), error.what) == (where, what)


def test_a_header_may_be_only_so_large_and_so_deep() -> None:
    assert refused("/" * 200_000).what == "the interface has 200000 bytes, expected at most 65536"
    assert refused("int f(" + "(" * 40).what == "brackets nest deeper than 32"
    assert refused("extern int " + "*" * 60 + "x;").what.startswith("a declarator deeper than 48")
    assert refused(f"enum e {{ A = {'~' * 60}1 }};").what.startswith("an expression deeper than 48")
    many = ", ".join(f"int a{n}" for n in range(128))
    assert refused(f"int f({many});").what == "128 parameters, expected at most 127"


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(UsageError, match="the interface is not UTF-8") as caught:
        read_interfaces({InterfaceName("i"): ("i.h", b"int\n\xff")})
    assert caught.value.why == "byte 4 is 0xff"
    assert str(caught.value.where) == "i.h:2"


def test_a_missing_assigns_says_what_to_write() -> None:
    assert refused("int f(void);").render() == (
        "error: 'f' has no assigns clause\n"
        "  --> i.h:1\n"
        "why:  without one it could change anything\n"
        "help: write '//@ assigns \\nothing;' or what it changes: '//@ assigns *out;'"
    )
