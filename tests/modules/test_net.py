"""net through its contract: real sockets to a loop that runs in the test's process.

app and db_pool are stand-ins (tests/modules/net), so that a test decides when an answer comes and
what it is; http_parse and http_write are the real ones.
"""

import contextlib
import ctypes
import itertools
import json
import os
import random
import signal
import socket
import time

import pytest

from modules.net.server import (
    HOST,
    Client,
    Server,
    descriptors,
    epoll,
    ports,
    request,
    sockets,
)

# The clients are a thread beside the loop.
pytestmark = pytest.mark.asmith_limits(processes=100000, memory=1 << 30)

EPOLLIN, EPOLLOUT = 1, 4
CLOSE = b"Connection: close"
INPUT = 73732  # bytes that a slot's input holds
OUTPUT = 262144


@pytest.fixture
def server(module):
    return Server(module)


@pytest.fixture
def clocked(module):
    """Return a server whose clock the test sets."""
    return Server(module, clock=True)


def chance(seed):
    """Return what draws the same each time."""
    return random.Random(seed)  # noqa: S311 -- no secret


# ---- net_open ------------------------------------------------------------------------------------


def test_the_socket_listens_on_the_loopback_address(module):  # FR-002
    before = sockets()
    port = next(p for p in ports() if module.net_open(p) == 0)
    (name,) = sockets() - before
    (fd,) = [fd for fd, its_name in descriptors() if its_name == name]
    listening = socket.socket(fileno=os.dup(fd))
    try:
        assert listening.getsockname() == (HOST, port)
        assert not os.get_blocking(fd)
        assert listening.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 1
        assert listening.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
        Client(port).socket.close()
    finally:
        listening.close()


def test_a_port_that_is_taken_is_refused(module):  # FR-002
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        before = descriptors()
        assert module.net_open(other.getsockname()[1]) == -1
        assert descriptors() == before


def test_no_descriptor_is_left_to_open(module):  # FR-002
    spare = []
    with contextlib.suppress(OSError):
        while True:
            spare.append(os.dup(0))
    port = ports()
    assert module.net_open(next(port)) == -1  # there is none at all
    os.close(spare.pop())
    assert module.net_open(next(port)) == -1  # there is none for the socket
    os.close(spare.pop())
    assert 0 in (module.net_open(p) for p in port)
    for fd in spare:
        os.close(fd)


# ---- net_watch -----------------------------------------------------------------------------------


def test_a_descriptor_is_added_then_changed(module):  # FR-003
    reader, writer = os.pipe()
    tag = module.NET_TAG_DATABASE + 1
    assert module.net_watch(reader, EPOLLIN, tag) == -1  # there is no epoll instance yet
    next(p for p in ports() if module.net_open(p) == 0)

    def watched(fd):
        with open(f"/proc/self/fdinfo/{epoll()}") as info:
            lines = [line.split() for line in info if line.startswith("tfd")]
        return [(int(w[3], 16) & 0xFF, int(w[5], 16)) for w in lines if int(w[1]) == fd]

    assert module.net_watch(reader, EPOLLIN, tag) == 0
    assert watched(reader) == [(EPOLLIN | 8 | 16, tag)]  # the kernel adds ERR and HUP
    assert module.net_watch(reader, EPOLLIN | EPOLLOUT, tag + 1) == 0
    assert watched(reader) == [(EPOLLIN | EPOLLOUT | 8 | 16, tag + 1)]
    os.close(reader)
    assert module.net_watch(reader, EPOLLIN, tag) == -1
    again = os.dup(writer)  # the same number, another thing
    assert again == reader
    assert module.net_watch(again, EPOLLOUT, tag) == 0


def test_events_of_the_database_go_to_db_pool(server):  # FR-004
    assert server.watch_bell(number=1) == 0

    def talk():
        server.do(lambda: None)
        server.do(lambda: None)
        server.until(lambda: len(server.database_events) == 2)

    server.serve(talk)
    assert server.database_events == [(1, EPOLLIN)] * 2
    assert server.flushes == server.turns


