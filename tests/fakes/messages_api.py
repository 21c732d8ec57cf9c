"""A Messages API on 127.0.0.1 that does what a test says: JSON, streams, failures, batches.

    with messages_api.serve(reply) as server:
        ... server.url ..., server.asked

`reply` is called with each request and returns what to do: a `Says`, `Fails`, `Cut`, `Sends` or
`ErrorEvent`. `in_turn(a, b, c)` is a reply that goes through a list and then repeats the last.
What the server was asked, and when, is in `server.asked`.
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATH = "/v1/messages"


@dataclass
class Asked:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    began: float
    ended: float = 0.0

    @property
    def json(self) -> dict[str, Any]:
        """Return the request's body."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def text(self) -> str:
        """Return the request as one text: system, then the messages, as `asmith prompt` has it."""
        return text_of(self.json)


def text_of(body: dict[str, Any]) -> str:
    """Return the texts of a request's body in order."""
    return "".join(
        [_plain(body.get("system", "")), *(_plain(m["content"]) for m in body["messages"])]
    )


def _plain(content: Any) -> str:
    return content if isinstance(content, str) else "".join(b["text"] for b in content)


@dataclass
class Says:
    """A message. Without usage of its own it counts four bytes as a token."""

    text: str
    stop_reason: str | None = "end_turn"
    usage: dict[str, int] | None = field(default_factory=dict)
    stop_details: dict[str, Any] | None = None
    thinking: str = ""
    delay: float = 0.0  # before the first byte, in seconds
    pause: float = 0.0  # after each piece of a stream
    piece: int = 400  # characters of a stream's pieces


@dataclass
class Cut:
    """A stream that ends after so many characters: cleanly, or reset by the server."""

    text: str
    after: int = 10
    reset: bool = False
    started: bool = True  # whether even `message_start` is sent


@dataclass
class ErrorEvent:
    """A stream that says `error` after a text."""

    kind: str = "overloaded_error"
    message: str = "Overloaded"
    text: str = ""


@dataclass
class Fails:
    """A status of 4xx or 5xx."""

    status: int
    kind: str = "api_error"
    message: str = "the server's words"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass
class Sends:
    """Any bytes at all, with status 200."""

    body: bytes
    content_type: str = "application/json"


Reply = Says | Cut | ErrorEvent | Fails | Sends


def in_turn(*replies: Reply | Callable[[Asked], Reply]) -> Callable[[Asked], Reply]:
    """Return a reply that goes through a list, one a request, and then stays with the last."""
    lock, left = threading.Lock(), list(replies)

    def reply(asked: Asked) -> Reply:
        with lock:
            chosen = left.pop(0) if len(left) > 1 else left[0]
        return chosen(asked) if callable(chosen) else chosen

    return reply


@dataclass
class Batch:
    """A batch: its requests, and how many more times it is still in progress when asked."""

    requests: list[dict[str, Any]]
    polls_left: int


class Server:
    """The running server."""

    def __init__(self, reply: Callable[[Asked], Reply]) -> None:
        self.reply = reply
        self.asked: list[Asked] = []
        self.counted: list[Asked] = []
        self.most_at_once = 0
        self.batches: dict[str, Batch] = {}
        self.refuse_batches: Fails | None = None
        self.polls = 2  # how often a batch is in progress before it has ended
        self.url = ""
        self._now = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def counting(self, asked: Asked) -> Iterator[None]:
        """Remember a request and how many there are at once."""
        with self._lock:
            self.asked.append(asked)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            yield
        finally:
            with self._lock:
                self._now -= 1
                asked.ended = time.monotonic()

    def texts(self) -> list[str]:
        """Return the texts of all requests."""
        return [a.text for a in self.asked]


