"""config through its contract: argv that ends at a guard page, and the environment."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

VARIABLE = "TASKIFY_DATABASE_URL"
PORT = st.integers(1, 65535)


@pytest.fixture(autouse=True, scope="session")
def _no_database():
    os.environ.pop(VARIABLE, None)


def read(module, *arguments):
    """Return the result, the database and the port for `taskify ARGUMENTS`."""
    words = [module.memory(word + b"\0") for word in (b"taskify", *arguments)]
    pointers = [word.address for word in words]
    argv = module.memory(b"".join(p.to_bytes(8, "little") for p in (*pointers, 0)), align=8)
    out = module.config(database=None, port=0x5555)
    result = module.config_read(len(words), argv, out)
    return result, module.string(out.database), out.port


def pairs(*numbers):
    return [word for number in numbers for word in (b"--port", number)]


def test_nothing_is_said(module):  # FR-001
    assert read(module) == (0, b"", module.CONFIG_PORT)
    assert module.CONFIG_PORT == 8080


def test_not_even_the_name_of_the_program(module):  # FR-002
    argv = module.memory(bytes(8), align=8)
    out = module.config(database=None, port=0)
    assert module.config_read(0, argv, out) == 0
    assert (module.string(out.database), out.port) == (b"", 8080)


@pytest.mark.parametrize("value", ["", "postgresql:///taskify?host=/tmp/a b", "x" * 5000])
def test_the_database_of_the_environment(module, monkeypatch, value):  # FR-001
    monkeypatch.setenv(VARIABLE, value)
    assert read(module) == (0, value.encode(), 8080)
    assert read(module, *pairs(b"1")) == (0, value.encode(), 1)


@pytest.mark.parametrize("other", ["TASKIFY_DATABASE_UR", "TASKIFY_DATABASE_URLS", "DATABASE_URL"])
def test_other_variables_do_not_count(module, monkeypatch, other):  # FR-001
    monkeypatch.setenv(other, "dbname=other")
    assert read(module) == (0, b"", 8080)


def test_every_port(module):  # FR-002
    for port in range(1, 65536, 7):
        assert read(module, *pairs(b"%d" % port)) == (0, b"", port)
    assert read(module, *pairs(b"65535")) == (0, b"", 65535)


@given(st.lists(PORT, min_size=1, max_size=6), st.integers(0, 25))
def test_the_last_port_counts(module, ports, zeros):  # FR-002
    words = pairs(*[b"0" * zeros + b"%d" % port for port in ports])
    assert read(module, *words) == (0, b"", ports[-1])


@given(before=st.lists(PORT, max_size=2), number=st.sampled_from([0, 65536, 65537, 2**31, 2**32,
    2**32 + 80, 2**63, 2**64 - 1, 2**64, 2**64 + 80, 10**30]))  # fmt: skip
def test_a_number_out_of_range(module, before, number):  # FR-002
    words = pairs(*[b"%d" % port for port in before], b"%d" % number)
    assert read(module, *words)[0] == -1
    assert read(module, *words, *pairs(b"80"))[0] == -1


@given(st.binary(max_size=8).filter(lambda b: b"\0" not in b and not b.isdigit()))
def test_a_number_that_is_malformed(module, text):  # FR-002
    assert read(module, *pairs(text))[0] == -1


@pytest.mark.parametrize(
    "text", [b"", b"-1", b"+1", b" 1", b"1 ", b"0x50", b"8o8o", b"80\n", b"--port"]
)
def test_these_are_malformed(module, text):  # FR-002
    assert read(module, *pairs(text))[0] == -1
    assert read(module, *pairs(b"80", text))[0] == -1


def test_a_port_without_its_number(module):  # FR-002
    assert read(module, b"--port")[0] == -1
    assert read(module, *pairs(b"80"), b"--port")[0] == -1


@given(st.binary(max_size=10).filter(lambda b: b"\0" not in b and b != b"--port"))
def test_any_other_word(module, word):  # FR-002
    assert read(module, word)[0] == -1
    assert read(module, word, b"80")[0] == -1
    assert read(module, *pairs(b"80"), word)[0] == -1
    assert read(module, *pairs(b"80"), word, b"80")[0] == -1


@pytest.mark.parametrize(
    "word",
    [b"", b"-", b"--por", b"--port=80", b"--ports", b"--Port", b"-port", b"port", b"80", b"--"],
)
def test_words_that_are_nearly_right(module, word):  # FR-002
    assert read(module, word)[0] == -1
    assert read(module, word, b"80")[0] == -1
    assert read(module, b"--port", b"80", word, b"80")[0] == -1