def test_the_loop_turns_ten_times_a_second(server):  # FR-004
    def talk():
        seen = server.turns
        time.sleep(1)
        assert 5 <= server.turns - seen <= 12

    server.serve(talk)


def test_a_failure_of_epoll_ends_it(server):  # FR-004
    assert server.run(lambda: os.close(epoll()) or time.sleep(0.2)) == 1


def test_accepted_sockets_never_wait(server):  # FR-005
    def talk():
        client = server.client()
        assert client.get().status == 200
        with server.accepted(client) as accepted:
            assert not os.get_blocking(accepted.fileno())
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1

    server.serve(talk)


# ---- one request after another -------------------------------------------------------------------


def test_a_connection_is_kept(server):  # FR-005 - FR-009
    def talk():
        client = server.client()
        for number in range(50):
            path = b"/%d" % number
            answer = client.get(path)
            assert (answer.status, answer.body, answer.closes) == (200, path, False)
        assert server.client().get(b"/other").body == b"/other"

    server.serve(talk)
    assert len({r.connection for r in server.requests}) == 2


def test_app_gets_the_request(module, server):  # FR-007
    def talk():
        client = server.client()
        assert client.get(b"/a?b=c", method=b"POST", body=b"\0body").body == b"/a"
        assert client.get(b"/p", method=b"PATCH").body == b"/p"

    server.serve(talk)
    (first, second) = server.requests
    assert (first.method, first.path, first.body) == (module.METHOD_POST, b"/a", b"\0body")
    assert (second.method, second.path, second.body) == (module.METHOD_PATCH, b"/p", b"")


def test_many_requests_in_one_segment(server):  # FR-008, FR-009
    paths = [b"/%d" % n for n in range(100)]

    def talk():
        client = server.client()
        client.send(b"".join(request(p) for p in paths))
        assert [client.answer().body for _ in paths] == paths
        assert client.get(b"/after").body == b"/after"

    server.serve(talk)
    assert [r.path for r in server.requests] == [*paths, b"/after"]


def test_the_stack_does_not_grow_with_the_requests(server):  # FR-009
    count = INPUT // len(request())

    def talk():
        client = server.client()
        client.send(request() * count)
        assert all(client.answer().status == 200 for _ in range(count))

    server.serve(talk)
    assert len(server.requests) == count
    assert len(server.stack_pointers) == 1


def test_requests_split_byte_by_byte(server):  # FR-006, FR-007
    text = request(b"/one") + request(b"/two", method=b"PUT", body=b"12345") + request(b"/three")

    def talk():
        client = server.client()
        for byte in text:
            client.send(bytes([byte]))
            time.sleep(0.0005)
        assert [client.answer().body for _ in range(3)] == [b"/one", b"/two", b"/three"]

    server.serve(talk)
    assert [r.body for r in server.requests] == [b"", b"12345", b""]


def test_the_largest_request(module, server):  # FR-001, FR-006
    body = bytes(range(256)) * 256
    head = request(b"/big", b"X: %b", b"Content-Length: 65536", method=b"POST")
    filler = b"f" * (module.HTTP_HEAD_MAX - len(head) + 2)

    def talk():
        client = server.client()
        text = head.replace(b"%b", filler) + body
        assert len(text) == module.HTTP_HEAD_MAX + module.HTTP_BODY_MAX
        client.send(b"\r\n" + text, text)
        assert [client.answer().status for _ in range(2)] == [200, 200]

    server.serve(talk)
    assert [r.body for r in server.requests] == [body, body]


def test_head_gets_no_body(server):  # FR-008
    def talk():
        client = server.client()
        answer = client.get(b"/some", method=b"HEAD")
        assert (answer.status, answer.fields[b"content-length"]) == (200, b"5")
        assert client.get(b"/next").body == b"/next"

    server.serve(talk)


