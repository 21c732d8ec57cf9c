"""Statements: the fields that in-toto and SLSA name, and nothing that changes from run to run."""

from __future__ import annotations

import pytest

from asmith.model.provenance import Builder, Resource, differences, statement

MADE = statement(
    Resource("app", "a" * 64),
    {"external": {"product": "app"}, "internal": {"kind": "program"}},
    [Resource("m.asm", "b" * 64, annotations={"standing": "accepted", "notes": [], "model": ""})],
    Builder("asmith:local", {"nasm": "2.16"}),
    [Resource("m.o", "c" * 64)],
)


def test_a_statement_has_the_fields_of_in_toto_and_slsa() -> None:
    assert MADE == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "app", "digest": {"sha256": "a" * 64}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "asmith:build:v1",
                "externalParameters": {"product": "app"},
                "internalParameters": {"kind": "program"},
                "resolvedDependencies": [
                    {
                        "name": "m.asm",
                        "digest": {"sha256": "b" * 64},
                        "annotations": {"asmith_standing": "accepted"},
                    }
                ],
            },
            "runDetails": {
                "builder": {"id": "asmith:local", "version": {"nasm": "2.16"}},
                "byproducts": [{"name": "m.o", "digest": {"sha256": "c" * 64}}],
            },
        },
    }


def test_a_resource_without_a_digest_has_a_uri() -> None:
    assert Resource("nasm", uri="pkg:deb/debian/nasm").to_json() == {
        "name": "nasm",
        "uri": "pkg:deb/debian/nasm",
    }


@pytest.mark.parametrize(
    ("one", "other", "paths"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b"]),
        ({"a": 1}, {}, ["a"]),
        ([{"name": "x", "v": 1}, {"name": "y"}], [{"name": "y"}, {"name": "x", "v": 1}], []),
        ({"l": [{"name": "x", "v": 1}]}, {"l": [{"name": "x", "v": 2}]}, ["l.x.v"]),
        ({"l": [{"name": "x"}]}, {"l": [{"name": "z"}]}, ["l.x", "l.z"]),
        ({"l": [1]}, {"l": [2]}, ["l"]),
        ({"l": {}}, [], [""]),
    ],
)
def test_differences_are_paths(one: object, other: object, paths: list[str]) -> None:
    assert differences(one, other) == paths
