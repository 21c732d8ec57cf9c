"""The door to the `anthropic` SDK: calls in, our own values out, every failure a `Trouble`.

The SDK takes more than a second to import, so that nothing but a call may do it. Its exceptions,
and those of the transport below it, end here: nobody above knows them.
"""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from asmith.dataclass import dataclass, field
from asmith.host import clock
from asmith.model.record import Usage

if TYPE_CHECKING:
    import anthropic

_IMPORT = threading.Lock()
_TRANSIENT = {408, 409, 429}
_TRANSIENT_EVENTS = {"overloaded_error", "api_error", "rate_limit_error", "timeout_error"}

Parameters = Mapping[str, Any]  # of `messages.create`
Progress = Callable[[int], None]  # told of the bytes that have come so far


@dataclass(frozen=True, slots=True)
class Message:
    """A whole message."""

    text: str
    stop_reason: str | None
    usage: Usage
    model: str = ""
    category: str = ""  # of a refusal


class Trouble(Exception):  # noqa: N818 -- the caller words the error
    """A call without a message.

    `status` is that of HTTP, 0 where there was none. `begun` tells whether the provider had begun
    to answer, so that it may have counted tokens.
    """

    def __init__(
        self,
        words: str,
        *,
        status: int = 0,
        transient: bool = False,
        wait: float | None = None,
        begun: bool = False,
    ) -> None:
        super().__init__(words)
        self.words = words
        self.status = status
        self.transient = transient
        self.wait = wait  # what `retry-after` asks for, in seconds
        self.begun = begun


@dataclass(slots=True)
class _Partial:
    """A message while it comes."""

    texts: list[str] = field(default_factory=list)
    received: int = 0  # bytes of text and of thinking
    begun: bool = False
    stop_reason: str | None = None
    category: str = ""
    model: str = ""
    tokens: dict[str, int] = field(default_factory=dict)

    def take(self, event: Any) -> None:
        """Take one event of a stream; fields that a server leaves out are passed over."""
        kind = getattr(event, "type", "")
        if kind == "message_start":
            message = getattr(event, "message", None)
            self.begun = message is not None
            self.model = str(getattr(message, "model", None) or "")
            self._count(getattr(message, "usage", None))
        elif kind == "content_block_start":
            self._text(getattr(event.content_block, "text", None))
        elif kind == "content_block_delta":
            self._text(getattr(event.delta, "text", None))
            self.received += len(str(getattr(event.delta, "thinking", None) or "").encode())
        elif kind == "message_delta":
            self.stop_reason = getattr(event.delta, "stop_reason", None) or self.stop_reason
            details = getattr(event.delta, "stop_details", None)
            self.category = str(getattr(details, "category", None) or "")
            self._count(getattr(event, "usage", None))

    def _text(self, text: Any) -> None:
        if isinstance(text, str):
            self.texts.append(text)
            self.received += len(text.encode())

    def _count(self, usage: Any) -> None:
        """Take a usage: counts are cumulative, so that the last one said holds."""
        for name in _COUNTS:
            value = getattr(usage, name, None)
            if isinstance(value, int):
                self.tokens[name] = value

    def message(self) -> Message:
        """Return what came."""
        return Message(
            "".join(self.texts), self.stop_reason, usage_of(self.tokens), self.model, self.category
        )


_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
)


def usage_of(tokens: Mapping[str, int]) -> Usage:
    """Return a usage from the counts that a server sent."""
    return Usage(
        input_tokens=tokens.get("input_tokens"),
        output_tokens=tokens.get("output_tokens"),
        cache_read_tokens=tokens.get("cache_read_input_tokens", 0),
        cache_write_tokens=tokens.get("cache_creation_input_tokens", 0),
    )


