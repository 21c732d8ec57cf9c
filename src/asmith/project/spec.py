"""Specs: Markdown with numbered requirements, read after normalisation (docs/reference/spec.md).

Only front matter and numbered items are normative. Everything else (prose, notes, dates, status
lines, comments, wrapping, check-boxes) is for people and never reaches a digest.
"""

from __future__ import annotations

import json
import re
from typing import Any

from asmith.errors import Place, UsageError, did_you_mean
from asmith.model.names import InterfaceName, ModuleName, digest_of
from asmith.model.spec import Example, Requirement, Spec, Use

_KEYS = ("module", "implements", "uses")
_ITEM = re.compile(
    r"^(?P<indent> {0,3})[-*+] +(?:\[[ xX]\] +)?\*\*(?P<id>(?:FR|SC)-\d+)\*\*:? *(?P<text>.*)$"
)
_HEADING = re.compile(r"^(?P<level>#{1,6}) +(?P<text>.*?) *#*$")
_LIST = re.compile(r"^ {0,3}(?:[-*+]|\d+[.)]) ")
_FENCE = re.compile(r"^ {0,3}(?P<mark>```+|~~~+) *(?P<language>[\w-]*)")
_CLARIFY = re.compile(r"\[NEEDS CLARIFICATION\b")
_IDENTIFIER = re.compile(r"^[A-Za-z_]\w*$")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def parse(text: str, path: str) -> Spec:
    """Return the spec in `text`; `path` names it in errors and must end in `<module>.md`."""
    blanked = _COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text.replace("\r\n", "\n"))
    lines = blanked.split("\n")
    front, start = _front_matter(lines, path)
    reader = _Body(path)
    for number, line in enumerate(lines[start:], start + 1):
        reader.feed(number, line)
    reader.finish()
    module = ModuleName(front["module"][0])
    implements = InterfaceName((front.get("implements") or front["module"])[0])
    uses = _uses(front.get("uses", []), path)
    requirements = _requirements(reader.items, path)
    return Spec(
        module=module,
        path=path,
        title=reader.title,
        implements=implements,
        uses=uses,
        requirements=requirements,
        examples=tuple(reader.examples),
        clarifications=tuple(reader.clarifications),
        normative=digest_of(
            "spec",
            {
                "module": module,
                "implements": implements,
                "uses": [str(u) for u in uses],
                "requirements": {r.id: r.digest for r in requirements},
            },
        ),
    )


def _front_matter(lines: list[str], path: str) -> tuple[dict[str, list[str]], int]:
    """Return the front matter's values and the index of the first line after it."""
    if not lines or lines[0].strip() != "---":
        raise UsageError(
            "the spec has no front matter",
            where=Place(path, 1),
            help="start it with lines: ---, module: NAME, uses: [..], ---",
        )
    values: dict[str, list[str]] = {}
    for index, line in enumerate(lines[1:], 1):
        if line.strip() == "---":
            break
        key, colon, rest = line.partition(":")
        key = key.strip()
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = Place(path, index + 1)
        if not colon or not _IDENTIFIER.match(key):
            raise UsageError(
                "a front matter line must read 'key: value'",
                where=where,
                help="end the front matter with a line of its own: ---",
            )
        if key not in _KEYS:
            raise UsageError(
                f"unknown key '{key}' in the front matter{did_you_mean(key, _KEYS)}",
                where=where,
                help=f"known keys: {', '.join(_KEYS)}",
            )
        if key in values:
            raise UsageError(f"'{key}' stands twice in the front matter", where=where)
        values[key] = _values(key, rest.split(" #")[0].strip(), where)
    else:
        raise UsageError("the front matter is not closed by '---'", where=Place(path, 1))
    if "module" not in values:
        raise UsageError("the front matter has no 'module'", where=Place(path, 1))
    return values, index + 1


def _values(key: str, text: str, where: Place) -> list[str]:
    listed = text.startswith("[")
    if listed != (key == "uses") or (listed and not text.endswith("]")):
        form = "a list: uses: [a, b.f]" if key == "uses" else f"one name: {key}: NAME"
        raise UsageError(f"'{key}' must be {form}", where=where)
    words = [w.strip() for w in text.strip("[]").split(",")]
    words = [w for w in words if w]
    for word in words:
        first, _, symbol = word.partition(".")
        if not _IDENTIFIER.match(first) or ("." in word and not re.match(r"^[\w.]+$", symbol)):
            raise UsageError(f"'{word}' is no name", where=where)
    if key != "uses" and len(words) != 1:
        raise UsageError(f"'{key}' must be one name", where=where)
    return words


def _uses(words: list[str], path: str) -> tuple[Use, ...]:
    """Return the uses as a sorted set: order and repetition mean nothing."""
    del path
    uses = {(w.partition(".")[0], w.partition(".")[2]) for w in words}
    return tuple(Use(InterfaceName(i), s) for i, s in sorted(uses))


