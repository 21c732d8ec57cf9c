"""Examples of a spec as pytest items: "example at specs/x.md:31"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from asmith.errors import AsmithError
from asmith.host import files
from asmith.verify import examples
from asmith.verify.plugin import contract_of, open_module

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asmith.model.spec import Example


class ExampleFile(pytest.File):
    """The examples file: one item for each example in it."""

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the items; a damaged file is a collection error with its own message."""
        try:
            path, found = examples.load(files.read_text(self.path))
        except AsmithError as error:
            raise self.CollectError(error.render()) from error
        for example in found:
            name = f"example at {path}:{example.line}"
            yield ExampleItem.from_parent(self, name=name, example=example, spec=path)


class ExampleItem(pytest.Item):
    """One call with what the spec expects of it."""

    asmith_example = True  # runs in a process of its own

    def __init__(self, *, example: Example, spec: str, **rest: Any) -> None:
        super().__init__(**rest)
        self._example = example
        self._spec = spec

    def runtest(self) -> None:
        """Make the call and compare; fails with what differs."""
        __tracebackhide__ = True
        try:
            module = open_module(self.config)
            found = examples.run(self._example, module, contract_of(self.config))
        except (AsmithError, TypeError, ValueError, AttributeError) as error:
            what = error.what if isinstance(error, AsmithError) else str(error)
            pytest.fail(self._text(what), pytrace=False)
        if found is not None:
            pytest.fail(self._text(found), pytrace=False)

    def _text(self, what: str) -> str:
        arguments = ", ".join(repr(a) for a in self._example.args)
        return (
            f"error: {self._example.call}({arguments}): {what}\n"
            f"  --> {self._spec}:{self._example.line}"
        )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *_: object) -> str:
        """Return the message alone: no line of Python explains an example."""
        if isinstance(excinfo.value, pytest.fail.Exception):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[str, int, str]:
        """Return the example's place in the spec."""
        # Not the name itself, in which pytest would write the dots as "::".
        return self._spec, self._example.line - 1, f"example [{self._spec}:{self._example.line}]"