def test_allow_and_status_are_passed_on(server):  # FR-008
    server.answers[b"/m"] = (405, b"{}", b"GET, HEAD\0")
    server.answers[b"/n"] = (204, b"", None)

    def talk():
        client = server.client()
        answer = client.get(b"/m")
        assert (answer.status, answer.fields[b"allow"]) == (405, b"GET, HEAD")
        assert client.get(b"/n").status == 204
        assert client.get(b"/").status == 200

    server.serve(talk)


# ---- connections that end ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [request(b"/", CLOSE), request(version=b"HTTP/1.0"),
     request(b"/", b"Connection: x, close", method=b"POST", body=b"b")],
)  # fmt: skip
def test_the_client_wants_an_end(server, text):  # FR-008, FR-009
    def talk():
        client = server.client()
        client.send(text + request(b"/never"))
        answer = client.answer()
        assert (answer.status, answer.closes) == (200, True)
        assert client.ended()

    server.serve(talk)
    assert [r.path for r in server.requests] == [b"/"]


def test_an_old_client_may_stay(server):  # FR-008
    def talk():
        client = server.client()
        for _ in range(2):
            client.send(request(b"/", b"Connection: keep-alive", version=b"HTTP/1.0"))
            assert not client.answer().closes

    server.serve(talk)


REFUSED = [
    (400, b"GET / HTTP/1.1\r\n\r\n"),
    (400, b"GET / HTTP/1.1\nHost: x\r\n\r\n"),
    (400, request(b"/", b" folded")),
    (400, request(b"/", b"Content-Length: x")),
    (400, request(b"/", b"Content-Length: 1", b"Transfer-Encoding: chunked")),
    (501, request(b"/", b"Transfer-Encoding: chunked")),
    (505, request(version=b"HTTP/2.0")),
    (417, request(b"/", b"Expect: more")),
    (414, request(b"/" + b"t" * 4096)),
    (414, b"GET /" + b"t" * 5000),
    (431, request(b"/", b"X: " + b"h" * 8192)),
    (431, b"GET / HTTP/1.1\r\nX: " + b"h" * 8192),
    (413, request(b"/", b"Content-Length: 65537", method=b"POST")),
]


@pytest.mark.parametrize(("status", "text"), REFUSED)
def test_a_refused_request_ends_the_connection(server, status, text):  # FR-007
    def talk():
        client = server.client()
        client.send(request(b"/good") + text)
        assert client.answer().status == 200
        answer = client.answer()
        assert (answer.status, answer.closes) == (status, True)
        assert set(json.loads(answer.body)) == {"error", "message"}
        assert client.ended()
        assert server.client().get().status == 200  # others are not concerned

    server.serve(talk)
    assert [r.path for r in server.requests] == [b"/good", b"/"]


def test_nothing_is_read_behind_a_refused_request(server):  # FR-007
    def talk():
        client = server.client()
        client.send(b"GET / HTTP/1.1\r\nbad\r\n\r\n" + request(b"/smuggled"))
        assert client.answer().status == 400
        assert client.ended()

    server.serve(talk)
    assert server.requests == []


def test_a_client_that_only_stops_talking_is_answered(server):  # FR-006, FR-012
    assert server.watch_bell() == 0

    def talk():
        client = server.client()
        client.send(request(b"/1") + request(b"/2"))
        client.finish()
        assert [client.answer().body for _ in range(2)] == [b"/1", b"/2"]
        assert client.ended()
        client = server.client()
        client.send(request(b"/later"))
        client.finish()
        server.answer_later()
        assert client.answer().body == b"late"
        assert client.ended()
        client = server.client()
        client.send(b"GET / HT")
        client.finish()
        assert client.ended()

    server.serve(talk)


