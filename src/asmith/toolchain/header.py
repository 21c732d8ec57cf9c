"""External interfaces against what is installed: the real headers, and the library's symbols.

The C compiler is the judge of a header: `asmith.abi.external` writes a source with one assertion a
construct, and each message of the compiler names the construct that it speaks of. Names that a
header declares only under `_GNU_SOURCE` count as declared: a second run with it decides on what
differs without it.
"""

from __future__ import annotations

import re
import shlex
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from asmith.abi.external import differences, probe_source
from asmith.errors import UnavailableError, UsageError
from asmith.host import files, process
from asmith.model.finding import Finding
from asmith.toolchain import elf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asmith.model.contract import Interface
    from asmith.model.objects import ObjectFacts, Symbol

MARK = "contract:"  # how `probe_source` begins the name of a subject
GNU = "-D_GNU_SOURCE"
COMPILE = (
    "cc", "-x", "c", "-w", "-fmax-errors=0", "-fno-diagnostics-show-caret",
    "-ftrack-macro-expansion=0",  # a message stands where a macro is used, not where it is defined
)  # fmt: skip
_OF_THE_DRIVER = ("libc", "libm")
_FATAL = re.compile(r"fatal error: ([^:\n]+): No such file or directory")
_NOBODY = "-"
_RESYNC = f'#line 1 "{MARK}{_NOBODY}"\nint );\n'
"""After a syntax error gcc is silent until it has skipped a declaration; this one is to skip."""
_ASSERTED = re.compile(r'static assertion failed: "(.*)"')
_VA_LIST = "struct __va_list_tag"
_VA_LIST_NAMED = "__typeof__(**(__builtin_va_list *)0)"
"""gcc's `struct __va_list_tag` cannot be named by its tag; this is the same type."""


def compare(interface: Interface, *, package: str = "") -> dict[str, str]:
    """Return subject -> what differs from the real headers; empty where they agree.

    Subjects are functions, objects, constants, tags and `tag.field`. A function or object also
    differs if the header binds its name to another symbol. `package` is the pkg-config name where
    it is not the library's. Raises UsageError for an interface without a header, UnavailableError
    where a header or a package is not installed or is no C.
    """
    source = probe_source(interface).replace(_VA_LIST, _VA_LIST_NAMED)
    library = interface.library
    assert library is not None  # probe_source refuses others
    flags = cflags(library.name, package)
    found = told(source, library.headers, flags)
    if found:
        again = told(source, library.headers, (*flags, GNU))
        found = {subject: what for subject, what in found.items() if subject in again}
    names = [n for n in (*interface.functions, *interface.data) if n not in found]
    return _with_facts(interface, found, flags) | _rebound(names, library.headers, flags)


def _with_facts(
    interface: Interface, found: dict[str, str], flags: Sequence[str]
) -> dict[str, str]:
    """Add what the header has where it has something else."""
    other = [subject for subject, what in found.items() if what.startswith("the header ")]
    if not other:
        return found
    from asmith.toolchain.header_facts import facts

    known = facts(interface, other, flags)
    return {s: f"{what}: {known[s]}" if s in known else what for s, what in found.items()}


def _rebound(names: Sequence[str], headers: Sequence[str], flags: Sequence[str]) -> dict[str, str]:
    """Return what differs of names that C code calls by another symbol: `sscanf` of glibc."""
    variables = {name: f"asmith_{number}" for number, name in enumerate(names)}
    source = included(headers) + "".join(
        f"const void *const {variable} = (const void *)&{name};\n"
        for name, variable in variables.items()
    )
    data = compiled(source, flags) or compiled(source, (*flags, GNU)) if names else None
    if data is None:
        return {}
    facts = elf.read_object(data, "the object that mentions the interface's names")
    targets = {name: bound_to(facts, variable) for name, variable in variables.items()}
    return {
        name: f"the header binds it to the symbol '{target.name}'"
        for name, target in targets.items()
        if target.undefined and target.name != name
    }


def exported(interface: Interface, library_symbols: frozenset[str]) -> tuple[str, ...]:
    """Return the functions and objects of an interface that its library does not export, sorted."""
    return tuple(sorted({*interface.functions, *interface.data} - library_symbols))


def findings(
    interface: Interface, differences: Mapping[str, str], missing: Sequence[str]
) -> tuple[Finding, ...]:
    """Return what `compare` and `exported` told as findings, in order of line and name."""
    library = interface.library.name if interface.library else "its library"
    headers = ", ".join(f"<{h}>" for h in (interface.library.headers if interface.library else ()))
    found = [
        Finding(
            "EXT001",
            f"'{subject}' differs from the real header: {what}",
            f"{library} was compiled with {headers}: calls under another declaration break",
            "write what the header says; 'asmith import-header' drafts it",
            file=interface.path,
            line=line_of(interface, subject),
        )
        for subject, what in differences.items()
    ]
    found += [
        Finding(
            "EXT002",
            f"{library} does not export '{name}'",
            "a name that no library exports ends the link; macros and inline functions have none",
            "remove the declaration, or name the library that exports it in 'asm library'",
            file=interface.path,
            line=line_of(interface, name),
        )
        for name in missing
    ]
    return tuple(sorted(found, key=lambda f: (f.line or 0, f.rule, f.message)))


