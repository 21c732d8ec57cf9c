"""Archives: their members by name, and what is refused."""

from __future__ import annotations

import pytest

from asmith.errors import UsageError
from asmith.toolchain.archive import MAGIC, members

ELF = b"\x7fELF" + bytes(9)


def member(name: bytes, data: bytes) -> bytes:
    header = name.ljust(16) + b"0".ljust(12) + b"0".ljust(6) * 2 + b"644".ljust(8)
    return header + str(len(data)).encode().ljust(10) + b"`\n" + data + b"\n" * (len(data) % 2)


def test_members_have_their_short_and_long_names() -> None:
    names = b"a_name_of_more_than_fifteen.o/\n"
    data = MAGIC + member(b"/", b"index") + member(b"//", names)
    data += member(b"short.o/", ELF) + member(b"/0", ELF) + member(b"notes.txt/", b"hello")
    assert list(members(data, "lib.a")) == [
        ("lib.a(short.o)", ELF),
        ("lib.a(a_name_of_more_than_fifteen.o)", ELF),
        ("lib.a(notes.txt)", b"hello"),
    ]


def test_an_object_is_its_own_only_member() -> None:
    assert list(members(ELF, "a.o")) == [("a.o", ELF)]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"!<thin>\n", "it is a thin archive, which holds no objects"),
        (MAGIC + b"short", "the header of a member is damaged"),
        (MAGIC + member(b"a.o/", ELF).replace(b"`\n", b"??"), "the header of a member is damaged"),
        (MAGIC + member(b"a.o/", ELF)[:-8], "a member lies beyond its end"),
    ],
)
def test_a_damaged_archive_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        list(members(data, "lib.a"))
    assert caught.value.why == why