def test_clients_that_go_away_without_a_word(server):  # FR-004, FR-006, FR-009
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    server.answers[b"/big"] = (200, b"b" * 200_000, None)

    def talk():
        for text in (b"", b"GET", request(b"/", b"Content-Length: 5"), request(b"/big") * 300):
            for _ in range(20):
                client = server.client(receive_buffer=2048)
                client.send(text)
                client.reset()
            for _ in range(20):
                client = server.client(receive_buffer=2048)
                client.send(text)
                client.socket.close()
        server.turn()
        assert server.client().get(b"/fine").body == b"/fine"

    server.serve(talk)


def test_a_refused_client_that_goes_on_sending_gets_its_answer(server):  # FR-013
    def talk():
        for _ in range(20):
            client = server.client()
            client.send(request(b"/", b"Content-Length: 3000000", method=b"POST"))
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                for _ in range(30):
                    client.send(b"b" * 100_000)
            assert client.answer().status == 413
            assert client.ended()

    server.serve(talk)


def test_a_client_that_was_refused_has_two_seconds(clocked):  # FR-011, FR-013
    def talk():
        idle = sockets()
        client = clocked.client()
        client.send(b"BAD\r\n\r\n")
        assert client.answer().status == 400
        assert client.ended()  # no more comes, but the server still listens
        clocked.skip(1000)
        client.send(b"more")
        clocked.skip(999)
        assert len(sockets() - idle) == 2
        clocked.skip(201)
        clocked.until(lambda: len(sockets() - idle) == 1)
        assert clocked.client().get().status == 200

    clocked.serve(talk)


def test_a_client_that_was_refused_and_goes(server):  # FR-013
    def talk():
        idle = sockets()
        for leave in (Client.finish, Client.reset, lambda c: c.socket.close()):
            client = server.client()
            client.send(b"BAD\r\n\r\n")
            assert client.answer().status == 400
            leave(client)
            client.socket.close()
            server.until(lambda: sockets() == idle)
        assert server.client().get().status == 200

    server.serve(talk)


# ---- 100 Continue --------------------------------------------------------------------------------


def test_a_client_that_waits_with_its_body(server):  # FR-007
    head = request(b"/", b"Expect: 100-continue", b"Content-Length: 4", method=b"POST")

    def talk():
        client = server.client()
        for _ in range(3):
            client.send(head[:-2])
            assert client.silent(0.05)
            client.send(b"\r\n")
            assert client.answer().status == 100
            client.send(b"b")
            assert client.silent(0.05)  # it is said once
            client.send(b"ody")
            assert client.answer().status == 200
        client.send(head + b"b")
        assert client.answer().status == 100
        client.send(b"ody")
        assert client.answer().status == 200
        client.send(head + b"body" + request(b"/", b"Expect: 100-continue"))
        assert [client.answer().status for _ in range(2)] == [200, 200]  # there was no need

    server.serve(talk)
    assert [r.body for r in server.requests] == [b"body"] * 5 + [b""]


@pytest.mark.parametrize("before", [request(b"/", CLOSE), b"GET / HTTP/1.1\r\n", None])
def test_a_new_client_owes_nothing_to_the_last_one_in_its_slot(server, before):  # FR-005
    head = request(b"/", b"Expect: 100-continue", b"Content-Length: 4", method=b"POST")

    def talk():
        client = server.client()
        client.send(before or head)
        if before is None:
            assert client.answer().status == 100
        elif CLOSE in before:
            assert client.answer().closes
        server.turn()
        client.socket.close()
        server.turn()
        client = server.client()
        client.send(head)
        assert client.answer().status == 100
        client.send(b"body")
        assert client.answer().status == 200

    server.serve(talk)
    assert len({r.connection for r in server.requests}) == 1


def test_half_a_head_says_nothing_of_a_body(server):  # FR-007
    head = request(b"/", b"Expect: 100-continue", b"Content-Length: 4", method=b"POST")

    def leave_as_it_is():
        parameters = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
        server.linked.replace("http_parse", ctypes.c_long, parameters, lambda *_: 0, 0)

    def talk():
        client = server.client()
        client.send(head + b"body")
        assert client.answer().status == 200
        server.do(leave_as_it_is)
        client.send(b"GET / HT")
        assert client.silent()

    server.serve(talk)


