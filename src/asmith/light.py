"""Data classes that cost little to define: what `asmith.dataclass` is at run time.

`dataclasses` compiles up to ten functions for each class that is defined, and imports `inspect`; in
a command that ends after a tenth of a second that was a third of the time. Here `__init__` is
compiled when the first object is made, and the other methods are not compiled at all. It has what
asmith uses, and does in that what `dataclasses` does; tests hold one against the other.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MISSING: Any = object()
_FIELDS = "__dataclass_fields__"  # by this name `dataclasses.replace` takes our objects too


class FrozenInstanceError(AttributeError):
    """An attribute of a frozen object was to be set or deleted."""


class Field:
    """One field: its name, default or factory, and whether `__init__` and comparison take it."""

    __slots__ = ("compare", "default", "default_factory", "init", "name")
    _field_type = None  # what `dataclasses.replace` looks at: neither ClassVar nor InitVar

    def __init__(
        self, default: Any, default_factory: Any, *, init: bool = True, compare: bool = True
    ) -> None:
        self.name = ""
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.compare = compare


def field(
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    init: bool = True,
    compare: bool = True,
) -> Any:
    """Return the description of a field, to stand where its default would."""
    return Field(default, default_factory, init=init, compare=compare)


def fields(of: Any) -> tuple[Field, ...]:
    """Return the fields of a class or an object, in order."""
    return tuple(getattr(of, _FIELDS).values())


def replace(one: Any, /, **changes: Any) -> Any:
    """Return a new object like `one`, with changes."""
    for each in fields(one):
        if each.init:
            changes.setdefault(each.name, getattr(one, each.name))
    return type(one)(**changes)


def dataclass(*, frozen: bool = False, slots: bool = False, order: bool = False) -> Any:
    """Return a decorator that makes a class a data class."""

    def decorated(cls: type) -> type:
        found: dict[str, Field] = {}
        for base in reversed(cls.__mro__[1:]):
            found |= getattr(base, _FIELDS, {})
        own = _own_fields(cls)
        found |= own
        made = _slotted(cls, own) if slots else _without_descriptions(cls, own)
        setattr(made, _FIELDS, found)
        _add_methods(made, found, frozen=frozen, order=order)
        if frozen and slots:
            _put(made, "__getstate__", lambda self: [getattr(self, n) for n in found])
            _put(made, "__setstate__", _restored(tuple(found)))
        return made

    return decorated


def _own_fields(cls: type) -> dict[str, Field]:
    found = {}
    annotations = cls.__dict__.get("__annotations__", {})  # noqa: RUF063 -- `inspect` is slow to import
    for name, annotation in annotations.items():
        if not str(annotation).startswith("ClassVar"):
            given = cls.__dict__.get(name, MISSING)
            one = given if isinstance(given, Field) else Field(given, MISSING)
            one.name = name
            found[name] = one
    return found


def _without_descriptions(cls: type, own: Mapping[str, Field]) -> type:
    """Leave defaults on the class, as plain class attributes, and nothing else of a field."""
    for name, one in own.items():
        if one.default is not MISSING:
            setattr(cls, name, one.default)
        elif name in cls.__dict__:
            delattr(cls, name)
    return cls


def _slotted(cls: type, own: Mapping[str, Field]) -> type:
    """Return the class anew with slots for its own fields."""
    taken = {n for base in cls.__mro__[1:-1] for n in base.__dict__.get("__slots__", ())}
    content = {
        name: value
        for name, value in cls.__dict__.items()
        if name not in own and name not in ("__dict__", "__weakref__")
    }
    content["__slots__"] = tuple(name for name in own if name not in taken)
    made: type = type(cls)(cls.__name__, cls.__bases__, content)
    made.__qualname__ = cls.__qualname__
    return made


def _put(cls: Any, name: str, value: Any) -> None:
    """Set a method that the class does not define itself."""
    if name not in cls.__dict__:
        setattr(cls, name, value)


def _add_methods(cls: Any, found: Mapping[str, Field], *, frozen: bool, order: bool) -> None:
    compared = [n for n, one in found.items() if one.compare]
    values = _values(compared)

    def equal(self: Any, other: Any) -> Any:
        same = other.__class__ is self.__class__
        return values(self) == values(other) if same else NotImplemented

    def shown(self: Any) -> str:
        inner = ", ".join(f"{n}={getattr(self, n)!r}" for n in found)
        return f"{type(self).__qualname__}({inner})"

    hashed = cls.__dict__.get("__hash__", MISSING)
    explicit = hashed is not MISSING and not (hashed is None and "__eq__" in cls.__dict__)
    _put(cls, "__init__", _init_at_first(cls, found, frozen=frozen))
    _put(cls, "__eq__", equal)
    _put(cls, "__repr__", shown)
    _put(cls, "__match_args__", tuple(n for n, one in found.items() if one.init))
    if not explicit:
        cls.__hash__ = (lambda self: hash(values(self))) if frozen else None
    if frozen:
        cls.__setattr__ = _refuse
        cls.__delattr__ = _refuse
    if order:
        for name in ("__lt__", "__le__", "__gt__", "__ge__"):
            _put(cls, name, _ordering(getattr(tuple, name), values))


def _values(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes the values of fields from an object, as a tuple."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda one: tuple(getattr(one, name) for name in names)


def _ordering(compare: Any, values: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def compared(self: Any, other: Any) -> Any:
        same = other.__class__ is self.__class__
        return compare(values(self), values(other)) if same else NotImplemented

    return compared


def _refuse(self: Any, name: str, value: Any = None) -> None:
    del value
    raise FrozenInstanceError(f"cannot change field '{name}' of {type(self).__qualname__}")


def _restored(names: tuple[str, ...]) -> Callable[[Any, Any], None]:
    def restore(self: Any, state: Any) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return restore


def _init_at_first(cls: Any, found: Mapping[str, Field], *, frozen: bool) -> Callable[..., None]:
    """Return an `__init__` that compiles the real one, and gives way to it."""

    def __init__(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: N807 -- it is one
        real = _compiled(cls, found, frozen=frozen)
        cls.__init__ = real
        real(self, *arguments, **named)

    return __init__


def _compiled(cls: Any, found: Mapping[str, Field], *, frozen: bool) -> Any:
    scope: dict[str, Any] = {"_set": object.__setattr__, "_missing": MISSING}
    taken, lines = ["self"], []
    for name, one in found.items():
        value = name
        if one.default_factory is not MISSING:
            scope[f"_make_{name}"] = one.default_factory
            value = f"_make_{name}()"
            if one.init:
                taken.append(f"{name}=_missing")
                value = f"{value} if {name} is _missing else {name}"
        elif one.default is not MISSING:
            scope[f"_default_{name}"] = one.default
            if one.init:
                taken.append(f"{name}=_default_{name}")
            else:
                value = f"_default_{name}"
        elif one.init:
            taken.append(name)
        else:
            continue  # __post_init__ sets it
        lines.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    body = "\n  ".join(lines or ["pass"])
    exec(f"def __init__({', '.join(taken)}):\n  {body}", scope)  # noqa: S102 -- as dataclasses does
    made = scope["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    return made
