"""The tools that steps run, asked once: versions and places, kept as long as no tool changes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, field
from asmith.host import files
from asmith.model.names import digest_of
from asmith.toolchain import driver, elf, link, nasm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asmith.toolchain.link import Library


@dataclass(frozen=True, slots=True)
class Tools:
    """Answers of tools by question; `known` holds plain values, since the index keeps them."""

    known: dict[str, Any] = field(default_factory=dict)

    def nasm(self) -> str:
        """Return nasm's version."""
        if "nasm" not in self.known:
            self.known["nasm"] = nasm.version()
        return str(self.known["nasm"])

    def assembler(self) -> str:
        """Return the digest of all that an object depends on besides its sources."""
        if "assembler" not in self.known:
            self.known["assembler"] = digest_of("nasm", [self.nasm(), nasm.FLAGS])
        return str(self.known["assembler"])

    def driver(self) -> str:
        """Return the version of the C driver and of the linker that it runs."""
        if "driver" not in self.known:
            self.known["driver"] = link.version()
        return str(self.known["driver"])

    def linker(self) -> tuple[tuple[str, ...], str]:
        """Return the driver's arguments for the fastest linker, and its version."""
        if "linker" not in self.known:
            self.known["linker"] = link.fastest()
        arguments, version = self.known["linker"]
        return tuple(arguments), str(version)

    def joiner(self) -> tuple[str, str]:
        """Return the program that joins objects, and what its version follows from."""
        arguments, version = self.linker()
        return link.joiner(arguments), f"{self.driver()}; {version}"

    def linking(self, arguments: Sequence[str], libraries: Sequence[str]) -> tuple[str, ...]:
        """Return how the driver links with these arguments (toolchain/driver.py)."""
        key = f"linking {shlex.join((*arguments, *libraries))}"
        if key not in self.known:
            self.known[key] = driver.linking(arguments, libraries)
        return tuple(self.known[key])

    def library(self, name: str, package: str) -> Library:
        """Return a system library, resolved."""
        key = f"library {name} {package}"
        if key not in self.known:
            found = link.resolve(name, package)
            self.known[key] = (found.arguments, str(found.path))
        arguments, path = self.known[key]
        return link.Library(name, tuple(arguments), Path(path))

    def exported(self, library: Library) -> frozenset[str]:
        """Return the names that a library offers to a link."""
        key = f"exported {library.path}"
        if key not in self.known:
            names = elf.dynamic_symbols(files.read_bytes(library.path), str(library.path))
            self.known[key] = tuple(sorted(names))
        return frozenset(self.known[key])
