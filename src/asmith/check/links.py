"""Questions about a whole link that several rules ask."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from asmith.model.finding import Finding
from asmith.model.objects import Binding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.check.inputs import LinkInput
    from asmith.check.places import Text
    from asmith.model.names import ModuleName
    from asmith.model.objects import ObjectFacts

LINKER_DEFINED = frozenset(
    {
        "_GLOBAL_OFFSET_TABLE_",
        "_DYNAMIC",
        "__bss_start",
        "__dso_handle",
        "__ehdr_start",
        "_edata",
        "_end",
        "_etext",
        "edata",
        "end",
        "etext",
    }
)
"""Names that the link editor or the C start-up files define."""


def finding(rule: str, object_path: str, text: Text) -> Finding:
    """Return the finding of a rule on an object, or on the product, of a link."""
    return Finding(
        rule=rule, message=text.message, why=text.why, help=text.help, object=object_path
    )


def providers(subject: LinkInput) -> Mapping[str, tuple[ModuleName, ...]]:
    """Return symbol -> modules that define it strongly, or, without such, weakly."""
    strong: dict[str, list[ModuleName]] = defaultdict(list)
    weak: dict[str, list[ModuleName]] = defaultdict(list)
    for module, facts, _ in subject.objects:
        for symbol in facts.exports():
            (weak if symbol.binding is Binding.WEAK else strong)[symbol.name].append(module)
    weakly = {name: (modules[0],) for name, modules in weak.items()}
    return weakly | {name: tuple(modules) for name, modules in strong.items()}


def needed(facts: ObjectFacts) -> tuple[str, ...]:
    """Return the undefined names that an object cannot do without, sorted; weak ones it can."""
    wanted = {
        s.name for s in facts.symbols if s.undefined and s.name and s.binding is not Binding.WEAK
    }
    return tuple(sorted(wanted - LINKER_DEFINED))


def interface_of(subject: LinkInput, module: ModuleName, symbol: str) -> str | None:
    """Return the interface through which a module imports a symbol, by its stamp or by name."""
    for name, _, stamp in subject.objects:
        if name == module and stamp is not None:
            for qualified in sorted(stamp.imports):
                interface, _, imported = qualified.partition(".")
                if imported == symbol:
                    return interface
    for interface_name in sorted(subject.interfaces):
        interface_ = subject.interfaces[interface_name]
        if symbol in interface_.functions or symbol in interface_.data:
            return interface_name
    return None


def library_of(subject: LinkInput, interface: str | None) -> str | None:
    """Return the library that implements an interface, if it is an external one."""
    for name, known in subject.interfaces.items():
        if name == interface and known.library is not None:
            return known.library.name
    return None
