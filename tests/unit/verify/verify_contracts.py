"""The contracts of the modules that these tests call, built by hand."""

from __future__ import annotations

from asmith.model.contract import (
    Aggregate,
    Array,
    Audience,
    Class,
    Clause,
    Constant,
    CType,
    Data,
    Field,
    Function,
    FunctionType,
    Interface,
    Named,
    Parameter,
    Pointer,
    Scalar,
)
from asmith.model.names import Digest, InterfaceName

VOID = Scalar("void", 0, 1, Class.VOID)
BOOL = Scalar("_Bool", 1, 1, Class.INTEGER)
CHAR = Scalar("char", 1, 1, Class.INTEGER, signed=True)
SCHAR = Scalar("signed char", 1, 1, Class.INTEGER, signed=True)
UCHAR = Scalar("unsigned char", 1, 1, Class.INTEGER)
USHORT = Scalar("unsigned short", 2, 2, Class.INTEGER)
INT = Scalar("int", 4, 4, Class.INTEGER, signed=True)
UINT = Scalar("unsigned int", 4, 4, Class.INTEGER)
LONG = Scalar("long", 8, 8, Class.INTEGER, signed=True)
ULONG = Scalar("unsigned long", 8, 8, Class.INTEGER)
FLOAT = Scalar("float", 4, 4, Class.SSE)
DOUBLE = Scalar("double", 8, 8, Class.SSE)
LDOUBLE = Scalar("long double", 16, 16, Class.X87)
TEXT = Pointer(CHAR, const=True)
OUT = Pointer(CHAR)

BUFFER = Aggregate(
    "struct",
    "buffer",
    (Field("data", OUT, 0, 8), Field("len", ULONG, 8, 8), Field("cap", ULONG, 16, 8)),
    24,
    8,
)
POINT = Aggregate("struct", "point", (Field("x", INT, 0, 4), Field("y", INT, 4, 4)), 8, 4)


def function(
    name: str, result: CType, *types: CType, clauses: str = "", dots: bool = False
) -> Function:
    """Return a function whose parameters are called a, b, c, ..."""
    parameters = tuple(Parameter(chr(ord("a") + i), t) for i, t in enumerate(types))
    requires = (Clause("requires", clauses, Audience.CALLER),) if clauses else ()
    return Function(name, result, parameters, variadic=dots, clauses=requires)


def interface(
    name: str, functions: list[Function], aggregates: tuple[Aggregate, ...] = ()
) -> Interface:
    """Return an interface with the extern data that both modules have."""
    types = {a.tag: a for a in aggregates}
    return Interface(
        name=InterfaceName(name),
        path=f"interfaces/{name}.h",
        digest=Digest(""),
        functions={f.name: f for f in functions},
        data={
            "counter": Data("counter", INT),
            **({"table": Data("table", Array(INT, 3), const=True)} if aggregates else {}),
        },
        constants={
            "BUFFER_MAX": Constant("BUFFER_MAX", 4096),
            "GREETING": Constant("GREETING", "hi"),
        },
        aggregates=types,
        types=types,
    )


GOOD = interface(
    "good",
    [
        function("add_int", INT, INT, INT),
        function("widen", LONG, SCHAR, USHORT, BOOL),
        function("narrow", SCHAR, INT),
        function("sum_bytes", UINT, Pointer(UCHAR, const=True), ULONG),
        function("sum_words", ULONG, Pointer(ULONG, const=True), ULONG),
        function("fill", VOID, OUT, ULONG, CHAR),
        function("append", INT, Pointer(Named("struct", "buffer")), CHAR),
        function("nine", LONG, *[LONG] * 9),
        function("scale", DOUBLE, DOUBLE, FLOAT, INT),
        function("half", LDOUBLE, LDOUBLE),
        function("middle", Named("struct", "point"), *[Named("struct", "point")] * 2),
        function("greet", TEXT, BOOL),
        function("count_vectors", INT, INT, dots=True),
        function("second", LONG, INT, dots=True),
        function("apply", INT, Pointer(FunctionType(INT, (INT, TEXT))), INT),
        function("length", ULONG, TEXT, clauses="valid_read_string(a)"),
        function("is_even", BOOL, INT),
        function("next_counter", INT),
    ],
    (BUFFER, POINT),
)

_PLAIN = (
    "write_constant endless asleep undefined breakpoint clobbers_rbx clobbers_r15 "
    "leaves_direction pops_arguments leaves_mmx changes_rounding recurses unaligned jumps_wild "
    "quits unbalanced calls_junk privileged aborts"
)
BAD = interface(
    "bad",
    [
        function("read_beyond", INT, TEXT, ULONG),
        function("write_beyond", VOID, OUT, ULONG),
        function("write_before", VOID, OUT),
        function("write_argument", VOID, TEXT),
        function("read_null", INT, Pointer(INT, const=True)),
        function("divide", INT, INT, INT),
        function("uses_junk", INT),
        function("trusts_upper_half", INT, TEXT, INT),
        function("calls_strlen", ULONG, TEXT),
        function("keeps_pointer", VOID, TEXT),
        function("odd_boolean", BOOL),
        *(function(name, VOID) for name in _PLAIN.split()),
    ],
)
