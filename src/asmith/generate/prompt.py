"""The request for one module: a pure function of contracts, spec and what there is already.

The stable part comes first, byte for byte the same for every module, so that a provider can cache
it. Its version is provenance: a new template makes no module stale.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.abi import banner
from asmith.contract import sheet
from asmith.dataclass import dataclass
from asmith.generate.answer import AnswerError, split
from asmith.generate.dialogue import Dialogue
from asmith.model.contract import EntryKind
from asmith.model.plan import Why

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asmith.model.contract import Interface
    from asmith.model.names import InterfaceName
    from asmith.model.plan import Reason
    from asmith.model.spec import Requirement, Spec

VERSION = 6

RULES = """\
You write one module of a program directly as x86-64 assembly for NASM 2.15 or later
(elf64, Linux, System V AMD64 ABI). The module is assembled with all warnings as errors, checked
against its contract, and tested. Nobody edits it afterwards: what you answer is what runs.

# Answer
Answer from this text alone and at once: use no tools and look at no files; your first reply is
handed in as it is. Reply with exactly one fenced code block (```nasm ... ```) and nothing that
needs reading outside it. The block holds the whole module, unless the request ends by asking for
certain functions. Then it holds just those functions, whole, each with the data that it alone
needs before it, beginning with `section .text` (or with that data's section); it may add private
helper functions. Every other function then stays byte for byte as it is, and so does all that
stands before the first `section .text`, unless the block begins with a part of its own that has
`default rel`, which replaces it. If more must change than was asked for, answer with the whole
module.

# Form of a module
- Order: the banner given below, copied unchanged; `default rel`, `bits 64`; constants of your own;
  data sections; `section .text align=16`; the functions; last the line
  `section .note.GNU-stack noalloc noexec nowrite progbits`.
- Each function of the contract: `global f:function (f.end - f)`, the label `f:` in column 0, its
  instructions, and the line `.end:` in column 0 after its last instruction. Private helper
  functions have the same form without `global`. No jump from one function into another, no
  `%macro`, no `%include`. Local labels say a state or purpose (`.next`, `.too_long`).
- Label column 0, mnemonic column 8, operands column 16, comment column 40; lower case. A sentence
  before each step; requirement ids in brackets, e.g. `[FR-002]`, where the code obeys them.
- Names that are instructions, registers or directives of NASM (in any case) cannot be labels.

# What is defined for you
An include generated from the contracts stands before your text. It declares every function and
datum that you name from another module's or a library's contract (`extern`), and defines the
constants and structure offsets that you name: field f of struct s is `t_s.f`, its size is
`t_s_size`. Use these names, never bare numbers for them; do not define or declare them yourself.

# Rules of the ABI
- Arguments in rdi, rsi, rdx, rcx, r8, r9; result in rax. rbx, rbp, r12-r15 and rsp belong to the
  caller: restore them. The direction flag is clear at entry and exit. (psABI 3.2.1, 3.2.3)
- At every call rsp is a multiple of 16; at entry it is 8 more than that. (psABI 3.2.2)
- Bits 32-63 of a register that carries an int, and all bits above a narrower argument's 32, are
  garbage. A caller extends _Bool, char and short to 32 bits; do not rely on it as callee.
- All registers but the callee-saved ones are garbage after a call. No red zone in a function that
  calls. `al` holds the number of vector registers before a call of a variadic function.
- Position-independent code: `default rel`; `lea x, [rel symbol]`; call other modules' functions
  by `call f wrt ..plt` and libraries' too; functions of this module by `call f`. Pointers in data
  go to `section .data.rel.ro write align=8`. No section is writable and executable.
- No `syscall`; call the functions of your contracts. Call nothing else.
- Only SSE2 unless a contract says `isa` or `dispatch`.
"""


_FUNCTIONS = (Why.REQUIREMENT_CHANGED, Why.REQUIREMENT_ADDED)  # what one function may answer for


@dataclass(frozen=True, slots=True)
class Request:
    """What a request is made of."""

    spec: Spec
    interface: Interface
    visible: Mapping[InterfaceName, Interface]
    previous: str | None = None
    reasons: tuple[Reason, ...] = ()  # why the previous text is stale


def dialogue(request: Request) -> Dialogue:
    """Return the request as the first part of a dialogue."""
    return Dialogue(request.spec.module, RULES + "\n", _body(request), functions(request))


def functions(request: Request) -> tuple[str, ...]:
    """Return the only functions that must change, or nothing where the whole module may.

    That is so where nothing changed but requirements under the headings of functions that the
    previous text has.
    """
    if request.previous is None or not request.reasons:
        return ()
    try:
        units = {u.name for u in split(request.previous).units}
    except AnswerError:
        return ()  # a text that somebody wrote in another form
    owners = {f"{request.spec.module}:{r.id}": r.function for r in request.spec.requirements}
    changed = {owners.get(r.subject) or "" for r in request.reasons}
    alone = all(r.kind in _FUNCTIONS for r in request.reasons)
    wanted = set(request.interface.functions)
    if not alone or not changed <= wanted & units or not wanted <= units or changed == wanted:
        return ()
    return tuple(sorted(changed))


def _body(request: Request) -> str:
    """Return what comes after the rules, ending in a newline."""
    spec = request.spec
    parts = [
        f"# The module: {spec.module}\n{spec.title}\n",
        "# Its banner\n" + banner.render(request.interface, spec.title).rstrip() + "\n",
        "# The contract that it implements\n" + sheet.render(request.interface).rstrip() + "\n",
        *_contracts(request),
        "# Requirements\n" + "\n".join(_requirement(r) for r in spec.requirements) + "\n",
    ]
    if request.previous is not None:
        parts += [
            f"# The module as it is, which must change\n```nasm\n{request.previous}```\n",
            *_change(request),
        ]
    return "\n".join(parts)


def _contracts(request: Request) -> list[str]:
    """Return the sheets of the other contracts, narrowed to what the module may name.

    A use of a whole interface shows all of it, a use of one symbol that symbol; of interfaces that
    are merely included only constants and types can be named.
    """
    uses = [u for u in request.spec.uses if u.interface != request.interface.name]
    found = []
    for name, interface in sorted(request.visible.items()):
        shown = {u.symbol for u in uses if u.interface == name}
        if "" in shown:
            shown = {str(s) for s in interface.surface}
        elif not shown and name != request.interface.name:
            symbols = (EntryKind.FUNCTION, EntryKind.DATA)
            shown = {str(s) for s, e in interface.surface.items() if e.kind not in symbols}
        if shown:
            text = sheet.render(interface, symbols=shown, for_callers=True).rstrip()
            found.append(f"# Contract that it may use: {name}\n{text}\n")
    return found


def _requirement(requirement: Requirement) -> str:
    owner = f"{requirement.function}: " if requirement.function else ""
    text = requirement.text.replace("\n", "\n  ")
    return f"- [{requirement.id}] {owner}{text}"


def _change(request: Request) -> list[str]:
    """Return what changed since the previous text, and what to answer with.

    No line of a spec is named: a request must not change with what is for people alone.
    """
    if not request.reasons:
        return []
    lines = ["# What changed since it was written"]
    for reason in request.reasons:
        lines += [_changed(reason), *(f"    {line}" for line in reason.difference)]
    only = functions(request)
    lines += ["", "# What to answer with"]
    lines.append(
        f"Only {_listed(only)} must change. Answer with {'it' if len(only) == 1 else 'them'} alone."
        if only
        else "Answer with the whole module."
    )
    return ["\n".join(lines) + "\n"]


def _changed(reason: Reason) -> str:
    """Return what a reason says, without its place in a file."""
    identity = reason.subject.partition(":")[2]
    match reason.kind:
        case Why.REQUIREMENT_CHANGED:
            return f"Requirement {identity} changed:"
        case Why.REQUIREMENT_ADDED:
            return f"Requirement {identity} is new:"
        case Why.REQUIREMENT_REMOVED:
            return f"Requirement {identity} is gone, and nothing asks for it any more:"
        case _:
            return f"{reason}{':' if reason.difference else ''}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
