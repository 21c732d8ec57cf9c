"""app through its contract: stand-ins for net_answer and at times db_query, all else is real."""

import ctypes
import json
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

CONN = 0x1234500  # an address that only net would look at
ERRORS = {
    400: b'{"error":"bad_request","message":"The request is malformed."}',
    404: b'{"error":"not_found","message":"There is no such thing."}',
    405: b'{"error":"method_not_allowed","message":"The path does not take this method."}',
    503: b'{"error":"unavailable","message":"The database is away."}',
}
UNHEALTHY = b'{"status":"ok","database":"unavailable"}'
ANSWER = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p
)
QUERY = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p
)


def replace(library, own, name, function):
    """Let every call of a neighbour's function go to a Python function.

    The library's calls are bound when it is linked, so the neighbour's first bytes become a jump.
    """
    with Path(library).open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        places = {symbol.name: symbol["st_value"] for symbol in table.iter_symbols()}
    address = own.__asmith_address__ - places[own.__name__] + places[name]
    target = ctypes.cast(function, ctypes.c_void_p).value
    jump = b"\x48\xb8" + target.to_bytes(8, "little") + b"\xff\xe0"  # mov rax, target; jmp rax
    first, last = address & -4096, (address + len(jump) + 4095) & -4096
    mprotect = ctypes.CDLL(None).mprotect
    assert mprotect(ctypes.c_void_p(first), ctypes.c_size_t(last - first), 7) == 0
    ctypes.memmove(address, jump, len(jump))


class Net:
    """The answers that were given."""

    def __init__(self):
        self.answers = []  # (connection, status, body, allow)
        self.answer = ANSWER(self._answer)

    def _answer(self, c, status, body, n, allow):
        text = None if allow is None else ctypes.string_at(allow)
        self.answers.append((c, status, ctypes.string_at(body, n), text))

    def taken(self):
        """Return the one answer that was given since the last call."""
        (answer,) = self.answers
        self.answers.clear()
        return answer


class Database:
    """The queries that were queued."""

    def __init__(self):
        self.queries = []  # (statement, first value or None, context)
        self.query = QUERY(self._query)

    def _query(self, statement, values, _done, context):
        value = ctypes.c_void_p.from_address(values).value if values else None
        self.queries.append((statement, value and ctypes.string_at(value), context))
        return 0


@pytest.fixture(scope="session")
def net(module, pytestconfig):
    made = Net()
    library = pytestconfig.getoption("--asmith-library")
    replace(library, module.app_request, "net_answer", made.answer)
    return made


@pytest.fixture(scope="session")
def database(module, pytestconfig):
    made = Database()
    library = pytestconfig.getoption("--asmith-library")
    replace(library, module.app_request, "db_query", made.query)
    return made


def request(module, path, method=1, connection=CONN):
    text = module.memory(path)  # ends at a guard page
    asked = module.http_request(method=method, keep_alive=1, path={"data": text, "len": len(path)})
    module.app_request(connection, asked)


@pytest.mark.parametrize("path", [b"/", b"/api/tasks", b"/api/tasks/1/2", b"/healthz"])
def test_no_such_path(module, net, path):  # FR-001
    for method in range(7):
        request(module, path, method)
        assert net.taken() == (CONN, 404, ERRORS[404], None)


@pytest.mark.parametrize("segment", [b"0", b"x", b"-1", b"9223372036854775808"])
def test_a_bad_id(module, net, segment):  # FR-001
    for method in range(7):
        request(module, b"/api/tasks/" + segment, method)
        assert net.taken() == (CONN, 400, ERRORS[400], None)


@pytest.mark.parametrize("path", [b"/health", b"/api/tasks/7"])
def test_another_method(module, net, path):  # FR-001
    for method in {*range(7)} - {module.METHOD_GET, module.METHOD_HEAD}:
        request(module, path, method)
        assert net.taken() == (CONN, 405, ERRORS[405], b"GET, HEAD")


def test_without_a_database(module, net):  # FR-001
    for method in (module.METHOD_GET, module.METHOD_HEAD):
        request(module, b"/health", method)
        assert net.taken() == (CONN, 503, UNHEALTHY, None)
        request(module, b"/api/tasks/7", method)
        assert net.taken() == (CONN, 503, ERRORS[503], None)


@given(number=st.integers(1, 2**63 - 1), connection=st.integers(1, 2**47))
def test_a_task(module, net, database, number, connection):  # FR-001
    database.queries.clear()
    request(module, b"/api/tasks/%d" % number, connection=connection)
    assert (database.queries, net.answers) == ([(1, b"%d" % number, connection)], [])


@given(st.integers(1, 2**47))
def test_health(module, net, database, connection):  # FR-001
    database.queries.clear()
    request(module, b"/health", connection=connection)
    assert (database.queries, net.answers) == ([(0, None, connection)], [])


@given(
    connection=st.integers(1, 2**47),
    status=st.integers(400, 599),
    allow=st.one_of(st.none(), st.sampled_from([b"", b"GET, HEAD", b"A" * 500])),
)
def test_every_error(module, net, connection, status, allow):  # FR-002
    module.app_fail(connection, status, allow)
    found = net.taken()
    body = json.loads(found[2])
    assert found == (connection, status, ERRORS.get(status, found[2]), allow)
    assert list(body) == ["error", "message"]


def test_each_status(module, net):  # FR-002
    for status in range(400, 600):
        module.app_fail(CONN, status, None)
        body = net.taken()[2]
        known = json.loads(body)["error"] != "internal"
        assert body == ERRORS.get(status, body)
        assert known or status not in ERRORS
