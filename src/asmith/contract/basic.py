"""The basic types of x86-64 (psABI 3.1.2, figure 3.1) and what the standard headers add to them."""

from __future__ import annotations

from asmith.contract.evaluate import Value
from asmith.model.contract import Array, Class, CType, Named, Scalar


def _scalar(name: str, size: int, kind: Class = Class.INTEGER, *, signed: bool = False) -> Scalar:
    return Scalar(name, size, size or 1, kind, signed)


VOID = _scalar("void", 0, Class.VOID)
BOOL = _scalar("_Bool", 1)
CHAR = _scalar("char", 1, signed=True)
INT = _scalar("int", 4, signed=True)
UNSIGNED = _scalar("unsigned int", 4)
LONG = _scalar("long", 8, signed=True)
UNSIGNED_LONG = _scalar("unsigned long", 8)

SCALARS = {
    scalar.name: scalar
    for scalar in (
        VOID,
        BOOL,
        CHAR,
        _scalar("signed char", 1, signed=True),
        _scalar("unsigned char", 1),
        _scalar("short", 2, signed=True),
        _scalar("unsigned short", 2),
        INT,
        UNSIGNED,
        LONG,
        UNSIGNED_LONG,
        _scalar("long long", 8, signed=True),
        _scalar("unsigned long long", 8),
        _scalar("__int128", 16, signed=True),
        _scalar("unsigned __int128", 16),
        _scalar("float", 4, Class.SSE, signed=True),
        _scalar("double", 8, Class.SSE, signed=True),
        _scalar("long double", 16, Class.X87, signed=True),
    )
}
"""Every basic type under its canonical spelling."""

VECTORS = {
    name + suffix: _scalar(name + suffix, size, Class.VECTOR)
    for name, size in (("__m128", 16), ("__m256", 32), ("__m512", 64))
    for suffix in ("", "d", "i")
}
"""The vector types of <immintrin.h>: opaque, known without an include."""

_WORDS = frozenset((
    "void", "_Bool", "char", "short", "int", "long", "signed", "unsigned", "float", "double",
    "__int128", "_Complex",
))  # fmt: skip


def is_word(name: str) -> bool:
    """Tell whether a name is one of the words that basic types are spelled with."""
    return name in _WORDS


def basic(words: tuple[str, ...]) -> Scalar | None:
    """Return the basic type that those words spell in any order (C17 6.7.2), or None.

    `int` is implied where a size or a sign stands alone, `signed` everywhere but for char.
    """
    rest = sorted(words)
    sign = "unsigned " if "unsigned" in rest else ""
    if rest.count("unsigned") + rest.count("signed") > 1:
        return None
    signed_char = "signed" in rest and "char" in rest
    rest = [w for w in rest if w not in ("signed", "unsigned")]
    longs = rest.count("long")
    if ("short" in rest or longs) and "int" in rest:
        rest.remove("int")
    name = " ".join(sorted(rest, key=lambda w: w != "long")) or "int"
    if signed_char:
        name = f"signed {name}"
    return SCALARS.get(sign + name) if name not in _UNSIGNABLE or not sign else None


_UNSIGNABLE = ("void", "_Bool", "float", "double", "long double")

VA_LIST: CType = Array(Named("struct", "__va_list_tag"), 1)

_STDDEF = {"size_t": "unsigned long", "ptrdiff_t": "long", "wchar_t": "int"}
_STDINT = {
    f"{sign}int{kind}{bits}_t": ("unsigned " * bool(sign)) + width
    for sign in ("", "u")
    for kind, widths in (
        ("", {8: "char", 16: "short", 32: "int", 64: "long"}),
        ("_least", {8: "char", 16: "short", 32: "int", 64: "long"}),
        ("_fast", {8: "char", 16: "long", 32: "long", 64: "long"}),
    )
    for bits, width in widths.items()
} | {"intptr_t": "long", "uintptr_t": "unsigned long"}
_STDINT |= {"intmax_t": "long", "uintmax_t": "unsigned long"}
for _name in ("int8_t", "int_least8_t", "int_fast8_t"):
    _STDINT[_name] = "signed char"
_SYS_TYPES = {
    "size_t": "unsigned long",
    "ssize_t": "long",
    "off_t": "long",
    "time_t": "long",
    "clock_t": "long",
    "suseconds_t": "long",
    "useconds_t": "unsigned int",
    "pid_t": "int",
    "uid_t": "unsigned int",
    "gid_t": "unsigned int",
    "id_t": "unsigned int",
    "mode_t": "unsigned int",
    "dev_t": "unsigned long",
    "ino_t": "unsigned long",
    "nlink_t": "unsigned long",
    "blksize_t": "long",
    "blkcnt_t": "long",
    "clockid_t": "int",
    "key_t": "int",
}

HEADERS: dict[str, dict[str, CType]] = {
    "stddef.h": {n: SCALARS[t] for n, t in _STDDEF.items()},
    "stdint.h": {n: SCALARS[t] for n, t in _STDINT.items()},
    "stdbool.h": {"bool": BOOL},
    "stdarg.h": {"va_list": VA_LIST},
    "sys/types.h": {n: SCALARS[t] for n, t in _SYS_TYPES.items()},
}
"""The standard headers that an interface may include, with the types that each declares."""


def _limits() -> dict[str, Value]:
    limits = {
        "SIZE_MAX": Value((1 << 64) - 1, "unsigned long"),
        "PTRDIFF_MAX": Value((1 << 63) - 1, "long"),
        "PTRDIFF_MIN": Value(-(1 << 63), "long"),
    }
    for name, bits in (("8", 8), ("16", 16), ("32", 32), ("64", 64), ("PTR", 64), ("MAX", 64)):
        wide = bits == 64  # noqa: PLR2004 -- as wide as long
        kind = "long" if wide else "int"
        unsigned = "unsigned long" if wide else "unsigned int" if bits == 32 else "int"  # noqa: PLR2004
        limits[f"INT{name}_MAX"] = Value((1 << (bits - 1)) - 1, kind)
        limits[f"INT{name}_MIN"] = Value(-(1 << (bits - 1)), kind)
        limits[f"UINT{name}_MAX"] = Value((1 << bits) - 1, unsigned)
    return limits


CONSTANTS: dict[str, dict[str, Value]] = {
    "stdint.h": _limits(),
    "stdbool.h": {"true": Value(1), "false": Value(0)},
}
"""The integer constants of the standard headers."""
