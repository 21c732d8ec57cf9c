"""Copies of this process that work beside it: Python runs one thread at a time, so these are forks.

A copy knows all that this process knew when it was forked; jobs and results go through a pipe, by
pickle. It holds what this process holds open, a lock for one, until its last job is done: it ends
when the other end of its pipe is closed, which the kernel does for a process that was killed.
"""

from __future__ import annotations

import gc
import multiprocessing
import queue
import signal
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from asmith.errors import AsmithError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection


class Workers:
    """A number of copies of this process; each does one job at a time."""

    def __init__(self, count: int, work: Callable[[Any], Any]) -> None:
        """Fork `count` copies that answer each job with what `work` returns or raises."""
        context = multiprocessing.get_context("fork")
        self._ends: list[Connection] = []
        self._free: queue.SimpleQueue[Connection] = queue.SimpleQueue()
        self._processes = []
        gc.freeze()  # or the first collection in a copy writes to all pages
        try:
            for _ in range(count):
                ours, theirs = context.Pipe()
                self._ends.append(ours)
                process = context.Process(target=_serve, args=(theirs, self._ends, work))
                process.start()
                theirs.close()
                self._processes.append(process)
                self._free.put(ours)
        except OSError as error:
            self.close()
            raise UnavailableError(
                f"cannot start a process: {(error.strerror or str(error)).lower()}",
                help="run fewer steps at a time (-n)",
            ) from error
        finally:
            gc.unfreeze()

    def run(self, job: Any) -> Any:
        """Have a copy do a job, from whatever thread; return or raise what it does."""
        end = self._free.get()
        try:
            end.send(job)
            made, error = end.recv()
        except (EOFError, OSError) as lost:
            raise UnavailableError(
                "a process that works for this build ended before its job",
                why="the system may have killed it for want of memory",
                help="run the build again, with fewer steps at a time (-n)",
            ) from lost
        finally:
            self._free.put(end)
        if error is not None:
            raise error
        return made

    def close(self) -> None:
        """Let each copy end after the job that it has now."""
        for end in self._ends:
            end.close()
        for process in self._processes:
            process.join()


@contextmanager
def working(count: int, work: Callable[[Any], Any]) -> Iterator[Workers]:
    """Have copies of this process for a `with` block."""
    workers = Workers(count, work)
    try:
        yield workers
    finally:
        workers.close()


def _serve(jobs: Connection, ours: list[Connection], work: Callable[[Any], Any]) -> None:
    """Do jobs until there are no more; an interrupt is for the first process to heed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for end in ours:  # a pipe ends when nobody holds its other end
        end.close()
    try:
        while True:
            job = jobs.recv()
            try:
                jobs.send((work(job), None))
            except Exception as error:  # noqa: BLE001 -- whoever asked raises it
                if not isinstance(error, AsmithError):
                    error.add_note(traceback.format_exc())  # which does not go through a pipe
                jobs.send((None, error))
    except (EOFError, OSError):
        return
