"""The grammar of answers: what is taken, what is refused, and which bytes stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asmith.generate.answer import AnswerError, assemble_answer, extract, split

MODULE = """\
; m: two functions
        default rel

        section .rodata
table:  db 1

        section .text
        global  f:function (f.end - f)
f:
        ret
.end:

; g is next
        section .text
g:
.next:
        jmp     .next
.end:
        section .note.GNU-stack noalloc noexec nowrite progbits
"""


def fenced(code: str) -> str:
    """Return code as an answer."""
    return f"Here it is:\n\n```nasm\n{code}```\nDone.\n"


def test_the_block_is_taken_and_the_words_around_it_are_not() -> None:
    assert extract(fenced(MODULE)) == (MODULE, 4)


@pytest.mark.parametrize(
    ("answer", "code", "line"),
    [
        ("```\nret\n```", "ret\n", 2),
        ("~~~asm\nret\n~~~\n", "ret\n", 2),
        ("````\n```\nret\n```\n````\n", "```\nret\n```\n", 2),
        ("```nasm\n\n\nret  \n\n```\n", "ret\n", 4),
        ("```\r\nret\r\n```\r\n", "ret\n", 2),
        ("```\nret\n ```\n```\n", "ret\n ```\n", 2),
    ],
)
def test_blocks_that_are_taken(answer: str, code: str, line: int) -> None:
    assert extract(answer) == (code, line)


@pytest.mark.parametrize(
    ("answer", "message", "place"),
    [
        ("", "the answer has no fenced code block", "a"),
        ("`ret`", "the answer has no fenced code block", "a"),
        ("```\n```\n~~~\n~~~\n```\n```", "the answer has 3 fenced code blocks", "a:3"),
        ("\n```\nret\n~~~\n", "the answer's code block is never closed", "a:2"),
        ("```nasm\nret\n```nasm\n", "the answer's code block is never closed", "a:1"),
        ("```\n \n```", "the answer's code block is empty", "a:1"),
    ],
)
def test_blocks_that_are_refused(answer: str, message: str, place: str) -> None:
    with pytest.raises(AnswerError) as caught:
        extract(answer, "a")
    assert caught.value.what == message
    assert str(caught.value.where) == place


def test_a_module_is_taken_apart_into_preamble_units_and_tail() -> None:
    text = split(MODULE)
    assert text.preamble.endswith("table:  db 1\n\n")
    assert [u.name for u in text.units] == ["f", "g"]
    assert text.units[0].text.startswith("        section .text\n        global  f")
    assert text.units[1].text.startswith("\n; g is next\n")
    assert text.units[1].text.endswith(".next\n.end:\n")
    assert text.tail.startswith("        section .note.GNU-stack")


@given(st.lists(st.sampled_from([*MODULE.splitlines(keepends=True), "\n", "$h:\n"]), max_size=30))
def test_what_can_be_taken_apart_gives_its_bytes_back(lines: list[str]) -> None:
    code = "".join(lines)
    try:
        text = split(code)
    except AnswerError:
        return
    assert str(text) == code


@pytest.mark.parametrize(
    ("code", "message", "place"),
    [
        ("f:\n  ret\n", "nothing ends 'f'", "a:8"),
        ("\n.end:\n", "'.end:' without a function's label above it", "a:9"),
        ("f:\n.end:\n.end:\n", "'.end:' without a function's label above it", "a:10"),
        ("f:\n.end:\nf:\n.end:\n", "function 'f' stands twice", "a"),
        ("\n  %macro m 0\n", "'%macro m 0' is not part of a module's grammar", "a:9"),
        ("%IMACRO m 0\n", "'%IMACRO m 0' is not part of a module's grammar", "a:8"),
        ('%include "x"\n', "'%include \"x\"' is not part of a module's grammar", "a:8"),
    ],
)
def test_texts_that_are_refused(code: str, message: str, place: str) -> None:
    with pytest.raises(AnswerError) as caught:
        split(code, "a", 8)
    assert caught.value.what == message
    assert str(caught.value.where) == place


def test_definitions_are_fine() -> None:
    assert split("%define A 1\nB equ 2\nf:\n.end:\n").units[0].name == "f"


# ---- whole and partial answers -------------------------------------------------------------------

NEW_G = "        section .text\ng:\n        ret\n.end:\n"


def test_an_answer_with_every_function_is_the_module() -> None:
    assert assemble_answer(fenced(MODULE), ["f", "g"], None) == MODULE
    assert assemble_answer(fenced(MODULE), ["f"], "something else") == MODULE


def test_an_answer_with_every_function_and_no_preamble_keeps_the_rest() -> None:
    answer = fenced("        section .text\n; both\nf:\n        nop\n        ret\n.end:\n")
    text = assemble_answer(answer, ["f"], MODULE)
    assert text == MODULE.replace(
        "        global  f:function (f.end - f)\nf:\n", "; both\nf:\n        nop\n"
    )


def test_an_answer_with_some_functions_keeps_the_others_bytes() -> None:
    before = split(MODULE)
    made = assemble_answer(fenced(NEW_G), ["f", "g"], MODULE)
    assert made == before.preamble + before.units[0].text + NEW_G + before.tail


def test_comments_above_a_first_function_are_that_functions() -> None:
    before = split(MODULE)
    made = assemble_answer(fenced("\n; g returns\n\n" + NEW_G), ["f", "g"], MODULE)
    assert made == before.preamble + before.units[0].text + "; g returns\n\n" + NEW_G + before.tail


def test_a_preamble_in_a_partial_answer_replaces_the_old_one() -> None:
    preamble = "; m: again\n        default rel\n"
    made = assemble_answer(fenced(preamble + NEW_G), ["f", "g"], MODULE)
    assert made.startswith(preamble + split(MODULE).units[0].text)


def test_data_above_a_first_function_is_that_functions() -> None:
    before = split(MODULE)
    data = "        section .rodata\nmore:   db 2\n\n"
    made = assemble_answer(fenced(data + NEW_G), ["f", "g"], MODULE)
    assert made == before.preamble + before.units[0].text + data + NEW_G + before.tail


def test_a_part_must_hold_what_was_asked_for() -> None:
    with pytest.raises(AnswerError) as caught:
        assemble_answer(fenced(NEW_G), ["f", "g"], MODULE, asked=["f"])
    assert caught.value.what == "the answer lacks the function 'f', which was asked for"
    assert assemble_answer(fenced(NEW_G), ["f", "g"], MODULE, asked=["g"]).count("g:") == 1
    assert assemble_answer(fenced(MODULE), ["f", "g"], MODULE, asked=["f"]) == MODULE


def test_private_functions_may_come_with_what_was_asked_for() -> None:
    helper = "helper:\n        ret\n.end:\n"
    made = split(assemble_answer(fenced(NEW_G + helper), ["f", "g"], MODULE, asked=["g"]))
    assert [u.name for u in made.units] == ["f", "g", "helper"]
    assert made.units[0] == split(MODULE).units[0]


def test_a_new_function_goes_behind_the_old_ones() -> None:
    new = NEW_G.replace("g:", "h:")
    made = split(assemble_answer(fenced(new), ["f", "g", "h"], MODULE))
    assert [u.name for u in made.units] == ["f", "g", "h"]
    assert made.tail == split(MODULE).tail


def test_a_private_function_of_the_module_can_be_replaced_alone() -> None:
    made = assemble_answer(fenced(NEW_G), ["f"], MODULE)
    assert "jmp" not in made
    assert split(made).units[0] == split(MODULE).units[0]


@pytest.mark.parametrize(
    ("code", "required", "previous", "message"),
    [
        (NEW_G, ["f", "g"], None, "the answer lacks the function 'f'"),
        ("        nop\n", ["f"], MODULE, "the answer lacks the function 'f'"),
        (NEW_G.replace("g:", "x:"), ["f", "g"], MODULE, "the answer lacks the function 'f'"),
        (
            NEW_G,
            ["f", "g", "h"],
            MODULE,
            "neither the answer nor the module as it is has the function 'h'",
        ),
        (NEW_G, ["f", "g"], "f:\n", "nothing ends 'f'"),
    ],
)
def test_answers_that_lack_something(
    code: str, required: list[str], previous: str | None, message: str
) -> None:
    with pytest.raises(AnswerError) as caught:
        assemble_answer(fenced(code), required, previous)
    assert caught.value.what == message


def test_an_error_can_name_whose_answer_it_is() -> None:
    error = AnswerError("it failed", where="a:1", why="so", help="do that").about("module 'm'")
    assert error.render() == "error: module 'm': it failed\n  --> a:1\nwhy:  so\nhelp: do that"
