"""The `module` of a test: everything that its contract names, and memory with exact ends."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from asmith.errors import AsmithError, UnavailableError, did_you_mean
from asmith.model.contract import Array, Class, FunctionType, Named, Pointer, Scalar
from asmith.verify import pages
from asmith.verify.function import FunctionProxy
from asmith.verify.layout import Layout
from asmith.verify.library import Library, Lines
from asmith.verify.memory import Arena, Memory
from asmith.verify.memory import count as memory_count
from asmith.verify.pointers import Pointers, address
from asmith.verify.type_json import spell

if TYPE_CHECKING:
    from pathlib import Path

    from asmith.model.contract import CType
    from asmith.verify.call import Caller
    from asmith.verify.contract_json import Contract
    from asmith.verify.memory import Guard
    from asmith.verify.record import SharedRecord

_STRING_LIMIT = 1 << 20  # bytes in which a string must end


class Module:
    """A loaded test library as its contract describes it.

    `module.name` is a function, an `extern` object, a constant or a struct of the contract, in
    that order; `module["name"]` is the same, for names that are also those of methods here.
    """

    caller: Caller
    layout: Layout
    pointers: Pointers
    arena: Arena
    lines: Lines
    record: SharedRecord

    def __init__(self, path: Path, contract: Contract, *, root: Path, record: SharedRecord) -> None:
        """Load the test library; raises `UnavailableError` if that fails."""
        put = self.__dict__.__setitem__  # plain assignment writes to extern data
        library = Library(path, record)
        arena = Arena()
        pointers = Pointers(arena, self._callback)
        put("_library", library)
        put("_contract", contract)
        put("_functions", {})
        put("caller", library.caller)
        put("arena", arena)
        put("pointers", pointers)
        put("layout", Layout(contract.aggregates, pointers))
        put("lines", Lines(path, root))
        put("record", record)
        pointers.layout = self.layout

    def __repr__(self) -> str:
        return f"<module {self.lines.path.name}>"

    # ---- what the contract names -----------------------------------------------------------------

    def __getitem__(self, name: str) -> Any:
        contract = self._contract
        if name in contract.functions:
            return self._function(name)
        if name in contract.data:
            return self._read_data(name)
        if name in contract.constants:
            return contract.constants[name]
        for keyword in ("struct", "union"):
            if f"{keyword} {name}" in contract.aggregates:
                return lambda **fields: self.struct(f"{keyword} {name}", **fields)
        known = (*contract.functions, *contract.data, *contract.constants)
        tags = tuple(key.split(" ", 1)[1] for key in contract.aggregates)
        raise KeyError(f"the contract has no '{name}'{did_you_mean(name, known + tags)}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __setattr__(self, name: str, value: object) -> None:
        data = self._contract.data.get(name)
        if data is None:
            hint = did_you_mean(name, tuple(self._contract.data))
            raise AttributeError(f"the contract has no extern object '{name}'{hint}")
        if data.const:
            raise TypeError(f"'{name}' is const")
        spot = self._address(name)
        cls = self.layout.of(data.type)
        stored = self.layout.stored(value, data.type, f"'{name}'", spot=spot)
        whole = stored if isinstance(stored, cls) else cls(stored)
        ctypes.memmove(spot, ctypes.byref(whole), ctypes.sizeof(cls))

    def struct(self, name: str, **fields: object) -> Any:
        """Return a new struct or union, by tag or as "struct tag", zero but for `fields`.

        It ends at a guard page: access beyond its last byte faults.
        """
        cls = self._class(name)
        memory = self.arena.new(
            bytes(ctypes.sizeof(cls)),
            label=f"a {cls.__name__} ({memory_count(ctypes.sizeof(cls))})",
        )
        made = cls.from_address(memory.address)
        made._memory = memory  # noqa: SLF001 -- lives as long as the struct
        for field, value in fields.items():
            setattr(made, field, value)
        return made

    def sizeof(self, name: str) -> int:
        """Return the size in bytes of a struct, union or enum, or of an extern object."""
        if name in self._contract.data:
            return self.layout.size(self._contract.data[name].type)
        enum = self._contract.aggregates.get(name) or self._contract.aggregates.get(f"enum {name}")
        if enum is not None and enum.keyword == "enum":
            return int(enum.size)
        return ctypes.sizeof(self._class(name))

    # ---- memory ----------------------------------------------------------------------------------

    def memory(
        self,
        content: int | bytes,
        *,
        fill: int | None = None,
        guard: Guard = "end",
        readonly: bool = False,
        align: int = 1,
    ) -> Memory:
        """Return `content` bytes of memory, or memory that holds these bytes.

        The byte behind its end lies in a guard page (`guard="begin"`: the byte before it).
        Unless `fill` says a byte, memory that was not written holds 0xA5.
        """
        data = content
        if isinstance(content, int) and fill is not None:
            data = bytes([fill]) * content
        size = content if isinstance(content, int) else len(content)
        label = f"module.memory({size})"
        return self.arena.new(data, label=label, guard=guard, readonly=readonly, align=align)

    def read(self, pointer: object, size: int) -> bytes:
        """Return `size` bytes at an address; raises ValueError if not all of them are readable."""
        __tracebackhide__ = True
        start = address(pointer, "the pointer")
        data = pages.peek(start, size)
        if len(data) < size:
            raise ValueError(f"only {len(data)} of {size} bytes at {start:#x} are readable")
        return data

    def string(self, pointer: object) -> bytes:
        """Return the bytes at an address up to the first 0, which is not part of them."""
        __tracebackhide__ = True
        start = address(pointer, "the pointer")
        data = b""
        while len(data) < _STRING_LIMIT:
            step = pages.PAGE - (start + len(data)) % pages.PAGE
            more = pages.peek(start + len(data), step)
            if b"\0" in more:
                return data + more[: more.index(b"\0")]
            data += more
            if len(more) < step:
                break
        raise ValueError(f"no byte 0 ends the {len(data)} readable bytes at {start:#x}")

    def at(self, name: str, pointer: object) -> Any:
        """Return the struct or union at an address, not a copy; reading a wrong one faults."""
        return self._class(name).from_address(address(pointer, "the pointer"))

    @property
    def errno(self) -> int:
        """Return errno as the last call left it."""
        return ctypes.get_errno()

    # ---- behind them -----------------------------------------------------------------------------

    def _class(self, name: str) -> Any:
        keyword, _, tag = name.rpartition(" ")
        if not keyword:
            union = f"union {tag}" in self._contract.aggregates
            keyword = (
                "union" if union and f"struct {tag}" not in self._contract.aggregates else "struct"
            )
        return self.layout.class_of(keyword, tag)

    def _function(self, name: str) -> FunctionProxy:
        functions: dict[str, FunctionProxy] = self._functions
        if name not in functions:
            contract = self._contract
            functions[name] = FunctionProxy(
                self,
                contract.functions[name],
                self._address(name),
                contract.strings.get(name, frozenset()),
            )
        return functions[name]

    def _address(self, name: str) -> int:
        found: int | None = self._library.symbol(name)
        if found is None:
            raise UnavailableError(
                f"the test library does not define '{name}'",
                why="the contract declares it",
                help="implement it, declare it `global` with its type, and build again",
            )
        return found

    def _read_data(self, name: str) -> Any:
        """Return an extern object: its value, or a view of an aggregate or array.

        Of an array without a length it is the address: nothing says where it ends.
        """
        ctype = self._contract.data[name].type
        spot = self._address(name)
        if isinstance(ctype, Array) and ctype.count is None:
            return spot
        view = self.layout.of(ctype).from_address(spot)
        return view if isinstance(ctype, Array | Named) and not _is_enum(ctype) else view.value

    def _callback(self, function: Any, ctype: FunctionType) -> Any:
        types = [_by_value(self.layout, p) for p in ctype.parameters]
        if ctype.variadic:
            raise AsmithError(
                f"a Python function cannot stand for '{spell(Pointer(ctype))}'",
                why="it would have to read variable arguments",
                help="pass a function of a test module",
            )
        result = self.layout.of(ctype.result)
        default = None if result is None or issubclass(result, ctypes.Structure) else 0
        return self.caller.callback(ctypes.CFUNCTYPE(result, *types), function, default)


def _is_enum(ctype: CType) -> bool:
    return isinstance(ctype, Named) and ctype.keyword == "enum"


def _by_value(layout: Layout, ctype: CType) -> Any:
    """Return the ctypes type of a callback's parameter; arrays and functions are pointers."""
    if isinstance(ctype, Array | Pointer | FunctionType):
        return ctypes.c_void_p
    if isinstance(ctype, Scalar) and ctype.kind is Class.VECTOR:
        raise AsmithError(f"a Python function cannot take '{spell(ctype)}'")
    return layout.of(ctype)
