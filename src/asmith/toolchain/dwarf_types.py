"""C types out of debug information (DWARF 5, chapter 5), as gcc writes it: a door to pyelftools.

Types become those of `asmith.model.contract`. A typedef that a draft keeps stays a name: it is the
`Scalar` of that name and of no size. What the types need is collected as declarations, each behind
those that it needs itself. Structs stay opaque unless they are asked for, passed by value, part of
another one, or without a tag.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from asmith.contract.basic import HEADERS, VOID, basic
from asmith.dataclass import dataclass, field
from asmith.model.contract import Array, FunctionType, Named, Pointer, Scalar
from asmith.toolchain.c_declarations import (
    Alias,
    Enumeration,
    Member,
    Opaque,
    Record,
    named,
    refused,
)

if TYPE_CHECKING:
    from asmith.model.contract import CType
    from asmith.toolchain.c_declarations import Declaration

_KEYWORDS = {
    "DW_TAG_structure_type": "struct",
    "DW_TAG_union_type": "union",
    "DW_TAG_enumeration_type": "enum",
}
_REFUSED = {
    "DW_TAG_volatile_type": "volatile",
    "DW_TAG_restrict_type": "restrict behind a pointer",
    "DW_TAG_atomic_type": "_Atomic",
}
_DROPPED = ("DW_TAG_const_type", "DW_TAG_restrict_type", "DW_TAG_volatile_type")
_STANDARD = {name: header for header, types in reversed(HEADERS.items()) for name in types}
_VA_LISTS = ("va_list", "__gnuc_va_list", "__builtin_va_list")
_VA_TAG = "__va_list_tag"
_INT = 4  # bytes of every enum of an interface


@dataclass(slots=True)
class Types:
    """Reads types of one compiled file, and collects what they need.

    `asked` are the tags and typedefs to complete. Every refusal is a UsageError that names what is
    outside the interface language.
    """

    asked: frozenset[str]
    variables: dict[str, Any]
    aliases: dict[int, str]  # offset of a type without a tag -> its typedef's name
    noreturn: frozenset[str] = frozenset()
    declarations: dict[str, Declaration] = field(default_factory=dict)
    headers: set[str] = field(default_factory=set)
    plain: dict[str, CType] = field(default_factory=dict)  # typedef -> what it stands for
    subject: str = ""  # what refusals speak of
    _open: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, data: bytes, asked: frozenset[str]) -> Types:
        """Return the reader of an object file that gcc made with -g."""
        from elftools.elf.elffile import ELFFile

        variables: dict[str, Any] = {}
        aliases: dict[int, str] = {}
        noreturn: set[str] = set()
        for unit in ELFFile(io.BytesIO(data)).get_dwarf_info().iter_CUs():
            for die in unit.get_top_DIE().iter_children():
                if die.tag == "DW_TAG_variable":
                    variables[_name(die)] = die
                elif die.tag == "DW_TAG_subprogram" and "DW_AT_noreturn" in die.attributes:
                    noreturn.add(_name(die))
                elif die.tag == "DW_TAG_typedef" and _is_untagged(target := _type(die)):
                    aliases.setdefault(target.offset, _name(die))
        return cls(asked, variables, aliases, frozenset(noreturn))

    def pointed(self, variable: str) -> tuple[CType, bool]:
        """Return what a pointer variable points to, and whether that is const."""
        pointer = _type(self.variables[variable])
        while pointer.tag == "DW_TAG_const_type":
            pointer = _type(pointer)
        target = _type(pointer)
        whole = target is None or _KEYWORDS.get(target.tag, "") not in ("struct", "union")
        return self.of(target, whole=whole)

    def of(self, die: Any, *, whole: bool = True) -> tuple[CType, bool]:  # noqa: PLR0911 -- cases
        """Return a type and whether it is const; `whole`: its size is needed."""
        if die is None:
            return VOID, False
        match die.tag:
            case "DW_TAG_base_type":
                return self._basic(_name(die)), False
            case "DW_TAG_const_type":
                return self.of(_type(die), whole=whole)[0], True
            case "DW_TAG_pointer_type":
                return self._pointer(_type(die)), False
            case "DW_TAG_typedef":
                return self._typedef(die, whole=whole)
            case "DW_TAG_array_type":
                return self._array(die)
            case "DW_TAG_subroutine_type":
                return self._function(die), False
            case "DW_TAG_enumeration_type":
                return self._enumeration(die), False
            case "DW_TAG_structure_type" | "DW_TAG_union_type":
                return self._record(die, whole=whole), False
            case tag:
                raise refused(f"'{_REFUSED.get(tag, tag)}'", self.subject)

    def _basic(self, name: str) -> Scalar:
        found = basic(tuple(name.split()))
        if found is None:
            raise refused(f"the type '{name}'", self.subject)
        return found

    # ---- derived types ---------------------------------------------------------------------------

    def _pointer(self, target: Any) -> CType:
        if target is not None and _name(target) == _VA_TAG:  # what a va_list parameter becomes
            self.headers.add("stdarg.h")
            return named("va_list")
        inner, const = self.of(target, whole=False)
        return Pointer(inner, const)

    def _array(self, die: Any) -> tuple[CType, bool]:
        element, const = self.of(_type(die))
        ranges = [c for c in die.iter_children() if c.tag == "DW_TAG_subrange_type"]
        for bounds in reversed(ranges):
            count = _count(bounds)
            if count == 0:
                raise refused("an array of no elements", self.subject)
            element = Array(element, count)
        return element, const

    def _function(self, die: Any) -> FunctionType:
        if "DW_AT_prototyped" not in die.attributes:
            raise refused("a function without a prototype", self.subject)
        result, _ = self.of(_type(die))
        parameters = []
        variadic = False
        for child in die.iter_children():
            if child.tag == "DW_TAG_unspecified_parameters":
                variadic = True
                continue
            of_it = _type(child)
            while of_it is not None and of_it.tag in _DROPPED:
                of_it = _type(of_it)
            parameters.append(self.of(of_it)[0])
        return FunctionType(result, tuple(parameters), variadic)

    def _typedef(self, die: Any, *, whole: bool) -> tuple[CType, bool]:
        """Return the typedef as a name; names that the C library keeps to itself are resolved."""
        name, target = _name(die), _type(die)
        if name in _VA_LISTS:
            self.headers.add("stdarg.h")
            return named("va_list"), False
        header = _STANDARD.get(name)
        if header is not None and HEADERS[header][name] == _bare(target):
            self.headers.add(header)
            self.plain[name] = HEADERS[header][name]
            return named(name), False
        own = target is not None and self.aliases.get(target.offset) == name
        if name.startswith("__") and not own:
            return self.of(target, whole=whole)
        inner, const = self.of(target, whole=whole or own or self._wanted(name))
        if not own:
            self.declarations.setdefault(f"typedef {name}", Alias(name, inner, const))
            self.plain[name] = self.resolved(inner)
        return named(name), const

    def resolved(self, ctype: CType) -> CType:
        """Return what a typedef stands for, as far as it stands for one; else the type itself."""
        return self.plain.get(ctype.name, ctype) if isinstance(ctype, Scalar) else ctype

    def complete(self, named_type: Named) -> bool:
        """Tell whether the draft defines a struct, union or enum."""
        return f"{named_type.keyword} {named_type.tag}" in self.declarations

    # ---- tagged types ----------------------------------------------------------------------------

    def _record(self, die: Any, *, whole: bool) -> CType:
        keyword, tag, alias = _KEYWORDS[die.tag], _name(die), self.aliases.get(die.offset, "")
        if not tag and not alias:
            raise refused(f"a member whose {keyword} has neither tag nor typedef", self.subject)
        name = tag or alias
        result = Named(keyword, tag) if tag else named(alias)
        self.plain[alias] = Named(keyword, name)
        incomplete = "DW_AT_declaration" in die.attributes
        if incomplete or not (whole or not tag or self._wanted(tag)):
            self._opaque(keyword, tag)
        elif name in self._open:
            if name != self._open[-1]:
                self._opaque(keyword, tag)
        elif f"{keyword} {name}" not in self.declarations:
            self._open.append(name)
            record = self._definition(die, keyword, tag, alias)
            self._open.pop()
            self.declarations[f"{keyword} {name}"] = record
        return result

    def _wanted(self, name: str) -> bool:
        """Tell whether to complete what is only pointed to: never inside another definition."""
        return name in self.asked and not self._open

    def _opaque(self, keyword: str, tag: str) -> None:
        if f"{keyword} {tag}" not in self.declarations and tag not in self._open[-1:]:
            self.declarations.setdefault(f"opaque {tag}", Opaque(keyword, tag))

    def _definition(self, die: Any, keyword: str, tag: str, alias: str) -> Record:
        outer = self.subject
        members = []
        for child in die.iter_children():
            if child.tag == "DW_TAG_member":
                self.subject = f"{tag or alias or outer}.{_name(child)}".rstrip(".")
                members.append(self._member(child))
        self.subject = outer
        if not members:
            raise refused(f"a {keyword} without members", tag or alias or outer)
        return Record(keyword, tag, alias, tuple(members), _number(die, "DW_AT_byte_size"))

    def _member(self, die: Any) -> Member:
        if "DW_AT_bit_size" in die.attributes:
            raise refused("a bit-field", self.subject)
        name, of_it = _name(die), _type(die)
        offset = _number(die, "DW_AT_data_member_location")
        if not name:
            inner = self._definition(of_it, _KEYWORDS[of_it.tag], "", "")
            return Member("", VOID, offset, inner)
        ctype, const = self.of(of_it)
        if const and not isinstance(self.resolved(ctype), Array):
            raise refused("a const member", self.subject)
        return Member(name, ctype, offset)

    def _enumeration(self, die: Any) -> CType:
        tag, alias = _name(die), self.aliases.get(die.offset, "")
        if not tag and not alias:
            return self.of(_type(die))[0]
        items = tuple(
            (_name(child), int(child.attributes["DW_AT_const_value"].value))
            for child in die.iter_children()
            if child.tag == "DW_TAG_enumerator"
        )
        if _number(die, "DW_AT_byte_size") != _INT or any(v >> 31 not in (0, -1) for _, v in items):
            raise refused("an enum whose values do not fit into int", tag or alias)
        self.declarations.setdefault(f"enum {tag or alias}", Enumeration(tag, alias, items))
        self.plain[alias] = Named("enum", tag or alias)
        return Named("enum", tag) if tag else named(alias)


def _bare(die: Any) -> CType | None:
    """Return the basic type behind any number of typedefs, None for other types."""
    while die is not None and die.tag == "DW_TAG_typedef":
        die = _type(die)
    return basic(tuple(_name(die).split())) if die is not None and _is_basic(die) else None


def _is_untagged(die: Any) -> bool:
    return die is not None and die.tag in _KEYWORDS and not _name(die)


def _is_basic(die: Any) -> bool:
    return bool(die.tag == "DW_TAG_base_type")


def _count(bounds: Any) -> int | None:
    """Return the number of elements of one dimension, None for an array without a size."""
    if "DW_AT_count" in bounds.attributes:
        return _number(bounds, "DW_AT_count")
    if "DW_AT_upper_bound" not in bounds.attributes:
        return None
    return _number(bounds, "DW_AT_upper_bound") + 1


def _name(die: Any) -> str:
    attribute = die.attributes.get("DW_AT_name")
    return attribute.value.decode() if attribute is not None else ""


def _type(die: Any) -> Any:
    return die.get_DIE_from_attribute("DW_AT_type") if "DW_AT_type" in die.attributes else None


def _number(die: Any, attribute: str) -> int:
    return int(die.attributes[attribute].value) if attribute in die.attributes else 0
