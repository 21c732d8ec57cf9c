"""Places of findings: from a section's offset or a line of the text to function, file and line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import dataclass, replace
from asmith.model.finding import Finding
from asmith.model.nasm import without_comment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.check.inputs import ObjectInput
    from asmith.model.nasm import Statement
    from asmith.model.objects import LineEntry, Relocation, Symbol


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a finding is: `offset` counts from the start of the function, else of the section."""

    function: str = ""
    offset: int | None = None
    file: str = ""
    line: int | None = None
    excerpt: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """The words of a finding. `label` is what to write under the source line."""

    message: str
    why: str
    help: str
    label: str = ""


def finding(rule: str, subject: ObjectInput, spot: Spot, text: Text) -> Finding:
    """Return the finding of a rule on an object."""
    return Finding(
        rule=rule,
        message=text.message,
        why=text.why,
        help=text.help,
        label=text.label,
        object=subject.facts.path,
        function=spot.function,
        offset=spot.offset,
        file=spot.file,
        line=spot.line,
        excerpt=spot.excerpt,
    )


def anywhere(subject: ObjectInput) -> Spot:
    """Return the spot of something that is missing: the file as a whole."""
    return Spot(file=subject.source_path)


def at_offset(subject: ObjectInput, section: int, offset: int) -> Spot:
    """Return the spot of a section offset, through the symbol and line tables."""
    symbol = subject.facts.function_at(section, offset)
    row = _row_at(subject, section, offset)
    line = row.line if row is not None else None
    return Spot(
        function=symbol.name if symbol else "",
        offset=offset - symbol.value if symbol else offset,
        file=row.file if row is not None else subject.source_path,
        line=line,
        excerpt=_excerpt(subject, row.file, row.line) if row is not None else "",
    )


def at_line(subject: ObjectInput, line: int, function: str = "") -> Spot:
    """Return the spot of a line of the module's own text; its code is found if it made any."""
    for row in subject.facts.lines:
        if row.line == line and _is_source(subject, row.file):
            spot = at_offset(subject, row.section, row.offset)
            if spot.line == line:
                return spot
    return Spot(
        function=function,
        file=subject.source_path,
        line=line,
        excerpt=_excerpt(subject, subject.source_path, line),
    )


def at_reference(subject: ObjectInput, relocation: Relocation) -> Spot:
    """Return the spot of a relocation.

    Where the line table has nothing, as in data, the line is the one of that section in the text
    that names the target.
    """
    spot = at_offset(subject, relocation.section, relocation.offset)
    if spot.line is not None:
        return spot
    section = subject.facts.section(relocation.section)
    name = section.name if section is not None else ""
    target = target_name(subject, relocation)
    for statement in _in_section(subject, name):
        if target in _words(" ".join(statement.operands)):
            place = at_line(subject, statement.line)
            return replace(spot, file=place.file, line=place.line, excerpt=place.excerpt)
    return at_section(subject, name)


def target_name(subject: ObjectInput, relocation: Relocation) -> str:
    """Return what a relocation refers to: of a section, the label that stands there if one does."""
    symbol = subject.facts.symbols[relocation.index]
    if symbol.type != "STT_SECTION":
        return relocation.symbol
    for other in subject.facts.symbols:
        here = other.section == symbol.section and other.value == relocation.addend
        if here and other.name and other.type != "STT_SECTION" and not other.name.endswith(".end"):
            return other.name
    return relocation.symbol


def at_symbol(subject: ObjectInput, symbol: Symbol) -> Spot:
    """Return the spot of a symbol: the line that declares it, else the code behind it."""
    line = line_naming(subject, symbol.name)
    if line is not None:
        return at_line(subject, line)
    if symbol.section is not None:
        return at_offset(subject, symbol.section, symbol.value)
    return anywhere(subject)


def at_section(subject: ObjectInput, name: str) -> Spot:
    """Return the spot of the directive that opens a section, else the file."""
    for statement in subject.statements:
        if statement.mnemonic in ("section", "segment") and statement.operands:
            words = statement.operands[0].split()
            if words[0] == name:
                return at_line(subject, statement.line)
    return anywhere(subject)


def line_naming(subject: ObjectInput, name: str) -> int | None:
    """Return the first line that declares a name, else labels it, else uses it."""
    declared = labelled = used = None
    for statement in subject.statements:
        words = _words(" ".join(statement.operands))
        if statement.mnemonic in ("global", "extern", "static", "common") and name in words:
            declared = declared or statement.line
        elif statement.label == name:
            labelled = labelled or statement.line
        elif name in words:
            used = used or statement.line
    return declared or labelled or used


def label_line(subject: ObjectInput, name: str) -> int | None:
    """Return the line of the label `name`, if the text has one."""
    return next((s.line for s in subject.statements if s.label == name), None)


def _in_section(subject: ObjectInput, name: str) -> Iterator[Statement]:
    """Yield the statements that stand in a section, by its name."""
    current = ""
    for statement in subject.statements:
        if statement.mnemonic in ("section", "segment") and statement.operands:
            current = statement.operands[0].split()[0]
        elif current == name:
            yield statement


def _words(operands: str) -> frozenset[str]:
    for mark in ",:()[]+-*/":
        operands = operands.replace(mark, " ")
    return frozenset(word.removeprefix("$") for word in operands.split())


def _row_at(subject: ObjectInput, section: int, offset: int) -> LineEntry | None:
    """Return the line-table row of an offset; data sections have none."""
    row = subject.facts.line_at(section, offset)
    return row if row is None or row.line > 0 else None


def _is_source(subject: ObjectInput, file: str) -> bool:
    """Tell whether a file of the line table is the module's own text."""
    path = subject.source_path
    return file == path or file.endswith(f"/{path}") or path.endswith(f"/{file}")


def _excerpt(subject: ObjectInput, file: str, line: int) -> str:
    """Return the code of a source line, or nothing where the text is not at hand."""
    lines = subject.source.split("\n") if _is_source(subject, file) else []
    return without_comment(lines[line - 1]) if 0 < line <= len(lines) else ""
