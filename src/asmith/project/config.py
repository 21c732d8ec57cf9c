"""`[tool.asmith]` of pyproject.toml, decoded strictly: an unknown key is an error."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, field
from asmith.errors import UsageError, did_you_mean
from asmith.host import plugins
from asmith.model.names import InterfaceName, ModuleName

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG = "pyproject.toml"
GENERATORS = "asmith.generators"  # the group of entry points of further generators
EFFORTS = ("", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Product:
    """A linked program (from a root module) or shared library (offering interfaces)."""

    name: str
    kind: str  # "program" or "library"
    roots: tuple[ModuleName, ...]
    offers: tuple[InterfaceName, ...] = ()  # of a library: what it exports
    bind: Mapping[InterfaceName, ModuleName] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    """Who answers when the store does not, and how it is asked (docs/reference/generators.md)."""

    name: str = "auto"
    command: tuple[str, ...] = ()
    seconds: float = 600.0
    options: Mapping[str, str] = field(default_factory=dict)  # for an entry point
    attempts: int = 3  # answers of one module in one run
    model: str = "claude-opus-5-5"
    effort: str = ""  # empty: the provider's default
    max_tokens: int = 16_000  # of one answer, thinking included
    compat: bool = False  # a server that speaks only the basics of the Messages API


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """What may be spent: in one run, and of it on one module. Always finite."""

    usd: float = 1.0
    tokens: int = 1_000_000
    module_usd: float | None = None  # None: as much as the run
    module_tokens: int | None = None
    ask: bool = True  # before the first paid call of a run, on a terminal


@dataclass(frozen=True, slots=True)
class StoreConfig:
    """The store that machines share, if any (docs/reference/store.md)."""

    url: str = ""
    write: bool = False  # send what is accepted
    seconds: float = 20.0  # for one object


@dataclass(frozen=True, slots=True)
class Config:
    """The whole of `[tool.asmith]`."""

    products: Mapping[str, Product]
    libraries: Mapping[str, str]  # library -> pkg-config module
    generator: GeneratorConfig
    test_seconds: float = 60.0
    store: StoreConfig = StoreConfig()
    review: bool = False  # every build stages new texts until a person accepts them
    budget: BudgetConfig = BudgetConfig()


@lru_cache(maxsize=2)
def parse(data: bytes, path: str = CONFIG) -> Config:
    """Return the configuration in the bytes of a pyproject.toml."""
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise UsageError("the configuration is not UTF-8 text", where=path) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the configuration is not TOML: {error}", where=path) from error
    tool = document.get("tool", {})
    if not isinstance(tool, dict) or "asmith" not in tool:
        raise UsageError(
            "there is no [tool.asmith] table",
            where=path,
            help="add one, or make a project with: asmith init DIR",
        )
    table = _Table("tool.asmith", tool["asmith"], path)
    table.only("products", "libraries", "generator", "budget", "store", "review", "tests")
    products = table.table("products")
    libraries = table.table("libraries")
    tests = table.table("tests")
    tests.only("seconds")
    return Config(
        products={n: _product(n, products.table(n)) for n in sorted(products.value)},
        libraries={n: libraries.text(n) for n in sorted(libraries.value)},
        generator=_generator(table.table("generator")),
        test_seconds=tests.number("seconds", 60.0),
        store=_store(table.table("store")),
        review=table.yes("review", default=False),
        budget=_budget(table.table("budget")),
    )


def _product(name: str, table: _Table) -> Product:
    table.only("kind", "roots", "offers", "bind")
    kind = table.choice("kind", ("program", "library"), "program")
    roots = table.texts("roots", ["main"] if kind == "program" else [])
    bind = table.table("bind")
    return Product(
        name=name,
        kind=kind,
        roots=tuple(ModuleName(r) for r in roots),
        offers=tuple(InterfaceName(o) for o in table.texts("offers", [])),
        bind={InterfaceName(k): ModuleName(bind.text(k)) for k in sorted(bind.value)},
    )


def _generator(table: _Table) -> GeneratorConfig:
    default = GeneratorConfig()
    table.only(*default.__dataclass_fields__)
    known: tuple[str, ...] = ("auto", "replay", "command", "anthropic")
    if table.value.get("name", default.name) not in known:
        known += plugins.names(GENERATORS)
    name = table.choice("name", known, default.name)
    command = tuple(table.texts("command", []))
    if name == "command" and not command:
        raise UsageError(
            "generator 'command' needs the program to run",
            where=table.path,
            help='add to [tool.asmith.generator]: command = ["program", "argument"]',
        )
    options = table.table("options")
    return GeneratorConfig(
        name,
        command,
        seconds=table.number("seconds", default.seconds),
        options={n: options.text(n) for n in sorted(options.value)},
        attempts=table.whole("attempts", default.attempts),
        model=table.text("model", default.model),
        effort=table.choice("effort", EFFORTS, default.effort),
        max_tokens=table.whole("max_tokens", default.max_tokens),
        compat=table.yes("compat", default=default.compat),
    )


def _budget(table: _Table) -> BudgetConfig:
    default = BudgetConfig()
    table.only("usd", "tokens", "module", "ask")
    module = table.table("module")
    module.only("usd", "tokens")
    return BudgetConfig(
        table.number("usd", default.usd),
        table.whole("tokens", default.tokens),
        module_usd=module.number("usd", 1.0) if "usd" in module.value else None,
        module_tokens=module.whole("tokens", 1) if "tokens" in module.value else None,
        ask=table.yes("ask", default=default.ask),
    )


def _store(table: _Table) -> StoreConfig:
    table.only("url", "write", "seconds")
    default = StoreConfig()
    url = table.text("url") if "url" in table.value else default.url
    return StoreConfig(
        checked_url(url, table.path) if url else url,
        write=table.yes("write", default=default.write),
        seconds=table.number("seconds", default.seconds),
    )


def checked_url(url: str, where: str) -> str:
    """Return the URL of a shared store; refuse what is none, and passwords."""
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme.isalnum() or not rest.strip("/"):
        raise UsageError(
            f"'{url}' is no URL of a store",
            where=where,
            help="s3://BUCKET/PATH, gs://BUCKET/PATH, https://HOST/PATH or file:///DIRECTORY",
        )
    if scheme == "file" and not rest.startswith("/"):
        raise UsageError(
            f"'{url}' does not name a directory from the root on",
            where=where,
            help=f"write file:///{rest}, with the whole path",
        )
    if "@" in rest.partition("/")[0]:
        raise UsageError(
            f"the URL of the store on {rest.partition('/')[0].rpartition('@')[2]} holds a password",
            where=where,
            help="leave it out; the back end takes credentials from its own environment",
        )
    return url


class _Table:
    """A TOML table that answers typed questions and words the errors."""

    def __init__(self, name: str, value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise UsageError(f"'{name}' must be a table", where=path)
        self.name = name
        self.value: dict[str, Any] = value
        self.path = path

    def only(self, *known: str) -> None:
        for key in self.value:
            if key not in known:
                raise UsageError(
                    f"unknown key '{key}' in [{self.name}]{did_you_mean(key, known)}",
                    where=self.path,
                    help=f"known keys: {', '.join(known)}",
                )

    def table(self, key: str) -> _Table:
        return _Table(f"{self.name}.{key}", self.value.get(key, {}), self.path)

    def text(self, key: str, default: str | None = None) -> str:
        value = self.value.get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, "a string")
        return value

    def texts(self, key: str, default: list[str]) -> list[str]:
        value = self.value.get(key, default)
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self._wrong(key, "an array of strings")
        return value

    def number(self, key: str, default: float) -> float:
        value = self.value.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < inf:
            raise self._wrong(key, "a positive number")
        return float(value)

    def whole(self, key: str, default: int) -> int:
        value = self.value.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not value > 0:
            raise self._wrong(key, "a positive whole number")
        return value

    def yes(self, key: str, *, default: bool) -> bool:
        value = self.value.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def choice(self, key: str, known: tuple[str, ...], default: str) -> str:
        value = self.value.get(key, default)
        if value not in known:
            shown = value if isinstance(value, str) else ""
            raise UsageError(
                f"'{key}' in [{self.name}] is {value!r}{did_you_mean(shown, known)}",
                where=self.path,
                help=f"it may be {' or '.join(repr(k) for k in known)}",
            )
        return str(value)

    def _wrong(self, key: str, expected: str) -> UsageError:
        return UsageError(
            f"'{key}' in [{self.name}] must be {expected}, not {self.value.get(key)!r}",
            where=self.path,
        )
