"""Records: provenance and trace of a module's accepted answer (docs/reference/record.md)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.names import Digest, InterfaceName, ModuleName


class Mode(StrEnum):
    """How an answer came to be: from its prompt alone, or any other way."""

    BLIND = "blind"
    ASSISTED = "assisted"
    GENERATED = "generated"  # by a generator that asmith itself called


class Standing(StrEnum):
    """What the module's text is, with respect to the answer it came from."""

    ACCEPTED = "accepted"  # the accepted answer, byte for byte
    EDITED = "edited"  # changed by hand after it
    ATTESTED = "attested"  # changed by hand, and a person vouches for it
    REVALIDATED = "revalidated"  # kept under contracts that changed, since all its tests pass


@dataclass(frozen=True, slots=True)
class Traced:
    """One declaration as it was when the answer was accepted: canonical text and its digest."""

    text: str
    digest: Digest


UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Usage:
    """What an answer took: tokens as the provider counts them, and US dollars.

    A provider that does not say leaves None; a cost that nobody knows is `unknown`, never 0.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    usd: str = UNKNOWN


@dataclass(frozen=True, slots=True)
class Attempt:
    """One answer that was handed in: what came of it. Rejected attempts stay for good."""

    request: Digest  # of the prompt that it answers
    answer: Digest  # of the raw answer, which the store holds
    mode: Mode
    generator: str
    outcome: str  # "accepted", "rejected", or "slower": correct, and another was faster
    findings: tuple[str, ...]  # "RULE: message", in order of report
    at: str  # RFC 3339, UTC, seconds
    model: str = ""
    usage: Usage | None = None  # None: nobody was asked who counts


@dataclass(frozen=True, slots=True)
class Trace:
    """What a module was made from: its spec, its own contract and the contracts it imports."""

    requirements: Mapping[str, Digest]  # requirement id -> digest
    uses: tuple[str, ...]  # sorted
    exports: Mapping[str, Traced]  # qualified name -> implementer's text
    offers: Mapping[str, Traced]  # the same names -> caller's text
    imports: Mapping[str, Traced]  # qualified name -> caller's text
    texts: Mapping[str, str] = field(default_factory=dict)  # requirement id -> normalised text


@dataclass(frozen=True, slots=True)
class Record:
    """`modules/<module>.json`."""

    module: ModuleName
    implements: InterfaceName
    standing: Standing
    mode: Mode
    trace: Trace
    request: Digest
    answer: Digest
    assembly: Digest
    object: Digest | None
    generator: Mapping[str, str] = field(default_factory=dict)
    attempts: tuple[Attempt, ...] = ()
    accepted: str = ""  # RFC 3339, UTC, seconds
    notes: tuple[str, ...] = ()  # revalidations and attestations, one sentence each
    made_by: Mapping[str, str] = field(default_factory=dict)  # versions: asmith, prompt, ...


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an object's note section says: the contracts it was made for, from its record.

    `values` holds each constant and field that was assembled in, with its value at that time.
    """

    module: ModuleName
    exports: Mapping[str, Traced]  # qualified name -> implementer's text
    offers: Mapping[str, Traced]  # the same names -> caller's text, which imports are held against
    imports: Mapping[str, Traced]
    values: Mapping[str, str]