def _requirements(
    items: list[tuple[str, str, list[str], int]], path: str
) -> tuple[Requirement, ...]:
    found: dict[str, Requirement] = {}
    for identity, function, lines, number in items:
        text = _normalise(lines)
        if identity in found:
            raise UsageError(
                f"requirement {identity} stands twice",
                where=Place(path, number),
                why=f"it is also at line {found[identity].line}",
                help="give one of them a number of its own",
            )
        if not text:
            raise UsageError(f"requirement {identity} is empty", where=Place(path, number))
        digest = digest_of("requirement", [identity, function, text])
        found[identity] = Requirement(identity, function, text, digest, number)
    if not found:
        raise UsageError(
            "the spec has no requirement",
            where=Place(path, 1),
            help="write numbered items: - **FR-001**: NAME MUST ...",
        )
    return tuple(found.values())


def _normalise(lines: list[str]) -> str:
    """Join wrapped lines and fold blanks; nested items and fenced code keep their line breaks."""
    prose: list[str] = [""]  # lines that are folded; fenced code goes to `made` as it is
    made: list[str] = []
    fenced = False
    for line in lines:
        word = line.strip()
        fence = _FENCE.match(word)
        if fenced or fence:
            made += [*map(_fold, prose), word if fence else line.rstrip()]
            prose = []
            fenced ^= bool(fence)
        elif _LIST.match(word):
            prose.append("- " + re.sub(r"^\[[ xX]\] +", "", _LIST.sub("", word, count=1)))
        elif word:
            prose[-1:] = [f"{prose[-1]} {word}" if prose else word]
    return "\n".join([*made, *map(_fold, prose)]).strip()


def _fold(line: str) -> str:
    """Fold runs of blanks, unless they may stand in a code span."""
    return line.strip() if "`" in line else re.sub(r"[ \t]+", " ", line).strip()


class _Body:
    """A line at a time through the Markdown below the front matter."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.title = ""
        self.items: list[tuple[str, str, list[str], int]] = []
        self.examples: list[Example] = []
        self.clarifications: list[int] = []
        self._section = ""
        self._function = ""
        self._item: list[str] | None = None
        self._blank = False
        self._fence: tuple[str, str, int, list[str]] | None = None

    def feed(self, number: int, line: str) -> None:
        if self._section != "notes" and _CLARIFY.search(line):
            self.clarifications.append(number)
        if self._fence is not None:
            self._in_fence(line)
        elif self._item is not None and self._continues(line):
            self._item.append(line)
        else:
            self._item = None
            self._starts(number, line)
        self._blank = not line.strip()

    def finish(self) -> None:
        if self._fence is not None:
            raise UsageError("a code fence is never closed", where=Place(self.path, self._fence[2]))

    def _continues(self, line: str) -> bool:
        """Tell whether a line belongs to the item above (CommonMark 0.31, list items)."""
        if not line.strip():
            return True
        if line.startswith(("  ", "\t")) and not _ITEM.match(line):
            return True
        lazy = not self._blank and not _LIST.match(line) and not _HEADING.match(line)
        return lazy and not _FENCE.match(line)

    def _starts(self, number: int, line: str) -> None:
        if heading := _HEADING.match(line):
            self._heading(len(heading["level"]), heading["text"].strip().strip("`"))
        elif self._section == "notes":
            return
        elif item := _ITEM.match(line):
            self._item = [item["text"]]
            self.items.append((item["id"], self._function, self._item, number))
        elif fence := _FENCE.match(line):
            self._fence = (fence["mark"], fence["language"], number, [])

    def _heading(self, level: int, text: str) -> None:
        if level == 1:
            self.title = self.title or text
        elif level == 2:  # noqa: PLR2004 -- the level itself
            self._section = text.lower()
            self._function = ""
        elif self._section == "requirements":
            self._function = text if _IDENTIFIER.match(text) else ""

    def _in_fence(self, line: str) -> None:
        assert self._fence is not None
        mark, language, number, lines = self._fence
        if not line.strip().startswith(mark):
            lines.append(line)
            return
        self._fence = None
        if self._section == "examples" and language == "json":
            self.examples += _examples("\n".join(lines), number, self.path)


def _examples(text: str, number: int, path: str) -> list[Example]:
    try:
        value: Any = json.loads(text)
    except json.JSONDecodeError as error:
        where = Place(path, number + error.lineno, error.colno)
        raise UsageError(f"the example is not JSON: {error.msg.lower()}", where=where) from error
    found = []
    for one in value if isinstance(value, list) else [value]:
        keys = set(one) if isinstance(one, dict) else set()
        if keys != {"call", "args", "expect"} or not isinstance(one["args"], list):
            raise UsageError(
                "an example must be an object with 'call', 'args' (an array) and 'expect'",
                where=Place(path, number),
            )
        found.append(Example(str(one["call"]), tuple(one["args"]), one["expect"], number))
    return found