@contextlib.contextmanager
def serve(reply: Callable[[Asked], Reply] | Reply) -> Iterator[Server]:
    """Run a server on a free port until the block ends."""
    server = Server(reply if callable(reply) else in_turn(reply))
    http = _Http(("127.0.0.1", 0), _Handler)
    http.owner = server
    server.url = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    owner: Server

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Take no notice of a client that went away."""
        del request, client_address


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- as in the base
        """Print nothing."""
        del format, args

    def do_POST(self) -> None:
        """Answer a message, a count of tokens, or a new batch."""
        owner = self.server.owner
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {k.lower(): v for k, v in self.headers.items()}
        asked = Asked(self.path, headers, body, time.monotonic())
        if self.path == f"{PATH}/count_tokens":
            owner.counted.append(asked)
            self._json({"input_tokens": len(asked.text.encode()) // 4})
            return
        with owner.counting(asked):
            if self.path == f"{PATH}/batches":
                self._new_batch(asked)
            else:
                self._perform(owner.reply(asked), stream=bool(asked.json.get("stream")))

    def do_GET(self) -> None:
        """Answer for a batch: how it goes, or its results in another order."""
        owner = self.server.owner
        identity, _, results = self.path.removeprefix(f"{PATH}/batches/").partition("/")
        batch = owner.batches.get(identity)
        if batch is None:
            self._perform(Fails(404, "not_found_error", "no such batch"), stream=False)
        elif results:
            lines = [json.dumps(self._result(r)) for r in reversed(batch.requests)]
            self._send(200, "\n".join(lines).encode(), "application/binary")
        else:
            ended = batch.polls_left <= 0
            batch.polls_left -= 1
            self._json(self._batch(identity, batch, ended=ended))

    # ---- batches ---------------------------------------------------------------------------------

    def _new_batch(self, asked: Asked) -> None:
        owner = self.server.owner
        if owner.refuse_batches is not None:
            self._perform(owner.refuse_batches, stream=False)
            return
        identity = f"msgbatch_{len(owner.batches) + 1}"
        owner.batches[identity] = Batch(asked.json["requests"], owner.polls)
        self._json(self._batch(identity, owner.batches[identity], ended=False))

    def _batch(self, identity: str, batch: Batch, *, ended: bool) -> dict[str, Any]:
        count = len(batch.requests)
        counts = dict.fromkeys(("canceled", "errored", "expired"), 0)
        url = f"{self.server.owner.url}{PATH}/batches/{identity}/results" if ended else None
        return {
            "id": identity,
            "type": "message_batch",
            "processing_status": "ended" if ended else "in_progress",
            "request_counts": counts
            | {"processing": 0 if ended else count, "succeeded": count if ended else 0},
            "created_at": "2026-11-27T00:00:00Z",
            "expires_at": "2026-11-28T00:00:00Z",
            "ended_at": "2026-11-27T00:01:00Z" if ended else None,
            "results_url": url,
        }

    def _result(self, request: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps(request["params"]).encode()
        reply = self.server.owner.reply(Asked(self.path, {}, body, time.monotonic()))
        if isinstance(reply, Says):
            result: dict[str, Any] = {"type": "succeeded", "message": _message(reply, len(body))}
        elif isinstance(reply, Fails) and reply.kind in ("expired", "canceled"):
            result = {"type": reply.kind}
        else:
            assert isinstance(reply, Fails)
            error = {"type": reply.kind, "message": reply.message}
            result = {"type": "errored", "error": {"type": "error", "error": error}}
        return {"custom_id": request["custom_id"], "result": result}

    # ---- messages --------------------------------------------------------------------------------

    def _perform(self, reply: Reply, *, stream: bool) -> None:
        time.sleep(getattr(reply, "delay", 0.0))
        match reply:
            case Fails():
                error = {"type": reply.kind, "message": reply.message}
                value = {"type": "error", "error": error, "request_id": "req_1"}
                self._json(value, reply.status, reply.headers)
            case Sends():
                self._send(200, reply.body, reply.content_type)
            case Says() if not stream:
                self._json(_message(reply, int(self.headers["content-length"])))
            case _:
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    self._stream(reply)

    def _stream(self, reply: Says | Cut | ErrorEvent) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        says = reply if isinstance(reply, Says) else Says(reply.text)
        if isinstance(reply, Cut):
            says.piece = max(1, reply.after)
        whole = _message(says, int(self.headers["content-length"]))
        start = {**whole, "content": [], "stop_reason": None}
        if "usage" in start:
            start["usage"] = {**start["usage"], "output_tokens": 0}
        if not isinstance(reply, Cut) or reply.started:
            self._event({"type": "message_start", "message": start})
            self._event({"type": "ping"})
            self._blocks(says, only=1 if isinstance(reply, Cut) else None)
        if isinstance(reply, Cut) and reply.reset:
            linger = struct.pack("ii", 1, 0)  # a reset instead of an orderly end
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.close_connection = True
            self.connection.close()
            return
        if isinstance(reply, ErrorEvent):
            error = {"type": reply.kind, "message": reply.message}
            self._event({"type": "error", "error": error})
        elif isinstance(reply, Says):
            delta = {"stop_reason": says.stop_reason, "stop_details": says.stop_details}
            end: dict[str, Any] = {"type": "message_delta", "delta": delta}
            end["usage"] = {"output_tokens": whole.get("usage", {}).get("output_tokens", 0)}
            if "usage" not in whole:
                del end["usage"]
            self._event(end)
            self._event({"type": "message_stop"})
        self._chunk(b"")

    def _blocks(self, says: Says, only: int | None) -> None:
        index = 0
        for kind, text in (("thinking", says.thinking), ("text", says.text)):
            if not text:
                continue
            block = {"type": kind, kind: ""} | ({"signature": ""} if kind == "thinking" else {})
            self._event({"type": "content_block_start", "index": index, "content_block": block})
            pieces = [text[i : i + says.piece] for i in range(0, len(text), says.piece)]
            for piece in pieces[:only]:
                delta = {"type": f"{kind}_delta", kind: piece}
                self._event({"type": "content_block_delta", "index": index, "delta": delta})
                time.sleep(says.pause)
            if only is None:
                self._event({"type": "content_block_stop", "index": index})
            index += 1

    def _event(self, value: dict[str, Any]) -> None:
        text = f"event: {value['type']}\ndata: {json.dumps(value)}\n\n"
        self._chunk(text.encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def _json(self, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(value).encode(), "application/json", headers)

    def _send(
        self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"content-type": kind, **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _message(says: Says, request_bytes: int) -> dict[str, Any]:
    """Return a whole message object."""
    content = [{"type": "thinking", "thinking": says.thinking, "signature": "s"}]
    content = content if says.thinking else []
    if says.text:
        content = [*content, {"type": "text", "text": says.text}]
    made: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "scripted",
        "content": content,
        "stop_reason": says.stop_reason,
        "stop_details": says.stop_details,
    }
    if says.usage is not None:
        tokens = len((says.thinking + says.text).encode()) // 4
        made["usage"] = {"input_tokens": request_bytes // 4, "output_tokens": tokens, **says.usage}
    return made
