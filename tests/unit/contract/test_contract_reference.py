"""The reference page and the parser's own tables say the same, and the examples hold."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from asmith.contract.grammar import CLAUSES, LEVELS, Shape
from asmith.contract.reader import read_interfaces
from asmith.contract.reference import tables
from asmith.contract.render import PRECEDENCE
from asmith.contract.words import QUANTIFIERS, WORDS
from asmith.errors import UsageError
from asmith.model.names import InterfaceName

if TYPE_CHECKING:
    from asmith.model.contract import Interface

DOCS = Path(__file__).parents[3] / "docs" / "reference"
PAGE = (DOCS / "contracts.md").read_text()
EXAMPLES = re.findall(r"```c\n(.*?)```", PAGE, re.DOTALL)


def read(text: str) -> Interface:
    """Return the interface that a text says."""
    name = InterfaceName("page")
    return read_interfaces({name: ("page.h", text.encode())})[name]


@pytest.mark.parametrize("name", sorted(tables()))
def test_a_table_of_the_page_is_the_parsers_own(name: str) -> None:
    found = re.search(rf"<!-- table: {name} -->\n+(.*?)\n+<!-- end -->", PAGE, re.DOTALL)
    assert found is not None
    assert found.group(1) == tables()[name]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_every_example_of_the_page_is_an_interface(number: int) -> None:
    assert read(EXAMPLES[number]).surface


def test_the_examples_use_every_clause_word_and_operator() -> None:
    whole = "\n".join(EXAMPLES)
    for kind in CLAUSES.values():
        if kind.keyword != "dispatch":
            assert f"{kind.spelled} " in whole, kind.keyword
    for word in (*WORDS, *QUANTIFIERS):
        assert word in whole or word in ("\\true", "\\false", "valid_string"), word
    for operator in PRECEDENCE:
        if operator not in ("?:", "|", "^", "/", ">>"):
            assert f" {operator} " in whole or operator in whole, operator


DECLARED = """struct opaque; struct data { char *data; unsigned long cap, len; };
//@ assigns \\nothing; asm releases p;
void pool_free(void *p);
"""
PROTOTYPE = (
    "char *f(char *s, unsigned long n, int *p, struct data *out, const char *name,"
    " struct opaque *conn, char *b);"
)


@pytest.mark.parametrize("kind", CLAUSES.values(), ids=lambda k: k.keyword)
def test_the_example_of_a_clause_is_one(kind: object) -> None:
    example = kind.example.replace("\\result == 0 || \\result == -1", "n == 0")
    example = example.replace("out_of_memory: \\result == -1", "out_of_memory: \\result == 0")
    text = f"{DECLARED}/*@ {example} {'' if kind.keyword == 'assigns' else 'assigns *p;'} */\n"
    interface = read(text + PROTOTYPE)
    clauses = (*interface.functions["f"].clauses, *interface.clauses)
    assert kind.keyword in [c.keyword for c in clauses]


@pytest.mark.parametrize("word", WORDS.values(), ids=lambda w: w.name)
def test_the_example_of_a_word_is_one(word: object) -> None:
    result = "int *" if word.name == "\\null" else "int "
    text = f"/*@ {word.example} assigns *p; */\n{result}f(int *p, char *s, int n, char *name);"
    assert word.name in read(text).surface["f"].implementer or word.name == "\\true"


def test_every_level_is_read() -> None:
    for level in LEVELS:
        read(f"//@ assigns \\nothing; asm isa {level};\nint f(void);")


def test_what_the_page_refuses_is_refused() -> None:
    refused = re.search(r"refused by name and place: (.*?)\.\n", PAGE, re.DOTALL)
    assert refused is not None
    for text in (
        "struct s { int a : 1; };",
        "extern volatile int x;",
        "static int x;",
        "#define F(x) 1",
        "#if 1\n#endif",
        "extern int x[0];",
    ):
        with pytest.raises(UsageError):
            read(text)


def test_every_shape_belongs_to_a_clause() -> None:
    assert {k.shape for k in CLAUSES.values()} == set(Shape)


def test_the_limits_are_linked_and_stand() -> None:
    assert "(contract-limits.md)" in PAGE
    assert (DOCS / "contract-limits.md").read_text().startswith("# What a contract cannot say\n")