# ---- answers that come later ---------------------------------------------------------------------


def test_an_answer_that_comes_later(server):  # FR-008, FR-009
    assert server.watch_bell() == 0

    def talk():
        client = server.client()
        client.send(request(b"/later") + request(b"/a") + request(b"/later2") + request(b"/b"))
        assert client.silent()
        assert server.client().get(b"/others").body == b"/others"
        server.answer_later(body=b"first")
        assert [client.answer().body for _ in range(2)] == [b"first", b"/a"]
        assert client.silent()
        server.answer_later(status=404, body=b"second")
        assert [client.answer().body for _ in range(2)] == [b"second", b"/b"]
        assert client.get(b"/c").body == b"/c"

    server.serve(talk)


def test_later_answers_in_another_order(server):  # FR-008
    assert server.watch_bell() == 0

    def talk():
        clients = [server.client() for _ in range(70)]
        for number, client in enumerate(clients):
            client.send(request(b"/later%d" % number))
        server.until(lambda: len(server.late) == len(clients))
        order = list(server.late)
        chance(1).shuffle(order)

        def answer():
            for late in order:
                server.answer(late.connection, 200, late.path, None)

        server.do(answer)
        for number, client in enumerate(clients):
            assert client.answer().body == b"/later%d" % number

    server.serve(talk)


def test_later_answers_do_not_pile_up_on_the_stack(server):  # FR-009
    assert server.watch_bell() == 0

    def talk():
        client = server.client()
        client.send(request(b"/later") * 200)
        for _ in range(200):
            server.answer_later()
        assert all(client.answer().body == b"late" for _ in range(200))

    server.serve(talk)
    assert len(server.stack_pointers) <= 3  # from recv, and from an answer by db_event or db_tick


def test_a_waiting_connection_does_not_keep_the_loop_awake(server):  # FR-012
    assert server.watch_bell() == 0

    def talk():
        client = server.client()
        client.send(request(b"/later"))
        server.until(lambda: server.late)
        client.send(request(b"/more") * 10)
        client.finish()
        seen = server.turns
        time.sleep(0.5)
        assert server.turns - seen < 10
        server.answer_later()
        assert [client.answer().body for _ in range(11)] == [b"late"] + [b"/more"] * 10
        assert client.ended()

    server.serve(talk)


def test_a_request_that_waits_costs_no_call_of_epoll_ctl(server):  # FR-012
    calls = []
    parameters = [ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p]
    real = ctypes.CDLL(None, use_errno=True).epoll_ctl
    real.argtypes = parameters

    def epoll_ctl(*arguments):
        calls.append(arguments)
        return real(*arguments)

    server.linked.replace_import("epoll_ctl", ctypes.c_int, parameters, epoll_ctl, -1)
    assert server.watch_bell() == 0

    def talk():
        client = server.client()
        assert client.get().status == 200
        calls.clear()
        for _ in range(10):
            client.send(request(b"/later"))
            server.answer_later()
            assert client.answer().body == b"late"
        assert calls == []
        client.send(request(b"/later"))
        server.until(lambda: server.late)
        client.send(request(b"/more") * 2)
        server.turn()
        assert len(calls) == 1  # more has come: it is not told of again
        server.answer_later()
        assert [client.answer().body for _ in range(3)] == [b"late", b"/more", b"/more"]
        assert len(calls) == 2

    server.serve(talk)


def test_an_answer_within_the_request_of_another(server):  # FR-008, FR-009
    assert server.watch_bell() == 0

    def talk():
        for count in (1, 3):
            first, second = server.client(), server.client()
            first.send(request(b"/later") + request(b"/next"))
            server.until(lambda: server.late)
            second.send(request(b"/answers-others") * count)
            assert [first.answer().body for _ in range(2)] == [b"late", b"/next"]
            assert all(second.answer().body == b"/answers-others" for _ in range(count))

    server.serve(talk)


