"""Single keys from a terminal, without Enter. The terminal is as it was afterwards."""

from __future__ import annotations

import os
import sys
import termios
import threading
import tty
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable


class Keys:
    """Calls back, on a thread of its own, with each key; without a terminal there are none."""

    def __init__(self, pressed: Callable[[str], None]) -> None:
        """Prepare to listen."""
        self._pressed = pressed
        self._before: list[object] | None = None
        self._handle = -1

    def __enter__(self) -> Self:
        if sys.stdin is None or not sys.stdin.isatty():
            return self
        self._handle = sys.stdin.fileno()
        try:
            if os.tcgetpgrp(self._handle) != os.getpgrp():
                return self  # in the background: reading would stop us
            self._before = termios.tcgetattr(self._handle)
            tty.setcbreak(self._handle)
        except (OSError, termios.error):
            self._before = None
            return self
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            termios.tcsetattr(self._handle, termios.TCSADRAIN, self._before)  # type: ignore[arg-type]
            self._before = None

    @property
    def open(self) -> bool:
        """Tell whether anybody can press a key."""
        return self._before is not None

    def _read(self) -> None:
        while self._before is not None:
            try:
                key = os.read(self._handle, 1)
            except OSError:
                return
            if not key:
                return
            self._pressed(key.decode("utf-8", "replace"))
