"""tasks_get through its contract: stand-ins for net_answer and db_query, all else is real.

The results are libpq's own, made without a server.
"""

import ctypes
import json
import socket
import threading
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

NAMES = (
    "id", "project_id", "title", "description", "status", "position", "assignee_id", "created_by",
    "version", "created_at", "updated_at",
)  # fmt: skip
TUPLES_OK = 2
FATAL_ERROR = 7
BODY_CAP = 131072
CONN = 0x1234500  # an address that only net would look at
AWAY = b'{"error":"unavailable","message":"The database is away."}'
INTERNAL = b'{"error":"internal","message":"Something went wrong."}'
NOT_FOUND = b'{"error":"not_found","message":"There is no such thing."}'
ANSWER = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p
)
QUERY = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p
)
DONE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)


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


class Server:
    """What net and db_pool were asked for; the database is away when it refuses."""

    def __init__(self):
        self.answers = []  # (connection, status, body, allow)
        self.queries = []  # (statement, first value, done, context)
        self.refuses = False
        self.answer = ANSWER(self._answer)
        self.query = QUERY(self._query)

    def _answer(self, c, status, body, n, allow):
        self.answers.append((c, status, ctypes.string_at(body, n), allow))

    def _query(self, statement, values, done, context):
        if self.refuses:
            return -1
        value = ctypes.c_void_p.from_address(values).value
        self.queries.append((statement, ctypes.string_at(value), done, context))
        return 0

    def finish(self, number, result):
        """Hand a result to who waits for it; return the answer that was given then."""
        _, _, done, context = self.queries[number]
        before = len(self.answers)
        DONE(done)(context, result)
        assert len(self.answers) == before + 1
        return self.answers[-1]


@pytest.fixture(scope="session")
def server(module, pytestconfig):
    made = Server()
    library = pytestconfig.getoption("--asmith-library")
    replace(library, module.tasks_get, "net_answer", made.answer)
    replace(library, module.tasks_get, "db_query", made.query)
    return made


class FailingServer:
    """Speaks PostgreSQL's protocol at a socket, and answers one query with an error."""

    def __init__(self, directory, error):
        self._error = error
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(f"{directory}/.s.PGSQL.5432")
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()

    def __exit__(self, *_):
        self._thread.join(5)
        self._socket.close()

    def _serve(self):
        client, _ = self._socket.accept()
        with client:
            ready = message(b"Z", b"I")
            while client.recv(4096)[4:8] != b"\0\3\0\0":  # until the start-up message of 3.0
                client.sendall(b"N")  # no encryption
            client.sendall(message(b"R", bytes(4)) + ready)
            client.recv(4096)
            client.sendall(message(b"E", self._error) + ready)
            client.recv(4096)


def message(kind, body):
    return kind + (len(body) + 4).to_bytes(4, "big") + body


class Results:
    """Makes results of libpq and frees them all at the end."""

    def __init__(self):
        self._pq = ctypes.CDLL("libpq.so.5")
        self._pq.PQmakeEmptyPGresult.restype = ctypes.c_void_p
        self._made = []

    def empty(self, status):
        """Return a result without columns."""
        made = ctypes.c_void_p(self._pq.PQmakeEmptyPGresult(None, status))
        self._made.append(made)
        return made

    def failed(self, directory, sqlstate):
        """Return what libpq makes of an error with that SQLSTATE; empty: one without."""
        pq = self._pq
        pq.PQconnectdb.restype = pq.PQexec.restype = ctypes.c_void_p
        field = b"C" + sqlstate + b"\0" if sqlstate else b""
        with FailingServer(directory, b"SFATAL\0" + field + b"Mgone\0\0"):
            connection = ctypes.c_void_p(pq.PQconnectdb(f"host={directory} user=u".encode()))
            made = ctypes.c_void_p(pq.PQexec(connection, b"select"))
            pq.PQfinish(connection)
        assert pq.PQresultStatus(made) == FATAL_ERROR
        self._made.append(made)
        return made

    def rows(self, *rows):
        """Return rows with a task's columns; None is SQL's null."""
        made = self.empty(TUPLES_OK)
        attributes = ctypes.create_string_buffer(32 * len(NAMES))  # PGresAttDesc: name comes first
        for column in range(len(NAMES)):
            ctypes.c_char_p.from_buffer(attributes, 32 * column).value = b"?column?"
        assert self._pq.PQsetResultAttrs(made, len(NAMES), attributes)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                text = b"" if value is None else str(value).encode()
                length = -1 if value is None else len(text)
                assert self._pq.PQsetvalue(made, number, column, ctypes.c_char_p(text), length)
        return made

    def clear(self):
        """Free the results."""
        for made in self._made:
            self._pq.PQclear(made)