def test_a_slow_answer_needs_no_hurry(clocked):  # FR-011
    assert clocked.watch_bell() == 0

    def talk():
        client = clocked.client()
        client.send(request(b"/later"))
        clocked.until(lambda: clocked.late)
        clocked.skip(100_000)
        clocked.answer_later()
        assert client.answer().body == b"late"
        assert client.get().status == 200

    clocked.serve(talk)


def test_the_client_goes_while_its_request_waits(server):  # FR-008, FR-012
    assert server.watch_bell() == 0

    def talk():
        idle = sockets()
        client = server.client()
        client.send(request(b"/later") + request(b"/never"))
        server.until(lambda: server.late)
        client.reset()
        server.until(lambda: sockets() == idle)
        others = [server.client() for _ in range(5)]
        assert all(o.get().status == 200 for o in others)
        taken = {r.connection for r in server.requests if r.path == b"/"}
        assert server.late[0].connection not in taken  # the slot is in use until then
        assert len(taken) == 5
        waiting = server.late[0].connection
        server.answer_later()
        client = server.client()
        assert client.get(b"/new").body == b"/new"
        assert server.requests[-1].connection == waiting  # and free again

    server.serve(talk)
    assert b"/never" not in [r.path for r in server.requests]


# ---- large answers, slow clients -----------------------------------------------------------------


def test_a_client_that_reads_slowly(server):  # FR-009
    body = chance(2).randbytes(OUTPUT - 1000)
    server.answers[b"/big"] = (200, body, None)

    def talk():
        client = server.client(receive_buffer=2048)
        count = 40  # more than the kernel holds
        client.send(request(b"/big") * count)
        server.turn()
        time.sleep(0.2)
        assert len(server.requests) < count
        seen = server.turns
        time.sleep(0.3)
        assert server.turns - seen < 8  # waiting for it costs nothing
        assert server.client().get(b"/other").body == b"/other"
        assert all(client.answer().body == body for _ in range(count))
        assert client.get(b"/after").body == b"/after"

    server.serve(talk)


def test_an_answer_that_just_fits(server):  # FR-008
    lines = (b"HTTP/1.1 200 OK", b"Content-Type: application/json", b"Content-Length: 262144")
    fits = OUTPUT - len(b"\r\n".join(lines) + b"\r\n\r\n")
    server.answers[b"/fits"] = (200, b"f" * fits, None)
    server.answers[b"/over"] = (200, b"o" * (fits + 1), None)

    def talk():
        client = server.client()
        assert client.get(b"/fits").body == b"f" * fits
        client.send(request(b"/over") + request(b"/never"))
        answer = client.answer()
        assert (answer.status, answer.body, answer.closes) == (500, b"", True)
        assert client.ended()

    server.serve(talk)


def test_a_client_is_given_ten_seconds_for_a_request(clocked):  # FR-011
    def talk():
        quiet, half, busy = (clocked.client() for _ in range(3))
        assert quiet.get().status == 200
        half.send(b"GET / HTTP/1.1\r\n")
        clocked.turn()
        clocked.skip(9_000)
        busy.send(b"G")
        clocked.turn()
        clocked.skip(999)
        assert quiet.silent(0.01)
        assert half.silent(0.01)
        clocked.skip(101)  # a turn may pass before it is noticed
        assert quiet.ended()
        assert half.ended()
        busy.send(request()[1:])
        assert busy.answer().status == 200
        clocked.skip(9_999)
        assert busy.get().status == 200
        clocked.skip(10_100)
        assert busy.ended()

    clocked.serve(talk)


