"""The libraries leg: compiled members of Debian's static libraries; every report is false."""

from __future__ import annotations

from dataclasses import dataclass

from checking.archive import handwritten, members
from checking.cache import static_library
from checking.subject import judged
from checking.tally import Tally, show


@dataclass(frozen=True, slots=True)
class Library:
    """A static library and the Debian package that has it."""

    package: str
    name: str


COMPILED = (
    Library("zlib1g-dev", "libz.a"),
    Library("libpq-dev", "libpq.a"),
    Library("libsqlite3-dev", "libsqlite3.a"),
    Library("libssl-dev", "libcrypto.a"),
    Library("libssl-dev", "libssl.a"),
    Library("libturbojpeg0-dev", "libturbojpeg.a"),
    Library("libgmp-dev", "libgmp.a"),
)


def main(libraries: tuple[Library, ...] = COMPILED) -> bool:
    """Check the compiled members of each library; tell whether all hold."""
    tallies = []
    for library in libraries:
        tally = Tally(library.name)
        left_out = 0
        for member in members(static_library(library.package, library.name)):
            if handwritten(member):
                left_out += 1
            else:
                tally.add(judged(member.data, member.path, "compiled"))
        print(f"{library.name}: {tally.objects} compiled members, {left_out} written by hand")
        tallies.append(tally)
    return show("libraries", tallies)
