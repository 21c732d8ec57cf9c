"""The checker as these legs drive it: bytes of an object in, what it said out.

The one place that knows how the checker is called. Everything else reads a `Verdict`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from asmith.check import engine
from asmith.errors import AsmithError
from asmith.toolchain import elf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asmith.model.contract import Interface
    from asmith.model.finding import Finding
    from asmith.model.names import InterfaceName


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said of one object; `error` is the message if it could not be checked at all.

    `lost` lists function and reason of what was not analysed; `crash` is the exception if the
    checker itself failed.
    """

    object: str
    functions: int = 0
    analysed: int = 0
    lost: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    error: str = ""
    crash: str = ""


@dataclass(frozen=True, slots=True)
class Contracts:
    """The interface that an object implements and those that it may call."""

    own: Interface | None = None
    visible: Mapping[InterfaceName, Interface] = field(default_factory=dict)


def judged(data: bytes, name: str, profile: str, contracts: Contracts | None = None) -> Verdict:
    """Return what the checker says of one object; an exception of its own becomes `crash`."""
    start = time.perf_counter()
    known = contracts or Contracts()
    try:
        facts = elf.read_object(data, name)
        result = engine.check_object(
            engine.ObjectInput(
                facts=facts,
                interface=known.own,
                visible=known.visible,
                imports=None,
                profile=engine.Profile(profile),
            )
        )
    except AsmithError as error:
        return Verdict(name, error=error.what, seconds=time.perf_counter() - start)
    except Exception as error:  # noqa: BLE001 -- a crash of the checker is a result here
        return Verdict(name, crash=_origin(error), seconds=time.perf_counter() - start)
    return Verdict(
        name,
        result.functions,
        result.analysed,
        tuple((item.function, item.reason) for item in result.not_analysed),
        result.findings,
        time.perf_counter() - start,
    )


def _origin(error: Exception) -> str:
    """Return an exception with the place that raised it."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f" at {last.tb_frame.f_code.co_name}:{last.tb_lineno}" if last else ""
    return f"{type(error).__name__}: {error}{where}"
