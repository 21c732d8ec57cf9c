"""`asmith import-header` as a person meets it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asmith.contract.reader import read_interfaces
from asmith.model.names import InterfaceName
from fakes.command import error

if TYPE_CHECKING:
    from fakes.command import Command

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="the C compiler reads the header")


def test_the_draft_is_on_standard_output_alone(asmith: Command) -> None:
    said = asmith.bare("import-header", "sys/epoll.h", "--symbols", "epoll_wait", "epoll_event")
    assert (said.code, said.err) == (0, "")
    name = InterfaceName("epoll")
    interface = read_interfaces({name: ("epoll.h", said.out.encode())})[name]
    assert list(interface.functions) == ["epoll_wait"]
    assert interface.library is not None
    assert interface.library.name == "libc"


def test_the_draft_as_json(asmith: Command) -> None:
    said = asmith.bare("import-header", "stdio.h", "--symbols", "puts", "--json")
    value = json.loads(said.out)
    assert set(value) == {"schema", "header", "text", "findings"}
    assert "int puts(const char *s);" in value["text"]


def test_a_name_that_the_library_does_not_export_is_told(asmith: Command) -> None:
    said = asmith.bare("import-header", "math.h", "--symbols", "sin")
    assert said.code == 1
    assert "double sin(double x);" in said.out
    assert said.messages() == ["error[EXT002]: libc does not export 'sin'"]
    asked = ("import-header", "math.h", "--symbols", "sin", "--library", "libm")
    assert asmith.bare(*asked).code == 0


def test_no_such_header(asmith: Command) -> None:
    assert asmith.bare("import-header", "no/such.h", "--symbols", "x") == error(
        3,
        "error: header 'no/such.h' is not installed",
        "why:  the C compiler does not find it",
        "help: install the development package that brings it, "
        "or give the library's pkg-config name",
    )


def test_an_unknown_symbol(asmith: Command) -> None:
    assert asmith.bare("import-header", "stdio.h", "--symbols", "fopne") == error(
        2,
        "error: <stdio.h> declares no 'fopne'; did you mean 'fopen'?",
        "help: name a function, object, type, tag ('struct name'), enumerator or constant of it",
    )


@pytest.mark.skipif(not shutil.which("c++"), reason="the C++ compiler tells a C++ header")
def test_a_cplusplus_header(asmith: Command) -> None:
    assert asmith.bare("import-header", "vector", "--symbols", "vector") == error(
        2,
        "error: <vector> is a C++ header",
        "why:  it compiles as C++ and not as C",
        "help: asmith calls C functions: name a C header of the library, or wrap it in one",
    )


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["x.h"], 2, "error: the following arguments are required: --symbols"),
        (["/usr/include/stdio.h", "--symbols", "puts"], 2, "is no name of a header"),
        (["x.h", "--symbols", "f", "--package", "nosuch"], 3, "headers of 'nosuch' are not"),
    ],
)
def test_other_refusals(asmith: Command, arguments: list[str], code: int, message: str) -> None:
    said = asmith.bare("import-header", *arguments)
    assert (said.code, said.out) == (code, "")
    assert message in said.err


PAGE = Path(__file__).parents[2] / "docs/reference/external.md"


@pytest.mark.parametrize("number", [0, 1])
def test_the_transcripts_of_the_reference_page_are_real(asmith: Command, number: int) -> None:
    blocks = re.findall(
        r"^```console\n\$ asmith (.*?)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    command, shown = blocks[number]
    said = asmith.bare(*command.split())
    if "are not installed" in said.err:
        pytest.skip("the library of the example is not installed")
    assert (said.out + said.err).strip() == shown.strip()
    assert len(blocks) == 2