class Client:
    """A connection to the provider that the environment names; threads may share it."""

    def __init__(self, seconds: float, *, keyless: bool = False) -> None:
        """Connect; a `keyless` server gets a key that means nothing where there is none."""
        self._seconds = seconds
        self._sdk = _load()
        options: dict[str, Any] = {"max_retries": 0, "timeout": seconds}
        if keyless:
            options["api_key"] = "none"
        with _told():
            self._client = self._sdk.Anthropic(**options)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    @property
    def url(self) -> str:
        """Return the address of the provider."""
        return str(self._client.base_url).rstrip("/")

    def stream(self, parameters: Parameters, progress: Progress) -> Message:
        """Ask for a message and return it whole; raises `Trouble`."""
        partial = _Partial()
        end = clock.monotonic() + self._seconds
        with _told(partial):
            stream = self._client.messages.create(**parameters, stream=True)
            with stream:
                for event in stream:
                    partial.take(event)
                    progress(partial.received)
                    if clock.monotonic() > end:
                        words = f"the answer did not end within {self._seconds:g} s"
                        raise Trouble(words, begun=True)
        if not partial.begun:
            raise Trouble("what it sent is no message", begun=True)
        if partial.stop_reason is None:
            raise Trouble("the answer broke off", transient=True, begun=True)
        return partial.message()

    def count(self, parameters: Parameters) -> int:
        """Return how many tokens a request has, by the provider's own count; raises `Trouble`."""
        known = {k: v for k, v in parameters.items() if k != "max_tokens"}
        with _told():
            tokens = self._client.messages.count_tokens(**known).input_tokens
        if not isinstance(tokens, int):
            raise Trouble("what it sent is no count of tokens")
        return tokens

    def create_batch(self, requests: Mapping[str, Parameters]) -> str:
        """Hand in requests by custom id; return the batch's id. Raises `Trouble`."""
        wanted: Any = [{"custom_id": k, "params": v} for k, v in requests.items()]
        with _told():
            return str(self._client.messages.batches.create(requests=wanted).id)

    def batch_has_ended(self, identity: str) -> bool:
        """Tell whether a batch has its results; raises `Trouble`."""
        with _told():
            batch = self._client.messages.batches.retrieve(identity)
            return batch.processing_status == "ended" and bool(batch.results_url)

    def batch_results(self, identity: str) -> Iterator[tuple[str, Message | Trouble]]:
        """Yield each result with its custom id, in any order; raises `Trouble`."""
        with _told():
            for item in self._client.messages.batches.results(identity):
                yield str(item.custom_id), _result(item.result)


def _result(result: Any) -> Message | Trouble:
    if result.type != "succeeded":
        error = getattr(getattr(result, "error", None), "error", None)
        return Trouble(str(getattr(error, "message", None) or f"the request was {result.type}"))
    message = result.message
    texts = (getattr(block, "text", None) for block in message.content or ())
    details = getattr(message, "stop_details", None)
    counts = ((n, getattr(message.usage, n, None)) for n in _COUNTS)
    return Message(
        "".join(t for t in texts if isinstance(t, str)),
        message.stop_reason,
        usage_of({n: c for n, c in counts if isinstance(c, int)}),
        str(message.model or ""),
        str(getattr(details, "category", None) or ""),
    )


def _load() -> Any:
    """Return the SDK's module, undisturbed by the collector: it has thousands of classes."""
    with _IMPORT:
        collecting = gc.isenabled()
        gc.disable()
        try:
            import anthropic
        finally:
            if collecting:
                gc.enable()
    return anthropic


@contextmanager
def _told(partial: _Partial | None = None) -> Iterator[None]:
    """Turn whatever the SDK, or what is below it, raises into a `Trouble`."""
    import anthropic
    import httpx2

    begun = partial is not None
    try:
        yield
    except anthropic.APIStatusError as error:
        raise _refused(error) from error
    except anthropic.APITimeoutError as error:
        raise Trouble("it did not answer in time", transient=True, begun=begun) from error
    except anthropic.APIConnectionError as error:
        cause = error.__cause__ or error
        raise Trouble(f"no connection: {cause}".lower(), transient=True) from error
    except httpx2.HTTPError as error:
        words = f"the connection broke: {str(error) or type(error).__name__}".lower()
        raise Trouble(words, transient=True, begun=begun) from error
    except (AssertionError, json.JSONDecodeError, AttributeError) as error:
        raise Trouble("what it sent is no message", begun=begun) from error
    except (anthropic.AnthropicError, TypeError, ValueError) as error:
        raise Trouble(str(error)) from error


def _refused(error: anthropic.APIStatusError) -> Trouble:
    """Return what an error status, or an `error` event in a stream (status 200), comes to."""
    status = error.status_code
    words = str(error.api_message or error.message)
    headers = error.response.headers
    if status == 200:  # noqa: PLR2004 -- an event in a stream that began well
        transient = error.type in _TRANSIENT_EVENTS
        return Trouble(words, transient=transient, begun=True)
    transient = status in _TRANSIENT or status >= 500  # noqa: PLR2004 -- server errors
    said = headers.get("x-should-retry")
    if said in ("true", "false"):
        transient = said == "true"
    return Trouble(words, status=status, transient=transient, wait=_seconds(headers))


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Return what `retry-after` asks for; its form with a date is passed over."""
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None
