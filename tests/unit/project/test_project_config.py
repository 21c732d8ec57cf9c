"""The configuration, decoded strictly."""

from __future__ import annotations

import pytest

from asmith.errors import UsageError
from asmith.project.config import Config, parse


def config(text: str) -> Config:
    """Return the configuration in `[tool.asmith]`."""
    return parse(f"[tool.asmith]\n{text}".encode())


def test_an_empty_table_has_defaults() -> None:
    found = config("")
    assert (found.products, found.libraries) == ({}, {})
    assert (found.generator.name, found.generator.command) == ("auto", ())
    assert (found.generator.seconds, found.test_seconds) == (600.0, 60.0)


def test_everything_can_be_set() -> None:
    found = config(
        'products.app = { roots = ["main", "extra"], bind = { store = "memory" } }\n'
        'products.lib = { kind = "library", offers = ["store"] }\n'
        'libraries = { libpq = "libpq" }\n'
        'generator = { name = "command", command = ["program", "argument"], seconds = 5 }\n'
        "tests.seconds = 2.5\n"
    )
    app, lib = found.products["app"], found.products["lib"]
    assert (app.kind, app.roots, app.bind) == ("program", ("main", "extra"), {"store": "memory"})
    assert (lib.kind, lib.roots, lib.offers) == ("library", (), ("store",))
    assert found.libraries == {"libpq": "libpq"}
    assert found.generator.command == ("program", "argument")
    assert (found.generator.seconds, found.test_seconds) == (5.0, 2.5)


def test_a_program_starts_at_main() -> None:
    assert config("products.app = {}").products["app"].roots == ("main",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("product = {}", "unknown key 'product' in [tool.asmith]; did you mean 'products'?"),
        ("products = 1", "'tool.asmith.products' must be a table"),
        ("products.app = 1", "'tool.asmith.products.app' must be a table"),
        ("products.app = { kinds = 1 }", "unknown key 'kinds' in [tool.asmith.products.app]"),
        ("products.app = { kind = 1 }", "'kind' in [tool.asmith.products.app] is 1"),
        ("products.app = { roots = 'main' }", "'roots' in [tool.asmith.products.app] must be an"),
        ("products.app = { roots = [1] }", "'roots' in [tool.asmith.products.app] must be an"),
        ("products.app.bind.store = 1", "'store' in [tool.asmith.products.app.bind] must be a st"),
        ("libraries.libpq = true", "'libpq' in [tool.asmith.libraries] must be a string, not True"),
        ("tests.seconds = true", "'seconds' in [tool.asmith.tests] must be a positive number"),
        ("tests.seconds = 0", "'seconds' in [tool.asmith.tests] must be a positive number, not 0"),
        ("tests.minutes = 1", "unknown key 'minutes' in [tool.asmith.tests]"),
        ("store.path = 'x'", "unknown key 'path' in [tool.asmith.store]"),
        ("store.url = 1", "'url' in [tool.asmith.store] must be a string, not 1"),
        ("store.url = 'bucket/x'", "'bucket/x' is no URL of a store"),
        ("store.url = 's3://'", "'s3://' is no URL of a store"),
        ("store.url = 'file://x'", "'file://x' does not name a directory from the root on"),
        ("store.url = 'https://me:pw@host/x'", "the URL of the store on host holds a password"),
        ("store.write = 1", "'write' in [tool.asmith.store] must be true or false, not 1"),
        ("generator.options = 1", "'tool.asmith.generator.options' must be a table"),
        ("generator.name = 'comand'", "'name' in [tool.asmith.generator] is 'comand'; did you mea"),
        ("generator.name = 'command'", "generator 'command' needs the program to run"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        config(text)
    assert caught.value.what.startswith(message)
    assert str(caught.value.where) == "pyproject.toml"


@pytest.mark.parametrize("text", ["", "[tool]\nasmith_ = 1", "tool = 1"])
def test_another_projects_configuration_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"there is no \[tool\.asmith\] table"):
        parse(text.encode())


@pytest.mark.parametrize(
    ("data", "message"), [(b"[", "is not TOML"), (b"\xff", "is not UTF-8 text")]
)
def test_what_is_no_toml_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse(data)
