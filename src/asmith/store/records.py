"""Records as JSON files: `modules/<module>.json`, decoded strictly (docs/reference/record.md)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from asmith.dataclass import fields
from asmith.errors import Place, UsageError
from asmith.model.names import Digest, InterfaceName, ModuleName, digest_of
from asmith.model.record import Attempt, Mode, Record, Standing, Trace, Traced, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = 1


def encode(record: Record) -> bytes:
    """Return a record as JSON: sorted keys, two blanks of indentation, a final newline."""
    trace = record.trace
    value = {
        "schema": SCHEMA,
        "module": record.module,
        "implements": record.implements,
        "standing": str(record.standing),
        "mode": str(record.mode),
        "request": record.request,
        "answer": record.answer,
        "assembly": record.assembly,
        "object": record.object,
        "generator": dict(record.generator),
        "accepted": record.accepted,
        "notes": list(record.notes),
        **({"made_by": dict(record.made_by)} if record.made_by else {}),
        "trace": {
            "requirements": dict(trace.requirements),
            "uses": list(trace.uses),
            "exports": _traced(trace.exports),
            "offers": _traced(trace.offers),
            "imports": _traced(trace.imports),
            **({"texts": dict(trace.texts)} if trace.texts else {}),
        },
        "attempts": [encode_attempt(a) for a in record.attempts],
    }
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def candidate_key(record: Record) -> str:
    """Return the first half of the lookup: the digest of spec and own contract, 16 digits."""
    return trace_key(record.implements, record.trace)


def trace_key(implements: str, trace: Trace) -> str:
    """Return the key for a trace, whatever it imports."""
    exports = {name: t.digest for name, t in trace.exports.items()}
    parts = [implements, dict(trace.requirements), list(trace.uses), exports]
    return digest_of("candidate", parts)[:16]


def candidate_name(record: Record) -> str:
    """Return the file name of an accepted record: its key, and which text it is of."""
    return f"{candidate_key(record)}{of_text(record.assembly)}"


def of_text(digest: str) -> str:
    """Return how the file names end of the accepted records of one text; of any without one."""
    return f"-{digest[:16]}.json" if digest else ".json"


def _traced(texts: Mapping[str, Traced]) -> dict[str, dict[str, str]]:
    return {name: {"text": t.text, "digest": t.digest} for name, t in texts.items()}


def encode_attempt(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt as a JSON object."""
    usage: dict[str, Any] = {}
    if attempt.usage is not None:
        values = {f.name: getattr(attempt.usage, f.name) for f in fields(attempt.usage)}
        usage = {"usage": values}
    return {
        "request": attempt.request,
        "answer": attempt.answer,
        "mode": str(attempt.mode),
        "generator": attempt.generator,
        "model": attempt.model,
        "outcome": attempt.outcome,
        "findings": list(attempt.findings),
        "at": attempt.at,
        **usage,
    }


_RESTORE = "restore the file from version control, or remove it and run asmith accept"


def decode(data: bytes, path: str, help: str = _RESTORE) -> Record:  # noqa: A002 -- as in errors
    """Return the record in `data`; anything missing, surplus or of a wrong type is refused.

    `path` names the file in messages, `help` says there what to do about a damaged one.
    """
    try:
        value = json.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise _damaged(Place(path), "it is not UTF-8 text", help) from error
    except json.JSONDecodeError as error:
        where = Place(path, error.lineno, error.colno)
        raise _damaged(where, f"it is not JSON: {error.msg.lower()}", help) from error
    except RecursionError as error:
        raise _damaged(Place(path), "it is nested too deep", help) from error
    if not isinstance(value, dict):
        raise _damaged(Place(path), "it is no JSON object", help)
    try:
        if value["schema"] != SCHEMA:
            raise UsageError(
                f"the record has schema {value['schema']!r}, and this asmith reads {SCHEMA}",
                where=path,
                help="use the asmith that wrote it, or restore the file from version control",
            )
        return _record(value)
    except (KeyError, TypeError, ValueError) as error:
        missing = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
        raise _damaged(Place(path), missing, help) from error


