"""Copies of this process: what comes back from them, and that they end."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from asmith.errors import AsmithError, Place, UnavailableError
from asmith.host.workers import working
from asmith.model.finding import Finding
from asmith.model.plan import Step, StepKind
from asmith.run.jobs import FindingsError


def test_jobs_are_done_beside_each_other_by_copies_of_this_process() -> None:
    known = {"base": 10}
    with (
        working(2, lambda job: (os.getpid(), known["base"] + job)) as workers,
        ThreadPoolExecutor(3) as threads,
    ):
        made = list(threads.map(workers.run, range(20)))
    assert [value for _, value in made] == [10 + n for n in range(20)]
    pids = {pid for pid, _ in made}
    assert os.getpid() not in pids
    for pid in pids:  # they were waited for
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def test_an_error_comes_back_as_it_was_raised() -> None:
    finding = Finding("ABI001", "rsp is off by 8", "the ABI says so", "pop it", line=3)
    errors = [
        FindingsError(Step(StepKind.CHECK, "leaf"), [finding]),
        UnavailableError("no disk", where=Place("a", 1), why="full", help="free some"),
        UnavailableError("bare"),
        ValueError("a bug of ours"),
    ]

    def raised(number: int) -> None:
        raise errors[number]

    with working(1, raised) as workers:
        for number, error in enumerate(errors):
            with pytest.raises(type(error)) as info:
                workers.run(number)
            notes = vars(info.value).pop("__notes__", [])
            assert vars(info.value) == vars(error)
            assert info.value.args == error.args
            bug = not isinstance(error, AsmithError)
            assert [", in raised\n" in note for note in notes] == [True] * bug


def test_a_copy_that_is_killed_is_told_of_and_hangs_nobody() -> None:
    with working(1, lambda pid: os.kill(pid or os.getpid(), signal.SIGKILL)) as workers:
        for _ in range(2):
            with pytest.raises(UnavailableError) as info:
                workers.run(0)
    assert info.value.render() == (
        "error: a process that works for this build ended before its job\n"
        "why:  the system may have killed it for want of memory\n"
        "help: run the build again, with fewer steps at a time (-n)"
    )


def test_an_interrupt_is_for_the_first_process() -> None:
    with working(1, lambda pid: os.kill(os.getpid(), signal.SIGINT) or pid) as workers:
        assert workers.run(7) == 7


def test_copies_end_when_the_process_that_they_work_for_is_no_more() -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        with working(2, lambda job: job) as workers:
            workers.run(1)
            os.kill(os.getpid(), signal.SIGKILL)
    os.close(writer)
    os.waitpid(child, 0)
    assert os.read(reader, 1) == b""  # nobody holds the other end any more
    os.close(reader)
