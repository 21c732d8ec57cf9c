"""What is mutated: functions that can be called on random inputs, with their contracts.

A unit is one object: what gcc or clang made of a generated kind, or one of this project's modules.
Its callable functions have a signature of letters (native/runner.c): l long, i int, h short, c
char, b _Bool, d double, f float, p buffer, s string, m structure of 24 bytes, z an int that is a
size, u function, t and n text and its length, B buffer of the modules, q a status, v nothing.
"""

from __future__ import annotations

import random
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asmith.contract.reader import read_interfaces
from asmith.model.names import InterfaceName
from asmith.toolchain import elf
from checking import kinds_calls, kinds_data, kinds_flow
from checking.cache import UnableError
from checking.expressions import HEADER, Writer
from checking.subject import Contracts

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

KINDS = (
    kinds_flow.arithmetic, kinds_flow.dense_switch, kinds_flow.sparse_switch,
    kinds_flow.string_switch, kinds_flow.cold_path, kinds_calls.many_arguments,
    kinds_calls.tail_calls, kinds_calls.pointers, kinds_calls.local_callees,
    kinds_data.alloca_and_vla, kinds_data.aligned_frame, kinds_data.doubles, kinds_data.loops,
    kinds_data.spills, kinds_data.bits, kinds_data.wide_integers,
)  # fmt: skip

FLAGS = (
    ("gcc", "-O2", "-march=x86-64-v3"),
    ("clang", "-O2", "-march=x86-64-v3"),
    ("gcc", "-Os"),
    ("gcc", "-O1"),
    ("clang", "-O1"),
    ("gcc", "-O3", "-march=x86-64-v3"),
)

EXTERNALS = {
    "out_long": ("l", "l"), "out_double": ("d", "d"), "out_void": ("v", "p"),
    "out_fatal": ("v", "p"), "memset": ("l", "pil"), "memcpy": ("l", "ppl"),
    "memmove": ("l", "ppl"), "memcmp": ("i", "ppl"), "memchr": ("l", "pil"), "strlen": ("l", "p"),
    "sqrt": ("d", "d"), "floor": ("d", "d"), "sin": ("d", "d"), "pow": ("d", "dd"),
    "labs": ("l", "l"),
}  # fmt: skip
"""External functions that a unit may call: result and arguments. Others leave the unit out."""

DATA = {"shared", "flag", "table"}

MODULES = {
    "int_codec": {"u64_format": ("i", "Bl"), "u64_parse": ("i", "tnp")},
    "json_escape": {"json_escape": ("i", "Btn")},
    "json_writer": {
        "json_append": ("i", "Btn"),
        "json_member_raw": ("i", "Btntn"),
        "json_member_string": ("i", "Btntn"),
    },
    "errors": {"error_body": ("i", "Bq")},
    "http_parse": {"http_parse": ("l", "tnp")},
    "http_write": {"http_answer": ("i", "Bqtnbs")},
}

_LETTERS = {
    "long": "l", "uint64_t": "l", "size_t": "l", "unsigned long": "l", "int": "i", "unsigned": "i",
    "short": "h", "unsigned short": "h", "char": "c", "unsigned char": "c", "_Bool": "b",
    "double": "d", "float": "f", "void": "v", "unary": "u", "binary": "u", "s24": "m",
}  # fmt: skip

_WORDS = {
    "l": "long", "i": "int", "h": "short", "c": "unsigned char", "b": "_Bool", "d": "double",
    "f": "float", "v": "void", "p": "void *", "s": "const char *", "u": "unary", "m": "s24",
    "z": "int",
}  # fmt: skip