def test_a_client_is_given_ten_seconds_to_take_its_answer(clocked):  # FR-011
    clocked.answers[b"/big"] = (200, b"b" * 250_000, None)

    def talk():
        idle = sockets()
        client = clocked.client(receive_buffer=2048)
        assert client.get().status == 200
        with clocked.accepted(client) as accepted:
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        client.send(request(b"/big"))
        clocked.turn()
        clocked.skip(9_999)
        assert len(sockets() - idle) == 2
        taken = 0
        while taken < 50_000:  # as long as it takes some, it may be slow
            taken += len(client.socket.recv(4096))
        clocked.turn()
        clocked.skip(9_999)
        assert len(sockets() - idle) == 2
        clocked.skip(101)
        clocked.until(lambda: len(sockets() - idle) == 1)

    clocked.serve(talk)


def test_the_time_to_take_an_answer_begins_with_the_answer(clocked):  # FR-011
    takes = 1000
    clocked.send_by(iter(lambda: takes, None))
    assert clocked.watch_bell() == 0

    def talk():
        nonlocal takes
        client = clocked.client()
        assert client.get().status == 200
        client.send(request(b"/later"))
        clocked.until(lambda: clocked.late)
        takes = 0
        clocked.skip(100_000)
        clocked.answer_later()
        clocked.skip(9_999)
        takes = 1000
        assert client.answer().body == b"late"

    clocked.serve(talk)


def test_answers_are_sent_in_pieces_as_they_are_taken(server):  # FR-009
    server.send_by(itertools.cycle([1, 5, 0, 0, 100, 1, 0]))
    paths = [b"/%d" % n for n in range(50)]

    def talk():
        client = server.client()
        client.send(b"".join(request(p) for p in paths))
        assert [client.answer().body for _ in paths] == paths
        client.send(request(b"/", CLOSE))
        assert client.answer().closes
        assert client.ended()

    server.serve(talk)


# ---- many clients --------------------------------------------------------------------------------


def test_more_clients_than_slots(module, server):  # FR-001, FR-005
    def talk():
        clients = [server.client() for _ in range(module.NET_CONNECTIONS)]
        for number, client in enumerate(clients):
            assert client.get(b"/%d" % number).body == b"/%d" % number
        assert len({r.connection for r in server.requests}) == module.NET_CONNECTIONS
        for _ in range(3):
            assert server.client().ended()
        clients[7].socket.close()
        server.turn()
        assert server.client().get(b"/again").body == b"/again"
        for number, client in enumerate(clients):
            if number != 7:
                assert client.get(b"/%d" % number).body == b"/%d" % number

    server.serve(talk)


def test_all_clients_at_once(module, server):  # FR-004, FR-005
    def talk():
        clients = [server.client() for _ in range(module.NET_CONNECTIONS)]
        for number, client in enumerate(clients):
            client.send(request(b"/%d" % number))
        for number, client in enumerate(clients):
            assert client.answer().body == b"/%d" % number

    server.serve(talk)


def conversation(draw):
    """Return the paths of a few requests, and the requests' bytes."""
    paths = draw.choices([b"/a", b"/bb", b"/big", b"/later"], k=draw.randint(1, 6))
    bodies = [b"x" * draw.choice([0, 1, 3000]) for _ in paths]
    pairs = zip(paths, bodies, strict=True)
    return paths, b"".join(request(p, method=b"POST", body=body) for p, body in pairs)


def send_by_turns(draw, clients, texts):
    """Send each client's text in pieces, which alternate; yield after each piece."""
    left = list(texts)
    while any(left):
        number = draw.randrange(len(left))
        cut = draw.choice([1, 10, 1000, len(left[number])])
        clients[number].send(left[number][:cut])
        left[number] = left[number][cut:]
        yield


def talk_to_some(server, draw, expected):
    """Have a few clients talk at the same time; some go before they have heard all."""
    clients = [server.client() for _ in range(draw.randint(1, 8))]
    said = [conversation(draw) for _ in clients]
    for _ in send_by_turns(draw, clients, [text for _, text in said]):
        if not draw.randrange(4):
            server.answer_all()
    for client, (paths, _) in zip(clients, said, strict=True):
        if not draw.randrange(5):
            client.reset()
            continue
        for path in paths:
            while path == b"/later" and client.silent(0.01):
                server.answer_all()
            assert client.answer().body == expected[path]