@pytest.fixture(scope="session")
def results():
    made = Results()
    yield made
    made.clear()


def task(number, description=""):
    first, second = "2026-01-02T03:04:05.000006Z", "2026-01-03T04:05:06.000007Z"
    values = (number, 1, f"t{number}", description, "todo", 1, None, 2, 1, first, second)
    return dict(zip(NAMES, values, strict=True))


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@given(number=st.integers(1, 2**63 - 1), connection=st.integers(1, 2**47))
def test_the_query(module, server, number, connection):  # FR-001
    server.queries.clear()
    module.tasks_get(connection, number)
    statement, value, done, context = server.queries[0]
    assert (statement, value, context) == (module.SQL_TASK_GET, b"%d" % number, connection)
    assert done
    assert (len(server.queries), server.answers) == (1, [])


@pytest.mark.parametrize("number", [1, 9, 10, 2**63 - 1])
def test_a_query_that_is_refused(module, server, number):  # FR-001, FR-003
    server.refuses = True
    module.tasks_get(CONN, number)
    assert server.answers == [(CONN, 503, AWAY, None)]


def test_a_database_that_nobody_opened(module, pytestconfig):  # FR-001, FR-003
    fake = Server()
    library = pytestconfig.getoption("--asmith-library")
    replace(library, module.tasks_get, "net_answer", fake.answer)
    module.tasks_get(CONN, 5)
    assert fake.answers == [(CONN, 503, AWAY, None)]


def test_a_database_that_went_away(module, server):  # FR-002, FR-003
    module.tasks_get(CONN, 5)
    assert server.finish(0, None) == (CONN, 503, AWAY, None)


@pytest.mark.parametrize("status", [s for s in range(12) if s != TUPLES_OK])
def test_a_result_that_is_none_of_rows(module, server, results, status):  # FR-002, FR-003
    module.tasks_get(CONN, 5)
    assert server.finish(0, results.empty(status)) == (CONN, 500, INTERNAL, None)


@pytest.mark.parametrize("sqlstate", [b"57P01", b"57P02", b"57P03", b"57P"])
def test_a_server_that_is_shut_down(module, server, results, tmp_path, sqlstate):  # FR-002
    module.tasks_get(CONN, 5)
    answer = server.finish(-1, results.failed(tmp_path, sqlstate))
    assert answer == (CONN, 503, AWAY, None)


@pytest.mark.parametrize("sqlstate", [b"57014", b"57", b"5", b"58P01", b"47P01", b"XX000", b""])
def test_a_query_that_fails(module, server, results, tmp_path, sqlstate):  # FR-002
    module.tasks_get(CONN, 5)
    answer = server.finish(-1, results.failed(tmp_path, sqlstate))
    assert answer == (CONN, 500, INTERNAL, None)


def test_no_row(module, server, results):  # FR-002, FR-003
    module.tasks_get(CONN, 5)
    assert server.finish(0, results.rows()) == (CONN, 404, NOT_FOUND, None)


def test_a_row(module, server, results):  # FR-002, FR-003
    module.tasks_get(CONN, 5)
    found = server.finish(0, results.rows(task(5).values()))
    assert found == (CONN, 200, compact(task(5)), None)


def test_the_first_of_two_rows(module, server, results):  # FR-002
    module.tasks_get(CONN, 5)
    found = server.finish(0, results.rows(task(5).values(), task(6).values()))
    assert found == (CONN, 200, compact(task(5)), None)


def test_the_longest_body_that_fits(module, server, results):  # FR-002, FR-003
    room = BODY_CAP - len(compact(task(5)))
    for over, expected in ((0, 200), (1, 500), (100_000, 500), (0, 200)):
        long = task(5, "a" * (room + over))
        module.tasks_get(CONN, 5)
        body = compact(long) if expected == 200 else INTERNAL
        found = server.finish(-1, results.rows(long.values()))
        assert found == (CONN, expected, body, None)


@given(st.permutations(range(4)))
def test_each_connection_gets_its_own(module, server, results, order):  # FR-001, FR-002
    server.queries.clear()
    tasks = [task(n + 1, "d" * (1000 * n)) for n in range(4)]
    for n in range(4):
        module.tasks_get(CONN + n, n + 1)
    assert [q[1] for q in server.queries] == [b"1", b"2", b"3", b"4"]
    for n in order:
        found = server.finish(n, results.rows(tasks[n].values()))
        assert found == (CONN + n, 200, compact(tasks[n]), None)
