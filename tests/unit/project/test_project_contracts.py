"""Kept interfaces: the same as read ones, and given up with anything that they were read from."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from asmith.contract.reader import read_interfaces
from asmith.model.names import InterfaceName, digest_bytes
from asmith.project import contracts as kept
from asmith.project.contracts import Contracts

if TYPE_CHECKING:
    from pathlib import Path

SHAPE, LEAF, LIBC = (InterfaceName(n) for n in ("shape", "leaf", "libc"))
HEADERS = {
    SHAPE: b"#include <stdint.h>\n#define LIMIT 5\nstruct shape { uint64_t a; uint32_t b[4]; };\n",
    LEAF: b'#include "shape.h"\n/*@ requires \\valid(s); assigns s->a; ensures \\result == 0 ||\n'
    b"  \\result == -1; asm outcome bad: \\result == -1; asm stack 16; */\n"
    b"int leaf(struct shape *s);\ntypedef int (*call)(struct shape *s);\n",
    LIBC: b'//@ asm library "libc" header "string.h";\n#include <stddef.h>\n'
    b"//@ assigns \\nothing;\nsize_t strlen(const char *s);\n",
}


class Headers(dict[InterfaceName, tuple[str, bytes]]):
    """The headers, and which of them were read."""

    def __init__(self, **changed: bytes) -> None:
        super().__init__()
        for name, data in HEADERS.items():
            self[name] = (f"interfaces/{name}.h", changed.get(name, data))


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every attempt to parse a header fail."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a header was parsed")

    monkeypatch.setattr("asmith.contract.reader.read_interface", refuse)


def keep(root: Path) -> None:
    digests = {n: digest_bytes(d) for n, d in HEADERS.items()}
    Contracts(root, {}, {}, digests).keep(read_interfaces(Headers()))


@pytest.mark.usefixtures("unread")
def test_what_is_kept_is_what_was_read(tmp_path: Path) -> None:
    keep(tmp_path)
    found = Contracts(tmp_path, Headers(), {})
    for name, interface in read_interfaces(Headers()).items():
        assert found.interface(name) == interface


def test_an_interface_is_kept_when_it_is_first_read(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    read = Contracts(tmp_path, Headers(), {}).interface(LEAF)
    request.getfixturevalue("unread")
    assert Contracts(tmp_path, Headers(), {}).interface(LEAF) == read


@pytest.mark.parametrize("name", [SHAPE, LEAF])
def test_a_changed_header_is_read_with_all_that_include_it(tmp_path: Path, name: str) -> None:
    keep(tmp_path)
    headers = Headers(**{name: HEADERS[InterfaceName(name)] + b"#define MORE 1\n"})
    assert Contracts(tmp_path, headers, {}).interface(LEAF) == read_interfaces(headers)[LEAF]


@pytest.mark.usefixtures("unread")
def test_another_header_changes_nothing(tmp_path: Path) -> None:
    keep(tmp_path)
    Contracts(tmp_path, Headers(libc=b"nonsense"), {}).interface(LEAF)


def test_damage_is_never_believed(tmp_path: Path) -> None:
    keep(tmp_path)
    path = tmp_path / kept.DIRECTORY / "leaf.pickle"
    whole = path.read_bytes()
    expected = read_interfaces(Headers())[LEAF]
    for place in range(0, len(whole), 37):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert Contracts(tmp_path, Headers(), {}).interface(LEAF) == expected
        path.write_bytes(whole[:place])
        assert Contracts(tmp_path, Headers(), {}).interface(LEAF) == expected


class Evil:
    """A value that runs something when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        """Return what pickle is to call."""
        return print, ("it ran",)


def test_a_foreign_file_runs_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path)
    data = pickle.dumps(Evil())
    path = tmp_path / kept.DIRECTORY / "leaf.pickle"
    path.write_bytes(digest_bytes(data).encode() + data)
    Contracts(tmp_path, Headers(), {}).interface(LEAF)
    assert capsys.readouterr().out == ""


def test_another_asmith_reads_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path)
    monkeypatch.setattr(kept, "_reader", lambda: "another")
    assert Contracts(tmp_path, Headers(), {})._kept(LEAF) is None
