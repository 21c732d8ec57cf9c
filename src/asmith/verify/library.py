"""The shared library under test: loaded, its symbols found, its addresses turned into lines."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import UnavailableError
from asmith.host import files
from asmith.verify import handler, support
from asmith.verify.call import Caller
from asmith.verify.failure import Spot, source_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.verify.record import SharedRecord

_MAPS = Path("/proc/self/maps")


@dataclass(frozen=True, slots=True)
class Mapping:
    """One line of /proc/self/maps."""

    start: int
    end: int
    access: str  # as in "r-xp"
    offset: int  # in the file
    name: str


class Library:
    """A loaded test library, with the trampoline that is linked into it ready for calls."""

    def __init__(self, path: Path, record: SharedRecord) -> None:
        """Load the library and let its handler report to `record`.

        Raises `UnavailableError` if it cannot be loaded or lacks the support code.
        """
        try:
            self._loaded = ctypes.CDLL(str(path), mode=os.RTLD_NOW)
        except OSError as error:
            raise UnavailableError(
                f"cannot load the test library: {error}",
                where=str(path),
                help="build it again: doit test:<module>",
            ) from error
        missing = [s for s in support.SUPPORT_SYMBOLS if self.symbol(s) is None]
        if missing:
            raise UnavailableError(
                f"the test library lacks '{missing[0]}'",
                where=str(path),
                why="calls go through support code that is linked into it",
                help="link what asmith.verify.support.support_sources() names, and export it",
            )
        entry, on_signal = (self.symbol(s) for s in support.SUPPORT_SYMBOLS[:2])
        current, found = (
            ctypes.c_void_p.in_dll(self._loaded, s) for s in support.SUPPORT_SYMBOLS[2:]
        )
        self.caller = Caller(entry or 0, current)
        _describe(path, record)
        found.value = record.address
        handler.install(on_signal or 0)

    def symbol(self, name: str) -> int | None:
        """Return the address of an exported function or object, or None."""
        try:
            return ctypes.addressof(ctypes.c_ubyte.in_dll(self._loaded, name))
        except ValueError:
            return None


class Lines:
    """Addresses of a test library as places in its sources; reads the file when first asked."""

    def __init__(self, path: Path, root: Path) -> None:
        self.path = path
        self._root = root
        self._data: bytes | None = None

    def at(self, address: int) -> Spot:
        """Return the place of an address in the library's file (its load address subtracted)."""
        from asmith.toolchain.elf import address_to_line

        found = address_to_line(self.data, address)
        if found is None:
            return Spot()
        file, line, function, offset = found
        shown = os.path.relpath(file, self._root) if file.startswith(f"{self._root}/") else file
        code = source_line(self._root, file, line) if file else ""
        return Spot(shown, line or None, function, offset, code)

    @property
    def data(self) -> bytes:
        """Return the bytes of the library's file."""
        if self._data is None:
            self._data = files.read_bytes(self.path)
        return self._data


def _describe(path: Path, record: SharedRecord) -> None:
    """Note where the library's code and the stack are, for whoever reads the record."""
    found = list(_mappings())
    name = os.path.realpath(path)
    ours = [m for m in found if m.name == name]
    code = [m for m in ours if "x" in m.access]
    if code:
        record.record.text_start = min(m.start for m in code)
        record.record.text_end = max(m.end for m in code)
        record.record.text_offset = code[0].offset
        record.record.load_address = min(m.start for m in ours)
        record.record.image_end = max(m.end for m in ours)
    stack = [m for m in found if m.name == "[stack]"]
    record.record.stack_end = handler.stack_end(stack[0].end) if stack else 0


def _mappings() -> Iterator[Mapping]:
    for line in files.read_bytes(_MAPS).decode("utf-8", "replace").splitlines():
        extent, access, offset, _, _, *name = line.split(maxsplit=5)
        start, end = (int(part, 16) for part in extent.split("-"))
        yield Mapping(start, end, access, int(offset, 16), name[0] if name else "")
