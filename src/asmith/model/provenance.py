"""A statement of how a product was made: in-toto Statement v1 with SLSA provenance v1. Pure.

Field names and their meaning: in-toto attestation framework, spec/v1 (statement.md,
resource_descriptor.md), and SLSA build provenance v1. What is asmith's own stands in annotations,
whose names begin with `asmith_` as extension fields do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "asmith:build:v1"  # docs/reference/provenance.md says what it means
LOCAL = "asmith:local"  # a machine of whoever ran it: nothing is claimed about it


@dataclass(frozen=True, slots=True)
class Resource:
    """A file or package: a ResourceDescriptor, which has a digest, or at least a URI."""

    name: str
    sha256: str = ""
    uri: str = ""
    annotations: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the descriptor; what is empty is left out."""
        shown: dict[str, Any] = {"name": self.name}
        if self.uri:
            shown["uri"] = self.uri
        if self.sha256:
            shown["digest"] = {"sha256": self.sha256}
        notes = {f"asmith_{k}": v for k, v in self.annotations.items() if v not in ("", [], {})}
        return {**shown, "annotations": notes} if notes else shown


@dataclass(frozen=True, slots=True)
class Builder:
    """Who built: a URI for the platform, and the versions of what ran."""

    id: str
    versions: Mapping[str, str]


def statement(
    subject: Resource,
    parameters: Mapping[str, Mapping[str, Any]],
    dependencies: Sequence[Resource],
    builder: Builder,
    byproducts: Sequence[Resource],
) -> dict[str, Any]:
    """Return the statement as a JSON value.

    `parameters` has `external` ones, which a verifier must know, and `internal` ones. There is no
    `metadata`: times and an invocation's id are all it could say, and equal builds must give equal
    statements.
    """
    return {
        "_type": STATEMENT,
        "subject": [subject.to_json()],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": dict(parameters["external"]),
                "internalParameters": dict(parameters["internal"]),
                "resolvedDependencies": [d.to_json() for d in dependencies],
            },
            "runDetails": {
                "builder": {"id": builder.id, "version": dict(builder.versions)},
                "byproducts": [b.to_json() for b in byproducts],
            },
        },
    }


def differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Return where two JSON values differ, as paths; lists of descriptors are matched by name."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return [d for k in keys for d in differences(one.get(k), other.get(k), f"{path}.{k}")]
    if isinstance(one, list) and isinstance(other, list) and _named(one) and _named(other):
        first, second = ({d["name"]: d for d in x} for x in (one, other))
        return differences(first, second, path)
    return [] if one == other else [path.removeprefix(".")]


def _named(values: list[Any]) -> bool:
    return all(isinstance(v, dict) and isinstance(v.get("name"), str) for v in values)
