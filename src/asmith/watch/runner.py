"""The program that `watch --run` keeps running: a new one takes over before the old one ends.

Its listening sockets are handed over. Before a restart we copy those of the running program, and
the new one gets them when it binds the same address (handover.c, preloaded); both then accept from
one queue. The old one then accepts no more, and is asked to end a moment later. A program that
calls the kernel without the C library, or listens on nothing, is ended first and started then.
"""

from __future__ import annotations

import mmap
import os
import select
from importlib.resources import as_file
from importlib.resources import files as resources
from typing import TYPE_CHECKING

from asmith.dataclass import dataclass
from asmith.errors import AsmithError, UsageError, did_you_mean
from asmith.host import clock, files, process, sockets
from asmith.host.service import Service
from asmith.model.names import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from asmith.project.config import Config

_READY = 5.0  # seconds for a new program to listen
_LINGER = 0.25  # seconds for the requests of connections that the old one accepted last
_PEACE = 8.0  # seconds for an old one to answer what it has
_SHIM = "build/watch/handover.so"


@dataclass(frozen=True, slots=True)
class Running:
    """A program that runs, and the byte that tells it to accept no more."""

    service: Service
    retired: mmap.mmap


class Runner:
    """Keeps a product running with its arguments; `say` is told what happens to it."""

    def __init__(
        self,
        root: Path,
        product: str,
        arguments: Sequence[str],
        say: Callable[[str], None],
        *,
        output: int = 1,
    ) -> None:
        """Start nothing yet. The program writes to our descriptor `output`."""
        self.root = root
        self.product = product
        self._command = [str(root / "build/bin" / product), *arguments]
        self._say = say
        self._output = output
        self._running: Running | None = None
        self._retired: list[tuple[Service, float, float]] = []  # when to ask it to end, and to kill
        self._digest = ""
        self._shim: str | None = None

    def update(self) -> bool:
        """Let the product run as it is now; tell whether that took a start."""
        data = files.read_if_exists(self.root / "build/bin" / self.product)
        if data is None:
            return False
        digest = digest_bytes(data)
        ended = self._running is None or self._running.service.status() is not None
        if digest == self._digest and not ended:
            return False
        self._digest = digest
        self._replace()
        return True

    def look(self) -> None:
        """Say if the program has ended by itself; end old ones that take too long."""
        if self._running is not None and (status := self._running.service.status()) is not None:
            self._running = None
            self._say(f"{self.product} ended by itself with status {status}")
        now = clock.monotonic()
        for service, asked, killed in self._retired:
            if now > killed:
                service.kill()
            elif now > asked:
                service.terminate()
        self._retired = [r for r in self._retired if r[0].status() is None]

    def wants(self) -> float | None:
        """Return the seconds until `look` has something to do; None: nothing is known to come."""
        now = clock.monotonic()
        times = [t - now for _, *both in self._retired for t in both if t > now]
        return min(times, default=0.0) if self._retired else None

    def stop(self) -> None:
        """End everything, in peace if that is soon."""
        services = [s for s, *_ in self._retired]
        services += [self._running.service] if self._running is not None else []
        for service in services:
            service.terminate()
        try:
            for service in services:
                service.wait(_PEACE)
        finally:  # however impatient the user is
            for service in services:
                service.kill()
            self._running, self._retired = None, []

    # ---- replacing -------------------------------------------------------------------------------

    def _replace(self) -> None:
        old = self._running if self._running and self._running.service.status() is None else None
        listeners = sockets.listening(old.service.pid) if old is not None else ()
        try:
            if old is not None and listeners and self._hand_over(old, listeners):
                return
        finally:
            for one in listeners:
                os.close(one)
        if old is not None:
            old.service.terminate()
            if not old.service.wait(_PEACE):
                old.service.kill()
        self._running = self._start({}, ())

    def _hand_over(self, old: Running, listeners: Sequence[int]) -> bool:
        """Start a new program that takes the sockets; tell whether there is no more to do."""
        reader, writer = os.pipe()
        given = {
            "ASMITH_LISTENERS": ",".join(map(str, listeners)),
            "ASMITH_READY": str(writer),
        }
        try:
            try:
                new = self._start(given, (*listeners, writer))
            finally:
                os.close(writer)
            words = _heard(reader, new.service)
        finally:
            os.close(reader)
        if new.service.status() is None:
            self._running = new
            old.retired[0] = 1  # from here on the new one alone accepts
            now = clock.monotonic()
            self._retired.append((old.service, now + _LINGER, now + _LINGER + _PEACE))
            return True
        if b"b" in words:  # it had the socket: it is the program that fails
            self._say(
                f"the new {self.product} ended at once with status {new.service.status()}; "
                "the old one goes on"
            )
            return True
        return False  # it could not bind, since the old one has its address

    def _start(self, environment: dict[str, str], descriptors: Sequence[int]) -> Running:
        flag = os.memfd_create("retired")
        try:
            os.ftruncate(flag, 1)
            given = {
                "LD_PRELOAD": self._preloaded(),
                "ASMITH_PRELOAD": os.environ.get("LD_PRELOAD", ""),
                "ASMITH_RETIRED": str(flag),
                **environment,
            }
            service = Service(
                self._command,
                cwd=self.root,
                environment=given,
                descriptors=(*descriptors, flag),
                output=self._output,
            )
            return Running(service, mmap.mmap(flag, 1))
        finally:
            os.close(flag)

    def _preloaded(self) -> str:
        """Return what to preload, made if need be."""
        if self._shim is None:
            target = self.root / _SHIM
            with as_file(resources("asmith.watch") / "handover.c") as source:
                files.make_directory(target.parent)
                command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(target), str(source)]
                done = process.run(command, cwd=self.root, install="gcc")
            if not done.ok:
                raise AsmithError(f"cannot make {_SHIM}", why=done.errors().strip())
            self._shim = str(target)
        return " ".join([self._shim, *os.environ.get("LD_PRELOAD", "").split()])


def _heard(reader: int, service: Service) -> bytes:
    """Return what a new program told by the time when it listens, has ended, or is late."""
    deadline = clock.monotonic() + _READY
    words = b""
    while b"l" not in words and clock.monotonic() < deadline:
        ready, _, _ = select.select([reader], [], [], 0.02)
        if ready:
            word = os.read(reader, 64)
            if not word:  # it was open in the program alone
                service.wait(1.0)
                break
            words += word
        if service.status() is not None:
            break
    return words


def check(config: Config, product: str) -> None:
    """Refuse a product that there is not, or that is no program."""
    if product not in config.products:
        raise UsageError(
            f"there is no product '{product}'{did_you_mean(product, tuple(config.products))}",
            help="products stand in [tool.asmith.products] of pyproject.toml",
        )
    if config.products[product].kind != "program":
        raise UsageError(f"product '{product}' is a library, which cannot be run")