def _damaged(where: Place, why: str, help: str) -> UsageError:  # noqa: A002 -- as in errors
    return UsageError("the record is malformed", where=where, why=why, help=help)


def _record(value: dict[str, Any]) -> Record:
    known = {
        "schema", "module", "implements", "standing", "mode", "request", "answer", "assembly",
        "object", "generator", "accepted", "notes", "trace", "attempts", "made_by",
    }  # fmt: skip
    if surplus := sorted(set(value) - known):
        raise ValueError(f"unknown key '{surplus[0]}'")
    trace = _object(value, "trace")
    return Record(
        module=ModuleName(_text(value, "module")),
        implements=InterfaceName(_text(value, "implements")),
        standing=Standing(value["standing"]),
        mode=Mode(value["mode"]),
        request=Digest(_text(value, "request")),
        answer=Digest(_text(value, "answer")),
        assembly=Digest(_text(value, "assembly")),
        object=None if value["object"] is None else Digest(_text(value, "object")),
        generator=_texts(value, "generator"),
        accepted=_text(value, "accepted"),
        notes=_strings(value, "notes"),
        made_by=_texts(value, "made_by") if "made_by" in value else {},
        trace=Trace(
            requirements={k: Digest(v) for k, v in _texts(trace, "requirements").items()},
            uses=_strings(trace, "uses"),
            exports=_decode_traced(trace, "exports"),
            offers=_decode_traced(trace, "offers"),
            imports=_decode_traced(trace, "imports"),
            texts=_texts(trace, "texts") if "texts" in trace else {},
        ),
        attempts=tuple(decode_attempt(a) for a in _array(value, "attempts", dict, "objects")),
    )


def decode_attempt(value: dict[str, Any]) -> Attempt:
    """Return the attempt in a JSON object; raises KeyError, TypeError or ValueError."""
    return Attempt(
        request=Digest(_text(value, "request")),
        answer=Digest(_text(value, "answer")),
        mode=Mode(value["mode"]),
        generator=_text(value, "generator"),
        model=_text(value, "model"),
        outcome=_text(value, "outcome"),
        findings=_strings(value, "findings"),
        at=_text(value, "at"),
        usage=_usage(_object(value, "usage")) if "usage" in value else None,
    )


def _usage(value: dict[str, Any]) -> Usage:
    counts = {k: v for k, v in value.items() if k != "usd"}
    for key, count in counts.items():
        if count is not None and (isinstance(count, bool) or not isinstance(count, int)):
            raise TypeError(f"'{key}' must be a whole number or null")
    return Usage(**counts, usd=_text(value, "usd"))


def _text(value: dict[str, Any], key: str) -> str:
    if not isinstance(value[key], str):
        raise TypeError(f"'{key}' must be a string")
    return str(value[key])


def _object(value: dict[str, Any], key: str) -> dict[str, Any]:
    if not isinstance(value[key], dict):
        raise TypeError(f"'{key}' must be an object")
    return dict(value[key])


def _array(value: dict[str, Any], key: str, kind: type, words: str) -> list[Any]:
    if not isinstance(value[key], list) or not all(isinstance(v, kind) for v in value[key]):
        raise TypeError(f"'{key}' must be an array of {words}")
    return list(value[key])


def _strings(value: dict[str, Any], key: str) -> tuple[str, ...]:
    return tuple(_array(value, key, str, "strings"))


def _texts(value: dict[str, Any], key: str) -> dict[str, str]:
    found = _object(value, key)
    return {k: _text(found, k) for k in found}


def _decode_traced(value: dict[str, Any], key: str) -> dict[str, Traced]:
    found = {name: _object(value[key], name) for name in _object(value, key)}
    return {k: Traced(_text(v, "text"), Digest(_text(v, "digest"))) for k, v in found.items()}
