"""Contract stamps as bytes: what the note section `.asmith` of an object holds.

The form is canonical JSON in UTF-8:
`{"schema":1,"module":M,"exports":T,"offers":T,"imports":T,"values":{qualified:value}}`, where T
maps a qualified name to `{"text":...,"digest":...}`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from asmith.errors import UsageError
from asmith.model.names import Digest, ModuleName, canonical_json
from asmith.model.record import Stamp, Traced

if TYPE_CHECKING:
    from collections.abc import Mapping

SECTION = ".asmith"
SCHEMA = 1
_TRACES = ("exports", "offers", "imports")
_KEYS = frozenset({"schema", "module", "values", *_TRACES})


def render_stamp(stamp: Stamp) -> bytes:
    """Return the bytes of the note section; equal stamps have equal bytes."""
    return canonical_json(
        {
            "schema": SCHEMA,
            "module": stamp.module,
            "exports": _traces_to_json(stamp.exports),
            "offers": _traces_to_json(stamp.offers),
            "imports": _traces_to_json(stamp.imports),
            "values": dict(stamp.values),
        }
    ).encode()


def parse_stamp(data: bytes, path: str) -> Stamp:
    """Return the stamp that `render_stamp` made; `path` names the object in messages.

    Raises `UsageError` for anything else: not JSON, another schema, a key missing or unknown.
    """
    try:
        value = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise _damaged(path, "it is not JSON in UTF-8") from error
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise _damaged(path, f"it is not of schema {SCHEMA}")
    if set(value) != _KEYS:
        odd = ", ".join(sorted(_KEYS.symmetric_difference(value)))
        raise _damaged(path, f"keys missing or unknown: {odd}")
    values = value["values"]
    if not isinstance(value["module"], str) or not _is_text_map(values):
        raise _damaged(path, "`module` or `values` is not of the form that asmith writes")
    traces = {key: _traces(value[key], path, key) for key in _TRACES}
    return Stamp(module=ModuleName(value["module"]), values=values, **traces)


def _traces_to_json(traces: Mapping[str, Traced]) -> dict[str, dict[str, str]]:
    return {name: {"text": t.text, "digest": t.digest} for name, t in traces.items()}


def _traces(value: Any, path: str, key: str) -> dict[str, Traced]:
    """Return one mapping of a stamp, decoded strictly."""
    if not isinstance(value, dict):
        raise _damaged(path, f"`{key}` is not an object")
    traces = {}
    for name, traced in value.items():
        if not _is_text_map(traced) or set(traced) != {"text", "digest"}:
            raise _damaged(path, f"`{key}` of {name!r} is not a text and its digest")
        traces[name] = Traced(traced["text"], Digest(traced["digest"]))
    return traces


def _is_text_map(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())


def _damaged(path: str, why: str) -> UsageError:
    return UsageError(
        f"the contract stamp of {path} is damaged",
        where=path,
        why=why,
        help="assemble the module again; the stamp is written from its record",
    )
