"""What a generator is asked: a request, and what came of the answers that it gave before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asmith.dataclass import dataclass, field, replace
from asmith.model.names import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.names import Digest, ModuleName

_ANSWERED = "\n# Your answer\n"
_REJECTED = "\n# What is wrong with it\n"


@dataclass(frozen=True, slots=True)
class Turn:
    """An answer that was rejected, and what was said about it."""

    answer: str
    feedback: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A request in two parts, and the turns since.

    `stable` is byte for byte the same for every module, so that a provider can cache it.
    """

    module: ModuleName
    stable: str
    request: str
    functions: tuple[str, ...] = ()  # the only ones that it asks for; none: the whole module
    turns: tuple[Turn, ...] = ()

    def text(self) -> str:
        """Return all of it as one text: what a command reads and `asmith prompt` prints."""
        turns = (
            f"{_ANSWERED}{_ended(t.answer)}{_REJECTED}{_ended(t.feedback)}" for t in self.turns
        )
        return self.stable + self.request + "".join(turns)

    def digest(self) -> Digest:
        """Return the digest of the text: the name under which its answers are kept."""
        return digest_bytes(self.text().encode())

    def then(self, turn: Turn) -> Dialogue:
        """Return the dialogue with one more turn."""
        return replace(self, turns=(*self.turns, turn))


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a generator returned, raw, and its facts (docs/reference/record.md)."""

    raw: bytes
    facts: Mapping[str, str] = field(default_factory=dict)
