"""`asmith watch` as a program of its own, driven by tests through its JSON lines."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from fakes.sample import Sample

PATIENCE = 60.0  # seconds, on a busy machine


class Watching:
    """A running `asmith watch --json` in a sample's project; it has built once when entered."""

    def __init__(self, sample: Sample, *arguments: str, **environment: str) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.notes: list[str] = []
        self.child = subprocess.Popen(
            [sys.executable, "-m", "asmith.cli.main", "watch", "--json", *arguments],
            cwd=sample.root,
            env=environment or None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        self.first = self.iteration()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def event(self, seconds: float = PATIENCE) -> dict[str, Any]:
        """Return the next line that it prints."""
        line = self._lines.get(timeout=seconds)
        assert line is not None, self.child.stderr and self.child.stderr.read()
        value: dict[str, Any] = json.loads(line)
        assert value["schema"] == 1
        return value

    def iteration(self, seconds: float = PATIENCE) -> dict[str, Any]:
        """Return the next iteration; notes before it are kept."""
        while True:
            value = self.event(seconds)
            if value["event"] == "iteration":
                return value
            self.notes.append(value["text"])

    def note(self, begin: str) -> str:
        """Return the next note that begins so."""
        while True:
            value = self.event()
            if value["event"] == "note" and value["text"].startswith(begin):
                return str(value["text"])

    def is_quiet(self, seconds: float = 1.0) -> bool:
        """Tell whether it prints nothing for a while."""
        try:
            self._lines.put(self._lines.get(timeout=seconds))
        except queue.Empty:
            return True
        return False

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """End it; return its exit status and what it said on standard error."""
        assert self.child.stdout is not None
        assert self.child.stderr is not None
        if self.child.stdout.closed:
            return self.child.returncode, ""
        self.child.send_signal(number)
        try:
            self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise
        self._reader.join(PATIENCE)
        said = self.child.stderr.read()
        self.child.stdout.close()
        self.child.stderr.close()
        return self.child.returncode, said