def line_of(interface: Interface, subject: str) -> int | None:
    """Return the line on which an interface declares a subject, None where it does not."""
    for declared in (interface.functions, interface.data, interface.constants):
        if subject in declared:
            return declared[subject].line or None
    tag, _, name = subject.partition(".")
    if tag not in interface.aggregates:
        return None
    aggregate = interface.aggregates[tag]
    lines = {field.name: field.line for field in aggregate.fields}
    return lines.get(name) or aggregate.line or None


# ---- the compiler --------------------------------------------------------------------------------


def run(source: str, flags: Sequence[str], *, cwd: Path = Path("/")) -> process.Completed:
    """Run the C compiler on a text that it reads from standard input."""
    return process.run(
        [*COMPILE, *flags, "-"],
        cwd=cwd,
        stdin=source.encode(),
        environment={"LC_ALL": "C"},
        install="gcc",
    )


def included(headers: Sequence[str]) -> str:
    """Return C text that includes headers."""
    return "".join(f"#include <{header}>\n" for header in headers)


def compiled(source: str, flags: Sequence[str]) -> bytes | None:
    """Return the object, with debug information, that the compiler makes of a text; None: of none.

    DWARF 5 and no optimisation: every variable of the text is in it.
    """
    settings = ("-c", "-O0", "-g", "-gdwarf-5", "-gno-split-dwarf", "-fno-lto", "-o", "object.o")
    with files.scratch(Path(tempfile.gettempdir())) as scratch:
        done = run(source, (*settings, *flags), cwd=scratch)
        return files.read_bytes(scratch / "object.o") if done.ok else None


def bound_to(facts: ObjectFacts, variable: str) -> Symbol:
    """Return the symbol whose address a variable of an object holds."""
    holder = next(s for s in facts.symbols if s.name == variable)
    spot = (holder.section, holder.value)
    return next(facts.symbols[r.index] for r in facts.relocations if (r.section, r.offset) == spot)


def told(source: str, headers: Sequence[str], flags: Sequence[str]) -> dict[str, str]:
    """Return what the compiler says of each subject of a text that marks them as a probe does.

    Raises what `unusable` returns if the headers themselves are wrong.
    """
    source = source.replace(f'#line 1 "{MARK}', f'{_RESYNC}#line 1 "{MARK}')
    messages = run(source, ("-fsyntax-only", *flags)).errors()
    lines = messages.splitlines()
    own = [line for line in lines if "error:" in line and not line.startswith(MARK)]
    if own:
        raise unusable(headers, "\n".join(own), flags)
    found = {s: _ASSERTED.sub(r"\1", what) for s, what in differences(messages).items()}
    return {subject: what for subject, what in found.items() if subject != _NOBODY}


def cflags(library: str, package: str) -> tuple[str, ...]:
    """Return what pkg-config says of a library's headers; nothing for libc and libm.

    Raises UnavailableError for a package that pkg-config does not know.
    """
    if library in _OF_THE_DRIVER and not package:
        return ()
    name = package or library
    done = process.run(["pkg-config", "--cflags", name], cwd=Path("/"), install="pkg-config")
    if not done.ok:
        raise UnavailableError(
            f"the headers of '{library}' are not installed",
            why=f"pkg-config knows no package '{name}'",
            help=f"install the development package of {library}"
            f" (lib{name.removeprefix('lib')}-dev, {name}-devel), or give its pkg-config name",
        )
    return tuple(shlex.split(done.stdout.decode()))


def unusable(
    headers: Sequence[str], messages: str, flags: Sequence[str]
) -> UnavailableError | UsageError:
    """Return the error for headers that the C compiler does not accept at all."""
    named = ", ".join(f"<{header}>" for header in headers)
    if _is_cplusplus(headers, flags):
        return UsageError(
            f"{named} is a C++ header",
            why="it compiles as C++ and not as C",
            help="asmith calls C functions: name a C header of the library, or wrap it in one",
        )
    missing = _FATAL.search(messages)
    if missing is not None:
        return UnavailableError(
            f"header '{missing.group(1)}' is not installed",
            why=f"the C compiler does not find it{' with ' + ' '.join(flags) if flags else ''}",
            help="install the development package that brings it, or give the library's "
            "pkg-config name",
        )
    return UnavailableError(
        f"{named} cannot be compiled as C",
        why=messages.split("\n", maxsplit=1)[0],
        help="compile a file that includes it alone, and mend what the compiler says",
    )


def _is_cplusplus(headers: Sequence[str], flags: Sequence[str]) -> bool:
    command = ["c++", "-x", "c++", "-w", "-fsyntax-only", *flags, "-"]
    try:
        return process.run(command, cwd=Path("/"), stdin=included(headers).encode()).ok
    except process.MissingProgramError:
        return False