_DEFINITION = re.compile(
    r"^(?!static)(?:__attribute__\(\([a-z, ]*\)\) )?([a-z_0-9 ]*[a-z_0-9]) (\w+)\(([^()]*)\) \{",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Unit:
    """One object with its callable functions: name -> (result, arguments)."""

    name: str
    origin: str
    path: Path
    profile: str
    functions: dict[str, tuple[str, str]]
    contracts: Contracts


def generated(directory: Path, count: int, first: int = 1) -> Iterator[Unit]:
    """Yield up to `count` units of generated C, by seeds from `first` on.

    Those that cannot be called are left out.
    """
    made = 0
    for seed in range(first, first + 20 * count):
        kind = KINDS[seed % len(KINDS)]
        flags = FLAGS[seed // len(KINDS) % len(FLAGS)]
        writer = Writer(random.Random(seed), f"m{seed}")  # noqa: S311 -- reproducible, no secret
        text = kind(writer)
        functions = dict(list(signatures(text).items())[:8])
        if kind is kinds_data.alloca_and_vla:  # an int is a size
            functions = {n: (r, a.replace("i", "z")) for n, (r, a) in functions.items()}
        path = directory / f"m{seed}.o"
        source = path.with_suffix(".c")
        source.write_text(HEADER + text, encoding="utf-8")
        command = [*flags, "-w", "-c", source.name, "-o", path.name]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnableError(f"{' '.join(command)}: {done.stderr[:300]}")
        if functions and callable_(path):
            yield Unit(
                path.stem, f"{kind.__name__} {' '.join(flags)}", path, "asm", functions,
                contracts(functions),
            )  # fmt: skip
            made += 1
            if made == count:
                return


def modules(directory: Path) -> Iterator[Unit]:
    """Yield this project's modules that can be called on random inputs, as nasm assembles them."""
    headers = {
        InterfaceName(p.stem): (f"interfaces/{p.name}", p.read_bytes())
        for p in sorted((ROOT / "interfaces").glob("*.h"))
    }
    known = read_interfaces(headers)
    for name, functions in MODULES.items():
        built = sorted((ROOT / "build").rglob(f"obj/{name}.o"))
        if not built:
            raise UnableError(f"module {name} has no object (asmith build)")
        path = directory / f"{name}.o"
        path.write_bytes(built[0].read_bytes())
        yield Unit(
            name, "module", path, "project", functions, Contracts(known[InterfaceName(name)], known)
        )


def signatures(text: str) -> dict[str, tuple[str, str]]:
    """Return the functions of a C text whose result and arguments have letters."""
    found = {}
    for result, name, listed in _DEFINITION.findall(text):
        letters = [_letter(p) for p in listed.split(",")] if listed.strip() != "void" else []
        kind = _LETTERS.get(result.strip(), "")
        if kind and kind != "m" and all(letters):
            found[name] = (kind, "".join(letters))
    return found


def _letter(parameter: str) -> str:
    """Return the letter of one parameter, or nothing."""
    words = parameter.replace("restrict ", "").strip()
    if "(" in words:
        return ""
    if "*" in words:
        kind = words.split("*", 1)[0].strip()
        if words.count("*") > 1 or kind.startswith("void"):
            return ""
        return "s" if kind in ("const char", "const unsigned char") else "p"
    kind, _, _ = words.rpartition(" ")
    return _LETTERS.get(kind.strip(), "")


def callable_(path: Path) -> bool:
    """Tell whether all that a unit refers to is provided by the runner."""
    facts = elf.read_object(path.read_bytes(), path.name)
    needs = {s.name for s in facts.symbols if s.undefined and s.name}
    return needs <= EXTERNALS.keys() | DATA | {"_GLOBAL_OFFSET_TABLE_"}


def contracts(functions: dict[str, tuple[str, str]]) -> Contracts:
    """Return the prototypes of a unit and of what it calls, as interfaces.

    What the unit requires is what the runner sees to, so that contract and execution mean the same.
    """
    library = '//@ asm library "libc" header "x.h";\n'  # an external interface needs no assigns
    types = "typedef long (*unary)(long);\ntypedef struct { long a, b, c; } s24;\n"
    own = "".join(
        f"/*@ {_requires(a)} */\n{_prototype(n, r, a)}" for n, (r, a) in functions.items()
    )
    rest = "".join(_prototype(name, *letters) for name, letters in EXTERNALS.items())
    rest = rest.replace("void out_fatal", "_Noreturn void out_fatal")
    known = read_interfaces(
        {
            InterfaceName("own"): ("own.h", f"{library}{types}{own}".encode()),
            InterfaceName("rest"): ("rest.h", f"{library}{rest}".encode()),
        }
    )
    return Contracts(known[InterfaceName("own")], known)


def _requires(letters: str) -> str:
    """Return the clauses for what the runner sees to: a size is positive and small."""
    sizes = [f"requires 1 <= a{n} <= 100;" for n, letter in enumerate(letters) if letter == "z"]
    return " ".join(sizes) or "requires \\true;"


def _prototype(name: str, result: str, letters: str) -> str:
    listed = [f"{_WORDS[letter]} a{n}" for n, letter in enumerate(letters)]
    return f"{_WORDS[result]} {name}({', '.join(listed) or 'void'});\n"