def test_any_mixture(server):  # FR-005 - FR-009, FR-012
    draw = chance(3)
    expected = {b"/a": b"/a", b"/bb": b"/bb", b"/big": b"b" * 100_000, b"/later": b"late"}
    server.answers[b"/big"] = (200, expected[b"/big"], None)
    assert server.watch_bell() == 0

    def talk():
        for _ in range(60):
            talk_to_some(server, draw, expected)
        server.until(lambda: server.answer_all() or not server.late)

    server.serve(talk)


def test_no_descriptor_is_left_for_a_client(server):  # FR-005
    def talk():
        clients = [server.client() for _ in range(2)]
        assert all(c.get().status == 200 for c in clients)
        late = socket.socket()
        spare = []
        with contextlib.suppress(OSError):
            while True:
                spare.append(os.dup(0))
        late.connect((HOST, server.port))
        seen = server.turns
        time.sleep(0.5)
        assert server.turns - seen < 20  # it does not spin
        assert all(c.get().status == 200 for c in clients)
        for fd in spare:
            os.close(fd)
        late.sendall(request(b"/late"))
        late.settimeout(5)
        assert late.recv(4096).endswith(b"/late")
        late.close()
        assert server.client().get().status == 200

    server.serve(talk)


# ---- the end -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(server, number):  # FR-010
    assert server.watch_bell() == 0

    def talk():
        idle, half, waiting = (server.client() for _ in range(3))
        assert idle.get().status == 200
        half.send(request(b"/half")[:-1])
        waiting.send(request(b"/later") + request(b"/never"))
        server.until(lambda: server.late)
        os.kill(os.getpid(), number)
        assert idle.ended()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, server.port), 1)
        half.send(request(b"/half")[-1:])
        answer = half.answer()
        assert (answer.body, answer.closes) == (b"/half", True)
        assert half.ended()
        server.answer_later()
        answer = waiting.answer()
        assert (answer.body, answer.closes) == (b"late", True)
        assert waiting.ended()

    server.serve(talk)
    assert b"/never" not in [r.path for r in server.requests]


def test_an_answer_under_way_is_sent_to_its_end(server):  # FR-010
    server.answers[b"/big"] = (200, b"b" * 250_000, None)

    def talk():
        client = server.client(receive_buffer=2048)
        client.send(request(b"/big") * 40)
        time.sleep(0.2)
        begun = len(server.requests)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.2)
        answers = [client.answer()]
        while not answers[-1].closes:
            answers.append(client.answer())
        assert all(len(a.body) == 250_000 for a in answers)
        assert len(answers) == begun + 1  # of what followed, the first was told of the end
        assert client.ended()

    server.serve(talk)


def test_the_end_is_not_put_off_for_long(clocked):  # FR-010
    def talk():
        client = clocked.client()
        client.send(request(b"/later"))
        clocked.until(lambda: clocked.late)
        os.kill(os.getpid(), signal.SIGTERM)
        clocked.turn()
        clocked.skip(4_999)  # it still turns
        clocked.skipped += 1

    assert clocked.run(talk) == 0
    assert clocked.late


# ---- the real application ------------------------------------------------------------------------


def test_the_real_application_without_a_database(module):  # FR-007
    server = Server(module, app=False)

    def talk():
        client = server.client()
        client.send(request(b"/health") + request(b"/nowhere") + request(b"/api/tasks/1"))
        assert [client.answer().status for _ in range(3)] == [503, 404, 503]
        answer = client.get(b"/health", method=b"PUT", body=b"{}")
        assert (answer.status, answer.fields[b"allow"]) == (405, b"GET, HEAD")
        answer = client.get(b"/api/tasks/x", CLOSE)
        assert (answer.status, answer.closes) == (400, True)
        assert client.ended()

    server.serve(talk)
