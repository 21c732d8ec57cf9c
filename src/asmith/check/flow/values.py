"""Abstract values: what a register or a stack slot is known to hold, each one an integer.

The low four bits are the kind; what is above them depends on it. Values are compared and joined by
the million, so they are plain integers, and equal values are equal integers.

    STACK   an address in the frame: bits 4..8 the residue modulo 16 of its base (16: unknown), bits
            9..27 the number of the base (0: rsp at the entry), from bit 28 on the signed offset
    CONST   a 64-bit constant      ENTRY   what register n held at the entry
    STALE   what a call (its address; 0: some call) left where it may change something
    UNDEF   computed from what nobody defined; the address where that began
    MAYBE   undefined on some path, not on all: the block where these meet; 0: in part, perhaps;
            1..63: so many low bits are defined, and what is above them is not; 64: the low half of
            an address in the frame
    SYM     an address in an object, a number in `Symbols`
    AREA    the same plus an unknown index;  TABLE  what was loaded from there, 4 or 8 bytes wide
    TARGET  such an entry plus an address, which is the table's own (its number): a jump target
    RESULT  what a call (its address, from bit 7 on) returned; bit 4: the upper half is undefined,
            bit 5: in rdx, not rax, bit 6: it may say a failure, and nothing has looked at it
    OFFSET  the entry value of a register plus a constant;  CHOICE  one of several SYM
    ROUND   a number that is a multiple of 16, or (payload 1) that was rounded to one of 8
    LOCAL   some address in the frame; its residue modulo 16 plus one, or 0
"""

from __future__ import annotations

KIND = 15
TOP = 0
"""Defined, and nothing else is known of it."""
LOADED = 1 << 4
"""The same, but a whole 8 bytes as they were found in memory, so that it may be an address."""
CONST, STACK, ENTRY, STALE, UNDEF, SYM, RESULT, ROUND = 1, 2, 3, 4, 5, 6, 7, 8
TABLE, TARGET, MAYBE, LOCAL, OFFSET, AREA, CHOICE = 9, 10, 11, 12, 13, 14, 15

RSP = 4
SHIFT = 28
BASE = (1 << SHIFT) - 1
UNKNOWN, EIGHTS = 16, 17
"""Residues that are no number: nothing is known; a multiple of 8 that was made for one."""
MASK64 = (1 << 64) - 1
SIGN64 = 1 << 63

RSP_AT_ENTRY = (8 << 4) | STACK
"""rsp at the entry of a function: a multiple of 16 plus 8 (psABI 3.2.2)."""
RETURN_ADDRESS = (20 << 4) | ENTRY
GIVEN_ALWAYS = 1 << RSP | 1 << (RETURN_ADDRESS >> 4)
LOCAL_ADDRESS = LOCAL
MULTIPLE = ROUND
MULTIPLE_OF_8 = 1 << 4 | ROUND

WIDE = 1 << 4
"""Marks a TABLE value that was loaded whole."""

UNSIGNED = 1 << 60
"""Marks a TABLE value whose 4 bytes were not extended by their sign, as a distance must be."""

JUNK = frozenset({STALE, UNDEF})
HALF_ADDRESS = 64 << 4 | MAYBE


def constant(number: int) -> int:
    """Return the value of a 64-bit constant."""
    return (number & MASK64) << 4 | CONST


def number(value: int) -> int:
    """Return the signed number of a CONST value."""
    bits = value >> 4
    return bits - (1 << 64) if bits & SIGN64 else bits


def entry(register: int) -> int:
    """Return what a register held at the entry."""
    return register << 4 | ENTRY


AT_ENTRY = tuple(RSP_AT_ENTRY if n == RSP else entry(n) for n in range(16))
"""The general registers at the entry."""


def base(ordinal: int, residue: int) -> int:
    """Return the address of a new base of stack addresses."""
    return (ordinal << 5 | residue) << 4 | STACK


def residue(value: int) -> int:
    """Return a STACK or LOCAL value modulo 16, or `UNKNOWN`."""
    known = value >> 4 & 31
    if value & KIND == LOCAL:
        return known - 1 if known else UNKNOWN
    return known if known >= UNKNOWN else (known + (value >> SHIFT)) & 15


def local(known: int) -> int:
    """Return an address somewhere in the frame of which only the residue modulo 16 is known."""
    return (known + 1) << 4 | LOCAL if known < UNKNOWN else LOCAL_ADDRESS


def join(one: int, other: int) -> int:
    """Return what holds on both of two paths, for registers other than rsp."""
    if one == other:
        return one
    a, b = one & KIND, other & KIND
    if a == MAYBE or b == MAYBE:
        return _maybe(one, other) if a == MAYBE else _maybe(other, one)
    if a in JUNK or b in JUNK:
        if a in JUNK and b in JUNK:
            return min(one, other) if a == b else one if a == UNDEF else other
        return (one if a in JUNK else other) >> 4 << 4 | MAYBE
    if a in (STACK, LOCAL) and b in (STACK, LOCAL):
        known = residue(one)
        return local(known) if known == residue(other) else LOCAL_ADDRESS
    if is_round(one) and is_round(other):
        return MULTIPLE
    whole = is_whole(one) and is_whole(other) and not a == b == TABLE
    return LOADED if whole else TOP


def _maybe(one: int, other: int) -> int:
    """Return what a MAYBE value is where it meets another one."""
    if not is_part(one):
        return other if is_part(other) else one
    if other & KIND in JUNK:
        return one
    return max(one, other) if is_part(other) else MAYBE


def is_part(value: int) -> bool:
    """Tell whether exactly the low bits of a value are defined."""
    return value & KIND == MAYBE and 0 < value >> 4 < 64


def defined_below(bits: int, of: int, at: int) -> int:
    """Return a value of `of` bits whose low ones are defined; `at` undefined it, if all are not."""
    if bits <= 0:
        return at << 4 | UNDEF
    return bits << 4 | MAYBE if bits < of else TOP


def is_whole(value: int) -> bool:
    """Tell whether a value is an unchanged one of 8 bytes, which may be an address."""
    kind = value & KIND
    if kind == TABLE:
        return bool(value & WIDE)
    return value == LOADED or kind in (SYM, CHOICE, ENTRY, RESULT)


def parameter_place(value: int) -> tuple[int, int] | None:
    """Return (register, distance) if a value is what a register held at the entry, plus that."""
    if value & KIND == ENTRY and value >> 4 < 16:
        return value >> 4, 0
    if value & KIND == OFFSET:
        return value >> 4 & 15, value >> 12
    return None


def is_round(value: int) -> bool:
    """Tell whether a number is known to be a multiple of 16."""
    return value == ROUND or (value & KIND == CONST and not value >> 4 & 15)
