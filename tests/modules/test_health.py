"""health through its contract, with Python in the place of db_query and net_answer."""

import ctypes
import mmap
from ctypes import c_char_p, c_int, c_size_t, c_void_p
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

GOOD = (200, b'{"status":"ok","database":"ok"}', None)
BAD = (503, b'{"status":"ok","database":"unavailable"}', None)
TUPLES_OK = 2


class Neighbours:
    """What health calls: it takes what is asked, and its connections and answers are recorded."""

    def __init__(self, library):
        self.path = Path(library).resolve()
        self.refuses = False
        self.asked = []  # (statement, values, callback, context)
        self.answers = []  # (connection, status, body, allow)
        self.libpq = ctypes.CDLL("libpq.so.5")
        self.libpq.PQmakeEmptyPGresult.restype = c_void_p
        done = ctypes.CFUNCTYPE(c_int, c_int, c_void_p, c_void_p, c_void_p)(self._query)
        told = ctypes.CFUNCTYPE(None, c_void_p, c_int, c_void_p, c_size_t, c_char_p)(self._answer)
        self._kept = done, told
        self._divert("db_query", done)
        self._divert("net_answer", told)

    def result(self, context, status):
        """Let the oldest query of a connection have a result; status None: null."""
        (query,) = [q for q in self.asked if q[3] == context]
        self.asked.remove(query)
        result = None if status is None else self.libpq.PQmakeEmptyPGresult(None, status)
        ctypes.CFUNCTYPE(None, c_void_p, c_void_p)(query[2])(context, result)

    def _query(self, *arguments):
        if self.refuses:
            return -1
        self.asked.append(arguments)
        return 0

    def _answer(self, connection, status, body, n, allow):
        self.answers.append((connection, (status, ctypes.string_at(body, n), allow)))

    def _divert(self, name, to):
        """Write `mov rax, to; jmp rax` over the beginning of a function of the library."""
        with self.path.open("rb") as file:
            (symbol,) = ELFFile(file).get_section_by_name(".symtab").get_symbol_by_name(name)
        lines = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
        base = min(int(w[0].split("-")[0], 16) for w in lines if w[-1] == str(self.path))
        spot = base + symbol["st_value"]
        code = b"\x48\xb8" + ctypes.cast(to, c_void_p).value.to_bytes(8, "little") + b"\xff\xe0"
        page = spot & -mmap.PAGESIZE
        libc = ctypes.CDLL(None)
        libc.mprotect.argtypes = (c_void_p, c_size_t, c_int)
        assert libc.mprotect(page, spot + len(code) - page, 7) == 0  # read, write, execute
        ctypes.memmove(spot, code, len(code))


@pytest.fixture
def neighbours(module, request):
    assert module
    return Neighbours(request.config.getoption("--asmith-library"))


@pytest.mark.parametrize("status", [*range(12), None])
def test_the_result_decides(module, neighbours, status):  # FR-001 to FR-003
    module.health_get(0x1000)
    ((statement, values, _, context),) = neighbours.asked
    assert (statement, values, context) == (module.SQL_HEALTH, None, 0x1000)
    assert neighbours.answers == []
    neighbours.result(0x1000, status)
    assert neighbours.answers == [(0x1000, GOOD if status == TUPLES_OK else BAD)]


def test_a_refusal_is_answered_at_once(module, neighbours):  # FR-002, FR-003
    neighbours.refuses = True
    module.health_get(0x2000)
    assert (neighbours.asked, neighbours.answers) == ([], [(0x2000, BAD)])


def test_requests_do_not_mix(module, neighbours):
    connections = range(1, 513)
    for c in connections:
        module.health_get(c)
    for c in connections:
        neighbours.result(c, None if c % 3 else TUPLES_OK)
    assert neighbours.answers == [(c, BAD if c % 3 else GOOD) for c in connections]
