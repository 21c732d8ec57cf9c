"""A running net with an application of the test's, and clients to talk to it."""

import contextlib
import ctypes
import errno
import os
import queue
import signal
import socket
import threading
import time
from ctypes import c_int, c_size_t, c_ssize_t, c_uint32, c_void_p
from dataclasses import dataclass

from modules.net.linked import Linked

PATIENCE = 5  # seconds until a client gives up
PROMPT = 2  # seconds in which net_run ends when nobody is left
ANY_PORT = range(20000, 32000)  # the kernel gives clients none of these
HOST = "127.0.0.1"
POINTER = c_void_p


@dataclass(frozen=True)
class Answer:
    """What a client got."""

    status: int
    fields: dict[bytes, bytes]
    body: bytes

    @property
    def closes(self):
        """Tell whether the connection ends after this answer."""
        return self.fields.get(b"connection") == b"close"


@dataclass(frozen=True)
class Request:
    """What app was called with, copied."""

    connection: int
    method: int
    path: bytes
    body: bytes


class Client:
    """A socket to the server, with HTTP answers read from it one after another."""

    def __init__(self, port, receive_buffer=None):
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.connect((HOST, port))
        self._come = b""

    def send(self, *pieces):
        """Send pieces, each by a call of its own."""
        for piece in pieces:
            self.socket.sendall(piece)

    def get(self, path=b"/", *fields, method=b"GET", body=b""):
        """Send a request and return its answer."""
        self.send(request(path, *fields, method=method, body=body))
        return self.answer(head=method == b"HEAD")

    def answer(self, *, head=False):
        """Return the next answer; raises EOFError if the connection ends before it."""
        lines, _, rest = self._until(b"\r\n\r\n").partition(b"\r\n")
        version, status, _ = lines.split(b" ", 2)
        assert version == b"HTTP/1.1"
        pairs = [line.split(b": ", 1) for line in rest[:-4].split(b"\r\n") if line]
        fields = {name.lower(): value for name, value in pairs}
        length = 0 if head else int(fields.get(b"content-length", 0))
        while len(self._come) < length:
            self._more()
        body, self._come = self._come[:length], self._come[length:]
        return Answer(int(status), fields, body)

    def ended(self):
        """Wait for the end of the connection; tell whether nothing else came before it."""
        try:
            return not self._come and not self.socket.recv(1)
        except ConnectionResetError:
            return True

    def silent(self, seconds=0.1):
        """Tell whether nothing comes in that time."""
        self.socket.settimeout(seconds)
        try:
            self._more()
        except TimeoutError:
            return not self._come
        finally:
            self.socket.settimeout(PATIENCE)
        return False

    def finish(self):
        """Say that no more requests come."""
        self.socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Go away without a word: the server gets RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def _until(self, mark):
        while mark not in self._come:
            self._more()
        found = self._come.index(mark) + len(mark)
        text, self._come = self._come[:found], self._come[found:]
        return text

    def _more(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise EOFError(f"the connection ended after {self._come[:200]!r}")
        self._come += data


class Server:
    """net on a port of its own. Stand-ins take the place of app, db_pool and, if asked, the clock.

    `answers` maps a path to the arguments of net_answer (status, body, allow); any other path is
    answered 200 with the path as body. Paths that begin with `/later` wait for `answer_later`;
    `/answers-others` answers these first.
    """

    def __init__(self, module, *, app=True, clock=False):
        self.module = module
        self.linked = Linked(module)
        self.answers = {}
        self.requests = []
        self.late = []  # requests that wait for their answer
        self.turns = 0  # turns of the loop so far
        self.flushes = 0
        self.database_events = []
        self.stack_pointers = set()
        self.skipped = 0  # ms that the stand-in of the clock shows; it stands still by itself
        self._said_all = 0.0
        self._turning = threading.Event()
        self._orders = queue.SimpleQueue()
        self._clients = contextlib.ExitStack()
        self._bell = os.pipe()
        if app:
            self._app_stack = self.linked.replace(
                "app_request", None, [POINTER, POINTER], self._app_request
            )
        self.linked.replace("db_event", None, [c_int, c_uint32], self._db_event)
        self.linked.replace("db_flush", None, [], self._db_flush)
        self.linked.replace("db_tick", None, [], self._db_tick)
        if clock:
            self.linked.replace_import("clock_gettime", c_int, [c_int, POINTER], self._clock, 0)
        self.before = sockets()
        self.port = next(p for p in ports() if module.net_open(p) == 0)

    def run(self, talk):
        """Run net_run here and `talk` on a thread, then ask for the end; return net_run's result.

        What goes wrong in `talk` is raised here.
        """
        failure = []

        def speak():
            try:
                assert self._turning.wait(PATIENCE), "the loop does not turn"
                talk()
            except BaseException as error:  # noqa: BLE001 -- raised below
                failure.append(error)
            finally:
                self._clients.close()
                self._said_all = time.monotonic()
                os.kill(os.getpid(), signal.SIGTERM)

        speaker = threading.Thread(target=speak, daemon=True)
        speaker.start()
        result = self.module.net_run()
        speaker.join()
        if failure:
            raise failure[0]
        return result

    def serve(self, talk):
        """Run as `run` does; the server must end well and leave no socket open."""
        assert self.run(talk) == 0
        assert time.monotonic() - self._said_all < PROMPT
        assert sockets() == self.before

    def client(self, **options):
        """Return a new client; it is closed when the talk is over."""
        made = Client(self.port, **options)
        self._clients.callback(made.socket.close)
        return made

    def accepted(self, client):
        """Return a second handle of the server's end of a connection, to be closed soon."""
        for fd in [fd for fd, name in descriptors() if name.startswith("socket:")]:
            other = socket.socket(fileno=os.dup(fd))
            with contextlib.suppress(OSError):
                if other.getpeername() == client.socket.getsockname():
                    return other
            other.close()
        raise AssertionError("the server has no such connection")

    def do(self, order):
        """Have the server's thread do something, as from a database's event; wait for it."""
        done = threading.Event()
        self._orders.put((order, done))
        os.write(self._bell[1], b"!")
        assert done.wait(PATIENCE)

    def answer_later(self, number=0, status=200, body=b"late", allow=None):
        """Answer a request that waits."""
        self.until(lambda: len(self.late) > number)
        waiting = self.late.pop(number)
        self.do(lambda: self.answer(waiting.connection, status, body, allow))

    def answer_all(self):
        """Answer every request that waits."""

        def answer():
            while self.late:
                self.answer(self.late.pop().connection, 200, b"late", None)

        self.do(answer)

    def answer(self, connection, status, body, allow):
        """Call net_answer; on the server's thread only."""
        self.module.net_answer(connection, status, body, len(body), allow)

    def until(self, condition):
        """Wait until the condition holds."""
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, "it does not come to pass"
            time.sleep(0.002)

    def skip(self, milliseconds):
        """Set the clock ahead, and let the loop see it."""
        self.skipped += milliseconds
        self.turn()

    def turn(self):
        """Wait for two whole turns of the loop."""
        seen = self.turns
        self.until(lambda: self.turns >= seen + 3)

    def watch_bell(self, events=1, number=0):
        """Let `do` wake the loop at once; return net_watch's result."""
        return self.module.net_watch(self._bell[0], events, self.module.NET_TAG_DATABASE + number)

    def send_by(self, pieces):
        """Let the kernel take at most so many bytes at each call of send; 0 is EAGAIN."""

        def send(fd, data, size, flags):
            assert flags == socket.MSG_NOSIGNAL
            takes = next(pieces)
            if takes == 0:
                ctypes.set_errno(errno.EAGAIN)
                return -1
            return os.write(fd, ctypes.string_at(data, min(size, takes)))

        parameters = [c_int, POINTER, c_size_t, c_int]
        self.linked.replace_import("send", c_ssize_t, parameters, send, -1)

    # ---- the stand-ins, called by net ------------------------------------------------------------

    def _app_request(self, connection, pointer):
        req = self.module.at("http_request", pointer)
        text = [self.module.read(s.data, s.len) if s.len else b"" for s in (req.path, req.body)]
        seen = Request(connection, req.method, *text)
        self.stack_pointers.add(self._app_stack.value)
        self.requests.append(seen)
        if seen.path.startswith(b"/later"):
            self.late.append(seen)
            return
        if seen.path == b"/answers-others":
            while self.late:
                self.answer(self.late.pop().connection, 200, b"late", None)
        self.answer(connection, *self.answers.get(seen.path, (200, seen.path, None)))

    def _db_event(self, index, events):
        self.database_events.append((index, events))
        os.read(self._bell[0], 1)
        self._obey()

    def _db_flush(self):
        self.flushes += 1

    def _db_tick(self):
        self.turns += 1
        self._turning.set()
        self._obey()

    def _obey(self):
        with contextlib.suppress(queue.Empty):
            while True:
                order, done = self._orders.get_nowait()
                order()
                done.set()

    def _clock(self, _clock, pointer):
        seconds, ms = divmod(self.skipped, 1000)
        ctypes.c_uint64.from_address(pointer).value = 1_000 + seconds
        ctypes.c_uint64.from_address(pointer + 8).value = ms * 1_000_000 + 999_999
        return 0


def request(path=b"/", *fields, method=b"GET", body=b"", version=b"HTTP/1.1"):
    """Return a request's bytes."""
    lines = [b"%b %b %b" % (method, path, version), b"Host: x", *fields]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def ports():
    """Yield ports that nobody listens at, as far as can be known."""
    start = os.getpid() * 7
    for step in range(200):
        yield ANY_PORT[(start + step) % len(ANY_PORT)]


def descriptors():
    """Return the descriptors of this process, each with what the kernel says it is."""
    found = []
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            found.append((int(fd), os.readlink(f"/proc/self/fd/{fd}")))
    return found


def sockets():
    """Return the sockets that this process has open, as the kernel names them."""
    return {name for _, name in descriptors() if name.startswith("socket:")}


def epoll():
    """Return the descriptor of the epoll instance that net has opened."""
    (fd,) = [fd for fd, name in descriptors() if name.endswith("[eventpoll]")]
    return fd
